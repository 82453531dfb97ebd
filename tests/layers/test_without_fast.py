"""The compiled loops can be taken away: all works without them, with the same numbers."""

import json
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import numpy as np, keras
from keras_vnn.layers import SparselyConnected
from keras_vnn.layers.kernels import KERNELS

rng = np.random.default_rng(0)
genes, terms = rng.random((60, 9)) < 0.3, rng.random((18, 3)) < 0.6
genes[0], terms[0] = True, True
keras.utils.set_random_seed(1)
entrance = keras.Input((60,))
pairs = SparselyConnected(np.eye(60), bias_initializer="random_normal", kernel=FIRST)(entrance)
hidden = SparselyConnected(genes, 2, activation="tanh", kernel=FIRST)(pairs)
model = keras.Model(entrance, SparselyConnected(terms, inputs_per_node=1, kernel=FIRST)([hidden]))
model.compile(keras.optimizers.Adam(0.01), "mse")
data, targets = rng.normal(size=(40, 60)).astype("float32"), rng.normal(size=(40, 3)).astype("float32")
losses = model.fit(data, targets, batch_size=16, epochs=4, shuffle=False, verbose=0).history["loss"]
predictions = model.predict(data, verbose=0)
"""

WITHOUT = f"""
import json, sys
sys.modules["keras_vnn.layers.fast"] = None
FIRST = "auto"
{SCRIPT}
folder = sys.argv[1]
model.save(folder + "/model.keras")
again = keras.saving.load_model(folder + "/model.keras")
np.testing.assert_allclose(again.predict(data, verbose=0), predictions, atol=1e-6)
assert not {{"native", "filled"}} & set(KERNELS), KERNELS
try:
    SparselyConnected(genes, kernel="native")
except ValueError as error:
    refused = str(error)
print(json.dumps([losses, predictions.tolist(), refused]))
"""


@pytest.mark.slow
def test_training_without_the_compiled_loops_gives_the_same_numbers(tmp_path):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", WITHOUT, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    losses, predictions, refused = json.loads(done.stdout.splitlines()[-1])
    assert refused.startswith("kernel must be one of auto, dense, csr, block, portable; got 'native'.")
    with_loops = {"FIRST": "native"}
    exec(SCRIPT, with_loops)
    np.testing.assert_allclose(losses, with_loops["losses"], rtol=1e-4)
    np.testing.assert_allclose(predictions, with_loops["predictions"], atol=1e-4)
    assert losses[-1] < losses[0]
