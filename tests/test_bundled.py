"""The bundled files are found by name, and a wrong name is answered with the right one."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from keras_vnn.basics import bundled
from keras_vnn.basics.errors import ConfigError

TOP = Path(__file__).parents[1]


def test_data_are_the_files_beside_sources_md():
    assert bundled.data_names() == tuple(sorted(p.name for p in (TOP / "data").iterdir() if p.suffix != ".md"))
    assert all(bundled.data_path(name).is_file() for name in bundled.data_names())


def test_every_data_file_has_the_sha256_that_sources_md_gives():
    text = (TOP / "data" / "SOURCES.md").read_text(encoding="utf-8")
    written = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64}) {2}(\S+)$", text, re.MULTILINE)}
    found = {n: hashlib.sha256(bundled.data_path(n).read_bytes()).hexdigest() for n in bundled.data_names()}
    assert written == found


def test_recipes_are_found_with_and_without_suffix(tmp_path, monkeypatch):
    configs = tmp_path / "_bundled" / "configs"
    configs.mkdir(parents=True)
    (configs / "lin.yaml").write_text("")
    (configs / "README.md").write_text("")
    monkeypatch.setattr(bundled, "files", lambda name: tmp_path)
    assert bundled.config_names() == ("lin.yaml",)
    assert bundled.config_path("lin") == bundled.config_path("lin.yaml") == configs / "lin.yaml"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            "go-basic.obo",
            "No data file named 'go-basic.obo' comes with keras-vnn.\nDid you mean go-basic.obo.gz?",
        ),
        ("../pyproject.toml", "No data file named '../pyproject.toml' comes with keras-vnn.\nThere are: go-basic"),
    ],
)
def test_unknown_data_file(wrong, message):
    with pytest.raises(ConfigError) as caught:
        bundled.data_path(wrong)
    assert str(caught.value).startswith(message)


def test_installed_files_come_before_those_of_a_checkout(tmp_path, monkeypatch):
    package = tmp_path / "src" / "keras_vnn"
    installed, checkout = package / "_bundled" / "data", tmp_path / "data"
    for folder in (installed, checkout):
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("")
    monkeypatch.setattr(bundled, "files", lambda name: package)
    assert bundled.data_path("a.csv") == installed / "a.csv"
    shutil.rmtree(installed)
    assert bundled.data_path("a.csv") == checkout / "a.csv"
    shutil.rmtree(checkout)
    with pytest.raises(ConfigError, match="The bundled folder 'data' is missing"):
        bundled.data_names()
