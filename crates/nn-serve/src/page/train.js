// The view "Train": choose, start, watch and control a training run.

import { LineChart, drawBars } from "./chart.js";
import { listen, post } from "./api.js";
import {
  card,
  duration,
  formula,
  grouped,
  make,
  markPercent,
  percent,
  short,
  typed,
  withPoint,
} from "./dom.js";
import { SettingsForm } from "./form.js";
import { Buttons, Check, CommandLine, button, control, ownerNote } from "./panel.js";
import { Diagnosis } from "./diagnosis.js";
import { downloadButtons } from "./download.js";
import { drawSigned, signedBytesOf } from "./pictures.js";
import { showError, remember } from "./shell.js";

export class TrainView {
  constructor(state) {
    this.form = new SettingsForm(state, () => this.changed());
    this.check = new Check({
      trainings: () => [this.form.words()],
      show: ([training]) => this.showChecked(training),
      place: (problem) => this.placeProblem(problem),
    });
    this.buttons = new Buttons(() => this.start());
    this.command = new CommandLine("command");
    this.diagnosis = new Diagnosis((settings) => this.use(settings));
    this.loss = new LineChart("Loss", { canBeLogarithmic: true });
    this.accuracy = new LineChart("Accuracy", { format: percent, mark: markPercent, top: 1 });
    this.element = make("div", { class: "view train" }, this.makeSettings(), this.makeWatch());
    listen("progress", (trainings) => trainings.length === 1 && this.update(trainings[0]));
    listen("pictures", (trainings) => trainings.length === 1 && this.updatePictures(trainings[0]));
  }

  makeSettings() {
    return make(
      "div",
      { class: "column" },
      card("Settings", this.form.element, this.check.element, this.buttons.element, this.makeRate()),
      make("section", { class: "card last" }, make("h2", {}, "Command for the terminal"), this.command.element),
    );
  }

  makeRate() {
    this.rate = make("input", {
      id: "rate",
      inputmode: "decimal",
      "aria-label": "Current learning rate",
      change: () => this.setRate(this.rate.value),
    });
    const times = (text, factor) =>
      button(text, `rate-${factor}`, () => this.setRate(rateText(this.training.learning_rate * factor)));
    this.rateProblem = make("p", { class: "problem", id: "problem-rate", role: "alert", hidden: true });
    this.rateLine = make(
      "div",
      { hidden: true },
      make(
        "div",
        { class: "buttons rate" },
        make("label", { class: "line" }, "Learning rate", this.rate),
        times("÷ 2", 0.5),
        times("× 2", 2),
      ),
      this.rateProblem,
    );
    return this.rateLine;
  }

  makeWatch() {
    this.status = make(
      "p",
      { class: "status", id: "status", role: "status" },
      "Nothing is being trained yet.",
    );
    this.rollbacks = make("p", { id: "rollbacks", hidden: true });
    this.numbers = make("dl", { class: "facts" });
    this.name = make("input", {
      placeholder: "name (optional)",
      "aria-label": "Name of the run",
      autocomplete: "off",
    });
    this.saveLine = make(
      "div",
      { class: "buttons", hidden: true },
      this.name,
      button("Save run", "save", () => this.save()),
    );
    this.saved = make("p", { class: "muted", id: "saved" });
    this.downloads = downloadButtons("download", () => "training");
    this.downloads.hidden = true;
    this.gradients = make("div", { class: "gradients" });
    this.confusion = make("div", { class: "confusion" });
    this.weights = make("div", { class: "weights" });
    this.weightNote = make("p", { class: "muted" });
    this.details = make(
      "div",
      { class: "column", hidden: true },
      make(
        "div",
        { class: "pair" },
        card(
          "Gradient size",
          this.gradients,
          formula(
            "√mean((∂C/∂w)²)",
            "per layer: the root mean square of the gradient of the mean loss C over the first 64 training samples. A layer with a much shorter bar learns much more slowly.",
          ),
        ),
        card("Confusion matrix", this.confusion),
      ),
      card(
        "Weights of the first layer",
        this.weights,
        this.weightNote,
        formula(
          "z = x·W + b",
          "one image per neuron: blue pixels raise its weighted sum z, orange pixels lower it.",
        ),
      ),
    );
    return make(
      "div",
      { class: "column" },
      card("Progress", this.status, ownerNote(), this.rollbacks, this.numbers, this.saveLine, this.saved, this.downloads),
      this.diagnosis.element,
      make("div", { class: "pair" }, this.loss.element, this.accuracy.element),
      this.details,
    );
  }

  show(parameters) {
    this.form.read(parameters);
    this.changed();
  }

  /** Fills the form with changed settings. */
  use(settings) {
    const parameters = this.form.parameters();
    for (const [name, value] of settings) parameters.set(name, value);
    this.show(parameters);
  }

  changed() {
    remember("train", this.form.parameters());
    this.check.later();
  }

  placeProblem(problem) {
    this.form.clearProblems();
    return problem != null && this.form.showProblem(problem);
  }

  showChecked(training) {
    const isOpen = this.training && ["running", "paused"].includes(this.training.phase);
    this.form.showDefaults(training.settings);
    if (!isOpen) this.command.update(training.command);
  }

  async start() {
    if (await this.check.start()) this.saved.textContent = "";
  }

  /** Changes the learning rate; a text that is none is refused below the field. */
  setRate(text) {
    const rate = Number(withPoint(text));
    const isRate = rate > 0 && Number.isFinite(rate);
    this.rateProblem.textContent = isRate ? "" : `Expected a number above 0, such as 0.01; found “${text}”.`;
    this.rateProblem.hidden = isRate;
    if (isRate) control("rate", { learning_rate: rate });
  }

  async save() {
    try {
      const { path } = await post("/api/save", { training: 0, name: this.name.value.trim() || null });
      this.saved.textContent = `Saved in ${path}.`;
      showError(null);
    } catch (error) {
      showError(error);
    }
  }

  update(training) {
    this.training = training;
    this.details.hidden = false;
    this.buttons.update([training]);
    this.diagnosis.update(training);
    this.status.textContent = statusOf(training);
    this.rollbacks.textContent = rollbacksOf(training);
    this.rollbacks.hidden = !this.rollbacks.textContent;
    this.numbers.replaceChildren(...factsOf(training));
    const isOpen = ["running", "paused"].includes(training.phase);
    this.rateLine.hidden = !isOpen;
    if (document.activeElement !== this.rate) this.rate.value = rateText(training.learning_rate);
    this.downloads.hidden = isOpen || training.phase === "failed";
    this.saveLine.hidden = isOpen || training.phase === "failed" || Boolean(training.saved);
    const changes = training.learning_rate_changes
      .map(([step, rate]) => `${short(rate)} after step ${grouped(step)}`)
      .join(", ");
    this.command.update(
      training.command,
      changes &&
        `The learning rate was changed by hand, so this command does not reproduce these weights. Learning rates: ${changes}.`,
    );
    this.showCurves(training);
    drawBars(
      this.gradients,
      training.gradients.map((value, index) => ({ name: `layer ${index + 1}`, value })),
    );
  }

  showCurves(training) {
    const pick = (points, index) =>
      points.filter((point) => point[index] != null).map((point) => [point[0], point[index]]);
    const lines = (index) => [
      { name: "training", look: "s0", points: pick(training.curve, index) },
      { name: "validation", look: "s1", isDashed: true, points: pick(training.validation, index) },
    ];
    const end =
      training.phase === "done" || training.phase === "stopped"
        ? training.epochs_done
        : Math.min(training.n_epochs, Math.max(1, 1.25 * training.epochs_done));
    this.loss.update(lines(1), end);
    this.accuracy.update(lines(2), end);
    this.accuracy.element.hidden = !training.has_classes;
  }

  updatePictures({ weights, confusion }) {
    if (confusion) this.confusion.replaceChildren(...confusionTable(confusion));
    this.confusion.parentElement.hidden = !confusion;
    this.weights.parentElement.hidden = !weights;
    if (!weights) return;
    while (this.weights.children.length > weights.images.length) this.weights.lastChild.remove();
    while (this.weights.children.length < weights.images.length) {
      const number = this.weights.children.length + 1;
      this.weights.append(
        make("canvas", { class: "pixels signed", role: "img", "aria-label": `Weights of neuron ${number}` }),
      );
    }
    weights.images.forEach((image, index) =>
      drawSigned(this.weights.children[index], signedBytesOf(image), weights.width, weights.height),
    );
    this.weightNote.textContent = `${weights.images.length} of ${weights.n_neurons} neurons; the strongest color stands for a weight of ±${short(weights.scale, 3)}.`;
  }
}

/** One sentence about the phase of a training run. */
export function statusOf(training) {
  const epochs = `epoch ${Math.min(training.n_epochs, Math.floor(training.epochs_done) + 1)} of ${training.n_epochs}`;
  const states = {
    running: `In training: ${epochs}.`,
    paused: `Paused in ${epochs}, after step ${grouped(training.step)}.`,
    stopped: `Stopped after ${short(training.epochs_done, 3)} epochs.`,
    done: `Done: test accuracy ${percent(training.summary?.test_accuracy)}.`,
    failed: "Failed:",
  };
  const isPlain = training.phase !== "done" || training.summary?.test_accuracy != null;
  const state = isPlain ? states[training.phase] : `Done: test loss ${short(training.summary?.test_loss)}.`;
  return [state, training.message].filter(Boolean).join(" ");
}

/** A learning rate as the field takes it, with six significant digits. */
function rateText(rate) {
  return typed(Number(rate.toPrecision(6)));
}

/** The number of rollbacks with half the learning rate, and the last one. */
function rollbacksOf({ rollbacks }) {
  const last = rollbacks.at(-1);
  if (rollbacks.length < 2) return last ?? "";
  return `Rolled back ${rollbacks.length} times; the last time: ${last}`;
}

function factsOf(training) {
  const facts = [
    ["network", `${training.network}, ${grouped(training.parameters)} parameters`],
    ["data set", `${training.dataset}, ${grouped(training.n_samples)} training samples`],
    ["step", `${grouped(training.step)} of ${grouped(training.n_batches * training.n_epochs)}`],
    ["learning rate", short(training.learning_rate, 6)],
    ["training time", duration(training.train_seconds)],
    ["speed", `${grouped(training.samples_per_second)} samples/s`],
  ];
  facts.push(...testFactsOf(training));
  if (training.summary) facts.push(["SHA-256 of the weights", training.summary.weights_sha256]);
  return facts.map(([name, value]) =>
    make(
      "div",
      { class: name.startsWith("SHA") ? "hash" : null },
      make("dt", {}, name),
      make("dd", {}, value),
    ),
  );
}

/** The result on the test samples, and the baseline. */
function testFactsOf({ summary, has_classes: hasClasses }) {
  if (summary?.baseline == null) return [];
  if (hasClasses) {
    const [low, high] = summary.test_accuracy_interval ?? [];
    const interval = low == null ? "" : `, 95 % interval ${percent(low)} to ${percent(high)}`;
    return [
      ["test accuracy", `${percent(summary.test_accuracy)}${interval}`],
      ["baseline (most frequent class)", percent(summary.baseline)],
    ];
  }
  if (summary.test_rmse == null) return [];
  return [
    ["test RMSE", short(summary.test_rmse, 4)],
    ["baseline (training mean)", short(summary.baseline, 4)],
    ["test R²", short(summary.test_r2, 4)],
  ];
}

function confusionTable({ class_names: names, counts, of }) {
  if (names.length > 20)
    return [make("p", { class: "muted" }, `A confusion matrix of ${names.length} classes is too large to show.`)];
  const corner = make("th", { class: "corner" }, "true ↓ predicted →");
  const head = make("tr", {}, corner, ...names.map((name) => make("th", { scope: "col" }, name)));
  const rows = counts.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0) || 1;
    const cells = row.map((count, predicted) => {
      const cell = make("td", { class: truth === predicted ? "right" : "wrong" }, count || "");
      const strength = truth === predicted ? count / total : Math.min(1, (8 * count) / total);
      cell.style.setProperty("--strength", `${Math.round(75 * strength)}%`);
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row" }, names[truth]), ...cells);
  });
  return [
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)),
    make("p", { class: "muted" }, `Evaluated on ${of}. Blue: correct predictions; orange: wrong ones.`),
  ];
}
