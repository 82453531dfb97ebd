"""Where the demo data and the recipes that come with the package lie.

In: file names. Out: paths. An installed wheel carries the files inside the package, a checkout at its top.
Knows nothing of what is in them.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from keras_vnn.basics.errors import ConfigError, did_you_mean


def data_path(name: str) -> Path:
    """Return the path of a bundled data file.

    Raises
    ------
    ConfigError
        No data file of that name comes with the package.

    Examples
    --------
    >>> data_path("tf_target_human_goa.tsv").is_file()
    True
    """
    return _path("data", name, data_names(), what="data file")


def data_names() -> tuple[str, ...]:
    """Return the names of the bundled data files, sorted.

    Examples
    --------
    >>> "go-basic.obo.gz" in data_names()
    True
    """
    return _names("data")


def config_path(name: str) -> Path:
    """Return the path of a bundled recipe, named with or without its ``.yaml``.

    Raises
    ------
    ConfigError
        No recipe of that name comes with the package.
    """
    file_name = name if name.endswith(".yaml") else f"{name}.yaml"
    return _path("configs", file_name, config_names(), what="recipe")


def config_names() -> tuple[str, ...]:
    """Return the file names of the bundled recipes, sorted."""
    return tuple(name for name in _names("configs") if name.endswith(".yaml"))


def _path(folder: str, name: str, known: tuple[str, ...], *, what: str) -> Path:
    if name not in known:
        hint = did_you_mean(name, known) or f"There are: {', '.join(known) or 'none'}."
        raise ConfigError(f"No {what} named {name!r} comes with keras-vnn.\n{hint}")
    return _folder(folder) / name


def _names(folder: str) -> tuple[str, ...]:
    # A Markdown file says what lies next to it; it is neither data nor a recipe.
    return tuple(sorted(p.name for p in _folder(folder).iterdir() if p.is_file() and p.suffix != ".md"))


def _folder(name: str) -> Path:
    package = Path(str(files("keras_vnn")))
    in_wheel = package / "_bundled" / name
    in_checkout = package.parents[1] / name
    for folder in (in_wheel, in_checkout):
        if folder.is_dir():
            return folder
    raise ConfigError(
        f"The bundled folder {name!r} is missing: {in_wheel}\n"
        "Is the installation damaged? Install it again: pip install --force-reinstall keras-vnn"
    )
