/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/upkeep/upkeep.h"

#include "base/text.h"
#include "ledger/upkeep/rotation_kept.h"
#include "wire/tile.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PRUNED_MAX = 32, YEAR_DIGITS = 4, LEFT_MAX = 24 * 1024 * 1024 };

/* ---- stamps ---- */

int stamp_store(int public_fd, const struct io *io, uint64_t size, struct span note,
                struct span reply, struct err *err)
{
        const struct {
                const char *suffix;
                struct span content;
        } files[] = { { "note", note }, { "tsr", reply } };
        CLEANUP_FD int dir = -1;
        char path[64];
        int r;

        r = io_make_dirs(io, public_fd, "stamp", 0755, err);
        if (r < 0)
                return r;
        dir = io->open(io->ctx, public_fd, "stamp", O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
                return err_sys(err, dir, "stamp");
        for (size_t i = 0; i < ARRAY_LEN(files); i++) {
                snprintf(path, sizeof path, "stamp/%llu.%s", (unsigned long long)size,
                         files[i].suffix);
                r = io_replace_file(io, public_fd, path, dir, 0644, files[i].content, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- pruning ---- */

int prune_parse(struct span file, uint64_t *ret_min, struct err *err)
{
        uint64_t min;
        int r = -EINVAL;

        if (file.n && file.p[file.n - 1] == '\n')
                r = text_to_u64(span_of(file.p, file.n - 1), &min);
        if (r < 0 || min % TILE_WIDTH)
                return err_set(err, -EBADMSG, "pruned: no minimum index, a multiple of %d",
                               TILE_WIDTH);
        *ret_min = min;
        return 0;
}

int prune_read(int public_fd, const struct io *io, uint64_t *ret_min, struct err *err)
{
        uint8_t *bytes;
        size_t n;
        int r;

        r = io_read_file(io, public_fd, "pruned", PRUNED_MAX, &bytes, &n, err);
        if (r == -ENOENT) {
                *ret_min = 0;
                return 0;
        }
        if (r < 0)
                return r;
        r = prune_parse(span_of(bytes, n), ret_min, err);
        free(bytes);
        return r;
}

static int drop(int dirfd, const struct io *io, const char *path, struct err *err)
{
        int r = io->unlink(io->ctx, dirfd, path);

        return r < 0 && r != -ENOENT ? err_sys(err, r, "%s", path) : 0;
}

/* Bundle n and its sealed rows; then their directories, if that emptied them. */
int prune_bundle(const struct pruning *p, uint64_t n, struct err *err)
{
        struct tile t = { .level = TILE_LEVEL_ENTRIES, .n = n, .width = TILE_WIDTH };
        size_t skip = strlen("tile/entries/");
        char path[TILE_PATH_MAX];
        int r;

        assert(n < p->bundles);
        tile_path(t, path);
        r = drop(p->public_fd, p->io, path, err);
        if (r == 0 && p->rows_fd >= 0)
                r = drop(p->rows_fd, p->io, path + skip, err);
        if (r == 0 && n % 1000 == 999) {
                tile_dir(t, path);
                unlinkat(p->public_fd, path, AT_REMOVEDIR);
                if (strlen(path) > skip && p->rows_fd >= 0)
                        unlinkat(p->rows_fd, path + skip, AT_REMOVEDIR);
        }
        return r;
}

int prune_begin(int public_fd, int private_fd, const struct io *io, uint64_t min_index,
                struct pruning *ret, struct err *err)
{
        struct pruning p = { .io = io,
                             .public_fd = public_fd,
                             .private_fd = private_fd,
                             .bundles = min_index / TILE_WIDTH };
        char text[PRUNED_MAX];
        uint64_t old;
        int r;

        r = prune_read(public_fd, io, &old, err);
        if (r < 0)
                return r;
        if (min_index % TILE_WIDTH || min_index < old)
                return err_set(err, -EINVAL, "minimum index %llu: a multiple of %d from %llu on",
                               (unsigned long long)min_index, TILE_WIDTH, (unsigned long long)old);
        r = rotation_keep(public_fd, io, min_index, err);
        if (r < 0)
                return r;
        snprintf(text, sizeof text, "%llu\n", (unsigned long long)min_index);
        r = io_replace_file(io, public_fd, "pruned", public_fd, 0644, span_str(text), err);
        if (r < 0)
                return r;
        p.rows_fd = io->open(io->ctx, private_fd, "vault", O_RDONLY | O_DIRECTORY, 0);
        if (p.rows_fd < 0 && p.rows_fd != -ENOENT)
                return err_sys(err, p.rows_fd, "vault");
        *ret = p;
        return 0;
}

int prune_end(const struct pruning *p, struct err *err)
{
        /* Thousands of directories may have lost names, and sealed rows must not come back. */
        if (syncfs(p->public_fd) < 0 || syncfs(p->private_fd) < 0)
                return err_sys(err, -errno, "sync");
        return 0;
}

void pruning_done(struct pruning *p)
{
        fd_close(&p->rows_fd);
}

int prune_below(int public_fd, int private_fd, const struct io *io, uint64_t min_index,
                struct err *err)
{
        struct pruning p;
        int r = prune_begin(public_fd, private_fd, io, min_index, &p, err);

        if (r < 0)
                return r;
        /* From the start, not from the old minimum: a crash may have left some of the last time's.
         */
        for (uint64_t n = 0; n < p.bundles && r == 0; n++)
                r = prune_bundle(&p, n, err);
        if (r == 0)
                r = prune_end(&p, err);
        pruning_done(&p);
        return r;
}

/* ---- succession ---- */

bool succession_due(const char *origin, int64_t now_ns, char ret_next[NOTE_NAME_MAX + 1])
{
        const char *slash = strrchr(origin, '/');
        char now[TEXT_TIME_LEN + 1];
        uint64_t year, this_year;

        if (!slash || strlen(slash + 1) != YEAR_DIGITS ||
            text_to_u64(span_str(slash + 1), &year) < 0)
                return false;
        text_time(now_ns, now);
        if (text_to_u64(span_of(now, YEAR_DIGITS), &this_year) < 0 || this_year <= year)
                return false;
        snprintf(ret_next, NOTE_NAME_MAX + 1, "%.*s/%llu", (int)(slash - origin), origin,
                 (unsigned long long)this_year);
        return true;
}

int succession_close(int private_fd, const struct io *io, const char *next, struct err *err)
{
        return io_replace_file(io, private_fd, "succeeded", private_fd, 0600, span_str(next), err);
}

int succession_cite(int next_private_fd, const struct io *io, struct span previous, struct err *err)
{
        return io_replace_file(io, next_private_fd, "previous", next_private_fd, 0600, previous,
                               err);
}

int succession_inherit(int private_fd, int next_private_fd, const struct io *io, struct err *err)
{
        static const char *const files[][2] = { { "runs", "previous_runs" },
                                                { "calls_left", "calls" } };
        uint8_t *bytes;
        size_t n;
        int r = 0;

        for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++) {
                r = io_read_file(io, private_fd, files[i][0], LEFT_MAX, &bytes, &n, err);
                if (r == -ENOENT) {
                        r = 0;
                        continue;
                }
                if (r < 0)
                        return r;
                r = io_replace_file(io, next_private_fd, files[i][1], next_private_fd, 0600,
                                    span_of(bytes, n), err);
                free(bytes);
        }
        return r;
}

static bool there(int fd, const char *path)
{
        return faccessat(fd, path, F_OK, 0) == 0;
}

/* NAME, what stands behind it, and the same of its private half. */
struct pair {
        char public[NAME_MAX + 1], private[NAME_MAX + 1];
};

static int name_pair(const char *name, const char *suffix, struct pair *ret, struct err *err)
{
        int n = snprintf(ret->public, sizeof ret->public, "%s%s", name, suffix);
        int m = snprintf(ret->private, sizeof ret->private, "%s%s.private", name, suffix);

        if (n < 0 || m < 0 || (size_t)m >= sizeof ret->private)
                return err_sys(err, -ENAMETOOLONG, "%s", name);
        return 0;
}

static int move(int fd, const struct io *io, const char *from, const char *to, struct err *err)
{
        int r = there(fd, from) && !there(fd, to) ? io->rename(io->ctx, fd, from, to) : 0;

        return r < 0 ? err_sys(err, r, "%s: rename to %s", from, to) : 0;
}

/* The private directories move last: they tell how far it got. */
static int move_pair(int fd, const struct io *io, const struct pair *from, const struct pair *to,
                     struct err *err)
{
        int r = move(fd, io, from->public, to->public, err);

        if (r == 0)
                r = move(fd, io, from->private, to->private, err);
        if (r < 0)
                return r;
        r = io->fsync(io->ctx, fd);
        return r < 0 ? err_sys(err, r, "%s: sync of its directory", to->public) : 0;
}

/* The number under which the closed ledger goes away; one that a crash left half way is gone on
 * with. */
static int archive_number(int fd, const char *name, struct pair *ret, unsigned *ret_n,
                          struct err *err)
{
        char suffix[16];
        int r;

        for (unsigned n = 1;; n++) {
                snprintf(suffix, sizeof suffix, ".%u", n);
                r = name_pair(name, suffix, ret, err);
                if (r < 0)
                        return r;
                if (!there(fd, ret->private)) {
                        *ret_n = n;
                        return 0;
                }
        }
}

static bool is_closed(int fd, const struct pair *p)
{
        char path[NAME_MAX + sizeof "/succeeded"];

        snprintf(path, sizeof path, "%s/succeeded", p->private);
        return there(fd, path);
}

int succession_install(int parent_fd, const char *name, const struct io *io, unsigned *ret_n,
                       struct err *err)
{
        struct pair now, next, old;
        unsigned n = 0;
        int r;

        r = name_pair(name, "", &now, err);
        if (r == 0)
                r = name_pair(name, ".next", &next, err);
        if (r == 0 && is_closed(parent_fd, &now) && there(parent_fd, next.private)) {
                r = archive_number(parent_fd, name, &old, &n, err);
                if (r == 0)
                        r = move_pair(parent_fd, io, &now, &old, err);
        }
        if (r == 0 && !there(parent_fd, now.private) && there(parent_fd, next.private))
                r = move_pair(parent_fd, io, &next, &now, err);
        if (r == 0 && there(parent_fd, next.private))
                r = err_set(err, -EEXIST,
                            "%s: another ledger was begun in this place, %s waits for it",
                            now.public, next.public);
        if (r == 0 && ret_n)
                *ret_n = n;
        return r;
}
