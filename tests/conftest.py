"""What holds for all tests: quiet backends, and no choice that depends on how busy the machine is."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_VNN_CALIBRATE"] = "0"

collect_ignore = ["layers/other_backend.py"]  # a script that tests run in another environment
