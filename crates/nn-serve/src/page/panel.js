// What the views Train and Compare share: a form that is checked while it is
// filled in, the buttons that steer, and the command.

import { post } from "./api.js";
import { make } from "./dom.js";
import { complain } from "./shell.js";

const CHECK_AFTER = 250;

/** Data that are not read by then have to be waited for. */
const WAIT_AFTER = 300;

/** Start, pause, one batch, stop. */
export class Buttons {
  constructor(start) {
    this.start = button("Start", "start", start, "primary");
    this.pause = button("Pause", "pause", () => steer(this.isPaused ? "resume" : "pause"));
    this.step = button("One batch", "step", () => steer("step"));
    this.stop = button("Stop", "stop", () => steer("stop"));
    this.element = make("div", { class: "buttons" }, this.start, this.pause, this.step, this.stop);
    this.update([]);
  }

  update(trainings) {
    this.isPaused = trainings.some((training) => training.phase === "paused");
    const isOpen = this.isPaused || trainings.some((training) => training.phase === "running");
    this.pause.textContent = this.isPaused ? "Go on" : "Pause";
    for (const one of [this.pause, this.step, this.stop]) one.disabled = !isOpen;
  }
}

export function button(text, id, click, look = "") {
  return make("button", { type: "button", id, class: look, click }, text);
}

/** Gives the session an order. */
export async function steer(action, more = {}) {
  try {
    await post("/api/control", { action, ...more });
    complain(null);
  } catch (error) {
    complain(error);
  }
}

/** Says what the chosen settings make, shortly after they were changed. */
export class Check {
  constructor(trainings, show) {
    this.trainings = trainings;
    this.show = show;
    this.element = make("p", { class: "check", role: "status" });
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), CHECK_AFTER);
  }

  async now() {
    // An answer that comes after the next question is about other settings.
    const question = Symbol("question");
    this.question = question;
    const show = (isWrong, ...parts) => {
      if (this.question !== question) return;
      this.element.classList.toggle("wrong", isWrong);
      this.element.replaceChildren(...parts);
    };
    const waiting = setTimeout(() => show(false, "Getting the data ready …"), WAIT_AFTER);
    try {
      const { trainings } = await post("/api/check", { trainings: this.trainings() });
      const wrong = trainings.find((training) => training.error);
      show(Boolean(wrong), ...(wrong ? [`${wrong.error}; ${wrong.help}`] : trainings.map(describe)));
      if (this.question === question) this.show(trainings);
    } catch (error) {
      show(true, [error.message, error.help].filter(Boolean).join("; "));
    } finally {
      clearTimeout(waiting);
    }
  }
}

function describe({ network, dataset, settings }) {
  const { loss, optimizer, lr, schedule } = settings;
  return make("span", {}, `${network} on ${dataset}: ${loss}, ${optimizer}, rate ${lr}, ${schedule}`);
}

/** The line for a terminal, to be copied. */
export class CommandLine {
  constructor(id) {
    this.code = make("code", { id });
    this.note = make("p", { class: "muted" });
    this.copy = button("Copy as command", `${id}-copy`, () => this.copyIt());
    this.element = make("div", { class: "command" }, make("pre", {}, this.code), this.copy, this.note);
    this.update("");
  }

  update(command, note = "") {
    // A flag and its value stay on one line, where that is wide enough.
    const parts = command.split(/ (?=--)/).map((part) => make("span", {}, part));
    this.code.replaceChildren(...parts.flatMap((part) => [part, " "]).slice(0, -1));
    this.copy.disabled = !command;
    this.note.textContent = note;
    this.note.hidden = !note;
  }

  async copyIt() {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      this.copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(this.code);
      this.copy.textContent = "Selected: copy it now";
    }
    setTimeout(() => {
      this.copy.textContent = "Copy as command";
    }, 2000);
  }
}
