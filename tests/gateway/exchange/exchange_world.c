/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "job/yaml_source.h"
#include "package/build.h"

/* Seeds of the issuer's key: 32 bytes of 7; of the opaque token's secret: 32 bytes of 1. */
enum { ISSUER_SEED = 7, SECRET_BYTE = 1, SOURCE_MAX = 1 << 20 };

static void must(int rc, const struct err *err, const char *what)
{
        if (rc < 0) {
                fprintf(stderr, "exchange world: %s: %s\n", what,
                        err ? err_text(err) : "no memory");
                abort();
        }
}

/* ---- the other package ---- */

/* Whoever is asked for differs from operation to operation; `odd` masks by every mask. */
static const char odd_openapi[] =
        "openapi: 3.1.0\n"
        "info: { title: Odd, version: 0.1.0 }\n"
        "security: []\n"
        "paths:\n"
        "  /open:\n"
        "    get:\n"
        "      operationId: open\n"
        "      parameters:\n"
        "        - { name: x, in: query, schema: { type: array, items: { type: integer } } }\n"
        "        - { name: near, in: query, schema: { type: string, x-data-class: place } }\n"
        "      responses:\n"
        "        200:\n"
        "          description: it\n"
        "          headers: { X-Count: { schema: { type: integer } } }\n"
        "          content:\n"
        "            application/json: { schema: { type: object, properties: {\n"
        "              seen: { type: string, x-data-class: place },\n"
        "              mail: { type: string }, n: { type: number } } } }\n"
        "            text/plain: {}\n"
        "        204: { description: nothing, headers: {\n"
        "          Cache-Control: { schema: { type: string } } } }\n"
        "  /note:\n"
        "    post:\n"
        "      operationId: note\n"
        "      requestBody:\n"
        "        content: { application/json: { schema: { type: object, properties: {\n"
        "          at: { type: string, x-data-class: place }, amount: { type: number } } } } }\n"
        "      responses:\n"
        "        200: { description: it, content: { application/json: {} } }\n"
        "    delete:\n"
        "      operationId: forget\n"
        "      responses: { 204: { description: gone } }\n"
        "  /ticket:\n"
        "    get:\n"
        "      operationId: ticket\n"
        "      security: [{ ticket: [] }]\n"
        "      responses: { 200: { description: it, content: { application/json: {} } } }\n"
        "  /legacy:\n"
        "    get:\n"
        "      operationId: legacy\n"
        "      security: [{ legacy: [] }]\n"
        "      responses: { 200: { description: it, content: { application/json: {} } } }\n"
        "  /both:\n"
        "    get:\n"
        "      operationId: both\n"
        "      security: [{ legacy: [], machine: [] }]\n"
        "      responses: { 200: { description: it, content: { application/json: {} } } }\n"
        "  /things/{id}:\n"
        "    x-object: { type: Thing, id: path.id }\n"
        "    get:\n"
        "      operationId: thing\n"
        "      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]\n"
        "      responses: { 200: { description: it, content: { application/json: {} } } }\n"
        "components:\n"
        "  securitySchemes:\n"
        "    ticket: { type: http, scheme: bearer }\n"
        "    legacy: { type: http, scheme: basic }\n"
        "    machine: { type: mutualTLS }\n";
static const char odd_gateway[] =
        "name: odd\n"
        "base: /odd\n"
        "identity:\n"
        "  ticket: { opaque: true }\n"
        "  legacy: { pass: basic }\n"
        "  machine: { mutual: { ca: /etc/assay/ca/machines.pem, caller: subject-cn } }\n"
        "classes: { place: { mask: redact, record: digest } }\n"
        "limits: { legacy: { rate: 2/m } }\n"
        "cache: { legacy: { for: 60s }, open: { for: 60s, by: caller } }\n"
        "caps: { request: 1KiB, response: 2KiB, depth: 4 }\n"
        "replay: digest\n";
static const char odd_backend[] = "url: http://10.9.8.7:8080/inner\n";
/* A forbid that errs for things that are not there: nobody can tell whether it holds. */
static const char odd_policy[] =
        "permit (principal, action, resource);\n"
        "@id(\"not what is locked\")\n"
        "forbid (principal, action == Action::\"thing\", resource) when { resource.locked };\n"
        "@id(\"nobody hides\")\n"
        "forbid (principal, action == Action::\"note\", resource)\n"
        "when { context has body && context.body has at && context.body.at == \"hidden\" };\n"
        "@id(\"places of nobody\")\n"
        "forbid (principal, action == Action::\"open.read\", resource)\n"
        "when { context.query has near && context.query.near == \"masked\" };\n"
        "@id(\"nor withheld ones\")\n"
        "forbid (principal, action in [Action::\"read\", Action::\"readMasked\"], resource)\n"
        "when { context has query && context.query has near && context.query.near == \"withheld\" };\n";
static const char odd_types[] = "entity Thing { locked: Bool };\n"
                                "entity Caller in [Group];\n"
                                "entity Group in [Caller];\n";
static const char odd_entities[] =
        "- { uid: { type: Thing, id: open }, attrs: { locked: false } }\n"
        "- { uid: { type: Thing, id: shut }, attrs: { locked: true } }\n"
        "- { uid: { type: Group, id: circle }, parents: [{ type: Caller, id: ring }] }\n";

/* ---- packages ---- */

static struct span read_example(struct arena *arena, const char *name)
{
        uint8_t *text = arena_alloc(arena, SOURCE_MAX);
        const char *root = getenv("ASSAY_SOURCE");
        char path[4096];
        size_t n;
        FILE *f;

        snprintf(path, sizeof path, "%s/examples/accounts/%s", root ? root : ".", name);
        f = fopen(path, "re");
        if (!f || !text) {
                fprintf(stderr, "exchange world: %s\n", path);
                abort();
        }
        n = fread(text, 1, SOURCE_MAX, f);
        (void)fclose(f);
        return span_of(text, n);
}

static void build(const struct package_source *sources, uint32_t n, struct buf *file,
                  struct package **ret)
{
        struct build_spec spec = { .sources = sources, .n_sources = n, .yaml = yaml_source };
        struct err err = { 0 };
        struct lint lint;
        int rc;

        lint_init(&lint);
        *file = BUF_INIT(PACKAGE_FILE_MAX);
        rc = build_package(&spec, &lint, file, &err);
        for (uint32_t i = 0; i < lint.n && rc < 0; i++)
                fprintf(stderr, "%.*s:%u: %.*s\n", (int)lint.at[i].file.n, lint.at[i].file.p,
                        lint.at[i].mark.line, (int)lint.at[i].text.n, lint.at[i].text.p);
        must(rc, &err, "a package");
        must(package_open_bytes(buf_span(file), NULL, 0, ret, &err), &err, "a package");
        lint_done(&lint);
}

static void build_accounts(struct exchange_world *w)
{
        static const char *const paths[] = { "backend.yaml", "entities.yaml", "gateway.yaml",
                                             "openapi.yaml", "policy.cedar",  "types.cedarschema" };
        struct package_source sources[ARRAY_LEN(paths)];
        struct arena arena = ARENA_INIT(64 << 20);

        for (size_t i = 0; i < ARRAY_LEN(paths); i++)
                sources[i] = (struct package_source){ span_str(paths[i]),
                                                      read_example(&arena, paths[i]) };
        build(sources, ARRAY_LEN(paths), &w->files[0], &w->packages[0]);
        arena_done(&arena);
}

static void build_odd(struct exchange_world *w)
{
        static const struct package_source sources[] = {
                { SPAN_INIT("backend.yaml"), SPAN_INIT(odd_backend) },
                { SPAN_INIT("entities.yaml"), SPAN_INIT(odd_entities) },
                { SPAN_INIT("gateway.yaml"), SPAN_INIT(odd_gateway) },
                { SPAN_INIT("openapi.yaml"), SPAN_INIT(odd_openapi) },
                { SPAN_INIT("policy.cedar"), SPAN_INIT(odd_policy) },
                { SPAN_INIT("types.cedarschema"), SPAN_INIT(odd_types) },
        };

        build(sources, ARRAY_LEN(sources), &w->files[1], &w->packages[1]);
}

/* ---- who is who ---- */

static void read_keys(struct exchange_world *w)
{
        uint8_t seed[ED25519_SEED], public[ED25519_PUBLIC];
        struct buf text = BUF_INIT(4096);
        struct err err = { 0 };

        memset(seed, ISSUER_SEED, sizeof seed);
        must(ed25519_from_seed(seed, &w->key, &err), &err, "a key");
        ed25519_public(w->key, public);
        buf_put_str(&text,
                    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k1\",\"x\":\"");
        text_put_base64url(&text, span_of(public, sizeof public));
        buf_put_str(&text, "\"}]}");
        must(jwks_read(buf_span(&text), &w->jwks, &err), &err, "keys");
        buf_done(&text);
}

#define SECRET "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
const char world_ticket[] = "as1_aaaaaaaaaaaaaaaa_" SECRET;
const char world_ring[] = "as1_bbbbbbbbbbbbbbbb_" SECRET;

static void put_token(struct buf *out, const char *caller, const char *group, char id)
{
        uint8_t secret[TOKEN_SECRET], digest[SHA256_LEN];
        char hex[2 * SHA256_LEN + 1], ids[TOKEN_ID + 1] = { 0 };

        memset(secret, SECRET_BYTE, sizeof secret);
        sha256(span_of(secret, sizeof secret), digest);
        text_hex(span_of(digest, sizeof digest), hex);
        memset(ids, id, TOKEN_ID);
        buf_printf(out,
                   "{\"caller\":\"%s\",\"groups\":[\"%s\"],\"id\":\"%s\",\"sha256\":\"%s\","
                   "\"until\":%lld}",
                   caller, group, ids, hex, WORLD_NOON + 86400);
}

static void read_tokens(struct exchange_world *w)
{
        struct buf text = BUF_INIT(4096);
        struct err err = { 0 };

        buf_put_str(&text, "{\"tokens\":[");
        put_token(&text, "depot", "tickets", 'a');
        buf_put_str(&text, ",");
        put_token(&text, "ring", "circle", 'b');
        buf_put_str(&text, "]}\n");
        must(tokens_read(buf_span(&text), &w->tokens, &err), &err, "tokens");
        buf_done(&text);
}

static const struct jwks *jwks_of(void *ctx, const struct config_identity *identity)
{
        const struct exchange_world *w = ctx;

        return span_eq_str(identity->scheme, "token") ? w->jwks : NULL;
}

static void refetch(void *ctx, const struct config_identity *identity)
{
        struct exchange_world *w = ctx;

        (void)identity;
        w->refetched++;
}

void world_sign(const struct exchange_world *w, const char *payload, char ret[WORLD_TOKEN_MAX])
{
        struct buf text = BUF_INIT(WORLD_TOKEN_MAX - 1);
        uint8_t signature[ED25519_SIG];
        struct err err = { 0 };

        text_put_base64url(&text, SPAN("{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"JWT\"}"));
        buf_put_byte(&text, '.');
        text_put_base64url(&text, span_str(payload));
        must(ed25519_sign(w->key, buf_span(&text), signature, &err), &err, "a signature");
        buf_put_byte(&text, '.');
        text_put_base64url(&text, span_of(signature, sizeof signature));
        must(buf_status(&text), NULL, "a token");
        memcpy(ret, text.p, text.n);
        ret[text.n] = 0;
        buf_done(&text);
}

void world_payload(const char *who, int64_t now_s, char ret[WORLD_TOKEN_MAX])
{
        static const struct {
                const char *who, *more;
        } people[] = {
                { "tess", ",\"branch\":\"0100\",\"groups\":[\"tellers\"]" },
                { "fred", ",\"groups\":[\"fraud-desk\"]" },
                { "frank", ",\"groups\":[\"fraud-desk\"]" },
                { "audrey", ",\"groups\":[\"auditors\"]" },
                { "zoe", "" },
        };
        size_t i = 0;

        while (strcmp(people[i].who, who) != 0)
                i++;
        snprintf(ret, WORLD_TOKEN_MAX,
                 "{\"aud\":\"accounts\",\"exp\":%lld,\"iss\":\"https://id.bank.example\","
                 "\"sub\":\"%s\"%s}",
                 (long long)now_s + 3600, who, people[i].more);
}

/* ---- the whole ---- */

static void lock(void *ctx)
{
        struct exchange_world *w = ctx;

        assert(!w->locked);
        w->locked = true;
}

static void unlock(void *ctx)
{
        struct exchange_world *w = ctx;

        assert(w->locked);
        w->locked = false;
}

/* Ids need to be different, no more. */
static void random_bytes(uint8_t *out, size_t n)
{
        static uint8_t next;

        for (size_t i = 0; i < n; i++)
                out[i] = next++;
}

void world_forget(struct exchange_world *w)
{
        static const uint8_t key[16] = { 1, 2, 3 };

        memset(w->limits, 0, limits_bytes(WORLD_LIMITS));
        memset(w->cache, 0, WORLD_CACHE);
        w->gateway.limits = limits_init(w->limits, WORLD_LIMITS, key);
        w->gateway.cache = cache_init(w->cache, WORLD_CACHE, key);
}

void world_open(struct exchange_world *w)
{
        struct err err = { 0 };

        *w = (struct exchange_world){ .limits = malloc(limits_bytes(WORLD_LIMITS)),
                                      .cache = malloc(WORLD_CACHE),
                                      .meters = aligned_alloc(128, meters_bytes(1)) };
        must(w->limits && w->cache && w->meters ? 0 : -ENOMEM, NULL, "memory");
        memset(w->meters, 0, meters_bytes(1));
        build_accounts(w);
        build_odd(w);
        read_keys(w);
        read_tokens(w);
        w->gateway = (struct gateway){
                .keys = { .jwks = jwks_of, .refetch = refetch, .tokens = w->tokens, .ctx = w },
                .lock = lock,
                .unlock = unlock,
                .meters = meters_init(w->meters, meters_bytes(1), WORLD_NOON),
                .ctx = w,
                .random = random_bytes
        };
        memset(w->gateway.hash_key, 9, sizeof w->gateway.hash_key);
        must(jwt_memory_new(64, &w->gateway.keys.memory), NULL, "memory");
        world_forget(w);
        must(generation_new(WORLD_GENERATION, w->packages, 2, &w->generation), NULL, "memory");
        must(serving_new(&w->gateway, w->generation, &w->serving, &err), &err, "serving");
}

void world_close(struct exchange_world *w)
{
        serving_unref(w->serving);
        generation_unref(w->generation);
        jwt_memory_free(w->gateway.keys.memory);
        tokens_free(w->tokens);
        jwks_free(w->jwks);
        ed25519_free(w->key);
        for (size_t i = 0; i < ARRAY_LEN(w->packages); i++) {
                package_unref(w->packages[i]);
                buf_done(&w->files[i]);
        }
        free(w->limits);
        free(w->cache);
        free(w->meters);
}

int world_set_up(void **state)
{
        static struct exchange_world w;

        world_open(&w);
        *state = &w;
        return 0;
}

int world_tear_down(void **state)
{
        world_close(*state);
        return 0;
}
