"""The public names: few at the root, the rest in namespaces; what moved is found with a warning."""

import re
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

import keras_vnn as vnn
from keras_vnn.basics.public_names import NAMESPACES, names_in, place_of

TOP = Path(__file__).parents[1]
MOVED = sorted(vnn._MOVED)
# What tells of the old names, or has them from a release.
TELLS = {
    "CHANGELOG.md",
    "docs/stability.md",
    "tests/test_public_names.py",
    "tests/test_typing.py",
    "src/keras_vnn/__init__.py",
}


def test_every_name_of_the_stubs_is_there():
    assert {"__version__", *names_in("keras_vnn")} == set(vnn.__all__) == set(dir(vnn))
    assert all(getattr(vnn, name) is not None for name in vnn.__all__)
    for space in NAMESPACES:
        module = getattr(vnn, space)
        assert module.__doc__ and set(module.__all__) == set(dir(module)) == set(names_in(module.__name__))
        assert all(getattr(module, name) is not None for name in module.__all__)


def test_the_root_holds_the_main_path_and_the_namespaces_only():
    assert {"Architecture", "VNNError", "build_model", "read", "train", *NAMESPACES} < set(vnn.__all__)
    assert len(set(vnn.__all__) - {"__version__", *NAMESPACES}) <= 21


def test_a_thing_has_one_place():
    modules = ["keras_vnn", *(f"keras_vnn.{space}" for space in NAMESPACES)]
    sources = [source for module in modules for source in names_in(module).values()]
    assert len(sources) == len(set(sources))


@pytest.mark.parametrize("name", MOVED)
def test_an_old_name_warns_and_is_the_same(name):
    with pytest.warns(FutureWarning, match=rf"^keras_vnn\.{name} is now keras_vnn\.[\w.]+; .* until 0\.4$") as said:
        old = getattr(vnn, name)
    assert said[0].filename == __file__
    new = str(said[0].message).split(" is now keras_vnn.")[1].partition(";")[0]
    assert old is attrgetter(new)(vnn)


def test_an_old_name_can_be_imported_from_the_package():
    with pytest.warns(FutureWarning, match="read_genes is now keras_vnn.read.genes"):
        from keras_vnn import read_genes
    with pytest.warns(FutureWarning, match="figures is now keras_vnn.pl"):
        from keras_vnn import figures
    assert read_genes is vnn.read.genes and figures is vnn.pl


@pytest.mark.parametrize(
    ("module", "name", "meant"),
    [
        (vnn, "trian", "keras_vnn.train"),
        (vnn, "rank_node", "keras_vnn.tl.rank_nodes"),
        (vnn, "interaction_architectures", "keras_vnn.wire.interactions"),
        (vnn, "ontology", "keras_vnn.read.ontology or keras_vnn.wire.ontology"),
        (vnn.read, "read_genes", "keras_vnn.read.genes"),
        (vnn.read, "gene", "keras_vnn.read.genes"),
        (vnn.tl, "sunburst", "keras_vnn.pl.sunburst"),
    ],
)
def test_a_wrong_name_is_told_with_the_place_of_the_closest(module, name, meant):
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    assert str(caught.value) == f"{module.__name__} has no name {name!r}. Did you mean {meant}?"


def test_a_name_like_none_is_told_without_a_guess():
    with pytest.raises(AttributeError, match=r"^keras_vnn\.pl has no name 'zzz'$"):
        _ = vnn.pl.zzz
    assert place_of("zzz") == ""


def test_nothing_uses_an_old_name():
    listed = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout")
    old = "|".join(map(re.escape, MOVED))
    renamed = "|".join(name for name in MOVED if name != place_of(name).rpartition(".")[2] and name != "figures")
    uses = re.compile(
        rf"(?<![\w./-])(?:keras_)?vnn\.(?:{old})\b"
        rf"|from keras_vnn import (?:\([^)]*|[^\n(]*)\b(?:{old})\b"
        rf"|`(?:{renamed})[(`]"
    )
    assert uses.search("vnn.read_genes") and uses.search("from keras_vnn import (\n train,\n figures)")
    assert uses.search("`read_genes`") and not uses.search("vnn.tl.rank_nodes")
    found = [
        f"{path}: {match[0]}"
        for path in listed.stdout.split()
        if path.endswith((".py", ".md", ".ipynb", ".js", ".pyi", ".yaml", "Makefile")) and path not in TELLS
        for match in uses.finditer((TOP / path).read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_a_namespace_brings_in_no_keras_before_it_is_needed():
    code = "import sys, keras_vnn as vnn; dir(vnn.tl), vnn.read.genes, vnn.tl.__all__; print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
