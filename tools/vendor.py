"""Fetch the libraries that the report page carries, check them, and write down what they are.

    python tools/vendor.py            # fetch again what vendor.json names, and check it
    python tools/vendor.py --check    # check the files that are here; needs no network
    python tools/vendor.py --axe DIR  # fetch axe-core for the tests of the page; it is not part of the package

npm fetches and unpacks; its integrity (sha512 of the archive) and the sha256 of every file are kept in vendor.json.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parents[1] / "src" / "keras_vnn" / "export" / "report" / "vendor"
LIST = VENDOR / "vendor.json"
AXE = {"name": "axe-core", "version": "4.14.1", "file": "package/axe.min.js"}


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="check the files that are here")
    parser.add_argument("--axe", type=Path, metavar="DIR", help="fetch axe-core into this folder")
    chosen = parser.parse_args()
    if chosen.axe:
        chosen.axe.mkdir(parents=True, exist_ok=True)
        content, _ = fetched(AXE["name"], AXE["version"], [AXE["file"]])
        (chosen.axe / "axe.min.js").write_bytes(content[AXE["file"]])
        print(f"written {chosen.axe / 'axe.min.js'}")
        return 0
    libraries = json.loads(LIST.read_text(encoding="utf-8"))
    if not chosen.check:
        libraries = [refreshed(library) for library in libraries]
        LIST.write_text(json.dumps(libraries, indent=2) + "\n", encoding="utf-8")
        (VENDOR / "LICENSES.md").write_text(licences(libraries), encoding="utf-8")
    wrong = [library["file"] for library in libraries if sha256(VENDOR / library["file"]) != library["sha256"]]
    for library in libraries:
        state = "differs" if library["file"] in wrong else "ok"
        print(f"{state:8} {library['name']} {library['version']}, {library['licence']}: {library['file']}")
    return 1 if wrong else 0


def refreshed(library: dict[str, Any]) -> dict[str, Any]:
    """Fetch a library and its licence into the folder; return its entry with what was found."""
    wanted = [library["member"], library["licence_member"]]
    content, integrity = fetched(library["name"], library["version"], wanted)
    if library.get("integrity") not in (None, integrity):
        raise SystemExit(f"{library['name']}: npm gave {integrity}, expected {library['integrity']}")
    (VENDOR / library["file"]).write_bytes(content[library["member"]])
    (VENDOR / f"LICENSE.{library['name']}").write_bytes(content[library["licence_member"]])
    return {**library, "integrity": integrity, "sha256": hashlib.sha256(content[library["member"]]).hexdigest()}


def fetched(name: str, version: str, members: list[str]) -> tuple[dict[str, bytes], str]:
    """Return some files of an npm package, and the integrity of its archive; npm checks it against the registry's."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--json", "--ignore-scripts", f"{name}@{version}"]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        facts = json.loads(done.stdout)
        archive = next(Path(folder).glob("*.tgz"))
        digest = hashlib.sha512(archive.read_bytes())
        integrity = str((facts[0] if isinstance(facts, list) else next(iter(facts.values())))["integrity"])
        if integrity != f"sha512-{base64.b64encode(digest.digest()).decode()}":
            raise SystemExit(f"{name}: the archive is not what npm says it is")
        with tarfile.open(archive) as files:
            found = {member: files.extractfile(member) for member in members}
            return {member: stream.read() for member, stream in found.items() if stream is not None}, integrity


def licences(libraries: list[dict[str, Any]]) -> str:
    """Return the page that lists the libraries and their licences."""
    lines = [
        "# Libraries that the report page carries",
        "",
        "Written by `python tools/vendor.py`. The files are as published on npm, unchanged; the licence of each lies",
        "next to it. They are part of every report, in which the copyright notices stay.",
        "",
        "| library | version | licence | file | sha256 |",
        "|---|---|---|---|---|",
        *(
            f"| [{one['name']}]({one['home']}) | {one['version']} | {one['licence']} "
            f"| `{one['file']}` | `{one['sha256']}` |"
            for one in libraries
        ),
    ]
    return "\n".join(lines) + "\n"


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
