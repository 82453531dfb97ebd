"""OBO: the format of the Gene Ontology and of most others.

In: an OBO 1.2 or 1.4 file. Out: an `Ontology` with every relation. goatools reads the stanzas; here are what it leaves
to its caller: compression, a line number for what is wrong, parents that are not in the file.
"""

from __future__ import annotations

import locale
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import Ontology
from keras_vnn.readers.formats import Format
from keras_vnn.readers.text import Preview, at, open_text

__all__ = ["OBO", "read_obo"]

_HEADER = ("format-version", "data-version", "default-namespace")
_TERM = frozenset(
    {"id", "alt_id", "name", "namespace", "is_a", "relationship", "is_obsolete", "replaced_by"}
)  # fmt: skip
_ONCE = frozenset({"id", "name"})


def looks_like_obo(start: Preview) -> bool:
    """Say whether a file looks like OBO."""
    return start.texts[0].startswith(("format-version:", "data-version:", "ontology:")) or "[Term]" in start.texts


def read_obo(start: Preview) -> Ontology:
    """Read an OBO file.

    Raises
    ------
    ReadError
        A stanza has no id or two of them, a relationship has no target, or there is no term.
    """
    path = start.path
    records, header = _records(path)
    if not records:
        raise ReadError(f"The file has no [Term] stanza: {path}\nIs it an OBO file?")
    live = {record.item_id for record in records if not record.is_obsolete}
    gone = {
        record.item_id: _word(record.replaced_by)
        for record in records
        if record.is_obsolete and record.item_id not in live
    }
    edges = []
    dangling: dict[str, set[str]] = {}
    from_or_to_obsolete = set()
    for record in records:
        for kind, parent in _parents(record):
            named = f"{record.item_id} → {parent}"
            if record.is_obsolete or parent in gone:
                from_or_to_obsolete.add(f"{named} ({kind})")
            elif parent in live:
                edges.append((record.item_id, parent, kind))
            else:
                dangling.setdefault(kind, set()).add(named)
    audit = Audit.of(
        AuditEntry.of("read", "term", "obsolete, set aside", gone),
        AuditEntry.of("read", "ontology edge", "from or to an obsolete term, dropped", from_or_to_obsolete),
        *(
            AuditEntry.of("read", "ontology edge", f"{kind} a term that is not in the file, dropped", dangling[kind])
            for kind in sorted(dangling)
        ),
        AuditEntry(
            "read", "term", "described in several stanzas, merged", len(records) - len({r.item_id for r in records})
        ),
    )
    alternatives = {
        _word(alternative): record.item_id
        for record in records
        for alternative in sorted(record.alt_ids)
        if not record.is_obsolete and _word(alternative) not in live
    }
    version = header.get("format-version", "")
    return Ontology.from_edges(
        [child for child, _, _ in edges],
        [parent for _, parent, _ in edges],
        relation=[kind for *_, kind in edges],
        terms=live,
        names={record.item_id: record.name for record in reversed(records)},
        namespaces={r.item_id: r.namespace for r in reversed(records) if r.namespace != "default"},
        alternatives=alternatives,
        obsolete=gone,
        sources=(
            Source.of_file(
                path, f"OBO {version}".rstrip(), records=len(records), release=header.get("data-version", "")
            ),
        ),
        audit=audit,
    )


def _records(path: Path) -> tuple[list[Any], dict[str, str]]:
    """Return goatools' term records, in the order of the file, and the header."""
    # goatools imports requests and more, half a second's worth; only who reads an ontology shall wait for it.
    from goatools.obo_parser import OBOReader

    header: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="keras-vnn-") as folder:
        plain = Path(folder) / "terms.obo"
        # It opens the file in the encoding of the system, so that is what the copy is in.
        encoding = locale.getpreferredencoding(False)
        with plain.open("w", encoding=encoding, errors="backslashreplace") as copy:
            copy.writelines(_term_lines(path, header))
        records = list(OBOReader(str(plain), optional_attrs={"relationship", "replaced_by"}))
    return records, header


def _term_lines(path: Path, header: dict[str, str]) -> Iterator[str]:
    """Yield the lines goatools is to see, checked: stanzas parted by blank lines, only the tags in use."""
    stanza, opened = "header", 0
    seen: set[str] = set()
    with open_text(path) as text:
        for number, line in enumerate(text, 1):
            if line[:1] == "[":
                if stanza == "[Term]" and "id" not in seen:
                    raise ReadError(f"The [Term] stanza has no id: {at(path, opened)}")
                stanza, opened, seen = line.strip(), number, set()
                if stanza == "[Term]":
                    yield "\n[Term]\n"
                continue
            tag, _, value = line.partition(":")
            if stanza == "[Term]" and tag in _TERM:
                value = value.strip()
                if tag in _ONCE and tag in seen:
                    raise ReadError(
                        f"The stanza has a second {tag}, the first [Term] is in line {opened}: {at(path, number)}"
                    )
                if not value or (tag == "relationship" and len(value.split()) < 2):
                    raise ReadError(f"The {tag} line is incomplete: {at(path, number)}")
                seen.add(tag)
                yield f"{tag}: {value.split()[0] if tag in ('id', 'alt_id', 'is_obsolete') else value}\n"
            elif stanza == "header" and tag in _HEADER:
                header[tag] = value.strip()
                yield f"{tag}: {value.strip()}\n"
    if stanza == "[Term]" and "id" not in seen:
        raise ReadError(f"The [Term] stanza has no id: {at(path, opened)}")


def _parents(record: Any) -> Iterable[tuple[str, str]]:
    for parent in sorted(record._parents):
        yield "is_a", parent
    for kind in sorted(record.relationship):
        for parent in sorted(record.relationship[kind]):
            yield kind, parent


def _word(text: str) -> str:
    return text.split()[0] if text else ""


OBO = Format("obo", "OBO 1.2 or 1.4, e.g. go-basic.obo", looks_like_obo, read_obo)
