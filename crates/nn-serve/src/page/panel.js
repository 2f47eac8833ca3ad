// Parts of the views "Train" and "Compare": the check of the form, the buttons, and the
// command.

import { post } from "./api.js";
import { make, typed } from "./dom.js";
import { observeOwner, startTrainings } from "./session.js";
import { showError } from "./shell.js";

/** Milliseconds between the last change and the check. */
const CHECK_AFTER = 250;

/** Milliseconds until the page says that it waits for the data. */
const WAIT_AFTER = 300;

/** The buttons to start, pause, step and stop. */
export class Buttons {
  constructor(start) {
    this.start = button("Start", "start", start, "primary");
    this.pause = button("Pause", "pause", () => control(this.isPaused ? "resume" : "pause"));
    this.step = button("One batch", "step", () => control("step"));
    this.stop = button("Stop", "stop", () => control("stop"));
    this.element = make("div", { class: "buttons" }, this.start, this.pause, this.step, this.stop);
    this.update([]);
  }

  update(trainings) {
    this.isPaused = trainings.some((training) => training.phase === "paused");
    const isOpen = this.isPaused || trainings.some((training) => training.phase === "running");
    this.pause.textContent = this.isPaused ? "Resume" : "Pause";
    for (const one of [this.pause, this.step, this.stop]) one.disabled = !isOpen;
  }
}

export function button(text, id, click, look = "") {
  return make("button", { type: "button", id, class: look, click }, text);
}

/** Controls the session. */
export async function control(action, more = {}) {
  try {
    await post("/api/control", { action, ...more });
    showError(null);
  } catch (error) {
    showError(error);
  }
}

/**
 * Checks the settings shortly after a change and describes the training runs.
 *
 * `place` shows a problem of a training run (`{ setting, error, help }`) beside its field,
 * or removes all if there is none; it returns whether there is such a field.
 */
export class Check {
  constructor({ trainings, show, place }) {
    this.trainings = trainings;
    this.show = show;
    this.place = place;
    this.status = make("p", { class: "check", role: "status" });
    this.notes = make("details", { class: "notes", hidden: true });
    this.element = make("div", {}, this.status, this.notes);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), CHECK_AFTER);
  }

  /** Returns whether there is a problem. */
  async now() {
    // A response to an older request is ignored.
    const request = Symbol("request");
    this.request = request;
    const waiting = setTimeout(() => {
      if (this.request === request) this.write("Loading the data …");
    }, WAIT_AFTER);
    const trainings = await this.ask();
    clearTimeout(waiting);
    if (this.request !== request) return false;
    return this.showAll(trainings);
  }

  /** The descriptions of the training runs, or one problem. */
  async ask() {
    try {
      return (await post("/api/check", { trainings: this.trainings() })).trainings;
    } catch (error) {
      return error.isConnection ? [] : [{ error: error.message, help: error.help, setting: error.setting }];
    }
  }

  showAll(trainings) {
    const index = trainings.findIndex((training) => training.error);
    const problem = trainings[index] ?? null;
    const isPlaced = this.place(problem, index);
    this.status.hidden = isPlaced;
    this.status.classList.toggle("wrong", Boolean(problem));
    this.showNotes(problem ? [] : (trainings[0]?.notes ?? []));
    this.write(...(problem ? [[problem.error, problem.help].filter(Boolean).join("; ")] : trainings.map(describe)));
    if (!problem && trainings.length) this.show(trainings);
    return Boolean(problem);
  }

  /** Shows how the data are read; all training runs of the page have the same data. */
  showNotes(notes) {
    const title = make("summary", {}, "How the data are read");
    this.notes.hidden = notes.length === 0;
    this.notes.replaceChildren(title, make("ul", {}, ...notes.map((note) => make("li", {}, note))));
  }

  write(...parts) {
    this.status.replaceChildren(...parts);
  }

  /** Starts the training runs; returns whether they have started. */
  async start() {
    try {
      const isStarted = await startTrainings(this.trainings());
      showError(null);
      return isStarted;
    } catch (error) {
      // The check shows a wrong setting beside its field.
      if (error.status !== 422 || !(await this.now())) showError(error);
      return false;
    }
  }
}

function describe({ network, dataset, settings }) {
  const { loss, optimizer, lr, schedule } = settings;
  return make("span", {}, `${network} on ${dataset}: ${loss}, ${optimizer}, learning rate ${typed(lr)}, ${schedule}`);
}

/** A note that is shown if the training runs were started on another page. */
export function ownerNote() {
  const note = make("p", { class: "muted owner", hidden: true }, "Started on another page.");
  observeOwner((isOther) => {
    note.hidden = !isOther;
  });
  return note;
}

/** The command for a terminal, with a button that copies it. */
export class CommandLine {
  constructor(id) {
    this.code = make("code", { id });
    this.note = make("p", { class: "muted" });
    this.copy = button("Copy command", `${id}-copy`, () => this.copyCommand());
    this.element = make("div", { class: "command" }, make("pre", {}, this.code), this.copy, this.note);
    this.update("");
  }

  update(command, note = "") {
    // A flag and its value stay on one line if it is wide enough.
    const parts = command.split(/ (?=--)/).map((part) => make("span", {}, part));
    this.code.replaceChildren(...parts.flatMap((part) => [part, " "]).slice(0, -1));
    this.copy.disabled = !command;
    this.note.textContent = note;
    this.note.hidden = !note;
  }

  async copyCommand() {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      this.copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(this.code);
      this.copy.textContent = "Selected; press Ctrl+C";
    }
    setTimeout(() => {
      this.copy.textContent = "Copy command";
    }, 2000);
  }
}
