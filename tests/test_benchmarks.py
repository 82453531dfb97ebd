"""The benchmarks' tables: what they demand, what they say of a run, and that the page shows all of them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def results():
    """A run of round numbers: ours takes 10 ms."""

    def case(**others):
        ours = {"step": 10.0, "first": 8.0, "keras": 9.0, "fit": 12.0, "predict": 2.0, "peak MB": 250.0}
        ours |= {"kernel": "native", "build": 0.1, "first step": 0.5, "save": 0.2, "load": 0.1, "open": 0.3}
        return {"others": 0.05, "failed": {}, "contenders": {"keras-vnn": {**ours, "file MB": 7.2}, **others}}

    def rival(step):
        return {"step": step, "predict": step / 4, "peak MB": 10 * step}

    found = {
        "Lin, batch 32": case(**{"masked dense": rival(70.0), "C limit": {"step": 5.0}}),
        "20k, batch 32": case(**{"masked dense": rival(1234.0), "kpnn2": rival(100.0), "C limit": {"step": 6.25}}),
        "20k, batch 256": case(**{"C limit": {"step": 4.0}}),
        "20k, batch 32, XLA": case(),
    }
    found["20k, batch 32, XLA"]["failed"] = {"masked dense, XLA": "killed, most likely for want of memory"}
    from benchmarks.cases import DENSITIES

    for density in DENSITIES:
        found[f"2k, {100 * density:g} %"] = case(
            dense=rival(20.0 if density < 1 else 9.5), **{"masked dense": rival(25)}
        )
    facts = {"processor": "X", "processors": 2, "memory GB": 23, "system": "Linux", "python": "3.11", "keras": "3.15"}
    return {
        "machine": facts,
        "started": "2026-01-01 00:00 UTC",
        "rounds": 15,
        "minutes": 20.0,
        "cases": found,
        "Backends": {"jax": {"keras-vnn": {"step": 50.0, "kernel": "native"}, "masked dense": {"step": 600.0}}},
        "DrugCell": {"connections": 1e3, "batch 64": 0.03, "batch 512": 0.3, "limit of batch 512": 0.16},
    }


def test_every_demand_has_a_verdict(results):
    from benchmarks.claims import CLAIMS

    said = {claim.what: claim.judge(results) for claim in CLAIMS}
    assert [(value if value is None else round(value, 3), verdict) for value, verdict in said.values()] == [
        (7.0, "met"),
        (123.4, "met, and the aim"),
        (None, "not measured"),
        (10.0, "MISSED"),
        (1.6, "met, and the aim"),
        (2.5, "MISSED"),
        (0.95, "met"),
        (30.0, "met"),
        (300.0, "MISSED"),
        (None, "not measured"),
        (1.875, "met"),
        (None, "not measured"),
        (250.0, "met, and the aim"),
        (1.5, "MISSED"),
        (12.0, "met"),
        (None, "not measured"),
    ]


def test_the_table_of_demands_says_the_bounds(results):
    from benchmarks.claims import judged

    lines = judged(results)
    assert (
        "| the same against the C limit | ≤ 2.5 × its time | ≤ 1.6 × its time | 1.6 × its time | met, and the aim |"
        in lines
    )
    assert "| the same against `kpnn2` `PackedLinear` | ≥ 15 × faster | ≥ 30 × faster | 10 × faster | MISSED |" in lines


def test_tables_hold_times_and_ratios(results):
    from benchmarks.report import sections

    tables = sections(results)
    assert "| 20k, batch 32 | 10.00 | 1,234 (123×) | 100 (10×) | 6.25 (0.62×) |" in tables["training step"]
    assert "| 20k, batch 32 | 250 | 12,340 (49×) | 1,000 (4×) |" in tables["memory"]
    assert "| 100 % | native | 10.00 | 9.50 | 25.00 | 0.95 |" in tables["densities"]
    assert "| jax | native | 50.00 | 600 | 12 |" in tables["backends"]
    assert "| DrugCell | 1,000 | 64 | 30.0 | – | – |" in tables["whole models"]
    assert "| DrugCell | 1,000 | 512 | 300.0 | 160.0 | 1.88 |" in tables["whole models"]
    assert "0.05 to 0.05 processors busy, in the median 0.05: a quiet machine" in tables["machine"]
    assert "masked dense, XLA at 20k, batch 32, XLA: killed, most likely for want of memory" in tables["machine"]


def test_a_run_in_use_is_called_so(results):
    from benchmarks.report import sections

    results["cases"]["Lin, batch 32"]["others"] = 1.4
    assert "0.05 to 1.40 processors busy, in the median 0.05: a machine in use" in sections(results)["machine"]


def test_the_page_shows_every_table_and_can_be_written_again(results, tmp_path):
    from benchmarks.report import sections, write_documents

    page = tmp_path / "performance.md"
    page.write_text((ROOT / "docs" / "performance.md").read_text(encoding="utf-8"), encoding="utf-8")
    assert set(re.findall("<!-- measured: (.*) -->", page.read_text(encoding="utf-8"))) == sections(results).keys()
    write_documents(results, page, tmp_path)
    once = page.read_text(encoding="utf-8")
    assert all(table in once for table in sections(results).values())
    write_documents(json.loads(json.dumps(results)), page, tmp_path)
    assert page.read_text(encoding="utf-8") == once
    assert {path.name for path in tmp_path.glob("*.png")} == {"performance-ratios.png", "performance-densities.png"}
    for picture in re.findall(r"\]\(images/(performance.*?)\)", once):
        assert (tmp_path / picture).exists()


def test_a_page_that_asks_for_another_table_is_refused(results, tmp_path):
    from benchmarks.report import write_documents

    page = tmp_path / "page.md"
    page.write_text("<!-- measured: speed -->\n<!-- end -->\n")
    with pytest.raises(ValueError, match="asks for 'speed'; there are machine, demands, "):
        write_documents(results, page, tmp_path)


def test_cases_are_what_their_names_say():
    from benchmarks.cases import CASES

    for name in ("Lin, batch 32", "2k, 50 %", "2k, 100 %"):
        case = CASES[name]
        matrix = case.adjacency()
        assert matrix.shape == (case.inputs, case.outputs)
        assert case.connections * 0.9 < matrix.nnz <= case.connections * 1.01
    degrees = sorted(CASES["Lin, batch 32"].adjacency().sum(axis=0))
    assert degrees[-1] > 10 * degrees[0], "a power law"


def test_a_run_of_choices_says_where_they_were_right():
    from benchmarks.choice import verdict

    def case(chosen, batch):
        size = {"inputs": 400, "outputs": 100, "percent": 5, "units": 6, "batch": batch}
        return {**size, "chosen": chosen, "processor": {"csr": 2.0, "block": 1.0, "portable": 3.0}}

    assert verdict({"backend": "jax", "device": "gpu", "cases": [case("block", 32), case("csr", 256)]}) == (
        "jax on the GPU: the kernel chosen was within 1.1 times the fastest in 1 of 2 cases.\n"
        "The worst: 400 × 100, 6 units, 5 %, batch 256: csr 2.00 (block 1.00) ms, 2.00 times the fastest"
    )


# Rows 0 to 6 are inputs, 7 to 11 the units of the first level, and so on: of each level its nodes, annotation units,
# whether it has tanh, normalisation and heads; the units and the inputs of each node; rows and annotation units.
TOPOLOGY = (
    (7, 3),
    ((3, 5, 1, 1, 1), (2, 1, 2), (2, 1, 2), (0, 1, 2, 3, 4), (0, 1, 2, 3, 4)),
    ((2, 2, 1, 1, 1), (3, 5), (4, 4), (1, 4, 7, 8, 0, 9, 10, 11), (0, 1, -1, -1, -1, -1, -1, -1)),
    ((1, 0, 0, 0, 0), (1,), (10,), (5, 6, *range(12, 20)), (-1,) * 10),
)


def losses_of_topology(weights, rows):
    """Return the loss and all rows as TensorFlow has them, dense, from weights in the order of `limit_model.c`."""
    import tensorflow as tf

    place = 0

    def taken(count):
        nonlocal place
        place += count
        return weights[place - count : place]

    values, loss = [rows[i] for i in range(TOPOLOGY[0][0])], 0.0
    for (_, relays, has_tanh, has_norm, has_heads), widths, fans, read, relay_of in TOPOLOGY[1:]:
        count, ends = sum(widths), np.cumsum((0, *fans))
        by_node = [tf.reshape(taken(width * fan), (width, fan)) for width, fan in zip(widths, fans, strict=True)]
        bias, scale, shift = taken(count), taken(relays), taken(relays)
        gamma, beta = (taken(count), taken(count)) if has_norm else (tf.ones(count, tf.float64), 0.0)
        x = [values[row] if q < 0 else values[row] * scale[q] + shift[q] for row, q in zip(read, relay_of, strict=True)]
        sums = [tf.matmul(w, tf.stack(x[a:b])) for w, a, b in zip(by_node, ends, ends[1:], strict=False)]
        units = tf.concat(sums, 0) + bias[:, None]
        units = tf.tanh(units) if has_tanh else units
        if has_norm:
            mean, variance = tf.nn.moments(units, [1], keepdims=True)
            units = gamma[:, None] * (units - mean) / tf.sqrt(variance + 1e-3) + beta[:, None]
        if has_heads:
            hidden, parameters = taken(count), tf.reshape(taken(3 * len(widths)), (-1, 3))
            starts = np.cumsum((0, *widths))
            for (b0, w1, b1), a, b in zip(tf.unstack(parameters), starts, starts[1:], strict=False):
                head = w1 * tf.tanh(tf.reduce_sum(hidden[a:b, None] * units[a:b], 0) + b0) + b1
                loss += 0.2 * tf.reduce_mean(head**2)
        values += tf.unstack(units)
    assert place == weights.shape[0]
    return loss + tf.reduce_mean(values[-1] ** 2), tf.stack(values)


@pytest.mark.parametrize("batch", [32, 96])
def test_the_limit_of_models_computes_what_tensorflow_does(batch, tmp_path):
    tf = pytest.importorskip("tensorflow")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    program, topology, first = (tmp_path / name for name in ("limit_model", "topology", "first"))
    source = ROOT / "benchmarks" / "limit_model.c"
    subprocess.run(
        [compiler, "-O3", "-march=native", "-ffast-math", "-fopenmp", source, "-o", program, "-lm"], check=True
    )
    numbers = [number for level in TOPOLOGY for part in level for number in np.atleast_1d(part)]
    np.array(numbers, np.int32).tofile(topology)
    subprocess.run([program, topology, str(batch), "1", first], check=True, capture_output=True)

    found, n_rows = np.fromfile(first, np.float32).astype(float), 20 + 1
    count = (len(found) - n_rows * batch) // 2
    tiles = found[count:-count]
    defined = subprocess.run(
        [compiler, "-march=native", "-dM", "-E", "-"], input="", text=True, check=True, capture_output=True
    ).stdout
    width = 32 if "__AVX512F__" in defined else 16
    rows = tiles.reshape(-1, n_rows, width).swapaxes(0, 1).reshape(n_rows, -1)
    weights = tf.constant(found[:count])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss, values = losses_of_topology(weights, rows)
    np.testing.assert_allclose(rows, values, rtol=1e-5, atol=1e-5)
    gradients = tape.gradient(loss, weights).numpy()
    assert np.ptp(gradients) > 0.1
    np.testing.assert_allclose(found[-count:], gradients, atol=1e-5 * np.abs(gradients).max())
