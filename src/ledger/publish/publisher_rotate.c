/* SPDX-License-Identifier: Apache-2.0 */
/* publisher_rotate.c - the change of the signing key.
 *
 *   1  keys/log.next is made: the promise
 *   2  ledger.key_rotated, which names that key, is committed, alone in its batch
 *   3  the tree up to it, and a checkpoint that both keys sign: rotation/<size>
 *   4  that checkpoint takes the place of `signed`, then of the public one
 *   5  keys/log.next becomes keys/log
 *
 * Each step is durable before the next.  As long as keys/log.next is there, a round ends behind the
 * entry that names it, so no size beyond is signed before step 5: not by this process, nor by one
 * that opens the log after a failure or a crash anywhere in between and does the rest. */
#include "ledger/publish/publisher_priv.h"
#include "ledger/signing/keys.h"
#include "wire/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the promise ---- */

static int sync_keys(struct publisher *p, struct err *err)
{
        CLEANUP_FD int dir =
                p->io.open(p->io.ctx, p->private_fd, "keys", O_RDONLY | O_DIRECTORY, 0);
        int r;

        if (dir < 0)
                return err_sys(err, dir, "keys");
        r = p->io.fsync(p->io.ctx, dir);
        return r < 0 ? err_set(err, -EIO, "keys: sync failed (%s)", strerror(-r)) : 0;
}

int publisher_await_rotation(struct publisher *p, struct err *err)
{
        CLEANUP(signer_freep) struct signer *next = NULL;
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
        struct note_vkey vkey;
        int r;

        /* Whoever was killed may have renamed a key, and synced nothing. */
        r = sync_keys(p, err);
        if (r == 0)
                r = keys_load(p->private_fd, &p->io, "log.next", &next, err);
        if (r < 0)
                return r;
        signer_vkey(next, &vkey);
        if (strcmp(vkey.name, p->origin) != 0) /* nobody could open its checkpoints */
                return err_set(err, -EINVAL, "keys/log.next is a key of %s, not of this log",
                               vkey.name);
        note_vkey_put(&text, &vkey);
        buf_clear(&p->next_vkey);
        json_put_quoted(&p->next_vkey, buf_span(&text));
        r = MIN_OF(buf_status(&text), buf_status(&p->next_vkey));
        if (r < 0)
                return err_sys(err, r, "keys/log.next");
        signer_free(p->next);
        p->next = next;
        next = NULL;
        return 0;
}

/* Nothing is allocated here: a missed one could not be made good. */
bool publisher_is_rotation(const struct publisher *p, struct span entry)
{
        struct json_value e, k, vkey;

        if (!p->next || json_check(entry, NULL) < 0)
                return false;
        e = json_value_of(entry);
        return json_get(e, "k", &k) && span_eq_str(k.raw, "\"ledger.key_rotated\"") &&
               json_get_path(e, "what.vkey", &vkey) && span_eq(vkey.raw, buf_span(&p->next_vkey));
}

/* ---- keeping it ---- */

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
static int take_next_key(struct publisher *p, struct err *err)
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
        p->key = p->next;
        p->next = NULL;
        return 0;
}

/* Steps 3 to 5.  Signed by both, so whichever key a crash leaves in place can open it. */
static int put_rotation(struct publisher *p, struct span note, struct err *err)
{
        int r = keep_rotation(p, note, err);

        if (r == 0)
                r = publisher_put_signed(p, note, err);
        return r < 0 ? r : take_next_key(p, err);
}

int publisher_sign_rotation(struct publisher *p, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        int r;

        r = publisher_put_note(p, p->next, &note, err);
        if (r == 0)
                r = put_rotation(p, buf_span(&note), err);
        if (r == 0)
                p->rotate_at = 0;
        return r;
}

int publisher_resume_rotation(struct publisher *p, struct span signed_note, struct err *err)
{
        struct note_vkey vkey;
        struct note note;
        int r = publisher_await_rotation(p, err);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        signer_vkey(p->next, &vkey);
        r = note_parse(signed_note, &note, err);
        if (r == 0)
                r = verifier_check(&vkey, &note, NULL, err);
        if (r < 0)
                return r == -ENOENT ? 0 : r; /* step 3 is yet to come, or 2 */
        /* All of it is there, but perhaps not for good: a kill comes between rename and sync. */
        return put_rotation(p, signed_note, err);
}
