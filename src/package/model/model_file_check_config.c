/* SPDX-License-Identifier: Apache-2.0 */
/* model_file_check_config.c - what must be true of how an API is served, beyond the kinds of
 * members.  Floor 2, pure.
 *
 * All of it holds for what config.h made; who serves by it may rely on it. */
#include "package/config/config_priv.h"
#include "package/model/model_file_shape.h"

#include <stdlib.h>

enum { UNIX_MAX = 107 }; /* bytes of a path that struct sockaddr_un can hold */

/* ---- who one is ---- */

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

/* A token that nobody is named to have signed would be anybody's. */
static int check_jwt(const struct model_get *g, const struct model_at *at,
                     const struct config_identity *i)
{
        if (i->algorithms == 0)
                return model_fail_member(g, at, "algorithms", "missing");
        if (i->issuer.n == 0)
                return model_fail_member(g, at, "issuer", "missing");
        if (i->audience.n == 0)
                return model_fail_member(g, at, "audience", "missing");
        if (i->caller.n == 0)
                return model_fail_member(g, at, "caller", "missing");
        if ((i->jwks_file.n > 0) == (i->jwks_url.n > 0))
                return model_fail(g, at, "keys in a file or at a URL, and not both");
        if (i->jwks_url.n > 0 && i->refresh_s == 0)
                return model_fail_member(g, at, "refresh", "missing");
        return 0;
}

static int check_mutual(const struct model_get *g, const struct model_at *at,
                        const struct config_identity *i)
{
        if (i->ca_file.n == 0)
                return model_fail_member(g, at, "ca", "missing");
        if (!span_eq_str(i->caller, "subject-cn") && !span_eq_str(i->caller, "san-uri"))
                return model_fail_member(g, at, "caller", "neither subject-cn nor san-uri");
        return 0;
}

int model_check_identity(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config_identity *i = record;
        const struct api_identity *of = identity_of(g->api, i->scheme);

        if (!of)
                return model_fail_member(g, at, "scheme", "the API has none of this name");
        if (of->kind != kind_wanted(i->kind))
                return model_fail_member(g, at, "kind", "the API's scheme is of another");
        if (i->kind == CONFIG_JWT)
                return check_jwt(g, at, i);
        return i->kind == CONFIG_MUTUAL ? check_mutual(g, at, i) : 0;
}

/* ---- by operation ---- */

int model_check_limit(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config_limit *l = record;

        if (!span_eq_str(l->operation, "*") && !api_operation(g->api, l->operation))
                return model_fail_member(g, at, "operation", "the API has none of this name");
        if ((l->rate > 0) != (l->per_s > 0) || (l->rate > 0) != (l->burst > 0))
                return model_fail_member(g, at, "rate", "with a time and a burst, or none of them");
        if ((l->quota > 0) != (l->quota_s > 0))
                return model_fail_member(g, at, "quota", "with a time, or neither");
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
        if (c->seconds == 0)
                return model_fail_member(g, at, "seconds", "missing");
        return 0;
}

/* ---- the back-end ---- */

int model_check_backend(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config_backend *b = record;

        if ((b->unix_path.n > 0) == (b->host.n > 0))
                return model_fail(g, at, "a socket or a host, and not both");
        if (b->unix_path.n > UNIX_MAX)
                return model_fail_member(g, at, "unix", "longer than a socket's path may be");
        if ((b->host.n > 0) != (b->port > 0))
                return model_fail_member(g, at, "port", "with a host, and only there");
        if (b->host.n > 0 && !config_is_address(b->host) && b->n_addresses == 0)
                return model_fail_member(g, at, "addresses", "missing: the host is a name");
        if (b->tls && b->tls_name.n == 0)
                return model_fail_member(g, at, "tls_name", "missing");
        if (b->tls && b->host.n == 0)
                return model_fail_member(g, at, "tls", "with a host only");
        return 0;
}

/* ---- the whole ---- */

/* The API's, every one once: both lists ascend. */
static bool same_classes(const struct config *c, const struct api *api)
{
        bool same = c->n_classes == api->n_classes;

        for (uint32_t i = 0; same && i < c->n_classes; i++)
                same = span_eq(c->classes[i].name, api->classes[i]);
        return same;
}

static bool same_identities(const struct config *c, const struct api *api)
{
        bool same = c->n_identities == api->n_identities;

        for (uint32_t i = 0; same && i < c->n_identities; i++)
                same = span_eq(c->identities[i].scheme, api->identities[i].name);
        return same;
}

/* Whether callers may show the back-end a credential of their own, so that it answers by that.  The
 * two lists of identities are the same here. */
static bool passes_credentials(const struct config *c, const struct api_operation *o)
{
        for (uint32_t i = 0; i < o->n_security; i++)
                for (uint32_t j = 0; j < o->security[i].n; j++)
                        if (config_passes(&c->identities[o->security[i].schemes[j]]))
                                return true;
        return false;
}

/* One caller's answer would be another one's. */
static int check_caches(const struct model_get *g, const struct model_at *at,
                        const struct config *c)
{
        for (uint32_t i = 0; i < c->n_caches; i++) {
                const struct api_operation *o = api_operation(g->api, c->caches[i].operation);
                struct model_at list = { .up = at, .key = "caches" },
                                item = { .up = &list, .item = i };

                if (c->caches[i].by_rights && passes_credentials(c, o))
                        return model_fail_member(g, &item, "by_rights",
                                                 "callers show their own credential there");
        }
        return 0;
}

int model_check_config(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct config *c = record;

        if (c->depth_max == 0)
                return model_fail_member(g, at, "depth", "0: nothing could be sent");
        if (!same_classes(c, g->api))
                return model_fail_member(g, at, "classes", "not those of the API");
        if (!same_identities(c, g->api))
                return model_fail_member(g, at, "identities", "not those of the API");
        return check_caches(g, at, c);
}
