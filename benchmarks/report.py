"""Tables from the numbers of one run, and the page that shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.claims import OURS, judged
from benchmarks.figures import COLOURS, LABELS, write_figures

__all__ = ["sections", "write_documents", "write_report"]


def write_report(results: dict[str, Any], folder: Path) -> str:
    """Write ``report.md`` and figures into the folder; return the text."""
    text = "\n\n".join(f"### {title}\n\n{body}" for title, body in sections(results).items()) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8")
    write_figures(results, folder)
    return text


def write_documents(results: dict[str, Any], page: Path, images: Path) -> None:
    """Replace what stands between ``<!-- measured: TITLE -->`` and ``<!-- end -->`` in a page, and the figures.

    Raises
    ------
    ValueError
        The page names a table that there is not.
    """
    known = sections(results)

    def replaced(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise ValueError(f"{page} asks for {found[1]!r}; there are {', '.join(known)}.")
        return f"<!-- measured: {found[1]} -->\n{known[found[1]]}\n<!-- end -->"

    text = page.read_text(encoding="utf-8")
    text = re.sub(r"<!-- measured: (.*?) -->\n.*?<!-- end -->", replaced, text, flags=re.S)
    page.write_text(text, encoding="utf-8")
    write_figures(results, images)


def sections(results: dict[str, Any]) -> dict[str, str]:
    """Return every table by its title."""
    cases = {name: case for name, case in results["cases"].items() if not name.startswith("2k")}
    return {
        "machine": _machine(results),
        "demands": "\n".join(judged(results)),
        "training step": _table(cases, _milliseconds("step"), _ratio("step")),
        "prediction": _table(cases, _milliseconds("predict"), _ratio("predict")),
        "memory": _table(cases, lambda numbers: _said(numbers.get("peak MB"), ",.0f"), _ratio("peak MB")),
        "ours": _ours(results["cases"]),
        "build and files": _files(cases),
        "densities": _densities(results["cases"]),
        "whole models": _whole(results),
        "backends": _backends(results),
    }


def _said(value: float | None, form: str = ",.2f") -> str:
    return "–" if value is None else f"{value:{form}}"


def _milliseconds(what: str) -> Callable[[dict[str, Any]], str]:
    return lambda numbers: _said(numbers.get(what), ",.2f" if numbers.get(what, 0) < 100 else ",.0f")


def _ratio(what: str) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    def ratio(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
        if theirs.get(what) is None or not ours.get(what):
            return ""
        found = theirs[what] / ours[what]
        return f" ({found:.2g}×)" if found < 100 else f" ({found:.0f}×)"

    return ratio


def _table(
    cases: dict[str, Any],
    said: Callable[[dict[str, Any]], str],
    ratio: Callable[[dict[str, Any], dict[str, Any]], str],
) -> str:
    """Return a row a case: ours, then the others with the ratio to ours; more than 1 is slower, or larger."""
    entries = {name: case["contenders"] for name, case in cases.items() if OURS in case["contenders"]}
    known = {name for contenders in entries.values() for name in contenders if said(contenders[name]) != "–"}
    rivals = [name for name in COLOURS if name in known and name != OURS]
    titles = [OURS, *(LABELS.get(name, name) for name in rivals)]
    lines = [f"| case | {' | '.join(titles)} |", "|---" * (len(rivals) + 2) + "|"]
    for name, contenders in entries.items():
        ours, failed = contenders[OURS], cases[name].get("failed", {})
        cells = [said(ours)]
        for rival in rivals:
            theirs = contenders.get(rival, {})
            cells.append("out of memory" if rival in failed else said(theirs) + ratio(theirs, ours))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ours(cases: dict[str, Any]) -> str:
    lines = [
        "| case | kernel | both gradients | as first layer | Keras's step | step of `fit` | `fit` / as first layer |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in cases.items():
        ours = case["contenders"].get(OURS, {})
        if "fit" in ours:
            times = " | ".join(_milliseconds(what)(ours) for what in ("step", "first", "keras", "fit"))
            lines.append(f"| {name} | {ours['kernel']} | {times} | {ours['fit'] / ours['first']:.2f} |")
    return "\n".join(lines)


def _files(cases: dict[str, Any]) -> str:
    lines = [
        "| case | who | build, s | first step, s | save, s | load weights, s | open whole, s | file, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, case in cases.items():
        if not name.endswith(("batch 32", "XLA")):
            continue
        for contender, numbers in case["contenders"].items():
            if "build" in numbers and ("save" in numbers or contender != OURS):
                times = [_said(numbers.get(what)) for what in ("build", "first step", "save", "load", "open")]
                cells = [name, LABELS.get(contender, contender), *times, _said(numbers.get("file MB"), ",.1f")]
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _densities(cases: dict[str, Any]) -> str:
    lines = [
        "| connections present | kernel | keras-vnn | dense | dense × mask | better of both / ours |",
        "|---|---|---|---|---|---|",
    ]
    for name, case in cases.items():
        contenders = case["contenders"]
        if name.startswith("2k") and {OURS, "dense", "masked dense"} <= contenders.keys():
            ours, dense, masked = (contenders[each]["step"] for each in (OURS, "dense", "masked dense"))
            lines.append(
                f"| {name.removeprefix('2k, ')} | {contenders[OURS]['kernel']} | {ours:.2f} | {dense:.2f} | "
                f"{masked:.2f} | {min(dense, masked) / ours:.2f} |"
            )
    return "\n".join(lines)


def _whole(results: dict[str, Any]) -> str:
    lines = ["| model | connections | batch | step, ms | C limit, ms | step / limit |", "|---|---|---|---|---|---|"]
    for name in ("DrugCell", "DCell size"):
        for what, seconds in results.get(name, {}).items():
            if what.startswith("batch"):
                connections = _said(results[name].get("connections"), ",.0f")
                limit = results[name].get(f"limit of {what}")
                times = f"{1e3 * seconds:,.1f} | " + (
                    "– | –" if limit is None else f"{1e3 * limit:,.1f} | {seconds / limit:.2f}"
                )
                lines.append(f"| {name} | {connections} | {what.removeprefix('batch ')} | {times} |")
    return "\n".join(lines)


def _backends(results: dict[str, Any]) -> str:
    lines = ["| backend | kernel | keras-vnn | dense × mask | speed-up |", "|---|---|---|---|---|"]
    for name, found in results.get("Backends", {}).items():
        ours, masked = found.get(OURS, {}), found.get("masked dense", {})
        if ours:
            ratio = f"{masked['step'] / ours['step']:.0f}" if masked else "–"
            step = _milliseconds("step")
            lines.append(f"| {name} | {ours['kernel']} | {step(ours)} | {step(masked) if masked else '–'} | {ratio} |")
    return "\n".join(lines)


def _machine(results: dict[str, Any]) -> str:
    facts = dict(results["machine"])
    said = f"{facts.pop('processors')} processors, {facts.pop('processor')}; {facts.pop('memory GB')} GB; "
    said += f"{facts.pop('system')}; " + ", ".join(f"{name} {version}" for name, version in facts.items())
    others = [case["others"] for case in results["cases"].values() if case.get("others") is not None]
    if others:
        verdict = "a quiet machine" if max(others) < 0.2 else "a machine in use"
        said += (
            f".\n\nBefore each case, with nothing of the run at work, other programs kept {min(others):.2f} to "
            f"{max(others):.2f} processors busy, in the median {median(others):.2f}: {verdict}"
        )
    if results.get("niceness"):
        said += f"; the run itself gave way to others, with niceness {results['niceness']}"
    rounds = results.get("rounds")
    said += f". Run of {results['started']}, {results['minutes']:.0f} minutes, up to {rounds} turns of each contender."
    failed = [
        f"{name} at {case}: {why}"
        for case, of in results["cases"].items()
        for name, why in of.get("failed", {}).items()
    ]
    return said + ("\n\nFailed: " + "; ".join(failed) + "." if failed else "")
