// Colours of nodes: scales that colour-blind people can read, in light and in dark, and their legend.
"use strict";

(() => {
  const { nodes, data, h } = report;
  // Low values lie near the colour of the page; both scales rise or fall steadily in lightness.
  const sequential = () => (report.state.dark ? t => d3.interpolateViridis(0.12 + 0.88 * t) : t => d3.interpolateYlGnBu(0.1 + 0.9 * t));
  const diverging = () => d3.piecewise(d3.interpolateLab, report.state.dark
    ? ["#7cc4ff", "#2f7fc1", "#343a43", "#c2711c", "#ffb45e"]
    : ["#0b4f8a", "#6aaed6", "#eceae6", "#f4a259", "#b04a00"]);
  // Okabe and Ito.
  const categories = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999"];
  const neutral = () => (report.state.dark ? "#3a414b" : "#d9dde2");

  const quantile = (values, share) => d3.quantileSorted(values, share) ?? 0;
  const hidden = d3.range(report.firstHidden, report.size);

  const rising = (name, title, value, { power = 0.5, note = "", share = 1 } = {}) => ({
    name, title, note, value, kind: "sequential",
    make() {
      const known = Float64Array.from(hidden.filter(node => node !== report.bottleneck).map(value).filter(v => v !== null)).sort();
      const top = quantile(known, share) || known.at(-1) || 1;
      const scale = d3.scalePow().exponent(power).domain([0, top]).clamp(true), colour = sequential();
      return { of: v => colour(scale(v)), domain: [0, top], scale, colour };
    },
  });
  const twoSided = (name, title, value, note = "") => ({
    name, title, note, value, kind: "diverging",
    make() {
      const sizes = Float64Array.from(hidden.map(value).filter(v => v !== null).map(Math.abs)).sort();
      const top = quantile(sizes, 0.999) || 1;
      const scale = d3.scalePow().exponent(0.5).domain([-top, top]).range([0, 1]).clamp(true), colour = diverging();
      return { of: v => colour(scale(v)), domain: [-top, top], scale, colour };
    },
  });

  const ofFindings = () => {
    const choices = [], found = report.findings();
    if (!found) return choices;
    const { group, names } = found;
    choices.push(group ? twoSided("evidence", `Evidence for ${group}`, report.evidence) : rising("evidence", "Evidence", report.evidence, { share: 0.999 }));
    choices.push({
      name: "higher", title: found.size_is === "d" ? "Higher in, where found" : "Higher with, where found", kind: "category", names,
      value: node => (report.found(node) ? found.higher[node] : null),
      make: () => ({ of: code => categories[code % categories.length], domain: null }),
    });
    choices.push(rising("learned", "Learned", node => Math.max(0, found.learned[node] ?? 0)));
    return choices;
  };
  const choices = [];
  if (data.importance) {
    choices.push(rising("importance", "Importance", report.importance, { share: 0.999 }));
    choices.push(rising("rank", "Importance, rank in its layer", node => {
      const rank = report.rank(node), of = report.nodesInLayer.get(nodes.layer[node]);
      return rank === null || of < 2 ? null : 100 * (1 - (rank - 1) / (of - 1));
    }, { power: 2.5 }));
    data.importance.outputs.slice(0, 40).forEach((output, code) => choices.push(
      twoSided(`effect ${code}`, `Effect on ${output}`, node => data.importance.effects[code][node])));
  }
  if (data.activity?.effect_size && data.activity.classes.length > 1)
    data.activity.classes.slice(0, 40).forEach((name, code) => choices.push(
      twoSided(`activity ${code}`, `Activity in ${name}, against the others`, node => report.strongest(node, code)?.effect ?? null)));
  choices.push(rising("genes", "Genes upstream", node => nodes.genes[node], { power: 0.3 }));
  choices.push(rising("inputs", "Inputs", node => nodes.inputs[node], { power: 0.3 }));
  if (report.layers > 2) choices.push(rising("layer", "Layer", node => nodes.layer[node], { power: 1 }));
  if (nodes.kinds.length > 2) choices.push({
    name: "kind", title: "Kind", value: node => nodes.kind[node], kind: "category",
    make: () => ({ of: code => categories[code % categories.length], domain: null }),
  });

  let scale = null;
  let all = [...ofFindings(), ...choices];
  const current = () => all.find(choice => choice.name === report.state.colour) ?? all[0];
  const made = () => (scale ??= current().make());
  report.on("colour dark class", changed => {
    scale = null;
    if (changed.has("class")) all = [...ofFindings(), ...choices];
  });

  report.colourChoices = () => all;
  report.colourOf = node => {
    if (node < 0 || node >= report.size || (report.isGene(node) && current().kind !== "category" && !current().name.startsWith("activity"))) return neutral();
    const value = current().value(node);
    return value === null || value === undefined ? neutral() : made().of(value);
  };
  report.colourValue = node => current().value(node);
  report.colourTitle = () => current().title;
  /** Black or white, whichever is read more easily on a colour. */
  report.inkOn = colour => {
    const { r, g, b } = d3.rgb(colour), linear = v => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) > 0.19 ? "#0b1016" : "#ffffff";
  };
  report.positive = () => (report.state.dark ? "#ff9f4a" : "#b85300");
  report.negative = () => (report.state.dark ? "#62b2f2" : "#0b66a8");

  report.legend = () => {
    const choice = current(), scaled = made();
    if (choice.kind === "category") return h("ul", { class: "legend", "aria-label": "Colours of categories" }, (choice.names ?? nodes.kinds).map((kind, code) => {
      const swatch = h("span", { class: "swatch" });
      swatch.style.background = scaled.of(code);
      return h("li", {}, swatch, kind);
    }));
    const bar = h("span", { class: "ramp" });
    const stops = d3.range(0, 1.001, 0.1).map(t => scaled.colour(t));
    bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    const [low, high] = scaled.domain;
    return h("p", { class: "legend" }, h("span", {}, choice.title), report.number(low), bar, report.number(high));
  };
})();
