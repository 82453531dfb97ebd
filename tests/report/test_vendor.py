"""The libraries in the package are the published ones, and their licences are listed."""

import hashlib
import json
from importlib.resources import files

import pytest

VENDOR = files("keras_vnn.export.report").joinpath("vendor")
LISTED = json.loads(VENDOR.joinpath("vendor.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("library", LISTED, ids=lambda one: one["name"])
def test_a_library_is_unchanged_and_licensed(library):
    assert hashlib.sha256(VENDOR.joinpath(library["file"]).read_bytes()).hexdigest() == library["sha256"]
    assert library["integrity"].startswith("sha512-")
    assert library["licence"] in {"MIT", "ISC", "BSD-3-Clause", "Apache-2.0"}
    assert "ermission" in VENDOR.joinpath(f"LICENSE.{library['name']}").read_text(encoding="utf-8")
    assert library["sha256"] in VENDOR.joinpath("LICENSES.md").read_text(encoding="utf-8")


def test_all_that_is_carried_is_listed():
    assert {library["file"] for library in LISTED} == {
        file.name for file in VENDOR.iterdir() if not file.name.startswith(("LICENSE", "vendor"))
    }
