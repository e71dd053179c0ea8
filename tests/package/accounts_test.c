/* SPDX-License-Identifier: Apache-2.0 */
/* examples/accounts: built, opened, called and decided. */
#include "package/build.h"
#include "package/call/call.h"
#include "package/call/caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "job/yaml_source.h"
#include "policy/entities/data.h"
#include "policy/value/extension.h"

static const char *const paths[] = { "backend.yaml", "entities.yaml", "gateway.yaml",
                                     "openapi.yaml", "policy.cedar",  "types.cedarschema" };

/* What is in a token of each; the certificate of others has no more than their names. */
static const struct {
        const char *id, *group, *branch;
} people[] = {
        { "tess", "tellers", "0042" },
        { "fred", "fraud-desk", NULL },
        { "audrey", "auditors", NULL },
};

struct accounts {
        struct arena arena;
        struct lint lint;
        struct buf body;
        struct package *p;
        struct cedar_bench *bench;
};

static struct span read_example(struct accounts *x, const char *name)
{
        enum { MAX = 1 << 20 };
        uint8_t *text = arena_alloc(&x->arena, MAX);
        char path[4096];
        size_t n;
        FILE *f;

        snprintf(path, sizeof path, "%s/examples/accounts/%s", getenv("ASSAY_SOURCE"), name);
        f = fopen(path, "r");
        if (!f)
                fail_msg("%s", path);
        n = fread(text, 1, MAX, f);
        (void)fclose(f);
        return span_of(text, n);
}

static int open_example(void **state)
{
        static struct accounts x;
        struct package_source sources[ARRAY_LEN(paths)];
        struct build_spec spec = { .sources = sources,
                                   .n_sources = ARRAY_LEN(paths),
                                   .yaml = yaml_source };
        struct err err = { 0 };
        int rc;

        x = (struct accounts){ .arena = ARENA_INIT(64 << 20), .body = BUF_INIT(PACKAGE_FILE_MAX) };
        lint_init(&x.lint);
        for (size_t i = 0; i < ARRAY_LEN(paths); i++)
                sources[i] =
                        (struct package_source){ span_str(paths[i]), read_example(&x, paths[i]) };
        rc = build_package(&spec, &x.lint, &x.body, &err);
        for (uint32_t i = 0; i < x.lint.n; i++)
                print_error("%.*s:%u: %.*s\n", (int)x.lint.at[i].file.n, x.lint.at[i].file.p,
                            x.lint.at[i].mark.line, (int)x.lint.at[i].text.n, x.lint.at[i].text.p);
        assert_int_equal(rc, 0);
        assert_int_equal(x.lint.n, 0);
        if (package_open_bytes(buf_span(&x.body), NULL, 0, &x.p, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(cedar_bench_new(x.p->program, &x.bench), 0);
        *state = &x;
        return 0;
}

static int close_example(void **state)
{
        struct accounts *x = *state;

        cedar_bench_free(x->bench);
        package_unref(x->p);
        buf_done(&x->body);
        lint_done(&x->lint);
        arena_done(&x->arena);
        return 0;
}

/* Parameters as they are sent: "path.accountId=A00000001 query.limit=5". */
struct example_case {
        const char *who, *operation, *parameters, *body;
        const char *time;        /* of 2026-03-02; NULL: 12:00 */
        const char *class, *how; /* NULL: may it be called? */
        const char *refused;     /* how the error of the call's check begins; NULL: none */
        bool allow;
        const char *because; /* @id of the first deciding policy, "": none */
};

#define ACCOUNT "path.accountId=A00000001"
#define SEND    ACCOUNT " header.idempotency-key=6f1c2d0e-9a7b-4c3d-8e5f-001122334455"
#define TO      "\"to\":\"GB33BUKB20201555555555\",\"name\":\"Sam Poe\""

static const struct example_case table[] = {
        { "tess", "getAccount", ACCOUNT, NULL, .allow = true, .because = "staff may look" },
        { "tess", "getAccount", ACCOUNT, NULL, "T20:00:00Z",
          .because = "tellers work from 6 to 20 o'clock, UTC" },
        { "tess", "getAccount", "path.accountId=A1", NULL, .refused = "path.accountId: " },
        { "tess", "getAccount", "", NULL, .refused = "path.accountId: missing" },
        { "nobody", "getAccount", ACCOUNT, NULL, .because = "" },
        { "tess", "listAccounts", "query.branch=0042 query.limit=100", NULL, .allow = true,
          .because = "staff may look" },
        { "tess", "listAccounts", "query.branch=0043", NULL,
          .because = "tellers list accounts of their own branch only" },
        { "tess", "listAccounts", "query.limit=5", NULL,
          .because = "tellers list accounts of their own branch only" },
        { "fred", "listAccounts", "", NULL, .allow = true, .because = "staff may look" },
        { "fred", "listAccounts", "query.limit=101", NULL, .refused = "query.limit: " },
        { "fred", "listAccounts", "query.status=gone", NULL, .refused = "query.status: " },
        { "tess", "createTransfer", SEND,
          "{" TO ",\"amount\":{\"hundredths\":1000000,\"currency\":\"CHF\"}}", .allow = true,
          .because = "tellers send up to 10,000.00" },
        { "tess", "createTransfer", SEND,
          "{" TO ",\"amount\":{\"hundredths\":1000001,\"currency\":\"CHF\"}}", .because = "" },
        { "tess", "createTransfer", SEND,
          "{" TO ",\"amount\":{\"hundredths\":-5,\"currency\":\"CHF\"}}",
          .because = "nothing is sent backwards" },
        { "tess", "createTransfer", SEND,
          "{" TO ",\"amount\":{\"hundredths\":5,\"currency\":\"ABC\"}}",
          .refused = "body.amount.currency: " },
        { "tess", "createTransfer", SEND,
          "{" TO ",\"amount\":{\"__entity\":{\"type\":\"Currency\",\"id\":\"EUR\"}}}",
          .refused = "body.amount" },
        { "tess", "createTransfer", ACCOUNT, NULL, .refused = "header.idempotency-key: missing" },
        { "tess", "createTransfer", SEND, NULL, .refused = "body: missing" },
        { "payroll.partner.example", "createTransfer", SEND,
          "{" TO ",\"amount\":{\"hundredths\":250000,\"currency\":\"EUR\"}}", .allow = true,
          .because = "partners send up to 2,500.00, in euros" },
        { "payroll.partner.example", "createTransfer", SEND,
          "{" TO ",\"amount\":{\"hundredths\":250000,\"currency\":\"USD\"}}", .because = "" },
        { "tess", "updateCustomer", "path.customerId=C000001", "{\"phone\":null}", .allow = true,
          .because = "tellers change how customers are reached" },
        { "audrey", "getCustomer", "path.customerId=C000001", NULL, .because = "" },
        /* what of answers is seen */
        { "tess", "getCustomer", "path.customerId=C000001", NULL, NULL, "pii.name", "read",
          .allow = true, .because = "tellers read what they need at the counter" },
        { "tess", "getCustomer", "path.customerId=C000001", NULL, NULL, "pii.ssn", "read",
          .because = "" },
        { "tess", "getCustomer", "path.customerId=C000001", NULL, NULL, "pii.ssn", "readMasked",
          .allow = true, .because = "and the rest masked, to compare with a document" },
        { "fred", "getCustomer", "path.customerId=C000001", NULL, NULL, "pii.ssn", "read",
          .allow = true, .because = "the fraud desk reads everything" },
        { "audrey", "getAccount", ACCOUNT, NULL, NULL, "account.balance", "read", .allow = true,
          .because = "auditors read amounts" },
        { "audrey", "getAccount", ACCOUNT, NULL, NULL, "account.iban", "read", .because = "" },
        { "audrey", "getAccount", ACCOUNT, NULL, NULL, "account.iban", "readMasked", .allow = true,
          .because = "auditors know accounts and people by their ends" },
};

/* The text of `place.name=` among the others; false: it is not there. */
static bool find_text(const struct api_parameter *p, const char *all, struct span *ret)
{
        char key[API_NAME_MAX + 16];
        const char *at;

        snprintf(key, sizeof key, "%s.%.*s=", api_place_name(p->in), (int)p->name.n,
                 (const char *)p->name.p);
        at = strstr(all, key);
        if (!at)
                return false;
        at += strlen(key);
        *ret = span_of(at, strcspn(at, " "));
        return true;
}

static int make_call(const struct accounts *x, const struct example_case *t, struct arena *arena,
                     struct call *ret, struct err *err)
{
        const struct api_operation *o = api_operation(x->p->api, span_str(t->operation));
        struct call_value *values = arena_alloc(arena, (o->n_parameters + 1) * sizeof *values);
        struct tree *body = arena_alloc(arena, sizeof *body);
        char when[64];
        struct span text;

        *ret = (struct call){ .operation = o,
                              .parameters = values,
                              .body_schema = o->request ? o->request->media[0].schema : API_NONE,
                              .address = { .address = { 10, 1, 2, 3 }, .prefix = 32 },
                              .tls_version = SPAN("TLSv1.3") };
        snprintf(when, sizeof when, "2026-03-02%s", t->time ? t->time : "T12:00:00Z");
        assert_int_equal(cedar_datetime_parse(span_str(when), &ret->time_ms, NULL), 0);
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                values[i].present = find_text(&o->parameters[i], t->parameters, &text);
                if (values[i].present && call_parameter(x->p, &o->parameters[i], &text, 1, arena,
                                                        &values[i].value, err) < 0)
                        return err->code;
        }
        if (t->body) {
                assert_int_equal(tree_read_real(span_str(t->body), 16, arena, body, NULL), 0);
                ret->body = body;
        }
        return call_check(x->p, ret, err);
}

static const struct config_identity *identity_of(const struct accounts *x,
                                                 enum config_identity_kind kind)
{
        for (uint32_t i = 0; i < x->p->config.n_identities; i++)
                if (x->p->config.identities[i].kind == kind)
                        return &x->p->config.identities[i];
        fail_msg("no such identity");
        return NULL;
}

/* As the gateway makes it of a token, or else of a certificate. */
static void make_caller(const struct accounts *x, const char *who, struct arena *arena,
                        struct cedar_entity *ret)
{
        struct span groups[1], claims[1] = { SPAN_NONE };
        struct caller_proof proof = { .identity = identity_of(x, CONFIG_MUTUAL),
                                      .id = span_str(who),
                                      .groups = groups,
                                      .claims = claims };
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(people); i++) {
                if (strcmp(people[i].id, who) != 0)
                        continue;
                proof.identity = identity_of(x, CONFIG_JWT);
                groups[proof.n_groups++] = span_str(people[i].group);
                if (people[i].branch)
                        claims[0] = span_str(people[i].branch);
        }
        if (package_caller(x->p, &proof, arena, ret, &err) < 0)
                fail_msg("%s: %s", who, err.text);
}

static void make_request(const struct accounts *x, const struct example_case *t,
                         const struct call *c, struct arena *arena, struct cedar_request *q)
{
        struct cedar_entity *caller = arena_alloc(arena, sizeof *caller);
        struct cedar_uid *object = arena_alloc(arena, sizeof *object);
        char *action = arena_alloc(arena, 128);
        struct err err = { 0 };
        int n = snprintf(action, 128, "%s%s%s", t->operation, t->how ? "." : "",
                         t->how ? t->how : "");

        make_caller(x, t->who, arena, caller);
        q->principal = caller->uid;
        q->extra = caller;
        q->n_extra = 1;
        q->action = cedar_uid(SPAN("Action"), span_of(action, (size_t)n));
        assert_int_equal(call_context(x->p, c, arena, &q->context, object, &err), 0);
        q->resource = *object;
        if (t->class) {
                q->resource = cedar_uid(SPAN("DataClass"), span_str(t->class));
                assert_int_equal(
                        call_read_context(x->p, c, &q->context, object, arena, &q->context, &err),
                        0);
        }
        if (cedar_schema_check_request(x->p->schema, q, &err) < 0)
                fail_msg("%s: %s", t->operation, err.text);
}

static void check_case(const struct accounts *x, const struct example_case *t)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct span because = SPAN_NONE;
        struct cedar_request q = { 0 };
        struct cedar_answer a;
        struct err err = { 0 };
        struct call c;
        int rc = make_call(x, t, &arena, &c, &err);

        assert_int_equal(rc, t->refused ? -EINVAL : 0);
        if (t->refused && !span_starts(span_str(err.text), span_str(t->refused)))
                fail_msg("%s: %s", t->operation, err.text);
        if (!t->refused) {
                make_request(x, t, &c, &arena, &q);
                cedar_decide(x->p->program, x->p->entities, &q, x->bench, &a);
                assert_int_equal(a.n_faults, 0);
                if (a.n_reasons)
                        assert_true(cedar_policy_annotation(a.reasons[0], "id", &because));
                if ((a.decision == CEDAR_PERMIT) != t->allow || !span_eq_str(because, t->because))
                        fail_msg("%s %s %s: %s because of %.*s", t->who, t->operation,
                                 t->class ? t->class : "",
                                 a.decision == CEDAR_PERMIT ? "allow" : "deny", (int)because.n,
                                 (const char *)because.p);
        }
        arena_done(&arena);
}

static void calls_are_decided_as_the_example_says(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                check_case(*state, &table[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(calls_are_decided_as_the_example_says),
        };

        return cmocka_run_group_tests(tests, open_example, close_example);
}
