/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_links.c - policies made of templates, as a file of links says; see cedar_files.h. */
#include "command/policy/cedar_files.h"

#include <stdlib.h>

#include "policy/parse/parse.h"
#include "wire/tree.h"

enum { LINK_ARENA_MAX = CEDAR_FILE_MAX + 4096, LINKS_ARENA_MAX = 256 * 1024 * 1024 };

/* One of an array of links. */
struct link {
        struct span template, id;
        struct cedar_uid principal, resource;
        bool has_principal, has_resource;
};

static int read_uid(const struct tree *v, struct arena *arena, struct cedar_uid *ret,
                    struct err *err)
{
        return v->kind == TREE_STRING ? cedar_parse_uid(v->text, arena, ret, err)
                                      : cedar_uid_of(v, arena, ret, err);
}

static int read_args(const struct tree *args, struct arena *arena, struct link *l, struct err *err)
{
        for (uint32_t i = 0; i < args->n; i++) {
                const struct tree_member *m = &args->members[i];
                bool principal = span_eq_str(m->key, "?principal");
                struct cedar_uid *uid = principal ? &l->principal : &l->resource;

                if (!principal && !span_eq_str(m->key, "?resource"))
                        return err_set(err, -EINVAL, "args: there is no slot \"%.*s\"",
                                       (int)MIN_OF(m->key.n, 64u), (const char *)m->key.p);
                if (read_uid(&m->value, arena, uid, err) < 0)
                        return err_wrap(err, "args: %s", principal ? "?principal" : "?resource");
                *(principal ? &l->has_principal : &l->has_resource) = true;
        }
        return 0;
}

static int read_link(const struct tree *v, struct arena *arena, struct link *l, struct err *err)
{
        const struct tree *template = tree_get(v, "template_id"), *id = tree_get(v, "link_id");
        const struct tree *args = tree_get(v, "args");

        if (!template || template->kind != TREE_STRING || !id || id->kind != TREE_STRING || !args ||
            args->kind != TREE_OBJECT)
                return err_set(err, -EINVAL,
                               "wants \"template_id\" and \"link_id\", strings, and \"args\", an "
                               "object");
        l->template = template->text;
        l->id = id->text;
        return read_args(args, arena, l, err);
}

/* ---- templates by their @id ---- */

struct name {
        struct span name;
        uint32_t policy;
};

struct names {
        struct name *list; /* ascending */
        uint32_t n;
};

static int by_name(const void *a, const void *b)
{
        const struct name *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

static int gather_names(const struct cedar_policies *p, struct arena *arena, struct names *ret,
                        struct err *err)
{
        struct names names = { .list = arena_alloc(arena, p->n * sizeof(*names.list)) };

        if (!names.list)
                return err_set(err, -ENOMEM, "no memory for the names of templates");
        for (uint32_t i = 0; i < p->n; i++) {
                struct name *name = &names.list[names.n];

                if (!p->policies[i].template ||
                    !cedar_policy_annotation(&p->policies[i], "id", &name->name))
                        continue;
                name->policy = i;
                names.n++;
        }
        qsort(names.list, names.n, sizeof(*names.list), by_name);
        *ret = names;
        return 0;
}

/* NULL: there is none. */
static const struct name *find_name(const struct names *names, struct span name)
{
        const struct name want = { .name = name };

        return names->n ? bsearch(&want, names->list, names->n, sizeof(*names->list), by_name)
                        : NULL;
}

static bool is_alone(const struct names *names, const struct name *one)
{
        size_t at = (size_t)(one - names->list);

        return (at == 0 || by_name(one - 1, one) != 0) &&
               (at + 1 == names->n || by_name(one + 1, one) != 0);
}

/* The id of the template that a link names by its id or its @id. */
static int find_template(const struct cedar_policies *p, const struct names *names,
                         struct span name, struct span *ret, struct err *err)
{
        const struct cedar_policy *found = cedar_policies_find(p, name);
        const struct name *named = found ? NULL : find_name(names, name);

        if (named && !is_alone(names, named))
                return err_set(err, -EINVAL, "two templates have the @id \"%.*s\"",
                               (int)MIN_OF(name.n, 200u), (const char *)name.p);
        if (named)
                found = &p->policies[named->policy];
        if (!found || !found->template)
                return err_set(err, -EINVAL, "there is no template \"%.*s\"",
                               (int)MIN_OF(name.n, 200u), (const char *)name.p);
        *ret = found->id;
        return 0;
}

/* ---- links ---- */

static int add_link(const struct tree *v, const struct names *names, struct cedar_policies *p,
                    struct err *err)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(LINK_ARENA_MAX);
        struct span template = SPAN_NONE;
        struct link l = { 0 };
        int r = read_link(v, &arena, &l, err);

        if (r == 0)
                r = find_template(p, names, l.template, &template, err);
        return r < 0 ? r
                     : cedar_policies_link(p, template, l.id, l.has_principal ? &l.principal : NULL,
                                           l.has_resource ? &l.resource : NULL, err);
}

static int add_links(const struct tree *list, struct cedar_policies *p, struct arena *arena,
                     struct err *err)
{
        struct names names;
        int r;

        if (list->kind != TREE_ARRAY)
                return err_set(err, -EINVAL, "an array of links is wanted");
        r = gather_names(p, arena, &names, err);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < list->n; i++)
                if (add_link(&list->items[i], &names, p, err) < 0)
                        return err_wrap(err, "link %u", i);
        return 0;
}

int cedar_files_link(const char *path, struct cedar_policies *p, struct err *err)
{
        CLEANUP(cedar_text_done) struct cedar_text text = { 0 };
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(LINKS_ARENA_MAX);
        struct tree list;
        int r = cedar_text_read(path, CEDAR_FILE_MAX, &text, err);

        if (r < 0)
                return r;
        r = tree_read(span_of(text.p, text.n), &arena, &list, err);
        if (r == 0)
                r = add_links(&list, p, &arena, err);
        return r < 0 ? err_wrap(err, "%s", cedar_file_name(path)) : 0;
}
