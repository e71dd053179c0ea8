/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state.c - assay state: the tables that the monitor keeps of this host. */
#include "command/commands.h"
#include "command/state/state_view.h"

enum { MINUTE_S = 60, HOUR_S = 3600 };

/* ---- list ---- */

/* Since the last look: how old the rows may be. */
static int64_t age_s(const struct invocation *in, const struct state_listed *l)
{
        return MAX_OF((clock_wall(in->clock) - l->read_ns) / NS_PER_S, (int64_t)0);
}

static void put_age(int64_t s, struct buf *out)
{
        if (s < 2 * MINUTE_S)
                buf_printf(out, "%lld s", (long long)s);
        else if (s < 2 * HOUR_S)
                buf_printf(out, "%lld min", (long long)s / MINUTE_S);
        else
                buf_printf(out, "%lld h", (long long)s / HOUR_S);
}

static void put_listed(const struct invocation *in, const struct state_listed *l,
                       struct json_writer *w)
{
        json_begin_object(w);
        json_member_text(w, "about", l->table ? l->table->about : "");
        if (l->read_ns)
                json_member_int(w, "age_s", age_s(in, l));
        if (l->stored)
                json_member_time(w, "changed", l->head.changed_ns);
        if (l->every_s)
                json_member_u64(w, "every_s", l->every_s);
        json_member_u64(w, "faults", l->stored ? l->head.faults : 0);
        command_put_json_text(w, "problem", l->problem);
        if (l->read_ns)
                json_member_time(w, "read", l->read_ns);
        json_member_u64(w, "rows", l->rows);
        command_put_json_text(w, "table", l->name);
        if (l->read_ns)
                json_member_u64(w, "took_ms", l->took_ms);
        json_end_object(w);
}

static void put_json(const struct invocation *in, const struct state_list *list, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_bool(&w, "monitor_runs", list->lives);
        json_put_key(&w, "tables");
        json_begin_array(&w);
        for (size_t i = 0; i < list->n; i++)
                put_listed(in, &list->at[i], &w);
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_row(const struct invocation *in, const struct state_listed *l, struct table *t)
{
        struct buf b = BUF_INIT(256);

        table_put(t, STYLE_NAME, l->name);
        if (l->stored)
                screen_put_count(&b, l->rows);
        table_put_safe(t, STYLE_NONE, l->stored ? buf_cstr(&b) : "-");
        buf_clear(&b);
        if (l->stored)
                screen_put_time(&in->out, &b, l->head.changed_ns);
        table_put_safe(t, STYLE_DIM, l->stored ? buf_cstr(&b) : "-");
        buf_clear(&b);
        if (l->read_ns)
                put_age(age_s(in, l), &b);
        table_put_safe(t, STYLE_DIM, l->read_ns ? buf_cstr(&b) : "-");
        if (l->problem[0])
                table_put(t, STYLE_WARN, l->problem);
        else
                table_put(t, STYLE_NONE, l->table ? l->table->about : "");
        buf_done(&b);
}

static void put_text(const struct invocation *in, const struct state_list *list, struct buf *out)
{
        struct table *t = malloc(sizeof(*t));

        if (!t)
                return;
        table_init(t, 5);
        table_put(t, STYLE_BOLD, "table");
        table_put(t, STYLE_BOLD, "rows");
        table_put(t, STYLE_BOLD, "last change");
        table_put(t, STYLE_BOLD, "age");
        table_put(t, STYLE_BOLD, "what, or what is wrong");
        for (size_t i = 0; i < list->n; i++)
                put_row(in, &list->at[i], t);
        table_print(t, &in->out, 0, out);
        table_done(t);
        free(t);
        if (!list->lives)
                buf_put_str(out, "\nThe monitor does not run: this is what it last kept.\n");
}

static enum status run_list(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct state_list *list = calloc(1, sizeof(*list));
        enum status status = STATUS_GOOD;
        struct err err = { 0 };
        int rc = list ? state_list_read(in, list, &err) : err_set(&err, -ENOMEM, "out of memory");

        if (rc < 0) {
                free(list);
                return complain_err(in, &err);
        }
        if (in->json)
                put_json(in, list, &out);
        else
                put_text(in, list, &out);
        for (size_t i = 0; i < list->n; i++)
                if (list->at[i].problem[0])
                        status = STATUS_PROBLEM;
        free(list);
        return command_print(in, &out, status);
}

static const struct command state_list_command = {
        .name = "list",
        .operands = "",
        .about = "the tables there are, and how they fare",
        .help = "Exit status 1 when one of them, or a part of one, cannot be read.",
        .run = run_list,
};

/* ---- show ---- */

static enum status run_show(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        const struct state_table *t = state_view_table(in->operands[0]);
        struct stored_head head;
        struct rows rows;
        struct err err = { 0 };
        enum status status;

        if (!t)
                return complain(in, STATUS_USAGE,
                                "there is no table \"%s\": assay state list names them",
                                in->operands[0]);
        rows_init(&rows);
        if (state_view_read(in, in->operands[0], t, &head, &rows, &err) < 0) {
                status = complain_err(in, &err);
        } else {
                if (in->json)
                        state_view_put_json(in->operands[0], t, &head, &rows, &out);
                else
                        state_view_put(&in->out, t, &rows, &out);
                status = command_print(in, &out, STATUS_GOOD);
        }
        rows_done(&rows);
        return status;
}

static const struct command state_show_command = {
        .name = "show",
        .operands = "TABLE",
        .about = "the rows of one table, as they were last read",
        .help = "On a terminal each line ends where the screen does; in a pipe fields have a tab\n"
                "between them and nothing is cut.  Tables of people can be read by root alone.",
        .min_operands = 1,
        .max_operands = 1,
        .run = run_show,
};

/* ---- columns ---- */

static enum status run_columns(struct invocation *in)
{
        static const char *const types[] = { [STATE_TEXT] = "text",
                                             [STATE_INT] = "integer",
                                             [STATE_BOOL] = "true or false",
                                             [STATE_TIME] = "time",
                                             [STATE_LIST] = "list" };
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        const struct state_table *s = state_view_table(in->operands[0]);
        struct table *t;

        if (!s)
                return complain(in, STATUS_USAGE,
                                "there is no table \"%s\": assay state list names them",
                                in->operands[0]);
        t = malloc(sizeof(*t));
        if (!t)
                return complain(in, STATUS_UNSURE, "out of memory");
        if (in->json) {
                state_view_put_columns(s, types, &out);
        } else {
                table_init(t, 3);
                for (size_t i = 0; i < s->n_columns; i++) {
                        const struct state_column *c = &s->columns[i];

                        table_put(t, c->flags & STATE_KEY ? STYLE_BOLD : STYLE_NONE, c->name);
                        table_put(t, STYLE_DIM, types[c->type]);
                        table_putf(t, STYLE_NONE, "%s%s", c->about,
                                   c->flags & STATE_KEY     ? " (names the row)"
                                   : c->flags & STATE_LOOSE ? " (its changes are not told)"
                                                            : "");
                }
                table_print(t, &in->out, 0, &out);
                table_done(t);
        }
        free(t);
        return command_print(in, &out, STATUS_GOOD);
}

static const struct command state_columns_command = {
        .name = "columns",
        .operands = "TABLE",
        .about = "what the columns of a table mean",
        .min_operands = 1,
        .max_operands = 1,
        .run = run_columns,
};

static const struct command *const state_commands[] = {
        &state_list_command,  &state_show_command,    &state_columns_command,
        &command_state_check, &command_state_default, NULL
};

const struct command command_state = {
        .name = "state",
        .operands = "[OPTION]... [TABLE]",
        .about = "accounts, packages, services, ports and the rest of this host's state",
        .sub = state_commands,
        .usual = &state_list_command,
};
