/* SPDX-License-Identifier: Apache-2.0 */
/* observe_content.c - what is in a file: hashed, up to what one file may cost.
 *
 * Its owner chooses the size, so size must not buy time: a file above the ceiling is not hashed,
 * and neither is one that is little more than holes, for a hole of a terabyte costs nothing to
 * make. */
#include "integrity/trusted/observe_priv.h"
#include "integrity/trusted/pace.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
        SPARSE_SHARE = 8, /* at least one part of so many must be data */
        EXTENTS = 4096,   /* looked at, until that is plain */
        BLOCK = 512,      /* what st_blocks counts */
        PAGE = 4096,
        BUSY_TRIES = 10, /* while somebody writes, with a pause in between */
        BUSY_PAUSE_NS = 1000000,
};

enum record_reason observe_reason(int error)
{
        switch (error) {
        case -EACCES:
        case -EPERM:
                return RECORD_REASON_DENIED;
        case -EAGAIN:
        case -ETIMEDOUT:
        case -EUSERS:
        case -EBUSY:
        case -ETXTBSY:
                return RECORD_REASON_BUSY;
        case -ENOMEM:
                return RECORD_REASON_NO_MEMORY;
        default:
                return RECORD_REASON_IO;
        }
}

void observe_no_hash(struct record *r, enum record_reason why)
{
        r->hash = RECORD_HASH_UNREADABLE;
        r->reason = why;
        memset(r->sha256, 0, sizeof r->sha256);
}

static bool skip(struct record *r, enum record_reason why)
{
        observe_no_hash(r, why);
        r->hash = RECORD_HASH_SKIPPED;
        return false;
}

/* ---- what it would cost ---- */

/* Is less of it data than it would have to be?  Asking where the holes are waits for whoever writes
 * to the file, on most filesystems, so that is asked only where the number of blocks says yes and
 * might count compressed ones.  A filesystem that tells of no holes has none. */
static bool is_sparse(const struct observer *o)
{
        uint64_t data = 0, least = o->r.size / SPARSE_SHARE;
        off_t at = 0, end;
        struct stat st;

        if (fstat(o->fd, &st) < 0 || (uint64_t)st.st_blocks * BLOCK >= least)
                return false;
        if (o->r.fs == EXT4_SUPER_MAGIC || o->r.fs == TMPFS_MAGIC)
                return true;
        for (int i = 0; i < EXTENTS && data < least; i++) {
                at = observe_call_seek(o->calls, o->fd, at, SEEK_DATA);
                if (at < 0)
                        return at == -ENXIO;
                end = observe_call_seek(o->calls, o->fd, at, SEEK_HOLE);
                if (end < 0)
                        return false;
                data += (uint64_t)(end - at);
                at = end;
        }
        return data < least;
}

bool observe_may_hash(struct observer *o)
{
        if (o->r.size > o->hash_max)
                return skip(&o->r, RECORD_REASON_TOO_LARGE);
        if (o->r.size > OBSERVE_SPARSE_MAX && is_sparse(o))
                return skip(&o->r, RECORD_REASON_SPARSE);
        sha256_begin(o->hash);
        o->at = 0;
        return true;
}

/* ---- reading ---- */

/* A writer can append for ever; what was there when we began is enough to know that it has
 * changed.  A short count at the size stat gave is the end: saves a call per small file. */
static bool is_end(const struct observer *o, size_t n)
{
        uint64_t at = (uint64_t)o->at;

        return n == 0 || at > o->r.size + 2 * (uint64_t)OBSERVE_READ ||
               (n < sizeof o->buf && at == o->r.size);
}

/* Brings the block at at into memory as a page fault does, which waits for the disk and for no
 * writer.  What lies behind the end is not there, and that is fine. */
static void fetch_block(int fd, size_t n, off_t at)
{
        void *p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, at & -(off_t)PAGE);

        if (p == MAP_FAILED)
                return;
        (void)!madvise(p, n, MADV_POPULATE_READ);
        munmap(p, n);
}

/* Where reading waits for whoever writes to the file, it must not wait for long: a write may take
 * its bytes from memory that its owner keeps back for as long as he likes (FUSE, userfaultfd), and
 * what waits for it cannot even be killed. */
static ssize_t read_unlocked(int fd, void *to, size_t room, off_t at)
{
        const struct iovec v = { .iov_base = to, .iov_len = room };
        const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
        ssize_t n;

        for (int i = 0; i < BUSY_TRIES; i++) {
                n = preadv2(fd, &v, 1, at, RWF_NOWAIT);
                if (n >= 0 || errno != EAGAIN)
                        return n < 0 ? -errno : n;
                if (i > 0)
                        nanosleep(&pause, NULL);
                fetch_block(fd, room, at);
        }
        return -EBUSY;
}

ssize_t observe_read(void *ctx, void *to, size_t n, uint64_t at)
{
        const struct observer *o = ctx;

        if (o->r.fs == XFS_SUPER_MAGIC)
                return read_unlocked(o->fd, to, n, (off_t)at);
        return observe_call_read(o->calls, o->fd, to, n, (off_t)at);
}

static void count(struct observer *o, size_t n)
{
        o->at += (off_t)n;
        if (o->counter)
                atomic_fetch_add_explicit(o->counter, (uint64_t)n, memory_order_relaxed);
        if (o->pace)
                pace_take(o->pace, (uint64_t)n, 0);
}

int observe_hash(struct observer *o, uint64_t max)
{
        for (uint64_t done = 0; done < max;) {
                ssize_t n = observe_read(o, o->buf, sizeof o->buf, (uint64_t)o->at);

                if (n == -EINTR)
                        continue;
                if (n < 0) {
                        observe_no_hash(&o->r, observe_reason((int)n));
                        return 0;
                }
                sha256_add(o->hash, span_of(o->buf, (size_t)n));
                count(o, (size_t)n);
                done += (size_t)n;
                if (is_end(o, (size_t)n)) {
                        sha256_end(o->hash, o->r.sha256);
                        o->r.hash = RECORD_HASH_KNOWN;
                        o->r.reason = RECORD_REASON_NONE;
                        return 0;
                }
                if (o->ended && atomic_load_explicit(o->ended, memory_order_relaxed))
                        return -ECANCELED;
        }
        return 1;
}
