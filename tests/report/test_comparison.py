"""Comparisons and searches: by value, by folder, and what is none."""

import json

import pytest

from keras_vnn import VNNError
from keras_vnn.pl import report_data


def test_a_folder_a_file_and_the_values_are_the_same(arch, comparison, tmp_path):
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps(comparison), encoding="utf-8")
    for given in (comparison, tmp_path, path, str(path)):
        assert report_data(arch, comparison=given)["comparison"] == comparison


def test_a_comparison_itself(arch, comparison):
    class Comparison:
        def to_json(self):
            return comparison

    assert report_data(arch, comparison=Comparison())["comparison"] == comparison
    assert report_data(arch)["comparison"] is None


def test_what_is_no_comparison_is_refused(arch, tmp_path):
    (tmp_path / "comparison.json").write_text('{"schema": "something else"}')
    with pytest.raises(VNNError) as caught:
        report_data(arch, comparison=tmp_path)
    assert str(caught.value) == (
        f"This is not a comparison: {tmp_path}\nMake one: vnn compare recipe.yaml -o comparison"
    )
    (tmp_path / "comparison.json").write_text("{")
    with pytest.raises(
        VNNError, match=r"The comparison is damaged: .*comparison\.json\n.*\nMake one: vnn compare recipe"
    ):
        report_data(arch, comparison=tmp_path)
    with pytest.raises(VNNError, match="comparison"):
        report_data(arch, comparison=tmp_path / "nowhere")


def test_a_search_is_taken_as_a_comparison_is(arch, search, tmp_path):
    (tmp_path / "tuning.json").write_text(json.dumps(search), encoding="utf-8")
    for given in (search, tmp_path, tmp_path / "tuning.json"):
        assert report_data(arch, search=given)["search"] == search
    (tmp_path / "tuning.json").write_text('{"schema": "keras-vnn comparison 1"}')
    with pytest.raises(VNNError) as caught:
        report_data(arch, search=tmp_path)
    assert str(caught.value) == (f"This is not a search: {tmp_path}\nMake one: vnn tune recipe.yaml -o tuned")
