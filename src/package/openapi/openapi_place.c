/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_place.c - where in a document something was written; see openapi_place.h. */
#include "package/openapi/openapi_place.h"

static const struct source_node *get(const struct source_node *map, struct span key)
{
        if (!map || map->kind != SOURCE_MAP)
                return NULL;
        for (const struct source_node *m = map->child; m; m = m->next)
                if (span_eq(m->key, key))
                        return m;
        return NULL;
}

static const struct source_node *get_word(const struct source_node *map, const char *key)
{
        return get(map, span_str(key));
}

static bool says(const struct source_node *map, const char *key, struct span text)
{
        const struct source_node *m = get_word(map, key);

        return m && m->kind == SOURCE_STRING && span_eq(m->text, text);
}

/* ---- schemas ---- */

/* The property in the schema or, where it says allOf and the like, in one of those. */
static const struct source_node *property_of(const struct source_node *schema, struct span name)
{
        static const char *const lists[] = { "allOf", "anyOf", "oneOf" };
        const struct source_node *found = get(get_word(schema, "properties"), name);

        for (size_t i = 0; i < ARRAY_LEN(lists) && !found; i++) {
                const struct source_node *list = get_word(schema, lists[i]);

                for (const struct source_node *s = list ? list->child : NULL; s && !found;
                     s = s->next)
                        found = get(get_word(s, "properties"), name);
        }
        return found;
}

/* Down the properties as far as they are found; items of arrays are stepped into. */
static struct source_mark down(const struct source_node *schema, const struct source_mark *from,
                               const struct span *names, uint32_t n)
{
        struct source_mark mark = *from;

        for (uint32_t i = 0; i < n && schema; i++) {
                const struct source_node *items;

                while ((items = get_word(schema, "items")))
                        schema = items;
                schema = property_of(schema, names[i]);
                if (schema)
                        mark = schema->key_mark;
        }
        return mark;
}

struct source_mark openapi_place_schema(const struct source_node *document, struct span name,
                                        const struct span *names, uint32_t n)
{
        const struct source_node *schema =
                get(get_word(get_word(document, "components"), "schemas"), name);

        return schema ? down(schema, &schema->key_mark, names, n) : (struct source_mark){ 0 };
}

/* ---- operations ---- */

static const struct source_node *find_operation(const struct source_node *document, struct span id,
                                                const struct source_node **ret_path)
{
        const struct source_node *paths = get_word(document, "paths");

        for (const struct source_node *p = paths ? paths->child : NULL; p; p = p->next)
                for (const struct source_node *o = p->child; o; o = o->next)
                        if (says(o, "operationId", id)) {
                                *ret_path = p;
                                return o;
                        }
        return NULL;
}

/* A header's name in the model is in lower case. */
static bool same_name(struct span written, struct span name)
{
        if (written.n != name.n)
                return false;
        for (size_t i = 0; i < name.n; i++) {
                uint8_t c = written.p[i];

                if (c != name.p[i] && !(c >= 'A' && c <= 'Z' && c + 32 == name.p[i]))
                        return false;
        }
        return true;
}

static const struct source_node *find_parameter(const struct source_node *of, struct span in,
                                                struct span name)
{
        const struct source_node *list = get_word(of, "parameters");

        for (const struct source_node *p = list ? list->child : NULL; p; p = p->next) {
                const struct source_node *said = get_word(p, "name");

                if (says(p, "in", in) && said && same_name(said->text, name))
                        return p;
        }
        return NULL;
}

static const struct source_node *first_schema(const struct source_node *body)
{
        const struct source_node *content = get_word(body, "content");

        return content && content->child ? get_word(content->child, "schema") : NULL;
}

struct source_mark openapi_place_operation(const struct source_node *document, struct span id,
                                           const struct span *names, uint32_t n)
{
        const struct source_node *path = NULL, *o = find_operation(document, id, &path), *part;
        struct source_mark mark;

        if (!o)
                return (struct source_mark){ 0 };
        mark = get_word(o, "operationId")->mark;
        if (n > 0 && span_eq_str(names[0], "body")) {
                part = get_word(o, "requestBody");
                return part ? down(first_schema(part), &part->key_mark, names + 1, n - 1) : mark;
        }
        if (n < 2)
                return mark;
        part = find_parameter(o, names[0], names[1]);
        if (!part)
                part = find_parameter(path, names[0], names[1]);
        return part ? part->mark : mark;
}

/* ---- data classes ---- */

/* As deep as documents nest. */
static const struct source_node *find_class(const struct source_node *node, struct span name)
{
        const struct source_node *found =
                says(node, "x-data-class", name) ? get_word(node, "x-data-class") : NULL;

        for (const struct source_node *c = node->child; c && !found; c = c->next)
                found = find_class(c, name);
        return found;
}

struct source_mark openapi_place_class(const struct source_node *document, struct span name)
{
        const struct source_node *found = document ? find_class(document, name) : NULL;

        return found ? found->mark : (struct source_mark){ 0 };
}
