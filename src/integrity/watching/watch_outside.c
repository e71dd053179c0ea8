/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of no interest: known by handle, so that an event costs a look into a cache, and
 * ignored by the kernel where they are noisy.  An unknown directory is resolved once. */
#include "integrity/watching/watch_priv.h"

#include "integrity/trusted/observe.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        LINK_BYTES = 8192,
        NOISY = 256,         /* events from one directory outside, until the kernel drops them */
        IGNORED_MAX = 16384, /* directories */
};

static uint64_t hash_of(const struct table_handle *h)
{
        uint64_t x = h->fsid + (uint32_t)h->type;

        for (size_t i = 0; i < h->n; i++)
                x = (x ^ h->b[i]) * 0x100000001b3ULL;
        return x ^ x >> 31;
}

/* ---- outside ---- */

static struct outside *slot_of(struct watch *w, const struct table_handle *h)
{
        return &w->outside[hash_of(h) & (OUTSIDE_SLOTS - 1)];
}

static bool is_slot(const struct outside *o, const struct table_handle *h)
{
        return o->n == h->n && o->n && o->fsid == h->fsid && o->type == h->type &&
               memcmp(o->b, h->b, h->n) == 0;
}

bool outside_known(struct watch *w, const struct table_handle *h)
{
        return is_slot(slot_of(w, h), h);
}

static void remember(struct watch *w, const struct table_handle *h)
{
        struct outside *o = slot_of(w, h);

        if (h->n > SLOT_HANDLE)
                return;
        *o = (struct outside){ .fsid = h->fsid, .type = h->type, .n = h->n };
        memcpy(o->b, h->b, h->n);
}

void outside_forget(struct watch *w)
{
        memset(w->outside, 0, sizeof w->outside);
        memset(w->alias, 0, sizeof w->alias);
}

int outside_count(struct watch *w, const struct table_handle *h)
{
        struct outside *o = slot_of(w, h);
        CLEANUP_FD int fd = -1;
        int rc;

        w->counts.outside++;
        if (!is_slot(o, h) || ++o->hits < NOISY)
                return 0;
        /* What is ignored hides the other names of watched files, unless they are marked themselves
         * and their events tell which they are. */
        if (w->counts.ignored >= IGNORED_MAX || w->counts.links >= WATCH_LINKS_MAX ||
            !(w->group[GROUP_MAIN].features & FAN_HAS_TARGET))
                return 0;
        o->hits = 0;
        fd = watch_open(w, h);
        if (fd < 0)
                return 0;
        rc = fan_ignore(&w->group[GROUP_MAIN], WATCH_IGNORED, fd, NULL, NULL);
        w->counts.ignored += rc == 0 ? 1 : 0;
        return rc == -ENOMEM ? rc : 0;
}

/* ---- an overlay's layers ---- */

int watch_layer(struct watch *w, struct span point, struct span layer, struct err *err)
{
        struct layer *l = malloc(sizeof *l + point.n + layer.n);

        if (!l)
                return err_set(err, -ENOMEM, "out of memory for an overlay's layers");
        memcpy(l->bytes, layer.p, layer.n);
        memcpy(l->bytes + layer.n, point.p, point.n);
        l->path = span_of(l->bytes, layer.n);
        l->point = span_of(l->bytes + layer.n, point.n);
        l->next = w->layers;
        w->layers = l;
        return 0;
}

void watch_forget_layers(struct watch *w)
{
        for (struct layer *l = w->layers, *next; l; l = next) {
                next = l->next;
                free(l);
        }
        w->layers = NULL;
        outside_forget(w);
}

/* Where the overlay shows this directory of a layer; *path changes in place.  false: nowhere. */
static bool merged_path(const struct watch *w, char path[LINK_BYTES], size_t *len)
{
        struct span p = span_of(path, *len);

        for (const struct layer *l = w->layers; l; l = l->next) {
                size_t below;

                if (!path_within(p, l->path) || p.n - l->path.n + l->point.n > LINK_BYTES)
                        continue;
                below = p.n - l->path.n;
                memmove(path + l->point.n, path + l->path.n, below);
                memcpy(path, l->point.p, l->point.n);
                *len = l->point.n + below;
                return true;
        }
        return false;
}

static struct alias *alias_of(struct watch *w, const struct table_handle *layer)
{
        return &w->alias[hash_of(layer) & (ALIAS_SLOTS - 1)];
}

/* ---- an unknown directory ---- */

/* The nearest directory above path that the table knows by handle, and the part of path below it;
 * no part: it is path's own. */
static struct table_node *known_above(struct watch *w, struct span path, struct span *ret_below)
{
        struct table_node *n = table_root(w->table), *best = NULL;
        size_t at = 1;

        while (n) {
                const uint8_t *slash = at < path.n ? memchr(path.p + at, '/', path.n - at) : NULL;
                struct span part = span_from(path, at);

                if (slash)
                        part.n = (size_t)(slash - part.p);
                if (n->handle) {
                        best = n;
                        *ret_below = part;
                }
                if (part.n == 0)
                        break;
                n = table_child(w->table, n, part);
                at += part.n + 1;
        }
        return best;
}

/* The path of an open directory: a length, 0: it has none, or a negative errno. */
static ssize_t path_of(int fd, char path[LINK_BYTES])
{
        char link[64];
        ssize_t len;

        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        len = readlink(link, path, LINK_BYTES);
        if (len < 0)
                return errno == ENAMETOOLONG ? 0 : -errno;
        return len == LINK_BYTES || path[0] != '/' ? 0 : len;
}

/* Does its path lead to another directory, and still did when that was asked?  Then nobody comes to
 * this one: something is mounted over it, or it lies outside the root or the mount that this
 * process has, for the kernel writes such a path from the top of the filesystem as if it were ours.
 * What goes on there is none of the path's. */
static bool is_hidden(int fd, struct span path)
{
        CLEANUP_FD int at = observe_open_dir(path);
        char again[LINK_BYTES];
        struct record it, other;
        ssize_t len;

        if (at < 0 || observe_stat_fd(fd, &it) < 0 || observe_stat_fd(at, &other) < 0 ||
            record_same_file(&it, &other))
                return false;
        len = path_of(fd, again);
        return len > 0 && span_eq(span_of(again, (size_t)len), path);
}

static bool matters(const struct watch *w, struct span path)
{
        return watchset_covers(w->set, path) || watchset_leads(w->set, path);
}

int outside_resolve(struct watch *w, struct table_handle *h, struct who *who)
{
        struct alias *alias = alias_of(w, h);
        CLEANUP_FD int fd = -1;
        char path[LINK_BYTES];
        struct table_handle above;
        struct table_node *n;
        struct span below = SPAN_NONE;
        bool merged;
        ssize_t len;
        size_t size;

        if (w->layers && alias->layer.n && table_handle_eq(&alias->layer, h) &&
            table_by_handle(w->table, &alias->merged, NULL)) {
                *h = alias->merged;
                return 1;
        }
        w->counts.resolved++;
        fd = watch_open(w, h);
        if (fd < 0)
                return 0; /* gone already; or if not, its parent's event leads to it */
        len = path_of(fd, path);
        if (len <= 0)
                return (int)len;
        size = (size_t)len;
        merged = !matters(w, span_of(path, size)) && merged_path(w, path, &size);
        if (!matters(w, span_of(path, size)) || (!merged && is_hidden(fd, span_of(path, size)))) {
                remember(w, h);
                return 0;
        }
        n = known_above(w, span_of(path, size), &below);
        if (n && merged && below.n == 0 && table_handle_of(n, &above)) {
                *alias = (struct alias){ .layer = *h, .merged = above };
                *h = above;
                return 1;
        }
        if (n && below.n == 0) { /* known there is another directory */
                below = table_name(n);
                n = n->parent;
        }
        if (n && below.n && below.n <= TABLE_NAME_MAX && table_handle_of(n, &above)) {
                int rc = w->ops->touched(w->ctx, &above, below, FAN_CREATE | FAN_ONDIR, NULL, who);

                return rc < 0 ? rc : 1;
        }
        return 1;
}

void outside_done(struct watch *w)
{
        for (struct layer *l = w->layers, *next; l; l = next) {
                next = l->next;
                free(l);
        }
}
