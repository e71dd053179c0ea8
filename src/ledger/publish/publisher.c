/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.c - one round of publishing. */
#include "ledger/publish/publisher.h"

#include "ledger/files/missing.h"
#include "ledger/files/replace.h"
#include "ledger/publish/publisher_priv.h"
#include "ledger/writer/segment.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

uint64_t publisher_size(const struct publisher *p)
{
        return p->signed_size;
}

uint64_t publisher_files_made(const struct publisher *p)
{
        return filewriter_files(p->writer);
}

uint64_t publisher_covered(const struct publisher *p)
{
        return p->signed_size / TILE_WIDTH * TILE_WIDTH;
}

uint64_t publisher_segment(const struct publisher *p)
{
        return p->segment;
}

struct publisher *publisher_free(struct publisher *p)
{
        if (!p)
                return NULL;
        signer_free(p->key);
        signer_free(p->next);
        buf_done(&p->next_vkey);
        filewriter_free(p->writer);
        fd_close(&p->wal_fd);
        fd_close(&p->fd);
        buf_done(&p->bundle);
        buf_done(&p->rows);
        buf_done(&p->pending_bytes);
        free(p->pending);
        free(p->dropped);
        free(p->chunk);
        free(p);
        return NULL;
}

/* ---- signing ---- */

int publisher_put_note(struct publisher *p, struct signer *second, struct buf *note,
                       struct err *err)
{
        struct checkpoint c = { .size = p->state.size };
        size_t text;
        int r;

        memcpy(c.origin, p->origin, sizeof c.origin);
        tilestate_root(&p->state, &c.root);
        checkpoint_put(note, &c);
        text = note->n;
        buf_put_byte(note, '\n');
        r = signer_sign(p->key, span_of(note->p, text), 0, note, err);
        if (r == 0 && second)
                r = signer_sign(second, span_of(note->p, text), 0, note, err);
        if (r == 0 && buf_status(note) < 0)
                r = err_sys(err, buf_status(note), "checkpoint");
        return r;
}

/* The private copy first: the public one is never ahead of it.  That syncs the directory which the
 * public one's spare is in. */
int publisher_put_signed(struct publisher *p, struct span note, struct err *err)
{
        struct replace own = { p->private_fd, "signed", p->private_fd, "signed.old", 0600 };
        struct replace shown = { p->public_fd, "checkpoint", p->private_fd, "checkpoint.old",
                                 0644 };
        int r = replace_file(&p->io, &own, note, err);

        return r == 0 ? replace_file(&p->io, &shown, note, err) : r;
}

static int sign(struct publisher *p, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        int r;

        r = publisher_put_note(p, NULL, &note, err);
        if (r == 0)
                r = publisher_put_signed(p, buf_span(&note), err);
        return r;
}

/* ---- room ----
 *
 * A full disk must not keep the last entries (that it is full, for one) from being published: a
 * file that holds nothing is given up then, and made again when there is room.  It has to last
 * until published segments of the WAL go away, ledger_make_room(). */

void publisher_make_ballast(struct publisher *p)
{
        struct segment_order o = { .io = &p->io,
                                   .wal_fd = p->private_fd,
                                   .bytes = (uint32_t)p->ballast_bytes };
        struct statvfs disk;
        struct stat st;

        if (fstatat(p->private_fd, "ballast", &st, 0) == 0 &&
            (uint64_t)st.st_size >= p->ballast_bytes)
                return;
        /* Not the last room, which others may need more. */
        if (fstatvfs(p->private_fd, &disk) < 0 ||
            (uint64_t)disk.f_bavail * disk.f_frsize < p->ballast_bytes + PUBLISHER_ROUND_BYTES)
                return;
        snprintf(o.to, sizeof o.to, "ballast");
        segment_prepare(&o); /* the next run tries again */
}

bool publisher_drop_ballast(struct publisher *p)
{
        return p->io.unlink(p->io.ctx, p->private_fd, "ballast") == 0;
}

static int write_and_sign(struct publisher *p, struct err *err)
{
        int r = publisher_write_tree(p, err);

        if (r < 0)
                return r;
        r = p->rotate_at ? publisher_sign_rotation(p, err) : sign(p, err);
        if (r == 0)
                p->signed_size = p->state.size;
        return r;
}

/* ---- running ---- */

static int run_round(struct publisher *p, const struct ledger_position *target, struct err *err)
{
        uint64_t enough = MIN_OF(p->state.size + PUBLISHER_ROUND_ENTRIES, target->size);
        int r;

        p->round_left = PUBLISHER_ROUND_BYTES;
        r = publisher_consume(p, p->state.size, enough, target->size, err);
        if (r == 0)
                r = publisher_check_root(
                        p, p->state.size == target->size ? &target->root : &p->root, err);
        if (r < 0)
                return r;
        r = write_and_sign(p, err);
        if (r == -ENOSPC && publisher_drop_ballast(p))
                r = write_and_sign(p, err);
        if (r < 0)
                return r;
        publisher_drop_partials(p);
        publisher_make_ballast(p);
        p->caught_up |= p->state.size == target->size;
        return 0;
}

int publisher_round(struct publisher *p, const struct ledger_position *target, struct err *err)
{
        assert(target->size >= p->state.size);
        return target->size == p->state.size ? 0 : missing(run_round(p, target, err), err);
}

int publisher_run(struct publisher *p, const struct ledger_position *target, struct err *err)
{
        int r = 0;

        while (p->state.size < target->size && r == 0)
                r = publisher_round(p, target, err);
        return r;
}
