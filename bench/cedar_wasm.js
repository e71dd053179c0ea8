// SPDX-License-Identifier: Apache-2.0
// cedar_wasm.js MODULES DIR SECONDS - what a decision costs with Cedar's own engine
// (@cedar-policy/cedar-wasm in MODULES) for the test bench.json of DIR.  Each of its requests is asked
// at least once, and more while SECONDS last.  Prints one JSON object.
//
// Policies and schema are parsed before, as the engine can keep them.  It cannot keep entities: a
// call is given only those that the request leads to, and what the same call costs without any
// policy is measured as well (rest_...), so that it can be taken off.
'use strict';
const fs = require('fs');
const path = require('path');

const [modules, directory, seconds] = process.argv.slice(2);
const cedar = require(path.resolve(modules, '@cedar-policy/cedar-wasm/nodejs'));
const read = (name) => fs.readFileSync(path.join(directory, name), 'utf8');

const test = JSON.parse(read('bench.json'));
const key = (uid) => `${uid.type}::${uid.id}`;
const entities = new Map(JSON.parse(read(test.entities)).map((e) => [key(e.uid), e]));

// The request's own entities, their owners and all they descend from.
function reached(request) {
  const found = new Map();
  const visit = (uid) => {
    const entity = entities.get(key(uid));
    if (!entity || found.has(key(uid))) return;
    found.set(key(uid), entity);
    entity.parents.forEach(visit);
    if (entity.attrs.owner) visit(entity.attrs.owner.__entity);
  };
  visit(request.principal);
  visit(request.resource);
  return [...found.values()];
}

function prepare(set, policies) {
  const parsed = [cedar.preparsePolicySet(set, { staticPolicies: policies }),
    cedar.preparseSchema('schema', read(test.schema))];
  for (const answer of parsed) {
    if (answer.type !== 'success') throw new Error(JSON.stringify(answer.errors));
  }
  return test.requests.map((r) => ({
    principal: r.principal, action: r.action, resource: r.resource, context: r.context,
    entities: reached(r), preparsedSchemaName: 'schema', preparsedPolicySetId: set,
    validateRequest: false,
  }));
}

function once(calls, times) {
  let allowed = 0;
  for (const call of calls) {
    const begun = process.hrtime.bigint();
    const answer = cedar.statefulIsAuthorized(call);
    times.push(Number(process.hrtime.bigint() - begun) / 1000);
    if (answer.type !== 'success') throw new Error(JSON.stringify(answer.errors));
    allowed += answer.response.decision === 'allow' ? 1 : 0;
  }
  return allowed;
}

const point = (times, percent) => times[Math.floor((times.length * percent) / 100)];

const all = prepare('all', read(test.policies));
const none = prepare('none', '');
const times = [];
const rest = [];
once(none.slice(0, 20), []);  // warm
once(all.slice(0, 20), []);
const end = Date.now() + Number(seconds) * 1000;
let allowed;
do {
  allowed = once(all, times);
  once(none, rest);
} while (Date.now() < end);
times.sort((a, b) => a - b);
rest.sort((a, b) => a - b);
console.log(JSON.stringify({
  n: times.length, allowed, p50_us: point(times, 50), p99_us: point(times, 99),
  rest_p50_us: point(rest, 50), rest_p99_us: point(rest, 99),
}));
