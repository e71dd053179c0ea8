/* SPDX-License-Identifier: Apache-2.0 */
/* admin.c - see admin.h. */
#include "command/running/admin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "command/places.h"
#include "command/running/unanswered.h"
#include "crypto/sha256.h"
#include "ledger/feed/feed.h"
#include "sys/io.h"
#include "wire/json.h"

enum { CONNECT_MS = 5000, REPLY_MS = 120000, REPLY_MAX = 256 * 1024, POLICY_MAX = 1024 * 1024 };

int admin_command(const struct invocation *in, const char *verb, struct span args, struct buf *ret,
                  struct err *err)
{
        CLEANUP(feed_freep) struct feed *f = NULL;
        struct feed_options o = { .proc = "admin" };
        char socket[PLACES_PATH_MAX];
        int status;

        status = places_join(in->run, "recorder.sock", socket, err);
        o.socket = socket;
        if (status == 0)
                status = feed_new(&o, &f, err);
        if (status == 0) {
                status = feed_connect(f, 0, CONNECT_MS, err);
                if (status < 0)
                        return unanswered("recorder", status, err);
        }
        if (status == 0)
                status = feed_command(f, verb, args, REPLY_MS, ret, err);
        if (status == -ENOENT) /* what was named is not there: an answer, and a sure one */
                status = err->code = -ERANGE;
        return status;
}

/* "rows 12, subject abc": the body's scalar members. */
static void put_body(struct span body, struct buf *out)
{
        struct json_value v;
        struct json_iter it;
        struct span key;
        const char *between = ": ";

        if (json_check(body, NULL) < 0)
                return;
        for (it = json_iter_of(json_value_of(body)); json_next(&it, &key, &v); between = ", ") {
                CLEANUP(buf_done) struct buf text = BUF_INIT(REPLY_MAX);

                if (!json_value_text(v, &text))
                        buf_put(&text, v.raw);
                buf_put_str(out, between);
                text_put_safe(out, key);
                buf_put_byte(out, ' ');
                text_put_safe(out, buf_span(&text));
        }
}

enum status admin_run(const struct invocation *in, const char *verb, struct span args,
                      const char *done)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(REPLY_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };

        if (admin_command(in, verb, args, &body, &err) < 0)
                return complain_err(in, &err);
        if (in->json) {
                buf_put(&out, buf_span(&body));
        } else {
                buf_put_str(&out, done);
                put_body(buf_span(&body), &out);
        }
        buf_put_byte(&out, '\n');
        return command_print(in, &out, STATUS_GOOD);
}

int admin_put_policy(struct json_writer *w, const char *file, struct err *err)
{
        const char *slash = strrchr(file, '/');
        uint8_t digest[SHA256_LEN], *p;
        char hex[2 * SHA256_LEN + 1], text[512];
        size_t n;
        int status;

        status = io_read_given(file, POLICY_MAX, &p, &n, err);
        if (status < 0)
                return err_wrap(err, "--policy");
        sha256(span_of(p, n), digest);
        free(p);
        text_hex(span_of(digest, sizeof(digest)), hex);
        snprintf(text, sizeof(text), "%.255s sha256:%s", slash ? slash + 1 : file, hex);
        command_put_json_text(w, "policy", text);
        return 0;
}
