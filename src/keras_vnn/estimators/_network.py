"""What the estimators share: their parameters, how they train, and how they are pickled."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from keras_vnn.data import Labels, Split, Targets, split_cells
from keras_vnn.errors import ConfigError, did_you_mean
from keras_vnn.estimators._cells import Wiring, architecture_for, cells_of
from keras_vnn.inspection import embed, embedding_units, node_activities
from keras_vnn.models import load_model, save_model
from keras_vnn.options import PretrainingOptions, TrainingOptions
from keras_vnn.options import training_options as options_for_training
from keras_vnn.training import TrainingResult

__all__ = ["Network"]

_OF_TRAINING = ("normalization", "optimizer", "learning_rate", "batch_size", "epochs", "patience")
OUTPUTS = ("nodes", "embedding")


class Network(TransformerMixin, BaseEstimator):
    """A network that is built and trained by ``fit``.

    Subclasses document the parameters; ``None`` always means the value of the preset, or the default.
    """

    # Options of the model that are parameters.
    _of_model: ClassVar[tuple[str, ...]] = ("tail", "activation", "dropout", "l2")

    def __init__(
        self,
        architecture: Wiring = None,
        *,
        preset: str | None = None,
        normalization: str | None = None,
        tail: tuple[int, ...] | None = None,
        activation: str | None = None,
        dropout: float | None = None,
        l2: float | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.15,
        model_options: Mapping[str, Any] | None = None,
        training_options: Mapping[str, Any] | None = None,
        pretraining: PretrainingOptions | None = None,
        missing: str = "raise",
        output: str = "nodes",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.architecture = architecture
        self.preset = preset
        self.normalization = normalization
        self.tail = tail
        self.activation = activation
        self.dropout = dropout
        self.l2 = l2
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.model_options = model_options
        self.training_options = training_options
        self.pretraining = pretraining
        self.missing = missing
        self.output = output
        self.random_state = random_state
        self.verbose = verbose

    # ---- training -----------------------------------------------------------------------------------------

    def _fitted(self, trainer: Any, cells: Any, known: Labels | Targets | None, **further: Any) -> None:
        """Train by one of the functions of `keras_vnn.training`, and keep what it gives."""
        if self.output not in OUTPUTS:
            hint = did_you_mean(str(self.output), OUTPUTS)
            raise ConfigError(f"output must be nodes or embedding, got {self.output!r}. {hint}".rstrip())
        arch = architecture_for(self, self.architecture)
        if not hasattr(self, "feature_names_in_"):
            cells = cells.copy()
            cells.var_names = list(getattr(self, "_column_names", cells.var_names))
        options = self._training()
        result: TrainingResult = trainer(
            arch,
            cells,
            known,
            training=options,
            split=self._split(cells.n_obs if known is None else known, options),
            missing=self.missing,
            preset=self.preset,
            progress=bool(self.verbose),
            **({} if self.pretraining is None else {"pretraining": self.pretraining}),
            **further,
            **self._model(),
        )
        self.architecture_ = arch
        self.model_ = result.model
        self.history_ = result.history

    def _training(self) -> TrainingOptions:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        given = {name: getattr(self, name) for name in _OF_TRAINING}
        return options_for_training(self.preset, **{**given, "seed": seed, **dict(self.training_options or {})})

    def _model(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in self._of_model if getattr(self, name) is not None}
        return {**given, **dict(self.model_options or {})}

    def _split(self, known: Labels | Targets | int, options: TrainingOptions) -> Split:
        """Return all cells for training, or some held out to stop early by; ``known`` may be their number alone."""
        share = float(self.validation_fraction) if options.patience else 0.0
        fractions = (1 - share, share, 0)
        if isinstance(known, int):
            return split_cells(range(known), fractions=fractions, seed=options.seed, stratify=False)
        return split_cells(known, fractions=fractions, seed=options.seed)

    # ---- after it -----------------------------------------------------------------------------------------

    def _cells(self, data: Any) -> Any:
        check_is_fitted(self, "model_")
        return cells_of(self, data)

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return what the units of the named nodes do in each cell; or, as ``output`` says, those of the embedding.

        Parameters
        ----------
        X
            AnnData, found by name; or a table or array with the columns of ``fit``.

        Returns
        -------
        numpy.ndarray
            float32 ``(cells, units)``, a column for each of `get_feature_names_out`; with
            ``set_output(transform="pandas")`` a DataFrame.
        """
        ask = node_activities if self.output == "nodes" else embed
        return np.asarray(ask(self.model_, self._cells(X), missing=self.missing).X)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns of `transform`: ids of nodes, with the unit where a node has several."""
        from keras_vnn.inspection import unit_table

        check_is_fitted(self, "model_")
        table = unit_table(self.architecture_) if self.output == "nodes" else embedding_units(self.model_)
        return np.asarray(table.index, dtype=object)

    @property
    def _n_features_out(self) -> int:
        return len(self.get_feature_names_out())

    # ---- pickling -----------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with the network as the bytes of a ``.keras`` file, which holds no code."""
        state = dict(super().__getstate__())
        if "model_" in state:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "model.keras")
                save_model(state["model_"], path)
                state["model_"] = path.read_bytes()
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Load the network in Keras's safe mode."""
        restored = dict(state)
        if isinstance(restored.get("model_"), bytes):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "model.keras")
                path.write_bytes(restored["model_"])
                restored["model_"] = load_model(os.fspath(path))
        super().__setstate__(restored)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn should know."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.non_deterministic = False
        tags.transformer_tags.preserves_dtype = ["float32"]  # what units do is float32, whatever came in
        return tags
