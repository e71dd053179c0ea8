/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/entities/data.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "wire/tree.h"

static const char schema_text[] =
        "entity User in Group {\n"
        "  name: String, age?: Long, admin?: Bool, boss?: User, level?: Level,\n"
        "  home?: ipaddr, worth?: decimal, born?: datetime, shift?: duration,\n"
        "  friends?: Set<User>, nets?: Set<ipaddr>, meta?: { a: Long, b?: { c: ipaddr } },\n"
        "  may?: Action\n"
        "} tags Set<String>;\n"
        "entity Group in Org; entity Org; entity Level enum [\"low\", \"high\"];\n"
        "entity Thing in [Thing, Level];\n"
        "action all; action read in all;\n"
        "action view in read appliesTo { principal: [User, Level], resource: Thing, context: {\n"
        "  ip: ipaddr, note?: String, who?: User } };\n";

struct fixture {
        struct cedar_schema *schema;
        struct cedar_entities *entities;
        struct arena arena;
};

static int set_up(void **state)
{
        static struct fixture f;
        struct err err = { 0 };

        if (cedar_schema_parse(span_str(schema_text), &f.schema, &err) < 0)
                fail_msg("%s", err.text);
        f.arena = ARENA_INIT(1 << 24);
        *state = &f;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;

        f->schema = cedar_schema_free(f->schema);
        arena_done(&f->arena);
        return 0;
}

/* Without an error the text is good; else the error begins with this. */
struct verdict_case {
        const char *text, *error;
};

static void check_verdict(const struct verdict_case *c, int rc, const struct err *err)
{
        if (!c->error && rc)
                fail_msg("%s: %s", c->text, err->text);
        if (c->error && rc == 0)
                fail_msg("%s: taken", c->text);
        if (c->error && !span_starts(span_str(err->text), span_str(c->error)))
                fail_msg("%s: %s", c->text, err->text);
}

static void check_entities(const struct cedar_schema *schema, const struct verdict_case *table,
                           size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct cedar_entities *e = NULL;
                struct err err = { 0 };
                int rc;

                assert_int_equal(cedar_entities_new(&e), 0);
                rc = cedar_entities_read(span_str(table[i].text), schema, e, &err);
                check_verdict(&table[i], rc, &err);
                cedar_entities_free(e);
        }
}

#define USER(attrs)                                                                                \
        "[{\"uid\": {\"type\": \"User\", \"id\": \"a\"}, \"parents\": [], \"attrs\": {" attrs "}}]"
#define NAMED(attrs) USER("\"name\": \"n\", " attrs)
#define AT           "entity 0 (User::\"a\"): attribute "

/* "Entities and context syntax": what a value may be by its type. */
static void attributes_are_read_by_their_types(void **state)
{
        static const struct verdict_case table[] = {
                { USER("\"name\": \"n\""), NULL },
                { USER(""), AT "name: this attribute is missing" },
                { USER("\"name\": null"), AT "name: there is no null" },
                { USER("\"name\": 1"), AT "name: String is wanted, not Long" },
                { USER("\"name\": {\"__entity\": {\"type\": \"User\", \"id\": \"b\"}}"),
                  AT "name: String is wanted, not Entity" },
                { NAMED("\"nose\": 1"), AT "nose: the schema has no such attribute" },
                { NAMED("\"age\": 9223372036854775807"), NULL },
                { NAMED("\"age\": -9223372036854775808"), NULL },
                { NAMED("\"age\": 9223372036854775808"), "line 1, column 84: a number beyond" },
                { NAMED("\"age\": 1.0"), "line 1, column 84: numbers are whole" },
                { NAMED("\"age\": 1e3"), "line 1, column 84: numbers are whole" },
                { NAMED("\"age\": \"1\""), AT "age: Long is wanted, not String" },
                { NAMED("\"admin\": true"), NULL },
                { NAMED("\"admin\": \"true\""), AT "admin: Bool is wanted, not String" },
                { NAMED("\"boss\": {\"type\": \"User\", \"id\": \"b\"}"), NULL },
                { NAMED("\"boss\": {\"__entity\": {\"type\": \"User\", \"id\": \"b\"}}"), NULL },
                { NAMED("\"boss\": {\"type\": \"Group\", \"id\": \"b\"}"),
                  AT "boss: an entity of type User is wanted, not Group::\"b\"" },
                { NAMED("\"boss\": {\"type\": \"User\"}"), AT "boss: an entity is wanted" },
                { NAMED("\"boss\": \"b\""), AT "boss: an entity is wanted" },
                { NAMED("\"boss\": {\"__expr\": \"User::\\\"b\\\"\"}"),
                  AT "boss: \"__expr\" is no" },
                { NAMED("\"level\": {\"type\": \"Level\", \"id\": \"low\"}"), NULL },
                { NAMED("\"level\": {\"type\": \"Level\", \"id\": \"lower\"}"),
                  AT "level: the enumerated type has no Level::\"lower\"" },
                { NAMED("\"home\": \"10.0.0.1\""), NULL },
                { NAMED("\"home\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.0.0.0/8\"}}"),
                  NULL },
                { NAMED("\"home\": {\"fn\": \"ip\", \"arg\": \"::1\"}"), NULL },
                { NAMED("\"home\": {\"fn\": \"ip\", \"args\": [\"::1\"]}"), NULL },
                { NAMED("\"home\": {\"fn\": \"ip\", \"args\": [\"::1\", \"::2\"]}"),
                  AT "home: ip wants one argument" },
                { NAMED("\"home\": {\"fn\": \"decimal\", \"arg\": \"1.0\"}"),
                  AT "home: ipaddr is wanted, not decimal" },
                { NAMED("\"home\": \"10.0.0.256\""), AT "home: " },
                { NAMED("\"home\": 10"), AT "home: a string is wanted, not a number" },
                { NAMED("\"home\": {\"fn\": \"isIpv4\", \"arg\": \"::1\"}"),
                  AT "home: no function" },
                { NAMED("\"worth\": \"1.25\""), NULL },
                { NAMED("\"worth\": \"1\""), AT "worth: " },
                { NAMED("\"born\": \"2026-01-02\""), NULL },
                { NAMED("\"born\": {\"__extn\": {\"fn\": \"offset\", \"args\": [\"2026-01-02\", "
                        "\"-1d\"]}}"),
                  NULL },
                { NAMED("\"born\": {\"__extn\": {\"fn\": \"offset\", \"args\": [\"2026-01-02\"]}}"),
                  AT "born: offset wants two arguments" },
                { NAMED("\"shift\": \"1h30m\""), NULL },
                { NAMED("\"friends\": []"), NULL },
                { NAMED("\"friends\": [{\"type\": \"User\", \"id\": \"b\"}]"), NULL },
                { NAMED("\"friends\": [{\"type\": \"User\", \"id\": \"b\"}, 1]"),
                  AT "friends[1]: an entity is wanted" },
                { NAMED("\"friends\": {}"), AT "friends: an array is wanted, not an object" },
                { NAMED("\"nets\": [\"::/0\", {\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}}]"),
                  NULL },
                { NAMED("\"meta\": {\"a\": 1, \"b\": {\"c\": \"::1\"}}"), NULL },
                { NAMED("\"meta\": {\"a\": 1, \"b\": {}}"),
                  AT "meta.b.c: this attribute is missing" },
                { NAMED("\"meta\": {\"a\": 1, \"b\": {\"c\": \"x\"}}"), AT "meta.b.c: " },
                { NAMED("\"meta\": {\"a\": 1, \"d\": 2}"),
                  AT "meta.d: the schema has no such attribute" },
                { NAMED("\"may\": {\"type\": \"Action\", \"id\": \"view\"}"), NULL },
                { NAMED("\"may\": {\"type\": \"Action\", \"id\": \"fly\"}"),
                  AT "may: there is no action Action::\"fly\"" },
        };
        struct fixture *f = *state;

        check_entities(f->schema, table, ARRAY_LEN(table));
}

#define ENTITY(type, id, parents, more)                                                            \
        "{\"uid\": {\"type\": \"" type "\", \"id\": \"" id                                         \
        "\"}, \"attrs\": {}, \"parents\": [" parents "]" more "}"
#define UID(type, id) "{\"type\": \"" type "\", \"id\": \"" id "\"}"

static void entities_are_held_against_the_schema(void **state)
{
        static const struct verdict_case table[] = {
                { "[]", NULL },
                { "{}", "an array is wanted, not an object" },
                { "[1]", "entity 0: an object is wanted, not a number" },
                { "[{}]", "entity 0: uid: this field is missing" },
                { "[{\"uid\": \"a\"}]", "entity 0: uid: an object is wanted" },
                { "[{\"uid\": {\"type\": \"a b\", \"id\": \"\"}}]",
                  "entity 0: uid: the type of an" },
                { "[{\"uid\": {\"type\": \"__cedar::X\", \"id\": \"\"}}]",
                  "entity 0: uid: the type" },
                { "[{\"uid\": " UID("Org", "o") "}]", "entity 0 (Org::\"o\"): attrs: this field" },
                { "[{\"uid\": " UID("Org", "o") ", \"attrs\": {}}]",
                  "entity 0 (Org::\"o\"): parents: this field is missing" },
                { "[" ENTITY("Org", "o", "", "") "]", NULL },
                { "[" ENTITY("Org", "o", "", ", \"comment\": 1") "]", NULL },
                { "[" ENTITY("Orc", "o", "", "") "]", "entity 0 (Orc::\"o\"): the schema has no" },
                { "[" ENTITY("Org", "o", "", ", \"tags\": {\"t\": 1}") "]",
                  "entity 0 (Org::\"o\"): tag t: the type Org has no tags" },
                { "[" ENTITY("Org", "o", "", ", \"tags\": {}") "]", NULL },
                { "[" ENTITY("Org", "o", "", ", \"tags\": null") "]",
                  "entity 0 (Org::\"o\"): tags: an object is wanted, not null" },
                { "[" ENTITY("Group", "g", UID("Org", "o"), "") "]", NULL },
                { "[" ENTITY("Group", "g", UID("Group", "h"), "") "]",
                  "entity 0 (Group::\"g\"): parents[0]: Group is not in Group" },
                { "[" ENTITY("Thing", "t", UID("Thing", "u") ", " UID("Level", "low"), "") "]",
                  NULL },
                { "[" ENTITY("Thing", "t", UID("Thing", "u") ", " UID("Level", "mid"), "") "]",
                  "entity 0 (Thing::\"t\"): parents[1]: the enumerated type has no" },
                { "[" ENTITY("Thing", "t", UID("Nothing", "u"), "") "]",
                  "entity 0 (Thing::\"t\"): parents[0]: Thing is not in Nothing" },
                { "[" ENTITY("Level", "low", "", "") "]", NULL },
                { "[" ENTITY("Level", "mid", "", "") "]",
                  "entity 0 (Level::\"mid\"): the enumerated type has no" },
                { "[" ENTITY("Org", "o", "", "") ", " ENTITY("Org", "o", "", "") "]", NULL },
                { "[" ENTITY("Action", "all", "", "") "]", NULL },
                { "[" ENTITY("Action", "read", UID("Action", "all"), "") "]", NULL },
                { "[" ENTITY("Action", "read", "", "") "]",
                  "action Action::\"read\" is not in the same actions" },
                { "[" ENTITY("Action", "all", UID("Action", "read"), "") "]",
                  "action Action::\"all\" is not in the same actions" },
                { "[" ENTITY("Action", "view", UID("Action", "read"), "") "]",
                  "action Action::\"view\" is not in the same actions" },
                { "[" ENTITY("Action", "view", UID("Action", "read"),
                             "") ", " ENTITY("Action", "read", UID("Action", "all"), "") "]",
                  NULL },
                { "[" ENTITY("Action", "view", UID("Action", "all") ", " UID("Action", "read"),
                             "") "]",
                  NULL },
                { "[" ENTITY("Action", "fly", "", "") "]",
                  "entity 0 (Action::\"fly\"): the schema has no such action" },
                { "[" ENTITY("Action", "all", "", ", \"tags\": {\"t\": 1}") "]",
                  "entity 0 (Action::\"all\"): actions have no attributes" },
                { "[" ENTITY("Action", "all", UID("Org", "o"), "") "]",
                  "entity 0 (Action::\"all\"): parents[0]: the parent of an action" },
                { "[{\"uid\": " UID("User", "u") ", \"attrs\": {\"name\": \"\"}, \"parents\": [], "
                                                 "\"tags\": {\"t\": [\"x\"], \"\": []}}]",
                  NULL },
                { "[{\"uid\": " UID("User", "u") ", \"attrs\": {\"name\": \"\"}, \"parents\": [], "
                                                 "\"tags\": {\"t\": [1]}}]",
                  "entity 0 (User::\"u\"): tag t[0]: String is wanted, not Long" },
        };
        struct fixture *f = *state;

        check_entities(f->schema, table, ARRAY_LEN(table));
}

/* Without a schema only the escapes say what a value is. */
static void values_without_a_schema_are_printed_as_they_come(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "{\"a\": true, \"b\": -1, \"c\": \"x\"}", "3 0 1 2" },
                { "{\"a\": []}", "1 4" },
                { "{\"a\": {}}", "1 5" },
                { "{\"a\": \"1.0\"}", "1 2" },
                { "{\"a\": {\"type\": \"User\", \"id\": \"b\"}}", "1 5" },
                { "{\"a\": {\"__entity\": {\"type\": \"User\", \"id\": \"b\"}}}", "1 3" },
                { "{\"a\": {\"__entity\": {\"type\": \"User\", \"id\": 1}}}", "1 5" },
                { "{\"a\": {\"__entity\": {\"type\": \"User\", \"id\": \"b\"}, \"c\": 1}}", "1 5" },
                { "{\"a\": {\"__extn\": {\"fn\": \"decimal\", \"arg\": \"1.0\"}}}", "1 6" },
                { "{\"a\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}}}", "1 7" },
                { "{\"a\": {\"__extn\": {\"fn\": \"datetime\", \"arg\": \"2026-01-02\"}}}", "1 8" },
                { "{\"a\": {\"__extn\": {\"fn\": \"duration\", \"arg\": \"1ms\"}}}", "1 9" },
                { "{\"a\": {\"fn\": \"duration\", \"arg\": \"1ms\"}}", "1 5" },
                { "{\"a\": {\"__extn\": {\"fn\": \"duration\"}}}", "1 5" },
                { "{\"a\": {\"__extn\": {\"fn\": \"offset\", \"args\": [{\"__extn\": {\"fn\": "
                  "\"datetime\", \"arg\": \"2026-01-02\"}}, {\"__extn\": {\"fn\": \"duration\", "
                  "\"arg\": \"1d\"}}]}}}",
                  "1 8" },
                { "{\"a\": {\"__extn\": {\"fn\": \"isIpv4\", \"arg\": \"::1\"}}}", NULL },
                { "{\"a\": {\"__extn\": {\"fn\": \"offset\", \"args\": [\"2026-01-02\", \"1d\"]}}}",
                  NULL },
                { "{\"a\": {\"__expr\": \"1\"}}", NULL },
                { "{\"a\": {\"__expr\": 1}}", "1 5" },
                { "{\"a\": null}", NULL },
                { "{\"a\": [null]}", NULL },
                { "{\"a\": 1, \"a\": 1}", NULL },
                { "[]", NULL },
                { "1", NULL },
                { "{\"__entity\": {\"type\": \"User\", \"id\": \"b\"}}", NULL },
                { "{\"\\u0000\": \"\\ud83d\\ude00\"}", "1 2" },
                { "{\"a\": \"\\ud83d\"}", NULL },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_value v;
                struct err err = { 0 };
                struct buf kinds = BUF_INIT(100);
                int rc = cedar_context_read_trusted(span_str(table[i].text), &f->arena, &v, &err);

                if ((rc == 0) != (table[i].want != NULL))
                        fail_msg("%s: %s", table[i].text, err.text);
                if (rc)
                        continue;
                buf_printf(&kinds, "%u", v.n);
                for (uint32_t k = 0; k < v.n; k++)
                        buf_printf(&kinds, " %u", v.fields[k].value.kind);
                assert_string_equal(buf_cstr(&kinds), table[i].want);
                buf_done(&kinds);
        }
}

/* The schema says what the strings are, so that the values are those of the escapes. */
static void a_string_and_its_escape_are_the_same_value(void **state)
{
        static const char plain[] = NAMED(
                "\"home\": \"10.0.0.1\", \"worth\": \"1.5\", \"born\": \"2026-01-01T23:00:00Z\", "
                "\"shift\": \"1h\", \"boss\": {\"type\": \"User\", \"id\": \"b\"}, \"nets\": "
                "[\"::1\", \"::2\"]");
        static const char escaped[] = NAMED(
                "\"home\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.0.0.1\"}}, \"worth\": "
                "{\"__extn\": {\"fn\": \"decimal\", \"arg\": \"1.50\"}}, \"born\": {\"__extn\": "
                "{\"fn\": \"offset\", \"args\": [{\"__extn\": {\"fn\": \"datetime\", \"arg\": "
                "\"2026-01-02\"}}, {\"__extn\": {\"fn\": \"duration\", \"arg\": \"-60m\"}}]}}, "
                "\"shift\": {\"__extn\": {\"fn\": \"duration\", \"arg\": \"60m\"}}, \"boss\": "
                "{\"__entity\": {\"type\": \"User\", \"id\": \"b\"}}, \"nets\": [{\"__extn\": "
                "{\"fn\": \"ip\", \"arg\": \"::2\"}}, {\"__extn\": {\"fn\": \"ip\", \"arg\": "
                "\"::1\"}}]");
        struct fixture *f = *state;
        struct cedar_entities *a = NULL, *b = NULL;
        struct err err = { 0 };

        assert_int_equal(cedar_entities_new(&a), 0);
        assert_int_equal(cedar_entities_new(&b), 0);
        assert_int_equal(cedar_entities_read(span_str(plain), f->schema, a, &err), 0);
        assert_int_equal(cedar_entities_read(span_str(escaped), NULL, b, &err), 0);
        assert_int_equal(cedar_entities_count(a), 4); /* and the three actions */
        assert_int_equal(cedar_entities_count(b), 1);
        assert_true(
                cedar_value_eq(&cedar_entities_at(a, 0)->attrs, &cedar_entities_at(b, 0)->attrs));
        cedar_entities_free(a);
        cedar_entities_free(b);
}

static void actions_come_from_the_schema(void **state)
{
        struct cedar_uid view = cedar_uid(SPAN("Action"), SPAN("view"));
        struct cedar_uid all = cedar_uid(SPAN("Action"), SPAN("all"));
        struct fixture *f = *state;
        struct cedar_entities *e = NULL;
        struct err err = { 0 };

        assert_int_equal(cedar_entities_new(&e), 0);
        assert_int_equal(cedar_entities_read(SPAN("[]"), f->schema, e, &err), 0);
        assert_int_equal(cedar_entities_seal(e, &err), 0);
        assert_int_equal(cedar_entities_count(e), 3);
        assert_true(cedar_entities_in(e, &view, &all));
        assert_false(cedar_entities_in(e, &all, &view));
        cedar_entities_free(e);
}

static void uids_are_read_in_both_spellings(void **state)
{
        static const struct verdict_case table[] = {
                { UID("User", "a"), NULL },
                { "{\"__entity\": " UID("User", "a") "}", NULL },
                { "{\"type\": \"User\", \"id\": \"a\", \"more\": 1}", NULL },
                { UID("A::B", ""), NULL },
                { UID("", "a"), "the type of an entity is a name" },
                { UID("A::", "a"), "the type of an entity is a name" },
                { UID("if", "a"), "the type of an entity is a name" },
                { "{\"type\": \"User\"}", "an entity is wanted" },
                { "\"User::\\\"a\\\"\"", "an entity is wanted" },
                { "{\"__expr\": \"x\"}", "\"__expr\" is no longer" },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_uid uid;
                struct err err = { 0 };
                struct tree t;

                assert_int_equal(tree_read(span_str(table[i].text), &f->arena, &t, NULL), 0);
                check_verdict(&table[i], cedar_uid_of(&t, &f->arena, &uid, &err), &err);
        }
}

static void requests_are_held_against_the_schema(void **state)
{
        static const struct {
                const char *principal, *p_id, *action, *resource, *context, *error;
        } table[] = {
                { "User", "a", "view", "Thing", "{\"ip\": \"::1\"}", NULL },
                { "Level", "low", "view", "Thing", "{\"ip\": \"::1\"}", NULL },
                { "Level", "mid", "view", "Thing", "{\"ip\": \"::1\"}",
                  "principal: the enumerated type has no Level::\"mid\"" },
                { "Group", "g", "view", "Thing", "{\"ip\": \"::1\"}",
                  "principal: the action does not apply to the type Group" },
                { "Nobody", "a", "view", "Thing", "{\"ip\": \"::1\"}",
                  "principal: there is no entity type Nobody" },
                { "User", "a", "view", "User", "{\"ip\": \"::1\"}",
                  "resource: the action does not apply to the type User" },
                { "User", "a", "read", "Thing", "{}", "principal: the action does not apply" },
                { "User", "a", "fly", "Thing", "{}", "the schema has no action Action::\"fly\"" },
                { "User", "a", "view", "Thing", "{}", "context.ip: this attribute is missing" },
                { "User", "a", "view", "Thing", "{\"ip\": \"::1\", \"x\": 1}",
                  "context.x: the schema has no such attribute" },
                /* An entity only where the schema has one, however it is written. */
                { "User", "a", "view", "Thing",
                  "{\"ip\": \"::1\", \"note\": {\"__entity\": {\"type\": \"User\", \"id\": \"b\"}}}",
                  "context.note: String is wanted, not Entity" },
                { "User", "a", "view", "Thing", "{\"ip\": \"x\"}", "context.ip: " },
                { "User", "a", "view", "Thing",
                  "{\"ip\": \"::1\", \"who\": {\"type\": \"User\", \"id\": \"b\"}}", NULL },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct verdict_case c = { table[i].context, table[i].error };
                struct cedar_request r = {
                        .principal =
                                cedar_uid(span_str(table[i].principal), span_str(table[i].p_id)),
                        .action = cedar_uid(SPAN("Action"), span_str(table[i].action)),
                        .resource = cedar_uid(span_str(table[i].resource), SPAN("r")),
                };
                struct err err = { 0 };
                int rc = cedar_context_read(span_str(table[i].context), f->schema, &r.action,
                                            &f->arena, &r.context, &err);

                if (rc == 0)
                        rc = cedar_schema_check_request(f->schema, &r, &err);
                check_verdict(&c, rc, &err);
        }
}

/* The same contexts, read without the schema and checked afterwards. */
static void values_are_checked_as_they_would_be_read(void **state)
{
        static const struct verdict_case table[] = {
                { "{\"ip\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}}}", NULL },
                { "{\"ip\": \"::1\"}", "ip: ipaddr is wanted, not String" },
                { "{}", "ip: this attribute is missing" },
                { "{\"ip\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}}, \"a\": 1}",
                  "a: the schema has no such attribute" },
                { "{\"ip\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}}, \"z\": 1}",
                  "z: the schema has no such attribute" },
                { "{\"ip\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}}, \"who\": {\"__entity\": "
                  "{\"type\": \"Group\", \"id\": \"b\"}}}",
                  "who: an entity of type User is wanted, not Group::\"b\"" },
        };
        struct cedar_uid view = cedar_uid(SPAN("Action"), SPAN("view"));
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                const struct cedar_type *type = cedar_schema_action(f->schema, &view)->context;
                struct cedar_value v;
                struct err err = { 0 };

                assert_int_equal(
                        cedar_context_read_trusted(span_str(table[i].text), &f->arena, &v, &err),
                        0);
                check_verdict(&table[i], cedar_schema_check_value(f->schema, type, &v, &err), &err);
        }
}

static void each_failed_allocation_is_told(void **state)
{
        static const char text[] = "[{\"uid\": " UID(
                "User",
                "u") ", \"attrs\": {\"name\": \"\\u0041\", "
                     "\"nets\": [\"::1\"], \"boss\": " UID("User", "b") "}, \"parents\": [" UID(
                             "Group",
                             "g") "], \"tags\": {\"t\": [\"x\"]}}, " ENTITY("Action", "read",
                                                                            UID("Action", "all"),
                                                                            "") "]";
        struct fixture *f = *state;

        for (size_t nth = 1;; nth++) {
                struct cedar_entities *e = NULL;
                struct err err = { 0 };
                int rc;

                assert_int_equal(cedar_entities_new(&e), 0);
                alloc_fail_nth = nth;
                rc = cedar_entities_read(span_str(text), f->schema, e, &err);
                alloc_fail_nth = 0;
                cedar_entities_free(e);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_true(nth < 100);
        }
}

/* An arena that is nearly full fails as memory does, wherever it is. */
static void each_full_arena_is_told(void **state)
{
        static const char text[] =
                "{\"ip\": \"::1\", \"note\": \"n\", \"who\": " UID("User", "b") "}";
        struct cedar_uid view = cedar_uid(SPAN("Action"), SPAN("view"));
        struct fixture *f = *state;

        for (size_t room = 0;; room += 16) {
                struct arena small = ARENA_INIT(room);
                struct cedar_value v;
                struct err err = { 0 };
                int rc = cedar_context_read(span_str(text), f->schema, &view, &small, &v, &err);

                arena_done(&small);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_true(room < 4096);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(attributes_are_read_by_their_types),
                cmocka_unit_test(entities_are_held_against_the_schema),
                cmocka_unit_test(values_without_a_schema_are_printed_as_they_come),
                cmocka_unit_test(a_string_and_its_escape_are_the_same_value),
                cmocka_unit_test(actions_come_from_the_schema),
                cmocka_unit_test(uids_are_read_in_both_spellings),
                cmocka_unit_test(requests_are_held_against_the_schema),
                cmocka_unit_test(values_are_checked_as_they_would_be_read),
                cmocka_unit_test(each_failed_allocation_is_told),
                cmocka_unit_test(each_full_arena_is_told),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
