/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.c - start, the turn of the loop, the end.
 *
 * One turn: every readable peer is served and its entries staged; then one commit, unless one is
 * under way; then, if the worker rests and something is new, a publishing job.
 *
 * SECURITY: holds the signing key and the vault.  Its only outside input is the framing of
 * wire/msg.h, read in peer.c. */
#include "recorder/recorder.h"

#include "loop/log.h"
#include "loop/notify.h"
#include "recorder/recorder_priv.h"
#include "wire/entry.h"
#include "wire/note.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        WORKERS = 3,      /* publishing, a segment, an act; the note of open calls is short */
        SYNC_HELPERS = 3, /* beside the worker that publishes */
        MAX_JOBS = 8,
};

void recorder_stop(struct recorder *r, int code, const char *what, const struct err *err)
{
        if (r->stop_code)
                return;
        log_event(LOG_LEVEL_ERROR, "recorder.stop", log_str("at", what), log_err(err));
        r->stop_code = code;
        loop_stop(r->loop, code);
}

/* ---- the turn ---- */

static void turn(void *ctx)
{
        struct recorder *r = ctx;
        int64_t wait;

        room_leave_full(r);
        peer_sweep(r);
        if (commit_start(r) < 0)
                return;
        if (r->short_of_room && !r->full) {
                room_enter_full(r);
                if (recorder_commit(r) < 0)
                        return;
        }
        calls_restore(r);
        calls_keep(r);
        command_step(r);
        act_step(r);
        room_hold_writers(r);
        room_order_segment(r);
        publishing_start(r);
        act_slice(r);
        /* Come again when the next publishing is due; the tick would be too late. */
        if (!r->publishing && r->published != ledger_size(r->ledger)) {
                wait = MIN_OF(publishing_next_ns(r),
                              clock_mono(r->clock) + RECORDER_TICK_MS * NS_PER_MS);
                loop_timer_set(r->timer, wait);
        }
}

static void say_status(struct recorder *r)
{
        CLEANUP(buf_done) struct buf more = BUF_INIT(PRESENCE_MAX);
        struct json_writer w;
        struct err err = { 0 };

        json_writer_init(&w, &more);
        json_begin_object(&w);
        signs_put_status(r, &w);
        json_member_u64(&w, "appended", r->total.appended);
        json_member_u64(&w, "backlog", ledger_backlog(r->ledger, r->published));
        json_member_u64(&w, "calls", r->calls.n);
        if (r->calls_why[0])
                json_member_text(&w, "calls_not_known", r->calls_why);
        json_member_bool(&w, "full", r->full);
        json_member_bool(&w, "held", r->held);
        json_member_u64(&w, "peers", r->n_peers);
        json_member_u64(&w, "published", r->published);
        json_member_u64(&w, "refused", r->total.refused);
        json_member_u64(&w, "size", ledger_size(r->ledger));
        json_member_u64(&w, "subjects", vault_subjects(r->vault));
        json_member_bool(&w, "subjects_few", room_has_few_subjects(r));
        json_member_u64(&w, "subjects_limited", r->newcomers.n_refused);
        json_member_u64(&w, "subjects_most", room_for_subjects(r, ROLE_RECORDER));
        json_end_object(&w);
        if (presence_say(&r->presence, &r->sandbox, buf_span(&more), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "recorder.status", log_err(&err));
}

static void tick(void *ctx)
{
        struct recorder *r = ctx;

        loop_timer_set(r->timer, clock_mono(r->clock) + RECORDER_TICK_MS * NS_PER_MS);
        peer_tend(r);
        signs_tick(r);
        calls_tend(r);
        if (pulse_look(r)) {
                room_watch_subjects(r);
                say_status(r);
        }
        pulse_beat(r);
}

static void on_connection(void *ctx, unsigned events)
{
        peer_accept(ctx);
}

static void on_worker(void *ctx, unsigned events)
{
        pool_reap(((struct recorder *)ctx)->pool);
}

static void on_commit(void *ctx, unsigned events)
{
        pool_reap(((struct recorder *)ctx)->committer);
}

static void on_signal(void *ctx, int signo)
{
        loop_stop(((struct recorder *)ctx)->loop, 0);
}

/* ---- start ---- */

static int make_dir(int at, const char *path, mode_t mode, struct err *err)
{
        if (mkdirat(at, path, mode) < 0 && errno != EEXIST)
                return err_sys(err, -errno, "%s", path);
        return 0;
}

static int open_dir(int at, const char *path, int *ret, struct err *err)
{
        *ret = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return *ret < 0 ? err_sys(err, -errno, "%s", path) : 0;
}

/* They are made where there are none.  While one ledger is put in another's place one of them is
 * missing, and what is then begun anew nobody would go on from. */
static int make_places(int state, struct err *err)
{
        int rc;

        if (faccessat(state, "ledger.next.private", F_OK, 0) == 0 &&
            (faccessat(state, "ledger", F_OK, 0) < 0 ||
             faccessat(state, "ledger.private", F_OK, 0) < 0))
                return err_set(err, -EBUSY,
                               "the ledger is being succeeded by ledger.next: if that was cut off, "
                               "\"assay ledger succeed --reason TEXT\" goes on with it");
        rc = make_dir(state, "ledger", 0755, err);
        return rc == 0 ? make_dir(state, "ledger.private", 0700, err) : rc;
}

/* The two directories, owned by whom we are going to be. */
static int open_places(struct recorder *r, struct err *err)
{
        CLEANUP_FD int state = -1;
        int rc;

        rc = open_dir(AT_FDCWD, r->o->state, &state, err);
        if (rc == 0)
                rc = open_dir(AT_FDCWD, r->o->run, &r->run_fd, err);
        if (rc == 0)
                rc = make_places(state, err);
        if (rc == 0)
                rc = open_dir(state, "ledger", &r->public_fd, err);
        if (rc == 0)
                rc = open_dir(state, "ledger.private", &r->private_fd, err);
        if (rc < 0 || r->o->keep_user || geteuid() != 0)
                return rc;
        if (fchown(r->public_fd, r->users.of[ROLE_RECORDER].uid, r->users.of[ROLE_RECORDER].gid) <
                    0 ||
            fchown(r->private_fd, r->users.of[ROLE_RECORDER].uid, r->users.of[ROLE_RECORDER].gid) <
                    0)
                return err_sys(err, -errno, "%s: chown", r->o->state);
        return 0;
}

/* A public half alone is no reason to begin anew: nothing is made then that a backup of the other
 * would meet. */
static int check_halves(const struct recorder *r, struct err *err)
{
        if (faccessat(r->public_fd, "checkpoint", F_OK, 0) < 0 ||
            faccessat(r->private_fd, "signed", F_OK, 0) == 0)
                return 0;
        if (faccessat(r->private_fd, "wal", F_OK, 0) == 0)
                return err_set(err, -EBADMSG,
                               "ledger.private/signed is gone: what was signed last is not known; "
                               "restore it from a backup");
        return err_set(err, -EBADMSG,
                       "there is a ledger here, and its private half is gone (ledger.private: key, "
                       "write-ahead log, vault); restore that, or put the ledger away and begin a "
                       "new one");
}

static int open_ledger(struct recorder *r, struct err *err)
{
        struct ledger_options lo = { .io = &io_kernel,
                                     .clock = r->clock,
                                     .segment_bytes = r->o->segment_bytes };
        char origin[NOTE_NAME_MAX + 1];
        int rc;

        if (r->o->origin)
                snprintf(origin, sizeof origin, "%s", r->o->origin);
        else
                snprintf(origin, sizeof origin, "assay.invalid/%s", r->host);
        rc = check_halves(r, err);
        if (rc < 0)
                return rc;
        /* The vault first: a ledger that is there has one. */
        if (faccessat(r->private_fd, "keys/subjects", F_OK, 0) < 0) {
                if (faccessat(r->private_fd, "signed", F_OK, 0) == 0)
                        return err_set(
                                err, -EBADMSG,
                                "keys/subjects: the vault's keys are gone; no backup has them: "
                                "docs/operator.md, Backup, says how to go on");
                rc = vault_create(r->private_fd, &io_kernel, err);
                if (rc < 0)
                        return rc;
        }
        if (faccessat(r->private_fd, "signed", F_OK, 0) < 0) {
                rc = ledger_create(r->public_fd, r->private_fd, origin, &lo, err);
                if (rc < 0)
                        return rc;
                log_event(LOG_LEVEL_INFO, "recorder.created", log_str("origin", origin));
        }
        rc = ledger_open(r->public_fd, r->private_fd, &lo, &r->ledger, err);
        if (rc == 0)
                rc = vault_open(r->private_fd, &io_kernel, true, &r->vault, err);
        if (rc < 0)
                return rc;
        r->last_run = ledger_last_run(r->ledger) >> 4;
        r->run = ++r->last_run;
        if (!recorder_begin_run(r, recorder_wal_run(r->run, ROLE_RECORDER)))
                return err_set(err, -EUSERS, "too many runs");
        return 0;
}

static int enter_role(struct recorder *r, struct err *err)
{
        bool keep = r->o->keep_user || geteuid() != 0;
        struct role_paths paths = { .state = r->o->state, .runtime = r->o->run };

        return role_enter(ROLE_RECORDER, &paths, keep ? ROLE_KEEP_USER : 0, &r->sandbox, err);
}

static int start_loop(struct recorder *r, struct err *err)
{
        int rc;

        rc = loop_new(r->clock, &r->loop, err);
        if (rc == 0)
                rc = pool_new(WORKERS, MAX_JOBS, &r->pool, err);
        if (rc == 0)
                rc = pool_new(1, 1, &r->committer, err);
        if (rc == 0)
                rc = syncer_new(SYNC_HELPERS, &r->syncer, err);
        if (rc == 0)
                vault_set_syncer(r->vault, r->syncer);
        if (rc == 0)
                rc = sock_batch_new(RECORDER_PACKETS, MSG_MAX, &r->packets);
        if (rc == 0)
                rc = loop_add_fd(r->loop, r->listen_fd, LOOP_READ, on_connection, r, &r->listener,
                                 err);
        if (rc == 0)
                rc = loop_add_fd(r->loop, pool_fd(r->pool), LOOP_READ, on_worker, r, &r->worker,
                                 err);
        if (rc == 0)
                rc = loop_add_fd(r->loop, pool_fd(r->committer), LOOP_READ, on_commit, r,
                                 &r->committed, err);
        if (rc == 0)
                rc = loop_add_timer(r->loop, tick, r, &r->timer, err);
        if (rc == 0)
                rc = loop_add_signal(r->loop, SIGTERM, on_signal, r, err);
        if (rc == 0)
                rc = loop_add_signal(r->loop, SIGINT, on_signal, r, err);
        if (rc == 0)
                loop_set_turn(r->loop, turn, r);
        return rc;
}

static int begin(struct recorder *r, struct err *err)
{
        int rc;

        pulse_start(r);
        own_opened(r);
        own_heartbeat(r);
        rc = signs_start(r, err);
        if (rc == 0)
                rc = recorder_commit(r);
        if (rc < 0)
                return rc;
        rc = publishing_now(r, err);
        calls_restore(r);
        if (rc == 0)
                rc = command_resume(r, err);
        if (rc == -ENOSPC)
                rc = 0; /* said in the log; it goes on when there is room */
        say_status(r);
        loop_timer_set(r->timer, clock_mono(r->clock));
        return rc;
}

/* ---- the end ---- */

static void end(struct recorder *r)
{
        struct err err = { 0 };

        if (r->stop_code) {
                for (struct peer *p = r->peers; p; p = p->next)
                        if (p->state == PEER_OPEN)
                                peer_send_stopped(p, -EIO, "the recorder stops");
                return;
        }
        if (r->succeeded)
                return; /* the last entry is written */
        own_stopped(r, "asked to");
        if (recorder_commit(r) == 0 && publishing_now(r, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "recorder.publish", log_err(&err));
        calls_keep_now(r);
}

static void done(struct recorder *r)
{
        if (r->committer)
                pool_drain(r->committer);
        if (r->pool)
                pool_drain(r->pool);
        act_drop(r);
        peer_drop_all(r);
        loop_remove(r->listener);
        loop_remove(r->worker);
        loop_remove(r->committed);
        loop_remove(r->timer);
        pool_free(r->committer);
        pool_free(r->pool);
        publisher_free(r->publisher);
        vault_free(r->vault);
        syncer_free(r->syncer);
        ledger_free(r->ledger);
        loop_free(r->loop);
        sock_batch_free(r->packets);
        presence_done(&r->presence);
        buf_done(&r->entry);
        buf_done(&r->rows);
        buf_done(&r->skeleton);
        buf_done(&r->out);
        buf_done(&r->command.args);
        buf_done(&r->keep.text);
        calls_done(&r->calls);
        fd_close(&r->listen_fd);
        fd_close(&r->public_fd);
        fd_close(&r->private_fd);
        fd_close(&r->run_fd);
        fd_close(&r->statm_fd);
        free(r);
}

/* By number, where its user has no name. */
static void admit_as(struct recorder *r, enum role_id id, uid_t uid)
{
        if (uid == 0)
                return;
        r->users.of[id].known = true;
        r->users.of[id].uid = uid;
}

static int start(struct recorder *r, struct err *err)
{
        char path[108];
        int rc, n;

        n = snprintf(path, sizeof path, "%s/recorder.sock", r->o->run);
        if (n < 0 || (size_t)n >= sizeof path)
                return err_set(err, -ENAMETOOLONG, "%s: too long for a socket's path", r->o->run);
        if (!entry_host_ok(span_str(r->o->host)))
                return err_set(err, -EINVAL, "\"%s\" is no host name for entries", r->o->host);
        snprintf(r->host, sizeof r->host, "%s", r->o->host);
        rc = role_users_init(&r->users, r->o->keep_user ? ROLE_KEEP_USER : 0, err);
        admit_as(r, ROLE_UPLINK, r->o->uplink);
        admit_as(r, ROLE_GATEWAY, r->o->gateway);
        admit_as(r, ROLE_KEYS, r->o->gateway);
        if (rc == 0)
                rc = open_places(r, err);
        if (rc == 0)
                rc = presence_open(r->run_fd, role_of(ROLE_RECORDER)->name, clock_wall(r->clock),
                                   &r->presence, err);
        /* Anybody may connect; whom the kernel says it is decides what happens then. */
        if (rc == 0)
                rc = sock_listen(path, 0666, &r->listen_fd, err);
        r->statm_fd =
                open("/proc/self/statm", O_RDONLY | O_CLOEXEC); /* without it memory reads 0 */
        if (rc == 0)
                rc = enter_role(r, err);
        if (rc == 0)
                rc = open_ledger(r, err);
        if (rc == 0)
                rc = start_loop(r, err);
        return rc < 0 ? rc : begin(r, err);
}

int recorder_run(const struct recorder_options *o)
{
        struct recorder *r = calloc(1, sizeof *r);
        struct notify notify = { .fd = -1 };
        struct err err = { 0 };
        int rc;

        if (!r)
                return -ENOMEM;
        r->o = o;
        r->clock = o->clock;
        newcomers_init(&r->newcomers, o->newcomers);
        r->public_fd = r->private_fd = r->listen_fd = r->run_fd = r->statm_fd = -1;
        r->presence = PRESENCE_NONE;
        r->entry = BUF_INIT(2 * ENTRY_MAX);
        r->rows = BUF_INIT(MSG_MAX * 2);
        r->skeleton = BUF_INIT(ENTRY_MAX);
        r->out = BUF_INIT(MSG_MAX);
        r->command.args = BUF_INIT(MSG_MAX);
        rc = notify_init(&notify, &err);
        if (rc == 0)
                rc = start(r, &err);
        if (rc == 0) {
                log_event(LOG_LEVEL_INFO, "recorder.ready",
                          log_str("origin", ledger_origin(r->ledger)),
                          log_u64("size", ledger_size(r->ledger)), log_u64("run", r->run));
                if (notify_send(&notify, "READY=1") < 0)
                        log_event(LOG_LEVEL_WARNING, "recorder.notify");
                if (!r->succeeded) /* just now, as was promised before a restart */
                        rc = loop_run(r->loop);
                if (rc < 0)
                        log_event(LOG_LEVEL_ERROR, "recorder.failed",
                                  log_str("error", strerror(-rc)), log_str("in", "the loop"));
                end(r);
        } else if (!r->stop_code) {
                log_event(LOG_LEVEL_ERROR, "recorder.start", log_err(&err));
        }
        if (r->stop_code)
                rc = r->stop_code;
        else if (rc == 0 && r->succeeded)
                rc = 1;
        notify_done(&notify);
        done(r);
        return rc;
}
