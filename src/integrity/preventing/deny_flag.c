/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_flag.h"

#include "integrity/trusted/observe.h"
#include "integrity/why/frozen.h"
#include "sys/inodeflag.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>

enum { NAME_BYTES = 255 };

int deny_flag_open(int dirfd, const char *name)
{
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        int fd = openat(dirfd, name, flags | O_NOATIME);

        if (fd < 0 && errno == EPERM)
                fd = openat(dirfd, name, flags);
        return fd < 0 ? -errno : fd;
}

static int open_path(struct span path)
{
        const uint8_t *slash = memrchr(path.p, '/', path.n);
        size_t dir_n = (size_t)(slash - path.p), n = path.n - dir_n - 1;
        CLEANUP_FD int dirfd = observe_open_dir(dir_n ? span_of(path.p, dir_n) : SPAN("/"));
        char name[NAME_BYTES + 1];

        if (dirfd < 0)
                return dirfd;
        if (n == 0 || n > NAME_BYTES)
                return -ENOENT;
        memcpy(name, slash + 1, n);
        name[n] = '\0';
        return deny_flag_open(dirfd, name);
}

int deny_flag_clear(const struct frozen_file *x, struct record *ret)
{
        CLEANUP_FD int fd = open_path(frozen_path(x));
        int rc;

        if (fd < 0)
                return fd == -ELOOP ? -ESTALE : fd == -ENOTDIR ? -ENOENT : fd;
        rc = observe_stat_fd(fd, ret);
        if (rc < 0)
                return rc;
        if (x->ino && (ret->ino != x->ino || (uint64_t)ret->btime_ns != x->born_ns))
                return -ESTALE;
        rc = inodeflag_set_immutable(fd, false);
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
                int error = deny_flag_clear(x, &is);

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
