// The networks that the page can use: of the command line, in training, saved.

import { get } from "./api.js";
import { percent } from "./dom.js";

export const IN_TRAINING = { id: "training", title: "the latest training run of this page" };

/** The `{ id, title, readsDrawings }` of every network, that of the command line first. */
export async function listNetworks() {
  const { opened, runs, session } = await get("/api/state");
  const networks = [];
  if (opened)
    networks.push({
      id: "opened",
      title: `${opened.name} (${opened.network})`,
      readsDrawings: opened.reads_drawings,
    });
  if (session) networks.push({ ...IN_TRAINING, readsDrawings: session.reads_drawings });
  for (const run of runs) {
    const accuracy = run.test_accuracy == null ? "" : `, ${percent(run.test_accuracy)}`;
    networks.push({
      id: `run:${run.name}`,
      title: `${run.name} (${(run.layers ?? []).join("-")}${accuracy})`,
      readsDrawings: run.reads_drawings,
    });
  }
  return networks;
}
