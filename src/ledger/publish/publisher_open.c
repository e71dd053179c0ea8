/* SPDX-License-Identifier: Apache-2.0 */
/* publisher_open.c - what was signed last, and the key to go on with. */
#include "ledger/files/missing.h"
#include "ledger/publish/publisher_priv.h"
#include "ledger/signing/keys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        BALLAST_DEFAULT = 1024 * 1024,
        PENDING_MAX = 4 * PUBLISHER_BUNDLE_MAX,
        ROWS_MAX = TILE_WIDTH * LEDGER_SEALED_MAX, /* what is acknowledged can be published */
};

/* What was put back is older than what others have seen: nothing may be made from it.  A public
 * checkpoint that is not ours to read is replaced. */
static int refuse_older(struct publisher *p, const struct checkpoint *kept, struct err *err)
{
        struct note_vkey vkey;
        struct checkpoint there;
        uint8_t *bytes;
        size_t n;
        int r = io_read_file(&p->io, p->public_fd, "checkpoint", NOTE_MAX, &bytes, &n, err);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        signer_vkey(p->key, &vkey);
        r = verifier_open_checkpoint(&vkey, span_of(bytes, n), &there, NULL);
        free(bytes);
        if (r == -ENOMEM)
                return err_sys(err, r, "checkpoint");
        return r == 0 ? verifier_compare(&there, kept, err) : 0;
}

/* The public checkpoint may be older than the private copy, or gone. */
static int copy_signed(struct publisher *p, struct span note, struct err *err)
{
        uint8_t *bytes;
        bool same;
        size_t n;
        int r;

        r = io_read_file(&p->io, p->public_fd, "checkpoint", NOTE_MAX, &bytes, &n, err);
        if (r == 0) {
                same = span_eq(span_of(bytes, n), note);
                free(bytes);
                if (same)
                        return 0;
        } else if (r != -ENOENT) {
                return r;
        }
        /* Whoever was killed may have given the private copy its name, and not synced that. */
        r = p->io.fsync(p->io.ctx, p->private_fd);
        if (r < 0)
                return err_set(err, -EIO, "private directory: sync failed (%s)", strerror(-r));
        return io_replace_file(&p->io, p->public_fd, "checkpoint", p->public_fd, 0644, note, err);
}

static int read_signed(struct publisher *p, struct buf *note, struct checkpoint *ret,
                       struct err *err)
{
        struct note_vkey vkey;
        uint8_t *bytes;
        size_t n;
        int r;

        r = keys_load(p->private_fd, &p->io, "log", &p->key, err);
        if (r < 0)
                return r;
        signer_vkey(p->key, &vkey);
        memcpy(p->origin, vkey.name, sizeof p->origin);
        r = io_read_file(&p->io, p->private_fd, "signed", NOTE_MAX, &bytes, &n, err);
        if (r < 0)
                return r;
        buf_put(note, span_of(bytes, n));
        free(bytes);
        if (buf_status(note) < 0)
                return err_sys(err, buf_status(note), "signed");
        return verifier_open_checkpoint(&vkey, buf_span(note), ret, err);
}

static int allocate(struct publisher **ret)
{
        struct publisher *p = calloc(1, sizeof *p);

        if (!p)
                return -ENOMEM;
        p->fd = p->wal_fd = -1;
        p->bundle = BUF_INIT(PUBLISHER_BUNDLE_MAX);
        p->rows = BUF_INIT(ROWS_MAX);
        p->next_vkey = BUF_INIT(NOTE_MAX);
        p->pending_bytes = BUF_INIT(PENDING_MAX);
        p->pending = calloc(PUBLISHER_FILES_MAX, sizeof *p->pending);
        p->dropped = calloc(PUBLISHER_FILES_MAX, sizeof *p->dropped);
        p->chunk = malloc(PUBLISHER_CHUNK);
        if (!p->pending || !p->dropped || !p->chunk) {
                publisher_free(p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

static int open_all(struct publisher *p, const struct publisher_options *o, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        struct checkpoint c;
        int r;

        p->wal_fd = p->io.open(p->io.ctx, p->private_fd, "wal", O_RDONLY | O_DIRECTORY, 0);
        if (p->wal_fd < 0)
                return err_sys(err, p->wal_fd, "wal");
        r = filewriter_new(p->public_fd, &p->io, o->syncer, 0644, 0755, &p->writer, err);
        if (r == 0) {
                filewriter_keep_spares(p->writer, p->private_fd, "spare");
                r = read_signed(p, &note, &c, err);
        }
        if (r == 0)
                r = refuse_older(p, &c, err);
        if (r == 0)
                r = publisher_restore(p, &c, o->rebuild, err);
        if (r == 0)
                r = copy_signed(p, buf_span(&note), err);
        if (r == 0)
                r = publisher_resume_rotation(p, buf_span(&note), err);
        if (r < 0)
                return r;
        p->signed_size = c.size;
        publisher_drop_partials(p);
        publisher_make_ballast(p);
        return 0;
}

int publisher_open(int public_fd, int private_fd, const struct publisher_options *o,
                   struct publisher **ret, struct err *err)
{
        CLEANUP(publisher_freep) struct publisher *p = NULL;
        int r;

        if (faccessat(private_fd, "signed", F_OK, 0) < 0)
                return err_sys(err, -errno, "signed");
        r = allocate(&p);
        if (r < 0)
                return err_sys(err, r, "publisher");
        p->io = *o->io;
        p->vault = o->vault;
        p->syncer = o->syncer;
        p->ballast_bytes = o->ballast_bytes ? o->ballast_bytes : BALLAST_DEFAULT;
        p->public_fd = public_fd;
        p->private_fd = private_fd;
        r = open_all(p, o, err);
        if (r < 0)
                return missing(r, err);
        *ret = p;
        p = NULL;
        return 0;
}
