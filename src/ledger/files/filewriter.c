/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/files/filewriter.h"

#include "ledger/files/spares.h"
#include "sys/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        DIRS_MAX = 24, /* bundles and tiles of three levels, full and partial, with room to spare */
        WAITING_MAX = 200, /* files of a round; their descriptors stay open */
        NAME_MAX_HERE = 64,
};

struct open_dir {
        char path[FILEWRITER_PATH_MAX];
        int fd; /* -1: free */
        bool dirty;
        uint64_t used; /* round of the last use */
};

struct waiting {
        int fd;
        struct open_dir *dir;
        char name[NAME_MAX_HERE];
};

struct filewriter {
        struct io io;
        struct syncer *syncer;
        int root_fd;
        mode_t file_mode, dir_mode;
        uint64_t round;
        struct open_dir dir[DIRS_MAX];
        struct waiting waiting[WAITING_MAX];
        size_t n_waiting;
        uint64_t files;
        struct spares spares;
};

int filewriter_new(int root_fd, const struct io *io, struct syncer *syncer, mode_t file_mode,
                   mode_t dir_mode, struct filewriter **ret, struct err *err)
{
        struct filewriter *w = calloc(1, sizeof *w);

        if (!w)
                return err_sys(err, -ENOMEM, "file writer");
        w->io = *io;
        w->syncer = syncer;
        w->root_fd = root_fd;
        w->file_mode = file_mode;
        w->dir_mode = dir_mode;
        w->spares.fd = -1;
        for (size_t i = 0; i < DIRS_MAX; i++)
                w->dir[i].fd = -1;
        *ret = w;
        return 0;
}

void filewriter_keep_spares(struct filewriter *w, int dirfd, const char *dir)
{
        spares_close(&w->spares);
        spares_open(&w->spares, &w->io, dirfd, dir, w->file_mode);
}

static void temporary_name(const char *name, char out[NAME_MAX_HERE + 8])
{
        snprintf(out, NAME_MAX_HERE + 8, "%s.tmp", name);
}

/* The others wait on. */
static void drop_last_waiting(struct filewriter *w)
{
        struct waiting *f = &w->waiting[--w->n_waiting];
        char temporary[NAME_MAX_HERE + 8];

        temporary_name(f->name, temporary);
        w->io.unlink(w->io.ctx, f->dir->fd, temporary);
        fd_close(&f->fd);
}

struct filewriter *filewriter_free(struct filewriter *w)
{
        if (!w)
                return NULL;
        while (w->n_waiting > 0)
                drop_last_waiting(w);
        for (size_t i = 0; i < DIRS_MAX; i++)
                fd_close(&w->dir[i].fd);
        spares_close(&w->spares);
        free(w);
        return NULL;
}

/* ---- syncing ---- */

static int sync_waiting(struct filewriter *w, struct err *err)
{
        int fd[WAITING_MAX], r;
        size_t failed;

        /* Start writing all of them before waiting for the first; only a hint. */
        for (size_t i = 0; i < w->n_waiting; i++) {
                fd[i] = w->waiting[i].fd;
                sync_file_range(fd[i], 0, 0, SYNC_FILE_RANGE_WRITE);
        }
        r = syncer_run(w->syncer, &w->io, fd, w->n_waiting, &failed);
        if (r < 0)
                return err_set(err, -EIO, "%s/%s: sync failed (%s)", w->waiting[failed].dir->path,
                               w->waiting[failed].name, strerror(-r));
        return 0;
}

static int rename_waiting(struct filewriter *w, struct err *err)
{
        char temporary[NAME_MAX_HERE + 8];
        int r;

        while (w->n_waiting > 0) {
                struct waiting *f = &w->waiting[w->n_waiting - 1];

                temporary_name(f->name, temporary);
                r = w->io.rename(w->io.ctx, f->dir->fd, temporary, f->name);
                if (r < 0)
                        return err_sys(err, r, "%s/%s: rename", f->dir->path, f->name);
                f->dir->dirty = true;
                fd_close(&f->fd);
                w->n_waiting--;
                w->files++;
        }
        return 0;
}

static int sync_dirs(struct filewriter *w, struct err *err)
{
        struct open_dir *dirty[DIRS_MAX];
        int fd[DIRS_MAX], r;
        size_t n = 0, failed;

        for (size_t i = 0; i < DIRS_MAX; i++)
                if (w->dir[i].fd >= 0 && w->dir[i].dirty) {
                        dirty[n] = &w->dir[i];
                        fd[n++] = w->dir[i].fd;
                }
        r = syncer_run(w->syncer, &w->io, fd, n, &failed);
        if (r < 0)
                return err_set(err, -EIO, "%s: sync failed (%s)", dirty[failed]->path,
                               strerror(-r));
        for (size_t i = 0; i < n; i++)
                dirty[i]->dirty = false;
        return 0;
}

int filewriter_sync(struct filewriter *w, struct err *err)
{
        int r = sync_waiting(w, err);

        if (r == 0)
                r = rename_waiting(w, err);
        if (r == 0)
                r = sync_dirs(w, err);
        return r;
}

uint64_t filewriter_files(const struct filewriter *w)
{
        return w->files;
}

/* ---- directories ---- */

static struct open_dir *find_dir(struct filewriter *w, const char *path)
{
        for (size_t i = 0; i < DIRS_MAX; i++)
                if (w->dir[i].fd >= 0 && strcmp(w->dir[i].path, path) == 0)
                        return &w->dir[i];
        return NULL;
}

static struct open_dir *place_for_dir(struct filewriter *w)
{
        struct open_dir *oldest = &w->dir[0];

        for (size_t i = 0; i < DIRS_MAX; i++) {
                if (w->dir[i].fd < 0)
                        return &w->dir[i];
                if (w->dir[i].used < oldest->used)
                        oldest = &w->dir[i];
        }
        return oldest;
}

static size_t remove_files(struct filewriter *w, const char *path, bool only_temporaries);

static int open_dir(struct filewriter *w, const char *path, enum filewriter_mode mode,
                    struct open_dir **ret, struct err *err)
{
        struct open_dir *d = find_dir(w, path);
        int r;

        if (!d) {
                d = place_for_dir(w);
                if (d->fd >= 0) {
                        r = filewriter_sync(w, err); /* files may wait in it */
                        if (r < 0)
                                return r;
                        fd_close(&d->fd);
                }
                r = io_make_dirs(&w->io, w->root_fd, path, w->dir_mode, err);
                if (r < 0)
                        return r;
                r = w->io.open(w->io.ctx, w->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
                if (r < 0)
                        return err_sys(err, r, "%s", path);
                d->fd = r;
                d->dirty = false;
                if (mode == FILEWRITER_IMMUTABLE) /* a published tree: nobody else writes here */
                        remove_files(w, path, true);
                snprintf(d->path, sizeof d->path, "%s", path);
        }
        d->used = ++w->round;
        *ret = d;
        return 0;
}

/* ---- files ---- */

/* 1: there and the same; 0: not there; -EBADMSG: there and another. */
static int compare_file(struct filewriter *w, struct open_dir *d, const char *name,
                        struct span content, struct err *err)
{
        uint8_t *bytes;
        size_t n;
        int r;

        r = io_read_file(&w->io, d->fd, name, content.n, &bytes, &n, err);
        if (r == -ENOENT)
                return 0;
        if (r == 0) {
                r = span_eq(span_of(bytes, n), content) ? 1 : -EFBIG;
                free(bytes);
        }
        if (r == -EFBIG)
                return err_set(
                        err, -EBADMSG,
                        "%s/%s: another content than what belongs there; the log itself is sound: "
                        "move the file away and it is made again",
                        d->path, name);
        return r;
}

static int open_temporary(struct filewriter *w, struct open_dir *d, const char *temporary)
{
        int r = spares_take(&w->spares, d->fd, temporary);

        if (r != -ENOENT)
                return r;
        return w->io.open(w->io.ctx, d->fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
                          w->file_mode);
}

static int write_temporary(struct filewriter *w, struct open_dir *d, const char *name,
                           struct span content, struct err *err)
{
        struct waiting *f = &w->waiting[w->n_waiting];
        char temporary[NAME_MAX_HERE + 8];
        ssize_t n;

        snprintf(f->name, sizeof f->name, "%s", name);
        f->dir = d;
        temporary_name(name, temporary);
        f->fd = open_temporary(w, d, temporary);
        if (f->fd < 0)
                return err_sys(err, f->fd, "%s/%s", d->path, name);
        w->n_waiting++;
        n = w->io.pwrite(w->io.ctx, f->fd, content.p, content.n, 0);
        if (n < 0)
                drop_last_waiting(w);
        return n < 0 ? err_sys(err, (int)n, "%s/%s: write", d->path, name) : 0;
}

static bool is_waiting(const struct filewriter *w, const struct open_dir *d, const char *name)
{
        for (size_t i = 0; i < w->n_waiting; i++)
                if (w->waiting[i].dir == d && strcmp(w->waiting[i].name, name) == 0)
                        return true;
        return false;
}

int filewriter_put(struct filewriter *w, const char *dir, const char *name, struct span content,
                   enum filewriter_mode mode, struct err *err)
{
        struct open_dir *d = NULL;
        int r;

        assert(strlen(name) < NAME_MAX_HERE && strlen(dir) < FILEWRITER_PATH_MAX);
        r = open_dir(w, dir, mode, &d, err);
        /* Put again by an owner that tries again after another file's failure. */
        if (r == 0 && is_waiting(w, d, name))
                r = filewriter_sync(w, err);
        if (r == 0 && mode == FILEWRITER_IMMUTABLE)
                r = compare_file(w, d, name, content, err);
        if (r == 1) /* whoever put it there may have died before syncing its name */
                d->dirty = true;
        if (r != 0)
                return MIN_OF(r, 0);
        if (w->n_waiting == WAITING_MAX) {
                r = filewriter_sync(w, err);
                if (r < 0)
                        return r;
        }
        return write_temporary(w, d, name, content, err);
}

/* ---- removing ---- */

static bool is_temporary(const char *name)
{
        size_t n = strlen(name);

        return n > 4 && strcmp(name + n - 4, ".tmp") == 0;
}

struct removal {
        struct filewriter *w;
        bool only_temporaries; /* else all, as spares while there is room for them */
        size_t given;          /* of these */
};

static int remove_one(void *ctx, int dirfd, const char *name)
{
        struct removal *rm = ctx;
        struct filewriter *w = rm->w;

        if (name[0] == '.' || (rm->only_temporaries && !is_temporary(name)))
                return 0;
        if (!rm->only_temporaries && spares_give(&w->spares, dirfd, name))
                rm->given++;
        else
                (void)w->io.unlink(w->io.ctx, dirfd, name); /* or it stays, as the header says */
        return 0;
}

/* As far as possible; returns how many became spares. */
static size_t remove_files(struct filewriter *w, const char *path, bool only_temporaries)
{
        struct removal rm = { w, only_temporaries, 0 };
        int r = names_each(w->root_fd, path, remove_one, &rm);

        (void)r;
        return rm.given;
}

/* What the disk has by the old name must not be what a spare becomes. */
static void settle_spares(struct filewriter *w, const char *dir, size_t given)
{
        CLEANUP_FD int fd = w->io.open(w->io.ctx, w->root_fd, dir, O_RDONLY | O_DIRECTORY, 0);

        if (fd < 0 || w->io.fsync(w->io.ctx, fd) < 0)
                spares_drop_last(&w->spares, given);
}

void filewriter_drop_dir(struct filewriter *w, const char *dir)
{
        struct open_dir *d = find_dir(w, dir);
        size_t given = remove_files(w, dir, false);

        if (given)
                settle_spares(w, dir, given);
        if (d)
                fd_close(&d->fd);
        unlinkat(w->root_fd, dir, AT_REMOVEDIR);
}

void filewriter_clean_dir(struct filewriter *w, const char *dir)
{
        remove_files(w, dir, true);
}
