/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_alert.c - assay alert: acts that nothing explained, folded out of the ledger's entries, and a
 * ticket that explains one after the fact. */
#include "command/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/log/line_priv.h"
#include "command/log/reader.h"
#include "command/log/view.h"
#include "command/places.h"
#include "command/running/sensor_ask.h"
#include "command/when.h"
#include "wire/json.h"

enum { ALERTS_MAX = 16384, ID_MAX = 64, TEXT_MAX = 4096, ANSWER_MAX = 4096 };

struct alert {
        char id[ID_MAX + 1];
        int64_t wall_ns;
        uint64_t index, count;
        struct buf severity, what, who, state, explained;
};

struct alerts {
        struct alert *of;
        size_t n, max;
        bool more; /* the ceiling was met */
};

static void alerts_done(struct alerts *a)
{
        for (size_t i = 0; i < a->n; i++) {
                buf_done(&a->of[i].severity);
                buf_done(&a->of[i].what);
                buf_done(&a->of[i].who);
                buf_done(&a->of[i].state);
                buf_done(&a->of[i].explained);
        }
        free(a->of);
}

/* The newest are asked for most. */
static struct alert *find(struct alerts *a, const char *id)
{
        for (size_t i = a->n; i > 0; i--)
                if (strcmp(a->of[i - 1].id, id) == 0)
                        return &a->of[i - 1];
        return NULL;
}

static struct alert *add(struct alerts *a, const char *id)
{
        struct alert *x;

        if (a->n == ALERTS_MAX) {
                a->more = true;
                return NULL;
        }
        if (a->n == a->max) {
                size_t max = a->max ? 2 * a->max : 64;
                struct alert *p = realloc(a->of, max * sizeof(*p));

                if (!p) {
                        a->more = true;
                        return NULL;
                }
                a->of = p;
                a->max = max;
        }
        x = &a->of[a->n++];
        *x = (struct alert){ .count = 1 };
        snprintf(x->id, sizeof(x->id), "%s", id);
        x->severity = x->what = x->who = x->state = x->explained = BUF_INIT(TEXT_MAX);
        buf_put_str(&x->state, "open");
        return x;
}

/* Text of an entry, safe, in place of what was there. */
static void take(const struct view *v, const char *path, struct buf *out)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(TEXT_MAX);

        view_text(v, path, &raw);
        buf_clear(out);
        text_put_safe(out, buf_span(&raw));
}

static void take_raised(const struct screen *s, const struct view *v, struct alert *x)
{
        x->wall_ns = v->has_time ? v->wall_ns : 0;
        x->index = v->index;
        take(v, "what.severity", &x->severity);
        line_put_phrase(s, v, STYLE_NONE, "{path} {change}[; {detail}]", &x->what);
        line_put_author(s, v, &x->who);
}

/* A process of Assay that gives no sign of life; what it did not see may be anything. */
static void take_silent(const struct screen *s, const struct view *v, struct alert *x)
{
        x->wall_ns = v->has_time ? v->wall_ns : 0;
        x->index = v->index;
        take(v, "what.severity", &x->severity);
        line_put_phrase(s, v, STYLE_NONE, "no sign of assay-{proc} since {since:time} ({cause})",
                        &x->what);
        line_put_author(s, v, &x->who);
}

static void take_state(const struct screen *s, const struct view *v, struct alert *x)
{
        int64_t count;

        x->wall_ns = v->has_time ? v->wall_ns : 0;
        x->index = v->index;
        if (view_int(v, "what.count", &count) && count > 0)
                x->count = (uint64_t)count;
        take(v, "what.severity", &x->severity);
        line_put_phrase(s, v, STYLE_NONE, "{table} {change}[: {rows:list}]", &x->what);
        line_put_author(s, v, &x->who);
}

static void take_heard(const struct screen *s, const struct view *v, struct alert *x)
{
        buf_clear(&x->state);
        buf_put_str(&x->state, "over");
        line_put_phrase(s, v, STYLE_NONE, "; back after {silent_ns:ns}", &x->what);
}

/* Began in the ledger before this one, or was pruned: all there is of it is what came later. */
static void take_later(const struct screen *s, const struct view *v, struct alert *x)
{
        CLEANUP(buf_done) struct buf first = BUF_INIT(TEXT_MAX);

        x->index = v->index;
        if (view_text(v, "what.first", &first) == FIELD_CLEAR)
                (void)!text_to_time(buf_span(&first), &x->wall_ns);
        line_put_phrase(s, v, STYLE_NONE, "[{paths:list}; ]its beginning is not in this ledger",
                        &x->what);
}

/* An alert whose beginning is not in view is shown by what came later of it. */
static void take_entry(const struct screen *s, const struct view *v, struct alerts *all)
{
        CLEANUP(buf_done) struct buf id = BUF_INIT(ID_MAX);
        struct alert *x;
        int64_t count;

        if (view_text(v, "what.id", &id) != FIELD_CLEAR)
                return;
        x = find(all, buf_cstr(&id));
        if (!x)
                x = add(all, buf_cstr(&id));
        if (!x)
                return;
        if (x->what.n == 0) /* whoever explained it before it was there had not seen it */
                buf_clear(&x->explained);
        if (span_eq_str(v->entry.kind, "alert.raised")) {
                take_raised(s, v, x);
        } else if (span_eq_str(v->entry.kind, "alert.silent")) {
                take_silent(s, v, x);
        } else if (span_eq_str(v->entry.kind, "alert.state")) {
                take_state(s, v, x);
        } else if (span_eq_str(v->entry.kind, "alert.heard")) {
                take_heard(s, v, x);
        } else if (span_eq_str(v->entry.kind, "alert.updated")) {
                if (x->what.n == 0)
                        take_later(s, v, x);
                take(v, "what.severity", &x->severity);
                take(v, "what.state", &x->state);
                if (view_int(v, "what.count", &count) && count > 0)
                        x->count = (uint64_t)count;
        } else if (span_eq_str(v->entry.kind, "alert.explained")) {
                take(v, "what.change", &x->explained);
        }
}

/* ---- list ---- */

struct list_options {
        const char *since;
        bool all;
};

static const struct option_spec list_specs[] = {
        { "since", 's', OPTION_TEXT, offsetof(struct list_options, since), "TIME",
          "only what was raised from then on: 2h, today, RFC 3339" },
        { "all", 'a', OPTION_FLAG, offsetof(struct list_options, all), NULL,
          "also those that a change has explained since" },
        { 0 },
};

static int read_all(struct reader *r, struct vault *vault, const struct screen *s,
                    struct alerts *all, struct err *err)
{
        struct view v;
        int rc = 0;

        view_init(&v);
        for (uint64_t i = 0; i < reader_size(r) && rc == 0; i++) {
                struct span bytes;

                rc = reader_entry(r, i, &bytes, err);
                if (rc == -ENODATA) { /* pruned: the rest may be there */
                        rc = 0;
                        continue;
                }
                if (rc == 0 && !memmem(bytes.p, bytes.n, "\"k\":\"alert.", 11))
                        continue;
                if (rc == 0)
                        rc = view_open(&v, i, bytes, err);
                if (rc == 0 && vault && v.entry.sd.raw.n)
                        (void)!view_disclose(&v, vault, NULL);
                if (rc == 0)
                        take_entry(s, &v, all);
                else
                        err_wrap(err, "entry %" PRIu64, i);
        }
        view_done(&v);
        return rc;
}

static void put_json(const struct alert *x, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "count", x->count);
        if (x->explained.n)
                json_member_string(&w, "explained", buf_span(&x->explained));
        json_member_text(&w, "id", x->id);
        json_member_u64(&w, "index", x->index);
        json_member_string(&w, "severity", buf_span(&x->severity));
        json_member_string(&w, "state", buf_span(&x->state));
        json_member_time(&w, "t", x->wall_ns);
        json_member_string(&w, "what", buf_span(&x->what));
        json_member_string(&w, "who", buf_span(&x->who));
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_line(const struct screen *s, struct alert *x, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(4 * TEXT_MAX);
        size_t at;

        screen_put_time(s, &text, x->wall_ns);
        buf_put_str(&text, "  ");
        screen_put(s, &text, STYLE_BAD, buf_cstr(&x->severity));
        buf_printf(&text, "  %s  ", x->id);
        at = screen_columns(buf_span(&text));
        buf_put(&text, buf_span(&x->what));
        if (x->count > 1) {
                buf_put_str(&text, "  and ");
                screen_put_count(&text, x->count - 1);
                buf_put_str(&text, " more");
        }
        buf_put(&text, buf_span(&x->who));
        if (x->explained.n) {
                buf_put_str(&text, "  explained by ");
                screen_put(s, &text, STYLE_GOOD, buf_cstr(&x->explained));
        }
        screen_put_wrapped(s, out, buf_cstr(&text), 0, at);
        buf_put_byte(out, '\n');
}

static enum status show(const struct invocation *in, const struct list_options *o,
                        struct alerts *all, int64_t since_ns)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        size_t open = 0;

        for (size_t i = 0; i < all->n; i++) {
                struct alert *x = &all->of[i];

                if (x->wall_ns < since_ns || (x->explained.n && !o->all))
                        continue;
                open += x->explained.n == 0;
                if (in->json)
                        put_json(x, &out);
                else
                        put_line(&in->out, x, &out);
        }
        if (out.n == 0 && !in->json)
                buf_put_str(&out, "No alert is open.\n");
        if (all->more)
                complain(in, STATUS_UNSURE, "more than %d alerts: the later ones are not shown",
                         ALERTS_MAX);
        return command_print(in, &out,
                             open        ? STATUS_PROBLEM
                             : all->more ? STATUS_UNSURE
                                         : STATUS_GOOD);
}

static enum status run_list(struct invocation *in)
{
        const struct list_options *o = in->options;
        struct reader reader = { 0 };
        struct secrets secrets = { 0 };
        struct alerts all = { 0 };
        char dir[PLACES_PATH_MAX];
        int64_t since = INT64_MIN;
        struct err err = { 0 };
        enum status result;
        int rc = 0;

        if (o->since && when_parse(o->since, clock_wall(in->clock), &since, &err) < 0)
                return complain(in, STATUS_USAGE, "--since: %s", err_text(&err));
        if (places_ledger_or(in, 0, dir, &err) < 0 || reader_open(dir, &reader, &err) < 0)
                return complain_err(in, &err);
        (void)!secrets_open(dir, &secrets, NULL);
        rc = read_all(&reader, secrets.vault, &in->out, &all, &err);
        result = rc < 0 ? complain_err(in, &err) : show(in, o, &all, since);
        alerts_done(&all);
        secrets_done(&secrets);
        reader_done(&reader);
        return result;
}

const struct command alert_list = {
        .name = "list",
        .operands = "[DIR]",
        .about = "show the acts that nothing has explained",
        .help = "One line an act: when it began, how bad, its id, the first path and by whom.\n"
                "Exit status 1: there is one.  assay log --kind 'alert.*' shows every entry.",
        .options = list_specs,
        .options_size = sizeof(struct list_options),
        .max_operands = 1,
        .run = run_list,
};

/* ---- explain ---- */

struct explain_options {
        const char *change, *reason;
};

static const struct option_spec explain_specs[] = {
        { "change", 'c', OPTION_TEXT, offsetof(struct explain_options, change), "ID",
          "the change that explains it; required" },
        { "reason", 'r', OPTION_TEXT, offsetof(struct explain_options, reason), "TEXT",
          "why it came late; required" },
        { 0 },
};

/* Is there such an alert in the ledger? */
static enum status look_for(const struct invocation *in, const char *id)
{
        struct reader reader = { 0 };
        struct alerts all = { 0 };
        char dir[PLACES_PATH_MAX];
        enum status result = STATUS_GOOD;
        struct err err = { 0 };

        if (places_ledger(in, dir, &err) < 0 || reader_open(dir, &reader, &err) < 0)
                return complain_err(in, &err);
        if (read_all(&reader, NULL, &in->out, &all, &err) < 0)
                result = complain_err(in, &err);
        else if (!find(&all, id))
                result = complain(in, STATUS_PROBLEM, "the ledger has no alert \"%s\"", id);
        alerts_done(&all);
        reader_done(&reader);
        return result;
}

static enum status run_explain(struct invocation *in)
{
        const struct explain_options *o = in->options;
        CLEANUP(buf_done) struct buf args = BUF_INIT(ANSWER_MAX);
        CLEANUP(buf_done) struct buf body = BUF_INIT(ANSWER_MAX);
        struct json_writer w;
        enum status result;
        struct err err = { 0 };

        if (!o->change || !o->reason)
                return complain(in, STATUS_USAGE, "--change ID and --reason TEXT are both needed");
        json_writer_init(&w, &args);
        json_begin_object(&w);
        command_put_json_text(&w, "change", o->change);
        command_put_json_text(&w, "id", in->operands[0]);
        command_put_json_text(&w, "reason", o->reason);
        json_end_object(&w);
        if (buf_status(&args) < 0)
                return complain(in, STATUS_USAGE, "--reason is too long");
        result = look_for(in, in->operands[0]);
        if (result != STATUS_GOOD)
                return result;
        if (sensor_ask(in, "alert.explain", buf_span(&args), NULL, NULL, &body, &err) < 0)
                return complain_err(in, &err);
        if (!in->json) {
                buf_clear(&body);
                buf_printf(&body, "%s is explained", in->operands[0]);
        }
        buf_put_byte(&body, '\n');
        return command_print(in, &body, STATUS_GOOD);
}

const struct command alert_explain = {
        .name = "explain",
        .operands = "ALERT",
        .about = "say which change explains an alert after the fact",
        .help = "The alert and the verdict of that time stay in the ledger; this stands beside them,\n"
                "with who said it.",
        .options = explain_specs,
        .options_size = sizeof(struct explain_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_explain,
};
