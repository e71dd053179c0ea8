/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/content_priv.h"

#include "base/text.h"
#include "sys/io.h"
#include "sys/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void content_path(const uint8_t sha256[SHA256_LEN], char out[CONTENT_PATH_MAX])
{
        text_hex(span_of(sha256, 1), out);
        out[2] = '/';
        text_hex(span_of(sha256 + 1, SHA256_LEN - 1), out + 3);
}

/* ---- opening ---- */

struct walk {
        content_hash_fn *fn;
        void *ctx;
        uint8_t sha256[SHA256_LEN];
};

static int walk_file(void *ctx, int dirfd, const char *name)
{
        struct walk *w = ctx;

        if (text_from_hex(span_str(name), w->sha256 + 1, SHA256_LEN - 1) < 0)
                return 0; /* nothing of ours */
        return w->fn(w->ctx, w->sha256);
}

static int walk_dir(void *ctx, int dirfd, const char *name)
{
        CLEANUP_FD int fd = -1;
        struct walk *w = ctx;

        if (text_from_hex(span_str(name), w->sha256, 1) < 0)
                return 0;
        fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOTDIR ? 0 : -errno;
        return names_each(fd, ".", walk_file, w);
}

int content_each(const struct content *c, content_hash_fn *fn, void *ctx)
{
        struct walk w = { .fn = fn, .ctx = ctx };

        return names_each(c->dirfd, ".", walk_dir, &w);
}

static int remove_tmp(void *ctx, int dirfd, const char *name)
{
        struct content *c = ctx;

        return strncmp(name, "tmp.", 4) == 0 ? c->io->unlink(c->io->ctx, dirfd, name) : 0;
}

/* Also in the store itself, where they were once. */
static int remove_tmps(void *ctx, int dirfd, const char *name)
{
        CLEANUP_FD int fd = -1;
        uint8_t first;

        if (text_from_hex(span_str(name), &first, 1) < 0)
                return remove_tmp(ctx, dirfd, name);
        fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOTDIR ? 0 : -errno;
        return names_each(fd, ".", remove_tmp, ctx);
}

static int count_one(void *ctx, const uint8_t sha[SHA256_LEN])
{
        struct content *c = ctx;
        char path[CONTENT_PATH_MAX];
        struct stat st;

        content_path(sha, path);
        if (fstatat(c->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        c->counts.files++;
        c->counts.bytes += (uint64_t)st.st_size;
        return 0;
}

static int open_store(struct content *c, struct err *err)
{
        int rc = io_make_dirs(c->io, c->parent, "content", 0700, err);

        if (rc == -ENOSPC || rc == -EDQUOT || rc == -EROFS)
                return 0; /* for nothing in it, too: as if it were full */
        if (rc < 0)
                return rc;
        c->dirfd = c->io->open(c->io->ctx, c->parent, "content",
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        if (c->dirfd < 0)
                return err_sys(err, c->dirfd, "content: cannot be opened");
        rc = names_each(c->dirfd, ".", remove_tmps, c);
        if (rc == 0)
                rc = content_each(c, count_one, c);
        return rc < 0 ? err_sys(err, rc, "content: cannot be read") : 0;
}

int content_open(const struct io *io, int dirfd, const struct content_limits *limits,
                 struct content **ret, struct err *err)
{
        CLEANUP(content_freep) struct content *c = calloc(1, sizeof *c);
        int rc;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory for the content store");
        pthread_mutex_init(&c->lock, NULL);
        c->io = io;
        c->dirfd = -1;
        c->parent = dirfd;
        c->limits.file_max = limits->file_max ? limits->file_max : CONTENT_FILE_MAX;
        c->limits.total_max = limits->total_max ? limits->total_max : CONTENT_TOTAL_MAX;
        c->limits.free_min = limits->free_min ? limits->free_min : CONTENT_FREE_MIN;
        rc = open_store(c, err);
        if (rc < 0)
                return rc;
        *ret = c;
        c = NULL;
        return 0;
}

struct content *content_free(struct content *c)
{
        if (!c)
                return NULL;
        content_free_packers(c);
        fd_close(&c->dirfd);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return NULL;
}

/* ---- asking ---- */

bool content_has(const struct content *c, const uint8_t sha256[SHA256_LEN])
{
        char path[CONTENT_PATH_MAX];
        struct stat st;

        content_path(sha256, path);
        return fstatat(c->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

bool content_is_at(const struct content *c, int dirfd)
{
        struct stat a, b;

        return fstatat(dirfd, "content", &a, AT_SYMLINK_NOFOLLOW) == 0 &&
               fstat(c->dirfd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct content_counts content_counts(struct content *c)
{
        struct content_counts now;

        pthread_mutex_lock(&c->lock);
        now = c->counts;
        pthread_mutex_unlock(&c->lock);
        return now;
}

int content_open_dir(int dirfd)
{
        int fd = openat(dirfd, "content", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int content_count(int dirfd, struct content_counts *ret)
{
        struct content c = { .dirfd = content_open_dir(dirfd) };
        int rc = c.dirfd < 0 ? c.dirfd : content_each(&c, count_one, &c);

        fd_close(&c.dirfd);
        if (rc == 0)
                *ret = c.counts;
        return rc;
}

bool content_is_kept(int dirfd, const uint8_t sha256[SHA256_LEN])
{
        struct content c = { .dirfd = content_open_dir(dirfd) };
        bool kept = c.dirfd >= 0 && content_has(&c, sha256);

        fd_close(&c.dirfd);
        return kept;
}

void content_count_anew(struct content *c)
{
        if (c->dirfd < 0)
                (void)!open_store(c, NULL);
        pthread_mutex_lock(&c->lock);
        c->counts = (struct content_counts){ .files = c->counts.files, .bytes = c->counts.bytes };
        pthread_mutex_unlock(&c->lock);
}

/* ---- durability ---- */

void content_sync_later(struct content *c)
{
        c->later = true;
}

int content_sync(struct content *c, struct err *err)
{
        int rc;

        if (c->dirfd < 0)
                return 0; /* nothing is in it */
        rc = c->later && syncfs(c->dirfd) < 0 ? -errno : 0;
        c->later = c->later && rc < 0;
        content_free_packers(c);
        for (unsigned i = 0; i < ARRAY_LEN(c->unsynced) && rc == 0; i++) {
                CLEANUP_FD int fd = -1;
                char dir[3];

                if (!c->unsynced[i])
                        continue;
                snprintf(dir, sizeof dir, "%02x", i);
                fd = c->io->open(c->io->ctx, c->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
                rc = fd < 0 ? fd : c->io->fsync(c->io->ctx, fd);
                if (rc == 0)
                        c->unsynced[i] = false;
        }
        if (rc == 0)
                rc = c->io->fsync(c->io->ctx, c->dirfd);
        return rc < 0 ? err_sys(err, rc, "content: cannot be made durable") : 0;
}

/* ---- forgetting ---- */

struct content_sweep {
        struct content *c;
        uint8_t (*hash)[SHA256_LEN]; /* ascending */
        bool *marked;
        size_t n, max;
};

static int sweep_add(void *ctx, const uint8_t sha[SHA256_LEN])
{
        struct content_sweep *s = ctx;

        if (s->n == s->max)
                return 0; /* came after the count: nobody asked for it to go */
        memcpy(s->hash[s->n++], sha, SHA256_LEN);
        return 0;
}

static int hash_cmp(const void *a, const void *b)
{
        return memcmp(a, b, SHA256_LEN);
}

int content_sweep_begin(struct content *c, struct content_sweep **ret, struct err *err)
{
        CLEANUP(content_sweep_freep) struct content_sweep *s = calloc(1, sizeof *s);
        int rc;

        if (!s)
                return err_set(err, -ENOMEM, "out of memory for a sweep");
        s->c = c;
        s->max = content_counts(c).files;
        s->hash = calloc(s->max + 1, SHA256_LEN);
        s->marked = calloc(s->max + 1, sizeof(bool));
        if (!s->hash || !s->marked)
                return err_set(err, -ENOMEM, "out of memory for a sweep");
        rc = content_each(c, sweep_add, s);
        if (rc < 0)
                return err_sys(err, rc, "content: cannot be read");
        qsort(s->hash, s->n, SHA256_LEN, hash_cmp);
        *ret = s;
        s = NULL;
        return 0;
}

void content_sweep_mark(struct content_sweep *s, const uint8_t sha256[SHA256_LEN])
{
        uint8_t(*at)[SHA256_LEN] = bsearch(sha256, s->hash, s->n, SHA256_LEN, hash_cmp);

        if (at)
                s->marked[at - s->hash] = true;
}

static bool sweep_one(struct content *c, const uint8_t sha[SHA256_LEN])
{
        char path[CONTENT_PATH_MAX];
        struct stat st;

        content_path(sha, path);
        if (fstatat(c->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            c->io->unlink(c->io->ctx, c->dirfd, path) < 0)
                return false;
        c->counts.files--;
        c->counts.bytes -= MIN_OF(c->counts.bytes, (uint64_t)st.st_size);
        return true;
}

uint64_t content_sweep_end(struct content_sweep *s)
{
        uint64_t removed = 0;

        for (size_t i = 0; i < s->n; i++)
                removed += !s->marked[i] && sweep_one(s->c, s->hash[i]);
        content_sweep_free(s);
        return removed;
}

struct content_sweep *content_sweep_free(struct content_sweep *s)
{
        if (!s)
                return NULL;
        free(s->hash);
        free(s->marked);
        free(s);
        return NULL;
}
