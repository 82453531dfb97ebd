// Where more is known of a node: addresses made of ids that look like those of a database.
"use strict";

(() => {
  const accession = /^([OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(-\d+)?$/;
  const symbol = /^[A-Za-z][A-Za-z0-9@._-]{0,30}$/;
  const of = (name, address) => ({ name, address });

  const known = id => {
    const safe = encodeURIComponent(id);
    if (/^GO:\d{7}$/.test(id)) return [
      of("AmiGO", `https://amigo.geneontology.org/amigo/term/${safe}`),
      of("QuickGO", `https://www.ebi.ac.uk/QuickGO/term/${safe}`),
    ];
    if (/^R-[A-Z]{3}-\d+$/.test(id)) return [of("Reactome", `https://reactome.org/content/detail/${safe}`)];
    if (/^ENS[A-Z]*[GTP]\d{11}(\.\d+)?$/.test(id)) return [of("Ensembl", `https://www.ensembl.org/id/${encodeURIComponent(id.split(".")[0])}`)];
    if (accession.test(id)) return [of("UniProt", `https://www.uniprot.org/uniprotkb/${safe}`)];
    return null;
  };
  const ofGene = id => known(id) ?? (symbol.test(id) ? [
    of("UniProt", `https://www.uniprot.org/uniprotkb?query=${encodeURIComponent(`gene_exact:${id}`)}`),
    of("QuickGO", `https://www.ebi.ac.uk/QuickGO/search/${encodeURIComponent(id)}`),
    of("Reactome", `https://reactome.org/content/query?q=${encodeURIComponent(id)}`),
  ] : []);

  /** Links of a node: of its id, else of the gene or regulator it is named after. */
  report.linksOf = node => {
    const id = report.nodes.id[node];
    if (report.isGene(node)) return ofGene(id);
    const direct = known(id);
    if (direct) return direct;
    const named = /^(?:PPI|TF|CLIQUE|GENE):(.+)$/.exec(id);
    return named ? ofGene(named[1]) : [];
  };
})();
