// Small charts: training curves, bars around zero, scores of runs.
"use strict";

(() => {
  const { h } = report;
  const svg = (width, height, label) => d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img").attr("aria-label", label);

  // Upwards, with lines across; large numbers are short, so that they stay on the picture.
  const upwards = (y, long) => d3.axisLeft(y).ticks(4).tickSize(-long).tickFormat(d3.max(y.domain(), Math.abs) < 1e4 ? null : d3.format("~s"));

  /** Lines over epochs. series: {name, values, dashed}. */
  report.lines = ({ title, series, width = 330, height = 210 }) => {
    const edge = { top: 12, right: 74, bottom: 36, left: 40 };
    const most = d3.max(series, line => line.values.length);
    const all = series.flatMap(line => line.values).filter(Number.isFinite);
    const x = d3.scaleLinear([1, Math.max(most, 2)], [edge.left, width - edge.right]);
    const y = d3.scaleLinear(d3.extent(all), [height - edge.bottom, edge.top]).nice(4);
    const last = series.map(line => `${line.name} ${report.number(line.values.at(-1))}`).join(", ");
    const picture = svg(width, height, `${title} over ${most} epochs; at the end: ${last}`).attr("class", "chart");
    picture.append("g").attr("class", "axis").attr("transform", `translate(0,${height - edge.bottom})`)
      .call(d3.axisBottom(x).ticks(Math.min(most, 6)).tickFormat(d3.format("d")));
    picture.append("g").attr("class", "axis grid").attr("transform", `translate(${edge.left},0)`)
      .call(upwards(y, width - edge.left - edge.right));
    picture.append("text").attr("class", "axis-title").attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 3).attr("text-anchor", "middle").text("epoch");
    const path = d3.line().defined(Number.isFinite).x((_, i) => x(i + 1)).y(d => y(d));
    const ends = series.map(line => ({ line, y: y(line.values.at(-1)) || 0 })).sort((a, b) => a.y - b.y);
    ends.forEach((end, i) => { if (i && end.y - ends[i - 1].y < 15) end.y = ends[i - 1].y + 15; });
    const below = Math.max(0, ends.at(-1).y - (height - edge.bottom - 6));
    ends.forEach(end => { end.y -= below; });
    for (const { line, y: place } of ends) {
      const name = line.dashed ? "line dashed" : "line";
      picture.append("path").attr("class", name).attr("d", path(line.values));
      picture.append("text").attr("class", "line-label").attr("x", width - edge.right + 6).attr("y", place + 4).text(line.name);
    }
    return h("figure", {}, h("figcaption", {}, title), picture.node());
  };

  /** A bar of a share of its room; around the middle when signed. */
  report.bar = (value, most, { signed = false, colour = null } = {}) => {
    const bar = h("span", { class: signed ? "meter signed" : "meter", "aria-hidden": "true" });
    const fill = h("span");
    const share = most > 0 && Number.isFinite(value) ? Math.min(1, Math.abs(value) / most) : 0;
    const long = `${(signed ? 50 : 100) * share}%`;
    fill.style.width = long;
    if (signed) fill.style.left = value < 0 ? `calc(50% - ${long})` : "50%";
    fill.className = signed ? (value < 0 ? "minus" : "plus") : "";
    if (colour) fill.style.background = colour;
    bar.append(fill);
    return bar;
  };

  /** A dot per value, a bar at the mean, a line from low to high, one row per contender. rows: {name, kind, values, mean, low, high}. */
  report.dots = ({ title, rows, zero = false, width = 620 }) => {
    const left = 150, right = 24, step = 30, height = rows.length * step + 44;
    const values = rows.flatMap(row => [...row.values, row.mean, row.low, row.high, zero ? 0 : null]).filter(Number.isFinite);
    const [low, high] = d3.extent(values), pad = 0.05 * (high - low) || 0.01;
    const x = d3.scaleLinear([low - pad, high + pad], [left, width - right]);
    const best = d3.greatest(rows, row => row.mean);
    const picture = svg(width, height, `${title}, a line per contender; the highest mean is that of ${best?.name}`).attr("class", "chart dots");
    picture.append("g").attr("class", "axis grid").attr("transform", `translate(0,${height - 30})`).call(d3.axisBottom(x).ticks(6).tickSize(-(height - 36)));
    if (zero) picture.append("line").attr("class", "zero").attr("x1", x(0)).attr("x2", x(0)).attr("y1", 6).attr("y2", height - 30);
    const line = picture.selectAll("g.row").data(rows).join("g").attr("class", row => `row ${row.kind}`).attr("transform", (_, i) => `translate(0,${i * step + 22})`);
    line.append("text").attr("x", left - 14).attr("y", 5).attr("text-anchor", "end").text(row => row.name);
    line.append("line").attr("class", "track").attr("x1", left).attr("x2", width - right);
    line.filter(row => Number.isFinite(row.low)).append("line").attr("class", "interval").attr("x1", row => x(row.low)).attr("x2", row => x(row.high));
    line.selectAll("circle").data(row => row.values.filter(Number.isFinite)).join("circle").attr("r", 5).attr("cx", v => x(v));
    line.filter(row => Number.isFinite(row.mean)).append("rect").attr("x", row => x(row.mean) - 1.5).attr("y", -10).attr("width", 3).attr("height", 20);
    return h("figure", {}, h("figcaption", {}, title), h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": title }, picture.node()));
  };

  /** A dot per trial, at what was tried and what came of it; words stand side by side. points: {x, y, best}. */
  report.scatter = ({ title, word, points, width = 330, height = 210 }) => {
    const edge = { top: 12, right: 16, bottom: 30, left: 44 }, tried = points.map(point => point.x);
    const room = [edge.left + 14, width - edge.right - 14], numeric = tried.every(Number.isFinite), [low, high] = numeric ? d3.extent(tried) : [];
    const x = !numeric ? d3.scalePoint([...new Set(tried)], room).padding(0.3) : low > 0 && high > 10 * low ? d3.scaleLog([low, high], room) : d3.scaleLinear([low, high], room);
    const y = d3.scaleLinear(d3.extent(points, point => point.y), [height - edge.bottom, edge.top]).nice(4);
    const picture = svg(width, height, `${word} ${title}: a dot per trial`).attr("class", "chart");
    const words = numeric ? d3.axisBottom(x).ticks(4, "~g") : d3.axisBottom(x).tickSizeOuter(0).tickFormat(name => (String(name).length > 14 ? `${String(name).slice(0, 13)}…` : String(name)));
    picture.append("g").attr("class", "axis").attr("transform", `translate(0,${height - edge.bottom})`).call(words);
    picture.append("g").attr("class", "axis grid").attr("transform", `translate(${edge.left},0)`).call(upwards(y, width - edge.left - edge.right));
    picture.append("g").selectAll("circle").data(points).join("circle").attr("class", point => (point.best ? "trial best" : "trial")).attr("r", point => (point.best ? 6 : 4)).attr("cx", point => x(point.x)).attr("cy", point => y(point.y));
    return h("figure", {}, h("figcaption", {}, title), picture.node());
  };
})();
