// The page of `nn serve` in a real browser, from the first look to the command
// that repeats a training.
//
//   node page.test.mjs PROGRAM BROWSER
//
// starts PROGRAM (nn) in a temporary folder without data, and BROWSER (a
// chromium) without a window. `cargo xtask browser-tests` finds both.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { THREE, begin, open as openIn, stroke as strokeIn } from "./visit.mjs";

const [program, executablePath] = process.argv.slice(2);
const PATIENCE = 60_000;
const SMALL = "data=glyphs&limit-train=600&hidden=16&batch-size=32&seed=3";

let visit, page;

before(async () => {
  visit = await begin(program, executablePath);
  page = visit.page;
});

after(() => visit?.end());

const open = (hash) => openIn(visit, hash);
const stroke = (points) => strokeIn(visit, points);
const text = (selector) => page.locator(selector).textContent();

async function untilDone(status = "#status") {
  await page.waitForFunction((id) => /^Done/.test(document.querySelector(id).textContent), status);
}

/** Copies the command and runs it; the SHA-256 of the weights that it ends with. */
async function repeat(name) {
  await page.click("#command-copy");
  await page.getByText("Copied", { exact: true }).waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(command, /^nn train --data glyphs/);
  const words = command.split(" ").slice(1);
  execFileSync(program, [...words, "--no-report", "--name", name], {
    cwd: visit.folder,
    timeout: PATIENCE,
    stdio: ["ignore", "ignore", "ignore"],
  });
  return JSON.parse(readFileSync(join(visit.folder, `runs/${name}/summary.json`), "utf8")).weights_sha256;
}

test("without a run a network is trained, and answers for a drawn digit", async () => {
  await open("#draw");
  await page.getByText(/trained, validation accuracy/).waitFor();
  await stroke([
    [0.5, 0.15],
    [0.5, 0.85],
  ]);
  await page.waitForFunction(() => document.querySelector("#answer").textContent === "1");
  const shares = await page.locator(".probabilities .value").allTextContents();
  const sum = shares.reduce((sum, share) => sum + parseFloat(share), 0);
  assert.ok(Math.abs(sum - 100) < 0.2, `the probabilities add up to ${sum} %`);
  await page.click("#clear");
  await page.waitForFunction(() => document.querySelector("#answer").textContent === "–");
});

test("a 3 is read as a 3, and its pixels spoke for it", async () => {
  await stroke(THREE);
  await page.waitForFunction(() => document.querySelector("#answer").textContent === "3");
  const [, spokeFor, against] = (await text(".numbers")).match(/z = ([\d.]+) − ([\d.]+)/);
  assert.ok(Number(spokeFor) > Number(against), `for it ${spokeFor}, against it ${against}`);
  await page.click("#clear");
  await page.waitForFunction(() => document.querySelector("#answer").textContent === "–");
});

test("a digit can be drawn by keyboard, and taken from the test set", async () => {
  await page.focus("#sheet");
  await page.keyboard.press(" ");
  for (let step = 0; step < 14; step += 1) await page.keyboard.press("ArrowDown");
  await page.waitForFunction(() => document.querySelector("#answer").textContent === "1");
  await page.click("#sample");
  await page.waitForFunction(() => /[0-9]/.test(document.querySelector("#answer").textContent));
  assert.equal(await page.locator("canvas.cells").count(), 1);
});

test("a digit can be drawn with a finger, without moving the page", async () => {
  const touch = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } };
  const context = await page.context().browser().newContext(touch);
  try {
    const phone = await context.newPage();
    await phone.goto(`${visit.printed}#draw`);
    await phone.getByText(/trained, validation accuracy/).waitFor();
    const box = await phone.locator("#sheet").boundingBox();
    const finger = await context.newCDPSession(phone);
    const touchAt = (type, points) =>
      finger.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: points.map(([x, y]) => ({ x: box.x + x * box.width, y: box.y + y * box.height })),
      });
    await touchAt("touchStart", [THREE[0]]);
    for (const place of THREE.slice(1)) await touchAt("touchMove", [place]);
    await touchAt("touchEnd", []);
    await phone.waitForFunction(() => document.querySelector("#answer").textContent === "3");
    assert.equal(await phone.evaluate(() => scrollY), 0);
  } finally {
    await context.close();
  }
});

test("a training is started, watched, paused, stepped and steered", async () => {
  await open(`#train?${SMALL}&epochs=100000`);
  await page.getByText("784-16-10 on glyphs").waitFor();
  await page.click("#start");
  const curve = () => page.locator(".chart path.line").first().getAttribute("d");
  await page.waitForFunction(() => /In training/.test(document.querySelector("#status").textContent));
  await page.waitForFunction(
    () => (document.querySelector(".chart path.line")?.getAttribute("d") ?? "").length > 20,
  );
  const first = await curve();
  await page.waitForFunction(
    (first) => document.querySelector(".chart path.line").getAttribute("d") !== first,
    first,
  );

  await page.click("#pause");
  await page.getByText(/^Paused/).waitFor();
  const paused = await text("#status");
  const before = await curve();
  await page.waitForTimeout(500);
  assert.equal(await curve(), before, "nothing moves while it is paused");
  const stepOf = (status) => Number(status.match(/step ([\d\u202f]+)/)[1].replaceAll("\u202f", ""));
  // At the end of an epoch, the first click evaluates.
  for (let click = 0; click < 2 && (await text("#status")) === paused; click += 1) {
    await page.click("#step");
    await page.waitForTimeout(1000);
  }
  assert.equal(stepOf(await text("#status")) - stepOf(paused), 1, "one batch");

  await page.fill("#rate", "0.0005");
  await page.press("#rate", "Enter");
  await page.getByText(/changed by hand/).waitFor();
  await page.click("#pause");
  await page.getByText(/^In training/).waitFor();
  await page.click("#stop");
  await page.getByText(/^Stopped/).waitFor();
});

test("the command that is copied gives the same weights", async () => {
  await open(`#train?${SMALL}&epochs=3&optimizer=sgd&lr=0.2&activation=tanh`);
  await page.getByText("784-16-10 on glyphs: cross-entropy, sgd, learning rate 0.2, constant").waitFor();
  await page.click("#start");
  await untilDone();
  assert.equal(await text(".hash dd"), await repeat("repeated"));
});

test("a training that runs away goes back with half the rate, as its command does", async () => {
  await open(`#train?${SMALL}&epochs=2&optimizer=sgd&lr=3e9`);
  await page.locator("details.more summary").click();
  await page.selectOption("select[name=on-divergence]", "halve-lr");
  await page.waitForFunction(() => /--on-divergence halve-lr/.test(document.querySelector("#command").textContent));
  assert.match(new URL(page.url()).hash, /on-divergence=halve-lr/);
  await page.click("#start");
  await page.locator("#rollbacks").getByText(/epoch 1 starts again with learning rate/).waitFor();
  await untilDone();
  assert.equal(await text(".hash dd"), await repeat("halved"));
});

test("a training is saved as a run", async () => {
  await page.click("#save");
  await page.getByText("Saved in runs/glyphs-1.").waitFor();
  assert.ok(readdirSync(join(visit.folder, "runs/glyphs-1")).includes("model.safetensors"));
});

test("the first cure of a problem fills the form", async () => {
  await open(`#train?${SMALL}&epochs=2&init=zeros`);
  await page.click("#start");
  await untilDone();
  await page.locator("#diagnosis").getByText("Unsuitable initial weights").waitFor();
  await page.click("#cure-0");
  assert.equal(await page.inputValue("select[name=init]"), "he");
  assert.match(new URL(page.url()).hash, /init=he/);
  assert.match(new URL(page.url()).hash, /epochs=2/);
});

test("the address holds the whole experiment", async () => {
  await open("#train?data=glyphs");
  await page.fill("input[name=hidden]", "7,5");
  await page.press("input[name=hidden]", "Tab");
  await page.selectOption("select[name=optimizer]", "rmsprop");
  await page.getByText("784-7-5-10 on glyphs").waitFor();
  assert.equal(new URL(page.url()).hash, "#train?data=glyphs&hidden=7%2C5&optimizer=rmsprop");
  await page.reload();
  assert.equal(await page.inputValue("input[name=hidden]"), "7,5");
  assert.equal(await page.inputValue("select[name=optimizer]"), "rmsprop");
});

test("what cannot be is told while it is typed", async () => {
  await open("#train?data=glyphs&limit-train=200&hidden=0");
  await page.locator(".check.wrong").waitFor();
  assert.match(await text(".check.wrong"), /width of layer 1/);
});

test("two trainings are compared from the same start", async () => {
  await open(`#compare?${SMALL}&epochs=2&vary=optimizer&a=sgd&b=adam`);
  await page.getByText(/784-16-10 on glyphs.*784-16-10 on glyphs/).waitFor();
  await page.click("#compare-start");
  await page.getByText("Same initial weights, same order of samples; one setting differs.").waitFor();
  await page.waitForFunction(
    () =>
      document.querySelectorAll(".results td").length > 0 &&
      [...document.querySelectorAll(".results tr:first-child td")].filter((cell) =>
        /^Done/.test(cell.textContent),
      ).length === 2,
  );
  const [chart] = await page.locator(".compare .chart").all();
  assert.equal(await chart.locator("path.line").count(), 4);
});

test("a step can be looked into", async () => {
  await open("#inside?network=run:glyphs-1&split=test&index=2");
  await page.getByText("Layer 2: 16 → 10, softmax, output layer").waitFor();
  const rows = await page.locator(".inside .card").last().locator("tbody").first().locator("tr").count();
  assert.equal(rows, 10, "a row a class");
  await page.click("#next");
  await page.waitForFunction(() => location.hash.includes("index=3"));
});

test("nothing is wider than a narrow screen, light or dark", async () => {
  await page.setViewportSize({ width: 380, height: 800 });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const view of ["draw", "train", "compare", "inside"]) {
      await open(`#${view}`);
      await page.locator(`#view-${view}`).waitFor();
      await page.waitForTimeout(300);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${view} is ${wide} pixels too wide`);
    }
  }
});

test("nobody complained, and nobody else was asked", () => {
  assert.deepEqual(visit.complaints, []);
});

/** A page of a context of its own, which may have errors. */
async function elsewhere(work) {
  const context = await page.context().browser().newContext();
  context.setDefaultTimeout(PATIENCE);
  try {
    await work(await context.newPage());
  } finally {
    await context.close();
  }
}

test("the token is not in the address, and without it there is no page", async () => {
  await page.goto(`${visit.printed}&a=1#train?data=glyphs&hidden=7`);
  await page.getByText("784-7-10 on glyphs").waitFor();
  assert.equal(page.url(), `${visit.address}?a=1#train?data=glyphs&hidden=7`);
  await elsewhere(async (other) => {
    const answer = await other.goto(visit.address);
    assert.equal(answer.status(), 401);
    await other.getByText("printed in its terminal").waitFor();
    await other.goto(`${visit.address}?token=0`);
    await other.getByText("not the token of this server").waitFor();
  });
});

test("a link on another site leads to its experiment where the cookie is", async () => {
  const link = `${visit.address}#train?data=glyphs&hidden=7`;
  const site = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<a href="${link}">the experiment</a>`);
  });
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  // localhost is another site than 127.0.0.1.
  const course = `http://localhost:${site.address().port}/`;
  try {
    await elsewhere(async (other) => {
      await other.goto(visit.printed);
      await other.goto(course);
      await other.click("a");
      await other.getByText("784-7-10 on glyphs").waitFor();
      assert.equal(other.url(), link);
    });
    await elsewhere(async (other) => {
      await other.goto(course);
      await other.click("a");
      await other.getByText("printed in its terminal").waitFor();
    });
  } finally {
    site.close();
  }
});

test("a file that leads to the printed address opens the page, as --open does", async () => {
  const file = join(visit.folder, "open.html");
  writeFileSync(file, `<meta http-equiv="refresh" content="0; url=${visit.printed}">`);
  await elsewhere(async (other) => {
    await other.goto(`file://${file}`);
    await other.getByText(/trained, validation accuracy/).waitFor();
    assert.equal(new URL(other.url()).search, "");
  });
});

test("after a restart of the server the page says that it needs the new address", async () => {
  await elsewhere(async (other) => {
    await other.goto(visit.printed);
    await other.getByText(/trained, validation accuracy/).waitFor();
    await visit.restart();
    await other.getByText(/the server was restarted after this page was opened/).waitFor();
    await other.reload();
    await other.getByText(/the server was restarted after this page was opened/).waitFor();
    await other.goto(visit.printed);
    await other.getByText(/trained, validation accuracy/).waitFor();
  });
});
