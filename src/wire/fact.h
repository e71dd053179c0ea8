/* SPDX-License-Identifier: Apache-2.0 */
/* fact.h - members of a job's fact, typed and bounded.  Floor 1, pure, shared by wire/NAME_fact.c.
 *
 * A fact is one checked canonical object (loop/jobframe.h).  Failures stick: read all members, then
 * ask fact_status(). */
#ifndef WIRE_FACT_H
#define WIRE_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

struct fact {
        struct json_value object;
        const char *missing; /* the first member that is absent or not what it has to be */
};

struct fact fact_of(struct span json);

/* What member "fact" says; empty when there is none. */
struct span fact_kind(const struct fact *f);

bool fact_has(const struct fact *f, const char *key);

/* Texts are copied and terminated; out has max + 1 bytes.  A text with a NUL in it or of more than
 * max bytes is a failure; so is a member that is absent, but for fact_maybe_text: then "". */
void fact_text(struct fact *f, const char *key, char *out, size_t max);
void fact_maybe_text(struct fact *f, const char *key, char *out, size_t max);
/* key, or key_b64 where the bytes are no UTF-8. */
void fact_bytes(struct fact *f, const char *key, const char *key_b64, char *out, size_t max);
/* The text of one value, for items of arrays; false where it is none that fits. */
MUST_USE bool fact_copy(struct json_value v, char *out, size_t max);
/* 0..max. */
uint64_t fact_number(struct fact *f, const char *key, uint64_t max);
bool fact_bool(struct fact *f, const char *key);
/* A hash as 2n lower-case hex digits. */
void fact_hex(struct fact *f, const char *key, uint8_t *out, size_t n);
/* Bytes as base64: 0..max of them, into out. */
void fact_data(struct fact *f, const char *key, uint8_t *out, size_t max, size_t *ret_n);
/* One of the names; what is none of them is a failure. */
int fact_enum(struct fact *f, const char *key, const char *const *names, int n);

/* The job's side of fact_data(): the member.  A failure is one of the writer's buf. */
void fact_put_data(struct json_writer *w, const char *key, struct span data);

/* Member key is not what it has to be; the first one that is told counts. */
void fact_miss(struct fact *f, const char *key);
/* 0, or -EBADMSG and the member. */
MUST_USE int fact_status(const struct fact *f, struct err *err);

#endif
