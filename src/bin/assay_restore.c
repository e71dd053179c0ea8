/* SPDX-License-Identifier: Apache-2.0 */
/* assay_restore.c - assay restore: have the running sensor put files back as a baseline has them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bin/assay_commands.h"
#include "command/progress.h"
#include "command/running/sensor_ask.h"
#include "wire/json.h"

enum { ARGS_MAX = 128 * 1024, REPLY_MAX = 128 * 1024, LINE_BYTES = 64 * 1024 };

struct restore_options {
        const char *to, *reason;
        bool dry_run, discard;
};

static const struct option_spec restore_specs[] = {
        { "to", 0, OPTION_TEXT, offsetof(struct restore_options, to), "BASELINE",
          "an earlier baseline, by the first digits of its root (assay baseline show --earlier)" },
        { "reason", 0, OPTION_TEXT, offsetof(struct restore_options, reason), "TEXT",
          "why; goes into the ledger.  Required without --dry-run" },
        { "dry-run", 'n', OPTION_FLAG, offsetof(struct restore_options, dry_run), NULL,
          "say what would be done, and do nothing" },
        { "discard", 0, OPTION_FLAG, offsetof(struct restore_options, discard), NULL,
          "put back also where what is there cannot be kept in quarantine" },
        { 0 },
};

struct restoring {
        const struct invocation *in;
        struct progress progress;
        struct buf lines; /* of a dry run: text, or items of a JSON array */
};

/* ---- arguments ---- */

static int put_args(const struct invocation *in, struct buf *out, struct err *err)
{
        const struct restore_options *o = in->options;
        struct json_writer w;

        if (sensor_check_paths(in, err) < 0)
                return err->code;
        json_writer_init(&w, out);
        json_begin_object(&w);
        if (o->to)
                command_put_json_text(&w, "baseline", o->to);
        if (o->discard)
                json_member_bool(&w, "discard", true);
        if (o->dry_run)
                json_member_bool(&w, "dry_run", true);
        sensor_put_paths(in, &w);
        if (o->reason)
                command_put_json_text(&w, "reason", o->reason);
        json_end_object(&w);
        return buf_status(out) < 0 ? err_set(err, -E2BIG, "too many paths, or too long a reason")
                                   : 0;
}

/* ---- what is heard ---- */

static void put_differs(struct json_value o, struct buf *out)
{
        struct json_value list, item;
        struct json_iter it;
        const char *comma = "  ";
        struct span name;

        if (!json_get(o, "differs", &list) || list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &item); comma = ", ")
                if (json_value_plain(item, &name))
                        buf_printf(out, "%s%.*s", comma, (int)name.n, (const char *)name.p);
}

/* What would be done, by what the sensor calls it. */
static const char *word_of(struct span act)
{
        static const struct {
                const char *act, *word;
        } words[] = { { "replaced", "replace" },
                      { "attributes", "set" },
                      { "created", "create" },
                      { "removed", "put away" } };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (span_eq_str(act, words[i].act))
                        return words[i].word;
        return "?";
}

static void put_line(const struct screen *s, struct json_value o, struct buf *out)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT(LINE_BYTES);
        struct json_value v;
        struct span act = SPAN_NONE;
        char word[16];
        size_t n = 0;

        if (json_get(o, "act", &v))
                (void)json_value_plain(v, &act);
        snprintf(word, sizeof(word), "%-9s", word_of(act));
        screen_put(s, out, STYLE_BOLD, word);
        buf_put_str(out, " ");
        if (json_get(o, "path", &v)) {
                (void)json_value_text(v, &path);
        } else if (json_get(o, "path_b64", &v) && json_value_plain(v, &act)) {
                uint8_t *p = buf_extend(&path, act.n);

                if (p && text_from_base64(act, p, act.n, &n) == 0)
                        path.n = n;
        }
        text_put_safe(out, buf_span(&path));
        put_differs(o, out);
        if (json_get(o, "kept", &v) && v.type == JSON_FALSE) {
                buf_put_str(out, "  ");
                screen_put(s, out, STYLE_BAD, "its content was never kept");
        }
        if (json_get(o, "mounted", &v)) {
                CLEANUP(buf_done) struct buf why = BUF_INIT(LINE_BYTES);

                (void)json_value_text(v, &why); /* the sensor has made it safe */
                buf_put_str(out, "  ");
                screen_put(s, out, STYLE_BAD, buf_cstr(&why));
        }
        buf_put_byte(out, '\n');
}

static void on_part(void *ctx, struct span object)
{
        struct restoring *r = ctx;
        struct json_value o = json_value_of(object), v;

        if (!json_get(o, "act", &v)) {
                progress_set(&r->progress, sensor_count(object, "done"),
                             sensor_count(object, "total"));
                return;
        }
        if (r->in->json) {
                buf_put_str(&r->lines, r->lines.n ? "," : "");
                buf_put(&r->lines, object);
                return;
        }
        progress_stop(&r->progress);
        put_line(&r->in->out, o, &r->lines);
}

/* ---- the answer ---- */

static void put_dry(const struct restoring *r, struct span body, struct buf *out)
{
        struct json_writer w;

        if (r->in->json) {
                json_writer_init(&w, out);
                json_begin_object(&w);
                json_member_u64(&w, "differs", sensor_count(body, "differs"));
                json_member_u64(&w, "mounted", sensor_count(body, "mounted"));
                json_member_u64(&w, "not_kept", sensor_count(body, "not_kept"));
                json_put_key(&w, "would");
                json_begin_array(&w);
                if (r->lines.n)
                        json_put_raw(&w, buf_span(&r->lines));
                json_end_array(&w);
                json_end_object(&w);
                buf_put_byte(out, '\n');
                return;
        }
        buf_put(out, buf_span(&r->lines));
        if (sensor_count(body, "differs") == 0) {
                buf_put_str(out, "nothing differs\n");
                return;
        }
        screen_put_count(out, sensor_count(body, "differs"));
        buf_put_str(out, sensor_count(body, "differs") == 1 ? " path differs" : " paths differ");
        if (sensor_count(body, "not_kept")) {
                buf_put_str(out, ", of which ");
                screen_put_count(out, sensor_count(body, "not_kept"));
                buf_put_str(out, " cannot be put back: the content was never kept");
        }
        if (sensor_count(body, "mounted")) {
                buf_put_str(out, ", of which ");
                screen_put_count(out, sensor_count(body, "mounted"));
                buf_put_str(out, " are left alone: they are behind a mount");
        }
        buf_put_str(out, "; nothing was done\n");
}

static void put_failures(struct span body, struct buf *out)
{
        struct json_value list, item;
        struct json_iter it;

        if (!json_get(json_value_of(body), "failures", &list) || list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &item);) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_BYTES);

                if (!json_value_text(item, &text))
                        continue;
                buf_put_str(out, "not put back  ");
                buf_put(out, buf_span(&text)); /* the sensor has made it safe */
                buf_put_byte(out, '\n');
        }
}

static void put_done(const struct restoring *r, struct span body, struct buf *out)
{
        uint64_t restored = sensor_count(body, "restored"), failed = sensor_count(body, "failed");

        if (r->in->json) {
                buf_put(out, body);
                buf_put_byte(out, '\n');
                return;
        }
        put_failures(body, out);
        if (restored + failed + sensor_count(body, "same") == 0) {
                buf_put_str(out, "nothing differs\n");
                return;
        }
        screen_put(&r->in->out, out, failed ? STYLE_BAD : STYLE_GOOD, "restored");
        buf_put_str(out, "  ");
        screen_put_count(out, restored);
        buf_put_str(out, restored == 1 ? " path, " : " paths, ");
        screen_put_count(out, sensor_count(body, "same"));
        buf_put_str(out, " were as they should be, ");
        screen_put_count(out, failed);
        buf_put_str(out, " could not be\n");
}

static enum status run(struct invocation *in)
{
        const struct restore_options *o = in->options;
        CLEANUP(buf_done) struct buf args = BUF_INIT(ARGS_MAX);
        CLEANUP(buf_done) struct buf body = BUF_INIT(REPLY_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct restoring r = { .in = in, .lines = BUF_INIT(COMMAND_OUTPUT_MAX / 2) };
        struct err err = { 0 };
        bool bad = false;
        int rc;

        if (!o->reason && !o->dry_run)
                return complain(in, STATUS_USAGE,
                                "--reason is missing: why they are put back; or --dry-run");
        rc = put_args(in, &args, &err);
        if (rc == -EINVAL)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        progress_start(&r.progress, in->clock, "putting back");
        if (rc == 0)
                rc = sensor_ask(in, "restore", buf_span(&args), on_part, &r, &body, &err);
        progress_stop(&r.progress);
        if (rc == 0 && o->dry_run)
                put_dry(&r, buf_span(&body), &out);
        else if (rc == 0)
                put_done(&r, buf_span(&body), &out);
        if (rc == 0)
                bad = sensor_count(buf_span(&body), "failed") ||
                      sensor_count(buf_span(&body), "mounted") ||
                      sensor_count(buf_span(&body), "not_kept");
        buf_done(&r.lines);
        return rc < 0 ? complain_err(in, &err)
                      : command_print(in, &out, bad ? STATUS_PROBLEM : STATUS_GOOD);
}

const struct command command_restore = {
        .name = "restore",
        .operands = "PATH...",
        .about = "put files back as the baseline has them",
        .help = "The running sensor puts back all that differs from the baseline at and below each\n"
                "PATH: content, owner, mode, lists, attributes, times, what was deleted, renamed or\n"
                "replaced.  What is there now goes into quarantine first, and what should not be\n"
                "there at all as well (assay quarantine).  Content comes back where a profile keeps\n"
                "it.  Each path is an entry of the ledger.  --to takes one of the earlier\n"
                "baselines; what is put back to it stays as it is until the next one.",
        .options = restore_specs,
        .options_size = sizeof(struct restore_options),
        .min_operands = 1,
        .max_operands = 1024,
        .run = run,
};
