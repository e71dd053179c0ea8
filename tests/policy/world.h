/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - a few entities and a request for tests, and expressions from text.
 *
 *   User::"alice" in Group::"eng" in Org::"acme"; tags dept, level
 *   User::"bob" in Group::"ops" in Org::"acme"
 *   Photo::"p" in Album::"a"; Action::"view" in Action::"read" in Action::"any"
 *   User::"gone" and Group::"gone" are not there. */
#ifndef TESTS_POLICY_WORLD_H
#define TESTS_POLICY_WORLD_H

#include "base/buf.h"
#include "policy/entities/entities.h"
#include "policy/evaluate/program.h"
#include "policy/parse/parse.h"

enum { WORLD_ARENA_MAX = 64 * 1024 * 1024, WORLD_PARSED_MAX = 4096 };

struct world {
        struct arena arena;
        struct cedar_entities *entities;
        struct cedar_request request;
        struct cedar_policies *parsed[WORLD_PARSED_MAX]; /* values point into them */
        size_t n;
};

static inline struct cedar_policies *world_parse(struct world *w, const char *text)
{
        struct err err = { 0 };

        assert(w->n < WORLD_PARSED_MAX);
        if (cedar_parse(span_str(text), &w->parsed[w->n], &err))
                fail_msg("%s: %s", text, err_text(&err));
        return w->parsed[w->n++];
}

static inline const struct cedar_expr *world_expr(struct world *w, const char *text)
{
        struct buf source = BUF_INIT(16 << 20);
        const struct cedar_expr *e;

        buf_printf(&source, "permit(principal,action,resource) when {%s};", text);
        e = world_parse(w, buf_cstr(&source))->policies[0].conditions[0].expr;
        buf_done(&source);
        return e;
}

static inline int world_evaluate(struct world *w, const char *text, struct cedar_value *ret,
                                 struct cedar_fault_at *ret_fault)
{
        return cedar_evaluate(world_expr(w, text), w->entities, &w->request, &w->arena, ret,
                              ret_fault);
}

static inline struct cedar_value world_value(struct world *w, const char *text)
{
        struct cedar_value v = { 0 };
        struct cedar_fault_at fault;

        if (world_evaluate(w, text, &v, &fault))
                fail_msg("%s errs", text);
        return v;
}

static inline struct cedar_uid world_uid(struct world *w, const char *text)
{
        struct cedar_uid uid = { 0 };

        if (cedar_parse_uid(span_str(text), &w->arena, &uid, NULL))
                fail_msg("%s is no uid", text);
        return uid;
}

static inline void world_add(struct world *w, struct cedar_entities *e, const char *uid,
                             const char *parent, const char *attrs, const char *tags)
{
        struct cedar_entity entity = { .uid = world_uid(w, uid) };
        struct cedar_uid above;

        if (parent) {
                above = world_uid(w, parent);
                entity.parents = &above;
                entity.n_parents = 1;
        }
        entity.attrs = world_value(w, attrs);
        entity.tags = world_value(w, tags);
        assert_int_equal(cedar_entities_add(e, &entity, NULL), 0);
}

static inline void world_init(struct world *w)
{
        struct cedar_entities *e = NULL;

        *w = (struct world){ .arena = ARENA_INIT(WORLD_ARENA_MAX) };
        assert_int_equal(cedar_entities_new(&e), 0);
        assert_int_equal(cedar_entities_new(&w->entities), 0);
        assert_int_equal(cedar_entities_seal(w->entities, NULL), 0); /* none yet: for constants */
        world_add(w, e, "User::\"alice\"", "Group::\"eng\"",
                  "{ age: 30, name: \"alice\", boss: User::\"bob\", friend: User::\"gone\","
                  " home: { city: \"Graz\", zip: 8010 }, jobs: [\"dev\", \"lead\"] }",
                  "{ dept: \"eng\", level: 3 }");
        world_add(w, e, "User::\"bob\"", "Group::\"ops\"", "{ age: 50 }", "{}");
        world_add(w, e, "Group::\"eng\"", "Org::\"acme\"", "{}", "{}");
        world_add(w, e, "Group::\"ops\"", "Org::\"acme\"", "{}", "{}");
        world_add(w, e, "Org::\"acme\"", NULL, "{}", "{}");
        world_add(w, e, "Photo::\"p\"", "Album::\"a\"", "{ owner: User::\"alice\", open: true }",
                  "{}");
        world_add(w, e, "Album::\"a\"", NULL, "{}", "{}");
        world_add(w, e, "Action::\"view\"", "Action::\"read\"", "{}", "{}");
        world_add(w, e, "Action::\"read\"", "Action::\"any\"", "{}", "{}");
        w->request.principal = world_uid(w, "User::\"alice\"");
        w->request.action = world_uid(w, "Action::\"view\"");
        w->request.resource = world_uid(w, "Photo::\"p\"");
        w->request.context = world_value(
                w, "{ n: 1, s: \"text\", big: 9223372036854775807, yes: true, no: false,"
                   " ip: ip(\"10.0.0.7\"), at: datetime(\"2024-10-15\"), set: [1, 2, 3],"
                   " who: User::\"alice\", deep: { a: { b: 1 } }, odd: { \"a b\": 1, \"\": 2 } }");
        assert_int_equal(cedar_entities_seal(e, NULL), 0);
        cedar_entities_free(w->entities);
        w->entities = e;
}

static inline void world_done(struct world *w)
{
        for (size_t i = 0; i < w->n; i++)
                cedar_policies_free(w->parsed[i]);
        cedar_entities_free(w->entities);
        arena_done(&w->arena);
}

#endif
