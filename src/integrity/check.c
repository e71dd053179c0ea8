/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/check.h"

#include "integrity/change.h"
#include "integrity/observe.h"
#include "loop/pool.h"
#include "sys/io.h"

#include <fcntl.h>

enum { POOL_JOBS = 32, PROGRESS_EVERY = 256 };

struct check {
        const struct check_options *o; /* NULL: collecting */
        struct check_result *result;
        const struct watchset *watch;
        struct table *table;
        struct scan *scan;
        struct buf path;
        uint64_t calls;
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
        if (c->o->progress && c->calls++ % PROGRESS_EVERY == 0)
                c->o->progress(c->o->ctx, scan_counts(c->scan).files, c->result->baseline.count);
}

static int differs(void *ctx, struct table_node *n, const struct record *is, struct span encoded)
{
        struct check *c = ctx;
        struct change change = { .is = is };
        struct record was;
        bool known = n->record_n > 0;
        struct span path;
        unsigned d = 0;

        if (!c->o)
                return table_set_record(c->table, n, encoded);
        if (known && record_decode(table_record(n), &was, NULL) < 0)
                return -EBADMSG;
        path = path_of(c, n);
        if (known) {
                change.profile = watchset_profile(c->watch, path);
                change.was = &was;
                d = change_differs(&change);
        }
        if (known && d == 0)
                return 0;
        c->result->changed += known;
        c->result->added += !known;
        return c->o->report(c->o->ctx, path, known ? &was : NULL, is, d);
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

        if (c->o && c->o->unreadable)
                c->o->unreadable(c->o->ctx, path_of(c, n), error);
        return 0;
}

static int listed(void *ctx, struct table_node *n)
{
        struct check *c = ctx;

        (void)n;
        if (c->o)
                show_progress(c);
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

/* Also leaves the scan there for scan_next_missing(). */
static int walk(struct check *c, const struct watchset *w, struct pool *pool, unsigned flags,
                struct err *err)
{
        int rc = scan_new(w, c->table, pool, &ops, c, &c->scan, err);

        c->watch = w;
        if (rc < 0)
                return rc;
        scan_begin(c->scan, flags);
        pool_drain(pool);
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

static int compare(struct check *c, const struct watchset *w, struct err *err)
{
        CLEANUP(pool_freep) struct pool *pool = NULL;
        struct check_result *r = c->result;
        int rc = pool_new(c->o->workers, POOL_JOBS, &pool, err);

        if (rc == 0)
                rc = walk(c, w, pool, c->o->deep ? SCAN_DEEP : 0, err);
        if (rc == 0)
                rc = report_missing(c);
        if (rc == 0) {
                r->counts = scan_counts(c->scan);
                r->verdict = r->added || r->missing || r->changed ? VERDICT_FAIL
                             : r->counts.unreadable               ? VERDICT_UNKNOWN
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
        struct check c = { .o = o, .result = &r, .path = BUF_INIT(1 << 20) };
        struct watchset w = { 0 };
        int rc = dirfd < 0 ? err_sys(err, -errno, "%s", o->state_dir) : table_new(&t, err);

        c.table = t;
        if (rc == 0)
                rc = snapshot_read(&io_kernel, dirfd, "baseline", &w, t, &r.baseline, err);
        if (rc == 0)
                rc = compare(&c, &w, err);
        buf_done(&c.path);
        watchset_done(&w);
        if (rc == 0)
                *ret = r;
        return rc;
}

int check_collect(const struct watchset *w, unsigned workers, struct table *t,
                  struct scan_counts *ret, struct err *err)
{
        CLEANUP(pool_freep) struct pool *pool = NULL;
        struct check c = { .table = t, .path = BUF_INIT(1 << 20) };
        int rc = pool_new(workers, POOL_JOBS, &pool, err);

        if (rc == 0)
                rc = walk(&c, w, pool, SCAN_DEEP, err);
        if (rc == 0)
                *ret = scan_counts(c.scan);
        c.scan = scan_free(c.scan);
        buf_done(&c.path);
        return rc;
}
