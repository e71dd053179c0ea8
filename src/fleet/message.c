/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/message.h"

#include "base/text.h"
#include "wire/fact.h"
#include "wire/retention_fact.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIELD_MAX = 8192, LINE_MAX = 4 * FIELD_MAX, LIST_SHOWN = 4 };

/* ---- members as text ---- */

/* Appends the value at a path, safe; a text that is no UTF-8 is under <path>_b64. */
static bool put_member(const struct message *m, const char *path, struct buf *out)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(ENTRY_MAX);
        struct json_value v;
        struct span text;
        char b64[64];
        uint8_t *p;
        size_t n;

        if (json_get_path(m->entry.object, path, &v)) {
                if (!json_value_text(v, &raw))
                        buf_put(&raw, v.raw);
        } else {
                snprintf(b64, sizeof b64, "%s_b64", path);
                if (!json_get_path(m->entry.object, b64, &v) || !json_value_plain(v, &text))
                        return false;
                p = buf_extend(&raw, text.n);
                if (!p || text_from_base64(text, p, text.n, &n) < 0)
                        return false;
                raw.n = n;
        }
        text_put_safe(out, buf_span(&raw));
        return true;
}

static void put_between(const struct message *m, const char *before, const char *path,
                        const char *after, struct buf *out)
{
        size_t n = out->n;

        buf_put_str(out, before);
        if (put_member(m, path, out))
                buf_put_str(out, after);
        else if (buf_status(out) == 0)
                out->n = n;
}

static void put_author(const struct message *m, struct buf *out)
{
        struct json_value v;

        if (!m->entry.who.raw.n)
                return;
        if (json_get(m->entry.who, "exe", &v) || json_get(m->entry.who, "exe_b64", &v))
                put_between(m, ", by ", "who.exe", "", out);
        else
                put_between(m, ", by ", "who.comm", "", out);
        put_between(m, ", pid ", "who.pid", "", out);
        put_between(m, ", uid ", "who.uid", "", out);
        put_between(m, ", login uid ", "who.auid", "", out);
        put_between(m, " (author: ", "who.unknown", ")", out);
}

static void put_paths(const struct message *m, struct buf *out)
{
        struct json_value list, item;
        struct json_iter it;
        size_t n = 0;

        if (!json_get(m->entry.what, "paths", &list) || list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &item); n++) {
                CLEANUP(buf_done) struct buf raw = BUF_INIT(ENTRY_MAX);

                if (n >= LIST_SHOWN)
                        continue;
                buf_put_str(out, n ? ", " : ": ");
                if (json_value_text(item, &raw))
                        text_put_safe(out, buf_span(&raw));
        }
        if (n > LIST_SHOWN)
                buf_printf(out, " and %zu more", n - LIST_SHOWN);
}

/* ---- words for the kinds that are meant for people ---- */

static void say_raised(const struct message *m, struct buf *out)
{
        put_between(m, "", "what.path", "", out);
        put_between(m, " ", "what.change", "", out);
        put_author(m, out);
        put_between(m, ", profile ", "what.profile", "", out);
        put_between(m, "; ", "what.detail", "", out);
        put_between(m, " [alert ", "what.id", "]", out);
}

static void say_updated(const struct message *m, struct buf *out)
{
        put_between(m, "alert ", "what.id", "", out);
        put_between(m, " is ", "what.state", "", out);
        put_between(m, ": ", "what.count", " changes", out);
        put_paths(m, out);
}

static void say_explained(const struct message *m, struct buf *out)
{
        put_between(m, "alert ", "what.id", "", out);
        put_between(m, " is explained by ", "what.change", "", out);
        put_between(m, ": ", "what.reason", "", out);
}

static void say_silent(const struct message *m, struct buf *out)
{
        put_between(m, "no sign of assay-", "what.proc", "", out);
        put_between(m, " since ", "what.since", "", out);
        put_between(m, " (", "what.cause", ")", out);
        put_between(m, ", it ended ", "what.count", " times", out);
        put_between(m, ", pid ", "what.pid", "", out);
        put_between(m, "; process ", "who.pid", " had asked it to stop", out);
        put_between(m, " [alert ", "what.id", "]", out);
}

static void say_heard(const struct message *m, struct buf *out)
{
        put_between(m, "assay-", "what.proc", " is back", out);
        put_between(m, ", nothing was heard of it since ", "what.since", "", out);
        put_between(m, " [alert ", "what.id", "]", out);
}

static void say_state(const struct message *m, struct buf *out)
{
        put_between(m, "", "what.table", "", out);
        put_between(m, ": ", "what.count", " rows", out);
        put_between(m, " ", "what.change", "", out);
        put_between(m, " ", "what.rows", "", out);
        put_author(m, out);
        put_between(m, "; ", "what.detail", "", out);
        put_between(m, " [alert ", "what.id", "]", out);
}

static void say_test(const struct message *m, struct buf *out)
{
        put_between(m, "this is a trial of the delivery of alerts, ", "what.test", "", out);
}

static void say_down(const struct message *m, struct buf *out)
{
        put_between(m, "sink ", "what.sink", "", out);
        put_between(m, " takes no alerts since ", "what.since", "", out);
        put_between(m, ": ", "what.reason", "", out);
        put_between(m, " (entry ", "what.index", " and later ones wait)", out);
}

static void say_up(const struct message *m, struct buf *out)
{
        put_between(m, "sink ", "what.sink", " takes alerts again", out);
        put_between(m, ", and has those from entry ", "what.from", "", out);
        put_between(m, " to below ", "what.until", "", out);
}

static void say_refused(const struct message *m, struct buf *out)
{
        put_between(m, "sink ", "what.sink", "", out);
        put_between(m, " refused entry ", "what.index", " for good", out);
        put_between(m, ": ", "what.reason", "", out);
}

static void say_missed(const struct message *m, struct buf *out)
{
        put_between(m, "sink ", "what.sink", " did not get the entries", out);
        put_between(m, " from ", "what.from", "", out);
        put_between(m, " to below ", "what.until", "", out);
        put_between(m, " of ", "what.origin", "", out);
        put_between(m, ": ", "what.reason", "", out);
}

/* Of any other kind: its members by name. */
static void say_members(const struct message *m, struct buf *out)
{
        struct json_iter it;
        struct json_value v;
        struct span key;

        text_put_safe(out, m->entry.kind);
        if (m->entry.what.type != JSON_OBJECT)
                return;
        for (it = json_iter_of(m->entry.what); json_next(&it, &key, &v);) {
                CLEANUP(buf_done) struct buf raw = BUF_INIT(ENTRY_MAX);

                buf_put_byte(out, ' ');
                text_put_safe(out, key);
                buf_put_byte(out, '=');
                if (!json_value_text(v, &raw))
                        buf_put(&raw, v.raw);
                text_put_safe(out, buf_span(&raw));
        }
        put_author(m, out);
}

static const struct {
        const char *kind;
        void (*say)(const struct message *m, struct buf *out);
        bool own;
} sayings[] = {
        { "alert.explained", say_explained, false }, { "alert.heard", say_heard, false },
        { "alert.missed", say_missed, true },        { "alert.raised", say_raised, false },
        { "alert.refused", say_refused, true },      { "alert.silent", say_silent, false },
        { "alert.state", say_state, false },         { "alert.sink_down", say_down, true },
        { "alert.sink_up", say_up, true },           { "alert.test", say_test, false },
        { "alert.updated", say_updated, false },
};

/* Cut between characters. */
static void take_text(struct message *m, struct buf *line)
{
        struct span s = buf_span(line);
        size_t n = MIN_OF(s.n, (size_t)MESSAGE_TEXT_MAX - 3);

        if (s.n <= MESSAGE_TEXT_MAX) {
                memcpy(m->text, s.p, s.n);
                return;
        }
        while (n > 0 && (s.p[n] & 0xc0) == 0x80)
                n--;
        memcpy(m->text, s.p, n);
        memcpy(m->text + n, "...", 3);
}

static void say(struct message *m)
{
        CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX + ENTRY_MAX * 8);
        void (*how)(const struct message *, struct buf *) = say_members;

        for (size_t i = 0; i < ARRAY_LEN(sayings); i++)
                if (span_eq_str(m->entry.kind, sayings[i].kind))
                        how = sayings[i].say;
        how(m, &line);
        if (buf_status(&line) < 0 || line.n == 0)
                snprintf(m->text, sizeof m->text, "entry %llu", (unsigned long long)m->index);
        else
                take_text(m, &line);
}

/* ---- messages ---- */

static void judge(struct message *m)
{
        struct json_value v;
        struct span text;

        if (m->entry.what.type == JSON_OBJECT && json_get(m->entry.what, "severity", &v) &&
            json_value_plain(v, &text))
                for (int i = 0; i < DELIVER_SEVERITIES; i++)
                        if (span_eq_str(text, deliver_severity_name[i]))
                                m->severity = (enum deliver_severity)i;
        if (text_to_time(m->entry.time, &m->wall_ns) < 0)
                m->wall_ns = 0;
}

int message_new(const char *origin, uint64_t index, struct span bytes, struct message **ret,
                struct err *err)
{
        struct message *m = calloc(1, sizeof *m);
        bool fits;
        int rc;

        if (m)
                m->bytes = malloc(bytes.n + 1);
        if (!m || !m->bytes) {
                message_free(m);
                return err_sys(err, -ENOMEM, "entry %llu", (unsigned long long)index);
        }
        memcpy(m->bytes, bytes.p, bytes.n);
        m->n = bytes.n;
        m->index = index;
        snprintf(m->origin, sizeof m->origin, "%s", origin);
        rc = json_check(span_of(m->bytes, m->n), err);
        if (rc == 0)
                rc = entry_read(span_of(m->bytes, m->n), &m->entry, &fits, err);
        if (rc < 0) {
                message_free(m);
                return rc;
        }
        judge(m);
        say(m);
        *ret = m;
        return 0;
}

struct message *message_free(struct message *m)
{
        if (m)
                free(m->bytes);
        free(m);
        return NULL;
}

bool message_is_own(const struct message *m)
{
        for (size_t i = 0; i < ARRAY_LEN(sayings); i++)
                if (sayings[i].own && span_eq_str(m->entry.kind, sayings[i].kind))
                        return span_eq_str(m->entry.proc, "uplink");
        return false;
}

bool message_is_for(const struct message *m, const struct deliver_sink *s)
{
        struct json_value v;
        struct span sink;

        if (span_eq_str(m->entry.kind, "alert.test"))
                return true;
        if (message_is_own(m) && json_get(m->entry.what, "sink", &v) &&
            json_value_plain(v, &sink) && span_eq_str(sink, s->name))
                return false;
        if (m->severity < s->severity)
                return false;
        for (size_t i = 0; i < s->n_kinds; i++)
                if (retention_name_fits(s->kinds[i], m->entry.kind))
                        return true;
        return false;
}

void message_put_json(const struct message *m, const char *sink, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_raw(&w, "entry", span_of(m->bytes, m->n));
        json_member_u64(&w, "index", m->index);
        json_member_string(&w, "kind", m->entry.kind);
        json_member_text(&w, "origin", m->origin);
        json_member_text(&w, "severity", deliver_severity_name[m->severity]);
        json_member_text(&w, "sink", sink);
        json_member_text(&w, "text", m->text);
        json_end_object(&w);
}
