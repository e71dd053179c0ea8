/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_security.c - security schemes, and which of them are asked for.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include <ctype.h>
#include <stdlib.h>

static const struct oa_field scheme_fields[] = {
        { "type", oa_later, NULL },    { "scheme", oa_later, NULL },
        { "description", NULL, NULL }, { "bearerFormat", NULL, NULL },
        { "flows", NULL, NULL },       { "openIdConnectUrl", NULL, NULL },
        { "name", NULL, NULL },        { "in", NULL, NULL },
};

static bool same_word(struct span s, const char *lower)
{
        bool same = s.n == strlen(lower);

        for (size_t i = 0; i < s.n && same; i++)
                same = tolower(s.p[i]) == lower[i];
        return same;
}

static bool http_scheme(struct oa *r, const struct source_node *node, enum api_identity_kind *ret)
{
        const struct source_node *scheme = source_get(node, "scheme");

        if (!scheme)
                lint_error(r->l, &node->mark, "type http wants a \"scheme\": bearer or basic");
        else if (!oa_want(r, scheme, SOURCE_STRING))
                return false;
        else if (same_word(scheme->text, "bearer"))
                return *ret = API_IDENTITY_BEARER, true;
        else if (same_word(scheme->text, "basic"))
                return *ret = API_IDENTITY_BASIC, true;
        else
                lint_error(r->l, &scheme->mark,
                           "scheme \"%.*s\" is not understood: bearer and basic are",
                           OA_NAME(scheme->text));
        return false;
}

static bool scheme_kind(struct oa *r, const struct source_node *node, enum api_identity_kind *ret)
{
        const struct source_node *type = source_get(node, "type");

        if (!type)
                lint_error(r->l, &node->mark, "there is no \"type\" for this security scheme");
        else if (!oa_want(r, type, SOURCE_STRING))
                return false;
        else if (span_eq_str(type->text, "http"))
                return http_scheme(r, node, ret);
        else if (span_eq_str(type->text, "mutualTLS"))
                return *ret = API_IDENTITY_MUTUAL, true;
        else if (span_eq_str(type->text, "oauth2") || span_eq_str(type->text, "openIdConnect"))
                return *ret = API_IDENTITY_BEARER, true;
        else if (span_eq_str(type->text, "apiKey"))
                lint_error(
                        r->l, &type->mark,
                        "apiKey is not understood: a key in a header or query names nobody; take "
                        "type: http with scheme: bearer, and tokens of the hub for callers that "
                        "are programs");
        else
                lint_error(r->l, &type->mark,
                           "\"%.*s\" is no type of a security scheme: http, mutualTLS, oauth2 and "
                           "openIdConnect are",
                           OA_NAME(type->text));
        return false;
}

static int by_name(const void *a, const void *b)
{
        const struct api_identity *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

void oa_identities(struct oa *r)
{
        struct api_identity *list;
        uint32_t n = 0;

        if (!r->schemes ||
            !oa_want_some(r, r->schemes, SOURCE_MAP, API_IDENTITIES_MAX, "security schemes"))
                return;
        list = oa_keep(r, r->schemes->n, sizeof *list);
        for (const struct source_node *m = r->schemes->child; m && list; m = m->next) {
                const struct source_node *at = oa_follow(r, m, "securitySchemes");

                if (!at)
                        continue;
                oa_fields(r, at, "a security scheme", scheme_fields, ARRAY_LEN(scheme_fields),
                          NULL);
                if (at->kind == SOURCE_MAP && scheme_kind(r, at, &list[n].kind))
                        list[n++].name = oa_keep_text(r, m->key);
        }
        if (n > 0)
                qsort(list, n, sizeof *list, by_name);
        r->api->identities = list;
        r->api->n_identities = n;
}

/* ---- what is asked for ---- */

static int by_number(const void *a, const void *b)
{
        const uint32_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* False: there is none, which was told here or with the scheme. */
static bool identity(struct oa *r, const struct source_node *m, uint32_t *ret)
{
        struct api_identity key = { .name = m->key };
        const struct api *a = r->api;
        const struct api_identity *found =
                a->n_identities ? bsearch(&key, a->identities, a->n_identities, sizeof key, by_name)
                                : NULL;

        if (found)
                *ret = (uint32_t)(found - a->identities);
        else if (!r->schemes || !oa_member(r, r->schemes, m->key))
                lint_error(r->l, &m->key_mark,
                           "there is no \"%.*s\" in components: securitySchemes", OA_NAME(m->key));
        return found != NULL;
}

static void one_alternative(struct oa *r, const struct source_node *map, struct api_security *ret)
{
        uint32_t *schemes, n = 0;

        if (!oa_want_some(r, map, SOURCE_MAP, API_SECURITY_MAX, "schemes"))
                return;
        schemes = oa_keep(r, map->n, sizeof *schemes);
        for (const struct source_node *m = map->child; m && schemes; m = m->next) {
                n += identity(r, m, &schemes[n]);
                if (oa_want(r, m, SOURCE_LIST) && m->n)
                        oa_note(r, OA_NOTE_SCOPES, SPAN_NONE, &m->mark);
        }
        if (n > 0)
                qsort(schemes, n, sizeof *schemes, by_number);
        *ret = (struct api_security){ schemes, n };
}

/* The lists of the document's own are read once, for all operations that say nothing. */
void oa_security(struct oa *r, const struct source_node *list, const struct api_security **ret,
                 uint32_t *ret_n)
{
        struct api_security *alternatives;
        uint32_t n = 0;

        if (!oa_want_some(r, list, SOURCE_LIST, API_SECURITY_MAX, "alternatives"))
                return;
        alternatives = oa_keep(r, list->n, sizeof *alternatives);
        for (const struct source_node *c = list->child; c && alternatives; c = c->next)
                one_alternative(r, c, &alternatives[n++]);
        *ret = alternatives;
        *ret_n = n;
}
