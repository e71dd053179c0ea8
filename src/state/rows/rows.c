/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/rows.h"

#include "state/rows/row.h"

#include <stdlib.h>

void rows_init(struct rows *r)
{
        *r = (struct rows){ .text = BUF_INIT(ROWS_BYTES_MAX), .keys = BUF_INIT(ROWS_BYTES_MAX) };
}

void rows_done(struct rows *r)
{
        buf_done(&r->text);
        buf_done(&r->keys);
        free(r->at);
        rows_init(r);
}

static int make_room(struct rows *r)
{
        size_t max = r->max ? 2 * r->max : 64;
        struct rows_at *at;

        if (r->n < r->max)
                return 0;
        if (r->n >= STATE_ROWS_MAX)
                return -E2BIG;
        at = realloc(r->at, max * sizeof(*at));
        if (!at)
                return -ENOMEM;
        r->at = at;
        r->max = max;
        return 0;
}

int rows_add(struct rows *r, const struct state_table *t, struct json_value row)
{
        struct rows_at a = { .row = r->text.n, .key = r->keys.n, .row_n = (uint32_t)row.raw.n };
        int rc = make_room(r);

        if (rc < 0)
                return rc;
        buf_put(&r->text, row.raw);
        buf_put_byte(&r->text, '\n');
        state_row_key(t, row, &r->keys);
        a.key_n = (uint32_t)(r->keys.n - a.key);
        rc = buf_status(&r->text);
        if (rc == 0)
                rc = buf_status(&r->keys);
        if (rc == 0)
                r->at[r->n++] = a;
        return rc;
}

static struct span key_of(const struct rows *r, const struct rows_at *at)
{
        return span_of(r->keys.p + at->key, at->key_n);
}

static int by_key(const void *x, const void *y, void *ctx)
{
        const struct rows_at *a = x, *b = y;
        const struct rows *r = ctx;
        int c = span_cmp(key_of(r, a), key_of(r, b));

        return c ? c
                 : span_cmp(span_of(r->text.p + a->row, a->row_n),
                            span_of(r->text.p + b->row, b->row_n));
}

void rows_sort(struct rows *r)
{
        if (r->n)
                qsort_r(r->at, r->n, sizeof(*r->at), by_key, r);
}

int rows_digest(const struct rows *r, uint8_t ret[SHA256_LEN])
{
        CLEANUP(sha256_freep) struct sha256_ctx *c = sha256_new();

        if (!c)
                return -ENOMEM;
        sha256_begin(c);
        for (size_t i = 0; i < r->n; i++) /* with its newline */
                sha256_add(c, span_of(r->text.p + r->at[i].row, r->at[i].row_n + 1));
        sha256_end(c, ret);
        return 0;
}

/* What stands next: below 0 an old row alone, above 0 a new one alone. */
static int which(const struct rows_walk *w)
{
        if (w->i == w->old->n)
                return 1;
        if (w->j == w->new->n)
                return -1;
        return span_cmp(key_of(w->old, &w->old->at[w->i]), key_of(w->new, &w->new->at[w->j]));
}

enum rows_change rows_next(struct rows_walk *w, struct span *ret_old, struct span *ret_new)
{
        while (w->i < w->old->n || w->j < w->new->n) {
                int c = which(w);
                struct span a = c <= 0 ? rows_row(w->old, w->i++) : SPAN_NONE;
                struct span b = c >= 0 ? rows_row(w->new, w->j++) : SPAN_NONE;

                if (c == 0 &&
                    !state_row_differs(w->table, json_value_of(a), json_value_of(b), NULL))
                        continue;
                *ret_old = a;
                *ret_new = b;
                return c < 0 ? ROWS_REMOVED : c > 0 ? ROWS_ADDED : ROWS_CHANGED;
        }
        return ROWS_END;
}
