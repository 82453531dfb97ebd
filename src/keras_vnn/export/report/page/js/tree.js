// The hierarchy as a tree: every node under one of its parents, many children in bundles, so that a view never has to
// draw thousands of them side by side.
"use strict";

(() => {
  const { nodes, size } = report;
  const MANY = 100, BUNDLE = 50;
  let next = size;  // bundles are numbered behind the nodes
  const places = new Map();

  const place = (id, label, children, genes) => {
    const made = { id, label, children, genes, parent: null, depth: 0, share: 0, isBundle: id >= size };
    for (const child of children) child.parent = made;
    places.set(id, made);
    return made;
  };
  const byWorth = (a, b) => report.worth(b) - report.worth(a) || a - b;
  const largest = (a, b) => b.genes - a.genes || a.id - b.id;
  const word = report.data.findings ? "by evidence" : report.data.importance ? "by importance" : "by size";
  const total = children => d3.sum(children, child => child.genes);

  /** Put more than a hundred children into bundles by rank. */
  const bundled = (children, first = 1) => {
    if (children.length <= MANY) return children.sort(largest);
    const ranked = children.sort((a, b) => byWorth(a.id, b.id));
    const each = Math.max(BUNDLE, Math.ceil(ranked.length / BUNDLE));
    return d3.range(0, ranked.length, each).map(from => {
      const part = ranked.slice(from, from + each);
      return place(next++, `${report.number(from + first)}–${report.number(from + first - 1 + part.length)} ${word}`, bundled(part, from + first), total(part));
    });
  };

  const children = new Map(), roots = [];
  for (let node = report.firstHidden; node < size; node++) {
    const parent = nodes.parent[node];
    if (parent < 0) roots.push(node);
    else if (children.has(parent)) children.get(parent).push(node);
    else children.set(parent, [node]);
  }
  // Children stand in earlier layers than their parents, so they are made before them.
  for (let node = report.firstHidden; node < size; node++)
    place(node, report.label(node), bundled((children.get(node) ?? []).map(child => places.get(child))), nodes.genes[node]);

  const top = () => {
    const parts = roots.map(node => places.get(node));
    if (parts.length === 1) return parts[0];
    const kinds = d3.group(parts, part => report.kind(part.id));
    const groups = kinds.size > 1 && parts.length > 12
      ? [...kinds].map(([kind, group]) => (group.length === 1 ? group[0] : place(next++, `${kind} nodes`, bundled(group), total(group))))
      : bundled(parts);
    return place(next++, "All nodes", groups, total(groups));
  };
  const root = top();

  // A node's share of the room of its parent goes by the genes upstream of it, compared with its siblings and the parent's own genes.
  const own = part => {
    if (part.isBundle) return 0;
    let genes = 0;
    for (let at = report.edges.start[part.id]; at < report.edges.start[part.id + 1]; at++) if (report.isGene(report.edges.source[at])) genes++;
    return genes;
  };
  root.share = 1;
  const stack = [root];
  while (stack.length) {
    const part = stack.pop();
    const room = total(part.children) + (part.children.length ? own(part) : 0);
    for (const child of part.children) {
      child.depth = part.depth + 1;
      child.share = part.share * Math.max(child.genes, 1e-9) / (room || 1);
      stack.push(child);
    }
  }

  const path = part => {
    const found = [];
    for (let here = part; here; here = here.parent) found.unshift(here);
    return found;
  };
  /** The widest part of the hierarchy that shows a place clearly: so many steps above it, and not too small a share. */
  const around = (part, steps, least) => {
    let here = part.parent ?? part;
    for (let step = 1; step < steps && here.parent && part.share / here.parent.share >= least; step++) here = here.parent;
    return here;
  };
  report.tree = { root, around, at: id => places.get(id) ?? null, path, isNode: part => !part.isBundle };
  report.state.focus = root.id;

  /** The colour of a place: of its node; a bundle has none of its own. */
  report.colourOfPart = part => {
    if (!part.isBundle) return report.colourOf(part.id);
    return report.state.dark ? "#2b313a" : "#e7eaee";
  };
  report.partText = part => (part.isBundle ? part.label : report.label(part.id));
  /** What the arrow keys lead to. */
  report.neighbour = (part, key) => {
    const siblings = part.parent?.children ?? [part], at = siblings.indexOf(part);
    return { ArrowLeft: siblings[at - 1], ArrowRight: siblings[at + 1], ArrowUp: part.parent, ArrowDown: part.children[0] }[key] ?? null;
  };
})();
