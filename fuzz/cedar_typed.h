/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_typed.h - a schema, and entities and requests that it allows, for fuzzed policies. */
#ifndef FUZZ_CEDAR_TYPED_H
#define FUZZ_CEDAR_TYPED_H

#include "policy/entities/data.h"
#include "policy/evaluate/program.h"

struct cedar_typed {
        struct cedar_schema *schema;
        struct cedar_entities *entities;
        struct arena arena;
        struct cedar_request request[2];
};

/* What is optional is there in the first request and its entities, and absent in the second. */
static const char cedar_typed_schema[] =
        "entity G; entity L enum [\"a\", \"b\"]; entity D in [D] { u: U, o?: { a: Long } };"
        "entity U in [G] { s: String, n?: Long, t: Bool, r: { x: Long, y?: { z?: Bool } }, u?: U,"
        "  l: Set<Long>, us: Set<U>, e: L, ip?: ipaddr, d: datetime } tags String;"
        "action g; action v in [g] appliesTo { principal: [U], resource: [D], context:"
        "  { n: Long, o?: String, s: Set<String>, us: Set<U>, d: datetime, p: duration,"
        "    m: decimal, ip: ipaddr } };";
static const char cedar_typed_entities[] =
        "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],"
        "\"attrs\":{\"s\":\"x\",\"n\":1,\"t\":true,\"r\":{\"x\":1,\"y\":{\"z\":true}},"
        "\"u\":{\"type\":\"U\",\"id\":\"b\"},\"l\":[1],\"us\":[{\"type\":\"U\",\"id\":\"b\"}],"
        "\"e\":{\"type\":\"L\",\"id\":\"a\"},\"ip\":\"10.0.0.1\",\"d\":\"2024-10-15\"},"
        "\"tags\":{\"k\":\"v\"}},"
        "{\"uid\":{\"type\":\"U\",\"id\":\"b\"},\"parents\":[],\"attrs\":{\"s\":\"y\",\"t\":false,"
        "\"r\":{\"x\":2},\"l\":[],\"us\":[],\"e\":{\"type\":\"L\",\"id\":\"b\"},"
        "\"d\":\"1970-01-01\"}},"
        "{\"uid\":{\"type\":\"G\",\"id\":\"g\"},\"parents\":[],\"attrs\":{}},"
        "{\"uid\":{\"type\":\"D\",\"id\":\"a\"},\"parents\":[{\"type\":\"D\",\"id\":\"b\"}],"
        "\"attrs\":{\"u\":{\"type\":\"U\",\"id\":\"a\"},\"o\":{\"a\":1}}},"
        "{\"uid\":{\"type\":\"D\",\"id\":\"b\"},\"parents\":[],"
        "\"attrs\":{\"u\":{\"type\":\"U\",\"id\":\"b\"}}}]";
static const char *const cedar_typed_context[] = {
        "{\"n\":7,\"o\":\"o\",\"s\":[\"a\"],\"us\":[{\"type\":\"U\",\"id\":\"a\"}],"
        "\"d\":\"2024-10-15\",\"p\":\"1h\",\"m\":\"1.5\",\"ip\":\"::1\"}",
        "{\"n\":0,\"s\":[],\"us\":[],\"d\":\"1970-01-01\",\"p\":\"0ms\",\"m\":\"0.0\","
        "\"ip\":\"10.0.0.0/8\"}",
};

/* Made once, kept. */
static inline const struct cedar_typed *cedar_typed(void)
{
        static struct cedar_typed w;

        if (w.schema)
                return &w;
        w.arena = ARENA_INIT(1 << 20);
        assert(cedar_schema_parse(SPAN(cedar_typed_schema), &w.schema, NULL) == 0);
        assert(cedar_entities_new(&w.entities) == 0);
        assert(cedar_entities_read(SPAN(cedar_typed_entities), w.schema, w.entities, NULL) == 0);
        assert(cedar_entities_seal(w.entities, NULL) == 0);
        for (int i = 0; i < 2; i++) {
                struct cedar_request *r = &w.request[i];

                r->principal = cedar_uid(SPAN("U"), i ? SPAN("b") : SPAN("a"));
                r->resource = cedar_uid(SPAN("D"), i ? SPAN("b") : SPAN("a"));
                r->action = cedar_uid(SPAN("Action"), SPAN("v"));
                assert(cedar_context_read(span_str(cedar_typed_context[i]), w.schema, &r->action,
                                          &w.arena, &r->context, NULL) == 0);
                assert(cedar_schema_check_request(w.schema, r, NULL) == 0);
        }
        return &w;
}

/* What validated errs for nothing but overflow and entities that are not there. */
static inline void cedar_typed_sound(const struct cedar_typed *w, const struct cedar_policies *p)
{
        CLEANUP(cedar_program_freep) struct cedar_program *program = NULL;
        CLEANUP(cedar_bench_freep) struct cedar_bench *bench = NULL;
        struct cedar_answer a;

        assert(cedar_program_new(p, &program, NULL) == 0 && cedar_bench_new(program, &bench) == 0);
        for (int i = 0; i < 2; i++) {
                cedar_decide(program, w->entities, &w->request[i], bench, &a);
                for (uint32_t k = 0; k < a.n_faults; k++)
                        assert(a.faults[k].fault == FAULT_OVERFLOW ||
                               a.faults[k].fault == FAULT_NO_ENTITY);
        }
}

#endif
