"""How fast the report page is in a browser, by the size of the network: ``python -m benchmarks.report_page``.

Networks are made up: a tree of terms with a second parent here and there, genes below, weights and importance drawn at
random. Measured in headless Chromium, each size opened several times: first paint and the page being complete by the
browser's own clock; a search for each of some words; the change to each view, until it is drawn; the size of the file.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.export.report._page import SCHEMA, page_of, report_data

SIZES = (1_000, 5_000, 20_000)
WORDS = ("interferon", "process 4", "g1", "response to signal 77", "nothing like it")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
VIEWS = ("sunburst", "treemap", "network", "outline")


def network(nodes: int, genes: int = 10_000, layers: int = 10, *, seed: int = 0) -> Architecture:
    """Return an ontology-like network of so many hidden nodes: each layer a third smaller than the one below."""
    rng = np.random.default_rng(seed)
    shares = np.array([0.67**k for k in range(layers)])
    sizes = [max(1, round(nodes * share / shares.sum())) for share in shares]
    sizes[-1] = 1
    sizes[0] += nodes - sum(sizes)
    words = ("response to", "regulation of", "interferon", "process", "binding of")
    parts, number = [Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(genes)))], 0
    for height, size in enumerate(sizes):
        made = []
        for _ in range(size):
            number += 1
            made.append(Node(f"GO:{number:07d}", f"{words[number % 5]} signal {number} process {number // 7}"))
        parts.append(Layer(f"height {height}", tuple(made)))
    connections = {}
    for target in range(1, layers + 1):
        count = len(parts[target])
        rows, columns = rng.integers(0, genes, 8 * count), np.repeat(np.arange(count), 8)
        connections[0, target] = _adjacency(rows, columns, (genes, count))
        if target > 1:
            below = len(parts[target - 1])
            first, second = rng.integers(0, count, below), rng.integers(0, count, below // 2)
            rows = np.concatenate([np.arange(below), np.arange(len(second))])
            connections[target - 1, target] = _adjacency(rows, np.concatenate([first, second]), (below, count))
    return Architecture(tuple(parts), connections)


def _adjacency(rows: Any, columns: Any, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape)


def page(nodes: int) -> str:
    """Return the report of such a network, with numbers of a model of two classes made up."""
    arch, rng = network(nodes), np.random.default_rng(1)
    values = report_data(arch, title=f"{nodes:,} nodes")
    total, hidden = len(values["nodes"]["id"]), nodes
    genes = total - hidden

    def drawn(count: int) -> list[float]:
        return [float(f"{x:.3g}") for x in rng.normal(size=count)]

    values["edges"]["weight"] = drawn(len(values["edges"]["source"]))
    importance = [None] * genes + [abs(x) for x in drawn(hidden)]
    values["importance"] = {
        "method": "gradient",
        "outputs": ["control", "treated"],
        "importance": importance,
        "rank": [None] * genes + list(range(1, hidden + 1)),
        "effects": [[None] * genes + drawn(hidden) for _ in range(2)],
    }
    values["findings"] = {
        "facts": {"nodes": hidden, "found": hidden // 20, "cells": 1000, "held_out": 300, "replicate": None},
        "group": None,
        "size_is": "d",
        "names": ["control", "treated"],
        "higher": [None] * genes + [int(x) for x in rng.integers(0, 2, hidden)],
        **{name: [None] * genes + drawn(hidden) for name in ("size", "evidence", "learned", "use")},
        **{name: [None] * genes + [float(f"{x:.3g}") for x in rng.random(hidden)] for name in ("q", "learned_q")},
        "beyond_the_mean": [None] * genes + [False] * hidden,
        "similar": [None] * genes + [0] * hidden,
    }
    values["activity"] = {
        "classes": ["control", "treated"],
        "cells": [500, 500],
        "first": 0,
        "units": total,
        "left_out": [],
        **{name: drawn(2 * total) for name in ("mean", "sd", "effect_size")},
    }
    assert values["schema"] == SCHEMA
    return page_of(values)


class Chromium:
    """Headless Chromium."""

    def __init__(self, folder: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in [*FLAGS.split(), f"--user-data-dir={folder / 'profile'}"]:
            options.add_argument(flag)
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_window_size(1280, 900)

    def measure(self, path: Path) -> dict[str, float]:
        """Open a page and return what took how many milliseconds."""
        run = self.driver.execute_script
        self.driver.get(path.as_uri())
        time.sleep(0.5)
        found = {
            "first paint": run("return performance.getEntriesByName('first-contentful-paint')[0].startTime"),
            "complete": run("return performance.getEntriesByName('shown')[0].startTime"),
        }
        searches = run(
            "const box = document.getElementById('query'); return arguments[0].map(word => {"
            "box.value = word; box.dispatchEvent(new Event('input'));"
            "return performance.getEntriesByName('search').at(-1).duration; });",
            WORDS,
        )
        found |= {"search": statistics.median(searches), "slowest search": max(searches)}
        for view in VIEWS:
            # Until the frame after the change is on the screen.
            found[view] = self.driver.execute_async_script(
                "const [view, done] = arguments, start = performance.now();"
                "report.set({page: 'explore', view});"
                "requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));",
                view,
            )
        found["table sorted"] = run(
            "report.set({page: 'tables'}); const start = performance.now();"
            "document.querySelectorAll('thead th button')[1].click(); return performance.now() - start;"
        )
        return found

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()


def main() -> None:
    """Measure, print a table, write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="hidden nodes")
    parser.add_argument("--rounds", type=int, default=5, help="times each page is opened")
    parser.add_argument("--output", type=Path, help="JSON to write")
    chosen = parser.parse_args()
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        raise SystemExit("Chromium and its driver are absent: apt-get install chromium chromium-driver")
    results: dict[str, Any] = {"machine": f"{platform.machine()}, {platform.system()}", "rounds": chosen.rounds}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = {}
        for size in chosen.sizes:
            paths[size] = folder / f"{size}.html"
            paths[size].write_text(page(size), encoding="utf-8")
        browser = Chromium(folder)
        results["browser"] = browser.driver.capabilities["browserVersion"]
        measured: dict[int, list[dict[str, float]]] = {size: [] for size in chosen.sizes}
        try:
            for _ in range(chosen.rounds):
                for size in chosen.sizes:  # in turns, so that a busy minute meets all
                    measured[size].append(browser.measure(paths[size]))
        finally:
            browser.close()
        for size in chosen.sizes:
            rows = measured[size]
            results[str(size)] = {"MB": round(paths[size].stat().st_size / 1e6, 2)} | {
                key: round(statistics.median(row[key] for row in rows), 1) for key in rows[0]
            }
    print(f"Chromium {results['browser']}, medians of {chosen.rounds}, ms\n", file=sys.stderr)
    names = list(results[str(chosen.sizes[0])])
    print("| nodes | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for size in chosen.sizes:
        print(f"| {size:,} | " + " | ".join(f"{results[str(size)][key]:g}" for key in names) + " |")
    if chosen.output:
        chosen.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
