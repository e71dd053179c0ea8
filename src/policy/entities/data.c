/* SPDX-License-Identifier: Apache-2.0 */
/* data.c - entities, their names and contexts from JSON.  Floor 2, pure.
 * SECURITY: reads hostile bytes; tree.c bounds their nesting. */
#include "policy/entities/data.h"

#include <stdlib.h>

#include "policy/entities/data_value.h"

enum { TREE_MEMORY_MAX = 1 << 30 }; /* what a text of TREE_SOURCE_MAX can come to */

/* An action of the schema that the entities have too. */
struct given_action {
        const struct cedar_uid *parents; /* ascending, each once */
        uint32_t n;
        bool given;
};

struct reader {
        struct data_reader values;
        struct cedar_entities *entities;
        struct arena scratch;
        struct given_action *given; /* by the place in the schema */
};

/* What is known of the entity being read. */
struct subject {
        struct cedar_entity entity;
        const struct cedar_entity_type *type; /* NULL: an action, or no schema */
        bool action;
};

static int no_memory(struct reader *r)
{
        return err_set(r->values.err, -ENOMEM, "no memory for entities");
}

static int get(struct reader *r, const struct tree *t, const char *name, enum tree_kind kind,
               const struct tree **ret)
{
        struct data_path path = { .field = span_str(name) };
        const struct tree *found = tree_get(t, name);

        if (!found)
                return data_fail(r->values.err, &path, "this field is missing");
        *ret = found;
        return data_expect(&r->values, found, kind, &path);
}

/* ---- parents ---- */

static int check_parent(struct reader *r, const struct subject *s, const struct cedar_uid *parent,
                        const struct data_path *path)
{
        const struct cedar_schema *schema = r->values.schema;
        const struct cedar_entity_type *up;
        uint32_t i = 0;

        if (s->action && !data_is_action(parent->type))
                return data_fail(r->values.err, path, "the parent of an action must be an action");
        if (!s->type)
                return 0;
        up = cedar_schema_entity(schema, parent->type);
        while (up && i < s->type->n_above && s->type->above[i] != up - schema->entities)
                i++;
        if (!up || i == s->type->n_above)
                return data_fail(r->values.err, path, "%.*s is not in %.*s", (int)s->type->name.n,
                                 s->type->name.p, (int)parent->type.n, parent->type.p);
        return data_check_uid(schema, parent, path, r->values.err);
}

static int read_parents(struct reader *r, const struct tree *t, struct subject *s)
{
        struct data_path top = { .field = SPAN("parents") };
        const struct tree *list;
        struct cedar_uid *parents;
        int rc = get(r, t, "parents", TREE_ARRAY, &list);

        if (rc < 0)
                return rc;
        parents = arena_alloc(r->values.arena, list->n * sizeof *parents);
        if (!parents)
                return no_memory(r);
        for (uint32_t i = 0; i < list->n; i++) {
                struct data_path path = { .up = &top, .item = i, .in_set = true };

                rc = data_read_uid(&r->values, &list->items[i], &path, &parents[i]);
                if (rc == 0)
                        rc = check_parent(r, s, &parents[i], &path);
                if (rc < 0)
                        return rc;
        }
        s->entity.parents = parents;
        s->entity.n_parents = list->n;
        return 0;
}

/* ---- attributes and tags ---- */

static int read_attrs(struct reader *r, const struct tree *t, struct subject *s)
{
        struct data_path path = { .what = "attribute " };
        const struct tree *attrs;
        int rc = get(r, t, "attrs", TREE_OBJECT, &attrs);

        if (rc < 0)
                return rc;
        return data_read_record(&r->values, attrs, s->type ? s->type->attrs : NULL, &path,
                                &s->entity.attrs);
}

static int read_tags(struct reader *r, const struct tree *t, struct subject *s)
{
        const struct tree *tags;
        struct cedar_field *fields;
        int rc;

        s->entity.tags = (struct cedar_value){ .kind = CEDAR_RECORD };
        if (!tree_get(t, "tags"))
                return 0;
        rc = get(r, t, "tags", TREE_OBJECT, &tags);
        if (rc < 0)
                return rc;
        fields = arena_alloc(r->values.arena, tags->n * sizeof *fields);
        if (!fields)
                return no_memory(r);
        for (uint32_t i = 0; i < tags->n; i++) {
                const struct tree_member *m = &tags->members[i];
                struct data_path path = { .what = "tag ", .field = m->key };
                const char *key = arena_copy(r->values.arena, m->key);

                if (!key)
                        return no_memory(r);
                if (s->type && !s->type->tags)
                        return data_fail(r->values.err, &path, "the type %.*s has no tags",
                                         (int)s->type->name.n, s->type->name.p);
                fields[i].key = span_of(key, m->key.n);
                rc = data_read_value(&r->values, &m->value, s->type ? s->type->tags : NULL, &path,
                                     &fields[i].value);
                if (rc < 0)
                        return rc;
        }
        s->entity.tags.n = tags->n;
        s->entity.tags.fields = fields;
        return 0;
}

/* ---- actions, when there is a schema ---- */

static int uid_order(const void *x, const void *y)
{
        return cedar_uid_cmp(x, y);
}

static bool same_parents(const struct given_action *a, const struct given_action *b)
{
        for (uint32_t i = 0; i < a->n && a->n == b->n; i++)
                if (!cedar_uid_eq(&a->parents[i], &b->parents[i]))
                        return false;
        return a->n == b->n;
}

/* Is remembered, not added: what counts is what the schema says. */
static int take_action(struct reader *r, struct subject *s)
{
        const struct cedar_schema *schema = r->values.schema;
        const struct cedar_action *a = cedar_schema_action(schema, &s->entity.uid);
        struct cedar_uid *list = arena_alloc(&r->scratch, s->entity.n_parents * sizeof *list);
        struct given_action now = { .parents = list, .given = true }, *slot;

        if (!list)
                return no_memory(r);
        if (!a)
                return data_fail(r->values.err, NULL, "the schema has no such action");
        if (s->entity.attrs.n || s->entity.tags.n)
                return data_fail(r->values.err, NULL, "actions have no attributes and no tags");
        if (s->entity.n_parents)
                memcpy(list, s->entity.parents, s->entity.n_parents * sizeof *list);
        qsort(list, s->entity.n_parents, sizeof *list, uid_order);
        for (uint32_t i = 0; i < s->entity.n_parents; i++)
                if (now.n == 0 || !cedar_uid_eq(&list[i], &list[now.n - 1]))
                        list[now.n++] = list[i];
        slot = &r->given[a - schema->actions];
        if (slot->given && !same_parents(slot, &now))
                return data_fail(r->values.err, NULL, "it is there already with other parents");
        *slot = now;
        return 0;
}

/* What action `from` is in by the entities, its number; -1: the schema does not say so. */
static int64_t count_above(struct reader *r, uint32_t from, uint32_t *seen, uint32_t *queue)
{
        const struct cedar_schema *schema = r->values.schema;
        uint32_t n = 0, node = from;

        for (uint32_t next = 0;; node = queue[next++]) {
                for (uint32_t i = 0; i < r->given[node].n; i++) {
                        const struct cedar_action *up =
                                cedar_schema_action(schema, &r->given[node].parents[i]);
                        uint32_t at;

                        if (!up || up == &schema->actions[from] ||
                            !cedar_schema_action_in(schema, &schema->actions[from].uid, &up->uid))
                                return -1;
                        at = (uint32_t)(up - schema->actions);
                        if (seen[at] == from + 1)
                                continue;
                        seen[at] = from + 1;
                        queue[n++] = at;
                }
                if (next == n)
                        return n;
        }
}

static int check_given_actions(struct reader *r)
{
        const struct cedar_schema *schema = r->values.schema;
        uint32_t *seen = arena_alloc(&r->scratch, schema->n_actions * sizeof *seen);
        uint32_t *queue = arena_alloc(&r->scratch, schema->n_actions * sizeof *queue);
        char name[DATA_UID_SHOWN];

        if (!seen || !queue)
                return no_memory(r);
        for (uint32_t i = 0; i < schema->n_actions; i++) {
                const struct cedar_action *a = &schema->actions[i];

                if (!r->given[i].given || count_above(r, i, seen, queue) == a->n_above)
                        continue;
                data_uid_print(&a->uid, name);
                return err_set(r->values.err, -EINVAL,
                               "action %s is not in the same actions as the schema says", name);
        }
        return 0;
}

static int copy_uid(struct reader *r, const struct cedar_uid *from, struct cedar_uid *ret)
{
        const char *type = arena_copy(r->values.arena, from->type);
        const char *id = arena_copy(r->values.arena, from->id);

        if (!type || !id)
                return no_memory(r);
        *ret = (struct cedar_uid){ .type = span_of(type, from->type.n),
                                   .id = span_of(id, from->id.n),
                                   .hash = from->hash };
        return 0;
}

static int add_action(struct reader *r, const struct cedar_action *a)
{
        struct cedar_entity e = { .attrs.kind = CEDAR_RECORD, .tags.kind = CEDAR_RECORD };
        struct cedar_uid *parents;
        int rc = copy_uid(r, &a->uid, &e.uid);

        if (rc < 0)
                return rc;
        parents = arena_alloc(r->values.arena, a->n_member_of * sizeof *parents);
        if (!parents)
                return no_memory(r);
        for (uint32_t i = 0; i < a->n_member_of; i++) {
                rc = copy_uid(r, &a->member_of[i], &parents[i]);
                if (rc < 0)
                        return rc;
        }
        e.parents = parents;
        e.n_parents = a->n_member_of;
        return cedar_entities_add(r->entities, &e, r->values.err);
}

static int finish_actions(struct reader *r)
{
        const struct cedar_schema *schema = r->values.schema;
        int rc = check_given_actions(r);

        for (uint32_t i = 0; i < schema->n_actions && rc == 0; i++)
                rc = add_action(r, &schema->actions[i]);
        return rc;
}

/* ---- entities ---- */

static int read_subject(struct reader *r, const struct tree *t, struct subject *s)
{
        struct data_path path = { .field = SPAN("uid") };
        const struct tree *uid;
        int rc = data_expect(&r->values, t, TREE_OBJECT, NULL);

        if (rc == 0)
                rc = get(r, t, "uid", TREE_OBJECT, &uid);
        if (rc == 0)
                rc = data_read_uid(&r->values, uid, &path, &s->entity.uid);
        if (rc == 0)
                s->action = data_is_action(s->entity.uid.type);
        return rc;
}

static int read_rest(struct reader *r, const struct tree *t, struct subject *s)
{
        const struct cedar_schema *schema = r->values.schema;
        int rc;

        if (schema && !s->action) {
                s->type = cedar_schema_entity(schema, s->entity.uid.type);
                if (!s->type)
                        return data_fail(r->values.err, NULL, "the schema has no such entity type");
                rc = data_check_uid(schema, &s->entity.uid, NULL, r->values.err);
                if (rc < 0)
                        return rc;
        }
        rc = read_attrs(r, t, s);
        if (rc == 0)
                rc = read_tags(r, t, s);
        if (rc == 0)
                rc = read_parents(r, t, s);
        if (rc < 0)
                return rc;
        return schema && s->action ? take_action(r, s)
                                   : cedar_entities_add(r->entities, &s->entity, r->values.err);
}

static int read_entity(struct reader *r, const struct tree *t, uint32_t i)
{
        struct subject s = { 0 };
        char name[DATA_UID_SHOWN];
        int rc = read_subject(r, t, &s);

        if (rc == -EINVAL)
                return err_wrap(r->values.err, "entity %u", i);
        if (rc == 0)
                rc = read_rest(r, t, &s);
        if (rc == -EINVAL || rc == -EEXIST) {
                data_uid_print(&s.entity.uid, name);
                (void)err_wrap(r->values.err, "entity %u (%s)", i, name);
        }
        return rc;
}

static int read_entities(struct reader *r, struct span json)
{
        const struct cedar_schema *schema = r->values.schema;
        struct tree t;
        int rc = tree_read(json, &r->scratch, &t, r->values.err);

        if (rc == 0)
                rc = data_expect(&r->values, &t, TREE_ARRAY, NULL);
        if (rc < 0)
                return rc;
        r->given = arena_alloc(&r->scratch, (schema ? schema->n_actions : 0) * sizeof *r->given);
        if (!r->given)
                return no_memory(r);
        for (uint32_t i = 0; i < t.n && rc == 0; i++)
                rc = read_entity(r, &t.items[i], i);
        return rc < 0 || !schema ? rc : finish_actions(r);
}

int cedar_entities_read(struct span json, const struct cedar_schema *schema,
                        struct cedar_entities *e, struct err *err)
{
        struct reader r = { .values = { schema, cedar_entities_arena(e), err },
                            .entities = e,
                            .scratch = ARENA_INIT(TREE_MEMORY_MAX) };
        int rc = read_entities(&r, json);

        rc = arena_explain(&r.scratch, rc, "reading the entities", err);
        arena_done(&r.scratch);
        return arena_explain(cedar_entities_arena(e), rc, "what the entities hold", err);
}

/* ---- names and contexts ---- */

int cedar_uid_of(const struct tree *json, struct arena *arena, struct cedar_uid *ret,
                 struct err *err)
{
        struct data_reader r = { .arena = arena, .err = err };

        return data_read_uid(&r, json, NULL, ret);
}

static int context_type(const struct cedar_schema *schema, const struct cedar_uid *action,
                        const struct cedar_type **ret, struct err *err)
{
        const struct cedar_action *a = cedar_schema_action(schema, action);
        char name[DATA_UID_SHOWN];

        if (!a) {
                data_uid_print(action, name);
                return err_set(err, -EINVAL, "the schema has no action %s", name);
        }
        *ret = a->context;
        return 0;
}

/* Of the type, or of any where it is NULL. */
static int read_context(const struct tree *json, struct data_reader *r,
                        const struct cedar_type *type, struct cedar_value *ret)
{
        struct data_path top = { .field = SPAN("context") };
        struct cedar_value v;
        int rc = data_read_value(r, json, type, &top, &v);

        if (rc == 0 && v.kind != CEDAR_RECORD)
                rc = data_fail(r->err, &top, "Record is wanted, not %s", cedar_kind_name(v.kind));
        if (rc == 0)
                *ret = v;
        return rc;
}

int cedar_context_of(const struct tree *json, const struct cedar_schema *schema,
                     const struct cedar_uid *action, struct arena *arena, struct cedar_value *ret,
                     struct err *err)
{
        struct data_reader r = { schema, arena, err };
        const struct cedar_type *type = NULL;
        int rc;

        assert(schema);
        rc = context_type(schema, action, &type, err);
        return rc < 0 ? rc : read_context(json, &r, type, ret);
}

int cedar_context_of_trusted(const struct tree *json, struct arena *arena, struct cedar_value *ret,
                             struct err *err)
{
        struct data_reader r = { .arena = arena, .err = err };

        return read_context(json, &r, NULL, ret);
}

int cedar_context_read(struct span json, const struct cedar_schema *schema,
                       const struct cedar_uid *action, struct arena *arena, struct cedar_value *ret,
                       struct err *err)
{
        struct arena scratch = ARENA_INIT(TREE_MEMORY_MAX);
        struct tree t;
        int rc = tree_read(json, &scratch, &t, err);

        if (rc == 0)
                rc = cedar_context_of(&t, schema, action, arena, ret, err);
        arena_done(&scratch);
        return rc;
}

int cedar_context_read_trusted(struct span json, struct arena *arena, struct cedar_value *ret,
                               struct err *err)
{
        struct arena scratch = ARENA_INIT(TREE_MEMORY_MAX);
        struct tree t;
        int rc = tree_read(json, &scratch, &t, err);

        if (rc == 0)
                rc = cedar_context_of_trusted(&t, arena, ret, err);
        arena_done(&scratch);
        return rc;
}
