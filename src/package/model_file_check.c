/* SPDX-License-Identifier: Apache-2.0 */
/* model_file_check.c - what a model must satisfy beyond the kinds of its members.  Floor 2, pure.
 *
 * All of it holds for a model that was made by openapi.h and config.h; who serves by a model may
 * rely on it. */
#include "package/model_file_shape.h"

#include <stdlib.h>

static int compare_spans(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static bool has_class(const struct api *api, struct span class)
{
        return api->n_classes > 0 &&
               bsearch(&class, api->classes, api->n_classes, sizeof *api->classes, compare_spans);
}

static int compare_identity(const void *name, const void *identity)
{
        return span_cmp(*(const struct span *)name, ((const struct api_identity *)identity)->name);
}

static const struct api_identity *identity_of(const struct api *api, struct span name)
{
        if (api->n_identities == 0)
                return NULL;
        return bsearch(&name, api->identities, api->n_identities, sizeof *api->identities,
                       compare_identity);
}

/* ---- the API ---- */

int model_check_schema(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_schema *s = record;

        if (s->data_class.n > 0 && !has_class(g->api, s->data_class))
                return model_fail_member(g, at, "class", "none of the API's classes");
        return 0;
}

int model_check_parameter(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_parameter *p = record;

        if (p->in == API_IN_PATH && !p->required)
                return model_fail_member(g, at, "required", "a parameter of a path always is");
        return 0;
}

int model_check_response(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_response *r = record;

        if (r->status > 5 && r->status < 100)
                return model_fail_member(g, at, "status", "none");
        for (uint32_t i = 0; i < r->n_headers; i++)
                if (r->headers[i].in != API_IN_HEADER)
                        return model_fail_member(g, at, "headers", "not all are headers");
        return 0;
}

static bool in_path(const struct api_operation *o, const struct api_parameter *p)
{
        unsigned n = 0;

        for (uint32_t i = 0; i < o->n_segments; i++)
                n += o->segments[i].parameter && span_eq(o->segments[i].text, p->name);
        return n == 1;
}

/* Each parameter of the path is one segment, and all such segments are of parameters. */
static int check_segments(const struct model_get *g, const struct model_at *at,
                          const struct api_operation *o)
{
        uint32_t segments = 0, parameters = 0;

        for (uint32_t i = 0; i < o->n_segments; i++)
                segments += o->segments[i].parameter;
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                if (o->parameters[i].in != API_IN_PATH)
                        continue;
                parameters++;
                if (!in_path(o, &o->parameters[i]))
                        return model_fail_member(g, at, "segments",
                                                 "a parameter of the path is not one of them");
        }
        if (segments != parameters)
                return model_fail_member(g, at, "segments", "one is of no parameter");
        return 0;
}

static int check_object(const struct model_get *g, const struct model_at *at,
                        const struct api_operation *o)
{
        uint32_t p = o->object.parameter;

        if ((o->object.type.n == 0) != (p == API_NONE))
                return model_fail_member(g, at, "object", "a type and a parameter, or neither");
        if (p == API_NONE)
                return 0;
        if (p >= o->n_parameters)
                return model_fail_member(g, at, "object", "the parameter is none");
        if (!o->parameters[p].required)
                return model_fail_member(g, at, "object", "the parameter is not required");
        return 0;
}

int model_check_operation(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_operation *o = record;
        int r = check_segments(g, at, o);

        return r < 0 ? r : check_object(g, at, o);
}

/* ---- how it is served ---- */

static enum api_identity_kind kind_wanted(enum config_identity_kind kind)
{
        switch (kind) {
        case CONFIG_PASS_BASIC:
                return API_IDENTITY_BASIC;
        case CONFIG_MUTUAL:
                return API_IDENTITY_MUTUAL;
        default:
                return API_IDENTITY_BEARER;
        }
}

int model_check_identity(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config_identity *i = record;
        const struct api_identity *of = identity_of(g->api, i->scheme);

        if (!of)
                return model_fail_member(g, at, "scheme", "the API has none of this name");
        if (of->kind != kind_wanted(i->kind))
                return model_fail_member(g, at, "kind", "the API's scheme is of another");
        return 0;
}

int model_check_limit(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config_limit *l = record;

        if (!span_eq_str(l->operation, "*") && !api_operation(g->api, l->operation))
                return model_fail_member(g, at, "operation", "the API has none of this name");
        if ((l->rate > 0 && l->per_s == 0) || (l->quota > 0 && l->quota_s == 0))
                return model_fail(g, at, "a number of calls in no time");
        return 0;
}

int model_check_cache(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config_cache *c = record;
        const struct api_operation *o = api_operation(g->api, c->operation);

        if (!o)
                return model_fail_member(g, at, "operation", "the API has none of this name");
        if (o->method != API_GET)
                return model_fail_member(g, at, "operation", "not a GET");
        return 0;
}

int model_check_backend(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config_backend *b = record;

        if ((b->unix_path.n > 0) == (b->host.n > 0))
                return model_fail(g, at, "a socket or a host, and not both");
        if ((b->host.n > 0) != (b->port > 0))
                return model_fail_member(g, at, "port", "with a host, and only there");
        return 0;
}

static bool is_configured(const struct config *c, struct span scheme)
{
        for (uint32_t i = 0; i < c->n_identities; i++)
                if (span_eq(c->identities[i].scheme, scheme))
                        return true;
        return false;
}

/* Every class once, so by their places: both lists ascend. */
static int check_classes(const struct model_get *g, const struct model_at *at,
                         const struct config *c)
{
        bool same = c->n_classes == g->api->n_classes;

        for (uint32_t i = 0; same && i < c->n_classes; i++)
                same = span_eq(c->classes[i].name, g->api->classes[i]);
        return same ? 0 : model_fail_member(g, at, "classes", "not those of the API");
}

/* What an operation asks for can be shown. */
static int check_schemes(const struct model_get *g, const struct model_at *at,
                         const struct config *c)
{
        const struct api_identity *identities = g->api->identities;

        for (uint32_t i = 0; i < g->api->n_operations; i++) {
                const struct api_operation *o = &g->api->operations[i];

                for (uint32_t j = 0; j < o->n_security; j++)
                        for (uint32_t k = 0; k < o->security[j].n; k++)
                                if (!is_configured(c, identities[o->security[j].schemes[k]].name))
                                        return model_fail_member(
                                                g, at, "identities",
                                                "not all that an operation asks for");
        }
        return 0;
}

int model_check_config(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config *c = record;
        int r;

        if (c->depth_max == 0)
                return model_fail_member(g, at, "depth", "0: nothing could be sent");
        r = check_classes(g, at, c);
        return r < 0 ? r : check_schemes(g, at, c);
}
