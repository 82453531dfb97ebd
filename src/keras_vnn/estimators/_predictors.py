"""The estimators of tables: `VNNClassifier`, `VNNRegressor`, `VNNEmbedder` and `VNNAutoencoder`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, column_or_1d

from keras_vnn.basics.errors import DataError, check_choice
from keras_vnn.data import Classes, Labels, Targets, align, reconstruction_metrics
from keras_vnn.estimators._network import Network, cells_and_targets
from keras_vnn.inspection import predict
from keras_vnn.models import view
from keras_vnn.options import ADAM_EPSILON, AutoencoderOptions, AutoencoderTraining, EmbeddingOptions
from keras_vnn.training import train, train_autoencoder, train_embedding


class VNNClassifier(ClassifierMixin, Network):
    """A classifier whose hidden nodes have names, for scikit-learn.

    {parameters}

    Attributes
    ----------
    classes_
        The classes, sorted.
    model_
        The Keras model, for `tl.rank_nodes`, `tl.inspect_node` and the like.
    architecture_
        Its architecture.
    history_
        A row of losses per epoch.

    {notes}

    Examples
    --------
    >>> import functools, keras_vnn as vnn
    >>> ppi = vnn.read.Interactions.from_pairs(["A", "B"], ["B", "C"])
    >>> wiring = functools.partial(vnn.wire.interactions, interactions=ppi)
    >>> classifier = VNNClassifier(wiring, dropout=0.5)
    >>> classifier.get_params()["dropout"]
    0.5
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> VNNClassifier:
        """Build a network for the columns and train it.

        Parameters
        ----------
        X
            AnnData, DataFrame, array or scipy sparse matrix ``(cells, genes)``.
        y
            The class of each cell; for an AnnData also the name of a column of its ``obs``.
        sample_weight
            ``(cells,)`` weight of each in the loss.

        Raises
        ------
        VNNError
            There is no architecture, the data do not fit it, or there is one class only.
        """
        cells, self.classes_, known = cells_and_labels(self, X, y, "class")
        if len(self.classes_) < 2:
            raise DataError(f"The labels name one class only, {self.classes_[0]}: there is nothing to tell apart.")
        self._fitted(train, cells, known, sample_weight=weights_of(sample_weight, cells))
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, ``(cells, classes)`` in the order of ``classes_``."""
        cells = self._cells(X)
        values = predict(self.model_, cells, missing=self.missing).to_numpy(np.float64)
        return np.asarray(values / values.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each cell."""
        probable = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[probable])


class VNNRegressor(RegressorMixin, Network):
    """A network that predicts one or more numbers and whose hidden nodes have names, for scikit-learn.

    {parameters}

    Attributes
    ----------
    model_
        The Keras model.
    architecture_
        Its architecture.
    history_
        A row of losses per epoch.

    {notes}

    Targets are not scaled: for large ones use ``sklearn.compose.TransformedTargetRegressor``.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> VNNRegressor:
        """Build a network for the columns and train it.

        Parameters
        ----------
        X
            AnnData, DataFrame, array or scipy sparse matrix ``(cells, genes)``.
        y
            Numbers ``(cells,)`` or ``(cells, targets)``; for an AnnData also the name of a column of its ``obs``.
        sample_weight
            ``(cells,)`` weight of each in the loss.

        Raises
        ------
        VNNError
            There is no architecture, or the data do not fit it.
        """
        cells, targets = cells_and_targets(self, X, _required(self, y), multi_output=True, y_numeric=True)
        values = np.asarray(targets, np.float32)
        self._is_flat = values.ndim == 1
        values = values.reshape(len(values), -1)
        names = tuple(f"y{i}" for i in range(values.shape[1]))
        weights = weights_of(sample_weight, cells)
        self._fitted(train, cells, Targets(names, values, np.arange(len(values))), sample_weight=weights)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the numbers predicted, in the shape of the ``y`` of ``fit``."""
        cells = self._cells(X)
        values = predict(self.model_, cells, missing=self.missing).to_numpy(np.float64)
        return np.asarray(values[:, 0] if self._is_flat else values)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn should know."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def cells_and_labels(estimator: Any, X: Any, y: Any, what: str) -> tuple[Any, NDArray[Any], Labels]:
    """Return the cells as an AnnData, the values of ``y`` that occur, sorted, and which each cell has."""
    cells, targets = cells_and_targets(estimator, X, _required(estimator, y))
    targets = column_or_1d(targets, warn=True)
    check_classification_targets(targets)
    found, codes = np.unique(targets, return_inverse=True)
    names = Classes(tuple(map(str, found)))
    return cells, found, Labels(what, names, np.asarray(codes, np.int32), np.arange(len(codes)))


def weights_of(weights: Any, cells: Any) -> Any:
    """Return weights of cells as scikit-learn reads them: ``None`` for none, one number for all, or one per cell."""
    return None if weights is None else _check_sample_weight(weights, cells.obs)


def _required(estimator: Any, y: Any) -> Any:
    if y is None:
        raise DataError(
            f"requires y to be passed, but the target y is None: {type(estimator).__name__}.fit(cells, labels)"
        )
    return y


OBJECTIVES = ("triplet", "siamese", "classifier")


class VNNEmbedder(Network):
    """A network that puts cells of one type close together, for scikit-learn.

    `transform` gives the last hidden layer by default, whose units are named nodes and the dense units next to them, or
    those of the tail.

    {parameters}

    objective
        ``triplet`` or ``siamese``, see `train_embedding`; ``classifier`` trains a head and takes it off.

    Attributes
    ----------
    model_
        The Keras model.
    architecture_
        Its architecture.
    history_
        A row of losses per epoch.

    {notes}
    """

    _of_objective = EmbeddingOptions
    parameters: ClassVar[Mapping[str, Any]] = {**Network.parameters, "objective": "triplet", "output": "embedding"}

    def fit(self, X: Any, y: Any = None) -> VNNEmbedder:
        """Build a network for the columns and train it.

        Parameters
        ----------
        X
            AnnData, DataFrame, array or scipy sparse matrix ``(cells, genes)``.
        y
            The type of each cell; for an AnnData also the name of a column of its ``obs``.

        Raises
        ------
        VNNError
            There is no architecture, the data do not fit it, or there is one type only.
        """
        check_choice("objective", self.objective, OBJECTIVES)
        cells, _, known = cells_and_labels(self, X, y, "type")
        if self.objective == "classifier":
            self._fitted(train, cells, known)
        else:
            self._fitted(train_embedding, cells, known, objective=self.objective)
        return self

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn should know."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class VNNAutoencoder(Network):
    """An autoencoder whose decoder is an architecture read backwards, for scikit-learn.

    It needs no labels, see `train_autoencoder`. `transform` gives the activities of all named nodes, or the latent
    values.

    Parameters
    ----------
    architecture
        As of `VNNClassifier`.
    preset
        ``vega`` or ``onto-vae``: options of model and training; without one, training is by z-scores and Adam as Keras
        has it.
    {options}
        Every option of `AutoencoderOptions` and `TrainingOptions`, and of the training of an autoencoder.
    model, training
        The same as mappings, of names that are chosen elsewhere.
    validation_fraction
        Validation fraction: share of the cells of ``fit`` held out for early stopping; none with ``patience=0``.
    missing
        What to do about genes that an AnnData lacks: ``raise``, ``zero`` or ``mean``.
    output
        What `transform` gives: ``nodes``, the activities of all named nodes, or ``embedding``, the latent values.
    random_state
        Of initial weights, noise, order of cells and split.
    verbose
        Show a line of progress.

    Attributes
    ----------
    model_
        The Keras model, for `tl.autoencoder_activities`, `tl.differential_activity` and the like.
    architecture_
        Its architecture.
    history_
        A row of losses per epoch.

    {notes}
    """

    _of_model = AutoencoderOptions
    _of_objective = AutoencoderTraining
    _usual: ClassVar[Mapping[str, Any]] = {"normalization": "zscore", "learning_rate": 1e-3, "epsilon": ADAM_EPSILON}
    parameters: ClassVar[Mapping[str, Any]] = {
        name: default for name, default in Network.parameters.items() if name != "pretraining"
    }

    def fit(self, X: Any, y: Any = None) -> VNNAutoencoder:
        """Build an autoencoder for the columns and train it.

        Parameters
        ----------
        X
            AnnData, DataFrame, array or scipy sparse matrix ``(cells, genes)``.
        y
            Not used.

        Raises
        ------
        VNNError
            There is no architecture, or the data do not fit it.
        """
        cells, _ = cells_and_targets(self, X, None)
        self._fitted(train_autoencoder, cells, None)
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Return the share of the variance over cells that is restored, all genes together: 1 is the best.

        Parameters
        ----------
        X
            As of `transform`.
        y
            Not used.
        """
        cells = self._cells(X)
        truth = align(cells, self.architecture_, normalization=view(self.model_).normalization, missing=self.missing)
        restored = predict(self.model_, cells, missing=self.missing).to_numpy()
        return reconstruction_metrics([(truth, restored)]).explained or 0.0
