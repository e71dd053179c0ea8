/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/quarantine.h"

#include "base/text.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"
#include "integrity/trusted/baseline.h"
#include "integrity/trusted/observe.h"
#include "sys/hands.h"
#include "sys/io.h"
#include "sys/names.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY = 128 * 1024, NEW = 4 /* "new." */ };

struct quarantine {
        const struct io *io;
        int state, dirfd, items;
        struct content_limits limits;
        struct content *content;
        struct observer *observer;
        const struct observe_calls *calls;
        uint64_t items_max, bytes_max, file_max;
        bool later; /* quarantine_sync_later() */
        atomic_uint_fast64_t n;
        struct buf encoded; /* of the last item */
        uint8_t copy[COPY];
};

/* ---- opening ---- */

static int count_one(void *ctx, int dirfd, const char *name)
{
        struct quarantine *q = ctx;

        if (strncmp(name, "new.", NEW) == 0)
                return q->io->unlink(q->io->ctx, dirfd, name);
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

static void close_all(struct quarantine *q)
{
        q->content = content_free(q->content);
        q->later = false;
        fd_close(&q->dirfd);
        fd_close(&q->items);
        atomic_store(&q->n, 0);
}

static int open_all(struct quarantine *q, struct err *err)
{
        int rc = open_below(q, q->state, "quarantine", &q->dirfd, err);

        if (rc == 0)
                rc = open_below(q, q->dirfd, "items", &q->items, err);
        if (rc == 0)
                rc = content_open(q->io, q->dirfd, &q->limits, &q->content, err);
        if (rc < 0)
                return err ? err_wrap(err, "quarantine") : rc;
        rc = names_each(q->items, ".", count_one, q);
        if (rc < 0)
                return err_sys(err, rc, "quarantine/items: cannot be read");
        observer_keep(q->observer, q->content, 0);
        return 0;
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
        q->limits = c;
        q->state = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
        if (q->state < 0)
                return err_sys(err, -errno, "quarantine");
        rc = observer_new(&q->observer, err);
        if (rc < 0)
                return rc;
        /* What is larger is not kept whole: reading all of it would only take time. */
        observer_set_max(q->observer, MIN_OF(q->file_max, OBSERVE_HASH_MAX));
        rc = open_all(q, err);
        if (rc == -ENOSPC || rc == -EDQUOT || rc == -EROFS) {
                close_all(q); /* quarantine_look() tries again */
                rc = 0;
        }
        if (rc < 0)
                return rc;
        *ret = q;
        q = NULL;
        return 0;
}

struct quarantine *quarantine_free(struct quarantine *q)
{
        if (!q)
                return NULL;
        observer_free(q->observer);
        close_all(q);
        fd_close(&q->state);
        buf_done(&q->encoded);
        free(q);
        return NULL;
}

/* ---- is it still there? ---- */

static bool is_at(int dirfd, const char *name, int fd)
{
        struct stat a, b;

        return fstatat(dirfd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &b) == 0 &&
               a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int quarantine_look(struct quarantine *q, struct err *err)
{
        int rc;

        if (q->content && is_at(q->state, "quarantine", q->dirfd) &&
            is_at(q->dirfd, "items", q->items) && content_is_at(q->content, q->dirfd))
                return 0;
        observer_keep(q->observer, NULL, 0);
        close_all(q);
        rc = open_all(q, err);
        if (rc < 0)
                close_all(q);
        return rc < 0 ? rc : 1;
}

struct quarantine_use quarantine_use(struct quarantine *q)
{
        struct quarantine_use u = { .items = atomic_load(&q->n),
                                    .items_max = q->items_max,
                                    .bytes_max = q->bytes_max };

        if (q->content)
                u.bytes = content_counts(q->content).bytes;
        return u;
}

/* ---- taking ---- */

void quarantine_set_calls(struct quarantine *q, const struct observe_calls *calls)
{
        q->calls = calls;
        observer_set_calls(q->observer, calls);
}

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
        while (rc == 0 &&
               (n = observe_call_read(q->calls, from, q->copy, sizeof q->copy, (off_t)at)) != 0) {
                if (n == -EINTR)
                        continue;
                rc = n < 0 ? (int)n : 0;
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

static int open_same(const struct quarantine *q, const struct quarantine_ask *a,
                     const struct record *r)
{
        CLEANUP_FD int fd =
                observe_call_open(q->calls, a->dirfd, a->name,
                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct record now;
        int rc = fd < 0 ? fd : observe_stat_fd(fd, &now), got = fd;

        if (rc == 0 && !record_same_file(&now, r))
                rc = -EAGAIN;
        if (rc < 0)
                return rc;
        fd = -1;
        return got;
}

/* A file that keeps changing has no content of its own; it has one at each moment. */
static int take_moment(struct quarantine *q, const struct quarantine_ask *a, struct record *r)
{
        CLEANUP_FD int from = open_same(q, a, r);
        CLEANUP_FD int to = openat(q->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        uint64_t n = 0;
        int rc = from < 0 ? from : to < 0 ? -errno : copy_moment(q, from, to, &n, r->sha256);

        if (rc == 0)
                rc = content_keep(q->content, to, r->sha256, n, UINT64_MAX);
        if (rc < 0)
                return rc;
        r->size = n;
        r->hash = RECORD_HASH_KNOWN;
        r->reason = RECORD_REASON_NONE;
        return 0;
}

static bool is_whole(struct quarantine *q, const struct record *r)
{
        return r->type != RECORD_FILE ||
               (r->hash == RECORD_HASH_KNOWN && content_has(q->content, r->sha256));
}

/* Why a content that was to be kept whole is not; the ceiling that it met, or what went wrong. */
static void say_why(struct quarantine *q, struct quarantine_item *i, int rc)
{
        const struct record *r = &i->record;
        struct content_counts c = content_counts(q->content);

        if (r->size > q->file_max || rc == -EFBIG)
                snprintf(i->why, sizeof i->why,
                         "it has %llu bytes or more; a file in quarantine has at most %llu",
                         (unsigned long long)r->size, (unsigned long long)q->file_max);
        else if (r->hash != RECORD_HASH_KNOWN && r->reason == RECORD_REASON_SPARSE)
                snprintf(i->why, sizeof i->why, "it has %llu bytes, hardly more than holes",
                         (unsigned long long)r->size);
        else if (r->hash != RECORD_HASH_KNOWN && r->reason != RECORD_REASON_CHANGING)
                snprintf(i->why, sizeof i->why, "it cannot be read: %s",
                         record_reason_name(r->reason));
        else if (c.failed)
                snprintf(i->why, sizeof i->why, "it could not be written to the quarantine");
        else
                snprintf(i->why, sizeof i->why,
                         "the quarantine has no room for it: %llu of %llu bytes are used, or the "
                         "disk is full",
                         (unsigned long long)c.bytes, (unsigned long long)q->bytes_max);
}

/* What there is room for, of a file whose content is not kept whole.  -ETIMEDOUT, -EUSERS: it is
 * kept locked. */
static int take_part(struct quarantine *q, const struct quarantine_ask *a,
                     struct quarantine_item *i)
{
        CLEANUP_FD int from = open_same(q, a, &i->record);
        CLEANUP_FD int to = openat(q->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        struct quarantine_part *p = &i->part;
        int rc = from < 0 ? from : to < 0 ? -errno : quarantine_part_take(from, q->calls, to, p);

        i->kept = QUARANTINE_NOTHING;
        if (rc < 0)
                return hand_gave_up(rc) ? rc : 0;
        if (p->n && content_keep(q->content, to, p->sha256, p->bytes, UINT64_MAX) == 0 &&
            content_has(q->content, p->sha256))
                i->kept = p->all ? QUARANTINE_DATA : QUARANTINE_PART;
        else if (p->n == 0 && p->all)
                i->kept = QUARANTINE_DATA; /* one hole */
        if (i->kept == QUARANTINE_NOTHING)
                *p = (struct quarantine_part){ .all = false };
        return 0;
}

/* The state of it, and its content as far as there is room. */
static int take_content(struct quarantine *q, const struct quarantine_ask *a,
                        struct quarantine_item *i, struct err *err)
{
        struct record *r = &i->record;
        int rc;

        content_count_anew(q->content);
        rc = observe(q->observer, a->dirfd, a->name, r, NULL);
        if (rc == 0 && r->reason == RECORD_REASON_CHANGING) {
                rc = take_moment(q, a, r);
                i->moment = true;
        }
        if (rc < 0 && rc != -EFBIG && rc != -ENOSPC && rc != -EDQUOT)
                return err_sys(err, rc, "what is there cannot be kept");
        if (is_whole(q, r))
                return 0;
        say_why(q, i, rc);
        rc = take_part(q, a, i);
        if (rc < 0)
                return err_sys(err, rc, "what is there cannot be kept");
        if (i->kept == QUARANTINE_NOTHING && !a->record_alone)
                return err_set(err, -ENOSPC, "what is there cannot be kept: %s", i->why);
        if (a->known && r->hash != RECORD_HASH_KNOWN && a->known->hash == RECORD_HASH_KNOWN &&
            record_same_stat(a->known, r)) {
                memcpy(r->sha256, a->known->sha256, sizeof r->sha256);
                r->hash = RECORD_HASH_KNOWN;
                r->reason = RECORD_REASON_NONE;
        }
        return 0;
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
        if (rc == 0 && !q->later)
                rc = q->io->fsync(q->io->ctx, fd);
        if (rc == 0)
                rc = q->io->rename(q->io->ctx, q->items, tmp, i->id);
        if (rc == 0 && !q->later)
                rc = q->io->fsync(q->io->ctx, q->items);
        if (rc < 0) {
                (void)!q->io->unlink(q->io->ctx, q->items, tmp);
                return err_sys(err, rc, "quarantine/items/%s", i->id);
        }
        atomic_fetch_add(&q->n, 1);
        return 0;
}

void quarantine_sync_later(struct quarantine *q)
{
        if (!q->content)
                return;
        q->later = true;
        content_sync_later(q->content);
}

int quarantine_sync(struct quarantine *q, struct err *err)
{
        int rc = q->later && q->content ? content_sync(q->content, err) : 0;

        if (rc == 0 && q->later && syncfs(q->items) < 0)
                rc = err_sys(err, -errno, "quarantine/items");
        q->later = false;
        return rc;
}

static void make_id(char id[QUARANTINE_ID + 1])
{
        uint8_t raw[QUARANTINE_ID / 2];

        random_bytes(raw, sizeof raw);
        text_hex(span_of(raw, sizeof raw), id);
}

int quarantine_take(struct quarantine *q, const struct quarantine_ask *a,
                    struct quarantine_item *ret, struct err *err)
{
        struct quarantine_item i = { .at_ns = a->wall_ns, .path = a->path };
        int rc;

        if (!q->content)
                return err_set(err, -EIO, "the quarantine is gone, and cannot be made again");
        if (atomic_load(&q->n) >= q->items_max)
                return err_set(err, -ENOSPC, "the quarantine is full: it has %llu items",
                               (unsigned long long)q->items_max);
        rc = take_content(q, a, &i, err);
        if (rc < 0)
                return rc;
        make_id(i.id);
        snprintf(i.reason, sizeof i.reason, "%s", a->reason);
        buf_clear(&q->encoded);
        record_encode(&i.record, &q->encoded);
        i.encoded = buf_span(&q->encoded);
        rc = buf_status(&q->encoded) < 0 ? err_sys(err, buf_status(&q->encoded), "the item") : 0;
        if (rc == 0 && !q->later)
                rc = content_sync(q->content, err);
        if (rc == 0)
                rc = write_item(q, &i, err);
        if (rc < 0)
                return rc == -ENOENT ? -ESTALE : rc;
        *ret = i;
        return 0;
}

/* ---- forgetting ---- */

static int mark_item(void *ctx, const char *id, const struct quarantine_item *item,
                     const struct err *why)
{
        (void)id;
        if (!item)
                return why->code ? why->code : -EBADMSG; /* what it refers to is not known */
        baseline_mark(ctx, &item->record);
        if (item->kept == QUARANTINE_DATA || item->kept == QUARANTINE_PART)
                content_sweep_mark(ctx, item->part.sha256);
        return 0;
}

int quarantine_remove(struct quarantine *q, const char *id, struct err *err)
{
        CLEANUP(content_sweep_freep) struct content_sweep *s = NULL;
        int rc = quarantine_is_id(span_str(id)) ? 0 : -EINVAL;

        if (rc < 0)
                return err_set(err, rc, "%.40s: no id of an item", id);
        if (!q->content)
                return err_set(err, -EIO, "the quarantine is gone, and cannot be made again");
        rc = q->io->unlink(q->io->ctx, q->items, id);
        if (rc < 0)
                return err_sys(err, rc, "item %s", id);
        atomic_fetch_sub(&q->n, 1);
        rc = content_sweep_begin(q->content, &s, err);
        if (rc == 0)
                rc = quarantine_each(q->io, q->state, mark_item, s, err);
        if (rc < 0)
                return rc;
        (void)content_sweep_end(s);
        s = NULL;
        return 0;
}
