"""Reading: what `keras_vnn.read` holds, and the modules it comes from."""

from .architecture import load_architecture as architecture
from .basics.csv_tables import read_table as table
from .basics.provenance import Audit, AuditEntry, Source
from .data import read_drug_responses as drug_responses
from .data import read_expression as expression
from .data import read_genotypes as genotypes
from .data import read_plink as plink
from .priors import Annotations, GeneSets, Interactions, Ontology, Regulation
from .priors.genes import GeneList, gene_list
from .readers import read_annotations as annotations
from .readers import read_gene_sets as gene_sets
from .readers import read_genes as genes
from .readers import read_hierarchy as hierarchy
from .readers import read_identifier_map as identifier_map
from .readers import read_interactions as interactions
from .readers import read_ontology as ontology
from .readers import read_regulation as regulation
from .readers.downloads import fetch, remote_files
from .recipes.checking import FileReport, check_file, check_files, suggested_command

__all__ = [
    "Annotations",
    "Audit",
    "AuditEntry",
    "FileReport",
    "GeneList",
    "GeneSets",
    "Interactions",
    "Ontology",
    "Regulation",
    "Source",
    "annotations",
    "architecture",
    "check_file",
    "check_files",
    "drug_responses",
    "expression",
    "fetch",
    "gene_list",
    "gene_sets",
    "genes",
    "genotypes",
    "hierarchy",
    "identifier_map",
    "interactions",
    "ontology",
    "plink",
    "regulation",
    "remote_files",
    "suggested_command",
    "table",
]
