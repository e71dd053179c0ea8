/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct arena_block {
        struct arena_block *next;
        size_t cap;
        size_t n;
        alignas(max_align_t) uint8_t bytes[];
};

static struct arena_block *add_block(struct arena *a, size_t need)
{
        size_t cap = MAX_OF(need, (size_t)BLOCK_BYTES), bytes;
        struct arena_block *b;

        if (!size_add(cap, sizeof *b, &bytes))
                return NULL;
        b = malloc(bytes);
        if (!b)
                return NULL;
        b->cap = cap;
        b->n = 0;
        b->next = a->blocks;
        a->blocks = b;
        return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
        struct arena_block *b = a->blocks;
        size_t rounded, total;
        void *at;

        if (!size_add(n, alignof(max_align_t) - 1, &rounded))
                return NULL;
        rounded &= ~(size_t)(alignof(max_align_t) - 1);
        if (!size_add(a->used, rounded, &total) || total > a->max) {
                a->full = true;
                return NULL;
        }
        if (!b || b->cap - b->n < rounded)
                b = add_block(a, rounded);
        if (!b)
                return NULL;
        at = b->bytes + b->n;
        b->n += rounded;
        a->used = total;
        memset(at, 0, rounded);
        return at;
}

char *arena_copy(struct arena *a, struct span s)
{
        size_t n;
        char *p;

        if (!size_add(s.n, 1, &n))
                return NULL;
        p = arena_alloc(a, n);
        if (p && s.n)
                memcpy(p, s.p, s.n);
        return p;
}

static void wipe_block(const struct arena *a, struct arena_block *b)
{
        if (a->wipes)
                explicit_bzero(b->bytes, b->n);
}

static void free_blocks(const struct arena *a, struct arena_block *b)
{
        while (b) {
                struct arena_block *next = b->next;

                wipe_block(a, b);
                free(b);
                b = next;
        }
}

void arena_reset(struct arena *a)
{
        struct arena_block *keep = a->blocks;

        a->used = 0;
        a->full = false;
        if (!keep)
                return;
        free_blocks(a, keep->next);
        wipe_block(a, keep);
        keep->next = NULL;
        keep->n = 0;
}

void arena_done(struct arena *a)
{
        free_blocks(a, a->blocks);
        *a = (struct arena){ .max = a->max, .wipes = a->wipes };
}

int arena_explain(const struct arena *a, int rc, const char *what, struct err *err)
{
        bool small = a->max < (1u << 20);

        if (rc != -ENOMEM || !a->full)
                return rc;
        return err_set(err, -E2BIG, "%s takes more than %zu %s", what,
                       small ? a->max : a->max >> 20, small ? "bytes" : "MiB");
}
