/* SPDX-License-Identifier: Apache-2.0 */
/* config_identity.c - how callers show who they are: "identity" of gateway.yaml.  Floor 2, pure. */
#include "package/config/config_priv.h"

#include <stdlib.h>

enum {
        REFRESH_S = 600,
        REFRESH_MIN_S = 60,
        DAY_S = 86400,
        LEEWAY_S = 30,
        LEEWAY_MAX_S = 300,
};

/* ---- jwt ---- */

static void take_issuer(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;

        (void)!config_get_text(r, n, "the issuer, as https://id.example.org,", CONFIG_TEXT_MAX,
                               &id->issuer);
}

static void take_audience(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;

        (void)!config_get_text(r, n, "the audience of tokens, as accounts,", CONFIG_TEXT_MAX,
                               &id->audience);
}

static void take_algorithm(struct config_reader *r, const struct source_node *n,
                           struct config_identity *id)
{
        static const char *const names[] = { "RS256", "ES256", "EdDSA", "Ed25519" };
        static const enum jwt_algorithms bits[] = { JWT_RS256, JWT_ES256, JWT_EDDSA, JWT_EDDSA };
        size_t at;

        if (n->kind == SOURCE_STRING && n->text.n == 5 && span_starts(n->text, SPAN("HS")))
                lint_error(r->l, &n->mark,
                           "%.*s is not taken: whoever can check such a token can make one",
                           SHOWN(n->text));
        else if (config_get_word(r, n, "RS256, ES256 or EdDSA", names, ARRAY_LEN(names), &at))
                id->algorithms |= bits[at];
}

static void take_algorithms(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;
        const struct span *texts;
        uint32_t n_texts;

        if (!config_get_texts(r, n, "a list of algorithms, as [ES256, EdDSA],", CONFIG_KEYS_MAX,
                              &texts, &n_texts))
                return;
        for (const struct source_node *i = n->child; i; i = i->next)
                if (i->kind == SOURCE_STRING)
                        take_algorithm(r, i, id);
}

struct jwks {
        struct config_identity *id;
        struct config_url url;
        struct source_mark url_mark, addresses_mark; /* line 0: not said */
        bool has_refresh;
};

static void take_jwks_url(struct config_reader *r, const struct source_node *n, void *into)
{
        struct jwks *j = into;

        j->url_mark = n->mark;
        if (!config_get_url(r, n, "where the issuer's keys are, as https://id.example.org/keys,",
                            &j->url))
                return;
        if (!j->url.tls)
                lint_error(r->l, &n->mark,
                           "keys are fetched by https:// only: who changes them on the way could "
                           "sign any token");
        (void)!config_get_text(r, n, "", CONFIG_PATH_MAX, &j->id->jwks_url);
}

static void take_jwks_addresses(struct config_reader *r, const struct source_node *n, void *into)
{
        struct jwks *j = into;

        j->addresses_mark = n->mark;
        config_take_addresses(r, n, &j->id->jwks_addresses, &j->id->n_jwks_addresses);
}

static void take_refresh(struct config_reader *r, const struct source_node *n, void *into)
{
        struct jwks *j = into;

        j->has_refresh = true;
        (void)!config_get_seconds(r, n, "how often keys are fetched, as 10m,", REFRESH_MIN_S, DAY_S,
                                  &j->id->refresh_s);
}

static void take_jwks_file(struct config_reader *r, const struct source_node *n, void *into)
{
        struct jwks *j = into;

        (void)!config_get_path(r, n, "the path of a file, as /etc/assay/jwks/bank.json,",
                               &j->id->jwks_file);
}

static void check_jwks(struct config_reader *r, const struct source_node *n, const struct jwks *j)
{
        bool has_url = j->url_mark.line, has_addresses = j->addresses_mark.line;

        if (has_url == (source_get(n, "file") != NULL))
                lint_error(r->l, &n->mark, "keys are either at a \"url\" or in a \"file\"");
        else if (!has_url && (has_addresses || j->has_refresh))
                lint_error(r->l, &n->mark, "\"addresses\" and \"refresh\" go with \"url\"");
        else if (j->url.host.n && !j->url.is_address && !has_addresses)
                lint_error(r->l, &j->url_mark,
                           "\"addresses\" are missing: the addresses that %.*s may have",
                           SHOWN(j->url.host));
        else if (j->url.host.n && j->url.is_address && has_addresses)
                lint_error(r->l, &j->addresses_mark, "the url has an address already");
}

static void take_jwks(struct config_reader *r, const struct source_node *n, void *into)
{
        static const struct config_key keys[] = {
                { "url", take_jwks_url, false },
                { "addresses", take_jwks_addresses, false },
                { "refresh", take_refresh, false },
                { "file", take_jwks_file, false },
        };
        struct jwks j = { .id = into };

        if (!config_is_map(r, n, "where the issuer's keys are, \"url\" or \"file\","))
                return;
        config_take_keys(r, n, keys, ARRAY_LEN(keys), &j, "jwks");
        check_jwks(r, n, &j);
        if (!j.has_refresh && j.url_mark.line)
                j.id->refresh_s = REFRESH_S;
}

static void take_caller(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;

        (void)!config_get_text(r, n, "the claim that names the caller, as sub,", CONFIG_TEXT_MAX,
                               &id->caller);
}

static void take_groups(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;

        (void)!config_get_text(r, n, "the claim with the caller's groups, as groups,",
                               CONFIG_TEXT_MAX, &id->groups);
}

static void take_claims(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;

        (void)!config_get_texts(r, n, "a list of claims, as [branch],", CONFIG_CLAIMS_MAX,
                                &id->claims, &id->n_claims);
}

static void take_leeway(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;

        (void)!config_get_seconds(r, n, "how far clocks may differ, as 30s,", 0, LEEWAY_MAX_S,
                                  &id->leeway_s);
}

static void take_jwt(struct config_reader *r, const struct source_node *n, void *into)
{
        static const struct config_key keys[] = {
                { "issuer", take_issuer, true },         { "audience", take_audience, true },
                { "algorithms", take_algorithms, true }, { "jwks", take_jwks, true },
                { "caller", take_caller, false },        { "groups", take_groups, false },
                { "claims", take_claims, false },        { "leeway", take_leeway, false },
        };
        struct config_identity *id = into;

        id->kind = CONFIG_JWT;
        id->caller = SPAN("sub");
        id->leeway_s = LEEWAY_S;
        if (config_is_map(r, n, "what tokens are taken, by \"issuer\", \"audience\" and so on,"))
                config_take_keys(r, n, keys, ARRAY_LEN(keys), id, "jwt");
}

/* ---- the others ---- */

static void take_opaque(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;

        id->kind = CONFIG_OPAQUE;
        if (n->kind != SOURCE_BOOL || !n->boolean)
                lint_error(r->l, &n->mark, "true should stand here");
}

static void take_pass(struct config_reader *r, const struct source_node *n, void *into)
{
        static const char *const names[] = { "basic", "bearer" };
        struct config_identity *id = into;
        size_t at = 0;

        (void)!config_get_word(r, n, "basic or bearer", names, ARRAY_LEN(names), &at);
        id->kind = at == 0 ? CONFIG_PASS_BASIC : CONFIG_PASS_BEARER;
}

static void take_ca(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *id = into;

        (void)!config_get_path(r, n, "the path of a file, as /etc/assay/ca/partners.pem,",
                               &id->ca_file);
}

static void take_subject(struct config_reader *r, const struct source_node *n, void *into)
{
        static const char *const names[] = { "subject-cn", "san-uri" };
        struct config_identity *id = into;
        size_t at;

        if (config_get_word(r, n, "subject-cn or san-uri", names, ARRAY_LEN(names), &at))
                id->caller = span_str(names[at]);
}

static void take_mutual(struct config_reader *r, const struct source_node *n, void *into)
{
        static const struct config_key keys[] = {
                { "ca", take_ca, true },
                { "caller", take_subject, false },
        };
        struct config_identity *id = into;

        id->kind = CONFIG_MUTUAL;
        id->caller = SPAN("subject-cn");
        if (config_is_map(r, n, "which certificates are taken, by \"ca\","))
                config_take_keys(r, n, keys, ARRAY_LEN(keys), id, "mutual");
}

/* ---- by scheme ---- */

static const struct config_key ways[] = {
        { "jwt", take_jwt, false },
        { "opaque", take_opaque, false },
        { "pass", take_pass, false },
        { "mutual", take_mutual, false },
};

/* What the document calls it. */
static enum api_identity_kind kind_in_document(enum config_identity_kind kind)
{
        return kind == CONFIG_MUTUAL       ? API_IDENTITY_MUTUAL
               : kind == CONFIG_PASS_BASIC ? API_IDENTITY_BASIC
                                           : API_IDENTITY_BEARER;
}

static void check_scheme(struct config_reader *r, const struct source_node *n,
                         const struct config_identity *id)
{
        static const char *const names[] = {
                [API_IDENTITY_BEARER] = "http bearer: \"jwt\", \"opaque\" or \"pass: bearer\"",
                [API_IDENTITY_BASIC] = "http basic: \"pass: basic\"",
                [API_IDENTITY_MUTUAL] = "mutualTLS: \"mutual\"",
        };
        char meant[CONFIG_MEANT_MAX];
        struct span list[API_IDENTITIES_MAX];
        uint32_t i = 0;

        if (!r->api)
                return;
        for (; i < r->api->n_identities && !span_eq(r->api->identities[i].name, n->key); i++)
                list[i] = r->api->identities[i].name;
        if (i == r->api->n_identities)
                lint_error(r->l, &n->key_mark, "openapi.yaml has no security scheme \"%.*s\"%s",
                           SHOWN(n->key), config_meant(n->key, list, i, meant));
        else if (id && r->api->identities[i].kind != kind_in_document(id->kind))
                lint_error(r->l, &n->child->key_mark, "in openapi.yaml \"%.*s\" is %s goes with it",
                           SHOWN(n->key), names[r->api->identities[i].kind]);
}

/* false: it is not to be kept */
static bool take_identity(struct config_reader *r, const struct source_node *n,
                          struct config_identity *ret)
{
        uint32_t before = r->l->errors;

        if (!config_is_map(r, n, "one of \"jwt\", \"opaque\", \"pass\" and \"mutual\"")) {
                check_scheme(r, n, NULL);
                return false;
        }
        if (n->n > 1) {
                lint_error(r->l, &n->child->next->key_mark,
                           "one scheme is one of \"jwt\", \"opaque\", \"pass\" and \"mutual\"");
                check_scheme(r, n, NULL);
                return false;
        }
        config_take_keys(r, n, ways, ARRAY_LEN(ways), ret, "a scheme");
        check_scheme(r, n, r->l->errors == before ? ret : NULL);
        return config_keep(r, n->key, &ret->scheme);
}

static int by_scheme(const void *a, const void *b)
{
        const struct config_identity *x = a, *y = b;

        return span_cmp(x->scheme, y->scheme);
}

void config_take_identities(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_identity *list;
        uint32_t have = 0;

        (void)into;
        if (n->kind == SOURCE_MAP && n->n == 0)
                return;
        if (!config_is_map(r, n, "a way to show who one is, by security scheme,"))
                return;
        list = arena_alloc(r->arena, n->n * sizeof *list);
        if (!list) {
                r->rc = -ENOMEM;
                return;
        }
        for (const struct source_node *m = n->child; m; m = m->next)
                have += take_identity(r, m, &list[have]);
        qsort(list, have, sizeof *list, by_scheme);
        r->out->identities = list;
        r->out->n_identities = have;
}
