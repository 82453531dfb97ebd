// The data of the page: columns of nodes, and the connections in both directions. docs/report.md describes them.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { nodes, edges } = data;
  const size = nodes.id.length;
  const layers = data.architecture.layer_names.length;
  const firstHidden = nodes.layer.findIndex(layer => layer > 0);

  // Connections by target, as the file has them: strongest first.
  const start = new Int32Array(size + 1);
  for (let node = 0; node < size; node++) start[node + 1] = start[node] + edges.count[node];
  const source = Int32Array.from(edges.source);
  const weight = edges.weight ? Float64Array.from(edges.weight, value => value ?? NaN) : null;

  // And by source, made when first asked for.
  let forward = null;
  const byStrength = weight ? (a, b) => Math.abs(weight[b]) - Math.abs(weight[a]) : null;
  const outgoing = () => {
    if (forward) return forward;
    const first = new Int32Array(size + 1);
    for (const from of source) first[from + 1]++;
    for (let node = 0; node < size; node++) first[node + 1] += first[node];
    const next = first.slice(0, size), edge = new Int32Array(source.length), target = new Int32Array(source.length);
    for (let to = 0; to < size; to++)
      for (let at = start[to]; at < start[to + 1]; at++) {
        edge[next[source[at]]++] = at;
        target[at] = to;
      }
    forward = { first, edge, target };
    return forward;
  };

  const inputs = node => {
    const found = [];
    for (let at = start[node]; at < start[node + 1]; at++) found.push({ node: source[at], weight: weight ? weight[at] : null });
    return found;
  };
  const outputs = node => {
    const { first, edge, target } = outgoing();
    const found = Array.from(edge.subarray(first[node], first[node + 1]));
    if (byStrength) found.sort(byStrength);
    return found.map(at => ({ node: target[at], weight: weight ? weight[at] : null }));
  };

  /** Genes upstream of a node, on any path, in order. */
  const genesOf = node => {
    const seen = new Uint8Array(size), queue = [node], genes = [];
    seen[node] = 1;
    while (queue.length) {
      const here = queue.pop();
      if (here < firstHidden) genes.push(here);
      for (let at = start[here]; at < start[here + 1]; at++)
        if (!seen[source[at]]) { seen[source[at]] = 1; queue.push(source[at]); }
    }
    return genes.sort((a, b) => a - b);
  };

  // What reads the nodes behind the last.
  const readout = data.readout;
  const readRow = new Map((readout?.nodes ?? []).map((node, row) => [node, row]));
  const readoutOf = node => {
    if (!readout?.weight || !readRow.has(node)) return [];
    const width = readout.outputs.length, row = readRow.get(node) * width;
    return readout.outputs.map((output, column) => ({ output, weight: readout.weight[row + column] }));
  };

  // Activity: units in order, from the first layer that is kept.
  const activity = data.activity;
  const firstUnit = new Int32Array(size).fill(-1), unitsOf = new Int32Array(size);
  if (activity) {
    const kept = [...nodes.layer.keys()].filter(node => nodes.layer[node] >= activity.first);
    const declared = kept.reduce((sum, node) => sum + nodes.units[node], 0);
    const genes = kept.filter(node => nodes.layer[node] === 0).length;
    const perGene = genes ? 1 + (activity.units - declared) / genes : 1;
    let unit = 0;
    for (const node of kept) {
      unitsOf[node] = nodes.layer[node] ? nodes.units[node] : nodes.units[node] * perGene;
      firstUnit[node] = unit;
      unit += unitsOf[node];
    }
  }
  const activityOf = node => {
    if (!activity || firstUnit[node] < 0) return [];
    const width = activity.classes.length, rows = [];
    for (let unit = 0; unit < unitsOf[node]; unit++)
      for (let code = 0; code < width; code++) {
        const at = (firstUnit[node] + unit) * width + code;
        rows.push({
          unit, code, mean: activity.mean?.[at] ?? null, sd: activity.sd?.[at] ?? null,
          effect: activity.effect_size?.[at] ?? null,
        });
      }
    return rows;
  };
  /** The activity of a node in a class by one number: of its unit that tells the class best from the others. */
  const strongest = (node, code) => {
    let best = null;
    for (const row of activityOf(node))
      if (row.code === code && row.effect !== null && (best === null || Math.abs(row.effect) > Math.abs(best.effect))) best = row;
    return best;
  };

  // What is found of the nodes: of their best class, or of the one the reader chose. Genes have no entries there.
  const padded = columns => Object.fromEntries(Object.entries(columns).map(([name, column]) => [name,
    Array.isArray(column) && name !== "names" ? [...Array(firstHidden).fill(null), ...column] : column]));
  const whole = data.findings, byClass = new Map((data.by_class ?? []).map(one => [one.group, one]));
  let findings = whole;

  const last = nodes.outputs.reduce((found, count, node) => (count === 0 && nodes.layer[node] ? [...found.slice(0, 2), node] : found), []);
  const bottleneck = last.length === 1 ? last[0] : null;

  const label = node => nodes.label[node] ?? nodes.id[node];
  Object.assign(report, {
    data, nodes, size, layers, firstHidden, inputs, outputs, genesOf, readoutOf, activityOf, strongest, label,
    kind: node => nodes.kinds[nodes.kind[node]],
    names: node => nodes.names[node] ?? [],
    classes: [...byClass.keys()],
    findings: () => findings,
    findingsOf: name => { findings = byClass.has(name) ? padded(byClass.get(name)) : whole; },
    evidence: node => findings?.evidence[node] ?? null,
    found: node => (findings?.q[node] ?? 1) < 0.05,
    higher: node => (!findings || findings.higher[node] === null ? "" : findings.names[findings.higher[node]]),
    importance: node => data.importance?.importance[node] ?? null,
    rank: node => data.importance?.rank[node] ?? null,
    isGene: node => nodes.layer[node] === 0,
    edges: { start, source, weight },
    // The order in which nodes are worth a look. That the one node through which everything passes matters is not a finding.
    worth: node => (findings ? Math.abs(findings.evidence[node] ?? -1) : node === bottleneck ? -2 : data.importance?.importance[node] ?? (data.importance ? -1 : nodes.genes[node])),
    bottleneck,
  });
  report.nodesInLayer = d3.rollup(nodes.layer, part => part.length, layer => layer);
})();
