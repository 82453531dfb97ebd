"""The file: it holds all it needs, and nothing in it runs but what the policy names."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from keras_vnn import VNNError
from keras_vnn.pl import report_data, write_report

REPORT = files("keras_vnn.export.report")
LIBRARIES, OURS = (
    len([file for file in REPORT.joinpath(*folder).iterdir() if file.name.endswith(".js")])
    for folder in (("vendor",), ("page", "js"))
)


class Read(HTMLParser):
    """The elements of a page, as a browser would find them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.here = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.here = (tag, dict(attrs)) if tag in ("script", "style", "title") else None
        if self.here:
            self.texts.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        self.here = None

    def handle_data(self, data):
        if self.here:
            self.texts[-1][2] += data


@pytest.fixture(scope="module")
def values(model, comparison, hostile):
    return report_data(model, title=hostile[0], comparison=comparison)


@pytest.fixture(scope="module")
def page(model, comparison, hostile, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "a.html"
    return write_report(model, path, title=hostile[0], comparison=comparison).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(page):
    return Read(page)


def told(read):
    (text,) = [text for tag, attrs, text in read.texts if attrs.get("id") == "data"]
    return json.loads(text)


def test_hostile_names_come_back_as_they_were(read, values, hostile):
    ids = told(read)["nodes"]["id"]
    assert ids == values["nodes"]["id"]
    assert {hostile[0], hostile[1], hostile[3]} <= set(ids)
    names = next(iter(told(read)["nodes"]["names"].values()))
    assert names == list(hostile[4:])


def test_they_make_no_elements(read):
    tags = [tag for tag, _ in read.tags]
    assert "img" not in tags and "b" not in tags
    assert tags.count("script") == 2 + LIBRARIES + OURS
    assert [text for tag, _, text in read.texts if tag == "title"] == ["<img src=x onerror=alert(1)>"]


def test_the_policy_names_exactly_the_scripts_that_are_there(read):
    (policy,) = [attrs["content"] for tag, attrs in read.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    digests = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for tag, attrs, text in read.texts
        if tag in ("script", "style") and "type" not in attrs
    ]
    style, scripts = digests[0], digests[1:]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["script-src"].split() == scripts
    assert rules["style-src"] == style
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert "connect-src" not in rules
    assert rules["require-trusted-types-for"] == "'script'"


def test_nothing_is_loaded_and_nothing_runs_from_an_attribute(read):
    for tag, attrs in read.tags:
        assert "src" not in attrs, (tag, attrs)
        assert not any(name.startswith("on") or name == "style" for name in attrs), (tag, attrs)
    assert [attrs["href"] for tag, attrs in read.tags if "href" in attrs] == ["data:,", "#main"]
    style = next(text for tag, _, text in read.texts if tag == "style")
    assert "url(" not in style and "@import" not in style


def test_our_scripts_never_make_markup_of_text(read):
    ours = [text for tag, attrs, text in read.texts if tag == "script" and "type" not in attrs][LIBRARIES:]
    assert len(ours) == OURS
    for text in ours:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\.html\(|eval\(|new Function", text
        )


def test_the_licences_come_with_it(read):
    (text,) = [text for tag, attrs, text in read.texts if attrs.get("id") == "libraries"]
    listed = {one["name"]: one for one in json.loads(text)}
    assert listed.keys() == {"d3", "cytoscape"}
    assert "Permission to use, copy, modify" in listed["d3"]["text"]
    assert "Permission is hereby granted" in listed["cytoscape"]["text"]


def test_the_same_network_gives_the_same_bytes(page, model, comparison, hostile, tmp_path):
    again = write_report(model, tmp_path / "again.html", title=hostile[0], comparison=comparison)
    assert page == again.read_text(encoding="utf-8")


def test_json_inside_a_script_cannot_end_it(arch, tmp_path):
    title = "</script><!--&\u2028\u2029"
    read = Read(write_report(arch, tmp_path / "a.html", title=title).read_text(encoding="utf-8"))
    (text,) = [text for tag, attrs, text in read.texts if attrs.get("id") == "data"]
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text)["title"] == title


def test_an_existing_file_is_replaced_only_when_asked_to(arch, tmp_path):
    path = write_report(arch, tmp_path / "a.html")
    before = path.read_bytes()
    with pytest.raises(VNNError) as caught:
        write_report(arch, path)
    assert str(caught.value) == (f"The file exists already: {path}\nPass overwrite=True to replace it.")
    assert write_report(arch, path, title="Another", overwrite=True).read_bytes() != before
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]
