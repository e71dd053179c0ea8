/* SPDX-License-Identifier: Apache-2.0 */
/* content_pack.c - content in and out of its compressed form. */
#include "integrity/trusted/content_priv.h"

#include "base/text.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zstd.h>

enum {
        PIECE = 128 * 1024,
        LEVEL = 3,
        WINDOW_LOG_MAX = 23, /* no frame of ours asks for more memory to be read */
};

/* What one thread needs to pack a file: kept for the next one. */
struct content_packer {
        struct content_packer *next;
        ZSTD_CCtx *zstd;
        struct sha256_ctx *hash;
        uint8_t in[PIECE], out[PIECE];

        /* The file under way. */
        struct content *c;
        char tmp[sizeof "ab/tmp." + TEXT_U64_MAX];
        int fd;
        off_t at;         /* written */
        uint64_t counted; /* of it in counts.bytes */
};

static struct content_packer *packer_free(struct content_packer *p)
{
        if (!p)
                return NULL;
        ZSTD_freeCCtx(p->zstd);
        sha256_free(p->hash);
        free(p);
        return NULL;
}
DEFINE_CLEANUP(struct content_packer, packer_free)

static struct content_packer *packer_get(struct content *c)
{
        CLEANUP(packer_freep) struct content_packer *p = NULL;
        struct content_packer *got;

        pthread_mutex_lock(&c->lock);
        p = c->idle;
        c->idle = p ? p->next : NULL;
        pthread_mutex_unlock(&c->lock);
        if (!p) {
                p = calloc(1, sizeof *p);
                if (!p)
                        return NULL;
                p->zstd = ZSTD_createCCtx();
                p->hash = sha256_new();
                if (!p->zstd || !p->hash ||
                    ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, LEVEL)))
                        return NULL;
        }
        got = p;
        p = NULL;
        got->c = c;
        got->fd = -1;
        got->at = 0;
        got->counted = 0;
        return got;
}

static void packer_put_back(struct content *c, struct content_packer *p)
{
        (void)ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_only);
        pthread_mutex_lock(&c->lock);
        p->next = c->idle;
        c->idle = p;
        pthread_mutex_unlock(&c->lock);
}

void content_free_packers(struct content *c)
{
        struct content_packer *p;

        pthread_mutex_lock(&c->lock);
        p = c->idle;
        c->idle = NULL;
        pthread_mutex_unlock(&c->lock);
        while (p) {
                struct content_packer *next = p->next;

                packer_free(p);
                p = next;
        }
}

/* ---- room ---- */

static bool disk_has(const struct content *c, uint64_t n)
{
        struct statvfs st;

        if (fstatvfs(c->dirfd, &st) < 0)
                return true; /* the write will tell */
        return (uint64_t)st.f_bavail * st.f_frsize >= c->limits.free_min + n;
}

/* Count n more bytes in, if they may be. */
static int take_room(struct content_packer *p, uint64_t n)
{
        struct content *c = p->c;
        int rc = 0;

        pthread_mutex_lock(&c->lock);
        if (c->counts.bytes + n > c->limits.total_max || c->counts.files >= CONTENT_FILES_MAX) {
                rc = -ENOSPC;
        } else {
                c->counts.bytes += n;
                p->counted += n;
        }
        pthread_mutex_unlock(&c->lock);
        return rc;
}

static void give_room(struct content_packer *p)
{
        pthread_mutex_lock(&p->c->lock);
        p->c->counts.bytes -= p->counted;
        pthread_mutex_unlock(&p->c->lock);
        p->counted = 0;
}

/* ---- in ---- */

/* In the directory where it will stay. */
static int open_tmp(struct content_packer *p, const uint8_t sha256[SHA256_LEN])
{
        struct content *c = p->c;
        char dir[3];
        int rc;

        text_hex(span_of(sha256, 1), dir);
        rc = c->io->mkdir(c->io->ctx, c->dirfd, dir, 0700);
        if (rc < 0 && rc != -EEXIST)
                return rc;
        pthread_mutex_lock(&c->lock);
        snprintf(p->tmp, sizeof p->tmp, "%s/tmp.%llu", dir, (unsigned long long)c->next_tmp++);
        pthread_mutex_unlock(&c->lock);
        p->fd = c->io->open(c->io->ctx, c->dirfd, p->tmp,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return p->fd < 0 ? p->fd : 0;
}

static int write_out(struct content_packer *p, size_t n)
{
        const struct io *io = p->c->io;
        ssize_t done;
        int rc;

        if (n == 0)
                return 0;
        rc = take_room(p, n);
        if (rc < 0)
                return rc;
        done = io->pwrite(io->ctx, p->fd, p->out, n, p->at);
        if (done < 0)
                return (int)done;
        p->at += done;
        return (size_t)done == n ? 0 : -EIO;
}

/* One piece through the compressor; last ends the frame. */
static int pack_piece(struct content_packer *p, size_t n, bool last)
{
        ZSTD_inBuffer in = { p->in, n, 0 };
        size_t left;

        do {
                ZSTD_outBuffer out = { p->out, sizeof p->out, 0 };
                int rc;

                left = ZSTD_compressStream2(p->zstd, &out, &in,
                                            last ? ZSTD_e_end : ZSTD_e_continue);
                if (ZSTD_isError(left))
                        return -ENOMEM; /* nothing else can fail here */
                rc = write_out(p, out.pos);
                if (rc < 0)
                        return rc;
        } while (last ? left > 0 : in.pos < in.size);
        return 0;
}

/* Where it comes from. */
struct source {
        content_read_fn *read;
        void *ctx;
};

static ssize_t read_file(void *ctx, void *to, size_t n, uint64_t at)
{
        ssize_t got = pread(*(const int *)ctx, to, n, (off_t)at);

        return got < 0 ? -errno : got;
}

static ssize_t read_bytes(void *ctx, void *to, size_t n, uint64_t at)
{
        struct span rest = span_from(*(const struct span *)ctx, at);

        n = MIN_OF(rest.n, n);
        if (n)
                memcpy(to, rest.p, n);
        return (ssize_t)n;
}

/* All of it, hashed on the way.  -EFBIG: it has grown beyond what is kept. */
static int pack_all(struct content_packer *p, const struct source *from, uint8_t digest[SHA256_LEN])
{
        uint64_t at = 0;
        ssize_t n;
        int rc;

        sha256_begin(p->hash);
        do {
                n = from->read(from->ctx, p->in, sizeof p->in, at);
                if (n == -EINTR)
                        continue;
                if (n < 0)
                        return (int)n;
                at += (uint64_t)n;
                if (at > p->c->limits.file_max)
                        return -EFBIG;
                sha256_add(p->hash, span_of(p->in, (size_t)n));
                rc = pack_piece(p, (size_t)n, n == 0);
                if (rc < 0)
                        return rc;
        } while (n != 0);
        sha256_end(p->hash, digest);
        return 0;
}

static int put_in_place(struct content_packer *p, const uint8_t sha256[SHA256_LEN])
{
        struct content *c = p->c;
        char path[CONTENT_PATH_MAX];
        int rc = c->later ? 0 : c->io->fsync(c->io->ctx, p->fd);

        content_path(sha256, path);
        if (rc == 0)
                rc = c->io->rename(c->io->ctx, c->dirfd, p->tmp, path);
        if (rc < 0)
                return rc;
        pthread_mutex_lock(&c->lock);
        c->unsynced[sha256[0]] = true;
        pthread_mutex_unlock(&c->lock);
        return 0;
}

/* -EEXIST: another thread was faster. */
static int pack(struct content_packer *p, const struct source *from,
                const uint8_t sha256[SHA256_LEN])
{
        struct content *c = p->c;
        uint8_t digest[SHA256_LEN];
        int rc = open_tmp(p, sha256);

        if (rc < 0)
                return rc;
        rc = pack_all(p, from, digest);
        if (rc == 0 && memcmp(digest, sha256, SHA256_LEN) != 0)
                rc = -EAGAIN;
        if (rc == 0 && content_has(c, sha256))
                rc = -EEXIST;
        if (rc == 0)
                rc = put_in_place(p, sha256);
        fd_close(&p->fd);
        if (rc < 0) {
                (void)!c->io->unlink(c->io->ctx, c->dirfd, p->tmp);
                give_room(p);
        }
        return rc;
}

static void count_result(struct content *c, int rc)
{
        pthread_mutex_lock(&c->lock);
        c->counts.files += rc == 0;
        c->counts.kept += rc == 0;
        c->counts.had += rc == -EEXIST;
        c->counts.too_large += rc == -EFBIG;
        c->counts.no_room += rc == -ENOSPC || rc == -EDQUOT;
        c->counts.failed += rc < 0 && rc != -EEXIST && rc != -EFBIG && rc != -ENOSPC &&
                            rc != -EDQUOT && rc != -EAGAIN;
        pthread_mutex_unlock(&c->lock);
}

/* -EEXIST: it was there. */
static int keep(struct content *c, const struct source *from, const uint8_t sha256[SHA256_LEN],
                uint64_t size, uint64_t max)
{
        struct content_packer *p;
        int rc;

        if (content_has(c, sha256))
                return -EEXIST;
        if (size > MIN_OF(max, c->limits.file_max))
                return -EFBIG;
        if (!disk_has(c, size))
                return -ENOSPC;
        p = packer_get(c);
        if (!p)
                return -ENOMEM;
        rc = pack(p, from, sha256);
        packer_put_back(c, p);
        return rc;
}

int content_keep_by(struct content *c, content_read_fn *fn, void *ctx,
                    const uint8_t sha256[SHA256_LEN], uint64_t size, uint64_t max)
{
        int rc = keep(c, &(struct source){ fn, ctx }, sha256, size, max);

        count_result(c, rc);
        return rc == -EAGAIN ? rc : 0;
}

int content_keep(struct content *c, int fd, const uint8_t sha256[SHA256_LEN], uint64_t size,
                 uint64_t max)
{
        return content_keep_by(c, read_file, &fd, sha256, size, max);
}

int content_keep_value(struct content *c, struct span value, const uint8_t sha256[SHA256_LEN])
{
        int rc = keep(c, &(struct source){ read_bytes, &value }, sha256, value.n, UINT64_MAX);

        if (rc == 0) {
                pthread_mutex_lock(&c->lock);
                c->counts.files++; /* but no file of the watched ones: not kept or had */
                pthread_mutex_unlock(&c->lock);
        }
        return rc == -EEXIST ? 0 : rc;
}

/* ---- out ---- */

static int write_all(int fd, const uint8_t *p, size_t n)
{
        while (n) {
                ssize_t done = write(fd, p, n);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done < 0)
                        return -errno;
                p += done;
                n -= (size_t)done;
        }
        return 0;
}

struct unpacker {
        ZSTD_DCtx *zstd;
        struct sha256_ctx *hash;
        int in_fd, out_fd;
        bool whole; /* a frame has just ended */
        uint8_t in[PIECE], out[PIECE];
};

static struct unpacker *unpacker_free(struct unpacker *u)
{
        if (!u)
                return NULL;
        ZSTD_freeDCtx(u->zstd);
        sha256_free(u->hash);
        free(u);
        return NULL;
}
DEFINE_CLEANUP(struct unpacker, unpacker_free)

/* One frame is all there is. */
static int unpack_piece(struct unpacker *u, size_t n)
{
        ZSTD_inBuffer in = { u->in, n, 0 };
        ZSTD_outBuffer out;
        size_t left;
        int rc;

        do {
                if (u->whole)
                        return -EBADMSG;
                out = (ZSTD_outBuffer){ u->out, sizeof u->out, 0 };
                left = ZSTD_decompressStream(u->zstd, &out, &in);
                if (ZSTD_isError(left))
                        return -EBADMSG;
                u->whole = left == 0;
                sha256_add(u->hash, span_of(u->out, out.pos));
                rc = write_all(u->out_fd, u->out, out.pos);
                if (rc < 0)
                        return rc;
        } while (in.pos < in.size || (out.pos == out.size && !u->whole));
        return 0;
}

static int unpack_all(struct unpacker *u, uint8_t digest[SHA256_LEN])
{
        ssize_t n;
        int rc = 0;

        sha256_begin(u->hash);
        while (rc == 0 && (n = read(u->in_fd, u->in, sizeof u->in)) != 0)
                rc = n < 0 ? -errno : unpack_piece(u, (size_t)n);
        if (rc == 0)
                sha256_end(u->hash, digest);
        return rc == 0 && !u->whole ? -EBADMSG : rc;
}

int content_copy(const struct content *c, const uint8_t sha256[SHA256_LEN], int out_fd,
                 struct err *err)
{
        CLEANUP(unpacker_freep) struct unpacker *u = calloc(1, sizeof *u);
        char path[CONTENT_PATH_MAX];
        CLEANUP_FD int fd = -1;
        uint8_t digest[SHA256_LEN];
        int rc;

        content_path(sha256, path);
        fd = openat(c->dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return err_sys(err, -errno, "content/%s", path);
        if (u) {
                u->zstd = ZSTD_createDCtx();
                u->hash = sha256_new();
                u->in_fd = fd;
                u->out_fd = out_fd;
        }
        if (!u || !u->zstd || !u->hash)
                return err_set(err, -ENOMEM, "content/%s: out of memory", path);
        (void)ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
        rc = unpack_all(u, digest);
        if (rc == 0 && memcmp(digest, sha256, SHA256_LEN) != 0)
                rc = -EBADMSG;
        if (rc == -EBADMSG)
                return err_set(err, rc, "content/%s: is damaged", path);
        return rc < 0 ? err_sys(err, rc, "content/%s", path) : 0;
}

int content_copy_from(int dirfd, const uint8_t sha256[SHA256_LEN], int out_fd, struct err *err)
{
        struct content c = { .dirfd = content_open_dir(dirfd) };
        int rc = c.dirfd < 0 ? err_sys(err, c.dirfd, "content") : 0;

        if (rc == 0)
                rc = content_copy(&c, sha256, out_fd, err);
        fd_close(&c.dirfd);
        return rc;
}
