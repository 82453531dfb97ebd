"""The derivations of the demo data, on rows small enough to work out by hand; no network."""

import gzip
import hashlib

import pytest

import make_demo_data as demo


def row(symbol, term, *, accession=None, qualifier="", reference="PMID:1", evidence="IDA", with_from="", extension=""):
    columns = ["UniProtKB", accession or f"acc{symbol}", symbol, qualifier, term, reference, evidence, with_from]
    return "\t".join([*columns, "P", "", "", "protein", "taxon:9606", "20190101", "UniProt", extension, ""])


def rows(*lines):
    return list(demo.gaf_rows("\n".join(["!gaf-version: 2.1", "", *lines])))


def test_interactions_are_undirected_counted_by_publication_and_named_by_symbol():
    table = demo.interaction_table(
        rows(
            row("B", "GO:0005515", evidence="IPI", with_from="UniProtKB:accA", reference="PMID:9"),
            row("A", "GO:0005515", evidence="IPI", with_from="UniProtKB:accB-2|UniProtKB:accA", reference="PMID:8"),
            row("A", "GO:0005515", evidence="IPI", with_from="UniProtKB:mouse,ChEBI:accB"),
            row("A", "GO:0005515", evidence="IDA", with_from="UniProtKB:accC"),
            row("A", "GO:0005515", evidence="IPI", with_from="UniProtKB:accC", qualifier="NOT"),
            row("C", "GO:0042802", evidence="IPI", with_from="UniProtKB:accA"),
        )
    )
    assert table == "gene_a\tgene_b\tpublications\treferences\nA\tB\t2\tPMID:8|PMID:9\n"


def test_at_most_three_references_are_named_but_all_are_counted():
    lines = [
        row("A", "GO:0005515", evidence="IPI", with_from="UniProtKB:accB", reference=f"PMID:{i}") for i in range(5)
    ]
    assert demo.interaction_table(rows(row("B", "GO:1"), *lines)).endswith("A\tB\t5\tPMID:0|PMID:1|PMID:2\n")


def test_regulation_takes_its_sign_from_the_term():
    to_b, to_c = "has_regulation_target(UniProtKB:accB)", "occurs_in(CL:1),has_input(UniProtKB:accC)|has_output(X:1)"
    table = demo.regulation_table(
        rows(
            row("B", "GO:1"),
            row("C", "GO:1"),
            row("T", "GO:0045944", extension=to_b, reference="PMID:2|GO_REF:7"),
            row("T", "GO:0000122", extension=to_b),
            row("T", "GO:0003700", extension=to_c, reference="GO_REF:1"),
            row("U", "GO:0000122", extension=to_c),
            row("U", "GO:0006357", extension=to_c),
            row("V", "GO:0045944", extension=to_c, qualifier="NOT"),
            row("V", "GO:0045944", extension="occurs_in(UniProtKB:accB)"),
            row("V", "GO:0045944", extension="has_input(UniProtKB:unknown)"),
        )
    )
    assert table.splitlines() == [
        "tf\ttarget\teffect\treferences",
        "T\tB\tboth\tPMID:1|PMID:2",
        "T\tC\tunknown\t",
        "U\tC\trepression\tPMID:1",
    ]


@pytest.mark.parametrize(
    ("term", "binds_dna", "effect"),
    [
        ("GO:0045944", False, "activation"),
        ("GO:0010628", False, None),
        ("GO:0010628", True, "activation"),
        ("GO:0010629", True, "repression"),
        ("GO:0006357", False, "unknown"),
        ("GO:0008150", True, None),
    ],
)
def test_wide_terms_count_for_regulators_that_bind_dna(term, binds_dna, effect):
    assert demo.effect_of(term, binds_dna=binds_dna) == effect


def test_rows_of_genes_keeps_the_header_and_whole_rows_in_order():
    header, kept, dropped = "!gaf-version: 2.1\n", row("B", "GO:1") + "\n", row("A", "GO:1") + "\n"
    assert demo.rows_of_genes(header + kept + dropped + kept, {"B"}) == header + kept + kept


def test_packed_bytes_depend_on_the_content_alone():
    assert demo.packed(b"abc") == demo.packed(b"abc")
    assert gzip.decompress(demo.packed(b"abc")) == b"abc"


def test_verdict_tells_equal_bytes_equal_content_and_different_files_apart():
    kept = demo.packed(b"abc")
    digest = hashlib.sha256(kept).hexdigest()
    other_header = gzip.compress(b"abc", mtime=5)
    assert demo.verdict(kept, digest, None) == "OK"
    assert demo.verdict(other_header, digest, kept) == "content OK (other gzip bytes)"
    assert demo.verdict(other_header, digest, None) == "DIFFERS"
    assert demo.verdict(other_header, digest, kept + b"x") == "DIFFERS"
    assert demo.verdict(demo.packed(b"abd"), digest, kept) == "DIFFERS"
    assert demo.verdict(b"abc", digest, kept) == "DIFFERS"


def test_checksums_are_read_from_the_list():
    digest = "0" * 64
    assert demo.checksums(f"text\n{digest}  a.gz\n{digest} not-two-spaces\n") == {"a.gz": digest}
