/* SPDX-License-Identifier: Apache-2.0 */
/* The directories that the files of a source lie in, and the names that count there (wake.h). */
#include "monitor/gather_priv.h"

#include "sys/dirwalk.h"
#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(struct gathering *x, const char *dir, const char *pattern)
{
        buf_put(x->places, span_of(dir, strlen(dir) + 1));
        buf_put(x->places, span_of(pattern, strlen(pattern) + 1));
}

static bool is_dir(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What is not there yet: the nearest directory that is, and the next name on the way. */
static void put_nearest(struct gathering *x, const char *full)
{
        char dir[PATH_MAX];
        const char *name;
        char *slash;

        snprintf(dir, sizeof dir, "%s", full);
        while ((slash = strrchr(dir, '/'))) {
                *slash = 0;
                name = full + (slash - dir) + 1;
                if (is_dir(slash == dir ? "/" : dir)) {
                        char next[NAME_MAX + 1];

                        snprintf(next, sizeof next, "%.*s", (int)strcspn(name, "/"), name);
                        put(x, slash == dir ? "/" : dir, next);
                        return;
                }
        }
}

/* A file by its full path; of a link what it leads to as well. */
static void put_file(struct gathering *x, const char *full)
{
        char target[PATH_MAX];
        struct stat st;

        put_nearest(x, full);
        if (lstat(full, &st) == 0 && S_ISLNK(st.st_mode) && realpath(full, target))
                put_nearest(x, target);
}

/* Those that fit, in each directory that fits, and the way there. */
static void put_pattern(struct gathering *x, const char *full, unsigned depth)
{
        char dir[PATH_MAX];
        glob_t g = { 0 };
        char *slash;

        snprintf(dir, sizeof dir, "%s", full);
        slash = strrchr(dir, '/');
        if (!slash || depth > GATHER_DEPTH_MAX)
                return;
        *slash = 0;
        if (strcspn(dir, "*?[") == strlen(dir)) {
                if (is_dir(dir[0] ? dir : "/"))
                        put(x, dir[0] ? dir : "/", slash + 1);
                else
                        put_nearest(x, dir);
                return;
        }
        put_pattern(x, dir, depth + 1);
        if (glob(dir, GLOB_NOSORT | GLOB_NOESCAPE | GLOB_ONLYDIR, NULL, &g) == 0)
                for (size_t i = 0; i < g.gl_pathc; i++)
                        put(x, g.gl_pathv[i], slash + 1);
        globfree(&g);
}

static void put_tree(struct gathering *x, const char *full, unsigned depth)
{
        CLEANUP_FD int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        char below[PATH_MAX];
        struct dir_reader *r;
        struct dir_entry e;

        if (fd < 0 || depth > GATHER_DEPTH_MAX || *x->g->stop || !(r = malloc(sizeof *r)))
                return;
        put(x, full, "*");
        dir_reader_init(r, fd);
        while (dir_read(r, &e) > 0)
                if (e.type == DT_DIR &&
                    (size_t)snprintf(below, sizeof below, "%s/%s", full, e.name) < sizeof below)
                        put_tree(x, below, depth + 1);
        free(r);
}

void gather_place(struct gathering *x, const char *path)
{
        char full[PATH_MAX];

        if ((size_t)snprintf(full, sizeof full, "%s%s", x->g->root, path) < sizeof full)
                put_file(x, full);
}

int gather_places_of(struct gathering *x, const struct state_source *s)
{
        char full[PATH_MAX];

        if ((size_t)snprintf(full, sizeof full, "%s%s", x->g->root, s->where) >= sizeof full)
                return 0;
        switch (s->type) {
        case STATE_FILE:
                put_file(x, full);
                return 0;
        case STATE_FILES:
                put_pattern(x, full, 0);
                return 0;
        case STATE_TREE:
                put_nearest(x, full);
                put_tree(x, full, 0);
                return 0;
        case STATE_HOMES:
                return gather_homes(x, s);
        default:
                return 0;
        }
}
