// A visit to the page of `nn serve`: the program in a temporary folder without
// data, a chromium without a window, and a pen.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const PATIENCE = 60_000;

/** A digit 3, as places on a sheet of side 1. */
export const THREE = [...arc(0.48, 0.31, 0.19, -160, 80), ...arc(0.48, 0.67, 0.21, -80, 160)];

/**
 * Starts `program` and `executablePath`, and opens the printed address once;
 * `complaints` collects what goes wrong in the browser.
 */
export async function begin(program, executablePath, look = {}) {
  const folder = mkdtempSync(join(tmpdir(), "nn-browser-"));
  const { server, printed } = await serve(program, folder);
  const address = new URL("/", printed).href;
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const context = await browser.newContext({
    permissions: ["clipboard-read", "clipboard-write"],
    ...look,
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  // Status 409 is an answer: another page has started the first network.
  const isComplaint = (message) => message.type() === "error" && !message.text().includes("status of 409");
  page.on("console", (message) => isComplaint(message) && complaints.push(message.text()));
  page.on("request", (request) => {
    if (!request.url().startsWith(address)) complaints.push(`a request to ${request.url()}`);
  });
  await page.goto(printed);
  const visit = { folder, address, printed, page, complaints };
  visit.stop = () => ended(visit.server);
  visit.startAgain = async () => {
    const { server, printed } = await serve(program, folder, new URL(address).port);
    Object.assign(visit, { server, printed });
  };
  visit.end = async () => {
    await browser.close();
    visit.server.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return Object.assign(visit, { server });
}

/** The server, and the address that it printed. */
async function serve(program, folder, port = 0) {
  const { CARGO, NN_DATA_DIR, ...environment } = process.env;
  const server = spawn(program, ["serve", "--port", String(port)], { cwd: folder, env: environment });
  return { server, printed: await addressOf(server) };
}

function ended(server) {
  const promise = new Promise((resolve) => server.once("exit", resolve));
  server.kill();
  return promise;
}

function addressOf(server) {
  const lines = createInterface({ input: server.stdout });
  return new Promise((resolve, reject) => {
    lines.once("line", (line) => resolve(line.split(" ")[0]));
    server.once("exit", (code) => reject(new Error(`nn serve ended with ${code}`)));
  });
}

/** Opens the page anew with this view and experiment. */
export async function open({ page, address }, hash) {
  await page.goto("about:blank");
  await page.goto(`${address}${hash}`);
}

/** Draws a line through these places. */
export async function stroke({ page }, points) {
  const box = await page.locator("#sheet").boundingBox();
  const places = points.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
  await page.mouse.move(...places[0]);
  await page.mouse.down();
  for (const place of places.slice(1)) await page.mouse.move(...place, { steps: 2 });
  await page.mouse.up();
}

/** Places on a circle, clockwise between two angles in degrees; 0 is to the right. */
function arc(x, y, radius, from, to) {
  const n = 30;
  return Array.from({ length: n + 1 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / n) * Math.PI) / 180;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}
