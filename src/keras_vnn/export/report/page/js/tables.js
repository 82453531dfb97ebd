// Tables: sorted by their heads, filtered by words and choices, a page of rows at a time, all of them as CSV.
"use strict";

(() => {
  const { h } = report;
  const PAGE = 50;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const compare = (column, up) => (a, b) => {
    const x = column.value(a), y = column.value(b), missing = v => v === null || v === undefined || v === "" || Number.isNaN(v);
    if (missing(x) || missing(y)) return missing(x) - missing(y);  // last, whichever way
    const order = typeof x === "number" && typeof y === "number" ? x - y : collator.compare(String(x), String(y));
    return up ? order : -order;
  };

  /**
   * Make a table.
   * columns: {title, value(row), show(row)?, number?, note?}; rows: anything; choices: {title, value(row), options}.
   * sort: {column, up}. file: name of the CSV.
   */
  report.table = ({ caption, columns, rows, choices = [], sort = null, file, page = PAGE }) => {
    let words = [], chosen = choices.map(() => ""), order = sort, at = 0, shown = rows;
    const sheet = rows.length > page || choices.length;

    const texts = new Map();
    const textOf = row => {
      let text = texts.get(row);
      if (text === undefined) {
        text = columns.filter(column => !column.number).map(column => column.value(row) ?? "").join("\n").toLowerCase();
        texts.set(row, text);
      }
      return text;
    };
    const select = () => {
      shown = rows.filter(row =>
        chosen.every((wanted, i) => wanted === "" || String(choices[i].value(row)) === wanted)
        && words.every(word => textOf(row).includes(word)));
      if (order) shown = shown.slice().sort(compare(columns[order.column], order.up));
      at = 0;
      draw();
    };

    const heads = columns.map((column, number) => h("th", { scope: "col", class: column.number ? "number" : null, title: column.note },
      h("button", { type: "button", on: { click: () => {
        // Numbers first from the largest, texts from A.
        order = { column: number, up: order?.column === number ? !order.up : !column.number };
        select();
        report.say(`Sorted by ${column.title}, ${order.up ? "ascending" : "descending"}`);
      } } }, column.title, h("span", { class: "arrow", "aria-hidden": "true" }))));
    const body = h("tbody");
    const status = h("span", { class: "status", role: "status" });
    const back = report.button("‹", () => { at -= page; draw(); }, { "aria-label": "Previous rows" });
    const forth = report.button("›", () => { at += page; draw(); }, { "aria-label": "Next rows" });

    const draw = () => {
      heads.forEach((head, number) => head.setAttribute("aria-sort", order?.column === number ? (order.up ? "ascending" : "descending") : "none"));
      body.replaceChildren(...shown.slice(at, at + page).map(row => h("tr", {}, columns.map((column, number) => {
        const value = column.value(row);
        const content = column.show ? column.show(row) : column.number ? report.number(value) : report.name(value ?? "");
        return number === 0 ? h("th", { scope: "row" }, content) : h("td", { class: column.number ? "number" : column.title.endsWith("label") ? "label" : null }, content);
      }))));
      const of = shown.length === rows.length ? "" : `, of ${report.number(rows.length)}`;
      status.textContent = shown.length ? `${report.number(at + 1)}–${report.number(Math.min(at + page, shown.length))} of ${report.number(shown.length)}${of}` : `no row fits${of}`;
      back.disabled = at <= 0;
      forth.disabled = at + page >= shown.length;
    };

    const filter = h("input", { type: "search", placeholder: "Filter", "aria-label": `Filter the rows: ${caption}`, on: { input: event => {
      words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      select();
    } } });
    const menus = choices.map((choice, number) => h("label", {}, choice.title, h("select", { on: { change: event => {
      chosen[number] = event.target.value;
      select();
    } } }, h("option", { value: "" }, "all"), choice.options.map(option => h("option", { value: option }, String(option))))));
    const save = report.button("CSV", () => report.download(file, report.csv([
      columns.map(column => column.title), ...shown.map(row => columns.map(column => column.value(row))),
    ])), { class: "csv", title: "Download the rows that fit, all of them, as CSV", "aria-label": `Download as CSV: ${caption}` });

    const element = h("section", { class: "sheet" },
      h("div", { class: "tools" }, sheet ? [filter, ...menus] : null, h("span", { class: "space" }),
        sheet ? h("span", { class: "pager" }, back, status, forth) : null, save),
      h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
        h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, heads)), body)));
    select();
    return element;
  };
})();
