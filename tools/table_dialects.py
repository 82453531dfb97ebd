"""Tables of other species and databases, as their providers write them, cut to a few rows, and counted by hand.

The form of an entry, and what is done with it, is that of `table_inputs`; names of genes are those of the species.
"""

import bz2
import lzma
from collections.abc import Mapping

from table_contents import COUNTS
from table_inputs import CELLS, COUNTED, GENES, PPI, REFUSED, SETS, TF, Table, edges_of, nodes, pairs, sets_of

ORFS = {"genes.txt": "YDL140C\nYOR151C\nYIL021W\nYBR154C\n", "ppi.tsv": "YDL140C\tYOR151C\n"}
LOCI = {"genes.txt": "AT1G01010\nAT1G01020\nAT1G01060\nAT5G10140\n", "ppi.tsv": "AT1G01010\tAT1G01020\n"}
TAGS = {"genes.txt": "b0001\nb0002\nb0003\nb0004\n", "ppi.tsv": "b0001\tb0002\n"}
COLI = {"genes.txt": "cpxR\nspy\naraC\naraB\n", "ppi.tsv": "spy\taraB\n"}
FLIES = {"genes.txt": "FBgn0000014\nFBgn0000015\n", "ppi.tsv": "abd-A\tAbd-B\n"}
WORM_NAMES = {"genes.txt": "lin-4\nlin-14\ndaf-2\n", "ppi.tsv": "WBGene00002993\tWBGene00003003\n"}
WORM_IDS = {"genes.txt": "WBGene00002993\nWBGene00003003\nWBGene00000898\nWBGene00000912\n"}
MICE = {"genes.txt": "Trp53\nMdm2\nCdkn1a\nMyc\n", "ppi.tsv": "Trp53\tMdm2\n"}
ENTREZ = {"genes.txt": "7157\n4193\n4609\n"}
GO = (
    "format-version: 1.2\n\n[Term]\nid: GO:0008150\nname: biological_process\n"
    "\n[Term]\nid: GO:0006351\nis_a: GO:0008150\n\n[Term]\nid: GO:0006915\nis_a: GO:0008150\n"
)
HPO = "[Term]\nid: HP:0000118\nname: all\n\n[Term]\nid: HP:0000007\nis_a: HP:0000118\n"

STRING_12 = "protein1 protein2 combined_score\n"
DETAILED = (
    "#node1\tnode2\tnode1_string_id\tnode2_string_id\tcoexpression\tcombined_score\n"
    "TP53\tMDM2\t9606.ENSP00000269305\t9606.ENSP00000258149\t0.052\t0.999\n"
    "MDM2\tMDM4\t9606.ENSP00000258149\t9606.ENSP00000356150\t0.1\t0.398\n"
)
SIGNOR = (
    "ENTITYA\tTYPEA\tIDA\tDATABASEA\tENTITYB\tTYPEB\tIDB\tDATABASEB\tEFFECT\tMECHANISM\tTAX_ID\tSCORE\n"
    'TP53\tprotein\tP04637\tUNIPROT\tCDKN1A\tprotein\tP38936\tUNIPROT\t"up-regulates quantity by expression"\t'
    '"transcriptional regulation"\t9606\t0.9\n'
    "MDM2\tprotein\tQ00987\tUNIPROT\tTP53\tprotein\tP04637\tUNIPROT\tdown-regulates\tbinding\t9606\t0.8\n"
    'ATM\tprotein\tQ13315\tUNIPROT\tTP53\tprotein\tP04637\tUNIPROT\t"form complex"\tbinding\t9606\t0.4\n'
)
REGULON_DB = (
    "# Release: 13.0\n1)regulatorId\t2)regulatorName\t3)RegulatorGeneName\t4)regulatedId\t5)regulatedName\t6)function\t"
    "7)confidenceLevel\nRDBECOLITFC1\tCpxR\tcpxR\tRDBECOLIGNC1\tspy\t+\tS\n"
    "RDBECOLITFC2\tAraC\taraC\tRDBECOLIGNC2\taraB\t-+\tC\n"
)
HARBISON = (
    "ORF\tName\tABF1\tACA1\tACE2\nYDL140C\tRPO21\t0.5\t1e-5\t0.3\nYOR151C\tRPB2\t0.001\t0.7\t0.2\n"
    "YIL021W\tABF1\t0.3\t0.9\t0.1\n"
)
BOUND = "ORF\tName\tABF1\tACA1\tACE2\nYDL140C\tRPO21\t0\t1\t0\nYOR151C\tRPB2\t1\t0\t0\nYIL021W\tABF1\t0\t0\t1\n"
WORM_BASE = (
    "# WormBase Gene Interactions\n"
    "WBInteraction000000001\tPhysical\tProteinProtein\tN/A\tWBGene00002993\tlin-4\tInteractor_A\tWBGene00003003\tlin-14\t"
    "Interactor_B\n"
    "WBInteraction000000002\tGenetic\tSuppression\tN/A\tWBGene00000898\tdaf-2\tInteractor_A\tWBGene00000912\tdaf-16\t"
    "Interactor_B\n"
)
WORM_GENES = (
    "6239,WBGene00002993,lin-4,F59G1.6,Live,gene\n6239,WBGene00003003,lin-14,T25C12.1,Live,protein_coding_gene\n"
    "6239,WBGene00000898,daf-2,Y55D5A.5,Live,protein_coding_gene\n"
)
FLY_GENES = (
    "## FlyBase Gene-Annotation-ID\n"
    "##gene_symbol\torganism_abbreviation\tprimary_FBgn#\tsecondary_FBgn#(s)\tannotation_ID\n"
    "abd-A\tDmel\tFBgn0000014\tFBgn0000011\tCG10325\nAbd-B\tDmel\tFBgn0000015\t\tCG11648\n"
)
TAIR = (
    "Locus_name\tProtein_ID\tInteractor_locus\tInteractor_ID\tmethod\tPMID\n"
    "AT1G01010\tp1\tAT1G01020\tp2\tY2H\t1\nAT1G01060\tp3\tAT5G10140\tp4\tY2H\t2\n"
)
AT_REG_NET = (
    "TFName\tTFLocus\tTargetName\tTargetLocus\tActivityConfirmation\n"
    "NAC1\tAT1G01010\tARV1\tAT1G01020\tConfirmed\nLHY\tAT1G01060\tFLC\tAT5G10140\tUnconfirmed\n"
)
ATH_GO = (
    "AT1G01010\tlocus:1\tAT1G01010\tacts in\ttranscription\tGO:0006351\t1\tP\tx\tIDA\tp\t\tA\tTAIR\t2018\n"
    "AT1G01020\tlocus:2\tAT1G01020\tacts in\tapoptosis\tGO:0006915\t2\tP\tx\tIDA\tp\t\tA\tTAIR\t2018\n"
)
GENES_TO_PHENOTYPE = (
    "ncbi_gene_id\tgene_symbol\thpo_id\thpo_name\tfrequency\tdisease_id\n"
    "7157\tTP53\tHP:0000007\tAR\t-\tOMIM:151623\n4193\tMDM2\tHP:0000118\tAll\t1/2\tOMIM:614401\n"
)
KEGG = "hsa:7157\tpath:hsa04115\nhsa:4193\tpath:hsa04115\nhsa:4609\tpath:hsa05200\n"
CORUM = (
    "ComplexID\tComplexName\tOrganism\tSynonyms\tsubunits(UniProt IDs)\tsubunits(Entrez IDs)\tsubunits(Gene name)\n"
    "1\tBRCA1-BARD1\tHuman\tNone\tP38398;Q99728\t672;580\tBRCA1;BARD1\n"
    "2\tp53-MDM2-MDM4\tHuman\tNone\tP04637;Q00987;O15151\t7157;4193;4194\tTP53;MDM2;MDM4\n"
)
SERIES = (
    '!Series_title\t"p53 study"\n!Sample_geo_accession\t"GSM1000001"\t"GSM1000002"\n!series_matrix_table_begin\n'
    '"ID_REF"\t"GSM1000001"\t"GSM1000002"\n"TP53"\t7\t8\n"MDM2"\t5\t4\n"MYC"\t2\t3\n!series_matrix_table_end\n'
)
SEURAT = '"","AAACATACAACCAC-1","AAACATTGAGCTAC-1"\n"TP53",0,1\n"MDM2",1,0\n"MYC",0,4\n'
MERGED = (
    "gene_id\tgene_name\tS1\tS2\nENSG00000141510\tTP53\t5\t2.5\nENSG00000135679\tMDM2\t3\t1\n"
    "ENSG00000136997\tMYC\t1\t1\n"
)
GERMAN = "Gen;Probe1;Probe2\nTP53;1,5;2,25\nMDM2;0,5;1\nMYC;1;1\n"
DATES = "gene,c1,c2,c3\nTP53,1,2,3\nMDM2,0,1,2\n1-Sep,3,1,1\n2-Mar,1,1,1\nMYC,0,0,1\n"
SALMON = "Name\tLength\tEffectiveLength\tTPM\tNumReads\nENST00000269305.9\t2512\t2262.5\t12.3\t310\n"
KALLISTO = "target_id\tlength\teff_length\test_counts\ttpm\nENST00000269305.9\t2512\t2262.5\t310\t12.3\n"
RSEM = (
    "gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM\n"
    "ENSG00000141510\tENST00000269305\t2512\t2262.5\t310\t12.3\t10.1\n"
)
STAR = (
    "N_unmapped\t9\t9\t9\nN_multimapping\t2\t2\t2\nN_noFeature\t3\t9\t4\nN_ambiguous\t5\t1\t2\n"
    "ENSG00000141510\t5\t2\t2\n"
)
JSON_LINES = '{"source": "TP53", "target": "MDM2"}\n{"source": "MDM2", "target": "MDM4"}\n'
RECORDS = '[{"gene_a": "TP53", "gene_b": "MDM2"}, {"gene_a": "MDM2", "gene_b": "MDM4"}]\n'
PAIR = "gene_a\tgene_b\nTP53\tMDM2\nMDM2\tMDM4\n"
THREE = {GENES: "3 genes: TP53, MDM2, MYC; 2 nodes, 4 edges"}


def gaf(database: str, *rows: tuple[str, str, str, str, str]) -> str:
    """Return a GAF of a database: of each row its accession, symbol, synonyms, term and taxon."""
    return "!gaf-version: 2.2\n" + "".join(
        f"{database}\t{accession}\t{symbol}\tinvolved_in\t{term}\tPMID:1\tIDA\t\tP\tx\t{synonyms}\tprotein\ttaxon:{taxon}\t"
        f"20240101\t{database}\t\t\n"
        for accession, symbol, synonyms, term, taxon in rows
    )


FLY_GAF = gaf(
    "FB",
    ("FBgn0000014", "abd-A", "CG10325", "GO:0006351", "7227"),
    ("FBgn0000015", "Abd-B", "CG11648", "GO:0006915", "7227"),
)
YEAST_GAF = gaf(
    "SGD",
    ("S000002299", "RPO21", "YDL140C|RPB1", "GO:0006351", "559292"),
    ("S000005677", "RPB2", "YOR151C", "GO:0006915", "559292"),
)
FILLED_UP = "Set one\tof a paper\tTP53\tMDM2\t\nSecond\tna\tMYC\tSTAT1\tTP53\n"
PANGLAO = (
    "species\tofficial gene symbol\tcell type\tnicknames\tubiquitousness index\n"
    "Hs\tTP53\tT cells\tp53\t0.1\nHs\tMDM2\tB cells\tna\t0.1\nHs\tMYC\tB cells\tna\t0.2\n"
)
MINI_GO = "--ontology go.obo --annotations {}"
TWO_TERMS = "2 annotations of 2 genes with 2 terms; 3 nodes, 4 edges"


SAME_COUNTS = {
    "empty fields at the ends of lines": COUNTS.replace("\n", "\t\t\n"),
    "Excel's line about its separator": "sep=;\n" + COUNTS.replace("\t", ";"),
    "columns aligned by blanks": COUNTS.replace("\t", "     "),
    "rows numbered by R": "".join(
        ",".join([f'"{i or ""}"', *line.split("\t")]) + "\n" for i, line in enumerate(COUNTS.splitlines())
    ),
}


DIALECTS: Mapping[str, tuple[Table, ...]] = {
    "Interactions of other species and databases": (
        Table(
            "STRING 12, yeast",
            "4932.protein.links.v12.0.txt",
            f"{STRING_12}4932.YDL140C 4932.YOR151C 999\n4932.YOR151C 4932.YDL140C 999\n4932.YDL140C 4932.YIL021W 300\n",
            "interactions",
            {PPI: pairs(2, 3), "--interactions {} --min-score 700": pairs(1, 2)},
            ORFS,
        ),
        Table(
            "STRING 12, locus tags of E. coli",
            "511145.protein.links.v12.0.txt",
            f"{STRING_12}511145.b0001 511145.b0002 600\n511145.b0003 511145.b0004 990\n",
            "interactions",
            {PPI: pairs(2, 4)},
            TAGS,
        ),
        Table(
            "STRING's page, exported",
            "string_interactions.tsv",
            DETAILED,
            "interactions",
            {PPI: pairs(2, 3), "--interactions {} --min-score 0.4": pairs(1, 2)},
        ),
        Table(
            "SIGNOR",
            "signor.tsv",
            SIGNOR,
            "interactions",
            {PPI: pairs(3, 4), TF: edges_of(3, 3, 2, 6)},
        ),
        Table("WormBase", "c_elegans.interactions.txt", WORM_BASE, "interactions", {PPI: pairs(2, 4)}, WORM_IDS),
        Table("TAIR", "TairProteinInteraction.txt", TAIR, "interactions", {PPI: pairs(2, 4)}, LOCI),
        Table("JSON lines", "edges.jsonl", JSON_LINES, "interactions", {PPI: pairs(2, 3)}),
        Table("records in JSON", "records.json", RECORDS, "cannot", {PPI: REFUSED}),
        Table("UTF-16", "utf16.tsv", PAIR.encode("utf-16"), "interactions", {PPI: pairs(2, 3)}),
        Table("ends of lines of an old Mac", "mac.tsv", PAIR.replace("\n", "\r"), "interactions", {PPI: pairs(2, 3)}),
        Table("bzip2", "ppi.tsv.bz2", bz2.compress(PAIR.encode()), "interactions", {PPI: pairs(2, 3)}),
        Table("xz", "ppi.tsv.xz", lzma.compress(PAIR.encode()), "interactions", {PPI: pairs(2, 3)}),
        Table("zstd", "ppi.tsv.zst", b"(\xb5/\xfd\x04\x00", "cannot", {PPI: REFUSED}),
        Table(
            "a tab between quotes",
            "quoted.tsv",
            '"gene_a"\t"gene_b"\t"note"\n"TP53"\t"MDM2"\t"a\ttab"\n"MDM2"\t"MDM4"\t"x"\n',
            "interactions",
            {PPI: pairs(2, 3)},
        ),
        Table("arrows", "arrows.txt", "TP53 -> MDM2\nMDM2 -> MYC\n", "interactions", {PPI: pairs(2, 3)}),
        Table(
            "columns that R has named",
            "frame.csv",
            '"V1","V2"\n"TP53","MDM2"\n"MDM2","MYC"\n',
            "interactions",
            {PPI: pairs(2, 3)},
        ),
        Table(
            "semicolons, decimal commas",
            "german.csv",
            "Gen_A;Gen_B;Score\nTP53;MDM2;0,95\nMDM2;MDM4;0,5\n",
            "interactions",
            {PPI: pairs(2, 3), "--interactions {} --min-score 0.9": pairs(1, 2)},
        ),
    ),
    "Regulators of other species and databases": (
        Table(
            "TRRUST, mouse",
            "trrust_rawdata.mouse.tsv",
            "Trp53\tCdkn1a\tActivation\t1;2\nTrp53\tMdm2\tUnknown\t3\nMyc\tCdkn1a\tRepression\t4\n",
            "regulation",
            {TF: edges_of(3, 2, 2, 5)},
            MICE,
        ),
        Table(
            "RegNetwork, a symbol and an id of each",
            "human.source",
            "TP53\t7157\tCDKN1A\t1026\nMYC\t4609\tTERT\t7015\n",
            "interactions",
            {TF: edges_of(2, 2, 2, 4), PPI: pairs(2, 4), "--interactions {} --min-score 2000": REFUSED},
        ),
        Table("RegulonDB", "NetworkRegulatorGene.tsv", REGULON_DB, "regulation", {TF: edges_of(2, 2, 2, 4)}, COLI),
        Table(
            "AtRegNet, by locus",
            "AtRegNet.txt",
            AT_REG_NET,
            "regulation",
            {f"{TF} --regulation-columns TFLocus --regulation-columns TargetLocus": edges_of(2, 2, 2, 4)},
            LOCI,
        ),
        Table(
            "targets of motifs",
            "jaspar.tsv",
            "matrix_id\ttf_name\tgene\tscore\tp_value\tstrand\nMA0106.3\tTP53\tCDKN1A\t15.2\t1e-6\t+\n"
            "MA0147.3\tMYC\tTERT\t12.1\t1e-5\t-\n",
            "regulation",
            {TF: edges_of(2, 2, 2, 4)},
        ),
        Table("p-values of binding, ORFs with their names", "harbison.tsv", HARBISON, "cannot", {TF: REFUSED}, ORFS),
        Table("the same, 1 where bound", "bound.tsv", BOUND, "regulation", {TF: edges_of(3, 3, 3, 3)}, ORFS),
    ),
    "Terms, sets and names of other species and databases": (
        Table(
            "FlyBase's GAF",
            "fb.gaf",
            FLY_GAF,
            "annotations",
            {f"{MINI_GO} --gene-id accession": TWO_TERMS},
            {**FLIES, "go.obo": GO},
        ),
        Table(
            "SGD's GAF, ORFs among the synonyms",
            "sgd.gaf",
            YEAST_GAF,
            "annotations",
            {f"{MINI_GO} --gene-id synonym": TWO_TERMS},
            {**ORFS, "go.obo": GO},
        ),
        Table(
            "TAIR's GO",
            "ATH_GO_GOSLIM.txt",
            ATH_GO,
            "cannot",
            {
                MINI_GO: REFUSED,
                f"{MINI_GO} --annotations-columns 1 --annotations-columns 6": TWO_TERMS,
            },
            {**LOCI, "go.obo": GO},
        ),
        Table(
            "HPO's genes and phenotypes",
            "genes_to_phenotype.txt",
            GENES_TO_PHENOTYPE,
            "annotations",
            {"--ontology hp.obo --annotations {}": "2 annotations of 2 genes with 2 terms; 2 nodes, 3 edges"},
            {"hp.obo": HPO},
        ),
        Table("KEGG's links", "kegg.txt", KEGG, "gene-sets", {SETS: sets_of(2, 3, 3)}, ENTREZ),
        Table(
            "KEGG's links, the other way round",
            "kegg.tsv",
            "".join("\t".join(reversed(row.split("\t"))) + "\n" for row in KEGG.splitlines()),
            "gene-sets",
            {SETS: sets_of(2, 3, 3)},
            ENTREZ,
        ),
        Table("GMT filled up by a spreadsheet", "sets.gmt", FILLED_UP, "gene-sets", {SETS: sets_of(2, 4, 5)}),
        Table("PanglaoDB", "markers.tsv", PANGLAO, "gene-sets", {SETS: sets_of(2, 3, 3)}),
        Table(
            "topGO's map",
            "gene2go.map",
            "TP53\tGO:0006281, GO:0006915\nMDM2\tGO:0006915\n",
            "annotations",
            {MINI_GO: "3 annotations of 2 genes with 2 terms; 3 nodes, 5 edges"},
        ),
        Table("CORUM", "coreComplexes.txt", CORUM, "gene-sets", {SETS: sets_of(2, 5, 5)}),
        Table(
            "names of WormBase",
            "geneIDs.txt",
            WORM_GENES,
            "id-map",
            {"--interactions ppi.tsv --id-map {}": f"2 of 2 names translated; {nodes(1, 2)}"},
            WORM_NAMES,
        ),
        Table(
            "names of FlyBase",
            "fbgn_annotation_ID.tsv",
            FLY_GENES,
            "id-map",
            {"--interactions ppi.tsv --id-map {}": f"2 of 2 names translated; {nodes(1, 2)}"},
            FLIES,
        ),
    ),
    "Expression as programs write it": (
        Table(
            "GEO's series matrix",
            "GSE1_series_matrix.txt",
            SERIES,
            "genes",
            THREE | {CELLS: "2 cells × 3 genes, sum 29"},
        ),
        Table("Seurat, `write.csv`", "seurat.csv", SEURAT, "genes", THREE | {CELLS: "2 cells × 3 genes, sum 6"}),
        Table(
            "nf-core, ids and names",
            "salmon.merged.gene_counts.tsv",
            MERGED,
            "genes",
            {"--genes {} --gene-column gene_name": THREE[GENES], CELLS: "2 cells × 3 genes, sum 13.5"},
        ),
        Table(
            "semicolons, decimal commas", "deutsch.csv", GERMAN, "genes", THREE | {CELLS: "2 cells × 3 genes, sum 7.25"}
        ),
        Table(
            "a mark before the text, ends of lines of Windows",
            "bom.txt",
            b"\xef\xbb\xbfTP53\r\nMDM2\r\nMYC\r\n",
            "genes",
            THREE,
        ),
        Table(
            "dates for genes",
            "dates.csv",
            DATES,
            "genes",
            {GENES: "5 genes: TP53, MDM2, 1-Sep, 2-Mar, MYC; 2 nodes, 4 edges", CELLS: "3 cells × 5 genes, sum 18"},
        ),
        *(
            Table(title, f"counts{number}.txt", content, "genes", COUNTED)
            for number, (title, content) in enumerate(SAME_COUNTS.items(), 1)
        ),
        Table(
            "decimal commas between tabs",
            "virgule.tsv",
            "gene\tc1\tc2\nTP53\t0,5\t0\nMDM2\t1,234\t2\nMYC\t0\t3\n",
            "genes",
            THREE | {CELLS: "2 cells × 3 genes, sum 6.734"},
        ),
        Table("commas between thousands", "thousands.tsv", "gene\tc1\tc2\nTP53\t6,234\t1,234\n", "", {CELLS: REFUSED}),
        Table("counts without a header", "sample.txt", "TP53\t5\nMDM2\t3\nMYC\t0\n", "genes", THREE | {CELLS: REFUSED}),
        *(
            Table(f"one sample of {title}", name, content, "cannot", {GENES: REFUSED, CELLS: REFUSED})
            for title, name, content in (
                ("salmon", "quant.sf", SALMON),
                ("kallisto", "abundance.tsv", KALLISTO),
                ("RSEM", "sample.genes.results", RSEM),
                ("STAR", "ReadsPerGene.out.tab", STAR),
            )
        ),
    ),
}
