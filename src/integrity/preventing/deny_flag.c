/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_flag.h"

#include "base/hash.h"
#include "integrity/trusted/observe.h"
#include "integrity/why/frozen.h"
#include "sys/dirwalk.h"
#include "sys/hands.h"
#include "sys/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

enum { NAME_BYTES = 255 };

/* Other keys than those of what is put back at the same path. */
static uint64_t key_of(struct span path)
{
        return hash_add(HASH_BEGIN, path);
}

static struct hand_ask how(struct span path)
{
        return (struct hand_ask){ .key = key_of(path),
                                  .group = HANDS_APART,
                                  .wait_ms = HANDS_LITTLE };
}

int deny_flag_open(struct hands *h, struct span path, int dirfd, const char *name)
{
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        const struct hand_ask a = how(path);
        int fd = hand_open(h, &a, dirfd, name, flags | O_NOATIME);

        return fd == -EPERM ? hand_open(h, &a, dirfd, name, flags) : fd;
}

int deny_flag_put(struct hands *h, struct span path, int fd, bool immutable)
{
        struct hand_ask a = how(path);

        a.act = HAND_IMMUTABLE;
        a.fd = fd;
        a.a = immutable;
        return hand_call(h, &a, NULL);
}

bool deny_flag_waits(struct hands *h, struct span path)
{
        return hands_is_stuck(h, key_of(path));
}

int deny_flag_stat(struct hands *h, struct span path, struct fs_stat *ret)
{
        const struct hand_ask a = how(path);
        CLEANUP_FD int fd = -1;
        char text[PATH_MAX];

        if (path.n >= sizeof text)
                return -ENAMETOOLONG;
        memcpy(text, path.p, path.n);
        text[path.n] = '\0';
        fd = hand_open_path(h, &a, AT_FDCWD, text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? fd : fs_stat_fd(fd, ret);
}

struct opening {
        struct hands *h;
        struct span path;
};

static int open_piece(void *ctx, int dirfd, const char *piece)
{
        const struct opening *o = ctx;
        const struct hand_ask a = how(o->path);

        return hand_open_path(o->h, &a, dirfd, piece,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_path(struct hands *h, struct span path)
{
        const uint8_t *slash = memrchr(path.p, '/', path.n);
        size_t dir_n = (size_t)(slash - path.p), n = path.n - dir_n - 1;
        struct opening o = { h, path };
        CLEANUP_FD int dirfd =
                observe_open_dir_by(dir_n ? span_of(path.p, dir_n) : SPAN("/"), open_piece, &o);
        char name[NAME_BYTES + 1];

        if (dirfd < 0)
                return dirfd;
        if (n == 0 || n > NAME_BYTES)
                return -ENOENT;
        memcpy(name, slash + 1, n);
        name[n] = '\0';
        return deny_flag_open(h, path, dirfd, name);
}

/* A descriptor of it. */
static int look(struct hands *h, const struct frozen_file *x, struct record *ret)
{
        CLEANUP_FD int fd = open_path(h, frozen_path(x));
        int rc, got = fd;

        if (fd < 0)
                return fd == -ELOOP ? -ESTALE : fd == -ENOTDIR ? -ENOENT : fd;
        rc = observe_stat_fd(fd, ret);
        if (rc < 0)
                return rc;
        if (x->ino && (ret->ino != x->ino || (uint64_t)ret->btime_ns != x->born_ns))
                return -ESTALE;
        fd = -1;
        return got;
}

int deny_flag_look(struct hands *h, const struct frozen_file *x, struct record *ret)
{
        CLEANUP_FD int fd = look(h, x, ret);

        return MIN_OF(fd, 0);
}

int deny_flag_clear(struct hands *h, const struct frozen_file *x, struct record *ret)
{
        CLEANUP_FD int fd = look(h, x, ret);
        int rc = fd < 0 ? fd : deny_flag_put(h, frozen_path(x), fd, false);

        return rc < 0 ? rc : observe_stat_fd(fd, ret);
}

static int read_list(int dirfd, struct frozen *f, struct err *err)
{
        uint8_t *text = NULL;
        bool torn;
        size_t n = 0;
        int rc = io_read_file(&io_kernel, dirfd, FROZEN_FILE, FROZEN_FILE_MAX, &text, &n, err);

        if (rc == 0)
                rc = frozen_parse(f, span_of(text, n), &torn, err);
        free(text);
        return rc == -ENOENT ? 0 : rc;
}

static int write_list(int dirfd, const struct frozen *f, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(FROZEN_FILE_MAX);

        frozen_print(f, &text);
        if (buf_status(&text) < 0)
                return err_sys(err, buf_status(&text), FROZEN_FILE);
        return io_replace_file(&io_kernel, dirfd, FROZEN_FILE, dirfd, 0600, buf_span(&text), err);
}

int deny_flag_clear_all(int dirfd, deny_flag_fn *fn, void *ctx, struct deny_flag_sums *ret,
                        struct err *err)
{
        CLEANUP(frozen_freep) struct frozen *f = NULL;
        struct deny_flag_sums sums = { 0 };
        struct record is;
        int rc = frozen_new(&f, err);

        if (rc == 0)
                rc = read_list(dirfd, f, err);
        for (size_t i = rc == 0 ? frozen_count(f) : 0; i > 0; i--) {
                struct frozen_file *x = frozen_at(f, i - 1);
                int error = deny_flag_clear(NULL, x, &is);

                if (error == 0 || error == -ESTALE) { /* what was frozen there is gone */
                        sums.lifted += error == 0;
                        frozen_remove(f, x);
                        continue;
                }
                sums.missing += error == -ENOENT;
                sums.failed += error != -ENOENT;
                fn(ctx, frozen_path(x), error);
        }
        if (rc == 0 && (sums.lifted || frozen_count(f)))
                rc = write_list(dirfd, f, err);
        if (rc == 0)
                *ret = sums;
        return rc;
}
