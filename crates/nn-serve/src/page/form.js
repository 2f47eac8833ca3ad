// The settings of a training as a form. Its fields are the flags of
// `nn train`, as the program describes them; nothing is listed here but which
// of them stand first.

import { make } from "./dom.js";

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
  l1: "L1 penalty",
  l2: "L2 penalty",
  hidden: "Hidden layers",
  init: "Initial weights",
  "bias-init": "Initial biases",
};

/** A form; `changed` is called after every change. */
export class SettingsForm {
  constructor(state, changed) {
    this.changed = changed;
    this.names = state.flags.map((flag) => flag.name);
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
      inputmode: flag.value === "N" ? "numeric" : null,
      change: () => this.changed(),
    });
  }

  select(flag, choices) {
    const usual = make("option", { value: "" }, usualText(flag));
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
      usual,
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

  /** What stands where nothing is chosen, now that the rest is known. */
  showUsual(settings) {
    for (const [name, input] of this.fields) {
      const usual = name === "activation" ? withoutRepeats(settings[name]) : settings[name];
      if (input.value !== "") continue;
      if (input.tagName === "SELECT")
        input.options[0].textContent = [null, undefined, ""].includes(usual) ? "usual" : `usual: ${usual}`;
      else if (usual != null) input.placeholder = name === "hidden" ? `${usual}, or none` : usual;
    }
  }

  /** Leaves out one field, which is chosen elsewhere. */
  disable(name) {
    for (const [other, input] of this.fields) input.disabled = other === name;
  }

  /** Fills the form from an address. */
  read(parameters) {
    for (const [name, input] of this.fields) {
      const value = parameters.get(name) ?? "";
      const isUnknown =
        input.tagName === "SELECT" && ![...input.options].some((option) => option.value === value);
      if (isUnknown) input.add(make("option", { value }, value), input.options.length - 1);
      input.value = value;
    }
  }

  /** Name and value of everything that was chosen. */
  entries() {
    return this.names
      .map((name) => [name, this.fields.get(name).value.trim()])
      .filter(([, value]) => value !== "");
  }

  /** For the address. */
  parameters() {
    return new URLSearchParams(this.entries());
  }

  /** For the program: `["--lr", "0.1"]`. */
  words() {
    return wordsOf(this.entries());
  }
}

/** Flags as they are typed; `none` stands for no hidden layers. */
export function wordsOf(entries) {
  return entries.flatMap(([name, value]) => [
    `--${name}`,
    name === "hidden" && value === "none" ? "" : value,
  ]);
}

export function titleOf(name) {
  const words = name.replaceAll("-", " ");
  return TITLES[name] ?? words[0].toUpperCase() + words.slice(1);
}

/** `relu,relu` is `relu`. */
function withoutRepeats(list) {
  return list && [...new Set(list.split(","))].join(",");
}

function defaultOf(flag) {
  if (flag.name === "hidden") return "256,128, or none";
  return flag.help.match(/\[default: (.*)\]/)?.[1]?.replace(/:.*/, "") ?? "";
}

function usualText(flag) {
  const usual = flag.help.match(/\[default: (.*)\]/)?.[1] ?? "";
  // What depends on the rest is a sentence; the program says it, once it knows.
  return usual && !usual.includes(" ") ? `usual: ${usual}` : "usual";
}
