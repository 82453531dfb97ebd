"""What holds for all tests: quiet backends."""

import atexit
import os
import shutil
import tempfile

import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
if BACKEND == "jax":
    os.environ.setdefault("JAX_ENABLE_X64", "1")  # some tests compare in double precision
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        # Tests make the same networks again and again: what is compiled is kept until the last of them has run.
        os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="keras-vnn-jax-")
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
        atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)
if BACKEND == "torch":
    import torch

    torch.set_warn_always(True)  # some of its warnings come once in a process, and would hit whatever test is first

# A busy machine is no failure; and what CI says of a change must not depend on a draw.
settings.register_profile(
    "project",
    deadline=None,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
    max_examples=int(os.environ.get("EXAMPLES", "25")),
)
# JAX compiles every shape it is shown.
settings.register_profile("other backend", settings.get_profile("project"), max_examples=5, derandomize=True)
settings.load_profile("project" if BACKEND == "tensorflow" else "other backend")


@pytest.fixture
def double_precision(monkeypatch):
    """Have Keras keep data, losses, optimizers and its own layers in float64.

    On other backends than TensorFlow its arithmetic ends at float32 by a table, whatever is asked for.
    """
    import keras
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def pytest_addoption(parser):
    parser.addoption("--screenshots", metavar="DIR", help="keep the pictures the report's tests take in this folder")


def pytest_collection_modifyitems(items):
    """Leave out what is about TensorFlow itself where Keras runs on another backend: `make test-jax`, `test-torch`."""
    if BACKEND == "tensorflow":
        return
    skipped = pytest.mark.skip(reason=f"is about TensorFlow, and Keras runs on {BACKEND}")
    for item in items:
        of_tensorflow = getattr(item, "callspec", None) and item.callspec.params.get("kernel") in ("csr", "filled")
        if of_tensorflow or item.get_closest_marker("tensorflow"):
            item.add_marker(skipped)
