/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/signing/keys.h"

#include "base/text.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FILE_MAX = 1024 };

static const struct span prefix = SPAN_INIT("PRIVATE+KEY+");

static void key_path(char *out, size_t n, const char *file)
{
        int len = snprintf(out, n, "keys/%s", file);

        assert(len > 0 && (size_t)len < n);
}

static void put_key(struct buf *out, struct span name, const uint8_t seed[ED25519_SEED],
                    struct span pub)
{
        uint8_t keyid[NOTE_KEYID], secret[1 + ED25519_SEED];
        char hex[2 * NOTE_KEYID + 1];

        signer_keyid(name, NOTE_ED25519, pub, keyid);
        text_hex(span_of(keyid, sizeof keyid), hex);
        secret[0] = NOTE_ED25519;
        memcpy(secret + 1, seed, ED25519_SEED);
        buf_put(out, prefix);
        buf_put(out, name);
        buf_printf(out, "+%s+", hex);
        text_put_base64(out, span_of(secret, sizeof secret));
        buf_put_byte(out, '\n');
        wipe(secret, sizeof secret);
}

/* path from dirfd on; sync_dirfd is the directory that holds it. */
static int generate(int dirfd, const struct io *io, const char *path, int sync_dirfd,
                    struct span name, struct err *err)
{
        uint8_t seed[ED25519_SEED], pub[ED25519_PUBLIC];
        CLEANUP(ed25519_freep) struct ed25519 *key = NULL;
        struct buf text = BUF_INIT(KEY_FILE_MAX);
        int r;

        if (!note_name_ok(name))
                return err_set(err, -EINVAL, "\"%.*s\" is no name for a key: no blanks, no plus",
                               (int)name.n, (const char *)name.p);
        if (faccessat(dirfd, path, F_OK, 0) == 0)
                return err_set(err, -EEXIST, "%s: there is a key already", path);
        r = ed25519_generate(seed, err);
        if (r == 0)
                r = ed25519_from_seed(seed, &key, err);
        if (r < 0)
                goto out;
        ed25519_public(key, pub);
        put_key(&text, name, seed, span_of(pub, sizeof pub));
        r = buf_status(&text);
        if (r < 0) {
                err_sys(err, r, "key");
                goto out;
        }
        r = io_replace_file(io, dirfd, path, sync_dirfd, 0600, buf_span(&text), err);
out:
        wipe(seed, sizeof seed);
        if (text.p)
                wipe(text.p, text.cap);
        buf_done(&text);
        return r;
}

int keys_generate(int private_fd, const struct io *io, const char *file, struct span name,
                  struct err *err)
{
        CLEANUP_FD int dir = io->open(io->ctx, private_fd, "keys", O_RDONLY | O_DIRECTORY, 0);
        char path[64];

        if (dir < 0)
                return err_sys(err, dir, "keys");
        key_path(path, sizeof path, file);
        return generate(private_fd, io, path, dir, name, err);
}

int keys_generate_file(int dirfd, const struct io *io, const char *file, struct span name,
                       struct err *err)
{
        return generate(dirfd, io, file, dirfd, name, err);
}

/* text is the line without its newline. */
static int parse_key(struct span text, const char *path, struct signer **ret, struct err *err)
{
        const uint8_t *plus1, *plus2;
        uint8_t keyid[NOTE_KEYID], secret[1 + ED25519_SEED];
        struct note_vkey vkey;
        CLEANUP(signer_freep) struct signer *s = NULL;
        struct span name, hex;
        size_t n;
        int r;

        if (!span_starts(text, prefix))
                return err_set(err, -EBADMSG, "%s: no private key", path);
        text = span_from(text, prefix.n);
        plus1 = memchr(text.p, '+', text.n);
        plus2 = plus1 ? memchr(plus1 + 1, '+', (size_t)(text.p + text.n - plus1 - 1)) : NULL;
        if (!plus2)
                return err_set(err, -EBADMSG, "%s: no private key", path);
        name = span_of(text.p, (size_t)(plus1 - text.p));
        hex = span_of(plus1 + 1, (size_t)(plus2 - plus1 - 1));
        text = span_of(plus2 + 1, (size_t)(text.p + text.n - plus2 - 1));
        if (!note_name_ok(name) || text_from_hex(hex, keyid, sizeof keyid) < 0 ||
            text_from_base64(text, secret, sizeof secret, &n) < 0 || n != sizeof secret ||
            secret[0] != NOTE_ED25519) {
                r = err_set(err, -EBADMSG, "%s: malformed private key", path);
                goto out;
        }
        r = signer_new(name, NOTE_ED25519, secret + 1, &s, err);
        if (r < 0)
                goto out;
        signer_vkey(s, &vkey);
        if (memcmp(vkey.keyid, keyid, sizeof keyid) != 0) {
                r = err_set(err, -EBADMSG, "%s: the key ID does not fit the key", path);
                goto out;
        }
        *ret = s;
        s = NULL;
out:
        wipe(secret, sizeof secret);
        return r;
}

/* As sshd does: a key that others may read is not one to sign with. */
static int check_mode(int dirfd, const char *path, struct err *err)
{
        struct stat st;

        if (fstatat(dirfd, path, &st, 0) < 0)
                return err_sys(err, -errno, "%s", path);
        if (st.st_mode & 077)
                return err_set(err, -EPERM,
                               "%s: mode %04o lets others at a private key: chmod 600, and change "
                               "the key if somebody may have read it",
                               path, (unsigned)st.st_mode & 07777);
        return 0;
}

int keys_load_file(int dirfd, const struct io *io, const char *path, struct signer **ret,
                   struct err *err)
{
        uint8_t *bytes;
        size_t n;
        int r = check_mode(dirfd, path, err);

        if (r == 0)
                r = io_read_file(io, dirfd, path, KEY_FILE_MAX, &bytes, &n, err);
        if (r < 0)
                return r;
        if (n && bytes[n - 1] == '\n')
                r = parse_key(span_of(bytes, n - 1), path, ret, err);
        else
                r = err_set(err, -EBADMSG, "%s: the line does not end", path);
        wipe(bytes, n);
        free(bytes);
        return r;
}

int keys_load(int private_fd, const struct io *io, const char *file, struct signer **ret,
              struct err *err)
{
        char path[64];

        key_path(path, sizeof path, file);
        return keys_load_file(private_fd, io, path, ret, err);
}
