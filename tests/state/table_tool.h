/* SPDX-License-Identifier: Apache-2.0 */
/* table_tool.h - a table's reader fed with parts, and what it told compared with what it should. */
#ifndef TESTS_STATE_TABLE_TOOL_H
#define TESTS_STATE_TABLE_TOOL_H

#include "state/reading/bundle.h"
#include "state/rows/row.h"
#include "state/state.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { TABLE_PARTS = 32 };

struct table_part {
        const char *name;
        const char *bytes; /* NULL: none */
        uint32_t status, mode, uid, gid;
        int64_t mtime_ns;
        size_t n;    /* of bytes; 0: to its end */
        size_t size; /* of the file; 0: that of bytes */
};

/* A file of this content. */
#define PART(name_, bytes_)                                                                        \
        {                                                                                          \
                .name = (name_), .bytes = (bytes_)                                                 \
        }

struct table_case {
        const char *name;
        struct table_part part[TABLE_PARTS]; /* ends with a NULL name */
        const char *rows;                    /* as they are told, each with a newline */
        const char *faults; /* "name:line: text", each with a newline; NULL: none */
};

struct table_told {
        const struct state_table *table;
        struct buf rows, faults;
};

static int table_take(void *ctx, struct span fact)
{
        struct table_told *t = ctx;
        struct json_value v, o = json_value_of(fact);
        struct err err = { 0 };

        assert_int_equal(json_check(fact, &err), 0);
        if (json_get(o, "row", &v)) {
                assert_int_equal(state_row_check(t->table, v, &err), 0);
                buf_put(&t->rows, v.raw);
                buf_put_byte(&t->rows, '\n');
                return 0;
        }
        assert_true(json_get(o, "name", &v) && json_value_text(v, &t->faults));
        assert_true(json_get(o, "line", &v));
        buf_put_byte(&t->faults, ':');
        buf_put(&t->faults, v.raw);
        buf_put_str(&t->faults, ": ");
        assert_true(json_get(o, "fault", &v) && json_value_text(v, &t->faults));
        buf_put_byte(&t->faults, '\n');
        return 0;
}

static void table_put_parts(const struct table_part *p, struct buf *out)
{
        bundle_begin(out);
        for (; p->name; p++) {
                struct state_part part = { .status = p->status,
                                           .mode = p->mode ? p->mode : 0100644,
                                           .uid = p->uid,
                                           .gid = p->gid,
                                           .mtime_ns = p->mtime_ns,
                                           .name = span_str(p->name) };

                if (p->bytes)
                        part.bytes = p->n ? span_of(p->bytes, p->n) : span_str(p->bytes);
                part.size = p->size ? p->size : part.bytes.n;
                bundle_put(out, &part);
        }
}

static UNUSED void table_check(const struct state_table *t, const struct table_case *c)
{
        struct table_told told = { .table = t,
                                   .rows = BUF_INIT(1 << 24),
                                   .faults = BUF_INIT(1 << 20) };
        struct buf bundle = BUF_INIT(BUNDLE_MAX);
        struct state_out out;
        struct state_in in;
        struct err err = { 0 };

        table_put_parts(c->part, &bundle);
        assert_int_equal(bundle_open(buf_span(&bundle), &in, &err), 0);
        state_out_init(&out, t, table_take, &told);
        if (t->read(&in, &out, &err) != 0)
                fail_msg("%s: %s", c->name, err_text(&err));
        assert_int_equal(out.failed, 0);
        state_out_done(&out);
        if (strcmp(buf_cstr(&told.rows), c->rows) != 0)
                fail_msg("%s: rows are\n%s", c->name, buf_cstr(&told.rows));
        if (strcmp(buf_cstr(&told.faults), c->faults ? c->faults : "") != 0)
                fail_msg("%s: faults are\n%s", c->name, buf_cstr(&told.faults));
        buf_done(&told.rows);
        buf_done(&told.faults);
        buf_done(&bundle);
}

static int table_ignore(void *ctx, struct span fact)
{
        (void)ctx;
        (void)fact;
        return 0;
}

/* Is it a table that is compared, for all that could not be read of the parts? */
static UNUSED bool table_sees(const struct state_table *t, const struct table_part *parts)
{
        struct buf bundle = BUF_INIT(BUNDLE_MAX);
        struct state_out out;
        struct state_in in;
        struct err err = { 0 };
        bool sees;

        table_put_parts(parts, &bundle);
        assert_int_equal(bundle_open(buf_span(&bundle), &in, &err), 0);
        state_out_init(&out, t, table_ignore, NULL);
        assert_int_equal(t->read(&in, &out, &err), 0);
        sees = out.missing[0] == 0;
        state_out_done(&out);
        buf_done(&bundle);
        return sees;
}

#define TABLE_CHECK_ALL(table, cases)                                                              \
        do {                                                                                       \
                for (size_t i_ = 0; i_ < ARRAY_LEN(cases); i_++)                                   \
                        table_check(table, &(cases)[i_]);                                          \
        } while (0)

#endif
