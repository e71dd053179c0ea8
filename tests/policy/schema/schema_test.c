/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/schema/schema.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

/* A text that says no error is good; else its error begins with this. */
struct verdict_case {
        const char *text, *error;
};

typedef int parse(struct span text, struct cedar_schema **ret, struct err *err);

static void check(parse *how, const struct verdict_case *table, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct cedar_schema *s = NULL;
                struct err err = { 0 };
                int rc = how(span_str(table[i].text), &s, &err);

                if (!table[i].error && rc)
                        fail_msg("%s: %s", table[i].text, err.text);
                if (table[i].error && rc == 0)
                        fail_msg("%s: taken", table[i].text);
                if (table[i].error && !span_starts(span_str(err.text), span_str(table[i].error)))
                        fail_msg("%s: %s", table[i].text, err.text);
                assert_int_equal(rc, table[i].error ? -EINVAL : 0);
                assert_true((s != NULL) == (rc == 0));
                cedar_schema_free(s);
        }
}

/* The grammar of the documentation, one production after the other. */
static void the_cedar_form_is_read_by_its_grammar(void **state)
{
        static const struct verdict_case table[] = {
                { "", NULL },
                { "// nothing\n", NULL },
                { "entity A;", NULL },
                { "entity A, B, C;", NULL },
                { "entity A", "line 1, column 9: found the end of the text, wanted `;`" },
                { "entity A,;", "line 1, column 10: found `;`, wanted a name for the entity type" },
                { "entity \"A\";", "line 1, column 8: found `\"A\"`, wanted" },
                { "entity A {};", NULL },
                { "entity A = {};", NULL },
                { "entity A = ;", "line 1, column 12: found `;`, wanted `{`" },
                { "entity A in B; entity B;", NULL },
                { "entity A in []; entity B;", NULL },
                { "entity A in [B, A]; entity B;", NULL },
                { "entity A in [B,]; entity B;", "line 1, column 16: found `]`, wanted" },
                { "entity A tags Long;", NULL },
                { "entity A = { a: Long } tags Set<String>;", NULL },
                { "entity A tags Long = {};", "line 1, column 20: found `=`, wanted `;`" },
                { "entity A enum [\"x\"];", NULL },
                { "entity A enum [\"x\", \"y\", \"x\"];", NULL },
                { "entity A enum [];", "line 1, column 16: found `]`, wanted an id in quotes" },
                { "entity A enum [\"x\",];", "line 1, column 20: found `]`" },
                { "entity A enum [x];", "line 1, column 16: found `x`" },
                { "entity A in B enum [\"x\"]; entity B;", "line 1, column 15: found `enum`" },
                { "entity A { a: Long, };", NULL },
                { "entity A { a?: Long, \"b c\"?: Bool, @x @y(\"z\") d: { e: A } };", NULL },
                { "entity A { a: Long,, };", "line 1, column 20: found `,`" },
                { "entity A { a Long };", "line 1, column 14: found `Long`, wanted `:`" },
                { "entity A { in: Long };", "line 1, column 12: `in` is a reserved word" },
                { "entity A { \"in\": Long, entity: Long, principal: Long };", NULL },
                { "entity A { a: Set<Long };", "line 1, column 24: found `}`, wanted `>`" },
                { "entity A { a: Set<Set<{ b?: String }>> };", NULL },
                { "type T = Long; entity A { t: T };", NULL },
                { "type T = { a: U }; type U = Set<A>; entity A;", NULL },
                { "type T Long;", "line 1, column 8: found `Long`, wanted `=`" },
                { "action a;", NULL },
                { "action a, \"b c\", d;", NULL },
                { "action a in b; action b;", NULL },
                { "action a in [b, \"c\", Action::\"b\"]; action b, c;", NULL },
                { "action a in []; ", "line 1, column 14: found `]`" },
                { "action a in Action::b; action b;", "line 1, column 13: the id of an action" },
                { "action a appliesTo { principal: A, resource: [A, B] }; entity A, B;", NULL },
                { "action a appliesTo { resource: A, context: {}, principal: A, }; entity A;",
                  NULL },
                { "action a appliesTo { principal: A, resource: A, context: C }; entity A; "
                  "type C = { a: Long };",
                  NULL },
                { "action a appliesTo {};", "line 1, column 10: `appliesTo` wants" },
                { "action a appliesTo { principal: A }; entity A;", "line 1, column 10:" },
                { "action a appliesTo { principal: [], resource: A }; entity A;",
                  "line 1, column 22: at least one" },
                { "action a appliesTo { principal: A, resource: A, principal: A }; entity A;",
                  "line 1, column 49: this was said already" },
                { "action a appliesTo { principal: A resource: A }; entity A;",
                  "line 1, column 35: found `resource`, wanted `,` or `}`" },
                { "action a appliesTo { principal: A, resource: A, x: A }; entity A;",
                  "line 1, column 49: found `x`" },
                { "action a attributes {};", NULL },
                { "namespace A {}", NULL },
                { "namespace A::B { entity C in C; action d in d2; action d2; }", NULL },
                { "namespace A {} namespace A {}", "line 1, column 26: this namespace is there" },
                { "namespace A { namespace B {} }", "line 1, column 15: found `namespace`" },
                { "namespace A { entity B;", "line 1, column 24: found the end of the text" },
                { "@a(\"b\") namespace A { @c entity B; }", NULL },
                { "@a @b @a entity B;", "line 1, column 7: this annotation is there already" },
                { "@a(b) entity B;", "line 1, column 4: found `b`" },
                { "@if entity B;", NULL },
                { "entity A; // c\r// d\nentity B;", NULL },
                { "entity A;\n\tentity $;", "line 2, column 9: U+0024" },
                { "type T = { \"\\u{1f600}\\0\\x7f\": Long };", NULL },
                { "type T = { \"\\x80\": Long };", "line 1, column 13:" },
        };

        (void)state;
        check(cedar_schema_parse, table, ARRAY_LEN(table));
}

/* RFC 24, RFC 70 and the documentation's pages on namespaces and reserved names. */
static void names_are_declared_once_and_found(void **state)
{
        static const struct verdict_case table[] = {
                { "entity A; entity A;", "line 1, column 18: entity type A is declared twice" },
                { "entity A, A;", "line 1, column 11: entity type A is declared twice" },
                { "type A = Long; type A = Long;", "line 1, column 21: type A is declared twice" },
                { "action a; action \"a\";", "line 1, column 18: action is declared twice" },
                { "type A = Long; entity A; entity B { a: A };", NULL },
                { "entity A { a: Long, a: Bool };", "line 1, column 21: the record has this" },
                { "entity A { a: B };", "line 1, column 15: there is no type B" },
                { "entity A in B; type B = Long;", "line 1, column 13: there is no entity type B" },
                { "action a in b;", "line 1, column 13: there is no such action" },
                { "action a appliesTo { principal: A, resource: A };", "line 1, column 33:" },
                { "action a appliesTo { principal: A, resource: A, context: A }; entity A;",
                  "line 1, column 58: there is no common type A" },
                { "action a appliesTo { principal: A, resource: A, context: Long }; entity A;",
                  "line 1, column 58: the context of an action must be a record" },
                { "type T = T;", "line 1, column 6: type T is made of itself" },
                { "type T = { a: Set<U> }; type U = { b?: T };", "line 1, column 6: type T" },
                { "entity A { a: A };", NULL },
                { "entity A in B; entity B in A;", NULL },
                { "action a in a;", "action Action::\"a\" is in itself" },
                { "action a in b; action b in c; action c in b;", "action Action::\"b\" is in" },
                { "entity Action;", "line 1, column 8: an entity type cannot be called Action" },
                { "namespace N { entity Action; }", "line 1, column 22:" },
                { "entity A { a: Action }; action b;", NULL },
                { "entity A { a: Action };", "line 1, column 15:" },
                { "entity A in Action; action b;", "line 1, column 13:" },
                { "namespace N { entity A { a: Action }; } action b;", NULL },
                { "type Set = Long;", "line 1, column 6: a common type cannot be called Set" },
                { "type Bool = Long;", "line 1, column 6:" },
                { "type Record = Long;", "line 1, column 6:" },
                { "type ipaddr = Long; entity A { a: ipaddr };", NULL },
                { "entity Set; entity A { a: Set };", NULL },
                { "entity Long { a: Long };", NULL },
                { "entity A { a: __cedar::Long, b: __cedar::ipaddr };", NULL },
                { "entity A { a: __cedar::Set };", "line 1, column 15:" },
                { "entity A { a: __cedar::A };", "line 1, column 15:" },
                { "entity __cedar;", "line 1, column 8: nothing can be called __cedar" },
                { "namespace __cedar {}", "line 1, column 11: nothing can be called __cedar" },
                { "namespace A::__cedar::B {}", "line 1, column 11: nothing can be" },
                { "type __cedar = Long;", "line 1, column 6: nothing can be called __cedar" },
                { "entity A; namespace N { entity A; }",
                  "line 1, column 32: a type of this name is also declared in the empty" },
                { "type A = Long; namespace N { entity A; }", "line 1, column 37:" },
                { "action a; namespace N { action a; }", "line 1, column 32: an action of this" },
                { "namespace M { entity A; } namespace N { entity A; }", NULL },
                { "namespace N { entity String { s: String }; }", NULL },
                { "namespace M { entity A; } namespace N { entity B in M::A { a: M::A }; }", NULL },
                { "namespace M { entity A; } namespace N { entity B in A; }",
                  "line 1, column 53: there is no entity type A" },
                { "namespace M { action a; } namespace N { action b in M::Action::\"a\"; }", NULL },
                { "namespace N { action b in a; } action a;", NULL },
        };

        (void)state;
        check(cedar_schema_parse, table, ARRAY_LEN(table));
}

/* The JSON schema format of the documentation. */
static void the_json_form_is_read_field_by_field(void **state)
{
#define NS(inner) "{\"\": {\"entityTypes\": {" inner "}, \"actions\": {}}}"
#define TYPE(inner)                                                                                \
        NS("\"A\": {\"shape\": {\"type\": \"Record\", \"attributes\": {\"a\": " inner "}}}")
#define ACTION(inner) "{\"\": {\"entityTypes\": {\"A\": {}}, \"actions\": {\"a\": " inner "}}}"
        static const struct verdict_case table[] = {
                { "{}", NULL },
                { "[]", "an object is wanted here, not an array" },
                { "{", "line 1, column 2: a key in quotes is wanted" },
                { "{\"N\": {}}", "N: there is no \"entityTypes\"" },
                { "{\"N\": {\"entityTypes\": {}, \"actions\": {}}}", NULL },
                { "{\"N\": {\"entityTypes\": {}, \"actions\": {}, \"x\": 1}}",
                  "N.x: there is no such" },
                { "{\"N\": {\"entityTypes\": {}, \"actions\": {}, \"annotations\": {\"a\": null}}}",
                  NULL },
                { "{\"\": {\"entityTypes\": {}, \"actions\": {}, \"annotations\": {\"a\": \"b\"}}}",
                  "the empty namespace has no annotations" },
                { "{\"N::\": {\"entityTypes\": {}, \"actions\": {}}}", "N::: this cannot be" },
                { "{\"N :: M\": {\"entityTypes\": {}, \"actions\": {}}}",
                  "N :: M: this cannot be" },
                { "{\"__cedar\": {\"entityTypes\": {}, \"actions\": {}}}", "__cedar: this cannot" },
                { NS("\"A\": {}"), NULL },
                { NS("\"A\": {}, \"A\": {}"),
                  "line 1, column 22: this object has the key \"A\" twice" },
                { NS("\"A B\": {}"), "entityTypes.A B: this cannot be a name" },
                { NS("\"in\": {}"), "entityTypes.in: this cannot be a name" },
                { NS("\"A\": {\"memberOfTypes\": [\"A\"]}"), NULL },
                { NS("\"A\": {\"memberOfTypes\": [\"B\"]}"),
                  "entityTypes.A.memberOfTypes.0: there is no" },
                { NS("\"A\": {\"memberOfTypes\": null}"),
                  "entityTypes.A.memberOfTypes: an array is" },
                { NS("\"A\": {\"shape\": {\"type\": \"Long\"}}"),
                  "entityTypes.A.shape: the shape of" },
                { NS("\"A\": {\"tags\": {\"type\": \"Long\"}}"), NULL },
                { NS("\"A\": {\"enum\": [\"x\"]}"), NULL },
                { NS("\"A\": {\"enum\": []}"), "entityTypes.A.enum: at least one id is wanted" },
                { NS("\"A\": {\"enum\": [\"x\"], \"memberOfTypes\": []}"),
                  "entityTypes.A: an enum" },
                { TYPE("{\"type\": \"Long\"}"), NULL },
                { TYPE("{\"type\": \"Boolean\", \"required\": false}"), NULL },
                { TYPE("{\"type\": \"Bool\"}"), NULL },
                { TYPE("{\"type\": \"Long\", \"required\": null}"),
                  "entityTypes.A.shape.attributes.a.required: a boolean is wanted here, not null" },
                { TYPE("{\"type\": \"Set\"}"),
                  "entityTypes.A.shape.attributes.a: there is no \"element\"" },
                { TYPE("{\"type\": \"Set\", \"element\": {\"type\": \"Long\"}}"), NULL },
                { TYPE("{\"type\": \"Set\", \"element\": {\"type\": \"Long\", \"required\": true}}"),
                  "entityTypes.A.shape.attributes.a.element.required: there is no such field" },
                { TYPE("{\"type\": \"Long\", \"element\": {\"type\": \"Long\"}}"),
                  "entityTypes.A.shape.attributes.a: a type of this sort has no \"element\"" },
                { TYPE("{\"type\": \"Record\"}"), "entityTypes.A.shape.attributes.a: there is no" },
                { TYPE("{\"type\": \"Record\", \"attributes\": {}, \"additionalAttributes\": false}"),
                  NULL },
                { TYPE("{\"type\": \"Record\", \"attributes\": {}, \"additionalAttributes\": true}"),
                  "entityTypes.A.shape.attributes.a.additionalAttributes: records with" },
                { TYPE("{\"type\": \"Entity\", \"name\": \"A\"}"), NULL },
                { TYPE("{\"type\": \"Entity\", \"name\": \"Long\"}"),
                  "entityTypes.A.shape.attributes.a: there is no entity type Long" },
                { TYPE("{\"type\": \"EntityOrCommon\", \"name\": \"Long\"}"), NULL },
                { TYPE("{\"type\": \"Extension\", \"name\": \"ipaddr\"}"), NULL },
                { TYPE("{\"type\": \"Extension\", \"name\": \"Long\"}"),
                  "entityTypes.A.shape.attributes.a.name: there is no extension type" },
                { TYPE("{\"type\": \"ipaddr\"}"), NULL },
                { TYPE("{\"type\": \"A\"}"),
                  "entityTypes.A.shape.attributes.a: there is no common" },
                { TYPE("{\"type\": 1}"),
                  "entityTypes.A.shape.attributes.a.type: a string is wanted" },
                { ACTION("{}"), NULL },
                { ACTION("{\"appliesTo\": null, \"memberOf\": null, \"attributes\": null}"), NULL },
                { ACTION("{\"attributes\": {}}"),
                  "actions.a.attributes: actions have no attributes" },
                { ACTION("{\"appliesTo\": {\"principalTypes\": []}}"),
                  "actions.a.appliesTo: there is no \"resourceTypes\"" },
                { ACTION("{\"appliesTo\": {\"principalTypes\": [\"A\"], \"resourceTypes\": [\"A\"]}}"),
                  NULL },
                { ACTION("{\"memberOf\": [{\"id\": \"b\"}]}"),
                  "actions.a.memberOf.0: there is no such" },
                { ACTION("{\"memberOf\": [{\"id\": \"a\", \"type\": \"Action\"}]}"),
                  "action Action::\"a\" is in itself" },
        };

        (void)state;
        check(cedar_schema_parse_json, table, ARRAY_LEN(table));
#undef NS
#undef TYPE
#undef ACTION
}

static const char photos[] =
        "namespace PhotoApp {\n"
        "  type Meta = { size: Long, taken?: datetime };\n"
        "  entity User in Group = { name: String, home: ipaddr, friends: Set<User> } tags Meta;\n"
        "  entity Group in Org; entity Org; entity Level enum [\"low\", \"high\"];\n"
        "  entity Photo in Album { meta: Meta, \"odd name\"?: Level, String: Long };\n"
        "  entity Album in Album;\n"
        "  action read in all; action view in read\n"
        "    appliesTo { principal: User, resource: [Photo, Album], context: Meta };\n"
        "  action all;\n"
        "}\n";

static const char photos_json[] =
        "{\"PhotoApp\": {\"commonTypes\": {\"Meta\": {\"type\": \"Record\", \"attributes\": {\"size\": "
        "{\"type\": \"Long\"}, \"taken\": {\"type\": \"Extension\", \"name\": \"datetime\", \"required\": "
        "false}}}}, \"entityTypes\": {\"User\": {\"memberOfTypes\": [\"Group\"], \"shape\": {\"type\": "
        "\"Record\", \"attributes\": {\"name\": {\"type\": \"String\"}, \"home\": {\"type\": \"ipaddr\"}, "
        "\"friends\": {\"type\": \"Set\", \"element\": {\"type\": \"Entity\", \"name\": \"User\"}}}}, "
        "\"tags\": {\"type\": \"Meta\"}}, \"Group\": {\"memberOfTypes\": [\"PhotoApp::Org\"]}, \"Org\": {}, "
        "\"Level\": {\"enum\": [\"low\", \"high\"]}, \"Photo\": {\"memberOfTypes\": [\"Album\"], \"shape\": "
        "{\"type\": \"Record\", \"attributes\": {\"meta\": {\"type\": \"Meta\"}, \"odd name\": {\"type\": "
        "\"EntityOrCommon\", \"name\": \"Level\", \"required\": false}, \"String\": {\"type\": "
        "\"Long\"}}}}, \"Album\": {\"memberOfTypes\": [\"Album\"]}}, \"actions\": {\"read\": {\"memberOf\": "
        "[{\"id\": \"all\"}]}, \"view\": {\"memberOf\": [{\"id\": \"read\", \"type\": \"Action\"}], "
        "\"appliesTo\": {\"principalTypes\": [\"User\"], \"resourceTypes\": [\"Photo\", \"Album\"], "
        "\"context\": {\"type\": \"Meta\"}}}, \"all\": {}}}}";

static struct cedar_schema *parse_well(parse *how, const char *text)
{
        struct cedar_schema *s = NULL;
        struct err err = { 0 };

        if (how(span_str(text), &s, &err) < 0)
                fail_msg("%s", err.text);
        return s;
}

static void assert_type(const struct cedar_type *t, const char *want)
{
        struct buf text = BUF_INIT(4096);

        cedar_type_print(t, &text);
        assert_string_equal(buf_cstr(&text), want);
        buf_done(&text);
}

static void check_photos(const struct cedar_schema *s)
{
        struct cedar_uid view = cedar_uid(SPAN("PhotoApp::Action"), SPAN("view"));
        struct cedar_uid all = cedar_uid(SPAN("PhotoApp::Action"), SPAN("all"));
        const struct cedar_entity_type *user = cedar_schema_entity(s, SPAN("PhotoApp::User"));
        const struct cedar_entity_type *level = cedar_schema_entity(s, SPAN("PhotoApp::Level"));
        const struct cedar_action *a = cedar_schema_action(s, &view);

        assert_int_equal(s->n_entities, 6);
        assert_int_equal(s->n_actions, 3);
        assert_non_null(user);
        assert_non_null(level);
        assert_non_null(a);
        assert_null(cedar_schema_entity(s, SPAN("User")));
        assert_type(user->attrs, "{ friends: Set<PhotoApp::User>, home: ipaddr, name: String }");
        assert_type(user->tags, "{ size: Long, taken?: datetime }");
        assert_type(cedar_schema_entity(s, SPAN("PhotoApp::Photo"))->attrs,
                    "{ String: Long, meta: { size: Long, taken?: datetime }, "
                    "\"odd name\"?: PhotoApp::Level }");
        assert_int_equal(level->n_ids, 2);
        assert_true(span_eq_str(level->ids[0], "high"));
        assert_int_equal(user->n_ids, 0);
        assert_type(level->attrs, "{}");
        assert_null(level->tags);
        assert_int_equal(a->n_principals, 1);
        assert_int_equal(a->n_resources, 2);
        assert_true(span_eq_str(a->resources[0], "PhotoApp::Album"));
        assert_type(a->context, "{ size: Long, taken?: datetime }");
        assert_int_equal(a->n_member_of, 1);
        assert_true(cedar_schema_action_in(s, &view, &all));
        assert_true(cedar_schema_action_in(s, &all, &all));
        assert_false(cedar_schema_action_in(s, &all, &view));
        assert_true(cedar_schema_type_in(s, SPAN("PhotoApp::User"), SPAN("PhotoApp::Org")));
        assert_false(cedar_schema_type_in(s, SPAN("PhotoApp::Org"), SPAN("PhotoApp::User")));
        assert_true(cedar_schema_type_in(s, SPAN("PhotoApp::Org"), SPAN("PhotoApp::Org")));
}

static void both_forms_come_to_the_same(void **state)
{
        struct cedar_schema *s;

        (void)state;
        s = parse_well(cedar_schema_parse, photos);
        check_photos(s);
        cedar_schema_free(s);
        s = parse_well(cedar_schema_parse_json, photos_json);
        check_photos(s);
        cedar_schema_free(s);
}

/* What a name means where several things have it. */
static void the_nearest_declaration_is_meant(void **state)
{
        static const struct {
                const char *text, *type, *want;
        } table[] = {
                { "entity Long; entity A { a: Long };", "A", "{ a: Long }" },
                { "namespace N { entity Long; entity A { a: Long, b: __cedar::Long }; }", "N::A",
                  "{ a: N::Long, b: Long }" },
                { "type T = Long; entity T; entity A { a: T };", "A", "{ a: Long }" },
                { "namespace N { entity A { a: T }; } type T = String;", "N::A", "{ a: String }" },
                { "namespace N { type ipaddr = { x: Long }; entity A { a: ipaddr }; }", "N::A",
                  "{ a: { x: Long } }" },
                { "namespace N { entity A { a: Action, b: N::Action }; action x; }", "N::A",
                  "{ a: N::Action, b: N::Action }" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_schema *s = parse_well(cedar_schema_parse, table[i].text);
                const struct cedar_entity_type *e = cedar_schema_entity(s, span_str(table[i].type));

                assert_non_null(e);
                assert_type(e->attrs, table[i].want);
                cedar_schema_free(s);
        }
}

/* n times `open`, then `middle`, then n times `close`. */
static struct buf nested(const char *before, const char *open, unsigned n, const char *middle,
                         const char *close, const char *after)
{
        struct buf text = BUF_INIT(1 << 20);

        buf_put_str(&text, before);
        for (unsigned i = 0; i < n; i++)
                buf_put_str(&text, open);
        buf_put_str(&text, middle);
        for (unsigned i = 0; i < n; i++)
                buf_put_str(&text, close);
        buf_put_str(&text, after);
        assert_int_equal(buf_status(&text), 0);
        return text;
}

static void types_nest_to_a_ceiling(void **state)
{
        static const struct {
                unsigned n;
                bool good;
        } table[] = {
                { 1, true }, { 90, true }, { CEDAR_SCHEMA_DEPTH_MAX + 1, false }, { 20000, false }
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct buf text = nested("entity A { a: ", "Set<", table[i].n, "Long", ">", " };");
                struct cedar_schema *s = NULL;
                struct err err = { 0 };

                assert_int_equal(cedar_schema_parse(buf_span(&text), &s, &err) == 0, table[i].good);
                cedar_schema_free(s);
                buf_done(&text);
        }
}

/* The ceiling counts what common types stand for, in whatever order they are declared. */
static void common_types_nest_to_the_same_ceiling(void **state)
{
        (void)state;
        for (int upwards = 0; upwards < 2; upwards++)
                for (unsigned n = 90; n <= 120; n += 30) {
                        struct buf text = BUF_INIT(1 << 16);
                        struct cedar_schema *s = NULL;
                        struct err err = { 0 };

                        for (unsigned i = 0; i < n; i++) {
                                unsigned k = upwards ? i : n - 1 - i;

                                buf_printf(&text, "type T%u = T%u;\n", k, k + 1);
                        }
                        buf_printf(&text, "type T%u = Long;", n);
                        assert_int_equal(cedar_schema_parse(buf_span(&text), &s, &err) == 0,
                                         n == 90);
                        cedar_schema_free(s);
                        buf_done(&text);
                }
}

/* Sharing keeps a type small that would be astronomic if it were written out. */
static void common_types_are_shared_not_copied(void **state)
{
        struct buf text = BUF_INIT(1 << 16);
        struct buf shown = BUF_INIT(1000);
        struct cedar_schema *s;

        (void)state;
        for (unsigned i = 0; i < 45; i++)
                buf_printf(&text, "type T%u = { a: T%u, b: T%u };\n", i, i + 1, i + 1);
        buf_put_str(&text, "type T45 = Long; entity A = { t: T0 };");
        s = parse_well(cedar_schema_parse, buf_cstr(&text));
        assert_true(s->arena.used < 100000);
        cedar_type_print(s->entities[0].attrs, &shown);
        assert_int_equal(buf_status(&shown), -E2BIG);
        cedar_schema_free(s);
        buf_done(&text);
        buf_done(&shown);
}

static void each_failed_allocation_is_told(void **state)
{
        static const struct {
                parse *how;
                const char *text;
        } table[] = { { cedar_schema_parse, photos }, { cedar_schema_parse_json, photos_json } };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                for (size_t nth = 1;; nth++) {
                        struct cedar_schema *s = NULL;
                        struct err err = { 0 };
                        int rc;

                        alloc_fail_nth = nth;
                        rc = table[i].how(span_str(table[i].text), &s, &err);
                        alloc_fail_nth = 0;
                        cedar_schema_free(s);
                        if (rc == 0)
                                break;
                        assert_int_equal(rc, -ENOMEM);
                        assert_true(nth < 100);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_cedar_form_is_read_by_its_grammar),
                cmocka_unit_test(names_are_declared_once_and_found),
                cmocka_unit_test(the_json_form_is_read_field_by_field),
                cmocka_unit_test(both_forms_come_to_the_same),
                cmocka_unit_test(the_nearest_declaration_is_meant),
                cmocka_unit_test(types_nest_to_a_ceiling),
                cmocka_unit_test(common_types_nest_to_the_same_ceiling),
                cmocka_unit_test(common_types_are_shared_not_copied),
                cmocka_unit_test(each_failed_allocation_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
