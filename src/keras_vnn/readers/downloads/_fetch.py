"""`fetch`: a file of the table, from the cache folder or from its provider, where an earlier one stopped."""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs
import yaml

from keras_vnn.basics.errors import ConfigError, FetchError, OutputError, counted, did_you_mean
from keras_vnn.basics.files import replacing, sha256_of
from keras_vnn.basics.remedies import by_place

CURRENT = "current"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that a provider offers.

    Attributes
    ----------
    name
        What to call it, e.g. ``goa-human``.
    what
        What is in it.
    url
        Where it is; empty when it has to be fetched by hand.
    release
        The release, or ``current``.
    file
        The name of the file that a reader takes.
    licence, terms
        The licence its provider states, and where.
    cite, doi
        What to cite.
    species
        Of which it is; empty for several.
    member
        Pattern of the file to take out of a zip.
    reader, option
        The function that reads it, and the option of ``vnn build``.
    page, why
        Where it is to be fetched by hand, and why.
    """

    name: str
    what: str
    url: str
    release: str
    file: str
    licence: str
    terms: str
    cite: str
    doi: str
    species: str = ""
    member: str = ""
    reader: str = ""
    option: str = ""
    page: str = ""
    why: str = ""

    @property
    def archive(self) -> str:
        """The name of the file as it is downloaded."""
        return PurePosixPath(self.url).name if self.url else self.file


def remote_files() -> tuple[RemoteFile, ...]:
    """Return all files of the table, with one entry for each species that has a name."""
    return tuple(remote_file(name) for name in _names())


def file_names(name: str) -> tuple[str, ...]:
    """Return the names that a name stands for: itself, or the files of a group such as ``reactome``."""
    return tuple(_table()["groups"].get(name, (name,)))


def remote_file(name: str, release: str | None = None) -> RemoteFile:
    """Return a file by its name.

    Parameters
    ----------
    name
        As `read.remote_files` lists them; for STRING also with a taxon id, ``string-559292``.
    release
        Another than the one of the table.

    Raises
    ------
    ConfigError
        There is no such name, or its provider keeps no earlier releases.

    Examples
    --------
    >>> print(remote_file("string-yeast").url)
    https://stringdb-downloads.org/download/protein.links.v12.0/4932.protein.links.v12.0.txt.gz
    """
    table = _table()
    found = _entry(name)
    if found is None:
        if name in table["groups"]:
            raise ConfigError(
                f"{name} is {counted(len(table['groups'][name]), 'file')}. Fetch each: "
                f"{', '.join(table['groups'][name])}"
            )
        known = [*table["groups"], *_names()]
        hint = did_you_mean(name, known) or f"Known: {', '.join(known)}."
        raise ConfigError(f"There is no file {name!r} to fetch. {hint}\nList them: vnn fetch --list")
    entry, taxon = found
    chosen = release or str(entry.get("release", CURRENT))
    address = str(entry.get("url", ""))
    if chosen != str(entry.get("release", CURRENT)) and "{release}" not in address:
        if "dated" not in entry:
            raise ConfigError(
                f"{name} is there as release {entry.get('release', CURRENT)} only, got {release!r}.\n"
                "Leave the release out."
            )
        address = str(entry["dated"])
    address = address.format(taxon=taxon, release=chosen)
    inside = str(entry.get("member", ""))
    facts = {**table["providers"][entry["provider"]], **entry, "name": name, "url": address, "release": chosen}
    facts.setdefault("file", inside.replace("*", chosen) if inside else PurePosixPath(address).name)
    facts.setdefault("species", _species_of(taxon))
    return RemoteFile(**{one.name: str(facts.get(one.name, "")) for one in fields(RemoteFile)})


def _entry(name: str) -> tuple[dict[str, Any], str] | None:
    """Return an entry of the table, and the taxon that its name asks for."""
    table = _table()
    if name in table["files"] and "{" not in name:
        return table["files"][name], ""
    stem, _, last = name.rpartition("-")
    pattern = table["files"].get(f"{stem}-{{species}}")
    taxon = str(table["species"].get(last, last if last.isdigit() else ""))
    return (pattern, taxon) if pattern is not None and taxon else None


def _names() -> list[str]:
    table = _table()
    names: list[str] = []
    for name in table["files"]:
        names += [name.format(species=word) for word in table["species"]] if "{" in name else [name]
    return names


def _species_of(taxon: str) -> str:
    by_taxon = {str(number): str(word) for word, number in _table()["species"].items()}
    return by_taxon.get(taxon, f"taxon {taxon}" if taxon else "")


@cache
def _table() -> dict[str, Any]:
    text = files("keras_vnn.readers.downloads").joinpath("files.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


_VARIABLE = "KERAS_VNN_CACHE"
_RECORD = "fetched.json"
_ATTEMPTS = 4
# Seconds before the second attempt; twice as many before each further one.
PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file in the cache folder.

    Attributes
    ----------
    path
        Where it is.
    file
        What it is, and whose.
    sha256, bytes
        Of the file at ``path``.
    when
        The day it was downloaded; empty when somebody put it there by hand.
    is_new
        Whether it was downloaded just now.
    """

    path: Path
    file: RemoteFile
    sha256: str
    bytes: int
    when: str
    is_new: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {**asdict(self), "path": str(self.path)}


def cache_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder for what was fetched: as given, of ``KERAS_VNN_CACHE``, or the system's for this user."""
    if folder is not None:
        return Path(folder)
    if os.environ.get(_VARIABLE):
        return Path(os.environ[_VARIABLE]) / "priors"
    return platformdirs.user_cache_path("keras-vnn") / "priors"


def fetch(
    name: str | RemoteFile,
    *,
    release: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    sha256: str | None = None,
    again: bool = False,
    timeout: float = 30.0,
    progress: Callable[[int, int], None] | None = None,
) -> Fetched:
    """Return a file of a provider, downloading it when it is not in the cache folder yet.

    A download that breaks is taken up where it broke, at once and by a later call. The digest is written down at the
    first download and must be the same whenever the file is asked for again.

    Parameters
    ----------
    name
        As ``vnn fetch --list`` shows them, e.g. ``go-basic``, ``goa-mouse``, ``string-human``, ``string-559292``; or a
        `RemoteFile` of your own.
    release
        A stated release, where the provider keeps them: ``2024-01-17`` for GO, ``11.5`` for STRING.
    folder
        Where to keep it; see `cache_folder`.
    sha256
        The digest that the file must have.
    again
        Download it even if it is there: the address of a ``current`` release may give a newer file.
    timeout
        Seconds without a byte after which an attempt is given up; there are four.
    progress
        Called with the bytes that have arrived and those that there will be.

    Raises
    ------
    ConfigError
        There is no such name or release.
    FetchError
        It cannot be downloaded, with the address and the place to put it by hand; or its digest is another.
    OutputError
        The cache folder cannot be written.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> goa = fetch("goa-human")  # doctest: +SKIP
    >>> annotations = vnn.read.annotations(goa.path)  # doctest: +SKIP
    """
    import requests

    wanted = remote_file(name, release) if isinstance(name, str) else name
    place = cache_folder(folder) / wanted.name / wanted.release
    target = place / wanted.file
    known = _json(place / _RECORD)
    expected = sha256 or (None if again else known.get("sha256"))
    if target.is_file() and not again:
        digest = sha256_of(target)
        if expected and digest != expected:
            raise FetchError(_changed(wanted, target, expected, digest))
        return Fetched(target, wanted, digest, target.stat().st_size, str(known.get("when", "")))
    if not wanted.url:
        raise FetchError(
            f"{wanted.name} has to be fetched by hand: {wanted.why}.\n"
            f"    {wanted.page}\nSave it as:\n    {target.absolute()}\nThen go on: vnn fetch {wanted.name}"
        )
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make the cache folder {place}: {error.strerror}\n"
            f"Name another {by_place('with --folder', 'folder')}, or export {_VARIABLE}=/path/to/folder"
        ) from error
    arrived = place / f"{wanted.archive}.partial"
    try:
        _download(wanted.url, arrived, timeout, progress or (lambda here, whole: None))
    except requests.RequestException as error:
        raise FetchError(_unreachable(wanted, target, error)) from error
    with replacing(target, overwrite=True) as partial:
        if wanted.member:
            _take_out(wanted, arrived, partial)
        else:
            arrived.replace(partial)
        digest = sha256_of(partial)
        if sha256 and digest != sha256:
            raise FetchError(_changed(wanted, target, sha256, digest))
    when = time.strftime("%Y-%m-%d", time.gmtime())
    with replacing(place / _RECORD, overwrite=True) as partial:
        facts = {"url": wanted.url, "sha256": digest, "bytes": target.stat().st_size, "when": when}
        partial.write_text(json.dumps({**facts, "cite": wanted.cite, "licence": wanted.licence}, indent=1))
    return Fetched(target, wanted, digest, target.stat().st_size, when, is_new=True)


def _download(url: str, arrived: Path, timeout: float, progress: Callable[[int, int], None]) -> None:
    """Download a file in as many attempts as it may take; what has arrived is kept between them and for later.

    Raises
    ------
    requests.RequestException
        The last attempt failed.
    """
    import requests

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _attempt(url, arrived, timeout, progress)
        except requests.RequestException as error:
            if attempt == _ATTEMPTS or not _may_pass(error):
                raise
            time.sleep(PAUSE * 2 ** (attempt - 1))
        else:
            _version_of(arrived).unlink(missing_ok=True)
            return


def _version_of(arrived: Path) -> Path:
    """Return the file that tells which version of which address has arrived."""
    return arrived.with_name(f"{arrived.name}.json")


def _may_pass(error: Any) -> bool:
    """Return whether a failure may be gone in a moment."""
    import requests

    if isinstance(error, requests.HTTPError):
        return error.response is not None and error.response.status_code in (429, 500, 502, 503, 504)
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)


def _attempt(url: str, arrived: Path, timeout: float, progress: Callable[[int, int], None]) -> None:
    """Ask for the rest of what has arrived (RFC 9110, range requests) if the file there is the same, else for all."""
    import requests
    from urllib3.exceptions import HTTPError as BrokenError

    # Lengths and digests are those of the file as it lies there; nothing may be unpacked on the way.
    headers = {"Accept-Encoding": "identity"}
    known = _json(_version_of(arrived))
    here = arrived.stat().st_size if arrived.is_file() and known.get("url") == url and known.get("version") else 0
    if here:
        headers |= {"Range": f"bytes={here}-", "If-Range": str(known["version"])}
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            arrived.unlink(missing_ok=True)
            raise requests.ConnectionError("the file there is shorter than what has arrived")
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            here = 0
            tag = str(answer.headers.get("ETag", ""))
            # A weak tag does not promise the same bytes.
            version = tag if tag and not tag.startswith("W/") else str(answer.headers.get("Last-Modified", ""))
            _version_of(arrived).write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")
        length = int(answer.headers.get("Content-Length") or 0)
        whole = here + length if length else 0
        with arrived.open("ab" if here else "wb") as stream:
            try:
                for piece in answer.raw.stream(2**20, decode_content=False):
                    stream.write(piece)
                    here += len(piece)
                    progress(here, whole)
            except (BrokenError, ConnectionError, TimeoutError) as error:
                raise requests.ConnectionError(f"the connection broke after {counted(here, 'byte')}") from error
        if whole and here != whole:
            raise requests.ConnectionError(f"{here:,} of {counted(whole, 'byte')} arrived")


def _take_out(wanted: RemoteFile, archive: Path, partial: Path) -> None:
    """Copy the one member of a zip that is wanted; its name has no say in where it goes."""
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = [one for one in opened.namelist() if fnmatch.fnmatchcase(one.rsplit("/", 1)[-1], wanted.member)]
            if len(inside) != 1:
                raise FetchError(
                    f"The archive of {wanted.name} has {counted(len(inside), 'file')} like {wanted.member}, expected "
                    f"one: {wanted.url}\nIt may have a new layout: fetch it by hand, and tell us."
                )
            with opened.open(inside[0]) as source, partial.open("wb") as copy:
                shutil.copyfileobj(source, copy, 2**20)
    except zipfile.BadZipFile as error:
        raise FetchError(f"What came for {wanted.name} is not a zip file: {wanted.url}\nTry again later.") from error
    finally:
        archive.unlink()


def _unreachable(wanted: RemoteFile, target: Path, error: Any) -> str:
    archive = replace(wanted, member="").archive
    inside = f" (the file {wanted.member} in it)" if wanted.member else ""
    return (
        f"Cannot download {wanted.name}: {_reason(error)}\n    {wanted.url}\n"
        "Behind a proxy, name it: export HTTPS_PROXY=http://proxy.example.org:3128\n"
        f"Without a connection, fetch {archive}{inside} elsewhere and save it as:\n    {target.absolute()}\n"
        f"Then go on: vnn fetch {wanted.name}"
        + ("" if wanted.release in wanted.url or wanted.release == "current" else f" --release {wanted.release}")
    )


def _reason(error: Any) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}."
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached."
    if isinstance(error, requests.exceptions.SSLError):
        return "the certificate of the server is not accepted."
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time."
    text = str(error)
    if "broke after" in text or "arrived" in text:
        return f"{text}; what has arrived is kept."
    return "no connection to the server."


def _changed(wanted: RemoteFile, target: Path, expected: str, digest: str) -> str:
    return (
        f"{wanted.name} has another digest than it should: {target.absolute()}\n"
        f"    expected sha256 {expected}\n    got             {digest}\n"
        f"The download was damaged or the file was changed. Fetch it again: vnn fetch {wanted.name} --again"
    )


def _json(path: Path) -> dict[str, Any]:
    """Return what a small file of facts holds; nothing where there is none."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
