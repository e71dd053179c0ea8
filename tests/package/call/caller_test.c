/* SPDX-License-Identifier: Apache-2.0 */
#include "package/call/caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../model_package.h"

enum { MANY = CALLER_GROUPS_MAX + 1 };

#define GROUP(id, in)                                                                              \
        "{\"uid\":{\"type\":\"Group\",\"id\":\"" id "\"},\"attrs\":{},\"parents\":[" in "]}"
#define IN(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"
#define CALLER(id, attrs, in)                                                                      \
        "{\"uid\":{\"type\":\"Caller\",\"id\":\"" id "\"},\"attrs\":{" attrs "},\"parents\":[" in  \
        "]}"

static const char model[] = "{\"name\":\"bank\",\"claims\":[\"unit\",\"branch\"],"
                            "\"operations\":[{\"id\":\"op\"}]}";

/* What types.cedarschema and entities.yaml say. */
static const struct said {
        const char *types, *entities;
} plain = { "", "[" GROUP("tellers", IN("Group", "staff")) "," GROUP("staff", "") "," CALLER(
                        "ann", "\"branch\":\"north\"", IN("Group", "old")) "]" },
  declared = { "entity Caller in [Group] { branch?: String, unit?: String, level: Long };",
               "[" CALLER("ann", "\"level\":3", "") "]" },
  listed = { "entity Group enum [\"staff\", \"tellers\"];", "[]" },
  public = { "", "[" CALLER("", "\"branch\":\"all\"", IN("Group", "public")) "]" },
  circle = { "entity Caller in [Group] { branch?: String, unit?: String };"
             "entity Group in [Caller];",
             "[" GROUP("odd", IN("Caller", "ann")) "]" };

static const struct caller_case {
        const struct said *said;
        const char *id, *groups[3]; /* NULL: nobody, whatever else is there */
        const char *unit, *branch;  /* NULL: the token has none */
        const char *attrs;          /* NULL: refused */
        const char *in;             /* all it is in, by name; or the error */
} table[] = {
        { &plain, "bob", { NULL }, NULL, NULL, "{}", "" },
        { &plain, "bob", { NULL }, NULL, "south", "{branch: \"south\"}", "" },
        { &plain, "bob", { NULL }, "", "south", "{branch: \"south\", unit: \"\"}", "" },
        { &plain, "bob", { "tellers" }, NULL, NULL, "{}", "staff tellers" },
        { &plain, "bob", { "else", "tellers", "else" }, NULL, NULL, "{}", "else staff tellers" },
        { &plain,
          "b\\\"\xc3\xa9\n",
          { "", "Group::\"staff\"" },
          NULL,
          NULL,
          "{}",
          " Group::\"staff\"" },
        /* what entities.yaml says holds */
        { &plain, "ann", { NULL }, NULL, NULL, "{branch: \"north\"}", "old" },
        { &plain,
          "ann",
          { "tellers" },
          "u",
          "south",
          "{branch: \"north\", unit: \"u\"}",
          "old staff tellers" },
        { &declared, "ann", { "x" }, NULL, "south", "{branch: \"south\", level: 3}", "x" },
        { &declared,
          "bob",
          { NULL },
          NULL,
          NULL,
          NULL,
          "caller: attribute: level: this attribute is missing" },
        { &listed, "bob", { "staff", "guests", "tellers" }, NULL, NULL, "{}", "staff tellers" },
        { &circle, "bob", { "odd" }, NULL, NULL, "{}", "ann odd" },
        { &circle,
          "ann",
          { "odd" },
          NULL,
          NULL,
          NULL,
          "caller: entity Caller::\"ann\" would descend from itself" },
        /* nobody */
        { &plain, NULL, { "tellers" }, "u", "south", "{}", "" },
        { &public, NULL, { NULL }, NULL, NULL, "{branch: \"all\"}", "public" },
        { &declared,
          NULL,
          { NULL },
          NULL,
          NULL,
          NULL,
          "caller: attribute: level: this attribute is missing" },
        /* no callers */
        { &plain, "", { NULL }, NULL, NULL, NULL, "caller: id: empty" },
        { &plain, "b\xff", { NULL }, NULL, NULL, NULL, "caller: id: no UTF-8 at byte 1" },
        { &plain,
          "bob",
          { "x", "\xc0\x80" },
          NULL,
          NULL,
          NULL,
          "caller: group 2: no UTF-8 at byte 0" },
        { &plain,
          "bob",
          { NULL },
          NULL,
          "ab\xed\xa0\x80",
          NULL,
          "caller: claim branch: no UTF-8 at byte 2" },
};

static int by_name(const void *a, const void *b)
{
        return span_cmp((*(const struct cedar_uid *const *)a)->id,
                        (*(const struct cedar_uid *const *)b)->id);
}

static void put_ancestors(const struct cedar_entity *e, struct buf *out)
{
        const struct cedar_uid *list[16];

        assert_true(e->n_ancestors <= ARRAY_LEN(list));
        for (uint32_t i = 0; i < e->n_ancestors; i++)
                list[i] = e->ancestors[i];
        qsort(list, e->n_ancestors, sizeof(struct cedar_uid *), by_name);
        for (uint32_t i = 0; i < e->n_ancestors; i++) {
                buf_put_str(out, i ? " " : "");
                buf_put(out, list[i]->id);
        }
}

static void open_said(const struct said *said, struct model_package *x)
{
        model_package_init(x, span_str(model), said->types, "", said->entities);
}

static struct span span_or_none(const char *s)
{
        return s ? span_str(s) : SPAN_NONE;
}

static int make(const struct model_package *x, const struct caller_case *t, struct arena *arena,
                struct cedar_entity *ret, struct err *err)
{
        const struct config_identity *identity = &x->p.config.identities[0];
        struct span groups[3], claims[2];
        struct caller_proof proof = {
                .identity = t->id ? identity : NULL,
                .id = span_str(t->id ? t->id : "somebody"),
                .groups = groups,
                .claims = claims,
        };

        assert_int_equal(identity->n_claims, 2);
        for (uint32_t i = 0; i < 2; i++)
                claims[i] = span_or_none(span_eq_str(identity->claims[i], "unit") ? t->unit
                                                                                  : t->branch);
        for (uint32_t n = 0; n < ARRAY_LEN(groups) && t->groups[n]; n++)
                groups[proof.n_groups++] = span_str(t->groups[n]);
        return package_caller(&x->p, &proof, arena, ret, err);
}

static void check_case(const struct model_package *x, const struct caller_case *t)
{
        CLEANUP(buf_done) struct buf attrs = BUF_INIT(1000), in = BUF_INIT(1000);
        struct arena arena = ARENA_INIT(1 << 20);
        struct cedar_entity e = { 0 };
        struct err err = { 0 };
        int rc = make(x, t, &arena, &e, &err);

        if (rc < 0) {
                if (t->attrs || strcmp(err.text, t->in) != 0)
                        fail_msg("%s: %s", t->id ? t->id : "nobody", err.text);
                assert_int_equal(rc, err.code);
        } else {
                assert_non_null(t->attrs);
                assert_true(span_eq_str(e.uid.type, "Caller") &&
                            span_eq_str(e.uid.id, t->id ? t->id : ""));
                cedar_value_print(&e.attrs, &attrs);
                assert_string_equal(buf_cstr(&attrs), t->attrs);
                put_ancestors(&e, &in);
                assert_string_equal(buf_cstr(&in), t->in);
        }
        arena_done(&arena);
}

static void callers_are_made(void **state)
{
        struct model_package x;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                open_said(table[i].said, &x);
                check_case(&x, &table[i]);
                model_package_done(&x);
        }
}

/* id, groups and a claim of so many bytes, and so many groups. */
static void ceilings(void **state)
{
        static const struct {
                size_t id, group, claim;
                uint32_t groups;
                const char *text; /* NULL: none is passed */
        } rows[] = {
                { CALLER_TEXT_MAX, CALLER_TEXT_MAX, CALLER_TEXT_MAX, CALLER_GROUPS_MAX, NULL },
                { CALLER_TEXT_MAX + 1, 1, 1, 1, "caller: id: 1025 bytes, more than 1024" },
                { 1, CALLER_TEXT_MAX + 1, 1, 1, "caller: group 1: 1025 bytes, more than 1024" },
                { 1, 1, CALLER_TEXT_MAX + 1, 1, "caller: claim unit: 1025 bytes, more than 1024" },
                { 1, 1, 1, CALLER_GROUPS_MAX + 1, "caller: 257 groups, more than 256" },
                { 1, 1, 1, UINT32_MAX, "caller: 4294967295 groups, more than 256" },
        };
        static char text[CALLER_TEXT_MAX + 1];
        struct model_package x;

        (void)state;
        memset(text, 'x', sizeof text);
        open_said(&plain, &x);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct span groups[MANY], claims[] = { span_of(text, rows[i].claim), SPAN_NONE };
                struct caller_proof proof = { .identity = &x.p.config.identities[0],
                                              .id = span_of(text, rows[i].id),
                                              .groups = groups,
                                              .n_groups = rows[i].groups,
                                              .claims = claims };
                struct arena arena = ARENA_INIT(1 << 20);
                struct cedar_entity e;
                struct err err = { 0 };

                for (size_t k = 0; k < ARRAY_LEN(groups); k++)
                        groups[k] = span_of(text, rows[i].group);
                assert_int_equal(package_caller(&x.p, &proof, &arena, &e, &err),
                                 rows[i].text ? -E2BIG : 0);
                assert_string_equal(err.text, rows[i].text ? rows[i].text : "");
                arena_done(&arena);
        }
        model_package_done(&x);
}

static void memory_may_end_anywhere(void **state)
{
        static const struct caller_case t = { &plain, "ann", { "tellers", "x" }, "u", "south",
                                              NULL,   NULL };
        struct model_package x;
        int rc = -ENOMEM;

        (void)state;
        open_said(t.said, &x);
        for (size_t nth = 1; rc; nth++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct cedar_entity e;
                struct err err = { 0 };

                alloc_fail_nth = nth;
                rc = make(&x, &t, &arena, &e, &err);
                alloc_fail_nth = 0;
                assert_true(rc == 0 ? nth > 1 : rc == -ENOMEM && err.code == rc);
                arena_done(&arena);
        }
        rc = -E2BIG;
        for (size_t max = 0; rc; max += 16) {
                struct arena arena = ARENA_INIT(max);
                struct cedar_entity e;

                rc = make(&x, &t, &arena, &e, NULL);
                assert_true(rc == 0 ? max > 100 : rc == -E2BIG);
                arena_done(&arena);
        }
        model_package_done(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(callers_are_made),
                cmocka_unit_test(ceilings),
                cmocka_unit_test(memory_may_end_anywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
