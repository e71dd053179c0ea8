/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/run.h"

#include "loop/jobrun.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "loop/notify.h"
#include "loop/pool.h"
#include "loop/presence.h"
#include "loop/role.h"
#include "monitor/config.h"
#include "monitor/monitor.h"
#include "sys/io.h"
#include "sys/users.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOBODY = 65534, STATUS_MS = 1000, STATUS_FIRST_MS = 100 };

struct process {
        const struct monitor_run_options *o;
        struct loop *loop;
        struct pool *pool;
        struct monitor *monitor;
        struct loop_source *status;
        struct loop_sender asked; /* whose signal ends it */
        struct notify notify;
        struct presence presence;
        struct sandbox_state sandbox;
        char state_dir[PATH_MAX], socket[PATH_MAX], job[PATH_MAX], config[PATH_MAX],
                ledger[PATH_MAX];
};

static void on_stop(void *ctx, int signo)
{
        struct process *p = ctx;

        (void)signo;
        p->asked = loop_signal_sender(p->loop);
        loop_stop(p->loop, 0);
}

static void on_reload(void *ctx, int signo)
{
        struct process *p = ctx;

        (void)signo;
        monitor_reload(p->monitor);
}

static void say_status(void *ctx)
{
        struct process *p = ctx;
        CLEANUP(buf_done) struct buf b = BUF_INIT(PRESENCE_MAX);
        int64_t ms = monitor_is_ready(p->monitor) ? STATUS_MS : STATUS_FIRST_MS;
        struct err err = { 0 };

        monitor_beat(p->monitor);
        monitor_put_status(p->monitor, &b);
        if (buf_status(&b) == 0 && presence_say(&p->presence, &p->sandbox, buf_span(&b), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "monitor.status", log_err(&err));
        loop_timer_set(p->status, clock_mono(p->o->clock) + ms * NS_PER_MS);
}

/* Who asks what is beyond this host: a user of its own where the system has one. */
static void find_net_user(struct monitor_options *o)
{
        if (users_find("assay-net", &o->net_uid, &o->net_gid) < 0)
                o->net_uid = o->net_gid = NOBODY;
}

/* Everything that needs rights, then the rights go, then everything that needs threads. */
static int open_all(struct process *p, struct err *err)
{
        static const int signals[] = { SIGTERM, SIGINT };
        struct role_paths paths = { .state = p->state_dir, .runtime = p->o->run };
        struct monitor_options o = { .clock = p->o->clock,
                                     .io = &io_kernel,
                                     .state_dir = p->state_dir,
                                     .socket = p->socket,
                                     .ledger = p->ledger,
                                     .run = p->o->run,
                                     .job_program = p->job,
                                     .root = p->o->root,
                                     .config = p->config,
                                     .tables = p->o->tables,
                                     .as_others = geteuid() == 0 && !p->o->keep_user };
        CLEANUP_FD int run_fd = open(p->o->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int rc = run_fd < 0 ? err_sys(err, -errno, "%s", p->o->run) : 0;

        find_net_user(&o);
        if (rc == 0)
                rc = presence_open(run_fd, "monitor", clock_wall(p->o->clock), &p->presence, err);
        if (rc == 0)
                rc = notify_init(&p->notify, err);
        if (rc == 0)
                rc = role_enter(ROLE_MONITOR, &paths, p->o->keep_user ? ROLE_KEEP_USER : 0,
                                &p->sandbox, err);
        if (rc == 0)
                rc = loop_new(p->o->clock, &p->loop, err);
        for (size_t i = 0; i < ARRAY_LEN(signals) && rc == 0; i++)
                rc = loop_add_signal(p->loop, signals[i], on_stop, p, err);
        if (rc == 0)
                rc = loop_add_signal(p->loop, SIGHUP, on_reload, p, err);
        if (rc == 0)
                rc = pool_new(MONITOR_WORKERS, MONITOR_WORKERS, &p->pool, err);
        o.loop = p->loop;
        o.pool = p->pool;
        if (rc == 0)
                rc = monitor_new(&o, &p->monitor, err);
        if (rc == 0)
                rc = monitor_start(p->monitor, err);
        if (rc == 0)
                rc = loop_add_timer(p->loop, say_status, p, &p->status, err);
        return rc;
}

int monitor_run(const struct monitor_run_options *o)
{
        struct process *p = calloc(1, sizeof *p);
        struct err err = { 0 };
        int rc;

        if (!p)
                return -ENOMEM;
        p->o = o;
        p->notify.fd = -1;
        p->presence = PRESENCE_NONE;
        rc = io_join(p->state_dir, o->state, "monitor", &err);
        if (rc == 0)
                rc = io_make_dirs(&io_kernel, AT_FDCWD, p->state_dir, 0700, &err);
        if (rc == 0)
                rc = io_join(p->socket, o->run, "recorder.sock", &err);
        if (rc == 0)
                rc = io_join(p->ledger, o->state, "ledger", &err);
        if (rc == 0)
                rc = io_join(p->config, o->config, MONITOR_CONFIG_FILE, &err);
        if (rc == 0)
                rc = job_program(p->job, &err);
        if (rc == 0)
                rc = open_all(p, &err);
        if (rc < 0) {
                log_event(LOG_LEVEL_ERROR, "monitor.start", log_err(&err));
        } else {
                say_status(p);
                (void)!notify_send(&p->notify, "READY=1");
                rc = loop_run(p->loop);
                if (rc < 0)
                        log_event(LOG_LEVEL_ERROR, "monitor.failed",
                                  log_str("error", strerror(-rc)), log_str("in", "the loop"));
                if (rc == 0)
                        monitor_stop(p->monitor, &p->asked);
                else
                        rc = -EIO;
        }
        p->status = loop_remove(p->status);
        if (p->pool)
                pool_drain(p->pool);
        p->monitor = monitor_free(p->monitor);
        p->pool = pool_free(p->pool);
        p->loop = loop_free(p->loop);
        presence_done(&p->presence);
        notify_done(&p->notify);
        free(p);
        return rc;
}
