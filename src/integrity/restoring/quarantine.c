/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/quarantine.h"

#include "base/text.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"
#include "integrity/trusted/baseline.h"
#include "integrity/trusted/observe.h"
#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY = 128 * 1024, NEW = 4 /* "new." */ };

struct quarantine {
        const struct io *io;
        int dirfd, items;
        struct content *content;
        struct observer *observer;
        uint64_t items_max, bytes_max, file_max;
        atomic_uint_fast64_t n;
        struct buf encoded; /* of the last item */
        uint8_t copy[COPY];
};

/* ---- opening ---- */

typedef int name_fn(void *ctx, const char *name);

static int each_name(int dirfd, name_fn *fn, void *ctx)
{
        CLEANUP_FD int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;
        int rc = 0;

        if (!d)
                return -errno;
        fd = -1; /* the stream's */
        while (rc == 0 && (errno = 0, e = readdir(d)))
                rc = fn(ctx, e->d_name);
        closedir(d);
        return rc;
}

static int count_one(void *ctx, const char *name)
{
        struct quarantine *q = ctx;

        if (strncmp(name, "new.", NEW) == 0)
                return q->io->unlink(q->io->ctx, q->items, name);
        if (quarantine_is_id(span_str(name)))
                atomic_fetch_add(&q->n, 1);
        return 0;
}

static int open_below(struct quarantine *q, int dirfd, const char *name, int *ret, struct err *err)
{
        int rc = io_make_dirs(q->io, dirfd, name, 0700, err);

        if (rc < 0)
                return rc;
        *ret = q->io->open(q->io->ctx, dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                           0);
        return *ret < 0 ? err_sys(err, *ret, "%s: cannot be opened", name) : 0;
}

int quarantine_open(const struct io *io, int dirfd, const struct quarantine_limits *l,
                    struct quarantine **ret, struct err *err)
{
        CLEANUP(quarantine_freep) struct quarantine *q = calloc(1, sizeof *q);
        struct content_limits c = l->content;
        int rc;

        if (!q)
                return err_set(err, -ENOMEM, "out of memory for the quarantine");
        q->io = io;
        q->dirfd = q->items = -1;
        q->encoded = BUF_INIT(RECORD_MAX);
        c.file_max = c.file_max ? c.file_max : QUARANTINE_FILE_MAX;
        c.total_max = c.total_max ? c.total_max : QUARANTINE_TOTAL_MAX;
        q->items_max = l->items ? l->items : QUARANTINE_ITEMS_MAX;
        q->bytes_max = c.total_max;
        q->file_max = c.file_max;
        rc = observer_new(&q->observer, err);
        if (rc == 0)
                rc = open_below(q, dirfd, "quarantine", &q->dirfd, err);
        if (rc == 0)
                rc = open_below(q, q->dirfd, "items", &q->items, err);
        if (rc == 0)
                rc = content_open(io, q->dirfd, &c, &q->content, err);
        if (rc < 0)
                return err ? err_wrap(err, "quarantine") : rc;
        rc = each_name(q->items, count_one, q);
        if (rc < 0)
                return err_sys(err, rc, "quarantine/items: cannot be read");
        observer_keep(q->observer, q->content, 0);
        *ret = q;
        q = NULL;
        return 0;
}

struct quarantine *quarantine_free(struct quarantine *q)
{
        if (!q)
                return NULL;
        observer_free(q->observer);
        content_free(q->content);
        fd_close(&q->dirfd);
        fd_close(&q->items);
        buf_done(&q->encoded);
        free(q);
        return NULL;
}

struct quarantine_use quarantine_use(struct quarantine *q)
{
        return (struct quarantine_use){ .items = atomic_load(&q->n),
                                        .items_max = q->items_max,
                                        .bytes = content_counts(q->content).bytes,
                                        .bytes_max = q->bytes_max };
}

/* ---- taking ---- */

/* All that is there now, as one moment has it: a copy, hashed on the way. */
static int copy_moment(struct quarantine *q, int from, int to, uint64_t *ret_n,
                       uint8_t digest[SHA256_LEN])
{
        struct sha256_ctx *h = sha256_new();
        uint64_t at = 0;
        ssize_t n = 0;
        int rc = h ? 0 : -ENOMEM;

        if (rc == 0)
                sha256_begin(h);
        while (rc == 0 && (n = pread(from, q->copy, sizeof q->copy, (off_t)at)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                rc = n < 0 ? -errno : 0;
                if (rc == 0 && at + (uint64_t)n > q->file_max)
                        rc = -EFBIG;
                if (rc == 0 && pwrite(to, q->copy, (size_t)n, (off_t)at) != n)
                        rc = errno == EDQUOT ? -EDQUOT : -ENOSPC;
                if (rc == 0)
                        sha256_add(h, span_of(q->copy, (size_t)n));
                at += n > 0 ? (uint64_t)n : 0;
        }
        if (rc == 0)
                sha256_end(h, digest);
        sha256_free(h);
        *ret_n = at;
        return rc;
}

/* A file that keeps changing has no content of its own; it has one at each moment. */
static int take_moment(struct quarantine *q, int dirfd, const char *name, struct record *r)
{
        CLEANUP_FD int from =
                openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        CLEANUP_FD int to = openat(q->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        struct record now;
        uint64_t n = 0;
        int rc = from < 0 || to < 0 ? -errno : observe_stat_fd(from, &now);

        if (rc == 0 && !record_same_file(&now, r))
                rc = -EAGAIN;
        if (rc == 0)
                rc = copy_moment(q, from, to, &n, r->sha256);
        if (rc == 0)
                rc = content_keep(q->content, to, r->sha256, n, UINT64_MAX);
        if (rc < 0)
                return rc;
        r->size = n;
        r->hash = RECORD_HASH_KNOWN;
        r->reason = RECORD_REASON_NONE;
        return 0;
}

/* Why a content that was to be kept is not there. */
static int why_not(struct quarantine *q, const struct record *r, struct err *err)
{
        struct content_counts c = content_counts(q->content);

        if (r->hash != RECORD_HASH_KNOWN)
                return err_set(err, -EIO, "what is there cannot be read: %s",
                               record_reason_name(r->reason));
        if (r->size > q->file_max)
                return err_set(err, -EFBIG,
                               "what is there has %llu bytes, more than the %llu of a "
                               "file in quarantine",
                               (unsigned long long)r->size, (unsigned long long)q->file_max);
        return err_set(err, -ENOSPC,
                       "the quarantine has no room for what is there: %llu of %llu "
                       "bytes are used, or the disk is full",
                       (unsigned long long)c.bytes, (unsigned long long)q->bytes_max);
}

/* Its name is durable before the item refers to it. */
static int sync_content(struct quarantine *q, struct err *err)
{
        return content_sync(q->content, err);
}

static int write_item(struct quarantine *q, const struct quarantine_item *i, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        CLEANUP_FD int fd = -1;
        char tmp[NEW + QUARANTINE_ID + 1];
        int rc;

        quarantine_item_print(i, &text);
        if (buf_status(&text) < 0)
                return err_sys(err, buf_status(&text), "the item");
        snprintf(tmp, sizeof tmp, "new.%s", i->id);
        fd = q->io->open(q->io->ctx, q->items, tmp,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        rc = fd < 0 ? fd : 0;
        if (rc == 0) {
                ssize_t n = q->io->pwrite(q->io->ctx, fd, text.p, text.n, 0);

                rc = n < 0 ? (int)n : (size_t)n == text.n ? 0 : -EIO;
        }
        if (rc == 0)
                rc = q->io->fsync(q->io->ctx, fd);
        if (rc == 0)
                rc = q->io->rename(q->io->ctx, q->items, tmp, i->id);
        if (rc == 0)
                rc = q->io->fsync(q->io->ctx, q->items);
        if (rc < 0) {
                (void)!q->io->unlink(q->io->ctx, q->items, tmp);
                return err_sys(err, rc, "quarantine/items/%s", i->id);
        }
        atomic_fetch_add(&q->n, 1);
        return 0;
}

static void make_id(char id[QUARANTINE_ID + 1])
{
        uint8_t raw[QUARANTINE_ID / 2];

        random_bytes(raw, sizeof raw);
        text_hex(span_of(raw, sizeof raw), id);
}

int quarantine_take(struct quarantine *q, int dirfd, const char *name, struct span path,
                    const char *reason, int64_t wall_ns, struct quarantine_item *ret,
                    struct err *err)
{
        struct quarantine_item i = { .at_ns = wall_ns, .path = path };
        int rc;

        if (atomic_load(&q->n) >= q->items_max)
                return err_set(err, -ENOSPC, "the quarantine is full: it has %llu items",
                               (unsigned long long)q->items_max);
        rc = observe(q->observer, dirfd, name, &i.record, NULL);
        if (rc == 0 && i.record.reason == RECORD_REASON_CHANGING) {
                rc = take_moment(q, dirfd, name, &i.record);
                i.moment = true;
        }
        if (rc < 0)
                return err_sys(err, rc, "what is there cannot be kept");
        if (i.record.type == RECORD_FILE &&
            (i.record.hash != RECORD_HASH_KNOWN || !content_has(q->content, i.record.sha256)))
                return why_not(q, &i.record, err);
        make_id(i.id);
        snprintf(i.reason, sizeof i.reason, "%s", reason);
        buf_clear(&q->encoded);
        record_encode(&i.record, &q->encoded);
        i.encoded = buf_span(&q->encoded);
        rc = buf_status(&q->encoded) < 0 ? err_sys(err, buf_status(&q->encoded), "the item") : 0;
        if (rc == 0)
                rc = sync_content(q, err);
        if (rc == 0)
                rc = write_item(q, &i, err);
        if (rc < 0)
                return rc;
        *ret = i;
        return 0;
}

/* ---- reading ---- */

int quarantine_read(const struct io *io, int dirfd, const char *id, struct buf *text,
                    struct quarantine_item *ret, struct err *err)
{
        char path[sizeof "quarantine/items/" + QUARANTINE_ID];
        uint8_t *p = NULL;
        size_t n = 0;
        int rc;

        if (!quarantine_is_id(span_str(id)))
                return err_set(err, -EINVAL, "%.40s: no id of an item", id);
        snprintf(path, sizeof path, "quarantine/items/%s", id);
        rc = io_read_file(io, dirfd, path, QUARANTINE_ITEM_MAX, &p, &n, err);
        if (rc == 0)
                rc = quarantine_item_parse(span_of(p, n), text, ret, err);
        if (rc == 0 && strcmp(ret->id, id) != 0)
                rc = err_set(err, -EBADMSG, "%s: the item is another one's", path);
        free(p);
        return rc;
}

struct each {
        const struct io *io;
        int dirfd;
        quarantine_each_fn *fn;
        void *ctx;
        struct buf text;
};

static int each_item(void *ctx, const char *name)
{
        struct each *e = ctx;
        struct quarantine_item i;
        struct err err = { 0 };
        int rc;

        if (!quarantine_is_id(span_str(name)))
                return 0;
        rc = quarantine_read(e->io, e->dirfd, name, &e->text, &i, &err);
        if (rc == -ENOENT)
                return 0; /* removed meanwhile */
        return e->fn(e->ctx, name, rc == 0 ? &i : NULL, &err);
}

int quarantine_each(const struct io *io, int dirfd, quarantine_each_fn *fn, void *ctx,
                    struct err *err)
{
        CLEANUP_FD int items =
                openat(dirfd, "quarantine/items", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct each e = { .io = io,
                          .dirfd = dirfd,
                          .fn = fn,
                          .ctx = ctx,
                          .text = BUF_INIT(QUARANTINE_ITEM_MAX) };
        int rc;

        if (items < 0 && errno == ENOENT)
                return 0; /* nothing was ever put away */
        rc = items < 0 ? -errno : each_name(items, each_item, &e);
        buf_done(&e.text);
        return rc < 0 ? err_sys(err, rc, "quarantine") : 0;
}

int quarantine_copy(int dirfd, const struct quarantine_item *item, int out_fd, struct err *err)
{
        CLEANUP_FD int q =
                openat(dirfd, "quarantine", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (q < 0)
                return err_sys(err, -errno, "quarantine");
        if (item->record.type != RECORD_FILE)
                return err_set(err, -EINVAL, "item %s is a %s and has no content", item->id,
                               record_type_name(item->record.type));
        return content_copy_from(q, item->record.sha256, out_fd, err);
}

/* ---- forgetting ---- */

static int mark_item(void *ctx, const char *id, const struct quarantine_item *item,
                     const struct err *why)
{
        (void)id;
        if (!item)
                return why->code ? why->code : -EBADMSG; /* what it refers to is not known */
        baseline_mark(ctx, &item->record);
        return 0;
}

int quarantine_remove(struct quarantine *q, const char *id, struct err *err)
{
        CLEANUP(content_sweep_freep) struct content_sweep *s = NULL;
        CLEANUP_FD int up = openat(q->dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int rc = quarantine_is_id(span_str(id)) ? 0 : -EINVAL;

        if (rc < 0)
                return err_set(err, rc, "%.40s: no id of an item", id);
        rc = up < 0 ? -errno : q->io->unlink(q->io->ctx, q->items, id);
        if (rc < 0)
                return err_sys(err, rc, "item %s", id);
        atomic_fetch_sub(&q->n, 1);
        rc = content_sweep_begin(q->content, &s, err);
        if (rc == 0)
                rc = quarantine_each(q->io, up, mark_item, s, err);
        if (rc < 0)
                return rc;
        (void)content_sweep_end(s);
        s = NULL;
        return 0;
}
