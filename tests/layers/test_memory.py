"""Memory of the compiled loops: taken again once nobody holds it, and never before."""

import sys
import threading

import numpy as np
import pytest
import tensorflow as tf

from keras_vnn.layers.fast import _machine

pytestmark = pytest.mark.tensorflow


@pytest.fixture(autouse=True)
def nothing_free():
    _machine._free.clear()


def address(array):
    return array.ctypes.data


def test_memory_is_taken_again_when_no_array_holds_it():
    first, second = _machine.aligned((500, 500), "float32"), _machine.aligned((500, 500), "float32")
    assert address(first) != address(second)
    assert {address(first) % 64, address(second) % 64} == {0}
    place, part = address(first), _machine.read_only(first[3:])
    del first
    third = _machine.aligned((500, 500), "float32")
    assert address(third) not in (place, address(second)), "a part of it was still held"
    del part
    assert address(_machine.aligned((490, 500), "float32")) == place


def test_what_is_held_is_held_however_python_counts_references(monkeypatch):
    """From 3.14 on it borrows some that it counted before."""
    count = sys.getrefcount
    monkeypatch.setattr(sys, "getrefcount", lambda value: count(value) - 2)
    held = _machine.aligned((500, 500), "float32")
    held[:] = 1
    for _ in range(3):
        _machine.aligned((500, 500), "float32")[:] = 2
    np.testing.assert_array_equal(held, np.ones((500, 500)))


def test_threads_that_take_and_give_back_at_once_share_nothing():
    failures = []

    def work(number):
        for step in range(200):
            array = _machine.aligned((200, 200 + step % 3), "float32")
            array[:] = number
            failures.extend([] if (array == number).all() else [number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_tensor_made_of_it_holds_it():
    array = _machine.aligned((500, 500), "float32")
    array[:] = 1
    tensor = tf.convert_to_tensor(array)
    del array
    for _ in range(3):
        _machine.aligned((500, 500), "float32")[:] = 2
    np.testing.assert_array_equal(tensor, np.ones((500, 500)))


def test_a_tensor_of_a_traced_function_holds_it():
    def run():
        array = _machine.aligned((500, 500), "float32")
        array[:] = 7
        return array

    @tf.function
    def made():
        return tf.numpy_function(lambda: run() + 0, [], tf.float32)

    @tf.function
    def lent():
        return tf.numpy_function(run, [], tf.float32)

    for function in (made, lent):
        tensors = [function() for _ in range(3)]
        for _ in range(3):
            _machine.aligned((500, 500), "float32")[:] = 2
        for tensor in tensors:
            np.testing.assert_array_equal(tensor, np.full((500, 500), 7))


def test_no_more_than_so_much_is_kept():
    """Nobody writes to it, so that it takes addresses only."""
    held = [_machine.aligned((10_000, 2_000), "float32") for _ in range(5)]
    assert len({address(array) for array in held}) == 5
    held.clear()
    assert 2**27 <= sum(memory.size for memory in _machine._free) <= 2**28
