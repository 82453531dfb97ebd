"""Six genes in a ring, and cells of three types that differ in some of them."""

from __future__ import annotations

import functools

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture.wiring import interaction_architecture
from keras_vnn.priors import Interactions

GENES = [f"G{i}" for i in range(6)]


@pytest.fixture
def ppi() -> Interactions:
    return Interactions.from_pairs(GENES, [*GENES[1:], GENES[0]])


@pytest.fixture
def wiring(ppi: Interactions) -> functools.partial:
    return functools.partial(interaction_architecture, interactions=ppi)


@pytest.fixture
def cells() -> anndata.AnnData:
    rng = np.random.default_rng(0)
    kinds = np.repeat(["a", "b", "c"], 20)
    values = rng.normal(size=(60, 7)).astype("float32")
    for number, kind in enumerate("abc"):
        values[kinds == kind, 2 * number] += 5
    obs = pd.DataFrame({"kind": kinds, "dose": values[:, 0]}, index=[f"c{i}" for i in range(60)])
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=[*GENES, "EXTRA"]))
