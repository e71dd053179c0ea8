/* SPDX-License-Identifier: Apache-2.0 */
/* Marks: the best that a filesystem takes, why it takes no better one, and whose handle an event
 * has. */
#include "integrity/watching/watch_priv.h"

#include "integrity/trusted/observe.h"
#include "integrity/who/who.h"
#include "sys/io.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/epoll.h>

enum {
        BTRFS_TOP = 5,           /* the subvolume a btrfs's own id stands for */
        BTRFS_ROOT_DIR = 256,    /* inode of the directory at the top of each */
        BTRFS_HANDLE_FIRST = 77, /* FILEID_BTRFS_WITHOUT_PARENT and two more */
        BTRFS_HANDLE_LAST = 79,
        BTRFS_SUBVOLUME_AT = 8, /* objectid u64, subvolume u64, generation u32, ... */
};

static const char why_overlay[] = "an overlay takes no mark of its own";
static const char why_subvolume[] = "a subvolume takes no mark of its own";
static const char why_no_id[] = "the filesystem has no id";
static const char why_no_handles[] = "the filesystem opens no files by handle";
static const char why_no_marks[] = "the kernel takes no mark here";
static const char why_no_names[] = "its files have no handles that events could name";
static const char why_limit[] = "the kernel takes no more marks";
static const char why_twin[] = "another filesystem has the same id";

/* ---- groups ---- */

void watch_group_close(struct watch *w, unsigned at)
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

/* ---- whose handle it is ---- */

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

/* ---- marks ---- */

static bool refused(int rc)
{
        return rc == -EXDEV || rc == -ENODEV || rc == -EOPNOTSUPP || rc == -EINVAL;
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

int watch_mark_filesystem(struct watch *w, struct watch_fs *fs, int dirfd, struct err *err)
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
                        watch_group_close(w, (unsigned)at);
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

int watch_choose_scope(struct watch *w, struct watch_fs *fs, int dirfd, struct err *err)
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
                rc = watch_mark_filesystem(w, fs, dirfd, err);
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

/* ---- of directories and files ---- */

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

/* Where its marks were there are none. */
bool watch_is_unmarked(struct watch *w, const struct watch_fs *fs, int fd)
{
        bool whole = fs->scope == WATCH_FILESYSTEM;
        CLEANUP_FD int top = whole && fs->subvolume ? open_top(fs, fd) : -1;

        return fs->scope != WATCH_POLLING &&
               fan_is_marked(&w->group[whole ? GROUP_MAIN : fs->group],
                             whole ? FAN_SCOPE_FILESYSTEM : FAN_SCOPE_INODE, WATCH_UNUSED,
                             top < 0 ? fd : top) == 0;
}
