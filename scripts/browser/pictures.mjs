// Pictures of every view of the page, to look at: light and dark, wide and
// narrow; and page-light.webp and page-dark.webp, which README.md shows.
//
//   node pictures.mjs PROGRAM BROWSER FOLDER
//
// `cargo xtask browser-tests --pictures FOLDER` finds the first two.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { THREE, begin, open, stroke } from "./visit.mjs";

const [program, executablePath, folder] = process.argv.slice(2);
const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };
const README = { width: 1160, height: 800 };
const SCHEMES = ["light", "dark"];

/** For each view its address, and what has to be done until there is something to see. */
const VIEWS = {
  draw: { hash: "#draw?network=training", prepare: drawThree },
  train: { hash: "#train?data=glyphs&limit-train=8000&hidden=64&epochs=12&seed=1", prepare: train },
  compare: {
    hash: "#compare?data=glyphs&limit-train=4000&hidden=32&epochs=8&vary=optimizer&a=sgd&b=adam",
    prepare: compare,
  },
  inside: { hash: "#inside?network=training&split=test&index=3", prepare: lookInside },
};

async function drawThree(visit) {
  await visit.page.getByText(/trained, validation accuracy/).waitFor();
  await stroke(visit, THREE);
  await visit.page.waitForFunction(() => document.querySelector("#answer").textContent === "3");
}

async function train({ page }) {
  await page.getByText("784-64-10 on glyphs").waitFor();
  await page.click("#start");
  await page.locator(".facts").getByText(/^784-64-10, /).waitFor();
  await page.locator("#status").getByText(/^Done/).waitFor();
}

async function compare({ page }) {
  await page.getByText(/784-32-10 on glyphs.*784-32-10 on glyphs/).waitFor();
  await page.click("#compare-start");
  await page.waitForFunction(
    () => [...document.querySelectorAll(".results td")].filter((cell) => /^Done/.test(cell.textContent)).length === 2,
  );
}

async function lookInside({ page }) {
  await page.getByText(/, output layer$/).waitFor();
}

/** The whole of every view, as far as it goes down. */
async function takeAll(visit) {
  for (const [name, { hash, prepare }] of Object.entries(VIEWS)) {
    await visit.page.setViewportSize(SIZES.wide);
    await open(visit, hash);
    await prepare(visit);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await visit.page.setViewportSize(viewport);
      for (const colorScheme of SCHEMES) {
        await visit.page.emulateMedia({ colorScheme });
        await visit.page.waitForTimeout(200);
        await visit.page.screenshot({
          path: join(folder, `${name}-${size}-${colorScheme}.png`),
          fullPage: true,
        });
      }
    }
    await visit.page.emulateMedia({ colorScheme: "light" });
  }
}

/** The view Draw down to the pixels that spoke, small enough for a repository. */
async function takeReadme(visit) {
  await visit.page.setViewportSize(README);
  await open(visit, VIEWS.draw.hash);
  await drawThree(visit);
  await visit.page.mouse.move(0, 0);
  for (const colorScheme of SCHEMES) {
    await visit.page.emulateMedia({ colorScheme });
    await visit.page.waitForTimeout(200);
    const { y, height } = await visit.page.locator(".draw .pair").boundingBox();
    const clip = { x: 0, y: 0, width: README.width, height: y + height + 16 };
    const png = await visit.page.screenshot({ fullPage: true, clip });
    writeFileSync(join(folder, `page-${colorScheme}.webp`), await asWebp(visit, png));
  }
  await visit.page.emulateMedia({ colorScheme: "light" });
}

/** The browser is the encoder at hand; on an empty page, which allows such addresses. */
async function asWebp({ page }, png) {
  const blank = await page.context().newPage();
  const text = await blank.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), {
      width: image.width,
      height: image.height,
    });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.7);
  }, png.toString("base64"));
  await blank.close();
  return Buffer.from(text.split(",")[1], "base64");
}

mkdirSync(folder, { recursive: true });
const visit = await begin(program, executablePath);
try {
  await takeReadme(visit);
  await takeAll(visit);
  for (const complaint of visit.complaints) console.log(`the browser says: ${complaint}`);
} finally {
  await visit.end();
}
