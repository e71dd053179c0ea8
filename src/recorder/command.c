/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - what an administrator may ask; the verbs are described in command.h.
 *
 * SECURITY: only peers admitted as ROLE_ADMIN get here. */
#include "loop/log.h"
#include "recorder/command_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Writers are held for one that has waited for so long. */
enum { PATIENCE_MS = 250 };

/* ---- arguments and replies ---- */

int command_get_text(struct json_value args, const char *key, struct buf *ret, struct err *err)
{
        struct json_value v;

        bool is_text = json_get(args, key, &v) && json_value_text(v, ret);

        if (buf_status(ret) == -ENOMEM)
                return err_set(err, -ENOMEM, "\"%s\": no memory", key);
        if (buf_status(ret) < 0)
                return err_set(err, -EINVAL, "\"%s\" is too long", key);
        return is_text && ret->n > 0 ? 0 : err_set(err, -EINVAL, "\"%s\" is missing", key);
}

int command_get_u64(struct json_value args, const char *key, uint64_t *ret, struct err *err)
{
        struct json_value v;
        int64_t i;

        if (!json_get(args, key, &v) || !json_value_int(v, &i) || i < 0)
                return err_set(err, -EINVAL, "\"%s\": a number is missing", key);
        *ret = (uint64_t)i;
        return 0;
}

static void reply_error(struct peer *p, int code, const char *text)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(COMMAND_REPLY_MAX);
        struct json_writer w;

        json_writer_init(&w, &body);
        json_begin_object(&w);
        json_member_string(&w, "error",
                           text_is_utf8(span_str(text), NULL) ? span_str(text) : SPAN("failed"));
        json_end_object(&w);
        peer_reply(p, code, buf_span(&body));
}

/* ---- entries and promises ---- */

void command_copy(struct own_entry *e, struct json_value args, const char *key)
{
        struct json_value v;

        if (json_get(args, key, &v))
                json_member_raw(&e->w, key, v.raw);
}

int command_commit(struct recorder *r, struct own_entry *e, const struct peer *by, struct err *err)
{
        int rc = own_end_by(r, e, by, err);

        if (rc < 0)
                return rc;
        rc = recorder_commit(r);
        return rc < 0 ? err_set(err, rc, "the ledger takes no entry: %s", strerror(-rc)) : 0;
}

int command_write_note(struct recorder *r, const char *path, struct span note, struct err *err)
{
        CLEANUP_FD int dir = -1;
        int rc;

        rc = io_make_dirs(&io_kernel, r->private_fd, "pending", 0700, err);
        if (rc < 0)
                return rc;
        dir = io_kernel.open(NULL, r->private_fd, "pending", O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
                return err_sys(err, dir, "pending");
        return io_replace_file(&io_kernel, r->private_fd, path, dir, 0600, note, err);
}

static void promise_path(const char *verb, char out[64])
{
        int n = snprintf(out, 64, "pending/%s", verb);

        assert(n > 0 && n < 64);
}

int command_promise(struct recorder *r, const char *verb, struct span args, struct err *err)
{
        char path[64];

        promise_path(verb, path);
        return command_write_note(r, path, args, err);
}

int command_keep(struct recorder *r, const char *verb, struct err *err)
{
        char path[64];

        promise_path(verb, path);
        if (unlinkat(r->private_fd, path, 0) < 0 && errno != ENOENT)
                return err_sys(err, -errno, "%s", path);
        return 0;
}

/* ---- the table ---- */

static const struct verb {
        const char *name;
        bool waits;    /* until everything is published and the worker rests */
        bool promises; /* see command_priv.h */
        bool beside;   /* changes nothing, and may be asked for while an act is under way */
        command_run_fn *run;
        const struct act_ops *act; /* instead of run */
} verbs[] = {
        { "api", false, false, true, command_api, NULL },
        { "status", false, false, true, command_status, NULL },
        { "publish", true, false, true, command_publish, NULL },
        { "hold", true, true, false, command_hold, NULL },
        { "erase", true, true, false, NULL, &command_erase_ops },
        { "rotate", true, false, false, command_rotate, NULL },
        { "prune", true, true, false, NULL, &command_prune_ops },
        { "stamp", true, true, false, command_stamp, NULL },
        { "test", true, false, false, command_test, NULL },
        { "succeed", true, true, false, command_succeed, NULL },
};

void command_answer(struct recorder *r, struct peer *p, const char *verb, int rc,
                    const struct buf *body, const struct err *err)
{
        struct err reply = { 0 };

        if (rc == 0 && buf_status(body) < 0) {
                rc = err_set(&reply, buf_status(body), "it is done, but the reply has no room");
                err = &reply;
        }
        log_event(rc < 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "recorder.command",
                  log_str("verb", verb), log_int("pid", p ? p->cred.pid : 0),
                  log_str("result", rc < 0 ? err_text(err) : "done"));
        if (p && rc < 0)
                reply_error(p, rc, err_text(err));
        else if (p)
                peer_reply(p, 0, buf_span(body));
}

static int run_promised(struct recorder *r, struct peer *p, const struct verb *v, struct span args,
                        struct json_writer *w, struct err *err)
{
        uint64_t size = ledger_size(r->ledger);
        struct err second = { 0 };
        int rc = v->run(r, p, json_value_of(args), w, err);

        /* Who heard that it failed, before there was an entry, must not have it done at the next
         * start. */
        if (v->promises && (rc == 0 || ledger_size(r->ledger) == size) &&
            command_keep(r, v->name, &second) < 0)
                return rc == 0 ? err_set(err, second.code, "%s", err_text(&second)) : rc;
        return rc;
}

static void run_verb(struct recorder *r, struct peer *p, const struct verb *v, struct span args)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(COMMAND_REPLY_MAX);
        struct err err = { 0 };
        struct json_writer w;
        int rc;

        json_writer_init(&w, &body);
        json_begin_object(&w);
        rc = run_promised(r, p, v, args, &w, &err);
        json_end_object(&w);
        command_answer(r, p, v->name, rc, &body, &err);
}

static const struct verb *find_verb(struct span name)
{
        for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
                if (span_eq_str(name, verbs[i].name))
                        return &verbs[i];
        return NULL;
}

static bool keep_args(struct recorder *r, struct span args)
{
        buf_clear(&r->command.args);
        buf_put(&r->command.args, args);
        return buf_status(&r->command.args) == 0;
}

void command_take(struct peer *p, struct msg_reader *m)
{
        struct span name = msg_get_bytes8(m), args = msg_get_bytes32(m);
        struct recorder *r = p->r;
        struct err err = { 0 };
        const struct verb *v = find_verb(name);

        if (msg_close(m) < 0) {
                peer_close(p, true, "malformed message: %s", err_text(m->err));
                return;
        }
        if (!v) {
                reply_error(p, -ENOTSUP, "the recorder knows no such command");
        } else if (json_check(args, &err) < 0) {
                reply_error(p, -EINVAL, err_text(&err));
        } else if (!v->waits) {
                run_verb(r, p, v, args);
        } else if (r->command.peer || (r->act.ops && !v->beside)) {
                reply_error(p, -EBUSY, "another command is under way");
        } else if (!keep_args(r, args)) {
                reply_error(p, -ENOMEM, "no memory for its arguments");
        } else {
                snprintf(r->command.verb, sizeof r->command.verb, "%s", v->name);
                r->command.since_ns = clock_mono(r->clock);
                r->command.peer = p;
        }
}

static bool is_published(const struct recorder *r)
{
        return !r->publishing && r->publisher && r->published == ledger_size(r->ledger) &&
               ledger_staged(r->ledger) == ledger_size(r->ledger);
}

bool command_may_run(const struct recorder *r)
{
        return is_published(r) && !r->act.running;
}

void command_step(struct recorder *r)
{
        struct peer *p = r->command.peer;
        struct span args = buf_span(&r->command.args);
        const struct verb *v;

        if (!p)
                return;
        v = find_verb(span_str(r->command.verb));
        if (!is_published(r) || (r->act.running && !v->beside))
                return;
        r->command.peer = NULL;
        if (v->act)
                act_begin(r, v->act, p, json_value_of(args));
        else
                run_verb(r, p, v, args);
}

bool command_is_waiting(const struct recorder *r)
{
        int64_t long_ago = clock_mono(r->clock) - PATIENCE_MS * NS_PER_MS;

        if (r->act.ops && r->act.state == ACT_RECORD && r->act.waiting_since < long_ago)
                return true;
        return r->command.peer && r->command.since_ns < long_ago;
}

void command_fail(struct recorder *r, int code, const char *text)
{
        struct peer *p = r->command.peer;

        r->command.peer = NULL;
        if (p)
                reply_error(p, code, text);
        act_fail(r, code, text);
}

/* ---- after a crash ---- */

/* Keep what was promised before a crash; what cannot be done is let go. */
static int resume_verb(struct recorder *r, const struct verb *v, struct err *err)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(COMMAND_REPLY_MAX);
        struct json_writer w;
        uint8_t *args;
        char path[64];
        size_t n;
        int rc;

        promise_path(v->name, path);
        rc = io_read_file(&io_kernel, r->private_fd, path, MSG_MAX, &args, &n, err);
        if (rc < 0)
                return rc == -ENOENT ? 0 : rc;
        json_writer_init(&w, &body);
        json_begin_object(&w);
        rc = json_check(span_of(args, n), err);
        if (rc == 0 && v->act)
                rc = act_now(r, v->act, json_value_of(span_of(args, n)), &w, err);
        else if (rc == 0)
                rc = v->run(r, NULL, json_value_of(span_of(args, n)), &w, err);
        free(args);
        log_event(rc < 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "recorder.resumed_command",
                  log_str("verb", v->name), log_str("result", rc < 0 ? err_text(err) : "done"));
        /* Done, or done before the crash, or no longer to be done: the subject is gone, or held
         * since. */
        if (rc == 0 || rc == -ENOENT || rc == -EBUSY)
                rc = command_keep(r, v->name, err);
        return rc < 0 ? (err_wrap(err, "%s", path), rc) : 0;
}

int command_resume(struct recorder *r, struct err *err)
{
        int rc = 0;

        for (size_t i = 0; i < ARRAY_LEN(verbs) && rc == 0; i++)
                if (verbs[i].promises)
                        rc = resume_verb(r, &verbs[i], err);
        return rc == 0 ? command_resume_rotation(r, err) : rc;
}
