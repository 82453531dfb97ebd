// What many runs showed: a comparison with controls and baselines, or a search for hyper-parameters, if there is one.
"use strict";

(() => {
  const { h, data } = report;
  const titled = name => String(name).replaceAll("_", " ").replace(/\bf1\b/, "F1");
  const keys = rows => [...new Set(rows.flatMap(row => Object.keys(row)))];
  // Options are called as a recipe calls them.
  const generic = (caption, file, rows, note = "", options = {}) => rows?.length ? h("div", {}, report.table({ caption, file, rows, columns: keys(rows).map(key => ({
    title: key in options ? key : titled(key), number: rows.some(row => typeof row[key] === "number"), value: row => row[key],
    show: key === "id" && report.byId.has(rows[0].id) ? row => (report.byId.has(row.id) ? report.nodeLink(report.byId.get(row.id), row.id) : report.name(row.id)) : null,
  })) }), note ? h("p", { class: "note" }, note) : null) : null;
  const facts = about => (about ? h("p", { class: "note" }, report.name(Object.entries(about).filter(([name]) => name !== "first_is_recipe").map(([name, value]) => `${titled(name)}: ${value}`).join("; "))) : null);

  const found = data.comparison;
  report.comparison = found && (() => {
    const metric = titled(found.metric);
    const rows = found.summary.filter(row => row.contender !== "constant" && row.kind !== "input").map(row => ({
      ...row, name: String(row.contender), kind: ["prior", "control", "baseline"].includes(row.kind) ? row.kind : "baseline",
      values: found.runs.filter(run => run.contender === row.contender).map(run => run[found.metric]), low: null, high: null,
    }));
    const apart = found.summary.filter(row => Number.isFinite(row.difference) && row.contender !== "constant")
      .map(row => ({ name: String(row.contender), kind: row.kind, values: [], mean: row.difference, low: row.low, high: row.high }));
    const column = (title, key, note, number = true) => ({ title, value: row => row[key], number, note });
    const scores = report.table({
      caption: "Scores of the real prior, its controls and baselines", file: "scores.csv", rows: found.summary, columns: [
        column("contender", "contender", null, false), column("kind", "kind", null, false), column("runs", "runs"), column("mean", "mean"), { ...column("sd", "sd"), value: row => (row.sd < 1e-12 ? 0 : row.sd) },
        column("real − this", "difference", "Difference of the real prior from this"), column("95 % from", "low"), column("to", "high"),
        column("adjusted p", "adjusted_p", "Corrected resampled t test, adjusted for the number of controls, or of baselines"), column("weights", "weights"),
        column("with evidence", "found", "Mean number of nodes with evidence at a false discovery rate of 5 %, on the test cells"),
        column("that learned", "learned", "Mean number of nodes that learned more than nodes of like size"),
        column("rank correlation", "spearman", "How far rankings of nodes by corrected importance agree from run to run"), column("overlap of the first", "top_overlap"),
      ],
    });
    return h("div", { class: "comparison" },
      h("section", { class: "card" }, h("h2", {}, "The real prior against its controls and baselines"), h("p", { class: "verdict" }, found.verdict),
        h("div", { class: "pair-of-charts" }, report.dots({ title: `${metric} of every run, on cells held out`, rows }), apart.length ? report.dots({ title: `real prior − this, in ${metric}`, rows: apart, zero: true }) : null),
        h("p", { class: "note" }, "A dot is a run, a bar the mean. Blue: the real prior; orange: controls wired at random; grey: baselines. ",
          "Differences are on the same splits, by a corrected resampled t test, which knows that training cells overlap (Nadeau and Bengio 2003); p values are adjusted for the number of controls, or of baselines (Holm 1979), and intervals hold for all controls, or baselines, together. Where an interval holds 0, the two are not distinguishable."),
        h("dl", {}, found.summary.filter(row => row.description).flatMap(row => [h("dt", {}, report.name(row.contender)), h("dd", {}, report.name(row.description))])),
        facts(found.about)),
      scores,
      generic("Nodes of the real prior and of the controls", "compared-nodes.csv", found.nodes, "Differences and effect sizes (Hedges’ g) are from the node of the same name under a control, over the runs; p values are adjusted for the number of nodes (Benjamini and Hochberg 1995)."),
      generic("How far importance follows the place in the network", "place.csv", found.place, "Rank correlations. Where a control gives nodes the importance that they have under the real prior, that importance is not due to biology."),
      generic("Every run", "runs.csv", found.runs));
  });

  const search = data.search;
  report.trials = search && (() => {
    const { best, measure, trials } = search, finished = trials.filter(row => Number.isFinite(row[measure])), word = titled(measure);
    const points = value => finished.map(row => ({ x: value(row), y: row[measure], best: row.trial === best.trial }));
    const valued = Object.entries(best.values).map(([name, value]) => `${name} ${typeof value === "number" ? report.number(value) : typeof value === "string" ? value : JSON.stringify(value)}`);
    const test = search.test ? Object.entries(search.test).map(([name, value]) => `${titled(name)} ${report.number(value)}`).join(", ") : "no test cells were scored";
    const first = trials[0], stood = best.trial === 1 ? "This is the recipe as it stood: no other trial is better." : `As it stood, the recipe has ${report.number(first[measure])} (trial 1).`;
    const before = search.about?.first_is_recipe && Number.isFinite(first[measure]) ? ` ${stood}` : "";
    return h("div", { class: "comparison" },
      h("section", { class: "card" }, h("h2", {}, "The search for hyper-parameters"),
        h("p", { class: "verdict" }, report.name(`Trial ${best.trial} of ${trials.length} has the best ${word}: ${valued.join(", ")}.`), ` It has ${report.number(best.score)} on the validation cells, the best of ${finished.length}, so optimistically biased.${before} Test cells, which had no part in the search: ${test}.`),
        h("div", { class: "charts" }, report.scatter({ title: "by trial", word, points: points(row => row.trial) }),
          Object.keys(best.values).map(name => report.scatter({ title: `by ${name}`, word, points: points(row => row[name]) }))),
        h("p", { class: "note" }, `A dot is a trial that was finished, upwards its ${word} of the validation cells; the large one is the best.`), facts(search.about)),
      generic("Trials", "trials.csv", trials, "", best.values));
  });
})();
