"""The documentation: its code runs, its commands work, its links lead somewhere, and every public name is on a page.

A page is run from top to bottom in an empty folder. Blocks of ``python`` share their names; lines of ``shell`` blocks
that begin with ``vnn`` are carried out; a block with a ``:caption:`` is a file that is written under that name. A page
is slow when it says so in a line ``% slow``; ``% skip-code`` leaves its code to another test.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest

import keras_vnn
from keras_vnn.basics.public_names import NAMESPACES

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if p.parent.name not in {"api", "tutorials"} and "_build" not in p.parts)
FENCE = re.compile(r"^```(\S[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CAPTION = re.compile(r"\A:caption: (\S+)\n\n?")


def marked(page):
    is_slow = "\n% slow\n" in page.read_text(encoding="utf-8")
    return pytest.param(page, marks=[pytest.mark.slow] if is_slow else [], id=str(page.relative_to(DOCS)))


def blocks(page):
    """Yield (first line, kind, code) of every block of a page that is to be run or written."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        kind = found[1].strip()
        caption = CAPTION.match(found[2])
        if kind.startswith("{code-block}") and caption:
            yield line, f"file {caption[1]}", found[2][caption.end() :]
        elif kind in {"python", "shell"}:
            yield line, kind, found[2]


def commands(code):
    """Yield the vnn commands of a shell block, continued lines joined, comments left out."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words[:1] == ["vnn"]:
            yield words[1:]


@pytest.mark.parametrize("page", [marked(page) for page in PAGES if "% skip-code" not in page.read_text("utf-8")])
def test_code_of_a_page_runs(page, tmp_path, monkeypatch, capsys):
    todo = list(blocks(page))
    if not any(kind in {"python", "shell"} for _, kind, _ in todo):
        return
    from keras_vnn.cli import main

    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for line, kind, code in todo:
        where = f"{page.relative_to(TOP)}:{line}"
        if kind.startswith("file "):
            Path(kind.removeprefix("file ")).write_text(code, encoding="utf-8")
        elif kind == "python":
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
        else:
            for words in commands(code):
                try:
                    main(words)
                except SystemExit as end:
                    assert not end.code, f"{where}: vnn {shlex.join(words)}\n{capsys.readouterr().err}"


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(DOCS))) for page in PAGES])
def test_links_of_a_page_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        if target.startswith(("../api/", "api/")):
            continue  # written when the documentation is built
        assert (page.parent / target).exists(), f"{page.relative_to(TOP)} links to {target}"


def generated_pages():
    spec = importlib.util.spec_from_file_location("generated_pages", DOCS / "generated_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_on_a_page_of_the_api(tmp_path):
    generated_pages().write(tmp_path)
    text = "\n".join(path.read_text(encoding="utf-8") for path in (tmp_path / "api").glob("*.md"))
    named = set(re.findall(r"^\.\. (?:auto\w+|py:data):: keras_vnn\.(\S+)$", text, re.MULTILINE))
    expected = set(keras_vnn.__all__) - {"__version__", *NAMESPACES}
    expected |= {f"{space}.{name}" for space in NAMESPACES for name in getattr(keras_vnn, space).__all__}
    assert named == expected


def test_pages_of_parts_that_are_gone_are_removed(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "gone.md").write_text("# Gone\n")
    generated_pages().write(tmp_path)
    assert not (tmp_path / "api" / "gone.md").exists() and (tmp_path / "api" / "index.md").exists()


def test_the_cheat_sheet_fits_one_page_of_paper():
    pdf = (DOCS / "_static" / "cheatsheet.pdf").read_bytes()
    assert re.findall(rb"/Count (\d+)", pdf) == [b"1"] and pdf.count(b"/MediaBox [0 0 594.9") == 1, "make docs-pages"
    assert b"file:" not in pdf


def test_the_api_says_each_name_in_a_sentence(tmp_path):
    generated_pages().write(tmp_path)
    text = (tmp_path / "api" / "keras_vnn.md").read_text(encoding="utf-8")
    first = keras_vnn.build_model.__doc__.splitlines()[0].replace("``", "`")
    assert f"| {{py:obj}}`build_model <keras_vnn.build_model>` | {first} |" in text


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="the tools of the documentation are not installed: pip install .[docs]")
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    pages = list((tmp_path / "html").rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        fetched = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(https?:[^\"]+)\"", page.read_text("utf-8"))
        assert fetched == [], f"{page.name} fetches {fetched}"


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOP / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_recipe_is_on_its_page_with_its_options():
    from keras_vnn.basics.bundled import config_names, config_path
    from keras_vnn.recipes.read import read_recipe

    recipes_page, text = tool("recipes_page"), (DOCS / "recipes.md").read_text(encoding="utf-8")
    for name in config_names():
        recipe = read_recipe(config_path(name))
        section = text.split(f"## `{name.removesuffix('.yaml')}`\n")[1].split("\n## ")[0]
        assert recipe.title in section and recipe.reference in section and recipe.notes.strip() in section
        rows = re.findall(
            r"^\| ((?:build|training|embedding|pretraining|model|tune): [\w.]+) \| (.*) \|$", section, re.MULTILINE
        )
        assert rows == list(recipes_page.options(recipe))


def test_lin_2017_has_the_papers_parameters():
    rows = list(tool("recipes_page").lin2017())
    assert [here == paper for _, _, paper, here in rows] == [True, True]
    text = (DOCS / "recipes.md").read_text(encoding="utf-8")
    assert all(f"| {' | '.join(row)} |" in text for row in rows)


def test_the_papers_numbers_are_those_of_the_programs_files():
    data = TOP.parent / "shared" / "data" / "more"
    if not data.is_dir():
        pytest.skip("the files of the original programs are not at hand: ../shared/data/more")
    recipes_page, text = tool("recipes_page"), (DOCS / "recipes.md").read_text(encoding="utf-8")
    for row in recipes_page.rows_of(data, ""):
        assert f"| {' | '.join(row)} |" in text
        if row[1] != "parameters that are stored":
            assert row[2] == row[3], row


def test_rows_that_cannot_be_computed_are_kept():
    recipes_page = tool("recipes_page")
    old = (
        "| Lin | x | 1 | 1 |\n| DCell, DNA repair | terms | 21 | 21 |\n|  | genes | 162 | 162 |\n| P-NET | n | 1 | 2 |"
    )
    assert list(recipes_page.kept(old)) == [("DCell, DNA repair", "terms", "21", "21"), ("", "genes", "162", "162")]


@pytest.mark.slow
def test_counts_of_the_recipes_are_those_on_the_page():
    from keras_vnn.basics.bundled import config_names, config_path
    from keras_vnn.recipes.read import read_recipe

    recipes_page, text = tool("recipes_page"), (DOCS / "recipes.md").read_text(encoding="utf-8")
    for name in config_names():
        assert recipes_page.counts(read_recipe(config_path(name))) in text, name


TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))


@pytest.mark.parametrize("source", TUTORIALS, ids=lambda path: path.stem)
def test_a_notebook_holds_the_code_of_its_source_and_outputs(source):
    pytest.importorskip("jupytext", reason="the tools of the documentation are not installed: pip install .[docs]")
    notebooks = tool("notebooks")
    notebook = notebooks.read(source.with_suffix(".ipynb"))
    assert notebooks.cells_of(notebook) == notebooks.cells_of(notebooks.converted(source)), "make notebooks"
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert len(outputs) > 5 and not [output for output in outputs if output.output_type == "error"]
    text = source.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert not re.search(r"/(?:tmp|home|root|Users)/", text), "a path of the machine it was made on"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("source", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs(source):
    pytest.importorskip("nbclient", reason="the tools of the documentation are not installed: pip install .[docs]")
    notebooks = tool("notebooks")
    done = notebooks.executed(notebooks.converted(source))
    assert all(cell.execution_count for cell in done.cells if cell.cell_type == "code")


def shown_commands():
    """Yield the vnn commands that pages, README and recipes only show, without running them."""
    for page in [*PAGES, TOP / "README.md"]:
        text = page.read_text(encoding="utf-8")
        shown = [code for kind, code in FENCE.findall(text) if kind.strip() == "text"]
        shown += re.findall(r"(?:^    vnn .*\n(?:^ {8,}.*\n)*)+", text, re.MULTILINE)
        for code in shown:
            for words in commands(re.sub(r"^    ", "", code, flags=re.MULTILINE)):
                if "…" not in words:
                    yield pytest.param(words, id=f"{page.stem}: {shlex.join(words)[:60]}")


@pytest.mark.parametrize("words", list(shown_commands()))
def test_commands_that_are_only_shown_have_these_options(words):
    import typer

    from keras_vnn.cli import app

    command = typer.main.get_command(app).commands[words[0]]
    assert command.make_context(words[0], list(words[1:])).args == []
