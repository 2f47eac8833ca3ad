// The view "Compare": two training runs with the same initial weights and the same order
// of samples, which differ in one setting.

import { LineChart } from "./chart.js";
import { listen } from "./api.js";
import { card, duration, make, markPercent, percent, short } from "./dom.js";
import { SettingsForm, markProblem, problemOf, titleOf, valueOf, wordsOf } from "./form.js";
import { Buttons, Check, CommandLine, ownerNote } from "./panel.js";
import { remember } from "./shell.js";
import { statusOf } from "./train.js";

/** The values to start with. */
const EXAMPLES = {
  optimizer: ["sgd", "adam"],
  activation: ["sigmoid", "relu"],
  init: ["xavier", "normal:std=1"],
  lr: ["0.001", "0.01"],
  "batch-size": ["16", "256"],
  dropout: ["0", "0.3"],
  hidden: ["16", "256"],
  loss: ["mse", "cross-entropy"],
  schedule: ["constant", "cosine"],
  l2: ["0", "0.001"],
  "batch-norm": ["false", "true"],
  "layer-norm": ["false", "true"],
  residual: ["false", "true"],
};

export class CompareView {
  constructor(state) {
    this.state = state;
    this.form = new SettingsForm(state, () => this.changed());
    this.vary = make(
      "select",
      { name: "vary", change: () => this.chooseVaried() },
      ...state.flags
        .filter((flag) => !["Data", "Tables"].includes(flag.heading))
        .sort((a, b) => Number(!(a.name in EXAMPLES)) - Number(!(b.name in EXAMPLES)))
        .map((flag) => make("option", { value: flag.name }, titleOf(flag.name))),
    );
    this.values = ["a", "b"].map((name) =>
      make("input", { name, list: "choices", autocomplete: "off", change: () => this.changeValues() }),
    );
    this.choices = make("datalist", { id: "choices" });
    this.check = new Check({
      trainings: () => this.trainings(),
      show: (trainings) => this.showChecked(trainings),
      place: (problem, index) => this.placeProblem(problem, index),
    });
    this.buttons = new Buttons(() => this.check.start());
    for (const one of this.buttons.element.children) one.id = `compare-${one.id}`;
    this.commands = ["a", "b"].map((name) => new CommandLine(`command-${name}`));
    this.loss = new LineChart("Loss", { canBeLogarithmic: true });
    this.accuracy = new LineChart("Accuracy", { format: percent, mark: markPercent, top: 1 });
    this.element = make("div", { class: "view compare" }, this.makeSettings(), this.makeWatch());
    listen("progress", (trainings) => trainings.length === 2 && this.update(trainings));
  }

  makeSettings() {
    const field = (title, input) => make("label", {}, title, input);
    return make(
      "div",
      { class: "column" },
      card(
        "Difference",
        make(
          "div",
          { class: "fields choice" },
          field("Setting", this.vary),
          field("First", this.values[0]),
          field("Second", this.values[1]),
        ),
        this.choices,
        this.check.element,
        this.buttons.element,
      ),
      card("Common settings", this.form.element),
      make(
        "section",
        { class: "card last" },
        make("h2", {}, "Commands for the terminal"),
        ...this.commands.map((command) => command.element),
      ),
    );
  }

  makeWatch() {
    this.same = make("p", { class: "status" }, "Nothing is being compared yet.");
    this.table = make("div", { class: "results" });
    return make(
      "div",
      { class: "column" },
      card("Side by side", this.same, ownerNote(), this.table),
      this.loss.element,
      this.accuracy.element,
    );
  }

  show(parameters) {
    this.form.read(parameters);
    this.vary.value = parameters.get("vary") ?? "optimizer";
    if (this.vary.selectedIndex < 0) this.vary.value = "optimizer";
    const values = EXAMPLES[this.vary.value] ?? ["", ""];
    this.values.forEach((input, index) => {
      input.value = valueOf(this.varied(), parameters.get(input.name) ?? values[index]);
    });
    this.fillChoices();
    this.changed();
  }

  /** The flag of the setting that differs. */
  varied() {
    return this.state.flags.find((flag) => flag.name === this.vary.value);
  }

  changeValues() {
    for (const input of this.values) input.value = valueOf(this.varied(), input.value);
    this.changed();
  }

  chooseVaried() {
    const values = EXAMPLES[this.vary.value] ?? ["", ""];
    this.values.forEach((input, index) => {
      input.value = values[index];
    });
    this.fillChoices();
    this.changed();
  }

  fillChoices() {
    const { choices } = this.varied();
    this.choices.replaceChildren(...choices.map((choice) => make("option", { value: choice })));
  }

  /** The flags of both training runs. */
  trainings() {
    const shared = this.form.entries().filter(([name]) => name !== this.vary.value);
    return this.values.map((input) => {
      const value = input.value.trim();
      return wordsOf(value === "" ? shared : [...shared, [this.vary.value, value]]);
    });
  }

  changed() {
    this.form.disable(this.vary.value);
    const parameters = this.form.parameters();
    parameters.delete(this.vary.value);
    parameters.set("vary", this.vary.value);
    for (const input of this.values) parameters.set(input.name, input.value.trim());
    remember("compare", parameters);
    this.check.later();
  }

  /** A problem of the setting that differs belongs to the field of its training run. */
  placeProblem(problem, index) {
    this.form.clearProblems();
    this.values.forEach((input) => markProblem(input, null));
    if (problem?.setting !== this.vary.value) return problem != null && this.form.showProblem(problem);
    const input = this.values[Math.max(0, index)];
    markProblem(input, problemOf(this.varied(), input.value, problem.error, problem.help));
    return true;
  }

  showChecked(trainings) {
    // A setting that differs between the two has no common default.
    const [first, second] = trainings.map((training) => training.settings);
    this.form.showDefaults(
      Object.fromEntries(Object.entries(first).filter(([name, value]) => value === second[name])),
    );
    trainings.forEach((training, index) => this.commands[index].update(training.command));
  }

  update(trainings) {
    this.buttons.update(trainings);
    const isSame = trainings[0].initial_sha256 === trainings[1].initial_sha256;
    this.same.textContent = isSame
      ? "Both runs have the same initial weights and the same order of samples; one setting differs."
      : "Both runs have the same order of samples. The initial weights differ because they depend on the changed setting.";
    trainings.forEach((training, index) => this.commands[index].update(training.command));
    const names = namesOf(trainings);
    this.table.replaceChildren(resultTable(trainings, names));
    const pick = (points, index) =>
      points.filter((point) => point[index] != null).map((point) => [point[0], point[index]]);
    const lines = (index) =>
      trainings.flatMap((training, number) => [
        { name: names[number], look: `s${number}`, points: pick(training.curve, index) },
        { name: "validation", look: `s${number}`, isDashed: true, points: pick(training.validation, index) },
      ]);
    const done = Math.max(...trainings.map((training) => training.epochs_done));
    const isOver = trainings.every((training) => !["running", "paused"].includes(training.phase));
    const end = isOver
      ? done
      : Math.min(Math.max(...trainings.map((training) => training.n_epochs)), Math.max(1, 1.25 * done));
    this.loss.update(lines(1), end);
    this.accuracy.update(lines(2), end);
    this.accuracy.element.hidden = !trainings.every((training) => training.has_classes);
  }
}

function resultTable(trainings, names) {
  const rows = [
    ["status", statusOf],
    ["training loss", (training) => short(training.last_epoch?.train_loss)],
    ["validation loss", (training) => short(training.last_epoch?.validation_loss)],
    ["validation accuracy", (training) => percent(training.last_epoch?.validation_accuracy)],
    ["test accuracy", (training) => percent(training.summary?.test_accuracy)],
    ["training time", (training) => duration(training.train_seconds)],
    ["learning rate", (training) => short(training.learning_rate, 6)],
    ["rollbacks", (training) => training.rollbacks.length],
  ];
  if (trainings.every((training) => training.rollbacks.length === 0)) rows.pop();
  const head = make(
    "tr",
    {},
    make("td"),
    ...names.map((name, index) =>
      make("th", { scope: "col" }, make("span", { class: `key s${index}` }), name),
    ),
  );
  return make(
    "table",
    {},
    make("thead", {}, head),
    make(
      "tbody",
      {},
      ...rows.map(([name, value]) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, name),
          ...trainings.map((training) => make("td", {}, value(training))),
        ),
      ),
    ),
  );
}

/** The flags that only one of the two has: `optimizer sgd`. */
function namesOf(trainings) {
  const [first, second] = trainings.map((training) => training.command.split(" --").slice(1));
  const only = (some, others) =>
    some
      .filter((flag) => !others.includes(flag))
      .map((flag) => {
        const [name, ...value] = flag.split(" ");
        return `${titleOf(name).toLowerCase()} ${value.join(" ")}`;
      })
      .join(", ");
  return [only(first, second) || "first", only(second, first) || "second"];
}
