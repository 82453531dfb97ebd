"""Names that a format can hold: characters it forbids appear as their symbols, and names stay unique."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["legal_ids", "legal_text"]


def legal_ids(ids: Iterable[str]) -> Mapping[str, str]:
    """Return for each id a name that files of text and XML can hold, no two the same."""
    known = list(ids)
    present = set(known)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for id in known:
        name = legal_text(id)
        while name in taken or (name != id and name in present):
            name += "'"
        taken.add(name)
        names[id] = name
    return names


def legal_text(text: str) -> str:
    """Return a text in which control characters and line ends are their symbols (␀ … ␟)."""
    return "".join(map(_legal_letter, text))


def _legal_letter(letter: str) -> str:
    code = ord(letter)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE:
        return "\N{REPLACEMENT CHARACTER}"
    return letter
