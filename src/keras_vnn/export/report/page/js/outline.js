// The hierarchy as an outline: a tree that the arrow keys walk through, made as it is unfolded.
"use strict";

(() => {
  const { h } = report;

  report.outline = () => {
    const list = h("ul", { role: "tree", "aria-label": "Hierarchy of nodes", class: "outline" });
    const element = h("div", { class: "view outline-view" }, list);
    const items = new Map();
    let current = null;

    const item = part => {
      const swatch = h("span", { class: "swatch" });
      const made = h("li", { role: "treeitem", tabindex: "-1", "aria-level": part.depth + 1, "aria-selected": "false" },
        h("span", { class: "line" }, h("span", { class: "twist", "aria-hidden": "true" }), swatch,
          report.name(report.partText(part)), h("small", {}, report.count(part.genes, part.isBundle ? "gene in all" : "gene"))));
      if (part.isBundle && part.children.length) made.querySelector("small").textContent = `${part.children.length} below`;
      if (part.children.length) made.setAttribute("aria-expanded", "false");
      made.place = part;
      items.set(part.id, made);
      swatch.style.background = report.colourOfPart(part);
      return made;
    };
    const isOpen = made => made.getAttribute("aria-expanded") === "true";
    const unfold = (made, open) => {
      if (!made.hasAttribute("aria-expanded") || isOpen(made) === open) return;
      made.setAttribute("aria-expanded", String(open));
      if (open && !made.querySelector("ul")) made.append(h("ul", { role: "group" }, made.place.children.map(item)));
    };
    const point = (made, { focus = false } = {}) => {
      if (current) current.setAttribute("tabindex", "-1");
      current = made;
      made.setAttribute("tabindex", "0");
      if (focus) made.focus();
    };
    const reveal = part => {
      for (const above of report.tree.path(part).slice(0, -1)) unfold(items.get(above.id), true);
      return items.get(part.id);
    };
    const mark = () => {
      for (const made of list.querySelectorAll('[aria-selected="true"]')) made.setAttribute("aria-selected", "false");
      const part = report.tree.at(report.state.selected);
      if (!part) return;
      const made = reveal(part);
      made.setAttribute("aria-selected", "true");
      point(made);
      made.querySelector(".line").scrollIntoView({ block: "nearest" });
    };

    const visible = () => [...list.querySelectorAll('[role="treeitem"]')].filter(made => !made.parentElement.closest('[aria-expanded="false"]'));
    list.addEventListener("keydown", event => {
      const here = event.target.closest('[role="treeitem"]');
      if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
      const shown = visible(), at = shown.indexOf(here);
      let to = null;
      if (event.key === "ArrowDown") to = shown[at + 1];
      else if (event.key === "ArrowUp") to = shown[at - 1];
      else if (event.key === "Home") to = shown[0];
      else if (event.key === "End") to = shown.at(-1);
      else if (event.key === "ArrowRight") { if (isOpen(here)) to = here.querySelector('[role="treeitem"]'); else unfold(here, true); }
      else if (event.key === "ArrowLeft") { if (isOpen(here)) unfold(here, false); else to = here.parentElement.closest('[role="treeitem"]'); }
      else if (event.key === "Enter" || event.key === " ") report.set({ selected: here.place.id });
      else if (event.key.length === 1 && /\S/.test(event.key)) {
        const letter = event.key.toLowerCase();
        to = [...shown.slice(at + 1), ...shown.slice(0, at)].find(made => report.partText(made.place).toLowerCase().startsWith(letter));
      } else return;
      event.preventDefault();
      event.stopPropagation();
      if (to) point(to, { focus: true });
    });
    list.addEventListener("click", event => {
      const here = event.target.closest('[role="treeitem"]');
      if (!here) return;
      if (event.target.classList.contains("twist")) unfold(here, !isOpen(here));
      else if (report.state.selected === here.place.id) unfold(here, !isOpen(here));
      point(here, { focus: true });
      report.set({ selected: here.place.id });
    });

    const first = item(report.tree.root);
    list.append(first);
    point(first);
    unfold(first, true);
    return {
      element,
      draw: changed => {
        if (changed.has("colour") || changed.has("dark"))
          for (const [id, made] of items) made.querySelector(".swatch").style.background = report.colourOfPart(report.tree.at(id));
        if (changed.has("selected") || changed.has("view")) mark();
      },
    };
  };
})();
