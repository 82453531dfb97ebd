"""What the estimators share: the cells they are given, their parameters, how they train, and how they are pickled."""

from __future__ import annotations

import inspect
import os
import re
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from keras_vnn.architecture import Architecture, load_architecture
from keras_vnn.basics.errors import ConfigError, DataError, GeneError, check_choice, counted, did_you_mean
from keras_vnn.data import Labels, Split, Targets, split_cells
from keras_vnn.inspection import embed, embedding_units, node_activities
from keras_vnn.models import load_model, save_model
from keras_vnn.options import ModelOptions, Options, TrainingOptions
from keras_vnn.options import training_options as options_for_training
from keras_vnn.training import TrainingResult, train

if TYPE_CHECKING:
    import anndata

Wiring = Architecture | str | os.PathLike[str] | Callable[[Sequence[str]], Architecture] | None

_NAMES_BEHIND = (
    'Behind a step that takes names away, such as StandardScaler, keep them: pipeline.set_output(transform="pandas")'
)
_VALUES = {"accept_sparse": ("csr", "csc"), "dtype": (np.float64, np.float32)}


def is_anndata(data: Any) -> bool:
    """Return whether data are an AnnData."""
    return hasattr(data, "var_names") and hasattr(data, "obs_names")


def cells_and_targets(estimator: Any, data: Any, y: Any, **options: Any) -> tuple[anndata.AnnData, Any]:
    """Return cells and targets for ``fit``, and let the estimator remember the names of its columns.

    The values of an AnnData stay where they are, sparse or on disk.

    Raises
    ------
    DataError
        Data and targets have different numbers of cells.
    ValueError
        As scikit-learn words it.
    """
    if not is_anndata(data):
        if y is None:
            return _named(estimator, validate_data(estimator, data, **_VALUES)), None
        values, targets = validate_data(estimator, data, y, **_VALUES, **options)
        return _named(estimator, values), targets
    estimator.n_features_in_ = data.n_vars
    estimator.feature_names_in_ = np.asarray(data.var_names.astype(str), dtype=object)
    if isinstance(y, str):
        if y not in data.obs:
            raise DataError(
                f"The cells have no column {y!r}. The columns are: {', '.join(map(str, data.obs.columns))}."
            )
        y = data.obs[y]
    targets = None if y is None else np.asarray(y)
    if targets is not None and len(targets) != data.n_obs:
        raise DataError(f"Got {counted(len(targets), 'target')} for {counted(data.n_obs, 'cell')}. Pass one per cell.")
    return data, targets


def architecture_for(estimator: Any, wiring: Wiring) -> Architecture:
    """Return the architecture of an estimator for the columns it was given.

    Raises
    ------
    ConfigError
        There is none, or it is none of what an estimator takes.
    DataError
        Columns without names are not as many as the genes of the architecture.
    """
    if isinstance(wiring, Architecture):
        return _checked(estimator, wiring)
    if isinstance(wiring, str | os.PathLike):
        return _checked(estimator, load_architecture(wiring))
    if callable(wiring):
        try:
            found = wiring(_column_names(estimator))
        except GeneError as error:
            if hasattr(estimator, "feature_names_in_"):
                raise
            raise GeneError(f"{error}\nThe columns have no names. {_NAMES_BEHIND}") from error
        if isinstance(found, Architecture):
            return found
        raise ConfigError(
            f"The function given as architecture must return an Architecture, got {type(found).__name__}.\n"
            "For example: functools.partial(vnn.wire.interactions, interactions=ppi)"
        )
    if wiring is not None:
        raise ConfigError(
            f"architecture must be an Architecture, the file of one, or a function of gene names that makes one; "
            f"got {type(wiring).__name__}."
        )
    raise ConfigError(
        f"{type(estimator).__name__} needs an architecture: without prior knowledge its nodes would have no names.\n"
        f"    {type(estimator).__name__}(vnn.wire.interactions(genes, ppi, tf))\n"
        f"    {type(estimator).__name__}(functools.partial(vnn.wire.interactions, interactions=ppi))"
    )


def _checked(estimator: Any, arch: Architecture) -> Architecture:
    if not hasattr(estimator, "feature_names_in_") and estimator.n_features_in_ != len(arch.genes):
        raise DataError(
            f"The data have {counted(estimator.n_features_in_, 'column')} without names, the architecture "
            f"{counted(len(arch.genes), 'gene')}.\nPass a DataFrame or an AnnData: columns are found by name. "
            f"{_NAMES_BEHIND}"
        )
    if not hasattr(estimator, "feature_names_in_"):
        estimator._column_names = arch.genes
    return arch


def _column_names(estimator: Any) -> tuple[str, ...]:
    """Return names of the columns; ``x0``, ``x1``, … where there are none, as everywhere in scikit-learn."""
    known = getattr(estimator, "feature_names_in_", None)
    if known is not None:
        return tuple(map(str, known))
    return tuple(getattr(estimator, "_column_names", None) or (f"x{i}" for i in range(estimator.n_features_in_)))


def _named(estimator: Any, values: Any) -> anndata.AnnData:
    import anndata

    names = pd.DataFrame(index=list(_column_names(estimator)))
    return anndata.AnnData(values, obs=pd.DataFrame(index=pd.RangeIndex(values.shape[0]).astype(str)), var=names)


OUTPUTS = ("nodes", "embedding")


class Network(TransformerMixin, BaseEstimator):
    """A network that is built and trained by ``fit``; ``None`` always means the value of the preset, or the default.

    Parameters
    ----------
    architecture
        An `Architecture` or the file of one: columns are found by name, and there may be more than it needs. Or a
        function that makes an architecture for the names of the columns, such as
        ``functools.partial(interaction_architecture, interactions=ppi)``: in a pipeline, or where columns are chosen
        within cross-validation, the wiring follows the columns. There is no default: without prior knowledge there is
        no visible network, and an anonymous dense one would only look like one.
    preset
        Published options of model and training, e.g. ``lin2017``; see `MODEL_PRESETS`.
    {options}
        Every option of `ModelOptions` and `TrainingOptions`.
    model, training
        The same as mappings, of names that are chosen elsewhere; ``training`` may be `TrainingOptions`.
    validation_fraction
        Validation fraction: share of the cells of ``fit`` held out for early stopping; none with ``patience=0``.
    pretraining
        `PretrainingOptions` to begin with.
    missing
        What to do about genes that an AnnData lacks: ``raise``, ``zero`` or ``mean``.
    output
        What `transform` gives: ``nodes``, the activities of all named nodes, or ``embedding``, the last hidden layer.
    random_state
        Of initial weights, order of cells and split.
    verbose
        Show a line of progress.

    Notes
    -----
    Columns of a DataFrame must be those of ``fit``, in their order, as scikit-learn wants it; the genes of an AnnData
    are found by name in any order. An array has no names: its columns are taken to be the genes of the architecture.
    """

    # What the model can be told, and what training can beyond TrainingOptions.
    _of_model: ClassVar[type[Options]] = ModelOptions
    _of_objective: ClassVar[type[Options] | None] = None
    # How to train without a preset, where it is not as TrainingOptions has it.
    _usual: ClassVar[Mapping[str, Any]] = {}
    # Parameters that are not options, with their defaults.
    parameters: ClassVar[Mapping[str, Any]] = {
        "preset": None,
        "validation_fraction": 0.15,
        "model": None,
        "training": None,
        "pretraining": None,
        "missing": "raise",
        "output": "nodes",
        "random_state": None,
        "verbose": False,
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a signature, which scikit-learn reads, and its docstring what all of them say."""
        super().__init_subclass__(**kwargs)

        def __init__(self: Network, architecture: Wiring = None, **given: Any) -> None:
            Network.__init__(self, architecture, **given)

        signature = inspect.signature(__init__)
        further = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            for name, default in cls._defaults().items()
        ]
        first = list(signature.parameters.values())[:2]
        __init__.__signature__ = signature.replace(parameters=[*first, *further])  # type: ignore[attr-defined]
        cls.__init__ = __init__  # type: ignore[method-assign]
        if cls.__doc__ and Network.__doc__:
            names = ", ".join(name for name in cls._defaults() if name not in cls.parameters)
            _, parameters, notes = re.split(r"\n\n(?=Parameters\n|Notes\n)", inspect.cleandoc(Network.__doc__))
            said = {"parameters": parameters, "notes": notes, "options": "\n    ".join(textwrap.wrap(names, 108))}
            for name, text in said.items():
                cls.__doc__ = inspect.cleandoc(cls.__doc__).replace(f"{{{name}}}", text)

    def __init__(self, architecture: Wiring = None, **given: Any) -> None:
        defaults = self._defaults()
        for name in given:
            if name not in defaults:
                hint = did_you_mean(name, ["architecture", *defaults]) or f"Known: {', '.join(defaults)}."
                raise ConfigError(f"Unknown parameter {name!r} of {type(self).__name__}. {hint}")
        self.architecture = architecture
        for name, default in defaults.items():
            setattr(self, name, given.get(name, default))

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return the defaults of all parameters but the architecture."""
        kinds = [kind for kind in (cls._of_model, TrainingOptions, cls._of_objective) if kind is not None]
        options = dict.fromkeys(name for kind in kinds for name in kind.names() if name != "seed")
        return {**cls.parameters, **options}

    # ---- training -----------------------------------------------------------------------------------------

    def _fitted(self, trainer: Any, cells: Any, known: Labels | Targets | None, **further: Any) -> None:
        """Train by one of the functions of `keras_vnn.training`, and keep what it gives."""
        check_choice("output", self.output, OUTPUTS)
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
            **({} if getattr(self, "pretraining", None) is None else {"pretraining": self.pretraining}),
            **({} if trainer is train else self._given(self._of_objective)),
            **further,
            **{**self._given(self._of_model), **dict(self.model or {})},
        )
        self.architecture_ = arch
        self.model_ = result.model
        self.history_ = result.history

    def _training(self) -> TrainingOptions:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if isinstance(self.training, TrainingOptions):
            # A whole value has a seed of its own; what is set here changes it.
            own = {} if self.random_state is None else {"seed": seed}
            return self.training.changed(**self._given(TrainingOptions), **own)
        given = {**({} if self.preset else self._usual), **self._given(TrainingOptions)}
        return options_for_training(self.preset, **{**given, "seed": seed, **dict(self.training or {})})

    def _given(self, kind: type[Options] | None) -> dict[str, Any]:
        """Return the options of a kind that are set."""
        names = [] if kind is None else [name for name in kind.names() if name != "seed"]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _split(self, known: Labels | Targets | int, options: TrainingOptions) -> Split:
        """Return all cells for training, or some held out for validation; ``known`` may be their number alone."""
        share = float(self.validation_fraction) if options.patience else 0.0
        fractions = (1 - share, share, 0)
        if isinstance(known, int):
            return split_cells(range(known), fractions=fractions, seed=options.seed, stratify=False)
        return split_cells(known, fractions=fractions, seed=options.seed)

    # ---- after it -----------------------------------------------------------------------------------------

    def _cells(self, data: Any) -> anndata.AnnData:
        """Return cells to ask the network about: an AnnData as it is, found by name; others as they were in ``fit``."""
        check_is_fitted(self, "model_")
        return data if is_anndata(data) else _named(self, validate_data(self, data, reset=False, **_VALUES))

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
