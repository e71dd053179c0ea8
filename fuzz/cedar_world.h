/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_world.h - the entities and the request that fuzzed policies are evaluated on. */
#ifndef FUZZ_CEDAR_WORLD_H
#define FUZZ_CEDAR_WORLD_H

#include "policy/data.h"
#include "policy/parse.h"
#include "policy/program.h"

struct cedar_world {
        struct arena arena;
        struct cedar_entities *entities;
        struct cedar_request request;
};

#define UID(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"

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
