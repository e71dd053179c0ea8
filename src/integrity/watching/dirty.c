/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/dirty.h"

#include "integrity/who/who.h"

#include <stdlib.h>

enum { BUCKETS = 32768, DIR_BUCKETS = 1024 };

struct list {
        struct dirty_place *first, *last;
};

struct dirty {
        struct list ready, waits;
        int64_t next_due; /* not after the first that waits; INT64_MAX: none does */
        size_t n;
        struct dirty_place *bucket[BUCKETS];
        struct dirty_dir *dirs[DIR_BUCKETS];
        struct dirty_dir *last; /* asked for; borrowed, and gone with its last reference */
};

int dirty_new(struct dirty **ret, struct err *err)
{
        struct dirty *d = calloc(1, sizeof *d);

        if (!d)
                return err_set(err, -ENOMEM, "out of memory for places to look at");
        d->next_due = INT64_MAX;
        *ret = d;
        return 0;
}

/* ---- directories ---- */

static uint32_t mix(uint64_t h)
{
        return (uint32_t)((h ^ (h >> 29)) * 0xbf58476d1ce4e5b9ULL >> 32);
}

static uint32_t hash_dir(const struct table_handle *h)
{
        uint64_t x = h->fsid * 0x9e3779b97f4a7c15ULL + (uint32_t)h->type;

        for (size_t i = 0; i < h->n; i++)
                x = (x ^ h->b[i]) * 0x100000001b3ULL;
        return mix(x);
}

static struct dirty_dir *find_dir(struct dirty *d, const struct table_handle *h)
{
        struct dirty_dir *dir = d->last;
        uint32_t hash;

        if (dir && table_handle_eq(&dir->h, h))
                return dir;
        hash = hash_dir(h);
        for (dir = d->dirs[hash % DIR_BUCKETS];
             dir && !(dir->hash == hash && table_handle_eq(&dir->h, h));)
                dir = dir->next;
        d->last = dir ? dir : d->last;
        return dir;
}

/* Without a reference yet. */
static struct dirty_dir *make_dir(struct dirty *d, const struct table_handle *h)
{
        struct dirty_dir *dir = find_dir(d, h);

        if (dir)
                return dir;
        dir = malloc(sizeof *dir);
        if (!dir)
                return NULL;
        *dir = (struct dirty_dir){ .hash = hash_dir(h), .h = *h };
        dir->next = d->dirs[dir->hash % DIR_BUCKETS];
        d->dirs[dir->hash % DIR_BUCKETS] = dir;
        d->last = dir;
        return dir;
}

static void unref_dir(struct dirty *d, struct dirty_dir *dir)
{
        struct dirty_dir **at = &d->dirs[dir->hash % DIR_BUCKETS];

        if (--dir->refs)
                return;
        while (*at != dir)
                at = &(*at)->next;
        *at = dir->next;
        if (d->last == dir)
                d->last = NULL;
        free(dir);
}

/* ---- places ---- */

static void list_append(struct list *l, struct dirty_place *p)
{
        p->prev = l->last;
        p->next = NULL;
        if (l->last)
                l->last->next = p;
        else
                l->first = p;
        l->last = p;
}

static void list_remove(struct list *l, struct dirty_place *p)
{
        if (p->prev)
                p->prev->next = p->next;
        else
                l->first = p->next;
        if (p->next)
                p->next->prev = p->prev;
        else
                l->last = p->prev;
}

void dirty_place_free(struct dirty *d, struct dirty_place *p)
{
        for (size_t i = 0; i < DIRTY_AUTHORS; i++)
                who_unref(p->by[i]);
        unref_dir(d, p->dir);
        free(p);
}

struct dirty *dirty_free(struct dirty *d)
{
        struct dirty_place *p;

        if (!d)
                return NULL;
        while ((p = dirty_take(d, INT64_MAX)))
                dirty_place_free(d, p);
        free(d);
        return NULL;
}

size_t dirty_count(const struct dirty *d)
{
        return d->n;
}

bool dirty_full(const struct dirty *d)
{
        return d->n >= DIRTY_MAX;
}

static uint32_t hash_place(const struct dirty_dir *dir, struct span name)
{
        uint64_t h = dir->hash * 0x9e3779b97f4a7c15ULL;

        for (size_t i = 0; i < name.n; i++)
                h = (h ^ name.p[i]) * 0x100000001b3ULL;
        return mix(h);
}

static struct dirty_place *find(const struct dirty *d, const struct dirty_dir *dir, uint32_t hash,
                                struct span name)
{
        struct dirty_place *p = d->bucket[hash % BUCKETS];

        while (p &&
               (p->hash != hash || p->dir != dir || !span_eq(span_of(p->name, p->name_n), name)))
                p = p->hash_next;
        return p;
}

static const struct dirty_place *place_at(const struct dirty *d, const struct table_handle *h,
                                          struct span name)
{
        const struct dirty_dir *dir = find_dir((struct dirty *)d, h);

        return dir ? find(d, dir, hash_place(dir, name), name) : NULL;
}

bool dirty_has(const struct dirty *d, const struct table_handle *h, struct span name)
{
        return place_at(d, h, name) != NULL;
}

unsigned dirty_what(const struct dirty *d, const struct table_handle *h, struct span name)
{
        const struct dirty_place *p = place_at(d, h, name);

        return p ? p->what : 0;
}

struct who *const *dirty_authors(const struct dirty *d, const struct table_handle *h,
                                 struct span name)
{
        const struct dirty_place *p = place_at(d, h, name);

        return p ? p->by : NULL;
}

static bool list_since(const struct list *l, int64_t wall_ns)
{
        const struct dirty_place *p = l->first;

        while (p && p->wall_ns > wall_ns)
                p = p->next;
        return p != NULL;
}

bool dirty_since(const struct dirty *d, int64_t wall_ns)
{
        return list_since(&d->ready, wall_ns) || list_since(&d->waits, wall_ns);
}

/* How many there are, or where this one is. */
static size_t author_at(const struct dirty_place *p, const struct who *who)
{
        size_t i = 0;

        while (i < DIRTY_AUTHORS && p->by[i] &&
               !(who_is_same(p->by[i], who) && who_is_same_user(p->by[i], who)))
                i++;
        return i;
}

/* Who wrote left it to the kernel to close the file: a worker does so with what is registered with
 * an io_uring after its process has ended.  That one has changed nothing. */
static bool only_closed(unsigned what, const struct who *who)
{
        return what == (DIRTY_CONTENT | DIRTY_ENDED) && who_is_kernel(who);
}

static void add_behind(struct dirty_place *p, struct who *who)
{
        size_t at = author_at(p, who);

        if (at < DIRTY_AUTHORS && !p->by[at])
                p->by[at] = who_ref(who);
}

static void add_author(struct dirty_place *p, struct who *who)
{
        size_t at = author_at(p, who);

        /* What it may have been at its first act is not made sure by its last. */
        if (at < DIRTY_AUTHORS && p->by[at] && who_is_doubted(p->by[at]) && !who_is_doubted(who))
                who = p->by[at];
        who_ref(who);
        if (at == DIRTY_AUTHORS)
                at--;
        who_unref(p->by[at]);
        memmove(p->by + 1, p->by, at * sizeof(struct who *));
        p->by[0] = who;
}

/* The authors of an earlier place come behind its own, but before those who only closed it. */
static void add_earlier(struct dirty_place *p, const struct dirty_place *earlier)
{
        struct who *closed[DIRTY_AUTHORS] = { NULL };

        if (p->by[0] && only_closed(p->what, p->by[0])) { /* then none of them did more */
                memcpy(closed, p->by, sizeof closed);
                memset(p->by, 0, sizeof p->by);
        }
        for (size_t i = 0; i < DIRTY_AUTHORS && earlier->by[i]; i++)
                add_behind(p, earlier->by[i]);
        for (size_t i = 0; i < DIRTY_AUTHORS && closed[i]; i++) {
                add_behind(p, closed[i]);
                who_unref(closed[i]);
        }
}

static void merge_into(struct dirty *d, struct dirty_place *p, unsigned what, struct who *who,
                       int64_t now_ns, int64_t due_ns)
{
        if (what & DIRTY_ENDED)
                p->what &= ~(unsigned)(DIRTY_WRITING | DIRTY_BEGUN);
        p->what |= what;
        if (who && only_closed(what, who))
                add_behind(p, who);
        else if (who && who != p->by[0])
                add_author(p, who);
        if (!p->waits)
                return;
        p->due_ns = MIN_OF(p->due_ns, due_ns);
        d->next_due = MIN_OF(d->next_due, p->due_ns);
        if (p->due_ns <= now_ns) {
                list_remove(&d->waits, p);
                p->waits = false;
                list_append(&d->ready, p);
        }
}

static void insert(struct dirty *d, struct dirty_place *p, int64_t now_ns, int64_t due_ns)
{
        p->waits = due_ns > now_ns;
        p->due_ns = due_ns;
        p->hash_next = d->bucket[p->hash % BUCKETS];
        d->bucket[p->hash % BUCKETS] = p;
        list_append(p->waits ? &d->waits : &d->ready, p);
        if (p->waits)
                d->next_due = MIN_OF(d->next_due, due_ns);
        d->n++;
}

/* *like has all but what makes it this place.  Takes a reference to its directory's. */
static int add_new(struct dirty *d, const struct dirty_place *like, struct span name,
                   struct dirty_place **ret)
{
        struct dirty_place *p;

        if (dirty_full(d))
                return -ENOSPC;
        p = malloc(sizeof *p + name.n + 1);
        if (!p)
                return -ENOMEM;
        *p = *like;
        p->name_n = (uint8_t)name.n;
        if (name.n)
                memcpy(p->name, name.p, name.n);
        p->name[name.n] = '\0';
        if (p->by[0])
                who_ref(p->by[0]);
        *ret = p;
        return 0;
}

int dirty_add(struct dirty *d, const struct table_handle *h, struct span name, unsigned what,
              struct who *who, int64_t wall_ns, int64_t now_ns, int64_t due_ns)
{
        struct dirty_dir *dir = make_dir(d, h);
        struct dirty_place like = {
                .dir = dir, .by = { who }, .since_ns = now_ns, .wall_ns = wall_ns, .what = what
        };
        struct dirty_place *p;
        int rc = 0;

        assert(name.n <= TABLE_NAME_MAX);
        if (!dir)
                return -ENOMEM;
        dir->refs++;
        like.hash = hash_place(dir, name);
        p = find(d, dir, like.hash, name);
        if (!p) {
                rc = add_new(d, &like, name, &p);
                if (rc == 0) {
                        insert(d, p, now_ns, due_ns);
                        return 0;
                }
        } else {
                merge_into(d, p, what, who, now_ns, due_ns);
        }
        unref_dir(d, dir);
        return rc;
}

/* p, which is the earlier one, becomes a part of it. */
static void absorb(struct dirty *d, struct dirty_place *there, struct dirty_place *p,
                   int64_t now_ns, int64_t due_ns)
{
        add_earlier(there, p);
        merge_into(d, there, p->what, NULL, now_ns, due_ns);
        there->since_ns = MIN_OF(there->since_ns, p->since_ns);
        there->wall_ns = MIN_OF(there->wall_ns, p->wall_ns);
        there->tries = p->tries;
        dirty_place_free(d, p);
}

void dirty_put_back(struct dirty *d, struct dirty_place *p, int64_t now_ns, int64_t due_ns)
{
        struct dirty_place *there = find(d, p->dir, p->hash, span_of(p->name, p->name_n));

        if (there)
                absorb(d, there, p, now_ns, due_ns);
        else
                insert(d, p, now_ns, due_ns);
}

/* Out of its list and its bucket. */
static void withdraw(struct dirty *d, struct dirty_place *p)
{
        struct dirty_place **at = &d->bucket[p->hash % BUCKETS];

        list_remove(p->waits ? &d->waits : &d->ready, p);
        while (*at != p)
                at = &(*at)->hash_next;
        *at = p->hash_next;
        d->n--;
}

int dirty_move(struct dirty *d, const struct table_handle *from_dir, struct span from,
               const struct table_handle *to_dir, struct span to, int64_t now_ns)
{
        struct dirty_dir *dir = find_dir(d, from_dir);
        struct dirty_place *p = dir ? find(d, dir, hash_place(dir, from), from) : NULL, *there;
        int rc;

        if (!p)
                return 0;
        rc = dirty_add(d, to_dir, to, p->what, p->by[0], p->wall_ns, now_ns, p->due_ns);
        if (rc < 0)
                return rc;
        dir = find_dir(d, to_dir);
        there = find(d, dir, hash_place(dir, to), to);
        if (there == p)
                return 0;
        withdraw(d, p);
        absorb(d, there, p, now_ns, p->due_ns);
        return 0;
}

/* Move what is due to those that are ready. */
static void ripen(struct dirty *d, int64_t now_ns)
{
        struct dirty_place *p, *next;

        if (now_ns < d->next_due)
                return;
        d->next_due = INT64_MAX;
        for (p = d->waits.first; p; p = next) {
                next = p->next;
                if (p->due_ns > now_ns) {
                        d->next_due = MIN_OF(d->next_due, p->due_ns);
                        continue;
                }
                list_remove(&d->waits, p);
                p->waits = false;
                list_append(&d->ready, p);
        }
}

struct dirty_place *dirty_take(struct dirty *d, int64_t now_ns)
{
        struct dirty_place *p;

        ripen(d, now_ns);
        p = d->ready.first;
        if (p)
                withdraw(d, p);
        return p;
}

int64_t dirty_due(const struct dirty *d, int64_t now_ns)
{
        if (d->ready.first)
                return now_ns;
        return d->next_due == INT64_MAX ? -1 : d->next_due;
}
