/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "token_maker.h"

enum { NOW = 1800000000, ARENA = 4 << 20, TEXT = 4096, SCHEMES = 7 };

/* ---- a package, as far as it matters ---- */

#define JWT_OF(name, by)                                                                           \
        {                                                                                          \
                .scheme = SPAN_INIT(name), .kind = CONFIG_JWT, .issuer = SPAN_INIT(by),            \
                .audience = SPAN_INIT("bank"), .algorithms = JWT_EDDSA | JWT_ES256,                \
                .caller = SPAN_INIT("sub"), .groups = SPAN_INIT("groups"), .claims = asked,        \
                .n_claims = ARRAY_LEN(asked)                                                       \
        }

static const struct span asked[] = { SPAN_INIT("branch") };

/* Ascending by name. */
enum { JWT_A, JWT_B, LEGACY, MACHINE, PROXY, SITE, TICKET };

static const struct config_identity identities[SCHEMES] = {
        [JWT_A] = JWT_OF("jwt-a", "https://a"),
        [JWT_B] = JWT_OF("jwt-b", "https://b"),
        [LEGACY] = { .scheme = SPAN_INIT("legacy"), .kind = CONFIG_PASS_BASIC },
        [MACHINE] = { .scheme = SPAN_INIT("machine"),
                      .kind = CONFIG_MUTUAL,
                      .ca_file = SPAN_INIT("/ca/partners.pem"),
                      .caller = SPAN_INIT("subject-cn") },
        [PROXY] = { .scheme = SPAN_INIT("proxy"), .kind = CONFIG_PASS_BEARER },
        [SITE] = { .scheme = SPAN_INIT("site"),
                   .kind = CONFIG_MUTUAL,
                   .ca_file = SPAN_INIT("/ca/sites.pem"),
                   .caller = SPAN_INIT("san-uri") },
        [TICKET] = { .scheme = SPAN_INIT("ticket"), .kind = CONFIG_OPAQUE },
};

static const struct package package = {
        .config = { .identities = identities, .n_identities = SCHEMES },
};

/* "0+3|6|": alternatives by number, the last one without schemes.  NULL: there are none. */
struct wanted {
        uint32_t schemes[API_SECURITY_MAX][SCHEMES];
        struct api_security list[API_SECURITY_MAX];
        struct api_operation operation;
};

static void want(const char *text, struct wanted *w)
{
        struct api_security *at = w->list;

        *w = (struct wanted){ .operation = { .security = w->list, .n_security = text != NULL } };
        at->schemes = w->schemes[0];
        for (; text && *text; text++)
                if (*text == '|') {
                        at++;
                        at->schemes = w->schemes[w->operation.n_security++];
                } else if (*text != '+') {
                        w->schemes[at - w->list][at->n++] = (uint32_t)(*text - '0');
                }
}

/* ---- tokens and keys ---- */

/* Of 32 bytes 00 01 ... 1f, ff and 00. */
#define TICKET_ANN   "as1_aaaaaaaaaaaaaaaa_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define TICKET_PAY   "as1_mfrggzdfmztwq2lk___________________________________________8"
#define TICKET_OLD   "as1_zzzzzzzzzzzzzzz7_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define TICKET_FALSE "as1_aaaaaaaaaaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
static const char tickets[] =
        "{\"tokens\":[{\"caller\":\"ann\",\"groups\":[\"tellers\"],\"id\":\"aaaaaaaaaaaaaaaa\","
        "\"sha256\":\"630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd\","
        "\"until\":1800000060},"
        "{\"caller\":\"payroll\",\"groups\":[],\"id\":\"mfrggzdfmztwq2lk\","
        "\"sha256\":\"af9613760f72635fbdb44a5a0a63c39f12af30f950a6ee5c971be188e89c4051\","
        "\"until\":1800000060},"
        "{\"caller\":\"ann\",\"groups\":[],\"id\":\"zzzzzzzzzzzzzzz7\","
        "\"sha256\":\"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925\","
        "\"until\":1800000000}]}\n";

#define CLAIMS(iss, sub, more)                                                                     \
        "{\"iss\":\"" iss "\",\"aud\":\"bank\",\"sub\":\"" sub "\",\"exp\":1800000060" more "}"
#define BY_D "{\"alg\":\"EdDSA\",\"kid\":\"d\"}"

static const struct made {
        const char *name;
        enum jws_algorithm by;
        const char *header, *claims;
} made[] = {
        { "$ann", JWS_EDDSA, BY_D,
          CLAIMS("https://a", "ann", ",\"groups\":[\"staff\"],\"branch\":\"north\"") },
        { "$bob", JWS_EDDSA, BY_D, CLAIMS("https://a", "bob", "") },
        { "$b_ann", JWS_ES256, "{\"alg\":\"ES256\",\"kid\":\"e\"}",
          CLAIMS("https://b", "ann", "") },
        { "$b_kid", JWS_ES256, "{\"alg\":\"ES256\",\"kid\":\"new\"}",
          CLAIMS("https://b", "ann", "") },
        { "$old", JWS_EDDSA, BY_D,
          "{\"iss\":\"https://a\",\"aud\":\"bank\",\"sub\":\"ann\",\"exp\":1800000000}" },
        { "$forged", JWS_ES256, BY_D, CLAIMS("https://a", "ann", "") },
};

static struct token_maker *maker;

struct source {
        struct jwks *a, *b;
        unsigned refetched[SCHEMES];
};

static const struct jwks *set_of(void *ctx, const struct config_identity *i)
{
        const struct source *s = ctx;

        assert_true(i == &identities[JWT_A] || i == &identities[JWT_B]);
        return i == &identities[JWT_A] ? s->a : s->b;
}

static void refetch(void *ctx, const struct config_identity *i)
{
        struct source *s = ctx;

        s->refetched[i - identities]++;
}

static struct jwks *set_from(const char *text)
{
        struct jwks *k = NULL;

        assert_int_equal(jwks_read(span_str(text), &k, NULL), 0);
        return k;
}

#define SET_A "{\"keys\":[{" MAKER_ED ",\"kid\":\"d\"}]}"
#define SET_B "{\"keys\":[{" MAKER_EC ",\"kid\":\"e\"}]}"

static struct source source;
static struct credential_keys keys = { .jwks = set_of, .refetch = refetch, .ctx = &source };

static int set_up(void **state)
{
        struct tokens *t = NULL;
        int rc = tokens_read(SPAN(tickets), &t, NULL);

        keys.tokens = t;
        maker = token_maker_new();
        source.a = set_from(SET_A);
        source.b = set_from(SET_B);
        return rc;
}

static int tear_down(void **state)
{
        token_maker_free(maker);
        jwks_free(source.a);
        jwks_free(source.b);
        tokens_free((struct tokens *)keys.tokens);
        return 0;
}

/* "Bearer $ann": with the token of that name. */
static void put_header(const char *text, struct buf *out)
{
        const char *dollar = strchr(text, '$');

        buf_put(out, span_of(text, dollar ? (size_t)(dollar - text) : strlen(text)));
        for (size_t i = 0; dollar && i < ARRAY_LEN(made); i++)
                if (strcmp(dollar, made[i].name) == 0)
                        token_maker_put(maker, made[i].by, made[i].header, made[i].claims, out);
}

/* ---- one call ---- */

struct call {
        const char *security;
        const char *shown, *again; /* of Authorization; NULL: it is not there */
        const char *ca, *cn, *uri; /* of a certificate */
};

/* Rows of tables. */
#define SHOWN(security, shown)                                                                     \
        {                                                                                          \
                security, shown, NULL, NULL, NULL, NULL                                            \
        }
#define TWICE(security, shown, again)                                                              \
        {                                                                                          \
                security, shown, again, NULL, NULL, NULL                                           \
        }
#define CERT(security, shown, ca, cn, uri)                                                         \
        {                                                                                          \
                security, shown, NULL, ca, cn, uri                                                 \
        }
#define IN(call, caller, scheme, pass, group, branch, unverified)                                  \
        {                                                                                          \
                call, caller, scheme, pass, group, branch, unverified                              \
        }
#define OUT(call, reason, text, refetched)                                                         \
        {                                                                                          \
                call, reason, text, refetched                                                      \
        }
#define KEYS(call, rc, reason, refetched)                                                          \
        {                                                                                          \
                call, rc, reason, refetched                                                        \
        }
#define PARTNERS "/ca/partners.pem"
#define SITES    "/ca/sites.pem"

struct outcome {
        struct arena arena;
        struct credential c;
        struct refusal refusal;
        int rc;
};

static void check(const struct call *call, struct outcome *o)
{
        CLEANUP(buf_done) struct buf shown = BUF_INIT(TEXT), again = BUF_INIT(TEXT);
        struct request_raw raw = { .now_ns = NOW * NS_PER_S + 999999999 };
        struct http_header headers[3];
        struct request q = { .raw = &raw, .headers = headers };
        struct wanted w;

        if (call->ca) {
                raw.client_ca = span_str(call->ca);
                raw.client_subject_cn = call->cn ? span_str(call->cn) : SPAN_NONE;
                raw.client_san_uri = call->uri ? span_str(call->uri) : SPAN_NONE;
        }
        headers[q.n_headers++] = (struct http_header){ SPAN("accept"), SPAN("*/*") };
        if (call->shown) {
                put_header(call->shown, &shown);
                headers[q.n_headers++] =
                        (struct http_header){ SPAN("authorization"), buf_span(&shown) };
        }
        if (call->again) {
                put_header(call->again, &again);
                headers[q.n_headers++] =
                        (struct http_header){ SPAN("authorization"), buf_span(&again) };
        }
        want(call->security, &w);
        memset(source.refetched, 0, sizeof source.refetched);
        *o = (struct outcome){ .arena = ARENA_INIT(ARENA) };
        o->rc = credential_check(&package, &w.operation, &q, &keys, &o->arena, &o->c, &o->refusal);
        if (o->rc == -EACCES && shown.n > 12) /* "Bearer " and some */
                assert_null(strstr(o->refusal.text, buf_cstr(&shown) + 7));
}

/* ---- who is let in ---- */

static void who_is_let_in(void **state)
{
        static const struct {
                struct call call;
                const char *caller, *scheme, *pass, *group, *branch; /* NULL: none */
                bool unverified;
        } t[] = {
                /* nobody is asked */
                IN(SHOWN(NULL, NULL), "", "", "", NULL, NULL, true),
                IN(TWICE(NULL, "Bearer rubbish", "x"), "", "", "", NULL, NULL, true),
                IN(SHOWN("", NULL), "", "", "", NULL, NULL, true),
                IN(SHOWN("0|", NULL), "", "", "", NULL, NULL, true),
                IN(SHOWN("|0", NULL), "", "", "", NULL, NULL, true),
                IN(SHOWN("0|", "Basic YTpi"), "", "", "", NULL, NULL, true),
                IN(CERT("3|", NULL, SITES, "x", NULL), "", "", "", NULL, NULL, true),
                /* one scheme */
                IN(SHOWN("0", "Bearer $ann"), "ann", "jwt-a", "", "staff", "north", false),
                IN(SHOWN("0", "bEARER $bob"), "bob", "jwt-a", "", NULL, NULL, false),
                IN(SHOWN("1", "Bearer $b_ann"), "ann", "jwt-b", "", NULL, NULL, false),
                IN(SHOWN("6", "Bearer " TICKET_ANN), "ann", "ticket", "", "tellers", NULL, false),
                IN(CERT("3", NULL, PARTNERS, "payroll", "u"), "payroll", "machine", "", NULL, NULL,
                   false),
                IN(CERT("5", NULL, SITES, "x", "spiffe://a/b"), "spiffe://a/b", "site", "", NULL,
                   NULL, false),
                IN(SHOWN("2", "BASIC YW5uOnB3"), "unverified:ann", "legacy", "Basic YW5uOnB3",
                   "unverified", NULL, true),
                /* "j\xc3\xb6rg:\xe4", "a::", "a:" */
                IN(SHOWN("2", "Basic asO2cmc65A=="), "unverified:j\xc3\xb6rg", "legacy",
                   "Basic asO2cmc65A==", "unverified", NULL, true),
                IN(SHOWN("2", "Basic YTo6"), "unverified:a", "legacy", "Basic YTo6", "unverified",
                   NULL, true),
                IN(SHOWN("2", "Basic YTo="), "unverified:a", "legacy", "Basic YTo=", "unverified",
                   NULL, true),
                IN(SHOWN("4", "bearer a.b~c-d_e+f/g=="), "unverified:", "proxy",
                   "Bearer a.b~c-d_e+f/g==", "unverified", NULL, true),
                /* alternatives: the first that is good */
                IN(SHOWN("0|6", "Bearer " TICKET_PAY), "payroll", "ticket", "", NULL, NULL, false),
                IN(SHOWN("6|0", "Bearer $ann"), "ann", "jwt-a", "", "staff", "north", false),
                IN(SHOWN("0|1", "Bearer $b_ann"), "ann", "jwt-b", "", NULL, NULL, false),
                IN(CERT("2|3", NULL, PARTNERS, "m", NULL), "m", "machine", "", NULL, NULL, false),
                IN(SHOWN("|0", "Bearer $ann"), "ann", "jwt-a", "", "staff", "north", false),
                IN(SHOWN("0|4", "Bearer $old"), "unverified:", "proxy", "Bearer ", "unverified",
                   NULL, true),
                IN(CERT("0+3|0", "Bearer $ann", PARTNERS, "bob", NULL), "ann", "jwt-a", "", "staff",
                   "north", false),
                /* several together: JWT, opaque token, certificate name the caller in this order */
                IN(CERT("0+3", "Bearer $ann", PARTNERS, "ann", NULL), "ann", "jwt-a", "", "staff",
                   "north", false),
                IN(CERT("3+0", "Bearer $ann", PARTNERS, "ann", NULL), "ann", "jwt-a", "", "staff",
                   "north", false),
                IN(CERT("3+6", "Bearer " TICKET_ANN, PARTNERS, "ann", NULL), "ann", "ticket", "",
                   "tellers", NULL, false),
                /* what nobody verified names nobody beside one who was */
                IN(CERT("2+3", "Basic YW5uOnB3", PARTNERS, "proxy1", NULL), "proxy1", "machine",
                   "Basic YW5uOnB3", NULL, NULL, false),
                IN(SHOWN("0+4", "Bearer $ann"), "ann", "jwt-a", "Bearer ", "staff", "north", false),
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                const struct credential *c;
                struct outcome o;

                check(&t[i].call, &o);
                c = &o.c;
                if (o.rc)
                        fail_msg("%zu: %d: %s", i, o.rc, o.refusal.text);
                assert_true(span_eq_str(c->proof.id, t[i].caller));
                assert_true(span_eq_str(c->scheme, t[i].scheme));
                assert_true(span_eq_str(
                        c->passed, /* the one of "2+3" beside a certificate */
                        t[i].pass[0] == 'B' && t[i].pass[1] == 'a' && !t[i].unverified ? "ann"
                                                                                       : ""));
                assert_true((c->proof.identity != NULL) == (t[i].scheme[0] != 0));
                assert_int_equal(c->verified, !t[i].unverified);
                assert_int_equal(c->proof.n_groups, t[i].group != NULL);
                if (t[i].group)
                        assert_true(span_eq_str(c->proof.groups[0], t[i].group));
                if (c->proof.identity && c->proof.identity->n_claims)
                        assert_true(span_eq(c->proof.claims[0],
                                            t[i].branch ? span_str(t[i].branch) : SPAN_NONE));
                if (strcmp(t[i].pass, "Bearer ") == 0) /* and the token that was shown */
                        assert_true(span_starts(c->pass, SPAN("Bearer ey")));
                else
                        assert_true(span_eq_str(c->pass, t[i].pass));
                for (size_t k = 0; k < SCHEMES; k++)
                        assert_int_equal(source.refetched[k], 0);
                arena_done(&o.arena);
        }
}

/* ---- who is not ---- */

static void who_is_not(void **state)
{
        static const struct {
                struct call call;
                enum refusal_reason reason;
                const char *text;
                int refetched; /* which identity's keys; -1: none */
        } t[] = {
                /* nothing shown */
                OUT(SHOWN("0", NULL), REFUSED_NO_CREDENTIAL, "jwt-a: not shown", -1),
                OUT(SHOWN("3|0", NULL), REFUSED_NO_CREDENTIAL, "machine: not shown", -1),
                OUT(SHOWN("0", "Basic YTpi"), REFUSED_NO_CREDENTIAL, "jwt-a", -1),
                OUT(SHOWN("2", "Bearer $ann"), REFUSED_NO_CREDENTIAL, "legacy", -1),
                OUT(SHOWN("0", "Digest username=\"ann\""), REFUSED_NO_CREDENTIAL, "jwt-a", -1),
                OUT(SHOWN("0", "BearerX $ann"), REFUSED_NO_CREDENTIAL, "jwt-a", -1),
                OUT(SHOWN("0", "Bearer\tx.y.z"), REFUSED_NO_CREDENTIAL, "jwt-a", -1),
                OUT(SHOWN("0", ""), REFUSED_NO_CREDENTIAL, "jwt-a", -1),
                OUT(SHOWN("0+3", "Bearer $ann"), REFUSED_NO_CREDENTIAL, "machine: not shown", -1),
                OUT(CERT("0+3", "Bearer $ann", SITES, "ann", NULL), REFUSED_NO_CREDENTIAL,
                    "machine", -1),
                OUT(CERT("3", NULL, "", "ann", NULL), REFUSED_NO_CREDENTIAL, "machine", -1),
                OUT(CERT("3", NULL, "/ca/partners.pe", "ann", NULL), REFUSED_NO_CREDENTIAL,
                    "machine", -1),
                /* headers */
                OUT(SHOWN("0", "Bearer"), REFUSED_CREDENTIAL, "jwt-a: malformed", -1),
                OUT(SHOWN("0", "Bearer "), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("0", "Bearer  $ann"), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("0", "Bearer a.b.c, Basic YTpi"), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("0", "Bearer a.b.c d"), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("4", "Bearer ="), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("4", "Bearer a=b"), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("4", "Bearer a\xff"), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("4", "Bearer \"a\""), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(TWICE("0", "Bearer $ann", "Bearer $ann"), REFUSED_CREDENTIAL,
                    "two Authorization headers", -1),
                OUT(TWICE("4", "Bearer $ann", "Bearer $bob"), REFUSED_CREDENTIAL,
                    "two Authorization headers", -1),
                OUT(TWICE("2", "x", "Basic YTpi"), REFUSED_CREDENTIAL, "two Authorization headers",
                    -1),
                /* JWT */
                OUT(SHOWN("0", "Bearer $old"), REFUSED_CREDENTIAL, "jwt-a: expired", -1),
                OUT(SHOWN("0", "Bearer $forged"), REFUSED_CREDENTIAL, "jwt-a: signature", -1),
                OUT(SHOWN("0", "Bearer " TICKET_ANN), REFUSED_CREDENTIAL, "jwt-a: malformed", -1),
                OUT(SHOWN("1", "Bearer $b_kid"), REFUSED_CREDENTIAL, "jwt-b: key", JWT_B),
                OUT(SHOWN("1|1+3|3+1", "Bearer $b_kid"), REFUSED_CREDENTIAL, "jwt-b: key", JWT_B),
                OUT(SHOWN("0|6", "Bearer $old"), REFUSED_CREDENTIAL, "jwt-a: expired", -1),
                OUT(SHOWN("6|0", "Bearer $old"), REFUSED_CREDENTIAL, "jwt-a: expired", -1),
                OUT(SHOWN("0|", "Bearer $old"), REFUSED_CREDENTIAL, "jwt-a: expired", -1),
                OUT(SHOWN("|0", "Bearer $forged"), REFUSED_CREDENTIAL, "jwt-a: signature", -1),
                /* opaque tokens */
                OUT(SHOWN("6", "Bearer " TICKET_OLD), REFUSED_CREDENTIAL, "ticket: expired", -1),
                OUT(SHOWN("6", "Bearer " TICKET_FALSE), REFUSED_CREDENTIAL, "ticket: secret", -1),
                OUT(SHOWN("6", "Bearer $ann"), REFUSED_CREDENTIAL, "ticket: malformed", -1),
                OUT(SHOWN("0|6", "Bearer " TICKET_FALSE), REFUSED_CREDENTIAL, "ticket: secret", -1),
                /* certificates */
                OUT(CERT("3", NULL, PARTNERS, NULL, NULL), REFUSED_CREDENTIAL,
                    "machine: the certificate names no caller", -1),
                OUT(CERT("3", NULL, PARTNERS, NULL, "u"), REFUSED_CREDENTIAL, "names no caller",
                    -1),
                OUT(CERT("5", NULL, SITES, "x", NULL), REFUSED_CREDENTIAL, "names no caller", -1),
                OUT(CERT("3", NULL, PARTNERS, "a\nb", NULL), REFUSED_CREDENTIAL, "names no caller",
                    -1),
                OUT(CERT("3", NULL, PARTNERS, "a\xff", NULL), REFUSED_CREDENTIAL, "names no caller",
                    -1),
                OUT(CERT("3", NULL, PARTNERS, "unverified:ann", NULL), REFUSED_CREDENTIAL,
                    "names no caller", -1),
                OUT(CERT("3|", NULL, PARTNERS, NULL, NULL), REFUSED_CREDENTIAL, "names no caller",
                    -1),
                /* basic: no colon, no user, control characters, no UTF-8, no base64 */
                OUT(SHOWN("2", "Basic YW5u"), REFUSED_CREDENTIAL, "legacy: malformed", -1),
                OUT(SHOWN("2", "Basic OnB3"), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("2", "Basic YQpiOmM="), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("2", "Basic YTpiAGM="), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("2", "Basic /zph"), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("2", "Basic YTpi="), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("2", "Basic YTo"), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("2", "Basic YTp="), REFUSED_CREDENTIAL, "malformed", -1),
                OUT(SHOWN("2", "Basic a.b"), REFUSED_CREDENTIAL, "malformed", -1),
                /* two that name different callers */
                OUT(CERT("0+3", "Bearer $ann", PARTNERS, "bob", NULL), REFUSED_CREDENTIAL,
                    "another caller", -1),
                OUT(CERT("3+6", "Bearer " TICKET_PAY, PARTNERS, "ann", NULL), REFUSED_CREDENTIAL,
                    "another caller", -1),
                OUT(CERT("0+3|", "Bearer $ann", PARTNERS, "Ann", NULL), REFUSED_CREDENTIAL,
                    "another caller", -1),
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct outcome o;

                check(&t[i].call, &o);
                if (o.rc != -EACCES || o.refusal.reason != t[i].reason ||
                    !strstr(o.refusal.text, t[i].text))
                        fail_msg("%zu: %d, %d, \"%s\"", i, o.rc, (int)o.refusal.reason,
                                 o.refusal.text);
                for (int k = 0; k < SCHEMES; k++)
                        assert_int_equal(source.refetched[k], k == t[i].refetched);
                arena_done(&o.arena);
        }
}

/* Together with "unverified:" a user's name is an id, of 1024 bytes at most. */
static void names_of_users(void **state)
{
        static const struct {
                size_t n;
                int rc;
        } t[] = { { 1, 0 }, { 1013, 0 }, { 1014, -EACCES }, { 2000, -EACCES } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf header = BUF_INIT(TEXT);
                char user[2002] = { 0 };
                struct outcome o;

                memset(user, 'u', t[i].n);
                user[t[i].n] = ':';
                buf_put_str(&header, "Basic ");
                text_put_base64(&header, span_str(user));
                check(&(struct call)SHOWN("2", buf_cstr(&header)), &o);
                assert_int_equal(o.rc, t[i].rc);
                if (o.rc == 0)
                        assert_int_equal(o.c.proof.id.n, strlen("unverified:") + t[i].n);
                arena_done(&o.arena);
        }
}

/* A server that does not know its keys yet does not say that a token is bad. */
static void no_keys_yet(void **state)
{
        static const struct {
                struct call call;
                int rc;
                enum refusal_reason reason;
                unsigned refetched;
        } t[] = {
                KEYS(SHOWN("0", "Bearer $ann"), -EACCES, REFUSED_KEYS, 1),
                KEYS(SHOWN("0|", "Bearer $ann"), -EACCES, REFUSED_KEYS, 1),
                KEYS(SHOWN("0|6", "Bearer $ann"), -EACCES, REFUSED_KEYS, 1),
                KEYS(SHOWN("0|6", "Bearer " TICKET_ANN), 0, REFUSED_NOT, 0),
                KEYS(SHOWN("0|6", "Bearer " TICKET_OLD), -EACCES, REFUSED_CREDENTIAL, 0),
                KEYS(SHOWN("0", NULL), -EACCES, REFUSED_NO_CREDENTIAL, 0),
                KEYS(SHOWN("0|", NULL), 0, REFUSED_NOT, 0),
        };
        struct jwks *a = source.a;

        source.a = NULL;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct outcome o;

                check(&t[i].call, &o);
                assert_int_equal(o.rc, t[i].rc);
                assert_int_equal(o.refusal.reason, t[i].reason);
                assert_int_equal(source.refetched[JWT_A], t[i].refetched);
                arena_done(&o.arena);
        }
        source.a = a;
}

static void no_tokens(void **state)
{
        static const struct call call = SHOWN("6", "Bearer " TICKET_ANN);
        const struct tokens *tokens = keys.tokens;
        struct outcome o;

        keys.tokens = NULL;
        check(&call, &o);
        keys.tokens = tokens;
        assert_int_equal(o.rc, -EACCES);
        assert_string_equal(o.refusal.text, "ticket: unknown");
        arena_done(&o.arena);
}

/* Tokens and keys are read anew while a call is on its way. */
static void a_caller_outlives_keys_and_tokens(void **state)
{
        static const struct {
                struct call call;
                const char *group;
        } t[] = {
                { SHOWN("6", "Bearer " TICKET_ANN), "tellers" },
                { SHOWN("0", "Bearer $ann"), "staff" },
        };
        const struct tokens *tokens = keys.tokens;
        struct jwks *a = source.a;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct tokens *once = NULL;
                struct outcome o;

                assert_int_equal(tokens_read(SPAN(tickets), &once, NULL), 0);
                keys.tokens = once;
                source.a = set_from(SET_A);
                check(&t[i].call, &o);
                tokens_free(once);
                jwks_free(source.a);
                assert_int_equal(o.rc, 0);
                assert_true(span_eq_str(o.c.proof.id, "ann"));
                assert_true(span_eq_str(o.c.proof.groups[0], t[i].group));
                arena_done(&o.arena);
        }
        keys.tokens = tokens;
        source.a = a;
}

/* ---- remembered tokens ---- */

static void a_remembered_token(void **state)
{
        static const struct call ann = SHOWN("0", "Bearer $ann"), old = SHOWN("0", "Bearer $old");
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = NULL;
        CLEANUP(buf_done) struct buf token = BUF_INIT(TEXT);
        uint8_t digest[JWT_MEMORY_DIGEST], old_digest[JWT_MEMORY_DIGEST];
        struct jwks *a = source.a;
        struct jwt_caller caller;
        struct outcome o;

        assert_int_equal(jwt_memory_new(64, &m), 0);
        keys.memory = m;
        put_header("$ann", &token);
        jwt_memory_digest(m, buf_span(&token), &identities[JWT_A], a, digest);
        for (int i = 0; i < 3; i++) {
                check(&ann, &o);
                assert_int_equal(o.rc, 0);
                assert_true(span_eq_str(o.c.proof.id, "ann"));
                assert_true(span_eq_str(o.c.proof.groups[0], "staff"));
                assert_true(span_eq_str(o.c.proof.claims[0], "north"));
                assert_int_equal(jwt_memory_find(m, digest, NOW, &o.arena, &caller), 1);
                arena_done(&o.arena);
        }
        /* of a bad one that it is bad */
        buf_clear(&token);
        put_header("$old", &token);
        jwt_memory_digest(m, buf_span(&token), &identities[JWT_A], a, old_digest);
        for (int i = 0; i < 2; i++) {
                check(&old, &o);
                assert_string_equal(o.refusal.text, "jwt-a: expired");
                assert_int_equal(jwt_memory_refused(m, old_digest, NOW), JWT_EXPIRED);
                arena_done(&o.arena);
        }
        /* which is believed */
        jwt_memory_free(m);
        assert_int_equal(jwt_memory_new(64, &m), 0);
        keys.memory = m;
        jwt_memory_digest(m, buf_span(&token), &identities[JWT_A], a, old_digest);
        jwt_memory_refuse(m, old_digest, JWT_SIGNATURE, NOW);
        check(&old, &o);
        assert_string_equal(o.refusal.text, "jwt-a: signature");
        arena_done(&o.arena);
        check(&ann, &o);
        assert_int_equal(o.rc, 0);
        arena_done(&o.arena);
        /* its key is withdrawn: what was remembered is over at once */
        source.a = set_from("{\"keys\":[{" MAKER_EC ",\"kid\":\"e\"}]}");
        check(&ann, &o);
        assert_string_equal(o.refusal.text, "jwt-a: key");
        assert_int_equal(source.refetched[JWT_A], 1);
        arena_done(&o.arena);
        jwks_free(source.a);
        source.a = a;
        keys.memory = NULL;
}

/* ---- memory ---- */

/* nth: this allocation fails; max: of the arena. */
static int check_short_of(const struct call *call, size_t nth, size_t max)
{
        CLEANUP(buf_done) struct buf shown = BUF_INIT(TEXT);
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(max);
        struct request_raw raw = { .now_ns = NOW * NS_PER_S };
        struct http_header header = { .name = SPAN("authorization") };
        struct request q = { .raw = &raw, .headers = &header, .n_headers = 1 };
        struct refusal refusal = { 0 };
        struct credential c;
        struct wanted w;
        int rc;

        put_header(call->shown, &shown);
        header.value = buf_span(&shown);
        want(call->security, &w);
        alloc_fail_nth = nth;
        rc = credential_check(&package, &w.operation, &q, &keys, &arena, &c, &refusal);
        alloc_fail_nth = 0;
        return rc;
}

static void memory_runs_out(void **state)
{
        static const struct call calls[] = {
                SHOWN("0", "Bearer $ann"),
                SHOWN("2", "Basic YW5uOnB3"),
                SHOWN("6", "Bearer " TICKET_ANN),
        };
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = NULL;
        size_t nth, max;

        assert_int_equal(jwt_memory_new(8, &m), 0);
        for (size_t i = 0; i < 2 * ARRAY_LEN(calls); i++) {
                const struct call *call = &calls[i / 2];
                int rc = -ENOMEM;

                keys.memory = i % 2 ? m : NULL;
                for (nth = 1; (rc = check_short_of(call, nth, ARENA)) < 0; nth++)
                        assert_int_equal(rc, -ENOMEM);
                for (max = 0; (rc = check_short_of(call, 0, max)) < 0; max += 16)
                        assert_int_equal(rc, -ENOMEM);
                assert_true(nth > 1 && max > 0);
        }
        keys.memory = NULL;
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_is_let_in),
                cmocka_unit_test(who_is_not),
                cmocka_unit_test(names_of_users),
                cmocka_unit_test(no_keys_yet),
                cmocka_unit_test(no_tokens),
                cmocka_unit_test(a_caller_outlives_keys_and_tokens),
                cmocka_unit_test(a_remembered_token),
                cmocka_unit_test(memory_runs_out),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
