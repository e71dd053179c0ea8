/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses a table, its source's bytes follow: with a NUL between where it has
 * several.  Of a table that takes lists of files these are the items, each with two files.  Of a
 * target: its settings, a NUL and the answer. */
#include "state/bundle.h"
#include "state/fields.h"
#include "state/row.h"
#include "state/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(void *ctx, struct span fact)
{
        struct json_value row;

        assert(json_check(fact, NULL) == 0);
        assert(!json_get(json_value_of(fact), "row", &row) || state_row_check(ctx, row, NULL) == 0);
        return 0;
}

static void put_items(struct span rest, struct buf *bundle)
{
        struct state_part file = { .name = SPAN("/x"), .mode = 0100644 };
        struct span item;

        while (field_cut(&rest, 0, &item)) {
                bundle_put(bundle,
                           &(struct state_part){ .name = SPAN("state.yaml"), .bytes = item });
                for (size_t i = 0; i < 2 && item.n >= sizeof file.mtime_ns; i++) {
                        memcpy(&file.mtime_ns, item.p + item.n - sizeof file.mtime_ns + i, 4);
                        bundle_put(bundle, &file);
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const of_target[] = { STATE_GIVEN_NAME, "program" };
        struct span rest = span_of(data, size), bytes;
        struct buf bundle = BUF_INIT(1 << 20);
        const struct state_table *t;
        struct state_out out;
        struct state_in in;
        size_t n = 0;

        while (state_tables[n])
                n++;
        assert(n > 0);
        if (size == 0)
                return 0;
        t = state_tables[data[0] % n];
        rest = span_from(rest, 1);
        bundle_begin(&bundle);
        if (t->flags & STATE_TAKES_FILES)
                put_items(rest, &bundle);
        for (size_t i = 0; i < t->n_sources && field_cut(&rest, 0, &bytes); i++)
                bundle_put(&bundle, &(struct state_part){ .name = span_str(t->sources[i].where),
                                                          .mode = 0100644,
                                                          .bytes = bytes });
        for (size_t i = 0; t->n_settings && i < ARRAY_LEN(of_target) && field_cut(&rest, 0, &bytes);
             i++)
                bundle_put(&bundle,
                           &(struct state_part){ .name = span_str(of_target[i]), .bytes = bytes });
        assert(bundle_open(buf_span(&bundle), &in, NULL) == 0);
        state_out_init(&out, t, check, (void *)(uintptr_t)t);
        (void)!t->read(&in, &out, NULL);
        state_out_done(&out);
        buf_done(&bundle);
        return 0;
}
