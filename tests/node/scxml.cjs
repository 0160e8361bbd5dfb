// Runs SCXML documents in SCION along walks, in virtual time, and tells what they did.
//
// Standard input is one JSON object: {"charts": {NAME: TEXT}, "walks": [{"chart": NAME, "steps": [STEP...]}...]},
// each step either {"event": NAME} or {"advance": MILLISECONDS}. Standard output is a list with one entry for each
// walk: for each of its steps the state that follows, and what was logged, as pairs of label and value.

"use strict";

let now = 0;
let pending = [];
globalThis.setTimeout = (callback, delay, ...rest) => {
  const timer = { at: now + (Number(delay) || 0), callback: () => callback(...rest) };
  pending.push(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => {
  pending = pending.filter((each) => each !== timer);
};

function advance(duration) {
  const end = now + duration;
  for (;;) {
    const due = pending.filter((each) => each.at <= end).sort((a, b) => a.at - b.at)[0];
    if (!due) break;
    clearTimeout(due);
    now = due.at;
    due.callback();
  }
  now = end;
}

const scion = require("@scion-scxml/scxml");

function compile(name, text) {
  return new Promise((resolve, reject) => {
    scion.documentStringToModel(name, text, (error, model) => {
      if (error) return reject(error);
      return model.prepare((fault, prepared) => (fault ? reject(fault) : resolve(prepared)));
    });
  });
}

function walk(model, steps) {
  let logged = [];
  now = 0;
  pending = [];
  const chart = new scion.core.Statechart(model, {
    console: { log: (label, value) => logged.push([label, value]) },
  });
  chart.start();
  return steps.map((step) => {
    logged = [];
    if ("event" in step) chart.gen({ name: step.event });
    else advance(step.advance);
    return { state: chart.getConfiguration()[0], logged };
  });
}

async function main() {
  const task = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const models = {};
  for (const [name, text] of Object.entries(task.charts)) models[name] = await compile(name, text);
  process.stdout.write(JSON.stringify(task.walks.map((each) => walk(models[each.chart], each.steps))));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
