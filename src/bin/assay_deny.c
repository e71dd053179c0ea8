/* SPDX-License-Identifier: Apache-2.0 */
/* assay_deny.c - assay deny: which immutable flags are Assay's, and all of them off at once. */
#include <fcntl.h>
#include <stdlib.h>

#include "base/text.h"
#include "bin/assay_commands.h"
#include "command/places.h"
#include "command/running/sensor_ask.h"
#include "integrity/preventing/deny_flag.h"
#include "integrity/why/frozen.h"
#include "sys/io.h"
#include "wire/json.h"

enum { BODY_MAX = 4096 };

/* ---- list ---- */

static int read_list(int dirfd, struct frozen *f, struct err *err)
{
        uint8_t *text = NULL;
        bool torn;
        size_t n = 0;
        int rc = io_read_file(&io_kernel, dirfd, FROZEN_FILE, FROZEN_FILE_MAX, &text, &n, err);

        if (rc == 0)
                rc = frozen_parse(f, span_of(text, n), &torn, err);
        free(text);
        return rc == -ENOENT ? 0 : rc;
}

static int by_path(const void *a, const void *b)
{
        return span_cmp(frozen_path(*(struct frozen_file *const *)a),
                        frozen_path(*(struct frozen_file *const *)b));
}

static int put_list(const struct invocation *in, const struct frozen *f, struct buf *out)
{
        size_t n = frozen_count(f);
        struct frozen_file **all = calloc(n + 1, sizeof(struct frozen_file *));
        struct json_writer w;

        if (!all)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                all[i] = frozen_at(f, i);
        qsort(all, n, sizeof(struct frozen_file *), by_path);
        for (size_t i = 0; i < n; i++) {
                if (in->json) {
                        json_writer_init(&w, out);
                        json_begin_object(&w);
                        json_put_bytes(&w, "path", frozen_path(all[i]));
                        if (all[i]->until_ns)
                                json_member_time(&w, "until", (int64_t)all[i]->until_ns);
                        json_end_object(&w);
                } else {
                        text_put_safe(out, frozen_path(all[i]));
                }
                buf_put_byte(out, '\n');
        }
        free(all);
        return buf_status(out);
}

static enum status run_list(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(frozen_freep) struct frozen *f = NULL;
        CLEANUP_FD int fd = -1;
        struct err err = { 0 };
        int rc = places_open_state(in, "sensor", &fd, &err);

        if (rc == 0)
                rc = frozen_new(&f, &err);
        if (rc == 0)
                rc = read_list(fd, f, &err);
        if (rc == 0 && put_list(in, f, &out) < 0)
                rc = err_set(&err, -ENOMEM, "out of memory");
        return rc < 0 ? complain_err(in, &err) : command_print(in, &out, STATUS_GOOD);
}

static const struct command deny_list = {
        .name = "list",
        .operands = "",
        .about = "name the files and directories that Assay keeps immutable",
        .help = "Those whose flag is Assay's own.  One that an administrator has set is not among\n"
                "them.  Reads the sensor's list, which only root may; the sensor need not run.",
        .run = run_list,
};

/* ---- lift ---- */

struct lift_options {
        bool all;
        const char *reason;
};

static const struct option_spec lift_specs[] = {
        { "all", 0, OPTION_FLAG, offsetof(struct lift_options, all), NULL,
          "all of them; required" },
        { "reason", 'r', OPTION_TEXT, offsetof(struct lift_options, reason), "TEXT",
          "why; goes into the ledger.  Required while the sensor runs" },
        { 0 },
};

static void on_left(void *ctx, struct span path, int error)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(8 * PLACES_PATH_MAX);

        text_put_safe(&safe, span_of(path.p, MIN_OF(path.n, (size_t)PLACES_PATH_MAX)));
        complain(ctx, STATUS_PROBLEM, "%s: %s", buf_cstr(&safe),
                 error == -ENOENT ? "nothing is there; its filesystem may not be mounted"
                                  : strerror(-error));
}

static enum status lift_here(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct deny_flag_sums sums = { 0 };
        CLEANUP_FD int fd = -1;
        struct json_writer w;
        struct err err = { 0 };
        int rc = places_open_state(in, "sensor", &fd, &err);

        if (rc == 0)
                rc = deny_flag_clear_all(fd, on_left, in, &sums, &err);
        if (rc < 0)
                return complain_err(in, &err);
        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_u64(&w, "failed", sums.failed);
                json_member_u64(&w, "lifted", sums.lifted);
                json_member_u64(&w, "missing", sums.missing);
                json_end_object(&w);
        } else {
                screen_put_count(&out, sums.lifted);
                buf_put_str(&out, " flags taken off");
        }
        buf_put_byte(&out, '\n');
        return command_print(in, &out, sums.failed || sums.missing ? STATUS_PROBLEM : STATUS_GOOD);
}

static int ask(struct invocation *in, const char *reason, struct buf *body, struct err *err)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(BODY_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        command_put_json_text(&w, "reason", reason);
        json_end_object(&w);
        if (buf_status(&args) < 0)
                return err_set(err, -EINVAL, "--reason is too long");
        return sensor_ask(in, "deny.lift", buf_span(&args), NULL, NULL, body, err);
}

static enum status run_lift(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(buf_done) struct buf body = BUF_INIT(BODY_MAX);
        const struct lift_options *o = in->options;
        struct err err = { 0 };

        if (!o->all)
                return complain(in, STATUS_USAGE,
                                "--all is missing: single paths are opened by assay change open");
        if (sensor_reach(in, NULL) < 0)
                return lift_here(in);
        if (!o->reason)
                return complain(in, STATUS_USAGE,
                                "--reason is missing: nothing is denied from then on");
        if (ask(in, o->reason, &body, &err) < 0)
                return complain_err(in, &err);
        if (in->json) {
                buf_put(&out, buf_span(&body));
        } else {
                screen_put_count(&out, sensor_count(buf_span(&body), "lifted"));
                buf_put_str(&out, " flags taken off; none is set until the sensor is started anew");
        }
        buf_put_byte(&out, '\n');
        return command_print(in, &out,
                             sensor_count(buf_span(&body), "left") ? STATUS_PROBLEM : STATUS_GOOD);
}

static const struct command deny_lift = {
        .name = "lift",
        .operands = "",
        .about = "take all of Assay's immutable flags off, and no other",
        .help = "For an emergency, and before Assay is removed.  While the sensor runs it does so,\n"
                "sets none until it is started anew, and who asked and why is in the ledger;\n"
                "without a sensor it is done here.  To change what is denied, open an approved\n"
                "change for it instead: see assay change.",
        .options = lift_specs,
        .options_size = sizeof(struct lift_options),
        .run = run_lift,
};

static const struct command *const deny_commands[] = { &deny_list, &deny_lift, NULL };

const struct command command_deny = {
        .name = "deny",
        .operands = "[OPTION]...",
        .about = "show which files nobody can change, or take all those flags off",
        .sub = deny_commands,
        .usual = &deny_list,
};
