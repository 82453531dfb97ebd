// The layers as columns of named nodes, and the connections between those that are shown. It begins with the most
// important nodes and their way to the output; neighbours come and go on demand, so thousands of nodes do not matter.
"use strict";

(() => {
  const { nodes, size, h } = report;
  const FLAT = report.layers === 2;
  const STEP = 8, MOST = 150, COLUMN = 230, ROW = FLAT ? 25 : 40, READERS = 2, LEVEL = [62, 86], NARROW = 560, DEEP = 5, LEAST = 0.6;
  const outputId = size;  // outputs are numbered behind the nodes

  const chain = node => {
    const found = [];
    for (let here = nodes.parent[node]; here >= 0; here = nodes.parent[here]) found.push(here);
    return found;
  };
  const beginning = width => {
    const first = FLAT ? 30 : width < NARROW ? 6 : 12;
    const hidden = d3.range(report.firstHidden, size).sort((a, b) => report.worth(b) - report.worth(a) || a - b).slice(0, first);
    const shown = new Set(hidden);
    for (const node of hidden) for (const above of chain(node)) shown.add(above);
    for (const node of hidden.slice(0, first / 2)) for (const { node: gene } of report.inputs(node).filter(({ node }) => report.isGene(node)).slice(0, 2)) shown.add(gene);
    return shown;
  };
  const around = node => {
    const shown = new Set([node, ...chain(node)]);
    for (const { node: other } of report.inputs(node).slice(0, 14)) shown.add(other);
    for (const { node: other } of report.outputs(node).slice(0, 8)) { shown.add(other); }
    return shown;
  };

  report.network = ({ pick }) => {
    const canvas = h("div", { class: "canvas", tabindex: "0", role: "application", "aria-roledescription": "network" });
    const tools = h("div", { class: "floating" });
    const element = h("div", { class: "view network-view" }, canvas, tools);
    let shown = null, cy = null, deep = false, apart = COLUMN;

    const style = () => {
      const css = getComputedStyle(document.documentElement), ink = css.getPropertyValue("--ink").trim(), ground = css.getPropertyValue("--ground").trim();
      return [
        { selector: "node", style: {
          label: "data(text)", "background-color": "data(colour)", width: "data(size)", height: "data(size)", color: ink, "font-size": 11,
          "font-family": "system-ui, sans-serif", "text-valign": "center", "text-halign": "right", "text-margin-x": 5, "min-zoomed-font-size": 6,
          "text-background-color": ground, "text-background-opacity": 0.75, "text-background-padding": 1, "border-width": 1, "border-color": ink, "border-opacity": 0.35,
        } },
        { selector: "node[?gene]", style: { shape: "round-rectangle", "text-halign": "left", "text-margin-x": -5 } },
        // A name ends before the next column begins, which has the outputs.
        { selector: "node[!gene][!output]", style: { "text-wrap": "ellipsis", "text-max-width": apart - 45 } },
        ...(deep ? [{ selector: "node", style: { "text-valign": "bottom", "text-halign": "center", "text-margin-x": 0, "text-margin-y": 3, "text-wrap": "wrap", "text-max-width": 146, "font-size": 13 } }] : []),
        { selector: "node[?output]", style: { shape: "diamond", "font-weight": "bold" } },
        { selector: "node:selected", style: { "border-width": 3, "border-opacity": 1, "border-color": css.getPropertyValue("--accent").trim(), "font-weight": "bold" } },
        { selector: "edge", style: { width: "data(width)", "line-color": "data(colour)", opacity: 0.55, "curve-style": "unbundled-bezier", "control-point-distances": 0, "control-point-weights": 0.5 } },
        { selector: "edge.near", style: { opacity: 0.95 } },
        { selector: "edge.far", style: { opacity: 0.22 } },
      ];
    };
    const signed = value => (value === null || Number.isNaN(value) ? null : value);
    const elements = () => {
      const chosen = [...shown], edges = [];
      for (const node of chosen) {
        for (const { node: from, weight } of report.inputs(node)) if (shown.has(from)) edges.push({ from, to: node, weight: signed(weight) });
        // Of many outputs only the strongest: all of them would be a web.
        const read = report.readoutOf(node).map(({ weight }, code) => ({ from: node, to: outputId + code, weight: signed(weight) }));
        edges.push(...(read.length > READERS + 1 ? read.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, READERS) : read));
      }
      const outputs = report.data.readout?.weight ? report.data.readout.outputs : [];
      const most = d3.quantile(edges.map(edge => Math.abs(edge.weight ?? 1)), 0.98) || 1;
      const several = nodes.units.some((units, node) => units > 1 && !report.isGene(node));
      const colour = edge => (edge.weight === null || several ? "#8a939e" : edge.weight < 0 ? report.negative() : report.positive());
      const place = arranged(chosen, outputs.length, edges);
      return [
        ...chosen.map(node => ({ group: "nodes", data: {
          id: String(node), text: shortened(bare(node)), colour: report.colourOf(node), gene: report.isGene(node),
          size: report.isGene(node) ? 12 : 12 + 3.2 * Math.log2(1 + nodes.genes[node]) ** 0.9,
        }, position: place.get(node), selected: node === report.state.selected })),
        ...outputs.map((name, code) => ({ group: "nodes", data: { id: String(outputId + code), text: shortened(name), colour: "#8a939e", size: 20, output: true }, position: place.get(outputId + code), selectable: false })),
        ...edges.map((edge, number) => ({ group: "edges", data: {
          id: `e${number}`, source: String(edge.from), target: String(edge.to), colour: colour(edge),
          width: edge.weight === null ? 1 : 0.6 + 4.4 * Math.min(1, Math.abs(edge.weight) / most),
        } })),
      ];
    };
    // What every node of a kind is called after its symbol says nothing in a picture.
    const bare = node => report.label(node).replace(/ (and partners|targets)$/, "");
    const shortened = text => (text.length > 34 ? `${text.slice(0, 33)}…` : text);

    /** Columns by layer; within one, nodes near the nodes they are joined with (barycentres, a few sweeps). */
    const arranged = (chosen, outputs, edges) => {
      const layerOf = node => (node >= outputId ? report.layers : nodes.layer[node]);
      const all = [...chosen, ...d3.range(outputId, outputId + outputs)];
      const columns = d3.groups(all, layerOf).sort((a, b) => a[0] - b[0]).map(([, group]) => group.sort((a, b) => a - b));
      const joined = new Map(all.map(node => [node, []]));
      for (const { from, to } of edges) { joined.get(from).push(to); joined.get(to).push(from); }
      const row = new Map();
      const spread = column => column.forEach((node, i) => row.set(node, i - (column.length - 1) / 2));
      columns.forEach(spread);
      for (let sweep = 0; sweep < 8; sweep++)
        for (const column of sweep % 2 ? columns.toReversed() : columns) {
          const middle = new Map(column.map(node => [node, d3.mean(joined.get(node), other => row.get(other)) ?? row.get(node)]));
          column.sort((a, b) => middle.get(a) - middle.get(b) || a - b);
          spread(column);
        }
      // Few layers stand side by side, from left to right; many on top of each other, genes at the bottom.
      deep = columns.length > DEEP || (!FLAT && canvas.clientWidth < NARROW);
      apart = Math.min(COLUMN, Math.max(120, (canvas.clientWidth - 190) / Math.max(1, columns.length - 1)));
      const level = Math.min(LEVEL[1], Math.max(LEVEL[0], (canvas.clientHeight - 60) / LEAST / columns.length));
      const spacing = column => (column.every(report.isGene) ? 78 : 156);
      return new Map(columns.flatMap((column, c) => column.map((node, i) => [node, deep
        ? { x: row.get(node) * spacing(column), y: -c * level + (column.length > 4 && i % 2 ? 30 : 0) }
        : { x: c * apart, y: row.get(node) * ROW + (c % 2 ? 0 : ROW / 2) }])));
    };
    const redraw = ({ fit = false } = {}) => {
      if (!cy) {
        cy = cytoscape({ container: canvas, layout: { name: "preset" }, minZoom: 0.05, maxZoom: 3, autoungrabify: true, boxSelectionEnabled: false });
        cy.on("tap", "node", event => {
          const node = Number(event.target.id());
          if (node < size) pick({ id: node });
        });
        cy.on("dbltap", "node", event => toggle(Number(event.target.id())));
        report.cy = cy;
        new ResizeObserver(() => {
          if (!canvas.clientHeight) return;
          cy.resize();
          frame();
        }).observe(canvas);
      }
      cy.batch(() => {
        cy.elements().remove();
        cy.add(elements());
        cy.style(style());
      });
      near();
      if (fit) frame();
      say();
    };
    /** Everything; with a chosen node in the middle where the names could not be read then. */
    const frame = () => {
      cy.fit(undefined, 30);
      if (cy.zoom() > 1.4) { cy.zoom(1.4); cy.center(); }
      const chosen = cy.getElementById(String(report.state.selected));
      if (!chosen.length || cy.zoom() >= LEAST) return;
      cy.zoom(LEAST);
      cy.center(chosen);
      if (deep) cy.panBy({ x: 0, y: canvas.clientHeight * 0.22 });
    };
    const near = () => {
      cy.edges().removeClass("near far");
      const chosen = cy.getElementById(String(report.state.selected));
      if (!chosen.length) return;
      cy.edges().addClass("far");
      chosen.connectedEdges().removeClass("far").addClass("near");
    };
    const add = others => {
      let added = 0;
      for (const { node } of others) {
        if (shown.size >= MOST || added === STEP) break;
        if (!shown.has(node)) { shown.add(node); added++; }
      }
      redraw({ fit: true });
      report.say(added ? `${report.count(added, "node")} added` : "no more to add");
    };
    const toggle = node => {
      if (node >= size) return;
      const below = report.inputs(node).filter(({ node: other }) => shown.has(other));
      if (below.length) remove(below.map(({ node: other }) => other).filter(other => other !== report.state.selected));
      else add(report.inputs(node));
    };
    const remove = gone => {
      for (const node of gone) shown.delete(node);
      redraw({ fit: true });
    };
    const say = () => {
      canvas.setAttribute("aria-label", `Network: ${report.count(cy.nodes().length, "node")} and ${report.count(cy.edges().length, "connection")} shown of ${report.number(size)} and ${report.number(report.data.edges.total)}. The outline and the panel hold the same as text.`);
      const node = report.state.selected, can = node !== null && node < size && shown.has(node);
      for (const button of tools.querySelectorAll("[data-node]")) button.disabled = !can;
    };
    const here = () => report.state.selected;
    const picked = { "data-node": "" };
    tools.append(
      report.button("+ inputs", () => add(report.inputs(here())), { ...picked, title: "Show the next strongest inputs of the node" }),
      report.button("− inputs", () => remove(report.inputs(here()).map(({ node }) => node)), { ...picked, title: "Hide the inputs of the node" }),
      report.button("+ feeds", () => add(report.outputs(here())), { ...picked, title: "Show more of what the node feeds" }),
      report.button("only this", () => { shown = around(here()); redraw({ fit: true }); }, { ...picked, title: "Show the node, its strongest neighbours and its way to the output" }),
      report.button("hide", () => remove([here()]), { ...picked, title: "Hide the node" }),
      report.button("start", () => { shown = beginning(canvas.clientWidth); redraw({ fit: true }); }, { title: "The most important nodes again" }),
      report.button("fit", () => cy.fit(undefined, 30), { title: "Fit into the window" }),
      report.button("PNG", async () => report.download("network.png", await cy.png({ output: "blob-promise", scale: 2, full: true, bg: getComputedStyle(document.documentElement).getPropertyValue("--ground").trim() })), { title: "Download the picture" }),
    );
    canvas.addEventListener("keydown", event => {
      const by = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      if (by) cy.panBy({ x: by[0], y: by[1] });
      else if (event.key === "+" || event.key === "-") cy.zoom({ level: cy.zoom() * (event.key === "+" ? 1.25 : 0.8), renderedPosition: { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 } });
      else if (event.key === "Enter" && here() !== null) toggle(here());
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    return {
      element,
      note: () => "Columns, or rows from the bottom up, are layers, from genes to outputs. A node's size goes by the genes upstream of it, a line's width by the weight; orange raises, blue lowers. Of many outputs the two a node matters most to are drawn. Drag to move, pinch or scroll to zoom, double-click a node to fold its inputs.",
      draw: changed => {
        const node = report.state.selected;
        const isNew = !shown;
        shown ??= node !== null && node < size ? around(node) : beginning(canvas.clientWidth);
        if (changed.has("selected") && node !== null && node < size && !shown.has(node)) {
          shown = around(node);
          return redraw({ fit: true });
        }
        if (isNew || changed.has("view") || changed.has("dark")) return redraw({ fit: isNew || changed.has("view") });
        if (changed.has("colour")) cy.batch(() => cy.nodes("[!output]").forEach(made => { made.data("colour", report.colourOf(Number(made.id()))); }));
        if (changed.has("selected")) {
          cy.nodes().unselect();
          cy.getElementById(String(node)).select();
          near();
          say();
        }
      },
    };
  };
})();
