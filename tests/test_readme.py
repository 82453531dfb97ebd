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


def test_the_main_job_takes_fifteen_lines_at_most() -> None:
    lines = [line for line in BLOCKS[0].splitlines() if line.strip() and not line.startswith("import")]
    assert len(lines) <= 15, "the README promises it"


def test_files_it_names_exist() -> None:
    text = README.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r"configs/[\w.-]+\.yaml", text):
        assert (README.parent / target).is_file(), target
