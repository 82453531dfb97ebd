// The side panel: everything known of the node that is chosen.
"use strict";

(() => {
  const { h, nodes, data, size } = report;
  const FEW = 8;

  const fact = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];
  const section = (title, ...content) => h("section", {}, h("h3", {}, title), ...content);
  const several = node => nodes.units[node] > 1 && !report.isGene(node);

  /** A list that begins short and unfolds. */
  const unfolding = (items, make, { few = FEW, tag = "ul", name = "" } = {}) => {
    const list = h(tag, { class: "rows" }, items.slice(0, few).map(make));
    if (items.length <= few) return list;
    // What a screen reader says begins with what is seen.
    const left = () => `${report.number(items.length - list.children.length)} more`;
    const more = report.button(left(), () => {
      const from = list.children.length, next = items.slice(from, from + 200);
      list.append(...next.map(make));
      if (items.length > list.children.length) { more.textContent = left(); more.setAttribute("aria-label", `${left()} ${name}`.trim()); }
      else more.remove();
      list.children[from].querySelector("a, button")?.focus();
    }, { class: "more", "aria-label": `${left()} ${name}`.trim() });
    return h("div", {}, list, more);
  };
  /** Weights with bars: around zero, or from the left where they have no sign. */
  const weighed = (items, name, { signed = true } = {}) => {
    const most = d3.max(items, item => Math.abs(item.weight ?? 0)) || 0;
    return unfolding(items, ({ node, output, weight }) => h("li", {},
      output === undefined ? report.nodeLink(node) : report.name(output),
      weight === null ? h("span", {}) : report.bar(weight, most, { signed }),
      h("span", { class: "number" }, weight === null ? "" : signed ? report.signed(weight) : report.number(weight))), { name });
  };

  const links = node => {
    const found = report.linksOf(node);
    return found.length ? h("p", { class: "links" }, found.map(({ name, address }) =>
      h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, name, h("span", { class: "hidden" }, " (opens another site)")))) : null;
  };
  const parents = node => {
    if (report.isGene(node)) return null;
    const above = report.outputs(node), one = nodes.parent[node];
    const read = report.readoutOf(node).length ? weighed(report.readoutOf(node), "outputs", { signed: !several(node) }) : null;
    if (!above.length) return section("Read by", h("p", {}, data.readout?.tail?.length
      ? `dense layers of ${data.readout.tail.join(", ")} units before the outputs` : "the outputs"), read);
    const rows = above.map(({ node: parent, weight }) => ({ node: parent, weight }));
    const title = above.length > 1 ? `Feeds ${above.length} nodes` : "Feeds";
    const hint = above.length > 1 ? h("p", { class: "note" }, "In the sunburst, treemap and outline it stands under ", report.name(report.label(one)), ", which has the fewest genes upstream of them.") : null;
    return section(title, weighed(rows, "nodes it feeds", { signed: !several(node) && !rows.some(row => several(row.node)) }), hint, read && h("h3", {}, "Read by the outputs"), read);
  };
  const activity = node => {
    const rows = report.activityOf(node);
    if (!rows.length) return null;
    const most = d3.max(rows, row => Math.abs(row.mean ?? row.effect ?? 0)) || 1, units = new Set(rows.map(row => row.unit)).size;
    const table = h("table", { class: "small" },
      h("caption", { class: "hidden" }, "Activity by class"),
      h("thead", {}, h("tr", {}, ["class", ...(units > 1 ? ["unit"] : []), "mean", "", "sd", "effect"].map(head => (head ? h("th", { scope: "col" }, head) : h("td", {}))))),
      h("tbody", {}, rows.slice(0, 60).map(row => h("tr", {},
        h("th", { scope: "row" }, report.name(data.activity.classes[row.code])), units > 1 ? h("td", { class: "number" }, row.unit) : null,
        h("td", { class: "number" }, report.number(row.mean)), h("td", {}, report.bar(row.mean ?? 0, most, { signed: true })),
        h("td", { class: "number" }, report.number(row.sd)), h("td", { class: "number" }, row.effect === null ? "–" : report.signed(row.effect))))));
    return section(report.isGene(node) ? "Expression by class" : "Activity by class", h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Activity by class" }, table),
      h("p", { class: "note" }, `Effect: Cohen's d of the class against all other cells.${report.isGene(node) ? "" : " A unit has no sign of its own: each is turned, with its weights, to rise with the mean of its genes."}`));
  };
  const evidence = node => {
    const found = report.findings();
    if (!found || found.evidence[node] === null) return null;
    const is = found.size_is === "d" ? "in" : "with";
    return section("Evidence", h("p", {}, h("strong", {}, report.number(found.evidence[node])), `, false discovery rate ${report.number(found.q[node])}`, report.found(node) ? "" : ": not more than such genes show anyway"),
      h("p", {}, report.higher(node) === "mixed" ? "Its genes are higher in no class." : [`Its genes are higher ${is} `, report.name(report.higher(node)), ` (${found.size_is} ${report.signed(found.size[node])}).`],
        found.similar[node] ? ` ${report.count(found.similar[node], "similar node")} folded under it.` : found.similar[node] === null ? " Folded under a node that shares its genes or their course." : ""),
      h("p", { class: "note" }, `Learned: z ${report.number(found.learned[node])} in cells outside the training${found.beyond_the_mean[node] ? ", beyond what a mean of its genes shows" : ""}.`));
  };
  const effects = node => {
    if (!data.importance || report.importance(node) === null) return null;
    const rows = data.importance.outputs.map((output, code) => ({ output, weight: data.importance.effects[code][node] }))
      .sort((a, b) => Math.abs(b.weight ?? 0) - Math.abs(a.weight ?? 0));
    const method = data.importance.method ? ` by ${data.importance.method}` : "";
    const layer = nodes.layer[node];
    return section("Importance", h("p", {}, h("strong", {}, report.number(report.importance(node))), `${method}, rank ${report.number(report.rank(node))} of ${report.number(report.nodesInLayer.get(layer))} in its layer`),
      rows.length ? [h("h4", {}, "Effect on the outputs"), weighed(rows, "outputs")] : null);
  };
  const reads = node => {
    if (report.isGene(node)) {
      const fed = report.outputs(node);
      return section(fed.length ? `Feeds ${report.count(fed.length, "node")}` : "Feeds no node", fed.length ? weighed(fed, "nodes it feeds", { signed: !fed.some(edge => several(edge.node)) }) : null);
    }
    const all = report.inputs(node), total = nodes.inputs[node];
    const cut = all.length < total ? h("p", { class: "note" }, `The ${report.number(all.length)} strongest of ${report.number(total)} inputs are in this file.`) : null;
    const below = all.filter(input => !report.isGene(input.node)), genes = all.filter(input => report.isGene(input.node));
    const note = several(node) || below.some(input => several(input.node)) ? h("p", { class: "note" }, "Where nodes have several units: the length of the vector of weights between them, without sign.") : null;
    return [
      below.length ? section(`Reads ${report.count(below.length, "node")}`, weighed(below, "nodes it reads", { signed: !several(node) && !below.some(input => several(input.node)) })) : null,
      genes.length ? section(`Reads ${report.count(genes.length, "gene")} directly`, weighed(genes, "genes it reads", { signed: !several(node) })) : null,
      note, cut,
    ];
  };
  const upstream = node => {
    if (report.isGene(node)) return null;
    const body = h("div");
    const box = h("details", {}, h("summary", {}, `All ${report.count(nodes.genes[node], "gene")} upstream, on any path`), body);
    box.addEventListener("toggle", () => {
      if (!box.open || body.childElementCount) return;
      const genes = report.genesOf(node);
      body.append(
        genes.length < nodes.genes[node] ? h("p", { class: "note" }, `${report.number(genes.length)} of them by the connections in this file.`) : "",
        report.button("CSV", () => report.download(`genes-${nodes.id[node].replace(/[^\w-]+/g, "-")}.csv`, report.csv([["gene"], ...genes.map(gene => [nodes.id[gene]])])), { "aria-label": "Download the genes as CSV" }),
        unfolding(genes, gene => h("li", {}, report.nodeLink(gene)), { few: 60, name: "genes" }));
      body.querySelector("ul").classList.add("tags");
    });
    return box;
  };
  const merged = node => {
    const names = report.names(node);
    return names.length ? fact("Also", h("span", {}, names.slice(0, 12).flatMap((name, i) => [i ? ", " : "", report.name(name)]), names.length > 12 ? ` and ${names.length - 12} more` : "")) : null;
  };

  const ofNode = node => {
    const layer = nodes.layer[node], bias = nodes.bias?.[node];
    return [
      h("p", { class: "kind" }, report.kind(node)),
      h("h2", { id: "panel-title", tabindex: "-1" }, report.name(report.label(node))),
      nodes.label[node] ? h("p", { class: "id" }, report.name(nodes.id[node])) : null,
      links(node),
      h("dl", {},
        fact("Layer", layer ? `${layer} of ${report.layers - 1}, ${data.architecture.layer_names[layer]}` : "input"),
        layer ? fact("Genes upstream", report.number(nodes.genes[node])) : null,
        layer ? fact("Units", report.number(nodes.units[node])) : null,
        bias === null || bias === undefined ? null : fact("Bias", report.signed(bias)),
        merged(node)),
      evidence(node), effects(node), activity(node), parents(node), reads(node), upstream(node),
    ];
  };
  const ofBundle = part => [
    h("p", { class: "kind" }, "bundle"),
    h("h2", { id: "panel-title", tabindex: "-1" }, part.label),
    h("p", { class: "note" }, "No node of the network: it holds nodes together that would be too many side by side."),
    unfolding(part.children, child => h("li", {}, child.isBundle ? report.button(child.label, () => report.set({ selected: child.id }), { class: "link" }) : report.nodeLink(child.id)), { few: 50, name: "nodes" }),
  ];
  const ofNothing = () => [
    h("h2", { id: "panel-title", tabindex: "-1" }, "No node chosen"),
    h("p", {}, "Choose one in the picture, or search for a gene or a node. To begin with:"),
    h("ul", { class: "rows" }, d3.range(report.firstHidden, size).sort((a, b) => report.worth(b) - report.worth(a) || a - b).slice(0, FEW).map(node => h("li", { class: "alone" }, report.nodeLink(node)))),
  ];

  report.panel = () => {
    const element = h("aside", { class: "panel", "aria-labelledby": "panel-title", tabindex: "0" });
    const draw = () => {
      const id = report.state.selected, part = id === null ? null : id < size ? null : report.tree.at(id);
      element.replaceChildren(...(id === null ? ofNothing() : part ? ofBundle(part) : ofNode(id)).flat().filter(Boolean));
      element.scrollTop = 0;
      if (id !== null) report.say(`${part ? part.label : report.label(id)} chosen`);
    };
    draw();
    return { element, draw };
  };
})();
