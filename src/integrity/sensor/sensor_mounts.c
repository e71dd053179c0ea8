/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted: a mount over, on or under a watched path changes what is there and makes no
 * event of a file.  The kernel says when its list of mounts changes; a job without rights reads it.
 *
 *   the list changed -> read -> did anything change that matters? -> overlays' layers, rescan */
#include "integrity/sensor/sensor_priv.h"

#include "loop/jobrun.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "sys/crc32c.h"
#include "sys/io.h"
#include "wire/json.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum {
        MOUNTS_FACTS = 65536,
        MOUNTS_S = 10,
        AGAIN_S = 10,      /* after a list that could not be read */
        PUT_OFF_MS = 5000, /* at most, what waits for a list that is the last one */
        UNTOLD_MAX = 1024, /* notices, where the list never rests */
        LAYERS_BYTES = 1 << 20,
        FACT_BYTES = 64 * 1024,
};

static const char mounts_file[] = "/proc/self/mountinfo";

/* ---- what a mount is to us ---- */

bool mounts_matter(struct sensor *s, struct span point)
{
        const struct table_node *n;

        if (watchset_covers(s->o.watch, point) || watchset_leads(s->o.watch, point))
                return true;
        n = table_find(s->table, point);
        return n && n->mark & (TABLE_ROOT | TABLE_ABOVE | TABLE_WAY);
}

/* Up to the separator: what is in a name has a backslash before it. */
static size_t part_n(struct span s, uint8_t sep)
{
        size_t i = 0;

        while (i < s.n && s.p[i] != sep)
                i += s.p[i] == '\\' ? 2 : 1;
        return MIN_OF(i, s.n);
}

static void put_name(struct buf *out, struct span s)
{
        for (size_t i = 0; i < s.n; i++) {
                i += s.p[i] == '\\' && i + 1 < s.n;
                buf_put_byte(out, s.p[i]);
        }
}

/* Each with the overlay's mount point, ended by NULs: layer, point, layer, point... */
static void add_layers(struct sensor *s, struct span point, struct span dirs)
{
        while (dirs.n) {
                struct span dir = span_of(dirs.p, part_n(dirs, ':'));

                dirs = span_from(dirs, dir.n + 1);
                if (dir.n == 0 || dir.p[0] != '/') /* known only to whoever mounted it */
                        continue;
                put_name(&s->layers, dir);
                buf_put_byte(&s->layers, 0);
                buf_put(&s->layers, point);
                buf_put_byte(&s->layers, 0);
        }
}

static void read_options(struct sensor *s, struct span point, struct span options)
{
        static const char *const names[] = { "upperdir=", "lowerdir=", "lowerdir+=" };

        while (options.n) {
                struct span o = span_of(options.p, part_n(options, ','));

                options = span_from(options, o.n + 1);
                for (size_t i = 0; i < ARRAY_LEN(names); i++)
                        if (span_starts(o, span_str(names[i])))
                                add_layers(s, point, span_from(o, strlen(names[i])));
        }
}

static bool member(struct span json, const char *name, struct buf *out)
{
        struct json_value v;

        buf_clear(out);
        return json_get(json_value_of(json), name, &v) && json_value_text(v, out) &&
               buf_status(out) == 0;
}

static int on_fact(void *ctx, struct span json)
{
        struct sensor *s = ctx;
        CLEANUP(buf_done) struct buf point = BUF_INIT(FACT_BYTES);
        CLEANUP(buf_done) struct buf text = BUF_INIT(FACT_BYTES);

        if (mountlist_add(&s->mounted.is, json) == -EBADMSG)
                log_event(LOG_LEVEL_DEBUG, "sensor.mount", log_bytes("fact", json));
        s->mounts_now_all = crc32c(s->mounts_now_all, json);
        if (member(json, "point", &point) && !mounts_matter(s, buf_span(&point)))
                return 0;
        s->mounts_now = crc32c(s->mounts_now, json);
        if (point.n && member(json, "type", &text) && remote_is(buf_span(&text)))
                remote_met(s, buf_span(&point));
        if (point.n && member(json, "type", &text) && span_eq_str(buf_span(&text), "overlay") &&
            member(json, "super", &text))
                read_options(s, buf_span(&point), buf_span(&text));
        return buf_status(&s->layers);
}

/* ---- overlays ---- */

static void take_layer(struct sensor *s, struct span layer, struct span point)
{
        CLEANUP_FD int fd = observe_open_dir(layer);
        struct err err = { 0 };
        int rc = fd < 0 ? fd : watch_filesystem(s->watch, fd, layer, &err);

        if (rc > 0)
                rc = watch_layer(s->watch, point, layer, &err);
        if (rc < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.layer", log_bytes("layer", layer),
                          log_int("error", rc));
}

static void take_layers(struct sensor *s)
{
        struct span rest = buf_span(&s->layers);

        watch_forget_layers(s->watch);
        while (rest.n) {
                struct span layer = span_str((const char *)rest.p), point;

                rest = span_from(rest, layer.n + 1);
                point = span_str((const char *)rest.p);
                rest = span_from(rest, point.n + 1);
                take_layer(s, layer, point);
        }
}

/* ---- reading the list ---- */

/* The kernel marks the open list when it has changed. */
static void on_mounts(void *ctx, unsigned events)
{
        struct sensor *s = ctx;

        (void)events;
        if (!s->mounts_old)
                s->mounts_seen_ns = sensor_wall(s);
        s->mounts_old = true;
}

/* Has it changed since it was begun to be read?  Then who did that is told of with the next one. */
static bool changed_since(struct sensor *s)
{
        struct pollfd p = { .fd = s->mounts_fd, .events = POLLPRI };

        if (!s->mounts_old && poll(&p, 1, 0) > 0)
                on_mounts(s, 0);
        return s->mounts_old;
}

static void check(struct sensor *s, int rc)
{
        if (rc < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.mounts", log_int("error", rc));
        if (rc == -ENOMEM)
                s->failed = rc;
}

static void say_read(struct sensor *s, const char *why_not)
{
        s->mounted.again_ns = why_not ? sensor_mono(s) + AGAIN_S * NS_PER_S : 0;
        check(s, mounted_tell_unread(s, why_not));
}

/* Was anything that matters mounted or unmounted since the list was read last? */
static bool take_list(struct sensor *s)
{
        struct mountlist was = s->mounted.was;
        int rc = s->mounts_known ? mounted_tell(s, s->mounts_seen_ns) : 0;

        check(s, rc);
        if (rc < 0)
                s->mounted.untold = 0; /* there is nothing to hold them against */
        say_read(s, rc == -E2BIG ? "it is too long to be compared" : NULL);
        s->mounted.was = s->mounted.is;
        s->mounted.is = was;
        return rc > 0;
}

/* A list that has changed since it was begun to be read says less than what lies there by now: what
 * was moved is not lost, and a scan would find what no entry has told of yet.  So both wait for the
 * next one, which is read at once; where it never rests, no longer than for a moment. */
static bool is_put_off(struct sensor *s)
{
        int64_t now = sensor_mono(s);

        if (!s->mounts_job && !changed_since(s))
                return false;
        if (!s->mounted.put_off_ns)
                s->mounted.put_off_ns = now;
        return now < s->mounted.put_off_ns + PUT_OFF_MS * NS_PER_MS;
}

bool mounts_first(struct sensor *s)
{
        bool scans = s->phase == SENSOR_RESCAN || s->phase == SENSOR_SWEEP;

        if (!scans || s->loss & ~(unsigned)(LOSS_MOUNTS | LOSS_POLL) || !is_put_off(s))
                return false;
        s->mounted.skipped = true;
        return true;
}

bool mounts_scan_waits(const struct sensor *s)
{
        return s->mounted.skipped || s->mounted.scan_from_ns;
}

/* The list may look as before although it is not: what was mounted anew in a moment has the number,
 * the device and the options of what was there.  The kernel's marks tell. */
static bool on_lost(void *ctx, const struct watch_fs *fs, bool anew)
{
        struct sensor *s = ctx;
        struct table_handle h;

        s->mounts_lost++;
        log_event(LOG_LEVEL_INFO, "sensor.remounted", log_bytes("path", fs->path));
        if (anew && mountlist_forget(&s->mounted.was, &s->mounted.is, fs->path) < 0)
                s->failed = -ENOMEM;
        for (struct table_node *n = table_root(s->table); n;
             n = table_next(table_root(s->table), n))
                if (table_handle_marked(n) && table_handle_of(n, &h) && h.fsid == fs->id)
                        table_handle_unmark(n);
        return true;
}

static bool count_lost(void *ctx, const struct watch_fs *fs, bool anew)
{
        (void)fs;
        (void)anew;
        ++*(size_t *)ctx;
        return false;
}

static void find_lost(struct sensor *s)
{
        size_t n = 0;

        watch_each_lost(s->watch, count_lost, &n);
        if (n && !is_put_off(s))
                watch_each_lost(s->watch, on_lost, s);
}

static void scan_then(struct sensor *s, bool wanted)
{
        if ((wanted || s->mounted.skipped) && !s->mounted.scan_from_ns)
                s->mounted.scan_from_ns = s->mounts_seen_ns;
        if (is_put_off(s))
                return;
        s->mounted.put_off_ns = 0;
        if (s->mounted.scan_from_ns)
                scan_want(s, LOSS_MOUNTS, s->mounted.scan_from_ns, sensor_wall(s));
        s->mounted.scan_from_ns = 0;
        s->mounted.skipped = false;
}

/* While it changes, notices run ahead of what differs. */
static void take_rest(struct sensor *s, bool first, bool same)
{
        bool rests = !changed_since(s);

        if (first)
                s->mounted.untold = 0;
        else if (rests || s->mounted.untold >= UNTOLD_MAX)
                check(s, mounted_tell_unseen(s, s->mounts_seen_ns, same));
        if (rests)
                mounter_forget(s);
}

static void on_end(void *ctx, int result, const struct err *job_err)
{
        struct sensor *s = ctx;
        bool first = !s->mounts_known, changed = first || s->mounts_now != s->mounts_crc;
        bool same = s->mounts_now_all == s->mounts_crc_all;
        bool anew = !s->mounts_old && remote_listed(s); /* else the next reading is the one */

        s->mounts_job = NULL;
        s->mounts_lost = 0;
        mounter_take(s);
        if (!first)
                find_lost(s);
        if (anew && same) /* others matter; none is another */
                changed = first;
        changed = changed || s->mounts_lost;
        if (result < 0) {
                log_event(LOG_LEVEL_WARNING, "sensor.mounts", log_err(job_err));
                changed = !s->mounted.again; /* as far as is known */
                say_read(s, err_text(job_err));
        } else {
                remote_round_end(s);
                changed = take_list(s) || changed;
                if (changed || anew)
                        take_layers(s);
                s->mounts_known = true;
                s->mounts_crc = s->mounts_now;
                s->mounts_crc_all = s->mounts_now_all;
        }
        if (changed && !first)
                guard_mounted(s);
        /* What was there at the start is scanned anyway, but for what shows from below. */
        scan_then(s, changed && (!first || result < 0 || s->layers.n));
        if (result >= 0)
                take_rest(s, first, same && !s->mounts_lost);
        buf_done(&s->layers);
        s->layers = BUF_INIT(LAYERS_BYTES);
}

static void read_mounts(struct sensor *s)
{
        struct job_spec spec = { .program = s->o.job_program,
                                 .job = "mountinfo",
                                 .timeout_ns = MOUNTS_S * NS_PER_S,
                                 .facts_max = MOUNTS_FACTS,
                                 .clock = s->o.clock };
        CLEANUP_FD int fd = open(mounts_file, O_RDONLY | O_CLOEXEC);
        struct err err = { 0 };

        s->mounted.again = !s->mounts_old;
        s->mounts_old = false;
        s->mounts_now = s->mounts_now_all = 0;
        buf_clear(&s->layers);
        remote_round(s);
        mountlist_clear(&s->mounted.is);
        spec.input = fd;
        if (fd < 0)
                err_sys(&err, -errno, "%s", mounts_file);
        if (fd < 0 || !s->o.job_program ||
            job_start(s->o.loop, &spec, on_fact, on_end, s, &s->mounts_job, &err) < 0)
                on_end(s, -EIO, &err);
}

void mounts_work(struct sensor *s)
{
        bool again = s->mounted.again_ns && sensor_mono(s) >= s->mounted.again_ns;

        if ((s->mounts_old || again) && !s->mounts_job)
                read_mounts(s);
}

int mounts_init(struct sensor *s, struct err *err)
{
        s->layers = BUF_INIT(LAYERS_BYTES);
        mounted_init(s);
        mounter_init(s);
        s->mounts_fd = open(mounts_file, O_RDONLY | O_CLOEXEC);
        if (s->mounts_fd < 0)
                return err_sys(err, -errno, "%s", mounts_file);
        s->mounts_old = true;
        s->mounts_seen_ns = sensor_wall(s);
        return loop_add_fd(s->o.loop, s->mounts_fd, 0, on_mounts, s, &s->mounts_source, err);
}

void mounts_done(struct sensor *s)
{
        if (s->mounts_job)
                s->mounts_job = job_cancel(s->mounts_job);
        s->mounts_source = loop_remove(s->mounts_source);
        if (s->mounts_fd >= 0)
                fd_close(&s->mounts_fd);
        buf_done(&s->layers);
        mounted_done(s);
        mounter_done(s);
        remote_done(s);
}
