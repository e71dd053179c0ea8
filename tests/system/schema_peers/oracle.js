// SPDX-License-Identifier: Apache-2.0
// oracle.js MODULES - what ajv (with ajv-formats, both in MODULES) answers to the questions that
// judge.c is asked: each line of the input is {"schema": ..., "values": [...]}, of the output a
// letter for each value - 1 it fits, 0 it does not - or "refused: why".
'use strict';
const path = require('path');
const readline = require('readline');

const load = (name) => require(path.resolve(process.argv[2], name));
const Ajv = load('ajv/dist/2020').default;
const formats = load('ajv-formats').default;

// A new one now and then: it keeps what it compiled.
const KEPT = 200;
let ajv;
let used = KEPT;

function compile(schema) {
  used += 1;
  if (used > KEPT) {
    ajv = new Ajv({ strict: false, logger: false, ownProperties: true });
    formats(ajv);
    used = 0;
  }
  return ajv.compile(schema);
}

readline.createInterface({ input: process.stdin, terminal: false }).on('line', (line) => {
  const { schema, values } = JSON.parse(line);
  let answer;
  try {
    const check = compile(schema);
    answer = values.map((v) => (check(v) ? '1' : '0')).join('');
  } catch (error) {
    answer = `refused: ${String(error.message).replace(/\s+/g, ' ')}`;
  }
  process.stdout.write(`${answer}\n`);
});
