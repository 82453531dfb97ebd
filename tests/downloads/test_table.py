"""The table of files is complete, and its names lead where they say."""

import re
from operator import attrgetter
from urllib.parse import urlsplit

import pytest

import keras_vnn.readers
from keras_vnn.basics.errors import ConfigError, FetchError
from keras_vnn.readers.downloads import file_names, remote_file, remote_files

FILES = remote_files()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_entry_is_complete(file):
    assert remote_file(file.name) == file
    assert all((file.what, file.release, file.file, file.licence, file.cite))
    assert urlsplit(file.terms).scheme == "https"
    assert re.fullmatch(r"10\.\d{4,9}/\S+", file.doi)
    assert bool(file.url) != bool(file.page and file.why)
    assert urlsplit(file.url or file.page).scheme == "https"
    assert "{" not in file.url + file.file and "/" not in file.file
    assert file.reader == "a table of names" or callable(attrgetter(file.reader)(keras_vnn))


def test_what_biologists_ask_for_is_there():
    names = {file.name for file in FILES}
    species = ["human", "mouse", "rat", "yeast", "fly", "worm", "zebrafish", "arabidopsis"]
    assert names >= {f"goa-{one}" for one in species} | {f"string-{one}" for one in species}
    assert names >= {"go-basic", "huri", "biogrid-human", "trrust-human", "collectri", "hgnc", "msigdb-hallmark"}
    assert file_names("reactome") == ("reactome-pathways", "reactome-uniprot")
    assert file_names("huri") == ("huri",)


def test_string_by_taxon_id_and_release():
    file = remote_file("string-559292", "11.5")
    assert file.url == ("https://stringdb-downloads.org/download/protein.links.v11.5/559292.protein.links.v11.5.txt.gz")
    assert (file.species, file.release, file.file) == ("taxon 559292", "11.5", "559292.protein.links.v11.5.txt.gz")


def test_a_dated_release():
    file = remote_file("goa-mouse", "2024-01-17")
    assert file.url == "https://release.geneontology.org/2024-01-17/annotations/mgi.gaf.gz"
    assert (
        remote_file("biogrid-yeast", "4.4.229").file
        == "BIOGRID-ORGANISM-Saccharomyces_cerevisiae_S288c-4.4.229.tab3.txt"
    )


ERRORS = {
    "unknown": (
        ("goa-humans", None),
        "There is no file 'goa-humans' to fetch. Did you mean goa-human or go-human or string-human?\n"
        "List them: vnn fetch --list",
    ),
    "no earlier release": (
        ("huri", "2019"),
        "huri is there as release 2020 only, got '2019'.\nLeave the release out.",
    ),
    "a group": (
        ("reactome", None),
        "reactome is 2 files. Fetch each: reactome-pathways, reactome-uniprot",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    arguments, expected = ERRORS[case]
    with pytest.raises(ConfigError) as error:
        remote_file(*arguments)
    assert str(error.value) == expected


def test_what_needs_registration_says_so(tmp_path):
    with pytest.raises(FetchError) as error:
        keras_vnn.read.fetch("msigdb-hallmark", folder=tmp_path)
    assert str(error.value) == (
        "msigdb-hallmark has to be fetched by hand: MSigDB asks its users to register before a download.\n"
        "    https://www.gsea-msigdb.org/gsea/msigdb/download_file.jsp\n"
        f"Save it as:\n    {tmp_path}/msigdb-hallmark/current/h.all.symbols.gmt\n"
        "Then go on: vnn fetch msigdb-hallmark"
    )
