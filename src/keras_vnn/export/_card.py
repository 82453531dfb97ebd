"""A model card in Markdown: what a model is, where it comes from, how good it is, and what it may not be used for.

In: a `Content`. Out: text with the front matter that model hubs read. What a card should say: Mitchell et al. 2019,
doi:10.1145/3287560.3287596.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from keras_vnn.export._content import Content
from keras_vnn.export._documents import escaped, facts_of, markdown_table, top_table

__all__ = ["to_card"]

# Facts that have a section of their own.
_ELSEWHERE = ("source", "classes", "numbers", "training metrics", "training split")
_LIMITS = (
    "The importance of a node describes this network, not the cells: it shows what the network uses, not what causes "
    "the phenotype.",
    "Importance changes with the random seed, and large or well connected nodes tend to rank high. Compare with "
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
        f"A visible neural network of {len(arch.genes):,} genes and {hidden:,} named hidden nodes in "
        f"{len(arch.hidden_layers):,} {'layer' if len(arch.hidden_layers) == 1 else 'layers'}, with "
        f"{summary.parameters:,} parameters ({summary.dense_parameters:,} if every layer were dense)."
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
    table, heading = top_table(content)
    parts += [f"## {heading}", markdown_table(table, left=2)]
    parts += ["## What it is not for", "\n".join(f"- {limit}" for limit in _LIMITS)]
    if summary.notes:
        parts += ["## Dropped or changed", "\n".join(f"- {escaped(note)}" for note in summary.notes)]
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
        code = 'arch = vnn.load_architecture("architecture.vnn")\nprint(arch.summary())'
    else:
        code = (
            'model = vnn.load_model("model.keras")\n'
            'cells = vnn.read_expression("cells.h5ad")\n'
            "print(vnn.predict(model, cells))  # genes are matched by name\n"
            "print(vnn.rank_nodes(model, cells, top=10))"
        )
    return f"```python\nimport keras_vnn as vnn\n\n{code}\n```"


def _sources(content: Content) -> str:
    rows = [["file", "format", "release", "records", "sha256"]]
    for source in content.architecture.sources:
        rows.append(
            [source.name, source.format, source.release or "–", f"{source.records:,}", source.sha256[:16] or "–"]
        )
    if len(rows) == 1:
        return "The architecture names no files."
    return markdown_table(rows, left=3)


def _scores(content: Content) -> str:
    training = (content.facts or {}).get("training")
    found = training.get("metrics") or training.get("test") if isinstance(training, Mapping) else None
    rows = [["score on cells that had no part in training", "value"], *_plain_scores(found or {})]
    if len(rows) == 1:
        return "None was recorded with the model. Score it on cells it has not seen before you rely on it."
    return markdown_table(rows, left=1)


def _plain_scores(values: Mapping[str, Any], prefix: str = "") -> Sequence[list[str]]:
    rows: list[list[str]] = []
    for name, value in values.items():
        title = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            rows += _plain_scores(value, f"{title}, ") if name != "confusion" else []
        elif isinstance(value, int | float) and not isinstance(value, bool):
            rows.append([title, f"{value:.4g}" if isinstance(value, float) else json.dumps(value)])
    return rows
