"""A sunburst: a hierarchy as rings, the root inside."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture, gene_counts
from keras_vnn.basics.errors import ArchitectureError, ConfigError, check_count
from keras_vnn.export._canvas import Shows, colour_bar, finished, new_axes, shortened
from keras_vnn.export._content import content_of, tree_parents

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HOLE = 0.8
_SIZE = 7.0  # inches
_FONT = 6.0  # points
_LETTER, _LINE = 0.047, 0.095  # inches, of that font
_MAP = "Blues"
# Nodes of a network without levels that are shown.
_ROOTS = 40


@dataclass(slots=True)
class _Wedge:
    """A node in the tree: its ring, and from where to where it reaches, as shares of the circle."""

    id: str
    ring: int
    start: float
    end: float


def sunburst(
    source: Any,
    *,
    ranking: pd.DataFrame | None = None,
    root: str | None = None,
    rings: int = 3,
    min_share: float = 0.004,
    ax: Axes | None = None,
    **shows: Unpack[Shows],
) -> Axes | None:
    """Draw a hierarchy as rings: the root inside, its children around it; wedges as wide as they have genes.

    A term with several parents stands once, below the parent with the fewest genes. The width of a term is shared
    among its children by their numbers of genes, what is left is its own. Wedges are coloured by evidence, or by
    importance, where that is known. Of a network without levels, the 40 most important nodes form one ring.

    Parameters
    ----------
    source
        A model of `build_model`, or an `Architecture`.
    ranking
        What `tl.rank_nodes` gave; by default what the model remembers.
    root
        Id, label or unique part of one: the node in the middle. By default the nodes that feed no other.
    rings
        Rings to draw.
    min_share
        Leave out wedges that are less than this share of the circle.
    ax
        Axes to draw on.
    show, save
        Display the figure and return ``None``, by default in notebooks; write it to a file.

    Raises
    ------
    ArchitectureError
        The source is neither model nor architecture, there is no such root, or it is a gene.
    ConfigError
        ``rings`` is below 1, or ``min_share`` not between 0 and 1.
    """
    check_count("rings", rings)
    if not 0 <= min_share < 1:
        raise ConfigError(f"min_share must be at least 0 and below 1, got {min_share}.")
    content = content_of(source, ranking)
    arch = content.architecture
    ids = [position.node.id for position in arch.nodes()]
    genes = gene_counts(arch)
    counts: dict[str, int] = dict(zip(ids, np.concatenate(genes).tolist(), strict=True))
    children: dict[str, list[str]] = {}
    for child, parent in enumerate(tree_parents(arch, genes)):
        if parent >= 0:
            children.setdefault(ids[parent], []).append(ids[child])
    for below in children.values():
        below.sort(key=lambda id: (-counts[id], id))
    roots = _roots(arch, root)
    worth = None if content.ranking is None else content.ranking[content.ordered_by].astype(float).abs()
    if len(roots) > _ROOTS:
        first = set(content.top_nodes.index[content.top_nodes.index.isin(roots)][:_ROOTS])
        roots = [id for id in roots if id in first]
    wedges = _placed(roots, children, counts, rings, min_share) if sum(counts[id] for id in roots) else []
    if worth is not None and len(roots) == 1:
        worth = worth.drop(index=roots, errors="ignore")  # all passes through a single root
    names = {node.id: node.label for layer in arch.hidden_layers for node in layer}
    axes = new_axes(_SIZE if worth is None else _SIZE + 0.9, _SIZE) if ax is None else ax
    reach = _HOLE + max((wedge.ring for wedge in wedges), default=1)
    _draw(axes, wedges, names, worth, content.ordered_by, inches=_SIZE / 2 / reach * 0.96)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set_axis_off()
    return finished(axes, ax, **shows)


def _roots(arch: Architecture, root: str | None) -> list[str]:
    if root is None:
        return list(arch.sinks)
    found = arch.find(root)
    if found.layer == 0:
        raise ArchitectureError(f"{found.node.id} is a gene; name a hidden node as the root.")
    return [found.node.id]


def _placed(
    roots: list[str], children: Mapping[str, list[str]], counts: Mapping[str, int], rings: int, min_share: float
) -> list[_Wedge]:
    """Return the wedges that are wide enough, parents before children. A single root is the disc in the middle."""
    wedges: list[_Wedge] = []
    waiting: deque[_Wedge] = deque()

    def share_out(ids: list[str], ring: int, edge: float, width: float, whole: int) -> None:
        for id in ids:
            end = edge + (width * counts[id] / whole if whole else 0.0)
            waiting.append(_Wedge(id, ring, edge, end))
            edge = end

    first = sorted(roots, key=lambda id: (-counts[id], id))
    share_out(first, 0 if len(roots) == 1 else 1, 0.0, 1.0, sum(counts[id] for id in roots))
    while waiting:
        wedge = waiting.popleft()
        width = wedge.end - wedge.start
        if width < min_share:
            continue
        wedges.append(wedge)
        if wedge.ring < rings:
            below = children.get(wedge.id, [])
            share_out(below, wedge.ring + 1, wedge.start, width, max(sum(counts[id] for id in below), counts[wedge.id]))
    return wedges


def _draw(
    axes: Axes, wedges: list[_Wedge], names: Mapping[str, str], worth: pd.Series | None, measure: str, *, inches: float
) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.patches import Wedge

    shown = [wedge.id for wedge in wedges]
    known = None if worth is None else worth.reindex(shown).dropna()
    norm = Normalize(0, float(known.max()) if known is not None and len(known) and known.max() > 0 else 1.0)
    palette = LinearSegmentedColormap.from_list("worth", colormaps[_MAP](np.linspace(0.12, 1.0, 64)))
    for wedge in wedges:
        if known is not None:
            colour: Any = palette(norm(known[wedge.id])) if wedge.id in known.index else "#e3e6e8"
        else:
            colour = ("#e3e6e8", "#9ec9e2", "#c6dff0", "#dcebf5", "#edf5fa")[min(wedge.ring, 4)]
        inner = 0.0 if wedge.ring == 0 else _HOLE + wedge.ring - 1
        outer = _HOLE if wedge.ring == 0 else inner + 1
        angles = 90 - 360 * wedge.end, 90 - 360 * wedge.start
        look: dict[str, Any] = {"facecolor": colour, "edgecolor": "white", "linewidth": 0.8}
        axes.add_patch(Wedge((0, 0), outer, *angles, width=outer - inner, **look))
        _label(axes, wedge, names[wedge.id], inner, outer, inches=inches, is_dark=_is_dark(colour))
    if known is not None and len(known):
        colour_bar(axes, ScalarMappable(norm, palette), measure, shrink=0.35, pad=0.01)


def _label(axes: Axes, wedge: _Wedge, name: str, inner: float, outer: float, *, inches: float, is_dark: bool) -> None:
    """Write a name into its wedge, along the ray, on as many lines as fit; not at all where none does."""
    colour = "white" if is_dark else "#222222"
    if wedge.ring == 0:
        letters = int(2 * inner + 1.7 * outer * inches / (_LETTER * 1.25))
        lines = wrap(shortened(name, 60), letters, break_long_words=False)
        axes.text(0, 0, "\n".join(lines), ha="center", va="center", fontsize=_FONT * 1.25, color=colour)
        return
    width = wedge.end - wedge.start
    # The narrowest place decides: the inner arc, or for wide wedges a few lines at most.
    room = 2 * math.pi * (inner + 0.12) * width * inches if width < 0.4 else 1.0
    most = min(int(room / _LINE), 3)
    letters = int((outer - inner) * inches / _LETTER) - 1
    if most < 1 or letters < 6:
        return
    lines = wrap(shortened(name, 80), letters, break_long_words=False)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    lines = [shortened(line, letters) for line in lines]
    angle = 90 - 360 * (wedge.start + wedge.end) / 2
    turned = angle if -90 <= angle <= 90 else angle + 180
    middle = (inner + outer) / 2
    x, y = middle * math.cos(math.radians(angle)), middle * math.sin(math.radians(angle))
    centred: dict[str, Any] = {"ha": "center", "va": "center", "rotation": turned}
    axes.text(x, y, "\n".join(lines), fontsize=_FONT, color=colour, linespacing=0.95, **centred)


def _is_dark(colour: Any) -> bool:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
