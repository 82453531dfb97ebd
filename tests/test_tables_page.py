"""docs/tables.md: each table is told, built and read as was counted by hand, and as the page says."""

import pytest

from tables_page import LISTED as TABLES
from tables_page import PAGE, agrees, at_hand, checked, page, result, row

LISTED = [table for tables in TABLES.values() for table in tables]
LINES = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        pytest.param(table, line, id=str(table), marks=pytest.mark.slow if "train" in table.taken else ())
        for table, line in zip(LISTED, [line for line in LINES if not line.startswith("| file |")], strict=True)
    ],
)
def test_a_table_is_what_it_was_counted_to_be(table, line):
    if table.needs:
        pytest.importorskip(table.needs)
    with at_hand(table):
        family, said = checked(table)
        found = {how: result(table, how) for how in table.taken}
    assert family == table.family, said
    for how, counted in table.taken.items():
        assert agrees(found[how], counted), how
    assert line == row(table, said, found), "write the page again: python tools/tables_page.py"


def test_the_page_has_the_lines_of_the_list_and_no_others():
    lines = [line for line in LINES if not line.startswith("| file |")]
    assert PAGE.read_text(encoding="utf-8") == page(dict(zip(LISTED, lines, strict=True)))
