/* SPDX-License-Identifier: Apache-2.0 */
/* entities.c - a directory of entities, and who descends from whom.  Floor 2, pure.
 *
 * Users may choose the names of entities, so names that hash alike must not make it slow: entities
 * are sorted by hash and then by name, and the upper bits of a hash only say where to begin.
 *
 * Invariants, once sealed:
 * 1. order[] has each entity once, ascending by cedar_uid_order(); those whose hash has the upper
 *    bits b are order[begin[b]] to order[begin[b + 1] - 1].
 * 2. Ancestors are complete: those of a parent that is there are among them. */
#include "policy/entities/entities.h"

#include <stdlib.h>

#include "base/text.h"

struct cedar_entities {
        struct arena arena;
        struct cedar_entity *list; /* as they were added */
        struct cedar_entity **order;
        uint32_t *begin; /* 2^bits + 1 */
        unsigned bits;
        uint32_t n, room;
        bool sealed;
};

enum { FIRST_ROOM = 16, BITS_MAX = 20 };

int cedar_entities_new(struct cedar_entities **ret)
{
        struct cedar_entities *e = calloc(1, sizeof *e);

        if (e) {
                e->arena = ARENA_INIT(CEDAR_ENTITIES_BYTES_MAX);
                e->room = FIRST_ROOM;
                e->list = calloc(e->room, sizeof *e->list);
        }
        if (!e || !e->list) {
                cedar_entities_free(e);
                return -ENOMEM;
        }
        *ret = e;
        return 0;
}

struct cedar_entities *cedar_entities_free(struct cedar_entities *e)
{
        if (e) {
                arena_done(&e->arena);
                free(e->list);
                free(e->order);
                free(e->begin);
                free(e);
        }
        return NULL;
}

struct arena *cedar_entities_arena(struct cedar_entities *e)
{
        return &e->arena;
}

static int cmp_parents(const void *a, const void *b)
{
        return cedar_uid_order(a, b);
}

/* Parents in order, none twice. */
static int keep_parents(struct cedar_entities *e, const struct cedar_entity *from,
                        struct cedar_entity *to)
{
        struct cedar_uid *list;
        uint32_t kept = 0;

        to->parents = NULL;
        to->n_parents = 0;
        if (from->n_parents == 0)
                return 0;
        list = arena_alloc(&e->arena, from->n_parents * sizeof *list);
        if (!list)
                return -ENOMEM;
        memcpy(list, from->parents, from->n_parents * sizeof *list);
        qsort(list, from->n_parents, sizeof *list, cmp_parents);
        for (uint32_t i = 0; i < from->n_parents; i++)
                if (kept == 0 || !cedar_uid_eq(&list[kept - 1], &list[i]))
                        list[kept++] = list[i];
        to->parents = list;
        to->n_parents = kept;
        return 0;
}

static bool same(const struct cedar_entity *a, const struct cedar_entity *b)
{
        if (a->n_parents != b->n_parents)
                return false;
        for (uint32_t i = 0; i < a->n_parents; i++)
                if (!cedar_uid_eq(&a->parents[i], &b->parents[i]))
                        return false;
        return cedar_value_eq(&a->attrs, &b->attrs) && cedar_value_eq(&a->tags, &b->tags);
}

/* What is wrong with an entity, named. */
static int refuse(struct err *err, int code, const struct cedar_uid *uid, const char *why)
{
        struct buf name = BUF_INIT(ERR_TEXT_MAX);

        text_put_safe(&name, uid->type);
        buf_put_str(&name, "::\"");
        text_put_safe(&name, uid->id);
        buf_put_byte(&name, '"');
        code = err_set(err, code, "entity %s %s", buf_cstr(&name), why);
        buf_done(&name);
        return code;
}

static int grow(struct cedar_entities *e)
{
        struct cedar_entity *list = realloc(e->list, 2 * (size_t)e->room * sizeof *list);

        if (!list)
                return -ENOMEM;
        e->list = list;
        e->room *= 2;
        return 0;
}

int cedar_entities_add(struct cedar_entities *e, const struct cedar_entity *entity, struct err *err)
{
        struct cedar_entity kept = *entity;

        assert(!e->sealed && entity->attrs.kind == CEDAR_RECORD &&
               entity->tags.kind == CEDAR_RECORD);
        assert(cedar_value_ordered(&entity->attrs) && cedar_value_ordered(&entity->tags));
        kept.ancestors = NULL;
        kept.n_ancestors = 0;
        if (keep_parents(e, entity, &kept))
                return err_set(err, -ENOMEM, "no memory for entities");
        if (e->n == CEDAR_ENTITIES_MAX)
                return err_set(err, -E2BIG, "more than %d entities", CEDAR_ENTITIES_MAX);
        if (e->n == e->room && grow(e))
                return err_set(err, -ENOMEM, "no memory for entities");
        e->list[e->n++] = kept;
        return 0;
}

/* ---- the directory ---- */

/* By uid; of the same ones the first that was added is first. */
static int compare_entities(const void *a, const void *b)
{
        const struct cedar_entity *x = *(struct cedar_entity *const *)a;
        const struct cedar_entity *y = *(struct cedar_entity *const *)b;
        int c = cedar_uid_order(&x->uid, &y->uid);

        return c ? c : (x > y) - (x < y);
}

static void put_in_order(struct cedar_entities *e)
{
        for (uint32_t i = 0; i < e->n; i++)
                e->order[i] = &e->list[i];
        qsort(e->order, e->n, sizeof(struct cedar_entity *), compare_entities);
}

/* Those that say again what another has said go; the list stays as it was added. */
static int drop_repeated(struct cedar_entities *e, struct err *err)
{
        uint8_t *repeated = calloc(e->room, 1);
        uint32_t kept = 0;
        int r = 0;

        if (!repeated)
                return err_set(err, -ENOMEM, "no memory for entities");
        for (uint32_t i = 1, first = 0; r == 0 && i < e->n; i++) {
                if (!cedar_uid_eq(&e->order[first]->uid, &e->order[i]->uid))
                        first = i;
                else if (same(e->order[first], e->order[i]))
                        repeated[e->order[i] - e->list] = true;
                else
                        r = refuse(err, -EEXIST, &e->order[i]->uid,
                                   "is there twice and not the same");
        }
        for (uint32_t i = 0; r == 0 && i < e->n; i++)
                if (!repeated[i])
                        e->list[kept++] = e->list[i];
        free(repeated);
        if (r == 0 && kept < e->n) {
                e->n = kept;
                put_in_order(e);
        }
        return r;
}

static uint32_t bucket_of(const struct cedar_entities *e, const struct cedar_uid *uid)
{
        return e->bits ? (uint32_t)(uid->hash >> (64 - e->bits)) : 0;
}

static int make_directory(struct cedar_entities *e, struct err *err)
{
        int r;

        e->order = calloc(e->room, sizeof(struct cedar_entity *));
        if (!e->order)
                return err_set(err, -ENOMEM, "no memory for entities");
        put_in_order(e);
        r = drop_repeated(e, err);
        if (r < 0)
                return r;
        while (e->bits < BITS_MAX && (UINT32_C(1) << e->bits) < e->n)
                e->bits++;
        e->begin = calloc((UINT32_C(1) << e->bits) + 1, sizeof *e->begin);
        if (!e->begin)
                return err_set(err, -ENOMEM, "no memory for entities");
        for (uint32_t i = 0; i < e->n; i++)
                e->begin[bucket_of(e, &e->order[i]->uid) + 1]++;
        for (uint32_t b = 0; b < UINT32_C(1) << e->bits; b++)
                e->begin[b + 1] += e->begin[b];
        return 0;
}

static struct cedar_entity *find(const struct cedar_entities *e, const struct cedar_uid *uid)
{
        uint32_t b = bucket_of(e, uid), from = e->begin[b], to = e->begin[b + 1];

        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = cedar_uid_order(&e->order[middle]->uid, uid);

                if (c == 0)
                        return e->order[middle];
                if (c < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return NULL;
}

const struct cedar_entity *cedar_entities_find(const struct cedar_entities *e,
                                               const struct cedar_uid *uid)
{
        assert(e->sealed);
        return find(e, uid);
}

/* ---- descent ---- */

/* One entity on the way up: its index, and which parent comes next. */
struct step {
        uint32_t index, next;
};

enum colour { WHITE, ON_THE_WAY, DONE };

struct climb {
        struct cedar_entities *e;
        uint8_t *colours;               /* enum colour, by index */
        struct step *steps;             /* each ON_THE_WAY, so that no chain is too long */
        const struct cedar_uid **found; /* ancestors of the one at hand, unordered, repeated */
        size_t n_found, room, total;
        uint32_t depth;
};

static int cmp_found(const void *a, const void *b)
{
        return cedar_uid_order(*(const struct cedar_uid *const *)a,
                               *(const struct cedar_uid *const *)b);
}

static int find_ancestor(struct climb *c, const struct cedar_uid *uid)
{
        const struct cedar_uid **more;
        size_t room = c->room ? 2 * c->room : 64;

        if (c->n_found == CEDAR_DESCENTS_MAX)
                return -E2BIG;
        if (c->n_found == c->room) {
                more = realloc(c->found, room * sizeof(struct cedar_uid *));
                if (!more)
                        return -ENOMEM;
                c->found = more;
                c->room = room;
        }
        c->found[c->n_found++] = uid;
        return 0;
}

static int keep_found(struct climb *c, struct cedar_entity *entity)
{
        const struct cedar_uid **list;
        size_t kept = 0;

        if (c->n_found == 0)
                return 0;
        qsort(c->found, c->n_found, sizeof(struct cedar_uid *), cmp_found);
        for (size_t i = 0; i < c->n_found; i++)
                if (kept == 0 || !cedar_uid_eq(c->found[kept - 1], c->found[i]))
                        c->found[kept++] = c->found[i];
        c->total += kept;
        if (c->total > CEDAR_DESCENTS_MAX)
                return -E2BIG;
        list = arena_alloc(&c->e->arena, kept * sizeof(struct cedar_uid *));
        if (!list)
                return -ENOMEM;
        memcpy(list, c->found, kept * sizeof(struct cedar_uid *));
        entity->ancestors = list;
        entity->n_ancestors = (uint32_t)kept;
        return 0;
}

/* All parents are DONE or not there: the ancestors are they and theirs. */
static int finish(struct climb *c, struct cedar_entity *entity)
{
        int r = 0;

        c->n_found = 0;
        for (uint32_t i = 0; r == 0 && i < entity->n_parents; i++) {
                const struct cedar_entity *parent = find(c->e, &entity->parents[i]);

                r = find_ancestor(c, parent ? &parent->uid : &entity->parents[i]);
                for (uint32_t j = 0; r == 0 && parent && j < parent->n_ancestors; j++)
                        r = find_ancestor(c, parent->ancestors[j]);
        }
        return r ? r : keep_found(c, entity);
}

static void start(struct climb *c, uint32_t index)
{
        c->colours[index] = ON_THE_WAY;
        c->steps[c->depth++] = (struct step){ .index = index };
}

/* Depth first from one entity, which is WHITE. */
static int climb(struct climb *c, uint32_t from, struct err *err)
{
        start(c, from);
        while (c->depth > 0) {
                struct step *s = &c->steps[c->depth - 1];
                struct cedar_entity *entity = &c->e->list[s->index];
                const struct cedar_entity *parent;
                uint32_t index;

                if (s->next == entity->n_parents) {
                        int r = finish(c, entity);

                        if (r)
                                return refuse(err, r, &entity->uid,
                                              r == -E2BIG ? "descends from too many"
                                                          : "finds no memory for its ancestors");
                        c->colours[s->index] = DONE;
                        c->depth--;
                        continue;
                }
                parent = find(c->e, &entity->parents[s->next++]);
                index = parent ? (uint32_t)(parent - c->e->list) : 0;
                if (!parent || c->colours[index] == DONE)
                        continue;
                if (c->colours[index] == ON_THE_WAY)
                        return refuse(err, -ELOOP, &entity->uid, "descends from itself");
                start(c, index);
        }
        return 0;
}

static int find_ancestors(struct cedar_entities *e, struct err *err)
{
        struct climb c = { .e = e };
        int r = 0;

        c.colours = calloc(e->room, sizeof *c.colours);
        c.steps = calloc(e->room, sizeof *c.steps);
        if (!c.colours || !c.steps)
                r = err_set(err, -ENOMEM, "no memory for who descends from whom");
        for (uint32_t i = 0; r == 0 && i < e->n; i++)
                if (c.colours[i] == WHITE)
                        r = climb(&c, i, err);
        free(c.colours);
        free(c.steps);
        free(c.found);
        return r;
}

int cedar_entities_seal(struct cedar_entities *e, struct err *err)
{
        int r;

        assert(!e->sealed && !e->order);
        r = make_directory(e, err);
        if (r == 0)
                r = find_ancestors(e, err);
        e->sealed = r == 0;
        return arena_explain(&e->arena, r, "what the entities hold", err);
}

bool cedar_entities_sealed(const struct cedar_entities *e)
{
        return e->sealed;
}

bool cedar_entity_descends(const struct cedar_entity *entity, const struct cedar_uid *b)
{
        uint32_t from = 0, to = entity->n_ancestors;

        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = cedar_uid_order(entity->ancestors[middle], b);

                if (c == 0)
                        return true;
                if (c < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return false;
}

bool cedar_entities_in(const struct cedar_entities *e, const struct cedar_uid *a,
                       const struct cedar_uid *b)
{
        const struct cedar_entity *entity;

        assert(e->sealed);
        if (cedar_uid_eq(a, b))
                return true;
        entity = cedar_entities_find(e, a);
        return entity && cedar_entity_descends(entity, b);
}

uint32_t cedar_entities_count(const struct cedar_entities *e)
{
        return e->n;
}

const struct cedar_entity *cedar_entities_at(const struct cedar_entities *e, uint32_t i)
{
        assert(i < e->n);
        return &e->list[i];
}
