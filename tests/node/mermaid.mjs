// Parses Mermaid texts with Mermaid itself, and tells what it read.
//
// Standard input is one JSON object of texts by name. Standard output is one of what is in each: its states with their
// lines of text, and its arrows; or the error.

import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

globalThis.window = new JSDOM("").window; // Mermaid cleans its texts with a browser's means
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

const found = {};
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  try {
    const { diagramType } = await mermaid.parse(text);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    const states = {};
    for (const [id, state] of db.getStates()) states[id] = state.descriptions ?? [];
    const arrows = db.getRelations().map(({ id1, id2, relationTitle }) => [id1, id2, relationTitle ?? ""]);
    found[name] = { diagramType, states, arrows };
  } catch (error) {
    found[name] = { error: String(error.message) };
  }
}
process.stdout.write(JSON.stringify(found));
