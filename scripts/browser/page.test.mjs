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

/** Clicks a button and returns the name and the text of the downloaded file. */
async function downloaded(selector) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
  return { name: download.suggestedFilename(), content: readFileSync(await download.path(), "latin1") };
}

test("a trained network is downloaded as ONNX, C and safetensors", async () => {
  const onnx = await downloaded("#download-onnx");
  assert.equal(onnx.name, "network.onnx");
  assert.match(onnx.content, /weights_sha256/);
  const c = await downloaded("#download-c");
  assert.equal(c.name, "network.c");
  assert.match(c.content, /void nn_predict\(const float \*values, float \*output\)/);
  const safetensors = await downloaded("#download-safetensors");
  assert.equal(safetensors.name, "network.safetensors");
  const saved = readFileSync(join(visit.folder, "runs/glyphs-1/model.safetensors"), "latin1");
  assert.equal(safetensors.content, saved);
});

test("the network of a saved run is downloaded with the name of the run", async () => {
  await open("#draw?network=run:glyphs-1");
  await page.waitForFunction(() => document.querySelector("select").value === "run:glyphs-1");
  const { name } = await downloaded("#network-onnx");
  assert.equal(name, "glyphs-1.onnx");
});

test("the first cure of a problem fills the form", async () => {
  await open(`#train?${SMALL}&epochs=2&init=zeros`);
  await page.click("#start");
  await untilDone();
  await page.locator("#diagnosis").getByText("Unsuitable initial weights").waitFor();
  await page.click("#cure-0");
  await page.waitForFunction(() => document.querySelector("select[name=init]").value === "he");
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

/** Types into a field and leaves it. */
async function type(place, field, value) {
  await place.fill(field, value);
  await place.press(field, "Tab");
}

test("a problem is shown once, beside its field", async () => {
  const problem = (name) => page.locator(`label:has([name=${name}]) .problem`);
  await open("#train?data=glyphs&limit-train=200&hidden=0");
  await problem("hidden").waitFor();
  assert.match(await problem("hidden").textContent(), /^Expected 1 to .*, found 0$/);
  assert.equal(await page.locator(".problem:visible, .check:visible, .notice:visible").count(), 1);
  assert.ok(await page.locator("[name=hidden]").evaluate((field) => field.matches("[aria-invalid]")));
  await type(page, "[name=hidden]", "16");
  await page.getByText("784-16-10 on glyphs").waitFor();
  assert.equal(await page.locator(".problem:visible").count(), 0);
  // A field that is folded away is opened.
  await open("#train?data=glyphs&limit-train=200&weight-decay=-1");
  await problem("weight-decay").waitFor();
  // A problem without a field is below the form.
  await open("#train?data=glyphs&limit-train=200&hidden=30000");
  await page.locator(".check.wrong").waitFor();
  assert.match(await text(".check.wrong"), /at most 20.000.000 parameters/);
});

test("a decimal comma is understood, or refused in the words of the page", async () => {
  await open("#train?data=glyphs&limit-train=200&lr=0,01&optimizer=adam:beta1=0,8&hidden=8,4");
  await page.getByText("784-8-4-10 on glyphs: cross-entropy, adam:beta1=0.8, learning rate 0.01, constant").waitFor();
  assert.equal(await page.inputValue("[name=lr]"), "0.01");
  await type(page, "[name=dropout]", "0,25");
  assert.equal(await page.inputValue("[name=dropout]"), "0.25");
  await type(page, "[name=lr]", "1.000,5");
  await page.getByText("Expected a number with a decimal point").waitFor();
  assert.equal(await page.locator(".problem:visible, .check:visible, .notice:visible").count(), 1);
  await open("#compare?data=glyphs&limit-train=200&hidden=8&vary=lr&a=0,1&b=x");
  await page.locator("label:has([name=b]) .problem").waitFor();
  assert.equal(await page.inputValue("[name=a]"), "0.1");
  assert.equal(await page.locator(".problem:visible, .check:visible, .notice:visible").count(), 1);
});

test("a number has one format", async () => {
  const texts = await page.evaluate(async () => {
    const { short } = await import("/dom.js");
    const numbers = [0.001, 0.0009999999, -0.001, 0.000561, 9.9e-5, -1e-7, 0, -3, 12345.6, 1e99, NaN];
    return numbers.map((number) => short(number));
  });
  const expected = "0.001 0.001 −0.001 0.000561 9.9e-5 −1e-7 0 −3 12\u202f350 1e99 –";
  assert.deepEqual(texts, expected.split(" "));
});

test("two trainings are compared from the same start", async () => {
  await open(`#compare?${SMALL}&epochs=2&vary=optimizer&a=sgd&b=adam`);
  await page.getByText(/784-16-10 on glyphs.*784-16-10 on glyphs/).waitFor();
  await page.click("#compare-start");
  await page.getByText("Both runs have the same initial weights and the same order of samples; one setting differs.").waitFor();
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

/** Trains on a table, in the terminal. */
function trainOnTable(name) {
  const rows = Array.from({ length: 60 }, (_, row) => `${row},${row % 2 ? "Bern" : "Basel"},${3 * row}\n`);
  writeFileSync(join(visit.folder, "houses.csv"), `size,city,price\n${rows.join("")}`);
  const flags = ["--data", "houses.csv", "--target", "price", "--hidden", "4", "--epochs", "2"];
  execFileSync(program, ["train", ...flags, "--no-report", "--name", name], {
    cwd: visit.folder,
    timeout: PATIENCE,
    stdio: ["ignore", "ignore", "ignore"],
  });
}

test("a row of a table has its columns, and says what is standardized", async () => {
  trainOnTable("houses");
  await open("#inside?network=run:houses&split=train&index=0");
  await page.getByText("Layer 2: 4 → 1, identity, output layer").waitFor();
  const table = page.locator(".inside .card").first().locator("table");
  const rows = await table.locator("tbody th").allTextContents();
  assert.deepEqual(rows, ["size", "city = Basel", "city = Bern"]);
  const heads = await page.locator(".inside thead th").allTextContents();
  for (const head of ["x (numbers standardized)", "a (standardized)", "y (standardized)"]) {
    assert.ok(heads.includes(head), `${head} in ${heads}`);
  }
  assert.match(await text(".inside .status"), /^Predicted price [−\d.]+, true value [\d.]+\.$/);
  await page.getByRole("rowheader", { name: /^W\[2, \d\] city = Bern$/ }).waitFor();
});

test("the page says how a table is read, before the training", async () => {
  await open("#train?data=houses.csv&target=price");
  await page.locator(".notes summary").click();
  await page.locator(".notes li", { hasText: "60 rows, 3 columns" }).waitFor();
  await page.locator(".notes li", { hasText: "city" }).first().waitFor();
});

test("no formula runs over its neighbours", async () => {
  for (const width of [1280, 960, 390]) {
    await page.setViewportSize({ width, height: 800 });
    await open("#inside?network=run:houses");
    await page.getByText(/^m ← β/).waitFor();
    const over = await page.evaluate(() =>
      [...document.querySelectorAll(".formula, .formula span")]
        .filter((part) => {
          const room = part.closest(".card").getBoundingClientRect();
          return part.scrollWidth > part.clientWidth + 1 || part.getBoundingClientRect().right > room.right;
        })
        .map((part) => part.textContent),
    );
    assert.deepEqual(over, [], `${width} pixels wide`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("Draw offers networks that read drawings only", async () => {
  await open("#draw");
  await page.locator("#view-draw option").first().waitFor({ state: "attached" });
  const offered = await page.locator("#view-draw option").allTextContents();
  assert.ok(offered.some((name) => name.startsWith("glyphs-1")) && !offered.some((name) => /houses/.test(name)));
  await open("#inside");
  await page.locator("#view-inside option").getByText(/houses/).waitFor({ state: "attached" });
});

test("the numbers of the confusion matrix can be read, light and dark", async () => {
  await open(`#train?${SMALL}&epochs=2`);
  await page.getByText("784-16-10 on glyphs").waitFor();
  await page.click("#start");
  await page.getByText(/^Evaluated on all/).waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const contrasts = await page.evaluate(() => {
      const luminance = (color) => {
        const isUnit = color.startsWith("color(");
        const [r, g, b] = color
          .match(/[\d.]+/g)
          .map((part) => Number(part) / (isUnit ? 1 : 255))
          .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const cells = [...document.querySelectorAll(".confusion td")];
      // The strongest color that there can be.
      cells.slice(0, 2).forEach((cell) => cell.style.setProperty("--strength", "75%"));
      return cells.map((cell) => {
        const style = getComputedStyle(cell);
        const [dark, light] = [luminance(style.color), luminance(style.backgroundColor)].sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
      });
    });
    assert.equal(contrasts.length, 100);
    assert.ok(Math.min(...contrasts) >= 4.5, `${colorScheme}: ${Math.min(...contrasts)}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
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

test("a second page asks before it stops the training of the first", async () => {
  await open(`#train?${SMALL}&epochs=100000`);
  await page.getByText("784-16-10 on glyphs").waitFor();
  await page.click("#start");
  await page.getByText(/^In training/).waitFor();
  assert.ok(await page.locator("#view-train .owner").isHidden());
  await elsewhere(async (other) => {
    const questions = [];
    let isSure = false;
    other.on("dialog", (dialog) => {
      questions.push(dialog.message());
      return isSure ? dialog.accept() : dialog.dismiss();
    });
    await other.goto(`${visit.printed}#train?data=glyphs&limit-train=200&hidden=8&epochs=100000`);
    await other.getByText("784-8-10 on glyphs").waitFor();
    await other.locator("#view-train .owner").waitFor();
    await other.click("#start");
    await other.waitForTimeout(500);
    assert.equal(questions.length, 1);
    assert.match(questions[0], /^Another page is training 784-16-10 on glyphs/);
    assert.match(await other.locator(".facts").textContent(), /784-16-10/);
    isSure = true;
    await other.click("#start");
    await other.locator(".facts").getByText(/^784-8-10/).waitFor();
    assert.ok(await other.locator("#view-train .owner").isHidden());
    // The first page says whose training it shows, and a page does not ask for its own.
    await page.locator("#view-train .owner").waitFor();
    await other.reload();
    await other.getByText("784-8-10 on glyphs").waitFor();
    await other.click("#start");
    await other.waitForTimeout(500);
    assert.equal(questions.length, 2);
    await other.click("#stop");
    await other.getByText(/^Stopped/).waitFor();
  });
});

test("a server that has gone is said, once", async () => {
  await elsewhere(async (other) => {
    await other.goto(`${visit.printed}#train?${SMALL}`);
    await other.getByText("784-16-10 on glyphs").waitFor();
    await visit.stop();
    await other.getByText("The server does not answer").waitFor();
    await other.click("#start");
    await other.waitForTimeout(500);
    assert.equal(await other.locator(".notice:visible").count(), 1);
    await visit.startAgain();
    await other.getByText(/the server was restarted after this page was opened/).waitFor();
    assert.equal(await other.locator(".notice:visible").count(), 1);
  });
});

test("after a restart of the server the page says that it needs the new address", async () => {
  await elsewhere(async (other) => {
    await other.goto(visit.printed);
    await other.getByText(/trained, validation accuracy/).waitFor();
    await visit.stop();
    await visit.startAgain();
    await other.getByText(/the server was restarted after this page was opened/).waitFor();
    await other.reload();
    await other.getByText(/the server was restarted after this page was opened/).waitFor();
    await other.goto(visit.printed);
    await other.getByText(/trained, validation accuracy/).waitFor();
  });
});
