"""The page of the formats, docs/formats.md, and its examples, which tests read and `tools/fuzz.py` mutates.

    python tools/formats_page.py

What the page says of a format stands in the module that reads it; the rest is written by hand on the page itself.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from keras_vnn.readers import FAMILIES, registry

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


def page(text: str) -> str:
    """Return a page with the sections of the formats between the marks of their families."""

    def sections(mark: re.Match[str]) -> str:
        family = FAMILIES[mark[1]]
        told = dict.fromkeys(format.page or "" for format in registry.FORMATS if format.family == family.name)
        parts = [part.strip() for page in told for part in re.split(r"(?m)^(?=### )", page)[1:]]
        own = [part for part in parts if part.partition("\n")[2].startswith(f"`{family.public}`")]
        return "\n\n".join([f"<!-- formats: {family.name} -->", *own, "<!-- end -->"])

    return re.sub(r"<!-- formats: (\S+) -->\n.*?<!-- end -->", sections, text, flags=re.DOTALL)


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
        elif match := re.match(r"`(read\.\w+)`", line):
            reader = match[1]
        elif match := re.fullmatch(r"```text (\S+)", line):
            name, lines = match[1], []
    return tuple(found)


EXAMPLES = examples()

if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
