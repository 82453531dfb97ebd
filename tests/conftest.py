"""What holds for all tests: quiet backends, no choice that depends on how busy the machine is."""

import os

from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_VNN_CALIBRATE"] = "0"

# A busy machine is no failure; and what CI says of a change must not depend on a draw.
settings.register_profile("project", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI")))
settings.load_profile("project")

collect_ignore = ["layers/other_backend.py"]  # a script that tests run in another environment


def pytest_addoption(parser):
    parser.addoption("--screenshots", metavar="DIR", help="keep the pictures the report's tests take in this folder")
