"""What holds for the code as a whole: one direction of imports, late import of heavy libraries, no stray habits."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PACKAGE = TOP / "src" / "keras_vnn"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Which room may import from which others, lowest first. A room imports only from those before it: there are no circles.
# Each import that is allowed is used somewhere; docs/design.md shows the same table.
MAY_IMPORT = {
    "basics": "",
    "options": "basics",
    "priors": "basics",
    "readers": "basics priors",
    "architecture": "basics options priors readers",
    "data": "basics priors readers",
    "layers": "basics architecture",
    "models": "basics options architecture data layers",
    "training": "basics options architecture data layers models",
    "inspection": "basics options architecture data models training",
    "recipes": "basics options priors readers architecture data models training inspection",
    "experiments": "basics options architecture data models training inspection recipes",
    "estimators": "basics options architecture data models training inspection",
    "export": "basics architecture data models inspection experiments",
    "cli": "basics options readers architecture data models training inspection recipes experiments export",
}
ORDER = tuple(MAY_IMPORT)
# The parts that are written for Keras; everything else must work, and start, without it.
KERAS_PARTS = {"basics", "layers", "models", "training", "inspection", "estimators", "experiments"}
KERAS = {"jax", "keras", "tensorflow", "torch"}
HEAVY = KERAS | {"anndata", "matplotlib", "sklearn"}
MAX_LINES = 500
# They hold names and no code; no part imports from them.
NAMESPACES = {"read", "pp", "wire", "tl", "pl"}


# Modules of a room that tests may import although their names begin with an underscore, and why no public name serves.
# It can only become shorter.
PRIVATE_IN_TESTS = {
    "architecture.wiring._hierarchy": "properties of a hierarchy between two steps of the wiring",
    "architecture.wiring._layering": "the same",
    "architecture.wiring._pruning": "the same",
    "data._matrix": "half a gigabyte, below which sparse data are made dense",
    "data._stores": "two gigabytes, above which data stay on disk",
    "experiments.comparison._result": "a verdict on scores worked by hand",
    "experiments.comparison._runs": "what is kept of a run, damaged on purpose",
    "experiments.tuning._optuna": "hundreds of proposals without a training",
    "experiments.tuning._trials": "the outcomes these proposals follow",
    "export.report._columns": "limits of a page that only very large networks reach",
    "inspection._cells": "input of the kernels below",
    "inspection._evidence": "a statistic, against NumPy and SciPy",
    "inspection._findings": "a statistic, against NumPy",
    "inspection._identification": "how alike two sets of units are, against scikit-learn",
    "inspection._interactions": "a score test, against one written out",
    "inspection._keeping": "20,000 cells, of which more on disk are not all measured",
    "inspection._learned": "a statistic, against scikit-learn and SciPy",
    "inspection._methods": "contributions of single cells and outputs, by hand",
    "inspection._node_table": "parts of a table that no column shows",
    "inspection._ranking": "what is said once in a process is unsaid",
    "inspection._record": "slopes of a part of a network, by finite differences",
    "inspection._rlipp": "a regression, against scikit-learn",
    "inspection._spread": "the plain way to compute an ablation, which is the oracle",
    "layers.fast._machine": "memory and threads of the compiled loops",
    "layers.fast._products": "the compiled loops without TensorFlow",
    "readers.downloads._fetch": "no waiting between attempts",
    "training._order": "the order and the windows of cells, without a training",
    "training._pretraining": "an encoder that a training takes apart again",
}


def part_of(path):
    """Name the part of the package a file belongs to: its module or sub-package at the top."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(tree, module="keras_vnn.somewhere", *, is_package=False):
    """Yield (line, dotted name) of every import statement below a node, relative ones made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def at_import_time(tree):
    """Yield the statements that run when a module is imported: not those in functions or under TYPE_CHECKING."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for statement in node.orelse:
                yield statement
                yield from at_import_time(statement)
            continue
        yield node
        yield from at_import_time(node)


def imports_of(path):
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    is_package = path.name == "__init__.py"
    return imported(ast.parse(path.read_text(encoding="utf-8")), module, is_package=is_package)


def imports_between_parts(path):
    """Yield (line, part) of each import of a file from another part of the package; "" for the whole package."""
    for line, name in imports_of(path):
        package, _, rest = name.partition(".")
        other = rest.split(".")[0]
        if package == "keras_vnn" and other not in {part_of(path), "__version__"}:
            yield line, other


def forbidden_imports(path):
    """List the imports of a file that `MAY_IMPORT` does not allow."""
    allowed = MAY_IMPORT[part_of(path)].split()
    found = {(line, other) for line, other in imports_between_parts(path) if other not in allowed}
    return [f"{path.relative_to(TOP)}:{line} imports {other or 'the whole package'}" for line, other in sorted(found)]


def test_every_part_has_its_place_in_the_order():
    parts = {part_of(path) for path in MODULES} - {"__init__", *NAMESPACES}
    assert parts == set(ORDER), f"give these a place in MAY_IMPORT: {sorted(parts ^ set(ORDER))}"


def test_the_table_of_imports_has_no_circles():
    for place, (part, others) in enumerate(MAY_IMPORT.items()):
        assert others.split() == [other for other in ORDER[:place] if other in others.split()], part


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) in ORDER], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    assert forbidden_imports(path) == []


def test_every_import_that_is_allowed_is_used():
    used = {(part_of(path), other) for path in MODULES for _, other in imports_between_parts(path)}
    assert [f"{a} imports {b}" for a, others in MAY_IMPORT.items() for b in others.split() if (a, b) not in used] == []


def test_the_page_of_the_design_shows_the_table_of_imports():
    page = (TOP / "docs" / "design.md").read_text(encoding="utf-8")
    rows = [
        f"| `{part}` | {', '.join(others.split()) or 'none of the others'} |" for part, others in MAY_IMPORT.items()
    ]
    table = "\n".join(["| room | imports |", "|---|---|", *rows])
    assert f"\n{table}\n\n" in page, f"docs/design.md should hold this table:\n\n{table}"


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) not in KERAS_PARTS], ids=lambda p: p.stem)
def test_keras_is_imported_at_module_level_only_where_it_is_the_subject(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = [node for node in at_import_time(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    found = [(line, name) for s in statements for line, name in imported(s) if name.split(".")[0] in KERAS]
    assert found == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_print_no_assert_no_exit_and_no_room_too_large(path):
    text = path.read_text(encoding="utf-8")
    offences = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assert):
            offences.append((node.lineno, "assert"))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "exit", "quit", "sys.exit", "os._exit"}:
            offences.append((node.lineno, ast.unparse(node.func)))
    assert offences == []
    lines = text.count("\n")
    assert lines <= MAX_LINES, f"{lines} lines: would two modules be clearer?"


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name != "csv_tables.py"], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_tables_are_written_by_one_module(path):
    """It keeps spreadsheets from running names as formulas."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "attr")}
    assert not called & {"to_csv", "to_excel", "writerow", "writerows"}


def replaced(tree):
    """Yield the names that a test replaces: of an attribute, or dotted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".setattr"):
            yield from (arg.value for arg in node.args[:2] if isinstance(getattr(arg, "value", None), str))


def test_tests_use_private_modules_only_for_a_reason():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (TOP / "tests").rglob("*.py")]
    names = [name for tree in trees for name in (*(name for _, name in imported(tree)), *replaced(tree))]
    private = {found for name in names for found in re.findall(r"^keras_vnn\.((?:\w+\.)*?_[a-z]\w*)", name)}
    assert private == set(PRIVATE_IN_TESTS)
    assert {name for tree in trees for name in replaced(tree) if re.match(r"_(?!_)", name)} == {"_SAID"}


def test_every_test_asserts_something():
    """Or calls what does: of NumPy, pandas, pytest, a mock, Keras, scikit-learn, or a function next to it."""
    silent = []
    for path in (TOP / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        asserting = {f.name for f in functions if any(isinstance(node, ast.Assert) for node in ast.walk(f))}
        asserting |= {"raises", "warns", "run_layer_test", "check"}
        for function in functions:
            calls = {ast.unparse(node.func).split(".")[-1] for node in ast.walk(function) if isinstance(node, ast.Call)}
            is_silent = not calls & asserting and not any("assert_" in name for name in calls)
            if function.name.startswith("test_") and function.name not in asserting and is_silent:
                silent.append(f"{path.relative_to(TOP)}:{function.lineno} {function.name}")
    assert silent == []


def test_importing_the_package_brings_in_nothing_heavy():
    code = f"import sys, keras_vnn; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_version_is_the_same_wherever_it_is_written():
    version = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    citation = (TOP / "CITATION.cff").read_text(encoding="utf-8")
    changes = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [version]
    assert re.findall(r"^## \[(\d[^]]*)\]", changes, re.MULTILINE)[0] == version


def test_the_address_of_the_repository_is_the_same_wherever_it_is_written():
    texts = [(TOP / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "CITATION.cff")]
    found = [set(re.findall(r"https://github\.com/[\w.-]+/[\w.-]+", text)) for text in texts]
    assert found[0] == found[1] and len(found[0]) == 1


def test_the_long_description_has_no_relative_link():
    settings = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    text = (TOP / "README.md").read_text(encoding="utf-8")
    for change in settings["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", text)
    assert {"/raw/" in link for mark, link in links if mark} == {True}
    assert all(link.startswith("https://") for _, link in links) and len(links) > 20


def test_the_package_carries_the_licence_of_every_part():
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = {path.relative_to(TOP).as_posix() for pattern in project["license-files"] for path in TOP.glob(pattern)}
    vendor = PACKAGE / "export" / "report" / "vendor"
    libraries = json.loads((vendor / "vendor.json").read_text(encoding="utf-8"))
    assert files == {
        "LICENSE",
        "data/SOURCES.md",
        *(f"src/keras_vnn/export/report/vendor/LICENSE.{library['name']}" for library in libraries),
        "src/keras_vnn/export/report/vendor/LICENSES.md",
    }
    terms = set(project["license"].split(" AND "))
    assert {library["licence"] for library in libraries} < terms
    assert "LicenseRef-GEO-GSE96583" in terms
    assert "`LicenseRef-GEO-GSE96583`" in (TOP / "data" / "SOURCES.md").read_text(encoding="utf-8")


def test_the_lock_file_names_no_host_and_no_folder():
    text = (TOP / "requirements.lock").read_text(encoding="utf-8")
    assert re.findall(r"://|--|^\s*-|@ ", text, re.MULTILINE) == []


# The checks themselves, on code that breaks each rule.


def test_a_wrong_direction_is_seen_in_every_form_of_import(monkeypatch, tmp_path):
    package = tmp_path / "src" / "keras_vnn"
    (package / "readers").mkdir(parents=True)
    path = package / "readers" / "sif.py"
    path.write_text(
        "import keras_vnn\n"
        "from keras_vnn import __version__, basics, architecture\n"
        "from ..architecture import wiring\n"
        "from . import _columns\n"
        "def late():\n"
        "    import keras_vnn.cli\n"
    )
    for name, value in (("TOP", tmp_path), ("PACKAGE", package)):
        monkeypatch.setitem(globals(), name, value)
    assert [line.partition(":")[2] for line in forbidden_imports(path)] == [
        "1 imports the whole package",
        "2 imports architecture",
        "3 imports architecture",
        "6 imports cli",
    ]


def test_only_statements_that_run_on_import_count():
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import keras\nelse:\n    import torch\n"
        "def late():\n    import tensorflow\n"
        "class Model:\n    import jax\n"
    )
    names = {name for s in at_import_time(tree) if isinstance(s, ast.Import) for _, name in imported(s)}
    assert names == {"torch", "jax"}
