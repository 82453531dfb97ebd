"""Downloads from a server on this machine: whole, cut, changed, refused, not there."""

import gzip
import hashlib
import io
import json
import os
import socket
import zipfile
from dataclasses import replace

import pytest

from keras_vnn.basics.errors import FetchError, OutputError
from keras_vnn.readers.downloads import cache_folder, fetch

CONTENT = bytes(range(256)) * 4096  # what the server has, unless told otherwise
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def place_of(file):
    return cache_folder() / file.name / file.release


def test_the_whole_file_its_digest_and_a_record(file, behaviour):
    seen = []
    found = fetch(file, progress=lambda here, whole: seen.append((here, whole)))
    assert found.path == place_of(file) / "go-small.obo"
    assert found.path.read_bytes() == CONTENT
    assert (found.sha256, found.bytes, found.is_new) == (DIGEST, len(CONTENT), True)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    record = json.loads((place_of(file) / "fetched.json").read_text())
    assert (record["url"], record["sha256"], record["cite"]) == (file.url, DIGEST, "cite")
    assert sorted(path.name for path in place_of(file).iterdir()) == ["fetched.json", "go-small.obo"]


def test_what_is_there_is_not_asked_for_again(file, behaviour):
    first = fetch(file)
    second = fetch(file)
    assert len(behaviour.requests) == 1
    assert second == replace(first, is_new=False)
    behaviour.content = b"a newer release"
    assert fetch(file).sha256 == DIGEST
    assert fetch(file, again=True).path.read_bytes() == b"a newer release"
    assert fetch(file).sha256 == hashlib.sha256(b"a newer release").hexdigest()


def test_a_cut_download_goes_on_at_once(file, behaviour):
    behaviour.cut = [300_000, 200_000]
    assert fetch(file).sha256 == DIGEST
    assert [asked for _, asked in behaviour.requests] == ["", "bytes=300000-", "bytes=500000-"]


def test_a_cut_download_goes_on_another_day(file, behaviour):
    behaviour.cut = [100_000] * 4
    with pytest.raises(FetchError) as error:
        fetch(file)
    assert str(error.value) == (
        "Cannot download go-small: the connection broke after 400,000 bytes; what has arrived is kept.\n"
        f"    {file.url}\n"
        "Behind a proxy, name it: export HTTPS_PROXY=http://proxy.example.org:3128\n"
        "Without a connection, fetch go-small.obo elsewhere and save it as:\n"
        f"    {place_of(file) / 'go-small.obo'}\n"
        "Then go on: vnn fetch go-small"
    )
    assert not (place_of(file) / "go-small.obo").exists()
    assert fetch(file).sha256 == DIGEST
    assert behaviour.requests[-1][1] == "bytes=400000-"


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(file, behaviour):
    behaviour.cut = [100_000] * 4
    with pytest.raises(FetchError):
        fetch(file)
    behaviour.content = CONTENT[::-1]
    assert fetch(file).path.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_a_server_that_cannot_go_on_begins_anew(file, behaviour, tag):
    behaviour.has_ranges, behaviour.tag, behaviour.cut = False, tag, [100_000]
    assert fetch(file).sha256 == DIGEST


def test_without_a_length_nothing_is_known_but_the_content(file, behaviour):
    behaviour.has_length = False
    seen = []
    assert fetch(file, progress=lambda here, whole: seen.append(whole)).sha256 == DIGEST
    assert set(seen) == {0}


def test_a_file_that_is_gzip_stays_so_whatever_the_server_calls_it(file, behaviour):
    behaviour.content, behaviour.encoding = gzip.compress(CONTENT), "gzip"
    assert fetch(file).path.read_bytes() == behaviour.content


def test_a_wrong_digest_leaves_nothing(file):
    with pytest.raises(FetchError) as error:
        fetch(file, sha256="0" * 64)
    assert str(error.value) == (
        f"go-small has another digest than it should: {place_of(file) / 'go-small.obo'}\n"
        f"    expected sha256 {'0' * 64}\n    got             {DIGEST}\n"
        "The download was damaged or the file was changed. Fetch it again: vnn fetch go-small --again"
    )
    assert [path.name for path in place_of(file).iterdir()] == []


def test_a_file_that_was_changed_in_the_cache_is_noticed(file):
    fetch(file).path.write_bytes(b"edited")
    with pytest.raises(FetchError, match="go-small has another digest than it should"):
        fetch(file)
    assert fetch(file, again=True).sha256 == DIGEST


def test_404(file, behaviour):
    behaviour.status = [404]
    with pytest.raises(FetchError, match=r"^Cannot download go-small: the server answers 404 Not Found\.\n"):
        fetch(file)
    assert len(behaviour.requests) == 1


def test_a_busy_server_is_asked_again(file, behaviour):
    behaviour.status = [503, 429]
    assert fetch(file).sha256 == DIGEST
    assert len(behaviour.requests) == 3


def test_timeout(file, behaviour):
    behaviour.delay = 1.0
    with pytest.raises(FetchError, match=r"^Cannot download go-small: the server does not answer in time\.\n"):
        fetch(file, timeout=0.05)


def test_offline(file):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = replace(file, url=f"http://127.0.0.1:{free.getsockname()[1]}/go-small.obo")
    with pytest.raises(FetchError, match=r"^Cannot download go-small: no connection to the server\.\n"):
        fetch(nobody)


def test_behind_a_proxy_that_is_not_there(file, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(FetchError, match=r"^Cannot download go-small: the proxy cannot be reached\.\n"):
        fetch(file)


def test_a_file_that_was_put_there_by_hand_is_taken(file, behaviour):
    place_of(file).mkdir(parents=True)
    (place_of(file) / "go-small.obo").write_bytes(b"by hand")
    found = fetch(file)
    assert (found.when, found.is_new, behaviour.requests) == ("", False, [])
    assert found.sha256 == hashlib.sha256(b"by hand").hexdigest()


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return stream.getvalue()


def test_the_wanted_member_of_a_zip(file, behaviour):
    behaviour.content = zipped(**{"human-4.4.txt": "human", "..__..__mouse-4.4.txt": "mouse"})
    wanted = replace(file, url=file.url.replace(".obo", ".zip"), file="mouse.txt", member="mouse-*.txt")
    found = fetch(wanted)
    assert found.path.read_text() == "mouse"
    assert found.path.parent == place_of(file)
    assert sorted(path.name for path in place_of(file).iterdir()) == ["fetched.json", "mouse.txt"]


BAD_ZIPS = {
    "no zip": (b"<html>", "What came for go-small is not a zip file: "),
    "no such member": (zipped(a="1"), "The archive of go-small has 0 files like mouse-*.txt, expected one: "),
}


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_bad_zips(file, behaviour, case):
    behaviour.content, expected = BAD_ZIPS[case]
    with pytest.raises(FetchError) as error:
        fetch(replace(file, member="mouse-*.txt"))
    assert str(error.value).startswith(expected)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache(file, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match=r"^Cannot make the cache folder "):
        fetch(file)


def test_a_cache_folder_that_is_a_file(file, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(OutputError) as error:
        fetch(file)
    assert str(error.value).endswith("Name another folder, or export KERAS_VNN_CACHE=/path/to/folder")


def test_another_folder(file, tmp_path):
    assert fetch(file, folder=tmp_path / "mine").path == tmp_path / "mine" / "go-small" / "current" / "go-small.obo"
