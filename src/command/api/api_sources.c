/* SPDX-License-Identifier: Apache-2.0 */
/* api_sources.c - see api_sources.h. */
#include "command/api/api_sources.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sys/dirwalk.h"
#include "sys/io.h"

enum { ARENA_MAX = PACKAGE_FILE_MAX + (16 << 20), NAME_BYTES = 256 };

struct walk {
        struct api_sources *s;
        struct lint *l;
        const char *dir; /* as the user named it */
        struct err *err;
        struct dir_reader reader;
};

static int no_room(struct walk *w)
{
        return err_set(w->err, -EFBIG, "%s: more than the %d MiB that a package may hold", w->dir,
                       PACKAGE_FILE_MAX >> 20);
}

/* As the kernel's, but what is a link by then is not followed. */
static int open_here(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        return io_kernel.open(ctx, dirfd, path, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

static int keep(struct walk *w, struct span path, struct span text)
{
        const char *p = arena_copy(&w->s->arena, path), *t = arena_copy(&w->s->arena, text);

        if (!p || !t)
                return err_sys(w->err, -ENOMEM, "%s", w->dir);
        w->s->at[w->s->n++] = (struct package_source){ span_of(p, path.n), span_of(t, text.n) };
        w->s->bytes += text.n;
        return 0;
}

/* prefix: "policies/" or nothing. */
static int read_source(struct walk *w, int dirfd, const char *prefix, const char *name)
{
        struct io io = io_kernel;
        char path[2 * NAME_BYTES];
        uint8_t *text = NULL;
        size_t n;
        int r;

        if (w->s->n == PACKAGE_SOURCES_MAX)
                return err_set(w->err, -EFBIG, "%s: more than %d files", w->dir,
                               PACKAGE_SOURCES_MAX);
        io.open = open_here;
        snprintf(path, sizeof path, "%s%s", prefix, name);
        r = io_read_file(&io, dirfd, name, PACKAGE_FILE_MAX - w->s->bytes, &text, &n, w->err);
        if (r == -EFBIG)
                return no_room(w);
        if (r < 0)
                return err_sys(w->err, r, "%s/%s", w->dir, path);
        r = keep(w, span_str(path), span_of(text, n));
        free(text);
        return r;
}

/* A copy that lives as long as faults do. */
static struct span lasting(struct walk *w, const char *path)
{
        const char *p = arena_copy(&w->s->arena, span_str(path));

        return p ? span_str(p) : SPAN("?");
}

static const char *what_it_is(mode_t mode)
{
        return S_ISLNK(mode)   ? "a symbolic link, and links are not followed: put the file itself "
                                 "here"
               : S_ISDIR(mode) ? "a directory, and a file is wanted"
               : S_ISFIFO(mode) ? "a pipe, and a file is wanted"
               : S_ISSOCK(mode) ? "a socket, and a file is wanted"
                                : "a device, and a file is wanted";
}

static int read_policies(struct walk *w, int dirfd);

static int take(struct walk *w, int dirfd, const char *prefix, const char *name)
{
        char path[2 * NAME_BYTES];
        struct fs_stat st;
        int r = fs_stat_at(dirfd, name, &st);

        snprintf(path, sizeof path, "%s%s", prefix, name);
        if (r < 0)
                return err_sys(w->err, r, "%s/%s", w->dir, path);
        if (S_ISDIR(st.mode) && strcmp(path, "policies") == 0)
                return read_policies(w, dirfd);
        if (!build_source_ok(span_str(path))) {
                build_refuse_source(w->l, lasting(w, path));
                return 0;
        }
        if (S_ISREG(st.mode))
                return read_source(w, dirfd, prefix, name);
        w->l->file = lasting(w, path);
        lint_error(w->l, NULL, "%s", what_it_is(st.mode));
        return 0;
}

/* Names first, so that faults come in one order and the reader is free for another directory. */
static int list_names(struct walk *w, int dirfd, struct span **ret, size_t *ret_n)
{
        struct dir_entry e;
        struct span *list = NULL;
        size_t n = 0, room = 0;
        int r;

        dir_reader_init(&w->reader, dirfd);
        while ((r = dir_read(&w->reader, &e)) > 0) {
                if (e.name[0] == '.')
                        continue;
                if (n == room) {
                        struct span *more;

                        room = room ? 2 * room : 64;
                        more = realloc(list, room * sizeof *list);
                        if (!more) {
                                r = -ENOMEM;
                                break;
                        }
                        list = more;
                }
                list[n] = lasting(w, e.name);
                n++;
        }
        if (r < 0) {
                free(list);
                return err_sys(w->err, r, "%s", w->dir);
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

static int by_name(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* A file of a package, or one that its owner takes for it: openapi.json. */
static bool is_of_package(struct span name)
{
        static const char *const stems[] = { "openapi", "gateway", "backend",
                                             "policy",  "types",   "entities" };

        for (size_t i = 0; i < ARRAY_LEN(stems); i++) {
                struct span stem = span_str(stems[i]);

                if (span_starts(name, stem) && (name.n == stem.n || name.p[stem.n] == '.'))
                        return true;
        }
        return span_eq_str(name, "policies");
}

/* Of another directory each file would be a fault. */
static int check_names(struct walk *w, const struct span *names, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (is_of_package(names[i]))
                        return 0;
        return n == 0 ? 0
                      : err_set(w->err, -EINVAL,
                                "%s: no package of an API: there is no openapi.yaml, gateway.yaml, "
                                "backend.yaml and policy.cedar",
                                w->dir);
}

static int read_all(struct walk *w, int dirfd, const char *prefix)
{
        struct span *names = NULL;
        size_t n = 0;
        int r = list_names(w, dirfd, &names, &n);

        if (r == 0 && !*prefix)
                r = check_names(w, names, n);
        if (r == 0 && n > 1)
                qsort(names, n, sizeof *names, by_name);
        for (size_t i = 0; i < n && r == 0; i++)
                r = take(w, dirfd, prefix, (const char *)names[i].p);
        free(names);
        return r;
}

static int read_policies(struct walk *w, int dirfd)
{
        CLEANUP_FD int fd =
                openat(dirfd, "policies", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return err_sys(w->err, -errno, "%s/policies", w->dir);
        return read_all(w, fd, "policies/");
}

static int by_path(const void *a, const void *b)
{
        const struct package_source *x = a, *y = b;

        return span_cmp(x->path, y->path);
}

int api_sources_read(const char *dir, struct api_sources *s, struct lint *l, struct err *err)
{
        static struct walk w; /* too large for a stack */
        CLEANUP_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        w = (struct walk){ .s = s, .l = l, .dir = dir, .err = err };
        *s = (struct api_sources){ .arena = ARENA_INIT(ARENA_MAX) };
        if (fd < 0 && errno == ENOTDIR)
                return err_set(err, -ENOTDIR,
                               "%s: the directory with a package's files is wanted; what assay api "
                               "build makes of it is for assay api inspect",
                               dir);
        if (fd < 0)
                return err_sys(err, -errno, "%s", dir);
        r = read_all(&w, fd, "");
        if (r < 0) {
                api_sources_done(s);
                return r;
        }
        qsort(s->at, s->n, sizeof *s->at, by_path);
        return 0;
}

void api_sources_done(struct api_sources *s)
{
        arena_done(&s->arena);
        s->n = 0;
        s->bytes = 0;
}
