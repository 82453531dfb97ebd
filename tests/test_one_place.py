"""What is added is declared in one place and used in another; all else follows: on a copy of the package, with a diff.

`tests/readers/test_registry.py` does the same for a format.
"""

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keras_vnn.cli import app

TOP = Path(__file__).parents[1]
# File, the line it is put before, and what is put there.
TRAINING_OPTION = (
    (
        "options/_training.py",
        "    patience: Whole = Field(",
        '    amsgrad: bool = Field(default=False, description="The AMSGrad variant.", json_schema_extra=_ADAM)\n',
    ),
    ("training/_fit.py", '    if options.optimizer == "adamw":\n', '    betas["amsgrad"] = options.amsgrad\n'),
)
WIRING_OPTION = (
    (
        "options/_wiring.py",
        "    min_new_genes: Whole = Field(",
        '    most_children: Whole | None = Field(default=None, ge=1, description="Terms with more are left out.")\n',
    ),
    (
        "architecture/wiring/_ontology.py",
        "    if options.window is not None:\n        low, high",
        "    if options.most_children is not None:\n"
        "        wanted &= np.asarray(hierarchy.parents.sum(axis=0)).ravel() <= options.most_children\n"
        '        reasons.append("with too many child terms")\n',
    ),
)
IMPORTANCE_METHOD = (
    (
        "inspection/_methods.py",
        "def gradient(view",
        "def slope(view: LayerView) -> Iterator[Block]:\n"
        "    segment, values = view.rest\n"
        "    for cells in view.batches(view.cost, _GRADIENTS):\n"
        "        yield view.summed(cells, score_gradients(segment, [array[cells] for array in values], view.kernel))\n"
        "\n\n",
    ),
    (
        "inspection/_methods.py",
        '        "rlipp": ImportanceMethod(',
        '        "slope": ImportanceMethod("gradient of the scores", "score per unit of activity", slope),\n',
    ),
)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Return what runs a program on a copy of the package in which four things were added, and gives what it prints."""
    folder = tmp_path_factory.mktemp("copied")
    package = folder / "src" / "keras_vnn"
    shutil.copytree(TOP / "src" / "keras_vnn", package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, place, added in (*TRAINING_OPTION, *WIRING_OPTION, *IMPORTANCE_METHOD):
        text = (package / name).read_text(encoding="utf-8")
        assert text.count(place) == 1, (name, place)
        (package / name).write_text(text.replace(place, added + place), encoding="utf-8")
    paths = os.pathsep.join([str(folder / "src"), str(TOP / "tools")])
    environment = {**os.environ, "PYTHONPATH": paths, "COLUMNS": "200", "NO_COLOR": "1"}

    def run(code, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=environment, cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


HELP = "from keras_vnn.cli import main; main()"


@pytest.mark.parametrize(
    ("command", "option", "words"),
    [
        ("train", "--amsgrad", "The AMSGrad variant."),
        ("build", "--most-children", "Terms with more are left out."),
    ],
)
def test_an_option_is_in_the_help(copied, command, option, words):
    text = " ".join(copied(HELP, command, "--help").replace("│", " ").split())
    assert re.search(re.escape(option) + r" .{0,60}" + re.escape(words), text)


def test_an_option_is_in_recipes_signatures_docstrings_and_types(copied):
    said = copied("""
import inspect, option_types, keras_vnn as vnn
from pathlib import Path
from keras_vnn.recipes.read import read_recipe
path = Path("recipe.yaml")
path.write_text("build:\\n  genes: g.txt\\n  ontology: go.obo\\n  annotations: goa.gaf\\n  most_children: 7\\n"
                "train:\\n  data: d.h5ad\\n  label: type\\n  amsgrad: true\\n")
recipe = read_recipe(path)
print(recipe.build.wiring, recipe.train.training_options().amsgrad)
kind = vnn.tl.TrainingOptions
print("amsgrad" in inspect.signature(kind).parameters, "The AMSGrad" in kind.__doc__)
print("most_children" in inspect.signature(vnn.wire.ontology).parameters, "with more are" in vnn.wire.ontology.__doc__)
print("amsgrad: bool" in option_types.stub(), "most_children: int | None" in option_types.stub())
go = vnn.read.Ontology.from_edges(["a", "b", "c"], ["b", "d", "d"])
goa = vnn.read.Annotations.from_pairs(["g", "h", "g"], ["a", "b", "c"])
for most in (None, 1):
    print(sorted(node.node.id for node in vnn.wire.ontology(
        ["g", "h"], go, goa, min_genes=1, redundancy=None, most_children=most).nodes() if node.layer))
""")
    assert said.splitlines() == [
        "{'most_children': 7} True",
        "True True",
        "True True",
        "True True",
        "['a', 'b', 'c', 'd']",
        "['a', 'b', 'c']",
    ]


@pytest.mark.slow
def test_an_option_reaches_the_optimizer_and_the_estimators_and_a_method_ranks_nodes(copied):
    said = copied("""
import keras_vnn as vnn, numpy as np
from keras_vnn.training import make_optimizer
print(make_optimizer(vnn.training_options(amsgrad=True)).amsgrad, "amsgrad" in vnn.VNNClassifier().get_params())
arch = vnn.wire.gene_sets(["A", "B", "C"], {"one": ["A", "B"], "two": ["B", "C"]})
model = vnn.build_model(arch, 2, seed=0)
values = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
print(sorted(vnn.tl.rank_nodes(model, values, by="slope").index))
try:
    vnn.tl.rank_nodes(model, values, by="slpe")
except vnn.VNNError as error:
    print(error)
""")
    first, second, *error = said.splitlines()
    assert (first, second) == ("True True", "['one', 'two']")
    assert "Did you mean slope?" in "\n".join(error)


def test_help_page_and_docstring_name_every_method_of_importance():
    from keras_vnn.inspection import IMPORTANCE_METHODS, rank_nodes

    page = (TOP / "docs" / "interpretation.md").read_text(encoding="utf-8")
    texts = [
        parameter.annotation.__metadata__[0].help
        for command in app.registered_commands
        for parameter in inspect.signature(command.callback, eval_str=True).parameters.values()
        if parameter.name == "method" and "knockout-zero" in parameter.annotation.__metadata__[0].help
    ]
    assert texts
    for text in texts:
        assert f" {', '.join(IMPORTANCE_METHODS)}." in text
    for name in IMPORTANCE_METHODS:
        assert f"`{name}`" in page
        assert f'``"{name}"``' in rank_nodes.__doc__
