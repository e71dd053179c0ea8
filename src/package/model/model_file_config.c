/* SPDX-License-Identifier: Apache-2.0 */
/* model_file_config.c - how it is spelled in a package how an API is served.  Floor 2, pure. */
#include "package/model/model_file_shape.h"

#include "package/config/config_priv.h"
#include "package/file.h"

enum { LIMITS_MAX = API_OPERATIONS_MAX + 1 }; /* "*" */

/* ---- texts ---- */

static const struct model_text api_text = { package_api_ok, "no name of an API" },
                               base_text = { config_path_ok, "no words between single slashes" },
                               address_text = { config_is_address, "no IPv4 or IPv6 address" };

/* ---- names of values ---- */

static const char *kind_name(unsigned v)
{
        static const char *const names[] = {
                [CONFIG_JWT] = "jwt",          [CONFIG_OPAQUE] = "opaque",
                [CONFIG_PASS_BASIC] = "basic", [CONFIG_PASS_BEARER] = "bearer",
                [CONFIG_MUTUAL] = "mutual",
        };

        return v < ARRAY_LEN(names) ? names[v] : NULL;
}

static const char *algorithm_name(unsigned bit)
{
        static const char *const names[] = { "RS256", "ES256", "EdDSA" };

        STATIC_ASSERT(JWT_RS256 == 1u << 0 && JWT_ES256 == 1u << 1 && JWT_EDDSA == 1u << 2, "");
        return bit < ARRAY_LEN(names) ? names[bit] : NULL;
}

static const char *mask_of_value(unsigned v)
{
        return v < MASKS ? mask_name((enum mask)v) : NULL;
}

/* ---- orders ---- */

static int by_scheme(const void *x, const void *y)
{
        const struct config_identity *a = x, *b = y;

        return span_cmp(a->scheme, b->scheme);
}

static int by_class(const void *x, const void *y)
{
        const struct config_class *a = x, *b = y;

        return span_cmp(a->name, b->name);
}

static int by_limit(const void *x, const void *y)
{
        const struct config_limit *a = x, *b = y;

        return span_cmp(a->operation, b->operation);
}

static int by_cache(const void *x, const void *y)
{
        const struct config_cache *a = x, *b = y;

        return span_cmp(a->operation, b->operation);
}

/* ---- tables ---- */

#define TEXT(key, member)                                                                          \
        {                                                                                          \
                MODEL_FIELD(T, key, MODEL_TEXT, member), .max = CONFIG_TEXT_MAX                    \
        }
#define PATH(key, member)                                                                          \
        {                                                                                          \
                MODEL_FIELD(T, key, MODEL_TEXT, member), .max = CONFIG_PATH_MAX                    \
        }
#define TEXT_ALWAYS(key, member)                                                                   \
        {                                                                                          \
                MODEL_FIELD(T, key, MODEL_TEXT, member), .always = true                            \
        }
#define BOOLEAN(key, member)                                                                       \
        {                                                                                          \
                MODEL_FIELD(T, key, MODEL_BOOL, member)                                            \
        }
#define NUMBER(key, member, max_)                                                                  \
        {                                                                                          \
                MODEL_FIELD(T, key, MODEL_NUMBER, member), .max = (max_)                           \
        }

#define T struct config_identity
static const T identity_default = { .kind = CONFIG_JWT };
static const struct model_field identity_fields[] = {
        { MODEL_FIELD(T, "algorithms", MODEL_FLAGS, algorithms), .name = algorithm_name },
        TEXT("audience", audience),
        PATH("ca", ca_file),
        TEXT("caller", caller),
        { MODEL_COUNTED(T, "claims", MODEL_TEXTS, claims, n_claims, CONFIG_CLAIMS_MAX) },
        TEXT("groups", groups),
        TEXT("issuer", issuer),
        { MODEL_COUNTED(T, "jwks_addresses", MODEL_TEXTS, jwks_addresses, n_jwks_addresses,
                        CONFIG_ADDRESSES_MAX),
          .text = &address_text },
        PATH("jwks_file", jwks_file),
        PATH("jwks_url", jwks_url),
        { MODEL_FIELD(T, "kind", MODEL_ENUM, kind), .name = kind_name, .always = true },
        NUMBER("leeway", leeway_s, UINT32_MAX),
        NUMBER("refresh", refresh_s, UINT32_MAX),
        TEXT_ALWAYS("scheme", scheme),
};
static MODEL_SHAPE(T, identity, model_check_identity);
#undef T

#define T struct config_class
static const T class_default = { .digest = false };
static const struct model_field class_fields[] = {
        BOOLEAN("digest", digest),
        { MODEL_FIELD(T, "mask", MODEL_ENUM, mask), .name = mask_of_value, .always = true },
        TEXT_ALWAYS("name", name),
};
static MODEL_SHAPE(T, class, NULL);
#undef T

#define T struct config_limit
static const T limit_default = { .rate = 0 };
static const struct model_field limit_fields[] = {
        NUMBER("burst", burst, CONFIG_RATE_MAX), TEXT_ALWAYS("operation", operation),
        NUMBER("per", per_s, UINT32_MAX),        NUMBER("quota", quota, CONFIG_QUOTA_MAX),
        NUMBER("quota_s", quota_s, UINT32_MAX),  NUMBER("rate", rate, CONFIG_RATE_MAX),
};
static MODEL_SHAPE(T, limit, model_check_limit);
#undef T

#define T struct config_cache
static const T cache_default = { .seconds = 0 };
static const struct model_field cache_fields[] = {
        BOOLEAN("by_rights", by_rights),
        TEXT_ALWAYS("operation", operation),
        NUMBER("seconds", seconds, UINT32_MAX),
};
static MODEL_SHAPE(T, cache, model_check_cache);
#undef T

#define T struct config_backend
static const T backend_default = { .port = 0 };
static const struct model_field backend_fields[] = {
        { MODEL_COUNTED(T, "addresses", MODEL_TEXTS, addresses, n_addresses, CONFIG_ADDRESSES_MAX),
          .text = &address_text },
        { MODEL_FIELD(T, "base", MODEL_TEXT, base), .text = &base_text },
        PATH("ca", ca_file),
        NUMBER("connect_ms", connect_ms, UINT32_MAX),
        TEXT("host", host),
        { MODEL_FIELD(T, "port", MODEL_NUMBER, port), .max = UINT16_MAX },
        NUMBER("read_ms", read_ms, UINT32_MAX),
        BOOLEAN("tls", tls),
        TEXT("tls_name", tls_name),
        PATH("unix", unix_path),
};
static MODEL_SHAPE(T, backend, model_check_backend);
#undef T

#define T struct config
static const T model_config_default = { .depth_max = 0 };
static const struct model_field model_config_fields[] = {
        { MODEL_FIELD(T, "backend", MODEL_RECORD, backend), .shape = &backend_shape,
          .always = true },
        { MODEL_FIELD(T, "base", MODEL_TEXT, base), .text = &base_text },
        { MODEL_COUNTED(T, "caches", MODEL_LIST, caches, n_caches, API_OPERATIONS_MAX),
          .shape = &cache_shape, .order = by_cache },
        { MODEL_COUNTED(T, "classes", MODEL_LIST, classes, n_classes, API_CLASSES_MAX),
          .shape = &class_shape, .order = by_class },
        { MODEL_FIELD(T, "depth", MODEL_NUMBER, depth_max), .max = CONFIG_DEPTH_MAX,
          .always = true },
        { MODEL_COUNTED(T, "identities", MODEL_LIST, identities, n_identities, API_IDENTITIES_MAX),
          .shape = &identity_shape, .order = by_scheme },
        { MODEL_COUNTED(T, "limits", MODEL_LIST, limits, n_limits, LIMITS_MAX),
          .shape = &limit_shape, .order = by_limit },
        { MODEL_FIELD(T, "name", MODEL_TEXT, name), .text = &api_text, .always = true },
        BOOLEAN("replay", replay),
        { MODEL_FIELD(T, "request", MODEL_NUMBER, request_max), .max = CONFIG_BODY_MAX,
          .always = true },
        { MODEL_FIELD(T, "response", MODEL_NUMBER, response_max), .max = UINT32_MAX,
          .always = true },
};
MODEL_SHAPE(T, model_config, model_check_config);
#undef T
