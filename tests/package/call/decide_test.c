/* SPDX-License-Identifier: Apache-2.0 */
/* From a model, policies over its derived schema and a call to the answer. */
#include "package/call/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../model_package.h"
#include "policy/value/extension.h"

static const char bank[] =
        "{\"name\":\"bank\",\"claims\":[\"branch\"],\"classes\":[\"pii.name\",\"pii.ssn\",\"secret\"],"
        "\"schemas\":{\"Payment\":{\"type\":\"object\",\"required\":[\"amount\"],\"properties\":{"
        " \"amount\":{\"type\":\"number\",\"multipleOf\":0.01},\"to\":{\"type\":\"string\"},"
        " \"how\":{\"enum\":[\"now\",\"later\"]}}}},"
        "\"operations\":["
        " {\"id\":\"getAccount\",\"tags\":[\"reading\"],\"reads\":[\"pii.name\",\"pii.ssn\"],"
        "  \"object\":{\"type\":\"Account\",\"id\":\"path.accountId\"},"
        "  \"parameters\":[{\"in\":\"path\",\"name\":\"accountId\","
        "   \"schema\":{\"type\":\"string\"}}]},"
        " {\"id\":\"listAccounts\",\"tags\":[\"reading\"],\"reads\":[\"pii.name\",\"secret\"],"
        "  \"parameters\":[{\"in\":\"query\",\"name\":\"limit\",\"schema\":{\"type\":\"integer\"}}]},"
        " {\"id\":\"pay\",\"tags\":[\"writing\"],\"bodyRequired\":true,"
        "  \"object\":{\"type\":\"Account\",\"id\":\"path.accountId\"},"
        "  \"parameters\":[{\"in\":\"path\",\"name\":\"accountId\","
        "   \"schema\":{\"type\":\"string\"}}],\"body\":{\"$ref\":\"Payment\"}}]}";

static const char types[] = "entity Account { owner: Caller, branch: String };\n";

/* Strict mode: one policy over all operations at once asks for what all contexts have, or asks with
 * `has`, or of one action only. */
static const char policies[] =
        /* 0 */
        "permit (principal in Group::\"tellers\", action in Action::\"reading\", resource)"
        " unless { context has query && context.query has limit && context.query.limit > 100 };"
        /* 1 */ "permit (principal, action == Action::\"getAccount\", resource)"
        " when { resource.owner == principal };"
        /* 2 */
        "permit (principal in Group::\"tellers\", action == Action::\"pay\", resource is Account)"
        " when { principal has branch && principal.branch == resource.branch"
        "        && context.body.amount.lessThanOrEqual(decimal(\"1000.00\")) };"
        /* 3 */ "forbid (principal, action, resource)"
        " unless { context.address.isInRange(ip(\"10.0.0.0/8\")) };"
        /* 4 */ "forbid (principal, action == Action::\"pay\", resource)"
        " when { context.body has how && context.body.how == PaymentHow::\"now\""
        "        && context.path.accountId like \"x*\" };"
        /* 5 */ "permit (principal in Group::\"tellers\", action in Action::\"readMasked\","
        "  resource in DataClass::\"pii\");"
        /* 6 */ "permit (principal, action in Action::\"read\", resource in DataClass::\"pii\")"
        " when { context.tls.version == \"TLSv1.3\" && context.time > datetime(\"1970-01-01\")"
        "        && context.object is Account && context.object.owner == principal };"
        /* 7 */ "permit (principal, action == Action::\"getAccount.read\","
        "  resource == DataClass::\"pii.name\")"
        " when { context.path.accountId == \"open\" };"
        /* 8 */ "forbid (principal, action in [Action::\"read\", Action::\"readMasked\"], resource)"
        " when { context has path && context.path.accountId == \"closed\" };";

static const char entities[] =
        "[{\"uid\":{\"type\":\"DataClass\",\"id\":\"pii.name\"},\"attrs\":{},"
        "  \"parents\":[{\"type\":\"DataClass\",\"id\":\"pii\"}]},"
        " {\"uid\":{\"type\":\"DataClass\",\"id\":\"pii.ssn\"},\"attrs\":{},"
        "  \"parents\":[{\"type\":\"DataClass\",\"id\":\"pii\"}]},"
        " {\"uid\":{\"type\":\"Caller\",\"id\":\"ann\"},\"attrs\":{\"branch\":\"north\"},"
        "  \"parents\":[{\"type\":\"Group\",\"id\":\"tellers\"}]},"
        " {\"uid\":{\"type\":\"Caller\",\"id\":\"bob\"},\"attrs\":{},\"parents\":[]},"
        " {\"uid\":{\"type\":\"Account\",\"id\":\"1\"},\"parents\":[],\"attrs\":{\"branch\":\"north\","
        "  \"owner\":{\"type\":\"Caller\",\"id\":\"bob\"}}},"
        " {\"uid\":{\"type\":\"Account\",\"id\":\"closed\"},\"parents\":[],\"attrs\":{"
        "  \"branch\":\"north\",\"owner\":{\"type\":\"Caller\",\"id\":\"bob\"}}},"
        " {\"uid\":{\"type\":\"Account\",\"id\":\"x1\"},\"parents\":[],\"attrs\":{"
        "  \"branch\":\"south\",\"owner\":{\"type\":\"Caller\",\"id\":\"ann\"}}}]";

/* One call, and what is asked of it: class NULL: may it be made? */
struct decide_case {
        const char *who, *operation, *parameter, *body, *address;
        const char *class, *how; /* "read" or "readMasked" */
        bool allow;
        const char *because; /* numbers of the deciding policies */
};

static const struct decide_case table[] = {
        { "ann", "getAccount", "\"1\"", NULL, "10.0.0.1", NULL, NULL, true, "0" },
        { "bob", "getAccount", "\"1\"", NULL, "10.0.0.1", NULL, NULL, true, "1" },
        { "bob", "getAccount", "\"x1\"", NULL, "10.0.0.1", NULL, NULL, false, "" },
        { "ann", "getAccount", "\"x1\"", NULL, "10.0.0.1", NULL, NULL, true, "0 1" },
        { "ann", "getAccount", "\"1\"", NULL, "192.0.2.1", NULL, NULL, false, "3" },
        { "ann", "listAccounts", NULL, NULL, "10.0.0.1", NULL, NULL, true, "0" },
        { "ann", "listAccounts", "100", NULL, "10.0.0.1", NULL, NULL, true, "0" },
        { "ann", "listAccounts", "101", NULL, "10.0.0.1", NULL, NULL, false, "" },
        { "bob", "listAccounts", "1", NULL, "10.0.0.1", NULL, NULL, false, "" },
        { "ann", "pay", "\"1\"", "{\"amount\":1000}", "10.0.0.1", NULL, NULL, true, "2" },
        { "ann", "pay", "\"1\"", "{\"amount\":1000.01}", "10.0.0.1", NULL, NULL, false, "" },
        { "ann", "pay", "\"1\"", "{\"amount\":1e2,\"how\":\"now\"}", "10.0.0.1", NULL, NULL, true,
          "2" },
        { "ann", "pay", "\"x1\"", "{\"amount\":1}", "10.0.0.1", NULL, NULL, false, "" },
        { "ann", "pay", "\"x1\"", "{\"amount\":1,\"how\":\"now\"}", "10.0.0.1", NULL, NULL, false,
          "4" },
        { "bob", "pay", "\"1\"", "{\"amount\":1}", "10.0.0.1", NULL, NULL, false, "" },
        /* what of an answer may be seen, and how */
        { "ann", "getAccount", "\"1\"", NULL, "10.0.0.1", "pii.ssn", "read", false, "" },
        { "ann", "getAccount", "\"1\"", NULL, "10.0.0.1", "pii.ssn", "readMasked", true, "5" },
        { "bob", "getAccount", "\"1\"", NULL, "10.0.0.1", "pii.ssn", "read", true, "6" },
        { "bob", "getAccount", "\"1\"", NULL, "10.0.0.1", "pii.ssn", "readMasked", false, "" },
        { "bob", "getAccount", "\"x1\"", NULL, "10.0.0.1", "pii.ssn", "read", false, "" },
        { "ann", "getAccount", "\"closed\"", NULL, "10.0.0.1", "pii.ssn", "readMasked", false,
          "8" },
        { "bob", "getAccount", "\"closed\"", NULL, "10.0.0.1", "pii.ssn", "read", false, "8" },
        { "ann", "listAccounts", NULL, NULL, "10.0.0.1", "pii.name", "readMasked", true, "5" },
        { "ann", "listAccounts", NULL, NULL, "10.0.0.1", "secret", "readMasked", false, "" },
        { "ann", "listAccounts", NULL, NULL, "10.0.0.1", "pii.name", "read", false, "" },
        { "ann", "getAccount", "\"1\"", NULL, "192.0.2.1", "pii.ssn", "readMasked", false, "3" },
};

static struct cedar_uid action_of(const struct decide_case *t, struct arena *arena)
{
        char name[128];
        int n = snprintf(name, sizeof name, "%s%s%s", t->operation, t->how ? "." : "",
                         t->how ? t->how : "");
        const char *copy = arena_copy(arena, span_of(name, (size_t)n));

        return cedar_uid(SPAN("Action"), span_of(copy, (size_t)n));
}

static void make_request(const struct model_package *x, const struct decide_case *t,
                         struct arena *arena, struct cedar_request *q)
{
        const struct api_operation *o = api_operation(&x->m.api, span_str(t->operation));
        struct call_value *value = arena_alloc(arena, sizeof *value);
        struct tree *body = arena_alloc(arena, sizeof *body);
        struct call *c = arena_alloc(arena, sizeof *c);
        struct cedar_uid *object = arena_alloc(arena, sizeof *object);
        struct cedar_value context;
        struct err err = { 0 };

        *c = (struct call){ .operation = o,
                            .parameters = value,
                            .body_schema = o->request ? o->request->media[0].schema : API_NONE,
                            .time_ms = 1,
                            .tls_version = SPAN("TLSv1.3") };
        MODEL_OK(cedar_ip_parse(span_str(t->address), &c->address, &err), err);
        value->present = t->parameter != NULL;
        if (t->parameter)
                MODEL_OK(tree_read_real(span_str(t->parameter), 1, arena, &value->value, &err),
                         err);
        if (t->body) {
                MODEL_OK(tree_read_real(span_str(t->body), 8, arena, body, &err), err);
                c->body = body;
        }
        MODEL_OK(call_check(&x->p, c, &err), err);
        MODEL_OK(call_context(&x->p, c, arena, &context, object, &err), err);
        *q = (struct cedar_request){ .principal = cedar_uid(SPAN("Caller"), span_str(t->who)),
                                     .action = action_of(t, arena),
                                     .resource = *object,
                                     .context = context };
        if (t->class) {
                q->resource = cedar_uid(SPAN("DataClass"), span_str(t->class));
                MODEL_OK(call_read_context(&x->p, c, &context, object, arena, &q->context, &err),
                         err);
        }
        MODEL_OK(cedar_schema_check_request(x->schema, q, &err), err);
}

static void check_decision(const struct model_package *x, struct cedar_bench *bench,
                           const struct decide_case *t)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct buf because = BUF_INIT(4096);
        struct cedar_request q;
        struct cedar_answer a;

        make_request(x, t, &arena, &q);
        cedar_decide(x->program, x->entities, &q, bench, &a);
        assert_int_equal(a.n_faults, 0);
        for (uint32_t i = 0; i < a.n_reasons; i++)
                buf_printf(&because, "%s%.*s", i ? " " : "", (int)a.reasons[i]->id.n - 6,
                           (const char *)a.reasons[i]->id.p + 6);
        if ((a.decision == CEDAR_PERMIT) != t->allow || strcmp(buf_cstr(&because), t->because) != 0)
                fail_msg("%s %s %s: %s because of %s", t->who, t->operation,
                         t->class ? t->class : "", a.decision == CEDAR_PERMIT ? "allow" : "deny",
                         buf_cstr(&because));
        buf_done(&because);
        arena_done(&arena);
}

static void calls_are_decided(void **state)
{
        struct cedar_bench *bench = NULL;
        struct model_package x;

        model_package_init(&x, span_str(bank), types, policies, entities);
        assert_int_equal(cedar_bench_new(x.program, &bench), 0);
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                check_decision(&x, bench, &table[i]);
        cedar_bench_free(bench);
        model_package_done(&x);
}

/* What strict mode finds in policies over everything that is read. */
static void questions_over_all_operations_are_typed(void **state)
{
        static const struct {
                const char *condition, *finding; /* NULL: good */
        } conditions[] = {
                { "context.address.isLoopback()", NULL },
                { "context.time < datetime(\"2030-01-01\") && context.tls has client", NULL },
                { "context has path && context.path.accountId == \"1\"", NULL },
                { "context.object in [Account::\"1\"]", NULL },
                { "context has query && context.query has limit && context.query.limit <= 100",
                  NULL },
                { "context.path.accountId == \"1\"", "has no attribute \"path\"" },
                { "context.query.limit <= 100", "has no attribute \"query\"" },
                { "context has query && context.query.limit <= 100", "may be absent" },
                { "context.object.branch == \"x\"", "has no attribute \"branch\"" },
                { "context.object is Account && context.object.branch == \"x\"", NULL },
        };
        struct model_package x;

        model_package_init(&x, span_str(bank), types, "", "[]");
        for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
                CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
                struct arena arena = ARENA_INIT(1 << 20);
                struct buf text = BUF_INIT(4096);
                struct cedar_findings found;

                buf_printf(&text,
                           "permit (principal, action in Action::\"read\", resource) when { %s };",
                           conditions[i].condition);
                assert_int_equal(cedar_parse(buf_span(&text), &p, NULL), 0);
                assert_int_equal(cedar_validate(p, x.schema, &arena, &found, NULL), 0);
                if (!conditions[i].finding && found.n)
                        fail_msg("%s: %s", conditions[i].condition, found.list[0].text);
                if (conditions[i].finding &&
                    (found.n == 0 || !strstr(found.list[0].text, conditions[i].finding)))
                        fail_msg("%s: %s", conditions[i].condition,
                                 found.n ? found.list[0].text : "good");
                buf_done(&text);
                arena_done(&arena);
        }
        model_package_done(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(calls_are_decided),
                cmocka_unit_test(questions_over_all_operations_are_typed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
