/* SPDX-License-Identifier: Apache-2.0 */
/* Files, patterns and trees: opened, looked at, read. */
#include "monitor/gather_priv.h"

#include "base/clock.h"
#include "crypto/sha256.h"
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
        KERNEL_MAX = 4 * 1024 * 1024,
        READ_STEP = 64 * 1024,
        HEAD_MAX = 4096,
        HOME_FILES_MAX = 1000, /* of a tree in one home */
};

static bool is_kernels(const struct state_source *s)
{
        return s->type == STATE_KERNEL || s->type == STATE_KERNELS || s->type == STATE_KERNEL_TREE;
}

static size_t max_of(const struct state_source *s)
{
        return s->flags & STATE_HEAD     ? HEAD_MAX
               : s->flags & STATE_OTHERS ? STATE_OTHERS_MAX
               : is_kernels(s)           ? KERNEL_MAX
                                         : BUNDLE_FILE_MAX;
}

/* ---- content ---- */

/* What is there, up to max; *ret_status gets EFBIG when there is more, unless that is fine. */
static void read_content(int fd, size_t max, bool head, struct buf *out, uint32_t *ret_status)
{
        for (;;) {
                size_t want = MIN_OF((size_t)READ_STEP, max + 1 - out->n);
                uint8_t *p = buf_extend(out, want);
                ssize_t r;

                if (!p) {
                        *ret_status = (uint32_t)-buf_status(out);
                        buf_clear(out);
                        return;
                }
                r = read(fd, p, want);
                out->n -= want - (r > 0 ? (size_t)r : 0);
                if (r < 0 && errno == EINTR)
                        continue;
                if (head && r >= 0 && out->n > max) {
                        out->n = max;
                        return;
                }
                if (r < 0 || out->n > max) {
                        *ret_status = r < 0 ? (uint32_t)errno : EFBIG;
                        out->n = 0;
                        return;
                }
                if (r == 0)
                        return;
        }
}

static void read_link(int dirfd, const char *name, struct buf *out, uint32_t *ret_status)
{
        uint8_t *p = buf_extend(out, PATH_MAX);
        ssize_t r = p ? readlinkat(dirfd, name, (char *)p, PATH_MAX) : -1;

        if (p)
                out->n -= PATH_MAX - (size_t)(r > 0 ? r : 0);
        if (r < 0)
                *ret_status = p ? (uint32_t)errno : ENOMEM;
}

/* The kernel makes up what is in it, and may do something when it is read: no file of a user's. */
static bool is_made_up(int fd)
{
        struct statfs st;

        if (fstatfs(fd, &st) < 0)
                return true;
        switch ((uint32_t)st.f_type) {
        case PROC_SUPER_MAGIC:
        case SYSFS_MAGIC:
        case DEBUGFS_MAGIC:
        case TRACEFS_MAGIC:
        case SECURITYFS_MAGIC:
        case CGROUP_SUPER_MAGIC:
        case CGROUP2_SUPER_MAGIC:
                return true;
        default:
                return false;
        }
}

/* A descriptor of a regular file, or a negative errno.  What the name leads to is judged before it
 * is opened, for opening a device may do something, and names are exchanged under our feet. */
static int open_regular(int dirfd, const char *full, const struct state_source *s, bool follow)
{
        CLEANUP_FD int at = openat(dirfd, full, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
        char name[64];
        struct stat st;
        int fd;

        if (at < 0 || fstat(at, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (s && s->flags & STATE_OTHERS && is_made_up(at)))
                return -EINVAL;
        snprintf(name, sizeof name, "/proc/self/fd/%d", at);
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

/* s NULL: no source, the whole of it up to max. */
static void open_and_read(struct gathering *x, int dirfd, const char *full, size_t max,
                          const struct state_source *s, bool follow, struct state_part *p)
{
        CLEANUP_FD int fd = open_regular(dirfd, full, s, follow);
        bool head = s && s->flags & (STATE_HEAD | STATE_OTHERS);

        if (fd < 0) {
                p->status = (uint32_t)-fd;
                return;
        }
        read_content(fd, max, head, &x->content, &p->status);
        p->bytes = buf_span(&x->content);
}

/* ---- one file ---- */

static void describe(const struct state_source *s, const struct stat *st, struct state_part *p)
{
        p->mode = st->st_mode;
        p->uid = st->st_uid;
        p->gid = st->st_gid;
        if (is_kernels(s))
                return;
        p->mtime_ns = st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec;
        p->size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
}

static void note_stat(struct gathering *x, const char *path, const struct stat *st)
{
        buf_printf(&x->look, "%s %o %u %u %llu %lld %lld.%ld %lld.%ld\n", path, st->st_mode,
                   st->st_uid, st->st_gid, (unsigned long long)st->st_ino, (long long)st->st_size,
                   (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                   (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static void note_content(struct gathering *x, const struct state_part *p)
{
        uint8_t digest[SHA256_LEN];

        sha256(p->bytes, digest);
        buf_put(&x->look, p->name);
        buf_printf(&x->look, " %u ", p->status);
        buf_put(&x->look, span_of(digest, sizeof digest));
        buf_put_byte(&x->look, '\n');
}

/* path: as the table names it; full: with the root before it, or below dirfd. */
static int put_at(struct gathering *x, const struct state_source *s, const char *path, int dirfd,
                  const char *full, bool follow)
{
        struct state_part p = { .name = span_str(path) };
        struct stat st;

        buf_clear(&x->content);
        if (fstatat(dirfd, full, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
                p.status = (uint32_t)errno;
                if (!x->out)
                        buf_printf(&x->look, "%s: %u\n", path, p.status);
                return x->out ? gathering_put(x, &p) : 0;
        }
        describe(s, &st, &p);
        if (!x->out && !is_kernels(s)) {
                note_stat(x, path, &st);
                return 0;
        }
        if (S_ISLNK(st.st_mode)) {
                read_link(dirfd, full, &x->content, &p.status);
                p.bytes = buf_span(&x->content);
        } else if (S_ISREG(st.st_mode) && !(s->flags & STATE_NAMES)) {
                open_and_read(x, dirfd, full, max_of(s), s, follow, &p);
        } else if (s->type == STATE_FILE || s->type == STATE_KERNEL || s->type == STATE_HOMES) {
                p.status = EINVAL;
        }
        if (x->out)
                return gathering_put(x, &p);
        note_content(x, &p);
        return 0;
}

static int put_file(struct gathering *x, const struct state_source *s, const char *path,
                    const char *full, bool follow)
{
        return put_at(x, s, path, AT_FDCWD, full, follow);
}

static int full_path(struct gathering *x, const char *path, char ret[PATH_MAX])
{
        if ((size_t)snprintf(ret, PATH_MAX, "%s%s", x->g->root, path) >= PATH_MAX)
                return err_set(x->err, -ENAMETOOLONG, "%s%s", x->g->root, path);
        return 0;
}

int gather_if_there(struct gathering *x, const struct state_source *s, const char *path)
{
        char full[PATH_MAX];
        struct stat st;
        int rc = full_path(x, path, full);

        if (rc < 0 || (stat(full, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)))
                return rc;
        return put_file(x, s, path, full, true);
}

int gather_content(struct gathering *x, const char *path, size_t max, struct state_part *ret)
{
        char full[PATH_MAX];
        int rc = full_path(x, path, full);

        buf_clear(&x->content);
        if (rc == 0)
                open_and_read(x, AT_FDCWD, full, max, NULL, true, ret);
        return rc;
}

/* ---- patterns ---- */

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The part of those that are left out. */
static int put_too_many(struct gathering *x, const struct state_source *s)
{
        struct state_part p = { .name = span_str(s->where), .status = E2BIG };

        return x->out ? gathering_put(x, &p) : 0;
}

static int put_pattern(struct gathering *x, const struct state_source *s)
{
        bool follow = s->flags & STATE_FOLLOW;
        char pattern[PATH_MAX];
        glob_t g = { 0 };
        size_t n;
        int rc = 0;

        if ((size_t)snprintf(pattern, sizeof pattern, "%s%s", x->g->root, s->where) >=
            sizeof pattern)
                return err_set(x->err, -ENAMETOOLONG, "%s%s", x->g->root, s->where);
        if (glob(pattern, GLOB_NOSORT | GLOB_NOESCAPE, NULL, &g) == GLOB_NOSPACE)
                rc = err_set(x->err, -ENOMEM, "%s", pattern);
        if (rc == 0 && g.gl_pathc)
                qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_name);
        n = g.gl_pathc;
        if (s->flags & STATE_OTHERS && n > STATE_OTHERS_FILES_MAX) {
                n = STATE_OTHERS_FILES_MAX;
                rc = rc < 0 ? rc : put_too_many(x, s);
        }
        for (size_t i = 0; i < n && rc == 0; i++)
                rc = put_file(x, s, g.gl_pathv[i] + strlen(x->g->root), g.gl_pathv[i], follow);
        globfree(&g);
        return rc;
}

/* ---- trees ---- */

struct names {
        char **at;
        size_t n, max;
};

static void names_done(struct names *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->at[i]);
        free(l->at);
}

static int names_add(struct names *l, const char *name)
{
        if (l->n == l->max) {
                size_t max = l->max ? 2 * l->max : 32;
                char **at = max > BUNDLE_PARTS_MAX ? NULL : realloc(l->at, max * sizeof(*at));

                if (!at)
                        return max > BUNDLE_PARTS_MAX ? -E2BIG : -ENOMEM;
                l->at = at;
                l->max = max;
        }
        l->at[l->n] = strdup(name);
        return l->at[l->n] ? (l->n++, 0) : -ENOMEM;
}

/* The names of a directory, sorted; -E2BIG: more than max.  What cannot be listed is told by its
 * caller's part. */
static int list_names(int dirfd, const char *full, size_t max, struct names *ret)
{
        CLEANUP_FD int fd = openat(dirfd, full, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        struct dir_reader *r = malloc(sizeof(*r));
        struct dir_entry e;
        int rc = !r ? -ENOMEM : fd < 0 ? -errno : 0;

        if (rc == 0) {
                dir_reader_init(r, fd);
                while ((rc = dir_read(r, &e)) > 0)
                        if ((rc = ret->n < max ? names_add(ret, e.name) : -E2BIG) < 0)
                                break;
        }
        free(r);
        if (ret->n)
                qsort(ret->at, ret->n, sizeof(*ret->at), by_name);
        return rc < 0 ? rc : 0;
}

static int put_tree(struct gathering *x, const struct state_source *s, const char *path,
                    unsigned depth)
{
        char full[PATH_MAX], below[PATH_MAX];
        struct names l = { 0 };
        struct stat st;
        int rc;

        if ((size_t)snprintf(full, sizeof full, "%s%s", x->g->root, path) >= sizeof full)
                return 0; /* nothing that is configuration lies so deep */
        rc = put_file(x, s, path, full, false);
        if (rc < 0 || lstat(full, &st) < 0 || !S_ISDIR(st.st_mode) || depth > GATHER_DEPTH_MAX)
                return rc;
        rc = list_names(AT_FDCWD, full, BUNDLE_PARTS_MAX, &l);
        if (rc == -ENOMEM || rc == -E2BIG)
                rc = err_sys(x->err, rc, "%s", path);
        else
                rc = 0;
        for (size_t i = 0; i < l.n && rc == 0; i++)
                if ((size_t)snprintf(below, sizeof below, "%s/%s", path, l.at[i]) < sizeof below)
                        rc = *x->g->stop ? err_set(x->err, -ECANCELED, "stopped")
                                         : put_tree(x, s, below, depth + 1);
        names_done(&l);
        return rc;
}

/* ---- trees in homes ---- */

/* What there is of one home that cannot be told; the others' are told all the same. */
static int put_status(struct gathering *x, const char *path, int status)
{
        struct state_part p = { .name = span_str(path), .status = (uint32_t)status };

        if (x->out)
                return gathering_put(x, &p);
        buf_printf(&x->look, "%s: %d\n", path, status);
        return 0;
}

/* The files in a directory and in those in it.  Whoever owns it exchanges names under our feet, so
 * everything goes from a descriptor to the next name, and never through a link. */
static int put_owned(struct gathering *x, const struct state_source *s, const char *path, int dirfd,
                     const char *name, size_t *left)
{
        CLEANUP_FD int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        bool top = *left == HOME_FILES_MAX;
        struct names l = { 0 };
        char below[PATH_MAX];
        struct stat st;
        int rc = fd < 0 ? -errno : list_names(fd, ".", *left, &l);

        if (rc < 0)
                rc = rc == -ENOMEM ? err_sys(x->err, rc, "%s", path) : put_status(x, path, -rc);
        for (size_t i = 0; i < l.n && rc == 0 && *left; i++) {
                if ((size_t)snprintf(below, sizeof below, "%s/%s", path, l.at[i]) >= sizeof below)
                        continue;
                --*left;
                if (*x->g->stop)
                        rc = err_set(x->err, -ECANCELED, "stopped");
                else if (fstatat(fd, l.at[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                else if (!S_ISDIR(st.st_mode))
                        rc = put_at(x, s, below, fd, l.at[i], false);
                else if (top)
                        rc = put_owned(x, s, below, fd, l.at[i], left);
        }
        names_done(&l);
        return rc;
}

/* The next directory on the way; 1: there is none, or a link, which is told. */
static int go_down(struct gathering *x, const struct state_source *s, const char *path, int *fd,
                   const char *name)
{
        struct stat st;
        int next;

        if (fstatat(*fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
                next = put_at(x, s, path, *fd, name, false);
                return next < 0 ? next : 1;
        }
        next = openat(*fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (next < 0) {
                next = errno == ENOENT || errno == ENOTDIR ? 0 : put_status(x, path, errno);
                return next < 0 ? next : 1;
        }
        fd_close(fd);
        *fd = next;
        return 0;
}

int gather_home_tree(struct gathering *x, const struct state_source *s, const char *home)
{
        char path[PATH_MAX], where[PATH_MAX], *name, *rest = where;
        int rc = full_path(x, home, path);
        CLEANUP_FD int fd =
                rc < 0 ? -1 : open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        size_t n, left = HOME_FILES_MAX;

        if (rc < 0 || fd < 0)
                return rc < 0                                ? rc
                       : errno == ENOENT || errno == ENOTDIR ? 0
                                                             : put_status(x, home, errno);
        n = (size_t)snprintf(path, sizeof path, "%s", home);
        snprintf(where, sizeof where, "%s", s->where);
        while (rc == 0 && (name = strsep(&rest, "/"))) {
                n += (size_t)snprintf(path + n, sizeof path - n, "/%s", name);
                if (n >= sizeof path)
                        return 0;
                rc = go_down(x, s, path, &fd, name);
        }
        if (rc == 0)
                rc = put_owned(x, s, path, fd, ".", &left);
        return rc < 0 ? rc : 0;
}

int gather_files(struct gathering *x, const struct state_source *s)
{
        char full[PATH_MAX];
        int rc;

        switch (s->type) {
        case STATE_FILES:
        case STATE_KERNELS:
                return put_pattern(x, s);
        case STATE_TREE:
        case STATE_KERNEL_TREE:
                return put_tree(x, s, s->where, 0);
        default:
                rc = full_path(x, s->where, full);
                return rc < 0 ? rc : put_file(x, s, s->where, full, true);
        }
}
