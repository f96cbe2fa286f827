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
const LEAK = "#cw_in_not_closed-inbound-8080";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let exporter;
let browser;
before(async () => {
  exporter = await Exporter.start(CONFIG);
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await exporter?.stop();
});

// A page, and all that must not happen on it. `query` begins with a question mark.
async function open(options = {}, query = "", url = exporter.url) {
  const context = await browser.newContext(options);
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

async function withLeak(run, count = 25) {
  const service = await (await Service.listen(8080)).connect(count);
  try {
    service.leak();
    await run(service);
  } finally {
    service.close();
  }
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
  await withLeak(async (service) => {
    await page.waitForSelector(LEAK);
    assert.match(await page.textContent(`${LEAK} .seen`), /port 8080.*25 CLOSE_WAIT/);
    assert.match(await page.textContent("#live"), /Service never closes/);
    assert.match(await page.textContent("#ports .pile"), /^25/);
    assert.match(await page.title(), /warning 1/);
    // What was opened and where the keyboard is outlive a refresh.
    await page.focus(`${LEAK} > summary`);
    await page.keyboard.press("Enter");
    await service.connect(5);
    service.leak();
    await page.waitForFunction((id) => /30 CLOSE_WAIT/.test(document.querySelector(`${id} .seen`).textContent), LEAK);
    assert.equal(await page.getAttribute(LEAK, "open"), "");
    assert.ok(await page.evaluate((id) => document.activeElement === document.querySelector(`${id} > summary`), LEAK));
    assert.ok(await page.isVisible(`${LEAK} .confirm code`));
  });
  await page.waitForSelector("#findings.calm");
  assert.match(await page.textContent("#live"), /No findings/);
  await expectCalm();
});

test("what somebody marks to copy it stays marked", async () => {
  await withLeak(async (service) => {
    const { page, expectCalm } = await open();
    await page.waitForSelector(LEAK);
    await page.click(`${LEAK} > summary`);
    await page.click(`${LEAK} .confirm code >> nth=0`);
    const marked = () => page.evaluate(() => getSelection().toString().trim());
    const command = await marked();
    assert.match(command, /^ss .*close-wait.*sport = :8080/);
    await service.connect(5);
    service.leak();
    await page.waitForFunction(() => /30/.test(document.querySelector("#ports .pile").textContent));
    assert.equal(await marked(), command);
    await expectCalm();
  });
});

test("it says the same without JavaScript", async () => {
  await withLeak(async () => {
    const script = await open();
    await script.page.waitForSelector(LEAK);
    await script.expectCalm();
    const { page, expectCalm } = await open({ javaScriptEnabled: false });
    assert.match(await page.textContent(`${LEAK} .seen`), /port 8080/);
    assert.ok(!(await page.isVisible(`${LEAK} .steps`)));
    await page.click(`${LEAK} > summary`);
    assert.ok(await page.isVisible(`${LEAK} .steps`));
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
  await page.waitForSelector("#findings.calm");
  const look = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, value });
      document.dispatchEvent(new Event("visibilitychange"));
      return document.querySelector("#findings .verdict time").dateTime;
    }, hidden);
  const before = await look(true);
  await withLeak(async () => {
    const other = await open();
    await other.page.waitForSelector(LEAK);
    await other.expectCalm();
    assert.equal(await page.locator(LEAK).count(), 0);
    assert.equal(await look(false), before);
    await page.waitForSelector(LEAK);
  });
  await expectCalm();
});

test("it says when the exporter does not answer, and when it does again", async () => {
  const own = await Exporter.start(CONFIG);
  const { page } = await open({}, "", own.url);
  await page.waitForSelector("#findings.calm");
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
    await withLeak(async () => {
      const { page, expectCalm } = await open(options);
      await page.waitForSelector(LEAK);
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
