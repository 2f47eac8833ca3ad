// The view "Look inside": every number of one training step with one sample, beside its
// formula. The server computes all numbers.

import { listen, post } from "./api.js";
import { card, formula, make, short } from "./dom.js";
import { markProblem } from "./form.js";
import { listNetworks } from "./networks.js";
import { drawGrey } from "./pictures.js";
import { showError, remember } from "./shell.js";

/** Number of rows of a table before "Show all". */
const FEW = 12;

export class InsideView {
  constructor() {
    this.neurons = [];
    this.isWhole = new Set();
    const change = () => this.choose();
    this.network = make("select", { change });
    this.split = make(
      "select",
      { change },
      ...["train", "validation", "test"].map((name) => make("option", {}, name)),
    );
    this.index = make("input", { name: "index", inputmode: "numeric", autocomplete: "off", change });
    this.untrained = make("input", { type: "checkbox", change });
    this.sample = make("canvas", { class: "pixels", role: "img", "aria-label": "The sample", hidden: true });
    this.columns = make("div", {});
    this.summary = make("div", {});
    this.layers = make("div", { class: "column" });
    this.element = make("div", { class: "view inside" }, this.makeChoice(), this.layers);
    listen("session", (number) => number > 0 && !this.element.hidden && this.fill());
  }

  makeChoice() {
    const step = (by) => () => {
      this.index.value = Math.max(0, Number(this.index.value) + by);
      this.choose();
    };
    return make(
      "div",
      { class: "column" },
      card(
        "One training step with one sample",
        make("label", { class: "fields network" }, "Network", this.network),
        make(
          "div",
          { class: "fields" },
          make("label", {}, "Samples", this.split),
          make("label", {}, "Index", this.index),
        ),
        make(
          "div",
          { class: "buttons" },
          make("button", { type: "button", id: "previous", click: step(-1) }, "Previous"),
          make("button", { type: "button", id: "next", click: step(1) }, "Next"),
          make("label", { class: "switch" }, this.untrained, "initial weights"),
        ),
        this.sample,
        this.columns,
        this.summary,
      ),
    );
  }

  show(parameters) {
    this.split.value = parameters.get("split") ?? "train";
    this.index.value = parameters.get("index") ?? "0";
    this.untrained.checked = parameters.has("untrained");
    this.neurons = (parameters.get("neurons") ?? "")
      .split(",")
      .map((text) => (text === "" ? null : Number(text)));
    this.fill(parameters.get("network"));
  }

  async fill(wanted) {
    try {
      this.showNetworks(await listNetworks(), wanted);
    } catch (error) {
      showError(error);
    }
  }

  showNetworks(networks, wanted) {
    const before = wanted ?? this.network.value;
    this.network.replaceChildren(...networks.map(({ id, title }) => make("option", { value: id }, title)));
    if (networks.some(({ id }) => id === before)) this.network.value = before;
    if (networks.length) this.ask();
    else
      this.layers.replaceChildren(
        card(
          "No network yet",
          make("p", {}, "Train a network in the view Train, or open the view Draw."),
        ),
      );
  }

  choose() {
    this.neurons = [];
    this.ask();
  }

  async ask() {
    const parameters = new URLSearchParams({
      network: this.network.value,
      split: this.split.value,
      index: this.index.value,
    });
    if (this.untrained.checked) parameters.set("untrained", "");
    if (this.neurons.some((neuron) => neuron != null))
      parameters.set("neurons", this.neurons.map((neuron) => neuron ?? "").join(","));
    remember("inside", parameters);
    const isIndex = /^\d+$/.test(this.index.value.trim());
    markProblem(this.index, isIndex ? null : `Expected a whole number, 0 or more; found “${this.index.value}”.`);
    if (!isIndex) return;
    try {
      const trace = await post("/api/trace", {
        network: this.network.value,
        split: this.split.value,
        index: Number(this.index.value),
        is_untrained: this.untrained.checked,
        neurons: this.neurons,
      });
      showError(null);
      this.showTrace(trace);
    } catch (error) {
      showError(error);
    }
  }

  showTrace(trace) {
    const { step } = trace;
    this.sample.hidden = !trace.image_size;
    if (trace.image_size) {
      const [height, width] = trace.image_size;
      const high = Math.max(...step.inputs, 1e-9);
      drawGrey(
        this.sample,
        step.inputs.map((value) => Math.round((255 * value) / high)),
        width,
        height,
      );
    }
    this.columns.replaceChildren(...this.columnTable(trace));
    this.summary.replaceChildren(
      ...verdicts(trace).map((verdict) => make("p", { class: "status" }, verdict)),
      formula(
        `C = ${step.loss_formula} = ${short(step.loss, 6)}`,
        `the loss (${step.loss_function}) before the step`,
      ),
      step.loss_after == null ? "" : formula(`C = ${short(step.loss_after, 6)}`, "the loss after the step"),
      formula(
        step.optimizer_formula,
        `the update: the first step of ${step.optimizer}, with learning rate η = ${short(step.learning_rate)}`,
      ),
      ...step.notes.map((note) => make("p", { class: "muted" }, note)),
    );
    this.layers.replaceChildren(...step.layers.map((layer, index) => this.layerCard(trace, layer, index)));
  }

  /** The row of a table: every input with its column, and the value before standardization. */
  columnTable({ inputs, step }) {
    if (!inputs) return [];
    const rows = this.pick("columns", step.inputs, null);
    const cells = rows.map((input) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, inputs[input].name),
        make("td", {}, inputs[input].standardization ? short(restored(step.inputs[input], inputs[input])) : ""),
        make("td", {}, short(step.inputs[input])),
      ),
    );
    const heads = ["value", xTitle(inputs)];
    const table = this.table("column", heads, cells, "columns", inputs.length, rows.length, "largest inputs");
    const hasNumbers = inputs.some(({ standardization }) => standardization);
    return [
      table,
      hasNumbers
        ? formula("x = (value − mean)/std", "a number is standardized with the mean and the standard deviation of the training rows")
        : "",
    ];
  }

  layerCard(trace, layer, index) {
    const { step } = trace;
    const isOutput = index + 1 === step.layers.length;
    const lines = [
      formula(`z = ${layer.formulas.pre_activations}`, "the weighted sums"),
      formula(`a = ${layer.formulas.activations}`, "the activations"),
    ];
    if (layer.backward) {
      lines.push(
        formula(
          `δ = ${layer.formulas.delta}`,
          isOutput
            ? "the error, from the loss"
            : `the error, from the next layer; φ′(z) = ${layer.formulas.slope}`,
        ),
        formula(
          `∂C/∂W = ${layer.formulas.weights_gradient}, ∂C/∂b = ${layer.formulas.bias_gradient}`,
          "the gradient",
        ),
      );
    }
    return card(
      `Layer ${layer.layer}: ${layer.n_inputs} → ${layer.n_outputs}, ${layer.activation}${isOutput ? ", output layer" : ""}`,
      ...lines,
      this.neuronTable(trace, layer, index, isOutput),
      ...this.weightTable(trace, layer, index),
    );
  }

  neuronTable(trace, layer, index, isOutput) {
    const { backward } = layer;
    const isStandardized = isOutput && trace.targets?.some(({ standardization }) => standardization);
    const scale = isStandardized ? " (standardized)" : "";
    const columns = [
      ["z", layer.pre_activations],
      ["normalized", layer.normalized],
      [`a${scale}`, layer.activations],
      ["m", layer.mask],
      [`y${scale}`, isOutput ? trace.step.target : null],
      ["δ·Wᵀ", backward?.arriving],
      ["φ′(z)", backward?.slope],
      ["δ = ∂C/∂b", backward?.delta],
      ["b", layer.bias],
      ["b after", backward?.bias_after],
    ].filter(([, values]) => values != null);
    const chosen = trace.neurons[index];
    const rows = this.pick(`neurons-${index}`, backward?.delta ?? layer.activations, chosen);
    const row = (neuron) =>
      make(
        "tr",
        { class: neuron === chosen ? "chosen" : null },
        make(
          "th",
          { scope: "row" },
          make(
            "button",
            {
              type: "button",
              class: "quiet",
              click: () => {
                this.neurons[index] = neuron;
                for (let i = 0; i < index; i += 1) this.neurons[i] ??= null;
                this.ask();
              },
            },
            neuronName(trace, neuron, isOutput),
          ),
        ),
        ...columns.map(([, values]) => make("td", {}, short(values[neuron]))),
      );
    return this.table(
      "neuron",
      columns.map(([name]) => name),
      rows.map(row),
      `neurons-${index}`,
      layer.n_outputs,
      rows.length,
      "neurons with the largest |δ|",
    );
  }

  /** The incoming weights of the chosen neuron, and the terms of its weighted sum. */
  weightTable(trace, layer, index) {
    const neuron = trace.neurons[index];
    const column = (matrix) => matrix.map((values) => values[0]);
    const weights = column(layer.weights);
    const below = belowOf(trace.step, index);
    const parts = [
      make("h3", {}, `Incoming weights of neuron ${neuron}`),
      make(
        "p",
        { class: "sum" },
        ...sumOf(below, weights, layer.bias[neuron], layer.pre_activations[neuron]),
      ),
    ];
    if (!layer.backward) return parts;
    const gradient = column(layer.backward.weights_gradient);
    const after = column(layer.backward.weights_after);
    const regularized = layer.backward.regularized && column(layer.backward.regularized.weights_gradient);
    const columns = [
      [index === 0 ? xTitle(trace.inputs) : "previous a", below],
      ["δ", weights.map(() => layer.backward.delta[neuron])],
      ["∂C/∂W", gradient],
      ["g", regularized],
      ["W", weights],
      ["W after", after],
      ["change", after.map((value, i) => value - weights[i])],
    ].filter(([, values]) => values);
    const rows = this.pick(`weights-${index}`, gradient, null);
    const cells = rows.map((input) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, `W[${input}, ${neuron}]`, ...nameOf(index === 0 && trace.inputs?.[input])),
        ...columns.map(([, values]) => make("td", {}, short(values[input]))),
      ),
    );
    return [
      ...parts,
      this.table(
        "weight",
        columns.map(([name]) => name),
        cells,
        `weights-${index}`,
        weights.length,
        rows.length,
        "weights with the largest gradient",
      ),
    ];
  }

  /** Positions of the largest values in ascending order; all after "Show all". */
  pick(key, values, always) {
    const all = values.map((_, position) => position);
    if (all.length <= FEW || this.isWhole.has(key)) return all;
    const largest = all.sort((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, FEW);
    if (always != null && !largest.includes(always)) largest[FEW - 1] = always;
    return largest.sort((a, b) => a - b);
  }

  table(first, heads, rows, key, n, nShown, what) {
    const head = make(
      "tr",
      {},
      make("th", {}, first),
      ...heads.map((name) => make("th", { scope: "col" }, name)),
    );
    const more =
      nShown < n &&
      make(
        "p",
        { class: "muted" },
        `${nShown} of ${n} ${what}. `,
        make(
          "button",
          {
            type: "button",
            class: "quiet",
            click: () => {
              this.isWhole.add(key);
              this.ask();
            },
          },
          "Show all",
        ),
      );
    return make(
      "div",
      { class: "numbers-table" },
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)),
      more || "",
    );
  }
}

/** One sentence about the prediction; for regression, one per target. */
function verdicts({ step, class_names: names, label, predicted, targets }) {
  const outputs = step.layers.at(-1).activations;
  if (label != null) {
    const name = (index) => names[index] ?? "?";
    const sure = outputs.length > 1 && predicted != null ? ` (a = ${short(outputs[predicted])})` : "";
    const truth = predicted === label ? "correct" : `wrong: the true class is ${name(label)}`;
    return [`Predicted ${name(predicted)}${sure}, ${truth}.`];
  }
  const ofValues = (targets ?? []).map((target, index) => ({ target, index }));
  return ofValues
    .filter(({ target }) => target.standardization)
    .map(
      ({ target, index }) =>
        `Predicted ${target.name} ${short(restored(outputs[index], target))}, true value ${short(restored(step.target[index], target))}.`,
    );
}

/** A standardized number in the units of its column. */
function restored(number, { standardization: { mean, std }, transform }) {
  const value = mean + std * number;
  if (transform === "log") return Math.exp(value);
  return transform === "log1p" ? Math.expm1(value) : value;
}

/** Numbers are standardized, categories are not. */
function xTitle(inputs) {
  const nNumbers = inputs?.filter(({ standardization }) => standardization).length;
  if (!nNumbers) return "x";
  return nNumbers === inputs.length ? "x (standardized)" : "x (numbers standardized)";
}

/** The name of a column, beside the position of its weight. */
function nameOf(column) {
  return column ? [" ", make("span", { class: "column-name" }, column.name)] : [];
}

function neuronName(trace, neuron, isOutput) {
  const target = isOutput ? trace.targets?.[neuron]?.name : null;
  const ofClass = isOutput && trace.step.target.length > 1 ? trace.class_names[neuron] : null;
  const name = ofClass ?? target;
  return name == null || name === String(neuron) ? String(neuron) : `${neuron} (${name})`;
}

/** The inputs of a layer. */
function belowOf(step, index) {
  if (index === 0) return step.inputs;
  const { activations, mask } = step.layers[index - 1];
  return mask ? activations.map((a, i) => a * mask[i]) : activations;
}

/** `z = 0.99·0.12 + ... + b = 3.44`, the largest terms only. */
function sumOf(below, weights, bias, z) {
  const terms = below
    .map((a, i) => ({ a, w: weights[i], i }))
    .filter(({ a }) => a !== 0)
    .sort((p, q) => Math.abs(q.a * q.w) - Math.abs(p.a * p.w));
  const shown = terms
    .slice(0, 4)
    .map(({ a, w }) => `${bracketed(a)}·${bracketed(w)}`)
    .join(" + ");
  const rest = terms.length > 4 ? ` + ${terms.length - 4} smaller terms` : "";
  return [make("code", {}, `z = ${shown || "0"}${rest} + ${bracketed(bias)} = `), make("b", {}, short(z))];
}

function bracketed(number) {
  return number < 0 ? `(${short(number, 3)})` : short(number, 3);
}
