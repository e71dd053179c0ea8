/* SPDX-License-Identifier: Apache-2.0 */
#include "cedar_partial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any policies: nothing hidden decides as ever; what is sure with some of it hidden holds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *policies = NULL;
        CLEANUP(cedar_program_freep) struct cedar_program *program = NULL;
        CLEANUP(cedar_bench_freep) struct cedar_bench *bench = NULL;
        struct cedar_answer a;

        if (cedar_parse(span_of(data, size), &policies, NULL))
                return 0;
        assert(cedar_program_new(policies, &program, NULL) == 0);
        assert(cedar_bench_new(program, &bench) == 0);
        cedar_decide(program, cedar_world()->entities, &cedar_world()->request, bench, &a);
        cedar_partial_holds(policies, &a);
        return 0;
}
