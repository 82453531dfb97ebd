"""Relays folded into the weights of what reads them, and the gradients taken apart again; compiled loops."""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable
from functools import cache

__all__ = ["folding_loops"]


@cache
def folding_loops() -> tuple[Callable[..., None], Callable[..., None]]:
    """Return ``fold`` and ``unfold``.

    ``fold`` sets the weights of the sources themselves, and what the biases of the relays add to each unit:
    ``Σ w (s x + c) = Σ (w s) x + Σ w c``. ``unfold`` sets the gradients of weights, scales and biases of the relays
    from those of the folded weights and the units.
    """
    from keras_vnn.layers.fast._loops import compiled

    def fold(weights, scales, biases, relay_of, pointers, folded, added):
        for unit in range(len(pointers) - 1):
            total = 0 * weights[0] if len(weights) else 0
            for place in range(pointers[unit], pointers[unit + 1]):
                relay = relay_of[place]
                if relay < 0:
                    folded[place] = weights[place]
                else:
                    folded[place] = weights[place] * scales[relay]
                    total += weights[place] * biases[relay]
            added[unit] = total

    def unfold(of_folded, of_units, weights, scales, biases, relay_of, pointers, of_weights, of_scales, of_biases):
        of_scales[:] = 0
        of_biases[:] = 0
        for unit in range(len(pointers) - 1):
            upstream = of_units[unit]
            for place in range(pointers[unit], pointers[unit + 1]):
                relay = relay_of[place]
                if relay < 0:
                    of_weights[place] = of_folded[place]
                else:
                    of_weights[place] = of_folded[place] * scales[relay] + upstream * biases[relay]
                    of_scales[relay] += of_folded[place] * weights[place]
                    of_biases[relay] += upstream * weights[place]

    return compiled(fold), compiled(unfold)
