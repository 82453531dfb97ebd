// The tables: nodes, genes, connections.
"use strict";

(() => {
  const { h, data, nodes } = report;
  const text = (title, value, show) => ({ title, value, show });
  const number = (title, value, note) => ({ title, value, number: true, note });
  const effects = () => (data.importance?.outputs ?? []).slice(0, 20).map((output, code) => number(`effect on ${output}`, node => data.importance.effects[code][node]));
  const findings = () => {
    const found = report.findings();
    return found ? [
      number("evidence", report.evidence, "t of the genes of the node above that of like genes, in standard deviations"), text(found.size_is === "d" ? "higher in" : "higher with", report.higher),
      number(found.size_is, node => found.size[node], found.size_is === "d" ? "Cohen's d of the mean z-score of its genes" : "Pearson's r of the mean z-score of its genes"),
      number("q", node => found.q[node], "False discovery rate of the evidence"), number("learned", node => found.learned[node], "z of what the trained node knows of cells outside the training"),
      text("beyond the mean", node => (found.beyond_the_mean[node] ? "yes" : "")), number("similar", node => found.similar[node], "Nodes folded under this one"),
    ] : [];
  };
  const means = () => (data.activity?.mean && data.activity.classes.length <= 20 ? data.activity.classes.map((name, code) => number(`mean in ${name}`, node => report.strongest(node, code)?.mean ?? null, "Of the unit that tells the class best from the others")) : []);
  const differences = () => (data.activity?.effect_size && data.activity.classes.length > 1 && data.activity.classes.length <= 20
    ? data.activity.classes.map((name, code) => number(`effect size ${name}`, node => report.strongest(node, code)?.effect ?? null, "Cohen's d of the class against all other cells")) : []);

  const nodeTable = () => {
    const rows = d3.range(report.firstHidden, report.size);
    const kinds = [...new Set(rows.map(report.kind))], layers = [...new Set(rows.map(node => nodes.layer[node]))];
    const columns = [
      text("id", node => nodes.id[node], node => report.nodeLink(node, nodes.id[node])), text("label", report.label),
      ...findings(), text("kind", report.kind),
      number("layer", node => nodes.layer[node]), number("units", node => nodes.units[node]), number("genes", node => nodes.genes[node], "Genes upstream, on any path"),
      number("inputs", node => nodes.inputs[node]), number("feeds", node => nodes.outputs[node]),
      ...(data.importance ? [number("importance", report.importance), number("rank", report.rank, "In its layer")] : []),
      ...effects(),
      ...means(), text("also", node => report.names(node).join("; ")),
    ];
    return report.table({
      caption: "Nodes", file: "nodes.csv", rows, columns, sort: { column: data.findings ? 2 : data.importance ? 8 : 5, up: false },
      choices: [...(kinds.length > 1 ? [{ title: "kind ", value: report.kind, options: kinds }] : []), ...(layers.length > 1 ? [{ title: "layer ", value: node => nodes.layer[node], options: layers }] : [])],
    });
  };
  const geneTable = () => report.table({
    caption: "Genes", file: "genes.csv", rows: d3.range(report.firstHidden), sort: { column: 1, up: false },
    choices: [{ title: "", value: gene => (nodes.outputs[gene] ? "connected" : "not connected"), options: ["connected", "not connected"] }],
    columns: [
      text("gene", gene => nodes.id[gene], gene => report.nodeLink(gene, nodes.id[gene])), number("feeds", gene => nodes.outputs[gene]),
      ...(data.activity?.first === 0 ? [...means(), ...differences()] : []),
    ],
  });
  const edgeTable = () => {
    const { source, weight, start } = report.edges, target = new Int32Array(source.length);
    for (let node = 0; node < report.size; node++) target.fill(node, start[node], start[node + 1]);
    return report.table({
      caption: `Connections${data.edges.limit ? `: the ${report.number(data.edges.limit)} strongest inputs of each node, ${report.number(source.length)} of ${report.number(data.edges.total)}` : ""}`,
      file: "connections.csv", rows: d3.range(source.length), sort: null, columns: [
        text("source", at => nodes.id[source[at]], at => report.nodeLink(source[at], nodes.id[source[at]])), text("source label", at => report.label(source[at])),
        text("target", at => nodes.id[target[at]], at => report.nodeLink(target[at], nodes.id[target[at]])), text("target label", at => report.label(target[at])),
        ...(weight ? [number("weight", at => (Number.isNaN(weight[at]) ? null : weight[at]), "Between nodes of several units: the length of the vector of weights, without sign")] : []),
      ],
    });
  };

  report.sheets = () => {
    const kinds = [["Nodes", nodeTable], ["Genes", geneTable], ["Connections", edgeTable]];
    const place = h("div"), made = new Map();
    const show = number => {
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === number)));
      if (!made.has(number)) made.set(number, kinds[number][1]());
      place.replaceChildren(made.get(number));
    };
    const buttons = kinds.map(([title], i) => report.button(title, () => show(i), { "aria-pressed": "false" }));
    show(0);
    report.on("class", () => {
      made.delete(0);
      if (buttons[0].getAttribute("aria-pressed") === "true") show(0);
    });
    return h("div", { class: "sheets" }, h("h2", { class: "hidden" }, "Tables"),
      h("div", { class: "tools" }, h("div", { class: "switch", role: "group", "aria-label": "Table" }, buttons), report.classSelect()), place);
  };
})();
