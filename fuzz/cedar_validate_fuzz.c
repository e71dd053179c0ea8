/* SPDX-License-Identifier: Apache-2.0 */
#include "cedar_typed.h"
#include "policy/parse/parse.h"
#include "policy/validate/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any policies against one schema: what validates does not err on what the schema allows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
        CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 28);
        const struct cedar_typed *w = cedar_typed();
        struct cedar_findings found;

        if (cedar_parse(span_of(data, size), &p, NULL) < 0 ||
            cedar_validate(p, w->schema, &arena, &found, NULL) < 0)
                return 0;
        for (uint32_t i = 0; i < found.n; i++)
                assert(found.list[i].policy >= p->policies && found.list[i].text[0]);
        if (found.n_errors == 0)
                cedar_typed_sound(w, p);
        return 0;
}
