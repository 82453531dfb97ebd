// The hierarchy as rings: a node in the middle, its children around it, and theirs around them.
"use strict";

(() => {
  const MIDDLE = 72, THINNEST = 0.006, TURN = 2 * Math.PI;
  // On a phone fewer and smaller rings, so that words stay as large.
  const isNarrow = matchMedia("(max-width: 599px)");
  const SIZE = isNarrow.matches ? 480 : 720, RINGS = isNarrow.matches ? 3 : 4;
  const ring = (SIZE / 2 - MIDDLE - 2) / RINGS;
  const radius = depth => (depth <= 0 ? 0 : MIDDLE + (depth - 1) * ring);

  const cut = (text, room) => {
    const letters = Math.floor(room / 5.6);
    return text.length <= letters ? text : letters < 4 ? "" : `${text.slice(0, letters - 1)}…`;
  };
  /** A text in lines that fit a room of so many pixels; the last is cut. */
  const wrapped = (text, wide, most) => {
    const lines = [];
    for (const word of text.split(/\s+/)) {
      if (lines.length && (lines.at(-1).length + word.length + 1) * 5.6 <= wide) lines[lines.length - 1] += ` ${word}`;
      else lines.push(word);
    }
    if (lines.length > most) lines.splice(most - 1, lines.length, lines.slice(most - 1).join(" "));
    return lines.map(line => cut(line, wide));
  };
  const visible = (from, show) => {
    const arcs = [];
    let thin = 0;
    const walk = (part, start, angle, depth) => {
      if (depth) arcs.push({ part, x0: start, x1: start + angle, depth });
      if (depth === RINGS) return;
      let at = start;
      for (const child of part.children) {
        const wide = angle * child.share / part.share;
        if (wide >= THINNEST) walk(child, at, wide, depth + 1);
        else thin++;
        at += wide;
      }
    };
    walk(from, 0, TURN, 0);
    show(thin);
    return arcs;
  };

  report.sunburst = ({ pick, zoom }) => {
    const svg = d3.create("svg").attr("viewBox", [-SIZE / 2, -SIZE / 2, SIZE, SIZE]).attr("class", "sunburst")
      .attr("tabindex", 0).attr("role", "application").attr("aria-roledescription", "sunburst");
    const rings = svg.append("g"), words = svg.append("g").attr("class", "arc-labels");
    const middle = svg.append("g").attr("class", "middle");
    middle.append("circle").attr("r", MIDDLE - 3);
    const middleText = middle.append("text").attr("text-anchor", "middle");
    const arc = d3.arc().startAngle(d => d.x0).endAngle(d => d.x1).innerRadius(d => radius(d.depth)).outerRadius(d => radius(d.depth + 1) - 1)
      .padAngle(d => Math.min((d.x1 - d.x0) / 3, 0.004)).padRadius(SIZE / 4);
    const element = report.h("div", { class: "view" }, svg.node());
    let shown = new Map(), arcs = [], tooThin = 0;

    const mark = () => {
      const path = new Set(report.tree.path(report.tree.at(report.state.selected)));
      rings.selectAll("path").classed("selected", d => d.part.id === report.state.selected).classed("above", d => path.has(d.part) && d.part.id !== report.state.selected);
      rings.selectAll("path.selected").raise();
    };
    const paint = () => {
      rings.selectAll("path").attr("fill", d => report.colourOfPart(d.part));
      words.selectAll("text").attr("fill", d => report.inkOn(report.colourOfPart(d.part)));
    };
    const label = () => {
      const roomy = arcs.filter(d => (d.x1 - d.x0) * (radius(d.depth) + ring / 2) > 13 && d.x1 - d.x0 < TURN - 0.01);
      words.selectAll("text").data(roomy, d => d.part.id).join("text").attr("text-anchor", "middle")
        .attr("transform", d => {
          const angle = ((d.x0 + d.x1) / 2) * 180 / Math.PI;
          return `rotate(${angle - 90}) translate(${radius(d.depth) + ring / 2},0) rotate(${angle < 180 ? 0 : 180})`;
        }).each(function (d) {
          const room = (d.x1 - d.x0) * (radius(d.depth) + ring / 3);
          const lines = wrapped(report.partText(d.part), ring - 6, Math.max(1, Math.min(4, Math.floor(room / 11.5))));
          d3.select(this).selectAll("tspan").data(lines).join("tspan").attr("x", 0)
            .attr("dy", (_, i) => (i ? "1.05em" : `${0.34 - (lines.length - 1) * 0.525}em`)).text(line => line);
        });
      paint();
    };
    const writeMiddle = focus => {
      const kept = wrapped(report.partText(focus).replaceAll("_", " "), 100, 4);
      if (focus.parent) kept.push("↑ up");
      middleText.selectAll("tspan").data(kept).join("tspan").attr("x", 0).attr("class", (d, i) => (focus.parent && i === kept.length - 1 ? "up" : null))
        .attr("y", (_, i) => (i - (kept.length - 1) / 2) * 16 + 5).text(d => d);
      middle.classed("can-zoom", Boolean(focus.parent));
    };
    const move = animate => {
      const focus = report.tree.at(report.state.focus);
      arcs = visible(focus, thin => { tooThin = thin; });
      const before = shown;
      shown = new Map(arcs.map(d => [d.part.id, d]));
      words.selectAll("text").remove();
      writeMiddle(focus);
      const paths = rings.selectAll("path").data(arcs, d => d.part.id).join(enter => {
        const made = enter.append("path");
        made.append("title");
        return made;
      });
      paths.attr("fill", d => report.colourOfPart(d.part)).attr("class", d => (d.part.children.length ? "can-zoom" : null));
      paths.select("title").text(d => {
        const text = report.partText(d.part);
        return d.part.isBundle ? text : `${text}\n${report.count(d.part.genes, "gene")} · ${report.colourTitle()}: ${report.number(report.colourValue(d.part.id))}`;
      });
      mark();
      if (animate && !report.calm && before.size) {
        words.selectAll("text").remove();
        paths.transition().duration(450).attrTween("d", d => {
          const old = before.get(d.part.id) ?? { x0: (d.x0 + d.x1) / 2, x1: (d.x0 + d.x1) / 2, depth: d.depth };
          const between = d3.interpolateObject({ x0: old.x0, x1: old.x1, depth: old.depth }, { x0: d.x0, x1: d.x1, depth: d.depth });
          return t => arc(between(t));
        }).end().then(label, () => {});
      } else {
        paths.interrupt().attr("d", arc);
        label();
      }
      svg.attr("aria-label", `Sunburst around ${report.partText(focus)}: ${report.count(arcs.length, "arc")} in ${RINGS} rings. Arrow keys move, Enter zooms in, Backspace zooms out.`);
    };

    rings.on("click", event => {
      const d = d3.select(event.target.closest("path")).datum();
      if (d) report.state.selected === d.part.id && d.part.children.length ? zoom(d.part) : pick(d.part);
    });
    rings.on("dblclick", event => {
      const d = d3.select(event.target.closest("path")).datum();
      if (d?.part.children.length) zoom(d.part);
    });
    middle.on("click", () => {
      const focus = report.tree.at(report.state.focus);
      if (focus.parent) zoom(focus.parent); else pick(focus);
    });

    return {
      element,
      note: () => `A node's angle is its share of the genes upstream of its parent; what children leave free is the parent's own genes. A node with several parents stands under the one with the fewest genes. ${tooThin ? `${report.number(tooThin)} nodes are too thin to draw here: zoom in to see them.` : ""}`,
      draw: changed => {
        const selected = report.tree.at(report.state.selected);
        if (changed.has("focus") || changed.has("view") || !shown.size) move(!changed.has("view"));
        else if (changed.has("colour") || changed.has("dark")) paint();
        if (changed.has("selected")) {
          // What is chosen elsewhere has to be seen: zoom to the nearest place that shows it.
          if (selected && selected.id !== report.state.focus && !shown.has(selected.id)) zoom(report.tree.around(selected, RINGS - 1, 0.02));
          mark();
        }
        if (changed.has("colour")) rings.selectAll("path").select("title").text(d => d.part.isBundle ? d.part.label : `${report.partText(d.part)}\n${report.count(d.part.genes, "gene")} · ${report.colourTitle()}: ${report.number(report.colourValue(d.part.id))}`);
      },
    };
  };
})();
