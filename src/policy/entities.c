/* SPDX-License-Identifier: Apache-2.0 */
/* entities.c - a hash table of entities, and who descends from whom.  Floor 2, pure.
 *
 * Invariants, once sealed:
 * 1. Each entity has one slot, found from its hash by going on to the next until one is empty; at
 *    most half of the slots are taken.
 * 2. Ancestors are complete: those of a parent that is there are among them. */
#include "policy/entities.h"

#include <stdlib.h>

#include "base/text.h"

struct slot {
        uint32_t hash;  /* the upper half of the uid's: the lower one chose the slot */
        uint32_t index; /* of the list, from 1; 0: empty */
};

struct cedar_entities {
        struct arena arena;
        struct cedar_entity *list;
        struct slot *slots;
        uint32_t n, room, n_slots; /* n_slots: a power of two */
        bool sealed;
};

enum { FIRST_ROOM = 16 };

int cedar_entities_new(struct cedar_entities **ret)
{
        struct cedar_entities *e = calloc(1, sizeof *e);

        if (e) {
                e->arena = ARENA_INIT(CEDAR_ENTITIES_BYTES_MAX);
                e->room = FIRST_ROOM;
                e->n_slots = 2 * FIRST_ROOM;
                e->list = calloc(e->room, sizeof *e->list);
                e->slots = calloc(e->n_slots, sizeof *e->slots);
        }
        if (!e || !e->list || !e->slots) {
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
                free(e->slots);
                free(e);
        }
        return NULL;
}

struct arena *cedar_entities_arena(struct cedar_entities *e)
{
        return &e->arena;
}

/* The slot that holds uid, or the empty one where it would be. */
static struct slot *slot_of(const struct cedar_entities *e, const struct cedar_uid *uid)
{
        uint32_t mask = e->n_slots - 1, upper = (uint32_t)(uid->hash >> 32);

        for (uint32_t i = (uint32_t)uid->hash & mask;; i = (i + 1) & mask) {
                struct slot *s = &e->slots[i];

                if (s->index == 0 ||
                    (s->hash == upper && cedar_uid_eq(&e->list[s->index - 1].uid, uid)))
                        return s;
        }
}

static void put_slot(struct cedar_entities *e, uint32_t index)
{
        const struct cedar_uid *uid = &e->list[index].uid;

        *slot_of(e, uid) = (struct slot){ .hash = (uint32_t)(uid->hash >> 32), .index = index + 1 };
}

static int grow(struct cedar_entities *e)
{
        struct cedar_entity *list = realloc(e->list, 2 * (size_t)e->room * sizeof *list);
        struct slot *slots;

        if (!list)
                return -ENOMEM;
        e->list = list;
        slots = calloc(2 * (size_t)e->n_slots, sizeof *slots);
        if (!slots)
                return -ENOMEM;
        free(e->slots);
        e->slots = slots;
        e->n_slots *= 2;
        e->room *= 2;
        for (uint32_t i = 0; i < e->n; i++)
                put_slot(e, i);
        return 0;
}

static int cmp_uids(const struct cedar_uid *a, const struct cedar_uid *b)
{
        if (a->hash != b->hash)
                return a->hash < b->hash ? -1 : 1;
        return a == b ? 0 : cedar_uid_cmp(a, b);
}

static int cmp_parents(const void *a, const void *b)
{
        return cmp_uids(a, b);
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

int cedar_entities_add(struct cedar_entities *e, const struct cedar_entity *entity, struct err *err)
{
        struct cedar_entity kept = *entity;
        const struct slot *s;

        assert(!e->sealed && entity->attrs.kind == CEDAR_RECORD &&
               entity->tags.kind == CEDAR_RECORD);
        assert(cedar_value_ordered(&entity->attrs) && cedar_value_ordered(&entity->tags));
        kept.ancestors = NULL;
        kept.n_ancestors = 0;
        if (keep_parents(e, entity, &kept))
                return err_set(err, -ENOMEM, "no memory for entities");
        s = slot_of(e, &entity->uid);
        if (s->index)
                return same(&e->list[s->index - 1], &kept)
                               ? 0
                               : refuse(err, -EEXIST, &entity->uid,
                                        "is there twice and not the same");
        if (e->n == CEDAR_ENTITIES_MAX)
                return err_set(err, -E2BIG, "more than %d entities", CEDAR_ENTITIES_MAX);
        if (e->n == e->room && grow(e))
                return err_set(err, -ENOMEM, "no memory for entities");
        e->list[e->n] = kept;
        put_slot(e, e->n++);
        return 0;
}

const struct cedar_entity *cedar_entities_find(const struct cedar_entities *e,
                                               const struct cedar_uid *uid)
{
        const struct slot *s = slot_of(e, uid);

        return s->index ? &e->list[s->index - 1] : NULL;
}

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
        return cmp_uids(*(const struct cedar_uid *const *)a, *(const struct cedar_uid *const *)b);
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
                const struct cedar_entity *parent = cedar_entities_find(c->e, &entity->parents[i]);

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
                const struct slot *parent;

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
                parent = slot_of(c->e, &entity->parents[s->next++]);
                if (parent->index == 0 || c->colours[parent->index - 1] == DONE)
                        continue;
                if (c->colours[parent->index - 1] == ON_THE_WAY)
                        return refuse(err, -ELOOP, &entity->uid, "descends from itself");
                start(c, parent->index - 1);
        }
        return 0;
}

int cedar_entities_seal(struct cedar_entities *e, struct err *err)
{
        struct climb c = { .e = e };
        int r = 0;

        assert(!e->sealed);
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
        e->sealed = r == 0;
        return r;
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
                int c = cmp_uids(entity->ancestors[middle], b);

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
