/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.c - one round of publishing, and the key's succession. */
#include "ledger/publisher.h"

#include "ledger/keys.h"
#include "ledger/missing.h"
#include "ledger/publisher_priv.h"
#include "ledger/segment.h"

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

static int put_note(struct publisher *p, struct signer *second, struct buf *note, struct err *err)
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

/* The private copy first: the public one is never ahead of it. */
static int put_signed(struct publisher *p, struct span note, struct err *err)
{
        int r = io_replace_file(&p->io, p->private_fd, "signed", p->private_fd, 0600, note, err);

        if (r == 0)
                r = io_replace_file(&p->io, p->public_fd, "checkpoint", p->public_fd, 0644, note,
                                    err);
        return r;
}

static int sign(struct publisher *p, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        int r;

        r = put_note(p, NULL, &note, err);
        if (r == 0)
                r = put_signed(p, buf_span(&note), err);
        if (r == 0)
                p->signed_size = p->state.size;
        return r;
}

/* ---- changing the key ---- */

static int keep_rotation(struct publisher *p, struct span note, struct err *err)
{
        CLEANUP_FD int dir = -1;
        char path[64];
        int r;

        r = io_make_dirs(&p->io, p->public_fd, "rotation", 0755, err);
        if (r < 0)
                return r;
        dir = p->io.open(p->io.ctx, p->public_fd, "rotation", O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
                return err_sys(err, dir, "rotation");
        snprintf(path, sizeof path, "rotation/%llu", (unsigned long long)p->state.size);
        return io_replace_file(&p->io, p->public_fd, path, dir, 0644, note, err);
}

/* The old key's file has lost its name to the new one; fd still has it.  Where a disk keeps older
 * blocks, as flash does, its bytes may survive there: SECURITY.md. */
static void overwrite_old_key(struct publisher *p, int fd)
{
        static const uint8_t zeros[512];
        struct stat st;

        if (fstat(fd, &st) == 0 && st.st_size <= (off_t)sizeof zeros &&
            p->io.pwrite(p->io.ctx, fd, zeros, (size_t)st.st_size, 0) >= 0)
                (void)p->io.fdatasync(p->io.ctx, fd);
}

/* keys/log.next becomes keys/log, and the key in use. */
static int take_next_key(struct publisher *p, struct signer *next, struct err *err)
{
        CLEANUP_FD int dir =
                p->io.open(p->io.ctx, p->private_fd, "keys", O_RDONLY | O_DIRECTORY, 0);
        CLEANUP_FD int old = -1;
        int r;

        if (dir < 0)
                return err_sys(err, dir, "keys");
        old = p->io.open(p->io.ctx, dir, "log", O_WRONLY, 0);
        r = p->io.rename(p->io.ctx, dir, "log.next", "log");
        if (r < 0)
                return err_sys(err, r, "keys/log.next: rename");
        r = p->io.fsync(p->io.ctx, dir);
        if (r < 0)
                return err_set(err, -EIO, "keys: sync failed (%s)", strerror(-r));
        if (old >= 0)
                overwrite_old_key(p, old);
        signer_free(p->key);
        p->key = next;
        return 0;
}

static int load_next_key(struct publisher *p, struct signer **ret, struct err *err)
{
        CLEANUP(signer_freep) struct signer *next = NULL;
        struct note_vkey vkey;
        int r = keys_load(p->private_fd, &p->io, "log.next", &next, err);

        if (r < 0)
                return r;
        signer_vkey(next, &vkey);
        if (strcmp(vkey.name, p->origin) != 0) /* nobody could open its checkpoints */
                return err_set(err, -EINVAL, "keys/log.next is a key of %s, not of this log",
                               vkey.name);
        *ret = next;
        next = NULL;
        return 0;
}

int publisher_rotate(struct publisher *p, const struct ledger_position *target, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        CLEANUP(signer_freep) struct signer *next = NULL;
        int r;

        r = publisher_run(p, target, err);
        if (r == 0)
                r = load_next_key(p, &next, err);
        if (r == 0)
                r = put_note(p, next, &note, err);
        if (r == 0)
                r = keep_rotation(p, buf_span(&note), err);
        /* Signed by both, so whichever key a crash leaves in place can open it. */
        if (r == 0)
                r = put_signed(p, buf_span(&note), err);
        if (r == 0)
                r = take_next_key(p, next, err);
        if (r == 0)
                next = NULL; /* the publisher's now */
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

        return r < 0 ? r : sign(p, err);
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
