"""A few hundred of the cases of tools/fuzz.py; `make fuzz` runs the twenty thousand."""

import re
from pathlib import Path

import pytest

import fuzz
import fuzz_mutations

TOP = Path(__file__).parents[1]
TEXT = ("text", "recipe", "architecture")


@pytest.fixture(autouse=True)
def small_bombs(monkeypatch):
    monkeypatch.setattr("keras_vnn.basics.unpacking.LARGEST_FREE", 8 << 20)


@pytest.mark.parametrize(
    "start", [pytest.param(start, marks=pytest.mark.slow if start >= 240 else ()) for start in range(0, 600, 60)]
)
def test_every_outcome_is_a_value_or_an_error_for_people(tmp_path, start):
    outcomes = [fuzz.run_case(7, case, tmp_path, TEXT) for case in range(start, start + 60)]
    assert [one for one in outcomes if one.verdict == "failed"] == []
    assert {one.verdict for one in outcomes} == {"read", "refused"}


def test_tables_by_columns_and_genotypes(tmp_path):
    pytest.importorskip("pyarrow")
    pytest.importorskip("bed_reader")
    groups = ("columns", "genotypes")
    seeds = [(seed.name, seed.target) for group in groups for seed in fuzz.seeds(group)]
    assert len(seeds) == 29
    outcomes = [fuzz.run_case(7, case, tmp_path, groups) for case in range(150)]
    assert [one for one in outcomes if one.verdict == "failed"] == []
    assert {one.verdict for one in outcomes} == {"read", "refused"}


def test_models(tmp_path):
    outcomes = [fuzz.run_case(7, case, tmp_path, ("model",)) for case in range(40)]
    assert [one for one in outcomes if one.verdict == "failed"] == []


def test_a_case_is_the_same_every_time():
    assert [fuzz.make_case(3, n, TEXT) for n in range(30)] == [fuzz.make_case(3, n, TEXT) for n in range(30)]


@pytest.mark.parametrize("mutation", fuzz_mutations.TEXT, ids=lambda one: one.__name__)
def test_mutations_mutate(mutation):
    import random

    good = fuzz.seeds("text")[4].content
    assert any(mutation(random.Random(n), good) != good for n in range(5))


def test_the_judge_finds_faults(tmp_path, monkeypatch):
    """A fuzz test that cannot fail is a defect."""
    from keras_vnn.basics.errors import ReadError

    path = tmp_path / "x.txt"
    path.write_text("x")

    def raising(error):
        def function(_):
            raise error

        return function

    for error, why in (
        (KeyError("x"), "KeyError"),
        (ReadError("Something is wrong.\nMend it."), "does not name the file"),
        (ReadError(f"Something is wrong: {path}"), "does not say what to do"),
        (UserWarning("x"), "UserWarning"),
    ):
        monkeypatch.setattr(fuzz, "function_of", lambda _, error=error: raising(error))
        verdict, said = fuzz.judge("read.genes", path)
        assert verdict == "failed" and why in said
    monkeypatch.setattr(fuzz, "LONGEST_SECONDS", 0.2)

    def loop(_):
        while True:
            pass

    monkeypatch.setattr(fuzz, "function_of", lambda _: loop)
    assert fuzz.judge("read.genes", path) == ("failed", "took longer than 0.2 s")


# What the twenty thousand cases have found, once each.
FOUND = {
    "a gene set file nested without end": ("read.gene_sets", "sets.json", b'{"a":' * 100_000),
    "CX nested without end": ("read.hierarchy", "x.cx2", b'[{"CXVersion":' + b"[" * 100_000),
    "one field of 130,000 letters": ("read.interactions", "x.csv", b"gene_a,gene_b\nA,B\nC," + b"D" * 140_000 + b"\n"),
    "65,000 columns of identifiers": (
        "read.identifier_map",
        "x.csv",
        b"symbol" + b",x" * 65_000 + b"\nA" + b",B" * 65_000,
    ),
    "a header narrower than its rows": ("read.hierarchy", "x.csv", b"parent,child\na\nb\nc\n"),
    "aliases of aliases": (
        "read_recipe",
        "x.yaml",
        b"a: &a [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 110))
        + b"build: *m\n",
    ),
    "YAML nested without end": ("read_recipe", "x.yaml", b"[" * 50_000),
    "YAML that asks for an object": (
        "read_recipe",
        "x.yaml",
        b'x: !!python/object/apply:os.system ["touch escaped"]\n',
    ),
    "a date for a section": ("read_recipe", "x.yaml", b"build: 2020-01-01\n"),
}


@pytest.mark.parametrize(("target", "name", "content"), FOUND.values(), ids=FOUND)
def test_what_was_found_once_stays_mended(tmp_path, monkeypatch, target, name, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_bytes(content)
    verdict, why = fuzz.judge(target, path)
    assert (verdict if verdict != "failed" else why) in ("read", "refused")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_the_page_of_counts_knows_every_mutation_and_function():
    text = (TOP / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9_.]+)`", text))
    assert {one.__name__ for group in fuzz.MUTATIONS.values() for one in group} <= named
    assert {*fuzz.READERS, "read_recipe", "read.architecture", "load_model"} <= named
