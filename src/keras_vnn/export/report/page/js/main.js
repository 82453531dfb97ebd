// The pages, and the first paint.
"use strict";

(() => {
  const { h } = report;
  const main = document.getElementById("main"), nav = document.getElementById("pages");
  const pages = [["overview", "Overview", report.overview], ["explore", "Explore", report.explorer], ["tables", "Tables", report.sheets],
    ...(report.comparison ? [["comparison", "Controls", report.comparison]] : []), ...(report.trials ? [["search", "Search", report.trials]] : [])];
  // A page that is about many runs opens on them.
  const first = report.trials ? "search" : report.comparison && !report.data.model ? "comparison" : "overview";
  const made = new Map();

  const links = pages.map(([name, title]) => h("a", { href: `#${name}`, on: { click: event => {
    event.preventDefault();
    report.set({ page: name });
    scrollTo(0, 0);
  } } }, title));
  nav.append(...links);

  const show = () => {
    const number = pages.findIndex(([name]) => name === report.state.page);
    const [name, title, make] = pages[number];
    const isFirst = !made.has(name);
    if (isFirst) made.set(name, h("div", { class: "page", id: name, role: "region", "aria-label": title }, make()));
    main.replaceChildren(made.get(name));
    links.forEach((link, i) => (i === number ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current")));
  };
  report.on("page", show);

  const follow = () => {
    const { page, node } = report.readAddress();
    const known = pages.some(([name]) => name === page) ? page : first;
    report.set({ page: known, ...(known === "explore" ? { selected: node } : {}) }, { remember: false });
  };
  addEventListener("popstate", follow);
  addEventListener("hashchange", follow);

  report.set({ view: report.firstView, colour: report.colourChoices()[0].name }, { remember: false });
  const { page, node } = report.readAddress();
  report.state.page = null;
  const known = pages.some(([name]) => name === page) ? page : first;
  report.set({ page: known, ...(known === "explore" && node !== null ? { selected: node } : {}) }, { remember: false });
  performance.mark("shown");
})();
