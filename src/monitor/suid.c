/* SPDX-License-Identifier: Apache-2.0 */
/* Files that make more of whoever executes them: set-uid, set-gid and with capabilities, on every
 * filesystem of this machine's own.  Lines:
 *   "file", path, mode in octal, user, group, "nosuid" or "-", security.capability in hex or "-"
 *   "deep", a directory that lies too deep to be looked into
 *   "unread", a directory, the errno
 *   "many", a user who has more of them than are told, how many are
 *
 * Each mount is walked by itself, for with and without nosuid the same file is not the same; but
 * one mounted twice the same way only once, and a container's overlay only in its layers.
 *
 * SECURITY: names are anybody's, and directories are moved under our feet: nothing is followed, and
 * every step is relative to an open directory of the same mount. */
#include "monitor/builtin.h"

#include "base/text.h"
#include "sys/calm.h"
#include "sys/dirwalk.h"
#include "sys/io.h"
#include "sys/mounted.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        DEPTH_MAX = 256,
        NAMES_MAX = 64 * 1024 * 1024,
        PATHS_MAX = 256 * 1024,
        MOUNTS_MAX = 1024,
        VALUE_MAX = 256,
        OWNERS_MAX = 1024,
        OWN_MAX = 1000,      /* files of one user that are told */
        TROUBLES_MAX = 1000, /* directories */
};

/* Anybody may set the bits of files of his own, and as many as he likes: that must hide no other's.
 * Owners beyond the table share its last place. */
struct owner {
        uid_t uid;
        unsigned n;
};

struct seen_mount {
        uint64_t dev, ino;
        bool nosuid;
};

struct walk {
        const char *root;
        const atomic_bool *stop;
        struct buf *out;
        int status; /* an errno */
        struct calm_pace pace;
        struct buf path;  /* of the directory at hand, as it is told */
        struct buf names; /* directories still to go into, each ended by a NUL */
        uint64_t mount;   /* its id; 0: the kernel does not say, and dev is compared */
        uint64_t dev;
        bool nosuid;
        struct seen_mount seen[MOUNTS_MAX];
        size_t n_seen;
        struct owner owners[OWNERS_MAX];
        size_t n_owners;
        unsigned troubles;
        struct dir_reader reader;
};

static void put_trouble(struct walk *w, const char *kind, uint64_t number)
{
        if (w->troubles++ >= TROUBLES_MAX)
                return;
        builtin_field(w->out, span_str(kind));
        builtin_field(w->out, buf_span(&w->path));
        builtin_number(w->out, number);
        builtin_end(w->out);
}

/* Into value, as hex; empty: it has none. */
static void read_capabilities(int dirfd, const char *name, struct buf *hex)
{
        CLEANUP_FD int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct buf value = BUF_INIT(VALUE_MAX);
        char text[2 * VALUE_MAX + 1];

        if (fd >= 0 && fs_xattr_get(fd, "security.capability", &value) == 0 && value.n) {
                text_hex(buf_span(&value), text);
                buf_put_str(hex, text);
        }
        buf_done(&value);
}

static struct owner *owner_of(struct walk *w, uid_t uid)
{
        for (size_t i = 0; i < w->n_owners; i++)
                if (w->owners[i].uid == uid)
                        return &w->owners[i];
        if (w->n_owners == OWNERS_MAX)
                return &w->owners[OWNERS_MAX - 1];
        w->owners[w->n_owners] = (struct owner){ .uid = uid };
        return &w->owners[w->n_owners++];
}

/* One more of this user's; false: there are too many, which is told once. */
static bool is_told(struct walk *w, uid_t uid)
{
        struct owner *o = uid ? owner_of(w, uid) : NULL;

        if (!o || o->n++ < OWN_MAX)
                return true;
        if (o->n == OWN_MAX + 1) {
                builtin_field(w->out, SPAN("many"));
                builtin_number(w->out, uid);
                builtin_number(w->out, OWN_MAX);
                builtin_end(w->out);
        }
        return false;
}

static void look_at_file(struct walk *w, int dirfd, const char *name)
{
        struct buf capabilities = BUF_INIT(4 * VALUE_MAX), path = BUF_INIT(PATHS_MAX);
        struct stat st;
        char mode[16];

        if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ||
            !S_ISREG(st.st_mode))
                return;
        if (st.st_mode & 0111) /* nobody executes it otherwise */
                read_capabilities(dirfd, name, &capabilities);
        /* Capabilities are root's to give, so they are few. */
        if (capabilities.n || (st.st_mode & (S_ISUID | S_ISGID) && is_told(w, st.st_uid))) {
                snprintf(mode, sizeof mode, "%04o", st.st_mode & 07777);
                buf_put(&path, buf_span(&w->path));
                buf_put_byte(&path, '/');
                buf_put_str(&path, name);
                builtin_field(w->out, SPAN("file"));
                builtin_field(w->out, buf_span(&path));
                builtin_field(w->out, span_str(mode));
                builtin_number(w->out, st.st_uid);
                builtin_number(w->out, st.st_gid);
                builtin_field(w->out, w->nosuid ? SPAN("nosuid") : SPAN_NONE);
                builtin_field(w->out, buf_span(&capabilities));
                builtin_end(w->out);
        }
        buf_done(&capabilities);
        buf_done(&path);
}

/* All of a directory: files are looked at, directories noted. */
static int read_names(struct walk *w, int fd)
{
        struct dir_entry e;
        bool full = false; /* more directories than there is room for: told as its trouble */
        int rc;

        dir_reader_init(&w->reader, fd);
        while ((rc = dir_read(&w->reader, &e)) > 0 && !*w->stop) {
                uint8_t type = e.type;
                struct stat st;

                if (type == DT_UNKNOWN &&
                    fstatat(fd, e.name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
                        type = S_ISDIR(st.st_mode) ? DT_DIR : DT_REG;
                if (type == DT_REG)
                        look_at_file(w, fd, e.name);
                else if (type == DT_DIR && w->names.n + e.name_n < NAMES_MAX)
                        buf_put(&w->names, span_of(e.name, e.name_n + 1));
                else if (type == DT_DIR)
                        full = true;
                calm_rest(&w->pace, w->stop);
        }
        return rc < 0 || !full ? rc : -E2BIG;
}

static int open_dir(int dirfd, const char *name)
{
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int fd = openat(dirfd, name, flags | O_NOATIME);

        if (fd < 0 && errno == EPERM) /* that is for its owner */
                fd = openat(dirfd, name, flags);
        return fd < 0 ? -errno : fd;
}

static bool is_of_mount(const struct walk *w, int dirfd, const char *name)
{
        struct fs_stat st;

        if (fs_stat_at(dirfd, name, &st) < 0)
                return false;
        if (w->mount && st.has & FS_HAS_MNT_ID)
                return st.mnt_id == w->mount;
        return (((uint64_t)st.dev_major << 32) | st.dev_minor) == w->dev;
}

static void walk_into(struct walk *w, int dirfd, const char *name, unsigned depth);

/* The directories whose names begin at `from`; they are taken off again. */
static void walk_below(struct walk *w, int fd, size_t from, unsigned depth)
{
        size_t end = w->names.n, path_n = w->path.n;
        char name[NAME_MAX + 1];

        for (size_t at = from; at < end && w->status == 0;) {
                size_t n = strlen((const char *)w->names.p + at);

                if (*w->stop)
                        w->status = ECANCELED;
                if (n <= NAME_MAX) {
                        memcpy(name, w->names.p + at, n + 1);
                        buf_put_byte(&w->path, '/');
                        buf_put(&w->path, span_of(name, n));
                        walk_into(w, fd, name, depth);
                        w->path.n = path_n;
                }
                at += n + 1;
        }
        w->names.n = from;
}

/* An open directory, whose path is at hand. */
static void walk_dir(struct walk *w, int fd, unsigned depth)
{
        size_t from = w->names.n;
        int rc = read_names(w, fd);

        if (buf_status(&w->names) < 0 || buf_status(w->out) < 0 || buf_status(&w->path) < 0) {
                w->status = E2BIG;
                return;
        }
        if (rc < 0 && rc != -ENOENT)
                put_trouble(w, "unread", (uint64_t)-rc);
        walk_below(w, fd, from, depth + 1);
}

/* As deep as DEPTH_MAX. */
static void walk_into(struct walk *w, int dirfd, const char *name, unsigned depth)
{
        CLEANUP_FD int fd = -1;

        if (!is_of_mount(w, dirfd, name))
                return;
        if (depth > DEPTH_MAX) {
                put_trouble(w, "deep", 0);
                return;
        }
        fd = open_dir(dirfd, name);
        if (fd < 0 && fd != -ENOENT && fd != -ENOTDIR && fd != -ELOOP)
                put_trouble(w, "unread", (uint64_t)-fd);
        if (fd >= 0)
                walk_dir(w, fd, depth);
}

static bool was_seen(struct walk *w, const struct fs_stat *st, bool nosuid)
{
        struct seen_mount m = { ((uint64_t)st->dev_major << 32) | st->dev_minor, st->ino, nosuid };

        for (size_t i = 0; i < w->n_seen; i++)
                if (w->seen[i].dev == m.dev && w->seen[i].ino == m.ino &&
                    w->seen[i].nosuid == m.nosuid)
                        return true;
        if (w->n_seen < MOUNTS_MAX)
                w->seen[w->n_seen++] = m;
        return false;
}

static int walk_mount(void *ctx, const struct mounted *m)
{
        bool top = strcmp(m->at, "/") == 0;
        struct walk *w = ctx;
        CLEANUP_FD int fd = -1;
        struct fs_stat st;
        char full[PATH_MAX];

        if (!top && strcmp(m->type, "overlay") == 0)
                return 0;
        if ((size_t)snprintf(full, sizeof full, "%s%s", w->root, m->at) >= sizeof full)
                return 0;
        fd = open_dir(AT_FDCWD, full);
        if (fd < 0 || fs_stat_fd(fd, &st) < 0 || was_seen(w, &st, m->nosuid))
                return 0;
        w->mount = st.has & FS_HAS_MNT_ID ? st.mnt_id : 0;
        w->dev = ((uint64_t)st.dev_major << 32) | st.dev_minor;
        w->nosuid = m->nosuid;
        buf_clear(&w->path);
        buf_put_str(&w->path, top ? "" : m->at);
        walk_dir(w, fd, 0);
        return -w->status;
}

static void walk_all(void *ctx)
{
        struct walk *w = ctx;
        int rc = mounted_each(w->root, "/proc/self/mounts", walk_mount, w);

        if (w->status == 0)
                w->status = -rc;
        if (w->status == 0 && *w->stop)
                w->status = ECANCELED;
}

int builtin_suid(const char *root, const atomic_bool *stop, struct buf *out)
{
        struct walk *w = calloc(1, sizeof *w);
        int rc;

        if (!w)
                return ENOMEM;
        w->root = root;
        w->stop = stop;
        w->out = out;
        w->path = BUF_INIT(PATHS_MAX);
        w->names = BUF_INIT(NAMES_MAX);
        rc = -calm_run(walk_all, w);
        if (rc == 0)
                rc = w->status;
        buf_done(&w->path);
        buf_done(&w->names);
        free(w);
        return rc;
}
