/* SPDX-License-Identifier: Apache-2.0 */
/* extra.c - entities of one request: what they are besides what the store says.  Floor 2, pure. */
#include "policy/entities/extra.h"

#include "policy/entities/data_check.h"

/* What is ascending and has none twice: the ancestors of one, or a parent alone. */
struct run {
        const struct cedar_uid *const *list;
        uint32_t n;
};

struct completer {
        const struct cedar_entities *e;
        struct cedar_entity *list;
        uint32_t n;
        struct arena *arena;
        struct err *err;
};

static int refuse(const struct completer *c, int code, const struct cedar_entity *entity,
                  const char *why)
{
        char name[DATA_UID_SHOWN];

        data_uid_print(&entity->uid, name);
        return err_set(c->err, code, "entity %s %s", name, why);
}

static int no_memory(const struct completer *c)
{
        return err_set(c->err, -ENOMEM, "no memory for an entity of the request");
}

static int too_many(const struct completer *c, const struct cedar_entity *entity)
{
        return refuse(c, -E2BIG, entity, "descends from too many");
}

/* ---- ancestors ---- */

/* All of both go to out, which has room for them; how many there are. */
static uint32_t unite(struct run a, struct run b, const struct cedar_uid **out)
{
        uint32_t i = 0, j = 0, n = 0;

        while (i < a.n && j < b.n) {
                int order = cedar_uid_order(a.list[i], b.list[j]);

                out[n++] = order <= 0 ? a.list[i] : b.list[j];
                i += order <= 0;
                j += order >= 0;
        }
        while (i < a.n)
                out[n++] = a.list[i++];
        while (j < b.n)
                out[n++] = b.list[j++];
        return n;
}

/* Runs are united two by two until one is left: from the one half of the room into the other.
 * total: what all of them hold. */
static int unite_all(const struct completer *c, struct run *runs, uint32_t n, size_t total,
                     struct cedar_entity *ret)
{
        const struct cedar_uid **room =
                arena_alloc(c->arena, 2 * total * sizeof(struct cedar_uid *));

        if (!room)
                return no_memory(c);
        for (size_t half = 0; n > 1; half = total - half) {
                const struct cedar_uid **out = room + half;
                uint32_t kept = 0;

                for (uint32_t i = 0; i < n; i += 2) {
                        struct run other = i + 1 < n ? runs[i + 1] : (struct run){ 0 };
                        uint32_t united = unite(runs[i], other, out);

                        runs[kept++] = (struct run){ out, united };
                        out += united;
                }
                n = kept;
        }
        ret->ancestors = runs->list;
        ret->n_ancestors = runs->n;
        return 0;
}

/* Its parents and all that the store says is above them, and above itself. */
static int find_ancestors(const struct completer *c, const struct cedar_entity *known,
                          struct cedar_entity *entity)
{
        size_t total = known ? known->n_ancestors : 0;
        const struct cedar_uid **parents;
        struct run *runs;
        uint32_t n = 0;

        if (entity->n_parents > CEDAR_EXTRA_DESCENTS_MAX)
                return too_many(c, entity);
        runs = arena_alloc(c->arena, (2 * (size_t)entity->n_parents + 1) * sizeof *runs);
        parents = arena_alloc(c->arena, entity->n_parents * sizeof(struct cedar_uid *));
        if (!runs || !parents)
                return no_memory(c);
        if (known)
                runs[n++] = (struct run){ known->ancestors, known->n_ancestors };
        for (uint32_t i = 0; i < entity->n_parents; i++) {
                const struct cedar_entity *parent = cedar_entities_find(c->e, &entity->parents[i]);

                parents[i] = &entity->parents[i];
                runs[n++] = (struct run){ &parents[i], 1 };
                if (parent)
                        runs[n++] = (struct run){ parent->ancestors, parent->n_ancestors };
                total += parent ? 1 + (size_t)parent->n_ancestors : 1;
                if (total > CEDAR_EXTRA_DESCENTS_MAX)
                        return too_many(c, entity);
        }
        return n ? unite_all(c, runs, n, total, entity) : 0;
}

/* What the one descends from the other does, too. */
static int inherit(const struct completer *c, struct cedar_entity *entity,
                   const struct cedar_entity *above)
{
        struct run runs[] = { { entity->ancestors, entity->n_ancestors },
                              { above->ancestors, above->n_ancestors } };
        size_t total = (size_t)entity->n_ancestors + above->n_ancestors;

        if (!cedar_entity_descends(entity, &above->uid))
                return 0;
        if (total > CEDAR_EXTRA_DESCENTS_MAX)
                return too_many(c, entity);
        return unite_all(c, runs, ARRAY_LEN(runs), total, entity);
}

/* Through each of them in turn, so that all ways are gone. */
static int join(const struct completer *c)
{
        for (uint32_t k = 0; k < c->n; k++)
                for (uint32_t i = 0; i < c->n; i++) {
                        int rc = i == k ? 0 : inherit(c, &c->list[i], &c->list[k]);

                        if (rc < 0)
                                return rc;
                }
        for (uint32_t i = 0; i < c->n; i++)
                if (cedar_entity_descends(&c->list[i], &c->list[i].uid))
                        return refuse(c, -ELOOP, &c->list[i], "would descend from itself");
        return 0;
}

/* ---- attributes and tags ---- */

/* Of both records, both ascending; where both have a field the first one's holds. */
static int merge(const struct completer *c, const struct cedar_value *first,
                 struct cedar_value *more)
{
        struct cedar_field *fields;
        uint32_t i = 0, j = 0, n = 0;

        if (first->n == 0)
                return 0;
        fields = arena_alloc(c->arena, ((size_t)first->n + more->n) * sizeof *fields);
        if (!fields)
                return no_memory(c);
        while (i < first->n || j < more->n) {
                int order = i == first->n  ? 1
                            : j == more->n ? -1
                                           : span_cmp(first->fields[i].key, more->fields[j].key);

                fields[n++] = order <= 0 ? first->fields[i] : more->fields[j];
                i += order <= 0;
                j += order >= 0;
        }
        *more = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
        return 0;
}

static int complete(const struct completer *c, struct cedar_entity *entity)
{
        const struct cedar_entity *known = cedar_entities_find(c->e, &entity->uid);
        int rc;

        assert(entity->attrs.kind == CEDAR_RECORD && entity->tags.kind == CEDAR_RECORD);
        assert(cedar_value_ordered(&entity->attrs) && cedar_value_ordered(&entity->tags));
        entity->ancestors = NULL;
        entity->n_ancestors = 0;
        rc = find_ancestors(c, known, entity);
        if (rc == 0 && known)
                rc = merge(c, &known->attrs, &entity->attrs);
        if (rc == 0 && known)
                rc = merge(c, &known->tags, &entity->tags);
        return rc;
}

int cedar_extra_complete(const struct cedar_entities *e, struct cedar_entity *list, uint32_t n,
                         struct arena *arena, struct err *err)
{
        const struct completer c = { e, list, n, arena, err };
        int rc = 0;

        assert(n <= CEDAR_EXTRA_MAX);
        for (uint32_t i = 0; i < n; i++)
                for (uint32_t j = 0; j < i; j++)
                        if (cedar_uid_eq(&list[i].uid, &list[j].uid))
                                return refuse(&c, -EEXIST, &list[i], "is there twice");
        for (uint32_t i = 0; rc == 0 && i < n; i++)
                rc = complete(&c, &list[i]);
        if (rc == 0)
                rc = join(&c);
        return arena_explain(arena, rc, "what the entities of a request hold", err);
}
