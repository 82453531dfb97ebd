"""How files are broken, byte by byte, row by row or inside their archive; `fuzz.py` draws from these.

In: a generator of random numbers, the bytes of a file. Out: other bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any

from formats_page import EXAMPLES
from fuzz_structures import database_rows, hdf5_structure, keras_config

Mutation = Callable[[random.Random, bytes], bytes]
NUMBERS = (b"1e999", b"-1e999", b"nan", b"inf", b"99999999999999999999999", b"-1", b"1_000", b"0x1F", b"1e-400", b"")
WORDS = (
    "\x00",
    "\x1b[31m",
    "\u202e",
    "﷽",
    "'",
    '"',
    '""',
    "\\",
    "=1+1",
    "|",
    ";",
    ",",
    "\t",
    "  ",
    "NA",
    "-",
    "é" * 50,
)


def _lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")


def _at(rng: random.Random, content: bytes) -> int:
    return rng.randrange(len(content)) if content else 0


def _mark(content: bytes) -> bytes:
    return max((b"\t", b",", b";", b" "), key=content.count)


def truncated(rng: random.Random, content: bytes) -> bytes:
    """Cut the file anywhere."""
    return content[: _at(rng, content)]


def flipped_bits(rng: random.Random, content: bytes) -> bytes:
    """Flip up to a few dozen bits."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 30)) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def random_bytes(rng: random.Random, content: bytes) -> bytes:
    """Overwrite a stretch with noise."""
    at, length = _at(rng, content), rng.choice((1, 4, 64, 1000))
    return content[:at] + rng.randbytes(length) + content[at + length :]


def ragged_rows(rng: random.Random, content: bytes) -> bytes:
    """Add or remove fields in some rows."""
    mark, rows = _mark(content), _lines(content)
    for _ in range(rng.randint(1, 3)):
        n = rng.randrange(len(rows))
        fields = rows[n].split(mark)
        if rng.random() < 0.5 and len(fields) > 1:
            del fields[rng.randrange(len(fields))]
        else:
            fields.insert(rng.randint(0, len(fields)), rng.choice((b"", b"extra", b"7")))
        rows[n] = mark.join(fields)
    return b"\n".join(rows)


def emptied_fields(rng: random.Random, content: bytes) -> bytes:
    """Empty a field, here or in the whole column."""
    mark, rows = _mark(content), _lines(content)
    column, whole = rng.randrange(6), rng.random() < 0.3
    for n in range(len(rows)) if whole else [rng.randrange(len(rows))]:
        fields = rows[n].split(mark)
        if column < len(fields):
            fields[column] = rng.choice((b"", b" "))
            rows[n] = mark.join(fields)
    return b"\n".join(rows)


def numeric_overflow(rng: random.Random, content: bytes) -> bytes:
    """Replace numbers by impossible ones."""
    share = rng.choice((0.1, 1.0))
    return re.sub(rb"\b\d+(\.\d+)?\b", lambda old: rng.choice(NUMBERS) if rng.random() < share else old[0], content)


def strange_words(rng: random.Random, content: bytes) -> bytes:
    """Insert control characters, quotes, marks, scripts that run from right to left."""
    for _ in range(rng.randint(1, 4)):
        at = _at(rng, content)
        content = content[:at] + rng.choice(WORDS).encode() + content[at:]
    return content


def nul_bytes(rng: random.Random, content: bytes) -> bytes:
    """Insert NUL bytes."""
    at = _at(rng, content)
    return content[:at] + b"\0" * rng.choice((1, 2, 512)) + content[at:]


def mixed_line_ends(rng: random.Random, content: bytes) -> bytes:
    """End each line as on one system or another."""
    return b"".join(line + rng.choice((b"\n", b"\r\n", b"\r")) for line in _lines(content))


def byte_order_mark(rng: random.Random, content: bytes) -> bytes:
    """Put a mark in front, of UTF-8 or of another encoding."""
    return rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf" * 2)) + content


def other_encoding(rng: random.Random, content: bytes) -> bytes:
    """Write the text in another encoding."""
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp037"))
    changed = content.decode("utf-8", "replace").encode(encoding, "replace")
    return changed[:-1] if rng.random() < 0.2 else changed


def long_line(rng: random.Random, content: bytes) -> bytes:
    """Make one field very long, or one line of very many fields."""
    at = _at(rng, content)
    size = rng.choice((1 << 12, 1 << 17, 1 << 17, 10 << 20) if rng.random() < 0.05 else (1 << 12, 1 << 15, 1 << 17))
    unit = rng.choice((b"A", b"A" + _mark(content), b"\xc3\xa9"))
    return content[:at] + unit * (size // len(unit)) + content[at:]


def repeated_header(rng: random.Random, content: bytes) -> bytes:
    """Repeat the first line, or a field of it."""
    rows = _lines(content)
    if rng.random() < 0.5:
        rows.insert(rng.randint(0, len(rows)), rows[0])
    else:
        fields = rows[0].split(_mark(content))
        rows[0] = _mark(content).join([fields[0]] * len(fields))
    return b"\n".join(rows)


def moved_lines(rng: random.Random, content: bytes) -> bytes:
    """Remove, repeat or shuffle lines."""
    rows = _lines(content)
    what = rng.randrange(3)
    if what == 0:
        del rows[rng.randrange(len(rows))]
    elif what == 1:
        rows += [rng.choice(rows)] * rng.choice((1, 50))
    else:
        rng.shuffle(rows)
    return b"\n".join(rows)


def other_delimiter(rng: random.Random, content: bytes) -> bytes:
    """Part the fields by something else, everywhere or in a few rows."""
    new = rng.choice((b",", b";", b"\t", b" ", b"|", b""))
    if rng.random() < 0.5:
        return content.replace(_mark(content), new)
    rows = _lines(content)
    n = rng.randrange(len(rows))
    rows[n] = rows[n].replace(_mark(content), new)
    return b"\n".join(rows)


def spliced(rng: random.Random, content: bytes) -> bytes:
    """Go on with a piece of a file of another format."""
    other = rng.choice(EXAMPLES).content.encode()
    return content[: _at(rng, content)] + other[_at(rng, other) :]


def deep_nesting(rng: random.Random, content: bytes) -> bytes:
    """Nest brackets beyond what a recursive parser can take."""
    depth = rng.choice((100, 3_000, 100_000))
    return rng.choice((b"[" * depth, b'{"a":' * depth, b"- " * depth, content + b"(" * depth))


def gzip_cut(rng: random.Random, content: bytes) -> bytes:
    """Pack the file, and cut or damage the packed bytes."""
    packed = gzip.compress(content, mtime=0)
    return truncated(rng, packed) if rng.random() < 0.5 else packed[:3] + flipped_bits(rng, packed[3:])


def gzip_bomb(rng: random.Random, content: bytes) -> bytes:
    """Pack a file that unpacks to a thousand times its size."""
    line = rng.choice((b"A\tB\n", b"\n", b"A", b"\0"))
    return gzip.compress(content + line * ((96 << 20) // len(line)), compresslevel=1, mtime=0)


def zip_escape(rng: random.Random, content: bytes) -> bytes:
    """Put the file into a zip archive under a name that leads out, perhaps beside others."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))) as archive:
        archive.writestr(
            zipfile.ZipInfo(rng.choice(("../../escaped.txt", "/escaped.txt", "a/../../escaped", "..\\escaped"))),
            content,
            archive.compression,
        )
        if rng.random() < 0.3:
            archive.writestr(
                zipfile.ZipInfo(rng.choice(("other.txt", "../x", "xl/workbook.xml", "architecture.json"))),
                content,
                archive.compression,
            )
    packed = stream.getvalue()
    return flipped_bits(rng, packed) if rng.random() < 0.3 else packed


def zip_members(rng: random.Random, content: bytes) -> bytes:
    """Mutate what is inside a zip archive (an architecture, a model), and close it again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001 - an earlier mutation broke the archive, in whatever way
        return flipped_bits(rng, content)
    if not members:
        return content
    name = rng.choice(sorted(members))
    what = rng.randrange(5)
    if what == 0:
        del members[name]
    elif what == 1:
        members[f"../../{name}"] = members.pop(name)
    elif name.endswith(".json") and what in (2, 3):
        members[name] = _mutated_json(rng, members[name])
    else:
        members[name] = rng.choice((flipped_bits, truncated, numeric_overflow, random_bytes))(rng, members[name])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, inside in members.items():
            archive.writestr(zipfile.ZipInfo(member), inside, archive.compression)
    return stream.getvalue()


def _mutated_json(rng: random.Random, content: bytes) -> bytes:
    """Replace one value somewhere in a JSON document by another."""
    try:
        tree = json.loads(content)
    except ValueError:
        return flipped_bits(rng, content)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            places.append((node, key))
            if isinstance(value, dict | list):
                walk(value)

    if isinstance(tree, dict | list):
        walk(tree)
    if places:
        node, key = rng.choice(places)
        values: tuple[Any, ...] = (None, -1, 10**18, "x", [], {}, [[]], 1.5, True, "../../x", "os.system", "Lambda")
        node[key] = rng.choice(values)
        if isinstance(node, dict) and rng.random() < 0.2:
            del node[key]
    return json.dumps(tree).encode()


def yaml_aliases(rng: random.Random, content: bytes) -> bytes:
    """Add anchors that refer to each other, a thousand million words when written out."""
    rows = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol]"]
    depth = rng.choice((2, 5, 12))
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, depth)]
    return rng.choice((b"", content + b"\n")) + "\n".join([*rows, f"build: *a{depth - 1}", ""]).encode()


def yaml_tags(rng: random.Random, content: bytes) -> bytes:
    """Ask the YAML parser to make a Python object."""
    return content + rng.choice(
        (
            b'\nx: !!python/object/apply:os.system ["touch escaped"]\n',
            b"\nx: !!python/name:os.system\n",
            b"\n? [a, b]\n: c\n",
            b"\n1: 2\n",
            b"\ntrain: !!binary aGVsbG8=\n",
            b"\nbuild: 2020-01-01\n",
            b"\nbuild: {genes: [1, 2], units: .inf, window: [1]}\n",
        )
    )


TEXT: tuple[Mutation, ...] = (
    truncated,
    flipped_bits,
    random_bytes,
    ragged_rows,
    emptied_fields,
    numeric_overflow,
    strange_words,
    nul_bytes,
    mixed_line_ends,
    byte_order_mark,
    other_encoding,
    long_line,
    repeated_header,
    moved_lines,
    other_delimiter,
    spliced,
    deep_nesting,
    gzip_cut,
    zip_escape,
)
BINARY: tuple[Mutation, ...] = (truncated, flipped_bits, flipped_bits, random_bytes, nul_bytes, gzip_cut)
MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "text": TEXT,
    "real": TEXT,
    "recipe": (*TEXT, yaml_aliases, yaml_aliases, yaml_tags, yaml_tags),
    "architecture": (*BINARY, zip_members, zip_members, zip_members, zip_members, zip_escape),
    "h5ad": (*BINARY, *[hdf5_structure] * 8),
    "model": (*BINARY, zip_members, zip_members, zip_members, zip_members, keras_config, keras_config, keras_config),
    "columns": BINARY,
    "genotypes": (zip_members,),
    "zarr": (zip_members,),
    "unfinished": (*BINARY, zip_members, zip_members, zip_members),
    "search": (flipped_bits, truncated, *[database_rows] * 6),
    "comparison": (zip_members,),
    "downloads": (zip_members,),
}
