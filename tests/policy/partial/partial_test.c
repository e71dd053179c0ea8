/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../world.h"
#include "policy/entities/extra.h"
#include "policy/partial/partial.h"

enum {
        P = 1,
        R = 2,
        F = 4
}; /* the principal, the resource are unknown; a forbid's fault forbids */

struct row {
        unsigned flags;
        const char *places; /* "n deep.a": unknown; "." is all of the context */
        const char *policies;
        const char *want; /* "depends policy0(principal)", "allow policy0", "deny policy1!" */
};

static struct world world;

/* Names apart by dots, places apart by blanks. */
static uint32_t read_places(const char *text, struct arena *arena, struct cedar_place_name *ret)
{
        struct span rest = span_str(text);
        uint32_t n = 0;

        while (rest.n) {
                struct span *names = arena_alloc(arena, (rest.n + 1) * sizeof *names);
                size_t from = 0, i;

                ret[n] = (struct cedar_place_name){ .names = names };
                for (i = 0; i <= rest.n; i++) {
                        const bool end = i == rest.n || rest.p[i] == ' ';

                        if (!end && rest.p[i] != '.')
                                continue;
                        if (i > from)
                                names[ret[n].n++] = span_of(rest.p + from, i - from);
                        from = i + 1;
                        if (end)
                                break;
                }
                n++;
                rest = span_from(rest, MIN_OF(i + 1, rest.n));
        }
        return n;
}

static void put_policy(const struct cedar_partial_policy *p, struct buf *out)
{
        buf_put_byte(out, ' ');
        buf_put(out, p->policy->id);
        if (p->stand == STAND_FAULT)
                buf_put_byte(out, '!');
        if (p->stand != STAND_DEPENDS)
                return;
        buf_put_byte(out, '(');
        for (uint32_t i = 0; i < p->n_on; i++) {
                buf_put_str(out, i ? ", " : "");
                buf_put(out, p->on[i]);
        }
        buf_put_byte(out, ')');
}

static void put_answer(const struct cedar_partial_answer *a, struct buf *out)
{
        static const char *const words[] = { "deny", "allow", "depends" };

        buf_put_str(out, words[a->decision]);
        for (uint32_t i = 0; i < a->n_policies; i++)
                put_policy(&a->policies[i], out);
}

static int decide(const struct row *row, const struct cedar_schema *schema,
                  const struct cedar_policies *policies, struct arena *arena, struct buf *out)
{
        struct cedar_place_name places[8];
        struct cedar_unknown u = { .principal = row->flags & P,
                                   .resource = row->flags & R,
                                   .places = places,
                                   .schema = schema };
        struct cedar_partial_answer a;
        int rc;

        u.n_places = read_places(row->places, &world.arena, places);
        rc = cedar_decide_partial(policies, world.entities, &world.request, &u, row->flags & F,
                                  arena, &a);
        if (rc < 0)
                return rc;
        put_answer(&a, out);
        return 0;
}

static void check(const struct row *rows, size_t n, const struct cedar_schema *schema)
{
        for (size_t i = 0; i < n; i++) {
                CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
                const struct cedar_policies *p = world_parse(&world, rows[i].policies);

                assert_int_equal(decide(&rows[i], schema, p, &world.arena, &got), 0);
                if (strcmp(buf_cstr(&got), rows[i].want) != 0)
                        fail_msg("%s\n  of \"%s\" comes to %s,\n  not %s", rows[i].policies,
                                 rows[i].places, buf_cstr(&got), rows[i].want);
        }
}

#define WHEN(e)  "permit(principal,action,resource) when {" e "};"
#define ALL      "permit(principal,action,resource);"
#define NEVER(e) "forbid(principal,action,resource) when {" e "};"

static void nothing_unknown(void **state)
{
        static const struct row rows[] = {
                { 0, "", ALL, "allow policy0" },
                { 0, "", "forbid(principal,action,resource);", "deny policy0" },
                { 0, "", "", "deny" },
                { 0, "", WHEN("context.yes"), "allow policy0" },
                { 0, "", WHEN("context.no"), "deny" },
                { 0, "", WHEN("context.none"), "deny policy0!" },
                { 0, "", ALL NEVER("context.none"), "allow policy0 policy1!" },
                { F, "", ALL NEVER("context.none"), "deny policy0 policy1!" },
                { 0, "", "permit(principal == ?principal,action,resource);" ALL, "allow policy1" },
        };

        (void)state;
        check(rows, ARRAY_LEN(rows), NULL);
}

static void what_decides_is_looked_at_and_no_more(void **state)
{
        static const struct row rows[] = {
                { 0, "n", WHEN("false && context.n"), "deny" },
                { 0, "n", WHEN("context.no && context.n == 1"), "deny" },
                { 0, "n", WHEN("true || context.n"), "allow policy0" },
                /* it may err, and then it does not hold either */
                { 0, "n", WHEN("context.n == 1 && false"), "deny policy0(context.n)" },
                { 0, "n", WHEN("context.n == 1 || true"), "depends policy0(context.n)" },
                { 0, "n", ALL NEVER("context.n == 1 || true"),
                  "depends policy0 policy1(context.n)" },
                { F, "n", ALL NEVER("context.n == 1 || true"), "deny policy0 policy1(context.n)" },
                { 0, "n", ALL NEVER("context.n == 1 && false"),
                  "allow policy0 policy1(context.n)" },
                { F, "n", ALL NEVER("context.n == 1 && false"),
                  "depends policy0 policy1(context.n)" },
                { 0, "n", WHEN("context has n && context.n == 1"), "depends policy0(context.n)" },
                { 0, "n", WHEN("context has n || true"), "allow policy0" },
                { 0, "n", WHEN("if context has n then true else true"), "allow policy0" },
                { 0, "n", WHEN("if context has n then 1 == 1 else context.no"),
                  "depends policy0(context.n)" },
                { 0, "n", WHEN("if true then context.yes else context.n"), "allow policy0" },
                { 0, "n", WHEN("!(context has n) || context has n"), "depends policy0(context.n)" },
                { 0, "n", WHEN("context.yes && 7"), "deny policy0!" },
                { 0, "n", WHEN("context has n && 7"), "deny policy0(context.n)" },
                { 0, "n yes", WHEN("context has n && context has yes"),
                  "depends policy0(context.n, context.yes)" },
                { 0, "n yes", WHEN("(context has n && false) || context has yes"),
                  "depends policy0(context.yes)" },
                { 0, "n", "permit(principal,action,resource) unless {context has n};",
                  "depends policy0(context.n)" },
                { 0, "n", "permit(principal,action,resource) when {context.no} when {context.n};",
                  "deny" },
                { 0, "n", "permit(principal,action,resource) when {context.n} when {context.no};",
                  "deny policy0(context.n)" },
        };

        (void)state;
        check(rows, ARRAY_LEN(rows), NULL);
}

static void places_of_the_context(void **state)
{
        static const struct row rows[] = {
                { 0, ".", WHEN("context.deep.a.b == 1"), "depends policy0(context.deep.a.b)" },
                { 0, ".", WHEN("context has deep.a"), "depends policy0(context.deep.a)" },
                { 0, ".", WHEN("context == {}"), "depends policy0(context)" },
                { 0, ".", WHEN("context == 1"), "deny" },
                { 0, "deep", WHEN("context.deep.a.b == 1"), "depends policy0(context.deep.a.b)" },
                { 0, "deep", WHEN("context.n == 1"), "allow policy0" },
                { 0, "deep.a.b", WHEN("context has deep.a"), "allow policy0" },
                { 0, "deep.a.b", WHEN("context.deep.a has c"), "deny" },
                { 0, "deep.a.b", WHEN("context.deep.a has b"),
                  "depends policy0(context.deep.a.b)" },
                { 0, "deep.a.b deep.a", WHEN("context.deep.a has c"),
                  "depends policy0(context.deep.a.c)" },
                { 0, "deep.a.b", WHEN("context.deep.a.c == 1"), "deny policy0!" },
                { 0, "deep.a.b", WHEN("context.deep == {a: {b: 1}}"),
                  "depends policy0(context.deep.a.b)" },
                { 0, "deep.a.b", WHEN("[context.deep].contains({})"),
                  "depends policy0(context.deep.a.b)" },
                { 0, "deep.a.b", WHEN("context == 1"), "deny" },
                /* where there is no record, all of it is unknown */
                { 0, "new.a", WHEN("context.new.b == 1"), "depends policy0(context.new.b)" },
                { 0, "n.a", WHEN("context.n == 1"), "depends policy0(context.n)" },
                { 0, "odd", WHEN("context.odd[\"a b\"] == 1"),
                  "depends policy0(context.odd[\"a b\"])" },
                { 0, "n s", WHEN("{a: context.n, b: 1}.b == 1"), "depends policy0(context.n)" },
                { 0, "n s", WHEN("{a: context has n, b: 1}.b == 1"), "allow policy0" },
                { 0, "n s", WHEN("{a: context has n, b: 1}.a"), "depends policy0(context.n)" },
                { 0, "n s", WHEN("{a: 1} has a.b || context has n"), "deny policy0!" },
                { 0, "n s", WHEN("{a: context has n}.c"), "deny policy0!" },
        };

        (void)state;
        check(rows, ARRAY_LEN(rows), NULL);
}

static void kinds_that_do_not_fit(void **state)
{
        static const struct row rows[] = {
                { 0, "n", WHEN("(context has n) < 1"), "deny policy0!" },
                { 0, "n", WHEN("(context has n) == 1"), "deny" },
                { 0, "n", WHEN("(context has n) != 1"), "allow policy0" },
                { 0, "n", WHEN("(context.n + 1) like \"1\""), "deny policy0!" },
                { 0, "n", WHEN("(context.n + 1) == \"1\""), "deny policy0(context.n)" },
                { 0, "n", WHEN("(-context.n) == 1"), "depends policy0(context.n)" },
                { 0, "n", WHEN("decimal(context.n).lessThan(1)"), "deny policy0!" },
                { 0, "n", WHEN("decimal(context.n) == decimal(\"1.0\")"),
                  "depends policy0(context.n)" },
                { 0, "n", WHEN("ip(context.n, 1).isIpv4()"), "deny policy0!" },
                { 0, "n", WHEN("[context has n].isEmpty()"), "depends policy0(context.n)" },
                { 0, "n", WHEN("[1].containsAll(context has n)"), "deny policy0!" },
                { 0, "n", WHEN("[1].contains(context has n)"), "deny" },
                { 0, "n", WHEN("[true].contains(context has n)"), "depends policy0(context.n)" },
                { 0, "n", WHEN("(context has n) in principal"), "deny policy0!" },
                { 0, "n", WHEN("(context has n) is User"), "deny policy0!" },
                { 0, "n", WHEN("(context has n).x"), "deny policy0!" },
                { 0, "n", WHEN("(context has n) has x"), "deny policy0!" },
                { 0, "n", WHEN("context.n < 2"), "depends policy0(context.n)" },
                { 0, "n", WHEN("context.n < context.s"), "deny policy0!" },
        };

        (void)state;
        check(rows, ARRAY_LEN(rows), NULL);
}

static void who_is_not_known(void **state)
{
        static const struct row rows[] = {
                { P, "", "permit(principal is User,action,resource);", "allow policy0" },
                { P, "", "permit(principal is Group,action,resource);", "deny" },
                { P, "", "permit(principal == User::\"bob\",action,resource);",
                  "depends policy0(principal)" },
                { P, "", "permit(principal == Group::\"bob\",action,resource);", "deny" },
                { P, "", "permit(principal in Group::\"eng\",action,resource);",
                  "depends policy0(principal in Group::\"eng\")" },
                { P, "", "permit(principal is User in Group::\"eng\",action,resource);",
                  "depends policy0(principal in Group::\"eng\")" },
                { P, "", "permit(principal is Group in Group::\"eng\",action,resource);", "deny" },
                { P, "", WHEN("principal == principal && principal in principal"),
                  "allow policy0" },
                { P, "", WHEN("principal.age > 3"), "depends policy0(principal.age)" },
                { P, "", WHEN("principal.age > 3 || principal is User"),
                  "depends policy0(principal.age)" },
                { P, "", WHEN("principal has home.zip"),
                  "depends policy0(principal, principal.home.zip)" },
                { P, "", WHEN("principal.hasTag(\"dept\")"), "depends policy0(principal)" },
                { P, "", WHEN("principal.getTag(\"dept\") == \"eng\""),
                  "depends policy0(principal)" },
                { P, "", WHEN("principal in [Group::\"a\", Group::\"b\"]"),
                  "depends policy0(principal in Group::\"a\", principal in Group::\"b\")" },
                { P, "", WHEN("principal in []"), "deny" },
                { P, "", WHEN("principal in [1]"), "deny policy0!" },
                { P, "", WHEN("[Group::\"a\"].contains(principal)"), "deny" },
                { P, "", WHEN("[User::\"a\"].contains(principal)"), "depends policy0(principal)" },
                { P, "", WHEN("resource.owner == principal"), "depends policy0(principal)" },
                { P, "", WHEN("resource == principal"), "deny" },
                { P, "", WHEN("resource.open"), "allow policy0" },
                { P, "", WHEN("resource in Album::\"a\""), "allow policy0" },
                { P, "", WHEN("principal.age.x"), "depends policy0(principal, principal.age.x)" },
                { R, "", WHEN("resource.open"), "depends policy0(resource.open)" },
                { R, "", WHEN("resource in principal"),
                  "depends policy0(resource in User::\"alice\")" },
                { P | R, "", WHEN("resource in principal"),
                  "depends policy0(principal, resource)" },
                { R, "", WHEN("principal in resource"), "deny" },
                { R, "", "permit(principal,action,resource in Album::\"a\");",
                  "depends policy0(resource in Album::\"a\")" },
                { R, "", "permit(principal,action,resource == Album::\"a\");", "deny" },
                { R, "", "permit(principal == User::\"bob\",action,resource in Album::\"a\");",
                  "deny" },
                /* the one who asks may be bob, and bring what the store does not say of him */
                { P, "", WHEN("User::\"bob\".age == 50"), "allow policy0" },
                { P, "", WHEN("User::\"bob\" has boss"), "depends policy0(principal)" },
                { P, "", WHEN("User::\"bob\" in Group::\"eng\""), "depends policy0(principal)" },
                { P, "", WHEN("User::\"bob\" in Group::\"ops\""), "allow policy0" },
                { P, "", WHEN("User::\"bob\".hasTag(\"x\")"), "depends policy0(principal)" },
                { P, "", WHEN("User::\"alice\".hasTag(\"dept\")"), "allow policy0" },
                { P, "", WHEN("Group::\"eng\" in Group::\"ops\""), "deny" },
                { R, "", WHEN("User::\"bob\" has boss"), "deny" },
        };

        (void)state;
        check(rows, ARRAY_LEN(rows), NULL);
}

static void what_a_schema_adds(void **state)
{
        static const char text[] =
                "entity User in [Group] { age: Long, nick?: String }; entity Group in [Org];"
                "entity Org; entity Album; entity Photo in [Album] { owner: User };"
                "action any; action view in [any] appliesTo { principal: [User],"
                " resource: [Photo], context: { n: Long, s?: String, yes: Bool, who: User,"
                " deep: { a: { b: Long, c?: Bool } } } };";
        static const struct row rows[] = {
                { 0, "n", WHEN("context.n == 1 || true"), "allow policy0" },
                { 0, "n", WHEN("context has n"), "allow policy0" },
                { 0, "n", WHEN("context.n < 7 || context.yes"), "allow policy0" },
                { 0, "n", WHEN("context.n == \"1\""), "deny" },
                { 0, "n", WHEN("context.n + 1 < 7 || context.yes"), "depends policy0(context.n)" },
                { 0, "s", WHEN("context.s == \"\" || true"), "depends policy0(context.s)" },
                { 0, "s", WHEN("context has s && context.s like \"*\""),
                  "depends policy0(context.s)" },
                { 0, ".", WHEN("context.deep.a.b < 7 || context.deep.a has c || true"),
                  "allow policy0" },
                { 0, ".", WHEN("context has none"), "deny" },
                { 0, ".", WHEN("context.who is Group"), "deny" },
                { 0, ".", WHEN("context.who in Album::\"a\""), "deny" },
                { 0, ".", WHEN("context.who in Group::\"a\""),
                  "depends policy0(context.who in Group::\"a\")" },
                { 0, ".", WHEN("context.who has none"), "deny" },
                { 0, "deep.a", WHEN("context.deep.a.b < 7"), "depends policy0(context.deep.a.b)" },
                { P, "", "permit(principal in Album::\"a\",action,resource);", "deny" },
                { P, "", "permit(principal in Org::\"a\",action,resource);",
                  "depends policy0(principal in Org::\"a\")" },
                { P, "", WHEN("principal in [Album::\"a\", Org::\"b\"]"),
                  "depends policy0(principal in Org::\"b\")" },
                { P, "", WHEN("principal has none"), "deny" },
                { P, "", WHEN("principal.hasTag(\"x\")"), "deny" },
                { P, "", WHEN("principal.age == \"1\""), "deny policy0(principal.age)" },
                { P, "", WHEN("principal in resource"), "deny" },
        };
        CLEANUP(cedar_schema_freep) struct cedar_schema *schema = NULL;
        struct err err = { 0 };

        (void)state;
        if (cedar_schema_parse(SPAN(text), &schema, &err) < 0)
                fail_msg("%s", err_text(&err));
        check(rows, ARRAY_LEN(rows), schema);
}

/* A member of eng whom the store does not name, or alice. */
static const struct bring_row {
        bool stranger;
        enum { IN_NONE, IN_ANY, BUT_OPS } groups; /* that it may bring */
        const char *attribute;                    /* NULL: none */
        const char *policies, *want;
} brought[] = {
        { true, IN_NONE, NULL, WHEN("principal in Group::\"eng\""), "allow policy0" },
        { true, IN_NONE, NULL, WHEN("principal in Org::\"acme\""), "allow policy0" },
        { true, IN_NONE, NULL, WHEN("principal in Group::\"ops\""), "deny" },
        { true, IN_ANY, NULL, WHEN("principal in Group::\"ops\""),
          "depends policy0(principal in Group::\"ops\")" },
        { true, IN_ANY, NULL, WHEN("principal in [Group::\"ops\", Group::\"eng\"]"),
          "allow policy0" },
        { true, IN_NONE, NULL, "permit(principal == User::\"alice\",action,resource);", "deny" },
        { true, IN_NONE, NULL, "permit(principal == User::\"eve\",action,resource);",
          "depends policy0(principal)" },
        { true, IN_NONE, NULL, WHEN("[User::\"bob\"].contains(principal)"), "deny" },
        /* the name that stands for nobody is nobody's */
        { true, IN_NONE, NULL, WHEN("User::\"?\" in Group::\"eng\""),
          "depends policy0(principal)" },
        { true, IN_NONE, NULL, "permit(principal == User::\"?\",action,resource);",
          "depends policy0(principal)" },
        { true, IN_NONE, NULL, WHEN("principal has age"), "deny" },
        { true, IN_NONE, "age", WHEN("principal has age"), "depends policy0(principal.age)" },
        { true, IN_NONE, "age", WHEN("principal has boss.age"), "deny" },
        { true, IN_NONE, NULL, WHEN("principal.hasTag(\"dept\")"), "deny" },
        { true, IN_ANY, "age", WHEN("User::\"bob\" has nick || User::\"bob\" in Group::\"eng\""),
          "deny" },
        { false, IN_NONE, NULL, WHEN("principal in Group::\"ops\""), "deny" },
        { false, IN_ANY, NULL, WHEN("principal in Group::\"ops\""),
          "depends policy0(principal in Group::\"ops\")" },
        { false, BUT_OPS, NULL, WHEN("principal in Group::\"ops\""), "deny" },
        { true, BUT_OPS, NULL, WHEN("principal in Group::\"ops\""), "deny" },
        { true, BUT_OPS, NULL, WHEN("principal in [Group::\"ops\", Group::\"hr\"]"),
          "depends policy0(principal in Group::\"hr\")" },
        { true, BUT_OPS, NULL, WHEN("principal in Group::\"eng\""), "allow policy0" },
        { false, IN_ANY, "age", WHEN("principal.age == 30"), "allow policy0" },
        { false, IN_NONE, NULL, WHEN("principal has nick"), "deny" },
        { false, IN_NONE, "nick", WHEN("principal has nick"), "depends policy0(principal.nick)" },
        { false, IN_ANY, "nick", WHEN("User::\"bob\" has nick"), "deny" },
        { false, IN_ANY, "nick", WHEN("principal.hasTag(\"nick\")"), "deny" },
        { false, IN_ANY, NULL, "permit(principal == User::\"alice\",action,resource);",
          "allow policy0" },
};

static void check_brought(const struct bring_row *row)
{
        const struct cedar_uid eng = world_uid(&world, "Group::\"eng\""),
                               ops = world_uid(&world, "Group::\"ops\"");
        const struct span attribute = row->attribute ? span_str(row->attribute) : SPAN_NONE;
        const struct cedar_brings brings = { .groups = row->groups != IN_NONE,
                                             .no_group = row->groups == BUT_OPS ? &ops : NULL,
                                             .attributes = &attribute,
                                             .n_attributes = row->attribute != NULL };
        const struct cedar_unknown u = { .principal = row->stranger, .brings = &brings };
        const struct cedar_policies *p = world_parse(&world, row->policies);
        CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
        struct cedar_request q = world.request;
        struct cedar_partial_answer a;
        struct cedar_entity base = { .parents = &eng,
                                     .n_parents = 1,
                                     .attrs = { .kind = CEDAR_RECORD },
                                     .tags = { .kind = CEDAR_RECORD } };

        if (row->stranger)
                q.principal = world_uid(&world, "User::\"?\"");
        base.uid = q.principal;
        assert_int_equal(cedar_extra_complete(world.entities, &base, 1, &world.arena, NULL), 0);
        q.extra = &base;
        q.n_extra = 1;
        assert_int_equal(cedar_decide_partial(p, world.entities, &q, &u, false, &world.arena, &a),
                         0);
        put_answer(&a, &got);
        if (strcmp(buf_cstr(&got), row->want) != 0)
                fail_msg("%s\n  comes to %s,\n  not %s", row->policies, buf_cstr(&got), row->want);
}

static void what_a_principal_brings(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(brought); i++)
                check_brought(&brought[i]);
}

static void a_place_too_deep(void **state)
{
        const struct cedar_place_name place = { NULL, CEDAR_DEPTH_MAX + 1 };
        const struct cedar_unknown u = { .places = &place, .n_places = 1 };
        struct cedar_partial_answer a;

        (void)state;
        assert_int_equal(cedar_decide_partial(world_parse(&world, ALL), world.entities,
                                              &world.request, &u, false, &world.arena, &a),
                         -E2BIG);
}

/* Each allocation failing in turn. */
static void no_memory(void **state)
{
        static const struct row row = {
                P | F, "n deep.a",
                WHEN("principal in [Group::\"a\", Group::\"b\"] && {a: context.n}.a == [1, 2] &&"
                     " context.deep == {a: 1} || ip(\"::1\").isLoopback()"),
                "depends policy0(context.deep.a, context.n, principal in Group::\"a\","
                " principal in Group::\"b\")"
        };
        const struct cedar_policies *p = world_parse(&world, row.policies);
        size_t failed = 0;
        int rc = -ENOMEM;

        (void)state;
        for (size_t nth = 1; rc < 0; nth++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
                CLEANUP(buf_done) struct buf got = BUF_INIT(4096);

                buf_put_str(&got, row.want); /* room for it */
                buf_clear(&got);
                alloc_fail_nth = nth;
                rc = decide(&row, NULL, p, &arena, &got);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                failed += rc < 0;
                if (rc == 0)
                        assert_string_equal(buf_cstr(&got), row.want);
        }
        assert_true(failed > 0);
}

/* ... and each byte that the arena lacks. */
static void no_room(void **state)
{
        static const struct row row = { 0, "n", WHEN("[context.n, 1].contains(1)"),
                                        "depends policy0(context.n)" };
        const struct cedar_policies *p = world_parse(&world, row.policies);
        int rc = -ENOMEM;

        (void)state;
        for (size_t max = 0; rc < 0; max += 16) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(max);
                CLEANUP(buf_done) struct buf got = BUF_INIT(4096);

                rc = decide(&row, NULL, p, &arena, &got);
                assert_true(rc == 0 || rc == -ENOMEM);
                if (rc == 0)
                        assert_string_equal(buf_cstr(&got), row.want);
        }
}

static int set_up(void **state)
{
        (void)state;
        world_init(&world);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        world_done(&world);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_unknown),
                cmocka_unit_test(what_decides_is_looked_at_and_no_more),
                cmocka_unit_test(places_of_the_context),
                cmocka_unit_test(kinds_that_do_not_fit),
                cmocka_unit_test(who_is_not_known),
                cmocka_unit_test(what_a_schema_adds),
                cmocka_unit_test(what_a_principal_brings),
                cmocka_unit_test(a_place_too_deep),
                cmocka_unit_test(no_memory),
                cmocka_unit_test(no_room),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
