// The explorer: one of four views of the network, what they share, and the panel.
"use strict";

(() => {
  const { h } = report;
  const VIEWS = [["sunburst", "Sunburst"], ["treemap", "Treemap"], ["network", "Network"], ["outline", "Outline"]];

  report.explorer = () => {
    const made = {};
    const stage = h("div", { class: "stage" });
    const crumbs = h("nav", { class: "crumbs", "aria-label": "Where the picture is" });
    const legend = h("div", { class: "legend-place" }), note = h("p", { class: "note view-note" });
    const panel = report.panel();

    const zoom = part => report.set({ focus: part.id });
    const pick = part => report.set({ selected: part.id });
    const makers = {
      sunburst: () => report.sunburst({ pick, zoom }), treemap: () => report.treemap({ pick, zoom }),
      network: () => report.network({ pick }), outline: () => report.outline(),
    };
    const switches = VIEWS.map(([name, title]) => report.button(title, () => report.set({ view: name }), { "aria-pressed": "false", "data-view": name }));
    const options = () => report.colourChoices().map(choice => h("option", { value: choice.name }, choice.title));
    const colours = h("select", { id: "colour", on: { change: event => report.set({ colour: event.target.value }) } }, options());
    const ofClass = report.classSelect();

    const element = h("div", { class: "explorer" },
      h("div", { class: "work" },
        h("div", { class: "tools" }, h("div", { class: "switch", role: "group", "aria-label": "View" }, switches),
          ofClass, h("label", {}, "Colour ", colours)),
        h("div", { class: "below" }, crumbs, legend), stage, note),
      panel.element);

    const drawCrumbs = () => {
      const isTree = state => state === "sunburst" || state === "treemap";
      crumbs.hidden = !isTree(report.state.view);
      const path = report.tree.path(report.tree.at(report.state.focus));
      const shown = path.length > 5 ? [path[0], null, ...path.slice(-3)] : path;
      crumbs.replaceChildren(h("ol", {}, shown.map((part, i) => h("li", {}, part === null ? "…" : i === shown.length - 1
        ? h("span", { "aria-current": "location" }, report.name(report.partText(part)))
        : report.button(report.partText(part), () => zoom(part), { class: "link" })))));
    };
    const draw = changed => {
      if (report.state.page !== "explore") return;
      const name = report.state.view;
      const isFirst = !made[name];
      made[name] ??= makers[name]();
      if (changed.has("view") || !stage.contains(made[name].element)) {
        stage.replaceChildren(made[name].element);
        changed = new Set([...changed, "view", "selected"]);
        for (const button of switches) button.setAttribute("aria-pressed", String(button.dataset.view === name));
      }
      if (isFirst) changed = new Set([...changed, "view"]);
      made[name].draw(changed);
      if (changed.has("focus") || changed.has("view")) drawCrumbs();
      if (changed.has("class")) colours.replaceChildren(...options());
      colours.value = report.state.colour;
      if (changed.has("colour") || changed.has("dark") || changed.has("view") || changed.has("class")) legend.replaceChildren(report.legend());
      if (changed.has("selected") || changed.has("class")) panel.draw();
      note.textContent = made[name].note?.() ?? "";
      note.hidden = !note.textContent;
    };
    report.on("selected focus view colour dark page class", changed => draw(changed.has("class") ? new Set([...changed, "colour"]) : changed));

    // The same keys in every picture: along the tree, in and out.
    stage.addEventListener("keydown", event => {
      if (!/^(sunburst|treemap)$/.test(report.state.view) || event.ctrlKey || event.metaKey || event.altKey) return;
      const part = report.tree.at(report.state.selected) ?? report.tree.at(report.state.focus);
      if (event.key.startsWith("Arrow")) {
        const to = report.state.selected === null ? report.tree.at(report.state.focus) : report.neighbour(part, event.key);
        if (to) pick(to);
      } else if (event.key === "Enter" || event.key === " ") { if (part.children.length) zoom(part); }
      else if (event.key === "Backspace" || event.key === "Escape") {
        const focus = report.tree.at(report.state.focus);
        if (focus.parent) zoom(focus.parent);
      } else return;
      event.preventDefault();
    });
    report.focusExplorer = () => panel.element.querySelector("#panel-title").focus({ preventScroll: matchMedia("(min-width: 900px)").matches });
    return element;
  };
  const isFlat = report.layers === 2;
  report.firstView = isFlat ? "network" : "sunburst";
})();
