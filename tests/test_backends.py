"""Without TensorFlow: Keras runs on what is installed, and says what to do where that is nothing."""

import os
import subprocess
import sys

import pytest

NEEDED = "Keras needs one of tensorflow, jax, torch; it looked for tensorflow, which is not installed.\n"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("keras_vnn.build_model", f"keras_vnn.basics.errors.VNNError: {NEEDED}"),
        ("from keras_vnn.cli import main; main(['demo'])", NEEDED),
    ],
)
@pytest.mark.parametrize(
    ("installed", "remedy"),
    [
        ([], "Install it: pip install tensorflow"),
        (["jax"], "Use jax, which is: set the environment variable KERAS_BACKEND=jax"),
    ],
)
def test_a_backend_that_is_missing_is_named_with_what_to_do(call, said, installed, remedy, tmp_path):
    for name in installed:
        (tmp_path / f"{name}.py").touch()
    missing = {"tensorflow", "jax", "torch"} - set(installed)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.modules.update(dict.fromkeys({missing!r}))\n"
        f"import keras_vnn; {call}"
    )
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert said + remedy in done.stderr
