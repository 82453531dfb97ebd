"""OWL and OBO graphs give the same ontology as OBO; what they hold beyond it does no harm."""

import json
import sys

import pytest

from keras_vnn.basics.errors import ReadError
from keras_vnn.readers import read_ontology, sniff_format

OBO = "http://purl.obolibrary.org/obo/"

AS_OBO = """\
format-version: 1.2

[Term]
id: GO:0008150
name: biological_process
namespace: biological_process

[Term]
id: GO:0006281
name: DNA repair
namespace: biological_process
alt_id: GO:0099999
is_a: GO:0008150
relationship: part_of GO:0008150
relationship: regulates CHEBI:1

[Term]
id: GO:0000001
name: gone
namespace: biological_process
is_obsolete: true
"""

AS_OWL = f"""\
<?xml version="1.0"?>
<rdf:RDF xmlns="{OBO}go.owl#" xml:base="{OBO}go.owl" xmlns:owl="http://www.w3.org/2002/07/owl#"
     xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#"
     xmlns:oboInOwl="http://www.geneontology.org/formats/oboInOwl#" xmlns:obo="{OBO}">
  <owl:Ontology rdf:about="{OBO}go.owl"><owl:imports rdf:resource="file:///no/such/file.owl"/></owl:Ontology>
  <owl:ObjectProperty rdf:about="{OBO}BFO_0000050"><rdfs:label>part of</rdfs:label></owl:ObjectProperty>
  <owl:ObjectProperty rdf:about="{OBO}RO_0002211"><rdfs:label>regulates</rdfs:label></owl:ObjectProperty>
  <owl:Class rdf:about="{OBO}GO_0008150">
    <rdfs:label>biological_process</rdfs:label><oboInOwl:id>GO:0008150</oboInOwl:id>
    <oboInOwl:hasOBONamespace>biological_process</oboInOwl:hasOBONamespace>
  </owl:Class>
  <owl:Class rdf:about="{OBO}GO_0006281">
    <rdfs:label>DNA repair</rdfs:label><oboInOwl:id>GO:0006281</oboInOwl:id>
    <oboInOwl:hasOBONamespace>biological_process</oboInOwl:hasOBONamespace>
    <oboInOwl:hasAlternativeId>GO:0099999</oboInOwl:hasAlternativeId>
    <rdfs:subClassOf rdf:resource="{OBO}GO_0008150"/>
    <rdfs:subClassOf><owl:Restriction><owl:onProperty rdf:resource="{OBO}BFO_0000050"/>
      <owl:someValuesFrom rdf:resource="{OBO}GO_0008150"/></owl:Restriction></rdfs:subClassOf>
    <rdfs:subClassOf><owl:Restriction><owl:onProperty rdf:resource="{OBO}RO_0002211"/>
      <owl:someValuesFrom rdf:resource="{OBO}CHEBI_1"/></owl:Restriction></rdfs:subClassOf>
  </owl:Class>
  <owl:Class rdf:about="{OBO}GO_0000001">
    <rdfs:label>gone</rdfs:label><oboInOwl:id>GO:0000001</oboInOwl:id>
    <oboInOwl:hasOBONamespace>biological_process</oboInOwl:hasOBONamespace>
    <owl:deprecated rdf:datatype="http://www.w3.org/2001/XMLSchema#boolean">true</owl:deprecated>
  </owl:Class>
</rdf:RDF>
"""


def as_graph():
    """The same as an OBO graph."""
    namespace = {"pred": "http://www.geneontology.org/formats/oboInOwl#hasOBONamespace", "val": "biological_process"}
    other = {"pred": "http://www.geneontology.org/formats/oboInOwl#hasAlternativeId", "val": "GO:0099999"}
    meta = {"basicPropertyValues": [namespace]}
    repair = f"{OBO}GO_0006281"
    nodes = [
        {"id": f"{OBO}GO_0008150", "lbl": "biological_process", "type": "CLASS", "meta": meta},
        {"id": repair, "lbl": "DNA repair", "type": "CLASS", "meta": {"basicPropertyValues": [namespace, other]}},
        {"id": f"{OBO}GO_0000001", "lbl": "gone", "type": "CLASS", "meta": {**meta, "deprecated": True}},
        {"id": f"{OBO}BFO_0000050", "lbl": "part of", "type": "PROPERTY"},
        {"id": f"{OBO}RO_0002211", "lbl": "regulates", "type": "PROPERTY"},
    ]
    edges = [
        {"sub": repair, "pred": "is_a", "obj": f"{OBO}GO_0008150"},
        {"sub": repair, "pred": f"{OBO}BFO_0000050", "obj": f"{OBO}GO_0008150"},
        {"sub": repair, "pred": f"{OBO}RO_0002211", "obj": f"{OBO}CHEBI_1"},
    ]
    return json.dumps({"graphs": [{"id": f"{OBO}go.json", "nodes": nodes, "edges": edges}]})


@pytest.mark.parametrize(("name", "format"), [("go.owl", "owl"), ("go.json", "obo-graph")])
def test_the_ontology_is_that_of_the_obo_file(tmp_path, name, format):
    (tmp_path / "go.obo").write_text(AS_OBO)
    path = tmp_path / name
    path.write_text(AS_OWL if name.endswith("owl") else as_graph())
    assert sniff_format(path) == format
    found, expected = read_ontology(path), read_ontology(tmp_path / "go.obo")
    assert found.term_table().equals(expected.term_table())
    assert found.to_frame().equals(expected.to_frame())
    assert set(found.to_frame()["relation"]) == {"is_a", "part_of"}
    assert found.alternatives == expected.alternatives == {"GO:0099999": "GO:0006281"}
    assert found.obsolete == expected.obsolete
    assert str(found.audit) == str(expected.audit)
    assert "regulates a term that is not in the file" in str(found.audit)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.owl", AS_OWL[:900]),
        ("empty.owl", AS_OWL[: AS_OWL.index("<owl:Class")] + "</rdf:RDF>"),
        ("laughs.owl", '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]>\n' + AS_OWL.replace("gone", "&e;")),
        ("cut.json", as_graph()[:200]),
        ("strange.json", '{"graphs":[{"nodes":[1,2]}]}'),
        ("none.json", '{"graphs":[]}'),
    ],
)
def test_what_pronto_cannot_read_is_said_with_the_file(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ReadError, match=name):
        read_ontology(path)


def test_without_pronto_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pronto", None)
    path = tmp_path / "go.owl"
    path.write_text(AS_OWL)
    with pytest.raises(ReadError, match=r"pip install 'keras-vnn\[owl\]'"):
        read_ontology(path)


def test_other_syntaxes_of_owl_are_told(tmp_path):
    path = tmp_path / "go.ofn"
    path.write_text("Prefix(owl:=<http://www.w3.org/2002/07/owl#>)\nOntology(<http://x>\n)\n")
    with pytest.raises(ReadError, match="robot convert"):
        read_ontology(path)
