/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - gateway.yaml: names, masks, limits, cache and caps.  Floor 2, pure. */
#include "package/config/config_priv.h"

#include "package/file.h"

enum {
        KIB = 1024,
        REQUEST_MAX = 64 * KIB,
        RESPONSE_MAX = 1024 * KIB,
        DEPTH_MAX = 32,
};

static const char *const masks[] = {
        [MASK_LAST4] = "last4", [MASK_FIRST1] = "first1",       [MASK_REDACT] = "redact",
        [MASK_HASH] = "hash",   [MASK_DATE_YEAR] = "date-year", [MASK_DROP] = "drop",
};

const char *mask_name(enum mask m)
{
        assert(m < MASKS);
        return masks[m];
}

/* ---- names ---- */

static void take_name(struct config_reader *r, const struct source_node *n, void *into)
{
        static const char wanted[] = "the API's name, as accounts,";
        struct span s;

        (void)into;
        if (!config_get_text(r, n, wanted, CONFIG_TEXT_MAX, &s))
                return;
        if (package_api_ok(s))
                r->out->name = s;
        else
                lint_error(r->l, &n->mark,
                           "\"%.*s\": a name is up to %d small letters, digits and hyphens, and "
                           "begins with a letter",
                           SHOWN(s), CONFIG_NAME_MAX);
}

static void take_base(struct config_reader *r, const struct source_node *n, void *into)
{
        struct span s;

        (void)into;
        if (!config_get_text(r, n, "what paths begin with, as /bank/v1,", CONFIG_PATH_MAX, &s))
                return;
        if (s.n > 0 && s.p[s.n - 1] == '/')
                s.n--; /* "/" is nothing, and a slash at the end means none */
        if (config_path_ok(s))
                r->out->base = s;
        else
                lint_error(r->l, &n->mark,
                           "\"%.*s\": a base is words of letters, digits and -._~, each behind one "
                           "slash",
                           SHOWN(s));
}

/* ---- caps ---- */

static void take_request(struct config_reader *r, const struct source_node *n, void *into)
{
        (void)into;
        (void)!config_get_bytes(r, n, "a size, as 64KiB,", 1, CONFIG_BODY_MAX,
                                &r->out->request_max);
}

static void take_response(struct config_reader *r, const struct source_node *n, void *into)
{
        (void)into;
        (void)!config_get_bytes(r, n, "a size, as 1MiB,", 1, CONFIG_BODY_MAX,
                                &r->out->response_max);
}

static void take_depth(struct config_reader *r, const struct source_node *n, void *into)
{
        (void)into;
        (void)!config_get_count(r, n, "how deep JSON may be nested, as 32,", 1, CONFIG_DEPTH_MAX,
                                &r->out->depth_max);
}

static void take_caps(struct config_reader *r, const struct source_node *n, void *into)
{
        static const struct config_key keys[] = {
                { "request", take_request, false },
                { "response", take_response, false },
                { "depth", take_depth, false },
        };

        if (config_is_map(r, n, "caps, \"request\", \"response\" or \"depth\","))
                config_take_keys(r, n, keys, ARRAY_LEN(keys), into, "caps");
}

/* ---- what is recorded for assay api replay ---- */

static void take_replay(struct config_reader *r, const struct source_node *n, void *into)
{
        static const char *const names[] = { "none", "digest" };
        size_t at;

        (void)into;
        if (config_get_word(r, n, "none or digest", names, ARRAY_LEN(names), &at))
                r->out->replay = at == 1;
}

/* ---- the whole ---- */

/* What asks for others of them, so it is read when they are. */
static void take_later(struct config_reader *r, const struct source_node *n, void *into)
{
        const struct source_node **cache = into;

        (void)r;
        *cache = n;
}

static const struct config_key gateway_keys[] = {
        { "name", take_name, true },
        { "base", take_base, false },
        { "identity", config_take_identities, false },
        { "classes", config_take_classes, false },
        { "limits", config_take_limits, false },
        { "cache", take_later, false },
        { "caps", take_caps, false },
        { "replay", take_replay, false },
};

static bool has_member(const struct source_node *map, struct span name)
{
        const struct source_node *m = map && map->kind == SOURCE_MAP ? map->child : NULL;

        while (m && !span_eq(m->key, name))
                m = m->next;
        return m != NULL;
}

/* What the document has and gateway.yaml does not name. */
static void check_missing(struct config_reader *r, const struct source_node *root)
{
        const struct source_node *identity = source_get(root, "identity"),
                                 *classes = source_get(root, "classes");

        for (uint32_t i = 0; i < r->api->n_identities; i++) {
                struct span name = r->api->identities[i].name;

                if (!has_member(identity, name))
                        lint_error(r->l, identity ? &identity->key_mark : &root->mark,
                                   "the security scheme \"%.*s\" of openapi.yaml is missing below "
                                   "\"identity\": how its callers are known",
                                   SHOWN(name));
        }
        for (uint32_t i = 0; i < r->api->n_classes; i++) {
                struct span name = r->api->classes[i];

                if (!has_member(classes, name))
                        lint_error(r->l, classes ? &classes->key_mark : &root->mark,
                                   "the data class \"%.*s\" of openapi.yaml is missing below "
                                   "\"classes\": add %.*s: { mask: redact } or another mask",
                                   SHOWN(name), SHOWN(name));
        }
}

static void take_gateway(struct config_reader *r, const struct source_node *root)
{
        const struct source_node *cache = NULL;

        if (!config_is_map(r, root, "\"name\" and how the API is served"))
                return;
        config_take_keys(r, root, gateway_keys, ARRAY_LEN(gateway_keys), &cache, "an API");
        if (cache)
                config_take_cache(r, cache, NULL);
        if (r->api)
                check_missing(r, root);
}

int config_read(const struct source_node *gateway, const struct source_node *backend,
                const struct api *api, struct arena *arena, struct lint *l, struct config *ret,
                struct err *err)
{
        struct config out = { .request_max = REQUEST_MAX,
                              .response_max = RESPONSE_MAX,
                              .depth_max = DEPTH_MAX };
        struct config_reader r = { .api = api, .arena = arena, .l = l, .out = &out };
        struct span file = l->file;
        uint32_t errors = l->errors;

        l->file = SPAN("gateway.yaml");
        if (gateway)
                take_gateway(&r, gateway);
        l->file = SPAN("backend.yaml");
        if (backend)
                config_take_backend(&r, backend);
        l->file = file;
        if (r.rc < 0)
                return err_sys(err, r.rc, "gateway.yaml, backend.yaml");
        *ret = out;
        if (l->errors != errors)
                return err_set(err, -EINVAL, "gateway.yaml and backend.yaml have errors");
        return 0;
}
