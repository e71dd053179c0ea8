/* SPDX-License-Identifier: Apache-2.0 */
/* scope_index.c - tables from what scopes ask for to the policies that ask.  Floor 2, pure. */
#include "policy/scope_index.h"

#include <stdlib.h>

/* One policy asks for one thing of one dimension.  `in [A, B]` is two of them. */
struct ask {
        enum cedar_scope_kind kind;  /* never SCOPE_IN_LIST */
        const struct cedar_uid *uid; /* EQ, IN, IS_IN */
        struct span type;            /* IS, IS_IN */
        uint64_t hash;               /* of the three */
        uint32_t policy;
};

/* All who ask for the same.  Many are a bit each of all the policies, few a number each: what is
 * smaller. */
struct row {
        struct ask ask; /* of the first */
        uint32_t n;
        const uint64_t *bits; /* NULL: few */
        const uint32_t *list;
};

struct dimension {
        struct row *rows;
        uint32_t n_rows;
        uint32_t *slots; /* of rows, from 1; 0: empty; at most half are taken */
        uint32_t mask;
        bool asked[SCOPE_IS_IN + 1]; /* by any policy at all */
};

struct cedar_scope_index {
        struct arena arena; /* bits and lists */
        uint32_t words;
        struct dimension dimensions[3]; /* principal, action, resource */
};

enum { ARENA_MAX = 1024 * 1024 * 1024 };

static uint64_t hash_of(enum cedar_scope_kind kind, const struct cedar_uid *uid,
                        const struct cedar_uid *type)
{
        uint64_t h = (uid ? uid->hash : 0) * 0x9e3779b97f4a7c15ull + (type ? type->hash : 0);

        h = (h ^ (uint64_t)kind) * 0xff51afd7ed558ccdull;
        return h ^ h >> 32;
}

/* A type as a uid without an id: for its hash. */
static struct cedar_uid type_uid(struct span type)
{
        return cedar_uid(type, SPAN_NONE);
}

static bool same(const struct ask *a, const struct ask *b)
{
        return a->hash == b->hash && a->kind == b->kind && span_eq(a->type, b->type) &&
               (a->uid == b->uid || (a->uid && b->uid && cedar_uid_eq(a->uid, b->uid)));
}

static const struct cedar_scope *scope_of(const struct cedar_policy *p, enum cedar_var dimension)
{
        return dimension == VAR_PRINCIPAL ? &p->principal
               : dimension == VAR_ACTION  ? &p->action
                                          : &p->resource;
}

static uint32_t asks_of(const struct cedar_scope *s)
{
        return s->kind == SCOPE_IN_LIST ? s->n : 1;
}

static struct ask ask_of(const struct cedar_scope *s, uint32_t i, uint32_t policy)
{
        struct ask a = { .kind = s->kind == SCOPE_IN_LIST ? SCOPE_IN : s->kind, .policy = policy };
        bool typed = s->kind == SCOPE_IS || s->kind == SCOPE_IS_IN;
        struct cedar_uid type;

        if (typed) {
                a.type = s->type;
                type = type_uid(s->type);
        }
        if (s->kind != SCOPE_ANY && s->kind != SCOPE_IS)
                a.uid = &s->uids[i];
        a.hash = hash_of(a.kind, a.uid, typed ? &type : NULL);
        return a;
}

static int cmp_asks(const void *a, const void *b)
{
        const struct ask *x = a, *y = b;
        int c;

        if (x->hash != y->hash)
                return x->hash < y->hash ? -1 : 1;
        c = (int)x->kind - (int)y->kind;
        c = c ? c : span_cmp(x->type, y->type);
        if (c == 0 && x->uid && y->uid)
                c = cedar_uid_cmp(x->uid, y->uid);
        return c ? c : (x->policy > y->policy) - (x->policy < y->policy);
}

/* A row of the n asks that are the same, by policy; a policy may ask twice. */
static int make_row(struct cedar_scope_index *x, const struct ask *asks, uint32_t n,
                    struct row *row)
{
        bool many = n >= 2 * x->words;
        uint64_t *bits = NULL;
        uint32_t *list = NULL;

        if (many)
                bits = arena_alloc(&x->arena, x->words * sizeof *bits);
        else
                list = arena_alloc(&x->arena, n * sizeof *list);
        if (!bits && !list)
                return -ENOMEM;
        *row = (struct row){ .ask = asks[0], .n = n, .bits = bits, .list = list };
        for (uint32_t i = 0; i < n; i++) {
                if (many)
                        bits[asks[i].policy / 64] |= 1ull << asks[i].policy % 64;
                else
                        list[i] = asks[i].policy;
        }
        return 0;
}

static void put_slot(struct dimension *d, uint32_t row)
{
        uint32_t i = (uint32_t)d->rows[row].ask.hash & d->mask;

        while (d->slots[i])
                i = (i + 1) & d->mask;
        d->slots[i] = row + 1;
}

/* From all the asks of a dimension, in order. */
static int make_rows(struct cedar_scope_index *x, struct dimension *d, const struct ask *asks,
                     uint32_t n)
{
        uint32_t slots = 4;

        while (slots < 2 * (uint64_t)n)
                slots *= 2;
        d->mask = slots - 1;
        d->rows = calloc((size_t)n + 1, sizeof *d->rows);
        d->slots = calloc(slots, sizeof *d->slots);
        if (!d->rows || !d->slots)
                return -ENOMEM;
        for (uint32_t from = 0, to; from < n; from = to) {
                for (to = from + 1; to < n && same(&asks[from], &asks[to]);)
                        to++;
                if (make_row(x, asks + from, to - from, &d->rows[d->n_rows]))
                        return -ENOMEM;
                d->asked[asks[from].kind] = true;
                put_slot(d, d->n_rows++);
        }
        return 0;
}

static int make_dimension(struct cedar_scope_index *x, enum cedar_var which,
                          const struct cedar_policy *const *policies, uint32_t n)
{
        struct ask *asks;
        size_t total = 0, at = 0;
        int r;

        for (uint32_t i = 0; i < n; i++)
                total += asks_of(scope_of(policies[i], which));
        if (total > UINT32_MAX / 4)
                return -ENOMEM;
        asks = calloc(total + 1, sizeof *asks);
        if (!asks)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++) {
                const struct cedar_scope *s = scope_of(policies[i], which);

                for (uint32_t j = 0; j < asks_of(s); j++)
                        asks[at++] = ask_of(s, j, i);
        }
        qsort(asks, total, sizeof *asks, cmp_asks);
        r = make_rows(x, &x->dimensions[which], asks, (uint32_t)total);
        free(asks);
        return r;
}

int cedar_scope_index_new(const struct cedar_policy *const *policies, uint32_t n,
                          struct cedar_scope_index **ret)
{
        struct cedar_scope_index *x = calloc(1, sizeof *x);
        int r = x ? 0 : -ENOMEM;

        if (!x)
                return r;
        x->arena = ARENA_INIT(ARENA_MAX);
        x->words = (n + 63) / 64;
        for (unsigned i = 0; r == 0 && i < 3; i++)
                r = make_dimension(x, (enum cedar_var)i, policies, n);
        if (r) {
                cedar_scope_index_free(x);
                return r;
        }
        *ret = x;
        return 0;
}

struct cedar_scope_index *cedar_scope_index_free(struct cedar_scope_index *x)
{
        if (x) {
                for (unsigned i = 0; i < 3; i++) {
                        free(x->dimensions[i].rows);
                        free(x->dimensions[i].slots);
                }
                arena_done(&x->arena);
                free(x);
        }
        return NULL;
}

uint32_t cedar_scope_index_words(const struct cedar_scope_index *x)
{
        return x->words;
}

/* Those who ask for this join the set. */
static void unite(const struct cedar_scope_index *x, const struct dimension *d, struct ask ask,
                  uint64_t *set)
{
        const struct row *row = NULL;

        for (uint32_t i = (uint32_t)ask.hash & d->mask; d->slots[i]; i = (i + 1) & d->mask) {
                row = &d->rows[d->slots[i] - 1];
                if (same(&row->ask, &ask))
                        break;
                row = NULL;
        }
        if (!row)
                return;
        if (row->bits)
                for (uint32_t i = 0; i < x->words; i++)
                        set[i] |= row->bits[i];
        else
                for (uint32_t i = 0; i < row->n; i++)
                        set[row->list[i] / 64] |= 1ull << row->list[i] % 64;
}

/* Those who ask for what is in `above`, which is the uid or one it descends from. */
static void unite_in(const struct cedar_scope_index *x, const struct dimension *d,
                     const struct cedar_uid *above, const struct cedar_uid *type, uint64_t *set)
{
        if (d->asked[SCOPE_IN])
                unite(x, d,
                      (struct ask){ .kind = SCOPE_IN,
                                    .uid = above,
                                    .hash = hash_of(SCOPE_IN, above, NULL) },
                      set);
        if (d->asked[SCOPE_IS_IN])
                unite(x, d,
                      (struct ask){ .kind = SCOPE_IS_IN,
                                    .uid = above,
                                    .type = type->type,
                                    .hash = hash_of(SCOPE_IS_IN, above, type) },
                      set);
}

static void find(const struct cedar_scope_index *x, const struct dimension *d,
                 const struct cedar_uid *uid, const struct cedar_entity *known, uint64_t *set)
{
        struct cedar_uid type = { 0 };

        if (d->asked[SCOPE_IS] || d->asked[SCOPE_IS_IN])
                type = type_uid(uid->type);
        if (d->asked[SCOPE_ANY])
                unite(x, d, (struct ask){ .hash = hash_of(SCOPE_ANY, NULL, NULL) }, set);
        if (d->asked[SCOPE_IS])
                unite(x, d,
                      (struct ask){ .kind = SCOPE_IS,
                                    .type = uid->type,
                                    .hash = hash_of(SCOPE_IS, NULL, &type) },
                      set);
        if (d->asked[SCOPE_EQ])
                unite(x, d,
                      (struct ask){
                              .kind = SCOPE_EQ, .uid = uid, .hash = hash_of(SCOPE_EQ, uid, NULL) },
                      set);
        if (!d->asked[SCOPE_IN] && !d->asked[SCOPE_IS_IN])
                return;
        unite_in(x, d, uid, &type, set);
        for (uint32_t i = 0; known && i < known->n_ancestors; i++)
                unite_in(x, d, known->ancestors[i], &type, set);
}

void cedar_scope_index_find(const struct cedar_scope_index *x, const struct cedar_request *request,
                            const struct cedar_entity *const known[3], uint64_t *sets)
{
        const struct cedar_uid *uids[] = { &request->principal, &request->action,
                                           &request->resource };
        uint64_t *all = sets, *one = sets + x->words;

        STATIC_ASSERT(VAR_PRINCIPAL == 0 && VAR_ACTION == 1 && VAR_RESOURCE == 2, "dimensions");
        for (unsigned i = 0; i < 3; i++) {
                uint64_t *set = i == 0 ? all : one;

                memset(set, 0, x->words * sizeof *set);
                find(x, &x->dimensions[i], uids[i], known[i], set);
                for (uint32_t w = 0; i > 0 && w < x->words; w++)
                        all[w] &= one[w];
        }
}
