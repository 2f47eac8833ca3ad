// The view "Draw": a canvas, and the prediction of a network for it.

import { listen, post } from "./api.js";
import { card, dataTitle, formula, make, percent, short } from "./dom.js";
import { downloadButtons } from "./download.js";
import { IN_TRAINING, listNetworks } from "./networks.js";
import { bytesOf, drawCells, drawGrey, drawSigned, signedBytesOf } from "./pictures.js";
import { startIfIdle, startTrainings } from "./session.js";
import { Sheet } from "./sheet.js";
import { showError, remember } from "./shell.js";

export class DrawView {
  constructor(state) {
    this.state = state;
    this.sheet = new Sheet(() => this.ask());
    this.select = make("select", { change: () => this.choose(this.select.value) });
    this.sampleNumber = 0;
    this.element = make("div", { class: "view draw" }, this.makeSheetCard(), this.makeAnswer());
    this.showAnswer({ blank: true });
    listen("session", (number) => number > 0 && !this.element.hidden && this.fill());
    listen("progress", (trainings) => this.showProgress(trainings));
    listen("pictures", () => this.network?.startsWith("training") && this.ask());
  }

  makeSheetCard() {
    const width = make("input", {
      type: "range",
      min: 14,
      max: 60,
      value: 34,
      "aria-label": "Pen width",
      input: () => {
        this.sheet.penWidth = Number(width.value);
      },
    });
    this.status = make("p", { class: "muted", role: "status" });
    this.downloads = downloadButtons("network", () => this.network);
    this.downloads.hidden = true;
    this.starter = make(
      "button",
      { type: "button", id: "starter", hidden: true, click: () => this.trainStarter() },
      "Train a small network for digits",
    );
    return card(
      "Draw a digit",
      make("label", { class: "fields network" }, "Network", this.select),
      this.downloads,
      this.status,
      this.starter,
      this.sheet.element,
      make(
        "div",
        { class: "buttons" },
        make("button", { type: "button", id: "clear", click: () => this.sheet.clear() }, "Clear"),
        make("button", { type: "button", id: "sample", click: () => this.takeSample() }, "Test digit"),
        make("label", { class: "line" }, "Pen width", width),
      ),
      make(
        "p",
        { class: "muted" },
        "Use the mouse, a finger or a pen, or use the keyboard: arrow keys move, space lowers and lifts the pen, and c clears.",
      ),
    );
  }

  makeAnswer() {
    this.digit = make("output", { class: "digit", id: "answer", "aria-live": "polite" }, "–");
    this.bars = make("div", { class: "probabilities" });
    this.seen = make("canvas", {
      class: "pixels",
      width: 28,
      height: 28,
      role: "img",
      "aria-label": "Input of the network",
    });
    this.shares = make("canvas", {
      class: "pixels signed",
      width: 28,
      height: 28,
      role: "img",
      "aria-label": "Contribution of each pixel to the prediction",
    });
    this.sum = make("p", { class: "numbers" });
    this.formula = make("div", {});
    this.hidden = make("div", { class: "layers" });
    return make(
      "div",
      { class: "column" },
      card(
        "Prediction",
        make("div", { class: "answer" }, this.digit, this.bars),
        this.formula,
      ),
      make(
        "div",
        { class: "pair" },
        card(
          "Input of the network",
          this.seen,
          make(
            "p",
            { class: "muted" },
            "28 × 28 pixels, prepared like the digits of MNIST: cropped, scaled to 20 × 20 pixels, and centered by the center of mass.",
          ),
        ),
        card(
          "Contribution of the pixels",
          this.shares,
          this.sum,
          formula(
            "r_i = x_i · ∂z_c/∂x_i",
            "gradient × input, for the weighted sum z_c of the predicted class. Blue pixels raise it, orange pixels lower it; the third number is the contribution of the biases (exact for relu).",
          ),
        ),
      ),
      card(
        "Hidden layers",
        this.hidden,
        formula(
          "a = φ(x·W + b)",
          "one cell per neuron: blue for positive activations, orange for negative ones; the stronger the color, the larger the absolute value.",
        ),
      ),
    );
  }

  show(parameters) {
    this.sampleNumber = Number(parameters.get("sample") ?? this.sampleNumber);
    this.fill(parameters.get("network"));
  }

  /**
   * Lists the networks that read drawings and chooses `wanted`, the one before, or the
   * first. Without any network, trains a small one, in a second or two.
   */
  async fill(wanted = null) {
    try {
      const networks = await listNetworks();
      if (!networks.some(({ id }) => id === "opened" || id === IN_TRAINING.id)) {
        this.status.textContent = "Training a small network …";
        await startIfIdle([this.state.starter]);
        return this.fill(wanted ?? IN_TRAINING.id);
      }
      const readers = networks.filter(({ readsDrawings }) => readsDrawings);
      const isListed = readers.some(({ id }) => id === this.network);
      this.select.replaceChildren(...readers.map(optionOf));
      this.starter.hidden = readers.length > 0;
      this.choose(wanted ?? (isListed ? this.network : this.select.value));
    } catch (error) {
      showError(error);
    }
  }

  /** Trains a small network for digits. */
  async trainStarter() {
    try {
      if (await startTrainings([this.state.starter])) await this.fill(IN_TRAINING.id);
    } catch (error) {
      showError(error);
    }
  }

  choose(network) {
    this.network = network;
    this.select.value = network;
    this.downloads.hidden = !network;
    this.status.textContent = network ? "" : "No network accepts drawings as input.";
    this.showProgress(this.trainings);
    remember("draw", new URLSearchParams(network ? { network } : {}));
    this.ask();
  }

  showProgress(trainings) {
    this.trainings = trainings;
    if (!this.network?.startsWith("training") || !trainings?.length) return;
    const [training] = trainings;
    const accuracy = training.last_epoch
      ? `, validation accuracy ${percent(training.last_epoch.validation_accuracy)}`
      : "";
    const isOpen = training.phase === "running" || training.phase === "paused";
    this.status.textContent = `${training.network} on ${dataTitle(training.dataset)}, ${isOpen ? `in training: ${percent(training.epochs_done / training.n_epochs, 0)}` : "trained"}${accuracy}.`;
  }

  async takeSample() {
    if (!this.network) return;
    try {
      const sample = await post("/api/sample", { network: this.network, index: this.sampleNumber });
      this.sampleNumber = sample.index + 1;
      this.sheet.show(bytesOf(sample.pixels), sample.width, sample.height);
    } catch (error) {
      showError(error);
    }
  }

  /** Requests a prediction, after the response to the previous request. */
  async ask() {
    this.isStale = true;
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      while (this.isStale) {
        this.isStale = false;
        if (!this.network || this.sheet.isEmpty) this.showAnswer({ blank: true });
        else this.showAnswer(await post("/api/predict", { network: this.network, ...this.sheet.payload() }));
      }
      showError(null);
    } catch (error) {
      showError(error);
    } finally {
      this.isAsking = false;
    }
  }

  showAnswer(answer) {
    const isBlank = Boolean(answer.blank);
    this.digit.classList.toggle("blank", isBlank);
    this.digit.textContent = isBlank ? "–" : answer.names[answer.class];
    const names = isBlank ? [..."0123456789"] : answer.names;
    this.bars.replaceChildren(
      ...names.map((name, index) => {
        const share = isBlank ? 0 : answer.probabilities[index];
        const fill = make("span", { class: "fill" });
        fill.style.width = `${100 * share}%`;
        return make(
          "div",
          { class: `bar${!isBlank && index === answer.class ? " best" : ""}` },
          make("span", { class: "name" }, name),
          make("span", { class: "track" }, fill),
          make("span", { class: "value" }, isBlank ? "" : percent(share)),
        );
      }),
    );
    const nothing = new Uint8Array(28 * 28);
    drawGrey(this.seen, isBlank ? nothing : bytesOf(answer.pixels), 28, 28);
    drawSigned(this.shares, isBlank ? nothing : signedBytesOf(answer.contributions), 28, 28);
    this.sum.replaceChildren(...(isBlank ? [] : sumOf(answer)));
    this.formula.replaceChildren(outputFormula(answer.output ?? "softmax"));
    this.showHidden(isBlank ? [] : answer.hidden, isBlank);
  }

  showHidden(layers, isBlank) {
    if (layers.length === 0) {
      this.hidden.replaceChildren(
        make(
          "p",
          { class: "muted" },
          isBlank ? "Draw a digit first." : "This network has no hidden layer.",
        ),
      );
      return;
    }
    this.hidden.replaceChildren(
      ...layers.map((layer, index) => {
        const canvas = make("canvas", {
          class: "pixels signed cells",
          role: "img",
          "aria-label": `Hidden layer ${index + 1}`,
        });
        const scale = Math.max(...layer.values.map(Math.abs));
        const columns = layer.values.length > 256 ? 64 : layer.values.length > 40 ? 32 : 16;
        drawCells(canvas, layer.values, columns, scale);
        canvas.style.maxWidth = `${28 * columns}px`;
        const n_active = layer.values.filter((value) => value > 0).length;
        return make(
          "figure",
          {},
          canvas,
          make(
            "figcaption",
            {},
            `Layer ${index + 1}: ${layer.n_neurons} neurons, ${layer.activation}; ${n_active} positive; largest absolute value ${short(scale, 3)}`,
          ),
        );
      }),
    );
  }
}

/** `z = 7.4 − 0.3 − 0.2 = 6.9`, in the colors of the picture. */
function sumOf({ weighted_sum: z, for: spokeFor, against }) {
  const rest = z - spokeFor - against;
  return [
    "z = ",
    make("b", { class: "for" }, short(spokeFor, 3)),
    " − ",
    make("b", { class: "against" }, short(-against, 3)),
    `${rest < 0 ? " − " : " + "}${short(Math.abs(rest), 3)} = ${short(z, 3)}`,
  ];
}

function outputFormula(activation) {
  return activation === "softmax"
    ? formula("p = softmax(z)", "one probability per class, from the weighted sums z of the output layer.")
    : formula(`a = ${activation}(z)`, "one value per class, from the weighted sums z of the output layer.");
}

function optionOf({ id, title }) {
  return make("option", { value: id }, title);
}
