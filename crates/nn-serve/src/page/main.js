// The page: its views, and the address that selects one.
//
// The address contains the whole experiment: `#train?hidden=32&lr=0.1` opens the view
// "Train" with these settings.

import { get, watch } from "./api.js";
import { make } from "./dom.js";
import { showError } from "./shell.js";
import { DrawView } from "./draw.js";
import { TrainView } from "./train.js";
import { CompareView } from "./compare.js";
import { InsideView } from "./inside.js";

const VIEWS = [
  { id: "draw", title: "Draw", View: DrawView },
  { id: "train", title: "Train", View: TrainView },
  { id: "compare", title: "Compare", View: CompareView },
  { id: "inside", title: "Look inside", View: InsideView },
];

const open = new Map();
let state = null;

function readAddress() {
  const [id, text] = location.hash.slice(1).split(/\?(.*)/s);
  const known = VIEWS.find((view) => view.id === id) ?? VIEWS[0];
  return { known, parameters: new URLSearchParams(text ?? "") };
}

function show() {
  const { known, parameters } = readAddress();
  showError(null);
  if (!open.has(known.id)) {
    const view = new known.View(state);
    view.element.id = `view-${known.id}`;
    open.set(known.id, view);
    document.getElementById("views").append(view.element);
  }
  for (const [id, view] of open) view.element.hidden = id !== known.id;
  for (const link of document.querySelectorAll("#tabs a")) {
    if (link.dataset.view === known.id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${known.title} – nn`;
  open.get(known.id).show(parameters);
}

function makeTabs() {
  const tabs = VIEWS.map((view) => make("a", { href: `#${view.id}`, "data-view": view.id }, view.title));
  document.getElementById("tabs").append(...tabs);
}

function switchScheme() {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.scheme ?? (isDark ? "dark" : "light");
  document.documentElement.dataset.scheme = now === "dark" ? "light" : "dark";
}

async function start() {
  makeTabs();
  document.getElementById("scheme").addEventListener("click", switchScheme);
  try {
    state = await get("/api/state");
  } catch (error) {
    showError(error);
    return;
  }
  addEventListener("hashchange", show);
  show();
  watch();
}

start();
