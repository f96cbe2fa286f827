// SPDX-License-Identifier: Apache-2.0
// Opens the page as people do and fails for whatever they would have to complain of.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { Exporter, Service, launchBrowser } from "./scene.mjs";

const CONFIG = `
sampling: {interval: 200ms, cpu_budget: 1}
lifetimes: {close_wait: 500ms}
`;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let exporter;
let browser;
before(async () => {
  exporter = await Exporter.start(CONFIG);
  browser = await launchBrowser();
});
after(async () => {
  lasting?.close();
  await browser?.close();
  await exporter?.stop();
});

// A page, and all that must not happen on it. `query` begins with a question mark.
async function open(options = {}, query = "", url = exporter.url) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(120_000); // a finding takes half a minute to be sure
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(url + query);
  const expectCalm = async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  };
  return { page, expectCalm };
}

// Runs with a leak of 25 sockets and the selector of what is found of it. Each has a port of its own:
// diagnosis remembers for a while that a port was well.
let port = 8080;

async function withLeak(run) {
  const service = await (await Service.listen(++port)).connect(25);
  try {
    service.leak();
    await run(`#cw_in_not_closed-inbound-${port}`, service);
  } finally {
    service.close();
  }
}

// The same with one leak that lasts, for those who only look at it.
let lasting;
async function withLastingLeak(run) {
  lasting ??= await (await Service.listen(++port)).connect(25);
  lasting.leak();
  await run(`#cw_in_not_closed-inbound-${lasting.port}`, lasting);
}

test("it loads without a complaint, and from nowhere else", async () => {
  const { page, expectCalm } = await open({ locale: "en-GB" });
  await page.waitForSelector("#findings.calm");
  assert.equal(await page.title(), "No findings · sockdiag_exporter");
  assert.equal(await page.getAttribute("html", "lang"), "en");
  await expectCalm();
});

test("a finding comes with a leak and goes with it, and nobody has to reload", async () => {
  const { page, expectCalm } = await open();
  await page.waitForSelector("#findings.calm");
  await withLeak(async (leak, service) => {
    await page.waitForSelector(leak);
    assert.match(await page.textContent(`${leak} .seen`), /port \d+, inbound: 25 CLOSE_WAIT/);
    assert.match(await page.textContent("#live"), /Service never closes/);
    assert.match(await page.textContent("#ports .pile"), /^25/);
    assert.match(await page.title(), /warning 1/);
    // What was opened and where the keyboard is outlive a refresh.
    await page.focus(`${leak} > summary`);
    await page.keyboard.press("Enter");
    await service.connect(5);
    service.leak();
    await page.waitForFunction(() => /^30/.test(document.querySelector("#ports .pile").textContent));
    assert.equal(await page.getAttribute(leak, "open"), "");
    assert.ok(await page.evaluate((id) => document.activeElement === document.querySelector(`${id} > summary`), leak));
    assert.ok(await page.isVisible(`${leak} .confirm code`));
  });
  await page.waitForSelector("#findings.calm");
  assert.match(await page.textContent("#live"), /No findings/);
  await expectCalm();
});

test("what somebody marks to copy it stays marked", async () => {
  await withLastingLeak(async (leak, service) => {
    const { page, expectCalm } = await open();
    await page.waitForSelector(leak);
    await page.click(`${leak} > summary`);
    await page.click(`${leak} .confirm code >> nth=0`);
    const marked = () => page.evaluate(() => getSelection().toString().trim());
    const command = await marked();
    assert.match(command, /^ss .*close-wait.*sport = :\d+/);
    await service.connect(5);
    service.leak();
    await page.waitForFunction(() => /^30/.test(document.querySelector("#ports .pile").textContent));
    assert.equal(await marked(), command);
    await expectCalm();
  });
});

test("it says the same without JavaScript", async () => {
  await withLastingLeak(async (leak) => {
    const script = await open();
    await script.page.waitForSelector(leak);
    await script.expectCalm();
    const { page, expectCalm } = await open({ javaScriptEnabled: false });
    assert.match(await page.textContent(`${leak} .seen`), /port \d+, inbound/);
    assert.ok(!(await page.isVisible(`${leak} .steps`)));
    await page.click(`${leak} > summary`);
    assert.ok(await page.isVisible(`${leak} .steps`));
    assert.ok(!(await page.isVisible("#offline")));
    await expectCalm();
  });
});

test("the language is the browser's, or the one that was clicked", async () => {
  const { page, expectCalm } = await open({ locale: "zh-CN" });
  assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
  await page.click("nav a[hreflang=en]");
  assert.equal(await page.getAttribute("html", "lang"), "en");
  await page.click("nav a[hreflang=zh-CN]");
  assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
  await expectCalm();
});

test("the keyboard reaches everything, the findings first", async () => {
  const { page, expectCalm } = await open();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await expectCalm();
});

test("a link to a state opens its explanation", async () => {
  const { page, expectCalm } = await open();
  await page.click('#totals a[href="#state-close_wait"]');
  await page.waitForSelector("#state-close_wait", { state: "visible" });
  await expectCalm();
});

test("inline script is refused", async () => {
  const { page } = await open();
  const refused = page.waitForEvent("console", (message) => /Content Security Policy/.test(message.text()));
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'injected'";
    document.head.append(script);
  });
  await refused;
  assert.doesNotMatch(await page.title(), /injected/);
  await page.context().close();
});

test("it asks for nothing while nobody looks, and at once when somebody does", async () => {
  const { page, expectCalm } = await open();
  const other = await open();
  const shown = (where) => where.evaluate(() => document.querySelector("#findings .verdict time").dateTime);
  const isLater = (before) => document.querySelector("#findings .verdict time").dateTime > before;
  const look = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await look(true);
  const before = await shown(page);
  await other.page.waitForFunction(isLater, before);
  await other.page.waitForFunction(isLater, await shown(other.page));
  assert.equal(await shown(page), before);
  await look(false);
  await page.waitForFunction(isLater, before);
  await expectCalm();
  await other.expectCalm();
});

test("it says when the exporter does not answer, and when it does again", async () => {
  const own = await Exporter.start(CONFIG);
  const { page } = await open({}, "", own.url);
  await page.waitForSelector("#verdict");
  own.process.kill("SIGSTOP");
  await page.route("**/*", (route) => route.abort());
  await page.waitForSelector("#offline", { state: "visible" });
  own.process.kill("SIGCONT");
  await page.unroute("**/*");
  await page.waitForSelector("#offline", { state: "hidden" });
  await page.context().close();
  await own.stop();
});

const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  narrow: { viewport: { width: 360, height: 740 } },
  chinese: { locale: "zh-CN" },
  still: { reducedMotion: "reduce" },
};
for (const [name, options] of Object.entries(LOOKS)) {
  test(`axe finds nothing, and nothing sticks out (${name})`, async () => {
    await withLastingLeak(async (leak) => {
      const { page, expectCalm } = await open(options);
      await page.waitForSelector(leak);
      await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
      await page.evaluate(AXE);
      const { violations } = await page.evaluate((values) => axe.run({ runOnly: { type: "tag", values } }), AXE_RULES);
      const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
      assert.deepEqual(found, []);
      const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= seen, `${wide} > ${seen}`);
      await expectCalm();
    });
  });
}
