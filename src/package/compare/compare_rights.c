/* SPDX-License-Identifier: Apache-2.0 */
/* compare_rights.c - policies and entities of two packages.  Floor 2, pure. */
#include "package/compare/compare_priv.h"

#include "package/policies/policy_place.h"
#include "policy/parse/parse.h"
#include "policy/print/print.h"
#include "wire/tree.h"

#include <stdlib.h>

enum { TEXT_MAX = 1 << 20, WIDTH = 1 << 20, ENTITIES_MEMORY_MAX = 128 << 20, DEPTH = 64 };

static int no_memory(struct err *err)
{
        return err_sys(err, -ENOMEM, "comparing");
}

/* ---- policies ---- */

struct policy {
        struct span id;   /* of @id; may be empty */
        struct span text; /* in its one layout, without comments */
        bool forbid;
        bool same; /* the other package has it, whatever it is called there */
};

struct policies {
        struct cedar_policies *parsed;
        struct policy *list;
        size_t n;
};

static void policies_done(struct policies *p)
{
        p->parsed = cedar_policies_free(p->parsed);
        free(p->list);
        p->list = NULL;
}

/* It is told as the policy's name. */
static int leave_out_id(struct comparer *c, struct cedar_policy *p)
{
        struct cedar_annotation *list;
        uint32_t n = 0;

        list = arena_alloc(&c->ret->arena, p->n_annotations * sizeof *list);
        if (!list)
                return -ENOMEM;
        for (uint32_t i = 0; i < p->n_annotations; i++)
                if (!span_eq_str(p->annotations[i].key, "id"))
                        list[n++] = p->annotations[i];
        p->annotations = list;
        p->n_annotations = n;
        return 0;
}

/* One policy as the printer has it, on one line, without its @id. */
static int print_one(struct comparer *c, const struct cedar_policies *all, uint32_t i,
                     struct span *ret)
{
        static const struct cedar_print_style style = { .width = WIDTH, .indent = 1 };
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
        struct cedar_policies one = *all;
        struct cedar_policy p = all->policies[i];
        struct span s;
        const char *kept;
        int r;

        p.pos.line = 1;
        r = leave_out_id(c, &p);
        if (r < 0)
                return r;
        one.policies = &p;
        one.n = 1;
        one.n_comments = 0;
        cedar_print(&one, style, &text);
        if (buf_status(&text) < 0)
                return buf_status(&text);
        for (size_t k = 0; k < text.n; k++)
                if (text.p[k] == '\n')
                        text.p[k] = ' ';
        s = buf_span(&text);
        while (s.n && s.p[s.n - 1] == ' ')
                s.n--;
        kept = arena_copy(&c->ret->arena, s);
        if (!kept)
                return -ENOMEM;
        *ret = span_of(kept, s.n);
        return 0;
}

static int read_policies(struct comparer *c, struct span text, struct policies *ret,
                         struct err *err)
{
        int r = cedar_parse(text, &ret->parsed, err);

        if (r < 0)
                return err_wrap(err, "policy.cedar");
        ret->list = calloc(ret->parsed->n + 1, sizeof *ret->list);
        if (!ret->list)
                return no_memory(err);
        for (uint32_t i = 0; i < ret->parsed->n; i++) {
                struct policy *p = &ret->list[ret->n++];

                p->forbid = ret->parsed->policies[i].effect == CEDAR_FORBID;
                (void)cedar_policy_annotation(&ret->parsed->policies[i], "id", &p->id);
                r = print_one(c, ret->parsed, i, &p->text);
                if (r < 0)
                        return err_sys(err, r, "policy.cedar");
        }
        return 0;
}

static int by_text(const void *a, const void *b)
{
        const struct policy *x = a, *y = b;
        int order = span_cmp(x->text, y->text);

        return order ? order : span_cmp(x->id, y->id);
}

/* Those that are the same last, the others by their ids. */
static int by_id(const void *a, const void *b)
{
        const struct policy *x = a, *y = b;
        int order = x->same - y->same;

        if (order == 0)
                order = span_cmp(x->id, y->id);
        return order ? order : span_cmp(x->text, y->text);
}

static struct span text_of(const void *list, size_t i)
{
        return ((const struct policy *)list)[i].text;
}

static struct span id_of(const void *list, size_t i)
{
        return ((const struct policy *)list)[i].id;
}

/* Returns how many are not the same. */
static size_t sort_out(struct policies *p)
{
        size_t n = 0;

        qsort(p->list, p->n, sizeof *p->list, by_id);
        while (n < p->n && !p->list[n].same)
                n++;
        return n;
}

static void tell_one(struct comparer *c, const struct policy *p, enum compare_change change)
{
        bool less = p->forbid == (change == COMPARE_ADDED);

        compare_add_was(c, COMPARE_POLICY, change, less ? COMPARE_BREAKS : COMPARE_WIDENS, p->id,
                        change == COMPARE_ADDED ? p->text : SPAN_NONE,
                        change == COMPARE_ADDED ? SPAN_NONE : p->text);
}

static void tell_policies(struct comparer *c, struct policies *a, struct policies *b)
{
        size_t n_a = sort_out(a), n_b = sort_out(b);
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->list, n_a, b->list, n_b, id_of, &at, &p)) {
                const struct policy *x = p.a == SIZE_MAX ? NULL : &a->list[p.a];
                const struct policy *y = p.b == SIZE_MAX ? NULL : &b->list[p.b];

                assert(x || y);
                if (x && y && x->id.n) {
                        compare_add_was(c, COMPARE_POLICY, COMPARE_CHANGED, COMPARE_EITHER, y->id,
                                        y->text, x->text);
                        continue;
                }
                if (x)
                        tell_one(c, x, COMPARE_REMOVED);
                if (y)
                        tell_one(c, y, COMPARE_ADDED);
        }
}

int compare_policies(struct comparer *c, struct err *err)
{
        CLEANUP(policies_done) struct policies a = { 0 };
        CLEANUP(policies_done) struct policies b = { 0 };
        struct compare_pair at = { 0, 0 }, p;
        int r = read_policies(c, c->a->policy, &a, err);

        if (r == 0)
                r = read_policies(c, c->b->policy, &b, err);
        if (r < 0)
                return r;
        qsort(a.list, a.n, sizeof *a.list, by_text);
        qsort(b.list, b.n, sizeof *b.list, by_text);
        while (compare_next(a.list, a.n, b.list, b.n, text_of, &at, &p)) {
                if (p.a == SIZE_MAX || p.b == SIZE_MAX)
                        continue;
                a.list[p.a].same = b.list[p.b].same = true;
                if (!span_eq(a.list[p.a].id, b.list[p.b].id))
                        compare_add_was(c, COMPARE_POLICY, COMPARE_CHANGED, COMPARE_NOTHING,
                                        b.list[p.b].id, SPAN("it says the same"), a.list[p.a].id);
        }
        tell_policies(c, &a, &b);
        return 0;
}

/* ---- entities ---- */

struct entity {
        struct span key; /* Group::"tellers" */
        const struct tree *value;
};

struct entities {
        struct tree tree;
        struct entity *list;
        size_t n;
};

static void entities_done(struct entities *e)
{
        free(e->list);
        e->list = NULL;
}

static bool member_text(const struct tree *t, const char *key, struct span *ret)
{
        const struct tree *m = t ? tree_get(t, key) : NULL;

        if (!m || m->kind != TREE_STRING)
                return false;
        *ret = m->text;
        return true;
}

/* Of {"id":...,"type":...}. */
static bool call_uid(struct comparer *c, const struct tree *t, struct buf *out)
{
        struct span type, id;

        buf_clear(out);
        if (!member_text(t, "type", &type) || !member_text(t, "id", &id))
                return false;
        buf_put(out, type);
        buf_put_str(out, "::");
        cedar_print_string(id, out);
        if (buf_status(out) < 0)
                c->rc = -ENOMEM;
        return true;
}

/* What every package has: its API and its classes, which are told as such. */
static bool is_own(struct span key)
{
        return span_starts(key, SPAN("Api::")) || span_starts(key, SPAN("DataClass::"));
}

static int by_key(const void *a, const void *b)
{
        return span_cmp(((const struct entity *)a)->key, ((const struct entity *)b)->key);
}

static struct span key_of(const void *list, size_t i)
{
        return ((const struct entity *)list)[i].key;
}

static int read_entities(struct comparer *c, struct arena *arena, struct span text,
                         struct entities *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf key = BUF_INIT(TEXT_MAX);
        int r = tree_read_real(text, DEPTH, arena, &ret->tree, err);

        if (r < 0)
                return err_wrap(err, "entities.json");
        if (ret->tree.kind != TREE_ARRAY)
                return err_set(err, -EINVAL, "entities.json: no list");
        ret->list = calloc(ret->tree.n + 1, sizeof *ret->list);
        if (!ret->list)
                return no_memory(err);
        for (uint32_t i = 0; i < ret->tree.n; i++) {
                const struct tree *t = &ret->tree.items[i];
                const char *kept;

                if (!call_uid(c, tree_get(t, "uid"), &key))
                        return err_set(err, -EINVAL, "entities.json: entity %u has no uid",
                                       (unsigned)i + 1);
                if (is_own(buf_span(&key)))
                        continue;
                kept = arena_copy(arena, buf_span(&key));
                if (!kept || c->rc < 0)
                        return no_memory(err);
                ret->list[ret->n++] = (struct entity){ span_of(kept, key.n), t };
        }
        qsort(ret->list, ret->n, sizeof *ret->list, by_key);
        return 0;
}

static bool has_parent(struct comparer *c, const struct tree *list, const struct tree *uid,
                       struct buf *one, struct buf *two)
{
        if (!list || list->kind != TREE_ARRAY || !call_uid(c, uid, one))
                return false;
        for (uint32_t i = 0; i < list->n; i++)
                if (call_uid(c, &list->items[i], two) && span_eq(buf_span(one), buf_span(two)))
                        return true;
        return false;
}

/* Parents of one that the other has not. */
static void tell_parents(struct comparer *c, struct span name, const struct tree *of,
                         const struct tree *not_of, unsigned effect, const char *what)
{
        CLEANUP(buf_done) struct buf one = BUF_INIT(TEXT_MAX), two = BUF_INIT(TEXT_MAX);
        const struct tree *list = tree_get(of, "parents");

        for (uint32_t i = 0; list && list->kind == TREE_ARRAY && i < list->n; i++)
                if (!has_parent(c, tree_get(not_of, "parents"), &list->items[i], &one, &two) &&
                    call_uid(c, &list->items[i], &one))
                        compare_add(c, COMPARE_ENTITY, COMPARE_CHANGED, effect, name, "%s %.*s",
                                    what, SHOWN(buf_span(&one)));
}

static bool same_member(struct comparer *c, const struct tree *a, const struct tree *b,
                        const char *key)
{
        CLEANUP(buf_done) struct buf one = BUF_INIT(TEXT_MAX), two = BUF_INIT(TEXT_MAX);
        const struct tree *x = tree_get(a, key), *y = tree_get(b, key);

        if (x)
                tree_print(x, &one);
        if (y)
                tree_print(y, &two);
        if (buf_status(&one) == -ENOMEM || buf_status(&two) == -ENOMEM)
                c->rc = -ENOMEM;
        return span_eq(buf_span(&one), buf_span(&two));
}

static void compare_entity(struct comparer *c, const struct entity *a, const struct entity *b)
{
        if (!same_member(c, a->value, b->value, "attrs"))
                compare_add(c, COMPARE_ENTITY, COMPARE_CHANGED, COMPARE_EITHER, b->key,
                            "has other attributes");
        if (!same_member(c, a->value, b->value, "tags"))
                compare_add(c, COMPARE_ENTITY, COMPARE_CHANGED, COMPARE_EITHER, b->key,
                            "has other tags");
        tell_parents(c, b->key, b->value, a->value, COMPARE_WIDENS, "is in");
        tell_parents(c, b->key, a->value, b->value, COMPARE_BREAKS, "is not any more in");
}

static bool has_parents(const struct entity *e)
{
        const struct tree *list = tree_get(e->value, "parents");

        return list && list->n > 0;
}

int compare_entities(struct comparer *c, struct err *err)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ENTITIES_MEMORY_MAX);
        CLEANUP(entities_done) struct entities a = { 0 };
        CLEANUP(entities_done) struct entities b = { 0 };
        struct compare_pair at = { 0, 0 }, p;
        int r = read_entities(c, &arena, c->a->entities, &a, err);

        if (r == 0)
                r = read_entities(c, &arena, c->b->entities, &b, err);
        if (r < 0)
                return r;
        while (compare_next(a.list, a.n, b.list, b.n, key_of, &at, &p)) {
                const struct entity *x = p.a == SIZE_MAX ? NULL : &a.list[p.a];
                const struct entity *y = p.b == SIZE_MAX ? NULL : &b.list[p.b];

                assert(x || y);
                if (!x)
                        compare_add(c, COMPARE_ENTITY, COMPARE_ADDED,
                                    has_parents(y) ? COMPARE_WIDENS : COMPARE_NOTHING, y->key, "%s",
                                    "");
                else if (!y)
                        compare_add(c, COMPARE_ENTITY, COMPARE_REMOVED,
                                    has_parents(x) ? COMPARE_BREAKS : COMPARE_NOTHING, x->key, "%s",
                                    "");
                else
                        compare_entity(c, x, y);
        }
        if (!span_eq(c->a->types, c->b->types))
                compare_add(c, COMPARE_ENTITY, COMPARE_CHANGED, COMPARE_NOTHING,
                            SPAN("types.cedarschema"), "says other things of entities");
        return 0;
}
