// The first page: what this is, what it found, what it was made of, and how to make it again.
"use strict";

(() => {
  const { h, data, nodes } = report;
  const { architecture, model } = data;
  const training = model?.training;
  const metrics = training?.metrics ?? null;

  const libraries = JSON.parse(document.getElementById("libraries").textContent);

  const card = (title, ...content) => h("section", { class: "card" }, h("h2", {}, title), ...content);
  const tile = (value, name, note = "") => h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, value), note ? h("dd", { class: "more" }, note) : null);
  const wide = (label, table) => h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, table);
  const grid = (caption, heads, rows) => wide(caption, h("table", {}, h("caption", { class: "hidden" }, caption),
    h("thead", {}, h("tr", {}, heads.map(([head, number]) => h("th", { scope: "col", class: number ? "number" : null }, head)))),
    h("tbody", {}, rows.map(row => h("tr", {}, row.map((cell, i) => h(i ? "td" : "th", { scope: i ? null : "row", class: heads[i][1] ? "number" : null }, cell)))))));

  const hiddenNodes = report.size - report.firstHidden;
  const genes = report.firstHidden, connected = genes - architecture.unconnected_genes;
  const scoreTiles = found => {
    if (!found) return [];
    const of = found.cells ? `${report.number(found.cells)} cells not seen in training` : "";
    const known = [["c_index", "Test c-index"], ["accuracy", "Test accuracy"], ["balanced_accuracy", "Balanced accuracy"], ["pearson", "Test Pearson r"], ["r2", "R²"]];
    return known.filter(([name]) => Number.isFinite(found[name])).slice(0, 2).map(([name, title], i) => tile(report.number(found[name]), title, i ? "" : of));
  };
  const tiles = () => h("dl", { class: "tiles" },
    scoreTiles(metrics),
    tile(report.number(hiddenNodes), "named nodes", `in ${report.count(report.layers - 1, "layer")}`),
    tile(report.number(connected), "genes connected", `of ${report.number(genes)}`),
    tile(report.number(architecture.edges), "connections", ""),
    tile(report.number(model?.parameters ?? architecture.parameters), "parameters", `${report.percent((model?.parameters ?? architecture.parameters) / architecture.dense_parameters)} of a dense network's`));

  const summary = () => {
    const kinds = d3.rollup(d3.range(report.firstHidden, report.size), part => part.length, node => report.kind(node));
    const what = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, number]) => report.count(number, `${kind} node`)).join(", ");
    const outputs = model?.outputs.names ?? [];
    const goal = !model ? "It has not been trained." : outputs.length
      ? `It ${model.outputs.kind === "class" ? "tells apart" : "predicts"} ${outputs.slice(0, 6).join(", ")}${outputs.length > 6 ? ` and ${outputs.length - 6} more` : ""}.` : "It gives an embedding.";
    return h("p", { class: "lead" }, `A neural network with ${what}, wired by biological knowledge over ${report.count(genes, "gene")}: a node reads only what that knowledge connects it to. `, report.name(goal));
  };

  const lost = entry => report.count(entry.count, entry.subject).replace(/ys$/, "ies");
  const judgement = () => (model?.judgement ? h("p", { class: "note lines" }, report.name(model.judgement)) : null);

  const links = () => (model?.soft_links ? h("p", { class: "note" }, report.name(model.soft_links)) : null);

  // What was lost most of, before any training; all of it is further down.
  const losses = () => {
    const most = architecture.audit.toSorted((a, b) => b.count - a.count).slice(0, 3);
    return most.length ? h("p", { class: "note" }, "Left out or changed on the way: ", most.flatMap((entry, i) => [i ? "; " : "", lost(entry), " (", report.name(entry.reason), ")"]), ".") : null;
  };

  const orders = () => {
    const found = report.findings(), listed = [];
    if (found) {
      const facts = found.facts, passed = d3.range(report.firstHidden, report.size).filter(report.found).length;
      const where = found.group ? ` for ${found.group}` : "", number = found.group ? passed : facts.found;
      listed.push({
        title: "Evidence", value: node => (found.similar[node] === null ? null : found.group ? found.evidence[node] : Math.abs(found.evidence[node] ?? NaN)),
        is: node => !number || report.found(node),
        head: `${report.number(number)} of ${report.number(facts.nodes)} nodes have evidence${where} at a false discovery rate of 5 %`,
        note: `Evidence: how far the genes of a node ${found.size_is === "r" ? "go with what is predicted" : `differ${where}`}, as ${found.size_is === "r" ? "the t of their correlation" : "Welch's t"} above that of as many genes of like expression, in standard deviations. It is an association, not a cause; nodes that share genes share it, and fewer than five genes have little chance of it. ${facts.replicate ? `Means over ${facts.replicate} were compared.` : "Cells were compared as if independent; cells of one donor are not."}`,
      });
      if (found.beyond_the_mean.some(Boolean)) listed.push({
        title: "Beyond the mean", value: node => (found.beyond_the_mean[node] ? found.learned[node] : null), is: () => true,
        head: "What the trained nodes know that no mean of their genes shows",
        note: "Learned: Mann and Whitney's z of a discriminant of the node's units in cells that were not in the training.",
      });
    }
    if (data.importance) listed.push({
      title: found ? "Use" : "Importance", value: node => (node === report.bottleneck ? null : report.importance(node)), is: () => true, head: found ? "What this model needs most" : "",
      note: `Importance${data.importance.method ? ` by ${data.importance.method}` : ""}: how much the outputs change with the node. It is of this model, not of biology: another seed may use other nodes (vnn compare).`,
    });
    if (!listed.length) listed.push({ title: "Genes", value: node => nodes.genes[node], is: () => true, head: "", note: "Nothing is known of the nodes: pass a trained model that remembers its training cells, or data." });
    return listed;
  };
  const leading = () => {
    const place = h("div"), choice = h("div", { class: "tools" });
    let chosen = "";
    const show = () => {
      const found = report.findings(), listed = orders();
      const order = listed.find(one => one.title === chosen) ?? listed[0];
      const shown = d3.range(report.firstHidden, report.size).filter(node => Number.isFinite(order.value(node)) && order.is(node))
        .sort((a, b) => order.value(b) - order.value(a) || a - b).slice(0, 12);
      const most = d3.max(shown, node => Math.abs(order.value(node)));
      const more = node => [report.count(nodes.genes[node], "gene"), ...(found ? [
        ...(report.higher(node) ? [` · higher ${found.size_is === "d" ? "in" : "with"} `, report.name(report.higher(node)), ` (${found.size_is} ${report.signed(found.size[node])})`] : []),
        found.similar[node] ? ` · +${found.similar[node]} similar` : null] : [])];
      place.replaceChildren(order.head ? h("p", { class: "finding" }, report.name(order.head)) : "", h("ol", { class: "leading" }, shown.map(node => h("li", {},
        h("span", { class: "who" }, report.nodeLink(node), h("small", {}, more(node))),
        report.bar(order.value(node), most), h("span", { class: "number" }, report.number(order.value(node)))))),
      h("p", { class: "note" }, report.name(order.note)));
      const buttons = listed.map(one => report.button(one.title, () => { chosen = one.title; show(); }, { "aria-pressed": String(one === order) }));
      choice.replaceChildren(...[listed.length > 1 ? h("div", { class: "switch", role: "group", "aria-label": "Order" }, buttons) : null, ofClass].filter(Boolean));
    };
    const ofClass = report.classSelect();
    show();
    report.on("class", show);
    return card(report.findings() ? "What the nodes say" : data.importance ? "What matters most" : "The largest nodes", choice, place);
  };

  const curves = () => {
    const history = training?.history;
    if (!history?.loss?.length) return null;
    const pictures = [["Loss", "loss"], ["Accuracy", "accuracy"], ["Pearson r", "pearson"]].filter(([, name]) => history[name]?.length).slice(0, 2).map(([title, name]) => report.lines({ title, series: [
      { name: "training", values: history[name] },
      ...(history[`val_${name}`] ? [{ name: "validation", values: history[`val_${name}`], dashed: true }] : []),
    ] }));
    const names = Object.keys(history).filter(name => history[name].length === history.loss.length);
    const rows = history.loss.map((_, epoch) => [String(epoch + 1), ...names.map(name => report.number(history[name][epoch], 4))]);
    return card("Training", h("div", { class: "charts" }, pictures), h("details", {}, h("summary", {}, "As a table"), grid("Training by epoch", [["epoch"], ...names.map(name => [name, true])], rows)));
  };

  // Of many classes the columns have numbers, and each cell its colour; what it says is read when it is asked for.
  const confusion = (found, title) => {
    const table = found?.confusion;
    if (!table) return null;
    const { classes, cells } = table, sums = cells.map(row => d3.sum(row)), many = classes.length > 4;
    const rows = cells.map((row, i) => h("tr", {}, h("th", { scope: "row" }, many ? `${i + 1} ` : "", report.name(classes[i])), row.map((number, j) => {
      const share = sums[i] ? number / sums[i] : 0;
      const cell = h("td", { class: i === j ? "right" : "wrong", title: `${classes[i]} taken for ${classes[j]}: ${report.number(number)} of ${report.number(sums[i])} cells, ${report.percent(share)}` }, number || i === j || !many ? report.number(number) : "");
      cell.style.setProperty("--share", share);
      return cell;
    })));
    const heads = classes.map((name, i) => h("th", { scope: "col", title: name, "aria-label": name }, many ? String(i + 1) : report.name(name)));
    const facts = [["accuracy", "accuracy"], ["balanced_accuracy", "balanced"], ["macro_f1", "macro F1"], ["log_loss", "log loss"]].filter(([name]) => Number.isFinite(found[name])).map(([name, words]) => `${words} ${report.number(found[name])}`).join(", ");
    return card(title, wide(title, h("table", { class: many ? "confusion many" : "confusion" }, h("caption", {}, `True classes in rows, predicted in columns${many ? ", by number" : ""}; numbers of cells`),
      h("thead", {}, h("tr", {}, h("td", {}), heads)), h("tbody", {}, rows))), h("p", { class: "note" }, facts));
  };

  const layers = () => card("Layers", grid("Layers of the network", [["layer"], ["what"], ["nodes", true], ["units", true], ["connections", true], ["density", true], ["parameters", true], ["if dense", true]],
    architecture.layers.map(row => [row.layer, report.name(row.name), row.nodes ? report.number(row.nodes) : "", report.number(row.units), row.edges ? report.number(row.edges) : "",
      row.parameters ? report.percent(row.density) : "", row.parameters ? report.number(row.parameters) : "", row.parameters ? report.number(row.dense_parameters) : ""])));

  const sources = () => architecture.sources.length ? card("Made from", grid("Files the network was made from", [["file"], ["format"], ["release"], ["records", true], ["sha256"]],
    architecture.sources.map(source => [report.name(source.name), report.name(source.format), report.name(source.release || "–"), report.number(source.records), source.sha256 ? h("code", { title: source.sha256 }, `${source.sha256.slice(0, 12)}…`) : "–"]))) : null;

  const audit = () => card("Dropped or changed on the way", architecture.audit.length ? h("ul", { class: "audit" }, architecture.audit.map(entry => {
    const line = [h("strong", {}, report.name(lost(entry))), ": ", report.name(entry.reason)];
    return h("li", {}, entry.items.length ? h("details", {}, h("summary", {}, ...line), h("p", { class: "items" }, entry.items.flatMap((item, i) => [i ? ", " : "", report.name(item)]), entry.count > entry.items.length ? ` and ${report.number(entry.count - entry.items.length)} more` : "")) : h("span", { class: "plain" }, ...line));
  })) : h("p", {}, "Nothing."));

  const options = (title, values) => values && Object.keys(values).length ? h("details", {}, h("summary", {}, title), grid(title, [["option"], ["value"]],
    Object.entries(values).map(([name, value]) => [h("code", {}, name), report.name(typeof value === "string" ? value : JSON.stringify(value))]))) : null;
  const repeat = () => {
    const text = [
      "import keras_vnn as vnn", "",
      ...(model ? ['model = vnn.load_model("model.keras")  # the file this page was made from', "arch = vnn.tl.view(model).architecture"] : ['arch = vnn.read.architecture("architecture.vnn")']),
      `assert arch.fingerprint == "${architecture.fingerprint}"`,
      ...(model ? ["print(vnn.tl.rank_nodes(model, top=10))"] : ["print(arch.summary())"]),
      `vnn.pl.write_report(${model ? "model" : "arch"}, "report.html")`,
    ].join("\n");
    const cite = `keras-vnn: visible neural networks for Keras, version ${data.version}. MIT licence.`;
    return card("Cite and repeat",
      h("h3", {}, "Cite"), h("p", {}, cite, " Cite also the paper whose style the network follows, and the sources of the knowledge above with their releases."),
      h("h3", {}, "Repeat"), h("pre", { tabindex: "0" }, h("code", {}, text)),
      options("Options the network was wired with", architecture.options), options("Options of the model", model?.options), options("Options of the training", training?.options),
      h("p", { class: "note" }, `fingerprint ${architecture.fingerprint.slice(0, 16)} · normalisation: ${model?.normalization ?? "none"}`),
      h("p", { class: "note" }, "This page loads nothing and sends nothing; links to databases open when followed. It carries these libraries:"),
      libraries.map(({ name, version, licence, text }) => h("details", {}, h("summary", {}, `${name} ${version}, ${licence} licence`), h("pre", { tabindex: "0" }, text))));
  };

  report.overview = () => h("div", { class: "overview" },
    h("div", { class: "hero" }, summary(), tiles(), judgement(), links(), losses()),
    leading(), h("div", { class: "pair" }, [curves(), confusion(data.scores, "Confusion, cells passed to the report"), confusion(metrics, "Confusion, cells not seen in training")].filter(Boolean)),
    layers(), sources(), audit(), repeat());
})();
