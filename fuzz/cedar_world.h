/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_world.h - the entities and the request that fuzzed policies are evaluated on. */
#ifndef FUZZ_CEDAR_WORLD_H
#define FUZZ_CEDAR_WORLD_H

#include "policy/entities/data.h"
#include "policy/entities/extra.h"
#include "policy/evaluate/program.h"
#include "policy/parse/parse.h"

struct cedar_world {
        struct arena arena;
        struct cedar_entities *entities;
        struct cedar_request request;
        struct cedar_entities *rest; /* without the principal and the resource, */
        struct cedar_request with;   /* which this request has itself */
};

#define UID(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"

static inline void cedar_world_part(struct cedar_world *w)
{
        static struct cedar_entity extra[2];

        w->with = w->request;
        w->with.extra = extra;
        assert(cedar_entities_new(&w->rest) == 0);
        for (uint32_t i = 0; i < cedar_entities_count(w->entities); i++) {
                const struct cedar_entity *e = cedar_entities_at(w->entities, i);

                if (cedar_uid_eq(&e->uid, &w->request.principal) ||
                    cedar_uid_eq(&e->uid, &w->request.resource))
                        extra[w->with.n_extra++] = *e;
                else
                        assert(cedar_entities_add(w->rest, e, NULL) == 0);
        }
        assert(w->with.n_extra == ARRAY_LEN(extra));
        assert(cedar_entities_seal(w->rest, NULL) == 0);
        assert(cedar_extra_complete(w->rest, extra, ARRAY_LEN(extra), &w->arena, NULL) == 0);
}

/* Made once, kept. */
static inline const struct cedar_world *cedar_world(void)
{
        static const char entities[] = "[{\"uid\":" UID("U", "a") ",\"parents\":[" UID(
                "G",
                "g") "],\"attrs\":{\"n\":1,"
                     "\"s\":\"x\",\"t\":true,\"u\":{\"__entity\":" UID(
                             "U",
                             "b") "},\"l\":[1,2],"
                                  "\"r\":{\"a\":{\"b\":1}}},\"tags\":{\"k\":\"v\"}},"
                                  "{\"uid\":" UID(
                                          "U",
                                          "b") ",\"parents\":[],\"attrs\":{\"n\":2}},"
                                               "{\"uid\":" UID("G", "g") ",\"parents\":[" UID(
                                                       "G",
                                                       "h") "],\"attrs\":{}},"
                                                            "{\"uid\":" UID("A", "x") ",\"parents\":[" UID(
                                                                    "A", "y") "],\"attrs\":{}}]";
        static const char context[] = "{\"n\":7,\"s\":\"abc\",\"t\":false,\"u\":{\"__entity\":" UID(
                "U",
                "gone") "},"
                        "\"l\":[\"a\",\"b\"],\"r\":{\"a\":{\"b\":2}},\"big\":9223372036854775807,"
                        "\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.1\"}},"
                        "\"d\":{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2024-10-15\"}}}";
        static struct cedar_world w;

        if (w.entities)
                return &w;
        w.arena = ARENA_INIT(1 << 20);
        w.request.principal = cedar_uid(SPAN("U"), SPAN("a"));
        w.request.action = cedar_uid(SPAN("A"), SPAN("x"));
        w.request.resource = cedar_uid(SPAN("G"), SPAN("g"));
        assert(cedar_entities_new(&w.entities) == 0);
        assert(cedar_entities_read(SPAN(entities), NULL, w.entities, NULL) == 0);
        assert(cedar_entities_seal(w.entities, NULL) == 0);
        assert(cedar_context_read_trusted(SPAN(context), &w.arena, &w.request.context, NULL) == 0);
        cedar_world_part(&w);
        return &w;
}

static inline void cedar_world_same(const struct cedar_answer *a, const struct cedar_answer *b)
{
        assert(a->decision == b->decision && a->n_reasons == b->n_reasons &&
               a->n_faults == b->n_faults);
        for (uint32_t i = 0; i < a->n_reasons; i++)
                assert(a->reasons[i] == b->reasons[i]);
        for (uint32_t i = 0; i < a->n_faults; i++)
                assert(a->faults[i].policy == b->faults[i].policy &&
                       a->faults[i].fault == b->faults[i].fault &&
                       a->faults[i].expr == b->faults[i].expr);
}

/* The same where entities come with the request. */
static inline void cedar_world_with_extra(const struct cedar_world *w,
                                          const struct cedar_program *program,
                                          struct cedar_bench *bench, const struct cedar_answer *a)
{
        struct cedar_answer b;

        cedar_decide(program, w->rest, &w->with, bench, &b);
        cedar_world_same(a, &b);
}

/* Each policy decides by itself as it does among the others, as far as it can be seen. */
static inline void cedar_world_by_policy(const struct cedar_world *w,
                                         const struct cedar_policies *policies,
                                         const struct cedar_answer *a)
{
        uint32_t reasons = 0, faults = 0;

        for (uint32_t i = 0; i < policies->n && i < 64; i++) {
                struct cedar_policies alone = { .policies = &policies->policies[i], .n = 1 };
                CLEANUP(cedar_program_freep) struct cedar_program *program = NULL;
                CLEANUP(cedar_bench_freep) struct cedar_bench *bench = NULL;
                struct cedar_answer b;

                assert(cedar_program_new(&alone, &program, NULL) == 0);
                assert(cedar_bench_new(program, &bench) == 0);
                cedar_decide(program, w->entities, &w->request, bench, &b);
                if (b.n_reasons > 0 && reasons < a->n_reasons)
                        reasons += a->reasons[reasons] == b.reasons[0];
                assert(b.n_faults == 0 ||
                       (faults < a->n_faults && a->faults[faults].policy == b.faults[0].policy));
                faults += b.n_faults;
        }
        assert(policies->n > 64 || (reasons == a->n_reasons && faults == a->n_faults));
}

#endif
