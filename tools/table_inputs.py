"""Tables as biologists have them: small inputs of every kind, each with what it is and what it holds, counted by hand.

A table is written into a folder next to `OTHERS`, small files that go with it. What is done with it, in `taken`, is
said by options of ``vnn build``, ``{}`` being the table; by ``read.expression``, which ``vnn train`` reads with; or by
``train``. The counts next to it come from no program: genes and edges from the file as it stands here; of a network its
nodes, each interaction, regulator, term or set being one, and the edges of genes and of terms to them.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from table_contents import (
    BINARY,
    COLLECTRI,
    COSTS,
    COUNTS,
    ENRICHMENT,
    EQUAL_GROUPS,
    EXAMPLE,
    FEATURE_COUNTS,
    GAF,
    GCT,
    HTSEQ,
    LONG,
    MART,
    MOUSE,
    MOUSE_IDS,
    NODE_LINK,
    NODES,
    OTHERS,
    REGULONS,
    SCORES,
    SIGNED,
    SOME_OF_BIOGRID,
    STRING,
    UP_AND_DOWN,
    WIDE,
    WORMS,
    by_columns,
    cells,
    data_types_left,
    layers_only,
    loom,
    ten_x_folder,
    ten_x_hdf5,
)

Content = str | bytes | Callable[[Path], object]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table: what it is in the words of its owner, its file, and what should become of it.

    Its content is a text, bytes, or a function that writes it. Its family is the option of ``vnn build`` it belongs to,
    which ``vnn check`` should say; empty where it belongs to none, ``cannot`` where nothing reads it. `taken` has, by
    what is done with it, what that should give: ``refused`` where it should not be read. `others` are files next to
    it, besides `OTHERS` or instead of them, and `needs` names a package that is not always installed.
    """

    title: str
    name: str
    content: Content
    family: str
    taken: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""

    def __str__(self) -> str:
        """Return what tests call it."""
        return f"{self.title}, {self.name}"

    def write(self, folder: Path) -> Path:
        """Write the file into a folder, and those next to it."""
        for name, content in {**OTHERS, **self.others, self.name: self.content}.items():
            path = folder / name
            if callable(content):
                content(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


# ---- the list ------------------------------------------------------------------------------------------------

GENES, CELLS, PPI, TF, SETS = "--genes {}", "read.expression", "--interactions {}", "--regulation {}", "--gene-sets {}"
MIN_SCORE = "--interactions {} --min-score 4"
GO = "--ontology go.obo --annotations {}"
FOUR_GENES = "4 genes: TP53, MDM2, MYC, STAT1; 2 nodes, 4 edges"
TWO_GENES = "2 genes: TP53, MDM2; 1 node, 2 edges"
WITH_A_COPY = "3 genes: TP53, MDM2, TP53-1; 1 node, 2 edges"
COUNTED = {GENES: FOUR_GENES, CELLS: "3 cells × 4 genes, sum 21"}
DETECTED = {GENES: FOUR_GENES, CELLS: "3 cells × 4 genes, sum 5"}
REFUSED = "refused"


def pairs(interactions: int, genes: int) -> str:
    """Return what is said of so many interactions, all of them among the genes."""
    return f"{some(interactions, 'interaction')} of {some(genes, 'gene')}; {nodes(interactions, 2 * interactions)}"


def edges_of(edges: int, regulators: int, targets: int, connections: int) -> str:
    """Return what is said of regulation; connections are its edges and those of regulators that are genes."""
    listed = f"{some(edges, 'edge')} from {some(regulators, 'regulator')} to {some(targets, 'target')}"
    return f"{listed}; {nodes(regulators, connections)}"


def sets_of(sets: int, genes: int, members: int) -> str:
    """Return what is said of gene sets."""
    return f"{some(sets, 'gene set')} of {some(genes, 'gene')}; {nodes(sets, members)}"


def nodes(number: int, edges: int) -> str:
    """Return what is said of a network."""
    return f"{some(number, 'node')}, {some(edges, 'edge')}"


def some(number: int, noun: str) -> str:
    """Return a number of things, worded without the package."""
    return f"{number} {noun}{'s' * (number != 1)}"


TWO_OF_THREE = {PPI: pairs(2, 3)}


def alike(family: str, how: str, *rows: tuple[str, str, Content, str]) -> tuple[Table, ...]:
    """Return tables of one family, taken one way: the title, name and content of each, and what is counted."""
    return tuple(Table(title, name, content, family, {how: counts}) for title, name, content, counts in rows)


TABLES: Mapping[str, tuple[Table, ...]] = {
    "Expression, and matrices that look like it": (
        Table("counts", "counts.tsv", COUNTS, "genes", COUNTED),
        Table("the same with commas", "counts.csv", COUNTS.replace("\t", ","), "genes", COUNTED),
        Table("with R's short header", "counts.txt", COUNTS.removeprefix("gene\t"), "genes", COUNTED),
        Table("detected or not", "detected.tsv", BINARY, "genes", DETECTED),
        Table("comments above", "commented.tsv", f"# by hand\n{COUNTS}", "genes", COUNTED),
        Table("GCT", "counts.gct", GCT, "genes", COUNTED),
        Table("featureCounts", "featureCounts.txt", FEATURE_COUNTS, "genes", COUNTED),
        Table("HTSeq, with its summary rows", "htseq.tsv", HTSEQ, "genes", COUNTED),
        Table(
            "Ensembl genes in the index, symbols in `var`",
            "cells.h5ad",
            cells,
            "genes",
            {
                "--genes {} --gene-column gene_symbols": FOUR_GENES,
                "train": "40 cells, 4 genes, genes named by gene_symbols; 4 of 4 input genes are in the data; "
                "40 cells in 2 classes (B 20, T 20)",
            },
        ),
        Table(
            "an `.h5ad` with layers only",
            "layers.h5ad",
            layers_only,
            "genes",
            {GENES: TWO_GENES, CELLS: REFUSED, "read.expression, layer counts": "2 cells × 2 genes, sum 10"},
        ),
        *(
            Table(title, name, content, "genes", {GENES: TWO_GENES, CELLS: counts})
            for title, name, content, counts in (
                ("`__DATA_TYPES__` left in an `.h5ad`", "types.h5ad", data_types_left, "2 cells × 2 genes, sum 2"),
                ("Cell Ranger 3, with a protein", "filtered.h5", ten_x_hdf5, "2 cells × 2 genes, sum 7"),
                ("Cell Ranger's folder, as GEO keeps it", "GSM1", ten_x_folder, "1 cell × 2 genes, sum 5"),
            )
        ),
        Table(
            "loom",
            "cells.loom",
            loom,
            "genes",
            {
                GENES: "3 genes: TP53, MDM2, MYC; 2 nodes, 4 edges",
                CELLS: "2 cells × 3 genes, sum 15",
                "read.expression, layer spliced": "2 cells × 3 genes, sum 4",
            },
        ),
        Table("Parquet", "counts.parquet", by_columns, "genes", COUNTED, needs="pyarrow"),
        *alike(
            "regulation",
            TF,
            ("targets × TFs, the TFs among the targets", "wide.tsv", WIDE, edges_of(3, 2, 3, 5)),
            ("the same with R's short header", "wide.txt", WIDE.removeprefix("ID\t"), edges_of(3, 2, 3, 5)),
            ("weights, signed and decimal", "weights.csv", SIGNED.replace("\t", ","), edges_of(4, 2, 3, 6)),
        ),
        Table("a symmetric matrix of genes", "adjacency.csv", EXAMPLE["adjacency.csv"], "interactions", TWO_OF_THREE),
    ),
    "Lists of genes": (
        *alike(
            "genes",
            GENES,
            ("one a line", "lines.txt", "TP53\nMDM2\nMYC\nSTAT1\n", FOUR_GENES),
            ("on one line", "commas.txt", "TP53,MDM2,MYC,STAT1\n", FOUR_GENES),
            ("on one line", "commas and blanks.txt", "TP53, MDM2, MYC, STAT1\n", FOUR_GENES),
            ("on one line", "tabs.txt", "TP53\tMDM2\tMYC\tSTAT1\n", FOUR_GENES),
            ("on one line", "blanks.txt", "TP53 MDM2 MYC STAT1\n", FOUR_GENES),
            ("JSON", "genes.json", '["TP53",\n "MDM2", "MYC", "STAT1"]\n', FOUR_GENES),
            ("numbered", "numbered.tsv", "rank\twhat\n1\tTP53\n2\tMDM2\n3\tMYC\n4\tSTAT1\n", FOUR_GENES),
            ("below a header", "protein.txt", "Protein\nTP53\nMDM2\nMYC\nSTAT1\n", FOUR_GENES),
            ("a copy made by `var_names_make_unique`", "unique.txt", "TP53\nMDM2\nTP53-1\n", WITH_A_COPY),
        ),
        *alike(
            "gene-sets",
            "--genes {} --gene-column 2",
            ("a column by its number", "panel.tsv", "set\tgene\nx\tTP53\ny\tMDM2\n", TWO_GENES),
        ),
    ),
    "Names and their translation": (
        Table(
            "Ensembl mouse, symbols in upper case",
            "ids.tsv",
            MOUSE_IDS,
            "id-map",
            {"--interactions ppi.tsv --id-map {} --ignore-case": "3 of 3 names translated; 2 nodes, 4 edges"},
            MOUSE,
        ),
        Table(
            "a TF that is only a label, next to proteins of STRING",
            "tf.tsv",
            "tf\ttarget\nMLL\tTP53\nMLL\tMDM2\n",
            "regulation",
            {
                "--regulation {} --interactions ppi.tsv --id-map info.txt": "2 edges from 1 regulator to 2 targets; "
                + nodes(2, 4)
            },
            STRING,
        ),
        Table(
            "UniProt products without a symbol",
            "goa.gpi",
            "!gpi-version: 1.2\nUniProtKB\tP04637\tTP53\tp53\tP53\tprotein\ttaxon:9606\t\t\t\n"
            "UniProtKB\tQ1\t\tx\t\tprotein\ttaxon:9606\t\t\t\nUniProtKB\tQ00987\tMDM2\tx\t\tprotein\ttaxon:9606\t\t\t\n",
            "id-map",
            {"--interactions ppi.tsv --id-map {}": "2 of 2 names translated; 1 node, 2 edges"},
            {"ppi.tsv": "P04637\tQ00987\n"},
        ),
        Table(
            "worm and fly names that look like dates",
            "worm.tsv",
            "gene_a\tgene_b\noct-1\tdec-12\noct-1\tsep-10\n",
            "interactions",
            {PPI: pairs(2, 3)},
            WORMS,
        ),
    ),
    "Interactions": (
        *alike(
            "interactions",
            PPI,
            ("one pair, no header", "pair.txt", "TP53\tMDM2\n", pairs(1, 2)),
            ("both directions, and a gene with itself", "edges.tsv", EXAMPLE["edges.tsv"], pairs(2, 4)),
            ("`A|B`", "bars.tsv", "TP53|MDM2\nBRCA1|BARD1\n", pairs(2, 4)),
            ("`A-B`", "hyphens.tsv", "TP53-MDM2\nMDM2-MDM4\n", pairs(2, 3)),
            ("GraphML with `name`", "network.graphml", EXAMPLE["network.graphml"], pairs(2, 3)),
            ("XGMML", "network.xgmml", EXAMPLE["network.xgmml"], pairs(1, 2)),
            ("GML", "network.gml", EXAMPLE["network.gml"], pairs(1, 2)),
            ("cyjs", "network.cyjs", EXAMPLE["network.cyjs"], pairs(1, 2)),
            ("node-link JSON", "network.json", NODE_LINK, pairs(1, 2)),
            ("adjacency list of networkx", "network.adjlist", EXAMPLE["network.adjlist"], pairs(4, 5)),
            ("some columns of BioGRID", "biogrid.txt", SOME_OF_BIOGRID, pairs(1, 2)),
            ("scores, not modes", "scores.tsv", SCORES, pairs(3, 3)),
        ),
        Table(
            "CX2 that is a network",
            "network.cx2",
            EXAMPLE["network.cx2"],
            "interactions",
            {PPI: pairs(1, 2), "--hierarchy {}": REFUSED},
        ),
        Table(
            "Cytoscape's table of edges",
            "cytoscape.csv",
            EXAMPLE["cytoscape.csv"],
            "interactions",
            {PPI: pairs(2, 4), TF: edges_of(1, 1, 1, 2)},
        ),
        Table("Feather", "edges.feather", by_columns, "interactions", {PPI: pairs(2, 4)}, needs="pyarrow"),
        Table("a column called cost", "costs.tsv", COSTS, "interactions", TWO_OF_THREE | {MIN_SCORE: REFUSED}),
        Table(
            "a row without its second name",
            "broken.tsv",
            "gene_a\tgene_b\nTP53\tMDM2\nMYC\t\n",
            "interactions",
            {PPI: REFUSED, "--interactions {} --malformed skip": pairs(1, 2)},
        ),
    ),
    "Regulators and targets": (
        Table(
            "OmniPath",
            "omnipath.tsv",
            EXAMPLE["omnipath.tsv"],
            "regulation",
            {TF: edges_of(3, 2, 3, 5), PPI: pairs(3, 5)},
        ),
        *alike(
            "regulation",
            TF,
            ("CollecTRI, as decoupler gives it", "collectri.csv", COLLECTRI, edges_of(3, 2, 3, 5)),
            ("TRRUST with coded modes", "trrust.tsv", UP_AND_DOWN, edges_of(3, 2, 3, 5)),
        ),
    ),
    "Ontologies and annotations": (
        Table(
            "OBO with an `owl-axioms:` line",
            "hp.obo",
            "format-version: 1.2\nowl-axioms: Prefix(owl:=<http://www.w3.org/2002/07/owl#>)\\nOntology(<x>)\n\n"
            "[Term]\nid: HP:0000001\nname: All\n\n[Term]\nid: HP:0000002\nis_a: HP:0000001\n",
            "ontology",
            {"--ontology {} --annotations hp.tsv": "2 terms, 1 edge; 2 nodes, 3 edges"},
            {"hp.tsv": "gene\tterm\nTP53\tHP:0000002\nMYC\tHP:0000001\n"},
        ),
        Table(
            "an OBO graph",
            "go-graph.json",
            EXAMPLE["go-graph.json"],
            "ontology",
            {"--ontology {} --annotations a.tsv": "2 terms, 1 edge; 2 nodes, 3 edges"},
            {"a.tsv": "gene\tterm\nTP53\tGO:0006281\nMYC\tGO:0008150\n"},
            needs="pronto",
        ),
        Table(
            "BioMart's genes and GO terms",
            "mart_export.txt",
            MART,
            "annotations",
            {GO: "2 annotations of 1 gene with 2 terms; 3 nodes, 4 edges"},
        ),
        Table(
            "a negation with blanks",
            "goa.gaf",
            "!gaf-version: 2.2\n"
            + GAF.format("TP53", "NOT | contributes_to", "GO:0006281", "taxon:9606")
            + GAF.format("MDM2", "involved_in", "GO:0006281", "taxon:9606"),
            "annotations",
            {GO: "1 annotation of 1 gene with 1 term; 2 nodes, 2 edges"},
        ),
        Table(
            "two species, one called `NCBITaxon:`",
            "two.gaf",
            "!gaf-version: 2.2\n"
            + GAF.format("TP53", "involved_in", "GO:0006281", "NCBITaxon:9606")
            + GAF.format("Trp53", "involved_in", "GO:0006281", "taxon:10090"),
            "cannot",
            {GO: REFUSED, f"{GO} --taxon 9606": "1 annotation of 1 gene with 1 term; 2 nodes, 2 edges"},
        ),
    ),
    "Gene sets": (
        Table(
            "groups, two of them of the same genes, as in Lin et al.",
            "groups.txt",
            EQUAL_GROUPS,
            "gene-sets",
            {
                SETS: sets_of(3, 6, 11),
                "--gene-sets {} --redundancy 'same genes'": "3 gene sets of 6 genes; 2 nodes, 7 edges",
            },
        ),
        Table(
            "a set's name given twice",
            "twice.gmt",
            "A\t-\tTP53\nB\t-\tMYC\nA\t-\tMDM2\tTP53\n",
            "gene-sets",
            {
                SETS: REFUSED,
                "--gene-sets {} --repeated-sets merge": sets_of(2, 3, 3),
                "--gene-sets {} --repeated-sets number": sets_of(3, 3, 4),
            },
        ),
        *alike(
            "gene-sets",
            SETS,
            ("a row per gene", "msigdbr.tsv", LONG, sets_of(2, 3, 3)),
            ("results of Enrichr", "enrichr.tsv", ENRICHMENT, sets_of(2, 3, 3)),
            ("GMX", "sets.gmx", "P53\tMyc\nna\thttp://x\nTP53\tMYC\nMDM2\n", sets_of(2, 3, 3)),
            ("JSON", "sets.json", '{"P53": ["TP53", "MDM2"], "Myc": {"geneSymbols": ["MYC"]}}', sets_of(2, 3, 3)),
        ),
        Table("a set with the name of a gene", "regulons.gmt", REGULONS, "gene-sets", {SETS: REFUSED}),
    ),
    "What is none of these": (
        *alike(
            "",
            PPI,
            ("Cytoscape's table of nodes", "nodes.csv", NODES, REFUSED),
            ("cells", "cells.csv", "barcode,cell_type,donor\nAAAC-1,T,d1\nAAAG-1,B,d1\nAAAT-1,T,d2\n", REFUSED),
            ("flags", "flags.tsv", "gene\tis_tf\nTP53\ttrue\nMDM2\tfalse\nMYC\ttrue\n", REFUSED),
            ("a gene and a word", "words.tsv", "TP53\tfalse\nMDM2\ttrue\n", REFUSED),
            ("a header alone", "header.tsv", "gene\tsymbol\n", REFUSED),
        ),
        Table(
            "names of two kinds",
            "two.tsv",
            "ENSG00000141510\tTP53\nENSG00000135679\tMDM2\nENSG00000136997\tMYC\n",
            "id-map",
            {PPI: REFUSED, "--interactions ppi.tsv --id-map {}": "3 of 3 names translated; 2 nodes, 4 edges"},
            {"ppi.tsv": "ENSG00000141510\tENSG00000135679\nENSG00000135679\tENSG00000136997\n"},
        ),
        *(
            Table(title, name, content, "cannot", {GENES: REFUSED, PPI: REFUSED})
            for title, name, content in (
                ("OBO in XML", "go.obo-xml", "<?xml version='1.0'?>\n<obo>\n"),
                ("MSigDB in XML", "msigdb.xml", "<?xml version='1.0'?>\n<MSIGDB NAME='m'>\n"),
                ("a pickle of protocol 0", "genes.pkl", pickle.dumps(["TP53"], protocol=0)),
                ("a pickle of protocol 5", "genes5.pkl", pickle.dumps(["TP53"], protocol=5)),
                ("Feather of version 1", "table.feather", b"FEA1x"),
            )
        ),
    ),
}
