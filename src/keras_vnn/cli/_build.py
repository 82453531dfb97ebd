"""``vnn build``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._recipes import build_options, recipe_of

__all__ = ["build"]


def _groups(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="Interactions and regulators")


def _terms(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="Ontologies, hierarchies, gene sets")


def _names(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="Identifiers")


def _any(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="All priors")


def build(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe (YAML file or bundled name); options below replace what it says.")
    ] = None,
    genes: Annotated[Path | None, _any("Gene list, or expression data whose genes are taken.")] = None,
    gene_column: Annotated[str | None, _any("Column of the gene names, by name or number from 1.")] = None,
    duplicates: Annotated[str | None, _any("Repeated gene names: raise, first.")] = None,
    orientation: Annotated[
        str | None, _any("Of a CSV or TSV with the genes: auto, genes-in-rows, genes-in-columns.")
    ] = None,
    interactions: Annotated[
        list[Path] | None, _groups("Protein interactions: TSV, CSV, SIF, STRING, BioGRID, MITAB. May be given again.")
    ] = None,
    interactions_format: Annotated[str | None, _groups("Format, if it is not recognised.")] = None,
    min_score: Annotated[float | None, _groups("Leave out interactions with a lower score.")] = None,
    regulation: Annotated[
        list[Path] | None, _groups("Regulators and targets: TRRUST, source/target tables. May be given again.")
    ] = None,
    regulation_format: Annotated[str | None, _groups("Format, if it is not recognised.")] = None,
    grouping: Annotated[str | None, _groups("A node per: edge, neighbourhood, clique, community.")] = None,
    min_targets: Annotated[int | None, _groups("Leave out regulators with fewer genes of the list.")] = None,
    max_targets: Annotated[int | None, _groups("Leave out regulators with more genes of the list.")] = None,
    include_regulator: Annotated[
        bool | None,
        _groups("A regulator's own gene joins its targets.", "--include-regulator/--exclude-regulator"),
    ] = None,
    ontology: Annotated[Path | None, _terms("Terms: OBO, Reactome relations, child/parent table.")] = None,
    ontology_format: Annotated[str | None, _terms("Format, if it is not recognised.")] = None,
    annotations: Annotated[Path | None, _terms("Genes of the terms: GAF, GPAD, gene2go, gene/term table.")] = None,
    annotations_format: Annotated[str | None, _terms("Format, if it is not recognised.")] = None,
    hierarchy: Annotated[
        Path | None, _terms("Terms and genes in one file: DrugCell, DCell, CX2, KPNN, GenNet.")
    ] = None,
    hierarchy_format: Annotated[str | None, _terms("Format, if it is not recognised.")] = None,
    gene_sets: Annotated[Path | None, _terms("GMT, a group file, JSON.")] = None,
    gene_sets_format: Annotated[str | None, _terms("Format, if it is not recognised.")] = None,
    gene_id: Annotated[str | None, _terms("What names a gene: symbol, accession, synonym.")] = None,
    taxon: Annotated[str | None, _any("Only interactions and annotations of this species, e.g. 9606.")] = None,
    exclude_evidence: Annotated[
        list[str] | None, _terms("Leave out annotations by this evidence code. May be given again.")
    ] = None,
    include_evidence: Annotated[
        list[str] | None, _terms("Take annotations by this evidence code only. May be given again.")
    ] = None,
    not_rule: Annotated[str | None, _terms("What NOT removes: pair, branch.")] = None,
    namespace: Annotated[list[str] | None, _terms("Terms of this namespace only. May be given again.")] = None,
    relations: Annotated[list[str] | None, _terms("Relation between terms to follow. May be given again.")] = None,
    min_new_genes: Annotated[int | None, _terms("Leave out terms with fewer genes more than a child.")] = None,
    redundancy: Annotated[str | None, _terms("Merge a term into a child: same genes, a Jaccard index, none.")] = None,
    root: Annotated[str | None, _terms("one: put a term over all roots.")] = None,
    layering: Annotated[str | None, _terms("A term's layer goes by: height, depth, level, flat.")] = None,
    window: Annotated[tuple[int, int] | None, _terms("Only terms whose depth, level or height lies between.")] = None,
    skip_edges: Annotated[str | None, _terms("Edges that skip layers: keep, passthrough, drop.")] = None,
    term_genes: Annotated[str | None, _terms("Genes a term reads itself: direct, specific, all.")] = None,
    unannotated: Annotated[str | None, _terms("Genes no term reads: unconnected, node, dense.")] = None,
    units: Annotated[str | None, _terms("Units of a term: a number, dcell-paper, dcell-code.")] = None,
    min_genes: Annotated[int | None, _any("Leave out nodes with fewer genes of the list.")] = None,
    max_genes: Annotated[int | None, _any("Leave out nodes with more genes of the list.")] = None,
    dense_units: Annotated[int | None, _any("Fully connected units beside the nodes.")] = None,
    interaction_id: Annotated[
        str | None, _groups("Names to take from BioGRID, PSI-MITAB, HIPPIE: symbol, entrez, accession, ensembl …")
    ] = None,
    id_map: Annotated[
        Path | None, _names("Table that translates the prior's names: HGNC, BioMart, two columns, GAF, GTF, STRING …")
    ] = None,
    id_policy: Annotated[
        str | None, _names("Names of several genes, genes of several names: merge, unique, first, all, raise.")
    ] = None,
    id_from: Annotated[str | None, _names("Column of the table with the prior's names.")] = None,
    id_to: Annotated[str | None, _names("Column of the table with the genes' names.")] = None,
    ignore_case: Annotated[bool | None, _names("Match tp53 with TP53.", "--ignore-case")] = None,
    ignore_version: Annotated[
        bool | None, _names("Match ENSG….16 with ENSG…, P04637-2 with P04637.", "--ignore-version")
    ] = None,
    seed: Annotated[int | None, _groups("Seed of the search for communities.")] = None,
    output: Annotated[Path | None, _any("Where to write the architecture.", "--output", "-o")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be built, write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Turn genes and prior knowledge into an architecture: layers of named nodes.

    **Examples**

    `vnn build --genes cells.h5ad --interactions ppi.tsv --regulation trrust.tsv -o lin.vnn`

    `vnn build --genes genes.txt --interactions 9606.protein.links.txt.gz --min-score 700 --dry-run`

    `vnn build --genes cells.h5ad --ontology go-basic.obo.gz --annotations goa_human.gaf.gz -o go.vnn`

    `vnn build --genes cells.h5ad --interactions 9606.protein.links.txt.gz --id-map 9606.protein.info.txt.gz -o lin.vnn`

    `vnn build configs/lin2017-ppi-tf.yaml --grouping clique -o cliques.vnn`
    """
    given = {name: value for name, value in locals().items() if name not in ("recipe", "dry_run", "force", "as_json")}
    options = build_options(recipe_of(recipe), given)

    from keras_vnn.errors import ConfigError
    from keras_vnn.files import check_target
    from keras_vnn.workflow import build_architecture

    if options.output is None and not dry_run:
        raise ConfigError("Name the file to write, -o lin.vnn, or look first with --dry-run.")
    if not dry_run and options.output is not None:
        check_target(options.output, overwrite=force)
    arch = build_architecture(options, say=say)
    if as_json:
        print_json({**arch.summary().to_json(), "output": None if dry_run else str(options.output)})
    else:
        show(str(arch.summary()))
    if dry_run or options.output is None:
        say("dry run: nothing was written")
        return
    arch.save(options.output, overwrite=force)
    say(f"written       {options.output}")
