// The hierarchy as a map: children inside their parent, three steps deep, by the genes upstream.
"use strict";

(() => {
  const MANY = 3200, SMALLEST = 10, DEEP = 3;
  const cut = (text, room) => {
    const letters = Math.floor(room / 6.3);
    return text.length <= letters ? text : letters < 3 ? "" : `${text.slice(0, letters - 1)}…`;
  };

  report.treemap = ({ pick, zoom }) => {
    const svg = d3.create("svg").attr("class", "treemap").attr("tabindex", 0).attr("role", "application").attr("aria-roledescription", "treemap");
    const element = report.h("div", { class: "view" }, svg.node());
    let boxes = [], shown = new Set(), small = 0;

    const layout = focus => {
      const wide = Math.max(280, element.clientWidth), tall = Math.round(wide < 600 ? wide * 1.3 : Math.min(wide * 0.74, Math.max(420, innerHeight - 260)));
      svg.attr("viewBox", [0, 0, wide, tall]);
      let left = MANY;
      const copy = (part, depth) => ({ part, children: depth && part.children.length && (left -= part.children.length) > 0 ? part.children.map(child => copy(child, depth - 1)) : undefined });
      const root = d3.hierarchy(copy(focus, focus.isBundle || focus.children.some(child => child.isBundle) ? DEEP + 1 : DEEP));
      root.each(d => { d.value = d.data.part.share; });
      d3.treemap().size([wide, tall]).paddingInner(2).paddingTop(d => (d.depth ? 19 : 0)).paddingLeft(d => (d.depth ? 3 : 0)).paddingRight(d => (d.depth ? 3 : 0)).paddingBottom(d => (d.depth ? 3 : 0)).round(true)(root);
      const all = root.descendants().slice(1);
      boxes = all.filter(d => (d.x1 - d.x0) * (d.y1 - d.y0) >= SMALLEST && d.x1 - d.x0 > 1 && d.y1 - d.y0 > 1);
      small = all.length - boxes.length;
      shown = new Set(boxes.map(d => d.data.part.id));
    };
    const title = part => (part.isBundle ? part.label : `${report.partText(part)}\n${report.count(part.genes, "gene")} · ${report.colourTitle()}: ${report.number(report.colourValue(part.id))}`);
    const paint = () => {
      svg.selectAll("g").select("rect").attr("fill", d => report.colourOfPart(d.data.part));
      svg.selectAll("g").select("text").attr("fill", d => report.inkOn(report.colourOfPart(d.data.part)));
      svg.selectAll("g").select("title").text(d => title(d.data.part));
    };
    const mark = () => svg.selectAll("g").classed("selected", d => d.data.part.id === report.state.selected);
    const move = () => {
      const focus = report.tree.at(report.state.focus);
      layout(focus);
      svg.selectAll("g").data(boxes, d => d.data.part.id).join(enter => {
        const made = enter.append("g");
        made.append("rect").attr("rx", 2);
        made.append("text");
        made.append("title");
        return made;
      }).order().attr("class", d => (d.data.part.children.length ? "can-zoom" : null)).attr("transform", d => `translate(${d.x0},${d.y0})`).each(function (d) {
        const wide = d.x1 - d.x0, high = d.y1 - d.y0;
        d3.select(this).select("rect").attr("width", wide).attr("height", high);
        d3.select(this).select("text").attr("x", 5).attr("y", 14).text(high > 16 ? cut(report.partText(d.data.part), wide - 8) : "");
      });
      paint();
      mark();
      if (!boxes.length) svg.selectAll("g").remove();
      svg.attr("aria-label", `Treemap of ${report.partText(focus)}: ${report.count(boxes.length, "box")}. Arrow keys move, Enter zooms in, Backspace zooms out.`.replace("boxs", "boxes"));
    };
    let width = 0;
    new ResizeObserver(() => {
      if (element.clientWidth && Math.abs(element.clientWidth - width) > 40) {
        width = element.clientWidth;
        if (shown.size) move();
      }
    }).observe(element);
    const at = event => event.target.closest("g") && d3.select(event.target.closest("g")).datum()?.data.part;
    svg.on("click", event => {
      const part = at(event);
      if (part) report.state.selected === part.id && part.children.length ? zoom(part) : pick(part);
    });
    svg.on("dblclick", event => {
      const part = at(event);
      if (part?.children.length) zoom(part);
    });

    return {
      element,
      note: () => `A box's area goes by the genes upstream of it; what children leave free is the parent's own genes. A node with several parents stands under the one with the fewest genes. ${small ? `${report.number(small)} boxes are too small to draw here: zoom in to see them.` : ""}`,
      draw: changed => {
        if (changed.has("focus") || changed.has("view") || !shown.size) move();
        else if (changed.has("colour") || changed.has("dark")) paint();
        const selected = report.tree.at(report.state.selected);
        if (changed.has("selected")) {
          if (selected && selected.id !== report.state.focus && !shown.has(selected.id)) zoom(report.tree.around(selected, DEEP, 0.004));
          mark();
        }
      },
    };
  };
})();
