/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record.h - any call that others' words can make, and its entries. */
#ifndef FUZZ_FUZZ_RECORD_H
#define FUZZ_FUZZ_RECORD_H

#include "../tests/gateway/record_world.h"
#include "fuzz.h"

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
}

/* rc of what made them; each is one that the recorder takes. */
static inline void fuzz_record_check(int rc, const struct records *made)
{
        struct err err = { 0 };

        assert(rc == 0);
        for (uint32_t i = 0; i < made->n; i++)
                assert(!record_world_refused(&made->at[i], &err));
}

#endif
