/* SPDX-License-Identifier: Apache-2.0 */
/* assay_baseline_accept.c - assay baseline accept, and how the running sensor is asked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bin/assay_baseline.h"
#include "command/progress.h"
#include "command/running/sensor_ask.h"
#include "wire/json.h"

enum { ARGS_MAX = 128 * 1024, REPLY_MAX = 64 * 1024 };

struct accept_options {
        const char *reason;
};

static const struct option_spec accept_specs[] = {
        { "reason", 0, OPTION_TEXT, offsetof(struct accept_options, reason), "TEXT",
          "why; goes into the ledger" },
        { 0 },
};

static void on_part(void *ctx, struct span object)
{
        progress_set_files(ctx, sensor_count(object, "files"), sensor_count(object, "total"),
                           sensor_count(object, "bytes"), 0);
}

/* ---- arguments ---- */

static int put_args(const struct invocation *in, const char *reason, struct buf *out,
                    struct err *err)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(ARGS_MAX);
        struct json_writer w;

        if (sensor_check_paths(in, err) < 0)
                return err->code;
        text_put_safe(&safe, span_str(reason));
        json_writer_init(&w, out);
        json_begin_object(&w);
        sensor_put_paths(in, &w);
        json_member_string(&w, "reason", buf_span(&safe));
        json_end_object(&w);
        return buf_status(out) < 0 || buf_status(&safe) < 0
                       ? err_set(err, -E2BIG, "too many paths, or too long a reason")
                       : 0;
}

/* ---- the answer ---- */

static void put_text(const struct screen *s, const char *done, struct span body, struct buf *out)
{
        struct json_value v;
        struct span text;
        int64_t ns, entry;

        screen_put(s, out, STYLE_GOOD, done);
        buf_put_str(out, "  ");
        if (json_get(json_value_of(body), "changed", &v)) {
                screen_put_count(out, sensor_count(body, "changed"));
                buf_put_str(out, " changed, ");
                screen_put_count(out, sensor_count(body, "added"));
                buf_put_str(out, " created, ");
                screen_put_count(out, sensor_count(body, "removed"));
                buf_put_str(out, " deleted; ");
        }
        screen_put_count(out, sensor_count(body, "files"));
        buf_put_str(out, " files trusted");
        if (json_get(json_value_of(body), "taken", &v) && json_value_plain(v, &text) &&
            text_to_time(text, &ns) == 0) {
                buf_put_str(out, " as of ");
                screen_put_time(s, out, ns);
        }
        if (json_get(json_value_of(body), "root", &v) && json_value_plain(v, &text))
                buf_printf(out, "\nroot     %.*s", (int)text.n, text.p);
        if (json_get(json_value_of(body), "entry", &v) && json_value_int(v, &entry))
                buf_printf(out, "\nledger   entry %" PRId64, entry);
        else
                buf_put_str(out, "\nledger   not yet: the recorder has not answered");
        if (sensor_count(body, "not_kept")) {
                buf_put_str(out, "\ncontent  ");
                screen_put_count(out, sensor_count(body, "not_kept"));
                buf_put_str(out, " files could not be kept: too large, or no room");
        }
        if (sensor_count(body, "unreadable")) {
                buf_put_byte(out, '\n');
                screen_put_count(out, sensor_count(body, "unreadable"));
                buf_put_str(out, " files could not be read");
        }
        buf_put_byte(out, '\n');
}

static bool is_nothing(struct span body)
{
        struct json_value v;

        return json_get(json_value_of(body), "changed", &v) && !sensor_count(body, "added") &&
               !sensor_count(body, "changed") && !sensor_count(body, "removed") &&
               !json_get(json_value_of(body), "entry", &v);
}

enum status baseline_ask(struct invocation *in, const char *verb, const char *reason,
                         const char *done)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(ARGS_MAX);
        CLEANUP(buf_done) struct buf body = BUF_INIT(REPLY_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct progress progress;
        struct err err = { 0 };
        int rc = put_args(in, reason, &args, &err);

        if (rc == -EINVAL)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        progress_start(&progress, in->clock, "reading files");
        if (rc == 0)
                rc = sensor_ask(in, verb, buf_span(&args), on_part, &progress, &body, &err);
        progress_stop(&progress);
        if (rc < 0)
                return complain_err(in, &err);
        if (in->json) {
                buf_put(&out, buf_span(&body));
                buf_put_byte(&out, '\n');
        } else if (is_nothing(buf_span(&body))) {
                buf_put_str(&out, "nothing differs: what is trusted stays as it is\n");
        } else {
                put_text(&in->out, done, buf_span(&body), &out);
        }
        return command_print(in, &out,
                             sensor_count(buf_span(&body), "unreadable") ? STATUS_UNSURE
                                                                         : STATUS_GOOD);
}

static enum status run_accept(struct invocation *in)
{
        const struct accept_options *o = in->options;

        if (!o->reason)
                return complain(in, STATUS_USAGE,
                                "--reason is missing: what differs now is trusted from then on");
        return baseline_ask(in, "baseline.accept", o->reason, "accepted");
}

const struct command baseline_accept = {
        .name = "accept",
        .operands = "[PATH]...",
        .about = "trust the present state of these paths, or of all that differs",
        .help = "The sensor looks at everything once more and puts what differs from the baseline,\n"
                "at or below each PATH, into the next one; without PATH, all of it.  What changes\n"
                "after that look is a difference again.  Who accepted what, and why, is an entry of\n"
                "the ledger, with the old root and the new one.",
        .options = accept_specs,
        .options_size = sizeof(struct accept_options),
        .max_operands = 1024,
        .run = run_accept,
};
