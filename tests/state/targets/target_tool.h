/* SPDX-License-Identifier: Apache-2.0 */
/* target_tool.h - answers that are none: the reader of a target's table must fail as a whole. */
#ifndef TESTS_STATE_TARGET_TOOL_H
#define TESTS_STATE_TARGET_TOOL_H

#include "../table_tool.h"

struct failing_case {
        const char *name;
        struct table_part part[TABLE_PARTS];
        const char *says; /* in the reason */
};

static int target_drop(void *ctx, struct span fact)
{
        (void)ctx;
        (void)fact;
        return 0;
}

static void target_fails(const struct state_table *t, const struct failing_case *c)
{
        struct buf bundle = BUF_INIT(BUNDLE_MAX);
        struct state_out out;
        struct state_in in;
        struct err err = { 0 };

        table_put_parts(c->part, &bundle);
        assert_int_equal(bundle_open(buf_span(&bundle), &in, &err), 0);
        state_out_init(&out, t, target_drop, NULL);
        if (t->read(&in, &out, &err) >= 0 || !strstr(err_text(&err), c->says))
                fail_msg("%s: %s", c->name, err_text(&err));
        state_out_done(&out);
        buf_done(&bundle);
}

#define TARGET_FAILS_ALL(table, cases)                                                             \
        do {                                                                                       \
                for (size_t i_ = 0; i_ < ARRAY_LEN(cases); i_++)                                   \
                        target_fails(table, &(cases)[i_]);                                         \
        } while (0)

#endif
