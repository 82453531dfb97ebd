"""What the layer is held to: each demand, what was measured, and whether it is met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.cases import CASES, DENSITIES

__all__ = ["CLAIMS", "Claim", "judged"]

OURS = "keras-vnn"
LIN, LARGE, LARGE_256 = "Lin, batch 32", "20k, batch 32", "20k, batch 256"
XLA = "20k, batch 32, XLA"


@dataclass(frozen=True)
class Claim:
    """One line of the summary.

    Attributes
    ----------
    what
        Words for it.
    unit
        Of the numbers: ``×`` for how many times faster.
    must, aim
        What is demanded and what is hoped for; None where nothing is.
    measure
        Returns the number from the results of a run, or None when the run lacks it.
    is_more_better
        Whether the number must reach its bound or stay within it.
    """

    what: str
    unit: str
    must: float | None
    aim: float | None
    measure: Callable[[dict[str, Any]], float | None]
    is_more_better: bool = False

    def judge(self, results: dict[str, Any]) -> tuple[float | None, str]:
        """Return the number and what to say of it."""
        value = self.measure(results)
        if value is None:
            return None, "not measured"
        if self._holds(value, self.aim):
            return value, "met, and the aim" if self.must is not None else "aim met"
        if self.must is None:
            return value, "aim missed" if self.aim is not None else "–"
        return value, "met" if self._holds(value, self.must) else "MISSED"

    def _holds(self, value: float, bound: float | None) -> bool:
        return bound is not None and (value >= bound if self.is_more_better else value <= bound)


def _number(results: dict[str, Any], case: str, contender: str, what: str) -> float | None:
    found = results["cases"].get(case, {}).get("contenders", {}).get(contender, {}).get(what)
    return None if found is None else float(found)


def _faster_than(case: str, rival: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda results: _divided(_number(results, case, rival, "step"), _number(results, case, OURS, "step"))


def _slower_than(case: str, rival: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda results: _divided(_number(results, case, OURS, "step"), _number(results, case, rival, "step"))


def _divided(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below is not None else None


def _worst_density(results: dict[str, Any]) -> float | None:
    found = []
    for density in DENSITIES:
        case = f"2k, {100 * density:g} %"
        times = [_number(results, case, name, "step") for name in ("dense", "masked dense", OURS)]
        if None in times:
            return None
        found.append(min(times[:2]) / times[2])  # type: ignore[type-var,operator]
    return min(found)


def _whole(name: str, what: str, scale: float) -> Callable[[dict[str, Any]], float | None]:
    def measure(results: dict[str, Any]) -> float | None:
        found = results.get(name, {}).get(what)
        return None if found is None else scale * float(found)

    return measure


def _over_limit(name: str, what: str) -> Callable[[dict[str, Any]], float | None]:
    ours, limit = _whole(name, what, 1), _whole(name, f"limit of {what}", 1)
    return lambda results: _divided(ours(results), limit(results))


def _on_backend(name: str) -> Callable[[dict[str, Any]], float | None]:
    """Return how many times faster ours is than dense × mask, both on one backend."""

    def measure(results: dict[str, Any]) -> float | None:
        found = results.get("Backends", {}).get(name, {})
        ours, masked = (found.get(contender, {}).get("step") for contender in (OURS, "masked dense"))
        return _divided(masked, ours)

    return measure


CLAIMS = (
    Claim(
        "9,437 × 700, 66k connections, batch 32, against dense × mask",
        "× faster",
        6,
        12,
        _faster_than(LIN, "masked dense"),
        True,
    ),
    Claim(
        "20k × 20k, 600k connections, batch 32, against dense × mask",
        "× faster",
        50,
        80,
        _faster_than(LARGE, "masked dense"),
        True,
    ),
    Claim(
        "the same against dense × mask with XLA",
        "× faster",
        None,
        None,
        _faster_than(XLA, "masked dense, XLA"),
        True,
    ),
    Claim("the same against `kpnn2` `PackedLinear`", "× faster", 15, 30, _faster_than(LARGE, "kpnn2"), True),
    Claim("the same against the C limit", "× its time", 2.5, 1.6, _slower_than(LARGE, "C limit")),
    Claim("batch 256 against the C limit", "× its time", 2, 1.4, _slower_than(LARGE_256, "C limit")),
    Claim(
        "2,000 × 2,000, 0.01 % to 100 %, batch 128, the worst against the better of dense and dense × mask",
        "× as fast",
        0.9,
        1,
        _worst_density,
        True,
    ),
    Claim("DrugCell's topology, 6 units, batch 64", "ms", 35, 15, _whole("DrugCell", "batch 64", 1e3)),
    Claim("DrugCell's topology, 6 units, batch 512", "ms", 200, 100, _whole("DrugCell", "batch 512", 1e3)),
    Claim("the same, batch 64, against the C limit", "× its time", 3, 2, _over_limit("DrugCell", "batch 64")),
    Claim("the same, batch 512, against the C limit", "× its time", 2, 1.5, _over_limit("DrugCell", "batch 512")),
    Claim("DCell's size, 20.9 M connections, batch 600", "s", 2, 0.8, _whole("DCell size", "batch 600", 1)),
    Claim(
        "peak memory above the import of Keras, 20k × 20k, batch 32",
        "MB",
        600,
        300,
        lambda results: _number(results, LARGE, OURS, "peak MB"),
    ),
    Claim(
        "a step of `model.fit` against the bare step, 20k × 20k, batch 32",
        "× its time",
        1.3,
        None,
        lambda results: _divided(_number(results, LARGE, OURS, "fit"), _number(results, LARGE, OURS, "first")),
    ),
    Claim(
        "a step of `fit` on JAX, 20k × 20k, batch 32, against dense × mask",
        "× faster",
        5,
        None,
        _on_backend("jax"),
        True,
    ),
    Claim("the same on PyTorch", "× faster", 5, None, _on_backend("torch"), True),
)


def judged(results: dict[str, Any]) -> list[str]:
    """Return the summary as a Markdown table."""
    assert {LIN, LARGE, LARGE_256, XLA} <= CASES.keys()
    lines = ["| demand | must | aim | measured | |", "|---|---|---|---|---|"]
    for claim in CLAIMS:
        value, verdict = claim.judge(results)
        must, aim, measured = (
            "–" if number is None else f"{sign}{number:{form}} {claim.unit}"
            for number, sign, form in (
                (claim.must, "≥ " if claim.is_more_better else "≤ ", "g"),
                (claim.aim, "≥ " if claim.is_more_better else "≤ ", "g"),
                (value, "", ".3g" if value is None or value < 1000 else ",.0f"),
            )
        )
        lines.append(f"| {claim.what} | {must} | {aim} | {measured} | {verdict} |")
    return lines
