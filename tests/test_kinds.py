"""What names look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import keras_vnn as vnn
from keras_vnn.basics.errors import GeneError
from keras_vnn.priors.kinds import bare_name, damaged_by_excel, identify, refuse_mixed_species, undamaged


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["TP53", "C1orf112", "HLA-A", "NKX2-1"], "gene symbols (upper case, as in human)"),
        (["Trp53", "Mdm2", "H2-K1"], "gene symbols (capitalised, as in mouse)"),
        (["tp53", "mdm2"], "gene symbols (lower case, as in zebrafish)"),
        (["ENSG00000141510.16", "ENSG00000012048.23"], "Ensembl genes of human; 2 with a version"),
        (["ENSMUSG00000059552", "ENSMUSG00000020184"], "Ensembl genes of mouse"),
        (["9606.ENSP00000269305", "9606.ENSP00000258149"], "Ensembl proteins of human"),
        (["ENSDART00000051549"], "Ensembl transcripts of zebrafish"),
        (["P04637", "P38398-2", "A0A024R161"], "UniProt accessions; 1 isoform"),
        (["P53_HUMAN", "MDM2_HUMAN"], "UniProt entry names of human"),
        (["7157", "4193"], "Entrez genes"),
        (["YAL001C", "YBR002W", "YKL067W-A"], "yeast ORFs of yeast"),
        (["FBgn0039044"], "FlyBase genes of fly"),
        (["WBGene00000467"], "WormBase genes of worm"),
        (["AT1G01010", "AT5G67640"], "Arabidopsis loci of thale cress"),
        (["HGNC:11998"], "HGNC ids of human"),
        (["MGI:98834", "MGI:MGI:101816"], "MGI ids of mouse"),
        (["S000005762"], "SGD ids of yeast"),
        (["NM_000546.6"], "RefSeq ids"),
        (["1007_s_at", "200000_s_at"], "array probes"),
        (["GO:0006281"], "GO terms"),
        (["GRCh38_TP53", "GRCh38_ATM"], "gene symbols (upper case, as in human) of human"),
        ([], "no names"),
    ],
)
def test_kinds_are_told(names, said):
    assert str(identify(names)) == said


def test_mixtures_are_counted():
    found = identify(["TP53", "ATM", "MDM2", "ERCC-00002", "7157"])
    assert found.kind == "gene symbols" and found.share == 0.6
    assert str(found) == ("gene symbols (upper case, as in human), 60.0 % of 5; also 1 ERCC spike-ins, 1 Entrez genes")


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("Sep-07", ("SEPT7", "SEPTIN7")),
        ("7-Sep", ("SEPT7", "SEPTIN7")),
        ("7-SEP", ("SEPT7", "SEPTIN7")),
        ("07-sep", ("SEPT7", "SEPTIN7")),
        ("1-Dec", ("DEC1", "DELEC1")),
        ("2-Mar", ("MARCH2", "MARC2")),
        ("Mrz 02", ("MARCH2", "MARC2")),
        ("2007-09-07", ("SEPT7", "SEPTIN7")),
        ("2007-09-07 00:00:00", ("SEPT7", "SEPTIN7")),
        ("9/7/2021", ()),
        ("2.31E+13", ()),
        ("1E+05", ()),
    ],
)
def test_what_a_spreadsheet_does(name, symbols):
    assert damaged_by_excel([name, "TP53"]) == [name]
    assert undamaged(name) == symbols


def test_what_a_spreadsheet_did_not_do():
    innocent = ["OCT-1", "SEPT7", "MARCH2", "HLA-A", "7157", "44075", "C1orf1", "DEC1", "H1-0", "1433B", "Y-1", "AT-1"]
    assert damaged_by_excel(innocent) == []


def test_serial_numbers_count_only_among_symbols():
    symbols = [f"GENE{n}" for n in range(20)]
    assert damaged_by_excel([*symbols, "44075"]) == ["44075"]
    assert damaged_by_excel([*symbols, "44075", "7157"]) == []  # numbers of other sizes: Entrez genes
    assert damaged_by_excel(["44075", "44076", "TP53"]) == []


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("ENSG00000141510.16", "ENSG00000141510"),
        ("ENSG00000182378.15_PAR_Y", "ENSG00000182378"),
        ("9606.ENSP00000269305", "ENSP00000269305"),
        ("4932.YAL001C", "YAL001C"),
        ("UniProtKB:P04637-2", "P04637"),
        ("P04637-PRO_0000000001", "P04637"),
        ("Ensembl:ENSG00000141510", "ENSG00000141510"),
        ("HGNC:HGNC:11998", "HGNC:11998"),
        ("MGI:MGI:98834", "MGI:98834"),
        ("HGNC:11998", "HGNC:11998"),
        ("AC002310.12", "AC002310.12"),
        ("NKX2-1", "NKX2-1"),
        ("MT-CO1", "MT-CO1"),
    ],
)
def test_bare_names(name, bare):
    assert bare_name(name) == bare


def test_several_species_are_refused():
    with pytest.raises(GeneError) as caught:
        refuse_mixed_species(
            ["ENSG00000141510", "ENSG00000012048", "ENSMUSG00000059552", "ENSMUSG00000020184"], "x.tsv"
        )
    assert str(caught.value) == (
        "The names are of 2 species: human (2, as ENSG00000012048), mouse (2, as ENSMUSG00000020184): x.tsv\n"
        "A network is of one species. Take out the others, for example: grep -v 'ENSMUSG'"
    )
    refuse_mixed_species(["ENSG00000141510", "ENSG00000012048", "ENSMUSG00000059552", "ERCC-00002"], "one stray")


def test_a_barnyard_is_refused(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_text("GRCh38_TP53\nGRCh38_ATM\nmm10___Trp53\nmm10___Atm\n")
    with pytest.raises(GeneError, match=r"^The names are of 2 species: human .* mouse .*genes\.txt"):
        vnn.read.genes(path)


@given(st.lists(st.text(max_size=20), max_size=30))
def test_any_text_can_be_told(names):
    found = identify(names)
    assert sum(count for _, count in found.counts) == len(set(names)) == found.names
    assert str(found)
    for name in names:
        assert bare_name(bare_name(name)) == bare_name(name) or ":" in name or "." in name
