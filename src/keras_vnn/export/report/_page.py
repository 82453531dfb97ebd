"""The report: what the page shows, as one JSON value, and the page itself, which lets nothing else run.

In: a `Content`, and findings on cells if there are any. Out: HTML, as a file, of a skeleton, a style, scripts and data.
Its parts lie in ``page/`` (ours) and ``vendor/`` (libraries).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ModelError, ReadError, counted
from keras_vnn.basics.files import check_target, existing_file, replacing
from keras_vnn.basics.remedies import by_place
from keras_vnn.export._content import check_ranking, is_model, measure_of, outputs_of, remembered_rankings
from keras_vnn.export.report._columns import (
    activity_columns,
    bias_column,
    edge_columns,
    finding_columns,
    importance_columns,
    node_columns,
    readout_columns,
)

if TYPE_CHECKING:
    from keras_vnn.models import ModelView


# Names of an entry of the audit that the page can unfold; the model file has them all.
_ITEMS = 100
_LINKS = 10


def architecture_facts(arch: Architecture, model_view: ModelView | None) -> dict[str, Any]:
    """Return sizes, sources, parameters and audit."""
    outputs = None if model_view is None or model_view.head is None else int(model_view.head.units)
    tail = () if model_view is None else tuple(int(layer.units) for layer in model_view.tail_layers)
    reads = "all" if model_view is None else model_view.reads
    summary = arch.summary(outputs=outputs, tail=tail, reads=reads).to_json()
    return {
        "fingerprint": arch.fingerprint,
        "layers": summary["layers"],
        "parameters": summary["parameters"],
        "dense_parameters": summary["dense_parameters"],
        "edges": arch.edge_count,
        "unconnected_genes": len(arch.unconnected_genes),
        "layer_names": [layer.name for layer in arch.layers],
        "dense_units": [layer.dense_units for layer in arch.layers],
        "sources": [source.to_json() for source in arch.sources],
        "options": _plain(dict(arch.parameters)),
        "audit": [entry.to_json() | {"items": list(entry.items[:_ITEMS])} for entry in arch.audit],
    }


def model_facts(model_view: ModelView) -> dict[str, Any]:
    """Return what the model predicts, its options, its normalisation and the record of its training."""
    metadata = model_view.card.metadata
    kind, names = outputs_of(model_view)
    training = metadata.get("training")
    return {
        "name": model_view.model.name,
        "parameters": int(model_view.model.count_params()),
        "outputs": {"kind": kind or "embedding", "names": list(names)},
        "normalization": None if model_view.normalization is None else str(model_view.normalization),
        "options": _plain(metadata.get("options", {})),
        "training": None if training is None else _plain({k: v for k, v in training.items() if k != "split"}),
        "soft_links": _soft_links_said(model_view),
        "judgement": (metadata.get("judgement") or {}).get("text"),
    }


def _soft_links_said(model_view: ModelView) -> str | None:
    """Return which edges outside the prior the training took up, in a sentence; ``None`` for a model without any."""
    if model_view.options.get("soft_links", "none") == "none":
        return None
    from keras_vnn.inspection import soft_links

    table = soft_links(model_view.model)
    pairs = zip(table["source"], table["label"], strict=True)
    first = ", ".join(f"{gene} to {node}" for gene, node in itertools.islice(pairs, _LINKS))
    said = (
        f"The training took up {counted(len(table), 'soft link')}, edges from genes to nodes that the prior does not "
        "have"
    )
    more = f" and {len(table) - _LINKS:,} more" if len(table) > _LINKS else ""
    return f"{said}: {first}{more}. The tables of nodes do not count them." if first else f"{said}."


def _plain(values: Any) -> Any:
    """Return JSON values, whatever else may be among them as text."""
    return json.loads(json.dumps(values, default=str), parse_constant=lambda _: None)


class _Experiment(NamedTuple):
    """What many runs left behind: what it is called, the file in its folder, and how it is made and passed on."""

    word: str
    schema: str
    file: str
    remedy: str


_COMPARISON = _Experiment(
    "comparison",
    "keras-vnn comparison ",
    "comparison.json",
    "Make one: vnn compare recipe.yaml -o comparison",
)
_SEARCH = _Experiment("search", "keras-vnn tuning ", "tuning.json", "Make one: vnn tune recipe.yaml -o tuned")


def _experiment_values(given: Any, kind: _Experiment) -> dict[str, Any] | None:
    """Return what ``to_json`` of a comparison or search gives, of whatever names it; nothing of nothing.

    Raises
    ------
    ReadError
        The folder or file holds none.
    """
    if given is None:
        return None
    if hasattr(given, "to_json"):
        values: Any = given.to_json()
    elif isinstance(given, Mapping):
        values = dict(given)
    else:
        values = _read(given, kind)
    if not (isinstance(values, dict) and str(values.get("schema", "")).startswith(kind.schema)):
        raise ReadError(f"This is not a {kind.word}: {_worded(given)}\n{kind.remedy}")
    return values


def _read(folder: str | os.PathLike[str], kind: _Experiment) -> Any:
    path = Path(folder)
    found = existing_file(path / kind.file if path.is_dir() else path, kind.word)
    try:
        return json.loads(found.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReadError(f"The {kind.word} is damaged: {found}\n{error}\n{kind.remedy}") from error


def _worded(comparison: Any) -> str:
    return str(comparison) if isinstance(comparison, str | os.PathLike) else type(comparison).__name__


SCHEMA = "keras-vnn report 1"
# The table of every class is in the page as long as it stays small.
_MOST_CLASSES, _MOST_FINDINGS = 40, 100_000


def report_data(
    source: Any,
    data: Any = None,
    labels: Any = None,
    *,
    title: str | None = None,
    class_: str | None = None,
    ranking: pd.DataFrame | None = None,
    comparison: Any = None,
    search: Any = None,
    missing: str = "raise",
) -> dict[str, Any]:
    """Gather what a report shows.

    Parameters
    ----------
    source
        A model of `build_model`, or an `Architecture`; the latter without importing Keras.
    data, labels, missing
        Cells to measure activity, importance and scores on, as in `tl.rank_nodes`; by default the page shows what the
        model remembers.
    title
        The heading.
    class_
        The class that nodes are described for, as in `tl.rank_nodes`; for each node the best when ``None``.
    ranking
        What `tl.rank_nodes` gave, instead of what the model remembers.
    comparison
        A `Comparison`, or the folder `vnn compare` wrote.
    search
        A `Tuning`, or the folder `vnn tune` wrote.

    Returns
    -------
    dict
        Plain JSON values: ``schema``, ``version``, ``title``, ``architecture``, ``model``, ``nodes``, ``edges``,
        ``readout``, ``findings``, ``importance``, ``activity``, ``scores``, ``comparison``, ``search``; ``None`` for
        what is not known.

    Raises
    ------
    ArchitectureError
        The source is neither a model nor an architecture.
    ModelError
        The model was not made by `build_model`, or data are given for an architecture.
    DataError, GeneError
        The data do not fit the model.
    ReadError
        There is no comparison or search where one should be.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> from keras_vnn.read import Interactions
    >>> from keras_vnn.architecture.wiring import interaction_architecture
    >>> ppi = Interactions.from_pairs(["JAK1", "JAK2"], ["STAT1", "STAT1"])
    >>> arch = vnn.wire.interactions(["STAT1", "JAK1", "JAK2"], ppi)
    >>> found = report_data(arch, title="JAK and STAT")
    >>> found["nodes"]["id"], found["nodes"]["genes"]
    (['STAT1', 'JAK1', 'JAK2', 'PPI:JAK1', 'PPI:JAK2', 'PPI:STAT1'], [1, 1, 1, 2, 2, 3])
    """
    from keras_vnn import __version__

    experiments = {
        "comparison": _experiment_values(comparison, _COMPARISON),
        "search": _experiment_values(search, _SEARCH),
    }
    found: dict[str, Any] = {"schema": SCHEMA, "version": __version__, "title": title or "Visible neural network"}
    if is_model(source):
        found |= _of_model(source, data, labels, class_, ranking, missing)
    else:
        if data is not None:
            raise ModelError(
                "An architecture has no weights, so it does nothing with data.\n"
                "Train a model, and write its report: "
                + by_place(
                    "vnn train ARCHITECTURE DATA --label COLUMN -o model.keras",
                    "vnn.train(arch, data, labels), then vnn.pl.write_report(result.model, path)",
                )
            )
        found |= _of_architecture(source, None, None)
        found |= dict.fromkeys(("model", "readout", "activity", "scores"))
        found |= _of_rankings(source, [] if ranking is None else [ranking])
    return {**found, **experiments}


def _of_architecture(arch: Architecture, seen: ModelView | None, weights: pd.DataFrame | None) -> dict[str, Any]:
    return {
        "architecture": architecture_facts(arch, seen),
        "nodes": node_columns(arch),
        "edges": edge_columns(arch, weights),
    }


def _of_model(
    model: Any, data: Any, labels: Any, class_: str | None, ranking: pd.DataFrame | None, missing: str
) -> dict[str, Any]:
    from keras_vnn.inspection import activity_table, nodes_by_class, ranked_nodes, turned_weights
    from keras_vnn.models import Embedding, edge_weights, view

    seen = view(model)
    arch = seen.architecture
    activity = activity_table(model, data, labels, missing=missing)
    weights = edge_weights(model, dense=seen.head is not None and not seen.tail_layers)
    if activity is not None:
        turned = activity[activity["turned"]]
        weights = turned_weights(weights, dict.fromkeys(zip(turned["node"], turned["unit"], strict=True), -1))
    between = weights[weights["block"].isin([role.name for role in seen.roles.all("nodes")])]
    if seen.latent_layer is not None:
        between = _along_edges(between)
    found = _of_architecture(arch, seen, between)
    found["nodes"]["bias"] = bias_column(arch, between)
    found["model"] = model_facts(seen)
    found["readout"] = readout_columns(seen, weights)
    found["activity"] = None if activity is None else activity_columns(activity)
    rankings = []
    by_class: dict[str | None, pd.DataFrame] = {}
    if ranking is not None:
        rankings = [ranking]
    elif data is None:
        rankings = remembered_rankings(seen, class_)
        if class_ is None and any(measure_of(one) == "evidence" for one in rankings):
            by_class = nodes_by_class(model)
    else:
        if labels is not None or not isinstance(seen.outputs, Embedding):
            by_class = nodes_by_class(model, data, labels, class_, missing=missing)
            rankings.append(by_class[class_])
        if not isinstance(seen.outputs, Embedding):
            rankings.append(ranked_nodes(model, data, labels, by="knockout", missing=missing))
    found |= _of_rankings(arch, rankings)
    nodes = sum(len(layer) for layer in arch.hidden_layers)
    if class_ is None and 2 < len(by_class) - 1 <= _MOST_CLASSES and len(by_class) * nodes <= _MOST_FINDINGS:
        found["by_class"] = [
            finding_columns(arch, table, hidden=True) for name, table in by_class.items() if name is not None
        ]
    found["scores"] = None if data is None else _scores(seen, data, labels, missing)
    return found


def _of_rankings(arch: Architecture, rankings: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """Return the columns of tables of evidence and of importance, as far as there are any."""
    found: dict[str, Any] = {"findings": None, "by_class": [], "importance": None}
    for ranking in rankings:
        check_ranking(arch, ranking)
        if measure_of(ranking) == "evidence":
            found["findings"] = finding_columns(arch, ranking)
        else:
            found["importance"] = importance_columns(arch, ranking)
    return found


def _along_edges(weights: pd.DataFrame) -> pd.DataFrame:
    """Return the weights of a decoder, which leads to the genes, as those of the edges of the architecture."""
    is_edge = weights["source"].notna()
    ends = {"source": weights["target"].where(is_edge, weights["source"])}
    return weights.assign(**ends, target=weights["source"].where(is_edge, weights["target"]))


def _scores(seen: ModelView, data: Any, labels: Any, missing: str) -> dict[str, Any] | None:
    """Return how well the model predicts the cells passed; nothing when they have no class."""
    from keras_vnn.data import Classes, classification_metrics, labels_of
    from keras_vnn.inspection import predict

    if labels is None or not isinstance(seen.outputs, Classes):
        return None
    if isinstance(labels, str):
        labels = labels_of(data, labels, classes=seen.outputs)
    chances = predict(seen.model, data, missing=missing)
    if hasattr(labels, "cells"):  # cells without a label are left out
        chances = chances.iloc[labels.cells]
    return classification_metrics(labels, chances, seen.outputs).to_json()


VENDORED = ("d3.min.js", "cytoscape.min.js")
# In the order they run; each adds to the object `report`.
SCRIPTS = tuple(
    f"{name}.js"
    for name in (
        "dom data links state colours tables charts search tree outline sunburst "
        "treemap network panel explorer overview comparison sheets main"
    ).split()
)
# Inside a script element only these can end it, or begin a comment; the last two end a line in old JavaScript.
_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def safe_json(values: Any) -> str:
    r"""Return JSON that stays JSON inside an HTML script element, whatever text is in it.

    Examples
    --------
    >>> safe_json({"id": "</script><b>"})
    '{"id":"\\u003c/script\\u003e\\u003cb\\u003e"}'
    """
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _visible(text.translate(_ESCAPES))


def page_of(values: Mapping[str, Any]) -> str:
    """Return the page that shows what `pl.report_data` gave."""
    style = _asset("page", "style.css")
    scripts = [_asset("vendor", name) for name in VENDORED] + [_asset("page", "js", name) for name in SCRIPTS]
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(_digest(text) for text in scripts)}",
            f"style-src {_digest(style)}",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    )
    parts = {
        "POLICY": escape(policy, quote=True).replace("&#x27;", "'"),
        "TITLE": escape(_visible(str(values["title"]))),
        "STYLE": style,
        "LIBRARIES": safe_json(_libraries()),
        "DATA": safe_json(dict(values)),
        "SCRIPTS": "\n".join(f"<script>{text}</script>" for text in scripts),
    }
    head, *rest = _asset("page", "page.html").split("{{")
    # One pass: what is filled in is never searched for places to fill.
    return head + "".join(parts[name] + tail for name, tail in (piece.split("}}", 1) for piece in rest))


def _libraries() -> list[dict[str, str]]:
    """Return name, version and licence of each library, with the text of the licence, which has to come with it."""
    listed = json.loads(_asset("vendor", "vendor.json"))
    return [
        {key: one[key] for key in ("name", "version", "licence", "home")}
        | {"text": _asset("vendor", f"LICENSE.{one['name']}")}
        for one in listed
    ]


def _asset(*names: str) -> str:
    return files("keras_vnn.export.report").joinpath(*names).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _visible(text: str) -> str:
    """Return a text that can be written as UTF-8: a lone surrogate is not a character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def write_report(
    source: Any,
    path: str | os.PathLike[str],
    data: Any = None,
    labels: Any = None,
    *,
    title: str | None = None,
    class_: str | None = None,
    ranking: pd.DataFrame | None = None,
    comparison: Any = None,
    search: Any = None,
    missing: str = "raise",
    overwrite: bool = False,
) -> Path:
    """Write one HTML file about a network, which opens in any browser, offline, and loads nothing.

    The page holds its libraries and the data; names in it are shown as they are and never run. The same arguments give
    the same bytes.

    Parameters
    ----------
    source, data, labels, title, class_, ranking, comparison, search, missing
        As in `pl.report_data`.
    path
        File to write.
    overwrite
        Replace an existing file.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        The file's name does not end in .html, it exists and ``overwrite`` is false, or cannot be written.
    VNNError
        As `pl.report_data`.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> import tempfile
    >>> from keras_vnn.read import GeneSets
    >>> from keras_vnn.architecture.wiring import gene_set_architecture
    >>> sets = GeneSets.from_mapping({"JAK-STAT": ["JAK1", "STAT1"], "P53": ["TP53", "MDM2"]})
    >>> arch = vnn.wire.gene_sets(["JAK1", "STAT1", "TP53", "MDM2"], sets)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(arch, f"{folder}/report.html")
    ...     page.name
    'report.html'
    """
    target = check_target(path, overwrite=overwrite, endings=(".html", ".htm"))
    experiments = {"comparison": comparison, "search": search}
    values = report_data(
        source, data, labels, title=title, class_=class_, ranking=ranking, missing=missing, **experiments
    )
    with replacing(target, overwrite=overwrite) as partial:
        partial.write_text(page_of(values), encoding="utf-8", newline="\n")
    return target
