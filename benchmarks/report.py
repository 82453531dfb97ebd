"""Tables and a figure from the numbers of one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["write_report"]


def write_report(results: dict[str, Any], folder: Path) -> str:
    """Write ``report.md`` and ``ratios.png`` into the folder; return the text."""
    lines = ["Machine: " + ", ".join(f"{key} {value}" for key, value in results["machine"].items() if value), ""]
    for what, title in (
        ("bare", "Training step (forward, gradients, Adam), milliseconds"),
        ("step", "The same as Keras runs it"),
        ("predict", "Prediction of a batch, milliseconds"),
        ("peak MB", "Peak memory above imports, MB"),
    ):
        lines += _table(results["cases"], what, title)
    for name, case in results["cases"].items():
        ours = case["contenders"].get("keras-vnn", {})
        if "fit" in ours:
            lines.append(
                f"{name}: one step of `model.fit` {ours['fit']:.2f} ms, bare step {ours['bare']:.2f} ms; "
                f"building {1e3 * ours['build']:.0f} ms; kernel {ours['kernel']}."
            )
    lines += [f"{name}: {results[name]}" for name in ("DrugCell", "DCell size") if name in results]
    text = "\n".join(lines) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8")
    _figure(results["cases"], folder / "ratios.png")
    return text


def _table(cases: dict[str, Any], what: str, title: str) -> list[str]:
    rivals: list[str] = []
    for case in cases.values():
        rivals += [name for name in case["contenders"] if name != "keras-vnn" and name not in rivals]
    lines = [f"### {title}", "", "| case | keras-vnn | " + " | ".join(rivals) + " |", "|---" * (len(rivals) + 2) + "|"]
    for name, case in cases.items():
        contenders = case["contenders"]
        ours = contenders.get("keras-vnn", {}).get(what)
        cells = []
        for rival in rivals:
            theirs = contenders.get(rival, {})
            value = theirs.get(what, theirs.get("step") if what == "bare" else None)
            cells.append(f"{value:,.2f} ({value / ours:.2g}×)" if value and ours else "–")
        lines.append(f"| {name} | {ours:,.2f} | " + " | ".join(cells) + " |" if ours else f"| {name} | – |")
    return [*lines, ""]


def _figure(cases: dict[str, Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name in cases if "keras-vnn" in cases[name]["contenders"]]
    if not names:
        return
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1.5), layout="constrained")
    rivals = sorted({rival for name in names for rival in cases[name]["contenders"]} - {"keras-vnn"})
    for rival in rivals:
        points = []
        for place, name in enumerate(names):
            theirs = cases[name]["contenders"].get(rival, {})
            ours = cases[name]["contenders"]["keras-vnn"]["bare"]
            if "step" in theirs:
                points.append((theirs.get("bare", theirs["step"]) / ours, place))
        axes.plot(*zip(*points, strict=True), "o", label=rival)
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.set(xscale="log", xlabel="time of a training step, keras-vnn = 1", yticks=range(len(names)), yticklabels=names)
    axes.invert_yaxis()
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
