"""How a value is shown: at a prompt as `print` shows it, in a notebook with its tables.

In: the text and the tables of a value. Out: ``__repr__`` and ``_repr_html_``, neither longer than a screen.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from keras_vnn.basics.errors import counted, readable

if TYPE_CHECKING:
    import pandas as pd

_LINES, _LETTERS, _ROWS = 25, 200, 10


class Shown:
    """A value with a text, and perhaps tables, that it is shown by; dataclasses among its children have ``repr=False``.

    Examples
    --------
    >>> class Genes(Shown):
    ...     def __str__(self):
    ...         return "2 genes: ATM, TP53"
    >>> Genes()
    2 genes: ATM, TP53
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Return what ``print`` shows, as far as a screen holds it."""
        return _screenful(str(self))

    def _shown_parts(self) -> Iterable[str | pd.DataFrame]:
        """Yield the texts and the tables that a notebook shows."""
        yield str(self)

    def _repr_html_(self) -> str:
        """Return texts and the first rows of tables for a notebook."""
        return "\n".join(map(_as_html, self._shown_parts()))


def _screenful(text: str) -> str:
    """Return the first lines of a text, safe for a terminal, and how many more there are."""
    lines = readable(text, keep="\n\t").split("\n")
    shown = [line if len(line) <= _LETTERS else f"{line[: _LETTERS - 2]} …" for line in lines]
    if len(shown) <= _LINES:
        return "\n".join(shown)
    return "\n".join(
        [*shown[: _LINES - 1], f"… and {counted(len(shown) - _LINES + 1, 'more line')}: print() shows them"]
    )


def _as_html(part: str | pd.DataFrame) -> str:
    if isinstance(part, str):
        # In the colours of the page around it, whether that is light or dark.
        return f'<pre style="line-height: 1.3; white-space: pre-wrap">{html.escape(_screenful(part))}</pre>'
    rest = len(part) - _ROWS
    more = f"<p>… and {counted(rest, 'more row')}</p>" if rest > 0 else ""
    return f"{part.head(_ROWS).map(_cell).to_html(index_names=False, na_rep='–', border=0)}{more}"


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:,.4g}" if value == value else "–"
    return readable(value) if isinstance(value, str) else value
