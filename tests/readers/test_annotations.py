"""Annotation files in every dialect, and the choices a biologist makes among their rows."""

import gzip
import warnings
from pathlib import Path

import pytest

from keras_vnn.basics.errors import ConfigError, ReadError, VNNWarning
from keras_vnn.readers import read_annotations

DATA = Path(__file__).parents[2] / "data"
MORE = Path(__file__).parents[3] / "shared" / "data" / "more"


def gaf(*rows, version="2.1"):
    """Make a GAF of rows given as words: accession symbol qualifier term evidence aspect synonyms taxon."""
    lines = [f"!gaf-version: {version}", "!Generated: 2019-01-14 09:47"] if version else []
    for row in rows:
        accession, symbol, qualifier, term, evidence, aspect, synonyms, taxon = (
            w.replace("_", "") for w in row.split()
        )
        qualifier = qualifier.replace("-", "").replace("+", "_")
        lines.append(
            f"UniProtKB\t{accession}\t{symbol}\t{qualifier}\t{term}\tPMID:1\t{evidence}\t\t{aspect}\tsome protein\t"
            f"{synonyms}\tprotein\t{taxon}\t20190112\tUniProt\t\t"
        )
    return "\n".join(lines) + "\n"


SMALL = gaf(
    "P1 ATM - GO:1 IDA P ATA|AT1 taxon:9606",
    "P1 ATM - GO:1 IEA P ATA|AT1 taxon:9606",
    "P2 MLH1 - GO:2 IEA P COCA2 taxon:9606",
    "P3 TP53 NOT GO:2 IMP P P53 taxon:9606",
    "P3 TP53 - GO:2 IEA P P53 taxon:9606",
    "P3 TP53 contributes+to GO:3 IDA F P53 taxon:9606|taxon:562",
    "P4 MYC - GO:0 ND P _ taxon:9606",
    "P5 Myc - GO:1 IDA P _ taxon:10090",
)


def write(tmp_path, text, name="annotations.gaf"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def pairs(annotations):
    return [f"{gene} {term}" for gene, term in annotations.to_frame()[["gene", "term"]].values.tolist()]


@pytest.fixture
def small(tmp_path):
    return write(tmp_path, SMALL)


def test_each_pair_once_with_all_its_evidence(small):
    found = read_annotations(small, taxon=9606)
    assert found.to_frame().values.tolist() == [
        ["ATM", "GO:1", "IDA|IEA", "", 3],
        ["MLH1", "GO:2", "IEA", "", 5],
        ["TP53", "GO:3", "IDA", "contributes_to", 8],
    ]
    assert str(found.audit).splitlines() == [
        "read   1 row: of another taxon",
        "read   1 row: evidence not wanted (without ND)",
        "read   1 row: negated (NOT)",
        "read   1 annotation: duplicate, merged into one",
        "read   1 annotation: negated (NOT) by another row, removed (TP53 GO:2)",
    ]
    (source,) = found.sources
    assert (source.name, source.format, source.release, source.records) == (
        "annotations.gaf",
        "GAF 2.1",
        "2019-01-14 09:47",
        8,
    )
    names, terms = found.genes, found.terms
    assert [(names[a], terms[b]) for a, b in found.denied] == [("TP53", "GO:2")]


CHOICES = {
    "the row that says NOT only": ({"not_rule": "row"}, ["ATM GO:1", "MLH1 GO:2", "TP53 GO:2", "TP53 GO:3"]),
    "without IEA a pair keeps its other evidence": ({"exclude_evidence": {"IEA", "ND"}}, ["ATM GO:1", "TP53 GO:3"]),
    "experiments only": ({"include_evidence": {"IDA", "IMP"}}, ["ATM GO:1", "TP53 GO:3"]),
    "ND when asked for": ({"include_evidence": {"ND"}}, ["MYC GO:0"]),
    "a denial that is itself excluded denies nothing": (
        {"exclude_evidence": {"IMP", "ND"}},
        ["ATM GO:1", "MLH1 GO:2", "TP53 GO:2", "TP53 GO:3"],
    ),
    "one namespace": ({"namespace": "molecular_function"}, ["TP53 GO:3"]),
    "two namespaces": ({"namespace": ["molecular_function", "cellular_component"]}, ["TP53 GO:3"]),
    "no contributes_to": ({"exclude_qualifiers": {"contributes_to"}}, ["ATM GO:1", "MLH1 GO:2"]),
    "by accession": ({"id": "accession"}, ["P1 GO:1", "P2 GO:2", "P3 GO:3"]),
    "some genes": ({"genes": ["MLH1", "COCA2"]}, ["MLH1 GO:2"]),
    "some genes, by synonym": ({"id": "synonym", "genes": ["AT1", "TP53", "P53"]}, ["AT1 GO:1", "TP53 GO:3"]),
}


@pytest.mark.parametrize("case", CHOICES)
def test_choices(small, case):
    options, expected = CHOICES[case]
    assert pairs(read_annotations(small, taxon="taxon:9606", **options)) == expected


def test_synonyms_are_accounted_for(tmp_path):
    path = write(
        tmp_path,
        gaf(
            "P1 KMT2A - GO:1 IDA P MLL|ALL1 taxon:9606",
            "P2 KMT2D - GO:1 IDA P MLL2|ALL1 taxon:9606",
            "P3 KMT2B - GO:1 IDA P MLL2|TRX2 taxon:9606",
        ),
    )
    found = read_annotations(path, id="synonym", genes=["MLL", "MLL2", "KMT2B", "TRX2", "ATM"])
    assert pairs(found) == ["KMT2B GO:1", "MLL GO:1"]
    assert str(found.audit).splitlines() == [
        "match   1 gene: found by a synonym (MLL = KMT2A)",
        "match   1 gene: a synonym of several genes, not matched (MLL2)",
        "match   1 gene: a synonym of a gene that is in the list already, not matched (TRX2 = KMT2B)",
        "read    1 row: the gene is not in the gene list",
    ]


REFUSED = {
    "id": ({"id": "name"}, "id must be one of symbol, accession, synonym; got 'name'."),
    "not_rule": ({"not_rule": "rows"}, "not_rule must be one of pair, row; got 'rows'. Did you mean row?"),
    "namespace": (
        {"namespace": "biological process"},
        "namespace must be one of biological_process, molecular_function, cellular_component; "
        "got 'biological process'. Did you mean biological_process?",
    ),
    "synonym": ({"id": "synonym"}, 'id="synonym" needs to know which names to look for: pass genes=…'),
    "code": (
        {"exclude_evidence": {"IAE"}},
        "'IAE' is not an evidence code. Did you mean ISA or IEP or IEA?\n"
        "GAF 2.1 of annotations.gaf has IDA, IEA, IMP, ND.",
    ),
    "string": (
        {"exclude_evidence": "IEA"},
        "exclude_evidence takes several words, got the single string 'IEA'.\nPass {{'IEA'}}.",
    ),
    "both": (
        {"include_evidence": {"IDA"}, "exclude_evidence": {"IDA"}},
        "include_evidence and exclude_evidence both name IDA.\nLeave it out of one of them.",
    ),
    "malformed": ({"malformed": "ignore"}, "malformed must be one of raise, skip; got 'ignore'."),
    "columns": (
        {"columns": (1, 2), "format": "gaf"},
        "columns applies to the format 'gene-term'; {path} is read as 'gaf'.\nLeave out columns, or name the format.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_impossible_choices_are_refused(small, case):
    options, message = REFUSED[case]
    with pytest.raises(ConfigError) as error:
        read_annotations(small, taxon=9606, **options)
    assert str(error.value) == message.format(path=small)


def test_nothing_left_says_what_took_it(small):
    with pytest.raises(ReadError) as error:
        read_annotations(small, taxon=7227)
    assert str(error.value) == ("No annotation is left of 8 rows: annotations.gaf\n    8 rows: of another taxon")


def test_several_species_are_refused(small):
    with pytest.raises(ReadError) as caught:
        read_annotations(small)
    assert str(caught.value) == (
        "The annotations are of 2 species, by taxon: 9606 (7), 10090 (1): annotations.gaf\n"
        'Choose one, as it is written there: taxon="9606"; taxon="all" keeps every one.'
    )
    assert len(read_annotations(small, taxon="all")) > len(read_annotations(small, taxon=9606))


ROW = SMALL.splitlines()[2]
BROKEN = {
    "short": (
        "\t".join(ROW.split("\t")[:9]),
        "GAF row has 9 columns, expected 15 to 17: {path}:3\n    {text}\n"
        'Is the file truncated? Pass malformed="skip" to count such rows in the audit and go on.',
    ),
    "long": (
        ROW + "\tmore",
        "GAF row has 18 columns, expected 15 to 17: {path}:3\n    {text}\n"
        'Is the file truncated? Pass malformed="skip" to count such rows in the audit and go on.',
    ),
    "no term": (
        ROW.replace("GO:1", ""),
        "GAF row has no term: {path}:3\n    {text}\n"
        'Is the file truncated? Pass malformed="skip" to count such rows in the audit and go on.',
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_malformed_rows_are_shown_or_counted(tmp_path, case):
    row, message = BROKEN[case]
    path = write(tmp_path, gaf("P1 ATM - GO:1 IDA P _ taxon:9606").replace(ROW, "") + row + "\n")
    path.write_text("\n".join(["!gaf-version: 2.1", "!", row, ROW, ""]), encoding="utf-8")
    with pytest.raises(ReadError) as error:
        read_annotations(path)
    assert str(error.value) == message.format(path=path, text=row if len(row) <= 120 else f"{row[:120]}…")
    found = read_annotations(path, malformed="skip")
    assert pairs(found) == ["ATM GO:1"]
    assert str(found.audit) == "read   1 row: malformed (annotations.gaf:3)"


def test_fifteen_columns_blank_lines_and_comments_between(tmp_path):
    rows = SMALL.splitlines()
    short = "\t".join(rows[2].split("\t")[:15])
    text = "\r\n".join([short, "", "!a comment", rows[4], "   ", '!gaf-version: 2.1 "again', ""])
    found = read_annotations(write(tmp_path, text), format="gaf")
    assert found.to_frame().values.tolist() == [["ATM", "GO:1", "IDA", "", 1], ["MLH1", "GO:2", "IEA", "", 4]]


def test_gaf_without_a_version_line_is_known_by_its_columns(tmp_path):
    assert (
        read_annotations(write(tmp_path, gaf("P1 ATM - GO:1 IDA P _ taxon:1", version=""))).sources[0].format == "GAF"
    )


def test_gaf_2_2_fills_the_qualifier_always(tmp_path):
    text = gaf("P1 ATM involved+in GO:1 IDA P _ taxon:1", "P2 TP53 NOT|involved+in GO:1 IDA P _ taxon:1", version="2.2")
    found = read_annotations(write(tmp_path, text))
    assert found.to_frame()[["gene", "qualifier"]].values.tolist() == [["ATM", "involved_in"]]
    assert len(found.denied) == 1


def test_symbols_hold_spaces_dashes_and_quotes(tmp_path):
    text = gaf("P1 X - GO:1 IDA P _ taxon:1").replace("\tX\t", '\tHLA-DRB1 "long" nc.886\t')
    assert read_annotations(write(tmp_path, text)).genes == ('HLA-DRB1 "long" nc.886',)


def test_symbols_a_spreadsheet_has_eaten(tmp_path):
    text = gaf("P1 7-Sep - GO:1 IDA P _ taxon:1")
    with pytest.warns(VNNWarning, match=r"1 name looks damaged by a spreadsheet: 7-Sep"):
        read_annotations(write(tmp_path, text))


GPAD_1 = """\
!gpa-version: 1.1
!Generated: 2021-01-02
UniProtKB\tP12345-2\tNOT|enables\tGO:0000001\tPMID:1\tECO:0000314\t\t\t20210101\tUniProt\t\tgo_evidence=IDA
UniProtKB\tP12345\tinvolved_in\tGO:0000002\tPMID:1\tECO:0000501\t\t\t20210101\tUniProt\t\t
UniProtKB\tP12345\tpart_of\tGO:0000003\tPMID:1\tECO:0000256\t\t\t20210101\tUniProt\t\tx=1|go_evidence=IBA
UniProtKB\tQ99999\tpart_of\tGO:0000001\tPMID:1\tECO:0099999\t\t\t20210101\tUniProt
"""
GPAD_2 = """\
!gpad-version: 2.0
!date-generated: 2021-01-02
MGI:MGI:1918911\t\tRO:0002327\tGO:0003674\tMGI:MGI:2156816\tECO:0000307\t\t\t2020-09-17\tMGI\t\tcontributor=x
UniProtKB:P12345\tNOT\tRO:0002331\tGO:0000001\tPMID:1\tECO:0000315\t\t\t2020-09-17\tMGI\t\t
UniProtKB:P12345:PRO_0001\t\tRO:0002331\tGO:0000002\tPMID:1\tECO:0000314\t\t\t2020-09-17\tMGI\t\t
"""


def test_gpad_1(tmp_path):
    found = read_annotations(write(tmp_path, GPAD_1, "a.gpa"))
    assert found.to_frame()[["gene", "term", "evidence", "qualifier"]].values.tolist() == [
        ["P12345", "GO:0000002", "IEA", "involved_in"],
        ["P12345", "GO:0000003", "IBA", "part_of"],
        ["Q99999", "GO:0000001", "ECO:0099999", "part_of"],
    ]
    assert len(found.denied) == 1
    assert (found.sources[0].format, found.sources[0].release) == ("GPAD 1.1", "2021-01-02")
    assert found.audit.count("row", "of an isoform or chain") == 1
    with pytest.raises(ReadError) as error:
        read_annotations(tmp_path / "a.gpa", id="symbol")
    assert str(error.value) == 'GPAD 1.1 of a.gpa has no column of symbol names.\nPass id="accession".'
    assert len(read_annotations(write(tmp_path, GPAD_1.split("\n", 2)[2], "bare.gpa"))) == 3


def test_gpad_2(tmp_path):
    found = read_annotations(write(tmp_path, GPAD_2, "a.gpad"))
    assert pairs(found) == ["P12345 GO:0000002"]
    assert found.audit.count("row", "evidence not wanted") == 1
    assert [(found.genes[a], found.terms[b]) for a, b in found.denied] == [("P12345", "GO:0000001")]


# As NCBI publishes it.
GENE2GO = """\
#tax_id\tGeneID\tGO_ID\tEvidence\tQualifier\tGO_term\tPubMed\tCategory
3702\t814629\tGO:0005634\tISM\tlocated_in\tnucleus\t-\tComponent
9606\t1\tGO:0003674\tND\tenables\tmolecular_function\t-\tFunction
9606\t2\tGO:0002020\tIPI\tenables\tprotease binding\t9714181|12755687\tFunction
9606\t2\tGO:0005515\tIPI\tNOT enables\tprotein binding\t1\tFunction
9606\t9\tGO:0006281\tIDA\t-\tDNA repair\t1\tProcess
"""


def test_gene2go(tmp_path):
    path = write(tmp_path, GENE2GO, "gene2go")
    found = read_annotations(path, taxon=9606)
    assert found.to_frame()[["gene", "term", "evidence", "qualifier"]].values.tolist() == [
        ["2", "GO:0002020", "IPI", "enables"],
        ["9", "GO:0006281", "IDA", ""],
    ]
    assert dict(found.term_names)["GO:0006281"] == "DNA repair"
    assert len(found.denied) == 1
    assert pairs(read_annotations(path, taxon=9606, namespace="biological_process")) == ["9 GO:0006281"]


def test_numeric_names_stay_as_written(tmp_path):
    genes = ["0007", "7157", "7157", "1e3", "True"]
    rows = "".join(f"{gene}\tR-HSA-{n}\thttps://x\tsaid\tTAS\tHomo sapiens\n" for n, gene in enumerate(genes, 1))
    found = read_annotations(write(tmp_path, rows, "NCBI2Reactome.txt"))
    assert pairs(found) == [
        "0007 R-HSA-1",
        "1e3 R-HSA-4",
        "7157 R-HSA-2",
        "7157 R-HSA-3",
        "True R-HSA-5",
    ]
    only = write(tmp_path, "9606\t0007\tGO:1\tIDA\t-\trepair\t1\tProcess\n", "gene2go")
    assert pairs(read_annotations(only)) == ["0007 GO:1"]


def test_two_columns_in_either_order_with_and_without_header(tmp_path):
    expected = ["ATM GO:0006281", "MLH1 GO:0006298"]
    for text in (
        "ATM\tGO:0006281\nMLH1\tGO:0006298\n",
        "gene\tterm\nATM\tGO:0006281\nMLH1\tGO:0006298\n",
        "GO:0006281,ATM\nGO:0006298,MLH1\n",
        "term gene\nGO:0006281 ATM\nGO:0006298 MLH1\n",
    ):
        found = read_annotations(write(tmp_path, text, "pairs.txt"))
        assert pairs(found) == expected, text
    with pytest.raises(
        ReadError, match=r"has no column of evidence, so IEA cannot be excluded\.\nLeave out exclude_evidence\."
    ):
        read_annotations(tmp_path / "pairs.txt", exclude_evidence=["IEA"])


def test_columns_named_or_numbered(tmp_path):
    path = write(tmp_path, "n,set,symbol\n1,repair,ATM\n2,growth,MYC\n", "own.csv")
    assert pairs(read_annotations(path, columns=("symbol", "set"))) == ["ATM repair", "MYC growth"]
    assert pairs(read_annotations(path, columns=(3, 2))) == ["ATM repair", "MYC growth"]
    with pytest.raises(ConfigError) as error:
        read_annotations(path, columns=(3,))
    assert str(error.value) == "columns must name the gene and the term column, got (3,).\nFor example: (1, 2)"


def test_id2gos(tmp_path):
    found = read_annotations(write(tmp_path, "ATM\tGO:0006281;GO:0006298;\nMLH1\tGO:0006298\n", "id2gos"))
    assert found.to_frame()[["gene", "term", "line"]].values.tolist() == [
        ["ATM", "GO:0006281", 1],
        ["ATM", "GO:0006298", 1],
        ["MLH1", "GO:0006298", 2],
    ]
    assert found.sources[0].format == "id2gos"


REACTOME = """\
A0A023GRW3\tR-DME-72163\thttps://reactome.org/#/R-DME-72163\tmRNA Splicing - Major Pathway\tIEA\tDrosophila melanogaster
P12345-2\tR-HSA-73893\thttps://reactome.org/PathwayBrowser/#/R-HSA-73893\tDNA Damage Bypass\tTAS\tHomo sapiens
P12345\tR-HSA-73893\thttps://reactome.org/PathwayBrowser/#/R-HSA-73893\tDNA Damage Bypass\tTAS\tHomo sapiens
"""


def test_uniprot2reactome(tmp_path):
    found = read_annotations(write(tmp_path, REACTOME, "UniProt2Reactome.txt"), taxon="Homo sapiens")
    assert found.to_frame()[["gene", "term", "evidence"]].values.tolist() == [["P12345", "R-HSA-73893", "TAS"]]
    assert dict(found.term_names) == {"R-HSA-73893": "DNA Damage Bypass"}


def test_a_gmt_file_of_reactome_is_annotations_by_pathway_id(tmp_path):
    text = "Apoptosis\tR-HSA-109581\tTP53\tBAX\nRepair, of DNA\tR-HSA-73894\tATM\n"
    found = read_annotations(write(tmp_path, text, "ReactomePathways.gmt"))
    assert pairs(found) == ["ATM R-HSA-73894", "BAX R-HSA-109581", "TP53 R-HSA-109581"]
    assert dict(found.term_names) == {"R-HSA-109581": "Apoptosis", "R-HSA-73894": "Repair, of DNA"}


def by_line(path):
    """Read a GAF in plain Python: asserted and denied pairs, without ND."""
    asserted, denied = set(), set()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("!"):
                continue
            fields = line.rstrip("\n").split("\t")
            if fields[6] == "ND":
                continue
            (denied if "NOT" in fields[3].split("|") else asserted).add((fields[2], fields[4]))
    return asserted, denied


def check_against_plain_python(path):
    asserted, denied = by_line(path)
    for rule, expected in (("pair", asserted - denied), ("row", asserted)):
        found = read_annotations(path, not_rule=rule)
        assert set(map(tuple, found.to_frame()[["gene", "term"]].values.tolist())) == expected
    return found


def test_the_demo_file_equals_a_plain_reading():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_against_plain_python(DATA / "goa_human_demo.gaf.gz")


@pytest.mark.slow
def test_the_whole_human_file():
    path = MORE / "goa_human_2019-01.gaf.gz"
    if not path.exists():
        pytest.skip("the full human GAF lies beside the project and is not there")
    check_against_plain_python(path)
    found = read_annotations(path)
    assert (found.sources[0].records, len(found), len(found.denied)) == (475_402, 277_019, 1_143)
    assert found.audit.count("row", "negated (NOT)") == 1_187
    assert found.audit.count("annotation", "negated (NOT) by another row") == 195
    panel = read_annotations(DATA / "goa_human_demo.gaf.gz").genes[:500]
    assert set(read_annotations(path, genes=panel).genes) <= set(panel)
