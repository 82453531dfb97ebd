"""The kernel that ``auto`` chooses against the fastest, on one backend of Keras: a training step of a layer.

    python -m benchmarks.choice                # says, of each case, which kernel won and whether the choice was right
    KERAS_BACKEND=torch python -m benchmarks.choice torch.json
    KERAS_BACKEND=jax python -m benchmarks.choice jax.json
    python -m benchmarks.choice --write-docs torch.json jax.json

Kernels take turns A B A B in one process, with one thread each; of each the least processor time counts, which others
on the machine disturb least; on a GPU, the least time by the clock. Steps are as Keras runs them, forward, both
gradients and SGD. Kernels that would take more than 128 MB are left out, as they are never the fastest, those five
times as slow as another after the first turn.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# Threads that wait for another take processor time as those that work do.
os.environ.update(OMP_NUM_THREADS="1", KERAS_VNN_THREADS="1", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false")

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
SIZES = ((300, 100), (400, 400), (2000, 2000), (9437, 700))
PERCENT = (0.2, 5, 20, 50, 90)
CASES = [
    (inputs, outputs, percent, batch, units)
    for inputs, outputs, percents, units in (
        *((*size, PERCENT, 1) for size in SIZES),
        (20_000, 20_000, (0.15,), 1),
        (400, 100, (5, 50), 6),
    )
    for percent in percents
    for batch in (32, 256)
]
TURNS, SECONDS, LARGEST = 60, 1.0, 2**27
# What the choice may cost and be right.
RIGHT = 1.1


def main() -> None:
    """Time all cases on the backend of this process, or write the tables of earlier runs."""
    if sys.argv[1:2] == ["--write-docs"]:
        write_docs([json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[2:]])
        return
    import keras

    from keras_vnn.layers.kernels import runs_on

    backend, device = keras.backend.backend(), runs_on()
    path = Path(sys.argv[1] if sys.argv[1:] else f"choice-{backend}-{device}.json")
    found: dict[str, Any] = {"backend": backend, "device": device, "cases": []}
    if path.exists():  # a run that was interrupted is resumed
        found = json.loads(path.read_text(encoding="utf-8"))
    for case in CASES[len(found["cases"]) :]:
        found["cases"].append(time_case(*case))
        print(_sentence(found["cases"][-1]), flush=True)
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(verdict(found))


def verdict(found: dict[str, Any]) -> str:
    """Say in how many cases of a run the choice was right, and name the worst."""
    ratios = [_ratio(case) for case in found["cases"]]
    right = sum(ratio <= RIGHT for ratio in ratios)
    worst = found["cases"][int(np.argmax(ratios))]
    where = f"{found['backend']} on the {found['device'].upper()}"
    said = f"{where}: the kernel chosen was within {RIGHT:g} times the fastest in {right} of {len(ratios)} cases."
    return f"{said}\nThe worst: {_sentence(worst)}"


def _sentence(case: dict[str, Any]) -> str:
    units = f", {case['units']} units" if case["units"] > 1 else ""
    return (
        f"{case['inputs']:,} × {case['outputs']:,}{units}, {case['percent']:g} %, batch {case['batch']}: "
        f"{_said(case)} ms, {_ratio(case):.2f} times the fastest"
    )


def time_case(inputs: int, outputs: int, percent: float, batch: int, units: int) -> dict[str, Any]:
    """Return the kernel chosen, and the least milliseconds of the processors and of the clock, by kernel."""
    import keras

    from keras_vnn.layers import SparselyConnected
    from keras_vnn.layers.kernels import KERNELS, choose_kernel, runs_on

    random = np.random.default_rng(0)
    adjacency = random.random((inputs, outputs)) < percent / 100
    data = random.normal(size=(batch, inputs)).astype("float32")
    targets = random.normal(size=(batch, outputs * units)).astype("float32")
    connections, backend = SparselyConnected(adjacency, units).connections, keras.backend.backend()
    choice = choose_kernel(connections, option="auto", backend=backend, device=runs_on(), batch=batch)
    cells = connections.inputs * connections.outputs
    numbers = {"dense": 3 * cells, "portable": 3 * connections.count * batch, "block": 2 * connections.count * batch}
    steps: dict[str, Callable[[], Any]] = {}
    for name, kernel in KERNELS.items():
        reason = kernel.unavailable(connections, backend=backend, device=runs_on())
        if not reason and 4 * numbers.get(name, 0) < LARGEST:
            layer = SparselyConnected(adjacency, units, kernel=name)
            model = keras.Sequential([keras.Input((inputs,)), _scale(), layer])
            model.compile("sgd", "mse")
            steps[name] = lambda model=model: model.train_on_batch(data, targets)
            steps[name]()
    processor: dict[str, float] = dict.fromkeys(steps, float("inf"))
    wall = dict(processor)
    clock = time.perf_counter if runs_on() == "gpu" else time.process_time
    begin = clock()
    for turn in range(TURNS):
        if turn > 3 and clock() - begin > SECONDS:
            break
        for name, step in steps.items():
            if turn and processor[name] > 5 * min(processor.values()):
                continue
            start = time.perf_counter(), clock()
            step()
            processor[name] = min(processor[name], 1e3 * (clock() - start[1]))
            wall[name] = min(wall[name], 1e3 * (time.perf_counter() - start[0]))
    return {
        "inputs": inputs, "outputs": outputs, "percent": percent, "batch": batch, "units": units,
        "chosen": choice.name, "processor": processor, "wall": wall,
    }  # fmt: skip


def _scale() -> Any:
    """Return a layer with a weight, so that the one after it needs the gradient of its inputs."""
    import keras

    class Scale(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(shape=(), initializer="ones")

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor

    return Scale()


def write_docs(runs: list[dict[str, Any]]) -> None:
    """Put the tables of these runs into the page."""
    lines = [
        "| inputs × outputs | present | batch | " + " | ".join(f"{run['backend']} | ratio" for run in runs) + " |",
        "|---" * (3 + 2 * len(runs)) + "|",
    ]
    measured = [{_case(case): case for case in run["cases"]} for run in runs]
    for key, case in measured[0].items():
        size = f"{case['inputs']:,} × {case['outputs']:,}" + (f", {case['units']} units" if case["units"] > 1 else "")
        cells = [f"{_said(run[key])} | {_ratio(run[key]):.2f}" if key in run else "– | –" for run in measured]
        lines.append(f"| {size} | {case['percent']:g} % | {case['batch']} | " + " | ".join(cells) + " |")
    worst = [max(map(_ratio, run["cases"])) for run in runs]
    lines.append("| the worst | | | " + " | ".join(f" | {ratio:.2f}" for ratio in worst) + " |")
    begin, rest = PAGE.read_text(encoding="utf-8").split("<!-- measured by benchmarks.choice -->\n")
    end = rest.split("<!-- end -->", 1)[1]
    PAGE.write_text(
        f"{begin}<!-- measured by benchmarks.choice -->\n" + "\n".join(lines) + f"\n<!-- end -->{end}", encoding="utf-8"
    )


def _case(case: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(case[name] for name in ("inputs", "outputs", "percent", "batch", "units"))


def _said(case: dict[str, Any]) -> str:
    others = sorted(case["processor"], key=case["processor"].get)
    best = others[0]
    times = case["processor"]
    return f"{case['chosen']} {times[case['chosen']]:.2f}" + (
        "" if best == case["chosen"] else f" ({best} {times[best]:.2f})"
    )


def _ratio(case: dict[str, Any]) -> float:
    return case["processor"][case["chosen"]] / min(case["processor"].values())


if __name__ == "__main__":
    main()
