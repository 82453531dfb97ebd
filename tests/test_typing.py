"""What type checkers and editors see of the public names: signatures and named options, of a program that is right
and of one that is wrong.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from option_types import TARGET, stub

TOP = Path(__file__).parents[1]

RIGHT = """
import keras_vnn as vnn

ppi = vnn.read.Interactions.from_pairs(["ATM"], ["MDM2"])
arch: vnn.Architecture = vnn.wire.interactions(["ATM", "MDM2"], ppi, dense_units=2)
how = vnn.training_options("lin2017", epochs=3, learning_rate=0.01)
model = vnn.build_model(arch, 2, tail=(4,), dropout=0.5)
result: vnn.tl.TrainingResult = vnn.train(arch, None, "kind", training=how, activation="relu")
vnn.tl.train_cells(None, arch, "kind", objective="autoencoder", beta=0.1, batch_normalization=False)
axes = vnn.pl.sunburst(arch, rings=2)
reveal_type(vnn.wire.node_degrees)
reveal_type(vnn.wire.gene_counts)
reveal_type(vnn.__version__)
"""

WRONG = {
    "vnn.trian": 'Module has no attribute "trian"; maybe "train"?',
    "vnn.read.gene": 'Module has no attribute "gene"; maybe "genes"?',
    "vnn.read_genes": 'Module has no attribute "read_genes"',
    "vnn.read.read_genes": 'Module has no attribute "read_genes"',
    'vnn.wire.interactions(["A"], dense_units="two")': (
        'Argument "dense_units" to "interaction_architecture" has incompatible type "str"'
    ),
    "vnn.training_options(epoch=3)": 'Unexpected keyword argument "epoch" for "training_options"',
    "vnn.build_model(arch, 2, dropuot=0.5)": 'Unexpected keyword argument "dropuot" for "build_model"',
    'vnn.train(arch, None, "kind", tail="4")': 'Argument "tail" to "train" has incompatible type "str"',
    'vnn.tl.train_cells(None, arch, "kind", beta=0.1)': 'No overload variant of "train_cells" matches argument types',
}


def test_mypy_accepts_a_program_that_is_right_and_refuses_each_line_of_one_that_is_wrong(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(
        "\n".join(
            ["import keras_vnn as vnn\ndef use(arch: vnn.Architecture) -> None:", *(f"    {line}" for line in WRONG)]
        )
    )
    # The settings of the project take the libraries behind it as untyped, as an installed package does.
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", "--no-error-summary"]
    done = subprocess.run(
        [*command, tmp_path / "right.py", tmp_path / "wrong.py"], cwd=TOP, capture_output=True, text=True
    )
    # What a function returns is Any where mypy does not follow the library it comes from.
    signature = r'note: Revealed type is "def \(arch: keras_vnn\.architecture\._value\.Architecture\) -> .+"'
    of_degrees, of_counts, of_version = re.findall(r"right.py:\d+: (.+)", done.stdout)
    assert re.fullmatch(signature, of_degrees) and re.fullmatch(signature, of_counts), done.stdout + done.stderr
    assert of_version == 'note: Revealed type is "str"'
    errors = re.findall(r"wrong.py:(\d+): error: (.+)", done.stdout)
    assert [int(line) for line, _ in errors] == list(range(3, 3 + len(WRONG)))
    assert all(text.startswith(expected) for (_, text), expected in zip(errors, WRONG.values(), strict=True)), errors


def test_options_by_name_are_the_fields_of_the_options():
    written = TARGET.read_text(encoding="utf-8")
    assert re.sub(r"\s+", " ", stub()) == re.sub(r"\s+", " ", written), "python tools/option_types.py"
