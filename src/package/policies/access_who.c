/* SPDX-License-Identifier: Apache-2.0 */
/* access_who.c - the kinds of callers that a package knows of, and where policies are from; see
 * access.h.  Floor 2, pure. */
#include "package/policies/access_priv.h"

#include <stdlib.h>

#include "package/call/caller.h"

/* ---- names ---- */

struct names {
        struct arena *arena;
        struct span *list;
        uint32_t n, room;
        int rc;
};

static void add(struct names *all, struct span name)
{
        struct span *more;

        if (all->rc < 0)
                return;
        if (all->n == all->room) {
                more = arena_alloc(all->arena, 2 * ((size_t)all->room + 32) * sizeof *more);
                if (!more) {
                        all->rc = -ENOMEM;
                        return;
                }
                if (all->n)
                        memcpy(more, all->list, all->n * sizeof *more);
                all->list = more;
                all->room = 2 * (all->room + 32);
        }
        all->list[all->n++] = name;
}

static int by_name(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* Ascending, none twice. */
static void settle(struct names *all)
{
        uint32_t n = 0;

        if (all->n > 1)
                qsort(all->list, all->n, sizeof *all->list, by_name);
        for (uint32_t i = 0; i < all->n; i++)
                if (n == 0 || !span_eq(all->list[n - 1], all->list[i]))
                        all->list[n++] = all->list[i];
        all->n = n;
}

static void add_group(struct names *groups, const struct cedar_uid *uid)
{
        if (span_eq_str(uid->type, "Group"))
                add(groups, uid->id);
}

/* ---- of policies ---- */

/* CEDAR_DEPTH_MAX bounds the recursion. */
static void find_in_expr(struct names *groups, const struct cedar_expr *e)
{
        const struct cedar_expr *const parts[] = { e->a, e->b, e->c };

        if (e->op == OP_UID)
                add_group(groups, &e->uid);
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
                if (parts[i])
                        find_in_expr(groups, parts[i]);
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n; i++)
                        find_in_expr(groups, e->items[i]);
}

static void find_in_policy(struct names *groups, const struct cedar_policy *p)
{
        const struct cedar_scope *const scopes[] = { &p->principal, &p->resource };

        for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
                for (uint32_t k = 0; scopes[i]->uids && k < scopes[i]->n; k++)
                        add_group(groups, &scopes[i]->uids[k]);
        for (uint32_t i = 0; i < p->n_conditions; i++)
                find_in_expr(groups, p->conditions[i].expr);
}

/* ---- of entities ---- */

/* Recursion as deep as the value, which a schema bounds. */
static void find_in_value(struct names *groups, const struct cedar_value *v)
{
        if (v->kind == CEDAR_ENTITY)
                add_group(groups, v->uid);
        for (uint32_t i = 0; v->kind == CEDAR_SET && i < v->n; i++)
                find_in_value(groups, &v->items[i]);
        for (uint32_t i = 0; v->kind == CEDAR_RECORD && i < v->n; i++)
                find_in_value(groups, &v->fields[i].value);
}

static void find_in_entity(struct names *groups, struct names *callers,
                           const struct cedar_entity *e)
{
        add_group(groups, &e->uid);
        for (uint32_t i = 0; i < e->n_ancestors; i++)
                add_group(groups, e->ancestors[i]);
        find_in_value(groups, &e->attrs);
        find_in_value(groups, &e->tags);
        if (span_eq_str(e->uid.type, "Caller") && e->uid.id.n)
                add(callers, e->uid.id);
}

/* ---- all of them ---- */

static const struct span unverified = SPAN_INIT(CALLER_UNVERIFIED_GROUP);
static const struct access_who users = { .kind = ACCESS_UNVERIFIED,
                                         .groups = &unverified,
                                         .n_groups = 1 },
                               nobody = { .kind = ACCESS_NOBODY, .id = SPAN_INIT("") };

/* Who is named, without groups in a token and with any; of whom nobody verifies there is no token.
 */
static uint32_t put_named(struct span id, struct access_who *ret)
{
        ret[0] = (struct access_who){ .kind = ACCESS_NAMED, .id = id };
        ret[1] = ret[0];
        ret[1].any_groups = true;
        if (!access_is_user(ret))
                return 2;
        ret->groups = &unverified;
        ret->n_groups = 1;
        return 1;
}

/* The one asked for, and what he may be as well: everybody may come without a credential, and who
 * is in the group of those that nobody verifies may be one of them. */
static uint32_t put_asked(const struct access_who *asked, struct access_who *ret)
{
        const bool only = asked->n_groups == 1 && span_eq(asked->groups[0], unverified);
        uint32_t n = 0;

        if (!access_is_user(asked)) {
                if (!asked->id.p || asked->id.n)
                        ret[n++] = *asked;
                if (!asked->id.p && only)
                        ret[n++] = users;
                ret[n++] = nobody;
        } else if (only || asked->n_groups == 0) {
                ret[n] = *asked;
                ret[n].groups = &unverified;
                ret[n].n_groups = 1;
                ret[n++].any_groups = false;
        }
        return n;
}

int access_find_who(const struct package *p, const struct access_who *asked, struct arena *arena,
                    struct access_who **ret, uint32_t *ret_n)
{
        struct names groups = { .arena = arena }, callers = { .arena = arena };
        struct access_who *list;
        uint32_t n = 0;

        for (uint32_t i = 0; !asked && i < p->policies->n; i++)
                find_in_policy(&groups, &p->policies->policies[i]);
        for (uint32_t i = 0; !asked && i < cedar_entities_count(p->entities); i++)
                find_in_entity(&groups, &callers, cedar_entities_at(p->entities, i));
        settle(&groups);
        settle(&callers);
        if (groups.rc < 0 || callers.rc < 0)
                return -ENOMEM;
        if (groups.n + callers.n > ACCESS_WHO_MAX)
                return -E2BIG;
        list = arena_alloc(arena, ((size_t)groups.n + 2 * (size_t)callers.n + ACCESS_KINDS) *
                                          sizeof *list);
        if (!list)
                return -ENOMEM;
        for (uint32_t i = 0; i < callers.n; i++)
                n += put_named(callers.list[i], &list[n]);
        for (uint32_t i = 0; i < groups.n; i++)
                if (!span_eq(groups.list[i], unverified)) /* no token may say it */
                        list[n++] = (struct access_who){ .kind = ACCESS_MEMBER,
                                                         .groups = &groups.list[i],
                                                         .n_groups = 1 };
        if (asked) {
                n += put_asked(asked, &list[n]);
        } else {
                list[n++] = (struct access_who){ .kind = ACCESS_OTHER };
                list[n++] = (struct access_who){ .kind = ACCESS_SEVERAL, .any_groups = true };
                list[n++] = users;
                list[n++] = nobody;
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

/* ---- where policies are from ---- */

static bool is_policy(struct span path)
{
        return span_starts(path, SPAN("policies/"));
}

static uint32_t lines_of(struct span text)
{
        uint32_t n = text.n > 0 && text.p[text.n - 1] != '\n';

        for (size_t i = 0; i < text.n; i++)
                n += text.p[i] == '\n';
        return n;
}

/* Is the text of this file what stands at *at?  Then goes behind it. */
static bool follows(struct span all, struct span text, size_t *at)
{
        if (!span_starts(span_from(all, *at), text))
                return false;
        *at += text.n;
        if (text.n > 0 && text.p[text.n - 1] != '\n') {
                if (*at == all.n || all.p[*at] != '\n')
                        return false;
                ++*at;
        }
        return true;
}

bool package_policy_place(const struct package_file *f, uint32_t line, struct span *ret_file,
                          uint32_t *ret_line)
{
        const struct span all = f->section[PACKAGE_POLICY];
        uint32_t before = 0;
        bool found = false;
        size_t at = 0;

        for (int further = 0; further < 2; further++)
                for (uint32_t i = 0; i < f->n_sources; i++) {
                        const struct package_source *s = &f->sources[i];
                        uint32_t lines;

                        if (further ? !is_policy(s->path) : !span_eq_str(s->path, "policy.cedar"))
                                continue;
                        if (!follows(all, s->text, &at))
                                return false;
                        lines = lines_of(s->text);
                        if (!found && line > before && line <= before + lines) {
                                *ret_file = s->path;
                                *ret_line = line - before;
                                found = true;
                        }
                        before += lines;
                }
        return found && at == all.n;
}
