/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_create.c - an empty ledger: its key, its first segments, its checkpoint of size 0. */
#include "crypto/sha256.h"
#include "ledger/signing/keys.h"
#include "ledger/writer/ledger_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

void ledger_log_id(const char *origin, uint8_t out[WAL_LOG_ID])
{
        uint8_t digest[SHA256_LEN];

        sha256(span_str(origin), digest);
        memcpy(out, digest, WAL_LOG_ID);
}

uint32_t ledger_segment_bytes(const struct ledger_options *o)
{
        return o->segment_bytes ? o->segment_bytes : LEDGER_SEGMENT_DEFAULT;
}

int ledger_lock(int private_fd, int *ret_fd, struct err *err)
{
        int fd = openat(private_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
                return err_sys(err, -errno, "lock");
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                int r = -errno;

                close(fd);
                if (r == -EWOULDBLOCK)
                        return err_set(err, r, "another writer has this ledger open");
                return err_sys(err, r, "lock");
        }
        *ret_fd = fd;
        return 0;
}

static int create_segments(int private_fd, const struct ledger_options *o, struct err *err)
{
        struct segment_order order = { .io = o->io, .bytes = ledger_segment_bytes(o) };
        char first[SEGMENT_NAME_MAX];
        const char *names[] = { SEGMENT_RESERVE, SEGMENT_NEXT, first };
        CLEANUP_FD int wal = -1;

        if (order.bytes < LEDGER_SEGMENT_MIN || order.bytes > LEDGER_SEGMENT_MAX ||
            order.bytes % 4096)
                return err_set(err, -EINVAL, "a segment of %u bytes: %d to %d, in steps of 4096",
                               order.bytes, LEDGER_SEGMENT_MIN, LEDGER_SEGMENT_MAX);
        segment_name(1, first);
        wal = o->io->open(o->io->ctx, private_fd, "wal", O_RDONLY | O_DIRECTORY, 0);
        if (wal < 0)
                return err_sys(err, wal, "wal");
        order.wal_fd = wal;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(order.to, sizeof order.to, "%s", names[i]);
                segment_prepare(&order);
                if (order.result < 0) {
                        if (err)
                                *err = order.err;
                        return order.result;
                }
        }
        return 0;
}

static int sign_empty(int public_fd, int private_fd, const struct ledger_options *o,
                      const char *origin, struct err *err)
{
        struct checkpoint c = { .size = 0 };
        CLEANUP(signer_freep) struct signer *key = NULL;
        struct note_vkey vkey;
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        size_t text;
        int r;

        r = keys_load(private_fd, o->io, "log", &key, err);
        if (r < 0)
                return r;
        signer_vkey(key, &vkey);
        if (strcmp(vkey.name, origin) != 0)
                return err_set(err, -EEXIST, "keys/log is there already, of the log %s", vkey.name);
        snprintf(c.origin, sizeof c.origin, "%s", origin);
        memcpy(c.root.b, sha256_empty, HASH_LEN);
        checkpoint_put(&note, &c);
        text = note.n;
        buf_put_byte(&note, '\n');
        r = signer_sign(key, span_of(note.p, text), 0, &note, err);
        if (r == 0 && (r = buf_status(&note)) < 0)
                err_sys(err, r, "checkpoint");
        if (r == 0)
                r = io_replace_file(o->io, private_fd, "signed", private_fd, 0600, buf_span(&note),
                                    err);
        if (r == 0)
                r = io_replace_file(o->io, public_fd, "checkpoint", public_fd, 0644,
                                    buf_span(&note), err);
        return r;
}

int ledger_create(int public_fd, int private_fd, const char *origin, const struct ledger_options *o,
                  struct err *err)
{
        CLEANUP_FD int lock = -1;
        int r;

        if (!note_origin_ok(span_str(origin)))
                return err_set(err, -EINVAL,
                               "origin \"%s\": 1 to %d bytes, no scheme, blank, plus, invisible "
                               "character, empty or dot segment",
                               origin, NOTE_NAME_MAX);
        r = ledger_lock(private_fd, &lock, err);
        if (r < 0)
                return r;
        if (faccessat(private_fd, "signed", F_OK, 0) == 0 ||
            faccessat(public_fd, "checkpoint", F_OK, 0) == 0)
                return err_set(err, -EEXIST, "there is a ledger here already");
        if (faccessat(public_fd, "tile/0", F_OK, 0) == 0)
                return err_set(err, -ENOTEMPTY, "there are tiles of a ledger here already");
        r = io_make_dirs(o->io, private_fd, "keys", 0700, err);
        if (r == 0)
                r = io_make_dirs(o->io, private_fd, "wal", 0700, err);
        if (r == 0)
                r = io_make_dirs(o->io, public_fd, "tile/entries", 0755, err);
        if (r == 0) {
                r = keys_generate(private_fd, o->io, "log", span_str(origin), err);
                if (r == -EEXIST) /* an earlier attempt that got no further */
                        r = 0;
        }
        if (r == 0)
                r = create_segments(private_fd, o, err);
        if (r == 0)
                r = sign_empty(public_fd, private_fd, o, origin, err);
        return r;
}
