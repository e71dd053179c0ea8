/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_room.c - segments: the next one, the reserve, using old ones again, the full disk.
 *
 *            order            order
 *   (nothing) ---> reserve ... next ---> in use ---> published ---> (cleared: next or reserve)
 *
 * `full` is set when an append needs a segment and only the reserve is left, and cleared when there
 * is a next one again. */
#include "ledger/writer/ledger_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file system that had no room is asked again at most this often. */
enum { RETRY_ORDER_MS = 500 };

/* A segment whose entries are all in full, synced bundles and that nobody reads any more. */
static bool oldest_is_free(const struct ledger *l)
{
        return l->n_segments > 1 && l->segments[0].free;
}

static void drop_oldest(struct ledger *l)
{
        l->n_segments--;
        memmove(l->segments, l->segments + 1, l->n_segments * sizeof *l->segments);
}

bool ledger_wants_segment(struct ledger *l, struct segment_order *ret)
{
        if (l->broken || l->ordered || (l->have_next && l->have_reserve))
                return false;
        if (l->order_failed_ns &&
            clock_mono(l->clock) - l->order_failed_ns < RETRY_ORDER_MS * NS_PER_MS)
                return false;
        *ret = (struct segment_order){
                .io = &l->io,
                .wal_fd = l->wal_fd,
                .bytes = l->segment_bytes,
        };
        /* The reserve first: it is what is left when everything else failed. */
        snprintf(ret->to, sizeof ret->to, "%s", l->have_reserve ? SEGMENT_NEXT : SEGMENT_RESERVE);
        if (oldest_is_free(l)) /* stays listed until it is known to be gone */
                segment_name(l->segments[0].number, ret->from);
        l->ordered = true;
        return true;
}

void ledger_segment_done(struct ledger *l, const struct segment_order *o)
{
        l->ordered = false;
        if (o->from[0] && faccessat(l->wal_fd, o->from, F_OK, 0) < 0)
                drop_oldest(l);
        if (o->result < 0) {
                l->order_failed_ns = MAX_OF(clock_mono(l->clock), 1);
                return;
        }
        l->order_failed_ns = 0;
        if (strcmp(o->to, SEGMENT_RESERVE) == 0)
                l->have_reserve = true;
        else
                l->have_next = true;
        if (l->have_next)
                l->full = false;
}

void ledger_tend(struct ledger *l)
{
        struct segment_order o;

        while (ledger_wants_segment(l, &o)) {
                segment_prepare(&o);
                ledger_segment_done(l, &o);
        }
}

bool ledger_is_full(const struct ledger *l)
{
        return l->full;
}

void ledger_published(struct ledger *l, uint64_t index, uint64_t segment)
{
        for (size_t i = 0; i + 1 < l->n_segments; i++) {
                struct ledger_segment *s = &l->segments[i];

                if (s->number >= segment || s->end > index)
                        break;
                s->free = true;
        }
        /* Two prepared ones are enough; what is over goes away. */
        if (l->have_next && l->have_reserve)
                ledger_make_room(l);
}

void ledger_make_room(struct ledger *l)
{
        while (oldest_is_free(l) && !l->ordered) {
                char name[SEGMENT_NAME_MAX];

                segment_name(l->segments[0].number, name);
                if (l->io.unlink(l->io.ctx, l->wal_fd, name) < 0)
                        return;
                drop_oldest(l);
        }
}

uint64_t ledger_backlog(const struct ledger *l, uint64_t published)
{
        uint64_t bytes = published < l->durable.size ? l->offset : 0;

        for (size_t i = 0; i + 1 < l->n_segments; i++)
                if (l->segments[i].end > published)
                        bytes += l->segment_bytes;
        return bytes;
}

/* Give the prepared file its number and begin it. */
static int take_segment(struct ledger *l, const char *from, struct err *err)
{
        struct wal_segment s = l->segment;
        char name[SEGMENT_NAME_MAX];
        CLEANUP_FD int fd = -1;
        struct stat st;
        int r;

        s.number++;
        s.first = l->durable.size;
        segment_name(s.number, name);
        fd = l->io.open(l->io.ctx, l->wal_fd, from, O_RDWR, 0);
        if (fd < 0)
                return err_sys(err, fd, "wal/%s", from);
        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "wal/%s", from);
        if (st.st_size < LEDGER_SEGMENT_MIN || st.st_size > LEDGER_SEGMENT_MAX)
                return err_set(err, -EBADMSG, "wal/%s: %lld bytes is no segment's size", from,
                               (long long)st.st_size);
        s.bytes = (uint32_t)st.st_size;
        r = l->io.rename(l->io.ctx, l->wal_fd, from, name);
        if (r < 0)
                return err_sys(err, r, "wal/%s: rename", from);
        r = l->io.fsync(l->io.ctx, l->wal_fd);
        if (r < 0) {
                l->broken = true;
                return err_set(err, -EIO, "wal: sync failed (%s); the log stopped", strerror(-r));
        }
        l->segments[l->n_segments - 1].end = l->durable.size;
        l->segments[l->n_segments++] =
                (struct ledger_segment){ .number = s.number, .first = s.first };
        fd_close(&l->fd);
        l->fd = fd;
        fd = -1;
        l->segment = s;
        l->salt = wal_salt(&s);
        l->offset = WAL_SEGMENT_HEADER;
        l->batch_number = 1;
        l->header_pending = true;
        return 0;
}

int ledger_rotate(struct ledger *l, bool may_use_reserve, struct err *err)
{
        int r;

        assert(l->n_staged == 0 && !l->under.on);
        if (l->n_segments == SEGMENTS_MAX)
                return err_set(err, -ENOSPC, "the log is full: %d segments wait to be published",
                               SEGMENTS_MAX);
        if (!l->have_next && !l->ordered)
                ledger_tend(l);
        if (l->have_next) {
                r = take_segment(l, SEGMENT_NEXT, err);
                if (r == 0)
                        l->have_next = false;
                return r;
        }
        if (may_use_reserve && l->have_reserve) {
                r = take_segment(l, SEGMENT_RESERVE, err);
                if (r == 0)
                        l->have_reserve = false;
                return r;
        }
        if (l->ordered)
                return err_set(err, -EAGAIN, "a segment is being prepared");
        l->full = true;
        return err_set(err, -ENOSPC, "the log is full: no room for another segment");
}
