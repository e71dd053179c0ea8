/* SPDX-License-Identifier: Apache-2.0 */
/* What policies could ask of a call, sealed beside its intent or its refusal. */
#include "record_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "package/call/call.h"

#define PLACE(name_)                                                                               \
        .name = SPAN_INIT(name_), .quoted = SPAN_INIT("\"" name_ "\""), .parameter = API_NONE
#define PARAMETER(name_, at)                                                                       \
        .name = SPAN_INIT(name_), .quoted = SPAN_INIT("\"" name_ "\""), .parameter = (at)
#define PARTS(list) .parts = (list), .n = ARRAY_LEN(list)

static const struct asked_place amount[] = { { PLACE("cents") }, { PLACE("currency") } },
                                body[] = { { PLACE("amount"), PARTS(amount) }, { PLACE("note") } },
                                query[] = { { PARAMETER("branch", 1) }, { PARAMETER("limit", 0) } },
                                places[] = { { PLACE("body"), PARTS(body) },
                                             { PLACE("query"), PARTS(query) } };

static const struct asked_case {
        const char *body, *limit, *branch; /* JSON; NULL: not there */
        const char *want;
} table[] = {
        { "{\"amount\":{\"cents\":12,\"currency\":\"EUR\",\"more\":1},\"note\":\"a\\\"b\",\"x\":1}",
          "7", "\"0100\"",
          "[[\"body\",[[\"amount\",[[\"cents\",12],[\"currency\",\"EUR\"]]],[\"note\",\"a\\\"b\"]]],"
          "[\"query\",[[\"branch\",\"0100\"],[\"limit\",7]]]]" },
        { NULL, NULL, NULL, "[[\"body\"],[\"query\",[[\"branch\"],[\"limit\"]]]]" },
        { "{}", "1.5", "true",
          "[[\"body\",[[\"amount\"],[\"note\"]]],"
          "[\"query\",[[\"branch\",true],[\"limit\",{\"number\":\"1.5\"}]]]]" },
        { "{\"amount\":[1,2],\"note\":null}", "9223372036854775807", NULL,
          "[[\"body\",[[\"amount\",{\"json\":\"[1,2]\"}],[\"note\",null]]],"
          "[\"query\",[[\"branch\"],[\"limit\",{\"number\":\"9223372036854775807\"}]]]]" },
        { "\"a text\"", NULL, NULL,
          "[[\"body\",\"a text\"],[\"query\",[[\"branch\"],[\"limit\"]]]]" },
};

struct asked_world {
        struct record_world w;
        struct api_asked all;
        struct asked asked;
        struct call_value values[2];
        struct tree body;
        struct call call;
        struct span claims[3], names[3];
};

static void read_value(struct asked_world *x, const char *json, struct call_value *ret)
{
        struct err err = { 0 };

        *ret = (struct call_value){ .present = json != NULL };
        if (json)
                assert_int_equal(tree_read_real(span_str(json), 32, &x->w.arena, &ret->value, &err),
                                 0);
}

static void init(struct asked_world *x, const struct asked_case *c)
{
        struct call_value body_value;

        record_world_init(&x->w);
        x->asked = (struct asked){ .places = places, .n = ARRAY_LEN(places) };
        x->all = (struct api_asked){ .of = &x->asked, .n = 1 };
        x->w.package.asked = &x->all;
        x->w.api.operations = &x->w.operation;
        x->w.api.n_operations = 1;
        read_value(x, c->limit, &x->values[0]);
        read_value(x, c->branch, &x->values[1]);
        read_value(x, c->body, &body_value);
        x->body = body_value.value;
        x->call = (struct call){ .operation = &x->w.operation,
                                 .parameters = x->values,
                                 .body = body_value.present ? &x->body : NULL,
                                 .body_schema = API_NONE,
                                 .tls_client = SPAN("cn=\"x\"") };
        x->w.call.call = &x->call;
}

static const struct feed_field *find(const struct record *r, const char *name)
{
        for (uint32_t i = 0; i < r->n_fields; i++)
                if (span_eq_str(r->fields[i].name, name))
                        return &r->fields[i];
        return NULL;
}

static void assert_field(const struct record *r, const char *name, const char *subject,
                         const char *value)
{
        const struct feed_field *f = find(r, name);

        assert_non_null(f);
        if (!span_eq_str(f->value, value) || !span_eq_str(f->subject, subject))
                fail_msg("%s of %.*s: %.*s\nnot of %s\n%s", name, (int)f->subject.n, f->subject.p,
                         (int)f->value.n, f->value.p, subject, value);
}

static void assert_taken(const struct record *r)
{
        struct err err = { 0 };
        const char *refused = record_world_refused(r, &err);

        if (refused)
                fail_msg("%s: %.*s", refused, (int)r->skeleton.n, (const char *)r->skeleton.p);
}

static void what_is_asked(void **state)
{
        const struct refusal denied = { .reason = REFUSED_POLICY };
        struct err err = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct asked_world x;
                struct records made;

                init(&x, &table[i]);
                assert_int_equal(record_intent(&x.w.call, &x.w.arena, &made, &err), 0);
                assert_taken(&made.at[0]);
                assert_field(&made.at[0], "what.asked", "Account:A1", table[i].want);
                assert_null(find(&made.at[0], "who.asked"));
                assert_int_equal(record_denied(&x.w.call, &denied, 1, &x.w.arena, &made, &err), 0);
                assert_taken(&made.at[0]);
                assert_field(&made.at[0], "what.asked", "caller:payroll", table[i].want);
                assert_int_equal(record_outcome(&x.w.call, &x.w.outcome, &x.w.arena, &made, &err),
                                 0);
                assert_null(find(&made.at[0], "what.asked"));
                record_world_done(&x.w);
        }
}

static void nothing_is_asked(void **state)
{
        struct asked_world x;
        struct records made;
        struct err err = { 0 };

        (void)state;
        init(&x, &table[0]);
        x.asked.n = 0;
        assert_int_equal(record_intent(&x.w.call, &x.w.arena, &made, &err), 0);
        assert_int_equal(made.at[0].n_fields, 3);
        x.w.call.call = NULL; /* the package does not want it, or nothing was read yet */
        x.asked.n = ARRAY_LEN(places);
        assert_int_equal(record_intent(&x.w.call, &x.w.arena, &made, &err), 0);
        assert_int_equal(made.at[0].n_fields, 3);
        record_world_done(&x.w);
}

static void the_caller(void **state)
{
        static const struct {
                bool claims, client;
                const char *group;
                const char *want; /* NULL: nothing */
        } t[] = {
                { true, false, "tellers",
                  "{\"claims\":[[\"unit\",\"u\"],[\"branch\"],[\"x\",\"\"]]}" },
                { true, true, "a\x7f",
                  "{\"claims\":[[\"unit\",\"u\"],[\"branch\"],[\"x\",\"\"]],"
                  "\"groups\":[\"a\x7f\"],\"tls_client\":\"cn=\\\"x\\\"\"}" },
                { false, true, "tellers", "{\"tls_client\":\"cn=\\\"x\\\"\"}" },
                { false, false, "tellers", NULL },
        };
        struct err err = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct asked_world x;
                struct records made;

                init(&x, &table[0]);
                x.names[0] = SPAN("unit");
                x.names[1] = SPAN("branch");
                x.names[2] = SPAN("x");
                x.claims[0] = SPAN("u");
                x.claims[1] = SPAN_NONE;
                x.claims[2] = SPAN("");
                if (t[i].claims) {
                        x.w.identity.claims = x.names;
                        x.w.identity.n_claims = ARRAY_LEN(x.names);
                        x.w.credential.proof.claims = x.claims;
                }
                x.asked.tls_client = t[i].client;
                x.w.group = span_str(t[i].group);
                assert_int_equal(record_intent(&x.w.call, &x.w.arena, &made, &err), 0);
                assert_taken(&made.at[0]);
                if (t[i].want)
                        assert_field(&made.at[0], "who.asked", "caller:payroll", t[i].want);
                else
                        assert_null(find(&made.at[0], "who.asked"));
                record_world_done(&x.w);
        }
}

/* More than fits is left out by itself, and counted; all groups or none. */
static void too_much(void **state)
{
        enum { MANY = 256, LONG = 1024 };
        static struct span groups[MANY];
        static char text[LONG];
        struct tree members[2] = { { .kind = TREE_STRING, .text = { (uint8_t *)text, LONG } } };
        struct tree_member note = { SPAN("note"), members[0] };
        struct json_value v;
        struct asked_world x;
        struct records made;
        struct err err = { 0 };

        (void)state;
        memset(text, 1, sizeof text); /* six bytes each */
        for (size_t i = 0; i < MANY; i++)
                groups[i] = span_of(text, LONG);
        init(&x, &table[0]);
        x.body = (struct tree){ .kind = TREE_OBJECT, .n = 1, .members = &note };
        x.values[0] = x.values[1] = (struct call_value){ true, members[0] };
        x.w.credential.proof.groups = groups;
        x.w.credential.proof.n_groups = MANY;
        assert_int_equal(record_intent(&x.w.call, &x.w.arena, &made, &err), 0);
        assert_taken(&made.at[0]);
        assert_null(find(&made.at[0], "who.asked"));
        assert_true(json_get_path(json_value_of(made.at[0].skeleton), "what.asked_left_out", &v));
        assert_true(span_eq_str(v.raw, "3")); /* branch, limit, the groups */
        assert_in_range(find(&made.at[0], "what.asked")->value.n, 6 * LONG, RECORD_ASKED_MAX);
        record_world_done(&x.w);
}

static void no_memory(void **state)
{
        struct err err;
        int rc = -1;

        (void)state;
        for (size_t max = 0; rc < 0; max += 64) {
                struct asked_world x;
                struct records made;

                init(&x, &table[0]);
                x.asked.tls_client = true;
                x.w.arena.max = x.w.arena.used + max;
                rc = record_intent(&x.w.call, &x.w.arena, &made, &err);
                assert_true(rc == 0 || rc == -ENOMEM);
                record_world_done(&x.w);
        }
        rc = -1;
        for (size_t nth = 1; rc < 0; nth++) {
                struct asked_world x;
                struct records made;

                init(&x, &table[0]);
                alloc_fail_nth = nth;
                rc = record_intent(&x.w.call, &x.w.arena, &made, &err);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                record_world_done(&x.w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_asked), cmocka_unit_test(nothing_is_asked),
                cmocka_unit_test(the_caller),    cmocka_unit_test(too_much),
                cmocka_unit_test(no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
