/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_package.c - package transactions as they run.
 *
 *                       package.begin               read, or too late
 *   hook of apt --> GATHERING --(all named)--> READING ------------> KNOWN
 *                                   entry: begun        entry: each package
 *
 * over when the hook says so, when the process that runs dpkg is gone, or after RUN_MAX_S; what its
 * changes have left to be looked at is still judged by it, then it is forgotten (entry: ended).
 *
 * While it is READING, what its dpkg changes, and what that begins, is not looked at: state is read
 * later anyway, and then it is known what should be there.  Everybody else's changes are looked at
 * at once. */
#include "integrity/sensor/sensor_package_priv.h"

#include "integrity/sensor/control.h"
#include "integrity/why/package.h"
#include "integrity/why/package_entry.h"
#include "integrity/why/package_read.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "sys/io.h"
#include "sys/proc.h"
#include "wire/fact.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        RUNS_MAX = 8,
        GATHER_S = 10,         /* to name all packages */
        HOLD_S = 300,          /* at most, while package files are read */
        RUN_MAX_S = 12 * 3600, /* dpkg may wait for an answer about a conffile */
        CHECK_MS = 500,
        SETTLE_S = 2,       /* after its end: what was seen is looked at */
        SETTLE_GONE_S = 10, /* dpkg may outlive the process that ran it */
        SETTLE_MAX_S = 60,
        DENIED_MAX = 32 * 1024,
        AGAIN_S = 30, /* that a scan waits at the start for what is known of packages */
};

/* ---- life ---- */

static struct package_run *run_free(struct package_run *r)
{
        if (!r)
                return NULL;
        loop_remove(r->root_source);
        loop_remove(r->timer);
        fd_close(&r->pidfd);
        package_reader_free(r->reader);
        packages_free(r->table);
        who_unref(r->who);
        free(r);
        return NULL;
}
DEFINE_CLEANUP(struct package_run, run_free)

/* The one who asks what is denied. */
static void answer_denied(struct package_run *r, int rc, const char *why)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(DENIED_MAX);
        struct control_call *c = r->asks;

        r->asks = NULL;
        if (!c)
                return;
        package_put_denied(r, &out);
        command_end(r->sensor, c, rc < 0 ? rc : buf_status(&out), why, buf_span(&out));
}

void package_run_drop(struct package_run *r)
{
        struct sensor *s = r->sensor;
        struct package_run **at = &s->packages, *newer = NULL;

        answer_denied(r, -ECANCELED, "the transaction is over");
        for (; *at != r; at = &(*at)->older)
                newer = *at;
        *at = r->older;
        if (newer)
                packages_set_older(newer->table, r->older ? r->older->table : NULL);
        run_free(r);
}

void package_done(struct sensor *s)
{
        while (s->packages) {
                s->packages->asks = NULL; /* whoever asked has gone with the socket */
                package_run_drop(s->packages);
        }
}

const struct packages *package_table(const struct sensor *s)
{
        return s->packages ? s->packages->table : NULL;
}

static void run_failed(struct package_run *r, int rc)
{
        if (rc < 0)
                r->sensor->failed = rc;
}

/* ---- entries ---- */

static int tell(struct package_run *r, struct package_facts *f, struct who *who)
{
        struct sensor *s = r->sensor;

        f->wall_ns = sensor_wall(s);
        f->id = r->id;
        package_put(f, &s->skeleton);
        return tell_made(s, who);
}

static int tell_begun(struct package_run *r)
{
        struct package_facts f = { .event = r->again ? "resumed" : "begun",
                                   .digest = r->digest[0] ? r->digest : NULL,
                                   .packages = packages_count(r->table),
                                   .who = r->who };
        int rc = tell(r, &f, r->who);

        r->who = who_unref(r->who);
        return rc;
}

static int tell_each(struct package_run *r)
{
        int rc = 0;

        for (size_t i = 0; i < packages_count(r->table) && rc == 0; i++) {
                struct package_facts f = { .event = "package",
                                           .package = packages_at(r->table, i) };

                rc = tell(r, &f, NULL);
        }
        return rc;
}

static int tell_ended(struct package_run *r)
{
        struct package_facts f = { .event = "ended",
                                   .packages = packages_count(r->table),
                                   .explained = r->explained,
                                   .unexplained = r->unexplained,
                                   .reason = r->over };

        for (size_t i = 0; i < f.packages; i++)
                f.is_signed += packages_at(r->table, i)->trust == PACKAGE_SIGNED;
        log_event(LOG_LEVEL_INFO, "sensor.packages_ended", log_str("id", r->id),
                  log_str("reason", r->over), log_u64("explained", r->explained),
                  log_u64("unexplained", r->unexplained));
        return tell(r, &f, NULL);
}

/* ---- its end ---- */

static void set_over(struct package_run *r, const char *how)
{
        if (r->over)
                return;
        r->over = how;
        r->over_ns = sensor_mono(r->sensor);
        r->over_wall_ns = sensor_wall(r->sensor);
        package_kept(r->sensor);
        r->root_source = loop_remove(r->root_source);
        fd_close(&r->pidfd);
        loop_timer_set(r->timer, r->over_ns + CHECK_MS * NS_PER_MS);
}

/* Is all of it looked at that was seen until its end? */
static bool settled(const struct package_run *r)
{
        const struct sensor *s = r->sensor;
        int64_t passed = sensor_mono(s) - r->over_ns;

        if (r->state == PACKAGE_READING)
                return false;
        if (passed < (r->gone ? SETTLE_GONE_S : SETTLE_S) * NS_PER_S)
                return false;
        return passed >= SETTLE_MAX_S * NS_PER_S || !dirty_since(s->dirty, r->over_wall_ns);
}

static void be_known(struct package_run *r);

static void on_timer(void *ctx)
{
        struct package_run *r = ctx;
        struct sensor *s = r->sensor;
        int64_t now = sensor_mono(s);

        if (r->state ==
            PACKAGE_GATHERING) { /* the hook was cut off: dpkg does not run because of it */
                package_run_drop(r);
                return;
        }
        if (r->state == PACKAGE_READING && now >= r->began_ns + HOLD_S * NS_PER_S) {
                packages_unchained(r->table, "it took too long to read all package files");
                be_known(r);
        }
        if (!r->over && now >= r->began_ns + RUN_MAX_S * NS_PER_S)
                set_over(r, "it took too long");
        if (r->over && settled(r)) {
                run_failed(r, tell_ended(r));
                package_run_drop(r);
                return;
        }
        loop_timer_set(r->timer, now + (r->over ? CHECK_MS * NS_PER_MS : NS_PER_S));
}

static void on_root(void *ctx, unsigned events)
{
        struct package_run *r = ctx;

        (void)events;
        r->gone = true;
        set_over(r, "the process that ran dpkg is gone");
}

int package_stop(struct sensor *s)
{
        int rc = 0;

        for (struct package_run *r = s->packages; r; r = r->older)
                answer_denied(r, -ECANCELED, "the sensor stops");
        for (struct package_run *r = s->packages; r && rc == 0; r = r->older)
                if (r->state != PACKAGE_GATHERING && r->over)
                        rc = tell_ended(r); /* the others go on when the sensor does */
        return rc;
}

bool package_waits(const struct sensor *s)
{
        for (const struct package_run *r = s->packages; r; r = r->older)
                if (r->again && r->state == PACKAGE_READING &&
                    sensor_mono(s) < r->began_ns + AGAIN_S * NS_PER_S)
                        return true;
        return false;
}

/* ---- its beginning ---- */

/* What runs dpkg: the nearest process above the hook that is not the shell it was started by. */
static pid_t root_of(const struct who *w)
{
        static const char *const shells[] = { "sh", "dash", "bash", "busybox" };

        for (size_t i = 0; w && i < w->n_parents; i++) {
                struct span name = who_kin_name(w, &w->parents[i]);
                const uint8_t *slash = name.n ? memrchr(name.p, '/', name.n) : NULL;
                bool is_shell = false;

                if (slash)
                        name = span_from(name, (size_t)(slash - name.p) + 1);
                for (size_t k = 0; k < ARRAY_LEN(shells); k++)
                        is_shell |= span_eq_str(name, shells[k]);
                if (!is_shell)
                        return w->parents[i].pid;
        }
        return 0;
}

static int watch_root(struct package_run *r, struct err *err)
{
        r->pidfd = r->root ? proc_pidfd(r->root) : -1;
        if (r->pidfd < 0) {
                r->pidfd = -1;
                return 0; /* its end is the hook's, or time's */
        }
        return loop_add_fd(r->sensor->o.loop, r->pidfd, LOOP_READ, on_root, r, &r->root_source,
                           err);
}

int package_run_new(struct sensor *s, const char *id, pid_t root, struct package_run **ret,
                    struct err *err)
{
        CLEANUP(run_freep) struct package_run *r = NULL;
        size_t n = 0;
        int rc;

        for (const struct package_run *x = s->packages; x; x = x->older)
                n++;
        if (n >= RUNS_MAX)
                return err_set(err, -EAGAIN, "%d package transactions are not over yet", RUNS_MAX);
        r = calloc(1, sizeof *r);
        if (!r)
                return err_set(err, -ENOMEM, "out of memory for packages");
        r->pidfd = -1;
        r->sensor = s;
        r->root = root;
        r->began_ns = sensor_mono(s);
        snprintf(r->id, sizeof r->id, "%s", id);
        rc = packages_new(root, package_merged(), s->o.watch, &r->table, err);
        if (rc == 0)
                rc = package_reader_new(s->o.loop, s->o.clock, s->o.job_program, r->table,
                                        &r->reader, err);
        if (rc == 0)
                rc = loop_add_timer(s->o.loop, on_timer, r, &r->timer, err);
        if (rc < 0)
                return rc;
        packages_set_changed(r->table, info_is_changed, s);
        package_reader_trust(r->reader, &(struct apt_trust){ .of = package_standing, .ctx = s });
        loop_timer_set(r->timer, r->began_ns + GATHER_S * NS_PER_S);
        r->older = s->packages;
        packages_set_older(r->table, r->older ? r->older->table : NULL);
        s->packages = *ret = r;
        r = NULL;
        return 0;
}

static int begin_run(struct sensor *s, const struct control_call *c, struct who *who, pid_t root,
                     struct package_run **ret, struct err *err)
{
        char id[PACKAGE_RUN_ID_MAX];
        int rc;

        snprintf(id, sizeof id, "%llx-%d", (unsigned long long)(sensor_wall(s) / NS_PER_MS),
                 (int)c->cred.pid);
        rc = package_run_new(s, id, root, ret, err);
        if (rc == 0)
                (*ret)->who = who ? who_ref(who) : NULL;
        return rc;
}

/* A configuration of what is unpacked in the same run says nothing more. */
static bool is_told(struct packages *p, const struct package_name *n)
{
        for (size_t i = packages_count(p); n->action == PACKAGE_CONFIGURE && i-- > 0;) {
                const struct package *x = packages_at(p, i);

                if (x->has_file && span_eq_str(n->name, x->name) && span_eq_str(n->arch, x->arch))
                        return true;
        }
        return false;
}

int package_run_take(struct package_run *r, struct json_value item, struct err *err)
{
        char action[16], arch[PACKAGE_FIELD_MAX + 1], from[PACKAGE_FIELD_MAX + 1],
                name[PACKAGE_FIELD_MAX + 1], path[PACKAGE_PATH_MAX + 1] = "",
                                                                     to[PACKAGE_FIELD_MAX + 1];
        struct fact f;
        struct package_name n;
        int which, rc;

        if (item.type != JSON_OBJECT)
                return err_set(err, -EINVAL, "a package is no object");
        f = fact_of(item.raw);
        fact_text(&f, "action", action, sizeof action - 1);
        fact_text(&f, "arch", arch, sizeof arch - 1);
        fact_text(&f, "from", from, sizeof from - 1);
        fact_text(&f, "name", name, sizeof name - 1);
        if (fact_has(&f, "path") || fact_has(&f, "path_b64"))
                fact_bytes(&f, "path", "path_b64", path, sizeof path - 1);
        fact_text(&f, "to", to, sizeof to - 1);
        rc = fact_status(&f, err);
        if (rc < 0)
                return rc;
        which = package_action_by_name(span_str(action));
        if (which < 0)
                return err_set(err, -EINVAL, "action is none");
        n = (struct package_name){ .action = (enum package_action)which,
                                   .name = span_str(name),
                                   .arch = span_str(arch),
                                   .from = span_str(from),
                                   .to = span_str(to),
                                   .path = span_str(path) };
        if (is_told(r->table, &n))
                return 0;
        rc = packages_add(r->table, &n, err);
        if (rc == 0 && package_reader_add(r->reader) < 0)
                rc = err_set(err, -ENOMEM, "out of memory for packages");
        return rc;
}

/* ---- all of it is read ---- */

static void be_known(struct package_run *r)
{
        r->state = PACKAGE_KNOWN;
        answer_denied(r, 0, "out of memory");
        log_event(LOG_LEVEL_INFO, "sensor.packages_read", log_str("id", r->id),
                  log_int("ms", (sensor_mono(r->sensor) - r->began_ns) / NS_PER_MS));
        run_failed(r, tell_each(r));
}

static void on_read(void *ctx)
{
        struct package_run *r = ctx;

        if (r->state == PACKAGE_READING)
                be_known(r);
}

/* ---- commands ---- */

static struct package_run *find_run(struct sensor *s, pid_t root, bool gathering)
{
        for (struct package_run *r = s->packages; r; r = r->older)
                if (r->root == root && !r->over && (r->state == PACKAGE_GATHERING) == gathering)
                        return r;
        return NULL;
}

/* {"id":"..."} */
static void answer(const struct package_run *r, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "id", r ? r->id : "");
        if (r && !r->over && deny_has_any(r->sensor))
                json_member_bool(&w, "some_denied", true);
        json_end_object(&w);
}

int package_run_start(struct package_run *r, struct err *err)
{
        int rc = watch_root(r, err);

        if (rc == 0)
                rc = package_reader_start(r->reader, on_read, r, err);
        if (rc < 0)
                return rc;
        r->state = PACKAGE_READING;
        loop_timer_set(r->timer, sensor_mono(r->sensor) + NS_PER_S);
        package_keep(r);
        rc = tell_begun(r);
        return rc < 0 ? err_sys(err, rc, "the entry") : 0;
}

int package_begin(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                  struct err *err)
{
        pid_t root = root_of(who);
        struct package_run *r = find_run(s, root, true), *before = find_run(s, root, false);
        struct json_value list, item;
        struct json_iter it;
        int rc = 0;

        if (!json_get(control_args(c), "add", &list) || list.type != JSON_ARRAY)
                return err_set(err, -EINVAL, "add is missing");
        if (before && !r)
                set_over(before, "the next one began");
        if (!r)
                rc = begin_run(s, c, who, root, &r, err);
        if (rc < 0)
                return rc;
        for (it = json_iter_of(list); rc == 0 && json_next(&it, NULL, &item);)
                rc = package_run_take(r, item, err);
        if (rc == 0 && !control_get_flag(c, "more"))
                rc = package_run_start(r, err);
        if (rc < 0) {
                package_run_drop(r);
                return rc;
        }
        answer(r, out);
        return 1;
}

int package_end(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                struct err *err)
{
        struct package_run *r = NULL;

        (void)c;
        (void)err;
        /* A copy of the process that ran dpkg stands between that and this hook. */
        for (size_t i = 0; who && i < who->n_parents && !r; i++)
                r = find_run(s, who->parents[i].pid, false);
        if (r)
                set_over(r, "dpkg ended");
        answer(r, out);
        return 1;
}

int package_denied(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                   struct err *err)
{
        CLEANUP(buf_done) struct buf id = BUF_INIT(PACKAGE_RUN_ID_MAX);
        struct package_run *r = s->packages;
        int rc = control_get_text(c, "id", &id, err);

        (void)who;
        if (rc < 0)
                return rc;
        while (r && !span_eq_str(buf_span(&id), r->id))
                r = r->older;
        if (!r || r->state == PACKAGE_GATHERING)
                return err_set(err, -ENOENT, "there is no such transaction");
        if (r->asks)
                return err_set(err, -EBUSY, "somebody asks already");
        if (r->state == PACKAGE_READING) {
                r->asks = c;
                return 0;
        }
        package_put_denied(r, out);
        return 1;
}
