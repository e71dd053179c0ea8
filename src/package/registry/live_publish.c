/* SPDX-License-Identifier: Apache-2.0 */
/* live_publish.c - making a generation the deployed one.  Floor 2.
 *
 *   live/<n> is not there      -> written beside its name, synced, renamed, live/ synced
 *   live/<n> is there          the same: while `current` does not lead to it nobody reads it
 *   `current.tmp` leads to it  -> renamed to `current`
 *   `current` leads to it      -> the directory is synced
 *
 * A crash between two of these leaves what one of the lines says; all of them are done again. */
#include "package/registry/live_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

static const char current[] = "current", next[] = "current.tmp";

/* ---- the link ---- */

int live_link_read(int dirfd, char out[LIVE_LINK_MAX])
{
        ssize_t n = readlinkat(dirfd, current, out, LIVE_LINK_MAX);

        return n < 0 ? -errno : (int)n;
}

bool live_link_number(struct span link, uint64_t *ret)
{
        static const struct span dir = SPAN_INIT("live/");

        return span_starts(link, dir) && text_to_u64(span_from(link, dir.n), ret) == 0 && *ret > 0;
}

void live_link_text(uint64_t generation, char out[LIVE_LINK_MAX])
{
        snprintf(out, LIVE_LINK_MAX, "live/%llu", (unsigned long long)generation);
}

int live_deployed(int dirfd, uint64_t *ret, struct err *err)
{
        char text[LIVE_LINK_MAX];
        int n = live_link_read(dirfd, text);
        uint64_t number = 0;

        if (n < 0 && n != -ENOENT)
                return err_sys(err, n, "%s", current);
        if (n >= 0 && !live_link_number(span_of(text, (size_t)n), &number))
                return err_set(err, -EBADMSG, "%s: leads to no generation", current);
        *ret = number;
        return 0;
}

/* ---- deploying ---- */

/* 1: it is deployed and says the same; 0: it is to be written. */
static int look(const struct io *io, int dirfd, uint64_t generation, struct span text,
                struct err *err)
{
        char path[LIVE_LINK_MAX];
        uint64_t deployed;
        uint8_t *p;
        size_t n;
        bool same;
        int r = live_deployed(dirfd, &deployed, err);

        if (r < 0)
                return r;
        if (deployed > generation)
                return err_set(err, -EEXIST, "generation %llu: %llu is deployed",
                               (unsigned long long)generation, (unsigned long long)deployed);
        if (deployed < generation)
                return 0;
        live_link_text(generation, path);
        r = io_read_file(io, dirfd, path, LIVE_TEXT_MAX, &p, &n, err);
        if (r < 0)
                return r;
        same = span_eq(span_of(p, n), text);
        free(p);
        return same ? 1
                    : err_set(err, -EEXIST, "generation %llu: deployed with other content",
                              (unsigned long long)generation);
}

static int write_text(const struct io *io, int dirfd, uint64_t generation, struct span text,
                      struct err *err)
{
        CLEANUP_FD int fd = -1;
        char path[LIVE_LINK_MAX];
        int r = io_make_dirs(io, dirfd, "live", 0755, err);

        if (r < 0)
                return r;
        fd = io->open(io->ctx, dirfd, "live", O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return err_sys(err, fd, "live");
        live_link_text(generation, path);
        return io_replace_file(io, dirfd, path, fd, 0444, text, err);
}

static int replace_link(const struct io *io, int dirfd, uint64_t generation, struct err *err)
{
        char target[LIVE_LINK_MAX];
        int r = io->unlink(io->ctx, dirfd, next); /* left by a crash */

        if (r < 0 && r != -ENOENT)
                return err_sys(err, r, "%s: unlink", next);
        live_link_text(generation, target);
        r = io->symlink(io->ctx, target, dirfd, next);
        if (r < 0)
                return err_sys(err, r, "%s: symlink", next);
        r = io->rename(io->ctx, dirfd, next, current);
        return r < 0 ? err_sys(err, r, "%s: rename to %s", next, current) : 0;
}

int live_publish(const struct io *io, int dirfd, uint64_t generation, const struct live_api *apis,
                 uint32_t n, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(LIVE_TEXT_MAX);
        int r = live_put(&text, generation, apis, n, err);
        bool written;

        if (r == 0)
                r = look(io, dirfd, generation, buf_span(&text), err);
        if (r < 0)
                return r;
        written = r == 1;
        r = written ? 0 : write_text(io, dirfd, generation, buf_span(&text), err);
        if (r == 0 && !written)
                r = replace_link(io, dirfd, generation, err);
        if (r < 0)
                return r;
        r = io->fsync(io->ctx, dirfd); /* again, too, where an earlier one failed */
        return r < 0 ? err_sys(err, r, "sync of the registry's directory") : 0;
}
