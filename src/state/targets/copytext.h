/* SPDX-License-Identifier: Apache-2.0 */
/* copytext.h - rows as COPY ... TO STDOUT of PostgreSQL writes text: fields with a tab between, \N
 * for null, backslashes before what is special (its manual, "COPY", Text Format).  Floor 2. */
#ifndef STATE_COPYTEXT_H
#define STATE_COPYTEXT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "state/rows/row.h"
#include "state/state.h"

enum { COPY_FIELDS_MAX = 16, COPY_LINE_MAX = 4 * 1024 * 1024 };

struct copy_line {
        struct buf text;                    /* unescaped */
        struct span field[COPY_FIELDS_MAX]; /* .p NULL: null */
        size_t n;
};

/* A whole answer of our scripts, which end with the line "end": each line's first field names what
 * it is.  fn gets the others. */
typedef int copy_fn(void *ctx, const struct copy_line *l);
MUST_USE int copy_read(struct state_in *in, copy_fn *fn, void *ctx, struct err *err);

/* The items of a field with \x1f between them, into a list column; nothing when it is null. */
void copy_put_items(struct state_out *o, const char *column, struct span field);

#endif
