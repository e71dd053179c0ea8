/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_command.c - what an administrator may ask of the running sensor.  A new command is a
 * function and a line in the table.
 *
 *   verb             arguments                                    answer
 *   status           {}                                           as sensor.status, and more
 *   check            deep: true|absent                            added, changed, removed: against
 *                                                                 the baseline; found: that was new
 *   baseline.create  reason                                       files, found, root, taken,
 *                                                                 unreadable, entry, kept, not_kept
 *   baseline.accept  reason, paths: [...]|absent, paths_b64       added, changed, removed and the
 *                                                                 same
 *
 *   change.open      change: {...} as in approval.h       id, digest
 *   change.close     id, reason                           id
 *   change.list      {}                                   changes: [...], lists: [...]
 *   change.apply     file: in the directory of lists      what the list is
 *   alert.explain    id, change, reason                   id
 *   deny.lift        reason                               left, lifted
 *   package.begin    add: [{action, arch, from, name, path, to}], id: of the transaction
 *                    more: true|absent, when this is not all
 *                                                         some_denied: true|absent
 *   package.denied   id                                   denied: [{package, path}], when the
 *                                                         package files are read; more
 *   package.end      {}                                   id
 *   restore          paths: [...], paths_b64, baseline    restored, same, failed, failures: the
 *                    (of root, some digits)|absent,       first ones in words; dry_run: differs,
 *                    dry_run, discard, reason             mounted, not_kept, and a part for each
 *                                                         path
 *   quarantine.remove  id, reason                         id
 *   quarantine.export  id                                 id: the caller reads it itself
 *
 * Each is an entry integrity.command: one that only looks when it has ended, one that changes
 * something when it begins and again when it has ended. */
#include "integrity/sensor/control.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_restore.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/trusted/trusted_entry.h"
#include "loop/log.h"
#include "sys/io.h"

#include <stdlib.h>
#include <unistd.h>

enum { STATUS_MAX = 64 * 1024, STRANGERS_S = 60 };

/* 0: under way, command_end() will be called.  1: done, the answer is in *out.  Negative: failed.
 */
typedef int verb_fn(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                    struct err *err);

static verb_fn verb_status, verb_check, verb_create, verb_accept;

static const struct verb {
        const char *name;
        bool changes;
        verb_fn *run;
} verbs[] = {
        { "status", false, verb_status },
        { "check", false, verb_check },
        { "baseline.create", true, verb_create },
        { "baseline.accept", true, verb_accept },
        { "change.open", true, why_open },
        { "change.close", true, why_close },
        { "change.list", false, why_list },
        { "alert.explain", true, why_late },
        { "deny.lift", true, deny_lift_all },
        { "package.begin", false, package_begin },
        { "package.end", false, package_end },
        { "package.denied", false, package_denied },
        { "change.apply", true, lists_apply },
        { "restore", true, restore_ask },
        { "quarantine.remove", true, restore_quarantine_remove },
        { "quarantine.export", false, restore_quarantine_export },
};

/* What is remembered of a command until it has ended. */
struct command {
        const struct verb *verb; /* NULL: there is no such */
        struct who *who;
        int64_t began_ns;
};

static const struct verb *find_verb(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
                if (strcmp(name, verbs[i].name) == 0)
                        return &verbs[i];
        return NULL;
}

/* ---- the verbs ---- */

static int verb_status(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                       struct err *err)
{
        (void)c;
        (void)who;
        (void)err;
        sensor_put_status(s, out);
        return 1;
}

static int verb_check(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                      struct err *err)
{
        (void)out;
        return trusted_ask(s, c, who, TRUSTED_CHECK, err);
}

static int verb_create(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                       struct err *err)
{
        (void)out;
        return trusted_ask(s, c, who, TRUSTED_CREATE, err);
}

static int verb_accept(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                       struct err *err)
{
        (void)out;
        return trusted_ask(s, c, who, TRUSTED_ACCEPT, err);
}

/* ---- entries ---- */

static int tell_command(struct sensor *s, const struct control_call *c, const char *state,
                        int64_t took_ns, const char *error)
{
        const struct command *m = c->data;
        struct command_facts f = { .wall_ns = sensor_wall(s),
                                   .took_ns = took_ns,
                                   .verb = c->verb,
                                   .args = c->args.n ? control_args(c) : (struct json_value){ 0 },
                                   .state = state,
                                   .error = error,
                                   .who = m->who,
                                   .unknown = "the process could not be looked at" };

        buf_clear(&s->skeleton);
        command_put(&f, &s->skeleton);
        return tell_made(s, m->who);
}

void command_end(struct sensor *s, struct control_call *c, int rc, const char *text,
                 struct span body)
{
        struct command *m = c->data;
        int64_t took = sensor_mono(s) - m->began_ns;
        const char *state = rc == 0 ? "done" : m->verb ? "failed" : "refused";

        log_event(rc < 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "sensor.command",
                  log_str("verb", c->verb), log_int("pid", c->cred.pid),
                  log_str("result", rc < 0 ? text : "done"));
        if (tell_command(s, c, state, took, rc < 0 ? text : NULL) < 0)
                s->failed = -ENOMEM;
        if (m->verb && m->verb->changes && s->o.changed && !s->stopping)
                s->o.changed(s->o.changed_ctx);
        who_unref(m->who);
        free(m);
        c->data = NULL;
        if (rc < 0) {
                control_fail(c, rc, text);
                return;
        }
        tell_keep(s); /* what was confirmed outlives a kill */
        control_reply(c, body);
}

/* ---- taking them ---- */

struct who *command_who(struct sensor *s, pid_t pid, int pidfd)
{
        struct who *w;
        uint64_t now = 0;

        who_reading(s->who);
        who_read(s->who, &now, false); /* from this moment */
        who_read(s->who, &now, true);
        w = who_of(s->who, pid, pidfd, false);
        if (w)
                who_ref(w);
        who_batch_end(s->who);
        return w;
}

static void run(struct sensor *s, struct control_call *c)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(STATUS_MAX);
        struct command *m = c->data;
        struct err err = { 0 };
        int rc;

        if (!m->verb)
                rc = err_set(&err, -ENOTSUP, "the sensor knows no such command");
        else if (m->verb->changes && !out_room(s))
                rc = err_set(&err, -EAGAIN, "entries wait for the recorder; later");
        else if (m->verb->changes && tell_command(s, c, "begun", -1, NULL) < 0)
                rc = err_set(&err, -ENOMEM, "out of memory");
        else
                rc = m->verb->run(s, c, m->who, &out, &err);
        if (rc > 0 && buf_status(&out) < 0)
                rc = err_sys(&err, buf_status(&out), "the answer");
        if (rc != 0)
                command_end(s, c, MIN_OF(rc, 0), err_text(&err), buf_span(&out));
}

static void on_command(void *ctx, struct control_call *c)
{
        struct sensor *s = ctx;
        struct command *m = calloc(1, sizeof *m);

        if (!m) {
                control_fail(c, -ENOMEM, "out of memory");
                return;
        }
        m->verb = find_verb(c->verb);
        m->who = command_who(s, c->cred.pid, c->pidfd);
        m->began_ns = sensor_mono(s);
        c->data = m;
        run(s, c);
}

/* Told, but not so often that it could drown the ledger. */
static void on_stranger(void *ctx, const struct sock_cred *cred)
{
        struct sensor *s = ctx;
        struct control_call c = { .cred = *cred, .pidfd = -1, .verb = "connect" };
        struct command m = { .began_ns = sensor_mono(s) };

        log_event(LOG_LEVEL_WARNING, "sensor.stranger", log_int("pid", cred->pid),
                  log_int("uid", (int64_t)cred->uid));
        if (m.began_ns < s->strangers_ns)
                return;
        s->strangers_ns = m.began_ns + STRANGERS_S * NS_PER_S;
        m.who = command_who(s, c.cred.pid, c.pidfd);
        c.data = &m;
        if (tell_command(s, &c, "refused", 0, "only the user of the sensor may") < 0)
                s->failed = -ENOMEM;
        who_unref(m.who);
}

static const struct control_ops ops = { .command = on_command, .stranger = on_stranger };

int command_init(struct sensor *s, struct err *err)
{
        int fd = s->o.control_fd;

        if (fd == 0)
                return 0;
        s->o.control_fd = 0; /* taken over */
        return control_new(s->o.loop, fd, geteuid(), &ops, s, &s->control, err);
}

void command_done(struct sensor *s)
{
        s->control = control_free(s->control);
        if (s->o.control_fd > 0)
                fd_close(&s->o.control_fd);
}
