/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/quarantine_part.h"

#include "base/buf.h"
#include "integrity/trusted/observe.h"
#include "sys/hands.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 128 * 1024 };

/* ---- taking ---- */

struct taking {
        int from, to;
        const struct observe_calls *calls;
        struct sha256_ctx *hash;
        struct quarantine_part *part;
        uint8_t piece[PIECE];
};

/* The data at or behind *at: their end.  0: there are none; a filesystem that tells of no holes has
 * none, and its files end where reading does. */
static off_t next_data(const struct taking *t, off_t *at)
{
        off_t data = observe_call_seek(t->calls, t->from, *at, SEEK_DATA), hole;

        if (hand_gave_up(data))
                return data;
        if (data < 0)
                return data == -ENXIO ? 0 : INT64_MAX;
        *at = data;
        hole = observe_call_seek(t->calls, t->from, data, SEEK_HOLE);
        if (hand_gave_up(hole))
                return hole;
        return hole <= data ? INT64_MAX : hole;
}

/* From at to end, or to the end of the file, or as much as there is room for: how many bytes. */
static int64_t copy_extent(struct taking *t, off_t at, off_t end)
{
        struct quarantine_part *p = t->part;
        off_t begun = at;

        while (at < end && p->bytes < QUARANTINE_PART_MAX) {
                uint64_t room = MIN_OF(QUARANTINE_PART_MAX - p->bytes, (uint64_t)(end - at));
                size_t most = MIN_OF(room, sizeof t->piece);
                ssize_t n = observe_call_read(t->calls, t->from, t->piece, most, at), done;

                if (n == -EINTR)
                        continue;
                if (n < 0)
                        return n;
                if (n == 0)
                        break;
                done = pwrite(t->to, t->piece, (size_t)n, (off_t)p->bytes);
                if (done != n)
                        return done < 0 ? -errno : -ENOSPC;
                sha256_add(t->hash, span_of(t->piece, (size_t)n));
                p->bytes += (uint64_t)n;
                at += n;
        }
        return at - begun;
}

static int take_all(struct taking *t)
{
        struct quarantine_part *p = t->part;
        off_t at = 0, end;
        int64_t n;

        while ((end = next_data(t, &at)) > 0) {
                if (p->n == QUARANTINE_EXTENTS_MAX || p->bytes == QUARANTINE_PART_MAX)
                        return 0;
                n = copy_extent(t, at, end);
                if (n < 0)
                        return (int)n;
                if (n == 0)
                        break; /* it has become shorter, or was no longer than this */
                p->extent[p->n].at = (uint64_t)at;
                p->extent[p->n++].bytes = (uint64_t)n;
                at += n;
        }
        if (end < 0)
                return (int)end;
        p->all = true;
        return 0;
}

int quarantine_part_take(int from, const struct observe_calls *calls, int to,
                         struct quarantine_part *ret)
{
        struct taking *t = calloc(1, sizeof *t);
        struct quarantine_part p = { .all = false };
        int rc = -ENOMEM;

        if (t)
                t->hash = sha256_new();
        if (t && t->hash) {
                t->from = from;
                t->calls = calls;
                t->to = to;
                t->part = &p;
                sha256_begin(t->hash);
                rc = take_all(t);
                sha256_end(t->hash, p.sha256);
                sha256_free(t->hash);
        }
        free(t);
        if (rc == 0)
                *ret = p;
        return rc;
}

/* ---- laying out ---- */

static int lay(int from, off_t from_at, int to, off_t at, uint64_t n, uint8_t *piece)
{
        while (n) {
                ssize_t got = pread(from, piece, MIN_OF(n, (uint64_t)PIECE), from_at), done;

                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return got < 0 ? -errno : -EBADMSG;
                done = pwrite(to, piece, (size_t)got, at);
                if (done != got)
                        return done < 0 ? -errno : -ENOSPC;
                from_at += got;
                at += got;
                n -= (uint64_t)got;
        }
        return 0;
}

int quarantine_part_lay_out(const struct quarantine_part *p, int from, uint64_t size, int to,
                            struct err *err)
{
        uint8_t *piece = malloc(PIECE);
        off_t at = 0;
        int rc = piece ? 0 : -ENOMEM;

        for (unsigned i = 0; i < p->n && rc == 0; i++) {
                rc = lay(from, at, to, (off_t)p->extent[i].at, p->extent[i].bytes, piece);
                at += (off_t)p->extent[i].bytes;
        }
        if (rc == 0 && p->all && ftruncate(to, (off_t)size) < 0)
                rc = -errno;
        free(piece);
        return rc < 0 ? err_sys(err, rc, "what was kept of it") : 0;
}
