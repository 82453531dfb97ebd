"""The report of a real network, T cells wired by the Gene Ontology, in Chromium; and the pictures of it to look at."""

import base64

import numpy as np
import pytest

from keras_vnn import config_path
from keras_vnn.pl import write_report
from keras_vnn.recipes.read import read_recipe
from keras_vnn.recipes.run import build_architecture, read_training_data

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MEGABYTES = 6


@pytest.fixture(scope="module")
def path(browser, tmp_path_factory):
    """Built as the recipe says; not trained, as the page shows the same of any weights."""
    from keras_vnn import build_model
    from keras_vnn.tl import remember_inspection

    recipe = read_recipe(config_path("kang-go"))
    arch = build_architecture(recipe.build)
    data, labels = read_training_data(recipe.train, arch)
    model = build_model(arch, labels.classes, preset="dcell-code", auxiliary_heads="none", seed=0)
    some = np.r_[0:30, 500:530]
    remember_inspection(model, data[labels.cells][some], labels.names[some])
    return write_report(model, tmp_path_factory.mktemp("kang") / "report.html", title="Interferon-β in T cells")


def picture(browser, target, width, *, whole=False):
    height = browser.run("return document.documentElement.scrollHeight") if whole else browser.run("return innerHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, 4000), "scale": 1}
    shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    target.write_bytes(base64.b64decode(shot["data"]))


def test_it_opens_offline_and_finds_interferon(browser, path):
    assert path.stat().st_size < MEGABYTES * 1e6
    browser.open(path)
    assert browser.run("return performance.getEntriesByName('first-contentful-paint')[0].startTime") < 2000
    browser.keys("/", "interferon")
    browser.wait("return document.querySelectorAll('#hits [role=option]').length > 5")
    assert browser.run("return performance.getEntriesByName('search').at(-1).duration") < 100
    browser.keys("\ue007")
    assert "interferon" in browser.one("#panel-title").text
    assert browser.run("return document.activeElement.id") == "panel-title"
    browser.wait("return document.querySelectorAll('.sunburst path.selected').length === 1")
    browser.run("report.set({page: 'tables'})")
    heads = [head.text.split(" ")[0] for head in browser.all("thead th")]
    browser.all("thead th button")[heads.index("genes")].click()
    first = browser.run("return document.querySelector('tbody tr').textContent")
    assert "biological_process" in first
    assert browser.complaints == []
    assert browser.requests == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pictures_to_look_at(browser, path, pictures, width, dark):
    browser.open(path, width=width, height=860 if width > 600 else 844, dark=dark)
    name = f"{width}-{'dark' if dark else 'light'}"
    picture(browser, pictures / f"{name}-overview.png", width, whole=True)
    browser.run("report.set({page: 'explore', selected: report.find('response to type I interferon')[0]})")
    for view in ("sunburst", "treemap", "network", "outline"):
        browser.run("report.set({view: arguments[0]})", view)
        browser.driver.execute_async_script("setTimeout(arguments[0], 700)")
        picture(browser, pictures / f"{name}-{view}.png", width, whole=width < 600)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    browser.run("report.set({page: 'tables'})")
    picture(browser, pictures / f"{name}-tables.png", width)
    assert browser.complaints == []
