/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/check.h"

#include "integrity/trusted/change.h"
#include "integrity/trusted/observe.h"
#include "loop/pool.h"
#include "sys/io.h"

#include <fcntl.h>
#include <poll.h>

enum { POOL_JOBS = 32, PROGRESS_NS = 50 * 1000 * 1000 };

struct check {
        const struct check_options *o;
        struct check_result *result; /* NULL: collecting */
        const struct watchset *watch;
        struct table *table;
        struct scan *scan;
        struct pace pace;
        struct buf path;
        uint64_t total_files, total_bytes;
        int64_t shown_ns;
        int rc;
};

static struct span path_of(struct check *c, const struct table_node *n)
{
        buf_clear(&c->path);
        table_path(n, &c->path);
        return buf_span(&c->path);
}

static void show_progress(struct check *c)
{
        struct scan_counts now;
        int64_t ns;

        if (!c->o->progress)
                return;
        ns = clock_mono(c->o->clock);
        if (ns < c->shown_ns)
                return;
        c->shown_ns = ns + PROGRESS_NS;
        now = scan_counts(c->scan);
        c->o->progress(c->o->ctx, now.files, c->total_files, now.bytes, c->total_bytes);
}

/* ---- what differs ---- */

static int tell_unreadable(struct check *c, struct span path, int error)
{
        if (c->result)
                c->result->unreadable++;
        if (c->o->unreadable)
                c->o->unreadable(c->o->ctx, path, error);
        return 0;
}

static int error_of(enum record_reason r)
{
        switch (r) {
        case RECORD_REASON_BUSY:
                return -EBUSY;
        case RECORD_REASON_CHANGING:
                return -EAGAIN;
        case RECORD_REASON_NO_MEMORY:
                return -ENOMEM;
        case RECORD_REASON_IO:
                return -EIO;
        default:
                return -EACCES;
        }
}

/* Fields of what is there now that could not be read: they tell nothing. */
static unsigned unread(const struct record *is)
{
        unsigned d = is->hash == RECORD_HASH_UNREADABLE ? RECORD_F_SHA256 : 0;

        for (unsigned i = 0; i < RECORD_PARTS; i++)
                if (is->known[i] == RECORD_UNREADABLE)
                        d |= record_part_field((enum record_part)i);
        return d;
}

static int compare(struct check *c, struct span path, const struct record *was,
                   const struct record *is)
{
        struct change change = { .was = was,
                                 .is = is,
                                 .profile = watchset_way_profile(c->watch, path) };
        unsigned d = change_differs_since(&change), hidden = d & unread(is);
        int rc = 0;

        if (hidden)
                rc = tell_unreadable(
                        c, path,
                        error_of(hidden & RECORD_F_SHA256 ? is->reason : RECORD_REASON_DENIED));
        d &= ~hidden;
        if (rc < 0 || d == 0)
                return rc;
        c->result->changed++;
        return c->o->report(c->o->ctx, path, was, is, d);
}

static int differs(void *ctx, struct table_node *n, const struct record *is, struct span encoded)
{
        struct check *c = ctx;
        struct record was;

        show_progress(c);
        if (!c->result)
                return table_set_record(c->table, n, encoded);
        if (n->record_n > 0) {
                if (record_decode(table_record(n), &was, NULL) < 0)
                        return -EBADMSG;
                return compare(c, path_of(c, n), &was, is);
        }
        c->result->added++;
        return c->o->report(c->o->ctx, path_of(c, n), NULL, is, 0);
}

static int mount(void *ctx, struct table_node *n, const struct record *is)
{
        struct check *c = ctx;
        CLEANUP_FD int fd = observe_open_dir(path_of(c, n));

        (void)is;
        return fd >= 0 && observe_invented(fd) ? 0 : 1;
}

static int unreadable(void *ctx, struct table_node *n, int error)
{
        struct check *c = ctx;

        return tell_unreadable(c, path_of(c, n), error);
}

static int listed(void *ctx, struct table_node *n)
{
        (void)n;
        show_progress(ctx);
        return 0;
}

static void finished(void *ctx, int rc)
{
        struct check *c = ctx;

        c->rc = rc;
}

static const struct scan_ops ops = { .differs = differs,
                                     .mount = mount,
                                     .unreadable = unreadable,
                                     .listed = listed,
                                     .finished = finished };

/* ---- walking ---- */

/* While workers read, files without a difference come back only with their directory: look at the
 * clock in between. */
static void wait_for(struct check *c, struct pool *pool)
{
        struct pollfd p = { .fd = pool_fd(pool), .events = POLLIN };

        while (c->o->progress && p.fd >= 0 && pool_busy(pool) > 0) {
                if (poll(&p, 1, PROGRESS_NS / NS_PER_MS) > 0)
                        pool_reap(pool);
                show_progress(c);
        }
        pool_drain(pool);
}

/* Also leaves the scan there for scan_next_missing(). */
static int walk(struct check *c, struct pool *pool, struct content *content, unsigned flags,
                struct err *err)
{
        int rc = scan_new(c->watch, c->table, pool, &ops, c, &c->scan, err);

        if (rc < 0)
                return rc;
        pace_init(&c->pace, &c->o->pace, c->o->clock);
        if (pace_limited(&c->o->pace))
                scan_set_pace(c->scan, &c->pace);
        scan_set_content(c->scan, content);
        scan_begin(c->scan, flags);
        wait_for(c, pool);
        pace_done(&c->pace);
        return c->rc < 0 ? err_sys(err, c->rc, "the walk ended early") : 0;
}

static int report_missing(struct check *c)
{
        struct table_node *n;
        struct record was;
        int rc = 0;

        while (rc == 0 && (n = scan_next_missing(c->scan))) {
                if (record_decode(table_record(n), &was, NULL) < 0)
                        return -EBADMSG;
                c->result->missing++;
                rc = c->o->report(c->o->ctx, path_of(c, n), &was, NULL, 0);
        }
        return rc;
}

/* ---- directories on the way ---- */

static int compare_above(struct check *c, struct observer *o, const struct table_node *n)
{
        CLEANUP_FD int fd = observe_open_dir(path_of(c, n));
        struct record was, is;

        if (fd < 0 || observe(o, fd, ".", &is, NULL) < 0 ||
            !watchset_leads(c->watch, path_of(c, n)))
                return 0; /* that it is gone tells what is below it */
        if (record_decode(table_record(n), &was, NULL) < 0)
                return -EBADMSG;
        record_keep_rights(&is);
        was.ino = is.ino; /* another one with the same rights is none of a difference */
        return compare(c, path_of(c, n), &was, &is);
}

/* There is no such file before a sensor has run that knows them. */
static int run_above(struct check *c, int dirfd, struct err *err)
{
        CLEANUP(observer_freep) struct observer *o = NULL;
        CLEANUP(table_freep) struct table *t = NULL;
        struct watchset rules = { 0 };
        struct snapshot_head head;
        int rc = table_new(&t, err);

        if (rc == 0)
                rc = observer_new(&o, err);
        if (rc == 0)
                rc = snapshot_read(&io_kernel, dirfd, CHECK_ABOVE, &rules, t, &head, err);
        watchset_done(&rules);
        if (rc < 0)
                return rc == -ENOENT ? 0 : rc;
        for (struct table_node *n = table_root(t); n && rc == 0; n = table_next(table_root(t), n))
                rc = n->record ? compare_above(c, o, n) : 0;
        return rc;
}

/* ---- against the baseline ---- */

static int run(struct check *c, int dirfd, struct err *err)
{
        CLEANUP(pool_freep) struct pool *pool = NULL;
        struct check_result *r = c->result;
        int rc = pool_new(c->o->workers, POOL_JOBS, &pool, err);

        r->unhashed = r->baseline.unhashed;
        c->total_files = r->baseline.count;
        c->total_bytes = c->o->deep ? r->baseline.file_bytes : 0;
        if (rc == 0)
                rc = walk(c, pool, NULL, c->o->deep ? SCAN_DEEP : 0, err);
        if (rc == 0)
                rc = report_missing(c);
        if (rc == 0)
                rc = run_above(c, dirfd, err);
        if (rc == 0) {
                r->counts = scan_counts(c->scan);
                r->verdict = r->added || r->missing || r->changed ? VERDICT_FAIL
                             : r->unreadable || r->unhashed       ? VERDICT_UNKNOWN
                                                                  : VERDICT_PASS;
        }
        c->scan = scan_free(c->scan);
        return rc;
}

int check_run(const struct check_options *o, struct check_result *ret, struct err *err)
{
        CLEANUP(table_freep) struct table *t = NULL;
        CLEANUP_FD int dirfd = open(o->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct check_result r = { .verdict = VERDICT_UNKNOWN };
        struct watchset w = { 0 };
        struct check c = { .o = o, .result = &r, .watch = &w, .path = BUF_INIT(1 << 20) };
        int rc = dirfd < 0 ? err_sys(err, -errno, "%s", o->state_dir) : table_new(&t, err);

        c.table = t;
        if (rc == 0)
                table_without_inodes(t);
        if (rc == 0)
                rc = snapshot_read(&io_kernel, dirfd, "baseline", &w, t, &r.baseline, err);
        if (rc == 0)
                rc = run(&c, dirfd, err);
        buf_done(&c.path);
        watchset_done(&w);
        if (rc == 0)
                *ret = r;
        return rc;
}

int check_collect(const struct watchset *w, const struct check_options *o, struct content *content,
                  struct table *t, struct scan_counts *ret, struct err *err)
{
        static const struct check_options none = { 0 };
        CLEANUP(pool_freep) struct pool *pool = NULL;
        struct check c = { .o = o ? o : &none, .watch = w, .table = t, .path = BUF_INIT(1 << 20) };
        int rc = pool_new(c.o->workers, POOL_JOBS, &pool, err);

        if (rc == 0)
                rc = walk(&c, pool, content, SCAN_DEEP | SCAN_KEEP, err);
        if (rc == 0)
                *ret = scan_counts(c.scan);
        c.scan = scan_free(c.scan);
        buf_done(&c.path);
        return rc;
}
