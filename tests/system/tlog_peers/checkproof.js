// SPDX-License-Identifier: Apache-2.0
// checkproof.js MODULES VKEY [PROOF-FILE ENTRY-FILE]... - judge .tlog-proof files with @sigstore/verify's
// own inclusion and checkpoint checks.  Prints how many hold; the first that does not ends it.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const [modules, vkey, ...files] = process.argv.slice(2);

// The two functions have moved between versions.
function load(name) {
  const dist = path.join(path.resolve(modules), '@sigstore', 'verify', 'dist');
  const dir = ['tlog', 'timestamp'].find((d) => fs.existsSync(path.join(dist, d, `${name}.js`)));
  return require(path.join(dist, dir, `${name}.js`));
}
const { verifyMerkleInclusion } = load('merkle');
const { verifyCheckpoint } = load('checkpoint');

// DER of an Ed25519 SubjectPublicKeyInfo up to the key.
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

function logOf(text) {
  const [name, id, ...rest] = text.split('+');
  const key = Buffer.from(rest.join('+'), 'base64');
  if (key.length !== 33 || key[0] !== 1) throw new Error('not an Ed25519 vkey');
  return {
    name,
    logID: Buffer.from(id, 'hex'),
    publicKey: crypto.createPublicKey({
      key: Buffer.concat([SPKI, key.subarray(1)]), format: 'der', type: 'spki' }),
    validFor: { start: new Date(0), end: new Date(8.64e15) },
  };
}

function parse(file) {
  const text = fs.readFileSync(file, 'utf8');
  const split = text.indexOf('\n\n');
  const lines = text.slice(0, split).split('\n');
  if (lines.shift() !== 'c2sp.org/tlog-proof@v1') throw new Error(`${file}: first line`);
  if (lines[0].startsWith('extra ')) lines.shift();
  const index = lines.shift().match(/^index (\d+)$/)[1];
  const envelope = text.slice(split + 2);
  const [, size, root] = envelope.split('\n');
  return {
    logIndex: index,
    treeSize: size,
    rootHash: Buffer.from(root, 'base64'),
    hashes: lines.map((l) => Buffer.from(l, 'base64')),
    checkpoint: { envelope },
  };
}

const log = logOf(vkey);
let good = 0;
for (let i = 0; i < files.length; i += 2, good++) {
  const entry = {
    canonicalizedBody: fs.readFileSync(files[i + 1]),
    inclusionProof: parse(files[i]),
    integratedTime: '1700000000',
  };
  verifyMerkleInclusion(entry);
  verifyCheckpoint(entry, [log]);
  if (entry.inclusionProof.checkpoint.envelope.split('\n')[0] !== log.name) {
    throw new Error(`${files[i]}: origin`);
  }
}
console.log(`${good} proofs`);
