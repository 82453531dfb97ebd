"""Files and names that somebody else chose: what the terminal shows, and what a command may write onto."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from keras_vnn.architecture import load_architecture
from keras_vnn.basics.files import alone_at
from keras_vnn.cli import main

# Sets the title of the window: nothing that rich or click would write themselves.
LIVE, SHOWN = "\x1b]0;owned\x07", r"\x1b]0;owned\x07"


def on_terminal(*arguments: object) -> str:
    """Run ``vnn`` with both outputs on a pseudo-terminal, as click and rich say less to anything else."""
    leader, follower = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(leader, 1 << 16):
                written.append(part)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    before = sys.stdout, sys.stderr
    with closing(os.fdopen(follower, "w", encoding="utf-8", buffering=1)) as terminal:
        sys.stdout = sys.stderr = terminal
        try:
            main([str(argument) for argument in arguments])
        except SystemExit:
            pass
        finally:
            sys.stdout, sys.stderr = before
    reader.join(20)
    os.close(leader)
    return b"".join(written).decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A trained model whose genes, sets and classes would write to the terminal, and what building it showed there."""
    folder = tmp_path_factory.mktemp("hostile")
    genes = [f"{LIVE}GENE{number}" for number in range(4)]
    cells = [f"cell{number}" for number in range(30)]
    (folder / "cells.csv").write_text(
        "\n".join(
            ["gene," + ",".join(cells)]
            + [f"{g}," + ",".join(str((n * 7 + i) % 5) for i in range(30)) for n, g in enumerate(genes)]
        )
    )
    (folder / "kinds.csv").write_text(
        "\n".join(["cell,kind", *(f"{cell},{LIVE}{'T' if n % 2 else 'B'}" for n, cell in enumerate(cells))])
    )
    sets = folder / f"{LIVE}.gmt"
    sets.write_text("\n".join("\t".join([f"{LIVE}SET{n}", "-", *genes[n : n + 3], f"{LIVE}ABSENT"]) for n in range(2)))
    shown = {
        "check": on_terminal("check", sets, "--genes", folder / "cells.csv"),
        "build": on_terminal("build", "--genes", folder / "cells.csv", "--gene-sets", sets, "-o", folder / "sets.vnn"),
        "train": on_terminal(
            *("train", folder / "sets.vnn", folder / "cells.csv", "--cells", folder / "kinds.csv", "--label", "kind"),
            *("--epochs", 2, "-o", folder / "model.keras"),
        ),
    }
    return folder, shown


def assert_shown(text: str, *expected: str) -> None:
    assert LIVE not in text and "\x07" not in text
    for part in expected:
        assert part in text


def test_names_do_not_reach_the_terminal_as_they_are(hostile: tuple[Path, dict[str, str]]) -> None:
    folder, shown = hostile
    assert_shown(shown["check"], f"{SHOWN}.gmt", "gene sets")
    assert_shown(shown["build"], f"{SHOWN}.gmt", "parameters")
    assert_shown(shown["train"], f"{SHOWN}B", "trained 2 epochs", "written")
    model = folder / "model.keras"
    assert_shown(on_terminal("inspect", model), SHOWN[:12])
    assert_shown(on_terminal("inspect", model, "SET1"), f"{SHOWN}GENE2", f"{SHOWN}B")
    assert_shown(on_terminal("inspect", model, "--json"), r"\u001b]0;owned\u0007SET1")
    assert_shown(on_terminal("inspect", model, "absent"), "error:")
    assert_shown(on_terminal("inspect", folder / f"{LIVE}.keras"), f"{SHOWN}.keras", "No such model file")
    for format in ("text", "markdown", "dot", "graphml", "edges"):
        assert_shown(on_terminal("export", model, "--format", format), "SET1")
    main_quietly("export", model, "-o", folder / "model.txt")
    assert_shown((folder / "model.txt").read_text(), f"{SHOWN}B", f"{SHOWN}SET1", f"{SHOWN}.gmt")


def test_warnings_are_shown_safely(hostile: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    (tmp_path / "genes.txt").write_text(f"TP53\n{LIVE}1-Mar\n1-Mar\n")
    text = on_terminal("check", tmp_path / "genes.txt", tmp_path / f"{LIVE}.txt")
    assert_shown(text, f"{SHOWN}.txt")
    text = on_terminal(
        "build", "--genes", tmp_path / "genes.txt", "--gene-sets", hostile[0] / f"{LIVE}.gmt", "--dry-run"
    )
    assert_shown(text, "warning: ", SHOWN)


def main_quietly(*arguments: object) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    assert not stop.value.code


# ---- what is written -----------------------------------------------------------------------------------------


@pytest.fixture
def files(job: Path) -> Path:
    """Gene sets, an architecture of them, links to both, a recipe."""
    (job / "in.gmt").write_text("A\t-\tGENE1\tGENE2\nB\t-\tGENE3\tGENE4\n")
    main_quietly("build", "--genes", "expression.csv", "--gene-sets", "in.gmt", "-o", "sets.vnn")
    Path("soft.gmt").symlink_to("in.gmt")
    Path("hard.gmt").hardlink_to("in.gmt")
    Path("folder").mkdir()
    Path("folder/up.vnn").symlink_to("../sets.vnn")
    Path("build.yaml").write_text("build:\n  genes: expression.csv\n  gene_sets: in.gmt\n")
    return job


SETS = "build --genes expression.csv --gene-sets in.gmt --force"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        (f"{SETS} -o in.gmt", "in.gmt"),
        (f"{SETS} -o ./folder/../in.gmt", "folder/../in.gmt"),
        (f"{SETS} -o soft.gmt", "soft.gmt"),
        (f"{SETS} -o hard.gmt", "hard.gmt"),
        ("build --genes expression.csv --gene-sets soft.gmt --force -o hard.gmt", "hard.gmt"),
        (f"{SETS} -o expression.csv", "expression.csv"),
        ("build build.yaml --force -o in.gmt", "in.gmt"),
        ("build build.yaml --force -o build.yaml", "build.yaml"),
        ("report sets.vnn -o sets.vnn --force", "sets.vnn"),
        ("report folder/up.vnn -o sets.vnn --force", "sets.vnn"),
        ("export sets.vnn --format text -o folder/up.vnn --force", "folder/up.vnn"),
        ("train sets.vnn expression.csv --cells model.keras --label type -o model.keras --force", "model.keras"),
    ],
)
def test_an_input_is_never_written_onto(vnn: Callable, files: Path, command: str, output: str) -> None:
    shutil.copy("cells.csv", "model.keras")
    before = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    ran = vnn(*shlex.split(command))
    assert ran.code == 1
    assert ran.err.splitlines()[-2:] == [
        f"error: The output is an input too: {output}",
        "Name another file to write.",
    ]
    assert {path: path.read_bytes() for path in files.rglob("*") if path.is_file()} == before


def test_files_in_an_output_folder_are_no_inputs_either(vnn: Callable, trained: Path, tmp_path: Path) -> None:
    table = shutil.copy(trained / "cells.csv", tmp_path / "nodes.csv")
    ran = vnn("explain", trained / "model.keras", trained / "expression.csv", "--cells", table, "-o", tmp_path)
    assert (ran.code, ran.err.splitlines()[0]) == (1, f"error: The output is an input too: {table}")
    shutil.copy(trained / "cells.csv", tmp_path / "tables.csv")
    ran = vnn("export", trained / "ring.vnn", "-o", tmp_path, "--force")
    assert ran.code == 0, "what another command reads may be written"


def test_a_link_stays_a_link(vnn: Callable, files: Path) -> None:
    Path("old.vnn").write_text("old")
    Path("new.vnn").symlink_to("old.vnn")
    assert vnn(*shlex.split(SETS), "-o", "new.vnn").code == 0
    assert Path("new.vnn").is_symlink()
    assert load_architecture("old.vnn").genes == load_architecture("sets.vnn").genes


def test_names_that_no_output_can_have(vnn: Callable, files: Path) -> None:
    ran = vnn(*shlex.split(SETS), "-o", "a" * 300)
    assert ran.err.splitlines()[-2:] == [f"error: Cannot write {'a' * 200}: File name too long.", "Name another file."]
    ran = vnn(*shlex.split(SETS), "-o", "/dev/null")
    assert ran.err.splitlines()[-2:] == [
        "error: Cannot write the file /dev/null: a pipe or a device has that name.",
        "Name a file.",
    ]
    longest = "a" * 251 + ".vnn"
    assert vnn(*shlex.split(SETS), "-o", longest).code == 0
    assert Path(longest).is_file()
    ran = vnn("train", "b" * 300, "expression.csv", "--label", "type", "-o", "m.keras")
    assert ran.code == 1
    assert ran.err.splitlines()[0].endswith("File name too long" + f": {'b' * 200}") or "File name too long" in ran.err


def test_the_second_training_of_an_output_ends_at_its_start(vnn: Callable, files: Path) -> None:
    train = ("train", "sets.vnn", "expression.csv", "--cells", "cells.csv", "--label", "type", "--epochs", "1")
    Path("link.keras").symlink_to("model.keras")
    with alone_at("model.keras"):
        for name in ("model.keras", "link.keras"):
            ran = vnn(*train, "-o", name)
            assert (ran.code, ran.err.splitlines()[-2:]) == (
                1,
                [
                    f"error: Another process is writing {name} at this moment.",
                    "Wait until it has ended, or name another output.",
                ],
            )
            assert "expression.csv" not in ran.err, "said before the data are read"
    assert vnn(*train, "-o", "model.keras").code == 0
    assert not [path.name for path in files.iterdir() if path.name.endswith((".lock", ".unfinished"))]


# Ends when it is told to, and until then works on a folder.
HOLD = """
import sys
from keras_vnn.basics.files import alone_at
with alone_at("out"):
    print("ready", flush=True)
    sys.stdin.read()
"""
RECIPE = """
train: {architecture: sets.vnn, data: expression.csv, cells: cells.csv, label: type}
tune: {space: {learning_rate: [0.01, 0.001]}, trials: 1}
"""


@pytest.mark.parametrize("command", ["compare", "tune"])
def test_the_second_run_in_a_folder_ends_at_its_start(vnn: Callable, files: Path, command: str) -> None:
    Path("recipe.yaml").write_text(RECIPE)
    Path("out").mkdir()
    Path("link").symlink_to("out")
    first = [sys.executable, "-c", HOLD]
    with subprocess.Popen(first, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "ready\n"
        for name in ("out", "link"):
            ran = vnn(command, "recipe.yaml", "-o", name)
            assert (ran.code, ran.err.splitlines()[-2:]) == (
                1,
                [
                    f"error: Another process is writing {name} at this moment.",
                    "Wait until it has ended, or name another output.",
                ],
            )
            assert "expression.csv" not in ran.err, "said before the data are read"
        other.communicate()
    assert list(Path("out").iterdir()) == []
    Path("expression.csv").write_text("damaged\n")
    ran = vnn(command, "recipe.yaml", "-o", "out")
    assert ran.code == 1 and "expression.csv" in ran.err, "the folder is free again"
    assert not list(Path("out").glob(".*.lock"))


# ---- how it ends ---------------------------------------------------------------------------------------------

VNN = f"{shlex.quote(sys.executable)} -c 'from keras_vnn.cli import main; main()'"


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)


MISSING = "error: No such model file: nowhere.keras.\nAre the name and the folder right?\n"


@pytest.mark.parametrize(
    ("command", "out", "err"),
    [
        (f"{VNN} inspect nowhere.keras 2>&-", MISSING, ""),
        (f"{VNN} inspect nowhere.keras 2>/dev/full", MISSING, ""),
        (
            f"{VNN} --version >/dev/full",
            "",
            "error: Cannot print on standard output: No space left on device.\nSend the output to another place.\n",
        ),
    ],
)
def test_a_closed_or_full_stream_does_not_end_in_silence(job: Path, command: str, out: str, err: str) -> None:
    ran = shell(command)
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, out, err)


def test_a_command_that_is_not_understood_says_so_when_standard_error_is_closed(job: Path) -> None:
    ran = shell(f"{VNN} inspect --nonsense 2>&-")
    assert ran.returncode == 2
    assert ran.stdout == "error: The command was not understood; standard error, which says why, is closed.\n"


def test_work_goes_on_when_standard_error_is_closed_and_no_file_takes_its_place(files: Path) -> None:
    ran = shell(f"{VNN} {SETS} -o sets.vnn 2>&-")
    assert ran.returncode == 0, ran.stdout
    assert len(load_architecture("sets.vnn").genes) == 12


@pytest.mark.parametrize(
    ("failure", "first_line"),
    [
        (MemoryError(), "error: Not enough memory."),
        (MemoryError("Unable to allocate 9 GiB"), "error: Not enough memory: Unable to allocate 9 GiB"),
        (OSError(5, "Input/output error", "a.h5ad"), "error: The operating system refused: Input/output error: a.h5ad"),
    ],
)
def test_failures_of_the_system_are_put_into_words(
    vnn: Callable, monkeypatch: pytest.MonkeyPatch, failure: Exception, first_line: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("keras_vnn.recipes.checking.check_files", fail)
    ran = vnn("check", __file__)
    assert (ran.code, ran.err.splitlines()[0]) == (1, first_line)
    assert len(ran.err.splitlines()) == 2


@pytest.mark.parametrize(
    "command",
    [
        "train nowhere.vnn expression.csv --label type -o m.keras",
        "train ring.vnn nowhere.h5ad --label type -o m.keras",
        "train recipe.yaml -o m.keras",
        "tune recipe.yaml -o tuned",
        "compare recipe.yaml -o compared",
        "inspect nowhere.keras",
        "report nowhere.keras",
        "report expression.csv --comparison nowhere",
        "export nowhere.keras",
        "explain nowhere.keras expression.csv -o explained",
        "evaluate clustering nowhere.keras expression.csv --label type",
        "evaluate retrieval expression.csv nowhere.csv --label type",
    ],
)
def test_a_missing_file_is_said_before_anything_slow_is_imported(job: Path, command: str) -> None:
    Path("recipe.yaml").write_text("train:\n  architecture: nowhere.vnn\n  data: expression.csv\n  label: type\n")
    shutil.copy("expression.csv", "ring.vnn")
    code = (
        "import sys; from keras_vnn.cli import main\n"
        f"try: main({shlex.split(command)!r})\n"
        "except SystemExit as stop: assert stop.code == 1, stop.code\n"
        "print(*sorted({'keras', 'tensorflow', 'torch', 'jax', 'pandas', 'scipy', 'anndata'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("error: No such ")
    assert done.stdout.split() == []
