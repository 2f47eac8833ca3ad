// Line charts and bar charts as SVG; the style sheet has the colors.

import { make, makeSvg, short } from "./dom.js";

const HEIGHT = 240;
const MARGIN = { top: 10, right: 14, bottom: 34, left: 52 };

/**
 * A chart of lines over epochs. `update(lines, end)` draws
 * `{ name, look, isDashed, points: [[x, y], ...] }` from 0 to `end`.
 */
export class LineChart {
  constructor(title, { format = short, mark = short, canBeLogarithmic = false, top = null } = {}) {
    this.format = format;
    this.mark = mark;
    this.top = top;
    this.isLogarithmic = false;
    this.lines = [];
    this.end = 1;
    this.legend = make("p", { class: "legend" });
    this.svg = makeSvg("svg", { class: "chart", height: HEIGHT, role: "img", "aria-label": title });
    const heading = make("h2", {}, title);
    if (canBeLogarithmic) heading.append(this.makeSwitch());
    this.element = make("section", { class: "card" }, heading, this.legend, this.svg);
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.svg.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.svg.addEventListener("pointerleave", () => this.point(null));
  }

  makeSwitch() {
    const box = make("input", {
      type: "checkbox",
      change: () => {
        this.isLogarithmic = box.checked;
        this.draw();
      },
    });
    return make("label", { class: "switch" }, box, "logarithmic scale");
  }

  update(lines, end) {
    this.lines = lines;
    this.end = Math.max(end, 1e-9);
    this.draw();
  }

  draw() {
    this.width = Math.max(240, this.svg.clientWidth);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const scale = this.makeScale();
    this.svg.replaceChildren(...this.axes(scale), ...this.lines.flatMap((line) => path(line, scale)));
    this.cursor = makeSvg("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom });
    this.cursor.style.display = "none";
    this.svg.append(this.cursor);
    this.scale = scale;
    this.point(null);
  }

  makeScale() {
    const values = this.lines
      .flatMap((line) => line.points.map((point) => point[1]))
      .filter((value) => Number.isFinite(value) && (!this.isLogarithmic || value > 0));
    const highest = values.length ? Math.max(...values) : 1;
    const lowest = values.length ? Math.min(...values) : 0.1;
    const [from, to] = this.isLogarithmic
      ? [Math.log10(lowest) - 0.05, Math.log10(highest) + 0.05]
      : this.top
        ? [Math.min(lowest, 0.9 * this.top), this.top]
        : [0, 1.05 * highest || 1];
    const across = this.width - MARGIN.left - MARGIN.right;
    const down = HEIGHT - MARGIN.top - MARGIN.bottom;
    const place = (y) => (this.isLogarithmic ? Math.log10(y) : y);
    return {
      from,
      to,
      x: (x) => MARGIN.left + (across * x) / this.end,
      y: (y) => MARGIN.top + down * (1 - (place(y) - from) / (to - from || 1)),
    };
  }

  axes(scale) {
    const parts = [];
    const bottom = HEIGHT - MARGIN.bottom;
    for (const tick of this.isLogarithmic ? powers(scale.from, scale.to) : ticks(scale.from, scale.to, 5)) {
      const y = scale.y(tick);
      parts.push(
        makeSvg("line", { class: "grid", x1: MARGIN.left, x2: this.width - MARGIN.right, y1: y, y2: y }),
      );
      parts.push(label(MARGIN.left - 6, y + 4, "end", this.mark(tick)));
    }
    for (const tick of ticks(0, this.end, Math.min(8, this.width / 70))) {
      const x = scale.x(tick);
      parts.push(makeSvg("line", { class: "axis", x1: x, x2: x, y1: bottom, y2: bottom + 4 }));
      parts.push(label(x, bottom + 17, "middle", short(tick)));
    }
    parts.push(
      makeSvg("line", {
        class: "axis",
        x1: MARGIN.left,
        x2: this.width - MARGIN.right,
        y1: bottom,
        y2: bottom,
      }),
    );
    parts.push(label(this.width - MARGIN.right, HEIGHT - 3, "end", "epochs"));
    return parts;
  }

  /** Shows the values at a horizontal position, or the last ones. */
  point(across) {
    const isInside = across != null && across >= MARGIN.left && across <= this.width - MARGIN.right;
    const x = isInside
      ? ((across - MARGIN.left) / (this.width - MARGIN.left - MARGIN.right)) * this.end
      : Infinity;
    this.cursor.style.display = isInside ? "" : "none";
    if (isInside) {
      this.cursor.setAttribute("x1", across);
      this.cursor.setAttribute("x2", across);
    }
    this.legend.replaceChildren(
      ...this.lines.map((line) => {
        const point = nearest(line.points, x);
        const key = make("span", { class: `key ${line.look}${line.isDashed ? " dashed" : ""}` });
        const value = make("b", {}, point ? this.format(point[1]) : "–");
        return make("span", { class: "entry" }, key, `${line.name} `, value);
      }),
    );
  }
}

function nearest(points, x) {
  if (x === Infinity || points.length === 0) return points.at(-1);
  return points.reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));
}

function path(line, scale) {
  const points = line.points.filter((point) => Number.isFinite(scale.y(point[1])));
  const text = points
    .map(([x, y], index) => `${index ? "L" : "M"}${scale.x(x).toFixed(1)} ${scale.y(y).toFixed(1)}`)
    .join("");
  const shape = makeSvg("path", { class: `line ${line.look}${line.isDashed ? " dashed" : ""}`, d: text });
  const isSparse = points.length <= 40;
  const dots =
    isSparse && (line.isDashed || points.length === 1)
      ? points.map(([x, y]) =>
          makeSvg("circle", { class: `dot ${line.look}`, cx: scale.x(x), cy: scale.y(y), r: 2.5 }),
        )
      : [];
  return [shape, ...dots];
}

function label(x, y, anchor, text) {
  return makeSvg("text", { x, y, "text-anchor": anchor }, text);
}

/** Round numbers from `from` to `to`, about `count` of them. */
function ticks(from, to, count) {
  const rough = (to - from) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const all = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + 1e-9 * step; n += 1) {
    all.push(Number((n * step).toPrecision(12)));
  }
  return all;
}

/** Powers of ten; over a short range also 2 and 5 times these. */
function powers(from, to) {
  const factors = to - from < 2.5 ? [1, 2, 5] : [1];
  const all = [];
  for (let power = Math.floor(from); power <= to; power += 1) {
    all.push(...factors.map((factor) => Number((factor * 10 ** power).toPrecision(3))));
  }
  return all.filter((tick) => Math.log10(tick) >= from && Math.log10(tick) <= to);
}

/** Bars on a logarithmic scale, one per layer: `[{ name, value }]`. */
export function drawBars(element, bars) {
  const sizes = bars.map((bar) => bar.value).filter((value) => value > 0);
  const high = sizes.length ? Math.ceil(Math.log10(Math.max(...sizes))) : 0;
  const low = Math.min(Math.floor(Math.log10(Math.min(...sizes, 1))), high - 3);
  element.replaceChildren(
    ...bars.map((bar) => {
      const share = bar.value > 0 ? (Math.log10(bar.value) - low) / (high - low) : 0;
      const fill = make("span", { class: "fill" });
      fill.style.width = `${100 * Math.max(0.005, Math.min(1, share))}%`;
      return make(
        "div",
        { class: "bar" },
        make("span", { class: "name" }, bar.name),
        make("span", { class: "track" }, fill),
        make("span", { class: "value" }, short(bar.value, 3)),
      );
    }),
  );
  element.append(make("p", { class: "muted" }, `Logarithmic scale from 1e${low} to 1e${high}.`));
}
