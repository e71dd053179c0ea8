/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/row.h"

#include "base/text.h"
#include "state/reading/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FACT_MAX = 32 * 1024, FAULT_TEXT_MAX = 256, FAULT_NAME_MAX = 1024 };

/* ---- writing ---- */

void state_out_init(struct state_out *o, const struct state_table *t,
                    int (*send)(void *ctx, struct span fact), void *ctx)
{
        *o = (struct state_out){ .table = t, .send = send, .ctx = ctx, .fact = BUF_INIT(FACT_MAX) };
        assert(t->n_columns <= STATE_COLUMNS_MAX);
        for (size_t i = 0; i < t->n_columns; i++)
                o->value[i] = BUF_INIT(STATE_ROW_MAX);
}

void state_out_done(struct state_out *o)
{
        buf_done(&o->fact);
        for (size_t i = 0; i < o->table->n_columns; i++)
                buf_done(&o->value[i]);
}

static size_t index_of(const struct state_table *t, const char *column)
{
        for (size_t i = 0; i < t->n_columns; i++)
                if (strcmp(t->columns[i].name, column) == 0)
                        return i;
        return t->n_columns;
}

static struct buf *value_of(const struct state_out *o, const char *column, enum state_type type)
{
        size_t i = index_of(o->table, column);

        assert(i < o->table->n_columns && o->table->columns[i].type == type);
        return (struct buf *)&o->value[i];
}

void state_begin(struct state_out *o)
{
        for (size_t i = 0; i < o->table->n_columns; i++)
                buf_clear(&o->value[i]);
}

/* Two texts never become one: what is escaped has a "\x" in it, and what has one is escaped. */
static void put_text(struct buf *b, struct span text)
{
        struct buf safe = BUF_INIT(STATE_ROW_MAX);

        if (text_is_utf8(text, NULL) && (text.n < 2 || !memmem(text.p, text.n, "\\x", 2))) {
                json_put_quoted(b, text);
                return;
        }
        text_put_safe(&safe, text);
        if (buf_status(&safe) < 0)
                b->status = buf_status(&safe);
        else
                json_put_quoted(b, buf_span(&safe));
        buf_done(&safe);
}

void state_text(struct state_out *o, const char *column, struct span text)
{
        struct buf *b = value_of(o, column, STATE_TEXT);

        buf_clear(b);
        put_text(b, text);
}

void state_str(struct state_out *o, const char *column, const char *text)
{
        state_text(o, column, span_str(text));
}

void state_int(struct state_out *o, const char *column, int64_t v)
{
        struct buf *b = value_of(o, column, STATE_INT);

        buf_clear(b);
        buf_printf(b, "%lld", (long long)MAX_OF(MIN_OF(v, JSON_INT_MAX), -JSON_INT_MAX));
}

void state_u64(struct state_out *o, const char *column, uint64_t v)
{
        state_int(o, column, (int64_t)MIN_OF(v, (uint64_t)JSON_INT_MAX));
}

void state_bool(struct state_out *o, const char *column, bool v)
{
        struct buf *b = value_of(o, column, STATE_BOOL);

        buf_clear(b);
        buf_put_str(b, v ? "true" : "false");
}

void state_time(struct state_out *o, const char *column, int64_t wall_ns)
{
        struct buf *b = value_of(o, column, STATE_TIME);
        char text[TEXT_TIME_LEN + 1];

        text_time(wall_ns, text);
        buf_clear(b);
        buf_printf(b, "\"%s\"", text);
}

/* A list is open until the row ends. */
void state_item(struct state_out *o, const char *column, struct span text)
{
        struct buf *b = value_of(o, column, STATE_LIST);

        buf_put_byte(b, b->n > 1 ? ',' : '[');
        if (b->n == 2) /* behind the '[' of a list without any */
                b->n = 1;
        put_text(b, text);
}

void state_no_items(struct state_out *o, const char *column)
{
        struct buf *b = value_of(o, column, STATE_LIST);

        if (b->n == 0)
                buf_put_byte(b, '[');
}

bool state_has(const struct state_out *o, const char *column)
{
        size_t i = index_of(o->table, column);

        assert(i < o->table->n_columns);
        return o->value[i].n > 0;
}

static int send(struct state_out *o)
{
        int rc = buf_status(&o->fact);

        if (rc == 0)
                rc = o->send(o->ctx, buf_span(&o->fact));
        if (rc < 0 && o->failed == 0)
                o->failed = rc;
        return o->failed;
}

static int put_row(struct state_out *o)
{
        const struct state_table *t = o->table;
        const char *comma = "{";
        size_t at;

        buf_clear(&o->fact);
        buf_put_str(&o->fact, "{\"row\":");
        at = o->fact.n;
        for (size_t i = 0; i < t->n_columns; i++) {
                struct buf *v = &o->value[i];

                if (v->n && t->columns[i].type == STATE_LIST)
                        buf_put_byte(v, ']');
                if (buf_status(v) < 0)
                        return buf_status(v);
                if (v->n == 0) {
                        assert(!(t->columns[i].flags & STATE_KEY));
                        continue;
                }
                buf_printf(&o->fact, "%s\"%s\":", comma, t->columns[i].name);
                buf_put(&o->fact, buf_span(v));
                comma = ",";
        }
        if (buf_status(&o->fact) == 0 && o->fact.n - at >= STATE_ROW_MAX)
                return -E2BIG;
        buf_put_str(&o->fact, "}}");
        return buf_status(&o->fact);
}

void state_memory(struct state_out *o, const struct buf *b)
{
        if (buf_status(b) == -ENOMEM && o->failed == 0)
                o->failed = -ENOMEM;
}

int state_end(struct state_out *o)
{
        int rc = o->failed ? o->failed : put_row(o);

        if (rc == -E2BIG) {
                struct state_part none = { .name = span_str(o->table->name) };

                return state_fault(o, &none, 0, "row %u is longer than %d bytes", o->rows + 1,
                                   STATE_ROW_MAX);
        }
        if (rc < 0) {
                o->failed = rc;
                return rc;
        }
        if (o->rows >= STATE_ROWS_MAX) {
                o->failed = -E2BIG;
                return o->failed;
        }
        o->rows++;
        return send(o);
}

int state_fault(struct state_out *o, const struct state_part *p, uint32_t line, const char *fmt,
                ...)
{
        struct buf name = BUF_INIT(4 * FAULT_NAME_MAX + 1);
        char text[FAULT_TEXT_MAX];
        struct json_writer w;
        va_list ap;
        int rc;

        if (o->failed)
                return o->failed;
        if (++o->faults > STATE_FAULTS_MAX)
                return 0;
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        text_put_safe(&name, span_of(p->name.p, MIN_OF(p->name.n, (size_t)FAULT_NAME_MAX)));
        buf_clear(&o->fact);
        json_writer_init(&w, &o->fact);
        json_begin_object(&w);
        json_member_text(&w, "fault", text);
        json_member_u64(&w, "line", line);
        json_member_string(&w, "name", buf_span(&name));
        json_end_object(&w);
        rc = send(o);
        buf_done(&name);
        return rc;
}

bool state_readable(struct state_out *o, const struct state_part *p, enum state_absent absent)
{
        struct buf why = BUF_INIT(FAULT_TEXT_MAX);

        if (p->status == 0)
                return true;
        if (p->status == ENOENT && absent != STATE_MUST_BE)
                return false;
        state_put_status(&why, p->status);
        if (!o->missing[0] && absent != STATE_ONE_OF_MANY)
                snprintf(o->missing, sizeof o->missing, "%.*s: %s",
                         (int)MIN_OF(p->name.n, sizeof o->missing / 2), (const char *)p->name.p,
                         buf_cstr(&why));
        if (state_fault(o, p, 0, "%s", buf_cstr(&why)) < 0)
                assert(o->failed); /* the next call tells it */
        buf_done(&why);
        return false;
}

int state_fault_if_cut(struct state_out *o, const struct state_part *p)
{
        return S_ISREG(p->mode) && p->size > STATE_OTHERS_MAX
                       ? state_fault(o, p, 0, "longer than the %d bytes that are read of it",
                                     STATE_OTHERS_MAX)
                       : 0;
}

int state_each_line(struct state_in *in, struct state_out *o, enum state_absent absent,
                    state_line_fn *fn)
{
        struct state_part p;
        struct span line;
        int rc = 0;

        while (rc == 0 && state_next(in, &p)) {
                struct field_lines lines = { .rest = p.bytes };

                if (!state_readable(o, &p, absent))
                        continue;
                while (rc == 0 && field_line(&lines, &line))
                        if (line.n && line.p[0] != '#')
                                rc = fn(o, &p, line, lines.number);
        }
        return rc < 0 ? rc : o->failed;
}

/* ---- checking and comparing ---- */

const struct state_column *state_column_by_name(const struct state_table *t, struct span name)
{
        for (size_t i = 0; i < t->n_columns; i++)
                if (span_eq_str(name, t->columns[i].name))
                        return &t->columns[i];
        return NULL;
}

static bool is_list_of_text(struct json_value v)
{
        struct json_iter it = json_iter_of(v);
        struct json_value item;

        while (json_next(&it, NULL, &item))
                if (item.type != JSON_STRING)
                        return false;
        return true;
}

static bool fits(enum state_type type, struct json_value v)
{
        struct span text;
        int64_t ns;

        switch (type) {
        case STATE_TEXT:
                return v.type == JSON_STRING;
        case STATE_INT:
                return v.type == JSON_INT;
        case STATE_BOOL:
                return v.type == JSON_TRUE || v.type == JSON_FALSE;
        case STATE_TIME:
                return json_value_plain(v, &text) && text_to_time(text, &ns) == 0;
        case STATE_LIST:
                return v.type == JSON_ARRAY && is_list_of_text(v);
        }
        return false;
}

int state_row_check(const struct state_table *t, struct json_value row, struct err *err)
{
        const struct state_column *c;
        struct json_iter it;
        struct json_value v;
        struct span key;

        if (row.type != JSON_OBJECT)
                return err_set(err, -EINVAL, "%s: a row that is no object", t->name);
        if (row.raw.n > STATE_ROW_MAX)
                return err_set(err, -EINVAL, "%s: a row of %zu bytes", t->name, row.raw.n);
        it = json_iter_of(row);
        while (json_next(&it, &key, &v)) {
                c = state_column_by_name(t, key);
                if (!c)
                        return err_set(err, -EINVAL, "%s: no column \"%.*s\"", t->name,
                                       (int)MIN_OF(key.n, (size_t)STATE_NAME_MAX),
                                       (const char *)key.p);
                if (!fits(c->type, v))
                        return err_set(err, -EINVAL, "%s: column %s has another type", t->name,
                                       c->name);
        }
        for (size_t i = 0; i < t->n_columns; i++)
                if (t->columns[i].flags & STATE_KEY && !json_get(row, t->columns[i].name, &v))
                        return err_set(err, -EINVAL, "%s: no %s", t->name, t->columns[i].name);
        return 0;
}

void state_row_key(const struct state_table *t, struct json_value row, struct buf *out)
{
        struct json_value v;

        for (size_t i = 0; i < t->n_columns; i++)
                if (t->columns[i].flags & STATE_KEY && json_get(row, t->columns[i].name, &v)) {
                        buf_put(out, v.raw);
                        buf_put_byte(out, ' ');
                }
}

void state_row_name(const struct state_table *t, struct json_value row, struct buf *out)
{
        struct buf text = BUF_INIT(STATE_ROW_MAX);
        const char *blank = "";
        struct json_value v;

        for (size_t i = 0; i < t->n_columns; i++)
                if (t->columns[i].flags & STATE_KEY && json_get(row, t->columns[i].name, &v)) {
                        buf_clear(&text);
                        if (!json_value_text(v, &text))
                                buf_put(&text, v.raw);
                        buf_put_str(out, blank);
                        text_put_safe(out, buf_span(&text));
                        blank = " ";
                }
        buf_done(&text);
}

bool state_row_differs(const struct state_table *t, struct json_value a, struct json_value b,
                       struct json_writer *w)
{
        bool any = false;

        for (size_t i = 0; i < t->n_columns; i++) {
                struct json_value x = { .raw = SPAN_NONE }, y = { .raw = SPAN_NONE };
                const struct state_column *c = &t->columns[i];
                bool has_x = json_get(a, c->name, &x), has_y = json_get(b, c->name, &y);

                if (has_x == has_y && span_eq(x.raw, y.raw))
                        continue;
                if (!(c->flags & STATE_LOOSE))
                        any = true;
                if (w)
                        json_put_string(w, span_str(c->name));
        }
        return any;
}
