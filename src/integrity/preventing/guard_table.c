/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/guard_table.h"

#include "base/hash.h"

enum { READS_MAX = 100 };

STATIC_ASSERT(sizeof(struct guard_slot) == 64, "a slot is a cache line");

static size_t first_slot(uint64_t dev, uint64_t ino)
{
        uint64_t h = (ino ^ (dev << 7)) * 0x9e3779b97f4a7c15;

        return (size_t)(h >> 32) & (GUARD_SLOTS - 1);
}

static uint64_t load(const _Atomic uint64_t *p)
{
        return atomic_load_explicit(p, memory_order_relaxed);
}

static void store(_Atomic uint64_t *p, uint64_t v)
{
        atomic_store_explicit(p, v, memory_order_relaxed);
}

/* Odd while the rest changes. */
static void write_slot(struct guard_slot *s, const struct guard_file *f, enum guard_verdict verdict,
                       uint64_t place)
{
        uint64_t seq = load(&s->seq);

        store(&s->seq, seq + 1);
        atomic_thread_fence(memory_order_release);
        store(&s->dev, f->dev);
        store(&s->ino, f->ino);
        store(&s->size, f->size);
        store(&s->mtime_ns, (uint64_t)f->mtime_ns);
        store(&s->ctime_ns, (uint64_t)f->ctime_ns);
        store(&s->verdict, verdict);
        store(&s->place, place);
        atomic_store_explicit(&s->seq, seq + 2, memory_order_release);
}

uint64_t guard_place(const struct guard_shared *g, struct span path)
{
        uint64_t h = hash_add(HASH_BEGIN ^ g->seed, path);

        return h ? h : 1;
}

int guard_put(struct guard_shared *g, const struct guard_file *f, enum guard_verdict verdict,
              uint64_t place)
{
        size_t at = first_slot(f->dev, f->ino);

        assert(verdict != GUARD_STALE);
        for (unsigned i = 0; i < GUARD_PROBES_MAX; i++, at = (at + 1) & (GUARD_SLOTS - 1)) {
                struct guard_slot *s = &g->slot[at];
                bool is_free = load(&s->seq) == 0;

                if (!is_free && (load(&s->dev) != f->dev || load(&s->ino) != f->ino))
                        continue;
                if (is_free && load(&g->files) >= GUARD_FILES_MAX)
                        return -ENOSPC;
                if (is_free)
                        store(&g->files, load(&g->files) + 1);
                write_slot(s, f, verdict, place);
                return 0;
        }
        return -ENOSPC;
}

/* 1: it is this file's, and *ret is what is known; 0: another file's; -1: free. */
static int read_slot(const struct guard_slot *s, const struct guard_file *f,
                     enum guard_verdict *ret, uint64_t *ret_place)
{
        for (int i = 0; i < READS_MAX; i++) {
                uint64_t seq = atomic_load_explicit(&s->seq, memory_order_acquire);
                bool mine = load(&s->dev) == f->dev && load(&s->ino) == f->ino;
                bool same = load(&s->size) == f->size &&
                            load(&s->mtime_ns) == (uint64_t)f->mtime_ns &&
                            load(&s->ctime_ns) == (uint64_t)f->ctime_ns;
                uint64_t verdict = load(&s->verdict), place = load(&s->place);

                atomic_thread_fence(memory_order_acquire);
                if (seq & 1 || load(&s->seq) != seq)
                        continue;
                if (seq == 0)
                        return -1;
                *ret = same ? (enum guard_verdict)verdict : GUARD_STALE;
                *ret_place = place;
                return mine;
        }
        *ret = GUARD_STALE;
        return 1;
}

enum guard_verdict guard_find(const struct guard_shared *g, const struct guard_file *f,
                              uint64_t *ret_place)
{
        size_t at = first_slot(f->dev, f->ino);
        enum guard_verdict verdict = GUARD_STALE;

        *ret_place = 0;
        for (unsigned i = 0; i < GUARD_PROBES_MAX; i++, at = (at + 1) & (GUARD_SLOTS - 1)) {
                int found = read_slot(&g->slot[at], f, &verdict, ret_place);

                if (found)
                        return found < 0 ? GUARD_STALE : verdict;
        }
        return GUARD_STALE;
}

/* A reader may meet a file that it does not know any more, which is what clearing means. */
void guard_clear(struct guard_shared *g)
{
        static const struct guard_file none;

        for (size_t i = 0; i < GUARD_SLOTS; i++) {
                if (load(&g->slot[i].seq) == 0)
                        continue;
                write_slot(&g->slot[i], &none, GUARD_STALE, 0);
                atomic_store_explicit(&g->slot[i].seq, 0, memory_order_release);
        }
        store(&g->files, 0);
}
