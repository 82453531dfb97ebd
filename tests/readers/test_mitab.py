"""PSI-MITAB in every width a release has had: 2.5 of 15 columns, 2.6 of 36, 2.7 of 42, 2.8 of 46."""

from __future__ import annotations

from time import process_time

import pytest

from keras_vnn.basics.errors import ReadError
from keras_vnn.read import interactions as read_interactions

HEADER = [
    *("#ID(s) interactor A", "ID(s) interactor B", "Alt. ID(s) interactor A", "Alt. ID(s) interactor B"),
    *("Alias(es) interactor A", "Alias(es) interactor B", "Interaction detection method(s)"),
    *("Publication 1st author(s)", "Publication Identifier(s)", "Taxid interactor A", "Taxid interactor B"),
    *("Interaction type(s)", "Source database(s)", "Interaction identifier(s)", "Confidence value(s)"),
]
RELEASES = {15: "2.5", 36: "2.6", 42: "2.7", 46: "2.8"}
NEGATIVE = 35  # Column 36 of 2.6 and later, counted from 0.


def pairs(found):
    frame = found.to_frame()
    return sorted(zip(frame.iloc[:, 0], frame.iloc[:, 1], strict=True))


def row(first, second, score, width, *, negative="false", accessions=("P04637", "Q00987")):
    fields = [
        *(f"uniprotkb:{accession}" for accession in accessions),
        *("intact:EBI-1", "intact:EBI-2"),
        *(f"uniprotkb:{name}(gene name)|psi-mi:{name.lower()}_human(display_long)" for name in (first, second)),
        *('psi-mi:"MI:0018"(two hybrid)', "Author (2020)", "pubmed:1", "taxid:9606(human)", "taxid:9606(human)"),
        *('psi-mi:"MI:0915"(physical association)', 'psi-mi:"MI:0469"(IntAct)', "intact:EBI-3"),
        f"intact-miscore:{score}",
    ]
    fields += ["-"] * (width - len(fields))
    if width > NEGATIVE:
        fields[NEGATIVE] = negative
    return "\t".join(fields)


def written(path, rows, width, *, header=True):
    titles = "\t".join([*HEADER, *(f"column {n}" for n in range(16, width + 1))])
    path.write_text("\n".join([*([titles] if header else []), *rows]) + "\n")
    return path


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(("width", "release"), RELEASES.items())
def test_every_release(width, release, header, tmp_path):
    rows = [row("TP53", "MDM2", 0.9, width), row("ATM", "TP53", 0.4, width, accessions=("Q13315", "P04637"))]
    path = written(tmp_path / "intact.txt", rows, width, header=header)
    found = read_interactions(path)
    assert pairs(found) == [("ATM", "TP53"), ("MDM2", "TP53")]
    assert found.sources[0].format == f"PSI-MITAB {release}, gene symbol"
    assert pairs(read_interactions(path, min_score=0.5)) == [("MDM2", "TP53")]
    by_accession = read_interactions(path, id="accession")
    assert pairs(by_accession) == [("P04637", "Q00987"), ("P04637", "Q13315")]


@pytest.mark.parametrize("width", [36, 42, 46])
def test_rows_that_say_they_do_not_interact_are_left_out(width, tmp_path):
    rows = [row("TP53", "MDM2", 0.9, width), row("TP53", "ALB", 0.9, width, negative="true")]
    found = read_interactions(written(tmp_path / "intact.txt", rows, width))
    assert pairs(found) == [("MDM2", "TP53")]
    assert "negative" in str(found.audit)


def test_a_row_cut_short_is_named(tmp_path):
    short = "\t".join(row("TP53", "MDM2", 0.9, 42).split("\t")[:9])
    path = written(tmp_path / "intact.txt", [row("TP53", "MDM2", 0.9, 42)] * 20 + [short], 42)
    with pytest.raises(ReadError, match="9") as error:
        read_interactions(path)
    assert f"{path}:22" in str(error.value)


def test_a_long_field_without_an_entry_takes_no_longer_than_its_length(tmp_path):
    # Tried at every letter, a field of 100,000 takes ten seconds and one of 400,000 minutes.
    rows = [row("TP53", "MDM2", 0.9, 15), row("ATM", "TP53", 0.9, 15).replace('psi-mi:"MI:0915"', "A" * 400_000)]
    started = process_time()
    assert pairs(read_interactions(written(tmp_path / "intact.txt", rows, 15))) == [("ATM", "TP53"), ("MDM2", "TP53")]
    assert process_time() - started < 5


def test_a_file_of_malformed_rows_is_refused_at_the_first(tmp_path):
    path = written(tmp_path / "intact.txt", [row("TP53", "MDM2", 0.9, 15), *["A\tB"] * 3_000_000], 15)
    started = process_time()
    with pytest.raises(ReadError, match=r"has 2 columns, expected 15: .*intact.txt:3"):
        read_interactions(path)
    assert process_time() - started < 5
