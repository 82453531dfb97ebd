"""OBO files: what is kept, what is set aside, and what is wrong with a broken one."""

import gzip
from pathlib import Path

import pytest
from goatools.obo_parser import GODag

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.readers import read_ontology, sniff_format

DATA = Path(__file__).parents[2] / "data"
MORE = Path(__file__).parents[3] / "shared" / "data" / "more"

# Real stanzas of go-basic 2021-12-15, shortened; one parent is not in the file, one is obsolete.
REPAIR = """\
format-version: 1.2
data-version: releases/2021-12-15
subsetdef: goslim_yeast "Yeast GO slim"
default-namespace: gene_ontology
remark: {remark}

[Term]
id: GO:0006281
name: DNA repair
namespace: biological_process
alt_id: GO:0006300
intersection_of: GO:0008152 ! metabolic process
is_a: GO:0006259 {{source="x"}} ! DNA metabolic process
relationship: part_of GO:0006974 ! cellular response to DNA damage stimulus

[Term]
id: GO:0006298
name: mismatch repair
namespace: biological_process
def: "A system for the correction of errors" [ISBN:0198506732, PMID:11687886]
synonym: "MutS/MutL/MutH pathway" RELATED []
is_a: GO:0006281 ! DNA repair
[Term]
id: GO:0006974
name: cellular response to DNA damage stimulus
namespace: biological_process
is_a: GO:0000005

[Term]
id: GO:0000005
name: obsolete ribosomal chaperone activity
namespace: molecular_function
is_obsolete: true
consider: GO:0042254

[Term]
id: GO:0006299
name: obsolete short patch mismatch repair system
namespace: biological_process
is_obsolete: true
replaced_by: GO:0006298

[Typedef]
id: part_of
name: part of
namespace: external
xref: BFO:0000050
is_transitive: true
"""


def write(tmp_path, text, name="tiny.obo"):
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["tiny.obo", "tiny.obo.gz", "tiny.txt"])
def test_stanzas_become_terms_and_edges(tmp_path, name, capfd):
    ontology = read_ontology(write(tmp_path, REPAIR.format(remark="-"), name))
    assert ontology.term_table().reset_index().values.tolist() == [
        ["GO:0006281", "DNA repair", "biological_process"],
        ["GO:0006298", "mismatch repair", "biological_process"],
        ["GO:0006974", "cellular response to DNA damage stimulus", "biological_process"],
    ]
    assert ontology.to_frame().values.tolist() == [
        ["GO:0006281", "GO:0006974", "part_of"],
        ["GO:0006298", "GO:0006281", "is_a"],
    ]
    assert dict(ontology.obsolete) == {"GO:0000005": "", "GO:0006299": "GO:0006298"}
    assert [ontology.current_id(id) for id in ("GO:0006300", "GO:0006299", "GO:0000005", "GO:1")] == [
        "GO:0006281",
        "GO:0006298",
        "",
        "",
    ]
    (source,) = ontology.sources
    assert (source.format, source.release, source.records) == ("OBO 1.2", "releases/2021-12-15", 5)
    assert str(ontology.audit).splitlines() == [
        "read   2 terms: obsolete, set aside (GO:0000005, GO:0006299)",
        "read   1 ontology edge: from or to an obsolete term, dropped (GO:0006974 → GO:0000005 (is_a))",
        "read   1 ontology edge: is_a a term that is not in the file, dropped (GO:0006281 → GO:0006259)",
    ]
    assert capfd.readouterr() == ("", "")


def test_a_header_line_of_many_kilobytes_and_no_version(tmp_path):
    path = write(tmp_path, REPAIR.format(remark="x" * 40_000).replace("data-version: releases/2021-12-15\n", ""))
    ontology = read_ontology(path)
    assert (len(ontology), ontology.sources[0].release) == (3, "")


def test_other_ontologies_have_no_namespaces_other_relations_and_letters_beyond_ascii(tmp_path):
    text = (
        "ontology: fypo\n\n[Term]\nid: FYPO:1\nname: cell, rod-shaped (β)\n\n[Term]\nid: FYPO:2\n"
        "name: elongated\nis_a: FYPO:1\nrelationship: output_of FYPO:1\n"
    )
    ontology = read_ontology(write(tmp_path, text))
    assert (ontology.names, ontology.namespaces) == (("cell, rod-shaped (β)", "elongated"), ("", ""))
    assert ontology.to_frame()["relation"].tolist() == ["is_a", "output_of"]
    assert ontology.find("Elongated") == "FYPO:2"
    with pytest.raises(ReadError) as error:
        ontology.selecting(namespaces=["biological_process"])
    assert str(error.value) == "The ontology has no namespace 'biological_process'; its terms have none."
    with pytest.raises(ReadError) as error:
        read_ontology(tmp_path / "tiny.obo", relations=["output_off"])
    assert str(error.value) == (
        "The ontology has no relation 'output_off'; it has is_a, output_of. Did you mean output_of?"
    )


BROKEN = {
    "no stanza": (
        "format-version: 1.2\n",
        "The file has no [Term] stanza: {path}\nIs it an OBO file?",
    ),
    "no id": (
        "format-version: 1.2\n\n[Term]\nname: DNA repair\n\n[Term]\nid: GO:1\n",
        "The [Term] stanza has no id: {path}:3\n    [Term]",
    ),
    "two ids": (
        "format-version: 1.2\n\n[Term]\nid: GO:1\nid: GO:2\n",
        "The stanza has a second id, the first [Term] is in line 3: {path}:5\n    id: GO:2",
    ),
    "half a relationship": (
        "format-version: 1.2\n\n[Term]\nid: GO:1\nrelationship: part_of\n",
        "The relationship line is incomplete: {path}:5\n    relationship: part_of",
    ),
    "an empty parent": (
        "format-version: 1.2\n\n[Term]\nid: GO:1\nis_a: \n",
        "The is_a line is incomplete: {path}:5\n    is_a: ",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_say_where(tmp_path, case):
    text, message = BROKEN[case]
    path = write(tmp_path, text)
    with pytest.raises(ReadError) as error:
        read_ontology(path)
    assert str(error.value) == message.format(path=path)


def test_a_damaged_download_and_what_is_no_ontology(tmp_path):
    path = tmp_path / "cut.obo.gz"
    path.write_bytes((DATA / "go-basic.obo.gz").read_bytes()[:200_000])
    with pytest.raises(ReadError, match=r"The gzip file .*cut\.obo\.gz is damaged or ends early"):
        read_ontology(path)
    table = write(tmp_path, "a\tb\tc\td\n1\t2\t3\t4\n", "table.tsv")
    with pytest.raises(ReadError) as error:
        read_ontology(table)
    assert str(error.value).splitlines()[:3] == [
        f"Cannot tell the format of the file with an ontology: {table}:1",
        "    a\tb\tc\td",
        "Name it with format=…:",
    ]
    with pytest.raises(ConfigError) as error:
        read_ontology(table, format="ob")
    assert str(error.value) == (
        "Unknown format 'ob' for an ontology. Did you mean obo?\n"
        "Expected one of: auto, obo, owl, obo-graph, reactome, dcell, cx2, gennet, kpnn, drugcell, edges."
    )


@pytest.fixture(scope="module")
def go():
    return read_ontology(DATA / "go-basic.obo.gz")


def test_the_gene_ontology_is_read_as_goatools_reads_it(go, tmp_path_factory):
    plain = tmp_path_factory.mktemp("obo") / "go-basic.obo"
    plain.write_bytes(gzip.decompress((DATA / "go-basic.obo.gz").read_bytes()))
    dag = GODag(str(plain), optional_attrs={"relationship"}, prt=None)
    terms = {term.item_id: term for term in dag.values()}
    assert set(go.ids) == set(terms)
    assert {id: (name, space) for id, name, space in zip(go.ids, go.names, go.namespaces, strict=True)} == {
        id: (term.name, term.namespace) for id, term in terms.items()
    }
    expected = {(id, parent.item_id, "is_a") for id, term in terms.items() for parent in term.parents}
    for id, term in terms.items():
        expected |= {(id, above.item_id, kind) for kind, found in term.relationship.items() for above in found}
    assert set(map(tuple, go.to_frame().values.tolist())) == expected
    assert dict(go.alternatives) == {id: term.item_id for id, term in dag.items() if id != term.item_id}


def test_what_the_release_of_2021_holds(go):
    assert (len(go), len(go.obsolete), len(go.alternatives)) == (43_789, 3_472, 3_368)
    assert sum(bool(id) for id in go.obsolete.values()) == 525
    # go-basic promises that no relation leads from one of its three ontologies to another; go.obo does not.
    space = dict(zip(go.ids, go.namespaces, strict=True))
    edges = go.to_frame()
    assert (edges["child"].map(space) == edges["parent"].map(space)).all()
    one = go.selecting(namespaces=["biological_process"], relations=["is_a"])
    roots = set(one.ids) - set(one.to_frame()["child"])
    assert {go.names[go.positions[id]] for id in roots} == {"biological_process"}


def test_a_slim_is_an_ontology_too():
    path = MORE / "goslim_generic.obo"
    if not path.exists():
        pytest.skip("goslim_generic.obo lies beside the project and is not there")
    slim = read_ontology(path)
    assert (len(slim), len(slim.edges)) == (149, 227)
    assert set(slim.namespaces) == {"biological_process", "cellular_component", "molecular_function"}


@pytest.mark.parametrize(
    "header",
    ["owl-axioms: Prefix(owl:=<http://www.w3.org/2002/07/owl#>)\\nOntology(<x>)", "remark: see www.w3.org/2002/07/owl"],
)
def test_an_obo_file_may_hold_owl_in_its_header(header, tmp_path):
    path = tmp_path / "hp.obo"
    path.write_text(f"format-version: 1.2\n{header}\n\n[Term]\nid: HP:1\nname: All\n\n[Term]\nid: HP:2\nis_a: HP:1\n")
    assert sniff_format(path) == "obo"
    assert read_ontology(path).ids == ("HP:1", "HP:2")
