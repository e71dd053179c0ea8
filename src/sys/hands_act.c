/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/hands_act.h"

#include "sys/fsput.h"
#include "sys/inodeflag.h"
#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h> /* renameat */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static int or_error(int r)
{
        return r < 0 ? -errno : 0;
}

/* Removing an attribute that is not there takes the lock like any change, on every filesystem and
 * every sort of file, needs no right, leaves every time alone and makes no event. */
static int touch(const struct hand_ask *a, struct hand_got *got)
{
        (void)!fs_xattr_remove(a->fd, "trusted.assay.none");
        return 0;
}

/* ---- names ---- */

static int exchange(const struct hand_ask *a, struct hand_got *got)
{
        return fs_exchange(a->fd, a->name, a->to);
}

static int rename_new(const struct hand_ask *a, struct hand_got *got)
{
        return fs_rename_new(a->fd, a->name, a->fd2, a->to);
}

static int rename_over(const struct hand_ask *a, struct hand_got *got)
{
        return or_error(renameat(a->fd, a->name, a->fd2, a->to));
}

static int remove_name(const struct hand_ask *a, struct hand_got *got)
{
        return or_error(unlinkat(a->fd, a->name, (int)a->a));
}

static int make_dir(const struct hand_ask *a, struct hand_got *got)
{
        return or_error(mkdirat(a->fd, a->name, (mode_t)a->a));
}

static int make_node(const struct hand_ask *a, struct hand_got *got)
{
        return fs_make_node(a->fd, a->name, (uint32_t)a->a, (uint32_t)(a->b >> 32), (uint32_t)a->b);
}

/* As text, which ends with a NUL. */
static int text_of(const struct hand_ask *a, char out[PATH_BYTES])
{
        if (a->value.n >= PATH_BYTES)
                return -ENAMETOOLONG;
        memcpy(out, a->value.p, a->value.n);
        out[a->value.n] = '\0';
        return 0;
}

static int make_symlink(const struct hand_ask *a, struct hand_got *got)
{
        char text[PATH_BYTES];
        int rc = text_of(a, text);

        return rc < 0 ? rc : or_error(symlinkat(text, a->fd, a->name));
}

static int name_file(const struct hand_ask *a, struct hand_got *got)
{
        if (linkat(a->fd2, "", a->fd, a->name, AT_EMPTY_PATH) == 0)
                return 0;
        if (errno != ENOENT) /* that takes a right */
                return -errno;
        return or_error(linkat(AT_FDCWD, fd_path(a->fd2).text, a->fd, a->name, AT_SYMLINK_FOLLOW));
}

/* ---- descriptors ---- */

static int opened(int fd, struct hand_got *got)
{
        if (fd < 0)
                return -errno;
        got->fd = fd;
        return 0;
}

static int open_name(const struct hand_ask *a, struct hand_got *got)
{
        return opened(openat(a->fd, a->name, (int)a->a, (mode_t)a->b), got);
}

static int open_path(const struct hand_ask *a, struct hand_got *got)
{
        struct open_how how = { .flags = (uint64_t)a->a, .resolve = RESOLVE_NO_SYMLINKS };
        char text[PATH_BYTES];
        int rc = text_of(a, text);

        return rc < 0 ? rc : opened((int)syscall(SYS_openat2, a->fd, text, &how, sizeof how), got);
}

static int list(const struct hand_ask *a, struct hand_got *got)
{
        ssize_t n = getdents64(a->fd, got->bytes, got->room);

        got->n = n < 0 ? 0 : (size_t)n;
        return n < 0 ? -errno : 0;
}

static int rewind_list(const struct hand_ask *a, struct hand_got *got)
{
        return or_error((int)lseek(a->fd, 0, SEEK_SET));
}

static int seek(const struct hand_ask *a, struct hand_got *got)
{
        off_t at = lseek(a->fd, a->a, (int)a->b);

        got->at = at < 0 ? 0 : at;
        return at < 0 ? -errno : 0;
}

static int read_at(const struct hand_ask *a, struct hand_got *got)
{
        ssize_t n = pread(a->fd, got->bytes, got->room, a->a);

        got->n = n < 0 ? 0 : (size_t)n;
        return n < 0 ? -errno : 0;
}

static int sync_file(const struct hand_ask *a, struct hand_got *got)
{
        return or_error(fsync(a->fd));
}

/* ---- attributes ---- */

static int change_owner(const struct hand_ask *a, struct hand_got *got)
{
        return fs_chown(a->fd, (uint32_t)a->a, (uint32_t)a->b);
}

static int change_mode(const struct hand_ask *a, struct hand_got *got)
{
        return fs_chmod(a->fd, (uint32_t)a->a);
}

static int change_mtime(const struct hand_ask *a, struct hand_got *got)
{
        return fs_set_mtime(a->fd, a->a);
}

static int set_xattr(const struct hand_ask *a, struct hand_got *got)
{
        return fs_xattr_set(a->fd, a->name, a->value);
}

static int remove_xattr(const struct hand_ask *a, struct hand_got *got)
{
        return fs_xattr_remove(a->fd, a->name);
}

static int change_flags(const struct hand_ask *a, struct hand_got *got)
{
        return fs_flags_change(a->fd, (unsigned)a->a, (unsigned)a->b, &got->had);
}

static int set_immutable(const struct hand_ask *a, struct hand_got *got)
{
        return inodeflag_set_immutable(a->fd, a->a != 0);
}

typedef int act_fn(const struct hand_ask *a, struct hand_got *got);
static act_fn *const acts[HAND_ACTS] = {
        [HAND_TOUCH] = touch,
        [HAND_EXCHANGE] = exchange,
        [HAND_RENAME_NEW] = rename_new,
        [HAND_RENAME] = rename_over,
        [HAND_UNLINK] = remove_name,
        [HAND_MKDIR] = make_dir,
        [HAND_NODE] = make_node,
        [HAND_SYMLINK] = make_symlink,
        [HAND_LINK] = name_file,
        [HAND_OPEN] = open_name,
        [HAND_OPEN_PATH] = open_path,
        [HAND_LIST] = list,
        [HAND_REWIND] = rewind_list,
        [HAND_SEEK] = seek,
        [HAND_READ] = read_at,
        [HAND_SYNC] = sync_file,
        [HAND_CHOWN] = change_owner,
        [HAND_CHMOD] = change_mode,
        [HAND_MTIME] = change_mtime,
        [HAND_XATTR_SET] = set_xattr,
        [HAND_XATTR_REMOVE] = remove_xattr,
        [HAND_FLAGS] = change_flags,
        [HAND_IMMUTABLE] = set_immutable,
};

int hands_act(const struct hand_ask *a, struct hand_got *got)
{
        return (unsigned)a->act < HAND_ACTS ? acts[a->act](a, got) : -EINVAL;
}
