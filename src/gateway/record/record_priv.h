/* SPDX-License-Identifier: Apache-2.0 */
/* record_priv.h - an entry in the making: what the files of record.h share.  Floor 3, pure. */
#ifndef GATEWAY_RECORD_PRIV_H
#define GATEWAY_RECORD_PRIV_H

#include "gateway/record/record.h"
#include "wire/entry.h"

enum {
        RECORD_NAME_MAX = REFUSAL_TEXT_MAX, /* bytes of a name; longer ones are cut */
        RECORD_ROOM = 2048,                 /* that most entries fit in */
        /* What the recorder adds (digests, subjects, id, src) is less. */
        RECORD_ROOM_MAX = ENTRY_MAX - 2048,
        /* Of the sensitive values of one entry: what the recorder takes. */
        RECORD_VALUES_MAX = 32 * 1024,
};

/* Puts the members of "what"; called again, with more room, where it did not fit. */
typedef void record_put_fn(struct json_writer *w, const void *ctx);

/* The skeleton into r, in arena; fields are the caller's.  -E2BIG, -ENOMEM. */
MUST_USE int record_make(const char *kind, int64_t now_ns, record_put_fn *put, const void *ctx,
                         struct arena *arena, struct record *r, struct err *err);

/* What they put: record_what.c.  ctx: */
struct record_told {
        const struct record_call *c;
        const struct refusal *refusal;  /* api.denied */
        const struct record_outcome *o; /* api.outcome */
        uint64_t count;                 /* api.denied */
        uint16_t status;                /* api.unshown; 0: none */
        uint32_t left_out;              /* of what policies ask for */
};
record_put_fn record_put_intent, record_put_denied, record_put_outcome, record_put_unshown;

/* A name as it may stand in an entry: UTF-8, no control characters, at most RECORD_NAME_MAX bytes;
 * in room where it had to be made so. */
struct span record_name(struct span s, char room[RECORD_NAME_MAX + 1]);
bool record_name_is_exact(struct span s); /* it is what record_name() makes of it */
void record_put_name(struct json_writer *w, struct span s);
void record_member_name(struct json_writer *w, const char *key, struct span s);

/* JSON of a sensitive text, or of its length and digest; p NULL: no memory. */
struct span record_text(struct span s, struct arena *arena);
/* JSON of a value of a body. */
struct span record_value(const struct tree *v, struct arena *arena);

/* "<kind>:<id>" as a subject; p NULL: no memory. */
struct span record_subject(struct span kind, struct span id, struct arena *arena);
/* Whose calls these are: a verified caller, else his network. */
struct span record_subject_of_caller(const struct record_call *c, struct arena *arena);
/* That of the object, else that of the API. */
struct span record_subject_of(const struct record_call *c, struct arena *arena);

/* Adds a sensitive field.  -ENOMEM where subject or value have no memory. */
MUST_USE int record_field(struct record *r, struct span name, struct span subject,
                          struct span value);

/* "192.0.2.0/24", "2001:db8:0:1200::/56"; or narrower: "192.0.2.7", "2001:db8:0:1234::/64". */
enum { RECORD_NETWORK_MAX = 63 };
void record_network(const struct cedar_ip *address, bool narrow, char ret[RECORD_NETWORK_MAX + 1]);

/* How many api.values there are of found, then each of them into r[]. */
struct record_parts {
        const struct record_call *c;
        const struct mask_found *found;
        bool response;
        struct span *values; /* JSON, in this order: */
        uint32_t *order;     /* of found->values, by class and answer */
        uint32_t n;          /* api.values */
};
MUST_USE int record_parts(const struct record_call *c, const struct mask_found *found,
                          bool response, struct arena *arena, struct record_parts *ret);
MUST_USE int record_parts_make(const struct record_parts *p, struct arena *arena, struct record *r,
                               struct err *err);

/* What policies could ask for, where it is to be recorded; each SPAN_NONE where there is nothing.
 * Adds to *left_out.  -ENOMEM. */
MUST_USE int record_asked(const struct record_call *c, struct arena *arena, struct span *ret_what,
                          struct span *ret_who, uint32_t *left_out);

/* What what.groups has. */
enum { RECORD_GROUPS_TOLD = 32 };
const char *record_answer_name(enum mask_answer a);

#endif
