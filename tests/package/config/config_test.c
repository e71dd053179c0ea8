/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.yaml and backend.yaml against the model of an API made by hand. */
#include "package/config/config.h"
#include "package/config/config_text.h"

#include "base/buf.h"
#include "job/yaml_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../../alloc_fail.h"

/* ---- an API ---- */

static const struct span classes[] = { SPAN_INIT("pan"), SPAN_INIT("pii.name"),
                                       SPAN_INIT("pii.ssn") };
static const struct api_identity identities[] = {
        { SPAN_INIT("legacy"), API_IDENTITY_BASIC },
        { SPAN_INIT("machine"), API_IDENTITY_MUTUAL },
        { SPAN_INIT("token"), API_IDENTITY_BEARER },
};
static const uint32_t legacy[] = { 0 }, token[] = { 2 };
static const struct api_security by_legacy[] = { { token, 1 }, { legacy, 1 } },
                                 by_token[] = { { token, 1 } };
static const struct api_operation operations[] = {
        { .id = SPAN_INIT("getAccount"), .method = API_GET, .security = by_token, .n_security = 1 },
        { .id = SPAN_INIT("listAccounts"),
          .method = API_GET,
          .security = by_legacy,
          .n_security = 2 },
        { .id = SPAN_INIT("pay"), .method = API_POST, .security = by_token, .n_security = 1 },
};
static const struct api api = {
        .operations = operations,
        .n_operations = ARRAY_LEN(operations),
        .identities = identities,
        .n_identities = ARRAY_LEN(identities),
        .classes = classes,
        .n_classes = ARRAY_LEN(classes),
};
static const struct api bare = { 0 }; /* nothing that has to be named */

/* ---- reading ---- */

struct reading {
        struct arena arena;
        struct lint l;
        struct config config;
        int rc;
};

static const struct source_node nothing = { .kind = SOURCE_NULL };

static const struct source_node *yaml(struct reading *r, const char *file, const char *text)
{
        const struct source_node *root = NULL;

        r->l.file = span_str(file);
        assert_int_equal(yaml_source(NULL, span_str(text), &r->arena, &r->l, &root, NULL), 0);
        return root ? root : &nothing;
}

static void read_both(struct reading *r, const struct api *a, const char *gateway,
                      const char *backend)
{
        const struct source_node *g, *b;
        struct err err = { 0 };

        *r = (struct reading){ .arena = ARENA_INIT(1 << 20) };
        lint_init(&r->l);
        g = yaml(r, "gateway.yaml", gateway);
        b = yaml(r, "backend.yaml", backend);
        r->l.file = SPAN("x");
        r->rc = config_read(g, b, a, &r->arena, &r->l, &r->config, &err);
        assert_true(span_eq_str(r->l.file, "x"));
        assert_int_equal(r->rc, err.code);
        assert_int_equal(r->rc, r->l.errors ? -EINVAL : 0);
        lint_sort(&r->l);
}

static void reading_done(struct reading *r)
{
        lint_done(&r->l);
        arena_done(&r->arena);
}

/* Each fault a line: "g2:3 text" of gateway.yaml, "b" of backend.yaml; a warning has a "?". */
static void put_faults(const struct lint *l, struct buf *out)
{
        for (uint32_t i = 0; i < l->n; i++)
                buf_printf(out, "%c%u:%u%s %.*s\n", l->at[i].file.p[0], l->at[i].mark.line,
                           l->at[i].mark.column, l->at[i].level == LINT_WARNING ? "?" : "",
                           (int)l->at[i].text.n, (const char *)l->at[i].text.p);
}

static void check_faults(const struct api *a, const char *gateway, const char *backend,
                         const char *want)
{
        static struct reading r;
        struct buf out = BUF_INIT(1 << 20);

        read_both(&r, a, gateway, backend);
        put_faults(&r.l, &out);
        if (strcmp(buf_cstr(&out), want) != 0)
                fail_msg("%s%s\nsays\n%swants\n%s", gateway, backend, buf_cstr(&out), want);
        buf_done(&out);
        reading_done(&r);
}

/* ---- gateway.yaml ---- */

#define UNIX "unix: /run/x.sock\n"

/* Of an API that has nothing to be named. */
static const struct {
        const char *gateway, *want;
} gateway_faults[] = {
        { "", "g0:0 \"name\" and how the API is served should stand here, not nothing\n" },
        { "- a\n", "g1:1 \"name\" and how the API is served should stand here, not a list\n" },
        { "base: /x\n", "g1:1 an API needs \"name\"\n" },
        { "name: a\n", "" },
        { "name: a\nbase: /\n", "" },
        { "name: a\nbase: /b/c/\n", "" },
        { "name: a\nlimts: {}\n", "g2:1 unknown key \"limts\": did you mean \"limits\"?\n" },
        { "name: a\nbackend: {}\n", "g2:1 unknown key \"backend\": an API has name, base, identity,"
                                    " classes, limits, cache, caps, replay\n" },
        { "name: Accounts\n", "g1:7 \"Accounts\": a name is up to 63 small letters, digits and "
                              "hyphens, and begins with a letter\n" },
        { "name: 12\n",
          "g1:7 the API's name, as accounts, should stand here: in quotes, when this is it\n" },
        { "name: 012\n",
          "g1:7? 012 is a number that JSON has not, and is not taken where one is wanted: write it in "
          "decimal without a 0 in front, or in quotes when it is a string\n"
          "g1:7 the API's name, as accounts, should stand here: in quotes, when this is it\n" },
        { "name: [a]\n", "g1:7 the API's name, as accounts, should stand here, not a list\n" },
        { "name:\n", "g1:1 the API's name, as accounts, should stand here, not nothing\n" },
        { "name: a\nbase: b\n", "g2:7 \"b\": a base is words of letters, digits and -._~, each "
                                "behind one slash\n" },
        { "name: a\nbase: /b/../c\n", "g2:7 \"/b/../c\": a base is words of letters, digits and "
                                      "-._~, each behind one slash\n" },
        { "name: a\nbase: /b//c\n", "g2:7 \"/b//c\": a base is words of letters, digits and "
                                    "-._~, each behind one slash\n" },
        /* what the document has not */
        { "name: a\nidentity: { token: { opaque: true } }\n",
          "g2:13 openapi.yaml has no security scheme \"token\"\n" },
        { "name: a\nclasses: { pan: { mask: drop } }\n",
          "g2:12 openapi.yaml has no x-data-class \"pan\"\n" },
        { "name: a\nlimits: { pay: { rate: 1/s } }\n",
          "g2:11 openapi.yaml has no operation \"pay\"\n" },
        { "name: a\nidentity: {}\nclasses: {}\nlimits: {}\ncache: {}\n", "" },
        { "name: a\nidentity: x\nclasses: []\nlimits:\ncache: 1\n",
          "g2:11 a way to show who one is, by security scheme, should stand here, not \"x\"\n"
          "g3:10 masks by data class, as pii.ssn: { mask: last4 }, should stand here, not a list\n"
          "g4:1 limits by operation, as listAccounts: { rate: 10/s }, should stand here, not "
          "nothing\n"
          "g5:8 times by operation, as listBranches: { for: 60s }, should stand here, not \"1\"\n" },
        /* limits */
        { "name: a\nlimits: { '*': { rate: 10/s, burst: 20, quota: 5000/d } }\n", "" },
        { "name: a\nlimits: { '*': { rate: 10 } }\n",
          "g2:24 a rate, as 10/s, should stand here: 10 has no unit\n" },
        { "name: a\nlimits: { '*': { rate: 10/sec } }\n",
          "g2:24 a rate, as 10/s, should stand here: did you mean 10/s?\n" },
        { "name: a\nlimits: { '*': { rate: 10r/s } }\n",
          "g2:24 a rate, as 10/s, should stand here: did you mean 10/s?\n" },
        { "name: a\nlimits: { '*': { rate: 10s } }\n",
          "g2:24 a rate, as 10/s, should stand here, not \"10s\"\n" },
        { "name: a\nlimits: { '*': { rate: 0/s } }\n",
          "g2:24 a rate, as 10/s, should stand here, from 1 to 1000000\n" },
        { "name: a\nlimits: { '*': { rate: -1/s } }\n",
          "g2:24 a rate, as 10/s, should stand here, not \"-1/s\"\n" },
        { "name: a\nlimits: { '*': { quota: 1000000001/d } }\n",
          "g2:25 a quota, as 5000/d, should stand here, from 1 to 1000000000\n" },
        { "name: a\nlimits: { '*': { quota: 99999999999999999999/d } }\n",
          "g2:25 a quota, as 5000/d, should stand here, not \"99999999999999999999/d\"\n" },
        { "name: a\nlimits: { '*': { burst: 20 } }\n", "g2:18 \"burst\" goes with a \"rate\"\n" },
        { "name: a\nlimits: { '*': { rate: 1/s, burst: 0 } }\n",
          "g2:36 a number of requests, as 20, should stand here, from 1 to 1000000\n" },
        { "name: a\nlimits: { '*': { rate: 1/s, burst: 1.5 } }\n",
          "g2:36 a number of requests, as 20, should stand here, not \"1.5\"\n" },
        { "name: a\nlimits: { '*': { rat: 1/s } }\n",
          "g2:18 unknown key \"rat\": did you mean \"rate\"?\n" },
        { "name: a\nlimits: { '*': {} }\n",
          "g2:16 a limit, as { rate: 10/s }, should stand here, not a map\n" },
        /* caps */
        { "name: a\ncaps: { request: 1MiB, response: 64MiB, depth: 128 }\n", "" },
        { "name: a\ncaps: { request: 64KB }\n",
          "g2:18 a size, as 64KiB, should stand here: did you mean 64KiB?\n" },
        { "name: a\ncaps: { request: 65536 }\n",
          "g2:18 a size, as 64KiB, should stand here: 65536 has no unit\n" },
        { "name: a\ncaps: { request: 64s }\n",
          "g2:18 a size, as 64KiB, should stand here, not \"64s\"\n" },
        { "name: a\ncaps: { response: 65MiB }\n",
          "g2:19 a size, as 1MiB, should stand here, from 1B to 64MiB\n" },
        { "name: a\ncaps: { depth: 129 }\n",
          "g2:16 how deep JSON may be nested, as 32, should stand here, from 1 to 128\n" },
        { "name: a\ncaps: { depht: 1 }\n",
          "g2:9 unknown key \"depht\": did you mean \"depth\"?\n" },
};

static void test_gateway_faults(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(gateway_faults); i++)
                check_faults(&bare, gateway_faults[i].gateway, UNIX, gateway_faults[i].want);
        (void)state;
}

/* ---- identities ---- */

#define JWKS " jwks: { file: /k }"
#define JWT  "issuer: i, audience: a, algorithms: [ES256],"

/* What stands for the scheme "token", from line 3, column 10 on. */
static const struct {
        const char *token, *want;
} identity_faults[] = {
        { "{ opaque: true }", "" },
        { "{ opaque: false }", "g3:20 true should stand here\n" },
        { "{ opaque: yes }", "g3:20? yes is a string and no boolean: write true, or \"yes\" in "
                             "quotes\ng3:20 true should stand here\n" },
        { "{ pass: bearer }", "" },
        { "{ pass: basic }", "g3:12 in openapi.yaml \"token\" is http bearer: \"jwt\", \"opaque\" "
                             "or \"pass: bearer\" goes with it\n" },
        { "{ pass: brearer }", "g3:18 unknown \"brearer\": did you mean \"bearer\"?\n" },
        { "{ pass: digest }", "g3:18 basic or bearer should stand here, not \"digest\"\n" },
        { "{ mutual: { ca: /x } }", "g3:12 in openapi.yaml \"token\" is http bearer: \"jwt\", "
                                    "\"opaque\" or \"pass: bearer\" goes with it\n" },
        { "{ mutual: { caller: san-uri } }", "g3:20 mutual needs \"ca\"\n" },
        { "{ mutual: { ca: x } }", "g3:26 the path of a file, as /etc/assay/ca/partners.pem, should"
                                   " stand here, not \"x\"\n" },
        { "opaque", "g3:10 one of \"jwt\", \"opaque\", \"pass\" and \"mutual\" should stand here, "
                    "not \"opaque\"\n" },
        { "{ opaque: true, pass: bearer }",
          "g3:26 one scheme is one of \"jwt\", \"opaque\", \"pass\" and \"mutual\"\n" },
        { "{ jwks: {} }", "g3:12 unknown key \"jwks\": did you mean \"jwt\"?\n" },
        { "{ jwt: { " JWT JWKS " } }", "" },
        { "{ jwt: { " JWT JWKS
          ", caller: uid, groups: 'https://x.example/groups', claims: [branch],"
          " leeway: 0s } }",
          "" },
        { "{ jwt: {} }", "g3:17 what tokens are taken, by \"issuer\", \"audience\" and so on, "
                         "should stand here, not a map\n" },
        { "{ jwt: { issuer: i } }", "g3:17 jwt needs \"audience\"\ng3:17 jwt needs \"algorithms\"\n"
                                    "g3:17 jwt needs \"jwks\"\n" },
        { "{ jwt: { issuer: i, audience: a, algorithms: [HS256, none, ES-256], " JWKS "} }",
          "g3:56 HS256 is not taken: whoever can check such a token can make one\n"
          "g3:63 RS256, ES256 or EdDSA should stand here, not \"none\"\n"
          "g3:69 unknown \"ES-256\": did you mean \"ES256\"?\n" },
        { "{ jwt: { issuer: i, audience: a, algorithms: [Ed25519, EdDSA], " JWKS "} }", "" },
        { "{ jwt: { issuer: i, audience: a, algorithms: [ed25519], " JWKS "} }",
          "g3:56 unknown \"ed25519\": did you mean \"Ed25519\"?\n" },
        { "{ jwt: { issuer: i, audience: a, algorithms: ES256, " JWKS "} }",
          "g3:55 a list of algorithms, as [ES256, EdDSA], should stand here, not \"ES256\"\n" },
        { "{ jwt: { issuer: i, audience: a, algorithms: [ES256, ES256], " JWKS "} }",
          "g3:63 \"ES256\" is there twice\n" },
        { "{ jwt: { " JWT " jwks: { url: 'https://id.example.org/keys' } } }",
          "g3:77 \"addresses\" are missing: the addresses that id.example.org may have\n" },
        { "{ jwt: { " JWT " jwks: { url: 'http://192.0.2.7/keys' } } }",
          "g3:77 keys are fetched by https:// only: who changes them on the way could sign any "
          "token\n" },
        { "{ jwt: { " JWT " jwks: { url: 'https://192.0.2.7/keys', addresses: [192.0.2.7] } } }",
          "g3:114 the url has an address already\n" },
        { "{ jwt: { " JWT " jwks: { url: 'ftp://x' } } }",
          "g3:77 where the issuer's keys are, as https://id.example.org/keys, should stand here, "
          "not \"ftp://x\"\n" },
        { "{ jwt: { " JWT " jwks: { url: 'https://x', file: /y, addresses: [1.2.3] } } }",
          "g3:70 keys are either at a \"url\" or in a \"file\"\n"
          "g3:112 \"1.2.3\" is no IPv4 or IPv6 address\n" },
        { "{ jwt: { " JWT " jwks: { refresh: 10m } } }",
          "g3:70 keys are either at a \"url\" or in a \"file\"\n" },
        { "{ jwt: { " JWT " jwks: { file: /x, refresh: 10m } } }",
          "g3:70 \"addresses\" and \"refresh\" go with \"url\"\n" },
        { "{ jwt: { " JWT " jwks: { url: 'https://192.0.2.7', refresh: 10 } } }",
          "g3:107 how often keys are fetched, as 10m, should stand here: 10 has no unit\n" },
        { "{ jwt: { " JWT " jwks: { url: 'https://192.0.2.7', refresh: 10s } } }",
          "g3:107 how often keys are fetched, as 10m, should stand here, from 1m to 1d\n" },
        { "{ jwt: { " JWT JWKS ", leeway: 500ms } }",
          "g3:92 how far clocks may differ, as 30s, should stand here, in whole seconds\n" },
        { "{ jwt: { " JWT JWKS ", leeway: 6m } }",
          "g3:92 how far clocks may differ, as 30s, should stand here, from 0ms to 5m\n" },
        { "{ jwt: { " JWT JWKS ", claims: [a, a, ''] } }",
          "g3:96 \"a\" is there twice\n"
          "g3:99 a list of claims, as [branch], should stand here, not \"\"\n" },
};

static void test_identity_faults(void **state)
{
        static const struct api_identity one[] = { { SPAN_INIT("token"), API_IDENTITY_BEARER } };
        static const struct api a = { .identities = one, .n_identities = 1 };
        struct buf text = BUF_INIT(1 << 16);

        for (size_t i = 0; i < ARRAY_LEN(identity_faults); i++) {
                buf_clear(&text);
                buf_printf(&text, "name: a\nidentity:\n  token: %s\n", identity_faults[i].token);
                check_faults(&a, buf_cstr(&text), UNIX, identity_faults[i].want);
        }
        buf_done(&text);
        (void)state;
}

/* ---- backend.yaml ---- */

static const struct {
        const char *backend, *want;
} backend_faults[] = {
        { "", "b0:0 where the back-end is, \"url\" or \"unix\", should stand here, not nothing\n" },
        { "x\n",
          "b1:1 where the back-end is, \"url\" or \"unix\", should stand here, not \"x\"\n" },
        { "timeout: { read: 1s }\n", "b1:1 a back-end needs \"url\" or \"unix\"\n" },
        { "unix: /run/x\nurl: http://127.0.0.1/\n",
          "b1:1 a back-end is either at a \"url\" or at a \"unix\" socket\n" },
        { "unix: run/x\n",
          "b1:7 the path of a socket, as /run/accounts.sock, should stand here, not \"run/x\"\n" },
        { "unix: /0123456789012345678901234567890123456789012345678901234567890123456789012345678"
          "901234567890123456789012345\n",
          "" },
        { "unix: /0123456789012345678901234567890123456789012345678901234567890123456789012345678"
          "9012345678901234567890123456\n",
          "b1:7 the path of a socket is at most 107 bytes long\n" },
        { "unix: /run/x\naddresses: [1.2.3.4]\ntls: { ca: /x }\n",
          "b2:1 \"addresses\" go with a \"url\"\nb3:1 \"tls\" goes with an https:// url\n" },
        { "url: http://127.0.0.1:8080\n", "" },
        { "url: http://[::1]:8080/api/\n", "" },
        { "url: http://10.0.0.1/\n", "b1:6? requests and answers go to the back-end in clear: "
                                     "https:// keeps them from who listens on the way\n" },
        { "url: https://10.0.0.1/\n", "" },
        { "url: https://x.internal/\n",
          "b1:6 \"addresses\" are missing: the addresses that x.internal may have\n" },
        { "url: https://x.internal/\naddresses: []\n",
          "b2:12 a list of addresses, as [10.1.2.3, \"2001:db8::7\"], should stand here, not a "
          "list\n" },
        { "url: https://x.internal/\naddresses: [10.1.2.3, '2001:db8::7']\n", "" },
        { "url: https://x.internal/\naddresses: [10.1.2, x, 10.1.2.3]\n",
          "b2:13 \"10.1.2\" is no IPv4 or IPv6 address\n"
          "b2:21 \"x\" is no IPv4 or IPv6 address\n" },
        { "url: http://127.0.0.1/\ntls: { ca: /x }\n", "b2:1 \"tls\" goes with an https:// url\n" },
        { "url: https://10.0.0.1\ntls: { nane: x }\n",
          "b2:8 unknown key \"nane\": did you mean \"name\"?\n" },
        { "url: https://10.0.0.1\ntimeout: { connect: 2, read: 11m, write: 1s }\n",
          "b2:21 a time, as 2s or 500ms, should stand here: 2 has no unit\n"
          "b2:30 a time, as 10s, should stand here, from 10ms to 10m\n"
          "b2:35 unknown key \"write\": timeout has connect, read\n" },
};

static const char *const bad_urls[] = {
        "accounts.internal",      "//x",          "https://",         "https://u@x",
        "https://u:p@x/",         "https://x:0/", "https://x:65536/", "https://x:/",
        "https://x/?q",           "https://x/#f", "https://x/a/../b", "https://x//",
        "https://[1.2.3.4]/",     "https://[::1", "https://[::1]x/",  "https://-x/",
        "https://x-.example/",    "https://x..y", "https://x./",      "https://.x/",
        "https://x/%41",          "HTTPS://x/",   "https://x/a b",    "https://x\\y",
        "https://ex\xc3\xa4mple",
};

static void test_backend_faults(void **state)
{
        struct buf text = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);

        for (size_t i = 0; i < ARRAY_LEN(backend_faults); i++)
                check_faults(&bare, "name: a\n", backend_faults[i].backend, backend_faults[i].want);
        for (size_t i = 0; i < ARRAY_LEN(bad_urls); i++) {
                buf_clear(&text);
                buf_clear(&want);
                buf_printf(&text, "url: '%s'\n", bad_urls[i]);
                buf_printf(&want,
                           "b1:6 a URL, as https://accounts.internal:8443/api, should stand here, "
                           "not \"%s\"\n",
                           bad_urls[i]);
                check_faults(&bare, "name: a\n", buf_cstr(&text), buf_cstr(&want));
        }
        buf_done(&text);
        buf_done(&want);
        (void)state;
}

/* ---- against the document ---- */

#define IDENTITY                                                                                   \
        "identity: { token: { opaque: true }, legacy: { pass: basic }, machine: { mutual: "        \
        "{ ca: /x } } }\n"
#define CLASSES                                                                                    \
        "classes: { pan: { mask: last4, record: digest }, pii.ssn: { mask: redact }, "             \
        "pii.name: { mask: first1 } }\n"

static const struct {
        const char *gateway, *want;
} document_faults[] = {
        { "name: a\n" IDENTITY CLASSES, "" },
        { "name: a\n", "g1:1 the security scheme \"legacy\" of openapi.yaml is missing below "
                       "\"identity\": how its callers are known\n"
                       "g1:1 the security scheme \"machine\" of openapi.yaml is missing below "
                       "\"identity\": how its callers are known\n"
                       "g1:1 the security scheme \"token\" of openapi.yaml is missing below "
                       "\"identity\": how its callers are known\n"
                       "g1:1 the data class \"pan\" of openapi.yaml is missing below \"classes\": "
                       "add pan: { mask: redact } or another mask\n"
                       "g1:1 the data class \"pii.name\" of openapi.yaml is missing below "
                       "\"classes\": add pii.name: { mask: redact } or another mask\n"
                       "g1:1 the data class \"pii.ssn\" of openapi.yaml is missing below "
                       "\"classes\": add pii.ssn: { mask: redact } or another mask\n" },
        { "name: a\n" IDENTITY "classes: { pan: { mask: lats4 }, pii.ssm: { mask: redact }, "
          "pii.name: {}, pii.ssn: { mask: encrypt, record: yes } }\n",
          "g3:25 unknown \"lats4\": did you mean \"last4\"?\n"
          "g3:34 openapi.yaml has no x-data-class \"pii.ssm\": did you mean \"pii.ssn\"?\n"
          "g3:71 a mask, as { mask: last4 }, should stand here, not a map\n"
          "g3:92 a mask, last4, first1, redact, hash, date-year or drop, should stand here, not "
          "\"encrypt\"\n"
          "g3:109? yes is a string and no boolean: write true, or \"yes\" in quotes\n"
          "g3:109 count or digest should stand here, not \"yes\"\n" },
        { "name: a\n" IDENTITY CLASSES "replay: digset\n",
          "g4:9 unknown \"digset\": did you mean \"digest\"?\n" },
        { "name: a\n" IDENTITY CLASSES "replay: true\n",
          "g4:9 none or digest should stand here, not true or false\n" },
        { "name: a\n" CLASSES "identity: { tokn: { opaque: true }, legacy: { opaque: true }, "
          "machine: x }\n",
          "g3:1 the security scheme \"token\" of openapi.yaml is missing below \"identity\": how "
          "its callers are known\n"
          "g3:13 openapi.yaml has no security scheme \"tokn\": did you mean \"token\"?\n"
          "g3:47 in openapi.yaml \"legacy\" is http basic: \"pass: basic\" goes with it\n"
          "g3:72 one of \"jwt\", \"opaque\", \"pass\" and \"mutual\" should stand here, not \"x\"\n" },
        { "name: a\n" IDENTITY CLASSES
          "limits: { listAcounts: { rate: 1/s }, \"*\": { rate: 5/m } }\n",
          "g4:11 openapi.yaml has no operation \"listAcounts\": did you mean \"listAccounts\"?\n" },
        { "name: a\n" IDENTITY CLASSES "cache: { getAccount: { for: 60s, by: rights }, "
          "listAccounts: { for: 60s, by: rights }, pay: { for: 1s }, gone: { for: 1s } }\n",
          "g4:48 callers of listAccounts show their own credential to the back-end, which answers "
          "by it: \"by: caller\" goes with that\n"
          "g4:88 only answers to GET are kept, and pay is a POST\n"
          "g4:106 openapi.yaml has no operation \"gone\"\n" },
        { "name: a\n" IDENTITY CLASSES "cache: { getAccount: { by: caller }, listAccounts: { for: "
          "2d, by: role } }\n",
          "g4:22 a cache needs \"for\"\n"
          "g4:59 a time, as 60s, should stand here, from 1s to 1d\n"
          "g4:67 caller or rights should stand here, not \"role\"\n" },
};

static void test_document_faults(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(document_faults); i++)
                check_faults(&api, document_faults[i].gateway, UNIX, document_faults[i].want);
        /* nothing is known of it: nothing is said of it */
        check_faults(NULL, "name: a\nlimits: { x: { rate: 1/s } }\ncache: { x: { for: 1s } }\n",
                     UNIX, "");
        (void)state;
}

/* ---- what it is when it is good ---- */

static void put_span(struct buf *b, const char *name, struct span s)
{
        buf_printf(b, " %s=%.*s", name, (int)s.n, (const char *)s.p);
}

static void put_spans(struct buf *b, const char *name, const struct span *s, uint32_t n)
{
        buf_printf(b, " %s=", name);
        for (uint32_t i = 0; i < n; i++)
                buf_printf(b, "%s%.*s", i ? "," : "", (int)s[i].n, (const char *)s[i].p);
}

static void put_identity(struct buf *b, const struct config_identity *i)
{
        put_span(b, "scheme", i->scheme);
        buf_printf(b, " kind=%d algorithms=%u refresh=%u leeway=%u", (int)i->kind, i->algorithms,
                   i->refresh_s, i->leeway_s);
        put_span(b, "issuer", i->issuer);
        put_span(b, "audience", i->audience);
        put_span(b, "file", i->jwks_file);
        put_span(b, "url", i->jwks_url);
        put_spans(b, "addresses", i->jwks_addresses, i->n_jwks_addresses);
        put_span(b, "caller", i->caller);
        put_span(b, "groups", i->groups);
        put_spans(b, "claims", i->claims, i->n_claims);
        put_span(b, "ca", i->ca_file);
        buf_put_byte(b, '\n');
}

static void put_backend(struct buf *b, const struct config_backend *e)
{
        put_span(b, "unix", e->unix_path);
        put_span(b, "host", e->host);
        put_span(b, "base", e->base);
        buf_printf(b, " tls=%d port=%u connect=%u read=%u", e->tls, e->port, e->connect_ms,
                   e->read_ms);
        put_spans(b, "addresses", e->addresses, e->n_addresses);
        put_span(b, "ca", e->ca_file);
        put_span(b, "name", e->tls_name);
        buf_put_byte(b, '\n');
}

static void put_config(struct buf *b, const struct config *c)
{
        put_span(b, "name", c->name);
        put_span(b, "base", c->base);
        buf_printf(b, " request=%u response=%u depth=%u%s\n", c->request_max, c->response_max,
                   c->depth_max, c->replay ? " replay" : "");
        for (uint32_t i = 0; i < c->n_identities; i++)
                put_identity(b, &c->identities[i]);
        for (uint32_t i = 0; i < c->n_classes; i++)
                buf_printf(b, " class=%.*s mask=%s digest=%d\n", (int)c->classes[i].name.n,
                           (const char *)c->classes[i].name.p, mask_name(c->classes[i].mask),
                           c->classes[i].digest);
        for (uint32_t i = 0; i < c->n_limits; i++) {
                const struct config_limit *l = &c->limits[i];

                put_span(b, "limit", l->operation);
                buf_printf(b, " rate=%u/%u burst=%u quota=%u/%u\n", l->rate, l->per_s, l->burst,
                           l->quota, l->quota_s);
        }
        for (uint32_t i = 0; i < c->n_caches; i++) {
                put_span(b, "cache", c->caches[i].operation);
                buf_printf(b, " for=%u rights=%d\n", c->caches[i].seconds, c->caches[i].by_rights);
        }
        put_backend(b, &c->backend);
}

static const char whole_gateway[] =
        "name: accounts-2\n"
        "base: /bank/v1\n"
        "identity:\n"
        "  token:\n"
        "    jwt:\n"
        "      issuer: https://id.example.org\n"
        "      audience: accounts\n"
        "      algorithms: [RS256, Ed25519]\n"
        "      jwks: { url: 'https://id.example.org/keys', addresses: [192.0.2.7], refresh: 1h }\n"
        "      caller: uid\n"
        "      groups: roles\n"
        "      claims: [branch, region]\n"
        "      leeway: 1m\n"
        "  legacy: { pass: basic }\n"
        "  machine: { mutual: { ca: /etc/ca.pem, caller: san-uri } }\n" CLASSES "limits:\n"
        "  pay: { rate: 10/m, quota: 5000/d }\n"
        "  getAccount: { quota: 3/h }\n"
        "  \"*\": { rate: 100/s, burst: 20 }\n"
        "cache:\n"
        "  listAccounts: { for: 60s }\n"
        "  getAccount: { for: 1h, by: rights }\n"
        "caps: { request: 1MiB, response: 2048B, depth: 8 }\n"
        "replay: digest\n";
static const char whole_backend[] = "url: https://accounts.internal:8443/api/\n"
                                    "addresses: [10.1.2.3, '2001:db8::7']\n"
                                    "tls: { ca: /etc/in.pem, name: other.internal }\n"
                                    "timeout: { connect: 500ms, read: 1m }\n";
static const char whole_want[] =
        " name=accounts-2 base=/bank/v1 request=1048576 response=2048 depth=8 replay\n"
        " scheme=legacy kind=2 algorithms=0 refresh=0 leeway=0 issuer= audience= file= url= "
        "addresses= caller= groups= claims= ca=\n"
        " scheme=machine kind=4 algorithms=0 refresh=0 leeway=0 issuer= audience= file= url= "
        "addresses= caller=san-uri groups= claims= ca=/etc/ca.pem\n"
        " scheme=token kind=0 algorithms=5 refresh=3600 leeway=60 issuer=https://id.example.org "
        "audience=accounts file= url=https://id.example.org/keys addresses=192.0.2.7 caller=uid "
        "groups=roles claims=branch,region ca=\n"
        " class=pan mask=last4 digest=1\n"
        " class=pii.name mask=first1 digest=0\n"
        " class=pii.ssn mask=redact digest=0\n"
        " limit=* rate=100/1 burst=20 quota=0/0\n"
        " limit=getAccount rate=0/0 burst=0 quota=3/3600\n"
        " limit=pay rate=10/60 burst=10 quota=5000/86400\n"
        " cache=getAccount for=3600 rights=1\n"
        " cache=listAccounts for=60 rights=0\n"
        " unix= host=accounts.internal base=/api tls=1 port=8443 connect=500 read=60000 "
        "addresses=10.1.2.3,2001:db8::7 ca=/etc/in.pem name=other.internal\n";

/* What holds where nothing is said. */
static const char least_gateway[] =
        "name: a\n"
        "identity: { token: { jwt: { " JWT
        " jwks: { url: 'https://192.0.2.7/k' } } }, legacy: { pass: basic }, machine: { mutual: { "
        "ca: /x } } }\n" CLASSES;
static const char least_want[] =
        " name=a base= request=65536 response=1048576 depth=32\n"
        " scheme=legacy kind=2 algorithms=0 refresh=0 leeway=0 issuer= audience= file= url= "
        "addresses= caller= groups= claims= ca=\n"
        " scheme=machine kind=4 algorithms=0 refresh=0 leeway=0 issuer= audience= file= url= "
        "addresses= caller=subject-cn groups= claims= ca=/x\n"
        " scheme=token kind=0 algorithms=2 refresh=600 leeway=30 issuer=i audience=a file= "
        "url=https://192.0.2.7/k addresses= caller=sub groups= claims= ca=\n"
        " class=pan mask=last4 digest=1\n"
        " class=pii.name mask=first1 digest=0\n"
        " class=pii.ssn mask=redact digest=0\n"
        " unix= host=10.0.0.1 base= tls=1 port=443 connect=2000 read=10000 addresses= ca= "
        "name=10.0.0.1\n";

static void check_whole(const char *gateway, const char *backend, const char *want)
{
        static struct reading r;
        struct buf b = BUF_INIT(1 << 20);

        read_both(&r, &api, gateway, backend);
        put_faults(&r.l, &b);
        assert_string_equal(buf_cstr(&b), "");
        put_config(&b, &r.config);
        assert_string_equal(buf_cstr(&b), want);
        buf_done(&b);
        reading_done(&r);
}

static void test_whole(void **state)
{
        check_whole(whole_gateway, whole_backend, whole_want);
        check_whole(least_gateway, "url: https://10.0.0.1\n", least_want);
        (void)state;
}

/* ---- as one line each ---- */

static void put_lines(struct buf *b, const struct config *c)
{
        for (uint32_t i = 0; i < c->n_identities; i++) {
                config_put_identity(&c->identities[i], b);
                buf_put_byte(b, '\n');
        }
        for (uint32_t i = 0; i < c->n_classes; i++) {
                config_put_class(&c->classes[i], b);
                buf_put_byte(b, '\n');
        }
        for (uint32_t i = 0; i < c->n_limits; i++) {
                config_put_limit(&c->limits[i], b);
                buf_put_byte(b, '\n');
        }
        for (uint32_t i = 0; i < c->n_caches; i++) {
                config_put_cache(&c->caches[i], b);
                buf_put_byte(b, '\n');
        }
        config_put_caps(c, b);
        buf_put_byte(b, '\n');
        config_put_backend(&c->backend, b);
        buf_put_byte(b, '\n');
}

static void check_lines(const char *gateway, const char *backend, const char *want)
{
        static struct reading r;
        struct buf b = BUF_INIT(1 << 20);

        read_both(&r, &api, gateway, backend);
        assert_int_equal(r.rc, 0);
        put_lines(&b, &r.config);
        assert_string_equal(buf_cstr(&b), want);
        buf_done(&b);
        reading_done(&r);
}

static void test_lines(void **state)
{
        check_lines(whole_gateway, whole_backend,
                    "basic, passed to the back-end\n"
                    "certificate of /etc/ca.pem, caller san-uri\n"
                    "jwt of https://id.example.org for accounts, RS256 or EdDSA, keys from "
                    "https://id.example.org/keys at 192.0.2.7 every 1h, caller uid, groups roles, "
                    "claims branch, region, leeway 1m\n"
                    "last4, recorded as digest\n"
                    "first1, recorded as count\n"
                    "redact, recorded as count\n"
                    "100/s, burst 20\n"
                    "quota 3/h\n"
                    "10/m, burst 10, quota 5000/d\n"
                    "for 1h by rights\n"
                    "for 1m by caller\n"
                    "request 1MiB, response 2KiB, depth 8\n"
                    "https://accounts.internal:8443/api at 10.1.2.3, 2001:db8::7, ca /etc/in.pem, "
                    "certificate of other.internal, connect 500ms, read 1m\n");
        check_lines("name: a\nidentity: { token: { jwt: { " JWT
                    " jwks: { file: /k }, leeway: 0s } }, "
                    "legacy: { pass: basic }, machine: { mutual: { ca: /x } } }\n" CLASSES
                    "caps: { request: 1000B }\n",
                    "url: http://[::1]:80/\n",
                    "basic, passed to the back-end\n"
                    "certificate of /x, caller subject-cn\n"
                    "jwt of i for a, ES256, keys in /k, caller sub, leeway 0s\n"
                    "last4, recorded as digest\n"
                    "first1, recorded as count\n"
                    "redact, recorded as count\n"
                    "request 1000B, response 1MiB, depth 32\n"
                    "http://[::1], connect 2s, read 10s\n");
        (void)state;
}

static void test_masks(void **state)
{
        static const char *const names[] = { "last4", "first1",    "redact",
                                             "hash",  "date-year", "drop" };

        assert_int_equal(ARRAY_LEN(names), MASKS);
        for (size_t i = 0; i < MASKS; i++)
                assert_string_equal(mask_name((enum mask)i), names[i]);
        (void)state;
}

static void test_memory(void **state)
{
        static struct reading r;
        const struct source_node *g, *b;
        int rc = -ENOMEM;

        r = (struct reading){ .arena = ARENA_INIT(1 << 20) };
        lint_init(&r.l);
        g = yaml(&r, "gateway.yaml", whole_gateway);
        b = yaml(&r, "backend.yaml", whole_backend);
        for (size_t max = 0; rc < 0; max += 16) {
                struct arena arena = ARENA_INIT(max);
                struct config c;

                rc = config_read(g, b, &api, &arena, &r.l, &c, NULL);
                assert_true(rc == 0 || rc == -ENOMEM);
                assert_int_equal(r.l.errors, 0);
                arena_done(&arena);
        }
        for (size_t nth = 1;; nth++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct config c;

                alloc_fail_nth = nth;
                rc = config_read(g, b, &api, &arena, &r.l, &c, NULL);
                alloc_fail_nth = 0;
                arena_done(&arena);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
        reading_done(&r);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gateway_faults), cmocka_unit_test(test_identity_faults),
                cmocka_unit_test(test_backend_faults), cmocka_unit_test(test_document_faults),
                cmocka_unit_test(test_whole),          cmocka_unit_test(test_lines),
                cmocka_unit_test(test_masks),          cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
