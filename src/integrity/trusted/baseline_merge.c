/* SPDX-License-Identifier: Apache-2.0 */
/* baseline_merge.c - the baseline beside another state, both in the order of paths. */
#include "base/le.h"
#include "integrity/trusted/baseline.h"
#include "sys/io.h"

/* ---- the baseline against the table ---- */

struct diff {
        struct snapshot_reader *reader;
        const struct watchset *watch;
        struct table_node *top, *node; /* node: the next one with a record */
        struct buf node_path;
        struct span path, record; /* of the reader; path.n 0: at its end */
        baseline_diff_fn *fn;
        void *ctx;
        struct err *err;
};

static int next_node(struct diff *d)
{
        do
                d->node = table_next(d->top, d->node);
        while (d->node && !d->node->record);
        buf_clear(&d->node_path);
        if (d->node)
                table_path(d->node, &d->node_path);
        return buf_status(&d->node_path);
}

static int first_node(struct diff *d)
{
        d->node = d->top;
        buf_put_byte(&d->node_path, '/');
        return d->top->record ? buf_status(&d->node_path) : next_node(d);
}

static int next_record(struct diff *d)
{
        int rc = snapshot_next(d->reader, &d->path, &d->record, d->err);

        if (rc == 0)
                d->path = SPAN_NONE;
        return MIN_OF(rc, 0);
}

static int tell(struct diff *d, struct span path, struct span was, struct span is)
{
        if (span_eq(was, is) || !watchset_knows(d->watch, path, is.n ? is : was))
                return 0;
        return d->fn(d->ctx, path, was, is);
}

/* One path: of the baseline, of the table, or of both. */
static int step(struct diff *d)
{
        struct span node = buf_span(&d->node_path);
        int cmp = !d->node ? -1 : !d->path.n ? 1 : snapshot_path_cmp(d->path, node);
        int rc;

        if (cmp < 0)
                rc = tell(d, d->path, d->record, SPAN_NONE);
        else
                rc = tell(d, node, cmp == 0 ? d->record : SPAN_NONE, table_record(d->node));
        if (rc == 0 && cmp <= 0)
                rc = next_record(d);
        if (rc == 0 && cmp >= 0)
                rc = next_node(d);
        return rc;
}

int baseline_diff(const struct io *io, int dirfd, const struct watchset *w, struct table *t,
                  baseline_diff_fn *fn, void *ctx, struct err *err)
{
        return baseline_diff_with(io, dirfd, "baseline", w, t, fn, ctx, err);
}

int baseline_diff_with(const struct io *io, int dirfd, const char *name, const struct watchset *w,
                       struct table *t, baseline_diff_fn *fn, void *ctx, struct err *err)
{
        struct diff d = { .watch = w,
                          .top = table_root(t),
                          .node_path = BUF_INIT(SNAPSHOT_PATH_MAX),
                          .fn = fn,
                          .ctx = ctx,
                          .err = err };
        int rc = snapshot_open(io, dirfd, name, NULL, &d.reader, err);

        table_sort(d.top);
        if (rc == 0)
                rc = next_record(&d);
        if (rc == 0)
                rc = first_node(&d);
        while (rc == 0 && (d.path.n || d.node))
                rc = step(&d);
        snapshot_close(d.reader);
        buf_done(&d.node_path);
        if (rc < 0 && err && !err->code)
                (void)!err_sys(err, rc, "the baseline cannot be compared");
        return rc;
}

/* ---- the next baseline ---- */

void baseline_put_change(struct buf *list, struct span path, struct span is)
{
        le_append(list, path.n, 4);
        le_append(list, is.n, 4);
        buf_put(list, path);
        buf_put(list, is);
}

bool baseline_next_change(struct span *list, struct span *ret_path, struct span *ret_is)
{
        size_t path_n, is_n;

        if (list->n == 0)
                return false;
        path_n = le_get32(list->p);
        is_n = le_get32(list->p + 4);
        *ret_path = span_of(list->p + 8, path_n);
        *ret_is = span_of(list->p + 8 + path_n, is_n);
        *list = span_from(*list, 8 + path_n + is_n);
        return true;
}

void baseline_count(struct baseline_sums *s, const struct record *r)
{
        s->files++;
        s->unreadable += r->hash == RECORD_HASH_UNREADABLE;
        s->skipped += r->hash == RECORD_HASH_SKIPPED;
        s->bytes += r->hash == RECORD_HASH_KNOWN ? r->size : 0;
}

int baseline_write(const struct io *io, int dirfd, const struct watchset *w, struct table *t,
                   struct snapshot_head *head, struct baseline_sums *ret, struct err *err)
{
        CLEANUP(snapshot_writer_freep) struct snapshot_writer *wr = NULL;
        CLEANUP(buf_done) struct buf path = BUF_INIT(SNAPSHOT_PATH_MAX);
        struct baseline_sums sums = { 0 };
        struct record rec;
        int rc = snapshot_writer_new(io, dirfd, "baseline", w, &wr, err);

        table_sort(table_root(t));
        for (struct table_node *n = table_root(t); n && rc == 0; n = table_next(table_root(t), n)) {
                if (!n->record)
                        continue;
                buf_clear(&path);
                table_path(n, &path);
                rc = buf_status(&path) < 0 ? err_sys(err, buf_status(&path), "a path")
                                           : record_decode(table_record(n), &rec, err);
                if (rc < 0)
                        return rc;
                baseline_count(&sums, &rec);
                snapshot_put(wr, buf_span(&path), table_record(n));
        }
        if (rc == 0)
                rc = snapshot_end(wr, head, err);
        if (rc == 0)
                *ret = sums;
        return rc;
}

struct rewrite {
        struct snapshot_reader *reader;
        struct snapshot_writer *writer;
        const struct watchset *watch;
        struct baseline_sums sums;
        struct err *err;
};

static int put(struct rewrite *r, struct span path, struct span record)
{
        struct record rec;

        if (!record.n || !watchset_knows(r->watch, path, record))
                return 0;
        if (record_decode(record, &rec, r->err) < 0)
                return -EBADMSG;
        baseline_count(&r->sums, &rec);
        snapshot_put(r->writer, path, record);
        return 0;
}

/* The changes that come before path, and whether one is of path itself. */
static int put_changes(struct rewrite *r, struct span *changes, struct span path, bool *ret_same)
{
        int rc = 0;

        *ret_same = false;
        while (rc == 0 && changes->n && !*ret_same) {
                struct span rest = *changes, at, is;
                int cmp;

                (void)baseline_next_change(&rest, &at, &is);
                cmp = path.n ? snapshot_path_cmp(at, path) : -1;
                if (cmp > 0)
                        break;
                rc = put(r, at, is);
                *ret_same = cmp == 0;
                *changes = rest;
        }
        return rc;
}

static int rewrite_all(struct rewrite *r, struct span changes)
{
        struct span path, record;
        bool same;
        int rc;

        while ((rc = snapshot_next(r->reader, &path, &record, r->err)) > 0) {
                rc = put_changes(r, &changes, path, &same);
                if (rc == 0 && !same)
                        rc = put(r, path, record);
                if (rc < 0)
                        return rc;
        }
        return rc == 0 ? put_changes(r, &changes, SPAN_NONE, &same) : rc;
}

int baseline_rewrite(const struct io *io, int dirfd, const struct watchset *w, struct span changes,
                     struct snapshot_head *head, struct baseline_sums *ret, struct err *err)
{
        struct rewrite r = { .watch = w, .err = err };
        int rc = snapshot_open(io, dirfd, "baseline", NULL, &r.reader, err);

        if (rc == 0)
                rc = snapshot_writer_new(io, dirfd, "baseline", w, &r.writer, err);
        if (rc == 0)
                rc = rewrite_all(&r, changes);
        if (rc == 0)
                rc = snapshot_end(r.writer, head, err);
        snapshot_close(r.reader);
        snapshot_writer_free(r.writer);
        if (rc == 0)
                *ret = r.sums;
        return rc;
}
