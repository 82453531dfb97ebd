"""docs/formats.md: each example is read by the function named above it, to exactly what stands here."""

import bz2
import contextlib
import gzip
import lzma
import re
import sys
import warnings
import zipfile
from operator import attrgetter

import pandas as pd
import pytest

import keras_vnn as vnn
from formats_page import EXAMPLES, PAGE, page
from keras_vnn.readers import sniff_format

BY_NAME = {example.name: example for example in EXAMPLES}
HUMAN_P53 = {"TP53", "MDM2"}
# What each example is read as: the names of the genes, how many entries, how the format is called.
READ = {
    "genes.txt": ({"TP53", "ATM", "BRCA1"}, 3, "one name per line"),
    "panel.csv": ({"TP53", "ATM", "BRCA1"}, 3, "CSV gene_symbol"),
    "counts.csv": ({"ENSG00000154529", "ENSG00000215375", "ENSG00000141510"}, 3, "CSV expression table, genes in rows"),
    "gene2ind.txt": ({"AAAS", "AARS", "ABCA1"}, 3, "gene2ind"),
    "edges.tsv": ({*HUMAN_P53, "BRCA1", "BARD1"}, 2, "TSV gene_a, gene_b, score publications"),
    "kanten.csv": ({*HUMAN_P53, "BRCA1", "BARD1"}, 2, "semicolon-separated gene_a, gene_b, score score"),
    "edges.csv": ({*HUMAN_P53, "BRCA1", "BARD1"}, 2, "CSV interactor_a, interactor_b"),
    "pathway.sif": ({*HUMAN_P53, "MDM4", "BRCA1", "BARD1", "PDGF-BB/PDGF-(beta)-R/ATP"}, 4, "SIF (white space)"),
    "network.graphml": ({*HUMAN_P53, "ATM"}, 2, "GraphML, nodes by name"),
    "network.xgmml": (HUMAN_P53, 1, "XGMML, nodes by name"),
    "network.gml": (HUMAN_P53, 1, "GML, nodes by label"),
    "network.cyjs": (HUMAN_P53, 1, "Cytoscape JSON, nodes by name"),
    "network.cx2": (HUMAN_P53, 1, "CX 2.0, nodes by name"),
    "network.adjlist": ({*HUMAN_P53, "MDM4", "BRCA1", "BARD1"}, 4, "adjacency list, nodes by id"),
    "cytoscape.csv": (HUMAN_P53 | {"BRCA1", "BARD1"}, 2, "CSV edges of Cytoscape"),
    "pairs.tsv": ({*HUMAN_P53, "MDM4", "BRCA1", "BARD1"}, 3, "TSV pairs parted by '|', pair"),
    "adjacency.csv": ({*HUMAN_P53, "ATM"}, 2, "CSV adjacency matrix of 3 genes"),
    "9606.protein.links.v12.0.txt": (
        {"ENSP00000269305", "ENSP00000258149", "ENSP00000350283"},
        2,
        "STRING links, space-separated protein1, protein2, score combined_score",
    ),
    "9606.protein.links.detailed.v12.0.txt": (
        {"ENSP00000269305", "ENSP00000258149", "ENSP00000350283"},
        2,
        "STRING links, space-separated protein1, protein2, score combined_score",
    ),
    "9606.protein.actions.v11.0.txt": (
        {"ENSP00000269305", "ENSP00000258149", "ENSP00000344818"},
        2,
        "STRING actions, protein, prefix 9606. removed",
    ),
    "BIOGRID-ORGANISM-Homo_sapiens-4.4.200.tab3.txt": (
        {"MAP2K4", "FLNC", "MYPN", "ACTN2"},
        2,
        "BioGRID TAB3, gene symbol",
    ),
    "BIOGRID-ALL-4.2.192.tab2.txt": ({"ASC1", "YIM1", "NOP6", "RIX1"}, 2, "BioGRID TAB2, gene symbol"),
    "intact.txt": ({*HUMAN_P53, "tp53", "BRCA1"}, 2, "PSI-MITAB 2.5, gene symbol"),
    "HuRI.psi": ({"Q6P6B7", "Q9UBU9", "P60410", "O60936"}, 2, "PSI-MITAB 2.5, accession of the molecule"),
    "hippie_current.txt": ({"3679", "1134", "55607", "71"}, 2, "HIPPIE, Entrez gene"),
    "HIPPIE-current.mitab.txt": ({"ITGA7", "CHRNA1", "PPP1R9A", "ACTG1"}, 2, "HIPPIE PSI-MITAB, gene symbol"),
    "trrust_rawdata.human.tsv": ({"BAX", "CDKN1A", "BCL2", "KLK3", "AATF", "ABL1", "AR"}, 4, "TRRUST"),
    "collectri.csv": ({"MYC", "TERT", "SPI1", "BGLAP"}, 2, "CSV source, target, weight weight"),
    "dorothea_hs.csv": ({"ADNP", "ATF7IP", "AR", "KLK3", "CDH2"}, 3, "CSV tf, target, weight mor"),
    "omnipath.tsv": ({*HUMAN_P53, "CDKN1A"}, 3, "OmniPath, gene symbol"),
    "regnetwork.txt": ({"TP53", "CDKN1A", "STAT1", "IRF1"}, 2, "TSV regulator_symbol, target_symbol (ignored"),
    "drem.txt": ({"FOXC1", "CHRDL2", "GATA1", "MEFV", "HBB"}, 3, "DREM, target symbol"),
    "matrix.tsv": ({"GATA1", "FOXC1", "HBB", "MEFV"}, 3, "TSV matrix of 2 targets × 2 TFs"),
    "mixed.sif": ({"TP53", "CDKN1A", "BAX"}, 2, "SIF (white space), types pd"),
    "go-tiny.obo": (set(), 2, "OBO 1.2"),
    "hp.obo": (set(), 2, "OBO 1.2"),
    "cl.obo": (set(), 2, "OBO 1.2"),
    "mondo.obo": (set(), 2, "OBO 1.2"),
    "go-graph.json": (set(), 2, "OBO graph"),
    "ReactomePathwaysRelation.txt": (set(), 5, "Reactome relations"),
    "drugcell_ont.txt": ({"AKT1", "TP53"}, 3, "DrugCell hierarchy"),
    "topology": ({"YKL067W", "YMR106C", "YOL090W"}, 2, "DCell topology"),
    "hierarchy.cx2": ({"TP53", "ATM"}, 2, "CX 2.0 hierarchy"),
    "kpnn_edges.csv": ({"LCK", "LAT", "FOS"}, 2, "KPNN edge list"),
    "topology.csv": ({"rs429358", "rs7412", "rs6511720"}, 3, "GenNet topology"),
    "goa_human.gaf": ({"TP53", "MDM2"}, 2, "GAF 2.2"),
    "sgd.gaf": ({"MSH2", "MLH1"}, 2, "GAF 2.2"),
    "mgi.gaf": ({"Msh2", "Trp53"}, 2, "GAF"),
    "fb.gaf": ({"p53", "spel1"}, 2, "GAF 2.1"),
    "goa.gpa": ({"P04637", "Q00987"}, 2, "GPAD 1.1"),
    "mgi.gpad": ({"MGI:101816", "MGI:98834"}, 1, "GPAD 2.0"),
    "gene2go": ({"7157", "4193"}, 2, "gene2go"),
    "mart_export_go.txt": ({"TP53", "MDM2"}, 2, "BioMart, CSV"),
    "id2gos.txt": ({"TP53", "MDM2"}, 3, "id2gos"),
    "UniProt2Reactome.txt": ({"P04637"}, 2, "Reactome members"),
    "h.all.v2022.1.Hs.symbols.gmt": ({"CDKN1A", "BTG2", "MDM2", "POLR2H", "POLR2A", "TP53"}, 2, "GMT"),
    "ChEA.gmt": ({"CDKN1A", "MDM2", "HBB", "MEFV"}, 2, "GMT"),
    "groups.txt": ({"TP53", "MDM2", "MDM4", "BRCA1", "BARD1", "IRF1"}, 3, "group file"),
    "sets.json": ({"MLH1", "ATM", "CDKN1A", "MDM2"}, 2, "JSON gene sets"),
    "sets.gmx": ({"MLH1", "ATM", "CDKN1A", "MDM2", "BAX"}, 2, "GMX"),
    "msigdbr.csv": ({"CDKN1A", "MDM2", "MLH1"}, 2, "CSV gs_name, gene_symbol"),
    "Enrichr_table.txt": ({"CDKN1A", "MDM2", "TP53", "MLH1", "MSH2"}, 2, "TSV Term, Genes"),
    "coreComplexes.txt": ({"BCL6", "HDAC4", "MDM2", "TP53"}, 2, "TSV ComplexName, subunits(Gene name)"),
    "kegg_link.txt": ({"7157", "4193", "4609"}, 2, "KEGG, genes and pathways"),
    "kang.csv": ({"TP53", "ATM"}, 2, "text table"),
    "counts.gct": ({"TP53", "ATM"}, 3, "text table"),
    "counts.txt": ({"TP53", "ATM"}, 3, "text table"),
    "hgnc_complete_set.txt": ({"TP53", "MDM2", "SEPTIN7"}, 3, "TSV table of identifiers"),
    "ensembl_to_symbol.csv": ({"TP53", "MDM2", "SEPTIN7"}, 3, "CSV without header table of identifiers"),
    "mart_export.txt": ({"TP53", "MDM2"}, 3, "CSV table of identifiers"),
    "Homo_sapiens.gene_info": ({"TP53", "MDM2"}, 2, "TSV"),
    "9606.protein.info.v12.0.txt": ({"TP53", "MDM2"}, 2, "TSV"),
    "9606.protein.aliases.v12.0.txt": ({"TP53", "MDM2"}, 2, "STRING aliases"),
    "HUMAN_9606_idmapping.dat": ({"TP53", "MDM2"}, 2, "UniProt idmapping"),
    "gencode.gtf": ({"TP53", "MDM2"}, 2, "GTF or GFF genes"),
}


def read(example, path):
    """Read an example; return the genes it speaks of, its size, its format, and the value."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = attrgetter(example.reader)(vnn)(path)
    first, *rest = value if isinstance(value, tuple) else (value,)
    if example.reader == "read.expression":
        return set(value.var_names), value.n_obs, value.uns["keras_vnn"]["source"]["format"], value
    if example.reader == "read.identifier_map":
        _, names = value.columns[value.best_column(["TP53", "MDM2"])]
        return set(names), value.rows, value.sources[0].format, value
    source = first.source if example.reader == "read.genes" else first.sources[0]
    if example.reader == "read.genes":
        genes = set(first.ids)
    elif example.reader == "read.ontology":
        genes = set()
    elif example.reader == "read.regulation":
        genes = {*first.regulators, *first.targets}
    else:
        genes = set((rest or [first])[0].genes)
    size = len(first.ids) if example.reader == "read.hierarchy" else len(first)
    return genes, size, source.format, value


def test_every_example_has_an_expectation_here():
    assert set(READ) == set(BY_NAME)
    assert len(BY_NAME) == len(EXAMPLES)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python 3.13 makes blanks of the tabs of docstrings")
def test_the_page_says_what_the_modules_say():
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "write it again: python tools/formats_page.py"


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_example_is_read(example, tmp_path):
    genes, size, said = READ[example.name]
    found = read(example, example.write(tmp_path))
    assert (found[0], found[1]) == (genes, size)
    assert found[2].startswith(said)


PACKINGS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "CRLF": lambda content: content.replace(b"\n", b"\r\n"),
    "CR": lambda content: content.replace(b"\n", b"\r"),
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "UTF-16": lambda content: content.decode().encode("utf-16"),
    "no last line end": lambda content: content.rstrip(b"\n"),
    "blank lines behind": lambda content: content + b"\n\n",
}


@pytest.mark.parametrize("dress", PACKINGS)
def test_the_dress_of_a_file_changes_nothing(dress, tmp_path):
    for example in EXAMPLES:
        path = tmp_path / example.name
        path.write_bytes(PACKINGS[dress](example.content.encode()))
        genes, size, _ = READ[example.name]
        assert read(example, path)[:2] == (genes, size), example.name


def test_a_zip_of_one_file(tmp_path):
    for example in EXAMPLES:
        path = tmp_path / f"{example.name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("__MACOSX/._x", "junk")
            archive.writestr(f"../../{example.name}", example.content)  # a name that leads out is never followed
        genes, size, _ = READ[example.name]
        assert read(example, path)[:2] == (genes, size), example.name
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(f"{name}.zip" for name in BY_NAME)


def test_no_other_reader_takes_an_example_for_its_own(tmp_path):
    """A file of one family is not read, with the defaults, as one of another: the message says who reads it."""
    relatives = {
        "read.genes": {"read.expression", "read.identifier_map"},
        "read.identifier_map": {"read.annotations", "read.genes", "read.interactions", "read.expression"},
    }
    wrong = []
    for example in EXAMPLES:
        path = example.write(tmp_path)
        for reader in ("read.interactions", "read.regulation", "read.annotations", "read.gene_sets", "read.hierarchy"):
            if reader == example.reader or example.reader in ("read.genes", "read.identifier_map", "read.expression"):
                continue
            if reader in relatives.get(example.reader, ()):
                continue
            try:
                attrgetter(reader)(vnn)(path)
            except vnn.VNNError as error:
                assert str(path) in str(error) or path.name in str(error)
            else:
                wrong.append((reader, example.name))
    # These really are readable as both, gene sets as annotations with their names for terms.
    allowed = {
        ("read.annotations", "ChEA.gmt"),
        ("read.annotations", "h.all.v2022.1.Hs.symbols.gmt"),
        ("read.regulation", "edges.tsv"),
        ("read.regulation", "kanten.csv"),
        ("read.regulation", "edges.csv"),
        ("read.regulation", "pathway.sif"),
        ("read.interactions", "mixed.sif"),
        ("read.interactions", "collectri.csv"),
        *(("read.regulation", name) for name in ("network.xgmml", "network.cyjs", "network.cx2", "cytoscape.csv")),
        ("read.interactions", "omnipath.tsv"),
        ("read.regulation", "adjacency.csv"),
    }
    assert set(wrong) <= allowed


def test_what_is_no_expression_is_told_for_what_it_is(tmp_path):
    """Given as expression, a file of another family is named, with who reads it."""
    other = {"msigdb.xml": "MSigDB in XML", "page.html": "a web page", "terms.xml": "an ontology in OBO-XML"}
    (tmp_path / "msigdb.xml").write_text(
        "<?xml version='1.0'?>\n<MSIGDB NAME='m'>\n<GENESET MEMBERS='A,B'/>\n</MSIGDB>\n"
    )
    (tmp_path / "page.html").write_text("<!DOCTYPE html>\n<html>\n<body>a b</body></html>\n")
    (tmp_path / "terms.xml").write_text("<?xml version='1.0'?>\n<obo>\n<term><id>GO:0006281</id></term>\n</obo>\n")
    for name, title in other.items():
        with pytest.raises(vnn.VNNError, match=rf"^The file is {title}, not expression: .*\n"):
            vnn.read.expression(tmp_path / name)
    told = {}
    for example in EXAMPLES:
        if example.reader in ("read.genes", "read.expression", "read.identifier_map"):
            continue
        path = example.write(tmp_path)
        with contextlib.suppress(vnn.VNNError):
            attrgetter(example.reader)(vnn)(path)
            try:
                told[example.name] = str(vnn.read.expression(path).shape)
            except vnn.VNNError as error:
                told[example.name] = str(error)
    named = {
        name for name, text in told.items() if re.search(r"not expression: .*\n(.*\n)*Read it with vnn\.read", text)
    }
    # Numbers by names are expression; names and numbers alone may be.
    assert told.keys() - named == {"adjacency.csv", "matrix.tsv", "collectri.csv"}
    assert "an ontology in OBO" in told["go-tiny.obo"]
    assert "GMT" in told["ChEA.gmt"]


def test_what_is_no_table_of_cells_is_told_for_what_it_is(tmp_path):
    counts = pd.DataFrame({"TP53": [1, 2], "MDM2": [0, 1]}, index=["c1", "c2"])
    counts.to_csv(tmp_path / "counts.csv")
    for example in EXAMPLES:
        if example.name in ("goa_human.gaf", "mgi.gaf", "go-tiny.obo", "hierarchy.cx2", "network.graphml", "drem.txt"):
            with pytest.raises(vnn.VNNError, match=r"^The file is .*, not a table of cells: .*\n(.*\n)*Read it with"):
                vnn.read.expression(tmp_path / "counts.csv", cells=example.write(tmp_path))


def test_the_formats_are_told_apart(tmp_path):
    assert {
        example.name: sniff_format(example.write(tmp_path))
        for example in EXAMPLES
        if example.reader in ("read.interactions", "read.regulation")
    } == {
        "edges.tsv": "interactions",
        "kanten.csv": "interactions",
        "edges.csv": "interactions",
        "pathway.sif": "sif",
        "network.graphml": "graphml",
        "network.xgmml": "xgmml",
        "network.gml": "gml",
        "network.cyjs": "graph-json",
        "network.cx2": "cx2",
        "network.adjlist": "adjlist",
        "cytoscape.csv": "cytoscape",
        "pairs.tsv": "pairs",
        "adjacency.csv": "adjacency",
        "omnipath.tsv": "omnipath",
        "9606.protein.links.v12.0.txt": "string",
        "9606.protein.links.detailed.v12.0.txt": "string",
        "9606.protein.actions.v11.0.txt": "string-actions",
        "BIOGRID-ORGANISM-Homo_sapiens-4.4.200.tab3.txt": "biogrid",
        "BIOGRID-ALL-4.2.192.tab2.txt": "biogrid",
        "intact.txt": "mitab",
        "HuRI.psi": "mitab",
        "hippie_current.txt": "hippie",
        "HIPPIE-current.mitab.txt": "mitab",
        "trrust_rawdata.human.tsv": "trrust",
        "collectri.csv": "table",
        "dorothea_hs.csv": "regulation",
        "regnetwork.txt": "regulation",
        "drem.txt": "drem",
        "matrix.tsv": "matrix",
        "mixed.sif": "sif",
    }


def test_the_options_the_page_names(tmp_path):
    def path(name):
        return BY_NAME[name].write(tmp_path)

    huri = vnn.read.interactions(path("HuRI.psi"), id="ensembl")
    assert huri.genes[0] == "ENSG00000140939.14"
    assert huri.score.tolist() == [0.711, 0.853]
    biogrid = path("BIOGRID-ORGANISM-Homo_sapiens-4.4.200.tab3.txt")
    assert vnn.read.interactions(biogrid, id="entrez").genes == ("2318", "6416", "84665", "88")
    assert vnn.read.interactions(biogrid, id="swissprot").genes == ("P35609", "P45985", "Q14315", "Q86TC9")
    tab2 = path("BIOGRID-ALL-4.2.192.tab2.txt")
    assert vnn.read.interactions(tab2, sif_types=["physical"]).genes == ("NOP6", "RIX1")
    assert vnn.read.interactions(tab2, id="systematic").genes == ("YDL213C", "YHR197W", "YMR116C", "YMR152W")
    actions = vnn.read.interactions(path("9606.protein.actions.v11.0.txt"), sif_types=["binding"])
    assert len(actions) == 1 and actions.audit.count("interaction", "of another type") == 2
    intact = vnn.read.interactions(path("intact.txt"), id="accession")
    assert intact.genes == ("P04637", "P12345", "P38398", "Q00987")
    assert intact.audit.count("row", "of an isoform") == 1
    assert intact.score.tolist() == [0.99, 0.35]
    assert vnn.read.interactions(path("intact.txt"), taxon=9606).audit.count("interaction", "not both of taxon") == 1
    hippie = vnn.read.interactions(path("hippie_current.txt"), id="accession")
    assert hippie.genes == ("ACHA", "ACTG", "ITA7", "NEB1")
    assert vnn.read.regulation(path("drem.txt"), drem_id="ensembl").targets == ("ENSG00000054938", "ENSG00000103313")
    assert len(vnn.read.ontology(path("ReactomePathwaysRelation.txt"), species="HSA")) == 3
    orfs = vnn.read.annotations(path("sgd.gaf"), id="synonym", genes=["YOL090W", "YMR167W"])
    assert orfs.genes == ("YMR167W", "YOL090W")
    go = vnn.read.ontology(path("go-tiny.obo"))
    assert go.current_id("GO:0099999") == go.current_id("GO:0000001") == "GO:0006281"


def test_the_page_names_what_exists():
    text = PAGE.read_text(encoding="utf-8")
    for word in set(re.findall(r"`(read_\w+)`", text)):
        assert hasattr(vnn, word)
    from keras_vnn.recipes.schema import BuildRecipe

    options = set(re.findall(r"`--([a-z-]+)`|--([a-z]+-[a-z-]+)", text))
    named = {(one or other).replace("-", "_") for one, other in options} - {"output"}
    assert named <= set(BuildRecipe.model_fields)
