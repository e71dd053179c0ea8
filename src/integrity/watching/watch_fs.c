/* SPDX-License-Identifier: Apache-2.0 */
/* Filesystems: which marks they take, what is done where they refuse, and their directories by
 * handle. */
#include "integrity/watching/watch_priv.h"

#include "integrity/trusted/observe.h"
#include "integrity/who/who.h"
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
        BTRFS_TOP = 5,           /* the subvolume a btrfs's own id stands for */
        BTRFS_ROOT_DIR = 256,    /* inode of the directory at the top of each */
        BTRFS_HANDLE_FIRST = 77, /* FILEID_BTRFS_WITHOUT_PARENT and two more */
        BTRFS_HANDLE_LAST = 79,
        BTRFS_SUBVOLUME_AT = 8, /* objectid u64, subvolume u64, generation u32, ... */
        FUSE_MAGIC = 0x65735546,
        FORM_FILES = 64,
};

static const char why_overlay[] = "an overlay takes no mark of its own";
static const char why_subvolume[] = "a subvolume takes no mark of its own";
static const char why_no_id[] = "the filesystem has no id";
static const char why_no_handles[] = "the filesystem opens no files by handle";
static const char why_no_marks[] = "the kernel takes no mark here";
static const char why_no_names[] = "its files have no handles that events could name";
static const char why_limit[] = "the kernel takes no more marks";
static const char why_twin[] = "another filesystem has the same id";
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

static void close_group(struct watch *w, unsigned at)
{
        epoll_ctl(w->epfd, EPOLL_CTL_DEL, w->group[at].fd, NULL);
        fan_close(&w->group[at]);
}

int watch_group_open(struct watch *w, unsigned at, struct err *err)
{
        struct epoll_event ev = { .events = EPOLLIN, .data.u32 = at };
        unsigned want = who_knows_ends(w->who) ? 0 : FAN_HAS_PIDFD;
        int rc = fan_open(want, &w->group[at], err);

        if (rc < 0)
                return rc;
        if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, w->group[at].fd, &ev) < 0) {
                rc = err_sys(err, -errno, "fanotify: a group cannot be waited for");
                fan_close(&w->group[at]);
                return rc;
        }
        w->n_groups = MAX_OF(w->n_groups, (size_t)at + 1);
        return 0;
}

static void drop_fs(struct watch *w, struct watch_fs *fs)
{
        if (fs->fd >= 0)
                fd_close(&fs->fd);
        if (fs->group >= GROUP_FIRST)
                close_group(w, fs->group);
        if (fs->links >= GROUP_FIRST)
                close_group(w, fs->links);
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

/* ---- marks ---- */

static bool refused(int rc)
{
        return rc == -EXDEV || rc == -ENODEV || rc == -EOPNOTSUPP || rc == -EINVAL;
}

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

static bool is_btrfs_handle(int32_t type, size_t n)
{
        return type >= BTRFS_HANDLE_FIRST && type <= BTRFS_HANDLE_LAST &&
               n >= BTRFS_SUBVOLUME_AT + sizeof(uint64_t);
}

/* The fsid of a subvolume is the filesystem's, with the subvolume's number over it. */
static uint64_t subvolume_fsid(uint64_t fsid, uint64_t from, uint64_t to)
{
        uint64_t x = from ^ to;

        return fsid ^ (x >> 32 | x << 32);
}

static uint64_t subvolume_of(const uint8_t *handle)
{
        uint64_t n;

        memcpy(&n, handle + BTRFS_SUBVOLUME_AT, sizeof n);
        return n;
}

/* The filesystem with a mark of its own, or seen from one, that has this fsid. */
static struct watch_fs *marked_fs(struct watch *w, uint64_t fsid)
{
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].fsid == fsid && w->fs[i].scope == WATCH_FILESYSTEM)
                        return &w->fs[i];
        return NULL;
}

void watch_handle(struct watch *w, unsigned group, uint64_t fsid, const struct fs_handle *from,
                  struct table_handle *ret)
{
        const struct watch_fs *fs = NULL;

        ret->type = from->type;
        ret->n = (uint8_t)from->n;
        memcpy(ret->b, from->bytes, from->n);
        if (group < GROUP_FIRST) {
                if (is_btrfs_handle(from->type, from->n))
                        fsid = subvolume_fsid(fsid, BTRFS_TOP, subvolume_of(from->bytes));
                fs = marked_fs(w, fsid);
        }
        for (size_t i = 0; i < w->n_fs && group >= GROUP_FIRST; i++)
                if (w->fs[i].group == group || w->fs[i].links == group)
                        fs = &w->fs[i];
        ret->fsid = fs ? fs->id : 0;
}

/* A mark on a btrfs sees all subvolumes.  Only the top takes it, which is mounted nowhere as a
 * rule; but every filesystem opens its directories by handle, and generation 0 fits any. */
static int open_top(const struct watch_fs *fs, int dirfd)
{
        const uint64_t top[] = { BTRFS_ROOT_DIR, BTRFS_TOP };
        uint8_t bytes[sizeof top + sizeof(uint32_t)] = { 0 };
        struct fs_handle h;
        int rc;

        if (fs->magic != BTRFS_SUPER_MAGIC)
                return -EXDEV;
        memcpy(bytes, top, sizeof top);
        rc = fs_handle_set(&h, BTRFS_HANDLE_FIRST, span_of(bytes, sizeof bytes));
        if (rc == 0)
                rc = fs_handle_open(dirfd, &h, O_RDONLY | O_DIRECTORY);
        return rc < 0 ? -EXDEV : rc;
}

static int mark_top(struct watch *w, const struct watch_fs *fs, int dirfd)
{
        CLEANUP_FD int fd = open_top(fs, dirfd);

        if (fd < 0)
                return fd;
        return fan_mark(&w->group[GROUP_MAIN], FAN_SCOPE_FILESYSTEM, WATCH_EVENTS, fd, NULL, NULL);
}

static int mark_filesystem(struct watch *w, struct watch_fs *fs, int dirfd, struct err *err)
{
        int rc = fan_mark(&w->group[GROUP_MAIN], FAN_SCOPE_FILESYSTEM, WATCH_EVENTS, dirfd, NULL,
                          err);

        fs->subvolume = rc == -EXDEV;
        return fs->subvolume ? mark_top(w, fs, dirfd) : rc;
}

/* Events of two filesystems with one id could not be told apart. */
static bool has_twin(struct watch *w, const struct watch_fs *fs)
{
        struct watch_fs *twin = fs->fsid ? marked_fs(w, fs->fsid) : NULL;

        if (!twin || watch_fs_fd(w, twin) >= 0)
                return twin != NULL;
        twin->fsid = 0; /* it is no longer mounted, and the end of the round drops it */
        return false;
}

static int free_group(const struct watch *w)
{
        for (unsigned i = GROUP_FIRST; i < WATCH_GROUPS_MAX; i++)
                if (w->group[i].fd < 0)
                        return (int)i;
        return -ENOSPC;
}

static int mark_directory(struct watch *w, unsigned group, int dirfd)
{
        return fan_mark(&w->group[group], FAN_SCOPE_INODE, WATCH_EVENTS | FAN_EVENT_ON_CHILD, dirfd,
                        NULL, NULL);
}

/* A group for this filesystem, if it takes marks on directories. */
static int try_directories(struct watch *w, struct watch_fs *fs, int dirfd)
{
        int rc, at = free_group(w);

        if (at < 0)
                return at;
        rc = watch_group_open(w, (unsigned)at, NULL);
        if (rc == 0) {
                rc = mark_directory(w, (unsigned)at, dirfd);
                if (rc < 0)
                        close_group(w, (unsigned)at);
        }
        if (rc == 0) {
                fs->group = (unsigned)at;
                fs->scope = WATCH_DIRECTORY;
        }
        return rc;
}

static const char *why_of(int rc)
{
        return rc == -EXDEV                     ? why_subvolume
               : rc == -ENODEV                  ? why_no_id
               : rc == -EOPNOTSUPP              ? why_no_handles
               : rc == -ENOSPC || rc == -EMFILE ? why_limit
                                                : why_no_marks;
}

/* Mark the filesystem the best way it takes.  fs is not in the list yet. */
static int choose_scope(struct watch *w, struct watch_fs *fs, int dirfd, struct err *err)
{
        bool overlay = fs->magic == OVERLAYFS_SUPER_MAGIC;
        struct table_handle h;
        int rc = -EOPNOTSUPP;

        fs->scope = WATCH_POLLING;
        if (observe_handle(dirfd, &h) < 0)
                fs->why = why_no_names;
        else if (!overlay && has_twin(w, fs))
                fs->why = why_twin;
        if (fs->why)
                return 0;
        /* An overlay may take it, and then tells its events under its upper layer's id. */
        if (!overlay)
                rc = mark_filesystem(w, fs, dirfd, err);
        if (rc == 0) {
                fs->scope = WATCH_FILESYSTEM;
                return 0;
        }
        if (!refused(rc))
                return rc;
        fs->why = overlay ? why_overlay : why_of(rc);
        rc = try_directories(w, fs, dirfd);
        if (rc < 0 && !refused(rc))
                fs->why = why_of(rc);
        return rc == -ENOMEM ? rc : 0;
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
                     ? choose_scope(w, &fs, dirfd, err)
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
                rc = mark_filesystem(w, fs, dirfd, err);
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

bool watch_wants(const struct watch *w, const struct table_handle *dir)
{
        if (w->counts.ignored)
                return true;
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].id == dir->fsid)
                        return w->fs[i].scope == WATCH_DIRECTORY;
        return false;
}

int watch_directory(struct watch *w, const struct table_handle *dir, int dirfd)
{
        struct watch_fs *fs = watch_fs_by_id(w, dir->fsid);
        int rc;

        if (w->counts.ignored &&
            fan_unignore(&w->group[GROUP_MAIN], WATCH_IGNORED, dirfd, NULL, NULL) == 0)
                w->counts.ignored--;
        if (!fs || fs->scope != WATCH_DIRECTORY)
                return 0;
        rc = mark_directory(w, fs->group, dirfd);
        if (rc == 0 || rc == -ENOMEM)
                return rc;
        fs->polled = true;
        fs->why = why_of(rc);
        w->version++;
        return 0;
}

/* Where the files of a filesystem are marked for their other names. */
static int links_group(struct watch *w, struct watch_fs *fs)
{
        int at;

        if (fs->scope == WATCH_DIRECTORY)
                return (int)fs->group;
        if (!fs->subvolume || fs->links)
                return fs->links ? (int)fs->links : GROUP_LINKS;
        at = free_group(w);
        if (at >= 0 && watch_group_open(w, (unsigned)at, NULL) < 0)
                return -ENOSPC;
        fs->links = at < 0 ? 0 : (unsigned)at;
        return at;
}

int watch_linked(struct watch *w, const struct table_handle *file, int dirfd, const char *name)
{
        const uint64_t events = FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB;
        struct watch_fs *fs = watch_fs_by_id(w, file->fsid);
        int rc, group;

        if (!fs || fs->scope == WATCH_POLLING)
                return 0;
        group = w->counts.links < WATCH_LINKS_MAX ? links_group(w, fs) : -ENOSPC;
        if (group < 0)
                return group;
        rc = fan_mark(&w->group[group], FAN_SCOPE_INODE, events, dirfd, name, NULL);
        w->counts.links += rc == 0 ? 1 : 0;
        return rc;
}

bool watch_is_links(const struct watch *w, unsigned group)
{
        if (group < GROUP_FIRST)
                return group == GROUP_LINKS;
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].links == group)
                        return true;
        return false;
}

int watch_ignore(struct watch *w, const char *path, struct err *err)
{
        int rc = fan_ignore(&w->group[GROUP_MAIN], WATCH_IGNORED, AT_FDCWD, path, err);

        w->counts.ignored += rc == 0 ? 1 : 0;
        return rc;
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

                if (fs->met)
                        continue;
                /* No longer there, or no longer watched. */
                if (fs->scope == WATCH_FILESYSTEM && watch_fs_fd(w, fs) >= 0)
                        (void)!fan_unmark(&w->group[GROUP_MAIN], FAN_SCOPE_FILESYSTEM, WATCH_EVENTS,
                                          fs->fd, NULL, NULL);
                drop_fs(w, fs);
        }
        watch_rest(w);
}

/* Where its marks were there are none. */
static bool is_unmarked(struct watch *w, const struct watch_fs *fs, int fd)
{
        bool whole = fs->scope == WATCH_FILESYSTEM;
        CLEANUP_FD int top = whole && fs->subvolume ? open_top(fs, fd) : -1;

        return fs->scope != WATCH_POLLING &&
               fan_is_marked(&w->group[whole ? GROUP_MAIN : fs->group],
                             whole ? FAN_SCOPE_FILESYSTEM : FAN_SCOPE_INODE, WATCH_UNUSED,
                             top < 0 ? fd : top) == 0;
}

/* What is not there at all shows in the list of mounts. */
static bool is_lost(struct watch *w, const struct watch_fs *fs, bool *ret_anew)
{
        CLEANUP_FD int fd = observe_open_dir(fs->path);
        const struct watch_fs *there;
        struct fs_where at;

        if (fd < 0 || fs_where(fd, &at) < 0 || (at.id == fs->id && !is_unmarked(w, fs, fd)))
                return false;
        there = watch_fs_by_id(w, at.id);
        *ret_anew = !there || there == fs || is_unmarked(w, there, fd);
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
