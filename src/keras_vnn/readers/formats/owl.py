"""Ontologies in OWL (RDF/XML) and as OBO graphs (JSON): the other two forms in which the OBO Foundry publishes them.

In: a file. Out: an `Ontology` with every relation. pronto reads them, where it is installed, and writes them as OBO;
what is made of that, obsolete terms and dangling parents included, is said once, in `obo`.

### OWL
`read.ontology`, where pronto is installed (`pip install 'keras-vnn[owl]'`): RDF/XML as the OBO Foundry has it. Imports
are not followed.

### OBO graph
`read.ontology`, where pronto is installed: JSON, also by its bare relations (`BFO:0000050` is `part_of`).

```text go-graph.json
{"graphs": [{"id": "http://purl.obolibrary.org/obo/go.json",
 "nodes": [
  {"id": "http://purl.obolibrary.org/obo/GO_0008150", "lbl": "biological_process", "type": "CLASS"},
  {"id": "http://purl.obolibrary.org/obo/GO_0006281", "lbl": "DNA repair", "type": "CLASS"},
  {"id": "http://purl.obolibrary.org/obo/BFO_0000050", "lbl": "part of", "type": "PROPERTY"}],
 "edges": [
  {"sub": "http://purl.obolibrary.org/obo/GO_0006281", "pred": "http://purl.obolibrary.org/obo/BFO_0000050",
   "obj": "http://purl.obolibrary.org/obo/GO_0008150"}]}]}
```
"""

from __future__ import annotations

import io
import re
import warnings
from functools import partial

from keras_vnn.basics.errors import ReadError
from keras_vnn.priors import Ontology
from keras_vnn.readers.formats import Format
from keras_vnn.readers.formats.obo import ontology_of
from keras_vnn.readers.tabular import Options
from keras_vnn.readers.text import Preview, open_text

_RELATIONSHIP = re.compile(r"(relationship: )(\S+:\S+)(?= )")


def read_owl(start: Preview, _: Options, *, language: str = "OWL") -> Ontology:
    """Read an ontology in OWL, or in another language that pronto knows.

    Raises
    ------
    ReadError
        pronto is not installed, it cannot read the file, or there is no term.
    """
    try:
        import pronto
    except ImportError as error:
        raise ReadError(
            f"The file is an ontology that pronto reads, which is not installed: {start.path}\n"
            "Install it: pip install 'keras-vnn[owl]'; or download the .obo file of the ontology."
        ) from error
    try:
        with open_text(start.path) as lines, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of synonyms and annotations that OBO has no place for
            ontology = pronto.Ontology(io.BytesIO(lines.read().encode()), import_depth=0)
            text = io.BytesIO()
            ontology.dump(text, format="obo")
    except (ReadError, KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # its parsers raise whatever they like, panics of Rust among it
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ReadError(
            f"pronto cannot read the ontology: {start.path}\n    {reason}\n"
            "Is it RDF/XML, or a whole OBO graph? Download it again, or take its .obo file."
        ) from error
    called = {one.id: str(one.name or one.id).replace(" ", "_") for one in ontology.relationships()}
    written = text.getvalue().decode().splitlines(keepends=True)
    stanzas = (_RELATIONSHIP.sub(lambda found: found[1] + called.get(found[2], found[2]), line) for line in written)
    return ontology_of(stanzas, start.path, language)


def _is_owl(start: Preview) -> bool:
    return any("rdf:RDF" in text for text in start.top[:40])


def _is_obo_graph(start: Preview) -> bool:
    top = "".join(start.texts[:10]).replace(" ", "")
    return top.startswith("{") and '"graphs":[' in top


OWL = Format("owl", "an ontology in OWL (RDF/XML)", "ontology", _is_owl, read_owl, page=__doc__)
OBO_GRAPH = Format(
    "obo-graph",
    "an ontology as OBO graph (JSON)",
    "ontology",
    _is_obo_graph,
    partial(read_owl, language="OBO graph"),
    page=None,
)
