// Creates elements and formats numbers. Text is never parsed as markup.

/** An HTML element: `make("p", { class: "muted" }, "text", child)`. */
export function make(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element, as `make`. */
export function makeSvg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** A box with a title. */
export function card(title, ...children) {
  return make("section", { class: "card" }, make("h2", {}, title), ...children);
}

/**
 * A formula with its meaning; `x_i` has a subscript. In a narrow place, each equation of
 * a list gets its own line.
 */
export function formula(text, meaning) {
  const equations = text.split(/(?<=,) /).map((part) => make("span", {}, ...withSubscripts(part)));
  return make(
    "p",
    { class: "formula" },
    make("code", {}, ...equations.flatMap((part) => [part, " "])),
    ...withSubscripts(meaning),
  );
}

function withSubscripts(text) {
  return text.split(/_(\w)/).map((part, index) => (index % 2 ? make("sub", {}, part) : part));
}

/** The name of a data set in a sentence. */
export function dataTitle(name) {
  return name === "glyphs" ? "the built-in digits" : name;
}

/** 54000 is `54 000`, with narrow spaces. */
export function grouped(number) {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** 0.98376 is `98.38 %`. */
export function percent(share, digits = 2) {
  return share == null ? "–" : `${(100 * share).toFixed(digits)}\u202f%`;
}

/** 0.98 is `98 %`: without trailing zeros, for axes. */
export function markPercent(share) {
  return `${Number((100 * share).toFixed(1))}\u202f%`;
}

/** `43 ms` or `1.64 s`. */
export function duration(seconds) {
  return seconds < 1 ? `${short(1000 * seconds, 2)}\u202fms` : `${seconds.toFixed(2)}\u202fs`;
}

/** A number with `digits` significant digits, as in the reports: `0.0832`, `−3`, `1.5e30`. */
export function short(number, digits = 4) {
  if (number == null || !Number.isFinite(number)) return "–";
  // Rounding comes first, so that 0.00009999999 and 0.0001 give the same text.
  const rounded = Number(number.toPrecision(digits));
  const size = Math.abs(rounded);
  const text = size !== 0 && (size < 1e-4 || size >= 1e9) ? scientific(size) : plain(size);
  return rounded < 0 ? `−${text}` : text;
}

function plain(size) {
  return Number.isInteger(size) && size >= 1e4 ? grouped(size) : String(size);
}

/** `1.5e+30` is `1.5e30`. */
function scientific(size) {
  return size.toExponential().replace("+", "");
}

/** A number as a field or a flag takes it: `0.001`, `1e-7`. */
export function typed(number) {
  return String(number).replace("+", "");
}

/** A decimal comma becomes a point: `0,1` is `0.1`. */
export function withPoint(text) {
  return text.trim().replace(/^([+-]?\d*),(\d+(?:e[+-]?\d+)?)$/i, "$1.$2");
}
