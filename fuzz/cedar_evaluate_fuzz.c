/* SPDX-License-Identifier: Apache-2.0 */
#include "cedar_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any policies: the same answer twice, by each policy alone, and with entities in the request. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *policies = NULL;
        CLEANUP(cedar_program_freep) struct cedar_program *program = NULL;
        CLEANUP(cedar_bench_freep) struct cedar_bench *one = NULL, *other = NULL;
        const struct cedar_world *w = cedar_world();
        struct cedar_answer a, b;

        if (cedar_parse(span_of(data, size), &policies, NULL))
                return 0;
        assert(cedar_program_new(policies, &program, NULL) == 0);
        assert(cedar_bench_new(program, &one) == 0 && cedar_bench_new(program, &other) == 0);
        cedar_decide(program, w->entities, &w->request, other, &b);
        cedar_decide(program, w->entities, &w->request, one, &a);
        cedar_world_same(&a, &b);
        cedar_world_by_policy(w, policies, &a);
        cedar_world_with_extra(w, program, other, &a);
        return 0;
}
