/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_properties.c - what a schema says of members of an object.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include <stdlib.h>

/* ---- properties, required ---- */

static int by_name(const void *a, const void *b)
{
        const struct api_property *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

static uint32_t read_properties(struct oa *r, const struct source_node *map, struct api_property *p)
{
        uint32_t n = 0;

        for (const struct source_node *m = map->child; m; m = m->next)
                p[n++] = (struct api_property){ .name = oa_keep_text(r, m->key),
                                                .schema = oa_inner(r, m) };
        if (n)
                qsort(p, n, sizeof *p, by_name);
        return n;
}

static void never_there(struct oa *r, const struct source_node *name, const struct api_schema *s)
{
        if (s->additional == API_NONE || s->additional != r->never || s->n_patterns)
                return;
        lint_warning(
                r->l, &name->mark,
                "\"%.*s\" is required, but is none of the properties, and additionalProperties "
                "is false: nothing ever fits",
                OA_NAME(name->text));
}

/* n properties are there, sorted; those without a schema are put behind them. */
static uint32_t read_required(struct oa *r, const struct source_node *list,
                              const struct api_schema *s, struct api_property *p, uint32_t n)
{
        uint32_t all = n;

        for (const struct source_node *c = list->child; c; c = c->next) {
                struct api_property key = { .name = c->text, .schema = API_NONE }, *known;

                if (!oa_want(r, c, SOURCE_STRING))
                        continue;
                known = n ? bsearch(&key, p, n, sizeof *p, by_name) : NULL;
                if (known) {
                        if (known->required)
                                lint_error(r->l, &c->mark, "\"%.*s\" is required twice",
                                           OA_NAME(c->text));
                        known->required = true;
                        continue;
                }
                never_there(r, c, s);
                p[all++] = (struct api_property){ .name = oa_keep_text(r, c->text),
                                                  .schema = API_NONE,
                                                  .required = true };
        }
        if (all > n)
                qsort(p, all, sizeof *p, by_name);
        return all;
}

static void check_twice(struct oa *r, const struct source_node *list, const struct api_property *p,
                        uint32_t n)
{
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(p[i - 1].name, p[i].name))
                        lint_error(r->l, &list->mark, "\"%.*s\" is required twice",
                                   OA_NAME(p[i].name));
}

void oa_properties(struct oa *r, const struct source_node *node, struct api_schema *s)
{
        const struct source_node *props = source_get(node, "properties");
        const struct source_node *required = source_get(node, "required");
        uint32_t n = 0, all = 0;
        struct api_property *p;

        if (required && required->kind == SOURCE_BOOL) {
                lint_error(r->l, &required->mark,
                           "\"required\" is a list of names, in the schema of the object");
                return;
        }
        if ((props &&
             !oa_want_some(r, props, SOURCE_MAP, API_PROPERTIES_MAX, "properties of one schema")) ||
            (required &&
             !oa_want_some(r, required, SOURCE_LIST, API_PROPERTIES_MAX, "names required")))
                return;
        all = (props ? props->n : 0) + (required ? required->n : 0);
        p = all ? oa_keep(r, all, sizeof *p) : NULL;
        if (!p)
                return;
        if (props)
                n = read_properties(r, props, p);
        if (required) {
                n = read_required(r, required, s, p, n);
                check_twice(r, required, p, n);
        }
        if (n > API_PROPERTIES_MAX)
                lint_error(r->l, &required->mark,
                           "%u properties, with those required, at most %d are taken", (unsigned)n,
                           API_PROPERTIES_MAX);
        s->properties = p;
        s->n_properties = n;
}

/* ---- dependentRequired, dependentSchemas ---- */

static int by_dependent(const void *a, const void *b)
{
        const struct api_dependent *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

static void read_dependent_names(struct oa *r, const struct source_node *list,
                                 struct api_dependent *d)
{
        struct span *names;
        uint32_t n = 0;

        if (!oa_want_some(r, list, SOURCE_LIST, API_PROPERTIES_MAX, "names"))
                return;
        names = oa_keep(r, list->n, sizeof *names);
        for (const struct source_node *c = list->child; c && names; c = c->next)
                if (oa_want(r, c, SOURCE_STRING))
                        names[n++] = oa_keep_text(r, c->text);
        d->required = names;
        d->n_required = n;
}

/* What is said of one member in both maps is one of them. */
static uint32_t merge_dependents(struct api_dependent *d, uint32_t n)
{
        uint32_t kept = 0;

        qsort(d, n, sizeof *d, by_dependent);
        for (uint32_t i = 0; i < n; i++) {
                if (kept == 0 || !span_eq(d[kept - 1].name, d[i].name)) {
                        d[kept++] = d[i];
                        continue;
                }
                if (d[i].required) {
                        d[kept - 1].required = d[i].required;
                        d[kept - 1].n_required = d[i].n_required;
                }
                if (d[i].schema != API_NONE)
                        d[kept - 1].schema = d[i].schema;
        }
        return kept;
}

void oa_dependents(struct oa *r, const struct source_node *node, struct api_schema *s)
{
        const struct source_node *names = source_get(node, "dependentRequired"), *m;
        const struct source_node *schemas = source_get(node, "dependentSchemas");
        struct api_dependent *d;
        uint32_t n = 0;

        if ((names && !oa_want_some(r, names, SOURCE_MAP, API_PROPERTIES_MAX, "names")) ||
            (schemas && !oa_want_some(r, schemas, SOURCE_MAP, API_PROPERTIES_MAX, "names")))
                return;
        n = (names ? names->n : 0) + (schemas ? schemas->n : 0);
        d = n ? oa_keep(r, n, sizeof *d) : NULL;
        if (!d)
                return;
        n = 0;
        for (m = names ? names->child : NULL; m; m = m->next) {
                d[n] = (struct api_dependent){ oa_keep_text(r, m->key), .schema = API_NONE };
                read_dependent_names(r, m, &d[n++]);
        }
        for (m = schemas ? schemas->child : NULL; m; m = m->next, n++)
                d[n] = (struct api_dependent){ oa_keep_text(r, m->key), .schema = oa_inner(r, m) };
        s->dependents = d;
        s->n_dependents = merge_dependents(d, n);
}

/* ---- names that may be values ---- */

static bool has_class(const struct schema_reach *reach, uint32_t place)
{
        for (unsigned i = 0; i < REACH_WORDS; i++)
                if (reach->classes[place][i])
                        return true;
        return false;
}

/* By what somebody is known is a likely name for what is said of him. */
void oa_check_names(struct oa *r, const struct schema_reach *reach)
{
        for (uint32_t i = 0; i < r->n_schemas; i++) {
                const struct oa_schema *map = oa_schema_at(r, i);
                const struct source_node *values;

                if (map->node->kind != SOURCE_MAP || map->s.additional == API_NONE ||
                    map->s.names != API_NONE || map->s.data_class.n ||
                    !has_class(reach, map->s.additional))
                        continue;
                values = source_get(map->node, "additionalProperties");
                if (values)
                        lint_warning(r->l, &values->key_mark,
                                     "what is in this map has a data class, and its keys are shown "
                                     "to all: if they may be personal, give the map a class, "
                                     "otherwise say propertyNames");
        }
}
