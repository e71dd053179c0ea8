/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp_fact.h - what the job "timestamp" tells of an authority's reply (RFC 3161).  Floor 1,
 * pure.
 *
 * The job reads the reply; further descriptors: what is stamped, the question, the authorities'
 * certificates (PEM).  It tells exactly one of
 *   {"fact":"stamp","time":1767225600}       it holds; seconds since 1970
 *   {"fact":"refused","why":"time stamp: does not hold"}
 *
 * SECURITY: facts come from a process that has read a stranger's bytes; why may be his words. */
#ifndef WIRE_TIMESTAMP_FACT_H
#define WIRE_TIMESTAMP_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum { TIMESTAMP_WHY_MAX = ERR_TEXT_MAX - 1 };
enum {
        TIMESTAMP_REPLY_MAX = 64 * 1024,
        TIMESTAMP_QUESTION_MAX = 64 * 1024,
        TIMESTAMP_DATA_MAX = 64 * 1024,
        TIMESTAMP_AUTHORITIES_MAX = 1024 * 1024,
};

struct timestamp_fact {
        bool holds;
        int64_t time_s;                  /* where it holds */
        char why[TIMESTAMP_WHY_MAX + 1]; /* where it does not */
};

/* The object's members. */
void timestamp_fact_put(struct json_writer *w, const struct timestamp_fact *f);
/* -EBADMSG and the member.  *ret is untouched then. */
MUST_USE int timestamp_fact_parse(struct span fact, struct timestamp_fact *ret, struct err *err);

#endif
