"""Opening what users have and writing what they keep.

In: paths. Out: text streams, digests, and files that are either whole or untouched.
Knows nothing of formats beyond compression and encoding.
"""

from __future__ import annotations

import codecs
import errno
import glob
import hashlib
import os
import platform
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

from keras_vnn.basics.errors import OutputError, ReadError, counted
from keras_vnn.basics.remedies import remedy
from keras_vnn.basics.unpacking import open_unpacked

# More than this is not read as a whole: files of gene sets, hierarchies and recipes are far smaller.
_LARGEST_WHOLE = 1 << 29
# Cells of a table that are read at once, of which the text has far fewer: pandas takes 17 bytes for each.
MOST_CELLS = 1 << 25
# Tells the processes of one machine from those of others that share its folders.
_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
_PROTECTED: ContextVar[tuple[Path, ...]] = ContextVar("_PROTECTED", default=())


def existing_file(path: str | os.PathLike[str], what: str = "file") -> Path:
    """Return ``path`` as a `Path` when it names a readable, non-empty file.

    Raises
    ------
    ReadError
        The path does not exist, is a directory, a pipe or a device, may not be read, or is empty.
    """
    found = existing_path(path, what)
    if found.is_dir():
        raise ReadError(f"Expected {_with_article(what)}, got a directory: {found}\nName one file inside it.")
    if not found.is_file():
        raise ReadError(
            f"Expected {_with_article(what)}, got a pipe or a device: {found}\nWrite its content to a file first."
        )
    if not os.access(found, os.R_OK):
        raise ReadError(f"May not read the {what} {found}.\nCheck its permissions.")
    if found.stat().st_size == 0:
        raise ReadError(f"The {what} {found} is empty (0 bytes).\nWas its download interrupted?")
    return found


def existing_path(path: str | os.PathLike[str], what: str = "file") -> Path:
    """Return ``path`` as a `Path` when there is a file or a folder of that name.

    Raises
    ------
    ReadError
        There is none, or no file can have that name.
    """
    found = Path(path)
    try:
        found.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        nearby = _similar_names(found)
        advice = f"Nearby: {nearby}." if nearby else "Are the name and the folder right?"
        raise ReadError(f"No such {what}: {found}.\n{advice}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ReadError(f"Cannot look for the {what} {str(found)[:200]}: {reason}.") from error
    return found


def protect(paths: Iterable[Path]) -> None:
    """Never let the rest of this context, such as one command, write onto these inputs, by whatever name."""
    _PROTECTED.set((*_PROTECTED.get(), *paths))


def is_filled_up(content: bytes, separator: str, width: int) -> bool:
    """Return whether rows of a text are so short that pandas, which fills them up, makes far more cells than there are.

    Parameters
    ----------
    content, separator
        The text, and what parts its fields.
    width
        Fields of the row that the others are filled up to.
    """
    rows = content.count(b"\n") + 1
    return rows * width > max(MOST_CELLS, 2 * (content.count(separator.encode()) + rows))


def decompressed(path: Path, *, limit: int | None = None) -> bytes:
    """Return the whole content of a file, unpacked when it is gzip, bzip2, xz or a zip of one file.

    Raises
    ------
    ReadError
        The packed stream is damaged, ends early, or unpacks to more than ``limit`` bytes or beyond all measure.
    """
    with open_unpacked(path) as stream:
        content = stream.read() if limit is None else stream.read(limit + 1)
    if limit is not None and len(content) > limit:
        raise ReadError(
            f"The file {path} unpacks to more than {counted(limit, 'byte')}.\nIs it the right file? Take out what is "
            "not needed."
        )
    return content


def encoding_of(first: bytes) -> str:
    """Return the encoding a text with these first bytes is read in: that of its mark, else UTF-8."""
    return "utf-16" if first.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"


def read_lines(path: Path, *, limit: int = _LARGEST_WHOLE) -> list[str]:
    """Return the lines of a text file, without line ends.

    UTF-8 with or without a byte order mark, UTF-16 with one; line ends of any system.

    Raises
    ------
    ReadError
        The file is damaged, holds NUL bytes, is not UTF-8 (with the line of the offence), or more than ``limit`` bytes.
    """
    content = decompressed(path, limit=limit)
    try:
        text = content.decode(encoding_of(content))
    except UnicodeDecodeError:
        refuse_bytes(path)
    if "\0" in text:
        refuse_bytes(path)
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def refuse_bytes(path: Path) -> NoReturn:
    """Raise the `ReadError` that says where the bytes of a file stop being text, and what to do about it.

    Raises
    ------
    ReadError
        Always.
    """
    line = 1
    with open_unpacked(path) as stream:
        first = stream.peek(64)[:64]
        encoding = encoding_of(first)
        name = "UTF-16" if encoding == "utf-16" else "UTF-8"
        decoder = codecs.getincrementaldecoder(encoding)()
        while True:
            block = stream.read(1 << 20)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                at = max(0, error.start - 20)
                line += error.object.count(b"\n", 0, error.start)
                raise ReadError(
                    f"The bytes are not {name} text: {path}:{line}\n"
                    f"    {error.object[at : error.start + 20]!r}\n"
                    f"Save the file as UTF-8, for example: iconv -f latin1 -t utf-8 {path.name} > utf8.txt"
                ) from error
            if "\0" in text:
                line += text.count("\n", 0, text.index("\0"))
                wide = encoding != "utf-16" and first[1:8:2] == bytes(4)
                raise ReadError(
                    f"The file holds NUL bytes and is not text: {path}:{line}\n"
                    + (
                        "It looks like UTF-16 without a byte order mark: "
                        f"iconv -f utf-16le -t utf-8 {path.name} > utf8.txt"
                        if wide
                        else "Is it the right file, and was its download complete?"
                    )
                )
            line += text.count("\n")
            if not block:
                break
    raise ReadError(f"The file cannot be read as text: {path}\nDownload it again.")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as it lies on disk (compressed when it is), or of all files in a folder."""
    if path.is_dir():
        digest = hashlib.sha256()
        for part in sorted(found for found in path.rglob("*") if found.is_file()):
            digest.update(f"{part.relative_to(path).as_posix()}\n{sha256_of(part)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_target(path: str | os.PathLike[str], *, overwrite: bool = False, endings: Sequence[str] = ()) -> Path:
    """Return ``path`` as a `Path` when a file may be written there; ask before a long run, not after it.

    Raises
    ------
    OutputError
        The file exists and ``overwrite`` is false, it is a directory, a device or `protect`ed, no file can have that
        name, it has none of the endings that are named, or its folder does not exist or is read-only.
    """
    target = Path(path)
    if endings and target.suffix.lower() not in endings:
        raise OutputError(f"The name of the file must end in {' or '.join(endings)}, got {target.name!r}.")
    try:
        real = Path(os.path.realpath(target))
        status = real.stat()
    except (FileNotFoundError, NotADirectoryError):
        status = None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"Cannot write {str(target)[:200]}: {reason}.\nName another file.") from error
    if status is not None:
        if stat.S_ISDIR(status.st_mode):
            raise OutputError(f"Cannot write the file {target}: a directory has that name.")
        if not stat.S_ISREG(status.st_mode):
            raise OutputError(f"Cannot write the file {target}: a pipe or a device has that name.\nName a file.")
        if any(_is_part_of(real, status, path) for path in _PROTECTED.get()):
            raise OutputError(f"The output is an input too: {target}\nName another file to write.")
        if not overwrite:
            advice = remedy("Pass {overwrite} to replace it.", "Remove it first.", overwrite=True)
            raise OutputError(f"The file exists already: {target}\n{advice}")
    folder = (real if target.is_symlink() else target).parent
    if not folder.is_dir():
        raise OutputError(f"The folder does not exist: {folder}\nCreate it: mkdir -p '{folder}'")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"May not write into the folder {folder}: it is read-only for you.\nName another folder.")
    return target


def made_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder, made if it is not there.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot make the folder {folder}: {error.strerror}.\nName another one.") from error
    return folder


@contextmanager
def replacing(path: str | os.PathLike[str], *, overwrite: bool = False, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path next to ``path``; move it into place when the block ends well.

    Whatever happens, ``path`` is either what it was before or the complete new file. What a killed process left next to
    it is removed by the next one that writes there. A link stays a link: the file it names is replaced.

    Parameters
    ----------
    path, overwrite
        As in `check_target`.
    durable
        Wait until the content is on the disk, so that a power failure cannot take it either.

    Raises
    ------
    OutputError
        The file exists and ``overwrite`` is false, its folder does not exist, cannot be written,
        or the disk is full.
    """
    target = check_target(path, overwrite=overwrite)
    real = Path(os.path.realpath(target))
    try:
        _remove_leftovers(real)
        handle, name = tempfile.mkstemp(
            dir=real.parent, prefix=f"{_hidden(real)}{_HOST}-{os.getpid()}-", suffix=f".part{real.suffix}"
        )
    except OSError as error:
        raise OutputError(f"Cannot write into the folder {real.parent}: {error.strerror}") from error
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o666 & ~_umask())
        if durable:
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        partial.replace(real)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            raise OutputError(
                f"The disk is full; {target} was not written.\nMake room, or name a place on another disk."
            ) from error
        raise OutputError(f"Cannot write {target}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _hidden(target: Path) -> str:
    """Return how the names of unfinished files begin; not with the whole name, which may be as long as names can be."""
    return f".{target.stem[:30]}."


def _remove_leftovers(target: Path) -> None:
    """Remove the unfinished files that killed processes of this machine left for the same target."""
    begin = f"{_hidden(target)}{_HOST}-"
    pattern = re.compile(rf"{re.escape(begin)}(\d+)-[^.]*{re.escape(f'.part{target.suffix}')}")
    for left in target.parent.glob(f"{glob.escape(begin)}*"):
        found = pattern.fullmatch(left.name)
        if found and not _is_running(int(found[1])):
            left.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    """Say whether a process is there; that it is, where the system does not tell."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        pass
    return True


@contextmanager
def alone_at(path: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other processes that ask for the same from working on an output, a file or a folder that exists.

    A lock file holds meanwhile: next to a file, within a folder.

    Raises
    ------
    OutputError
        Another process is at it, or the lock file cannot be made.
    """
    real = Path(os.path.realpath(path))
    folder = real if real.is_dir() else real.parent
    lock = FileLock(folder / f".{hashlib.sha256(real.name.encode(errors='surrogateescape')).hexdigest()[:16]}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(
            f"Another process is writing {path} at this moment.\nWait until it has ended, or name another output."
        ) from error
    except OSError as error:
        raise OutputError(
            f"Cannot write into the folder {folder}: {error.strerror or error}\nName another output."
        ) from error
    try:
        yield
    finally:
        # While it is held: what is removed is never the lock of somebody else.
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()


def _is_part_of(real: Path, status: os.stat_result, protected: Path) -> bool:
    """Say whether a file is a protected one, by another name or link perhaps, or lies in a protected folder."""
    try:
        other = protected.stat()
    except OSError:
        return False
    return os.path.samestat(status, other) or Path(os.path.realpath(protected)) in real.parents


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _similar_names(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    stem = path.name.split(".")[0].casefold()
    names = sorted(p.name for p in path.parent.iterdir() if p.name.casefold().startswith(stem[:5]))
    return ", ".join(names[:3]) if stem else ""


def is_data(path: Path) -> bool:
    """Return whether a file has the name of expression data, where something else belongs."""
    return path.name.removesuffix(".gz").endswith((".h5ad", ".csv", ".tsv", ".mtx", ".loom", ".parquet", ".feather"))
