// The settings of a training run as a form. The server describes its fields, the flags
// of `nn train`; only those at the top are listed here.

import { make, typed, withPoint } from "./dom.js";

const FIRST = [
  "data",
  "hidden",
  "activation",
  "init",
  "optimizer",
  "lr",
  "schedule",
  "batch-size",
  "epochs",
  "dropout",
  "l2",
  "seed",
];
const TITLES = {
  data: "Data",
  lr: "Learning rate",
  l1: "L1 regularization",
  l2: "L2 regularization",
  hidden: "Hidden layers",
  init: "Initial weights",
  "bias-init": "Initial biases",
  "output-init": "Initial weights of the output layer",
  "drop-last": "Leave out a smaller last batch",
  monitor: "Metric of the best epoch",
};

/** A form; it calls `changed` after every change. */
export class SettingsForm {
  constructor(state, changed) {
    this.changed = changed;
    this.flags = new Map(state.flags.map((flag) => [flag.name, flag]));
    this.fields = new Map();
    const first = FIRST.map((name) => state.flags.find((flag) => flag.name === name)).filter(Boolean);
    const rest = state.flags.filter((flag) => !first.includes(flag));
    const more = make("details", { class: "more" }, make("summary", {}, "All other settings"));
    for (const heading of new Set(rest.map((flag) => flag.heading))) {
      more.append(
        make("h3", {}, heading),
        this.grid(
          rest.filter((flag) => flag.heading === heading),
          state,
        ),
      );
    }
    this.element = make(
      "form",
      { class: "settings", submit: (event) => event.preventDefault() },
      this.grid(first, state),
      more,
    );
  }

  grid(flags, state) {
    return make("div", { class: "fields" }, ...flags.map((flag) => this.field(flag, state)));
  }

  field(flag, state) {
    const choices = flag.name === "data" ? state.data : flag.choices;
    const input = choices.length ? this.select(flag, choices) : this.text(flag);
    this.fields.set(flag.name, input);
    return make("label", { title: `--${flag.name}: ${flag.help}` }, titleOf(flag.name), input);
  }

  text(flag) {
    return make("input", {
      name: flag.name,
      placeholder: defaultOf(flag),
      autocomplete: "off",
      spellcheck: "false",
      inputmode: flag.value === "N" ? "numeric" : flag.is_decimal ? "decimal" : null,
      change: (event) => {
        event.target.value = valueOf(flag, event.target.value);
        this.changed();
      },
    });
  }

  /** Shows a problem beside its field; returns whether the form has this field. */
  showProblem({ setting, error, help }) {
    const input = this.fields.get(setting);
    if (!input) return false;
    markProblem(input, problemOf(this.flags.get(setting), input.value, error, help));
    const hidden = input.closest("details");
    if (hidden) hidden.open = true;
    return true;
  }

  /** Removes the problems. */
  clearProblems() {
    for (const input of this.fields.values()) markProblem(input, null);
  }

  select(flag, choices) {
    const byDefault = make("option", { value: "" }, defaultText(defaultOf(flag)));
    const options = choices.map((choice) => make("option", { value: choice }, choice));
    const other = make("option", { value: "\0" }, "other …");
    return make(
      "select",
      {
        name: flag.name,
        change: (event) => {
          if (event.target.value === "\0") this.type(flag, event.target);
          else this.changed();
        },
      },
      byDefault,
      ...options,
      other,
    );
  }

  /** A value that is not in the list, such as `leaky-relu:slope=0.2`. */
  type(flag, select) {
    const input = this.text(flag);
    select.replaceWith(input);
    this.fields.set(flag.name, input);
    input.focus();
  }

  /** Shows the resolved settings as the defaults of the empty fields. */
  showDefaults(settings) {
    for (const [name, input] of this.fields) {
      const value = shownDefault(name, settings[name]);
      if (input.value !== "") continue;
      if (input.tagName === "SELECT") input.options[0].textContent = defaultText(value);
      else if (value != null) input.placeholder = name === "hidden" ? `${value}, or none` : value;
    }
  }

  /** Disables one field, whose value is chosen elsewhere. */
  disable(name) {
    for (const [other, input] of this.fields) input.disabled = other === name;
  }

  /** Fills the form from the parameters of an address. */
  read(parameters) {
    for (const [name, input] of this.fields) {
      const value = valueOf(this.flags.get(name), parameters.get(name) ?? "");
      const isUnknown =
        input.tagName === "SELECT" && ![...input.options].some((option) => option.value === value);
      if (isUnknown) input.add(make("option", { value }, value), input.options.length - 1);
      input.value = value;
    }
  }

  /** Name and value of every field that is not empty. */
  entries() {
    return [...this.flags.keys()]
      .map((name) => [name, this.fields.get(name).value.trim()])
      .filter(([, value]) => value !== "");
  }

  /** The parameters for an address. */
  parameters() {
    return new URLSearchParams(this.entries());
  }

  /** The flags for the server: `["--lr", "0.1"]`. */
  words() {
    return wordsOf(this.entries());
  }
}

/** The flags of these entries; `none` means no hidden layers. */
export function wordsOf(entries) {
  return entries.flatMap(([name, value]) => [
    `--${name}`,
    name === "hidden" && value === "none" ? "" : value,
  ]);
}

/** A value as the flag takes it: a decimal comma becomes a point, also in `adam:beta1=0,8`. */
export function valueOf(flag, text) {
  if (flag.is_decimal) return withPoint(text);
  return flag.value.startsWith("NAME") && flag.name !== "data"
    ? text.replace(/=[^:,=]*,\d+(?=$|:|,)/g, (parameter) => `=${withPoint(parameter.slice(1))}`)
    : text;
}

/** The text of a problem beside its field, which names the setting already. */
export function problemOf(flag, value, error, help) {
  if (flag.is_decimal && /^[\d.,'\s]+$/.test(value) && /[,'\s]/.test(value.trim()))
    return `Expected a number with a decimal point and without separators, such as 1000.5; found “${value}”.`;
  const [first, ...rest] = error.replace(`--${flag.name}: `, "");
  return [first.toUpperCase() + rest.join(""), help].filter(Boolean).join("; ");
}

/** Shows a problem below an input, or removes it if `text` is null. */
export function markProblem(input, text) {
  const id = `problem-${input.name}`;
  input.parentElement.querySelector(`[id="${id}"]`)?.remove();
  input.toggleAttribute("aria-invalid", Boolean(text));
  if (!text) return input.removeAttribute("aria-describedby");
  input.setAttribute("aria-describedby", id);
  input.after(make("span", { class: "problem", id, role: "alert" }, text));
}

export function titleOf(name) {
  const words = name.replaceAll("-", " ");
  return TITLES[name] ?? words[0].toUpperCase() + words.slice(1);
}

/** Of a list for all hidden layers, `relu,relu` is `relu`. */
function shownDefault(name, value) {
  if (typeof value === "number") return typed(value);
  return value && name === "activation" ? [...new Set(value.split(","))].join(",") : value;
}

function defaultOf(flag) {
  if (flag.name === "hidden") return "256,128, or none";
  const value = flag.help.match(/\[default: (.*)\]/)?.[1] ?? "";
  // A default that depends on other settings is a sentence; the check gives its value.
  return value.includes(" ") ? "" : value;
}

function defaultText(value) {
  return value == null || value === "" ? "default" : `default: ${value}`;
}
