"""The page: a skeleton, a style, scripts and data in one text, and a policy that lets nothing else run.

In: what `pl.report_data` gave. Out: HTML, as a file. Its parts lie in ``page/`` (ours) and ``vendor/`` (libraries).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from keras_vnn.basics.files import check_target, replacing
from keras_vnn.export.report._data import report_data

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
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def safe_json(values: Any) -> str:
    r"""Return JSON that stays JSON inside an HTML script element, whatever text is in it.

    Examples
    --------
    >>> safe_json({"id": "</script><b>"})
    '{"id":"\\u003c/script\\u003e\\u003cb\\u003e"}'
    """
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escaped in _ESCAPES.items():
        text = text.replace(character, escaped)
    # A lone surrogate is not a character and cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


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
    return text.encode("utf-8", "replace").decode("utf-8")


def write_report(
    source: Any,
    path: str | os.PathLike[str],
    data: Any = None,
    labels: Any = None,
    *,
    title: str | None = None,
    ranking: pd.DataFrame | None = None,
    comparison: Any = None,
    missing: str = "raise",
    overwrite: bool = False,
) -> Path:
    """Write one HTML file about a network, which opens in any browser, offline, and loads nothing.

    The page holds its libraries and the data; names in it are shown as they are and never run. The same arguments give
    the same bytes.

    Parameters
    ----------
    source, data, labels, title, ranking, comparison, missing
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
        The file exists and ``overwrite`` is false, or cannot be written.
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
    target = check_target(path, overwrite=overwrite)
    values = report_data(source, data, labels, title=title, ranking=ranking, comparison=comparison, missing=missing)
    with replacing(target, overwrite=overwrite) as partial:
        partial.write_text(page_of(values), encoding="utf-8", newline="\n")
    return target
