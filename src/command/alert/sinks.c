/* SPDX-License-Identifier: Apache-2.0 */
/* sinks.c - see sinks.h. */
#include "command/alert/sinks.h"

#include <stdlib.h>

#include "base/text.h"
#include "command/places.h"
#include "loop/presence.h"
#include "sys/io.h"

enum { TEXT_MAX = 4096 };

int sinks_read(const struct invocation *in, struct buf *text, bool *ret_lives, struct err *err)
{
        CLEANUP_FD int fd = -1;
        int status = places_open_dir(in->run, &fd, err);

        return status < 0 ? status : presence_read(fd, "uplink", text, ret_lives, err);
}

struct json_iter sinks_iter(struct json_value state)
{
        struct json_value list;

        if (!json_get_path(state, "more.sinks", &list) || list.type != JSON_ARRAY)
                list = json_value_of(SPAN("[]"));
        return json_iter_of(list);
}

bool sinks_have_config(struct json_value state)
{
        struct json_value v;

        return json_get_path(state, "more.config.exists", &v) && v.type == JSON_TRUE;
}

bool sinks_put_refused(struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(TEXT_MAX);
        struct json_value v;

        if (!json_get_path(state, "more.config.refused", &v) || !json_value_text(v, &raw))
                return false;
        text_put_safe(out, buf_span(&raw));
        return true;
}

static bool is_down(struct json_value sink)
{
        struct json_value v;

        return json_get(sink, "state", &v) && span_eq_str(v.raw, "\"down\"");
}

bool sinks_have_trouble(struct json_value state)
{
        struct json_iter it = sinks_iter(state);
        struct json_value sink, v;

        while (json_next(&it, NULL, &sink))
                if (is_down(sink))
                        return true;
        return json_get_path(state, "more.config.refused", &v);
}

/* ---- one ---- */

static bool get_text(struct json_value sink, const char *key, struct buf *out)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(TEXT_MAX);
        struct json_value v;

        if (!json_get(sink, key, &v) || !json_value_text(v, &raw))
                return false;
        text_put_safe(out, buf_span(&raw));
        return true;
}

static int64_t get_count(struct json_value sink, const char *key)
{
        struct json_value v;
        int64_t n = 0;

        return json_get(sink, key, &v) && json_value_int(v, &n) && n > 0 ? n : 0;
}

static void put_ago(const struct invocation *in, struct json_value sink, const char *key,
                    const char *before, const char *after, struct buf *out)
{
        struct json_value v;
        struct span time;
        int64_t ns;

        if (!json_get(sink, key, &v) || !json_value_plain(v, &time) || text_to_time(time, &ns) < 0)
                return;
        buf_put_str(out, before);
        screen_put_duration(out, clock_wall(in->clock) - ns);
        buf_put_str(out, after);
}

static void put_count(const char *before, int64_t n, const char *after, struct buf *out)
{
        if (n <= 0)
                return;
        buf_put_str(out, before);
        screen_put_count(out, (uint64_t)n);
        buf_put_str(out, after);
}

static void put_fate(const struct invocation *in, struct json_value sink, struct buf *out)
{
        size_t begun = out->n;

        if (is_down(sink)) {
                put_ago(in, sink, "since", "for ", "", out);
                buf_put_str(out, ": ");
                get_text(sink, "error", out);
                put_count("; ", get_count(sink, "behind"),
                          get_count(sink, "behind") == 1 ? " entry of the ledger waits"
                                                         : " entries of the ledger wait",
                          out);
        } else {
                put_count("", get_count(sink, "delivered"), " delivered", out);
                put_ago(in, sink, "last", ", last ", " ago", out);
                put_count(out->n > begun ? ", " : "", get_count(sink, "waiting"), " gathered", out);
        }
        put_count(out->n > begun ? ", " : "", get_count(sink, "refused"), " refused", out);
        put_count(out->n > begun ? ", " : "", get_count(sink, "missed"), " missed", out);
        if (out->n == begun)
                buf_put_str(out, "nothing to deliver yet");
}

static void add_row(const struct invocation *in, struct table *t, struct json_value sink)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
        enum style style = is_down(sink) ? STYLE_BAD : STYLE_GOOD;

        get_text(sink, "name", &text);
        table_put_safe(t, STYLE_BOLD, buf_cstr(&text));
        buf_clear(&text);
        get_text(sink, "type", &text);
        table_put_safe(t, STYLE_NONE, buf_cstr(&text));
        buf_clear(&text);
        get_text(sink, "state", &text);
        table_put_safe(t, style, buf_cstr(&text));
        buf_clear(&text);
        put_fate(in, sink, &text);
        table_put_safe(t, STYLE_NONE, buf_cstr(&text));
}

void sinks_put(const struct invocation *in, struct json_value state, unsigned indent,
               struct buf *out)
{
        struct json_iter it = sinks_iter(state);
        struct table *t = malloc(sizeof(*t));
        struct json_value sink;

        if (!t)
                return;
        table_init(t, 4);
        while (json_next(&it, NULL, &sink))
                if (sink.type == JSON_OBJECT)
                        add_row(in, t, sink);
        if (t->n_cells)
                table_print(t, &in->out, indent, out);
        table_done(t);
        free(t);
}
