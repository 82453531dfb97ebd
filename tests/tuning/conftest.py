"""A toy to search: eight genes in a ring, ninety cells of two types, a recipe that trains in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keras_vnn.recipes.read import read_recipe
from keras_vnn.recipes.schema import Recipe

GENES = tuple(f"G{i}" for i in range(8))
TOY = """
title: A ring of eight genes
build:
  genes: cells.csv
  interactions: ring.tsv
train:
  data: cells.csv
  cells: types.csv
  label: type
  normalization: none
  epochs: 2
  batch_size: 16
  validation: 0.2
  test: 0.2
  seed: 3
"""


def write(folder: Path, more: str = "") -> Path:
    """Write the files of the toy and its recipe, with more lines at its end: of train, or after it."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 1.0, size=(90, 8)).round(3)
    values[:45, 2:4] += 1.2
    names = pd.Index([f"c{i}" for i in range(90)], name="cell")
    pd.DataFrame(values.T, index=pd.Index(GENES, name="gene"), columns=names).to_csv(folder / "cells.csv")
    pd.DataFrame({"type": ["T"] * 45 + ["B"] * 45, "dose": values[:, 2]}, index=names).to_csv(folder / "types.csv")
    ring = pd.DataFrame({"gene_a": GENES, "gene_b": [*GENES[1:], GENES[0]]})
    ring.to_csv(folder / "ring.tsv", sep="\t", index=False)
    (folder / "toy.yaml").write_text(TOY + more)
    return folder / "toy.yaml"


@pytest.fixture(scope="session")
def write_toy() -> Callable[..., Path]:
    """The function that writes the toy into a folder."""
    return write


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The recipe, its files in a folder of their own."""
    return read_recipe(write(tmp_path_factory.mktemp("toy")))
