/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/snapshot.h"

#include "base/buf.h"
#include "base/le.h"
#include "crypto/sha256.h"
#include "sys/crc32c.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        HEAD = 72,
        PATH_BYTES_MAX = 1 << 20,
        PIECE = 1 << 20,                                       /* one write */
        WINDOW = 2 * (8 + PATH_BYTES_MAX + RECORD_MAX) + PIECE /* holds any record */
};

static const char magic[8] = "ASSAYSN1";

static void node_hash(const struct hash *l, const struct hash *r, struct hash *out)
{
        sha256_node(l->b, r->b, out->b);
}

static void put_record(struct buf *out, struct table_node *n)
{
        size_t at = out->n;
        uint8_t *p = buf_extend(out, 8);

        if (!p)
                return;
        table_path(n, out);
        buf_put(out, table_record(n));
        if (buf_status(out) < 0)
                return;
        p = out->p + at;
        le_put32(p, (uint32_t)(out->n - at - 8 - n->record_n));
        le_put32(p + 4, n->record_n);
}

static void tree_root(const struct frontier *f, struct hash *ret)
{
        if (f->size)
                frontier_root(f, node_hash, ret);
        else
                memcpy(ret->b, sha256_empty, HASH_LEN);
}

void snapshot_root(struct table *t, uint64_t *ret_count, struct hash *ret_root)
{
        struct buf b = BUF_INIT(WINDOW);
        struct frontier f = { 0 };
        struct hash leaf;

        table_sort(table_root(t));
        for (struct table_node *n = table_root(t); n; n = table_next(table_root(t), n)) {
                if (!n->record)
                        continue;
                buf_clear(&b);
                put_record(&b, n);
                sha256_leaf(buf_span(&b), leaf.b);
                frontier_append(&f, &leaf, node_hash);
        }
        buf_done(&b);
        *ret_count = f.size;
        tree_root(&f, ret_root);
}

/* ---- writing ---- */

struct writer {
        const struct io *io;
        int fd;
        off_t at;
        struct buf buf;
};

static int writer_flush(struct writer *w)
{
        ssize_t n;

        if (buf_status(&w->buf) < 0)
                return buf_status(&w->buf);
        n = w->io->pwrite(w->io->ctx, w->fd, w->buf.p, w->buf.n, w->at);
        if (n < 0)
                return (int)n;
        if ((size_t)n != w->buf.n)
                return -EIO;
        w->at += n;
        buf_clear(&w->buf);
        return 0;
}

static void put_head(struct writer *w, const struct snapshot_head *h, struct span rules)
{
        uint8_t p[HEAD];

        memcpy(p, magic, 8);
        le_put64(p + 8, h->generation);
        le_put64(p + 16, (uint64_t)h->taken_ns);
        le_put64(p + 24, h->count);
        memcpy(p + 32, h->root.b, HASH_LEN);
        le_put32(p + 64, (uint32_t)rules.n);
        le_put32(p + 68, crc32c(crc32c(0, span_of(p, 68)), rules));
        buf_put(&w->buf, span_of(p, HEAD));
        buf_put(&w->buf, rules);
}

static int write_all(struct writer *w, const struct snapshot_head *h, struct span rules,
                     struct table *t)
{
        int rc = 0;

        put_head(w, h, rules);
        for (struct table_node *n = table_root(t); n && rc == 0; n = table_next(table_root(t), n)) {
                if (n->record)
                        put_record(&w->buf, n);
                if (w->buf.n >= PIECE || buf_status(&w->buf) < 0)
                        rc = writer_flush(w);
        }
        if (rc == 0)
                rc = writer_flush(w);
        if (rc == 0)
                rc = w->io->fsync(w->io->ctx, w->fd);
        return rc;
}

int snapshot_write(const struct io *io, int dirfd, const char *name, const struct watchset *w,
                   struct table *t, struct snapshot_head *head, struct err *err)
{
        struct writer wr = { .io = io, .buf = BUF_INIT(WINDOW) };
        struct buf rules = BUF_INIT(WATCH_TEXT_MAX * 8);
        struct snapshot_head h = *head;
        char tmp[256];
        int rc;

        snapshot_root(t, &h.count, &h.root);
        watchset_print(w, &rules);
        snprintf(tmp, sizeof tmp, "%s.new", name);
        wr.fd = io->open(io->ctx, dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        rc = wr.fd < 0 ? wr.fd : buf_status(&rules);
        if (rc == 0)
                rc = write_all(&wr, &h, buf_span(&rules), t);
        if (rc == 0)
                rc = io->rename(io->ctx, dirfd, tmp, name);
        if (rc == 0)
                rc = io->fsync(io->ctx, dirfd);
        fd_close(&wr.fd);
        buf_done(&wr.buf);
        buf_done(&rules);
        if (rc < 0)
                return err_sys(err, rc, "%s: cannot be written", name);
        *head = h;
        return 0;
}

/* ---- reading ---- */

struct reader {
        const struct io *io;
        const char *name;
        int fd;
        off_t next; /* file offset behind the window */
        uint8_t *buf;
        size_t at, n; /* unread: buf[at, n) */
        struct err *err;
};

/* At least want unread bytes in the window.  -EBADMSG when the file ends before. */
static int need(struct reader *r, size_t want)
{
        if (r->n - r->at >= want)
                return 0;
        memmove(r->buf, r->buf + r->at, r->n - r->at);
        r->n -= r->at;
        r->at = 0;
        while (r->n < want) {
                ssize_t n = r->io->pread(r->io->ctx, r->fd, r->buf + r->n, WINDOW - r->n, r->next);

                if (n < 0)
                        return err_sys(r->err, (int)n, "%s: cannot be read", r->name);
                if (n == 0)
                        return err_set(r->err, -EBADMSG, "%s: ends at byte %lld, within a record",
                                       r->name, (long long)r->next);
                r->n += (size_t)n;
                r->next += n;
        }
        return 0;
}

static long long offset_of(const struct reader *r)
{
        return (long long)r->next - (long long)(r->n - r->at);
}

static int read_head(struct reader *r, struct watchset *w, struct snapshot_head *h)
{
        uint32_t rules_n;
        const uint8_t *p;
        int rc = need(r, HEAD);

        if (rc < 0)
                return rc;
        p = r->buf + r->at;
        rules_n = le_get32(p + 64);
        if (memcmp(p, magic, 8) != 0)
                return err_set(r->err, -EBADMSG, "%s: is no snapshot", r->name);
        if (rules_n > WATCH_TEXT_MAX * 8u || need(r, HEAD + rules_n) < 0)
                return err_set(r->err, -EBADMSG, "%s: the head does not fit the file", r->name);
        p = r->buf + r->at;
        if (le_get32(p + 68) != crc32c(crc32c(0, span_of(p, 68)), span_of(p + HEAD, rules_n)))
                return err_set(r->err, -EBADMSG, "%s: the head's checksum is wrong", r->name);
        h->generation = le_get64(p + 8);
        h->taken_ns = (int64_t)le_get64(p + 16);
        h->count = le_get64(p + 24);
        memcpy(h->root.b, p + 32, HASH_LEN);
        r->at += HEAD + rules_n;
        rc = w ? watchset_parse(w, r->name, span_of(p + HEAD, rules_n), r->err) : 0;
        return rc < 0 && rc != -ENOMEM ? -EBADMSG : rc;
}

/* Part by part: the slash sorts before every other byte. */
static int path_cmp(struct span a, struct span b)
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

static bool path_ok(struct span path)
{
        size_t part = 0;

        if (path.n == 0 || path.p[0] != '/' || memchr(path.p, 0, path.n))
                return false;
        for (size_t i = 1; i < path.n; i++) {
                if (path.p[i] != '/' && ++part > TABLE_NAME_MAX)
                        return false;
                if (path.p[i] == '/') {
                        if (part == 0)
                                return false;
                        part = 0;
                }
        }
        return path.n == 1 || part > 0;
}

/* One record into the table and the tree.  last holds the path before and gets this one. */
static int read_record(struct reader *r, struct table *t, struct frontier *f, struct buf *last)
{
        uint32_t path_n, record_n;
        struct table_node *n;
        struct record rec;
        struct span path;
        struct hash leaf;
        int rc = need(r, 8);

        if (rc < 0)
                return rc;
        path_n = le_get32(r->buf + r->at);
        record_n = le_get32(r->buf + r->at + 4);
        if (path_n > PATH_BYTES_MAX || record_n > RECORD_MAX)
                return err_set(r->err, -EBADMSG, "%s: byte %lld: lengths out of range", r->name,
                               offset_of(r));
        rc = need(r, 8 + (size_t)path_n + record_n);
        if (rc < 0)
                return rc;
        path = span_of(r->buf + r->at + 8, path_n);
        if (!path_ok(path) || (last->n && path_cmp(buf_span(last), path) >= 0))
                return err_set(r->err, -EBADMSG, "%s: byte %lld: path out of order or malformed",
                               r->name, offset_of(r));
        if (record_decode(span_of(path.p + path_n, record_n), &rec, r->err) < 0)
                return err_wrap(r->err, "%s: byte %lld", r->name, offset_of(r));
        sha256_leaf(span_of(r->buf + r->at, 8 + (size_t)path_n + record_n), leaf.b);
        frontier_append(f, &leaf, node_hash);
        n = table_make(t, path);
        if (!n || table_set_record(t, n, span_of(path.p + path_n, record_n)) < 0)
                return err_set(r->err, -ENOMEM, "%s: out of memory", r->name);
        buf_clear(last);
        buf_put(last, path);
        r->at += 8 + (size_t)path_n + record_n;
        return buf_status(last);
}

static int read_records(struct reader *r, struct table *t, const struct snapshot_head *h)
{
        struct buf last = BUF_INIT(PATH_BYTES_MAX);
        struct frontier f = { 0 };
        struct hash root;
        int rc = 0;

        for (uint64_t i = 0; i < h->count && rc == 0; i++)
                rc = read_record(r, t, &f, &last);
        buf_done(&last);
        if (rc < 0)
                return rc;
        if (r->at < r->n || r->io->pread(r->io->ctx, r->fd, r->buf, 1, r->next) != 0)
                return err_set(r->err, -EBADMSG, "%s: byte %lld: more than the head's %llu records",
                               r->name, offset_of(r), (unsigned long long)h->count);
        tree_root(&f, &root);
        if (!hash_eq(&root, &h->root))
                return err_set(r->err, -EBADMSG, "%s: the root does not match the records",
                               r->name);
        return 0;
}

static int read_file(const struct io *io, int dirfd, const char *name, struct watchset *w,
                     struct table *t, struct snapshot_head *ret, struct err *err)
{
        struct reader r = { .io = io, .name = name, .err = err };
        struct snapshot_head h;
        int rc;

        r.fd = io->open(io->ctx, dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
        if (r.fd < 0)
                return err_sys(err, r.fd, "%s: cannot be opened", name);
        r.buf = malloc(WINDOW);
        rc = r.buf ? read_head(&r, w, &h) : err_set(err, -ENOMEM, "%s: out of memory", name);
        if (rc == 0 && t)
                rc = read_records(&r, t, &h);
        free(r.buf);
        fd_close(&r.fd);
        if (rc == 0)
                *ret = h;
        return rc;
}

int snapshot_read(const struct io *io, int dirfd, const char *name, struct watchset *w,
                  struct table *t, struct snapshot_head *ret, struct err *err)
{
        return read_file(io, dirfd, name, w, t, ret, err);
}

int snapshot_read_head(const struct io *io, int dirfd, const char *name, struct watchset *w,
                       struct snapshot_head *ret, struct err *err)
{
        return read_file(io, dirfd, name, w, NULL, ret, err);
}
