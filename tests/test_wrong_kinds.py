"""What is said of arguments of the wrong kind: a path for data, a result for a table, two in the wrong order."""

import anndata
import numpy as np
import pandas as pd
import pytest

import keras_vnn as vnn
from keras_vnn.basics.errors import ConfigError, DataError, GeneError, ModelError, OutputError, VNNError

GENES = [f"G{i}" for i in range(6)]
ARCH = vnn.wire.gene_sets(GENES, {"left": GENES[:3], "right": GENES[3:]})
LOOK = "Look at the order: vnn.train(arch, data, labels), vnn.tl.predict(model, data)."
READ = "Read a saved one: vnn.read.architecture(path). Wire one: vnn.wire.interactions(genes, interactions)."
OPEN = "Open a file: vnn.load_model(path). Train one: vnn.train(arch, data, labels)."
CELLS = anndata.AnnData(
    np.random.default_rng(0).normal(size=(30, 6)).astype("float32"),
    obs=pd.DataFrame({"kind": ["a", "b"] * 15}, index=[f"c{i}" for i in range(30)]),
    var=pd.DataFrame(index=GENES),
)


@pytest.fixture(scope="module")
def result():
    return vnn.train(ARCH, CELLS, "kind", epochs=1, normalization="none", progress=False)


NEEDS_NO_RESULT = {
    "data before the architecture": (
        lambda: vnn.train(CELLS, ARCH, "kind"),
        "Expected an Architecture, got AnnData.\nThe architecture comes before the data: vnn.train(arch, data, labels)",
    ),
    "a number of cells for labels": (
        lambda: vnn.pp.split_cells(400, seed=0),
        "Expected Labels, Targets, the name of a column or a label per cell, got int.\n"
        "Classes: vnn.pp.labels_of(data, column). Numbers to predict: vnn.pp.targets_of(data, columns).",
    ),
    "a column without its table": (
        lambda: vnn.pp.split_cells("kind", seed=0),
        "Expected Labels, Targets, the name of a column or a label per cell, got str.\n"
        "Classes: vnn.pp.labels_of(data, column). Numbers to predict: vnn.pp.targets_of(data, columns).",
    ),
    "an architecture by its file": (
        lambda: vnn.train("a.vnn", CELLS, "kind"),
        f"Expected an Architecture, got str.\n{READ}",
    ),
    "no architecture": (lambda: vnn.build_model(None, 2), f"Expected an Architecture, got NoneType.\n{READ}"),
    "an autoencoder of a list": (lambda: vnn.build_autoencoder([1]), f"Expected an Architecture, got list.\n{READ}"),
    "data by their file": (
        lambda: vnn.train(ARCH, "cells.h5ad", "kind"),
        "Expected an AnnData or a DataFrame (cells, genes), got str.\nRead the file: vnn.read.expression('cells.h5ad')",
    ),
    "an array": (
        lambda: vnn.pp.align(CELLS.X, ARCH),
        "Expected an AnnData or a DataFrame (cells, genes), got ndarray.\n"
        "Name the genes of an array: pandas.DataFrame(values, columns=genes).",
    ),
    "an architecture for data": (
        lambda: vnn.train(ARCH, ARCH, "kind"),
        f"Expected an AnnData or a DataFrame (cells, genes), got Architecture.\n{LOOK}",
    ),
    "no cell": (
        lambda: vnn.train(ARCH, CELLS[:0], "kind"),
        "The labels 'kind' name no class, as there is no cell: there is nothing to tell apart.",
    ),
    "a split": (
        lambda: vnn.train(ARCH, CELLS, "kind", split=3),
        "split must be a Split, got int.\nDraw one: vnn.pp.split_cells(labels, seed=0)",
    ),
    "pretraining": (
        lambda: vnn.train(ARCH, CELLS, "kind", pretraining="dense"),
        "pretraining must be PretrainingOptions, got str.\nFor example: vnn.tl.PretrainingOptions(layers='all')",
    ),
    "cells and architecture": (
        lambda: vnn.tl.train_cells(ARCH, CELLS, "kind"),
        "Expected an AnnData, got Architecture.\n"
        "The cells come first: vnn.tl.train_cells(adata, arch, label), vnn.tl.annotate_cells(adata, model)",
    ),
    "an objective": (
        lambda: vnn.tl.train_cells(CELLS, ARCH, "kind", objective="autoencode"),
        "objective must be one of classifier, siamese, triplet, autoencoder; got 'autoencode'. "
        "Did you mean autoencoder?",
    ),
    "genes": (
        lambda: vnn.wire.interactions(3, 3),
        "Expected a sequence of gene names, or an AnnData, got int.\n"
        'For example: ["TP53", "ATM"], adata.var_names, arch.genes',
    ),
    "a model by its file": (lambda: vnn.tl.rank_nodes("model.keras"), f"Expected a model, got str.\n{OPEN}"),
    "data before the model": (lambda: vnn.tl.predict(CELLS, ARCH), f"Expected a model, got AnnData.\n{OPEN}"),
    "an architecture for a model": (lambda: vnn.tl.rank_nodes(ARCH), f"Expected a model, got Architecture.\n{OPEN}"),
    "the name of a node": (
        lambda: ARCH.find(3),
        "Expected the name of a node, got int.\nFor example: arch.find('TP53')",
    ),
}
NEEDS_RESULT = {
    "layers": (lambda r: vnn.tl.rank_nodes(r, layers="o"), "There is no hidden layer 'o': they are numbered 1 to 1."),
    "top": (lambda r: vnn.tl.rank_nodes(r, top="all"), "top must be at least 1, got 'all'."),
    "top of a figure": (lambda r: vnn.pl.node_ranking(vnn.tl.rank_nodes(r), top=0), "top must be at least 1, got 0."),
    "ranking": (
        vnn.pl.node_ranking,
        "Expected a DataFrame, got TrainingResult.\nOf a result: vnn.pl.node_ranking(vnn.tl.rank_nodes(result))",
    ),
    "history": (
        vnn.pl.training_history,
        "Expected a history, got TrainingResult.\nOf a result: vnn.pl.training_history(result.history)",
    ),
    "confusion": (
        vnn.pl.confusion_matrix,
        "Expected a DataFrame, got TrainingResult.\nOf a result: vnn.pl.confusion_matrix(result.metrics.confusion)",
    ),
    "activities": (
        vnn.pl.activity_heatmap,
        "Expected activities, got TrainingResult.\n"
        "Of a model: vnn.pl.activity_heatmap(vnn.tl.node_activities(model, data), by=column)",
    ),
    "comparison": (
        vnn.pl.real_against_null,
        "Expected a Comparison, got TrainingResult.\nMake one: vnn.compare(arch, data, labels, folder)",
    ),
    "ranking of layers": (
        lambda r: vnn.pl.draw_layers(r, ranking=r),
        "ranking must be a DataFrame, got TrainingResult.\nMake it: vnn.tl.rank_nodes(model, data, labels)",
    ),
    "an option of a figure": (
        lambda r: vnn.pl.training_history(r.history, shwo=True),
        "Unknown option 'shwo' of a figure. Did you mean show?",
    ),
    "a title": (
        lambda r: vnn.pl.training_history(r.history, title="Loss"),
        "Unknown option 'title' of a figure. Go on drawing on its Axes: show=False",
    ),
    "a picture": (
        lambda r: vnn.pl.picture_bytes(r, "png"),
        "Expected Axes or a figure, got TrainingResult.\nDraw one: vnn.pl.draw_layers(model, show=False)",
    ),
    "a format": (
        lambda r: vnn.pl.picture_bytes(vnn.pl.training_history(r.history), "jpg"),
        "format must be one of png, svg, pdf; got 'jpg'. Did you mean png?",
    ),
    "a report": (
        lambda r: vnn.pl.write_report(r, "page.pdf"),
        "The name of the file must end in .html or .htm, got 'page.pdf'.",
    ),
}


@pytest.mark.parametrize("kind", NEEDS_NO_RESULT)
def test_arguments_of_the_wrong_kind(kind):
    call, message = NEEDS_NO_RESULT[kind]
    with pytest.raises(VNNError) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize("kind", NEEDS_RESULT)
def test_results_for_what_is_in_them(kind, result):
    call, message = NEEDS_RESULT[kind]
    with pytest.raises(VNNError) as error:
        call(result)
    assert str(error.value) == message


def test_each_is_an_error_of_its_stage(result):
    for call, kind in (
        (lambda: vnn.train(ARCH, "cells.h5ad", "kind"), DataError),
        (lambda: vnn.wire.interactions(3, 3), GeneError),
        (lambda: vnn.tl.rank_nodes("model.keras"), ModelError),
        (lambda: vnn.pl.write_report(result, "page.pdf"), OutputError),
        (lambda: vnn.pl.training_history(result.history, title="Loss"), ConfigError),
    ):
        with pytest.raises(kind):
            call()
