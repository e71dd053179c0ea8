/* SPDX-License-Identifier: Apache-2.0 */
#include "command/state/state_view.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "command/places.h"
#include "loop/presence.h"
#include "sys/io.h"

enum { CELL_MAX = 16 * 1024, WIDTH_MAX = 40, GAP = 2, LATE_S = 300 };

const struct state_table *state_view_table(const char *name)
{
        const char *dot = strchr(name, '.');

        if (strlen(name) >= STATE_NAME_MAX)
                return NULL;
        return state_table_by_name(span_of(name, dot ? (size_t)(dot - name) : strlen(name)));
}

int state_view_read(const struct invocation *in, const char *name, const struct state_table *t,
                    struct stored_head *ret, struct rows *ret_rows, struct err *err)
{
        CLEANUP_FD int fd = -1;
        int rc = places_open_state(in, "monitor", &fd, err);

        return rc < 0 ? rc : stored_read(&io_kernel, fd, name, t, ret, ret_rows, err);
}

/* ---- the list ---- */

static uint64_t next_u64(struct json_iter *it)
{
        struct json_value v;
        int64_t n;

        return json_next(it, NULL, &v) && json_value_int(v, &n) && n > 0 ? (uint64_t)n : 0;
}

/* [name, rows, faults, "<time read>", "<problem>", seconds between looks, milliseconds of one] */
static void take_said(struct json_value said, struct state_list *l)
{
        struct json_iter it = json_iter_of(said);
        struct json_value name, rows, faults, read, problem;
        struct buf text = BUF_INIT(STATE_PROBLEM_MAX);
        struct state_listed *x = &l->at[l->n];
        struct span when;
        int64_t n = 0;

        if (l->n == STATE_LISTED_MAX || said.type != JSON_ARRAY || !json_next(&it, NULL, &name) ||
            !json_next(&it, NULL, &rows) || !json_next(&it, NULL, &faults) ||
            !json_next(&it, NULL, &read) || !json_next(&it, NULL, &problem))
                return;
        *x = (struct state_listed){ 0 };
        if (json_value_text(name, &text))
                snprintf(x->name, sizeof(x->name), "%s", buf_cstr(&text));
        buf_clear(&text);
        if (json_value_text(problem, &text)) { /* safe already, but whose file is it? */
                CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * STATE_PROBLEM_MAX);

                text_put_safe(&safe, buf_span(&text));
                snprintf(x->problem, sizeof(x->problem), "%s", buf_cstr(&safe));
        }
        if (json_value_int(rows, &n))
                x->rows = (uint64_t)MAX_OF(n, 0);
        if (json_value_plain(read, &when) && text_to_time(when, &x->read_ns) < 0)
                x->read_ns = 0;
        x->every_s = next_u64(&it);
        x->took_ms = next_u64(&it);
        x->table = state_view_table(x->name);
        l->n++;
        buf_done(&text);
}

static void ask_monitor(const struct invocation *in, struct state_list *l)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP_FD int run = open(in->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct json_value tables, said;
        struct json_iter it;

        if (run < 0 || presence_read(run, "monitor", &text, &l->lives, NULL) < 0 || !l->lives ||
            !json_get_path(json_value_of(buf_span(&text)), "more.tables", &tables) ||
            tables.type != JSON_ARRAY)
                return;
        it = json_iter_of(tables);
        while (json_next(&it, NULL, &said))
                take_said(said, l);
}

static void add_known(struct state_list *l)
{
        for (size_t i = 0; state_tables[i] && l->n < STATE_LISTED_MAX; i++) {
                struct state_listed *x = &l->at[l->n++];

                *x = (struct state_listed){ .table = state_tables[i] };
                snprintf(x->name, sizeof(x->name), "%s", state_tables[i]->name);
        }
}

static void judge_age(const struct invocation *in, struct state_listed *x)
{
        int64_t age_s = (clock_wall(in->clock) - x->read_ns) / NS_PER_S;
        uint64_t most_s = 2 * x->every_s + LATE_S;

        if (x->problem[0] == '\0' && x->read_ns && x->every_s && age_s > (int64_t)most_s)
                snprintf(x->problem, sizeof x->problem,
                         "not looked at for %lld seconds, though it should be every %llu",
                         (long long)age_s, (unsigned long long)x->every_s);
}

int state_list_read(const struct invocation *in, struct state_list *ret, struct err *err)
{
        CLEANUP_FD int fd = -1;
        int rc = places_open_state(in, "monitor", &fd, err);

        if (rc < 0)
                return rc;
        ask_monitor(in, ret);
        if (ret->n == 0)
                add_known(ret);
        for (size_t i = 0; i < ret->n; i++) {
                struct state_listed *x = &ret->at[i];
                struct err why = { 0 };
                struct rows rows;

                if (ret->lives)
                        judge_age(in, x);
                if (!x->table)
                        continue;
                rows_init(&rows);
                rc = stored_read(&io_kernel, fd, x->name, x->table, &x->head, &rows, &why);
                x->stored = rc == 0;
                if (rc == 0)
                        x->rows = rows.n;
                else if (rc != -ENOENT && x->problem[0] == '\0')
                        snprintf(x->problem, sizeof(x->problem), "%s", err_text(&why));
                rows_done(&rows);
        }
        return 0;
}

/* ---- rows ---- */

static void put_cell(struct json_value v, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(CELL_MAX);
        struct json_iter it;
        struct json_value item;
        const char *comma = "";

        if (v.type == JSON_ARRAY) {
                it = json_iter_of(v);
                for (; json_next(&it, NULL, &item); comma = ",") {
                        buf_put_str(out, comma);
                        buf_clear(&text);
                        if (json_value_text(item, &text))
                                text_put_safe(out, buf_span(&text));
                }
        } else if (json_value_text(v, &text)) {
                text_put_safe(out, buf_span(&text));
        } else {
                buf_put(out, v.raw);
        }
}

/* Key columns come first. */
static size_t order(const struct state_table *t, const struct state_column **out)
{
        size_t n = 0;

        for (int key = 1; key >= 0; key--)
                for (size_t i = 0; i < t->n_columns; i++)
                        if (!!(t->columns[i].flags & STATE_KEY) == !!key)
                                out[n++] = &t->columns[i];
        return n;
}

static size_t cell_width(const struct state_column *c, struct json_value row)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(CELL_MAX);
        struct json_value v;

        if (json_get(row, c->name, &v))
                put_cell(v, &b);
        return screen_columns(buf_span(&b));
}

/* As much of text as `columns` hold; returns how many it took. */
static size_t put_cut(struct span text, size_t columns, struct buf *out)
{
        size_t n = 0;

        while (text.n && n < columns) {
                unsigned bytes = MAX_OF(text_utf8_first(text, NULL), 1u);

                if (n + 1 == columns && text.n > bytes) {
                        buf_put_str(out, "…");
                        return n + 1;
                }
                buf_put(out, span_of(text.p, bytes));
                text = span_from(text, bytes);
                n++;
        }
        return n;
}

struct layout {
        const struct state_column *column[STATE_COLUMNS_MAX];
        size_t width[STATE_COLUMNS_MAX];
        size_t n;
};

static void measure(const struct state_table *t, const struct rows *r, struct layout *l)
{
        l->n = order(t, l->column);
        for (size_t c = 0; c < l->n; c++) {
                l->width[c] = strlen(l->column[c]->name);
                for (size_t i = 0; i < r->n && l->width[c] < WIDTH_MAX; i++)
                        l->width[c] = MAX_OF(
                                l->width[c],
                                MIN_OF(cell_width(l->column[c], json_value_of(rows_row(r, i))),
                                       (size_t)WIDTH_MAX));
        }
}

/* One line on a terminal: padded, and no wider than it. */
static void put_padded(const struct screen *s, const struct layout *l, size_t c, struct span text,
                       size_t *at, struct buf *out)
{
        size_t room = s->width ? s->width - MIN_OF(*at, (size_t)s->width) : l->width[c];
        size_t n = put_cut(text, MIN_OF(room, l->width[c]), out);

        for (; c + 1 < l->n && n < l->width[c] + GAP; n++)
                if (!s->width || *at + n < s->width)
                        buf_put_byte(out, ' ');
        *at += n;
}

static void put_line(const struct screen *s, const struct layout *l, const struct json_value *row,
                     struct buf *out)
{
        size_t at = 0;

        for (size_t c = 0; c < l->n; c++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(CELL_MAX);
                struct json_value v;

                if (!row)
                        buf_put_str(&b, l->column[c]->name);
                else if (json_get(*row, l->column[c]->name, &v))
                        put_cell(v, &b);
                if (s->terminal) {
                        put_padded(s, l, c, buf_span(&b), &at, out);
                } else {
                        buf_put_str(out, c ? "\t" : "");
                        buf_put(out, buf_span(&b));
                }
        }
        buf_put_byte(out, '\n');
}

void state_view_put(const struct screen *s, const struct state_table *t, const struct rows *r,
                    struct buf *out)
{
        CLEANUP(buf_done) struct buf head = BUF_INIT(CELL_MAX);
        struct layout l;

        measure(t, r, &l);
        put_line(s, &l, NULL, &head);
        head.n--; /* its newline, which is no part of the style */
        screen_put(s, out, s->terminal ? STYLE_BOLD : STYLE_NONE, buf_cstr(&head));
        buf_put_byte(out, '\n');
        for (size_t i = 0; i < r->n; i++) {
                struct json_value row = json_value_of(rows_row(r, i));

                put_line(s, &l, &row, out);
        }
}

void state_view_put_json(const char *name, const struct state_table *t, const struct stored_head *h,
                         const struct rows *r, struct buf *out)
{
        char hex[2 * SHA256_LEN + 1];
        struct json_writer w;

        (void)t;
        text_hex(span_of(h->digest, SHA256_LEN), hex);
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_time(&w, "changed", h->changed_ns);
        json_member_text(&w, "digest", hex);
        json_member_u64(&w, "faults", h->faults);
        json_put_key(&w, "rows");
        json_begin_array(&w);
        for (size_t i = 0; i < r->n; i++)
                json_put_raw(&w, rows_row(r, i));
        json_end_array(&w);
        command_put_json_text(&w, "table", name);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

void state_view_put_columns(const struct state_table *t, const char *const *types, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "columns");
        json_begin_array(&w);
        for (size_t i = 0; i < t->n_columns; i++) {
                json_begin_object(&w);
                json_member_text(&w, "about", t->columns[i].about);
                json_member_bool(&w, "key", t->columns[i].flags & STATE_KEY);
                json_member_bool(&w, "loose", t->columns[i].flags & STATE_LOOSE);
                json_member_text(&w, "name", t->columns[i].name);
                json_member_text(&w, "type", types[t->columns[i].type]);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_member_text(&w, "table", t->name);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}
