/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/sorted.h"

#include "base/text.h"
#include "crypto/sha256.h"

#include <stdlib.h>

void sorted_init(struct sorted *s)
{
        *s = (struct sorted){ .bytes = BUF_INIT(SORTED_BYTES_MAX) };
}

void sorted_done(struct sorted *s)
{
        buf_done(&s->bytes);
        free(s->at);
        sorted_init(s);
}

void sorted_clear(struct sorted *s)
{
        buf_clear(&s->bytes);
        s->n = 0;
}

void sorted_add(struct sorted *s, struct span text)
{
        if (s->n == s->max) {
                size_t max = s->max ? 2 * s->max : 64;
                struct sorted_at *at = realloc(s->at, max * sizeof *at);

                if (!at) {
                        s->failed = true;
                        return;
                }
                s->at = at;
                s->max = max;
        }
        s->at[s->n++] = (struct sorted_at){ s->bytes.n, (uint32_t)text.n };
        buf_put(&s->bytes, text);
        if (buf_status(&s->bytes) < 0)
                s->failed = true;
}

static int compare(const void *a, const void *b, void *ctx)
{
        const struct sorted_at *x = a, *y = b;
        const struct sorted *s = ctx;
        int rc = memcmp(s->bytes.p + x->at, s->bytes.p + y->at, MIN_OF(x->n, y->n));

        return rc ? rc : x->n < y->n ? -1 : x->n > y->n;
}

static int put_rest(const struct sorted *s, size_t from, struct state_out *o, const char *column)
{
        struct buf all = BUF_INIT(2 * SORTED_BYTES_MAX), text = BUF_INIT(256);
        uint8_t digest[SHA256_LEN];
        char hex[2 * SHA256_LEN + 1];
        int rc;

        for (size_t i = from; i < s->n; i++) {
                buf_put(&all, span_of(s->bytes.p + s->at[i].at, s->at[i].n));
                buf_put_byte(&all, '\n');
        }
        rc = buf_status(&all);
        if (rc == 0) {
                sha256(buf_span(&all), digest);
                text_hex(span_of(digest, sizeof digest), hex);
                buf_printf(&text, "and %zu more, sha256:%s", s->n - from, hex);
                state_item(o, column, buf_span(&text));
        }
        buf_done(&all);
        buf_done(&text);
        return rc;
}

int sorted_put(struct sorted *s, struct state_out *o, const char *column, size_t max)
{
        size_t used = 0;

        if (s->failed)
                return -ENOMEM;
        if (s->n)
                qsort_r(s->at, s->n, sizeof *s->at, compare, s);
        for (size_t i = 0; i < s->n; i++) {
                used += s->at[i].n + 3;
                if (used > max)
                        return put_rest(s, i, o, column);
                state_item(o, column, span_of(s->bytes.p + s->at[i].at, s->at[i].n));
        }
        return 0;
}
