/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/run.h"

#include "integrity/procsource.h"
#include "integrity/sensor.h"
#include "integrity/watchset.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "loop/notify.h"
#include "loop/pool.h"
#include "loop/presence.h"
#include "loop/role.h"
#include "sys/io.h"
#include "sys/sock.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        WORKERS = 2,
        POOL_JOBS = 32,
        CONNECT_MS = 10000,
        STATUS_S = 5,
        STATUS_FIRST_MS = 50, /* until the first scan is done somebody waits */
        IGNORED = 12,
};

struct process {
        const struct sensor_run_options *o;
        struct watchset watch;
        struct loop *loop;
        struct pool *pool;
        struct procsource *processes;
        struct sensor *sensor;
        struct loop_source *status;
        struct notify notify;
        struct presence presence;
        struct sandbox_state sandbox;
        char state_dir[PATH_MAX], socket[PATH_MAX], control[PATH_MAX], job[PATH_MAX];
        char ignored[IGNORED][PATH_MAX];
        const char *ignore[IGNORED + 1];
};

static int join(char out[PATH_MAX], const char *dir, const char *name, struct err *err)
{
        if ((size_t)snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
                return err_set(err, -ENAMETOOLONG, "%s/%s: too long", dir, name);
        return 0;
}

static int choose_paths(struct process *p, struct err *err)
{
        int rc = 0;

        for (const char *const *w = p->o->watch; w && *w && rc == 0; w++)
                rc = watchset_add(&p->watch, span_str(**w == '!' ? *w + 1 : *w), **w == '!', err);
        if (rc == 0 && p->watch.n == 0)
                rc = watchset_add_defaults(&p->watch, err);
        return rc;
}

/* The program of jobs lies beside this one; without it users have no names. */
static const char *find_job(struct process *p)
{
        ssize_t n = readlink("/proc/self/exe", p->job, sizeof p->job - 1);
        char *slash;

        if (n < 0)
                return NULL;
        p->job[n] = '\0';
        slash = strrchr(p->job, '/');
        if (!slash || (size_t)(slash + 1 - p->job) + sizeof "assay-job" > sizeof p->job)
                return NULL;
        memcpy(slash + 1, "assay-job", sizeof "assay-job");
        return access(p->job, X_OK) == 0 ? p->job : NULL;
}

/* Where Assay itself writes all the time.  Ignoring is for speed: an event that comes all the same
 * is dropped by its directory, as long as nobody chose to watch it. */
static void choose_ignored(struct process *p)
{
        static const char *const below[] = {
                "sensor",
                "ledger",
                "ledger/tile",
                "ledger/tile/0",
                "ledger/tile/1",
                "ledger/tile/2",
                "ledger/tile/entries",
                "ledger.private",
                "ledger.private/wal",
                "ledger.private/vault",
        };
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_LEN(below); i++) {
                if (join(p->ignored[n], p->o->state, below[i], NULL) < 0 ||
                    watchset_covers(&p->watch, span_str(p->ignored[n])))
                        continue;
                p->ignore[n] = p->ignored[n];
                n++;
        }
        p->ignore[n] = NULL;
}

static void on_stop(void *ctx, int signo)
{
        struct process *p = ctx;

        (void)signo;
        loop_stop(p->loop, 0);
}

static void say_status(void *ctx)
{
        struct process *p = ctx;
        CLEANUP(buf_done) struct buf b = BUF_INIT(PRESENCE_MAX);
        struct err err = { 0 };
        int64_t ms = STATUS_S * 1000;

        sensor_put_status(p->sensor, &b);
        if (buf_status(&b) == 0 && presence_say(&p->presence, &p->sandbox, buf_span(&b), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.status", log_err(&err));
        if (!sensor_is_live(p->sensor))
                ms = STATUS_FIRST_MS;
        loop_timer_set(p->status, clock_mono(p->o->clock) + ms * NS_PER_MS);
}

static void say_processes(struct process *p)
{
        const char *refused = procsource_refused(p->processes);

        procsource_seed(p->processes);
        log_event(LOG_LEVEL_INFO, "sensor.processes",
                  log_str("by", procsource_name(procsource_kind(p->processes))),
                  log_str("refused", *refused ? refused : "none"));
}

/* Everything that needs rights, then the rights go, then everything that needs threads. */
static int open_all(struct process *p, struct err *err)
{
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
        struct role_paths paths = { .state = p->state_dir, .runtime = p->o->run };
        struct sensor_options o = { .clock = p->o->clock,
                                    .state_dir = p->state_dir,
                                    .socket = p->socket,
                                    .watch = &p->watch,
                                    .ignore = p->ignore,
                                    .connect_ms = CONNECT_MS };
        CLEANUP_FD int run_fd = open(p->o->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int rc = run_fd < 0 ? err_sys(err, -errno, "%s", p->o->run) : 0;

        if (rc == 0)
                rc = presence_open(run_fd, "sensor", clock_wall(p->o->clock), &p->presence, err);
        if (rc == 0)
                rc = notify_init(&p->notify, err);
        if (rc == 0)
                rc = io_make_dirs(&io_kernel, AT_FDCWD, p->state_dir, 0700, err);
        o.job_program = find_job(p);
        if (rc == 0)
                rc = procsource_open(p->o->who, p->o->clock, &p->processes, err);
        o.processes = p->processes;
        if (rc == 0)
                rc = sock_listen(p->control, 0600, &o.control_fd, err);
        if (rc == 0)
                rc = role_enter(ROLE_SENSOR, &paths, p->o->keep_user ? ROLE_KEEP_USER : 0,
                                &p->sandbox, err);
        if (rc == 0)
                rc = loop_new(p->o->clock, &p->loop, err);
        for (size_t i = 0; i < ARRAY_LEN(signals) && rc == 0; i++)
                rc = loop_add_signal(p->loop, signals[i], on_stop, p, err);
        if (rc == 0)
                rc = pool_new(WORKERS, POOL_JOBS, &p->pool, err);
        o.loop = p->loop;
        o.pool = p->pool;
        if (rc == 0)
                say_processes(p);
        if (rc == 0)
                rc = sensor_new(&o, &p->sensor, err);
        if (rc == 0)
                rc = sensor_start(p->sensor, err);
        if (rc == 0)
                rc = loop_add_timer(p->loop, say_status, p, &p->status, err);
        return rc;
}

int sensor_run(const struct sensor_run_options *o)
{
        struct process *p = calloc(1, sizeof *p);
        struct err err = { 0 };
        int rc;

        if (!p)
                return -ENOMEM;
        mallopt(M_ARENA_MAX, 2); /* workers allocate little; an arena each would stay large */
        signal(SIGPIPE, SIG_IGN);
        p->o = o;
        p->notify.fd = -1;
        p->presence = PRESENCE_NONE;
        rc = choose_paths(p, &err);
        if (rc == 0)
                rc = join(p->state_dir, o->state, "sensor", &err);
        if (rc == 0)
                rc = join(p->socket, o->run, "recorder.sock", &err);
        if (rc == 0)
                rc = join(p->control, o->run, "sensor.sock", &err);
        if (rc == 0) {
                choose_ignored(p);
                rc = open_all(p, &err);
        }
        if (rc < 0) {
                log_event(LOG_LEVEL_ERROR, "sensor.start", log_err(&err));
        } else {
                say_status(p);
                (void)!notify_send(&p->notify, "READY=1");
                rc = loop_run(p->loop);
                if (rc == 0)
                        sensor_stop(p->sensor);
                else
                        rc = -EIO;
        }
        p->status = loop_remove(p->status);
        if (p->pool)
                pool_drain(p->pool);
        p->sensor = sensor_free(p->sensor);
        p->processes = procsource_free(p->processes);
        p->pool = pool_free(p->pool);
        p->loop = loop_free(p->loop);
        presence_done(&p->presence);
        notify_done(&p->notify);
        watchset_done(&p->watch);
        free(p);
        return rc;
}
