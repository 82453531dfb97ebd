"""A page about a flat network that tells several classes apart: a table for each, a matrix that stays small."""

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.data import Classes, classification_metrics
from keras_vnn.export.report import report_data, write_report
from keras_vnn.inspection import predict, ranked_nodes, remember_inspection
from keras_vnn.models import build_model, view

NAMES = ("B", "CD4+/CD45RA+/CD25- naive T", "</script><i>", "monocyte", "NK")
GENES = [f"G{n}" for n in range(60)]


@pytest.fixture(scope="module")
def several():
    """Fifty cells of five classes; each raises the six genes of one set."""
    sets = {f"S{n:02}": GENES[6 * n : 6 * n + 6] for n in range(10)}
    made = build_model(gene_set_architecture(GENES, sets), Classes(NAMES), seed=0)
    kinds = np.repeat(np.arange(5), 20)
    values = np.random.default_rng(1).normal(size=(100, 60))
    values[np.arange(100)[:, None], 6 * kinds[:, None] + np.arange(6)] += 3
    cells = pd.DataFrame(values.astype("float32"), columns=GENES, index=[f"c{n}" for n in range(100)])
    labels = [NAMES[kind] for kind in kinds]
    remember_inspection(made, cells, labels)
    metrics = classification_metrics(labels, predict(made, cells), Classes(NAMES))
    view(made).card.remember(training={"history": {"loss": [0.9]}, "metrics": metrics.to_json(), "label": "type"})
    return made, cells, labels


def test_every_class_has_the_table_of_its_own(several):
    model, cells, labels = several
    for given in ((), (cells, labels)):
        found = report_data(model, *given)["by_class"]
        assert [one["group"] for one in found] == list(NAMES)
        for columns in found:
            table = ranked_nodes(model, *given, class_=columns["group"]).sort_index()
            assert columns["evidence"] == pytest.approx(table["evidence"].to_list(), rel=5e-3)
            assert columns["q"] == pytest.approx(table["q"].to_list(), rel=5e-3)
            assert [columns["names"][code] for code in columns["higher"]] == table["higher_in"].to_list()
    assert report_data(model, class_="NK")["by_class"] == [], "the page is about that class"
    assert report_data(model, class_="NK")["findings"]["group"] == "NK"


@pytest.fixture
def opened(several, browser, tmp_path):
    return browser.open(write_report(several[0], tmp_path / "page.html"))


def test_the_class_drives_tables_pictures_and_the_panel(opened):
    def first():
        return opened.all(".leading .node-link")[0].text

    def choose(name):
        opened.run(
            "const select = document.querySelector('#main .of-class select'); select.value = arguments[0];"
            "select.dispatchEvent(new Event('change'))",
            name,
        )

    for number, name in enumerate(NAMES):
        choose(name)
        assert first() == f"S0{number}"
        assert name in opened.one(".finding").text
        assert opened.run("return report.colourTitle()") == f"Evidence for {name}"
    opened.run("report.set({page: 'tables'})")
    heads = [head.text.split(" ")[0] for head in opened.all("thead th")]
    row = opened.all("tbody tr")[0]
    assert row.find_elements("css selector", "th")[0].text == "S04", "sorted by the evidence of the class chosen"
    assert float(row.find_elements("css selector", "td")[heads.index("evidence") - 1].text) > 3
    opened.run("report.set({page: 'explore', selected: report.byId.get('S00')})")
    assert "higher in not NK" in opened.one(".panel").text
    choose("")
    assert "higher in B" in opened.one(".panel").text


def test_a_flat_network_opens_as_a_network_of_symbols(opened):
    opened.run("report.set({page: 'explore'})")
    opened.wait("return report.cy?.nodes().length > 10")
    texts = opened.run("return report.cy.nodes().map(node => node.data('text'))")
    assert {"S00", "G0", "NK"} <= set(texts)
    # A node is joined with two of the five classes, and every name is on the screen.
    assert (
        opened.run("return Math.max(...report.cy.nodes('[!gene][!output]').map(n => n.outgoers('edge').length))") == 2
    )
    box = opened.run("const b = report.cy.elements().renderedBoundingBox(); return [b.x1, b.y1, b.x2, b.y2]")
    assert box[0] >= 0 and box[1] >= 0
    assert box[2] <= opened.run("return report.cy.width()") and box[3] <= opened.run("return report.cy.height()")


def test_the_confusion_of_many_classes_fits_its_card(opened):
    heads = [head.text for head in opened.all(".confusion thead th")]
    assert heads == ["1", "2", "3", "4", "5"]
    names = [head.text for head in opened.all(".confusion tbody th")]
    assert names == [f"{n + 1} {name}" for n, name in enumerate(NAMES)]
    wide = "document.querySelector('.confusion').parentElement"
    assert opened.run(f"return {wide}.scrollWidth - {wide}.clientWidth") <= 0
    assert "B taken for B: " in opened.all(".confusion td.right")[0].get_attribute("title")
