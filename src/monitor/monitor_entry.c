/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor_entry.h"

#include "base/text.h"
#include "state/rows/row.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <limits.h>

enum { SAMPLES_MAX = 48 * 1024 };

static void end(struct json_writer *w)
{
        json_end_object(w);
        json_end_object(w);
}

static void put_digest(struct json_writer *w, const char *key, const uint8_t d[SHA256_LEN])
{
        char hex[2 * SHA256_LEN + 1];

        text_hex(span_of(d, SHA256_LEN), hex);
        json_member_text(w, key, hex);
}

/* A map with free names is an array of pairs. */
static void put_pairs(struct json_writer *w, struct span row)
{
        struct json_iter it = json_iter_of(json_value_of(row));
        struct json_value v;
        struct span key;

        json_begin_array(w);
        while (json_next(&it, &key, &v)) {
                json_begin_array(w);
                json_put_string(w, key);
                json_put_raw(w, v.raw);
                json_end_array(w);
        }
        json_end_array(w);
}

void state_baseline_put(const struct state_baseline *b, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "state.baseline", b->wall_ns);
        json_put_key(&w, "columns");
        json_begin_array(&w);
        for (size_t i = 0; i < b->table->n_columns; i++)
                json_put_string(&w, span_str(b->table->columns[i].name));
        json_end_array(&w);
        put_digest(&w, "digest", b->head->digest);
        json_member_u64(&w, "faults", b->head->faults);
        json_member_text(&w, "reason", b->reason);
        json_member_u64(&w, "rows", b->rows);
        json_member_text(&w, "table", b->name);
        end(&w);
}

static const char *change_of(const struct state_difference *d)
{
        return d->old.n == 0 ? "added" : d->new.n == 0 ? "removed" : "changed";
}

static void put_rows(struct json_writer *w, const struct state_difference *d)
{
        if (d->new.n) {
                json_put_key(w, "new");
                put_pairs(w, d->new);
        }
        if (d->old.n) {
                json_put_key(w, "old");
                put_pairs(w, d->old);
        }
}

/* What explains its file's change explains the row. */
static void put_why(const struct state_difference *d, const struct cause *cause,
                    struct json_writer *w)
{
        struct span state = cause_state(d->causes, cause);

        if (!d->alert && state.n == 0)
                return;
        json_put_key(w, "why");
        json_begin_object(w);
        if (d->alert)
                json_member_text(w, "alert", d->alert);
        if (state.n)
                json_member_string(w, "state", state);
        else
                json_member_text(w, "state", "unexplained");
        json_end_object(w);
}

void state_difference_put(const struct state_difference *d, struct buf *out)
{
        CLEANUP(buf_done) struct buf key = BUF_INIT(4 * STATE_ROW_MAX);
        struct json_value row = json_value_of(d->new.n ? d->new : d->old);
        const struct cause *cause = causes_of(d->causes, row);
        bool open = !(d->table->flags & STATE_PERSONAL);
        struct json_writer w;

        entry_begin(&w, out, "state.change", d->wall_ns);
        cause_put_what(d->causes, cause, &w);
        json_member_text(&w, "change", change_of(d));
        if (d->old.n && d->new.n) {
                json_put_key(&w, "differs");
                json_begin_array(&w);
                (void)!state_row_differs(d->table, json_value_of(d->old), json_value_of(d->new),
                                         &w);
                json_end_array(&w);
        }
        put_digest(&w, "digest", d->head->digest);
        if (open) {
                state_row_name(d->table, row, &key);
                json_member_string(&w, "key", buf_span(&key));
                put_rows(&w, d);
        }
        put_digest(&w, "previous_digest", d->previous);
        json_member_text(&w, "table", d->name);
        json_end_object(&w);
        cause_put_who(d->causes, cause, &w);
        put_why(d, cause, &w);
        json_end_object(&w);
}

void state_alert_put(const struct state_alert *a, struct buf *out)
{
        struct span rest = buf_span(a->rows);
        struct json_writer w;

        entry_begin(&w, out, "alert.state", a->wall_ns);
        cause_put_what(a->causes, a->cause, &w);
        json_member_text(&w, "change", a->change);
        json_member_u64(&w, "count", a->count);
        json_member_text(&w, "detail",
                         a->cause ? "the change of its file is not explained" : a->causes->none);
        json_member_text(&w, "id", a->id);
        json_put_key(&w, "rows");
        json_begin_array(&w);
        while (rest.n) {
                struct span name = span_str((const char *)rest.p);

                json_put_string(&w, name);
                rest = span_from(rest, name.n + 1);
        }
        json_end_array(&w);
        json_member_text(&w, "severity", "high");
        json_member_text(&w, "table", a->name);
        json_end_object(&w);
        cause_put_who(a->causes, a->cause, &w);
        json_end_object(&w);
}

void state_difference_subject(const struct state_difference *d, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(STATE_ROW_MAX);
        struct json_value row = json_value_of(d->new.n ? d->new : d->old), v;

        buf_printf(out, "%s:", d->table->subject ? d->table->subject : d->table->name);
        if (d->table->subject_column && json_get(row, d->table->subject_column, &v)) {
                if (!json_value_text(v, &text))
                        buf_put(&text, v.raw);
                text_put_safe(out, buf_span(&text));
        } else {
                state_row_name(d->table, row, out);
        }
}

void state_difference_value(const struct state_difference *d, struct buf *out)
{
        CLEANUP(buf_done) struct buf key = BUF_INIT(4 * STATE_ROW_MAX);
        struct json_writer w;

        state_row_name(d->table, json_value_of(d->new.n ? d->new : d->old), &key);
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "key", buf_span(&key));
        put_rows(&w, d);
        json_end_object(&w);
}

void capacity_put(const char *name, int64_t wall_ns, const struct rows *rows, struct buf *out)
{
        struct json_writer w;
        uint64_t left_out = 0;

        entry_begin(&w, out, "capacity.sample", wall_ns);
        json_put_key(&w, "samples");
        json_begin_array(&w);
        for (size_t i = 0; i < rows->n; i++)
                if (out->n + 2 * rows_row(rows, i).n < SAMPLES_MAX)
                        put_pairs(&w, rows_row(rows, i));
                else
                        left_out++;
        json_end_array(&w);
        if (left_out)
                json_member_u64(&w, "samples_left_out", left_out);
        json_member_text(&w, "table", name);
        end(&w);
}

void state_trouble_put(const char *name, int64_t wall_ns, const char *event, const char *reason,
                       struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "state.trouble", wall_ns);
        json_member_text(&w, "event", event);
        if (reason)
                json_member_text(&w, "reason", reason);
        json_member_text(&w, "table", name);
        end(&w);
}

void state_monitor_put(const struct state_monitor_facts *f, struct buf *out)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * PATH_MAX);
        char hex[2 * SHA256_LEN + 1];
        struct json_writer w;

        text_put_safe(&safe, span_str(f->config));
        text_hex(span_of(f->digest, SHA256_LEN), hex);
        entry_begin(&w, out, "state.monitor", f->wall_ns);
        json_member_string(&w, "config", buf_span(&safe));
        json_member_text(&w, "config_digest", hex);
        json_member_text(&w, "event", f->event);
        if (f->reason)
                json_member_text(&w, "reason", f->reason);
        json_put_key(&w, "tables");
        json_begin_array(&w);
        for (size_t i = 0; i < f->n; i++)
                json_put_string(&w, span_str(f->tables[i]));
        json_end_array(&w);
        json_member_text(&w, "version", ASSAY_VERSION);
        end(&w);
}
