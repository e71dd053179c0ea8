/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/le.h"
#include "integrity/trusted/snapshot_priv.h"
#include "sys/crc32c.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
        WINDOW = 32 * 1024,    /* at first; holds one record and most */
        RESERVE_MAX = 1 << 20, /* records a head may ask room for before they are there */
};

STATIC_ASSERT((int)WINDOW > (int)RECORD_MAX, "most records fit the first window");

struct snapshot_reader {
        const struct io *io;
        const char *name;
        int fd;
        struct snapshot_head head;
        off_t next; /* file offset behind the window */
        uint8_t *buf;
        size_t size;   /* of buf: as large as its longest item needed */
        size_t at, n;  /* unread: buf[at, n) */
        uint64_t done; /* records read */
        struct frontier tree;
        struct buf last; /* path of the last one */
};

/* The window grows with what the file has, not with what it says it has. */
static int make_room(struct snapshot_reader *r, struct err *err)
{
        size_t size = r->size ? 2 * r->size : WINDOW;
        uint8_t *p;

        if (r->at > 0) {
                memmove(r->buf, r->buf + r->at, r->n - r->at);
                r->n -= r->at;
                r->at = 0;
        }
        if (r->n < r->size)
                return 0;
        p = realloc(r->buf, size);
        if (!p)
                return err_set(err, -ENOMEM, "%s: out of memory", r->name);
        r->buf = p;
        r->size = size;
        return 0;
}

/* At least want unread bytes in the window.  -EBADMSG when the file ends before. */
static int need(struct snapshot_reader *r, size_t want, struct err *err)
{
        while (r->n - r->at < want) {
                ssize_t n;
                int rc = make_room(r, err);

                if (rc < 0)
                        return rc;
                n = r->io->pread(r->io->ctx, r->fd, r->buf + r->n, r->size - r->n, r->next);
                if (n < 0)
                        return err_sys(err, (int)n, "%s: cannot be read", r->name);
                if (n == 0)
                        return err_set(err, -EBADMSG, "%s: ends at byte %lld, within a record",
                                       r->name, (long long)r->next);
                r->n += (size_t)n;
                r->next += n;
        }
        return 0;
}

static long long offset_of(const struct snapshot_reader *r)
{
        return (long long)r->next - (long long)(r->n - r->at);
}

static int read_head(struct snapshot_reader *r, struct watchset *w, struct err *err)
{
        struct snapshot_head *h = &r->head;
        uint32_t rules_n;
        const uint8_t *p;
        int rc = need(r, SNAPSHOT_HEAD, err);

        if (rc < 0)
                return rc;
        p = r->buf + r->at;
        rules_n = le_get32(p + 64);
        if (memcmp(p, SNAPSHOT_MAGIC, 8) != 0)
                return err_set(err, -EBADMSG, "%s: is no snapshot", r->name);
        if (rules_n > SNAPSHOT_RULES_MAX)
                return err_set(err, -EBADMSG, "%s: the head does not fit the file", r->name);
        rc = need(r, SNAPSHOT_HEAD + (size_t)rules_n, err);
        if (rc < 0)
                return rc;
        p = r->buf + r->at;
        if (le_get32(p + 68) !=
            crc32c(crc32c(0, span_of(p, 68)), span_of(p + SNAPSHOT_HEAD, rules_n)))
                return err_set(err, -EBADMSG, "%s: the head's checksum is wrong", r->name);
        h->generation = le_get64(p + 8);
        h->taken_ns = (int64_t)le_get64(p + 16);
        h->count = le_get64(p + 24);
        memcpy(h->root.b, p + 32, HASH_LEN);
        r->at += SNAPSHOT_HEAD + rules_n;
        rc = w ? watchset_parse(w, r->name, span_of(p + SNAPSHOT_HEAD, rules_n), err) : 0;
        return rc < 0 && rc != -ENOMEM ? -EBADMSG : rc;
}

int snapshot_open(const struct io *io, int dirfd, const char *name, struct watchset *w,
                  struct snapshot_reader **ret, struct err *err)
{
        CLEANUP(snapshot_closep) struct snapshot_reader *r = calloc(1, sizeof *r);
        struct stat st;
        int rc;

        if (!r)
                return err_set(err, -ENOMEM, "%s: out of memory", name);
        r->io = io;
        r->name = name;
        r->last = BUF_INIT(SNAPSHOT_PATH_MAX);
        r->fd = io->open(io->ctx, dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
        if (r->fd < 0)
                return err_sys(err, r->fd, "%s: cannot be opened", name);
        if (fstat(r->fd, &st) == 0 && !S_ISREG(st.st_mode))
                return err_set(err, -EBADMSG, "%s: is no regular file", name);
        rc = read_head(r, w, err);
        if (rc < 0)
                return rc;
        *ret = r;
        r = NULL;
        return 0;
}

struct snapshot_reader *snapshot_close(struct snapshot_reader *r)
{
        if (!r)
                return NULL;
        fd_close(&r->fd);
        free(r->buf);
        buf_done(&r->last);
        free(r);
        return NULL;
}

const struct snapshot_head *snapshot_head(const struct snapshot_reader *r)
{
        return &r->head;
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

static int check_end(struct snapshot_reader *r, struct err *err)
{
        struct hash root;
        uint8_t more;

        if (r->at < r->n || r->io->pread(r->io->ctx, r->fd, &more, 1, r->next) != 0)
                return err_set(err, -EBADMSG, "%s: byte %lld: more than the head's %llu records",
                               r->name, offset_of(r), (unsigned long long)r->head.count);
        snapshot_tree_root(&r->tree, &root);
        if (!hash_eq(&root, &r->head.root))
                return err_set(err, -EBADMSG, "%s: the root does not match the records", r->name);
        return 0;
}

int snapshot_next(struct snapshot_reader *r, struct span *ret_path, struct span *ret_record,
                  struct err *err)
{
        uint32_t path_n, record_n;
        struct span whole, path, record;
        struct record rec;
        struct hash leaf;
        int rc;

        if (r->done == r->head.count)
                return check_end(r, err);
        rc = need(r, 8, err);
        if (rc < 0)
                return rc;
        path_n = le_get32(r->buf + r->at);
        record_n = le_get32(r->buf + r->at + 4);
        if (path_n > SNAPSHOT_PATH_MAX || record_n > RECORD_MAX)
                return err_set(err, -EBADMSG, "%s: byte %lld: lengths out of range", r->name,
                               offset_of(r));
        rc = need(r, 8 + (size_t)path_n + record_n, err);
        if (rc < 0)
                return rc;
        whole = span_of(r->buf + r->at, 8 + (size_t)path_n + record_n);
        path = span_of(whole.p + 8, path_n);
        record = span_of(whole.p + 8 + path_n, record_n);
        if (!path_ok(path) || (r->last.n && snapshot_path_cmp(buf_span(&r->last), path) >= 0))
                return err_set(err, -EBADMSG, "%s: byte %lld: path out of order or malformed",
                               r->name, offset_of(r));
        if (record_decode(record, &rec, err) < 0)
                return err ? err_wrap(err, "%s: byte %lld", r->name, offset_of(r)) : -EBADMSG;
        if (rec.type == RECORD_FILE) {
                r->head.file_bytes += rec.size;
                r->head.unhashed += rec.type == RECORD_FILE && rec.hash != RECORD_HASH_KNOWN;
        }
        sha256_leaf(whole, leaf.b);
        frontier_append(&r->tree, &leaf, snapshot_node);
        buf_clear(&r->last);
        buf_put(&r->last, path);
        if (buf_status(&r->last) < 0)
                return err_set(err, buf_status(&r->last), "%s: out of memory", r->name);
        r->at += whole.n;
        r->done++;
        *ret_path = path;
        *ret_record = record;
        return 1;
}

/* Records come with their directory's others: most are found in the directory of the one before. */
struct place {
        struct table_node *dir;
        struct buf path; /* of dir, with a slash at its end */
};

static struct table_node *make_node(struct table *t, struct place *at, struct span path)
{
        size_t n = path.n;

        while (n > 0 && path.p[n - 1] != '/')
                n--;
        if (!at->dir || !span_eq(buf_span(&at->path), span_of(path.p, n))) {
                at->dir = table_make(t, span_of(path.p, n));
                buf_clear(&at->path);
                buf_put(&at->path, span_of(path.p, n));
        }
        if (n == path.n || !at->dir || buf_status(&at->path) < 0) /* "/" itself */
                return at->dir;
        return table_make_child(t, at->dir, span_from(path, n));
}

static int read_records(struct snapshot_reader *r, struct table *t, struct err *err)
{
        struct place at = { .path = BUF_INIT(SNAPSHOT_PATH_MAX) };
        struct span path, record;
        int rc;

        while ((rc = snapshot_next(r, &path, &record, err)) > 0) {
                struct table_node *n = make_node(t, &at, path);

                if (!n || table_set_record(t, n, record) < 0) {
                        rc = err_set(err, -ENOMEM, "%s: out of memory", r->name);
                        break;
                }
        }
        buf_done(&at.path);
        return rc;
}

int snapshot_read(const struct io *io, int dirfd, const char *name, struct watchset *w,
                  struct table *t, struct snapshot_head *ret, struct err *err)
{
        CLEANUP(snapshot_closep) struct snapshot_reader *r = NULL;
        int rc = snapshot_open(io, dirfd, name, w, &r, err);

        if (rc == 0)
                rc = table_reserve(t, MIN_OF(r->head.count, (uint64_t)RESERVE_MAX)) < 0
                             ? err_set(err, -ENOMEM, "%s: out of memory", name)
                             : read_records(r, t, err);
        if (rc == 0)
                *ret = r->head;
        return rc;
}

int snapshot_read_head(const struct io *io, int dirfd, const char *name, struct watchset *w,
                       struct snapshot_head *ret, struct err *err)
{
        CLEANUP(snapshot_closep) struct snapshot_reader *r = NULL;
        int rc = snapshot_open(io, dirfd, name, w, &r, err);

        if (rc == 0)
                *ret = r->head;
        return rc;
}
