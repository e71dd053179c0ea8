/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the rows of one table at one moment: sorted, digested, compared.  Floor 2, pure but for
 * memory. */
#ifndef STATE_ROWS_H
#define STATE_ROWS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/sha256.h"
#include "state/state.h"
#include "wire/json.h"

enum { ROWS_BYTES_MAX = 128 * 1024 * 1024 };

struct rows_at {
        size_t row, key; /* offsets in text and keys */
        uint32_t row_n, key_n;
};

struct rows {
        struct buf text; /* each row and a newline, as they were added */
        struct buf keys;
        struct rows_at *at;
        size_t n, max;
};

void rows_init(struct rows *r);
void rows_done(struct rows *r);

/* A row that state_row_check() accepted.  -E2BIG: more than STATE_ROWS_MAX or ROWS_BYTES_MAX. */
MUST_USE int rows_add(struct rows *r, const struct state_table *t, struct json_value row);
/* By key, then by the whole row: two of one key are both kept. */
void rows_sort(struct rows *r);

static inline struct span rows_row(const struct rows *r, size_t i)
{
        return span_of(r->text.p + r->at[i].row, r->at[i].row_n);
}

/* SHA-256 over the sorted rows, each with a newline behind it. */
MUST_USE int rows_digest(const struct rows *r, uint8_t ret[SHA256_LEN]);

/* Walk the differences of two sorted sets in the order of their keys. */
struct rows_walk {
        const struct state_table *table;
        const struct rows *old, *new;
        size_t i, j;
};
enum rows_change { ROWS_END, ROWS_ADDED, ROWS_REMOVED, ROWS_CHANGED };
/* The next one; *ret_old and *ret_new are empty where there is none.  Rows that differ in nothing
 * but loose columns are no difference. */
enum rows_change rows_next(struct rows_walk *w, struct span *ret_old, struct span *ret_new);

#endif
