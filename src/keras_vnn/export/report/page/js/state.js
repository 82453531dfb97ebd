// What the reader has chosen. Views listen; the address of the page keeps what is worth a link: the page and the node.
"use strict";

(() => {
  const state = { page: "overview", selected: null, focus: null, colour: null, view: null, dark: false, class: null };
  const listeners = [];
  report.state = state;
  report.byId = new Map(report.nodes.id.map((id, node) => [id, node]));

  /** Call `listener(changed)` when one of the named choices changes. */
  report.on = (names, listener) => listeners.push({ names: names.split(" "), listener });
  report.set = (changes, { remember = true } = {}) => {
    const changed = new Set(Object.keys(changes).filter(name => state[name] !== changes[name]));
    if (!changed.size) return;
    Object.assign(state, changes);
    if (changed.has("class")) report.findingsOf(state.class);
    if (remember && (changed.has("page") || changed.has("selected"))) {
      const address = report.address();
      if (address !== location.hash) history.pushState(null, "", address);
    }
    for (const { names, listener } of listeners) if (names.some(name => changed.has(name))) listener(changed);
  };

  report.address = () => {
    const node = state.page === "explore" && state.selected !== null && state.selected < report.size ? state.selected : null;
    return `#${state.page}${node === null ? "" : `/${encodeURIComponent(report.nodes.id[node])}`}`;
  };
  report.readAddress = () => {
    const [page, ...rest] = location.hash.slice(1).split("/");
    let id = rest.join("/");
    try { id = decodeURIComponent(id); } catch { id = ""; }
    return { page, node: report.byId.get(id) ?? null };
  };

  /** Show a node in the explorer. */
  report.open = node => report.set({ page: "explore", selected: node });
  report.nodeLink = (node, text = report.label(node)) =>
    report.h("a", { href: `#explore/${encodeURIComponent(report.nodes.id[node])}`, class: "node-link", on: {
      click: event => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        report.open(node);
      },
    } }, report.name(text));

  /** A choice of the class that evidence is about, where there are several; every one on the page shows the same. */
  report.classSelect = () => {
    if (!report.classes.length) return null;
    const { h } = report;
    const select = h("select", { "aria-label": "Class", on: { change: event => report.set({ class: event.target.value || null }) } },
      h("option", { value: "" }, "the best of each node"), report.classes.map(name => h("option", { value: name }, name)));
    report.on("class", () => { select.value = state.class ?? ""; });
    select.value = state.class ?? "";
    return h("label", { class: "of-class" }, "Class ", select);
  };

  // Light or dark: as the system has it, unless the reader says otherwise.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const choices = ["system", "light", "dark"];
  let chosen = "system";
  const apply = () => {
    const dark = chosen === "dark" || (chosen === "system" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const next = choices[(choices.indexOf(chosen) + 1) % choices.length];
    const button = document.getElementById("theme");
    button.textContent = { system: "◐", light: "☀", dark: "☾" }[chosen];
    button.setAttribute("aria-label", `Colours: ${chosen === "system" ? "as the system" : chosen}. Change to ${next === "system" ? "as the system" : next}`);
    button.title = button.getAttribute("aria-label");
    report.set({ dark });
  };
  document.getElementById("theme").addEventListener("click", () => {
    chosen = choices[(choices.indexOf(chosen) + 1) % choices.length];
    apply();
  });
  system.addEventListener("change", apply);
  apply();
  report.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
})();
