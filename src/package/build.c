/* SPDX-License-Identifier: Apache-2.0 */
/* build.c - sources linted, and made into the body of a package.  Floor 2, pure. */
#include "package/build.h"

#include "package/model/model_file.h"
#include "package/openapi/openapi.h"
#include "package/package.h"
#include "package/policies/policy_lint.h"
#include "package/policies/policy_place.h"
#include "policy/parse/parse.h"

struct builder {
        const struct build_spec *spec;
        struct lint *l;
        struct err *err;
        struct arena arena; /* of YAML, and of the configuration */
        const struct source_node *openapi, *entities;
        struct api *api; /* NULL: there were errors in it */
        struct config config;
        struct package_source policies[PACKAGE_SOURCES_MAX];
        uint32_t n_policies;
};

static const struct package_source *find(const struct build_spec *s, const char *path)
{
        for (uint32_t i = 0; i < s->n_sources; i++)
                if (span_eq_str(s->sources[i].path, path))
                        return &s->sources[i];
        return NULL;
}

/* An error of the sources is in l, and the next file is read; any other ends it. */
static int go_on(int r)
{
        return r == -EINVAL ? 0 : r;
}

/* ---- which files there are ---- */

static void check_names(struct builder *b)
{
        static const struct {
                const char *name, *what;
        } required[] = {
                { "openapi.yaml", "what the API offers, as an OpenAPI document" },
                { "gateway.yaml", "what the API is called and how callers show who they are" },
                { "backend.yaml", "where calls go to" },
                { "policy.cedar", "who may do what" },
        };

        for (uint32_t i = 0; i < b->spec->n_sources; i++) {
                const struct package_source *s = &b->spec->sources[i];

                if (!build_source_ok(s->path))
                        build_refuse_source(b->l, s->path);
                else if (!span_eq_str(s->path, "README.md"))
                        build_check_text(b->l, s);
        }
        for (size_t i = 0; i < ARRAY_LEN(required); i++) {
                if (find(b->spec, required[i].name))
                        continue;
                b->l->file = span_str(required[i].name);
                lint_error(b->l, NULL, "the file is missing: it says %s", required[i].what);
        }
}

/* policy.cedar first, and the others by their names, as sources are in order. */
static void list_policies(struct builder *b)
{
        const struct package_source *first = find(b->spec, "policy.cedar");

        if (first)
                b->policies[b->n_policies++] = *first;
        for (uint32_t i = 0; i < b->spec->n_sources; i++) {
                const struct package_source *s = &b->spec->sources[i];

                if (span_starts(s->path, SPAN("policies/")) && build_source_ok(s->path) &&
                    b->n_policies < PACKAGE_SOURCES_MAX)
                        b->policies[b->n_policies++] = *s;
        }
}

/* ---- reading ---- */

/* *ret stays NULL when it is not there or cannot be read. */
static int read_yaml(struct builder *b, const char *name, const struct source_node **ret)
{
        static const struct source_node nothing = { .kind = SOURCE_NULL };
        const struct package_source *s = find(b->spec, name);
        const struct source_node *root = NULL;
        int r;

        if (!s)
                return 0;
        b->l->file = span_str(name);
        r = b->spec->yaml(b->spec->yaml_ctx, s->text, &b->arena, b->l, &root, b->err);
        if (r == 0)
                *ret = root ? root : &nothing;
        return go_on(r);
}

static int read_document(struct builder *b)
{
        int r = read_yaml(b, "openapi.yaml", &b->openapi);

        if (r < 0 || !b->openapi)
                return r;
        b->l->file = SPAN("openapi.yaml");
        return go_on(openapi_read(b->openapi, b->l, &b->api, b->err));
}

/* Names of the document are held against it where it could be read. */
static int read_config(struct builder *b)
{
        const struct source_node *gateway = NULL, *backend = NULL;
        int r = read_yaml(b, "gateway.yaml", &gateway);

        if (r == 0)
                r = read_yaml(b, "backend.yaml", &backend);
        if (r < 0)
                return r;
        return go_on(config_read(gateway, backend, b->api, &b->arena, b->l, &b->config, b->err));
}

/* Nothing is known that policies could be held against: do they parse at all? */
static int parse_policies(struct builder *b)
{
        for (uint32_t i = 0; i < b->n_policies; i++) {
                CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
                struct source_mark mark;
                const char *text;
                int r = cedar_parse(b->policies[i].text, &p, b->err);

                if (r == 0)
                        continue;
                if (r != -EINVAL)
                        return r;
                b->l->file = b->policies[i].path;
                text = policy_place(err_text(b->err), &mark);
                lint_error(b->l, &mark, "%s", text);
        }
        return 0;
}

static int read_policies(struct builder *b, const struct policy_sections *out)
{
        const struct package_source *types = find(b->spec, "types.cedarschema");
        const struct policy_sources s = {
                .api = b->api,
                .document = b->openapi,
                .config = &b->config,
                .types = types ? types->text : SPAN_NONE,
                .policies = b->policies,
                .n_policies = b->n_policies,
                .entities = b->entities,
        };

        if (!b->api || b->config.name.n == 0)
                return parse_policies(b);
        return go_on(policy_lint(&s, b->l, out, b->err));
}

/* ---- writing ---- */

/* The document's version is the package's. */
static void check_version(struct builder *b)
{
        const struct source_node *info = b->openapi ? source_get(b->openapi, "info") : NULL;
        const struct source_node *version = info ? source_get(info, "version") : NULL;

        if (!b->api || package_version_ok(b->api->version))
                return;
        b->l->file = SPAN("openapi.yaml");
        lint_error(
                b->l, version ? &version->mark : NULL,
                "the version of a package is up to %d letters, digits and .+_-, and begins with a "
                "letter or digit",
                PACKAGE_VERSION_MAX);
}

/* A gateway would keep serving the package before it; whoever builds is told now. */
static int check_opens(struct builder *b, struct span body)
{
        CLEANUP(package_unrefp) struct package *p = NULL;
        int r = package_open_bytes(body, NULL, 0, &p, b->err);

        return r < 0 ? err_wrap(b->err, "the package that was built does not open") : 0;
}

static int put(struct builder *b, const struct policy_sections *s, struct buf *out)
{
        CLEANUP(buf_done) struct buf model = BUF_INIT(PACKAGE_FILE_MAX);
        struct package_file f = {
                .api = b->config.name,
                .version = b->api->version,
                .section = { [PACKAGE_SCHEMA] = buf_span(s->schema),
                             [PACKAGE_POLICY] = buf_span(s->policy),
                             [PACKAGE_ENTITIES] = buf_span(s->entities) },
                .sources = b->spec->sources,
                .n_sources = b->spec->n_sources,
        };
        size_t before = out->n;
        int r = model_put(&model, b->api, &b->config, b->err);

        if (r < 0)
                return r;
        f.section[PACKAGE_API] = buf_span(&model);
        r = package_file_put(out, &f, b->err);
        return r < 0 ? r : check_opens(b, span_from(buf_span(out), before));
}

static int read_all(struct builder *b, const struct policy_sections *s)
{
        int r;

        check_names(b);
        list_policies(b);
        r = read_document(b);
        if (r == 0)
                r = read_config(b);
        if (r == 0)
                r = read_yaml(b, "entities.yaml", &b->entities);
        if (r == 0)
                r = read_policies(b, s);
        if (r == 0)
                check_version(b);
        return r;
}

static int build(struct builder *b, struct buf *out)
{
        CLEANUP(buf_done) struct buf schema = BUF_INIT(PACKAGE_FILE_MAX);
        CLEANUP(buf_done) struct buf policy = BUF_INIT(PACKAGE_FILE_MAX);
        CLEANUP(buf_done) struct buf entities = BUF_INIT(PACKAGE_FILE_MAX);
        const struct policy_sections s = { &schema, &policy, &entities };
        int r = read_all(b, out ? &s : NULL);

        if (r < 0)
                return r;
        if (b->l->errors > 0)
                return err_set(b->err, -EINVAL, "the sources have errors");
        return out ? put(b, &s, out) : 0;
}

int build_package(const struct build_spec *spec, struct lint *l, struct buf *out, struct err *err)
{
        struct err own;
        struct builder b = {
                .spec = spec, .l = l, .err = err ? err : &own, .arena = ARENA_INIT(BUILD_MEMORY_MAX)
        };
        int r;

        if (spec->n_sources > PACKAGE_SOURCES_MAX)
                return err_set(err, -E2BIG, "a package has %d files at most", PACKAGE_SOURCES_MAX);
        r = build(&b, out);
        lint_sort(l);
        b.api = api_free(b.api);
        arena_done(&b.arena);
        return r;
}
