"""`fetch`: a file of the table, from the cache folder or from its provider."""

from __future__ import annotations

import fnmatch
import json
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import FetchError
from keras_vnn.basics.files import replacing, sha256_of
from keras_vnn.readers.downloads._resume import Resuming
from keras_vnn.readers.downloads._table import RemoteFile, remote_file

__all__ = ["Fetched", "cache_folder", "fetch"]

_VARIABLE = "KERAS_VNN_CACHE"
_RECORD = "fetched.json"


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
    import pooch

    return Path(pooch.os_cache("keras-vnn")) / "priors"


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
    >>> goa = fetch("goa-human")  # doctest: +SKIP
    >>> annotations = read_annotations(goa.path)  # doctest: +SKIP
    """
    wanted = remote_file(name, release) if isinstance(name, str) else name
    place = cache_folder(folder) / wanted.name / wanted.release
    target = place / wanted.file
    known = _record(place)
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
    _make(place)
    with replacing(target, overwrite=True) as partial:
        _download(wanted, place, partial, target, timeout, progress)
        digest = sha256_of(partial)
        if sha256 and digest != sha256:
            raise FetchError(_changed(wanted, target, sha256, digest))
    when = time.strftime("%Y-%m-%d", time.gmtime())
    with replacing(place / _RECORD, overwrite=True) as partial:
        facts = {"url": wanted.url, "sha256": digest, "bytes": target.stat().st_size, "when": when}
        partial.write_text(json.dumps({**facts, "cite": wanted.cite, "licence": wanted.licence}, indent=1))
    return Fetched(target, wanted, digest, target.stat().st_size, when, is_new=True)


def _download(
    wanted: RemoteFile,
    place: Path,
    partial: Path,
    target: Path,
    timeout: float,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Put the file at ``partial``, out of its archive if it comes in one."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    arrived = place / f"{wanted.archive}.arrived"
    downloader = Resuming(place / f"{wanted.archive}.partial", timeout=timeout, progress=progress)
    try:
        arrived.unlink(missing_ok=True)
        pooch.retrieve(wanted.url, None, fname=arrived.name, path=place, downloader=downloader)
    except requests.RequestException as error:
        raise FetchError(_unreachable(wanted, target, error)) from error
    if wanted.member:
        _take_out(wanted, arrived, partial)
        arrived.unlink()
    else:
        arrived.replace(partial)


def _take_out(wanted: RemoteFile, archive: Path, partial: Path) -> None:
    """Copy the one member of a zip that is wanted; its name has no say in where it goes."""
    import shutil

    try:
        with zipfile.ZipFile(archive) as opened:
            inside = [one for one in opened.namelist() if fnmatch.fnmatchcase(one.rsplit("/", 1)[-1], wanted.member)]
            if len(inside) != 1:
                raise FetchError(
                    f"The archive of {wanted.name} has {len(inside)} files like {wanted.member}, expected one: "
                    f"{wanted.url}\nIt may have a new layout: fetch it by hand, and tell us."
                )
            with opened.open(inside[0]) as source, partial.open("wb") as copy:
                shutil.copyfileobj(source, copy, 2**20)
    except zipfile.BadZipFile as error:
        raise FetchError(f"What came for {wanted.name} is no zip file: {wanted.url}\nTry again later.") from error


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
        f"The download was damaged or the file was changed. Fetch it anew: vnn fetch {wanted.name} --again"
    )


def _record(place: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((place / _RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _make(place: Path) -> None:
    from keras_vnn.basics.errors import OutputError

    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make the cache folder {place}: {error.strerror}\n"
            "Name another: --folder priors, or export KERAS_VNN_CACHE=/path/to/folder"
        ) from error
