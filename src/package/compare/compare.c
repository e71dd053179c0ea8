/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - two packages side by side; see compare.h.  Floor 2, pure. */
#include "package/compare/compare_priv.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ITEMS_FIRST = 64 };

const char *compare_part_name(enum compare_part p)
{
        static const char *const names[] = {
                [COMPARE_API] = "api",         [COMPARE_OPERATION] = "operation",
                [COMPARE_SCHEMA] = "schema",   [COMPARE_IDENTITY] = "identity",
                [COMPARE_CLASS] = "class",     [COMPARE_POLICY] = "policy",
                [COMPARE_ENTITY] = "entity",   [COMPARE_LIMIT] = "limit",
                [COMPARE_CACHE] = "cache",     [COMPARE_CAPS] = "caps",
                [COMPARE_BACKEND] = "backend",
        };

        assert(p < COMPARE_PARTS);
        return names[p];
}

const char *compare_change_name(enum compare_change c)
{
        return c == COMPARE_ADDED ? "added" : c == COMPARE_REMOVED ? "removed" : "changed";
}

/* ---- items ---- */

/* A larger list, in the arena like the last one, which is lost to it. */
static bool make_room(struct compare *r)
{
        uint32_t room = r->room ? 2 * r->room : ITEMS_FIRST;
        struct compare_item *more;

        if (r->n < r->room)
                return true;
        more = arena_alloc(&r->arena, room * sizeof *more);
        if (!more)
                return false;
        if (r->n)
                memcpy(more, r->items, r->n * sizeof *more);
        r->items = more;
        r->room = room;
        return true;
}

static struct span keep(struct comparer *c, struct span s)
{
        const char *p = arena_copy(&c->ret->arena, s);

        if (!p)
                c->rc = -ENOMEM;
        return span_of(p, p ? s.n : 0);
}

/* Of no more than COMPARE_TEXT_MAX bytes. */
static struct span keep_line(struct comparer *c, struct span s)
{
        char text[COMPARE_TEXT_MAX];

        snprintf(text, sizeof text, "%.*s", (int)MIN_OF(s.n, sizeof text), (const char *)s.p);
        text_keep_utf8(text);
        return keep(c, span_str(text));
}

void compare_add_was(struct comparer *c, enum compare_part part, enum compare_change change,
                     unsigned effect, struct span name, struct span text, struct span was)
{
        struct compare *r = c->ret;

        if (c->silent)
                return;
        r->breaking += (effect & COMPARE_BREAKS) != 0;
        r->widening += (effect & COMPARE_WIDENS) != 0;
        if (r->n == COMPARE_ITEMS_MAX) {
                r->more++;
                return;
        }
        if (!make_room(r)) {
                c->rc = -ENOMEM;
                return;
        }
        r->items[r->n++] = (struct compare_item){ .part = part,
                                                  .change = change,
                                                  .breaks = effect & COMPARE_BREAKS,
                                                  .widens = effect & COMPARE_WIDENS,
                                                  .name = keep(c, name),
                                                  .text = keep_line(c, text),
                                                  .was = keep_line(c, was) };
}

void compare_add(struct comparer *c, enum compare_part part, enum compare_change change,
                 unsigned effect, struct span name, const char *fmt, ...)
{
        char text[COMPARE_TEXT_MAX];
        va_list ap;

        if (c->silent)
                return;
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        compare_add_was(c, part, change, effect, name, span_str(text), SPAN_NONE);
}

bool compare_next(const void *a, size_t n_a, const void *b, size_t n_b, compare_name_fn *name,
                  struct compare_pair *at, struct compare_pair *ret)
{
        int order;

        if (at->a == n_a && at->b == n_b)
                return false;
        order = at->a == n_a ? 1 : at->b == n_b ? -1 : span_cmp(name(a, at->a), name(b, at->b));
        ret->a = order <= 0 ? at->a++ : SIZE_MAX;
        ret->b = order >= 0 ? at->b++ : SIZE_MAX;
        return true;
}

/* ---- the whole ---- */

static void compare_api(struct comparer *c)
{
        const struct config *a = c->a->config, *b = c->b->config;

        if (!span_eq(a->name, b->name))
                compare_add_was(c, COMPARE_API, COMPARE_CHANGED, COMPARE_BREAKS, SPAN("name"),
                                b->name, a->name);
        if (!span_eq(c->a->version, c->b->version))
                compare_add_was(c, COMPARE_API, COMPARE_CHANGED, COMPARE_NOTHING, SPAN("version"),
                                c->b->version, c->a->version);
        if (!span_eq(c->a->api->title, c->b->api->title))
                compare_add_was(c, COMPARE_API, COMPARE_CHANGED, COMPARE_NOTHING, SPAN("title"),
                                c->b->api->title, c->a->api->title);
        if (!span_eq(a->base, b->base))
                compare_add_was(c, COMPARE_API, COMPARE_CHANGED, COMPARE_BREAKS, SPAN("base"),
                                b->base.n ? b->base : SPAN("/"), a->base.n ? a->base : SPAN("/"));
        if (a->replay != b->replay)
                compare_add_was(c, COMPARE_API, COMPARE_CHANGED, COMPARE_NOTHING, SPAN("replay"),
                                b->replay ? SPAN("digest") : SPAN("none"),
                                a->replay ? SPAN("digest") : SPAN("none"));
}

/* Parts in the order of enum compare_part, so that items need no sorting. */
static int compare_all(struct comparer *c, struct err *err)
{
        int r;

        c->silent = true;
        compare_operations(c);
        compare_gather(c);
        c->silent = false;
        compare_api(c);
        compare_operations(c);
        compare_components(c);
        compare_who(c);
        r = compare_policies(c, err);
        if (r == 0)
                r = compare_entities(c, err);
        if (r < 0)
                return r;
        compare_serving(c);
        return c->rc < 0 ? err_sys(err, c->rc, "comparing") : 0;
}

int compare_packages(const struct compare_side *before, const struct compare_side *after,
                     struct compare *ret, struct err *err)
{
        size_t n = before->api->schemas.n;
        struct comparer c = { .a = before, .b = after, .ret = ret };
        struct err own = { 0 };
        int r;

        err = err ? err : &own; /* what is wrapped needs one */

        *ret = (struct compare){ .arena = ARENA_INIT(COMPARE_MEMORY_MAX) };
        c.partner = calloc(n + 1, sizeof *c.partner);
        c.uses = calloc(n + 1, sizeof *c.uses);
        r = c.partner && c.uses ? compare_all(&c, err) : err_sys(err, -ENOMEM, "comparing");
        free(c.partner);
        free(c.uses);
        free(c.seen);
        if (r < 0)
                compare_done(ret);
        return r;
}

void compare_done(struct compare *c)
{
        arena_done(&c->arena);
        *c = (struct compare){ .arena = ARENA_INIT(COMPARE_MEMORY_MAX) };
}
