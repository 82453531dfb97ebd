import io
import json
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from keras_vnn import architecture
from keras_vnn.architecture import architecture_from_bytes, architecture_to_bytes, load_architecture
from keras_vnn.basics.errors import ArchitectureError, OutputError, ReadError, VNNError


@pytest.fixture
def saved(arch):
    return architecture_to_bytes(arch)


def edited(content, name, change):
    """Return the archive with one entry replaced, all checksums right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            new.writestr(entry, change(data) if entry == name else data)
    return stream.getvalue()


def with_header(content, **fields):
    return edited(content, "architecture.json", lambda data: json.dumps(json.loads(data) | fields).encode())


def test_save_then_load_is_the_same(arch, tmp_path):
    arch.save(tmp_path / "a.vnn")
    loaded = load_architecture(tmp_path / "a.vnn")
    assert loaded == arch and loaded.fingerprint == arch.fingerprint
    assert (loaded.layers, loaded.sources, loaded.audit) == (arch.layers, arch.sources, arch.audit)
    assert dict(loaded.parameters) == {"grouping": "neighbourhood", "max_genes": None, "limits": [1, 2]}
    assert not loaded.connections[0, 1].indices.flags.writeable
    assert architecture_to_bytes(loaded) == (tmp_path / "a.vnn").read_bytes()


def test_saved_bytes_hold_no_time(arch, saved):
    assert architecture_to_bytes(arch) == saved
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_dense_matrices_are_not_stored(saved):
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        assert archive.namelist() == [
            "architecture.json",
            *(f"connection_{pair}_{part}.npy" for pair in ("0_1", "0_2", "1_2") for part in ("indptr", "indices")),
        ]


# ---- writing --------------------------------------------------------------------------------------------------


def test_an_existing_file_is_kept(arch, tmp_path):
    path = tmp_path / "a.vnn"
    path.write_text("precious")
    with pytest.raises(OutputError) as caught:
        arch.save(path)
    assert str(caught.value) == (f"The file exists already: {path}\nPass overwrite=True to replace it.")
    assert path.read_text() == "precious"
    arch.save(path, overwrite=True)
    assert load_architecture(path) == arch


def test_a_failure_while_writing_leaves_the_old_file(arch, tmp_path, monkeypatch):
    path = tmp_path / "a.vnn"
    arch.save(path)
    before = path.read_bytes()

    def fail(self, content):
        with self.open("wb") as stream:
            stream.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(OutputError) as caught:
        arch.with_units(2).save(path, overwrite=True)
    assert str(caught.value) == (
        f"The disk is full; {path} was not written.\nMake room, or name a place on another disk."
    )
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.vnn"]


# ---- damaged files --------------------------------------------------------------------------------------------


def check_damaged(content):
    with pytest.raises(ArchitectureError) as caught:
        architecture_from_bytes(content, "a.vnn")
    assert str(caught.value).startswith("Not a saved architecture, or a damaged one: a.vnn (")
    assert str(caught.value).endswith("Expected a file written by `vnn build … -o FILE` or `Architecture.save`.")


def test_every_prefix_is_damaged(saved):
    for end in range(0, len(saved), 7):
        check_damaged(saved[:end])
    check_damaged(saved[:-1])


def test_a_flipped_byte_is_noticed_or_harmless(arch, saved):
    rng = random.Random(0)
    damaged = 0
    for position in range(0, len(saved), 3):
        content = bytearray(saved)
        content[position] ^= 1 << rng.randrange(8)
        try:
            # Some bytes of a zip file say nothing (times, attributes).
            loaded = architecture_from_bytes(bytes(content))
        except VNNError:
            damaged += 1
        else:
            assert architecture_to_bytes(loaded) == saved
    assert damaged > len(saved) / 3 * 0.7


@pytest.mark.parametrize("last", [0, -1, -(2**30)])
def test_pointers_that_fall_at_the_end_are_damage(saved, last):
    # SciPy looks at neither pointers nor indices then, and writes where they point.
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "connection_0_1_indptr.npy":
                content = content[:-4] + last.to_bytes(4, "little", signed=True)
            new.writestr(name, content)
    check_damaged(stream.getvalue())


@pytest.mark.parametrize("content", [b"not a zip", b"PK\x03\x04", "genes\tTP53\n".encode("utf-16"), b"\0" * 500])
def test_other_files(content):
    check_damaged(content)


def test_a_zip_of_something_else():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", "{}")
    check_damaged(stream.getvalue())


@pytest.mark.parametrize(
    "fields",
    [
        {"layers": []},
        {"layers": "none"},
        {"connections": [[0, 9]]},
        {"connections": [[0]]},
        {"sources": [{"name": "x"}]},
        {"audit": [{}]},
        {"format_version": "new"},
    ],
)
def test_headers_that_make_no_sense(saved, fields):
    with pytest.raises(ArchitectureError):
        architecture_from_bytes(with_header(saved, **fields), "a.vnn")


def test_indices_out_of_range_are_damage(saved):
    def shifted(data):
        array = np.load(io.BytesIO(data)) + 100
        stream = io.BytesIO()
        np.save(stream, array)
        return stream.getvalue()

    check_damaged(edited(saved, "connection_0_1_indices.npy", shifted))


def test_pickled_arrays_are_refused(saved):
    def pickled(data):
        stream = io.BytesIO()
        np.save(stream, np.array([print], dtype=object), allow_pickle=True)
        return stream.getvalue()

    check_damaged(edited(saved, "connection_0_1_indices.npy", pickled))


def test_an_edited_file_does_not_match_its_fingerprint(arch, saved):
    header = {"fingerprint": "0" * 64}
    with pytest.raises(ArchitectureError) as caught:
        architecture_from_bytes(with_header(saved, **header), "a.vnn")
    assert str(caught.value) == (
        f"The content of a.vnn does not match its fingerprint: expected {'0' * 16}, got {arch.fingerprint[:16]}.\n"
        "The file was changed or damaged; build it again."
    )


def test_another_format(saved):
    with pytest.raises(ArchitectureError) as caught:
        architecture_from_bytes(with_header(saved, format="recipe"), "a.vnn")
    assert str(caught.value).splitlines()[0] == "Not a saved architecture: a.vnn holds 'recipe'."


def test_a_newer_format(saved):
    with pytest.raises(ArchitectureError) as caught:
        architecture_from_bytes(with_header(saved, format_version=99, keras_vnn="9.1"), "a.vnn")
    assert str(caught.value) == (
        "a.vnn was written by keras-vnn 9.1 in format 99; this release reads up to format 1.\n"
        "Upgrade: pip install -U keras-vnn"
    )


def test_missing_empty_and_directory(tmp_path):
    (tmp_path / "empty.vnn").touch()
    for name, beginning in (
        ("absent.vnn", "No such architecture file: "),
        ("empty.vnn", "The architecture file "),
        (".", "Expected an architecture file, got a directory: "),
    ):
        with pytest.raises(ReadError) as caught:
            load_architecture(tmp_path / name)
        assert str(caught.value).startswith(beginning)


def test_a_damaged_file_is_named(tmp_path, saved):
    path = tmp_path / "a.vnn"
    path.write_bytes(saved[:100])
    with pytest.raises(ArchitectureError, match=r"damaged one: .*a\.vnn"):
        load_architecture(path)


def test_reading_needs_no_keras(tmp_path, saved):
    path = tmp_path / "a.vnn"
    path.write_bytes(saved)
    code = (
        "import sys, keras_vnn as vnn; vnn.read.architecture(sys.argv[1]).summary(); "
        "print({'keras', 'tensorflow', 'anndata'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_public_names():
    assert all(hasattr(architecture, name) for name in architecture.__all__)


def test_an_architecture_is_not_called_as_a_model(arch, tmp_path):
    with pytest.raises(OutputError) as error:
        arch.save(tmp_path / "net.keras")
    assert str(error.value) == (
        f"The name is that of a model, not of an architecture: {tmp_path / 'net.keras'}\nSave it as net.vnn."
    )
