"""The product under every transform of the backend: forward, of second order, batched, compiled."""

import keras
import numpy as np
import pytest

from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels import KERNELS

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)
ADJACENCY = RNG.random((7, 4)) < 0.5
ADJACENCY[0] = True
CONNECTIONS = Connections.from_adjacency(ADJACENCY, output_units=[2, 1, 2, 1])
INPUTS, WEIGHTS = RNG.normal(size=(5, 7)), RNG.normal(size=CONNECTIONS.count)
# Where each weight stands in the matrix, flat.
PLACES = np.zeros((CONNECTIONS.count, 7 * 6))
PLACES[np.arange(CONNECTIONS.count), CONNECTIONS.rows * 6 + CONNECTIONS.columns] = 1

available = pytest.mark.parametrize(
    "kernel",
    [name for name, each in KERNELS.items() if not each.unavailable(CONNECTIONS, backend=BACKEND, device="cpu")],
)


@pytest.mark.skipif(BACKEND != "jax", reason="is about JAX")
@available
@pytest.mark.parametrize("transform", ["jvp", "jacfwd", "jacrev", "hessian", "vmap", "vmap of both", "grad of grad"])
def test_transforms_of_jax(kernel, transform):
    import jax
    from jax import numpy as jnp

    transforms = {
        "jvp": lambda product, x, w: jax.jvp(product, (x, w), (x + 1, w + 1)),
        "jacfwd": lambda product, x, w: jax.jacfwd(product, (0, 1))(x, w),
        "jacrev": lambda product, x, w: jax.jacrev(product, (0, 1))(x, w),
        "hessian": lambda product, x, w: jax.hessian(lambda w: jnp.tanh(product(x, w)).sum())(w),
        "vmap": lambda product, x, w: jax.vmap(lambda row: product(row[None], w))(x),
        "vmap of both": lambda product, x, w: jax.vmap(product)(jnp.stack([x, 2 * x]), jnp.stack([w, w + 1])),
        "grad of grad": lambda product, x, w: jax.grad(
            lambda w: (jax.grad(lambda x: jnp.tanh(product(x, w)).sum())(x) ** 2).sum()
        )(w),
    }
    x, w, places = jnp.asarray(INPUTS), jnp.asarray(WEIGHTS), jnp.asarray(PLACES)
    expected = transforms[transform](lambda x, w: x @ (w @ places).reshape(7, 6), x, w)
    found = jax.jit(lambda x, w: transforms[transform](KERNELS[kernel](CONNECTIONS), x, w))(x, w)
    for one, right in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, right, atol=1e-10)


@pytest.mark.skipif(BACKEND != "torch", reason="is about PyTorch")
@available
@pytest.mark.parametrize(
    "transform", ["jvp", "jacfwd", "jacrev", "hessian", "vmap", "vmap of both", "grad of grad", "autograd twice"]
)
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_transforms_of_torch(kernel, transform):
    import torch
    from torch import func

    def autograd_twice(product, x, w):
        x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
        (first,) = torch.autograd.grad(torch.tanh(product(x, w)).sum(), x, create_graph=True)
        return torch.autograd.grad((first**2).sum(), (x, w))

    transforms = {
        "jvp": lambda product, x, w: func.jvp(product, (x, w), (x + 1, w + 1)),
        "jacfwd": lambda product, x, w: func.jacfwd(product, (0, 1))(x, w),
        "jacrev": lambda product, x, w: func.jacrev(product, (0, 1))(x, w),
        "hessian": lambda product, x, w: func.hessian(lambda w: torch.tanh(product(x, w)).sum())(w),
        "vmap": lambda product, x, w: func.vmap(lambda row: product(row[None], w))(x),
        "vmap of both": lambda product, x, w: func.vmap(product)(torch.stack([x, 2 * x]), torch.stack([w, w + 1])),
        "grad of grad": lambda product, x, w: func.grad(
            lambda w: (func.grad(lambda x: torch.tanh(product(x, w)).sum())(x) ** 2).sum()
        )(w),
        "autograd twice": autograd_twice,
    }
    x, w, places = torch.tensor(INPUTS), torch.tensor(WEIGHTS), torch.tensor(PLACES)
    expected = transforms[transform](lambda x, w: x @ (w @ places).reshape(7, 6), x, w)
    found = transforms[transform](KERNELS[kernel](CONNECTIONS), x, w)
    leaves = torch.utils._pytree.tree_leaves
    for one, right in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_allclose(one.detach(), right.detach(), atol=1e-10)


@pytest.mark.skipif(BACKEND != "torch", reason="is about PyTorch")
@available
def test_what_is_not_finite_stays_with_its_readers_under_vmap(kernel):
    import torch

    x, w = torch.tensor(INPUTS), torch.tensor(WEIGHTS)
    x[1, 3], x[2, 6] = np.nan, np.inf
    product = KERNELS[kernel](CONNECTIONS)
    found = torch.func.vmap(lambda row: product(row[None], w)[0])(x)
    reads = ADJACENCY.repeat([2, 1, 2, 1], axis=1)
    assert (torch.isfinite(found).numpy() == ~(~np.isfinite(x.numpy()) @ reads)).all()
    torch.testing.assert_close(found, product(x, w), equal_nan=True)


@pytest.mark.skipif(BACKEND != "torch", reason="is about PyTorch")
@available
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_a_model_compiled_by_torch(kernel):
    import torch

    model = keras.Sequential([keras.Input((7,)), SparselyConnected(ADJACENCY, 2, kernel=kernel, activation="tanh")])
    data = torch.tensor(INPUTS, dtype=torch.float32)
    compiled = torch.compile(model, backend="eager")
    gradients = []
    for each in (model, compiled):
        model.zero_grad()
        each(data).sum().backward()
        gradients.append([variable.value.grad.clone() for variable in model.trainable_variables])
    torch.testing.assert_close(compiled(data), model(data))
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.mark.tensorflow
@available
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("traced", [True, False])
def test_the_derivative_that_tensorflow_follows_forward(kernel, use_bias, traced):
    import tensorflow as tf

    layer = SparselyConnected(ADJACENCY, 2, kernel=kernel, use_bias=use_bias)
    inputs, tangent = (tf.constant(array, tf.float32) for array in (INPUTS, INPUTS + 1))
    layer.build(inputs.shape)

    def derivatives(inputs):
        kernel = layer.kernel.value
        with tf.autodiff.ForwardAccumulator([inputs, kernel], [tangent, 2 * kernel]) as accumulator:
            outputs = layer(inputs)
        return accumulator.jvp(outputs)

    found = (tf.function(derivatives) if traced else derivatives)(inputs)
    np.testing.assert_allclose(found, (tangent + 2 * inputs).numpy() @ layer.kernel_matrix(), atol=1e-5)
