/* SPDX-License-Identifier: Apache-2.0 */
/* mask.h - data classes in a response: found, counted, masked.  Floor 3, pure.
 *
 * A response that fits its schema is walked together with it; which classes a value has is said in
 * package/schema/schema.h.  What a class stands on is one value: an object or an array is counted
 * once and masked as a whole, and when it is in clear the values within are asked about that have
 * classes of their own; those without are in clear with it.  Of several classes each must be
 * readable for the value to be clear.  Otherwise: one that is withheld withholds it; two masks that
 * are not the same are `redact`, or `drop` if one of them is, since each would show what the other
 * hides.
 *
 *   last4, first1  of strings and numbers, characters that are not shown become "*"; what has no
 *                  more characters than would be shown has none shown
 *   hash           base32 in lower case of the first 80 bits of HMAC-SHA-256, keyed, of the class's
 *                  name, a byte 0 and the text: the same in all APIs of a tenant
 *   date-year      "1987" of a date or date-time of RFC 3339
 *   redact         "***"
 *   drop           a member goes, whether its schema requires it or not; an item of an array
 *                  becomes null, so that the others stay where they are, and so does the whole
 *
 * What no other mask makes sense of is `redact`: objects and arrays, booleans but for `hash`, what
 * is no date.  Numbers become strings, as they were spelled.  null stays null but where it is
 * dropped.  Withheld is dropped.  Masked values need not fit their schema any more. */
#ifndef GATEWAY_MASK_H
#define GATEWAY_MASK_H

#include "package/package.h"

enum mask_answer { MASK_CLEAR, MASK_MASKED, MASK_WITHHELD };

/* What policies say of a class, by place in api.classes; ctx is the asker's.  Once a class. */
typedef enum mask_answer mask_ask_fn(void *ctx, uint32_t class);

/* By place in api.classes; of those that were not met: clear. */
struct mask_answers {
        const enum mask_answer *of;
        uint32_t n;
};

/* What was met, in the order of the document's tree: for the entry. */
struct mask_value {
        uint32_t class;
        enum mask_answer
                answer; /* what was done with the value, on account of any of its classes */
        const struct tree *value; /* before the mask */
};
struct mask_found {
        uint32_t *counts;          /* by class; NULL before the first walk */
        enum mask_answer *answers; /* by class: what policies said of those that are counted */
        struct mask_value *values; /* of classes with `digest` */
        uint32_t n_values, max_values;
};

enum { MASK_VALUES_MAX = 4096 };

/* A place in a value, up to the whole (above NULL, neither name nor item). */
struct mask_place {
        const struct mask_place *above;
        struct span name; /* of a member; p NULL: */
        uint32_t item;
};

/* Called for each value that has no class, an object before its members.  Negative ends the walk.
 */
typedef int mask_plain_fn(void *ctx, const struct mask_place *at, const struct tree *v);

struct mask_spec {
        const struct package *package;
        uint32_t schema; /* that it fits; API_NONE: any, so it has no classes */
        mask_ask_fn *ask;
        mask_plain_fn *plain; /* NULL: nobody wants to know */
        void *ctx;            /* of both */
        const uint8_t *key;   /* 32 bytes, for `hash`: of this tenant */
};

/* The same value masked, in arena: shares what did not change; *ret_n: how many values were
 * masked or dropped.  found: zeroed before the first walk of a call; adds to it, in arena; a class
 * that was asked about in an earlier one is not asked about again.  -E2BIG: more values to record
 * than MASK_VALUES_MAX, or too many steps (see package/schema/classes.h); -ENOMEM; what plain says.
 */
MUST_USE int mask_response(const struct mask_spec *m, const struct tree *v, struct arena *arena,
                           struct tree *ret, uint32_t *ret_n, struct mask_found *found,
                           struct err *err);

/* The same walk of a request: classes that it writes; nothing is masked, answers are all clear.
 * For each parameter that has a schema, and the body. */
MUST_USE int mask_request(const struct package *p, uint32_t schema, const struct tree *v,
                          struct arena *arena, struct mask_found *found, struct err *err);

/* One string, not for `drop`. */
struct hmac_key;
MUST_USE int mask_text(enum mask mask, struct span text, struct span class,
                       const struct hmac_key *key, struct arena *arena, struct span *ret);

#endif
