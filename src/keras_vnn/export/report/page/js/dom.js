// Elements, numbers and files. Text reaches the page as text nodes only, so no name can become markup.
"use strict";
const report = {};

(() => {
  /** Make an element. Properties: class, on (listeners), or attributes; children: nodes or text, nothing is left out. */
  report.h = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
    return element;
  };

  /** A name of a file: shown as it is, and unable to turn the letters of its surroundings around. */
  report.name = text => report.h("bdi", { class: "name" }, text);

  report.say = text => { document.getElementById("spoken").textContent = text; };

  const grouped = new Intl.NumberFormat("en-GB");
  /** A number for people: thousands separated, three significant digits, a dash for none. */
  report.number = (value, digits = 3) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (typeof value !== "number") return String(value);
    if (Number.isInteger(value)) return grouped.format(value).replace("-", "−");
    const size = Math.abs(value);
    if (size < 1e-3 || size >= 1e7) return value.toExponential(digits - 1).replace("-", "−").replace("e-", "e−");
    return (size >= 1000 ? grouped.format(Math.round(value)) : String(Number(value.toPrecision(digits)))).replace("-", "−");
  };
  report.signed = value => (value > 0 ? "+" : "") + report.number(value);
  report.percent = share => `${Number((100 * share).toPrecision(3))} %`;
  report.count = (number, noun) => `${report.number(number)} ${noun}${number === 1 ? "" : "s"}`;

  /**
   * Rows as CSV, as keras_vnn.csv_tables writes it and `read.table` reads it: texts are quoted, and one that a
   * spreadsheet would compute gets an apostrophe in front; numbers are left as they are.
   */
  report.csv = rows => rows.map(row => row.map(value => {
    if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
    if (value === null || value === undefined) return "";
    const text = String(value);
    return `"${(/^'*[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  }).join(",")).map(line => `${line}\n`).join("");

  report.download = (name, text, type = "text/csv;charset=utf-8") => {
    const address = URL.createObjectURL(text instanceof Blob ? text : new Blob([text], { type }));
    const link = report.h("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };

  report.button = (text, action, properties = {}) =>
    report.h("button", { type: "button", ...properties, on: { click: action } }, text);
})();
