"""Pictures of one run: ratios by case, and times by density."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.claims import OURS

__all__ = ["COLOURS", "LABELS", "write_figures"]

# Of Okabe and Ito, apart for all kinds of colour vision; a contender keeps its colour in both pictures.
COLOURS = {
    OURS: "#0072B2",
    "masked dense": "#D55E00",
    "masked dense, XLA": "#E69F00",
    "dense": "#999999",
    "tf.sparse": "#009E73",
    "kpnn2": "#CC79A7",
    "torch CSR": "#56B4E9",
    "scipy": "#B8A000",
    "C limit": "#000000",
}
LABELS = {"masked dense": "dense × mask", "masked dense, XLA": "dense × mask, XLA"}
MARKS = {"C limit": "|"}


def write_figures(results: dict[str, Any], folder: Path) -> None:
    """Write ``performance-ratios.png`` and ``performance-densities.png``, those that the run has numbers for."""
    import matplotlib

    matplotlib.use("Agg")
    cases = {name: case["contenders"] for name, case in results["cases"].items() if OURS in case["contenders"]}
    densities = {name: of for name, of in cases.items() if name.startswith("2k")}
    others = {name: of for name, of in cases.items() if name not in densities}
    if others:
        _ratios(others, folder / "performance-ratios.png")
    if densities:
        _densities(densities, folder / "performance-densities.png")


def _ratios(cases: dict[str, Any], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 0.42 * len(cases) + 1.6), layout="constrained")
    for rival, colour in COLOURS.items():
        points = [
            (contenders[rival]["step"] / contenders[OURS]["step"], place)
            for place, contenders in enumerate(cases.values())
            if rival != OURS and "step" in contenders.get(rival, {})
        ]
        if points:
            mark = MARKS.get(rival, "o")
            size = {"markersize": 16, "markeredgewidth": 2.5} if mark == "|" else {"markersize": 8}
            axes.plot(
                *zip(*points, strict=True),
                linestyle="",
                marker=mark,
                color=colour,
                label=LABELS.get(rival, rival),
                **size,
            )
    axes.axvline(1, color=COLOURS[OURS], linewidth=2, label=OURS, zorder=0)
    axes.set(
        xscale="log",
        xlabel="time of a training step, as a multiple of keras-vnn's (forward, both gradients, Adam)",
        yticks=range(len(cases)),
        yticklabels=list(cases),
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.grid(axis="x", alpha=0.3)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _densities(cases: dict[str, Any], path: Path) -> None:
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name in ("masked dense", "dense", OURS):
        points = [
            (float(case.removeprefix("2k, ").removesuffix(" %")), contenders[name]["step"])
            for case, contenders in cases.items()
            if name in contenders
        ]
        width = 2.5 if name == OURS else 1.5
        axes.plot(*zip(*points, strict=True), "o-", color=COLOURS[name], linewidth=width, label=LABELS.get(name, name))
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="connections present, %",
        ylabel="training step, ms",
        title="2,000 × 2,000, batch 128",
    )
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
