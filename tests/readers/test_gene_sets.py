"""Gene sets: GMT, group files, JSON."""

from pathlib import Path

import pytest

from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.readers import read_gene_sets
from keras_vnn.recipes.checking import check_file

MORE = Path(__file__).parents[3] / "shared" / "data" / "more"

# Lines as published, cut short.
HALLMARK = (
    "HALLMARK_APOPTOSIS\thttp://www.gsea-msigdb.org/gsea/msigdb/human/geneset/HALLMARK_APOPTOSIS\tCASP3\tCASP9\tBAX\n"
    "HALLMARK_DNA_REPAIR\thttp://www.gsea-msigdb.org/gsea/msigdb/human/geneset/HALLMARK_DNA_REPAIR\tPOLR2H\tBAX\n"
)
REACTOME = (
    "ABO blood group biosynthesis\tR-HSA-9033807\tABO\tFUT1\tFUT2\nADP signalling, P2Y\tR-HSA-392170\tGNAI1\tP2RY12\n"
)
ENRICHR = "Apoptosis\t\tCASP3,1.0\tBAX,0.5\t\nRepair\t\tATM,1.0\t\n"
GROUPS = "ppi_12\tStat1\tJak1\tJak2\nTF STAT1\tJak2\tIrf1\tStat1\nGO:0006281\tAtm\tTrp53\tStat1\n"
JSON = '{"DNA repair": ["MLH1", "ATM"], "growth": ["MYC"]}'
MSIGDB = '{"HALLMARK_APOPTOSIS": {"systematicName": "M5902", "geneSymbols": ["CASP3", "BAX"]}}'

DIALECTS = {
    "hallmark": (
        HALLMARK,
        "GMT",
        {"HALLMARK_APOPTOSIS": ("BAX", "CASP3", "CASP9"), "HALLMARK_DNA_REPAIR": ("BAX", "POLR2H")},
    ),
    "reactome": (
        REACTOME,
        "GMT",
        {"ABO blood group biosynthesis": ("ABO", "FUT1", "FUT2"), "ADP signalling, P2Y": ("GNAI1", "P2RY12")},
    ),
    "enrichr": (ENRICHR, "GMT", {"Apoptosis": ("BAX", "CASP3"), "Repair": ("ATM",)}),
    "groups": (
        GROUPS,
        "group file",
        {
            "GO:0006281": ("Atm", "Stat1", "Trp53"),
            "TF STAT1": ("Irf1", "Jak2", "Stat1"),
            "ppi_12": ("Jak1", "Jak2", "Stat1"),
        },
    ),
    "json": (JSON, "JSON gene sets", {"DNA repair": ("ATM", "MLH1"), "growth": ("MYC",)}),
    "msigdb": (MSIGDB, "JSON gene sets", {"HALLMARK_APOPTOSIS": ("BAX", "CASP3")}),
}


@pytest.mark.parametrize("case", DIALECTS)
def test_dialects(tmp_path, case):
    text, title, expected = DIALECTS[case]
    path = tmp_path / "sets"
    path.write_text(text, encoding="utf-8")
    sets = read_gene_sets(path)
    assert dict(sets) == expected
    assert sets.sources[0].format == title


def test_descriptions_and_weights(tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_text(REACTOME, encoding="utf-8")
    assert read_gene_sets(path).descriptions["ADP signalling, P2Y"] == "R-HSA-392170"
    path.write_text(ENRICHR, encoding="utf-8")
    assert str(read_gene_sets(path).audit) == "read   3 members: weight after a comma left out"


def test_sets_go_straight_into_an_architecture(tmp_path):
    path = tmp_path / "groups.txt"
    path.write_text(GROUPS, encoding="utf-8")
    arch = gene_set_architecture(["Stat1", "Jak1", "Jak2", "Irf1"], read_gene_sets(path))
    assert arch.layers[1].ids == ("TF STAT1", "ppi_12")


BROKEN = {
    "repeated": (
        "A\t-\tG1\nB\t-\tG2\nA\t-\tG3\n",
        "Two gene sets have the same name, the first in line 1: {path}:3\n    A\t-\tG3\n"
        'A name stands for one node: rename one, or pass repeated_sets="merge" or repeated_sets="number".',
    ),
    "nameless": ("A\t-\tG1\n\t-\tG2\n", "The gene set has no name: {path}:2\n    \t-\tG2"),
    "unclear": (
        "A\tG1\tG2\nB\tG3\tG4\n",
        "Cannot tell the format of the file with gene sets: {path}:1\n    A\tG1\tG2\nName it with format=…:\n"
        "    json        JSON (name → genes)\n"
        "    gmx         GMX (a set per column)\n"
        "    enrichment  a table of sets and their genes (Enrichr, clusterProfiler, CORUM)\n"
        "    long        a table of sets and genes (msigdbr)\n"
        "    kegg        genes and pathways of KEGG\n"
        "    gmt         GMT (name, description, genes)\n"
        "    groups      a group file (name, genes)",
    ),
    "cut JSON": (
        '{"A": ["G1",\n "G2"',
        "The file is not JSON: {path}:2\n     \"G2\"\nExpecting ',' delimiter, column 6.",
    ),
    "repeated in JSON": (
        '{"A": ["G1"], "A": ["G2"]}',
        "Two gene sets have the name 'A': {path}\n"
        'A name stands for one node: rename one, or pass repeated_sets="merge" or repeated_sets="number".',
    ),
    "no list": (
        '{"A": 3}',
        'Expected a list of genes for the set \'A\', got int: {path}\nFor example: {{"DNA repair": ["MLH1", "ATM"]}}',
    ),
    "empty JSON": ("{}", "There is no gene set.\nPass at least one, with a name and its genes."),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files(tmp_path, case):
    text, message = BROKEN[case]
    path = tmp_path / "sets.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReadError) as error:
        read_gene_sets(path)
    assert str(error.value) == message.format(path=path)


def test_a_format_can_be_named_and_must_be_known(tmp_path):
    path = tmp_path / "sets.txt"
    path.write_text("A\tG1\tG2\nB\tG3\tG4\n", encoding="utf-8")
    assert dict(read_gene_sets(path, format="groups")) == {"A": ("G1", "G2"), "B": ("G3", "G4")}
    assert dict(read_gene_sets(path, format="gmt")) == {"A": ("G2",), "B": ("G4",)}
    with pytest.raises(ConfigError, match=r"Unknown format 'gtm' for gene sets\. Did you mean gmx or gmt\?"):
        read_gene_sets(path, format="gtm")


@pytest.mark.parametrize(
    ("name", "sets", "genes"), [("h.all.v2022.1.Hs.symbols.gmt", 50, 4_384), ("ReactomePathways.gmt.gz", 2_484, 11_375)]
)
def test_published_collections(name, sets, genes):
    path = MORE / "pathways" / name
    if not path.exists():
        pytest.skip(f"{name} lies beside the project and is not there")
    found = read_gene_sets(path)
    assert (len(found), len(found.genes)) == (sets, genes)


LONG = "gs_cat\tgs_name\tgene_symbol\tentrez_gene\nH\tP53\tTP53\t7157\nH\tP53\tMDM2\t4193\nH\tMYC\tMYC\t4609\n"
ENRICHMENT = (
    "Gene_set\tTerm\tOverlap\tP-value\tGenes\nKEGG\tp53 pathway\t2/9\t0.01\tTP53;MDM2\nKEGG\tMyc\t1/9\t0.2\tMYC\n"
)
TWO = {"P53": ("MDM2", "TP53"), "MYC": ("MYC",)}
TABLES = {
    "msigdbr": (LONG, TWO),
    "msigdbr as CSV": (LONG.replace("\t", ","), TWO),
    "two columns": ("geneset,gene\nP53,TP53\nP53,MDM2\nMYC,MYC\n", TWO),
    "Enrichr": (ENRICHMENT, {"p53 pathway": ("MDM2", "TP53"), "Myc": ("MYC",)}),
    "clusterProfiler": (
        '"ID","Description","GeneRatio","pvalue","geneID","Count"\n'
        '"hsa1","P53","2/9",0.01,"TP53/MDM2",2\n"hsa2","MYC","1/9",0.02,"MYC",1\n',
        TWO,
    ),
    "GMX": ("P53\tMYC\nna\thttp://x\nTP53\tMYC\nMDM2\n", TWO),
    "list in JSON": ('[{"name": "P53", "genes": ["TP53", "MDM2"]}, {"name": "MYC", "genes": ["MYC"]}]', TWO),
    "MSigDB in JSON": ('{"P53": {"geneSymbols": ["TP53", "MDM2"]}, "MYC": {"geneSymbols": ["MYC"]}}', TWO),
}


@pytest.mark.parametrize("kind", TABLES)
def test_sets_in_tables(kind, tmp_path):
    text, expected = TABLES[kind]
    path = tmp_path / "sets.txt"
    path.write_text(text, encoding="utf-8")
    assert dict(read_gene_sets(path)) == expected
    report = check_file(path)
    assert (report.error, report.family, report.names.names) == ("", "gene-sets", 3)


def test_terms_of_an_ontology_next_to_genes_are_annotations(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text("term\tgene\n" + "".join(f"GO:00062{n}\tG{n}\n" for n in range(10, 30)))
    assert check_file(path).family == "annotations"


REPEATED = {
    "GMT": "A\t-\tG1\nB\t-\tG2\nA\t-\tG3\tG1\n",
    "JSON": '{"A": ["G1"], "B": ["G2"], "A": ["G3", "G1"]}',
    "GMX": "A\tB\tA\nna\tna\tna\nG1\tG2\tG3\n\t\tG1\n",
    "Enrichr": "Term\tOverlap\tGenes\nA\t1/9\tG1\nB\t1/9\tG2\nA\t2/9\tG3;G1\n",
}


@pytest.mark.parametrize("kind", REPEATED)
def test_sets_of_one_name_are_merged_or_numbered_where_that_is_asked_for(kind, tmp_path):
    path = tmp_path / "sets.txt"
    path.write_text(REPEATED[kind], encoding="utf-8")
    with pytest.raises(ReadError, match='rename one, or pass repeated_sets="merge" or repeated_sets="number"'):
        read_gene_sets(path)
    merged = read_gene_sets(path, repeated_sets="merge")
    assert dict(merged) == {"A": ("G1", "G3"), "B": ("G2",)}
    assert merged.audit.items("gene set", "two of one name, merged into one") == ("A",)
    numbered = read_gene_sets(path, repeated_sets="number")
    assert dict(numbered) == {"A": ("G1",), "A (2)": ("G1", "G3"), "B": ("G2",)}
    assert numbered.audit.count("gene set", "two of one name, numbered") == 1
    report = check_file(path)
    assert report.error == "" and "--repeated-sets merge" in report.advice[0]
    with pytest.raises(ConfigError, match=r"repeated_sets must be one of raise, merge, number; got 'sum'"):
        read_gene_sets(path, repeated_sets="sum")
