"""What is kept of long computations, so that one that was stopped is resumed and never mistaken for another.

In: what a computation depends on, and its state or results as they come. Out: the same, if the same is asked for.

| | training | comparison | search |
|---|---|---|---|
| where | one file next to the model | a folder | a folder |
| `alone_at` | the file | the folder | the folder |
| identity | in the file: `identity_of` | ``run.json``: `claim` | ``run.json``: `claim` |
| of something else | said, from scratch | refused | refused |
| what is kept | its state: `write_state` | runs: `write_result` | trials, in Optuna's own database |

Every file is whole or not there. What is read is believed only if it is of the kinds that are written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keras_vnn.basics.errors import ConfigError, OutputError, ReadError, counted
from keras_vnn.basics.files import alone_at as alone_at
from keras_vnn.basics.files import check_target, replacing, sha256_of

_PLAIN = (str, int, float, type(None))
_MARK, _SHOWN, _LONGEST = "run.json", 5, 60


class Kept(BaseModel):
    """Base of what is kept as JSON: a file may have been damaged, or written by anybody."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class KeptState(Kept):
    """Base of the JSON values of a state.

    Attributes
    ----------
    arrays
        Names of the arrays that are there too.
    """

    arrays: list[str]


# A number of things, as far as every kind of number holds it.
Count = Annotated[int, Field(ge=0, lt=1 << 53)]
Result = TypeVar("Result", bound=Kept)
State = TypeVar("State", bound=KeptState)


def claim(folder: Path, what: str, identity: Mapping[str, Any], results: Sequence[str]) -> None:
    """Let a folder be that of one computation, which is resumed there; hold it by `alone_at` meanwhile.

    Parameters
    ----------
    folder
        It exists.
    what
        What the computation is called.
    identity
        All it depends on, as JSON values: in groups, or as digests of what is large.
    results
        Names of its files, or patterns of names.

    Raises
    ------
    ConfigError
        The folder holds results of another computation; with the first differences.
    OutputError
        The folder cannot be written, or holds files of these names that are not ours.
    """
    mark, *_ = (check_target(folder / name, overwrite=True) for name in (_MARK, *results) if "*" not in name)
    kept = next((file for name in results for file in folder.glob(name)), None)
    asked = json.loads(json.dumps({"what": what, **identity}, default=str))
    try:
        known = dict(json.loads(mark.read_bytes())) if mark.exists() else {}
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise OutputError(f"The folder's record is damaged: {mark}\nRemove the folder, or name another.") from error
    if kept and not known:
        raise OutputError(f"The folder holds files of these names, but no {what}: {kept}\nName another folder.")
    before, now = dict(_flat(known)), dict(_flat(asked))
    names = differing(before, now)
    if kept and names:
        lines = [f"    {name}: {_shown(before.get(name))} there, {_shown(now.get(name))} here" for name in names]
        more = [f"    and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
        raise ConfigError(
            f"The folder holds another {known.get('what', what)}, {counted(len(names), 'difference')}: "
            f"{folder}\n" + "\n".join([*lines[:_SHOWN], *more]) + "\nName another folder, or remove this one."
        )
    if names:
        write_text(mark, json.dumps(asked, indent=1, ensure_ascii=False))


def write_state(path: Path, values: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write the state of a computation: JSON values and arrays in one file, neither packed nor pickled."""
    import numpy as np

    with replacing(path, overwrite=True, durable=False) as partial, zipfile.ZipFile(partial, "w") as archive:
        archive.writestr("state.json", json.dumps({**values, "arrays": list(arrays)}))
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.save(stream, array, allow_pickle=False)
            archive.writestr(f"{name}.npy", stream.getbuffer())


def read_state(path: Path, kind: type[State]) -> tuple[State, dict[str, Any]]:
    """Return the values and arrays of a state.

    Raises
    ------
    ReadError
        The file is damaged, or not of this kind; its text goes on after ``as``.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(path) as archive:
            # As they are written: nothing unpacks to more than the file holds.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ReadError("it is packed")
            values = kind.model_validate_json(archive.read("state.json"))
            parts = {name: io.BytesIO(archive.read(f"{name}.npy")) for name in values.arrays}
            return values, {name: np.load(part, allow_pickle=False) for name, part in parts.items()}
    except ReadError:
        raise
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise ReadError(f"it is damaged ({where or 'state.json'}: {problem['msg']})") from error
    except Exception as error:  # zip and numpy raise many kinds
        raise ReadError(f"it is damaged ({type(error).__name__})") from error


def write_result(path: Path, values: Kept) -> None:
    """Write the finished result of a part of a computation."""
    write_text(path, json.dumps(values.model_dump(), indent=1))


def read_result(path: Path, kind: type[Result]) -> Result | None:
    """Return the result of a part of a computation; ``None`` if there is none of this kind."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8 with line ends of one letter, in the place of what is there."""
    with replacing(path, overwrite=True) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def identity_of(**parts: Any) -> dict[str, str]:
    """Return the digest of everything a computation depends on, by its name in words, and of this package's version."""
    parts["version_of_keras-vnn"] = version("keras-vnn")
    return {name.replace("_", " "): digest_of(value) for name, value in parts.items()}


def differing(known: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Return the names by which two identities differ, sorted.

    Examples
    --------
    >>> differing({"data": "1", "seed": "2"}, {"data": "1", "seed": "3"})
    ['seed']
    """
    return sorted(name for name in {*known, *asked} if known.get(name) != asked.get(name))


def digest_of(value: Any) -> str:
    """Return a digest of what a value holds.

    Parameters
    ----------
    value
        An array, a sparse matrix, a table, AnnData (genes and values, not the names of cells), `Labels`, an
        `Architecture`, inputs that lie on disk, a path (the content counts, not the name), a JSON value, or a list or a
        mapping of these.

    Examples
    --------
    >>> digest_of({"a": 1, "b": [2.0]}) == digest_of({"b": [2.0], "a": 1})
    True
    """
    import numpy as np

    if isinstance(value, Path):
        return sha256_of(value) if value.exists() else "not there"
    if hasattr(value, "fingerprint"):
        return str(value.fingerprint)
    if hasattr(value, "digest"):
        return str(value.digest())
    found = hashlib.blake2b(type(value).__name__.encode(), digest_size=16)
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        found.update(f"{value.dtype} {value.shape}".encode())
        found.update(np.ascontiguousarray(value).data.cast("B") if value.size else b"")
    elif (parts := _parts_of(value)) is not None:
        found.update(" ".join(map(digest_of, parts)).encode())
    else:
        found.update(json.dumps(value, sort_keys=True, default=str).encode())
    return found.hexdigest()


def _parts_of(value: Any) -> list[Any] | None:
    """Return what a value is made of; ``None`` if it is plain."""
    from scipy import sparse

    if sparse.issparse(value):
        rows = value.tocsr()
        return [list(rows.shape), rows.data, rows.indices, rows.indptr]
    if hasattr(value, "var_names"):  # AnnData
        return [list(value.var_names), value.X, dict(value.layers), dict(value.obsm)]
    if hasattr(value, "columns"):  # DataFrame
        return [list(value.columns), value.to_numpy()]
    if hasattr(value, "tolist"):  # an array of objects
        return [value.tolist()]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        # anndata 0.13 has X among the layers, by the name None.
        return [part for name, inner in sorted(value.items(), key=lambda item: str(item[0])) for part in (name, inner)]
    if isinstance(value, list | tuple) and not all(isinstance(part, _PLAIN) for part in value):
        return list(value)
    return None


def _flat(identity: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for group, part in identity.items():
        if isinstance(part, Mapping):
            yield from ((f"{group}.{name}", value) for name, value in part.items())
        else:
            yield group, part


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
