"""The command ``vnn``: build, train, inspect, compare, export and demo from a terminal.

In: arguments. Out: files, text on standard output, messages on standard error, and an exit code: 0 when all went
well, 1 when the work could not be done, 2 when the command was not understood. Holds no logic of its own.
"""

from keras_vnn.cli._app import app, main

__all__ = ["app", "main"]
