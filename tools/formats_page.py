"""The examples of docs/formats.md: small faithful excerpts, which tests read and `tools/fuzz.py` mutates."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"


@dataclass(frozen=True, slots=True)
class Example:
    """A file of the page: the heading above it, the function that reads it, its name and content."""

    title: str
    reader: str
    name: str
    content: str

    def __str__(self) -> str:
        """Return what tests call it."""
        return f"{self.reader}-{self.name}"

    def write(self, folder: Path) -> Path:
        """Write the file into a folder."""
        path = folder / self.name
        path.write_text(self.content, encoding="utf-8")
        return path


def examples() -> tuple[Example, ...]:
    """Return the examples in the order of the page."""
    found: list[Example] = []
    title = reader = name = ""
    lines: list[str] | None = None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if lines is not None:
            if line == "```":
                found.append(Example(title, reader, name, "\n".join(lines) + "\n"))
                lines = None
            else:
                lines.append(line)
        elif line.startswith("### "):
            title = line.removeprefix("### ")
        elif match := re.match(r"`(read_\w+)`", line):
            reader = match[1]
        elif match := re.fullmatch(r"```text (\S+)", line):
            name, lines = match[1], []
    return tuple(found)


EXAMPLES = examples()
