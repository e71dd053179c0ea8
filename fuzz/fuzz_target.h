/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_target.h - a target that was read, written anew and read again, and routed. */
#ifndef FUZZ_FUZZ_TARGET_H
#define FUZZ_FUZZ_TARGET_H

#include "../tests/gateway/request/route_world.h"
#include "fuzz.h"

static inline void fuzz_target_check(const struct target *t)
{
        for (uint32_t i = 0; i < t->n_segments; i++) {
                struct span s = t->segments[i];

                fuzz_check_text(s);
                assert(s.n > 0 && !span_eq_str(s, ".") && !span_eq_str(s, ".."));
                for (size_t k = 0; k < s.n; k++)
                        assert(!memchr("/\\;%?#", s.p[k], 6));
        }
        for (uint32_t i = 0; i < t->n_pairs; i++) {
                assert(t->pairs[i].name.n > 0);
                assert(text_is_utf8(t->pairs[i].name, NULL));
                assert(text_is_utf8(t->pairs[i].value, NULL));
        }
}

/* It may be longer than a target may be. */
static inline void fuzz_target_again(const struct target *t, struct arena *arena)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(TARGET_MAX);
        struct refusal refusal;
        struct target again;

        for (uint32_t i = 0; i < t->n_segments; i++) {
                buf_put_byte(&out, '/');
                (i % 2 ? target_put_word : target_put_segment)(&out, t->segments[i]);
        }
        buf_put_str(&out, t->slash ? "/" : "");
        for (uint32_t i = 0; i < t->n_pairs; i++) {
                buf_put_byte(&out, i > 0 ? '&' : '?');
                target_put_query(&out, t->pairs[i].name);
                buf_put_byte(&out, '=');
                target_put_query(&out, t->pairs[i].value);
        }
        if (buf_status(&out) == -E2BIG)
                return;
        assert(target_read(buf_span(&out), arena, &again, &refusal) == 0);
        assert(again.n_segments == t->n_segments && again.slash == t->slash);
        assert(again.n_pairs == t->n_pairs);
        for (uint32_t i = 0; i < t->n_segments; i++)
                assert(span_eq(again.segments[i], t->segments[i]));
        for (uint32_t i = 0; i < t->n_pairs; i++)
                assert(span_eq(again.pairs[i].name, t->pairs[i].name) &&
                       span_eq(again.pairs[i].value, t->pairs[i].value));
}

/* The paths of a document, each in a line, the methods in turn: is the path the one that is meant?
 */
static inline void fuzz_target_route(struct span paths, const struct target *t)
{
        static struct world_api w;
        struct generation g = { .n = 1, .package = { &w.package } };
        CLEANUP(router_freep) struct router *r = NULL;
        struct span line;

        w.api.n_operations = 0;
        for (unsigned m = API_GET; fuzz_cut_line(&paths, &line); m++)
                (void)world_add(&w, (enum api_method)(m % API_METHODS), line);
        world_serve(&w, "a", "");
        assert(router_new(&g, &r, NULL) == 0);
        world_check(&w, r, t);
}

#endif
