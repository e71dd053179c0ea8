/* SPDX-License-Identifier: Apache-2.0 */
/* entry.h - the envelope of an entry: compose it, read it.  Floor 1, pure.
 *
 *   {"_sd":[digest...],"_subj":[subject...],"id":"<time>-<host>-<run>-<seq>","k":kind,
 *    "src":{"host":..,"proc":..,"run":..,"seq":..},"t":time,"v":1,"what":{..},"who":{..},"why":{..}}
 *
 * The writer sends the skeleton, without _sd, _subj, id and src; the recorder adds those from what
 * it knows itself, so a writer cannot speak for another.  _sd: RFC 9901 digests of the sensitive
 * fields, sorted; _subj: ids of the subjects they belong to, sorted, each once; both absent when
 * empty. id: 10 characters of Crockford base32 (the 48-bit milliseconds of a ULID), host, run, seq.
 */
#ifndef WIRE_ENTRY_H
#define WIRE_ENTRY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        ENTRY_MAX = 65535,
        ENTRY_ID_MAX = 10 + 1 + 64 + 1 + 20 + 1 + 20,
        ENTRY_HOST_MAX = 64,
        ENTRY_DIGEST_LEN = 43,  /* base64url(32 bytes) */
        ENTRY_SUBJECT_LEN = 22, /* base64url(16 bytes) */
};

/* Host names in ids: letters, digits, dot and hyphen; 1..ENTRY_HOST_MAX bytes. */
bool entry_host_ok(struct span host);

struct entry_stamp {
        struct span host;
        struct span proc;
        uint64_t run;
        uint64_t seq;
        int64_t wall_ns;            /* for the id */
        const struct span *digests; /* each ENTRY_DIGEST_LEN, already sorted */
        size_t n_digests;
        const struct span *subjects; /* each ENTRY_SUBJECT_LEN, already sorted, unique */
        size_t n_subjects;
};

/* The id alone, terminated: it goes into the salts before the digests are known. */
void entry_id(const struct entry_stamp *s, char out[ENTRY_ID_MAX + 1]);

/* Begin a skeleton behind what is in out: k, t and v 1, and the object "what", whose members come
 * next. */
void entry_begin(struct json_writer *w, struct buf *out, const char *kind, int64_t wall_ns);

/* skeleton: checked by json_check(), with no member the recorder owns (-EINVAL names it) and with
 * k, t and v.  Appends the entry to out; -E2BIG above ENTRY_MAX. */
MUST_USE int entry_compose(struct span skeleton, const struct entry_stamp *s, struct buf *out,
                           struct err *err);

/* The view of a stored entry; every span points into it.  Absent parts are empty. */
struct entry {
        struct json_value object;
        struct span id, kind, time; /* without quotes */
        struct span host, proc;
        int64_t run, seq;                           /* -1 when absent */
        int64_t v;                                  /* 0 when absent */
        struct json_value sd, subj, what, who, why; /* .raw empty when absent */
};

/* s was accepted by json_check().  Parts of another type than they should have: -EINVAL, named.
 * Entries without an envelope are fine (assay ledger append takes any object). */
MUST_USE int entry_parse(struct span s, struct entry *ret, struct err *err);
/* The same for a ledger that anybody may have filled: a part of another type is as good as absent,
 * *ret_fits is false then and err says which.  -EINVAL: no object. */
MUST_USE int entry_read(struct span s, struct entry *ret, bool *ret_fits, struct err *err);

/* ---- disclosures (RFC 9901) ---- */

/* Appends base64url(["<salt>","<name>",<value>]); salt is base64url text, value canonical JSON. */
void disclosure_put(struct buf *out, struct span salt, struct span name, struct span value);

/* Undo: name and value into caller's buf (cleared first); spans point into it.  -EBADMSG. */
struct disclosure {
        struct span salt, name;
        struct json_value value;
};
MUST_USE int disclosure_parse(struct span s, struct buf *scratch, struct disclosure *ret,
                              struct err *err);

#endif
