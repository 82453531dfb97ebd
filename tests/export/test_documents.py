"""Text, Markdown and JSON; formats by name."""

import json
import subprocess
import sys

import numpy as np
import pytest

from keras_vnn.basics.errors import ArchitectureError, ConfigError, OutputError
from keras_vnn.export import EXPORT_FORMATS, export_summary, guess_format
from keras_vnn.models import edge_weights


def test_text_has_the_summary_and_the_top_nodes(model, arch, ranking):
    text = export_summary(model, ranking=ranking)
    assert text.startswith(str(arch.summary(outputs=2)))
    assert "source                       sets.gmt (GMT, 2024-01)\n" in text or "sets.gmt (GMT, 2024-01)\n" in text
    assert "control, T\n" in text
    assert "Top 3 of 3 nodes, by importance to the outputs\n" in text
    first = ranking.index[0]
    line = next(line for line in text.splitlines() if line.startswith(f"{first} "))
    assert f"{ranking.loc[first, 'importance']:#.4g}" in line
    assert "\\x07" in text and "\x07" not in text


def test_what_decides_the_top_nodes(arch, model, with_tail):
    assert "Top 3 of 3 nodes, by number of inputs\n" in export_summary(arch)
    assert "Top 3 of 3 nodes, by the sum of absolute weights to what they feed\n" in export_summary(with_tail)


def test_the_summary_agrees_with_keras(model, with_tail):
    for network in (model, with_tail):
        read = json.loads(export_summary(network, "json"))
        assert read["summary"]["parameters"] == network.count_params() == read["model"]["parameters"]


def test_markdown_is_a_page_of_tables_in_which_names_are_only_text(model, ranking):
    page = export_summary(model, "markdown", ranking=ranking)
    assert page.startswith("# vnn\n\n| layer | what |")
    rows = [line for line in page.splitlines() if line.startswith("| S2 ")]
    assert len(rows) == 1
    assert '| a,"b"\\\\x0a\\<img src=x onerror=alert(1)\\>\\|\\*\\_$x$\\\\x07 |' in rows[0]
    cells = rows[0].replace("\\|", "").count("|")
    header = next(line for line in page.splitlines() if line.startswith("| node |"))
    assert cells == header.count("|")
    assert "## Dropped or changed\n\n- 1 gene: in no gene set: not connected (D)\n" in page


def test_json_holds_everything_by_name(model, arch, ranking):
    read = json.loads(export_summary(model, "json", ranking=ranking))
    assert read["fingerprint"] == arch.fingerprint
    assert read["outputs"] == {"kind": "class", "names": ["control", "T"]}
    assert [node["id"] for node in read["nodes"]] == ["A", "B", "NA", "D", "S1", "S2", "T"]
    assert read["nodes"][0]["importance"] is None
    assert read["genes"][3] == {"id": "D", "nodes": 0, "feeds": "", "unconnected": "in no gene set: not connected"}
    assert read["sources"][0]["name"] == "sets.gmt" and read["parameters"] == {"wiring": "by hand"}
    weights = edge_weights(model)
    weights = weights[weights["source"].notna()]
    edges = read["edges"]
    assert edges["source"][: len(weights)] == weights["source"].tolist()
    assert np.array(edges["weight"][: len(weights)], np.float32).tolist() == weights["weight"].tolist()


def test_an_architecture_is_exported_without_keras(arch, tmp_path):
    arch.save(tmp_path / "arch.vnn")
    code = (
        "import sys\n"
        "import keras_vnn as vnn\n"
        f"arch = vnn.read.architecture({str(tmp_path / 'arch.vnn')!r})\n"
        "assert not {'matplotlib', 'networkx', 'keras'} & sys.modules.keys()\n"
        f"for name in ('a.txt', 'a.md', 'a.json', 'a.graphml', 'a.svg', 'a.png', 'a.pdf', 'tables'):\n"
        f"    vnn.pl.export_summary(arch, path={str(tmp_path)!r} + '/' + name)\n"
        "assert not {'keras', 'tensorflow', 'matplotlib.pyplot'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "tables" / "nodes.csv").exists() and (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_the_format_is_that_of_the_name(tmp_path):
    names = ["x.txt", "x.md", "x.card.md", "x.json", "x", "x.graphml", "x.cx2", "x.dot", "x.jgf", "x.edges", "x.h5ad"]
    names += ["x.png", "x.svg", "x.pdf"]
    assert [guess_format(name) for name in names] == list(EXPORT_FORMATS)
    assert guess_format("X.CARD.MD") == "card" and guess_format("a.b.gv") == "dot"
    (tmp_path / "model.v2").mkdir()
    assert guess_format(tmp_path / "model.v2") == "csv"
    with pytest.raises(ConfigError) as error:
        guess_format("model.xlsx")
    assert str(error.value) == (
        "The name 'model.xlsx' means no format; expected an end of .txt, .md, .markdown, .card.md, .json, .graphml, "
        ".cx2, .dot, .gv, .jgf, .edgelist, .edges, .h5ad, .png, .svg, .pdf, or a folder without one for CSV tables.\n"
        'Name the format: format="graphml"'
    )


def test_errors_say_what_is_wrong(arch, model, ranking, tmp_path):
    with pytest.raises(ConfigError) as error:
        export_summary(arch, "grahml")
    assert str(error.value) == (
        "format must be one of text, markdown, card, json, csv, graphml, cx2, dot, jgf, edges, h5ad, png, svg, pdf; "
        "got 'grahml'. Did you mean graphml?"
    )
    with pytest.raises(OutputError) as error:
        export_summary(arch, "csv")
    assert str(error.value) == (
        "The format csv is a folder with nodes.csv, edges.csv and genes.csv, not text to show.\n"
        "Name where to write it: vnn.pl.export_summary(model, 'csv', path=…)"
    )
    path = tmp_path / "there.txt"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"^The file exists already: "):
        export_summary(arch, path=path)
    assert path.read_text() == "mine"
    with pytest.raises(ArchitectureError) as error:
        export_summary({"genes": 3})
    assert str(error.value) == (
        "Expected a model or an Architecture, got dict.\nLoad one: vnn.read.architecture(path) or vnn.load_model(path)"
    )
    with pytest.raises(ArchitectureError) as error:
        export_summary(arch, ranking=ranking.rename({"T": "U"}))
    assert str(error.value) == (
        "The ranking is not of the nodes of this architecture: 1 of 3 rows name none of them.\n"
        "Make it: vnn.tl.rank_nodes(model, data, labels)"
    )
