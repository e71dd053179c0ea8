/* SPDX-License-Identifier: Apache-2.0 */
/* scope_index.c - tables from what scopes ask for to the policies that ask.  Floor 2, pure. */
#include "policy/evaluate/scope_index.h"

#include <stdlib.h>

#include "policy/entities/extra.h"

/* One policy asks for one thing of one dimension.  `in [A, B]` is two of them. */
struct ask {
        enum cedar_scope_kind kind;  /* never SCOPE_IN_LIST */
        const struct cedar_uid *uid; /* EQ, IN, IS_IN */
        struct span type;            /* IS, IS_IN */
        uint64_t hash;               /* of the uid; IS: of the type; else 0 */
        uint32_t policy;
};

/* All who ask for the same.  Many are a bit each of all the policies, few a number each: what is
 * smaller. */
struct row {
        uint64_t hash; /* this and what follows as in the asks */
        const struct cedar_uid *uid;
        struct span type;
        enum cedar_scope_kind kind;
        uint32_t n; /* 0: many */
        union {
                const uint64_t *bits;
                const uint32_t *list;
        };
};

/* Rows are found by the hash of what is asked: all that is asked about one uid is met on the same
 * way. */
struct dimension {
        struct row *rows;
        uint32_t n_rows;
        struct slots slots;
        bool asked[SCOPE_IS_IN + 1]; /* by any policy at all */
};

struct cedar_scope_index {
        struct arena arena; /* bits and lists */
        uint32_t words;
        struct dimension dimensions[3]; /* principal, action, resource */
};

enum { ARENA_MAX = 1024 * 1024 * 1024 };

static uint64_t type_hash(struct span type)
{
        return cedar_uid(type, SPAN_NONE).hash;
}

static bool same_uid(const struct cedar_uid *a, const struct cedar_uid *b)
{
        return a == b || (a && b && cedar_uid_eq(a, b));
}

static bool same(const struct ask *a, const struct ask *b)
{
        return a->hash == b->hash && a->kind == b->kind && span_eq(a->type, b->type) &&
               same_uid(a->uid, b->uid);
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

        if (s->kind == SCOPE_IS || s->kind == SCOPE_IS_IN)
                a.type = s->type;
        if (s->kind == SCOPE_IS)
                a.hash = type_hash(s->type);
        if (s->kind != SCOPE_ANY && s->kind != SCOPE_IS) {
                a.uid = &s->uids[i];
                a.hash = a.uid->hash;
        }
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
        *row = (struct row){ .hash = asks->hash,
                             .uid = asks->uid,
                             .type = asks->type,
                             .kind = asks->kind,
                             .n = many ? 0 : n };
        if (many)
                row->bits = bits;
        else
                row->list = list;
        for (uint32_t i = 0; i < n; i++) {
                if (many)
                        bits[asks[i].policy / 64] |= 1ull << asks[i].policy % 64;
                else
                        list[i] = asks[i].policy;
        }
        return 0;
}

/* From all the asks of a dimension, in order. */
static int make_rows(struct cedar_scope_index *x, struct dimension *d, const struct ask *asks,
                     uint32_t n)
{
        size_t n_slots = slots_for(n);
        struct slot *slots = calloc(n_slots, sizeof *slots);

        d->rows = calloc((size_t)n + 1, sizeof *d->rows);
        if (!d->rows || !slots) {
                free(slots);
                return -ENOMEM;
        }
        slots_move(&d->slots, slots, n_slots);
        for (uint32_t from = 0, to; from < n; from = to) {
                for (to = from + 1; to < n && same(&asks[from], &asks[to]);)
                        to++;
                if (make_row(x, asks + from, to - from, &d->rows[d->n_rows]))
                        return -ENOMEM;
                d->asked[asks[from].kind] = true;
                slots_put(&d->slots, slots_hash(asks[from].hash), d->n_rows++);
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
                        free(x->dimensions[i].slots.list);
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

/* What is looked up: the request's own uid, or one it descends from. */
struct wanted {
        const struct cedar_uid *uid; /* NULL: only the type, or any */
        uint64_t hash;
        struct span type; /* of the request's own */
        bool own;
};

static bool answers(const struct row *r, const struct wanted *w)
{
        if (r->hash != w->hash || !same_uid(r->uid, w->uid) || (r->kind == SCOPE_EQ && !w->own))
                return false;
        return r->type.n == 0 || span_eq(r->type, w->type);
}

/* No set is a row's bits. */
static void unite_row(const struct row *row, uint32_t words, uint64_t *restrict set)
{
        const uint64_t *restrict bits = row->bits;
        const uint32_t *list = row->list;

        if (row->n == 0)
                for (uint32_t i = 0; i < words; i++)
                        set[i] |= bits[i];
        for (uint32_t i = 0; i < row->n; i++)
                set[list[i] / 64] |= 1ull << list[i] % 64;
}

/* Those who ask for it join the set. */
static void unite(const struct cedar_scope_index *x, const struct dimension *d,
                  const struct wanted *w, uint64_t *set)
{
        const struct slots slots = d->slots; /* no set changes it, which a compiler cannot know */
        uint32_t hash = slots_hash(w->hash), i;

        for (uint32_t at = hash; (i = slots_next(&slots, hash, &at)) != SLOTS_END;)
                if (answers(&d->rows[i], w))
                        unite_row(&d->rows[i], x->words, set);
}

static void find(const struct cedar_scope_index *x, const struct dimension *d,
                 const struct cedar_request *request, const struct cedar_uid *uid,
                 const struct cedar_entity *known, uint64_t *set)
{
        struct wanted w = { .type = uid->type, .own = true };
        uint32_t at = 0;

        if (d->asked[SCOPE_ANY])
                unite(x, d, &w, set);
        if (d->asked[SCOPE_IS]) {
                w.hash = type_hash(uid->type);
                unite(x, d, &w, set);
        }
        w.uid = uid;
        w.hash = uid->hash;
        unite(x, d, &w, set);
        if (!known || (!d->asked[SCOPE_IN] && !d->asked[SCOPE_IS_IN]))
                return;
        w.own = false;
        for (const struct cedar_entity *e = known; e; e = cedar_extra_above(request, known, &at))
                for (uint32_t i = 0; i < e->n_ancestors; i++) {
                        w.uid = e->ancestors[i];
                        w.hash = w.uid->hash;
                        unite(x, d, &w, set);
                }
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
                find(x, &x->dimensions[i], request, uids[i], known[i], set);
                for (uint32_t w = 0; i > 0 && w < x->words; w++)
                        all[w] &= one[w];
        }
}
