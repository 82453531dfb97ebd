"""Text, Markdown, JSON and model cards: what a model or an architecture is, for people and programs to read.

In: a `Content`. Out: text. What a card should say: Mitchell et al. 2019, doi:10.1145/3287560.3287596; it begins with
the front matter that model hubs read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from keras_vnn.architecture._summary import HEADINGS
from keras_vnn.basics.csv_tables import plain
from keras_vnn.basics.errors import counted, readable
from keras_vnn.export._content import Content

_TOP = 20


def to_text(content: Content) -> str:
    """Return the summary, where it came from, and the top nodes, as plain text."""
    table, heading = top_table(content)
    table = [[readable(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in table]
    sections = [str(content.summary)]
    facts = [(readable(name), readable(value)) for name, value in facts_of(content)]
    if facts:
        size = max(len(name) for name, _ in facts)
        sections.append("\n".join(f"{name:<{size}}   {value}" for name, value in facts))
    sections.append("\n".join([heading, *lines]))
    return "\n\n".join(sections) + "\n"


def to_markdown(content: Content) -> str:
    """Return the same as a Markdown page with tables."""
    summary = content.summary
    rows = [[*HEADINGS], *([*row.cells()] for row in summary.rows)]
    name = (content.facts or {}).get("name", "")
    parts = [
        f"# {escaped(name) or 'Architecture'}",
        markdown_table(rows, left=2),
        "\n".join(
            [
                f"- {counted(summary.parameters, 'parameter')}; {summary.dense_parameters:,} if every layer were dense",
                f"- {counted(summary.unconnected_genes, 'gene')} without a connection",
                f"- fingerprint `{summary.fingerprint}`",
                *(f"- {escaped(fact)}: {escaped(value)}" for fact, value in facts_of(content)),
            ]
        ),
    ]
    return "\n\n".join([*parts, *_top_section(content), *_audit_section(content)]) + "\n"


def _top_section(content: Content) -> list[str]:
    table, heading = top_table(content)
    return [f"## {heading}", markdown_table(table, left=2)]


def _audit_section(content: Content) -> list[str]:
    notes = [f"- {escaped(note)}" for note in content.summary.notes]
    return ["## Dropped or changed", "\n".join(notes)] if notes else []


def to_json_text(content: Content) -> str:
    """Return everything as JSON: summary, nodes and edges by name, provenance, audit.

    Nodes and genes are lists of objects, edges columns of equal length. A number that is not finite is ``null``.
    """
    arch = content.architecture
    document = {
        "format": "keras-vnn summary",
        "format_version": 1,
        "fingerprint": arch.fingerprint,
        "model": None if content.weights is None else dict(content.facts or {}),
        "outputs": {"kind": content.output_kind, "names": list(content.outputs)} if content.outputs else None,
        "tail": list(content.tail),
        "summary": content.summary.to_json(),
        "nodes": content.nodes.reset_index(),
        "genes": content.genes.reset_index(),
        "edges": {name: content.edges[name].tolist() for name in content.edges},
        "sources": [source.to_json() for source in arch.sources],
        "parameters": dict(arch.parameters),
        "audit": arch.audit.to_json(),
    }
    # A line per part: small, and a person can still find the parts.
    parts = [
        f"{json.dumps(name)}: {json.dumps(plain(value), ensure_ascii=False, allow_nan=False)}"
        for name, value in document.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def facts_of(content: Content) -> list[tuple[str, str]]:
    """Return what is known of sources, outputs and training, as names and texts."""
    facts = [
        ("source", f"{source.name} ({source.format}{', ' + source.release if source.release else ''})")
        for source in content.architecture.sources
    ]
    if content.outputs:
        shown = ", ".join(content.outputs[:10])
        more = f" and {len(content.outputs) - 10} more" if len(content.outputs) > 10 else ""
        facts.append((f"{content.output_kind}es" if content.output_kind == "class" else "numbers", f"{shown}{more}"))
    known = content.facts or {}
    if known.get("normalization"):
        facts.append(("normalisation", str(known["normalization"])))
    for name in ("options", "training"):
        if isinstance(known.get(name), Mapping):
            facts += _flat(known[name], "" if name == "options" else "training ")
    return facts


def _flat(values: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    """Return the plain values of nested JSON objects as names and texts; long lists are left to the JSON."""
    facts: list[tuple[str, str]] = []
    for title, value in _leaves(values, prefix, " "):
        if isinstance(value, str | int | float):
            facts.append((title, f"{value:.4g}" if isinstance(value, float) else str(value)))
        elif isinstance(value, list | tuple) and 0 < len(value) <= 10 and not isinstance(value[0], list | dict | tuple):
            facts.append((title, ", ".join(map(str, value))))
    return facts


def _leaves(values: Mapping[str, Any], prefix: str, between: str) -> Iterator[tuple[str, Any]]:
    """Yield what nested JSON objects hold, by the names on the way there."""
    for name, value in values.items():
        title = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{title}{between}", between)
        else:
            yield title, value


def top_table(content: Content) -> tuple[list[list[str]], str]:
    """Return the first nodes to mention as rows of texts, header first, and what to call them."""
    top = content.top_nodes.head(_TOP)
    count = sum(len(layer) for layer in content.architecture.hidden_layers)
    by = {
        "evidence": "by evidence: how far their genes differ between the classes, above what such genes do",
        "importance": "by importance to the outputs",
        "strength": "by the sum of absolute weights to what they feed",
        "inputs": "by number of inputs",
    }[content.ordered_by]
    heading = f"Top {len(top)} of {counted(count, 'node')}, {by}"
    columns = [name for name in ("kind", "layer", "inputs") if name in top]
    columns += [name for name in ("genes", "higher_in", "higher_with") if name in top]
    numbers = [name for name in ("d", "r", "evidence", "q", "strength", "importance") if name in top]
    numbers += [name for name in top if str(name).startswith("effect_")][:6]
    rows = [["node", "label", *columns, *(str(name).replace("_", " ") for name in numbers)]]
    for id, row in top.iterrows():
        label = str(row["label"]) if row["label"] != id else ""
        texts = [*(str(row[name]) for name in columns), *(_number(row[name]) for name in numbers)]
        rows.append([str(id), label, *texts])
    return rows, heading


def markdown_table(rows: Sequence[Sequence[str]], left: int) -> str:
    """Return rows, header first, as a table of Markdown; the first ``left`` columns are of text."""
    marks = [":--" if i < left else "--:" for i in range(len(rows[0]))]
    lines = [[escaped(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [lines[0], marks, *lines[1:]])


def escaped(text: object) -> str:
    """Return a text in which nothing is Markdown or HTML."""
    shown = readable(text)
    for sign in "\\`*_[]<>|#":
        shown = shown.replace(sign, f"\\{sign}")
    return shown.replace("&", "&amp;")


def _number(value: Any) -> str:
    return "–" if pd.isna(value) else f"{value:#.4g}"


# Facts that have a section of their own.
_ELSEWHERE = ("source", "classes", "numbers", "training metrics", "training split")
_LIMITS = (
    "Evidence is of the cells, and says that the genes of a node go with a class, not that they cause it. Nodes that "
    "share genes share it, those of fewer than five genes have little chance of it, and cells of one donor are not "
    "independent.",
    "What a node learned, its use and its importance describe this network, not the cells.",
    "Use and importance change with the random seed, and large or well connected nodes tend to rank high. Compare with "
    "networks wired at random, over several seeds, before you trust a name: `vnn compare`.",
    "A gene without an edge is not seen, and knowledge that is wrong or missing in the files below is wrong or missing "
    "here.",
    "The network was fitted to one data set. Other cells, platforms or preparations need their own test.",
)


def to_card(content: Content) -> str:
    """Return the model card; for an architecture without weights, a card of that."""
    arch = content.architecture
    is_model = content.weights is not None
    name = str((content.facts or {}).get("name", "")) or "architecture"
    summary = content.summary
    hidden = sum(len(layer) for layer in arch.hidden_layers)
    sentence = (
        f"A visible neural network of {counted(len(arch.genes), 'gene')} and {counted(hidden, 'named hidden node')} in "
        f"{counted(len(arch.hidden_layers), 'layer')}, with {counted(summary.parameters, 'parameter')} "
        f"({summary.dense_parameters:,} if every layer were dense)."
    )
    parts = [_front_matter(content), f"# {escaped(name)}", sentence]
    if content.outputs:
        shown = ", ".join(escaped(output) for output in content.outputs[:20])
        more = f" and {len(content.outputs) - 20:,} more" if len(content.outputs) > 20 else ""
        what = "Classes" if content.output_kind == "class" else "Numbers"
        parts.append(f"{what} it predicts: {shown}{more}.")
    parts += ["## How to use it", _usage(is_model)]
    parts += ["## Scores", _scores(content)] if is_model else []
    parts += ["## Where the knowledge comes from", _sources(content)]
    if is_model:
        rows = [
            ["option", "value"],
            *([fact, value] for fact, value in facts_of(content) if not fact.startswith(_ELSEWHERE)),
        ]
        parts += ["## How it was trained", markdown_table(rows, left=2)]
    parts += [*_top_section(content), "## What it is not for", "\n".join(f"- {limit}" for limit in _LIMITS)]
    parts += _audit_section(content)
    parts.append(f"Fingerprint of the architecture: `{arch.fingerprint}`")
    return "\n\n".join(parts) + "\n"


def _front_matter(content: Content) -> str:
    lines = ["library_name: keras", "tags:", "  - keras-vnn", "  - visible-neural-network", "  - biology"]
    if content.output_kind:
        task = "tabular-classification" if content.output_kind == "class" else "tabular-regression"
        lines.append(f"pipeline_tag: {task}")
    return "\n".join(["---", *lines, "---"])


def _usage(is_model: bool) -> str:
    if not is_model:
        code = 'arch = vnn.read.architecture("architecture.vnn")\nprint(arch.summary())'
    else:
        code = (
            'model = vnn.load_model("model.keras")\n'
            'cells = vnn.read.expression("cells.h5ad")\n'
            "print(vnn.tl.predict(model, cells))  # genes are matched by name\n"
            "print(vnn.tl.rank_nodes(model, cells, top=10))"
        )
    return f"```python\nimport keras_vnn as vnn\n\n{code}\n```"


def _sources(content: Content) -> str:
    rows = [
        [source.name, source.format, source.release or "–", f"{source.records:,}", source.sha256[:16] or "–"]
        for source in content.architecture.sources
    ]
    if not rows:
        return "The architecture names no files."
    return markdown_table([["file", "format", "release", "records", "sha256"], *rows], left=3)


def _scores(content: Content) -> str:
    training = (content.facts or {}).get("training")
    found = training.get("metrics") or training.get("test") if isinstance(training, Mapping) else None
    known = {name: value for name, value in (found or {}).items() if name != "confusion"}
    rows = [
        [title, f"{value:.4g}" if isinstance(value, float) else str(value)]
        for title, value in _leaves(known, "", ", ")
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if not rows:
        return "None was recorded with the model. Score it on cells it has not seen before you rely on it."
    return markdown_table([["score on cells that had no part in training", "value"], *rows], left=1)
