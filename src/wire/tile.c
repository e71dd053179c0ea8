/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tile.h"

#include <stdio.h>

/* Groups of three digits of a 64-bit number: 7 cover 20 digits. */
enum { GROUPS_MAX = 7 };

static void check(struct tile t)
{
        assert(t.level >= TILE_LEVEL_ENTRIES && t.level <= TILE_LEVEL_MAX);
        assert(t.width >= 1 && t.width <= TILE_WIDTH);
}

/* "tile/<L>/x001/x234/067"; *ret_last is where the last group's slash stands. */
static size_t put_number(struct tile t, char out[TILE_PATH_MAX], size_t *ret_last)
{
        unsigned group[GROUPS_MAX];
        int n = 0, at;
        uint64_t v = t.n;

        do {
                group[n++] = (unsigned)(v % 1000);
                v /= 1000;
        } while (v);
        if (t.level == TILE_LEVEL_ENTRIES)
                at = snprintf(out, TILE_PATH_MAX, "tile/entries");
        else
                at = snprintf(out, TILE_PATH_MAX, "tile/%d", t.level);
        while (n > 1)
                at += snprintf(out + at, TILE_PATH_MAX - (size_t)at, "/x%03u", group[--n]);
        *ret_last = (size_t)at;
        at += snprintf(out + at, TILE_PATH_MAX - (size_t)at, "/%03u", group[0]);
        assert(at < TILE_PATH_MAX);
        return (size_t)at;
}

void tile_path(struct tile t, char out[TILE_PATH_MAX])
{
        size_t last, at;

        check(t);
        at = put_number(t, out, &last);
        if (t.width < TILE_WIDTH) {
                at += (size_t)snprintf(out + at, TILE_PATH_MAX - at, ".p/%u", t.width);
                assert(at < TILE_PATH_MAX);
        }
}

void tile_dir(struct tile t, char out[TILE_PATH_MAX])
{
        size_t last, at;

        check(t);
        at = put_number(t, out, &last);
        if (t.width < TILE_WIDTH)
                snprintf(out + at, TILE_PATH_MAX - at, ".p");
        else
                out[last] = '\0';
}

/* One to three digits, no leading zero, below `below`. */
static bool small_number(struct span s, unsigned below, unsigned *ret)
{
        unsigned v = 0;
        size_t i;

        if (s.n < 1 || s.n > 3 || (s.n > 1 && s.p[0] == '0'))
                return false;
        for (i = 0; i < s.n; i++) {
                if (s.p[i] < '0' || s.p[i] > '9')
                        return false;
                v = v * 10 + (unsigned)(s.p[i] - '0');
        }
        if (v >= below)
                return false;
        *ret = v;
        return true;
}

static struct span next_part(struct span *rest)
{
        const uint8_t *slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
        struct span part = *rest;

        if (slash)
                part.n = (size_t)(slash - rest->p);
        *rest = span_from(*rest, slash ? part.n + 1 : part.n);
        return part;
}

/* The part that ends the number: "067" or "067.p". */
static bool last_group(struct span part, uint64_t *n, bool *ret_partial)
{
        *ret_partial = part.n == 5 && part.p[3] == '.' && part.p[4] == 'p';
        if (*ret_partial)
                part.n = 3;
        if (part.n != 3)
                return false;
        for (size_t i = 0; i < 3; i++) {
                if (part.p[i] < '0' || part.p[i] > '9')
                        return false;
                if (__builtin_mul_overflow(*n, UINT64_C(10), n) ||
                    __builtin_add_overflow(*n, (uint64_t)(part.p[i] - '0'), n))
                        return false;
        }
        return true;
}

static bool parse_parts(struct span rest, struct tile *t)
{
        struct span part = next_part(&rest);
        unsigned level;
        bool partial;

        if (!span_eq_str(part, "tile"))
                return false;
        part = next_part(&rest);
        if (span_eq_str(part, "entries"))
                t->level = TILE_LEVEL_ENTRIES;
        else if (small_number(part, TILE_LEVEL_MAX + 1, &level))
                t->level = (int)level;
        else
                return false;
        for (part = next_part(&rest); part.n == 4 && part.p[0] == 'x'; part = next_part(&rest))
                if (!last_group(span_from(part, 1), &t->n, &partial))
                        return false;
        if (!last_group(part, &t->n, &partial))
                return false;
        t->width = TILE_WIDTH;
        if (partial && (!small_number(next_part(&rest), TILE_WIDTH, &t->width) || t->width == 0))
                return false;
        return rest.n == 0;
}

int tile_parse(struct span path, struct tile *ret)
{
        struct tile t = { 0 };
        char again[TILE_PATH_MAX];

        if (path.n >= TILE_PATH_MAX || !parse_parts(path, &t))
                return -EINVAL;
        tile_path(t, again); /* one spelling only: a leading x000 or a trailing slash ends here */
        if (!span_eq_str(path, again))
                return -EINVAL;
        *ret = t;
        return 0;
}

struct tile tile_of(int level, uint64_t index, uint64_t size)
{
        struct tile t = { .level = level, .n = index / TILE_WIDTH };
        uint64_t left;

        assert(index < tile_nodes(size, level));
        left = tile_nodes(size, level) - t.n * TILE_WIDTH;
        t.width = left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH;
        return t;
}

int bundle_next(struct bundle_iter *it, struct span *ret_entry)
{
        size_t n;

        if (it->rest.n == 0)
                return 0;
        if (it->rest.n < 2)
                return -EBADMSG;
        n = (size_t)it->rest.p[0] << 8 | it->rest.p[1];
        if (n > it->rest.n - 2)
                return -EBADMSG;
        *ret_entry = span_of(it->rest.p + 2, n);
        it->rest = span_from(it->rest, 2 + n);
        it->offset += 2 + n;
        return 1;
}
