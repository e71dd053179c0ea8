/* SPDX-License-Identifier: Apache-2.0 */
/* retention_fact.h - what the job "retention" tells of a retention policy, retention.yaml(5).
 * Floor 1, pure.
 *
 *   {"audit_period":31536000,"fact":"policy","keep":34560000}        exactly once, first
 *   {"fact":"kind","keep":69120000,"line":6,"name":"session.*"}
 *   {"class":1008,"fact":"class","keep":69120000,"line":8}
 *   {"fact":"hold","from":1767225600,"kinds":["session.*"],"line":10,"reason":"case 17",
 *    "to":1798761600,"until":1814400000}       from, to, until: absent where it is open there
 *
 * Times are seconds since 1970; an entry is in a hold when from <= its time < to; the hold itself
 * counts while now < until.
 *
 * SECURITY: facts come from a process that has read somebody's YAML. */
#ifndef WIRE_RETENTION_FACT_H
#define WIRE_RETENTION_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        RETENTION_RULES_MAX = 256, /* of kinds and classes */
        RETENTION_HOLDS_MAX = 64,
        RETENTION_KINDS_MAX = 16, /* of one hold */
        RETENTION_NAME_MAX = 64,
        RETENTION_REASON_MAX = 256,
        RETENTION_FACTS_MAX = 1 + RETENTION_RULES_MAX + RETENTION_HOLDS_MAX,
};

/* A century and a half; the clock ends some later. */
#define RETENTION_KEEP_MAX_S (150ULL * 366 * 86400)
#define RETENTION_OPEN       INT64_MAX /* no end, or no beginning */

enum retention_fact_kind { RETENTION_POLICY, RETENTION_KIND, RETENTION_CLASS, RETENTION_HOLD };

struct retention_fact {
        enum retention_fact_kind kind;
        uint32_t line;
        uint64_t keep_s; /* of all but a hold */
        uint64_t audit_period_s;
        char name[RETENTION_NAME_MAX + 1];
        uint32_t class_uid;
        char reason[RETENTION_REASON_MAX + 1];
        int64_t from_s, to_s, until_s; /* RETENTION_OPEN */
        char kinds[RETENTION_KINDS_MAX][RETENTION_NAME_MAX + 1];
        size_t n_kinds; /* 0: of all kinds */
};

/* The object's members; what is in f has to be as above. */
void retention_fact_put(struct json_writer *w, const struct retention_fact *f);
/* -EBADMSG and the member.  *ret is untouched then. */
MUST_USE int retention_fact_parse(struct span fact, struct retention_fact *ret, struct err *err);

/* "session.login", or "session.*": all that begin with what stands before the star. */
bool retention_name_ok(struct span name);
/* How well: 0 not at all, else greater for the name that says more. */
size_t retention_name_fits(const char *name, struct span kind);

#endif
