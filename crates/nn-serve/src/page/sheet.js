// The canvas to draw on. It is sent as 112 x 112 gray values: dark ink on white paper,
// for light and dark pages alike.

import { make } from "./dom.js";

const SIDE = 448;
const SENT = 112;

export class Sheet {
  /** `changed` is called during and after every stroke. */
  constructor(changed) {
    this.changed = changed;
    this.isEmpty = true;
    this.penWidth = 34;
    this.cursor = { x: SIDE / 2, y: SIDE / 4, isDown: false };
    this.canvas = make("canvas", {
      width: SIDE,
      height: SIDE,
      tabindex: 0,
      id: "sheet",
      role: "application",
      "aria-label": "Canvas to draw on: arrow keys move, space lowers and lifts the pen, c clears",
    });
    this.marker = make("span", { class: "marker", hidden: true });
    this.element = make("div", { class: "sheet" }, this.canvas, this.marker);
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.context.lineCap = "round";
    this.context.lineJoin = "round";
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.follow(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, () => {
        this.last = null;
      });
    }
    this.canvas.addEventListener("keydown", (event) => this.type(event));
    this.canvas.addEventListener("blur", () => {
      this.marker.hidden = true;
    });
  }

  clear() {
    this.context.clearRect(0, 0, SIDE, SIDE);
    this.isEmpty = true;
    this.last = null;
    this.changed();
  }

  /** Draws an image with bright ink on black, over the whole canvas. */
  show(bytes, width, height) {
    const small = make("canvas", { width, height });
    const image = new ImageData(width, height);
    bytes.forEach((ink, index) => {
      image.data[4 * index + 3] = ink;
    });
    small.getContext("2d").putImageData(image, 0, 0);
    this.context.clearRect(0, 0, SIDE, SIDE);
    this.context.drawImage(small, 0, 0, SIDE, SIDE);
    this.isEmpty = false;
    this.changed();
  }

  /** The drawing as the server expects it. */
  payload() {
    const step = SIDE / SENT;
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    let text = "";
    for (let row = 0; row < SENT; row += 1) {
      for (let column = 0; column < SENT; column += 1) {
        let ink = 0;
        for (let y = row * step; y < (row + 1) * step; y += 1) {
          for (let x = column * step; x < (column + 1) * step; x += 1) ink += data[4 * (y * SIDE + x) + 3];
        }
        text += String.fromCharCode(255 - Math.round(ink / step ** 2));
      }
    }
    return { side: SENT, pixels: btoa(text) };
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.stroke(this.last);
  }

  follow(event) {
    if (!this.last) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) this.stroke(this.place(one));
  }

  stroke(to) {
    const from = this.last ?? to;
    this.context.lineWidth = this.penWidth;
    this.context.strokeStyle = "#000";
    this.context.beginPath();
    this.context.moveTo(...from);
    // A point is a very short line with round ends.
    this.context.lineTo(to[0] + 0.01, to[1]);
    this.context.stroke();
    this.last = to;
    this.isEmpty = false;
    this.changed();
  }

  type(event) {
    const step = SIDE / 28;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key === "c") this.clear();
    else if (event.key === " ") this.cursor.isDown = !this.cursor.isDown;
    else if (!moves[event.key]) return;
    event.preventDefault();
    const [right, down] = moves[event.key] ?? [0, 0];
    const from = [this.cursor.x, this.cursor.y];
    this.cursor.x = Math.min(SIDE, Math.max(0, this.cursor.x + right));
    this.cursor.y = Math.min(SIDE, Math.max(0, this.cursor.y + down));
    if (this.cursor.isDown) {
      this.last = from;
      this.stroke([this.cursor.x, this.cursor.y]);
      this.last = null;
    }
    this.marker.hidden = false;
    this.marker.classList.toggle("down", this.cursor.isDown);
    this.marker.style.left = `${(100 * this.cursor.x) / SIDE}%`;
    this.marker.style.top = `${(100 * this.cursor.y) / SIDE}%`;
  }
}
