"""Networks to report on, names that want to be more than names, and a browser."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.provenance import Audit, AuditEntry, Source

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    '"\' onmouseover="alert(3)',
    '=HYPERLINK("http://x","y")',
    "{{DATA}}{{SCRIPTS}}",
    "line\u2028separator\u2029s",
    "\u202eright to left",
    "--><!--<script>",
    "&lt;b&gt;&amp;",
    "javascript:alert(4)",
    "GO:0000001<svg/onload=alert(5)>",
)
GENES = ("JAK1", "STAT1", HOSTILE[0], HOSTILE[3], "IFNG")
CLASSES = ("control", HOSTILE[1])


@pytest.fixture(scope="session")
def hostile():
    return HOSTILE


@pytest.fixture(scope="session")
def arch():
    """Five genes, three terms of one and two units, two roots; hostile names all over."""
    layers = (
        Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES)),
        Layer(
            HOSTILE[7],
            (
                Node("GO:0034340", "response to type I interferon"),
                Node(HOSTILE[1], HOSTILE[2], names=(HOSTILE[1], *HOSTILE[4:])),
                Node("GO:0034341", "response to interferon-gamma", units=2),
            ),
        ),
        Layer("height 2", (Node("GO:0006955", "immune response"), Node("GO:0050896", "response to stimulus"))),
    )
    connections = {
        (0, 1): np.array([[1, 0, 0], [1, 1, 1], [0, 1, 0], [0, 1, 0], [0, 0, 1]]),
        (0, 2): np.array([[0, 0], [0, 0], [0, 0], [0, 1], [0, 0]]),
        (1, 2): np.array([[1, 1], [0, 1], [1, 1]]),
    }
    audit = Audit.of(
        AuditEntry.of("read", "row", f"strange: {HOSTILE[0]}", HOSTILE),
        AuditEntry.of("wire", "gene", "no annotation", ["X"], count=7),
    )
    sources = (Source(HOSTILE[1], HOSTILE[0], "0" * 64, HOSTILE[2], 3),)
    return Architecture(layers, connections, sources, {"wiring": HOSTILE[1], "units": [1, 2]}, audit)


@pytest.fixture(scope="session")
def cells():
    """Forty cells; the second gene tells the classes apart."""
    values = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")
    values[20:, 1] += 4
    return pd.DataFrame(values, columns=list(GENES), index=[f"cell {i}" for i in range(40)])


@pytest.fixture(scope="session")
def labels():
    return [CLASSES[0]] * 20 + [CLASSES[1]] * 20


@pytest.fixture(scope="session")
def model(arch, cells, labels):
    """A model that remembers its cells, with a record of training as `train` writes it."""
    from keras_vnn.data import Classes, classification_metrics
    from keras_vnn.inspection import predict, remember_inspection
    from keras_vnn.models import build_model, view

    made = build_model(arch, Classes(CLASSES), seed=1, anchor="none")
    remember_inspection(made, cells, labels)
    metrics = classification_metrics(labels, predict(made, cells), Classes(CLASSES))
    history = {"loss": [0.9, 0.5, 0.4], "val_loss": [1.0, 0.7, 0.6], "accuracy": [0.5, 0.8, 0.9]}
    view(made).card.remember(
        training={"history": history, "metrics": metrics.to_json(), "options": {"epochs": 3}, "label": "type"}
    )
    return made


@pytest.fixture(scope="session")
def comparison(arch):
    """What `Comparison.to_json` gives, in small."""
    rows = [("real", "prior", [0.9, 0.8]), ("swap", "control", [0.85, 0.8]), (HOSTILE[0], "baseline", [0.7, 0.7])]
    return {
        "schema": "keras-vnn comparison 1",
        "metric": "balanced_accuracy",
        "verdict": f"The real prior is not distinguishable from {HOSTILE[1]}.",
        "summary": [
            {"contender": name, "kind": kind, "runs": 2, "mean": float(np.mean(values)), "sd": 0.1}
            for name, kind, values in rows
        ],
        "place": [{"contender": "real", "degree": 0.1}],
        "runs": [
            {"contender": name, "replicate": i, "balanced_accuracy": value}
            for name, _, values in rows
            for i, value in enumerate(values)
        ],
        "nodes": [{"id": node.id, "label": node.label, "importance": 0.5} for node in arch.layers[1]],
    }


@pytest.fixture(scope="session")
def search():
    """What `Tuning.to_json` gives, in small."""
    tried = [(0.1, "none", 0.6), (0.01, HOSTILE[0], 0.8), (0.001, "none", None)]
    return {
        "schema": "keras-vnn tuning 1",
        "measure": "balanced_accuracy",
        "best": {"trial": 2, "score": 0.8, "values": {"learning_rate": 0.01, HOSTILE[1]: HOSTILE[0]}},
        "test": {"accuracy": 0.7},
        "about": {"seed": 0, "version": "1", "first_is_recipe": True},
        "trials": [
            {"trial": n, "state": "failed" if score is None else "finished", "balanced_accuracy": score}
            | {"learning_rate": rate, HOSTILE[1]: word, "reason": HOSTILE[2] if score is None else ""}
            for n, (rate, word, score) in enumerate(tried, 1)
        ],
    }


FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


class Browser:
    """Headless Chromium on a page, and what it complained of and asked the network for."""

    def __init__(self, folder):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.downloads = folder / "downloads"
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.downloads)}
        )

    def open(self, path, *, width=1280, height=860, dark=False):
        size = {"width": width, "height": height, "deviceScaleFactor": 1 if width > 600 else 2, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(f"{Path(path).as_uri()}")
        self.wait("return performance.getEntriesByName('shown').length")
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, *arguments, seconds=10):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, seconds, 0.05).until(lambda _: self.run(script, *arguments))

    def all(self, selector):
        from selenium.webdriver.common.by import By

        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        found = self.all(selector)
        assert len(found) == 1, (selector, len(found))
        return found[0]

    def keys(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def complaints(self):
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    @property
    def requests(self):
        """Addresses asked for, without the page itself, what it made, and the pages of Chromium."""
        entries = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith(("file:", "data:", "blob:", "chrome:"))]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    pytest.importorskip("selenium", reason="Selenium is not installed")
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("Chromium and its driver are absent: apt-get install chromium chromium-driver")
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.driver.quit()
    made.driver.service.stop()


@pytest.fixture(scope="session")
def pictures(request, tmp_path_factory):
    """Where screenshots go: the folder of ``--screenshots``, or a temporary one."""
    chosen = request.config.getoption("--screenshots", None)
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
