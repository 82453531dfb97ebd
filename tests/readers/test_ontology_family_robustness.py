"""Whatever a file holds, a reader of this family either reads it or says what is wrong with it."""

import warnings
import zipfile

import pytest

from keras_vnn.basics.errors import ReadError, VNNError
from keras_vnn.readers import (
    formats_of,
    read_annotations,
    read_gene_sets,
    read_hierarchy,
    read_ontology,
)

CONTENTS = {
    "one word": b"GO:0006281",
    "comments": b"!gaf-version: 2.1\n!\n",
    "hash comment": b"#tax_id\tGeneID\n",
    "tabs": b"\t\t\t\n\t\t\t\n",
    "two columns": b"a\tb\nc\td\n",
    "three columns": b"a\tb\tdefault\n\nc\td\tgene\n",
    "ragged": b"a\tb\tc\nd\n\te\tf\tg\th\n",
    "many columns": b"\t".join(b"x%d" % i for i in range(17)) + b"\n",
    "quotes": b'"a\t"b\nc"\td"\n',
    "commas": b"parent,child\na,b\n,c\n",
    "topology": b"layer0_node,layer0_name,layer1_node,layer1_name\n0,a\n",
    "dcell": b"ROOT:\nGENES: a\nTERMS:\n",
    "obo": b"format-version: 1.2\n[Term]\nid: A\nname: x\nname: y\n",
    "json list": b"[1, 2]",
    "json aspects": b'[{"CXVersion": "2.0"}, {"nodes": [{"v": {}}]}]',
    "json aspect": b'[{"CXVersion": "2.0", "nodes": 3}]',
    "json object": b'{"a": {"b": []}, "c": [1]}',
    "json number": b'{"a": ["g", 3]}',
    "carriage returns": b"a\tb\r\nc\td\r\n",
    "utf-16": "a\tb\nc\td\n".encode("utf-16"),
    "latin-1": "gène\tGO:1\n".encode("latin-1"),
    "nul": b"a\tb\0\nc\td\n",
    "bell": b"a\x07b\tc\n",
}
READERS = {
    read_annotations: formats_of("annotations"),
    read_gene_sets: formats_of("gene-sets"),
    read_hierarchy: formats_of("hierarchy"),
    read_ontology: formats_of("ontology"),
}
CASES = [(reader, name) for reader, formats in READERS.items() for name in ("auto", *(f.name for f in formats))]


@pytest.mark.parametrize(("reader", "format"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_only_errors_meant_for_people(tmp_path, reader, format):
    for name, content in CONTENTS.items():
        path = tmp_path / f"{name}.txt"
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                assert reader(path, format=format) is not None
            except VNNError as error:
                assert str(error).strip(), name


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_files_of_another_kind(tmp_path, reader):
    book = tmp_path / "book.xlsx"
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    comments = tmp_path / "comments.txt"
    comments.write_text("!gaf-version: 2.1\n", encoding="utf-8")
    for path, message in (
        (
            book,
            f"The file is an Excel workbook: {book}\nOpen it and save the sheet as CSV UTF-8 or tab-delimited text.",
        ),
        (
            comments,
            f"The file has comment lines and no rows: {comments}\n    !gaf-version: 2.1\nIs the file truncated?",
        ),
        (tmp_path / "absent", f"No such file: {tmp_path / 'absent'}.\nAre the name and the folder right?"),
    ):
        with pytest.raises(ReadError) as error:
            reader(path)
        assert str(error.value) == message
