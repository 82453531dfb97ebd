"""Pages about numbers and survival: large losses stay on the picture, evidence is that of a correlation."""

import time

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.data import SurvivalTimes, survival_metrics
from keras_vnn.export.report import write_report
from keras_vnn.inspection import remember_inspection
from keras_vnn.models import Regression, Survival, build_model, view

pytestmark = pytest.mark.browser

GENES = [f"G{n}" for n in range(12)]
ARCH = gene_set_architecture(GENES, {f"S{n}": GENES[3 * n : 3 * n + 3] for n in range(4)})
HISTORY = {"loss": [312_000.0, 9_000.0, 5_000.0], "val_loss": [210_000.0, 8_000.0, 4_900.0]}
OUT_OF_THE_PICTURE = """
const picture = document.querySelector('.charts svg').getBoundingClientRect();
return [...document.querySelectorAll('.charts svg text')].filter(text => {
  const box = text.getBoundingClientRect();
  return box.left < picture.left - 1 || box.right > picture.right + 1 || box.bottom > picture.bottom + 1;
}).map(text => text.textContent);
"""
LABELS_ON_TICKS = """
const box = text => text.getBoundingClientRect();
const ticks = [...document.querySelectorAll('.charts .tick text')];
return [...document.querySelectorAll('.charts .line-label')].filter(label => ticks.some(tick =>
  box(tick).right > box(label).left && box(tick).left < box(label).right && box(tick).bottom > box(label).top
  && box(tick).top < box(label).bottom)).length;
"""


@pytest.fixture(scope="module")
def cells():
    values = np.random.default_rng(0).normal(size=(60, 12)).astype("float32")
    return pd.DataFrame(values, columns=GENES, index=[f"c{n}" for n in range(60)])


def page_of(outputs, labels, metrics, cells, folder):
    model = build_model(ARCH, outputs, seed=0)
    remember_inspection(model, cells, labels)
    view(model).card.remember(training={"history": HISTORY, "metrics": metrics, "label": []})
    return write_report(model, folder / "page.html")


def test_numbers(browser, cells, tmp_path):
    metrics = {"pearson": 0.5, "r2": 0.2, "cells": 9}
    path = page_of(Regression(("height",)), cells[["G0"]].to_numpy(), metrics, cells, tmp_path)
    for width in (1440, 390):
        browser.open(path, width=width)
        assert browser.run(OUT_OF_THE_PICTURE) == []
        assert browser.run(LABELS_ON_TICKS) == 0
        assert browser.run("return document.querySelector('.charts figure').offsetWidth") <= 420
        ticks = browser.run("return [...document.querySelectorAll('.charts .grid .tick text')].map(t => t.textContent)")
        assert "300k" in ticks
    text = browser.one("#main").text
    assert "as the t of their correlation above that of as many genes" in text and "Welch" not in text
    assert browser.complaints == []


def test_survival(browser, cells, tmp_path):
    times = np.column_stack([np.arange(1.0, 61), np.arange(60) % 2])
    known = SurvivalTimes(("weeks", "event"), times, np.arange(60))
    metrics = survival_metrics(times, cells["G0"].to_numpy()).to_json()
    path = page_of(Survival(), known, metrics, cells, tmp_path)
    browser.open(path)
    tiles = dict(
        browser.run("return [...document.querySelectorAll('.tile')].map(t => t.innerText.split('\\n').slice(0, 2))")
    )
    assert f"{metrics['c_index']:.3g}" in {*tiles, *tiles.values()} and "Test c-index" in {*tiles, *tiles.values()}
    assert browser.complaints == []


def test_names_of_nodes_end_before_the_outputs(browser, cells, tmp_path):
    name = "a process with a long name indeed"
    arch = gene_set_architecture(GENES, {name: GENES[:6], "short": GENES[6:]})
    model = build_model(arch, Regression(("height",)), seed=0)
    remember_inspection(model, cells, cells[["G0"]].to_numpy())
    path = write_report(model, tmp_path / "page.html")
    for width in (1440, 390):
        browser.open(path, width=width)
        browser.run("report.set({page: 'explore', view: 'network', selected: report.find(arguments[0])[0]})", name)
        time.sleep(0.8)
        place = (
            "const nodes = [...document.querySelectorAll('*')].map(e => e._cyreg?.cy).find(Boolean).nodes();"
            "const of = name => nodes.filter(n => n.data('text') === name);"
            "return [of(arguments[0]).boundingBox().x2, of('height').position('x')];"
        )
        end, output = browser.run(place, name)
        assert end < output, width
