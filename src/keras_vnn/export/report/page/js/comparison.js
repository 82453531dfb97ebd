// The comparison with controls and baselines, if there is one.
"use strict";

(() => {
  const { h, data } = report;
  const found = data.comparison;

  report.comparison = found && (() => {
    const metric = String(found.metric).replaceAll("_", " ");
    const rows = found.summary.map(row => ({
      name: String(row.contender), kind: ["prior", "control", "baseline"].includes(row.kind) ? row.kind : "baseline", mean: row.mean,
      values: found.runs.filter(run => run.contender === row.contender).map(run => run[found.metric]),
    }));
    const column = (title, key, number = true, note) => ({ title, value: row => row[key], number, note });
    const titled = name => name.replaceAll("_", " ");
    const scores = report.table({
      caption: "Scores of the real prior, its controls and baselines", file: "scores.csv", rows: found.summary, columns: [
        column("contender", "contender", false), column("kind", "kind", false), column("runs", "runs"), column("mean", "mean"), column("sd", "sd"),
        column("real − this", "difference", true, "Difference of the real prior from this"), column("95 % from", "low"), column("to", "high"),
        column("adjusted p", "adjusted_p", true, "Corrected resampled t test (Nadeau and Bengio 2003), adjusted for the number of contenders (Benjamini and Hochberg 1995)"), column("weights", "weights"),
        column("rank correlation", "spearman", true, "How far rankings of nodes agree from run to run"), column("overlap of the first", "top_overlap"),
      ],
    });
    const keys = rows => [...new Set(rows.flatMap(row => Object.keys(row)))];
    const generic = (caption, file, rows) => rows?.length ? report.table({ caption, file, rows, columns: keys(rows).map(key => ({
      title: titled(key), number: rows.some(row => typeof row[key] === "number"), value: row => row[key],
      show: key === "id" && report.byId.has(rows[0].id) ? row => (report.byId.has(row.id) ? report.nodeLink(report.byId.get(row.id), row.id) : report.name(row.id)) : null,
    })) }) : null;
    return h("div", { class: "comparison" },
      h("section", { class: "card" }, h("h2", {}, "The real prior against its controls and baselines"), h("p", { class: "verdict" }, found.verdict),
        report.dots({ title: `${metric} of every run`, rows }),
        h("p", { class: "note" }, "A dot is a run, a bar the mean. Blue: the real prior; orange: controls wired at random; grey: baselines.")),
      scores,
      generic("Nodes of the real prior and of the controls", "compared-nodes.csv", found.nodes),
      generic("How far importance follows the place in the network", "place.csv", found.place),
      generic("Every run", "runs.csv", found.runs));
  });
})();
