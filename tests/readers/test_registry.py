"""The registry of formats: what is declared once is chosen, told, checked, refused, and in the help and on the page."""

from functools import partial

import pytest

import keras_vnn as vnn
from formats_page import page
from keras_vnn import readers
from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.cli import main
from keras_vnn.readers import registry
from keras_vnn.readers.formats import Format
from keras_vnn.readers.formats.interactions import INTERACTION_ROLES
from keras_vnn.readers.layout import Columns
from keras_vnn.readers.pairs import read_pairs
from keras_vnn.recipes.checking import check_file

# Two names around an arrow.
ARROWS = Format(
    "arrows",
    "pairs with arrows",
    "interactions",
    sniff=lambda start: all(" <-> " in text for text in start.texts),
    read=partial(read_pairs, roles=INTERACTION_ROLES, columns=lambda layout: Columns(0, 2), delimiter=" "),
    page="A module.\n\n### Arrows\n`read.interactions`\n\n```text arrows.txt\nTP53 <-> MDM2\n```\n",
)


@pytest.fixture
def with_arrows(monkeypatch):
    monkeypatch.setattr(registry, "SURE", (*registry.SURE, ARROWS))
    monkeypatch.setattr(registry, "FORMATS", (*registry.SURE, *registry.LIKELY, *registry.POSSIBLE))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "arrows.txt"
    path.write_text("TP53 <-> MDM2\nBRCA1 <-> BARD1\n")
    return path


def test_a_format_that_is_declared_is_read_told_and_checked(with_arrows, file):
    assert vnn.read.interactions(file).genes == ("BARD1", "BRCA1", "MDM2", "TP53")
    assert vnn.read.interactions(file, format="arrows").genes == ("BARD1", "BRCA1", "MDM2", "TP53")
    assert registry.sniff_format(file) == "arrows"
    assert (check_file(file).family, check_file(file).records) == ("interactions", 2)


def test_readers_of_other_families_refuse_it_by_name(with_arrows, file):
    for reader in (vnn.read.regulation, vnn.read.annotations, vnn.read.gene_sets, vnn.read.genes):
        with pytest.raises(ReadError) as error:
            reader(file)
        first, *lines = str(error.value).splitlines()
        assert first.startswith("The file is pairs with arrows, not ")
        assert lines == ["    TP53 <-> MDM2", "    BRCA1 <-> BARD1", "Read it with vnn.read.interactions."]


def test_an_option_it_does_not_take_is_refused(with_arrows, file):
    with pytest.raises(ConfigError) as error:
        vnn.read.interactions(file, id="entrez")
    assert str(error.value) == (
        "id applies to the format 'graphml' or 'xgmml' or 'gml' or 'cx2' or 'graph-json' or 'adjlist' or 'edgelist' or "
        f"'biogrid' or 'mitab' or 'hippie' or 'omnipath'; {file} is read as 'arrows'.\n"
        "Leave out id, or name the format."
    )


def test_types_of_interactions_are_refused_where_a_format_has_none(tmp_path):
    path = tmp_path / "edges.tsv"
    path.write_text("gene_a\tgene_b\nTP53\tMDM2\n")
    with pytest.raises(ConfigError) as error:
        vnn.read.interactions(path, sif_types=["physical"])
    assert str(error.value) == (
        "sif_types applies to the format 'graphml' or 'xgmml' or 'gml' or 'cx2' or 'graph-json' or 'adjlist' or "
        "'edgelist' or 'string-actions' or 'biogrid' or 'mitab' or 'cytoscape' or 'sif'; "
        f"{path} is read as 'table'.\nLeave out sif_types, or name the format."
    )


def test_help_and_page_name_it(with_arrows, capsys):
    with pytest.raises(SystemExit):
        main(["build", "--help"])
    assert "pairs with arrows" in " ".join(capsys.readouterr().out.replace("│", " ").split())
    section = "\n\n### Arrows\n`read.interactions`\n\n```text arrows.txt\nTP53 <-> MDM2\n```\n\n"
    assert section in page("<!-- formats: interactions -->\n<!-- end -->")


def test_without_the_declaration_nothing_knows_it(file):
    with pytest.raises(ConfigError, match=r"^Unknown format 'arrows' for interactions\.\nExpected one of: auto, "):
        vnn.read.interactions(file, format="arrows")


def test_docstrings_list_the_formats():
    for family in registry.FAMILIES.values():
        for format in registry.formats_of(family.name):
            assert f"``{format.name}`` ({format.title})" in getattr(readers, family.reader).__doc__


FUNCTIONS = {
    "interactions": (vnn.read.interactions, "A\tB\t1\nB\tC\t2\n"),
    "regulation": (vnn.read.regulation, "A\tB\t1\nB\tC\t2\n"),
    "ontology": (vnn.read.ontology, "A\tB\nB\tC\n"),
    "annotations": (vnn.read.annotations, "A\tGO:0000001\nB\tGO:0000002\n"),
    "identifiers": (vnn.read.identifier_map, "A\tB\nB\tC\n"),
}
NO_COLUMNS = [(-1, 0), (0, 1), (1, 99), (1, 1.5), (1, None), (True, 2), ("nowhere", 1), (), "ab", 5, -1]


@pytest.mark.parametrize("columns", NO_COLUMNS, ids=str)
@pytest.mark.parametrize("family", FUNCTIONS)
def test_columns_that_are_none_are_an_error_with_a_remedy(tmp_path, family, columns):
    read, text = FUNCTIONS[family]
    path = tmp_path / "table.tsv"
    path.write_text(text)
    with pytest.raises((ConfigError, ReadError)) as error:
        read(path, columns=columns)
    said, *remedy = str(error.value).split("\n")
    assert (str(path) in said or repr(columns) in said or repr(columns[1]) in said or "got True" in said) and remedy


@pytest.mark.parametrize(
    ("read", "options", "said"),
    [
        (vnn.read.annotations, {"format": "gmt", "columns": (-1, 0)}, "columns applies to the format 'gene-term'; "),
        (vnn.read.annotations, {"format": "gaf", "columns": (1, 2)}, "columns applies to the format 'gene-term'; "),
        (vnn.read.ontology, {"format": "obo", "columns": (1, 2)}, "columns applies to the format 'edges'; "),
        (vnn.read.ontology, {"format": "obo", "species": "HSA"}, "species applies to the format 'reactome'; "),
        (vnn.read.identifier_map, {"format": "aliases", "columns": (1, 2)}, "columns applies to the format 'table'; "),
        (
            vnn.read.interactions,
            {"format": "sif", "columns": (1, 2)},
            "columns applies to the format 'string' or 'table'; ",
        ),
        (
            vnn.read.regulation,
            {"format": "matrix", "sif_types": ("x",)},
            "sif_types applies to the format 'graphml' or ",
        ),
    ],
)
def test_an_option_of_another_format_is_an_error_with_a_remedy(tmp_path, read, options, said):
    path = tmp_path / "table.tsv"
    path.write_text("A\tB\t1\nB\tC\t2\n")
    with pytest.raises(ConfigError) as error:
        read(path, **options)
    name = next(one for one in options if one != "format")
    read_as = f"{path} is read as {options['format']!r}."
    text = str(error.value)
    assert text.startswith(said) and text.endswith(f"; {read_as}\nLeave out {name}, or name the format.")
