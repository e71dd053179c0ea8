/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_schema.h - what is asked of a value and a schema. */
#ifndef FUZZ_FUZZ_SCHEMA_H
#define FUZZ_FUZZ_SCHEMA_H

#include "fuzz.h"
#include "package/schema/schema.h"

static inline int fuzz_read(struct span text, struct arena *arena, struct tree *ret)
{
        return tree_read_real(text, TREE_DEPTH_MAX, arena, ret, NULL);
}

static inline void fuzz_check_twice(const struct api_checker *c, const struct tree *v,
                                    struct arena *arena)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT((size_t)1 << 26);
        struct err err = { 0 };
        int rc = api_schema_check(c, 0, v, "body", &err);
        struct tree again;

        assert(rc == 0 || rc == -EINVAL || rc == -E2BIG);
        assert(rc == 0 || (err.code == rc && span_starts(span_str(err.text), SPAN("body"))));
        fuzz_check_text(span_str(err.text));
        tree_print(v, &text);
        assert(fuzz_read(buf_span(&text), arena, &again) == 0);
        assert(api_schema_check(c, 0, &again, "body", NULL) == rc);
}

#endif
