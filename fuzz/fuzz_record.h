/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record.h - any call that others' words can make, and its entries. */
#ifndef FUZZ_FUZZ_RECORD_H
#define FUZZ_FUZZ_RECORD_H

#include "../tests/gateway/record/record_world.h"
#include "fuzz.h"
#include "package/call/call.h"

enum { FUZZ_RECORD_VALUES = 512 };

static inline void fuzz_record_value(uint8_t of, struct span text, struct tree *ret)
{
        *ret = (struct tree){ .kind = (enum tree_kind)(of % TREE_ARRAY) };
        if (ret->kind == TREE_NUMBER)
                ret->number = (int64_t)of << (of % 60);
        else if (ret->kind == TREE_REAL)
                ret->text = SPAN("-1.5e7");
        else if (ret->kind == TREE_STRING)
                ret->text = text;
        else
                ret->boolean = of & 1;
}

/* Policies ask for the values, as members of the body, and for a claim that is the group's name. */
static inline void fuzz_record_asked(struct record_world *w, const struct tree *values, uint32_t n)
{
        enum { MEMBERS = 8 };
        static struct asked_place parts[MEMBERS], body;
        static struct tree_member members[MEMBERS];
        static struct asked asked = { .n = 1, .tls_client = true };
        static struct api_asked all = { .of = &asked, .n = 1 };
        static const struct span claim = SPAN_INIT("branch");
        static struct tree tree;
        static struct call call;

        n = MIN_OF(n, (uint32_t)MEMBERS);
        for (uint32_t i = 0; i < MEMBERS; i++) {
                static const char names[] = "\"a\"\"b\"\"c\"\"d\"\"e\"\"f\"\"g\"\"h\"";

                parts[i] = (struct asked_place){ span_of(names + 3 * i + 1, 1),
                                                 span_of(names + 3 * i, 3), NULL, 0, API_NONE };
                if (i < n)
                        members[i] = (struct tree_member){ parts[i].name, values[i] };
        }
        body = (struct asked_place){ SPAN("body"), SPAN("\"body\""), parts, MEMBERS, API_NONE };
        tree = (struct tree){ .kind = TREE_OBJECT, .n = n, .members = members };
        call = (struct call){ .operation = &w->operation,
                              .body = n % 3 ? &tree : NULL,
                              .tls_client = w->group };
        asked.places = &body;
        w->package.asked = &all;
        w->api.operations = &w->operation;
        w->identity.claims = &claim;
        w->identity.n_claims = 1;
        w->credential.proof.claims = &w->group;
        w->call.call = &call;
}

/* A line for each name; behind them values, a line each: class, kind, text. */
static inline void fuzz_record_call(struct record_world *w, struct span rest)
{
        static struct mask_value values[FUZZ_RECORD_VALUES];
        static struct tree trees[FUZZ_RECORD_VALUES];
        struct span *const names[] = { &w->package.config.name,
                                       &w->package.file.version,
                                       &w->operation.id,
                                       &w->classes[0],
                                       &w->policy[0].id,
                                       &w->annotation.value,
                                       &w->group,
                                       &w->credential.scheme,
                                       &w->credential.proof.id,
                                       &w->raw.tls_version,
                                       &w->raw.address_text,
                                       &w->raw.method,
                                       &w->call.object_type,
                                       &w->call.object_id };
        struct span line;
        uint32_t n = 0;

        for (size_t i = 0; i < ARRAY_LEN(names) && fuzz_cut_line(&rest, &line); i++)
                *names[i] = line;
        for (; n < FUZZ_RECORD_VALUES && fuzz_cut_line(&rest, &line); n++) {
                uint8_t of = line.n ? line.p[0] : 0;

                fuzz_record_value(of >> 3, span_from(line, 1), &trees[n]);
                values[n] = (struct mask_value){ of % WORLD_CLASSES, (enum mask_answer)(of / 7 % 3),
                                                 &trees[n] };
        }
        w->found = (struct mask_found){ .counts = w->counts, .values = values, .n_values = n };
        w->call.writes = &w->found;
        w->answer.found = w->found;
        w->decision.faults = &w->fault;
        w->decision.n_faults = n % 2;
        fuzz_record_asked(w, trees, n);
}

/* rc of what made them; each is one that the recorder takes. */
static inline void fuzz_record_check(int rc, const struct records *made)
{
        struct err err = { 0 };

        assert(rc == 0);
        for (uint32_t i = 0; i < made->n; i++) {
                const char *refused = record_world_refused(&made->at[i], &err);

                assert(!refused);
        }
}

#endif
