"""What the README shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "4,348" not in printed, "the summary counts edges, not interactions"
    assert "accuracy" in printed
    assert (tmp_path / "model.keras").stat().st_size > 10_000
    assert (tmp_path / "nodes.png").read_bytes().startswith(b"\x89PNG")


def test_from_an_anndata_to_a_picture_and_an_obsm_it_takes_six_lines() -> None:
    begin = next(n for n, line in enumerate(BLOCKS[0].splitlines()) if line.startswith("arch"))
    assert len(BLOCKS[0].splitlines()[begin:]) <= 6
    assert max(len(line) for block in BLOCKS for line in block.splitlines()) <= 120


def test_files_it_names_exist() -> None:
    text = README.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r"configs/[\w.-]+\.yaml", text):
        assert (README.parent / target).is_file(), target
