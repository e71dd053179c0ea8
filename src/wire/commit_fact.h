/* SPDX-License-Identifier: Apache-2.0 */
/* commit_fact.h - what the job "commit" tells of a git repository, for those who start it.
 * Floor 1, pure.
 *
 * The job is started with these arguments, the first two once and in this order:
 *
 *   DIRECTORY       absolute: a bare repository, or one with a .git directory in it
 *   COMMIT          40 hex digits, or a name as git-rev-parse(1) looks it up: a branch, a tag
 *   sub=PATH        a directory of the commit, "" for its top; several: numbered from 0
 *   ref=REF         full name of a protected branch; several
 *   past=ID         behind one of these: where it is, and whether it has this commit (40 hex
 *                   digits) in its history; "": only where it is
 *
 * and answers:
 *
 *   {"author_time":1,"commit":"<40 hex>","committer_time":1,"fact":"commit",
 *    "on":["refs/heads/main"],"signed":"ssh"}      signed: none, openpgp, ssh or other; on: the
 *                                                  protected ones that have it in their history
 *   {"fact":"branch","had":true,"ref":"refs/heads/main","tip":"<40 hex>"}
 *                                                  tip: absent where there is no such branch
 *   {"data":"<base64>","fact":"payload"}           pieces of what is signed, in order
 *   {"data":"<base64>","fact":"signature"}         pieces of the signature, likewise
 *   {"fact":"file","mode":420,"path":"a/b","sha256":"...","size":6,"sub":0}
 *   {"fact":"link","path":"a/l","sub":0,"target":"b"}
 *   {"fact":"skipped","path":"a/m","sub":0,"why":"submodule"}
 *
 * Paths are relative to their sub; modes are those git knows: 0644 and 0755.  Content is the
 * blob's, after no filter.  Objects are checked against their SHA-1 names (with detection of
 * collisions, as libgit2 does it): a commit is as safe as that.
 *
 * SECURITY: facts come from a process that has read hostile bytes. */
#ifndef WIRE_COMMIT_FACT_H
#define WIRE_COMMIT_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        COMMIT_ID_MAX = 40,
        COMMIT_REF_MAX = 255,
        COMMIT_REFS_MAX = 8,
        COMMIT_PATH_MAX = 4095,
        COMMIT_WHY_MAX = 63,
        COMMIT_SUBS_MAX = 14,
        COMMIT_HASH = 32,
        COMMIT_PIECE_MAX = 12 * 1024,
        COMMIT_PAYLOAD_MAX = 1024 * 1024, /* of all pieces */
        COMMIT_SIGNATURE_MAX = 64 * 1024,
};

enum commit_fact_kind {
        COMMIT_FACT_COMMIT,
        COMMIT_FACT_BRANCH,
        COMMIT_FACT_PAYLOAD,
        COMMIT_FACT_SIGNATURE,
        COMMIT_FACT_FILE,
        COMMIT_FACT_LINK,
        COMMIT_FACT_SKIPPED,
};

enum commit_signing { COMMIT_UNSIGNED, COMMIT_OPENPGP, COMMIT_SSH, COMMIT_OTHER };

struct commit_fact {
        enum commit_fact_kind kind;
        /* COMMIT */
        char commit[COMMIT_ID_MAX + 1];
        int64_t author_time, committer_time; /* seconds; 0 for any before 1970 */
        enum commit_signing signing;
        size_t n_on;
        char on[COMMIT_REFS_MAX][COMMIT_REF_MAX + 1];
        /* BRANCH */
        char ref[COMMIT_REF_MAX + 1];
        char tip[COMMIT_ID_MAX + 1]; /* "": there is none */
        bool had;
        /* PAYLOAD, SIGNATURE */
        uint8_t data[COMMIT_PIECE_MAX];
        size_t data_n;
        /* FILE, LINK, SKIPPED */
        unsigned sub;
        char path[COMMIT_PATH_MAX + 1]; /* no "." or "..", no slash at either end */
        uint32_t mode;
        uint64_t size;
        uint8_t sha256[COMMIT_HASH];
        char target[COMMIT_PATH_MAX + 1];
        char why[COMMIT_WHY_MAX + 1];
};

/* The job's side: into an open object. */
void commit_fact_put(struct json_writer *w, const struct commit_fact *f);

/* -EBADMSG and the member.  *ret is large: keep it off small stacks. */
MUST_USE int commit_fact_parse(struct span fact, struct commit_fact *ret, struct err *err);

/* Names between single slashes, none of them "." or "..": what a path of a fact has to be. */
bool commit_path_ok(struct span path);

#endif
