"""The model card: its front matter, its warnings, and what it says of where a model comes from."""

import numpy as np
import pandas as pd
import pytest
import yaml

from keras_vnn.export import export_summary


def front_matter(card):
    _, matter, rest = card.split("---\n", 2)
    return yaml.safe_load(matter), rest


def test_a_card_of_a_model(model, arch, ranking):
    matter, page = front_matter(export_summary(model, "card", ranking=ranking))
    assert matter["library_name"] == "keras" and matter["pipeline_tag"] == "tabular-classification"
    assert "A visible neural network of 4 genes and 3 named hidden nodes in 2 layers" in page
    assert "Classes it predicts: control, T." in page
    assert "| sets.gmt | GMT | 2024-01 | 3 | 0000000000000000 |" in page
    assert "None was recorded with the model." in page
    assert "## What it is not for\n\n- Evidence is of the cells" in page
    assert f"`{arch.fingerprint}`" in page
    assert "<img" not in page.replace("\\<img", "")


@pytest.fixture(scope="module")
def trained(arch):
    from keras_vnn.data import labels_of
    from keras_vnn.options import training_options
    from keras_vnn.training import train

    random = np.random.default_rng(0)
    data = pd.DataFrame(random.normal(size=(60, 4)), columns=list(arch.genes), index=[f"c{i}" for i in range(60)])
    labels = labels_of(pd.DataFrame({"type": ["a", "b"] * 30}, index=data.index), "type")
    return train(arch, data, labels, training=training_options(epochs=1, normalization="none"))


def test_a_trained_model_tells_its_scores(trained):
    _, page = front_matter(export_summary(trained.model, "card"))
    assert f"| accuracy | {trained.metrics.accuracy:.4g} |" in page
    assert "| training options seed | 0 |" in page


def test_a_card_of_an_architecture(arch, tmp_path):
    path = export_summary(arch, path=tmp_path / "x.card.md")
    matter, page = front_matter(path.read_text("utf-8"))
    assert "pipeline_tag" not in matter and 'vnn.read.architecture("architecture.vnn")' in page
    assert "## How it was trained" not in page
