/* SPDX-License-Identifier: Apache-2.0 */
/* policy_entities.c - entities.yaml as Cedar's JSON; see policy_lint.h.  Floor 2, pure. */
#include "package/policies/policy_entities.h"

#include <stdlib.h>

#include "package/call/caller.h"
#include "package/source/nearest.h"
#include "package/source/source_tree.h"
#include "wire/tree.h"

enum { MEMORY_MAX = 256 << 20 };

/* ---- the file by itself ---- */

static const char class_type[] = "DataClass", api_type[] = "Api", action_type[] = "Action";

static struct span said(const struct source_node *map, const char *key)
{
        const struct source_node *m = source_get(map, key);

        return m && m->kind == SOURCE_STRING ? m->text : SPAN_NONE;
}

/* {type: Group, id: tellers}, also within `__entity`. */
static const struct source_node *uid_of(const struct source_node *node)
{
        const struct source_node *within = source_get(node, "__entity");

        return within ? within : node;
}

static void check_uid(struct lint *l, const struct source_node *node, const char *what)
{
        const struct source_node *uid = uid_of(node), *id;

        if (uid->kind != SOURCE_MAP) {
                lint_error(l, &node->mark, "%s: an entity is written {type: Group, id: tellers}",
                           what);
                return;
        }
        if (!said(uid, "type").p)
                lint_error(l, &uid->mark, "%s: `type` is missing, or no string", what);
        id = source_get(uid, "id");
        if (!id)
                lint_error(l, &uid->mark, "%s: `id` is missing", what);
        else if (id->kind != SOURCE_STRING)
                lint_error(l, &id->mark, "%s: an id is a string, and this is %s: put it in quotes",
                           what, source_kind_name(id->kind));
}

/* Of attributes and tags: what Cedar has no value for. */
static void check_value(struct lint *l, const struct source_node *node)
{
        struct tree t;
        struct arena scratch = ARENA_INIT(4096);

        if (node->kind == SOURCE_NULL)
                lint_error(l, &node->mark, "there is no null: leave the attribute out");
        if (node->kind == SOURCE_ODD_NUMBER)
                lint_error(l, &node->mark,
                           "no number that JSON has: write it in decimal without a 0 in front, or "
                           "in quotes when it is a string");
        if (node->kind == SOURCE_NUMBER &&
            (tree_read_real(node->text, 1, &scratch, &t, NULL) < 0 || t.kind != TREE_NUMBER))
                lint_error(l, &node->mark,
                           "no whole number of 64 bits; a decimal is put in quotes");
        arena_done(&scratch);
        for (const struct source_node *c = node->child; c; c = c->next)
                check_value(l, c);
}

static void check_member(struct lint *l, const struct source_node *m)
{
        static const struct span names[] = { SPAN_INIT("uid"), SPAN_INIT("attrs"),
                                             SPAN_INIT("parents"), SPAN_INIT("tags") };
        size_t near = nearest_of(m->key, names, ARRAY_LEN(names));

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq(m->key, names[i]))
                        return;
        if (near < ARRAY_LEN(names))
                lint_error(l, &m->key_mark, "an entity has no `%.*s`: is `%.*s` meant?",
                           (int)m->key.n, (const char *)m->key.p, (int)names[near].n,
                           (const char *)names[near].p);
        else
                lint_error(l, &m->key_mark,
                           "an entity has no `%.*s`, only uid, attrs, parents, tags", (int)m->key.n,
                           (const char *)m->key.p);
}

static void check_kind(struct lint *l, const struct source_node *e, const char *key,
                       enum source_kind kind)
{
        const struct source_node *m = source_get(e, key);

        if (m && m->kind != kind)
                lint_error(l, &m->mark, "`%s` is %s, not %s", key, source_kind_name(kind),
                           source_kind_name(m->kind));
        else if (m && kind == SOURCE_MAP)
                check_value(l, m);
}

/* What the package makes itself. */
static void check_type(struct lint *l, const struct source_node *uid)
{
        struct span type = said(uid_of(uid), "type");

        if (span_eq_str(type, class_type) || span_eq_str(type, api_type))
                lint_error(l, &uid->mark, "each %.*s is there by itself: leave it out", (int)type.n,
                           (const char *)type.p);
        if (span_eq_str(type, action_type))
                lint_error(l, &uid->mark, "actions are derived from openapi.yaml: leave it out");
}

/* Nobody is put among those whom nobody verified, but one of them. */
static void check_parent(struct lint *l, const struct source_node *uid,
                         const struct source_node *parent)
{
        const struct source_node *of = uid_of(uid), *in = uid_of(parent);

        check_uid(l, parent, "parents");
        if (span_eq_str(said(in, "type"), "Group") &&
            span_eq_str(said(in, "id"), CALLER_UNVERIFIED_GROUP) &&
            !(span_eq_str(said(of, "type"), "Caller") &&
              span_starts(said(of, "id"), SPAN(CALLER_UNVERIFIED))))
                lint_error(l, &parent->mark,
                           "in Group::\"" CALLER_UNVERIFIED_GROUP "\" is whom nobody verified, and "
                           "nobody else");
}

static void check_entity(struct lint *l, const struct source_node *e)
{
        const struct source_node *uid = source_get(e, "uid"), *parents = source_get(e, "parents");

        if (e->kind != SOURCE_MAP) {
                lint_error(l, &e->mark, "an entity is a map with a uid, not %s",
                           source_kind_name(e->kind));
                return;
        }
        for (const struct source_node *m = e->child; m; m = m->next)
                check_member(l, m);
        if (uid) {
                check_uid(l, uid, "uid");
                check_type(l, uid);
        } else {
                lint_error(l, &e->mark, "`uid` is missing");
        }
        check_kind(l, e, "attrs", SOURCE_MAP);
        check_kind(l, e, "tags", SOURCE_MAP);
        check_kind(l, e, "parents", SOURCE_LIST);
        for (const struct source_node *p = parents ? parents->child : NULL; p; p = p->next)
                check_parent(l, uid, p);
}

/* ---- the same entity twice ---- */

static int by_uid(const void *a, const void *b)
{
        const struct source_node *x = *(const struct source_node *const *)a,
                                 *y = *(const struct source_node *const *)b;
        const struct source_node *u = uid_of(source_get(x, "uid")),
                                 *v = uid_of(source_get(y, "uid"));
        int c = span_cmp(said(u, "type"), said(v, "type"));

        if (c == 0)
                c = span_cmp(said(u, "id"), said(v, "id"));
        if (c == 0)
                c = (x->mark.line > y->mark.line) - (x->mark.line < y->mark.line);
        return c ? c : (x->mark.column > y->mark.column) - (x->mark.column < y->mark.column);
}

static bool same_uid(const struct source_node *x, const struct source_node *y)
{
        const struct source_node *u = uid_of(source_get(x, "uid")),
                                 *v = uid_of(source_get(y, "uid"));

        return span_eq(said(u, "type"), said(v, "type")) && span_eq(said(u, "id"), said(v, "id"));
}

static int check_twice(struct lint *l, const struct source_node *root, struct arena *arena)
{
        const struct source_node **list =
                arena_alloc(arena, root->n * sizeof(struct source_node *));
        uint32_t n = 0;

        if (!list)
                return -ENOMEM;
        for (const struct source_node *e = root->child; e; e = e->next)
                list[n++] = e;
        qsort(list, n, sizeof(struct source_node *), by_uid);
        for (uint32_t i = 1; i < n; i++)
                if (same_uid(list[i], list[i - 1]))
                        lint_error(l, &list[i]->mark, "this entity is there already, in line %u",
                                   list[i - 1]->mark.line);
        return 0;
}

/* ---- what is there by itself ---- */

struct derived {
        const struct api *api;
        struct arena *arena;
        struct span *classes; /* with what they are in, ascending, each once */
        uint32_t n;
};

static int by_text(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* "pii" of "pii.ssn"; empty: it is in none. */
static struct span class_above(struct span name)
{
        size_t n = name.n;

        while (n && name.p[n - 1] != '.')
                n--;
        return n ? span_of(name.p, n - 1) : SPAN_NONE;
}

bool policy_is_class(const struct api *api, struct span id)
{
        for (uint32_t i = 0; i < api->n_classes; i++)
                for (struct span c = api->classes[i]; c.n; c = class_above(c))
                        if (span_eq(c, id))
                                return true;
        return false;
}

static int list_classes(struct derived *d)
{
        uint32_t all = 0, n = 0;

        for (uint32_t i = 0; i < d->api->n_classes; i++)
                for (struct span c = d->api->classes[i]; c.n; c = class_above(c))
                        all++;
        d->classes = arena_alloc(d->arena, all * sizeof *d->classes);
        if (!d->classes)
                return -ENOMEM;
        for (uint32_t i = 0; i < d->api->n_classes; i++)
                for (struct span c = d->api->classes[i]; c.n; c = class_above(c))
                        d->classes[n++] = c;
        qsort(d->classes, n, sizeof *d->classes, by_text);
        for (uint32_t i = 0; i < n; i++)
                if (d->n == 0 || !span_eq(d->classes[i], d->classes[d->n - 1]))
                        d->classes[d->n++] = d->classes[i];
        return 0;
}

static bool make_uid(struct arena *arena, const char *type, struct span id, struct tree *ret)
{
        struct tree_member *m = arena_alloc(arena, 2 * sizeof *m);

        if (!m)
                return false;
        m[0] = (struct tree_member){ SPAN("id"), { .kind = TREE_STRING, .text = id } };
        m[1] = (struct tree_member){ SPAN("type"),
                                     { .kind = TREE_STRING, .text = span_str(type) } };
        *ret = (struct tree){ .kind = TREE_OBJECT, .n = 2, .members = m };
        return true;
}

/* parent: an id of the same type, empty for none. */
static bool make_entity(struct arena *arena, const char *type, struct span id, struct span parent,
                        struct tree *ret)
{
        struct tree_member *m = arena_alloc(arena, 3 * sizeof *m);
        struct tree *parents = arena_alloc(arena, sizeof *parents);

        if (!m || !parents || !make_uid(arena, type, id, &m[2].value) ||
            (parent.n && !make_uid(arena, type, parent, parents)))
                return false;
        m[0] = (struct tree_member){ SPAN("attrs"), { .kind = TREE_OBJECT } };
        m[1] = (struct tree_member){ SPAN("parents"),
                                     { .kind = TREE_ARRAY, .n = parent.n > 0, .items = parents } };
        m[2].key = SPAN("uid");
        *ret = (struct tree){ .kind = TREE_OBJECT, .n = 3, .members = m };
        return true;
}

/* ---- and all of it ---- */

/* An entity as it was written, with what it may leave out. */
static bool complete(struct arena *arena, struct tree *e)
{
        static const struct tree_member often[] = { { SPAN_INIT("attrs"), { .kind = TREE_OBJECT } },
                                                    { SPAN_INIT("parents"),
                                                      { .kind = TREE_ARRAY } } };
        struct tree_member *m = arena_alloc(arena, ((size_t)e->n + 2) * sizeof *m);
        uint32_t n = 0, at = 0;

        if (!m)
                return false;
        for (size_t i = 0; i < ARRAY_LEN(often); i++) {
                while (at < e->n && span_cmp(e->members[at].key, often[i].key) < 0)
                        m[n++] = e->members[at++];
                if (at == e->n || !span_eq(e->members[at].key, often[i].key))
                        m[n++] = often[i];
        }
        while (at < e->n)
                m[n++] = e->members[at++];
        e->members = m;
        e->n = n;
        return true;
}

static int put_all(const struct derived *d, const struct config *config, struct tree *list,
                   struct buf *out)
{
        struct tree all = { .kind = TREE_ARRAY };
        struct tree *items = arena_alloc(d->arena, ((size_t)1 + d->n + list->n) * sizeof *items);
        struct tree *written = arena_alloc(d->arena, list->n * sizeof *written);

        if (!items || !written ||
            !make_entity(d->arena, api_type, config->name, SPAN_NONE, &items[all.n++]))
                return -ENOMEM;
        for (uint32_t i = 0; i < d->n; i++)
                if (!make_entity(d->arena, class_type, d->classes[i], class_above(d->classes[i]),
                                 &items[all.n++]))
                        return -ENOMEM;
        for (uint32_t i = 0; i < list->n; i++) {
                written[i] = list->items[i];
                if (!complete(d->arena, &written[i]))
                        return -ENOMEM;
                items[all.n++] = written[i];
        }
        all.items = items;
        tree_print(&all, out);
        return buf_status(out);
}

static int read_file(const struct source_node *root, struct lint *l, struct arena *arena,
                     struct tree *ret, struct err *err)
{
        uint32_t before = l->errors;
        int rc = 0;

        if (!root)
                return 0;
        if (root->kind != SOURCE_LIST)
                lint_error(l, &root->mark, "a list of entities is wanted, not %s",
                           source_kind_name(root->kind));
        for (const struct source_node *e = root->child; e && root->kind == SOURCE_LIST; e = e->next)
                check_entity(l, e);
        if (l->errors == before)
                rc = check_twice(l, root, arena);
        if (rc == 0 && l->errors > before)
                rc = -EINVAL;
        if (rc < 0)
                return err_set(err, rc, "entities.yaml: %s",
                               rc == -EINVAL ? "see the faults" : "no memory");
        return source_tree(root, arena, l, ret, err);
}

int policy_entities(const struct source_node *entities, const struct api *api,
                    const struct config *config, struct lint *l, struct buf *out, struct err *err)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(MEMORY_MAX);
        struct derived d = { .api = api, .arena = &arena };
        struct tree list = { .kind = TREE_ARRAY };
        struct span file = l->file;
        int rc;

        l->file = SPAN("entities.yaml");
        rc = read_file(entities, l, &arena, &list, err);
        l->file = file;
        if (rc < 0)
                return rc;
        rc = list_classes(&d);
        if (rc == 0)
                rc = put_all(&d, config, &list, out);
        return rc < 0 ? err_set(err, rc, "entities: %s",
                                rc == -E2BIG ? "too many of them" : "no memory")
                      : 0;
}
