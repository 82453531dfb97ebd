"""The one reader of rows: the same in pieces as at once."""

import pytest

from keras_vnn.read import interactions as read_interactions
from keras_vnn.read import ontology as read_ontology
from keras_vnn.readers.tabular import joined, pieces

TEXT = "0007\t1\n\n# a comment\n7157 \t2\n7157\t3\textra\n\t4\n1e3\t5\n!x\t6\nTrue\t7"


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_names_and_lines_in_pieces_of_any_size(rows, tmp_path):
    path = tmp_path / "rows.tsv"
    path.write_text(TEXT)
    frame = joined(pieces(path, {0, 1}, width=2, rows=rows))
    assert frame[0].tolist() == ["0007", "7157", "7157", "", "1e3", "True"]
    assert frame[1].tolist() == ["1", "2", "3", "4", "5", "7"]
    assert frame[2].tolist() == ["", "", "extra", "", "", ""]
    assert frame.index.tolist() == [1, 4, 5, 6, 7, 9]


def test_a_line_of_blanks_is_blank_and_blanks_around_a_field_are_not_its_own(tmp_path):
    path = tmp_path / "edges.tsv"
    path.write_text("gene_a\tgene_b\nTP53 \t MDM2\n \t \nATM\tTP53\n")
    found = read_interactions(path)
    assert found.genes == ("ATM", "MDM2", "TP53")
    assert found.line.tolist() == [4, 2]


def test_comments_of_either_mark_are_left_out_of_any_format(tmp_path):
    path = tmp_path / "relations.txt"
    path.write_text("! exported\nR-HSA-1\tR-HSA-2\n# more\n!more\nR-HSA-1\tR-HSA-3\n")
    assert read_ontology(path).ids == ("R-HSA-1", "R-HSA-2", "R-HSA-3")


def test_the_header_is_as_the_user_says(tmp_path):
    path = tmp_path / "hippie.txt"
    rows = ["AL1A1_HUMAN\t216\tITA7_HUMAN\t3679\t0.76\t-", "ACHA_HUMAN\t1134\tNEB1_HUMAN\t55607\t0.73\t-"]
    path.write_text("\n".join(rows) + "\n")
    assert len(read_interactions(path)) == 2
    assert len(read_interactions(path, header=True)) == 1


def test_a_piece_of_comments_alone(tmp_path):
    path = tmp_path / "rows.tsv"
    path.write_text("# a \tb \n# c \td\nTP53 \tMDM2\nATM\tTP53\n!x\n!y\n")
    assert joined(pieces(path, {0, 1}, width=2, rows=2)).to_dict("list") == {
        0: ["TP53", "ATM"],
        1: ["MDM2", "TP53"],
        2: ["", ""],
    }
