/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.c - an OpenAPI document as the model of an API.  Floor 2, pure.
 * SECURITY: the document is hostile; nesting is bounded, what it refers to is read once. */
#include "package/openapi/openapi_priv.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- what it is ---- */

/* 3.1.1 and 3.1.0-rc1, that is: begins with "3.1." and a digit. */
static bool is_3_1(struct span version)
{
        return span_starts(version, SPAN("3.1.")) && version.n > 4 && isdigit(version.p[4]);
}

/* Nothing more is said of a document that is another language. */
static bool check_version(struct oa *r)
{
        const struct source_node *v = source_get(r->root, "openapi");

        if (source_get(r->root, "swagger"))
                lint_error(r->l, &source_get(r->root, "swagger")->key_mark,
                           "this is Swagger 2.0: OpenAPI 3.1 is read, convert it first");
        else if (!v)
                lint_error(r->l, &r->root->mark,
                           "this is no OpenAPI document: it says openapi: 3.1.1");
        else if (v->kind != SOURCE_STRING && v->kind != SOURCE_NUMBER)
                (void)oa_want(r, v, SOURCE_STRING);
        else if (span_starts(v->text, SPAN("3.0")))
                lint_error(
                        r->l, &v->mark,
                        "this is OpenAPI %.*s: 3.1 is read, convert it first (nullable becomes a "
                        "type, exclusiveMinimum a number, example in a schema examples)",
                        OA_NAME(v->text));
        else if (!is_3_1(v->text))
                lint_error(r->l, &v->mark,
                           "version \"%.*s\" is not read: 3.1 is, written as openapi: 3.1.1",
                           OA_NAME(v->text));
        else
                return true;
        return false;
}

static void info_title(struct oa *r, const struct source_node *v, void *out)
{
        struct span text;

        (void)out;
        if (oa_want_text(r, v, API_TITLE_MAX, &text))
                r->api->title = oa_keep_text(r, text);
}

static void info_version(struct oa *r, const struct source_node *v, void *out)
{
        struct span text;

        (void)out;
        if (oa_want_text(r, v, API_TITLE_MAX, &text))
                r->api->version = oa_keep_text(r, text);
}

static void info(struct oa *r, const struct source_node *v, void *out)
{
        static const struct oa_field fields[] = {
                { "title", info_title, NULL },    { "version", info_version, NULL },
                { "summary", NULL, NULL },        { "description", NULL, NULL },
                { "contact", NULL, NULL },        { "license", NULL, NULL },
                { "termsOfService", NULL, NULL },
        };

        oa_fields(r, v, "the info", fields, ARRAY_LEN(fields), out);
        if (v->kind == SOURCE_MAP && (!source_get(v, "title") || !source_get(v, "version")))
                lint_error(r->l, &v->mark, "the info has a title and a version");
}

static void servers(struct oa *r, const struct source_node *v, void *out)
{
        (void)out;
        if (v->n)
                oa_note(r, OA_NOTE_SERVERS, SPAN_NONE, &v->key_mark);
}

static void webhooks(struct oa *r, const struct source_node *v, void *out)
{
        (void)out;
        if (v->n)
                oa_note(r, OA_NOTE_WEBHOOKS, SPAN_NONE, &v->key_mark);
}

/* ---- components ---- */

/* Those that nothing refers to are read as well, so that a fault does not wait for the first who
 * does; they come to nothing in the model. */
static void each(struct oa *r, const struct source_node *map,
                 void (*read)(struct oa *r, const struct source_node *node))
{
        for (const struct source_node *m = map->child; m && r->rc == 0; m = m->next)
                read(r, m);
}

static void read_schema(struct oa *r, const struct source_node *node)
{
        (void)oa_schema(r, node);
}

static void read_parameter(struct oa *r, const struct source_node *node)
{
        (void)oa_parameter(r, node);
}

static void read_header(struct oa *r, const struct source_node *node)
{
        (void)oa_header(r, node);
}

static void read_body(struct oa *r, const struct source_node *node)
{
        (void)oa_body(r, node);
}

static void read_response(struct oa *r, const struct source_node *node)
{
        (void)oa_response(r, node);
}

static const struct section {
        const char *name;
        void (*read)(struct oa *r, const struct source_node *node); /* NULL: elsewhere, or not */
} sections[] = {
        { "schemas", read_schema },
        { "parameters", read_parameter },
        { "headers", read_header },
        { "requestBodies", read_body },
        { "responses", read_response },
        { "securitySchemes", NULL },
        { "pathItems", NULL },
        { "examples", NULL },
        { "links", NULL },
        { "callbacks", NULL },
};

static bool is_component_name(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!isalnum(s.p[i]) && !memchr("._-", s.p[i], 3))
                        return false;
        return s.n > 0 && s.n <= API_NAME_MAX;
}

static void check_section(struct oa *r, const struct source_node *map)
{
        if (!oa_want(r, map, SOURCE_MAP))
                return;
        for (const struct source_node *m = map->child; m; m = m->next)
                if (!is_component_name(m->key))
                        lint_error(r->l, &m->key_mark,
                                   "\"%.*s\" is no name of a component: it is made of letters, "
                                   "digits and . _ -, %d at most",
                                   OA_NAME(m->key), API_NAME_MAX);
}

static void components(struct oa *r, const struct source_node *v, void *out)
{
        static const struct oa_field fields[] = {
                { "schemas", oa_later, NULL },   { "parameters", oa_later, NULL },
                { "headers", oa_later, NULL },   { "requestBodies", oa_later, NULL },
                { "responses", oa_later, NULL }, { "securitySchemes", oa_later, NULL },
                { "pathItems", oa_later, NULL }, { "examples", oa_later, NULL },
                { "links", oa_later, NULL },     { "callbacks", oa_later, NULL },
        };

        oa_fields(r, v, "the components", fields, ARRAY_LEN(fields), out);
        if (v->kind != SOURCE_MAP)
                return;
        for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
                const struct source_node *map = source_get(v, sections[i].name);

                if (map)
                        check_section(r, map);
        }
        r->schemes = source_get(v, "securitySchemes");
}

static void read_unused(struct oa *r)
{
        const struct source_node *all = source_get(r->root, "components"), *map;

        for (size_t i = 0; all && i < ARRAY_LEN(sections); i++) {
                map = source_get(all, sections[i].name);
                if (map && sections[i].read)
                        each(r, map, sections[i].read);
        }
        oa_read_schemas(r);
}

/* ---- all of it ---- */

static const struct oa_field root_fields[] = {
        { "openapi", NULL, NULL },
        { "info", info, NULL },
        { "components", components, NULL },
        { "paths", oa_later, NULL },
        { "security", oa_later, NULL },
        { "servers", servers, NULL },
        { "webhooks", webhooks, NULL },
        { "jsonSchemaDialect", oa_kw_dialect, NULL },
        { "tags", NULL, NULL },
        { "externalDocs", NULL, NULL },
        { "definitions", NULL, "definitions are of Swagger 2.0: they are components, schemas" },
        { "host", NULL, "host is of Swagger 2.0: backend.yaml says where calls go to" },
        { "basePath", NULL, "basePath is of Swagger 2.0: gateway.yaml says it" },
};

static void read_root(struct oa *r)
{
        const struct source_node *paths = source_get(r->root, "paths");
        const struct source_node *security = source_get(r->root, "security");

        oa_fields(r, r->root, "an OpenAPI document", root_fields, ARRAY_LEN(root_fields), NULL);
        if (!source_get(r->root, "info"))
                lint_error(r->l, &r->root->mark, "there is no info, with a title and a version");
        oa_identities(r);
        r->secured = security != NULL;
        if (security)
                oa_security(r, security, &r->security, &r->n_security);
        if (paths)
                oa_paths(r, paths);
        if (r->n_operations == 0 && (!paths || paths->kind == SOURCE_MAP))
                lint_error(r->l, paths ? &paths->key_mark : &r->root->mark,
                           "there are no operations: there is nothing to serve");
}

/* The places of operations come first, so what only unused components have is cut off. */
static void keep_tables(struct oa *r, uint32_t n_schemas)
{
        struct api *a = r->api;
        struct api_schema *schemas = oa_keep(r, n_schemas, sizeof *schemas);
        struct span *classes = oa_keep(r, a->n_classes, sizeof *classes);

        if (!schemas || !classes)
                return;
        for (uint32_t i = 0; i < n_schemas; i++)
                schemas[i] = oa_schema_at(r, i)->s;
        a->schemas = (struct api_schemas){ schemas, n_schemas };
        if (a->n_classes)
                memcpy(classes, r->classes, a->n_classes * sizeof *classes);
        a->classes = classes;
}

static void read_document(struct oa *r)
{
        struct schema_reach reach;
        uint32_t used;

        read_root(r);
        oa_read_schemas(r);
        used = r->n_schemas;
        read_unused(r);
        if (r->rc < 0)
                return;
        oa_check_circles(r);
        oa_check_parameters(r);
        if (oa_reach(r, &reach)) {
                oa_check_blind(r, &reach);
                oa_check_names(r, &reach);
                oa_keep_operations(r, &reach);
        }
        oa_tell_notes(r);
        keep_tables(r, used);
}

int openapi_read(const struct source_node *document, struct lint *l, struct api **ret,
                 struct err *err)
{
        struct oa r = { .root = document, .l = l, .err = err, .any = API_NONE, .never = API_NONE };
        CLEANUP(api_freep) struct api *a = calloc(1, sizeof *a);
        uint32_t before = l->errors;

        if (!a)
                return err_set(err, -ENOMEM, "no memory for the document");
        a->arena = ARENA_INIT(OPENAPI_MEMORY_MAX);
        r.scratch = ARENA_INIT(OPENAPI_MEMORY_MAX);
        r.api = a;
        r.unread_tail = &r.unread;
        r.operations_tail = &r.operations;
        if (document->kind == SOURCE_NULL)
                lint_error(l, &document->mark,
                           "an OpenAPI document should stand here, not nothing");
        else if (oa_want(&r, document, SOURCE_MAP) && check_version(&r))
                read_document(&r);
        arena_done(&r.scratch);
        if (r.rc < 0)
                return r.rc;
        if (l->errors > before)
                return err_set(err, -EINVAL, "the OpenAPI document has %u errors",
                               (unsigned)(l->errors - before));
        *ret = a;
        a = NULL;
        return 0;
}
