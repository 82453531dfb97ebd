import hashlib
import json

import pytest

from keras_vnn.basics.provenance import ITEM_LIMIT, Audit, AuditEntry, Source


def test_source_of_a_file(tmp_path):
    path = tmp_path / "ppi.tsv"
    path.write_text("A\tB\n")
    source = Source.of_file(path, "two columns", records=1, release="2019-01")
    assert source == Source("ppi.tsv", "two columns", hashlib.sha256(b"A\tB\n").hexdigest(), "2019-01", 1)
    assert Source(**json.loads(json.dumps(source.to_json()))) == source


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (AuditEntry("read", "row", "malformed", 1), "1 row: malformed"),
        (AuditEntry("read", "row", "malformed", 1234), "1,234 rows: malformed"),
        (AuditEntry.of("wire", "gene", "not connected", ["B", "A"]), "2 genes: not connected (A, B)"),
        (AuditEntry.of("wire", "gene", "lost", list("DCBA")), "4 genes: lost (A, B, C and 1 more)"),
        (AuditEntry.of("read", "property", "dropped", ["x", "y"]), "2 properties: dropped (x, y)"),
        # Names of some only: not shown, they might be taken for all.
        (AuditEntry.of("read", "interaction", "a gene with itself", ["A"], 3), "3 interactions: a gene with itself"),
    ],
)
def test_an_entry_in_words(entry, text):
    assert str(entry) == text


def test_long_lists_of_names_are_cut_but_counted():
    entry = AuditEntry.of("wire", "gene", "lost", (f"G{i:05d}" for i in range(ITEM_LIMIT + 5)))
    assert (entry.count, len(entry.items), entry.items[-1]) == (ITEM_LIMIT + 5, ITEM_LIMIT, f"G{ITEM_LIMIT - 1:05d}")


@pytest.fixture
def audit():
    return Audit.of(
        AuditEntry.of("read", "gene", "repeated name", ["B"]),
        AuditEntry("read", "row", "malformed", 0),
        AuditEntry.of("wire", "gene", "not connected", ["D", "C"]),
    )


def test_entries_that_count_nothing_are_left_out(audit):
    assert len(audit) == 2
    assert [entry.stage for entry in audit] == ["read", "wire"]


def test_an_audit_in_words(audit):
    assert str(audit) == "read   1 gene: repeated name (B)\nwire   2 genes: not connected (C, D)"
    assert str(Audit()) == "nothing was dropped or changed"


def test_counts_and_names_by_subject_and_reason(audit):
    assert audit.count("gene") == 3
    assert audit.count("gene", "not conn") == 2
    assert audit.count("row") == 0
    assert audit.items("gene") == ("B", "C", "D")
    assert audit.items("gene", "repeated") == ("B",)


def test_sum_keeps_the_order(audit):
    other = Audit.of(AuditEntry("match", "row", "x", 2))
    assert [entry.stage for entry in audit + other] == ["read", "wire", "match"]
    assert audit + Audit() == audit == Audit() + audit


def test_json_round_trip(audit):
    assert Audit.from_json(json.loads(json.dumps(audit.to_json()))) == audit


def test_what_happened_twice_for_one_reason_is_said_once():
    one = Audit.of(AuditEntry.of("read", "gene", "repeated", ["B"]), AuditEntry("read", "row", "malformed", 2))
    other = Audit.of(AuditEntry.of("read", "gene", "repeated", ["A"]), AuditEntry("match", "gene", "repeated", 3))
    assert [str(entry) for entry in one + other] == [
        "2 genes: repeated (A, B)",
        "2 rows: malformed",
        "3 genes: repeated",
    ]
    assert (one + other).count("gene") == one.count("gene") + other.count("gene")
