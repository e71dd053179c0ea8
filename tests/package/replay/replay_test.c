/* SPDX-License-Identifier: Apache-2.0 */
#include "package/replay/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../../chance.h"
#include "../model_package.h"
#include "package/call/call.h"
#include "package/call/caller.h"

static const char model[] =
        "{\"name\":\"bank\",\"groups\":true,\"claims\":[\"branch\",\"unit\"],\"classes\":[\"pii\","
        "\"secret\"],\"operations\":["
        "{\"id\":\"look\",\"reads\":[\"pii\",\"secret\"],\"parameters\":[{\"in\":\"query\","
        "\"name\":\"limit\",\"schema\":{\"type\":\"integer\",\"maximum\":50}}]},"
        "{\"id\":\"move\",\"object\":{\"type\":\"Account\",\"id\":\"query.to\"},"
        "\"parameters\":[{\"in\":\"path\",\"name\":\"id\",\"required\":true,\"schema\":{\"type\":"
        "\"string\"}},{\"in\":\"query\",\"name\":\"to\",\"required\":true,\"schema\":{\"type\":"
        "\"string\"}}]},"
        "{\"id\":\"part\",\"object\":{\"type\":\"Account\",\"id\":\"path.id\"},"
        "\"parameters\":[{\"in\":\"header\",\"name\":\"key\",\"required\":true,\"schema\":{\"type\":"
        "\"string\",\"maxLength\":2}},{\"in\":\"path\",\"name\":\"id\",\"required\":true,"
        "\"schema\":{\"type\":\"string\"}}]},"
        "{\"id\":\"pay\",\"object\":{\"type\":\"Account\",\"id\":\"path.id\"},"
        "\"parameters\":[{\"in\":\"path\",\"name\":\"id\",\"required\":true,\"schema\":{\"type\":"
        "\"string\"}},{\"in\":\"query\",\"name\":\"x-y\",\"schema\":{\"type\":\"string\"}}],"
        "\"body\":{\"type\":\"object\",\"properties\":{\"amount\":{\"type\":\"object\","
        "\"required\":[\"cents\"],\"properties\":{\"cents\":{\"type\":\"integer\",\"maximum\":900},"
        "\"currency\":{\"enum\":[\"EUR\",\"USD\"]}}},\"tags\":{\"type\":\"array\",\"items\":{"
        "\"type\":\"string\"}},\"rate\":{\"type\":\"number\"},\"at\":{\"type\":\"string\","
        "\"format\":\"date-time\"}}}}]}";
static const char types[] = "entity Account { owner: Caller, cents: Long };";
static const char entities[] =
        "[{\"uid\":{\"type\":\"Group\",\"id\":\"tellers\"},\"attrs\":{},\"parents\":[{\"type\":"
        "\"Group\",\"id\":\"staff\"}]},{\"uid\":{\"type\":\"Account\",\"id\":\"A1\"},\"attrs\":{"
        "\"cents\":2,\"owner\":{\"type\":\"Caller\",\"id\":\"ann\"}},\"parents\":[]}]";

#define PAY(effect, when)                                                                          \
        effect "(principal, action == Action::\"pay\", resource) when { " when " };\n"
#define LOOK(effect, when)                                                                         \
        effect "(principal, action == Action::\"look\", resource) when { " when " };\n"
#define READ(class, when)                                                                          \
        "permit(principal, action == Action::\"look.read\", resource == DataClass::\"" class       \
                "\") when { " when " };\n"

/* A package whose operations ask for the scheme "token". */
struct world {
        struct model_package x;
        struct cedar_bench *bench;
        struct arena arena;
        struct api_identity token;
        uint32_t first;
        struct api_security security;
};

static const struct api_segment path[] = { { SPAN_INIT("a"), false }, { SPAN_INIT("id"), true } };
static const struct api_segment renamed[] = { { SPAN_INIT("a"), false },
                                              { SPAN_INIT("number"), true } };
static const struct api_segment moved[] = { { SPAN_INIT("b"), false },
                                            { SPAN_INIT("number"), true } };

static void world_init(struct world *w, const char *policies)
{
        struct api_operation *list;

        *w = (struct world){ .arena = ARENA_INIT((size_t)64 << 20) };
        model_package_init(&w->x, SPAN(model), types, policies, entities);
        w->token = (struct api_identity){ .name = w->x.m.config.identities[0].scheme };
        w->security = (struct api_security){ &w->first, 1 };
        w->x.m.api.identities = &w->token;
        w->x.m.api.n_identities = 1;
        list = (struct api_operation *)w->x.m.api.operations;
        for (uint32_t i = 0; i < w->x.m.api.n_operations; i++) {
                list[i].security = &w->security;
                list[i].n_security = 1;
                list[i].segments = path;
                list[i].n_segments = ARRAY_LEN(path);
        }
        assert_int_equal(cedar_bench_new(w->x.p.program, &w->bench), 0);
}

static void world_done(struct world *w)
{
        arena_done(&w->arena);
        cedar_bench_free(w->bench);
        model_package_done(&w->x);
}

static const struct tree *read_json(struct arena *arena, const char *json)
{
        struct tree *t = arena_alloc(arena, sizeof *t);
        struct err err = { 0 };

        if (!json)
                return NULL;
        if (tree_read(span_str(json), arena, t, &err) < 0)
                fail_msg("%s: %s", json, err_text(&err));
        return t;
}

/* ---- what is told ---- */

static void put_unknown(const struct replay_unknown *u, uint32_t n, struct buf *out)
{
        for (uint32_t i = 0; i < n; i++) {
                buf_put_str(out, i ? "; " : " ");
                buf_put(out, u[i].place);
                buf_printf(out, " %s", replay_known_text(u[i].known));
        }
}

static void put_policies(const struct replay_policies *p, const char *sign, struct buf *out)
{
        for (uint32_t i = 0; i < p->n; i++)
                buf_printf(out, " %.*s%s", (int)p->at[i]->id.n, p->at[i]->id.p, sign);
        buf_put_str(out, p->sure ? "" : " ...");
}

static void put_result(const struct world *w, const struct replay_result *r, struct buf *out)
{
        static const char *const decisions[] = { "allowed", "denied", "refused", "gone", "open" };
        static const char *const reads[] = { "clear", "masked", "withheld", "open" };

        buf_put_str(out, decisions[r->decision]);
        if (r->why)
                buf_printf(out, ": %s", r->why);
        if (r->decision == REPLAY_ALLOWED || r->decision == REPLAY_DENIED) {
                put_policies(&r->decide, "", out);
                if (r->err.n)
                        put_policies(&r->err, "!", out);
        }
        put_unknown(r->on, r->n_on, out);
        put_unknown(r->policies_on, r->n_policies_on, out);
        for (uint32_t i = 0; i < r->n_reads; i++)
                buf_printf(out, " %.*s=%s", (int)w->x.m.api.classes[r->reads[i].class].n,
                           w->x.m.api.classes[r->reads[i].class].p, reads[r->reads[i].read]);
        put_unknown(r->reads_on, r->n_reads_on, out);
}

/* ---- a table ---- */

static const struct span tellers = SPAN_INIT("tellers");
static const struct replay_call whole = { .operation = SPAN_INIT("pay"),
                                          .method = SPAN_INIT("GET"),
                                          .scheme = SPAN_INIT("token"),
                                          .caller = SPAN_INIT("ann"),
                                          .object_type = SPAN_INIT("Account"),
                                          .object_id = SPAN_INIT("A1"),
                                          .groups = &tellers,
                                          .n_groups = 1,
                                          .address = SPAN_INIT("192.0.2.7"),
                                          .tls_version = SPAN_INIT("TLSv1.3"),
                                          .time_ms = 1000 };

#define BODY(parts) "[[\"body\",[" parts "]]]"

#define ON(action, when)                                                                           \
        "permit(principal, action == Action::\"" action "\", resource) when { " when " };\n"
#define OVERFLOW "resource.cents * 9223372036854775807 > 0"

#define CASE(policies_, asked_, claims_, want_, ...)                                               \
        {                                                                                          \
                .policies = policies_, .asked = asked_, .claims = claims_, .want = want_,          \
                __VA_ARGS__                                                                        \
        }

/* By which package the call was judged then, as far as its object goes. */
enum judged {
        BY_ANOTHER, /* that has the same document */
        BY_ITSELF,
        LOST,
        BY_ITS_FIRST, /* that has the object of the operation's first parameter */
        BY_ITS_LAST,
        RENAMED, /* that calls the parameter otherwise */
        RENAMED_AND_MOVED,
        WITHOUT_OBJECT,
        WITHOUT_IT, /* that has no such operation */
};

static const struct replay_case {
        const char *policies, *asked, *claims, *want;
        const char *operation;                             /* NULL: pay */
        enum replay_known caller, object, address, groups; /* 0: known */
        enum judged judged;
} table[] = {
        CASE(PAY("permit", "context.path.id == \"A1\""), NULL, NULL, "allowed policy0"),
        CASE(PAY("permit", "principal in Group::\"staff\""), NULL, NULL, "allowed policy0"),
        CASE(PAY("permit", "principal in Group::\"others\""), NULL, NULL, "denied"),
        CASE(PAY("permit", "resource.owner == principal"), NULL, NULL, "allowed policy0"),
        CASE(PAY("permit", "context.time == datetime(\"1970-01-01T00:00:01Z\") && "
                           "context.address == ip(\"192.0.2.7\") && context.tls.version == "
                           "\"TLSv1.3\""),
             NULL, NULL, "allowed policy0"),
        CASE(PAY("permit", "context.address.isIpv4()"), NULL, NULL,
             "open context.address is erased", .address = REPLAY_ERASED),
        /* the body */
        CASE(PAY("permit", "context has body.amount.cents && context.body.amount.cents < 5"),
             BODY("[\"amount\",[[\"cents\",4]]]"), NULL, "allowed policy0"),
        CASE(PAY("permit", "context has body.amount.cents && context.body.amount.cents < 5"),
             BODY("[\"amount\",[[\"cents\",5]]]"), NULL, "denied"),
        CASE(PAY("permit", "context has body.amount.cents && context.body.amount.cents < 5"),
             BODY("[\"amount\"]"), NULL, "denied"),
        CASE(PAY("permit", "context has body.amount.cents && context.body.amount.cents < 5"),
             "[[\"body\"]]", NULL, "denied"),
        CASE(PAY("permit", "context has body.amount.cents && context.body.amount.cents < 5"), NULL,
             NULL, "open context.body was not recorded"),
        CASE(PAY("permit", "context has body.amount.cents && context.body.amount.cents < 5"),
             BODY("[\"amount\",[[\"currency\",\"EUR\"]]]"), NULL,
             "open context.body.amount.cents was not recorded"),
        CASE(PAY("permit", "context has body.amount.cents && context.body.amount.cents < 5"),
             BODY("[\"amount\",[[\"cents\",{\"bytes\":2000,\"sha256\":\"00\"}]]]"), NULL,
             "open context.body.amount.cents was too long to be recorded"),
        CASE(PAY("permit", "true")
                     PAY("forbid", "context has body.amount && context.body.amount has "
                                   "currency && context.body.amount.currency == "
                                   "PayBodyAmountCurrency::\"EUR\""),
             BODY("[\"amount\",[[\"currency\",\"EUR\"]]]"), NULL, "denied policy1"),
        CASE(PAY("permit", "context has body.tags && context.body.tags.contains(\"b\")"),
             BODY("[\"tags\",{\"json\":\"[\\\"a\\\",\\\"b\\\",\\\"a\\\"]\"}]"), NULL,
             "allowed policy0"),
        CASE(PAY("permit", "context has body.rate && context.body.rate == decimal(\"1.5\")"),
             BODY("[\"rate\",{\"number\":\"1.50\"}]"), NULL, "allowed policy0"),
        CASE(PAY("permit", "context has body.at && context.body.at > datetime(\"2026-01-01\")"),
             BODY("[\"at\",\"2026-02-01T00:00:00Z\"]"), NULL, "allowed policy0"),
        /* held against the document */
        CASE(PAY("permit", "true"), BODY("[\"amount\",[[\"cents\",901]]]"), NULL,
             "refused: body.amount.cents: more than 900"),
        CASE(PAY("permit", "true"), BODY("[\"amount\",[[\"currency\",\"CHF\"]]]"), NULL,
             "refused: body.amount.currency: is none of the values that are wanted"),
        CASE(PAY("permit", "true"), BODY("[\"amount\",[[\"cents\"]]]"), NULL,
             "refused: body.amount.cents: missing"),
        CASE(PAY("permit", "true"), BODY("[\"amount\",7]"), NULL,
             "refused: body.amount: an object is wanted, not a number"),
        CASE(PAY("permit", "true"), BODY("[\"tags\",[[\"x\",1]]]"), NULL, "allowed policy0"),
        CASE(LOOK("permit", "true"), "[[\"query\",[[\"limit\",51]]]]", NULL,
             "refused: query.limit: more than 50", .operation = "look"),
        CASE(LOOK("permit", "true"), "[[\"query\",[[\"limit\",\"x\"]]]]", NULL,
             "refused: query.limit: no integer", .operation = "look"),
        /* a text that is read as what the document has now */
        CASE(LOOK("permit", "context.query has limit && context.query.limit == 50"),
             "[[\"query\",[[\"limit\",\"50\"]]]]", NULL,
             "allowed policy0 pii=withheld secret=withheld", .operation = "look"),
        CASE(PAY("permit", "context.query has \"x-y\" && context.query[\"x-y\"] == \"7\""),
             "[[\"query\",[[\"x-y\",7]]]]", NULL, "allowed policy0"),
        CASE(PAY("permit", "context.query has \"x-y\""), NULL, NULL,
             "open context.query[\"x-y\"] was not recorded"),
        /* what is not to be known does not matter */
        CASE(PAY("permit", "true") PAY("permit", "context has body"), NULL, NULL,
             "allowed policy0 ... context.body was not recorded"),
        CASE(PAY("forbid", "context has body"), NULL, NULL,
             "denied ... context.body was not recorded"),
        CASE(PAY("permit", "context has body") PAY("forbid", "true"), NULL, NULL,
             "denied policy1 context.body was not recorded"),
        /* a forbid that errs forbids; by it or by the other, so the permit is not sure to decide */
        CASE(PAY("permit", "true") PAY("forbid", OVERFLOW) PAY("forbid", "context has body"), NULL,
             NULL, "denied ... policy1! ... context.body was not recorded"),
        CASE(PAY("permit", "true") PAY("forbid", OVERFLOW) PAY("permit", "context has body"), NULL,
             NULL, "denied policy0 ... policy1! ... context.body was not recorded"),
        /* who */
        CASE(PAY("permit", "principal == Caller::\"ann\""), NULL, NULL, "open principal is erased",
             .caller = REPLAY_ERASED),
        CASE(PAY("permit", "true"), NULL, NULL, "allowed policy0", .caller = REPLAY_SEALED),
        CASE(PAY("permit", "principal in Group::\"staff\""), NULL, NULL, "allowed policy0",
             .caller = REPLAY_ERASED),
        CASE(PAY("permit", "principal in Group::\"staff\""), NULL, NULL,
             "open principal in is sealed, and the vault is not to be read",
             .groups = REPLAY_SEALED),
        CASE(PAY("permit", "principal in Group::\"staff\" || true"), NULL, NULL, "allowed policy0",
             .groups = REPLAY_SEALED),
        CASE(PAY("permit", "principal has branch"), NULL, "[[\"branch\",\"b\"],[\"unit\"]]",
             "allowed policy0", .caller = REPLAY_ERASED),
        CASE(PAY("permit", "principal has branch && principal.branch == \"b\""), NULL,
             "[[\"branch\",\"b\"],[\"unit\"]]", "allowed policy0"),
        CASE(PAY("permit", "principal has branch && principal.branch == \"b\""), NULL,
             "[[\"branch\"]]", "denied"),
        CASE(PAY("permit", "principal has branch && principal.branch == \"b\""), NULL,
             "[[\"unit\",\"u\"]]", "open principal.branch was not recorded"),
        CASE(PAY("permit", "context.path.id == \"A1\""), NULL, NULL,
             "open context.path.id was not recorded", .object = REPLAY_ERASED),
        /* whose id it is: of this parameter, or of another that the other package had it of */
        CASE(ON("move", "resource == Account::\"A1\""), NULL, NULL,
             "open resource may have been named by another parameter: the package that judged the "
             "call is not at hand",
             .operation = "move", .judged = LOST),
        CASE(ON("move", "resource == Account::\"A1\""), NULL, NULL,
             "open resource was named by another parameter", .operation = "move",
             .judged = BY_ITS_FIRST),
        CASE(ON("move", "resource == Account::\"A1\""), NULL, NULL, "allowed policy0",
             .operation = "move"),
        CASE(ON("move", "resource == Account::\"A1\""), NULL, NULL, "allowed policy0",
             .operation = "move", .judged = BY_ITSELF),
        CASE(ON("move", "resource == Account::\"A2\" && context.query.to == \"A2\""),
             "[[\"query\",[[\"to\",\"A2\"]]]]", NULL, "allowed policy0", .operation = "move"),
        CASE(ON("move", "context.query.to == \"A1\""), "[[\"path\",[[\"id\",\"A1\"]]]]", NULL,
             "open context.query.to was not recorded", .operation = "move", .judged = LOST),
        CASE(ON("part", "resource == Account::\"A1\""), NULL, NULL,
             "open resource was named by another parameter", .operation = "part",
             .judged = BY_ITS_LAST),
        CASE(ON("part", "resource == Account::\"A1\""), NULL, NULL, "allowed policy0",
             .operation = "part", .judged = RENAMED),
        CASE(ON("part", "resource == Account::\"A1\""), NULL, NULL,
             "open resource was named by another parameter", .operation = "part",
             .judged = RENAMED_AND_MOVED),
        CASE(ON("part", "resource == Account::\"A1\""), NULL, NULL,
             "open resource was named by another parameter", .operation = "part",
             .judged = WITHOUT_OBJECT),
        CASE(ON("part", "resource == Account::\"A1\""), NULL, NULL,
             "open resource was named by another parameter", .operation = "part",
             .judged = WITHOUT_IT),
        CASE(ON("part", "resource == Account::\"A1\""), "[[\"path\",[[\"id\",\"A1\"]]]]", NULL,
             "allowed policy0", .operation = "part"),
        CASE(PAY("permit", "true"), NULL, NULL, "gone: the operation is not there any more",
             .operation = "fly"),
        /* data */
        CASE(LOOK("permit", "true")
                     READ("pii", "context.query has limit && context.query.limit < 9"),
             "[[\"query\",[[\"limit\",8]]]]", NULL, "allowed policy0 pii=clear secret=withheld",
             .operation = "look"),
        CASE(LOOK("permit", "true")
                     READ("pii", "context.query has limit && context.query.limit < 9"),
             NULL, NULL,
             "allowed policy0 pii=open secret=withheld context.query.limit was not recorded",
             .operation = "look"),
        /* rubbish */
        CASE(PAY("permit", "context has body"), "7", NULL, "open context.body was not recorded"),
        CASE(PAY("permit", "context has body"), "[[\"body\",1,2],[1],{},[[]]]", NULL,
             "open context.body was not recorded"),
        CASE(PAY("permit", "context has body.tags"), BODY("[\"tags\",{\"json\":\"[\"}]"), NULL,
             "open context.body.tags was too long to be recorded"),
        CASE(PAY("permit", "context has body.tags"), BODY("[\"tags\",{\"json\":7}]"), NULL,
             "open context.body.tags was too long to be recorded"),
        CASE(PAY("permit", "principal has branch"), NULL, "[[\"branch\",7],[\"branch\",[]]]",
             "open principal.branch was not recorded"),
};

static void rename_object(struct api_operation *o, const struct api_segment *segments,
                          struct arena *arena)
{
        struct api_parameter *p = arena_alloc(arena, o->n_parameters * sizeof *p);

        assert_non_null(p);
        memcpy(p, o->parameters, o->n_parameters * sizeof *p);
        p[o->object.parameter].name = segments[1].text;
        o->parameters = p;
        o->segments = segments;
}

static const struct api *judging(const struct world *w, const struct replay_case *c,
                                 struct arena *arena)
{
        const struct api *now = w->x.p.api;
        const size_t size = now->n_operations * sizeof *now->operations;
        struct api_operation *ops = arena_alloc(arena, size);
        struct api *then = arena_alloc(arena, sizeof *then);

        assert_true(ops && then);
        memcpy(ops, now->operations, size);
        *then = *now;
        then->operations = ops;
        for (uint32_t i = 0; i < now->n_operations; i++) {
                if (!c->operation || !span_eq_str(ops[i].id, c->operation))
                        continue;
                if (c->judged == BY_ITS_FIRST)
                        ops[i].object.parameter = 0;
                if (c->judged == BY_ITS_LAST)
                        ops[i].object.parameter = ops[i].n_parameters - 1;
                if (c->judged == WITHOUT_OBJECT)
                        ops[i].object = (struct api_object){ .parameter = API_NONE };
                if (c->judged == WITHOUT_IT)
                        ops[i].id = SPAN("pars");
                if (c->judged == RENAMED || c->judged == RENAMED_AND_MOVED)
                        rename_object(&ops[i], c->judged == RENAMED ? renamed : moved, arena);
        }
        return then;
}

static struct replay_call call_of(const struct replay_case *c, const struct world *w,
                                  struct arena *arena)
{
        struct replay_call call = whole;

        if (c->operation)
                call.operation = span_str(c->operation);
        call.asked = read_json(arena, c->asked);
        call.claims = read_json(arena, c->claims);
        call.known.asked = c->asked ? REPLAY_KNOWN : REPLAY_UNRECORDED;
        call.known.claims = c->claims ? REPLAY_KNOWN : REPLAY_UNRECORDED;
        call.known.caller = c->caller;
        call.known.object = c->object;
        call.known.address = c->address;
        call.known.groups = c->groups;
        call.same_package = c->judged == BY_ITSELF;
        call.judged = c->judged == LOST ? NULL : judging(w, c, arena);
        return call;
}

static void what_would_be(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
                struct replay_result result;
                struct replay_call call;
                struct err err = { 0 };
                struct world w;

                world_init(&w, table[i].policies);
                call = call_of(&table[i], &w, &w.arena);
                if (replay_decide(&w.x.p, w.bench, &call, &w.arena, &result, &err) < 0)
                        fail_msg("%s: %s", table[i].policies, err_text(&err));
                put_result(&w, &result, &got);
                if (strcmp(buf_cstr(&got), table[i].want) != 0)
                        fail_msg("%s%s\nis\n%s\nnot\n%s", table[i].policies,
                                 table[i].asked ? table[i].asked : "-", buf_cstr(&got),
                                 table[i].want);
                world_done(&w);
        }
}

/* ---- never what is not so ---- */

/* A call by chance: what the gateway comes to, and what was recorded of it with holes. */
struct chosen {
        int cents, limit; /* -1: not there */
        bool body, amount, euro, currency, query, branch, group;
        unsigned id;
};

static struct chosen choose(struct chance *c)
{
        return (struct chosen){ .cents = (int)chance_below(c, 12),
                                .limit = (int)chance_below(c, 12) - 1,
                                .body = chance_below(c, 4),
                                .amount = chance_below(c, 3),
                                .euro = chance_below(c, 2),
                                .currency = chance_below(c, 2),
                                .query = chance_below(c, 2),
                                .branch = chance_below(c, 2),
                                .group = chance_below(c, 2),
                                .id = chance_below(c, 2) };
}

static const char *const random_policies[] = {
        PAY("permit", "context has body.amount.cents && context.body.amount.cents < 6")
                PAY("forbid", "context has body.amount.currency && context.body.amount.currency == "
                              "PayBodyAmountCurrency::\"EUR\" && !(principal in "
                              "Group::\"staff\")"),
        PAY("permit", "principal has branch && context.query has \"x-y\" && "
                      "context.query[\"x-y\"] == principal.branch")
                PAY("permit", "resource.owner == principal"),
        PAY("permit", "true") PAY("forbid", "context has body.amount.cents && "
                                            "context.body.amount.cents * 9223372036854775807 > 0"),
        PAY("permit", "if context has body then context.body has amount else principal has branch")
                PAY("forbid", "resource.owner == principal && context has body.tags"),
        PAY("permit", "[context.path.id, \"x\"].contains(\"A1\") || context has body.amount.cents "
                      "&& context.body.amount.cents == 3"),
};

static void put_body(const struct chosen *x, struct buf *out)
{
        buf_put_str(out, "{");
        if (x->amount)
                buf_printf(out, "\"amount\":{\"cents\":%d%s}", x->cents,
                           !x->currency ? ""
                           : x->euro    ? ",\"currency\":\"EUR\""
                                        : ",\"currency\":\"USD\"");
        buf_put_str(out, "}");
}

/* Each place is there with a chance of 3 in 4; *whole: all are. */
static bool kept(struct chance *c, bool *all)
{
        bool is = chance_below(c, 4) > 0;

        *all = *all && is;
        return is;
}

static void put_asked(const struct chosen *x, struct chance *c, bool *all, struct buf *out)
{
        char sep = '[';

        buf_put_str(out, "[");
        if (kept(c, all)) {
                buf_put_str(out, "[\"body\"");
                if (x->body) {
                        buf_put_str(out, ",[[\"tags\"]");
                        if (kept(c, all)) {
                                buf_put_str(out, ",[\"amount\"");
                                if (x->amount) {
                                        buf_put_str(out, ",[");
                                        if (kept(c, all))
                                                buf_printf(out, "[\"cents\",%d],", x->cents);
                                        if (kept(c, all))
                                                buf_printf(out, "[\"currency\"%s],",
                                                           !x->currency ? ""
                                                           : x->euro    ? ",\"EUR\""
                                                                        : ",\"USD\"");
                                        buf_put_str(out, "[\"more\"]]");
                                }
                                buf_put_str(out, "]");
                        }
                        buf_put_str(out, ",[\"rate\"],[\"at\"]]");
                }
                buf_put_str(out, "],");
        }
        buf_printf(out, "[\"path\",[%s]],",
                   kept(c, all) ? x->id ? "[\"id\",\"A1\"]" : "[\"id\",\"A2\"]" : "");
        buf_put_str(out, "[\"query\",[");
        if (kept(c, all))
                buf_printf(out, "[\"x-y\"%s]", x->query ? ",\"b\"" : "");
        buf_put_str(out, "]]]");
        (void)sep;
}

struct truth {
        bool permitted;
        const struct cedar_policy *reasons[8];
        uint32_t n;
};

static void find_truth(struct world *w, const struct chosen *x, struct truth *ret)
{
        const struct api_operation *o = api_operation(w->x.p.api, SPAN("pay"));
        const struct span claims[] = { x->branch ? SPAN("b") : SPAN_NONE, SPAN_NONE };
        struct caller_proof proof = { .identity = &w->x.p.config.identities[0],
                                      .id = SPAN("ann"),
                                      .groups = &tellers,
                                      .n_groups = x->group,
                                      .claims = claims };
        struct call_value values[2] = {
                { true, { .kind = TREE_STRING, .text = x->id ? SPAN("A1") : SPAN("A2") } },
                { x->query, { .kind = TREE_STRING, .text = SPAN("b") } },
        };
        CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
        struct call call = { .operation = o,
                             .parameters = values,
                             .body_schema = o->request->media[0].schema,
                             .address = { .address = { 192, 0, 2, 7 }, .prefix = 32 },
                             .time_ms = 1000,
                             .tls_version = SPAN("TLSv1.3") };
        struct cedar_request q = { .action = cedar_uid(SPAN("Action"), o->id), .n_extra = 1 };
        struct cedar_entity caller;
        struct cedar_answer answer;
        struct err err = { 0 };

        put_body(x, &text);
        if (x->body)
                call.body = read_json(&w->arena, arena_copy(&w->arena, buf_span(&text)));
        MODEL_OK(package_caller(&w->x.p, &proof, &w->arena, &caller, &err), err);
        MODEL_OK(call_context(&w->x.p, &call, &w->arena, &q.context, &q.resource, &err), err);
        q.principal = caller.uid;
        q.extra = &caller;
        cedar_decide(w->x.p.program, w->x.p.entities, &q, w->bench, &answer);
        ret->permitted = answer.decision == CEDAR_PERMIT;
        for (uint32_t i = 0; i < answer.n_faults; i++)
                if (answer.faults[i].policy->effect == CEDAR_FORBID)
                        ret->permitted = false;
        ret->n = answer.n_reasons;
        assert_in_range(ret->n, 0, 8);
        for (uint32_t i = 0; i < ret->n; i++)
                ret->reasons[i] = answer.reasons[i];
}

static bool is_reason(const struct truth *t, const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < t->n; i++)
                if (t->reasons[i] == p)
                        return true;
        return false;
}

static void is_so(struct world *w, struct chance *c, const char *policies, unsigned *told)
{
        const struct chosen x = choose(c);
        CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
        struct replay_call call = whole;
        struct replay_result r;
        struct truth truth;
        struct err err = { 0 };
        bool all = true;

        arena_reset(&w->arena);
        put_asked(&x, c, &all, &text);
        call.asked = read_json(&w->arena, arena_copy(&w->arena, buf_span(&text)));
        call.judged = w->x.p.api;
        call.n_groups = x.group;
        call.object_id = x.id ? SPAN("A1") : SPAN("A2");
        if (kept(c, &all))
                call.claims = read_json(&w->arena, x.branch ? "[[\"branch\",\"b\"],[\"unit\"]]"
                                                            : "[[\"branch\"],[\"unit\"]]");
        else
                call.known.claims = REPLAY_UNRECORDED;
        if (!kept(c, &all))
                call.known.caller = REPLAY_ERASED;
        if (!kept(c, &all))
                call.known.groups = REPLAY_LEFT_OUT;
        if (!kept(c, &all))
                call.known.object = REPLAY_ERASED;
        find_truth(w, &x, &truth);
        MODEL_OK(replay_decide(&w->x.p, w->bench, &call, &w->arena, &r, &err), err);
        if (r.decision == REPLAY_REFUSED || r.decision == REPLAY_GONE ||
            (r.decision == REPLAY_ALLOWED && !truth.permitted) ||
            (r.decision == REPLAY_DENIED && truth.permitted) || (all && r.decision == REPLAY_OPEN))
                fail_msg("%s%s: %d, and it was %d", policies, buf_cstr(&text), (int)r.decision,
                         truth.permitted);
        if (r.decision != REPLAY_OPEN && r.decide.sure)
                assert_int_equal(r.decide.n, truth.n);
        for (uint32_t i = 0; i < r.decide.n && r.decision != REPLAY_OPEN; i++)
                assert_true(is_reason(&truth, r.decide.at[i]));
        assert_true(!all || r.decide.sure);
        told[r.decision != REPLAY_OPEN]++;
}

static void never_what_is_not_so(void **state)
{
        enum { TIMES = 4000 };
        struct chance c = chance_of(17);
        unsigned told[2] = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(random_policies); i++) {
                struct world w;

                world_init(&w, random_policies[i]);
                for (unsigned k = 0; k < TIMES; k++)
                        is_so(&w, &c, random_policies[i], told);
                world_done(&w);
        }
        assert_true(told[0] > TIMES / 2 && told[1] > TIMES); /* both happen */
}

/* ---- memory ---- */

static void no_memory(void **state)
{
        static const struct replay_case c = {
                .policies = PAY("permit", "context has body.amount.cents && "
                                          "context.body.amount.cents < 5 && context.query has "
                                          "\"x-y\""),
                .asked = BODY("[\"amount\",[[\"cents\",4]]]"),
        };
        struct replay_result result;
        struct replay_call call;
        struct err err = { 0 };
        struct world w;
        int rc = -1;

        (void)state;
        world_init(&w, c.policies);
        call = call_of(&c, &w, &w.arena);
        for (size_t nth = 1; rc < 0; nth++) {
                struct arena arena = ARENA_INIT(1 << 20);

                alloc_fail_nth = nth;
                rc = replay_decide(&w.x.p, w.bench, &call, &arena, &result, &err);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                if (rc == 0)
                        assert_int_equal(result.decision, REPLAY_OPEN);
                arena_done(&arena);
        }
        rc = -1;
        for (size_t max = 0; rc < 0; max += 64) {
                struct arena arena = ARENA_INIT(max);

                rc = replay_decide(&w.x.p, w.bench, &call, &arena, &result, &err);
                assert_true(rc == 0 || rc == -E2BIG || rc == -ENOMEM);
                arena_done(&arena);
        }
        world_done(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_would_be),
                cmocka_unit_test(never_what_is_not_so),
                cmocka_unit_test(no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
