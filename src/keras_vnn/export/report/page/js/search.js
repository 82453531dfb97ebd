// Search by gene or node: id, label, merged names. Every word must occur; what begins with the query comes first.
"use strict";

(() => {
  const { h, nodes } = report;
  const SHOWN = 12;
  const fold = text => text.normalize("NFKC").toLowerCase();
  const labels = nodes.id.map((_, node) => fold(report.label(node)));
  const texts = nodes.id.map((id, node) => [labels[node], fold(id), ...report.names(node).map(fold)].join("\n"));

  /** Nodes that answer to a query, best first. */
  report.find = query => {
    const wanted = fold(query.trim());
    if (!wanted) return [];
    const words = wanted.split(/\s+/), found = [];
    for (let node = 0; node < report.size; node++) {
      const text = texts[node];
      if (!words.every(word => text.includes(word))) continue;
      const label = labels[node], id = fold(nodes.id[node]);
      const grade = id === wanted || label === wanted ? 0 : label.startsWith(wanted) || id.startsWith(wanted) ? 1 : label.includes(wanted) ? 2 : 3;
      found.push({ node, grade });
    }
    found.sort((a, b) => a.grade - b.grade || report.worth(b.node) - report.worth(a.node) || a.node - b.node);
    return found.map(hit => hit.node);
  };

  const box = document.getElementById("query"), list = document.getElementById("hits");
  let hits = [], active = -1;

  const close = () => {
    list.hidden = true;
    active = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const choose = node => {
    close();
    box.value = report.label(node);
    report.open(node);
    report.focusExplorer?.();
  };
  const point = to => {
    active = to;
    for (const [place, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(place === to));
    if (to >= 0) {
      box.setAttribute("aria-activedescendant", `hit-${to}`);
      list.children[to].scrollIntoView({ block: "nearest" });
    } else box.removeAttribute("aria-activedescendant");
  };
  const search = () => {
    performance.mark("search-start");
    hits = report.find(box.value);
    const shown = hits.slice(0, SHOWN);
    list.replaceChildren(...shown.map((node, place) => {
      const swatch = h("span", { class: "swatch" });
      swatch.style.background = report.colourOf(node);
      return h("li", { role: "option", id: `hit-${place}`, "aria-selected": "false", on: {
        mousedown: event => { event.preventDefault(); choose(node); },
      } }, swatch, report.name(report.label(node)),
      h("small", {}, nodes.label[node] ? [report.name(nodes.id[node]), " · "] : null, report.kind(node)));
    }));
    if (hits.length > SHOWN) list.append(h("li", { class: "more", role: "presentation" }, `${report.number(hits.length - SHOWN)} more; type on`));
    if (!hits.length && box.value.trim()) list.append(h("li", { class: "more", role: "presentation" }, "nothing has this name"));
    list.hidden = !list.children.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
    active = -1;
    box.removeAttribute("aria-activedescendant");
    performance.measure("search", "search-start");
    if (box.value.trim()) report.say(`${report.count(hits.length, "result")}`);
  };

  box.addEventListener("input", search);
  box.addEventListener("focus", () => { if (box.value) box.select(); });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", event => {
    const last = Math.min(hits.length, SHOWN) - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) search();
      else if (last >= 0) point(event.key === "ArrowDown" ? (active >= last ? 0 : active + 1) : active <= 0 ? last : active - 1);
    } else if (event.key === "Escape") {
      if (list.hidden) box.value = "";
      close();
    }
  });
  document.getElementById("search").addEventListener("submit", event => {
    event.preventDefault();
    if (list.hidden) search();
    if (hits.length) choose(hits[Math.max(active, 0)]);
  });
  addEventListener("keydown", event => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName)) {
      event.preventDefault();
      box.focus();
    }
  });
})();
