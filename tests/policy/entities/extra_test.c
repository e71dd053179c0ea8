/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/entities/extra.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../world.h"

static struct world world;

enum { PARENTS_MAX = 3 };

/* As it would be given; NULL ends the parents. */
struct row {
        const char *uid, *parents[PARENTS_MAX];
        const char *attrs, *tags; /* NULL: none */
};

static void make(const struct row *row, struct cedar_entity *ret)
{
        struct cedar_uid *parents = arena_alloc(&world.arena, PARENTS_MAX * sizeof *parents);

        *ret = (struct cedar_entity){ .uid = world_uid(&world, row->uid), .parents = parents };
        ret->attrs = world_value(&world, row->attrs ? row->attrs : "{}");
        ret->tags = world_value(&world, row->tags ? row->tags : "{}");
        while (ret->n_parents < PARENTS_MAX && row->parents[ret->n_parents]) {
                parents[ret->n_parents] = world_uid(&world, row->parents[ret->n_parents]);
                ret->n_parents++;
        }
}

/* ---- what is asked about them ---- */

#define CARL  "User::\"carl\""
#define ALICE "User::\"alice\""

static const struct row carl = {
        CARL, { "Group::\"eng\"", "Group::\"gone\"", "Group::\"eng\"" }, "{ age: 20 }", "{ k: 1 }"
};
/* in the store with an age, a name, ... and tags dept, level */
static const struct row alice = {
        ALICE, { "Group::\"ops\"" }, "{ age: 99, zip: 8020, boss: false }", "{ level: 9, more: 1 }"
};
/* above what is in the store: whatever is in the album is there, too */
static const struct row album = { "Album::\"a\"", { "Album::\"b\"" }, "{ n: 1 }", NULL };
static const struct row any = { "Action::\"any\"", { "Action::\"top\"" }, NULL, NULL };
static const struct row gone = { "Group::\"gone\"", { "Group::\"ops\"" }, NULL, NULL };

static const struct asked {
        const struct row *rows[CEDAR_EXTRA_MAX];
        const char *text, *want; /* NULL: it errs */
} table[] = {
        /* not in the store */
        { { &carl }, CARL ".age", "20" },
        { { &carl }, CARL " has age", "true" },
        { { &carl }, CARL " has name", "false" },
        { { &carl }, CARL ".name", NULL },
        { { &carl }, CARL ".getTag(\"k\")", "1" },
        { { &carl }, CARL ".hasTag(\"l\")", "false" },
        { { &carl }, CARL " in Group::\"eng\"", "true" },
        { { &carl }, CARL " in Group::\"gone\"", "true" },
        { { &carl }, CARL " in Org::\"acme\"", "true" },
        { { &carl }, CARL " in Group::\"ops\"", "false" },
        { { &carl }, CARL " in [Group::\"ops\", Org::\"acme\"]", "true" },
        { { &carl }, CARL " is User in Org::\"acme\"", "true" },
        { { &carl }, "Group::\"eng\" in " CARL, "false" },
        { { &carl }, ALICE ".age", "30" },
        { { NULL }, CARL " has age", "false" },
        { { NULL }, CARL ".age", NULL },
        /* as well in the store: what it says holds, and what is given comes to it */
        { { &alice }, ALICE ".age", "30" },
        { { &alice }, ALICE ".boss", "User::\"bob\"" },
        { { &alice }, ALICE ".zip", "8020" },
        { { &alice }, ALICE ".name", "\"alice\"" },
        { { &alice }, "principal.zip", "8020" },
        { { &alice }, "principal has zip", "true" },
        { { &alice }, "context.who.zip", "8020" },
        { { &alice }, "resource.owner.zip", "8020" },
        { { &alice }, ALICE ".getTag(\"level\")", "3" },
        { { &alice }, ALICE ".getTag(\"dept\")", "\"eng\"" },
        { { &alice }, ALICE ".getTag(\"more\")", "1" },
        { { &alice }, ALICE " in Group::\"ops\"", "true" },
        { { &alice }, ALICE " in Group::\"eng\"", "true" },
        { { &alice }, ALICE " in Org::\"acme\"", "true" },
        { { NULL }, ALICE " in Group::\"ops\"", "false" },
        /* what the store has below one */
        { { &album }, "resource in Album::\"b\"", "true" },
        { { &album }, "resource in [Album::\"x\", Album::\"b\"]", "true" },
        { { &album }, "Photo::\"q\" in Album::\"b\"", "false" },
        { { &album }, "Album::\"a\".n", "1" },
        { { NULL }, "resource in Album::\"b\"", "false" },
        /* one above the other, in whatever order */
        { { &carl, &gone }, CARL " in Group::\"ops\"", "true" },
        { { &gone, &carl }, CARL " in Group::\"ops\"", "true" },
        { { &gone, &carl, &album, &alice }, CARL " in Group::\"ops\"", "true" },
        { { &gone, &carl, &album, &alice },
          "resource in Album::\"b\" && principal.zip == 8020",
          "true" },
};

/* How many of the rows. */
static uint32_t make_all(const struct row *const *rows, struct cedar_entity *list)
{
        uint32_t n = 0;

        for (; n < CEDAR_EXTRA_MAX && rows[n]; n++)
                make(rows[n], &list[n]);
        return n;
}

static void what_is_asked_is_answered_by_both(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_entity list[CEDAR_EXTRA_MAX];
                struct cedar_request request = world.request;
                struct buf out = BUF_INIT(1000);
                struct cedar_fault_at fault;
                struct cedar_value v;
                int rc;

                request.extra = list;
                request.n_extra = make_all(table[i].rows, list);
                assert_int_equal(cedar_extra_complete(world.entities, list, request.n_extra,
                                                      &world.arena, NULL),
                                 0);
                rc = cedar_evaluate(world_expr(&world, table[i].text), world.entities, &request,
                                    &world.arena, &v, &fault);
                assert_int_equal(rc, table[i].want ? 0 : -EINVAL);
                if (rc == 0)
                        cedar_value_print(&v, &out);
                if (rc == 0 && strcmp(buf_cstr(&out), table[i].want) != 0)
                        fail_msg("%zu: %s is %s", i, table[i].text, buf_cstr(&out));
                buf_done(&out);
        }
}

/* The scopes of policies, and that nothing is allocated. */
static void decisions(void **state)
{
        static const struct {
                const struct row *rows[CEDAR_EXTRA_MAX];
                const char *principal, *scope;
                bool want;
        } scopes[] = {
                { { &carl }, CARL, "principal in Group::\"eng\",action,resource", true },
                { { &carl }, CARL, "principal in Group::\"gone\",action,resource", true },
                { { &carl }, CARL, "principal in Org::\"acme\",action,resource", true },
                { { &carl }, CARL, "principal == User::\"carl\",action,resource", true },
                { { &carl }, CARL, "principal is User in Org::\"acme\",action,resource", true },
                { { &carl }, CARL, "principal in Group::\"ops\",action,resource", false },
                { { NULL }, CARL, "principal in Group::\"eng\",action,resource", false },
                { { &carl }, ALICE, "principal in Group::\"gone\",action,resource", false },
                { { &alice }, ALICE, "principal in Group::\"ops\",action,resource", true },
                { { &alice }, ALICE, "principal in Group::\"eng\",action,resource", true },
                { { &album }, ALICE, "principal,action,resource in Album::\"b\"", true },
                { { &album }, ALICE, "principal,action,resource is Photo in Album::\"b\"", true },
                { { &any }, ALICE, "principal,action in Action::\"top\",resource", true },
                { { NULL }, ALICE, "principal,action in Action::\"top\",resource", false },
                { { NULL }, ALICE, "principal,action,resource in Album::\"b\"", false },
                { { &carl, &gone }, CARL, "principal in Group::\"ops\",action,resource", true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
                CLEANUP(cedar_program_freep) struct cedar_program *program = NULL;
                CLEANUP(cedar_bench_freep) struct cedar_bench *bench = NULL;
                struct cedar_entity list[CEDAR_EXTRA_MAX];
                struct cedar_request request = world.request;
                struct buf text = BUF_INIT(1000);
                struct cedar_answer answer;

                buf_printf(&text, "permit(%s);", scopes[i].scope);
                assert_int_equal(
                        cedar_program_new(world_parse(&world, buf_cstr(&text)), &program, NULL), 0);
                assert_int_equal(cedar_bench_new(program, &bench), 0);
                request.principal = world_uid(&world, scopes[i].principal);
                request.extra = list;
                request.n_extra = make_all(scopes[i].rows, list);
                assert_int_equal(cedar_extra_complete(world.entities, list, request.n_extra,
                                                      &world.arena, NULL),
                                 0);
                alloc_fail_nth = 1;
                cedar_decide(program, world.entities, &request, bench, &answer);
                assert_int_equal(alloc_fail_nth, 1); /* else one was asked for */
                alloc_fail_nth = 0;
                if ((answer.decision == CEDAR_PERMIT) != scopes[i].want)
                        fail_msg("%zu: %s", i, scopes[i].scope);
                buf_done(&text);
        }
}

/* ---- what is refused ---- */

static void what_cannot_be_is_refused(void **state)
{
        static const struct row own = { CARL, { CARL }, NULL, NULL },
                                below = { "Org::\"acme\"", { "Group::\"eng\"" }, NULL, NULL },
                                one = { CARL, { "User::\"dora\"" }, NULL, NULL },
                                other = { "User::\"dora\"", { CARL }, NULL, NULL },
                                to_album = { "Album::\"b\"", { "Photo::\"p\"" }, NULL, NULL };
        static const struct {
                const struct row *rows[CEDAR_EXTRA_MAX];
                int want;
                const char *text;
        } refused[] = {
                { { &own }, -ELOOP, "entity User::\"carl\" would descend from itself" },
                { { &below }, -ELOOP, "entity Org::\"acme\" would descend from itself" },
                { { &one, &other }, -ELOOP, "entity User::\"carl\" would descend from itself" },
                { { &gone, &to_album, &album },
                  -ELOOP,
                  "entity Album::\"b\" would descend from itself" },
                { { &carl, &gone, &carl }, -EEXIST, "entity User::\"carl\" is there twice" },
                { { &to_album }, 0, "" },
                { { &one }, 0, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
                struct cedar_entity list[CEDAR_EXTRA_MAX];
                uint32_t n = make_all(refused[i].rows, list);
                struct err err = { 0 };

                assert_int_equal(cedar_extra_complete(world.entities, list, n, &world.arena, &err),
                                 refused[i].want);
                assert_string_equal(err.text, refused[i].text);
        }
}

/* Chains of groups, each as long as that, and one group that is in nothing. */
static struct cedar_entities *chains(uint32_t n, uint32_t length, struct cedar_uid *bottoms)
{
        struct cedar_entity e = { .attrs = { .kind = CEDAR_RECORD },
                                  .tags = { .kind = CEDAR_RECORD } };
        struct cedar_entities *ret = NULL;

        assert_int_equal(cedar_entities_new(&ret), 0);
        for (uint32_t i = 0; i < n; i++)
                for (uint32_t k = 0; k < length; k++) {
                        char *name = arena_alloc(cedar_entities_arena(ret), 24);
                        struct cedar_uid above = e.uid;

                        snprintf(name, 24, "%u.%u", i, k);
                        e.uid = cedar_uid(SPAN("Group"), span_str(name));
                        e.parents = &above;
                        e.n_parents = k > 0;
                        assert_int_equal(cedar_entities_add(ret, &e, NULL), 0);
                        bottoms[i] = e.uid;
                }
        assert_int_equal(cedar_entities_seal(ret, NULL), 0);
        return ret;
}

static void too_many_groups_are_refused(void **state)
{
        enum { CHAINS = 256, LENGTH = CEDAR_EXTRA_DESCENTS_MAX / CHAINS };
        CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;
        static struct cedar_uid many[CEDAR_EXTRA_DESCENTS_MAX + 1], groups[CHAINS + 1];
        struct cedar_entity one = { .uid = cedar_uid(SPAN("Caller"), SPAN("x")),
                                    .attrs = { .kind = CEDAR_RECORD },
                                    .tags = { .kind = CEDAR_RECORD } };
        static const struct {
                uint32_t groups;
                size_t memory;
                bool flat; /* groups that the store does not have */
                int want;
                const char *text;
        } rows[] = {
                { CHAINS, 4 << 20, false, 0, "" },
                { CHAINS + 1, 4 << 20, false, -E2BIG,
                  "entity Caller::\"x\" descends from too many" },
                { CHAINS, 1 << 18, false, -E2BIG,
                  "what the entities of a request hold takes more than 262144 bytes" },
                { CEDAR_EXTRA_DESCENTS_MAX, 8 << 20, true, 0, "" },
                { CEDAR_EXTRA_DESCENTS_MAX + 1, 8 << 20, true, -E2BIG,
                  "entity Caller::\"x\" descends from too many" },
        };

        (void)state;
        e = chains(CHAINS, LENGTH, groups);
        groups[CHAINS] = cedar_uid(SPAN("Group"), SPAN("one more"));
        for (uint32_t i = 0; i < ARRAY_LEN(many); i++)
                many[i] = (struct cedar_uid){ SPAN("Group"), SPAN("many"), i };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct arena arena = ARENA_INIT(rows[i].memory);
                struct cedar_entity x = one;
                struct err err = { 0 };

                x.parents = rows[i].flat ? many : groups;
                x.n_parents = rows[i].groups;
                assert_int_equal(cedar_extra_complete(e, &x, 1, &arena, &err), rows[i].want);
                assert_string_equal(err.text, rows[i].text);
                if (rows[i].want == 0)
                        assert_int_equal(x.n_ancestors, CEDAR_EXTRA_DESCENTS_MAX);
                for (uint32_t k = 1; rows[i].want == 0 && k < x.n_ancestors; k++)
                        assert_true(cedar_uid_order(x.ancestors[k - 1], x.ancestors[k]) < 0);
                arena_done(&arena);
        }
}

static void memory_may_end_anywhere(void **state)
{
        const struct row *const rows[CEDAR_EXTRA_MAX] = { &carl, &gone, &alice, &album };
        struct cedar_entity made[CEDAR_EXTRA_MAX];
        uint32_t n = make_all(rows, made);
        int rc = -ENOMEM;

        (void)state;
        for (size_t nth = 1; rc; nth++) {
                struct cedar_entity list[CEDAR_EXTRA_MAX];
                struct arena arena = ARENA_INIT(1 << 20);
                struct err err = { 0 };

                memcpy(list, made, sizeof list);
                alloc_fail_nth = nth;
                rc = cedar_extra_complete(world.entities, list, n, &arena, &err);
                alloc_fail_nth = 0;
                assert_true(rc == 0 ? nth > 1 : rc == -ENOMEM && err.code == rc);
                arena_done(&arena);
        }
        for (size_t max = 0; rc == 0 || max < 2000; max += 16) {
                struct cedar_entity list[CEDAR_EXTRA_MAX];
                struct arena arena = ARENA_INIT(max);
                struct err err = { 0 };

                memcpy(list, made, sizeof list);
                rc = cedar_extra_complete(world.entities, list, n, &arena, &err);
                arena_done(&arena);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -E2BIG);
                assert_non_null(strstr(err.text, "takes more than"));
        }
        assert_int_equal(rc, 0);
}

static int begin(void **state)
{
        (void)state;
        world_init(&world);
        return 0;
}

static int end(void **state)
{
        (void)state;
        world_done(&world);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_asked_is_answered_by_both),
                cmocka_unit_test(decisions),
                cmocka_unit_test(what_cannot_be_is_refused),
                cmocka_unit_test(too_many_groups_are_refused),
                cmocka_unit_test(memory_may_end_anywhere),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
