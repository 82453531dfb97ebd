"""What is in the small tables of `table_inputs`: texts, and functions that write files that are no texts."""

from io import StringIO
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from formats_page import EXAMPLES

FOUR = "TP53", "MDM2", "MYC", "STAT1"
OTHERS = {
    "genes.txt": "\n".join([*FOUR, *"CDKN1A BRCA1 BARD1 ATM MDM4 BAX TERT CDK4".split(), ""]),
    "ppi.tsv": "TP53\tMDM2\nMDM2\tMYC\n",
    "go.obo": "[Term]\nid: GO:0000001\nname: root\n"
    + "".join(f"\n[Term]\nid: GO:000{n}\nis_a: GO:0000001\n" for n in ("6281", "6915", "3677")),
}

COUNTS = "gene\tc1\tc2\tc3\nTP53\t5\t0\t2\nMDM2\t3\t1\t0\nMYC\t0\t2\t7\nSTAT1\t1\t0\t0\n"
BINARY = "gene\tc1\tc2\tc3\nTP53\t1\t0\t0\nMDM2\t0\t1\t0\nMYC\t0\t1\t1\nSTAT1\t1\t0\t0\n"
WIDE = "ID\tTP53\tMYC\nTP53\t0\t1\nCDKN1A\t1\t0\nMYC\t1\t0\n"
SIGNED = "ID\tTP53\tMYC\nTP53\t0\t2\nCDKN1A\t-2\t0.5\nMYC\t1\t0\n"
GCT = "#1.2\n4\t3\n" + "".join(
    "\t".join([row.split("\t")[0], said, *row.split("\t")[1:]]) + "\n"
    for row, said in zip(COUNTS.replace("gene", "Name").splitlines(), ["Description", *4 * ["na"]], strict=True)
)
FEATURE_COUNTS = '# Program:featureCounts v2.0.1; Command:"featureCounts" "-a" "x.gtf"\n' + "".join(
    "\t".join([row.split("\t")[0], *place, *row.split("\t")[1:]]) + "\n"
    for row, place in zip(
        COUNTS.replace("gene", "Geneid").splitlines(),
        [["Chr", "Start", "End", "Strand", "Length"]] + 4 * [["chr1;chr1", "1;50", "20;90", "+;+", "61"]],
        strict=True,
    )
)
GAF = "UniProtKB\tP1\t{}\t{}\t{}\tPMID:1\tIDA\t\tP\tx\t\tprotein\t{}\t20101123\tUniProt\t\t\n"
MART = (
    "Gene stable ID,Gene name,GO term accession,GO term name,GO term evidence code,GO domain\n"
    "ENSG00000141510,TP53,GO:0006915,apoptotic process,IDA,biological_process\n"
    "ENSG00000141510,TP53,GO:0003677,DNA binding,IEA,molecular_function\n"
    "ENSG00000135679,MDM2,GO:0016567,protein ubiquitination,ND,biological_process\nENSG00000288541,,,,,\n"
)
HTSEQ = f"{COUNTS}__no_feature\t9\t9\t9\n__ambiguous\t1\t1\t1\n"
NODE_LINK = '{"nodes": [{"id": "TP53"}, {"id": "MDM2"}], "links": [{"source": "TP53", "target": "MDM2"}]}'
SOME_OF_BIOGRID = (
    "Official Symbol Interactor A\tOfficial Symbol Interactor B\tExperimental System Type\nTP53\tMDM2\tphysical\n"
)
COSTS = "gene_a\tgene_b\tcost\nTP53\tMDM2\t3\nMYC\tTP53\t4\n"
SCORES = "TP53\tMDM2\t1\t7\nMDM2\tMDM4\t1\t8\nMDM4\tTP53\t0\t9\n"
COLLECTRI = "source,target,weight,padj\nMYC,TERT,1,0\nTP53,BAX,-1,0.1\nMYC,CDK4,0.5,0\n"
UP_AND_DOWN = "TP53\tBAX\t1\t1;2\nTP53\tMDM2\t-1\t3\nMYC\tTERT\t1\t4\n"
LONG = "gs_cat\tgs_name\tgene_symbol\tentrez_gene\nH\tP53\tTP53\t7157\nH\tP53\tMDM2\t4193\nH\tMyc\tMYC\t4609\n"
ENRICHMENT = (
    "Gene_set\tTerm\tOverlap\tP-value\tGenes\nKEGG\tp53 pathway\t2/9\t0.01\tTP53;MDM2\nKEGG\tMyc\t1/9\t0.2\tMYC\n"
)
NODES = "name,shared name,degree\nTP53,TP53,3\nMDM2,MDM2,2\nMYC,MYC,1\n"
REGULONS = "TP53\t-\tBAX\tMDM2\nMYC\t-\tTERT\tCDK4\n"
EQUAL_GROUPS = "ppi_1\tTP53\tMDM2\tATM\tMDM4\nppi_2\tATM\tTP53\tMDM4\tMDM2\nppi_3\tMYC\tATM\tSTAT1\n"
MOUSE = {
    "genes.txt": "Stat1\nIrf1\nTrp53\n",
    "ppi.tsv": "ENSMUSG00000000000\tENSMUSG00000000001\nENSMUSG00000000001\tENSMUSG00000000002\n",
}
MOUSE_IDS = "ensembl\tsymbol\nENSMUSG00000000000\tSTAT1\nENSMUSG00000000001\tIRF1\nENSMUSG00000000002\tTRP53\n"
STRING = {
    "ppi.tsv": "9606.ENSP00000269305 9606.ENSP00000258149\n",
    "info.txt": "#string_protein_id\tpreferred_name\tprotein_size\tannotation\n"
    "9606.ENSP00000269305\tTP53\t393\tx\n9606.ENSP00000258149\tMDM2\t491\tx\n",
}
WORMS = {"genes.txt": "oct-1\ndec-12\nTrp53\nMyc\nStat1\nsep-10\n"}
EXAMPLE = {example.name: example.content for example in EXAMPLES}


def cells(path: Path) -> None:
    """Write 40 cells of two types: Ensembl genes as the index, symbols in a column, as in scanpy and CELLxGENE."""
    values = (np.arange(160).reshape(40, 4) % 7).astype(np.float32)
    ids = ["ENSG00000141510", "ENSG00000135679", "ENSG00000136997", "ENSG00000115415"]
    adata = anndata.AnnData(
        values,
        obs=pd.DataFrame({"type": ["T"] * 20 + ["B"] * 20}, index=[f"c{i}" for i in range(40)]),
        var=pd.DataFrame({"gene_symbols": FOUR}, index=ids),
    )
    adata.write_h5ad(path)


def layers_only(path: Path) -> None:
    """Write an h5ad whose values are in a layer."""
    adata = anndata.AnnData(obs=pd.DataFrame(index=["a", "b"]), var=pd.DataFrame(index=["TP53", "MDM2"]))
    adata.layers["counts"] = np.array([[1, 2], [3, 4]])
    adata.write_h5ad(path)


def data_types_left(path: Path) -> None:
    """Write an h5ad with a group that a compound type leaves behind."""
    anndata.AnnData(np.eye(2, dtype=np.float32), var=pd.DataFrame(index=["TP53", "MDM2"])).write_h5ad(path)
    with h5py.File(path, "a") as file:
        file.create_group("__DATA_TYPES__")


def ten_x_hdf5(path: Path, *, version: int = 3) -> None:
    """Write what Cell Ranger writes: three features, one of them a protein in version 3, and two cells."""
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix" if version == 3 else "GRCh38")
        matrix = sparse.csc_matrix([[5, 0], [0, 2], [1, 7]])
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(matrix, name)
        group["shape"] = matrix.shape
        group["barcodes"] = [b"AAAC-1", b"AAAG-1"]
        ids, names = [b"ENSG00000141510", b"ENSG00000135679", b"CD3"], [b"TP53", b"MDM2", b"CD3_TotalSeq"]
        if version == 2:
            group["genes"], group["gene_names"] = ids, names
        else:
            features = group.create_group("features")
            features["id"], features["name"] = ids, names
            features["feature_type"] = [b"Gene Expression", b"Gene Expression", b"Antibody Capture"]


def ten_x_folder(path: Path) -> None:
    """Write a folder of Cell Ranger as GEO keeps it, with a prefix: two genes, one cell."""
    path.mkdir()
    (path / "GSM1_S1_matrix.mtx").write_text("%%MatrixMarket matrix coordinate integer general\n2 1 1\n1 1 5\n")
    (path / "GSM1_S1_features.tsv").write_text("ENSG1\tTP53\tGene Expression\nENSG2\tMDM2\tGene Expression\n")
    (path / "GSM1_S1_barcodes.tsv").write_text("AAAC-1\n")


def loom(path: Path) -> None:
    """Write a loom file: three genes, two cells."""
    with h5py.File(path, "w") as file:
        file["matrix"] = np.array([[5, 0], [0, 2], [1, 7]])
        file["layers/spliced"] = np.array([[1, 0], [0, 1], [1, 1]])
        file["row_attrs/Gene"] = [b"TP53", b"MDM2", b"MYC"]
        file["row_attrs/Accession"] = [b"ENSG1", b"ENSG2", b"ENSG3"]
        file["col_attrs/CellID"] = [b"c1", b"c2"]
        file["col_attrs/type"] = [b"T", b"B"]
        file["col_attrs/umap"] = np.zeros((2, 2))


def by_columns(path: Path) -> None:
    """Write counts as Parquet, their genes an index, or interactions as Feather."""
    if path.suffix == ".parquet":
        pd.read_csv(StringIO(COUNTS), sep="\t", index_col="gene").to_parquet(path)
    else:
        pd.read_csv(StringIO(EXAMPLE["edges.tsv"]), sep="\t").to_feather(path)
