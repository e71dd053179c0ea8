/* SPDX-License-Identifier: Apache-2.0 */
#include "power.h"

#include "fixture.h"

#include <dirent.h>

#define REQUIRE TESTLOG_REQUIRE

enum { SECTOR = 512, NAMES_MAX = 4096, FILES_MAX = 8192, PATHS_MAX = 256 };

/* A file, by inode; keep_fd holds the inode so that its number is not used again, and has it not
 * open: who wants to know whether somebody has it open is told no. */
struct file {
        ino_t ino;
        int keep_fd;
        uint8_t *synced; /* bytes */
        size_t synced_n;
        uint8_t *dirty; /* a byte a sector */
        size_t dirty_n;
};

enum { DIRECTORY = -1, NONE = -2 };

/* What the disk knows: path -> file or directory. */
struct name {
        char path[PATHS_MAX];
        int file; /* or DIRECTORY; NONE: free */
};

struct change {
        char dir[PATHS_MAX];
        enum { CREATE, RENAME, REMOVE } what;
        char from[PATHS_MAX], to[PATHS_MAX]; /* full paths; CREATE and REMOVE use `to` */
        int file;
};

struct power {
        struct io io;
        int root_fd;
        char root[PATHS_MAX];
        uint64_t calls, off_at;
        struct file file[FILES_MAX];
        size_t n_files;
        struct name name[NAMES_MAX];
        struct change *change;
        size_t n_changes, cap;
};

/* ---- paths ---- */

/* Path below the root of `path` at dirfd. */
static void resolve(const struct power *p, int dirfd, const char *path, char out[PATHS_MAX])
{
        char link[64], at[PATHS_MAX];
        ssize_t n;

        snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
        n = readlink(link, at, sizeof at - 1);
        REQUIRE(n > 0);
        at[n] = '\0';
        REQUIRE(strncmp(at, p->root, strlen(p->root)) == 0);
        n = snprintf(out, PATHS_MAX, "%s%s%s", at + strlen(p->root), path ? "/" : "",
                     path ? path : "");
        REQUIRE(n < PATHS_MAX);
        if (n > 1 && strcmp(out + n - 2, "/.") == 0)
                out[n - 2] = '\0';
}

static void parent_of(const char *path, char out[PATHS_MAX])
{
        snprintf(out, PATHS_MAX, "%s", path);
        *strrchr(out, '/') = '\0';
}

static struct name *find_name(struct power *p, const char *path)
{
        for (size_t i = 0; i < NAMES_MAX; i++)
                if (p->name[i].file != NONE && strcmp(p->name[i].path, path) == 0)
                        return &p->name[i];
        return NULL;
}

static void set_name(struct power *p, const char *path, int file)
{
        struct name *n = find_name(p, path);

        for (size_t i = 0; !n && i < NAMES_MAX; i++)
                if (p->name[i].file == NONE)
                        n = &p->name[i];
        REQUIRE(n);
        snprintf(n->path, sizeof n->path, "%s", path);
        n->file = file;
}

/* ---- files ---- */

static int file_of(struct power *p, int fd)
{
        struct stat st;

        REQUIRE(fstat(fd, &st) == 0);
        for (size_t i = p->n_files; i-- > 0;)
                if (p->file[i].ino == st.st_ino)
                        return (int)i;
        return NONE;
}

static int new_file(struct power *p, int fd)
{
        struct file *f = &p->file[p->n_files];
        struct stat st;

        REQUIRE(p->n_files < FILES_MAX && fstat(fd, &st) == 0);
        *f = (struct file){ .ino = st.st_ino,
                            .keep_fd = open(fd_path(fd).text, O_PATH | O_CLOEXEC) };
        REQUIRE(f->keep_fd >= 0);
        return (int)p->n_files++;
}

static void mark(struct file *f, size_t at, size_t n)
{
        size_t end = (at + n + SECTOR - 1) / SECTOR;

        if (end > f->dirty_n) {
                f->dirty = realloc(f->dirty, end);
                REQUIRE(f->dirty);
                memset(f->dirty + f->dirty_n, 0, end - f->dirty_n);
                f->dirty_n = end;
        }
        if (n)
                memset(f->dirty + at / SECTOR, 1, end - at / SECTOR);
}

/* What is in the file now; malloc'd. */
static uint8_t *read_now(const struct file *f, size_t *ret_n)
{
        struct stat st;
        uint8_t *bytes;

        REQUIRE(fstat(f->keep_fd, &st) == 0);
        bytes = calloc(1, (size_t)st.st_size + 1);
        REQUIRE(bytes);
        int fd = open(fd_path(f->keep_fd).text, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        REQUIRE(fd >= 0 && pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size);
        close(fd);
        *ret_n = (size_t)st.st_size;
        return bytes;
}

/* Its writer may keep others out (ledger/files/spares.h), but not us. */
static void sync_file(struct file *f, int fd)
{
        bool held = fcntl(fd, F_GETLEASE) == F_WRLCK;

        if (!f->dirty_n && f->synced)
                return;
        free(f->synced);
        REQUIRE(!held || fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
        f->synced = read_now(f, &f->synced_n);
        REQUIRE(!held || fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
        free(f->dirty);
        f->dirty = NULL;
        f->dirty_n = 0;
}

/* ---- directories ---- */

static void note_change(struct power *p, int what, const char *from, const char *to, int file)
{
        struct change *c;

        if (p->n_changes == p->cap) {
                p->cap = p->cap ? 2 * p->cap : 64;
                p->change = realloc(p->change, p->cap * sizeof *p->change);
                REQUIRE(p->change);
        }
        c = &p->change[p->n_changes++];
        memset(c, 0, sizeof *c);
        c->what = what;
        c->file = file;
        if (from)
                snprintf(c->from, sizeof c->from, "%s", from);
        snprintf(c->to, sizeof c->to, "%s", to);
        parent_of(to, c->dir);
}

static void apply(struct power *p, const struct change *c)
{
        struct name *n;

        switch (c->what) {
        case CREATE:
                set_name(p, c->to, c->file);
                break;
        case RENAME:
                n = find_name(p, c->from);
                REQUIRE(n);
                n->file = NONE;
                set_name(p, c->to, c->file);
                break;
        case REMOVE:
                n = find_name(p, c->to);
                REQUIRE(n);
                n->file = NONE;
                break;
        }
}

/* Take the first n changes of a directory for done. */
static void settle(struct power *p, const char *dir, size_t n)
{
        size_t kept = 0;

        for (size_t i = 0; i < p->n_changes; i++) {
                if (strcmp(p->change[i].dir, dir) != 0)
                        p->change[kept++] = p->change[i];
                else if (n > 0) {
                        apply(p, &p->change[i]);
                        n--;
                }
        }
        p->n_changes = kept;
}

static size_t changes_of(const struct power *p, const char *dir)
{
        size_t n = 0;

        for (size_t i = 0; i < p->n_changes; i++)
                n += strcmp(p->change[i].dir, dir) == 0;
        return n;
}

/* ---- the table ---- */

static bool dead(struct power *p)
{
        return ++p->calls > p->off_at;
}

static int power_open(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        struct power *p = ctx;
        struct stat st;
        char full[PATHS_MAX];
        bool was;
        int fd, file;

        if (dead(p))
                return -EIO;
        was = fstatat(dirfd, path, &st, 0) == 0;
        fd = io_kernel.open(NULL, dirfd, path, flags, mode);
        if (fd < 0 || flags & O_DIRECTORY || (flags & O_ACCMODE) == O_RDONLY)
                return fd;
        file = was ? file_of(p, fd) : new_file(p, fd);
        REQUIRE(file >= 0);
        if (!was) {
                resolve(p, dirfd, path, full);
                note_change(p, CREATE, NULL, full, file);
        } else if (flags & O_TRUNC) {
                mark(&p->file[file], 0, 1);
        }
        return fd;
}

static ssize_t power_pread(void *ctx, int fd, void *to, size_t n, off_t at)
{
        return dead(ctx) ? -EIO : io_kernel.pread(NULL, fd, to, n, at);
}

static ssize_t power_pwrite(void *ctx, int fd, const void *from, size_t n, off_t at)
{
        struct power *p = ctx;
        int file;

        if (dead(p)) { /* half of the last write may be on its way already, in whole sectors */
                size_t end = p->calls == p->off_at + 1 ? ((size_t)at + n / 2) / SECTOR * SECTOR : 0;

                n = end > (size_t)at ? end - (size_t)at : 0;
        }
        file = file_of(p, fd);
        REQUIRE(file >= 0);
        if (n) {
                REQUIRE(io_kernel.pwrite(NULL, fd, from, n, at) == (ssize_t)n);
                mark(&p->file[file], (size_t)at, n);
        }
        return power_is_off(p) ? -EIO : (ssize_t)n;
}

static int power_sync(void *ctx, int fd)
{
        struct power *p = ctx;
        char full[PATHS_MAX];
        struct stat st;
        int file;

        if (dead(p))
                return -EIO;
        REQUIRE(fstat(fd, &st) == 0);
        if (S_ISDIR(st.st_mode)) {
                resolve(p, fd, NULL, full);
                settle(p, full, SIZE_MAX);
                return 0;
        }
        file = file_of(p, fd);
        REQUIRE(file >= 0);
        sync_file(&p->file[file], fd);
        return 0;
}

static int power_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        struct power *p = ctx;
        char a[PATHS_MAX], b[PATHS_MAX];
        struct stat st;
        int file = NONE, r;

        if (dead(p))
                return -EIO;
        if (fstatat(dirfd, from, &st, 0) == 0)
                for (size_t i = p->n_files; file == NONE && i-- > 0;)
                        if (p->file[i].ino == st.st_ino)
                                file = (int)i;
        r = io_kernel.rename(NULL, dirfd, from, to);
        if (r == 0) {
                REQUIRE(file >= 0);
                resolve(p, dirfd, from, a);
                resolve(p, dirfd, to, b);
                note_change(p, RENAME, a, b, file);
        }
        return r;
}

/* Two directories, whose changes need not come to the disk together: the file may have both names
 * there, or none. */
static int power_move(void *ctx, int fromfd, const char *from, int tofd, const char *to)
{
        struct power *p = ctx;
        char a[PATHS_MAX], b[PATHS_MAX];
        int file, fd, r;

        if (dead(p))
                return -EIO;
        fd = openat(fromfd, from, O_PATH | O_CLOEXEC); /* its writer may keep others out */
        REQUIRE(fd >= 0);
        file = file_of(p, fd);
        close(fd);
        r = io_kernel.move(NULL, fromfd, from, tofd, to);
        if (r == 0) {
                REQUIRE(file >= 0);
                resolve(p, fromfd, from, a);
                resolve(p, tofd, to, b);
                note_change(p, REMOVE, NULL, a, NONE);
                note_change(p, CREATE, NULL, b, file);
        }
        return r;
}

static int power_unlink(void *ctx, int dirfd, const char *path)
{
        struct power *p = ctx;
        char full[PATHS_MAX];
        int r;

        if (dead(p))
                return -EIO;
        r = io_kernel.unlink(NULL, dirfd, path);
        if (r == 0) {
                resolve(p, dirfd, path, full);
                note_change(p, REMOVE, NULL, full, NONE);
        }
        return r;
}

static int power_mkdir(void *ctx, int dirfd, const char *path, mode_t mode)
{
        struct power *p = ctx;
        char full[PATHS_MAX];
        int r;

        if (dead(p))
                return -EIO;
        r = io_kernel.mkdir(NULL, dirfd, path, mode);
        if (r == 0) {
                resolve(p, dirfd, path, full);
                note_change(p, CREATE, NULL, full, DIRECTORY);
        }
        return r;
}

static int power_ftruncate(void *ctx, int fd, off_t n)
{
        struct power *p = ctx;
        int file;

        if (dead(p))
                return -EIO;
        file = file_of(p, fd);
        REQUIRE(file >= 0);
        mark(&p->file[file], 0, 1);
        return io_kernel.ftruncate(NULL, fd, n);
}

/* ---- losing it ---- */

static void forget(struct power *p)
{
        for (size_t i = 0; i < p->n_files; i++) {
                close(p->file[i].keep_fd);
                free(p->file[i].synced);
                free(p->file[i].dirty);
        }
        p->n_files = p->n_changes = 0;
        for (size_t i = 0; i < NAMES_MAX; i++)
                p->name[i].file = NONE;
        p->calls = 0;
        p->off_at = UINT64_MAX;
}

/* Take everything below dir for synced. */
static void adopt(struct power *p, const char *dir)
{
        char path[PATHS_MAX + 256];
        int at = openat(p->root_fd, *dir ? dir + 1 : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = at >= 0 ? fdopendir(at) : NULL;
        struct dirent *e;
        struct stat st;

        REQUIRE(d);
        while ((e = readdir(d))) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                REQUIRE(snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < PATHS_MAX);
                REQUIRE(fstatat(at, e->d_name, &st, 0) == 0);
                if (S_ISDIR(st.st_mode)) {
                        set_name(p, path, DIRECTORY);
                        adopt(p, path);
                } else {
                        int fd = openat(at, e->d_name, O_RDONLY | O_CLOEXEC), file;

                        REQUIRE(fd >= 0);
                        file = new_file(p, fd);
                        sync_file(&p->file[file], fd);
                        close(fd);
                        set_name(p, path, file);
                }
        }
        closedir(d);
}

/* The bytes a file has after the failure. */
static uint8_t *throw_dice(const struct file *f, enum power_luck luck, uint64_t *rnd, size_t *ret_n)
{
        size_t now_n, n;
        uint8_t *now = read_now(f, &now_n), *out;
        unsigned keep = (unsigned)(fixture_random(rnd) % 9);
        bool new_size = luck == POWER_ALL || (luck == POWER_DICE && fixture_random(rnd) % 2);

        n = new_size ? now_n : f->synced_n;
        out = calloc(1, n + 1);
        REQUIRE(out);
        for (size_t at = 0; at < n; at += SECTOR) {
                size_t len = MIN_OF(n - at, (size_t)SECTOR);
                bool dirty = at / SECTOR < f->dirty_n && f->dirty[at / SECTOR];
                bool newer =
                        luck == POWER_ALL || (luck == POWER_DICE && fixture_random(rnd) % 8 < keep);

                if (dirty && newer && at < now_n)
                        memcpy(out + at, now + at, MIN_OF(len, now_n - at));
                else if (at < f->synced_n)
                        memcpy(out + at, f->synced + at, MIN_OF(len, f->synced_n - at));
        }
        free(now);
        *ret_n = n;
        return out;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

void power_fail(struct power *p, enum power_luck luck, uint64_t *random)
{
        struct {
                uint8_t *bytes;
                size_t n;
        } * content;
        int fd;

        while (p->n_changes > 0) {
                char dir[PATHS_MAX];
                size_t n;

                snprintf(dir, sizeof dir, "%s", p->change[0].dir);
                n = changes_of(p, dir);
                settle(p, dir,
                       luck == POWER_ALL       ? n
                       : luck == POWER_NOTHING ? 0
                                               : fixture_random(random) % (n + 1));
        }
        qsort(p->name, NAMES_MAX, sizeof p->name[0], compare_names); /* parents first */
        content = calloc(NAMES_MAX, sizeof *content);
        REQUIRE(content);
        for (size_t i = 0; i < NAMES_MAX; i++)
                if (p->name[i].file >= 0)
                        content[i].bytes =
                                throw_dice(&p->file[p->name[i].file], luck, random, &content[i].n);
        fixture_remove(p->root_fd, ".");
        for (size_t i = 0; i < NAMES_MAX; i++) {
                const char *path = p->name[i].path + 1;

                if (p->name[i].file == DIRECTORY) {
                        if (mkdirat(p->root_fd, path, 0700) < 0)
                                REQUIRE(errno == ENOENT); /* its parent is gone */
                } else if (p->name[i].file >= 0) {
                        fd = openat(p->root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                        if (fd >= 0) {
                                REQUIRE(write(fd, content[i].bytes, content[i].n) ==
                                        (ssize_t)content[i].n);
                                close(fd);
                        } else {
                                REQUIRE(errno == ENOENT);
                        }
                        free(content[i].bytes);
                }
        }
        free(content);
        forget(p);
        adopt(p, "");
}

/* ---- making one ---- */

struct power *power_new(int root_fd)
{
        struct power *p = calloc(1, sizeof *p);
        char link[64];
        ssize_t n;

        REQUIRE(p);
        p->root_fd = root_fd;
        snprintf(link, sizeof link, "/proc/self/fd/%d", root_fd);
        n = readlink(link, p->root, sizeof p->root - 1);
        REQUIRE(n > 0);
        p->io = (struct io){ .open = power_open,
                             .pread = power_pread,
                             .pwrite = power_pwrite,
                             .fdatasync = power_sync,
                             .fsync = power_sync,
                             .rename = power_rename,
                             .unlink = power_unlink,
                             .mkdir = power_mkdir,
                             .ftruncate = power_ftruncate,
                             .move = power_move,
                             .ctx = p };
        forget(p);
        adopt(p, "");
        return p;
}

struct power *power_free(struct power *p)
{
        forget(p);
        free(p->change);
        free(p);
        return NULL;
}

const struct io *power_io(struct power *p)
{
        return &p->io;
}

void power_off_in(struct power *p, uint64_t n)
{
        p->off_at = p->calls + n;
}

bool power_is_off(const struct power *p)
{
        return p->calls > p->off_at;
}

uint64_t power_calls(const struct power *p)
{
        return p->calls;
}
