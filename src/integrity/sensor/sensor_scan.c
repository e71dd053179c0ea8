/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_priv.h"

#include "integrity/sensor/sensor_above.h"
#include "integrity/sensor/sensor_look.h"
#include "integrity/sensor/sensor_restore.h"
#include "integrity/sensor/sensor_trusted.h"
#include "loop/log.h"
#include "sys/io.h"

enum { EVENT_MS = 50 }; /* for an event that is on its way */

static const char not_live[] = "seen by a scan, not as it happened";

static const char *seen_word(const struct sensor *s)
{
        return s->loss & LOSS_DOWN ? "start" : s->loss == LOSS_ASKED ? "check" : "rescan";
}

/* An event waits for this place: the look it leads to knows who. */
static bool awaited(const struct sensor *s, const struct table_node *n)
{
        struct table_handle h;

        return n->parent && table_handle_of(n->parent, &h) &&
               dirty_has(s->dirty, &h, table_name(n));
}

/* Of a place that was not watched before: is what an event saw of it news, which its look tells?
 * What was there already is trusted as it is found; what was done to it since is told all the same.
 */
static bool is_news(struct sensor *s, struct table_node *n)
{
        struct table_handle h;

        if (!n->parent || !table_handle_of(n->parent, &h))
                return false;
        if (dirty_what(s->dirty, &h, table_name(n)) & (DIRTY_CREATED | DIRTY_CAME))
                return true;
        n->mark |= TABLE_OWED;
        return false;
}

/* Places that were watched all the time have events of their own, which know the author. */
static int leave_to_event(struct sensor *s, const struct table_node *n, bool *ret_left)
{
        struct table_handle h;

        *ret_left = config_only_new(s) && n->parent && table_handle_of(n->parent, &h);
        return *ret_left ? look_at(s, &h, table_name(n), DIRTY_CONTENT, NULL, EVENT_MS * NS_PER_MS)
                         : 0;
}

int scan_difference(struct sensor *s, struct table_node *n, const struct record *is,
                    struct span encoded, const char *seen, const char *unknown)
{
        struct change c = { .wall_ns = sensor_wall(s), .is = is, .seen = seen, .unknown = unknown };
        struct record was;
        bool fresh, left = false, told = false;
        int rc;

        if (mounts_first(s))
                return 0;
        buf_clear(&s->path);
        table_path(n, &s->path);
        if (restore_holds(s, buf_span(&s->path)))
                return 0; /* its end tells */
        fresh = !n->record && !config_was_watched(s, buf_span(&s->path));
        if (awaited(s, n) && (!fresh || is_news(s, n)))
                return 0;
        rc = fresh ? 0 : leave_to_event(s, n, &left);
        if (left || rc < 0)
                return rc;
        buf_clear(&s->ops);
        journal_op_put(&s->ops, JOURNAL_SET, buf_span(&s->path), encoded);
        if (buf_status(&s->path) < 0 || buf_status(&s->ops) < 0)
                return -ENOMEM;
        if (n->record && record_decode(table_record(n), &was, NULL) == 0)
                c.was = &was;
        c.path = buf_span(&s->path);
        c.profile = watchset_way_profile(s->o.watch, c.path);
        c.on_way = !watchset_covers(s->o.watch, c.path);
        c.who = way_author(s, c.path);
        c.by_way = c.who != NULL;
        if (fresh) {
                s->absorbed++;
                rc = tell_silent(s, buf_span(&s->ops));
        } else if (c.was && (!change_differs(&c) || deny_expects(s, &c))) {
                rc = tell_silent(s, buf_span(&s->ops));
        } else {
                told = true;
                rc = tell_change(s, &c, buf_span(&s->ops));
        }
        if (rc == 0)
                rc = table_set_record(s->table, n, encoded);
        if (rc == 0)
                guard_note(s, n);
        return rc < 0 ? rc : told;
}

static int differs(void *ctx, struct table_node *n, const struct record *is, struct span encoded)
{
        struct sensor *s = ctx;
        int rc;

        if (s->phase == SENSOR_FIRST)
                return table_set_record(s->table, n, encoded);
        rc = scan_difference(s, n, is, encoded, seen_word(s), not_live);
        s->found_changes += rc > 0;
        if (!out_room(s))
                scan_hold(s->scan, true);
        return MIN_OF(rc, 0);
}

static int mount(void *ctx, struct table_node *n, const struct record *is)
{
        struct sensor *s = ctx;
        CLEANUP_FD int fd = -1;
        struct err err = { 0 };
        int rc;

        (void)is;
        if (n->mark & TABLE_WAY && !n->record) {
                rc = above_scan(s, n, seen_word(s));
                if (rc < 0)
                        return rc;
        }
        if (n->mark & TABLE_WAY && n->record) { /* it was a link when it was seen last */
                rc = look_forget(s, n, seen_word(s), NULL, sensor_wall(s));
                if (rc < 0)
                        return rc;
        }
        buf_clear(&s->path2);
        table_path(n, &s->path2);
        fd = observe_open_dir(buf_span(&s->path2));
        if (fd < 0)
                return 1; /* its job will find the same and say so */
        rc = watch_filesystem(s->watch, fd, buf_span(&s->path2), &err);
        if (rc < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.unwatched",
                          log_bytes("path", buf_span(&s->path2)), log_err(&err));
        return rc < 0 && rc != -ENOMEM ? 1 : rc; /* it is scanned now and then all the same */
}

static int unreadable(void *ctx, struct table_node *n, int error)
{
        struct sensor *s = ctx;

        buf_clear(&s->path2);
        table_path(n, &s->path2);
        log_event(LOG_LEVEL_WARNING, "sensor.unreadable", log_bytes("path", buf_span(&s->path2)),
                  log_int("error", error));
        return 0;
}

static int listed(void *ctx, struct table_node *n)
{
        struct sensor *s = ctx;
        struct table_handle h;
        int fd;

        if (!table_handle_of(n, &h) || !watch_wants(s->watch, &h))
                return 0;
        fd = look_dir(s, n);
        return fd < 0 ? 0 : watch_directory(s->watch, &h, fd);
}

/* ---- the end of a scan ---- */

static int rescan_done(struct sensor *s)
{
        struct gap_facts f = { .wall_ns = sensor_wall(s),
                               .from_ns = s->loss_from_ns,
                               .until_ns = s->loss_until_ns,
                               .found = s->found_changes,
                               .rescanned = scan_counts(s->scan).files };

        if (s->loss & LOSS_MOUNTS && !(s->loss_next & LOSS_MOUNTS) && !s->mounted.scan_from_ns) {
                way_done(s);
                mounted_forget(s);
        }
        s->polled_ns = sensor_mono(s);
        s->scan_took_ns = s->polled_ns - s->scan_began_ns;
        log_event(s->loss == LOSS_POLL ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "sensor.rescan",
                  log_u64("files", f.rescanned), log_u64("found", f.found),
                  log_u64("absorbed", s->absorbed),
                  log_int("ms", (sensor_mono(s) - s->scan_began_ns) / NS_PER_MS));
        f.reason = s->loss & LOSS_DOWN       ? "down"
                   : s->loss & LOSS_OVERFLOW ? "overflow"
                   : s->loss & LOSS_QUEUE    ? "queue"
                   : s->loss & LOSS_MOUNTS   ? "unwatched"
                                             : NULL;
        if (!f.reason || (f.found == 0 && s->loss == LOSS_MOUNTS))
                return 0; /* polling is no gap, and neither is a mount that hid nothing */
        buf_clear(&s->skeleton);
        gap_put(&f, &s->skeleton);
        return tell_made(s, NULL);
}

static void finished(void *ctx, int rc)
{
        struct sensor *s = ctx;

        if (rc < 0)
                s->failed = rc;
        else
                s->phase = s->phase == SENSOR_FIRST ? SENSOR_FIRST : SENSOR_SWEEP;
}

static int tell_missing(struct sensor *s, struct table_node *n)
{
        bool left;
        int rc;

        if (awaited(s, n) || mounts_first(s))
                return 0;
        rc = leave_to_event(s, n, &left);
        if (left || rc < 0)
                return rc;
        buf_clear(&s->path);
        table_path(n, &s->path);
        if (!watchset_knows(s->o.watch, buf_span(&s->path), table_record(n))) {
                /* No longer watched: not known, and not told. */
                buf_clear(&s->ops);
                journal_op_put(&s->ops, JOURNAL_DROP, buf_span(&s->path), SPAN_NONE);
                rc = tell_silent(s, buf_span(&s->ops));
                table_drop_record(s->table, n);
                return rc;
        }
        /* What is below it was missing too and came first, unless an event waits for it. */
        s->found_changes++;
        do
                rc = look_forget(s, n, seen_word(s), way_author(s, buf_span(&s->path)),
                                 sensor_wall(s));
        while (rc > 0);
        return rc;
}

/* The walk meets filesystems by their directories. */
static int meet_files(struct sensor *s)
{
        struct table_node *top = table_root(s->table);
        int rc = 0;

        if (!table_file_handles(s->table))
                return 0;
        for (struct table_node *n = top; n && rc == 0; n = table_next(top, n))
                if (n->handle && !table_is_dir(n))
                        rc = look_meet(s, n);
        return rc;
}

static int sweep(struct sensor *s)
{
        struct table_node *n;
        int rc = 0;

        while (rc == 0 && out_room(s)) {
                n = scan_next_missing(s->scan);
                if (!n) {
                        s->phase = SENSOR_LIVE;
                        rc = meet_files(s);
                        watch_round_end(s->watch);
                        if (rc == 0)
                                rc = rescan_done(s);
                        if (rc == 0)
                                rc = scan_settle(s);
                        if (rc == 0 && s->loss & (LOSS_ASKED | LOSS_CONFIG))
                                rc = trusted_scanned(s, s->found_changes);
                        return rc;
                }
                rc = tell_missing(s, n);
        }
        return rc;
}

static int settle_new(struct sensor *s, struct table_node *n)
{
        int rc = 0;

        if (!n->record && !awaited(s, n)) {
                rc = table_set_handle(s->table, n, NULL);
                n->mark &= (uint8_t)~TABLE_NEW;
        }
        return rc;
}

int scan_settle(struct sensor *s)
{
        struct table_node *top = table_root(s->table), *next;
        bool links = table_file_handles(s->table) > 0;
        int rc = 0;

        for (struct table_node *n = top; n && rc == 0; n = next) {
                next = table_next(top, n);
                if (n->mark & TABLE_NEW)
                        rc = settle_new(s, n);
                else if (links && n->record && n->handle && !table_is_dir(n))
                        rc = look_linked(s, n);
        }
        look_rest(s);
        return rc;
}

/* ---- beginning ---- */

static const struct scan_ops ops = { .differs = differs,
                                     .mount = mount,
                                     .unreadable = unreadable,
                                     .listed = listed,
                                     .finished = finished };

int scan_init(struct sensor *s, struct err *err)
{
        int rc;

        pace_init(&s->pace, &s->o.pace, s->o.clock);
        rc = scan_new(s->o.watch, s->table, s->o.pool, &ops, s, &s->scan, err);
        if (rc == 0)
                look_for_scan(s);
        return rc;
}

void scan_ask(struct sensor *s, bool deep, bool keep)
{
        int64_t wall = sensor_wall(s);

        s->asked = (deep ? SCAN_DEEP : 0u) | (keep ? SCAN_KEEP : 0u);
        scan_want(s, LOSS_ASKED, wall, wall);
}

void scan_want(struct sensor *s, unsigned loss, int64_t from_ns, int64_t until_ns)
{
        s->next_from_ns = s->loss_next ? MIN_OF(s->next_from_ns, from_ns) : from_ns;
        s->next_until_ns = s->loss_next ? MAX_OF(s->next_until_ns, until_ns) : until_ns;
        s->loss_next |= loss;
}

int scan_know_above(struct sensor *s, struct err *err)
{
        for (struct table_node *n = table_root(s->table); n;
             n = table_next(table_root(s->table), n)) {
                CLEANUP_FD int fd = -1;
                struct table_handle h;
                int rc;

                if (!(n->mark & TABLE_ABOVE) || n->record)
                        continue;
                buf_clear(&s->path2);
                table_path(n, &s->path2);
                fd = observe_open_dir(buf_span(&s->path2));
                if (fd < 0)
                        continue; /* not there yet: the directory above it sees it come */
                rc = watch_filesystem(s->watch, fd, buf_span(&s->path2), err);
                if (rc < 0)
                        return rc;
                if (observe_handle(fd, &h) < 0)
                        continue;
                rc = table_set_handle(s->table, n, &h);
                if (rc == 0)
                        rc = watch_directory(s->watch, &h, fd);
                if (rc < 0)
                        return err_sys(err, rc, "%s: cannot be watched", buf_cstr(&s->path2));
        }
        return 0;
}

/* A directory above what is watched that is a symbolic link: told, and nothing is seen behind it.
 */
static int know_link(struct sensor *s, struct table_node *n)
{
        CLEANUP_FD int fd = -1;
        char name[TABLE_NAME_MAX + 1];
        struct record is;
        int rc;

        buf_clear(&s->path2);
        table_path(n->parent, &s->path2);
        memcpy(name, n->name, n->name_n);
        name[n->name_n] = '\0';
        fd = buf_status(&s->path2) < 0 ? -1 : observe_open_dir(buf_span(&s->path2));
        rc = fd < 0 ? fd : observe(s->observer, fd, name, &is, NULL);
        if (n->record && (rc == -ENOENT || (rc == 0 && is.type != RECORD_LINK))) {
                rc = look_forget(s, n, seen_word(s), NULL, sensor_wall(s));
                return MIN_OF(rc, 0);
        }
        if (rc < 0 || is.type != RECORD_LINK)
                return 0;
        buf_clear(&s->encoded);
        record_encode(&is, &s->encoded);
        if (buf_status(&s->encoded) < 0)
                return buf_status(&s->encoded);
        if (n->record && span_eq(buf_span(&s->encoded), table_record(n)))
                return 0;
        log_event(LOG_LEVEL_WARNING, "sensor.link_on_the_way", log_bytes("name", table_name(n)),
                  log_bytes("leads_to", is.link), log_str("then", "nothing is seen behind it"));
        if (s->phase == SENSOR_FIRST)
                return table_set_record(s->table, n, buf_span(&s->encoded));
        rc = scan_difference(s, n, &is, buf_span(&s->encoded), seen_word(s), not_live);
        return MIN_OF(rc, 0);
}

static int know_links(struct sensor *s)
{
        struct table_node *top = table_root(s->table);
        int rc = 0;

        for (struct table_node *n = top; n && rc == 0; n = table_next(top, n)) {
                if (!(n->mark & TABLE_ABOVE))
                        continue;
                if (n->parent && (!n->record || !table_is_dir(n)))
                        rc = know_link(s, n);
                if (rc == 0 && !n->record)
                        rc = above_scan(s, n, seen_word(s));
        }
        return rc;
}

/* What the command line says, else the file, which may be another one than last time. */
static void set_pace(struct sensor *s)
{
        const struct pace_limits *l = &s->o.pace;

        if (!pace_limited(l) && s->o.config)
                l = &s->o.config->pace;
        pace_set(&s->pace, l);
        scan_set_pace(s->scan, pace_limited(l) ? &s->pace : NULL);
}

void scan_start_first(struct sensor *s)
{
        s->phase = SENSOR_FIRST;
        s->first_waits = true;
}

static int begin_first(struct sensor *s)
{
        int rc;

        if (remote_waits(s))
                return 0;
        s->first_waits = false;
        s->scan_began_ns = sensor_mono(s);
        scan_set_content(s->scan, s->content);
        set_pace(s);
        rc = know_links(s);
        if (rc == 0)
                scan_begin(s->scan, SCAN_DEEP | SCAN_KEEP);
        return rc < 0 ? rc : s->failed;
}

static int begin_rescan(struct sensor *s)
{
        struct err err = { 0 };
        int rc;

        if (package_waits(s) || remote_waits(s))
                return 0;
        s->phase = SENSOR_RESCAN;
        s->loss = s->loss_next;
        s->loss_from_ns = s->next_from_ns;
        s->loss_until_ns = s->next_until_ns;
        s->loss_next = 0;
        s->found_changes = s->absorbed = 0;
        s->scan_began_ns = sensor_mono(s);
        watch_round_begin(s->watch);
        if (scan_know_above(s, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.unwatched", log_err(&err));
        rc = know_links(s);
        if (rc < 0)
                return rc;
        scan_set_content(s->scan, s->content);
        set_pace(s);
        scan_set_before(s->scan, config_only_new(s));
        scan_begin(s->scan, s->loss & LOSS_ASKED ? s->asked : 0u);
        return s->failed;
}

int scan_work(struct sensor *s)
{
        int rc;

        if (s->failed)
                return s->failed;
        if (scan_running(s->scan)) {
                scan_hold(s->scan, !out_room(s));
                return 0;
        }
        switch (s->phase) {
        case SENSOR_FIRST:
                if (s->first_waits)
                        return begin_first(s);
                s->phase = SENSOR_LIVE;
                above_keep(s); /* there is a state from now on, and this is a part of it */
                watch_relieve(s->watch, true);
                rc = trusted_first(s, sensor_mono(s) - s->scan_began_ns);
                watch_relieve(s->watch, false);
                return rc < 0 ? rc : scan_settle(s);
        case SENSOR_SWEEP:
                return sweep(s);
        case SENSOR_LIVE:
                if (!s->loss_next || restore_active(s))
                        return 0;
                s->phase = SENSOR_RESCAN; /* from here on events are kept */
                return begin_rescan(s);
        case SENSOR_RESCAN:
                return begin_rescan(s);
        default:
                return 0;
        }
}
