// SPDX-License-Identifier: Apache-2.0
// Refuses Kubernetes manifests (.yaml) and Grafana dashboards (.json) that do not fit the published
// types, and proves that it would: every row of `breaks` has to be refused. The compiler finds
// unknown fields, the validators numbers and strings that a type lets pass.
import { readFileSync } from "node:fs";
import ts from "typescript";
import { parseAllDocuments } from "yaml";
import { breaks } from "./breaks.mjs";

const compilerOptions = {
  strict: true, noEmit: true, allowImportingTsExtensions: true, skipLibCheck: true, types: [],
  module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
};

function packageOf(apiVersion) {
  return apiVersion.startsWith("monitoring.coreos.com/")
    ? `@kubernetes-models/prometheus-operator/${apiVersion}`
    : `kubernetes-models/${apiVersion}`;
}

// A value, the type that it has to fit and the package that has the type.
function item(value) {
  const { apiVersion, kind } = value;
  return kind === undefined
    ? { value, kind: "Dashboard", type: "Dashboard", from: "./dashboard.ts" }
    : { value, kind, type: `I${kind}`, from: packageOf(apiVersion) };
}

function nameOf({ value, kind }) {
  return `${kind} ${value.metadata?.name ?? value.title}`;
}

function itemsOf(file) {
  const text = readFileSync(file, "utf8");
  if (file.endsWith(".json")) return [item(JSON.parse(text))];
  return parseAllDocuments(text).map((document) => item(document.toJS()));
}

// A literal, because the compiler refuses unknown fields of literals only.
function source({ value, type, from }) {
  return `import type { ${type} } from "${from}";
    export const it: ${type} = ${JSON.stringify(value)};`;
}

// A program with a file for each item, none of them on disk.
function compile(items) {
  const fileOf = (number) => `${process.cwd()}/${number}.ts`;
  const sources = new Map(items.map((each, number) => [fileOf(number), source(each)]));
  const host = ts.createCompilerHost(compilerOptions);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => sources.has(name) || fileExists(name);
  host.readFile = (name) => sources.get(name) ?? readFile(name);
  const names = [...sources.keys()];
  return { names, program: ts.createProgram(names, compilerOptions, host) };
}

function typeErrors(items) {
  const { names, program } = compile(items);
  return names.map((name) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")));
}

async function validationErrors({ value, kind, from }) {
  if (kind === "Dashboard") return [];
  try {
    const { [kind]: Model } = await import(from);
    new Model(value).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

// What is wrong with each item: a list of lines for each.
async function problems(items) {
  const validations = await Promise.all(items.map(validationErrors));
  return typeErrors(items).map((lines, number) => [...lines, ...validations[number]]);
}

function broken(items, { kind, change }) {
  const value = structuredClone(items.find((each) => each.kind === kind).value);
  change(value);
  return item(value);
}

function exitWith(complaints) {
  if (complaints.length === 0) return;
  complaints.forEach((line) => console.error(line));
  process.exit(1);
}

const items = process.argv.slice(2).flatMap(itemsOf);
const wrong = await problems(items);
exitWith(items.flatMap((each, number) => wrong[number].map((line) => `${nameOf(each)}: ${line}`)));

const refused = await problems(breaks.map((row) => broken(items, row)));
exitWith(breaks.filter((_, number) => refused[number].length === 0)
  .map(({ kind, name }) => `${kind}: ${name} was not refused`));

console.log(`${items.length} documents fit, ${breaks.length} broken ones were refused`);
