// SPDX-License-Identifier: Apache-2.0
// oracle.js [--check] MODULES BASE DIR... - what Cedar's own engine (@cedar-policy/cedar-wasm in
// MODULES) answers to every test of BASE/DIR, in the format of Cedar's integration tests:
// NAME.json names its .cedar, .cedarschema and .entities.json relative to BASE.
//
// Without --check the answers are written into NAME.json: shouldValidate, and validateRequest,
// decision, reason and errors of each request.  Beyond the format: `oracle` names the engine,
// `links` names links of templates as `assay policy --links` reads them, values as JSON; `refuses`
// lists which of schema, policies and entities it does not read (such a test has no
// requests), a request's `valid` is whether the schema allows it.  One that it does not is answered
// without the schema's leave, unless its context cannot be read at all: it then has no decision.
// With --check nothing is written: differences from what stands there are printed, and exit is 1.
'use strict';
const fs = require('fs');
const path = require('path');

// JavaScript has no integers beyond 2^53 and the engine's calls pass through JSON.stringify(), so
// a call is given as text, and numbers of a test travel through JSON.parse() as marked strings.
const MARK = '\u{10fffd}';
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');

const exact = (token) => token[0] === '"' || String(Number(token)) === token;
const parse = (text) => JSON.parse(
  text.replace(STRING_OR_NUMBER, (token) => (exact(token) ? token : `"${MARK}${token}"`)));

const stringify = JSON.stringify;
const print = (value, indent) => stringify(value, null, indent).replace(MARKED, '$1');

class Text {
  constructor(text) { this.text = text; }
}
JSON.stringify = (value, ...rest) => (
  value instanceof Text ? value.text : stringify(value, ...rest));

const names = { schema: 'assay-schema', policies: 'assay-policies' };

// Cedar's form of a schema is a string, the JSON form an object: ours is given as it stands.
function schemaOf(text) {
  if (!/^[ \t\r\n]*\{/.test(text)) return text;
  JSON.parse(text);  // throws where it could end the call that it becomes a part of
  return new Text(text);
}

// All of them in the order of the text, as [text, is it a template].  The engine hands out what
// stands in the text, in an order of its own; the text of one may stand in another's, behind its
// annotations.
function* policiesIn(text, parts) {
  const all = [...parts.policies.map((one) => [one, false]),
    ...parts.policy_templates.map((one) => [one, true])];
  const found = [];
  const isFree = (at, n) => found.every(([from, one]) => at + n <= from || from + one.length <= at);
  for (const [one, template] of all.sort((a, b) => b[0].length - a[0].length)) {
    let at = text.indexOf(one);
    while (at >= 0 && !isFree(at, one.length)) at = text.indexOf(one, at + 1);
    if (at < 0) throw new Error(`not in the text: ${one}`);
    found.push([at, one, template]);
  }
  found.sort((a, b) => a[0] - b[0]);
  for (const [, one, template] of found) yield [one, template];
}

class Oracle {
  constructor(modules) {
    this.engine = require(path.resolve(modules, '@cedar-policy/cedar-wasm/nodejs'));
    this.name = `cedar-wasm ${this.engine.getCedarVersion()}`;
  }

  // A policy set; null: the text cannot be read.
  policySet(text, links) {
    if (!links) return { staticPolicies: text };
    const parts = this.engine.policySetTextToParts(text);
    if (parts.type !== 'success') return null;
    const set = { staticPolicies: {}, templates: {} };
    let n = 0;
    for (const [one, template] of policiesIn(text, parts)) {
      (template ? set.templates : set.staticPolicies)[`policy${n}`] = one;
      n += 1;
    }
    set.templateLinks = links.map((link) => (
      { templateId: link.template_id, newId: link.link_id, values: link.args }));
    return set;
  }

  preparsesSchema(text) {
    try {
      return this.engine.preparseSchema(names.schema, schemaOf(text)).type === 'success';
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
      return false;  // no JSON, or not of a schema
    }
  }

  // Which of the three it cannot read; the schema and the policies stay with the engine.
  refuses(schema, set, entities) {
    const failed = [];
    if (!this.preparsesSchema(schema)) failed.push('schema');
    if (!set || this.engine.preparsePolicySet(names.policies, set).type !== 'success') {
      failed.push('policies');
    }
    if (failed[0] === 'schema') return failed;  // without it no entities can be judged
    if (!this.reads(entities, schema)) failed.push('entities');
    return failed;
  }

  reads(entities, schema) {
    try {
      const call = new Text(`{"entities":${entities},"schema":${JSON.stringify(schemaOf(schema))}}`);
      return this.engine.checkParseEntities(call).type === 'success';
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
      return false;  // no JSON, or not of entities
    }
  }

  validates(schema, set) {
    const call = new Text(`{"schema":${JSON.stringify(schemaOf(schema))},"policies":${stringify(set)}}`);
    const answer = this.engine.validate(call);
    if (answer.type !== 'success') throw new Error(print(answer.errors));
    return answer.validationErrors.length === 0;
  }

  ask(request, entities, validateRequest) {
    const call = print({
      principal: request.principal, action: request.action, resource: request.resource,
      context: request.context, validateRequest,
      preparsedSchemaName: names.schema, preparsedPolicySetId: names.policies,
    });
    return this.engine.statefulIsAuthorized(new Text(`${call.slice(0, -1)},"entities":${entities}}`));
  }

  request(request, entities) {
    const { decision, reason, errors, valid: was, validateRequest, ...asked } = request;
    let answer = this.ask(asked, entities, true);
    const valid = answer.type === 'success';
    if (!valid) answer = this.ask(asked, entities, false);
    if (answer.type !== 'success') return { ...asked, validateRequest: false, valid };
    const { diagnostics } = answer.response;
    return {
      ...asked,
      validateRequest: valid,
      valid,
      decision: answer.response.decision,
      reason: [...diagnostics.reason].sort(),
      errors: diagnostics.errors.map((e) => e.policyId).sort(),
    };
  }

  test(test, read) {
    const [schema, policies, entities] = [test.schema, test.policies, test.entities].map(read);
    const set = this.policySet(policies, test.links ? parse(read(test.links)) : null);
    const refuses = this.refuses(schema, set, entities);
    const { policies: p, entities: e, schema: s, links } = test;
    const out = { policies: p, entities: e, schema: s, ...(links && { links }), oracle: this.name };
    if (refuses.length) return { ...out, refuses, shouldValidate: false, requests: [] };
    return {
      ...out,
      shouldValidate: this.validates(schema, set),
      requests: test.requests.map((r) => this.request(r, entities)),
    };
  }
}

function* differences(had, got) {
  if (got.refuses) yield `the engine does not read its ${got.refuses.join(', ')}`;
  else if (had.shouldValidate !== got.shouldValidate) {
    yield `shouldValidate: ${had.shouldValidate}, the engine: ${got.shouldValidate}`;
  }
  for (let i = 0; i < got.requests.length; i += 1) {
    const want = had.requests[i];
    const here = got.requests[i];
    const wanted = { ...want, validateRequest: want.validateRequest !== false };
    for (const key of ['validateRequest', 'decision', 'reason', 'errors']) {
      const [a, b] = [wanted[key], here[key]].map(
        (value) => stringify(Array.isArray(value) ? [...value].sort() : value));
      if (a !== b) yield `request ${i}: ${key}: ${a}, the engine: ${b}`;
    }
  }
}

function* tests(base, directories) {
  for (const directory of directories) {
    for (const name of fs.readdirSync(path.join(base, directory)).sort()) {
      if (name.endsWith('.json') && !name.endsWith('.entities.json')) {
        yield path.join(base, directory, name);
      }
    }
  }
}

function main(args) {
  const check = args[0] === '--check';
  const [modules, base, ...directories] = check ? args.slice(1) : args;
  const oracle = new Oracle(modules);
  const read = (name) => fs.readFileSync(path.join(base, name), 'utf8');
  const count = { tests: 0, requests: 0, different: 0 };
  for (const file of tests(base, directories)) {
    const had = parse(fs.readFileSync(file, 'utf8'));
    const got = oracle.test(had, read);
    count.tests += 1;
    count.requests += got.requests.length;
    if (check) {
      const found = [...differences(had, got)];
      for (const difference of found) console.log(`${path.relative(base, file)}: ${difference}`);
      count.different += found.length > 0 ? 1 : 0;
    } else {
      fs.writeFileSync(file, `${print(got, 1)}\n`);
    }
  }
  console.log(`${oracle.name}: ${count.tests} tests, ${count.requests} requests`
    + (check ? `, ${count.different} tests differ` : ''));
  return count.different ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
