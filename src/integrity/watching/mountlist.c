/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/mountlist.h"

#include "base/text.h"
#include "integrity/watching/watchset.h"
#include "wire/json.h"

#include <stdlib.h>

enum { TEXTS = 8, KEY_TEXTS = 6, TEXT_MAX = 8192 };

void mountlist_done(struct mountlist *l)
{
        buf_done(&l->bytes);
        l->n = 0;
}

void mountlist_clear(struct mountlist *l)
{
        buf_clear(&l->bytes);
        l->n = 0;
}

/* ---- a fact ---- */

/* A text that may be in base64, or a number as it stands. */
static int get(struct json_value fact, const char *name, const char *name_b64, struct buf *out)
{
        struct json_value v;
        struct span plain;
        uint8_t *room;
        size_t n;

        buf_clear(out);
        if (json_get(fact, name, &v)) {
                if (v.type != JSON_STRING)
                        buf_put(out, v.raw);
                else if (!json_value_text(v, out) && buf_status(out) == 0)
                        return -EBADMSG;
        } else if (name_b64 && json_get(fact, name_b64, &v) && json_value_plain(v, &plain)) {
                room = buf_extend(out, plain.n);
                if (!room)
                        return buf_status(out);
                if (text_from_base64(plain, room, plain.n, &n) < 0)
                        return -EBADMSG;
                out->n = n;
        } else {
                return -EBADMSG;
        }
        return buf_status(out) == 0 && out->n && memchr(out->p, 0, out->n) ? -EBADMSG
                                                                           : buf_status(out);
}

int mountlist_add(struct mountlist *l, struct span fact)
{
        static const struct {
                const char *name, *name_b64;
        } texts[TEXTS] = {
                { "id", NULL },
                { "dev", NULL },
                { "root", "root_b64" },
                { "point", "point_b64" },
                { "type", "type_b64" },
                { "source", "source_b64" },
                { "options", "options_b64" },
                { "super", "super_b64" },
        };
        CLEANUP(buf_done) struct buf one = BUF_INIT(TEXTS * (TEXT_MAX + 1));
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
        struct json_value v = json_value_of(fact);

        for (size_t i = 0; i < TEXTS; i++) {
                int rc = get(v, texts[i].name, texts[i].name_b64, &text);

                if (rc < 0)
                        return rc == -E2BIG ? -EBADMSG : rc;
                buf_put(&one, buf_span(&text));
                buf_put_byte(&one, 0);
        }
        if (buf_status(&one) < 0)
                return buf_status(&one);
        buf_put(&l->bytes, buf_span(&one));
        if (buf_status(&l->bytes) < 0)
                return buf_status(&l->bytes);
        l->n++;
        return 0;
}

/* ---- comparing ---- */

static struct span next_text(struct span *rest)
{
        struct span text = span_str((const char *)rest->p);

        *rest = span_from(*rest, text.n + 1);
        return text;
}

/* Returns what makes it the same. */
static struct span next_mount(struct span *rest, struct mount_texts *ret)
{
        struct span *const to[TEXTS] = { &ret->id,   &ret->dev,    &ret->root,    &ret->point,
                                         &ret->type, &ret->source, &ret->options, &ret->super };
        struct span key = *rest;

        for (size_t i = 0; i < TEXTS; i++) {
                if (i == KEY_TEXTS)
                        key.n -= rest->n;
                *to[i] = next_text(rest);
        }
        return key;
}

static int compare(const void *a, const void *b)
{
        const struct span *x = a, *y = b;
        int d = memcmp(x->p, y->p, MIN_OF(x->n, y->n));

        return d ? d : (x->n > y->n) - (x->n < y->n);
}

/* The keys of all of them, sorted. */
static struct span *sort(const struct mountlist *l)
{
        struct span *keys = calloc(MAX_OF(l->n, (size_t)1), sizeof *keys);
        struct span rest = buf_span(&l->bytes);
        struct mount_texts m;

        for (size_t i = 0; keys && i < l->n; i++)
                keys[i] = next_mount(&rest, &m);
        if (keys)
                qsort(keys, l->n, sizeof *keys, compare);
        return keys;
}

static bool has(const struct span *keys, size_t n, struct span key)
{
        return bsearch(&key, keys, n, sizeof *keys, compare) != NULL;
}

static int tell_missing(const struct mountlist *of, const struct span *keys, size_t n,
                        mountlist_fn *fn, void *ctx, bool gone)
{
        struct span rest = buf_span(&of->bytes);
        int rc = 0;

        for (size_t i = 0; i < of->n && rc == 0; i++) {
                struct mount_texts m;
                struct span key = next_mount(&rest, &m);

                if (!has(keys, n, key))
                        rc = fn(ctx, &m, gone);
        }
        return rc;
}

int mountlist_compare(const struct mountlist *was, const struct mountlist *is, mountlist_fn *fn,
                      void *ctx)
{
        struct span *old_keys, *new_keys;
        int rc = MIN_OF(buf_status(&was->bytes), buf_status(&is->bytes));

        if (rc < 0)
                return rc;
        old_keys = sort(was);
        new_keys = sort(is);
        rc = old_keys && new_keys ? 0 : -ENOMEM;
        if (rc == 0)
                rc = tell_missing(was, new_keys, is->n, fn, ctx, true);
        if (rc == 0)
                rc = tell_missing(is, old_keys, was->n, fn, ctx, false);
        free(old_keys);
        free(new_keys);
        return rc;
}

/* ---- what only looks the same ---- */

static size_t nearest(const struct mountlist *l, struct span path)
{
        struct span rest = buf_span(&l->bytes);
        struct mount_texts m;
        size_t longest = 0;

        for (size_t i = 0; i < l->n; i++) {
                (void)next_mount(&rest, &m);
                if (path_within(path, m.point))
                        longest = MAX_OF(longest, m.point.n);
        }
        return longest;
}

int mountlist_forget(struct mountlist *was, const struct mountlist *is, struct span path)
{
        struct span *keys = sort(is), rest = buf_span(&was->bytes);
        const size_t point_n = nearest(was, path), n = was->n;
        uint8_t *to = was->bytes.p;

        if (!keys)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                uint8_t *from = was->bytes.p + (was->bytes.n - rest.n);
                struct mount_texts m;
                struct span key = next_mount(&rest, &m);
                size_t size = was->bytes.n - rest.n - (size_t)(from - was->bytes.p);

                if (m.point.n == point_n && path_within(path, m.point) && has(keys, is->n, key)) {
                        was->n--;
                        continue;
                }
                memmove(to, from, size);
                to += size;
        }
        was->bytes.n = n ? (size_t)(to - was->bytes.p) : 0;
        free(keys);
        return 0;
}
