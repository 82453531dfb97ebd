"""Recipes are checked before anything runs, and every error names the line and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_vnn.basics.bundled import config_names
from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.cli import app
from keras_vnn.recipes.read import make_section, read_recipe
from keras_vnn.recipes.schema import BuildRecipe, CompareRecipe, TrainRecipe, TuneRecipe


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_recipe_but_the_output_is_not(tmp_path: Path) -> None:
    recipe = read_recipe(
        written(tmp_path, "build:\n  genes: a/genes.txt\n  interactions: [x.tsv, /abs/y.tsv]\n  output: out.vnn\n")
    )
    assert recipe.build is not None
    assert recipe.build.genes == tmp_path / "a" / "genes.txt"
    assert recipe.build.interactions == (tmp_path / "x.tsv", Path("/abs/y.tsv"))
    assert recipe.build.output == Path("out.vnn")


@pytest.mark.parametrize("name", config_names())
def test_every_bundled_recipe_is_valid_and_its_files_exist(name: str) -> None:
    recipe = read_recipe(name.removesuffix(".yaml"))
    assert recipe.title
    assert recipe.reference
    for section in (recipe.build, recipe.train):
        for field in section.model_fields_set if section else ():
            value = getattr(section, field)
            for path in value if isinstance(value, tuple) else (value,):
                assert not isinstance(path, Path) or path.exists(), f"{field}: {path}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "build:\n  genes: g.txt\n  groupin: edge\n",
            "Unknown option 'groupin': {path}:3\nDid you mean grouping?",
        ),
        (
            "build:\n  genes: g.txt\n  grouping: cliqe\n",
            "grouping must be one of edge, neighbourhood, clique, community; got 'cliqe': {path}:3\n"
            "Did you mean clique?",
        ),
        (
            "build:\n  genes: g.txt\n  min_genes: zero\n",
            "min_genes must be an integer of at least 1, got 'zero': {path}:3",
        ),
        (
            "train:\n  data: d.h5ad\n",
            "The option 'label' is needed: {path}:1\nColumn with the labels; an autoencoder needs none.",
        ),
        (
            "train:\n  data: d.h5ad\n  label: x\n  epochs: 3\n  training: abc\n",
            "training must be options by name, got 'abc': {path}:5",
        ),
        ("biuld:\n  genes: g\n", "Unknown option 'biuld': {path}:1\nDid you mean build?"),
        ("- a\n- b\n", "A recipe needs a build or a train section: {path}\nSee `vnn build --help` for an example."),
        ("build: [\n", "Not a YAML file: {path}:1\n    expected the node content, but found '<stream end>'"),
        (
            "build:\n  genes: !!python/object/apply:os.system ['true']\n",
            "Not a YAML file: {path}:2\n    could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        read_recipe(path)
    assert str(error.value) == message.format(path=path)


def test_a_recipe_that_is_not_there() -> None:
    with pytest.raises(ReadError, match=r"^No such recipe: nowhere\.yaml"):
        read_recipe("nowhere.yaml")


def test_options_by_name_replace_those_of_the_recipe() -> None:
    start = BuildRecipe(genes="a.txt", min_genes=5, dense_units=100)
    merged = make_section(BuildRecipe, start, {"min_genes": 3, "max_genes": None, "interactions": []}, "here")
    assert (merged.wiring, str(merged.genes)) == ({"min_genes": 3, "dense_units": 100}, "a.txt")


def test_a_needed_option_is_asked_for() -> None:
    with pytest.raises(ConfigError) as error:
        make_section(TrainRecipe, None, {"label": "type"}, "the command line")
    assert str(error.value) == (
        "The option 'data' is needed: the command line\nExpression: .h5ad, CSV or TSV in either orientation."
    )


@pytest.mark.parametrize(
    ("name", "section"),
    [("build", BuildRecipe), ("train", TrainRecipe), ("compare", CompareRecipe), ("tune", TuneRecipe)],
)
def test_a_command_and_its_section_have_the_same_options_and_texts(name: str, section: type) -> None:
    (command,) = [known.callback for known in app.registered_commands if known.callback.__name__ == name]
    own = {"return", "recipe", "dry_run", "fresh", "force", "as_json", "quiet", "verbose", "architecture", "data"}
    own |= {"cells", "label"} if section is CompareRecipe else set()  # of a model, which has no recipe
    of_command = {name: hint for name, hint in command.__annotations__.items() if name not in own}
    assert set(of_command) == set(section.option_names()) - {"architecture", "data", "space"}
    for name, hint in of_command.items():
        group, field = section.place_of(name) or (None, name)
        kinds = [section] if group is None else [kind for kind in section.groups[group] if field in kind.model_fields]
        text = hint.__metadata__[0].help
        assert any(text.startswith(kind.model_fields[field].description) for kind in kinds), name
