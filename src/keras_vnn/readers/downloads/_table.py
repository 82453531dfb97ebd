"""The table of files: names, addresses, releases, terms. In: ``files.yaml``. Out: `RemoteFile`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

import yaml

from keras_vnn.basics.errors import ConfigError, did_you_mean

__all__ = ["RemoteFile", "file_names", "remote_file", "remote_files"]

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
                f"{name} is {len(table['groups'][name])} files. Fetch each: {', '.join(table['groups'][name])}"
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
                f"{name} is there as release {entry.get('release', CURRENT)} only, got release={release!r}.\n"
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
