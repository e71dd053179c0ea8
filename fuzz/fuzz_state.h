/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_state.h - for targets that read tables: a bundle is made of the input, a NUL between parts,
 * and what its table tells of it are rows of it. */
#ifndef FUZZ_FUZZ_STATE_H
#define FUZZ_FUZZ_STATE_H

#include "fuzz.h"
#include "state/reading/bundle.h"
#include "state/reading/fields.h"
#include "state/reading/settings.h"
#include "state/rows/row.h"

/* The table that the first byte chooses; NULL: there is none. */
static inline const struct state_table *fuzz_table(struct span *rest)
{
        size_t n = 0, at = rest->n ? rest->p[0] : 0;

        while (state_tables[n])
                n++;
        assert(n > 0);
        if (rest->n == 0)
                return NULL;
        *rest = span_from(*rest, 1);
        return state_tables[at % n];
}

/* The next of the input as a part; false: there is no more. */
static inline bool fuzz_put_part(struct buf *bundle, const char *name, uint32_t mode,
                                 struct span *rest)
{
        struct state_part part = { .name = span_str(name), .mode = mode };

        if (!field_cut(rest, 0, &part.bytes))
                return false;
        bundle_put(bundle, &part);
        return true;
}

/* All of the input as items of state.yaml, each with two files whose times are its last bytes. */
static inline void fuzz_put_items(struct buf *bundle, struct span rest)
{
        struct state_part item = { .name = SPAN(STATE_GIVEN_NAME) },
                          file = { .name = SPAN("/x"), .mode = 0100644 };

        while (field_cut(&rest, 0, &item.bytes)) {
                struct span s = item.bytes;

                bundle_put(bundle, &item);
                for (size_t i = 0; i < 2 && s.n >= sizeof file.mtime_ns; i++) {
                        memcpy(&file.mtime_ns, s.p + s.n - sizeof file.mtime_ns + i, 4);
                        bundle_put(bundle, &file);
                }
        }
}

static inline int fuzz_check_row(void *ctx, struct span fact)
{
        struct json_value row;

        assert(json_check(fact, NULL) == 0);
        assert(!json_get(json_value_of(fact), "row", &row) || state_row_check(ctx, row, NULL) == 0);
        return 0;
}

/* As the reader says. */
static inline int fuzz_read_table(const struct state_table *t, struct span bundle)
{
        struct state_out out;
        struct state_in in;
        int rc;

        assert(bundle_open(bundle, &in, NULL) == 0);
        state_out_init(&out, t, fuzz_check_row, (void *)(uintptr_t)t);
        rc = t->read(&in, &out, NULL);
        state_out_done(&out);
        return rc;
}

#endif
