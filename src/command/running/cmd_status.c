/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c - assay status: what runs, with which rights, and how the ledger fares.
 *
 * Reads the processes' status files (loop/presence.h) and the published checkpoint, so that anyone
 * may ask; what only root may see is left out for others. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/text.h"
#include "command/alert/sinks.h"
#include "command/commands.h"
#include "command/log/reader.h"
#include "command/places.h"
#include "command/running/status_lines.h"
#include "loop/presence.h"
#include "sys/io.h"
#include "wire/json.h"

/* Those without which nothing is kept are missed even where they never ran. */
static const struct {
        const char *name;
        bool always;
        bool regular; /* says how it is every few seconds, not only when there is news */
        bool rare;    /* most hosts have none: not worth a line where it never ran */
} processes[] = {
        { .name = "recorder", .always = true, .regular = true },
        { .name = "sensor", .always = true, .regular = true },
        { .name = "monitor", .regular = true },
        { .name = "uplink", .regular = true },
        { .name = "keys", .regular = true, .rare = true },
        { .name = "gateway", .regular = true, .rare = true },
};

enum { LABEL_COLUMNS = 11 };

enum { SILENT_S = 30 /* each says how it is every five seconds */ };

struct process {
        const char *name;
        bool always, regular, rare;
        bool known; /* it has said something here */
        bool lives;
        int64_t silent_ns; /* since it said something last */
        int64_t said_ns;   /* when that was, wall; 0: not known */
        bool missed;       /* by the recorder, which it says nothing to */
        int64_t missed_since_ns;
        char cause[16]; /* as in alert.silent */
        struct buf text;
        struct json_value state;
        char why[ERR_TEXT_MAX]; /* not known */
};

struct ledger_state {
        bool known;
        uint64_t size;
        char origin[NOTE_NAME_MAX + 1];
        int64_t age_ns; /* of the checkpoint */
        char why[ERR_TEXT_MAX];
        int code;
};

/* ---- gathering ---- */

/* A process that was stopped keeps its lock, but what it says grows old. */
static int64_t said_when(int run_fd, const char *name)
{
        char file[64];
        struct stat st;

        snprintf(file, sizeof(file), "%s.status", name);
        if (fstatat(run_fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        return st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

static bool is_shown(const struct process *p)
{
        return !p->rare || p->known || p->missed || *p->why;
}

static bool is_silent(const struct process *p)
{
        return p->lives && (p->silent_ns > SILENT_S * NS_PER_S || p->missed);
}

static void look_at_process(const struct invocation *in, int run_fd, struct process *p)
{
        struct err err = { 0 };
        int status;

        p->said_ns = said_when(run_fd, p->name);
        p->silent_ns = p->regular && p->said_ns ? clock_wall(in->clock) - p->said_ns : 0;
        status = presence_read(run_fd, p->name, &p->text, &p->lives, &err);
        if (status == 0) {
                p->known = true;
                p->state = json_value_of(buf_span(&p->text));
        } else if (status != -ENOENT) {
                snprintf(p->why, sizeof(p->why), "%s", err_text(&err));
        }
}

/* Whom the recorder misses: [proc, time of the last sign, cause]. */
static void take_missed(const struct process *recorder, struct process *p, size_t n)
{
        struct json_value list, item, v;
        struct span part[3];
        struct json_iter it;

        if (!recorder->lives || !json_get_path(recorder->state, "more.absent", &list) ||
            list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &item);) {
                struct json_iter parts = json_iter_of(item);
                size_t k = 0;

                while (item.type == JSON_ARRAY && k < ARRAY_LEN(part) &&
                       json_next(&parts, NULL, &v) && json_value_plain(v, &part[k]))
                        k++;
                for (size_t i = 0; i < n && k == ARRAY_LEN(part); i++)
                        if (span_eq_str(part[0], p[i].name) &&
                            text_to_time(part[1], &p[i].missed_since_ns) == 0) {
                                p[i].missed = true;
                                snprintf(p[i].cause, sizeof(p[i].cause), "%.*s",
                                         (int)MIN_OF(part[2].n, sizeof(p[i].cause) - 1),
                                         (const char *)part[2].p);
                        }
        }
}

static void look_at_ledger(const struct invocation *in, struct ledger_state *l)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        struct stat st;
        int status;

        status = places_ledger(in, dir, &err);
        if (status == 0)
                status = reader_open(dir, &r, &err);
        if (status == 0 && fstatat(r.fd, "checkpoint", &st, 0) < 0)
                status = err_sys(&err, -errno, "checkpoint");
        if (status < 0) {
                l->code = status;
                snprintf(l->why, sizeof(l->why), "%s", err_text(&err));
                return;
        }
        l->known = true;
        l->size = reader_size(&r);
        memcpy(l->origin, r.checkpoint.origin, sizeof(l->origin));
        l->age_ns = clock_wall(in->clock) - (st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec);
}

/* ---- reading a process' state ---- */

static bool since(const struct process *p, int64_t *ret_ns)
{
        struct json_value v;
        struct span text;

        return p->known && json_get(p->state, "since", &v) && json_value_plain(v, &text) &&
               text_to_time(text, ret_ns) == 0;
}

static const char *verdict_of(const struct process *p)
{
        if (is_silent(p))
                return "not answering";
        if (p->lives)
                return "running";
        return p->known ? "stopped" : *p->why ? "unknown" : "not started";
}

/* ---- text ---- */

static void put_heading(const struct screen *s, const char *name, enum style style,
                        const char *word, struct buf *out)
{
        screen_put(s, out, STYLE_BOLD, name);
        for (size_t n = strlen(name); n < 11; n++)
                buf_put_byte(out, ' ');
        screen_put(s, out, style, word);
}

/* Nothing of it since then: by its own status, or because the recorder misses it. */
static void put_no_sign(const struct invocation *in, const struct process *p, struct buf *out)
{
        int64_t last = p->said_ns;

        if (p->missed && (last == 0 || p->missed_since_ns < last))
                last = p->missed_since_ns;
        if (last == 0)
                return;
        buf_put_str(out, ", no sign since ");
        screen_put_time(&in->out, out, last);
        buf_put_str(out, " (");
        screen_put_duration(out, clock_wall(in->clock) - last);
        buf_put_byte(out, ')');
        if (p->missed) {
                buf_put_str(out, ", an alert says so: ");
                text_put_safe(out, span_str(p->cause));
        } else if (p->lives) {
                buf_put_str(out, ": stopped, or too busy; what follows is what it said last");
        }
}

static void put_process(const struct invocation *in, const struct process *p, struct buf *out)
{
        int64_t started, n;

        put_heading(&in->out, p->name,
                    is_silent(p)                         ? STYLE_BAD
                    : p->lives                           ? STYLE_GOOD
                    : p->always || p->known || p->missed ? STYLE_BAD
                                                         : STYLE_NONE,
                    verdict_of(p), out);
        if (*p->why) {
                buf_put_str(out, ": ");
                text_put_safe(out, span_str(p->why));
        }
        if (is_silent(p) || (!p->lives && (p->known || p->missed))) {
                put_no_sign(in, p, out);
        } else if (p->lives && since(p, &started)) {
                buf_put_str(out, " for ");
                screen_put_duration(out, clock_wall(in->clock) - started);
        }
        if (p->lives && status_int(p->state, "pid", &n))
                buf_printf(out, ", pid %" PRId64, n);
        if (p->lives && status_int(p->state, "uid", &n))
                buf_printf(out, ", uid %" PRId64, n);
        buf_put_byte(out, '\n');
        if (!p->lives)
                return;
        status_put_lines(in, strcmp(p->name, "uplink") == 0, p->state, out);
}

static bool says(const struct process *p, const char *path)
{
        struct json_value v;

        return p->lives && json_get_path(p->state, path, &v) && span_eq_str(v.raw, "true");
}

/* Does the sensor have a baseline that the ledger does not prove? */
static bool is_unproven(const struct process *p)
{
        struct json_value v;

        return p->lives && json_get_path(p->state, "more.baseline.unproven", &v);
}

static const struct process *recorder_of(const struct process *p, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(p[i].name, "recorder") == 0)
                        return &p[i];
        return NULL;
}

static bool is_full(const struct process *recorder)
{
        return recorder && says(recorder, "more.full");
}

/* Why the recorder lets no gateway in (may be NULL): what it could not read may have been the end
 * of a call. */
static bool keeps_gateways_out(const struct process *recorder, struct buf *why)
{
        struct json_value v;

        return recorder && recorder->lives &&
               json_get_path(recorder->state, "more.calls_not_known", &v) &&
               v.type == JSON_STRING && (!why || json_value_text(v, why));
}

static void put_calls(const struct invocation *in, const struct process *recorder, struct buf *out)
{
        CLEANUP(buf_done) struct buf why = BUF_INIT(COMMAND_OUTPUT_MAX);

        if (!keeps_gateways_out(recorder, &why))
                return;
        status_begin_line("calls", out);
        screen_put(&in->out, out, STYLE_BAD, "no gateway is let in");
        buf_put_str(out, ", for which calls are open is not known: ");
        text_put_safe(out, buf_span(&why));
        buf_put_byte(out, '\n');
}

/* The vault knows nearly as many as it may. */
static bool has_few_subjects(const struct process *recorder)
{
        return recorder && says(recorder, "more.subjects_few");
}

static void put_subjects(const struct invocation *in, const struct process *recorder,
                         struct buf *out)
{
        int64_t known, most;

        if (!has_few_subjects(recorder) || !status_int(recorder->state, "more.subjects", &known) ||
            !status_int(recorder->state, "more.subjects_most", &most))
                return;
        status_begin_line("subjects", out);
        screen_put_count(out, (uint64_t)MAX_OF(known, 0));
        buf_put_str(out, " of ");
        screen_put_count(out, (uint64_t)MAX_OF(most, 0));
        screen_put(&in->out, out, STYLE_BAD, " are known");
        buf_put_str(out, ": of new ones entries are refused soon, or are already\n");
}

static void put_ledger(const struct invocation *in, const struct ledger_state *l,
                       const struct process *recorder, struct buf *out)
{
        int64_t durable;

        if (!l->known) {
                put_heading(&in->out, "ledger", STYLE_BAD,
                            l->code == -ENOENT ? "none here" : "unknown", out);
                buf_put_str(out, ": ");
                text_put_safe(out, span_str(l->why));
                buf_put_byte(out, '\n');
                return;
        }
        put_heading(&in->out, "ledger", STYLE_NONE, "", out);
        text_put_safe(out, span_str(l->origin));
        buf_put_str(out, ", ");
        screen_put_count(out, l->size);
        buf_put_str(out, " entries published, checkpoint ");
        screen_put_duration(out, l->age_ns);
        buf_put_str(out, " old\n");
        if (recorder->lives && status_int(recorder->state, "more.size", &durable) &&
            (uint64_t)durable > l->size) {
                status_begin_line("lag", out);
                screen_put_count(out, (uint64_t)durable - l->size);
                buf_put_str(out, " entries durable and not yet published");
                buf_put_str(out, says(recorder, "more.held") ? ", writers wait for that\n" : "\n");
        }
        if (is_full(recorder)) {
                status_begin_line("full", out);
                screen_put(&in->out, out, STYLE_BAD,
                           "no room on the disk: entries are refused until there is");
                buf_put_byte(out, '\n');
        }
        put_calls(in, recorder, out);
        put_subjects(in, recorder, out);
        status_begin_line("in", out);
        text_put_safe(out, span_str(in->state));
        buf_put_str(out, "/ledger\n");
}

/* ---- JSON ---- */

static void put_json(const struct process *p, size_t n, const struct ledger_state *l,
                     struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "ledger");
        json_begin_object(&w);
        if (l->known) {
                json_member_int(&w, "checkpoint_age_ns", l->age_ns);
                command_put_json_text(&w, "origin", l->origin);
                json_member_u64(&w, "size", l->size);
        } else {
                command_put_json_text(&w, "unknown", l->why);
        }
        json_end_object(&w);
        json_put_key(&w, "processes");
        json_begin_array(&w);
        for (size_t i = 0; i < n; i++) {
                if (!is_shown(&p[i]))
                        continue;
                json_begin_object(&w);
                if (p[i].missed)
                        command_put_json_text(&w, "missed", p[i].cause);
                json_member_text(&w, "name", p[i].name);
                if (p[i].known)
                        json_member_raw(&w, "said", buf_span(&p[i].text));
                if (p[i].lives)
                        json_member_int(&w, "silent_ns", MAX_OF(p[i].silent_ns, 0));
                json_member_text(&w, "state", verdict_of(&p[i]));
                json_end_object(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* ---- the command ---- */

static enum status judge(const struct process *p, size_t n, const struct ledger_state *l)
{
        enum status status = STATUS_GOOD;

        for (size_t i = 0; i < n; i++) {
                if (*p[i].why)
                        status = STATUS_UNSURE;
                else if (is_silent(&p[i]) || p[i].missed || is_unproven(&p[i]) ||
                         (p[i].lives ? sinks_have_trouble(p[i].state) : p[i].always || p[i].known))
                        return STATUS_PROBLEM;
        }
        if (is_full(recorder_of(p, n)) || keeps_gateways_out(recorder_of(p, n), NULL) ||
            has_few_subjects(recorder_of(p, n)))
                return STATUS_PROBLEM;
        return l->known ? status : status_of_error(l->code);
}

static enum status run(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct process p[ARRAY_LEN(processes)] = { 0 };
        struct ledger_state l = { 0 };
        CLEANUP_FD int run_fd = open(in->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        enum status status;

        for (size_t i = 0; i < ARRAY_LEN(p); i++) {
                p[i].name = processes[i].name;
                p[i].always = processes[i].always;
                p[i].regular = processes[i].regular;
                p[i].rare = processes[i].rare;
                p[i].text = BUF_INIT(2 * PRESENCE_MAX);
                if (run_fd >= 0)
                        look_at_process(in, run_fd, &p[i]);
        }
        take_missed(&p[0], p, ARRAY_LEN(p));
        look_at_ledger(in, &l);
        if (in->json) {
                put_json(p, ARRAY_LEN(p), &l, &out);
        } else {
                for (size_t i = 0; i < ARRAY_LEN(p); i++)
                        if (is_shown(&p[i]))
                                put_process(in, &p[i], &out);
                put_ledger(in, &l, &p[0], &out);
                (void)!screen_wrap_lines(&in->out, &out, LABEL_COLUMNS);
        }
        status = command_print(in, &out, judge(p, ARRAY_LEN(p), &l));
        for (size_t i = 0; i < ARRAY_LEN(p); i++)
                buf_done(&p[i].text);
        return status;
}

const struct command command_status = {
        .name = "status",
        .operands = "",
        .about = "say what runs and how it fares",
        .help = "For the recorder, the sensor and the others: running or not, since when, as which\n"
                "user, and which rights each gave away; what is watched and by which means; where\n"
                "alerts are delivered; what the gateway serves, how long the recorder takes, who was\n"
                "refused; the ledger's size, how old its checkpoint is and what is\n"
                "durable but not yet published.  Exit status 1 when one of them is not running or\n"
                "gives no sign of life, the baseline is not one that the ledger has, or a place\n"
                "where alerts are delivered is down.",
        .run = run,
};
