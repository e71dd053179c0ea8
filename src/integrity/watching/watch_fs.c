/* SPDX-License-Identifier: Apache-2.0 */
/* Filesystems: which were met, whether they are still there, and their directories by handle. */
#include "integrity/watching/watch_priv.h"

#include "integrity/trusted/observe.h"
#include "sys/dirwalk.h"
#include "sys/io.h"
#include "sys/silent.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        FUSE_MAGIC = 0x65735546,
        FORM_FILES = 64,
};

static const char why_elsewhere[] = "changes from elsewhere make no event";

/* ---- filesystems in the list ---- */

struct watch_fs *watch_fs_by_id(struct watch *w, uint64_t id)
{
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].id == id)
                        return &w->fs[i];
        return NULL;
}

const struct watch_fs *watch_fs_at(const struct watch *w, size_t i)
{
        return i < w->n_fs ? &w->fs[i] : NULL;
}

bool watch_polls(const struct watch *w)
{
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].scope == WATCH_POLLING || w->fs[i].polled)
                        return true;
        return false;
}

const char *watch_how(const struct watch_fs *fs)
{
        static const char *const names[WATCH_SCOPES] = {
                [WATCH_FILESYSTEM] = "filesystem",
                [WATCH_DIRECTORY] = "directory",
                [WATCH_POLLING] = "polling",
        };

        if (fs->polled && fs->scope == WATCH_DIRECTORY)
                return "directory and polling";
        if (fs->polled && fs->scope == WATCH_FILESYSTEM)
                return "filesystem and polling";
        return names[fs->scope];
}

unsigned watch_version(const struct watch *w)
{
        return w->version;
}

static void drop_fs(struct watch *w, struct watch_fs *fs)
{
        if (fs->fd >= 0)
                fd_close(&fs->fd);
        if (fs->group >= GROUP_FIRST)
                watch_group_close(w, fs->group);
        if (fs->links >= GROUP_FIRST)
                watch_group_close(w, fs->links);
        free((void *)fs->path.p);
        *fs = w->fs[--w->n_fs];
        w->version++;
}

void watch_fs_done(struct watch *w)
{
        while (w->n_fs)
                drop_fs(w, &w->fs[w->n_fs - 1]);
        free(w->fs);
}

/* ---- meeting one ---- */

/* Filesystems that other hosts, or a process of its own, change behind the kernel's back. */
static bool changes_elsewhere(uint32_t magic)
{
        static const uint32_t shared[] = {
                FUSE_MAGIC,       NFS_SUPER_MAGIC,       SMB_SUPER_MAGIC,
                CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,      CEPH_SUPER_MAGIC,
                V9FS_MAGIC,       AFS_SUPER_MAGIC,       OCFS2_SUPER_MAGIC,
                CODA_SUPER_MAGIC, 0x01161970 /* gfs2 */, 0x786f4256 /* vboxsf */,
        };

        for (size_t i = 0; i < ARRAY_LEN(shared); i++)
                if (shared[i] == magic)
                        return true;
        return false;
}

static uint64_t dev_of(const struct fs_stat *st)
{
        return (uint64_t)st->dev_major << 32 | st->dev_minor;
}

/* Some files of it, to see where its handles have their inodes.  What cannot be seen here is seen
 * when files are opened by handle. */
static void look_at_handles(struct watch_fs *fs, int dirfd)
{
        CLEANUP_FD int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dir_reader *r = fd < 0 ? NULL : malloc(sizeof *r);
        struct fs_stat top, st;
        struct fs_handle h;
        struct dir_entry e;

        if (r && fs_stat_fd(fd, &top) == 0) {
                dir_reader_init(r, fd);
                for (unsigned i = 0; i < FORM_FILES && dir_read(r, &e) > 0; i++)
                        if (fs_stat_at(fd, e.name, &st) == 0 && dev_of(&st) == dev_of(&top) &&
                            fs_handle_of(fd, e.name, &h, NULL) == 0)
                                handle_form_learn(&fs->form, &h, dev_of(&st), st.ino);
        }
        free(r);
}

static struct watch_fs *fs_room(struct watch *w)
{
        size_t max = w->max_fs ? 2 * w->max_fs : 16;
        struct watch_fs *p = w->fs;

        if (w->n_fs == w->max_fs) {
                p = realloc(w->fs, max * sizeof *p);
                if (!p)
                        return NULL;
                w->fs = p;
                w->max_fs = max;
        }
        return &w->fs[w->n_fs];
}

static int set_path(struct watch_fs *fs, struct span path)
{
        uint8_t *copy = malloc(path.n + 1);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, path.p, path.n);
        free((void *)fs->path.p);
        fs->path = span_of(copy, path.n);
        return 0;
}

static int add_fs(struct watch *w, const struct fs_where *at, int dirfd, struct span path,
                  struct err *err)
{
        struct watch_fs fs = {
                .id = at->id, .fsid = at->fsid, .magic = at->magic, .fd = -1, .met = true
        };
        struct watch_fs *room;
        int rc;

        if (w->n_fs == WATCH_FS_MAX)
                return err_set(err, -ENOSPC, "more than %d filesystems to watch", WATCH_FS_MAX);
        room = fs_room(w);
        rc = room && set_path(&fs, path) == 0
                     ? watch_choose_scope(w, &fs, dirfd, err)
                     : err_set(err, -ENOMEM, "out of memory for a filesystem");
        if (rc < 0) {
                free((void *)fs.path.p);
                return rc;
        }
        /* A mark on a directory does not see what is written by a name outside. */
        fs.polled = fs.scope == WATCH_DIRECTORY || changes_elsewhere(fs.magic);
        if (fs.polled && !fs.why)
                fs.why = why_elsewhere;
        if (fs.scope == WATCH_FILESYSTEM)
                look_at_handles(&fs, dirfd);
        *room = fs;
        w->n_fs++;
        w->version++;
        return 1;
}

/* An unmount took its marks away, whatever is mounted there now under the same id; or it is no
 * longer where it was met first. */
static int mark_again(struct watch *w, struct watch_fs *fs, int dirfd, struct span path,
                      struct err *err)
{
        int rc = 0;

        if (watch_fs_fd(w, fs) < 0) {
                rc = set_path(fs, path);
                w->version++;
        }
        if (rc == 0 && fs->scope == WATCH_FILESYSTEM)
                rc = watch_mark_filesystem(w, fs, dirfd, err);
        if (rc < 0)
                return rc;
        fs->met = true;
        fs->lost = false;
        return 1;
}

int watch_filesystem(struct watch *w, int dirfd, struct span path, struct err *err)
{
        struct fs_where at;
        struct watch_fs *fs;
        int rc;

        if (observe_invented(dirfd))
                return 0;
        rc = fs_where(dirfd, &at);
        if (rc < 0)
                return err_sys(err, rc, "%.*s: no filesystem id", (int)MIN_OF(path.n, (size_t)200),
                               (const char *)path.p);
        fs = watch_fs_by_id(w, at.id);
        if (!fs)
                return add_fs(w, &at, dirfd, path, err);
        return fs->met ? 1 : mark_again(w, fs, dirfd, path, err);
}

/* ---- rounds ---- */

bool watch_is_met(const struct watch *w, const struct table_handle *h)
{
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].id == h->fsid)
                        return w->fs[i].met;
        return false;
}

void watch_round_begin(struct watch *w)
{
        for (size_t i = 0; i < w->n_fs; i++)
                w->fs[i].met = false;
}

void watch_round_end(struct watch *w)
{
        for (size_t i = w->n_fs; i-- > 0;) {
                struct watch_fs *fs = &w->fs[i];

                if (fs->met || silent_at(fs->path))
                        continue;
                /* No longer there, or no longer watched. */
                if (fs->scope == WATCH_FILESYSTEM && watch_fs_fd(w, fs) >= 0)
                        (void)!fan_unmark(&w->group[GROUP_MAIN], FAN_SCOPE_FILESYSTEM, WATCH_EVENTS,
                                          fs->fd, NULL, NULL);
                drop_fs(w, fs);
        }
        watch_rest(w);
}

/* What is not there at all shows in the list of mounts. */
static bool is_lost(struct watch *w, const struct watch_fs *fs, bool *ret_anew)
{
        CLEANUP_FD int fd = observe_open_dir(fs->path);
        const struct watch_fs *there;
        struct fs_where at;

        if (fd < 0 || fs_where(fd, &at) < 0 || (at.id == fs->id && !watch_is_unmarked(w, fs, fd)))
                return false;
        there = watch_fs_by_id(w, at.id);
        *ret_anew = !there || there == fs || watch_is_unmarked(w, there, fd);
        return true;
}

void watch_each_lost(struct watch *w, bool (*fn)(void *ctx, const struct watch_fs *fs, bool anew),
                     void *ctx)
{
        bool anew;

        for (size_t i = 0; i < w->n_fs; i++)
                if (!w->fs[i].lost && is_lost(w, &w->fs[i], &anew))
                        w->fs[i].lost = fn(ctx, &w->fs[i], anew);
}

/* ---- by handle ---- */

int watch_fs_fd(struct watch *w, struct watch_fs *fs)
{
        struct fs_where at;
        int fd;

        (void)w;
        if (fs->fd >= 0)
                return fs->fd;
        fd = observe_open_dir(fs->path);
        if (fd < 0)
                return -ESTALE;
        if (fs_where(fd, &at) < 0 || at.id != fs->id) {
                close(fd);
                return -ESTALE;
        }
        fs->fd = fd;
        return fd;
}

/* The root of what this process sees is busy with it anyway. */
void watch_rest(struct watch *w)
{
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].fd >= 0 && w->fs[i].path.n > 1)
                        fd_close(&w->fs[i].fd);
}

int watch_open(struct watch *w, const struct table_handle *h)
{
        struct watch_fs *fs = watch_fs_by_id(w, h->fsid);
        struct fs_handle fh;
        int rc;

        if (!fs)
                return -ESTALE;
        if (fs->scope != WATCH_FILESYSTEM) /* its handles only compare, or grow stale */
                return -EOPNOTSUPP;
        rc = fs_handle_set(&fh, h->type, span_of(h->b, h->n));
        if (rc == 0)
                rc = watch_fs_fd(w, fs);
        return rc < 0 ? rc : fs_handle_open(rc, &fh, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
}
