/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/run.h"

#include "integrity/preventing/attempts.h"
#include "integrity/sensor/sensor.h"
#include "integrity/sensor/sensor_sources.h"
#include "integrity/trusted/snapshot.h"
#include "integrity/watching/config.h"
#include "integrity/who/procsource.h"
#include "loop/jobrun.h"
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
        STATUS_SOON_MS = 1000, /* after the last: what happens all the time */
        STATUS_FIRST_MS = 50,  /* until the first scan is done somebody waits */
        IGNORED = 16,
};

struct process {
        const struct sensor_run_options *o;
        struct config config;
        char refused[ERR_TEXT_MAX]; /* why not the one that was configured; "": it is */
        struct config next;         /* being read anew */
        struct job_run *reading;
        bool read_again; /* asked for while it was being read */
        struct loop *loop;
        struct pool *pool;
        struct procsource *processes;
        struct attempts *attempts;
        struct sensor *sensor;
        struct loop_source *status;
        int64_t said_ns;
        struct loop_sender asked; /* whose signal ends it */
        struct notify notify;
        struct presence presence;
        struct sandbox_state sandbox;
        char state_dir[PATH_MAX], ledger[PATH_MAX], socket[PATH_MAX], control[PATH_MAX],
                job[PATH_MAX], keys[PATH_MAX];
        char ignored[IGNORED][PATH_MAX];
        const char *ignore[IGNORED + 1];
};

/* ---- what to watch ---- */

static void log_faults(const struct config *c, const struct err *err)
{
        log_event(LOG_LEVEL_ERROR, "sensor.config_refused", log_str("file", c->from), log_err(err));
        for (size_t i = 0; i < c->faults.n; i++)
                log_event(LOG_LEVEL_ERROR, "sensor.config_fault",
                          log_u64("line", c->faults.at[i].line),
                          log_u64("column", c->faults.at[i].column),
                          log_str("text", c->faults.at[i].text));
}

/* What was watched when the state was last written. */
static int keep_config(struct process *p, struct err *err)
{
        CLEANUP_FD int fd = open(p->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct snapshot_head h;
        int rc = fd < 0 ? err_sys(err, -errno, "%s", p->state_dir)
                        : snapshot_read_head(&io_kernel, fd, "state", &p->config.set, &h, err);

        if (rc < 0)
                config_done(&p->config);
        else
                snprintf(p->config.from, sizeof p->config.from, "state before");
        return rc;
}

/* A file that is wrong must not blind the sensor: it goes on with what it had, or what ships. */
static int read_config(struct process *p, struct err *err)
{
        const struct clock *clock = p->o->clock;
        char path[PATH_MAX];
        int rc = job_program(p->job, err);

        if (rc == 0)
                rc = io_join(path, p->o->config, CONFIG_FILE, err);
        if (rc < 0)
                return rc;
        rc = config_load(path, 0, p->job, clock, &p->config, err);
        if (rc == 0 || rc == -ENOMEM)
                return rc;
        log_faults(&p->config, err);
        snprintf(p->refused, sizeof p->refused, "%s", err_text(err));
        config_done(&p->config);
        if (keep_config(p, err) == 0)
                return 0;
        return config_load(NULL, 0, p->job, clock, &p->config, err);
}

static int choose_config(struct process *p, struct err *err)
{
        struct err none = { 0 };

        if (!p->o->watch)
                return read_config(p, err);
        if (job_program(p->job, &none) < 0)
                p->job[0] = '\0'; /* users have no names then */
        return config_from_paths(p->o->watch, &p->config, err);
}

/* Assay writes there because of what it sees there: it would never end. */
static int leave_out_own(const struct process *p, struct watchset *set, struct err *err)
{
        static const char *const own[] = { "sensor", "monitor", "uplink",
                                           "jwks",   "ledger",  "ledger.private" };
        CLEANUP(buf_done) struct buf pattern = BUF_INIT(3 * PATH_MAX);
        char state[PATH_MAX], path[PATH_MAX];
        int rc = 0;

        if (!realpath(p->o->state, state))
                return err_sys(err, -errno, "%s", p->o->state);
        for (size_t i = 0; i < ARRAY_LEN(own) && rc == 0; i++) {
                rc = io_join(path, strcmp(state, "/") == 0 ? "" : state, own[i], err);
                buf_clear(&pattern);
                pattern_put_literal(&pattern, span_str(path));
                if (rc == 0)
                        rc = watchset_add_rule(set, WATCH_PROFILES_MAX, buf_span(&pattern), true, 0,
                                               0, err);
        }
        return rc;
}

/* Where Assay itself writes all the time.  Ignoring is for speed: an event that comes all the same
 * is dropped by its directory. */
static void choose_ignored(struct process *p)
{
        static const char *const below[] = {
                "sensor",
                "monitor",
                "uplink",
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
                if (io_join(p->ignored[n], p->o->state, below[i], NULL) < 0)
                        continue;
                p->ignore[n] = p->ignored[n];
                n++;
        }
        p->ignore[n] = NULL;
}

/* ---- reading it anew ---- */

static void refuse_config(struct process *p, const struct err *err)
{
        log_faults(&p->next, err);
        if (sensor_refuse(p->sensor, &p->next, err_text(err)) < 0)
                loop_stop(p->loop, 1);
        config_done(&p->next);
}

static void read_anew(struct process *p);

static int on_fact(void *ctx, struct span json)
{
        struct process *p = ctx;

        return config_fact(&p->next, json);
}

static void on_config(void *ctx, int result, const struct err *job_err)
{
        struct process *p = ctx;
        struct err err = { 0 };
        int rc;

        p->reading = NULL;
        rc = config_end(&p->next, result, job_err, &err);
        if (rc == 0)
                rc = leave_out_own(p, &p->next.set, &err);
        if (rc < 0)
                refuse_config(p, &err);
        else
                sensor_configure(p->sensor, &p->next);
        if (p->read_again)
                read_anew(p);
}

static void read_anew(struct process *p)
{
        struct job_spec spec;
        struct err err = { 0 };
        char path[PATH_MAX];
        int fd = -1, rc;

        p->read_again = false;
        rc = io_join(path, p->o->config, CONFIG_FILE, &err);
        if (rc == 0)
                rc = config_open(path, 0, &p->next, &fd, &err);
        if (rc == 0) {
                spec = config_job(p->job, fd, p->o->clock);
                rc = job_start(p->loop, &spec, on_fact, on_config, p, &p->reading, &err);
        }
        fd_close(&fd);
        if (rc < 0)
                refuse_config(p, &err);
}

static void on_reload(void *ctx, int signo)
{
        struct process *p = ctx;

        (void)signo;
        sensor_reread(p->sensor);
        if (p->o->watch)
                log_event(LOG_LEVEL_WARNING, "sensor.reload",
                          log_str("ignored", "what is watched was given by --watch"));
        else if (p->reading)
                p->read_again = true;
        else
                read_anew(p);
}

static void on_stop(void *ctx, int signo)
{
        struct process *p = ctx;

        (void)signo;
        p->asked = loop_signal_sender(p->loop);
        loop_stop(p->loop, 0);
}

static void show_status(void *ctx)
{
        struct process *p = ctx;
        CLEANUP(buf_done) struct buf b = BUF_INIT(PRESENCE_MAX);
        struct err err = { 0 };

        p->said_ns = clock_mono(p->o->clock);
        sensor_put_status(p->sensor, &b);
        if (buf_status(&b) == 0 && presence_say(&p->presence, &p->sandbox, buf_span(&b), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.status", log_err(&err));
}

static void say_soon(void *ctx)
{
        struct process *p = ctx;

        loop_timer_set(p->status,
                       MAX_OF(clock_mono(p->o->clock), p->said_ns + STATUS_SOON_MS * NS_PER_MS));
}

static void say_status(void *ctx)
{
        struct process *p = ctx;
        int64_t ms = STATUS_S * 1000;

        show_status(p);
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

static const char *ebpf_unwanted(enum procsource_kind best)
{
        return best == PROCSOURCE_EBPF ? NULL : "--who says that it is not to be used";
}

/* Everything that needs rights, then the rights go, then everything that needs threads. */
static int open_all(struct process *p, struct err *err)
{
        static const int signals[] = { SIGTERM, SIGINT };
        struct role_paths paths = { .state = p->state_dir, .runtime = p->o->run };
        struct sensor_options o = { .clock = p->o->clock,
                                    .past = p->o->past,
                                    .past_root = p->o->past_root,
                                    .past_entry = p->o->past_entry,
                                    .past_told = p->o->past_told,
                                    .past_before = p->o->past_before,
                                    .sessions = p->o->sessions,
                                    .ledger_whole = p->o->ledger_whole,
                                    .told = p->o->told,
                                    .info_past = p->o->info_past,
                                    .info_unsure = p->o->info_unsure,
                                    .contents_told = p->o->contents_told,
                                    .late_past = p->o->late_past,
                                    .state_dir = p->state_dir,
                                    .ledger_dir = p->ledger,
                                    .socket = p->socket,
                                    .watch = &p->config.set,
                                    .config = &p->config,
                                    .refused = p->refused,
                                    .ignore = p->ignore,
                                    .connect_ms = CONNECT_MS,
                                    .keys_file = p->keys,
                                    .changed = show_status,
                                    .rested = say_soon,
                                    .changed_ctx = p,
                                    .pace = p->o->pace,
                                    .deep_s = p->o->deep_s,
                                    .poll_s = p->o->poll_s };
        CLEANUP_FD int run_fd = open(p->o->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int rc = run_fd < 0 ? err_sys(err, -errno, "%s", p->o->run) : 0;

        if (rc == 0)
                rc = presence_open(run_fd, "sensor", clock_wall(p->o->clock), &p->presence, err);
        if (rc == 0)
                rc = notify_init(&p->notify, err);
        o.job_program = p->job[0] ? p->job : NULL;
        if (rc == 0)
                rc = procsource_open(p->o->who, p->o->clock, &p->processes, err);
        o.processes = p->processes;
        if (rc == 0)
                rc = attempts_open(&p->config.set, ebpf_unwanted(p->o->who), &p->attempts, err);
        o.attempts = p->attempts;
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
                rc = loop_add_signal(p->loop, SIGHUP, on_reload, p, err);
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
        p->o = o;
        p->notify.fd = -1;
        p->presence = PRESENCE_NONE;
        rc = io_join(p->state_dir, o->state, "sensor", &err);
        if (rc == 0)
                rc = io_join(p->ledger, o->state, "ledger", &err);
        if (rc == 0)
                rc = io_make_dirs(&io_kernel, AT_FDCWD, p->state_dir, 0700, &err);
        if (rc == 0)
                rc = choose_config(p, &err);
        if (rc == 0)
                rc = leave_out_own(p, &p->config.set, &err);
        if (rc == 0)
                rc = io_join(p->socket, o->run, "recorder.sock", &err);
        if (rc == 0)
                rc = io_join(p->control, o->run, "sensor.sock", &err);
        if (rc == 0)
                rc = io_join(p->keys, o->config, SOURCE_KEYS_FILE, &err);
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
                if (rc < 0) /* the others say themselves why they stop the loop */
                        log_event(LOG_LEVEL_ERROR, "sensor.failed", log_str("error", strerror(-rc)),
                                  log_str("in", "the loop"));
                if (rc == 0)
                        sensor_stop(p->sensor, &p->asked);
                else
                        rc = -EIO;
        }
        p->status = loop_remove(p->status);
        if (p->reading)
                p->reading = job_cancel(p->reading);
        if (p->pool)
                pool_drain(p->pool);
        p->sensor = sensor_free(p->sensor);
        p->attempts = attempts_free(p->attempts);
        p->processes = procsource_free(p->processes);
        p->pool = pool_free(p->pool);
        p->loop = loop_free(p->loop);
        presence_done(&p->presence);
        notify_done(&p->notify);
        config_done(&p->config);
        config_done(&p->next);
        free(p);
        return rc;
}
