/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor.h"

#include "integrity/sensor/sensor_above.h"
#include "integrity/sensor/sensor_deep.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_restore.h"
#include "integrity/sensor/sensor_trusted.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "sys/io.h"

#include <stdlib.h>

enum {
        STOP_MS = 5000,
        PATH_BYTES = 1 << 20,
        OPS_BYTES = 4 << 20,
};

/* ---- making and ending ---- */

static void init_bufs(struct sensor *s)
{
        s->path = s->path2 = s->way.path = BUF_INIT(PATH_BYTES);
        s->encoded = BUF_INIT(RECORD_MAX);
        s->ops = BUF_INIT(OPS_BYTES);
        s->skeleton = BUF_INIT(CHANGE_TEXT_MAX);
        s->scratch = BUF_INIT(64 * 1024);
        s->alert = BUF_INIT(CHANGE_TEXT_MAX);
}

int sensor_new(const struct sensor_options *o, struct sensor **ret, struct err *err)
{
        CLEANUP(sensor_freep) struct sensor *s = calloc(1, sizeof *s);
        struct feed_options f = { .socket = o->socket,
                                  .proc = "sensor",
                                  .on_ack = tell_on_ack,
                                  .on_nak = tell_on_nak,
                                  .ctx = s };
        int rc;

        if (!s)
                return err_set(err, -ENOMEM, "out of memory for the sensor");
        s->o = *o;
        s->state.dirfd = s->state.journal.fd = s->mounts_fd = s->mounter.fd = -1;
        init_bufs(s);
        rc = table_new(&s->table, err);
        if (rc == 0)
                rc = who_cache_new(o->processes, &s->who, err);
        if (rc == 0)
                rc = dirty_new(&s->dirty, err);
        if (rc == 0)
                rc = look_init(s, err);
        if (rc == 0)
                rc = watch_new(s->table, o->watch, s->who, &turn_watch_ops, s, &s->watch, err);
        if (rc == 0)
                rc = scan_init(s, err);
        if (rc == 0)
                rc = feed_new(&f, &s->feed, err);
        if (rc == 0)
                rc = state_open(&s->state, &io_kernel, o->state_dir, s->table, &s->found, err);
        if (rc == 0)
                rc = above_init(s, err);
        if (rc == 0)
                rc = trusted_init(s, err);
        if (rc == 0)
                rc = deep_init(s, err);
        if (rc == 0)
                rc = info_init(s, err);
        if (rc == 0)
                rc = fold_init(s, err);
        if (rc == 0)
                rc = why_init(s, err);
        if (rc == 0)
                rc = deny_init(s, err);
        if (rc == 0)
                rc = guard_init(s, err);
        if (rc == 0)
                rc = restore_init(s, err);
        if (rc < 0)
                return rc;
        kept_recall(s);
        *ret = s;
        s = NULL;
        return 0;
}

static void done_bufs(struct sensor *s)
{
        buf_done(&s->path);
        buf_done(&s->path2);
        buf_done(&s->way.path);
        buf_done(&s->encoded);
        buf_done(&s->ops);
        buf_done(&s->skeleton);
        buf_done(&s->scratch);
        buf_done(&s->alert);
        info_done(s);
}

struct sensor *sensor_free(struct sensor *s)
{
        if (!s)
                return NULL;
        loop_remove(s->watch_source);
        loop_remove(s->feed_source);
        loop_remove(s->pool_source);
        loop_remove(s->process_source);
        loop_remove(s->process_again);
        loop_remove(s->tick);
        loop_remove(s->settle);
        loop_remove(s->reconnect);
        command_done(s);
        package_done(s);
        restore_done(s);
        fold_done(s);
        way_done(s);
        why_done(s);
        attempts_stop(s);
        guard_done(s);
        deny_done(s);
        users_done(s);
        mounts_done(s);
        deep_done(s);
        trusted_done(s);
        above_done(s);
        config_free(s);
        scan_free(s->scan);
        look_done(s);
        tell_done(s);
        feed_free(s->feed);
        watch_free(s->watch);
        dirty_free(s->dirty);
        who_cache_free(s->who);
        state_close(&s->state);
        state_found_done(&s->found);
        table_free(s->table);
        kept_done(s);
        done_bufs(s);
        free(s);
        return NULL;
}

/* ---- starting ---- */

/* Keep of the entries that a crash kept from the ledger those that are not in it, under the
 * sequences that they will have: in the same run the ones they had. */
static void keep_unsent(struct sensor *s)
{
        struct state_found *f = &s->found;
        bool same = f->run && feed_run(s->feed) == f->run;
        uint64_t in_ledger = same ? feed_held(s->feed) : f->acked;
        size_t n = 0;

        for (size_t i = 0; i < f->n_entries; i++) {
                struct span skeleton = buf_span(&f->entries[i].skeleton);
                bool told = f->entries[i].seq <= in_ledger;

                if (told)
                        trusted_told(s, skeleton, true, 0);
                if (told || !trusted_may_send(s, skeleton)) {
                        buf_done(&f->entries[i].skeleton);
                        continue;
                }
                f->entries[n] = f->entries[i];
                f->entries[n].seq = feed_held(s->feed) + 1 + n;
                n++;
        }
        f->n_entries = n;
        s->acked = feed_held(s->feed);
}

/* The state is there: compare the disk with it, once what is known to be missing has been sent. */
static int start_known(struct sensor *s, struct err *err)
{
        struct state_found *f = &s->found;
        struct state_told told = { .run = feed_run(s->feed) };
        int rc = config_prepare(s);

        keep_unsent(s);
        told.acked = s->acked;
        told.entries = f->entries;
        told.n = f->n_entries;
        if (rc == 0)
                rc = state_renew(&s->state, config_rules(s), s->table, f->alive_ns, &told, err);
        if (state_has_no_room(rc)) {
                log_event(LOG_LEVEL_ERROR, "sensor.state", log_err(err));
                state_broke(&s->state, err); /* a full disk blinds nobody: it is tried again */
                rc = 0;
        }
        for (size_t i = 0; i < f->n_entries && rc == 0; i++)
                rc = tell_entry_of(s, buf_span(&f->entries[i].skeleton), NULL,
                                   trusted_is_note(s, buf_span(&f->entries[i].skeleton)));
        if (f->n_entries)
                log_event(LOG_LEVEL_INFO, "sensor.sent_again", log_u64("entries", f->n_entries));
        if (rc == 0)
                rc = trusted_announce(s);
        if (rc < 0)
                return rc;
        scan_want(s, LOSS_DOWN, f->alive_ns, sensor_wall(s));
        return 0;
}

int sensor_start(struct sensor *s, struct err *err)
{
        int rc = scan_mark(s->o.watch, s->table);

        s->read_ns = sensor_wall(s);
        trusted_start(s);
        for (const char *const *p = s->o.ignore; p && *p && rc == 0; p++)
                if (watch_ignore(s->watch, *p, NULL) < 0)
                        log_event(LOG_LEVEL_DEBUG, "sensor.not_ignored", log_str("path", *p));
        if (rc == 0)
                rc = remote_init(s, err);
        if (rc == 0)
                rc = scan_know_above(s, err);
        if (rc == 0)
                rc = feed_connect(s->feed, s->found.run, (int)s->o.connect_ms, err);
        if (rc == 0)
                rc = turn_start(s, err);
        if (rc < 0)
                return rc;
        turn_know_recorder(s);
        trusted_met(s, false);
        rc = lists_start(s);
        if (rc < 0)
                return rc;
        turn_tick(s);
        loop_timer_set(s->settle, sensor_mono(s)); /* the first turn comes by itself */
        users_read(s);
        s->phase = SENSOR_LIVE;
        if (s->found.source == STATE_NONE) {
                rc = status_tell(s, "started", NULL);
                if (rc == 0)
                        rc = trusted_tell_past(s);
                if (rc == 0)
                        rc = config_start(s);
                scan_start_first(s);
                return rc;
        }
        rc = start_known(s, err);
        if (rc == 0)
                rc = status_tell(s, "started", NULL);
        if (rc == 0)
                rc = package_recall(s);
        if (rc == 0)
                rc = trusted_tell_past(s);
        if (rc == 0)
                rc = above_start(s);
        return rc == 0 ? config_start(s) : rc;
}

void sensor_reread(struct sensor *s)
{
        lists_reload(s);
}

void sensor_stop(struct sensor *s, const struct loop_sender *asked)
{
        struct err err = { 0 };

        scan_end(s->scan);
        atomic_store_explicit(&s->ended, true, memory_order_relaxed);
        pool_drain(s->o.pool);
        trusted_stop(s);
        deep_stop(s);
        above_keep(s);
        s->stopping = true;
        if (kept_tick(s, true) < 0 || fold_flush(s) < 0 || why_tick(s, true) < 0 ||
            package_stop(s) < 0 || status_tell_stopped(s, asked) < 0)
                return;
        for (int i = 0; i < 2; i++) { /* the queue may be longer than the feed's window */
                tell_pump(s);
                if (feed_connected(s->feed) && feed_flush(s->feed, STOP_MS, &err) < 0)
                        log_event(LOG_LEVEL_WARNING, "sensor.stop", log_err(&err));
        }
        tell_pump(s);
        feed_bye(s->feed, false, asked->pid, asked->uid);
        if (s->state.journal.fd >= 0 && !s->state.broken) {
                journal_put_alive(&s->state.journal, sensor_wall(s), true);
                if (journal_flush(&s->state.journal, &err) < 0)
                        log_event(LOG_LEVEL_WARNING, "sensor.stop", log_err(&err));
                (void)!io_kernel.fdatasync(io_kernel.ctx, s->state.journal.fd);
        }
}

bool sensor_is_live(const struct sensor *s)
{
        return s->was_live;
}
