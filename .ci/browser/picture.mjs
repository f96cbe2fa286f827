// SPDX-License-Identifier: Apache-2.0
// usage: picture.mjs FILE    the page while a service leaks, with the thresholds that the exporter has
import { Exporter, Service, launchBrowser } from "./scene.mjs";

const LEAK = "#cw_in_not_closed-inbound-8080";
const exporter = await Exporter.start("");
const services = [];
const serve = async (port, count) => {
  services.push(await (await Service.listen(port)).connect(count));
  return services.at(-1);
};
const browser = await launchBrowser();
try {
  await serve(443, 236);
  await serve(5432, 40);
  const leaking = await serve(8080, 412);
  leaking.leak();
  await leaking.connect(31);
  const page = await browser.newPage({ viewport: { width: 1160, height: 1300 }, colorScheme: "light", locale: "en-US" });
  await page.goto(exporter.url);
  await page.waitForSelector(LEAK, { timeout: 120_000 });
  await page.click(`${LEAK} > summary`);
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement.blur());
  await page.screenshot({ path: process.argv[2] });
} finally {
  await browser.close();
  for (const service of services) service.close();
  await exporter.stop();
}
