// SPDX-License-Identifier: Apache-2.0
// An exporter, a browser, and a service that leaks, for check.mjs and picture.mjs.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export class Exporter {
  // Resolves once it listens.
  static async start(config) {
    const exporter = new Exporter();
    exporter.folder = mkdtempSync(join(tmpdir(), "sockdiag_page_"));
    const file = join(exporter.folder, "sockdiag_exporter.yml");
    writeFileSync(file, config);
    exporter.process = spawn(
      process.env.SOCKDIAG_EXPORTER,
      [`--config.file=${file}`, "--web.listen-address=127.0.0.1:0"],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const lines = createInterface({ input: exporter.process.stderr });
    exporter.url = await new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const listening = /http:\/\/[^/]*:(\d+)\//.exec(line);
        if (listening) resolve(`http://127.0.0.1:${listening[1]}/`);
      });
      exporter.process.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
    });
    return exporter;
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}

// A service that reads the end of the stream and does not close: CLOSE_WAIT of cause not_closed.
export class Service {
  static async listen(port, backlog = 511) {
    const service = new Service();
    service.port = port;
    service.accepted = [];
    service.clients = [];
    service.server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {}).resume();
      service.accepted.push(socket);
    });
    await new Promise((resolve) => service.server.listen(port, "127.0.0.1", backlog, resolve));
    return service;
  }

  async connect(count) {
    for (let i = 0; i < count; ++i) {
      const client = net.connect({ port: this.port, host: "127.0.0.1", allowHalfOpen: true });
      client.on("error", () => {}).resume();
      this.clients.push(client);
      await new Promise((resolve) => client.once("connect", resolve));
    }
    return this;
  }

  // The clients leave; the service keeps its ends.
  leak() {
    for (const client of this.clients) client.destroy();
  }

  close() {
    for (const socket of [...this.accepted, ...this.clients]) socket.destroy();
    this.accepted = this.clients = [];
    this.server.close();
  }
}

export function launchBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  // Root has no sandbox of Chromium's; the page is ours, and the namespace has no network.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--font-render-hinting=none"] });
}
