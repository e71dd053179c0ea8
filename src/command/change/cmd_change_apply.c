/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_change_apply.c - assay change apply: hand a signed list of paths to the sensor. */
#include "base/text.h"
#include "command/change/change_list.h"
#include "command/places.h"
#include "command/running/sensor_ask.h"
#include "sys/io.h"
#include "wire/json.h"
#include "wire/pathlist.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 * 1024, TRIES = 300, TRY_MS = 100 };

/* Where the sensor takes lists from. */
#define LISTS_DIR "sensor/lists"

/* Without a sensor the directory may not be there either: that the sensor is away says more. */
static int open_lists(const struct invocation *in, int *ret_dir, struct err *err)
{
        char path[PLACES_PATH_MAX];
        int rc = places_join(in->state, LISTS_DIR, path, err);

        if (rc == 0)
                rc = sensor_reach(in, err);
        return rc == 0 ? places_open_dir(path, ret_dir, err) : rc;
}

/* While another list is being read it says "later". */
static int ask(const struct invocation *in, const char *name, struct buf *body, struct err *err)
{
        static const struct timespec pause = { .tv_nsec = TRY_MS * 1000000L };
        CLEANUP(buf_done) struct buf args = BUF_INIT(1024);
        struct json_writer w;
        int rc = -EAGAIN;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        json_member_text(&w, "file", name);
        json_end_object(&w);
        if (buf_status(&args) < 0)
                return err_sys(err, buf_status(&args), "change.apply");
        for (int i = 0; i < TRIES && rc == -EAGAIN; i++) {
                if (i > 0)
                        nanosleep(&pause, NULL);
                rc = sensor_ask(in, "change.apply", buf_span(&args), NULL, NULL, body, err);
        }
        return rc;
}

static int hand_over(const struct invocation *in, struct span list, struct buf *body,
                     struct err *err)
{
        CLEANUP_FD int dir = -1;
        char name[64];
        int rc = open_lists(in, &dir, err);

        if (rc < 0)
                return rc;
        snprintf(name, sizeof name, "apply-%d.list", (int)getpid());
        rc = io_replace_file(&io_kernel, dir, name, dir, 0600, list, err);
        if (rc == 0)
                rc = ask(in, name, body, err);
        if (rc < 0)
                (void)io_kernel.unlink(io_kernel.ctx, dir, name); /* refused, or never asked for */
        return rc;
}

static int apply(const struct invocation *in, const char *file, struct buf *body, struct err *err)
{
        uint8_t *bytes = NULL;
        size_t n = 0;
        int rc = io_read_given(file, PATHLIST_MAX, &bytes, &n, err);

        if (rc == 0)
                rc = hand_over(in, span_of(bytes, n), body, err);
        free(bytes);
        return rc;
}

static void put_text(struct json_value o, const char *key, struct buf *out)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(ANSWER_MAX);
        struct json_value v;

        if (json_get(o, key, &v) && json_value_text(v, &raw))
                text_put_safe(out, buf_span(&raw));
}

static void put_items(struct json_value o, const char *key, const char *before, struct buf *out)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(ANSWER_MAX);
        struct json_value v, item;
        struct json_iter it;

        if (!json_get(o, key, &v) || v.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(v); json_next(&it, NULL, &item); before = ", ") {
                buf_clear(&raw);
                if (!json_value_text(item, &raw))
                        continue;
                buf_put_str(out, before);
                text_put_safe(out, buf_span(&raw));
        }
}

void command_put_source(const struct screen *s, struct json_value o, struct buf *out)
{
        struct json_value v;
        struct span time;
        int64_t ns, n = 0;

        buf_put_str(out, "commit ");
        put_text(o, "commit", out);
        buf_put_str(out, " of ");
        put_text(o, "origin", out);
        put_items(o, "on", " on ", out);
        if (json_get(o, "entries", &v) && json_value_int(v, &n))
                buf_printf(out, "\n  %lld paths", (long long)n);
        put_items(o, "maps", " for ", out);
        put_items(o, "hosts", "\n  only for ", out);
        buf_put_str(out, "\n  signed by ");
        put_text(o, "key", out);
        if (json_get(o, "expires", &v) && json_value_plain(v, &time) &&
            text_to_time(time, &ns) == 0) {
                buf_put_str(out, ", until ");
                screen_put_time(s, out, ns);
        }
        buf_put_byte(out, '\n');
}

static enum status run(struct invocation *in)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(ANSWER_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };

        if (apply(in, in->operands[0], &body, &err) < 0)
                return complain_err(in, &err);
        if (in->json) {
                buf_put(&out, buf_span(&body));
                buf_put_byte(&out, '\n');
        } else {
                command_put_source(&in->out, json_value_of(buf_span(&body)), &out);
        }
        return command_print(in, &out, STATUS_GOOD);
}

const struct command command_change_apply = {
        .name = "apply",
        .operands = "FILE",
        .about = "let this host believe a signed list of a commit's files",
        .help = "FILE is what assay change resolve wrote.  The sensor takes it when a key in\n"
                "/etc/assay/change.keys has signed it, it is for this host and not over; from then on\n"
                "what becomes as the list says is explained by the commit, and so are open alerts all\n"
                "of whose changes it explains.",
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
