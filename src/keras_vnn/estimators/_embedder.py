"""`VNNEmbedder`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from keras_vnn.basics.errors import check_choice
from keras_vnn.estimators._network import Network
from keras_vnn.estimators._predictors import _COLUMNS, _PARAMETERS, cells_and_labels
from keras_vnn.options import EmbeddingOptions
from keras_vnn.training import train, train_embedding

__all__ = ["VNNEmbedder"]

OBJECTIVES = ("triplet", "siamese", "classifier")


class VNNEmbedder(Network):
    __doc__ = f"""A network that puts cells of one type close together, for scikit-learn.

    `transform` gives the last hidden layer by default, whose units are named nodes and the dense units next to them, or
    those of the tail.
{_PARAMETERS}
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
{_COLUMNS}
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
