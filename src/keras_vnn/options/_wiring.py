"""How priors become layers: the options of the wiring functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.remedies import option_set, remedy
from keras_vnn.options._base import Options, Positive, Real, Whole, as_tuple, only_with


def _ids(terms: Any) -> Any:
    """Return the ids of an ontology, such as a slim, or ids as they are."""
    if isinstance(terms, str):
        raise ValueError(f"terms takes several ids, got the single string {terms!r}.\nPass [{terms!r}].")
    return getattr(terms, "ids", terms)


class _WiringOptions(Options):
    """What all wirings share."""

    min_genes: Positive = Field(default=2, description="Leave out nodes with fewer genes of the list.")
    max_genes: Positive | None = Field(default=None, description="Leave out nodes with more genes of the list.")
    dense_units: Whole = Field(default=0, ge=0, description="Fully connected units next to the nodes, on all genes.")

    def check(self) -> None:
        """Check that the limits leave room."""
        _check_room(self, "genes")


def _check_room(options: Any, what: str) -> None:
    least, most = getattr(options, f"min_{what}"), getattr(options, f"max_{what}")
    if most is not None and most < least:
        upper, lower = option_set(f"max_{what}", most), option_set(f"min_{what}", least)
        raise ConfigError(f"{upper} is below {lower}: no node could be within both.")


class _GroupOptions(_WiringOptions):
    """What wirings of groups share."""

    units: Positive = Field(default=1, description="Units of each node.")
    redundancy: Literal["same genes", "none"] = Field(
        default="same genes",
        description="same genes: nodes with the same genes become one that keeps all names; none keeps them apart.",
    )


class InteractionOptions(_GroupOptions):
    """How interactions and regulation are wired, see `wire.interactions`."""

    heading: ClassVar[str] = "Interactions and regulators"

    grouping: Literal["edge", "neighbourhood", "clique", "community"] = Field(
        default="neighbourhood",
        description="What becomes a node: an interaction (edge), a protein and its partners (neighbourhood), a maximal "
        "clique, or a Louvain community.",
    )
    min_targets: Positive = Field(default=2, description="Leave out regulators with fewer targets in the list.")
    max_targets: Positive | None = Field(
        default=None, description="Leave out regulators with more targets in the list."
    )
    include_regulator: bool = Field(
        default=True,
        description="Connect a regulator's own gene, when it is in the list, to its node.",
        json_schema_extra={"flags": "--include-regulator/--exclude-regulator"},
    )
    community_size: Whole = Field(
        default=60,
        ge=2,
        description="Split communities of more genes again where possible; 60 gives 332 of at least 11 genes, median "
        "19, on the human table of the demo (Lin et al. 2017: 348, median 14).",
        json_schema_extra=only_with(grouping=("community",)),
    )
    resolution: Real = Field(
        default=1.0,
        gt=0,
        description="Resolution of the modularity that communities maximise; larger gives smaller communities.",
        json_schema_extra=only_with(grouping=("community",)),
    )
    seed: Whole = Field(
        default=0,
        ge=0,
        description="Seed of the search for communities.",
        json_schema_extra=only_with(grouping=("community",)),
    )

    def check(self) -> None:
        """Check that the limits leave room."""
        super().check()
        _check_room(self, "targets")


class GeneSetOptions(_GroupOptions):
    """How gene sets are wired, see `wire.gene_sets`."""

    heading: ClassVar[str] = "Gene sets"


class HierarchyOptions(Options):
    """How terms are laid out in layers, see `wire.hierarchy`."""

    heading: ClassVar[str] = "Ontologies and hierarchies"

    root: Literal["one"] | None = Field(
        default=None, description="one: put a term over all roots unless there is one root."
    )
    layering: Literal["height", "depth", "level", "flat"] = Field(
        default="height",
        description="What a term's layer is set by: its height (longest distance to a leaf; DCell), its depth (longest "
        "distance from a root), its level (shortest one; edges that do not lead upwards are dropped), or one flat "
        "layer in which each term reads all its genes.",
    )
    skip_edges: Literal["keep", "passthrough", "drop"] = Field(
        default="keep",
        description="Edges that skip layers: keep them, carry them by untrained identity nodes (passthrough), or drop "
        "them, with genes of higher layers and dead ends.",
    )
    term_genes: Literal["direct", "specific", "all"] = Field(
        default="direct",
        description="What a term reads itself: the genes annotated with it (direct), those of them that no child has "
        "(specific), or all its genes.",
    )
    unannotated: Literal["unconnected", "node", "dense"] = Field(
        default="unconnected",
        description="Genes no term reads: leave them unconnected, let one node in the last layer read them, or leave "
        "them to the dense units.",
    )
    dense_units: Whole = Field(default=0, ge=0, description="Fully connected units next to the nodes, on all genes.")
    units: Positive | Literal["dcell-paper", "dcell-code"] | Callable[[int], int] = Field(
        default=1,
        union_mode="left_to_right",
        description="Units of each term: a number, dcell-paper (max(20, ⌈0.3 n⌉) of n genes), dcell-code (max(10, "
        "⌊0.2 n⌋)), or in Python a function of the number of genes.",
    )

    def check(self) -> None:
        """Check what the options say about each other."""
        if self.unannotated == "dense" and not self.dense_units:
            dense, units = remedy("{unannotated}", unannotated="dense"), remedy("{dense_units}", dense_units=...)
            raise ConfigError(f"{dense} needs dense units: pass {units} of at least 1.")


class OntologyOptions(HierarchyOptions):
    """How an ontology is selected, limited and wired, see `wire.ontology`."""

    namespace: Annotated[tuple[str, ...], as_tuple] = Field(
        default=(), description="Use the terms of these namespaces only, e.g. biological_process."
    )
    relations: Annotated[tuple[str, ...], as_tuple] = Field(
        default=("is_a", "part_of"),
        description="Relations to follow. Both defaults are free of cycles in the Gene Ontology; has_part and the "
        "regulation relations are not, or do not carry annotations upwards.",
    )
    terms: Annotated[tuple[str, ...] | None, BeforeValidator(_ids)] = Field(
        default=None,
        description="Only these may be nodes, e.g. a slim; genes annotated with others join those above them.",
    )
    obsolete: Literal["replace", "drop"] = Field(
        default="replace",
        description="Annotations with obsolete terms: replace the term as the ontology says, or drop them.",
    )
    not_rule: Literal["pair", "branch"] = Field(
        default="pair",
        description="What a negated annotation (NOT) removes: the very pair, or terms below (branch) as well.",
    )
    min_genes: Positive = Field(
        default=5, description="Leave out terms with fewer genes of the list, those of terms below included."
    )
    max_genes: Positive | None = Field(default=None, description="Leave out terms with more genes of the list.")
    min_new_genes: Whole = Field(
        default=0,
        ge=0,
        description="Leave out terms without so many genes more than each child, unless a leaf or a root.",
    )
    redundancy: Literal["same genes", "none"] | Annotated[Real, Field(gt=0, le=1)] | None = Field(
        default="same genes",
        description="Merge a term into a child with the same genes, or with a Jaccard index of at least this number; "
        "none keeps them.",
    )
    window: tuple[Whole, Whole] | None = Field(
        default=None,
        description="Only terms whose depth, level or height, as the layering says (flat: depth), lies between the "
        "two, before anything is removed.",
    )

    def check(self) -> None:
        """Check what the options say about each other."""
        super().check()
        _check_room(self, "genes")
        if self.window is not None and self.window[0] > self.window[1]:
            raise ConfigError(f"window must be two numbers, the smaller first, got {self.window!r}.")
