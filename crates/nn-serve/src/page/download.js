// Buttons that download a network as a file.

import { postForFile } from "./api.js";
import { make } from "./dom.js";
import { button } from "./panel.js";
import { showError } from "./shell.js";

/** Milliseconds until the content of a file is released. */
const KEPT = 60_000;

const FORMATS = [
  ["onnx", "ONNX"],
  ["c", "C"],
  ["safetensors", "safetensors"],
];

/** One button per format; `network` returns the id of the network, `id` begins the ids. */
export function downloadButtons(id, network) {
  const buttons = FORMATS.map(([format, title]) =>
    button(title, `${id}-${format}`, () => download(network(), format)),
  );
  return make("div", { class: "buttons downloads" }, make("span", { class: "muted" }, "Download as"), ...buttons);
}

async function download(network, format) {
  try {
    const { name, content } = await postForFile("/api/export", { network, format });
    const href = URL.createObjectURL(content);
    make("a", { href, download: name }).click();
    // The browser reads the content after the click.
    setTimeout(() => URL.revokeObjectURL(href), KEPT);
    showError(null);
  } catch (error) {
    showError(error);
  }
}
