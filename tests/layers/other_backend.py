"""Run by `test_kernels` in a process of its own, under another backend: values, gradients and training."""

import keras
import numpy as np

from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels import KERNELS

BACKEND = keras.backend.backend()
rng = np.random.default_rng(0)
adjacency = rng.random((23, 12)) < 0.4
adjacency[0] = True


def gradients(product, inputs, weights, upstream):
    if BACKEND == "torch":
        import torch

        inputs, weights = (torch.tensor(array, requires_grad=True) for array in (inputs, weights))
        outputs = product(inputs, weights)
        (outputs * torch.tensor(upstream)).sum().backward()
        return outputs.detach(), inputs.grad, weights.grad
    import jax

    outputs = jax.jit(product)(inputs, weights)
    loss = jax.jit(jax.grad(lambda inputs, weights: (product(inputs, weights) * upstream).sum(), argnums=(0, 1)))
    return outputs, *loss(inputs, weights)


for units in (1, 6):
    connections = Connections.from_adjacency(adjacency, output_units=units)
    matrix = connections.matrix().toarray()
    for name, kernel in KERNELS.items():
        if kernel.unavailable(connections, backend=BACKEND, device="cpu"):
            continue
        for batch in (1, 20):
            arrays = (
                rng.normal(size=(batch, 23)),
                rng.normal(size=connections.count),
                rng.normal(size=(batch, 12 * units)),
            )
            inputs, weights, upstream = (array.astype("float32") for array in arrays)
            full = connections.matrix(weights).toarray()
            of_weights = (inputs.T @ upstream).T[matrix.T]
            expected = inputs @ full, upstream @ full.T, of_weights
            for found, right in zip(gradients(kernel(connections), inputs, weights, upstream), expected, strict=True):
                np.testing.assert_allclose(np.asarray(found), right, atol=1e-4, err_msg=f"{name} {units} {batch}")

for name in ("auto", "native", "portable"):
    data = rng.normal(size=(32, 23)).astype("float32")
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((23,)),
            SparselyConnected(adjacency, 2, activation="tanh", kernel=name),
            keras.layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    history = model.fit(data, data[:, :1], epochs=20, verbose=0)
    if not history.history["loss"][-1] < history.history["loss"][0]:
        raise SystemExit(f"{name} does not learn: {history.history['loss']}")
