/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/le.h"
#include "integrity/trusted/snapshot_priv.h"
#include "sys/crc32c.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64 };

struct snapshot_writer {
        const struct io *io;
        int dirfd, fd;
        const char *name;
        char tmp[NAME_MAX_BYTES];
        bool ended;
        int rc;
        off_t at; /* of the first byte in buf */
        struct buf buf, rules, last;
        struct frontier tree;
};

/* Part by part: the slash sorts before every other byte. */
int snapshot_path_cmp(struct span a, struct span b)
{
        size_t i = 0;

        while (i < a.n && i < b.n && a.p[i] == b.p[i])
                i++;
        if (i == a.n || i == b.n)
                return (a.n > b.n) - (a.n < b.n);
        if (a.p[i] == '/' || b.p[i] == '/')
                return a.p[i] == '/' ? -1 : 1;
        return a.p[i] < b.p[i] ? -1 : 1;
}

static void new_name(const char *name, char out[NAME_MAX_BYTES])
{
        int n = snprintf(out, NAME_MAX_BYTES, "%s.new", name);

        assert(n > 0 && n < NAME_MAX_BYTES);
}

static void flush(struct snapshot_writer *w)
{
        ssize_t n;

        if (w->rc == 0)
                w->rc = buf_status(&w->buf);
        if (w->rc < 0 || w->buf.n == 0)
                return;
        n = w->io->pwrite(w->io->ctx, w->fd, w->buf.p, w->buf.n, w->at);
        if (n < 0 || (size_t)n != w->buf.n) {
                w->rc = n < 0 ? (int)n : -EIO;
                return;
        }
        w->at += n;
        buf_clear(&w->buf);
}

int snapshot_writer_new(const struct io *io, int dirfd, const char *name, const struct watchset *w,
                        struct snapshot_writer **ret, struct err *err)
{
        CLEANUP(snapshot_writer_freep) struct snapshot_writer *wr = calloc(1, sizeof *wr);

        if (!wr)
                return err_set(err, -ENOMEM, "%s: out of memory", name);
        wr->io = io;
        wr->dirfd = dirfd;
        wr->fd = -1;
        wr->name = name;
        wr->buf = BUF_INIT(2 * SNAPSHOT_PIECE + SNAPSHOT_PATH_MAX + RECORD_MAX);
        wr->last = BUF_INIT(SNAPSHOT_PATH_MAX);
        wr->rules = BUF_INIT(SNAPSHOT_RULES_MAX);
        watchset_print(w, &wr->rules);
        if (buf_status(&wr->rules) < 0)
                return err_sys(err, buf_status(&wr->rules), "%s: the rules", name);
        wr->at = (off_t)(SNAPSHOT_HEAD + wr->rules.n); /* the head comes last: it counts the rest */
        new_name(name, wr->tmp);
        wr->fd = io->open(io->ctx, dirfd, wr->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (wr->fd < 0)
                return err_sys(err, wr->fd, "%s: cannot be written", name);
        *ret = wr;
        wr = NULL;
        return 0;
}

void snapshot_put(struct snapshot_writer *w, struct span path, struct span record)
{
        size_t at = w->buf.n;
        struct hash leaf;

        assert(!w->last.n || snapshot_path_cmp(buf_span(&w->last), path) < 0);
        if (w->rc < 0)
                return;
        le_append(&w->buf, path.n, 4);
        le_append(&w->buf, record.n, 4);
        buf_put(&w->buf, path);
        buf_put(&w->buf, record);
        buf_clear(&w->last);
        buf_put(&w->last, path);
        w->rc = buf_status(&w->buf) < 0 ? buf_status(&w->buf) : buf_status(&w->last);
        if (w->rc < 0)
                return;
        sha256_leaf(span_from(buf_span(&w->buf), at), leaf.b);
        frontier_append(&w->tree, &leaf, snapshot_node);
        if (w->buf.n >= SNAPSHOT_PIECE)
                flush(w);
}

static void put_head(struct snapshot_writer *w, const struct snapshot_head *h)
{
        uint8_t p[SNAPSHOT_HEAD];

        memcpy(p, SNAPSHOT_MAGIC, 8);
        le_put64(p + 8, h->generation);
        le_put64(p + 16, (uint64_t)h->taken_ns);
        le_put64(p + 24, h->count);
        memcpy(p + 32, h->root.b, HASH_LEN);
        le_put32(p + 64, (uint32_t)w->rules.n);
        le_put32(p + 68, crc32c(crc32c(0, span_of(p, 68)), buf_span(&w->rules)));
        buf_done(&w->buf);
        w->buf = BUF_INIT(SNAPSHOT_HEAD + w->rules.n);
        buf_put(&w->buf, span_of(p, SNAPSHOT_HEAD));
        buf_put(&w->buf, buf_span(&w->rules));
        w->at = 0;
}

int snapshot_end(struct snapshot_writer *w, struct snapshot_head *head, struct err *err)
{
        struct snapshot_head h = *head;

        flush(w);
        h.count = w->tree.size;
        snapshot_tree_root(&w->tree, &h.root);
        if (w->rc == 0)
                put_head(w, &h);
        flush(w);
        if (w->rc == 0)
                w->rc = w->io->fsync(w->io->ctx, w->fd);
        if (w->rc < 0)
                return err_sys(err, w->rc, "%s: cannot be written", w->name);
        w->ended = true;
        *head = h;
        return 0;
}

struct snapshot_writer *snapshot_writer_free(struct snapshot_writer *w)
{
        if (!w)
                return NULL;
        if (w->fd >= 0 && !w->ended)
                (void)!w->io->unlink(w->io->ctx, w->dirfd, w->tmp);
        fd_close(&w->fd);
        buf_done(&w->buf);
        buf_done(&w->rules);
        buf_done(&w->last);
        free(w);
        return NULL;
}

int snapshot_place(const struct io *io, int dirfd, const char *name, struct err *err)
{
        char tmp[NAME_MAX_BYTES];
        int rc;

        new_name(name, tmp);
        rc = io->rename(io->ctx, dirfd, tmp, name);
        if (rc == 0)
                rc = io->fsync(io->ctx, dirfd);
        return rc < 0 ? err_sys(err, rc, "%s: cannot be put in place", name) : 0;
}

int snapshot_write(const struct io *io, int dirfd, const char *name, const struct watchset *w,
                   struct table *t, struct snapshot_head *head, struct err *err)
{
        CLEANUP(snapshot_writer_freep) struct snapshot_writer *wr = NULL;
        CLEANUP(buf_done) struct buf path = BUF_INIT(SNAPSHOT_PATH_MAX);
        int rc = snapshot_writer_new(io, dirfd, name, w, &wr, err);

        if (rc < 0)
                return rc;
        assert(wr);
        table_sort(table_root(t));
        for (struct table_node *n = table_root(t); n; n = table_next(table_root(t), n)) {
                if (!n->record)
                        continue;
                buf_clear(&path);
                table_path(n, &path);
                if (buf_status(&path) < 0)
                        return err_sys(err, buf_status(&path), "%s: a path", name);
                snapshot_put(wr, buf_span(&path), table_record(n));
        }
        rc = snapshot_end(wr, head, err);
        return rc == 0 ? snapshot_place(io, dirfd, name, err) : rc;
}
