#!/usr/bin/env node
// The compiler of the npm package `solc` with the two options of a native one that forge, slither and our own build
// use: --version, and --standard-json from standard input. The package's own program ends before a pipe has taken
// more than 64 KiB; this one writes until everything is written.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

const source = (name) => {
  try {
    return { contents: fs.readFileSync(path.resolve(name), "utf8") };
  } catch (error) {
    return { error: error.message };
  }
};

const write = (text) => {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
};

if (process.argv.includes("--version")) {
  write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (process.argv.includes("--standard-json")) {
  write(solc.compile(fs.readFileSync(0, "utf8"), { import: source }));
} else {
  process.stderr.write("usage: solc.js --version | --standard-json < input.json > output.json\n");
  process.exitCode = 2;
}
