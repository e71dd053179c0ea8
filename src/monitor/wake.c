/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/wake.h"

#include "sys/io.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { BUCKETS = 512, BYTES_MAX = 64 * 1024 };

#define CHANGES                                                                                    \
        (IN_ATTRIB | IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |          \
         IN_MOVED_TO)
#define MOVES (IN_DELETE_SELF | IN_MOVE_SELF)

/* Names in the directory behind a watch descriptor that count for an owner. */
struct place {
        struct place *next; /* of its bucket */
        int wd;
        uint16_t owner;
        bool old; /* said before the last time */
        char pattern[];
};

struct wake {
        wake_fn *fn;
        void *ctx;
        int fd;
        size_t n;
        struct place *bucket[BUCKETS];
        bool told[WAKE_OWNERS_MAX], moved[WAKE_OWNERS_MAX]; /* of one reading */
        _Alignas(struct inotify_event) char bytes[BYTES_MAX];
};

int wake_new(wake_fn *fn, void *ctx, struct wake **ret, struct err *err)
{
        struct wake *w = calloc(1, sizeof *w);
        int rc;

        if (!w)
                return err_set(err, -ENOMEM, "out of memory");
        w->fn = fn;
        w->ctx = ctx;
        w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (w->fd < 0) {
                rc = err_sys(err, -errno, "inotify");
                free(w);
                return rc;
        }
        *ret = w;
        return 0;
}

struct wake *wake_free(struct wake *w)
{
        if (!w)
                return NULL;
        wake_clear(w);
        fd_close(&w->fd);
        free(w);
        return NULL;
}

int wake_fd(const struct wake *w)
{
        return w->fd;
}

size_t wake_places(const struct wake *w)
{
        return w->n;
}

static struct place **bucket_of(struct wake *w, int wd)
{
        return &w->bucket[(unsigned)wd % BUCKETS];
}

/* ---- places ---- */

static bool is_watched(struct wake *w, int wd)
{
        for (struct place *p = *bucket_of(w, wd); p; p = p->next)
                if (p->wd == wd)
                        return true;
        return false;
}

/* Those that go are unlinked; a watch that nobody has any more is taken off. */
static void drop(struct wake *w, bool (*goes)(const struct place *p, int of), int of)
{
        for (size_t i = 0; i < BUCKETS; i++) {
                struct place **at = &w->bucket[i];

                while (*at) {
                        struct place *p = *at;
                        int wd = p->wd;

                        if (!goes(p, of)) {
                                at = &p->next;
                                continue;
                        }
                        *at = p->next;
                        free(p);
                        w->n--;
                        if (!is_watched(w, wd))
                                (void)!inotify_rm_watch(w->fd, wd); /* gone by itself: fine */
                }
        }
}

static bool goes_any(const struct place *p, int of)
{
        (void)p;
        (void)of;
        return true;
}

static bool goes_old(const struct place *p, int owner)
{
        return p->owner == owner && p->old;
}

static bool goes_wd(const struct place *p, int wd)
{
        return p->wd == wd;
}

void wake_clear(struct wake *w)
{
        drop(w, goes_any, 0);
}

/* 0 also where there is nothing to watch. */
static int add(struct wake *w, size_t owner, const char *dir, const char *pattern)
{
        size_t n = strlen(pattern) + 1;
        struct place *p, **bucket;
        int wd;

        if (w->n >= WAKE_PLACES_MAX)
                return -ENOSPC;
        wd = inotify_add_watch(w->fd, dir, CHANGES | MOVES | IN_ONLYDIR | IN_EXCL_UNLINK);
        if (wd < 0)
                return errno == ENOSPC || errno == ENOMEM ? -errno : 0;
        bucket = bucket_of(w, wd);
        for (p = *bucket; p; p = p->next)
                if (p->wd == wd && p->owner == owner && strcmp(p->pattern, pattern) == 0) {
                        p->old = false;
                        return 0;
                }
        p = malloc(sizeof *p + n);
        if (!p)
                return -ENOMEM;
        *p = (struct place){ .next = *bucket, .wd = wd, .owner = (uint16_t)owner };
        memcpy(p->pattern, pattern, n);
        *bucket = p;
        w->n++;
        return 0;
}

static const char *cut(struct span *s)
{
        const char *text = (const char *)s->p;
        const uint8_t *end = s->n ? memchr(s->p, 0, s->n) : NULL;

        if (!end)
                return NULL;
        *s = span_from(*s, (size_t)(end - s->p) + 1);
        return text;
}

int wake_set(struct wake *w, size_t owner, struct span places)
{
        const char *dir, *pattern;
        int rc = 0, r;

        assert(owner < WAKE_OWNERS_MAX);
        for (size_t i = 0; i < BUCKETS; i++)
                for (struct place *p = w->bucket[i]; p; p = p->next)
                        p->old = p->old || p->owner == owner;
        while ((dir = cut(&places)) && (pattern = cut(&places))) {
                r = add(w, owner, dir, pattern);
                rc = r < 0 ? r : rc;
        }
        drop(w, goes_old, (int)owner);
        return rc;
}

/* ---- events ---- */

static void tell_all(struct wake *w)
{
        for (size_t i = 0; i < BUCKETS; i++)
                for (struct place *p = w->bucket[i]; p; p = p->next)
                        w->told[p->owner] = w->moved[p->owner] = true;
}

static void take(struct wake *w, const struct inotify_event *e)
{
        bool gone = e->mask & (IN_IGNORED | IN_UNMOUNT | MOVES);
        const char *name = e->len ? e->name : "";

        if (e->mask & IN_Q_OVERFLOW)
                tell_all(w);
        for (struct place *p = *bucket_of(w, e->wd); p; p = p->next)
                if (p->wd == e->wd && (gone || fnmatch(p->pattern, name, FNM_NOESCAPE) == 0)) {
                        w->told[p->owner] = true;
                        /* A directory among them: what is below it has another place now. */
                        w->moved[p->owner] |= gone || e->mask & IN_ISDIR;
                }
        if (e->mask & IN_IGNORED) /* the kernel has forgotten it, and may give its number again */
                drop(w, goes_wd, e->wd);
}

void wake_read(struct wake *w)
{
        ssize_t n = read(w->fd, w->bytes, sizeof w->bytes);

        for (ssize_t at = 0; at < n;) {
                const struct inotify_event *e = (const void *)(w->bytes + at);

                take(w, e);
                at += (ssize_t)sizeof *e + e->len;
        }
        for (size_t i = 0; i < WAKE_OWNERS_MAX; i++) {
                bool told = w->told[i], moved = w->moved[i];

                w->told[i] = w->moved[i] = false;
                if (told)
                        w->fn(w->ctx, i, moved);
        }
}
