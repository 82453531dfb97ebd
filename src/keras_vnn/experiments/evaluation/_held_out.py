"""Which types of cells are held out, to be clustered by a network that has never seen them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_vnn.basics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["held_out_types"]


def held_out_types(labels: ArrayLike, count: int, *, repeat: int, seed: int = 0) -> tuple[str, ...]:
    """Draw types of cells to hold out.

    Parameters
    ----------
    labels
        The type of each cell.
    count
        How many types to hold out; at least two are left to train on.
    repeat
        Number of the draw.
    seed
        Of all draws.

    Returns
    -------
    tuple of str
        Names, sorted; the same for the same types, ``count``, ``repeat`` and ``seed``.

    Raises
    ------
    DataError
        There are too few types.

    Examples
    --------
    >>> held_out_types(["B", "T", "NK", "Mono", "DC"], 2, repeat=0)
    ('Mono', 'T')
    """
    import numpy as np

    types = sorted({str(name) for name in np.asarray(getattr(labels, "names", labels), dtype=object)})
    if not 2 <= count <= len(types) - 2:
        raise DataError(
            f"Of {len(types)} types, 2 to {max(len(types) - 2, 0)} can be held out so that 2 are left to train on; "
            f"got {count}."
        )
    drawn = np.random.default_rng([seed, count, repeat]).permutation(len(types))[:count]
    return tuple(types[number] for number in sorted(drawn))
