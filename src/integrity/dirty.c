/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/dirty.h"

#include "integrity/who.h"

#include <stdlib.h>

enum { BUCKETS = 32768 };

struct list {
        struct dirty_place *first, *last;
};

struct dirty {
        struct list ready, waits;
        int64_t next_due; /* not after the first that waits; INT64_MAX: none does */
        size_t n;
        struct dirty_place *bucket[BUCKETS];
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

void dirty_place_free(struct dirty_place *p)
{
        who_unref(p->who);
        free(p);
}

struct dirty *dirty_free(struct dirty *d)
{
        struct dirty_place *p;

        if (!d)
                return NULL;
        while ((p = dirty_take(d, INT64_MAX)))
                dirty_place_free(p);
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

static uint32_t hash_place(const struct table_handle *dir, struct span name)
{
        uint64_t h = dir->fsid * 0x9e3779b97f4a7c15ULL;

        for (size_t i = 0; i < dir->n; i++)
                h = (h ^ dir->b[i]) * 0x100000001b3ULL;
        for (size_t i = 0; i < name.n; i++)
                h = (h ^ name.p[i]) * 0x100000001b3ULL;
        return (uint32_t)((h ^ (h >> 29)) * 0xbf58476d1ce4e5b9ULL >> 32);
}

static bool is_place(const struct dirty_place *p, const struct table_handle *dir, struct span name)
{
        return p->dir.fsid == dir->fsid && p->dir.type == dir->type && p->dir.n == dir->n &&
               memcmp(p->dir.b, dir->b, dir->n) == 0 && span_eq(span_of(p->name, p->name_n), name);
}

static struct dirty_place *find(const struct dirty *d, uint32_t hash,
                                const struct table_handle *dir, struct span name)
{
        struct dirty_place *p = d->bucket[hash % BUCKETS];

        while (p && (p->hash != hash || !is_place(p, dir, name)))
                p = p->hash_next;
        return p;
}

bool dirty_has(const struct dirty *d, const struct table_handle *dir, struct span name)
{
        return find(d, hash_place(dir, name), dir, name) != NULL;
}

static void merge_into(struct dirty *d, struct dirty_place *p, unsigned what, struct who *who,
                       int64_t now_ns, int64_t due_ns)
{
        p->what |= what;
        if (who && who != p->who) {
                who_unref(p->who);
                p->who = who_ref(who);
        }
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

int dirty_add(struct dirty *d, const struct table_handle *dir, struct span name, unsigned what,
              struct who *who, int64_t wall_ns, int64_t now_ns, int64_t due_ns)
{
        uint32_t hash = hash_place(dir, name);
        struct dirty_place *p = find(d, hash, dir, name);

        assert(name.n <= TABLE_NAME_MAX);
        if (p) {
                merge_into(d, p, what, who, now_ns, due_ns);
                return 0;
        }
        if (dirty_full(d))
                return -ENOSPC;
        p = malloc(sizeof *p);
        if (!p)
                return -ENOMEM;
        *p = (struct dirty_place){ .hash_next = d->bucket[hash % BUCKETS],
                                   .hash = hash,
                                   .waits = due_ns > now_ns,
                                   .what = what,
                                   .due_ns = due_ns,
                                   .wall_ns = wall_ns,
                                   .who = who ? who_ref(who) : NULL,
                                   .dir = *dir,
                                   .name_n = (uint8_t)name.n };
        if (name.n)
                memcpy(p->name, name.p, name.n);
        d->bucket[hash % BUCKETS] = p;
        list_append(p->waits ? &d->waits : &d->ready, p);
        if (p->waits)
                d->next_due = MIN_OF(d->next_due, due_ns);
        d->n++;
        return 0;
}

void dirty_put_back(struct dirty *d, struct dirty_place *p, int64_t now_ns, int64_t due_ns)
{
        struct dirty_place *there = find(d, p->hash, &p->dir, span_of(p->name, p->name_n));

        if (there) { /* its author is the later one */
                merge_into(d, there, p->what, there->who ? NULL : p->who, now_ns, due_ns);
                there->wall_ns = p->wall_ns;
                there->tries = p->tries;
                dirty_place_free(p);
                return;
        }
        p->waits = due_ns > now_ns;
        p->due_ns = due_ns;
        p->hash_next = d->bucket[p->hash % BUCKETS];
        d->bucket[p->hash % BUCKETS] = p;
        list_append(p->waits ? &d->waits : &d->ready, p);
        if (p->waits)
                d->next_due = MIN_OF(d->next_due, due_ns);
        d->n++;
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
        struct dirty_place *p, **at;

        ripen(d, now_ns);
        p = d->ready.first;
        if (!p)
                return NULL;
        list_remove(&d->ready, p);
        at = &d->bucket[p->hash % BUCKETS];
        while (*at != p)
                at = &(*at)->hash_next;
        *at = p->hash_next;
        d->n--;
        return p;
}

int64_t dirty_due(const struct dirty *d, int64_t now_ns)
{
        if (d->ready.first)
                return now_ns;
        return d->next_due == INT64_MAX ? -1 : d->next_due;
}
