/* SPDX-License-Identifier: Apache-2.0 */
#include "package/policies/policy_lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../model_text.h"
#include "job/yaml_source.h"

static const char bank[] =
        "{\"name\":\"bank\",\"claims\":[\"branch\"],\"groups\":false,"
        "\"classes\":[\"pii.name\",\"pii.ssn\",\"secret\"],\"operations\":["
        " {\"id\":\"getAccount\",\"tags\":[\"reading\"],\"reads\":[\"pii.name\",\"pii.ssn\"],"
        "  \"object\":{\"type\":\"Account\",\"id\":\"path.id\"},"
        "  \"parameters\":[{\"in\":\"path\",\"name\":\"id\",\"schema\":{\"type\":\"string\"}}]},"
        " {\"id\":\"listAccounts\",\"tags\":[\"reading\"],\"reads\":[\"pii.name\"],\"parameters\":["
        "  {\"in\":\"query\",\"name\":\"limit\",\"schema\":{\"type\":\"integer\"}}]},"
        " {\"id\":\"pay\",\"tags\":[\"writing\"],\"bodyRequired\":true,\"body\":{\"type\":\"object\","
        "  \"required\":[\"amount\"],\"properties\":{\"amount\":{\"type\":\"number\","
        "  \"multipleOf\":0.01},\"how\":{\"enum\":[\"now\",\"later\"]}}}}]}";

#define ALL                                                                                        \
        "permit (principal, action in [Action::\"reading\", Action::\"writing\"], resource);\n"    \
        "permit (principal, action in Action::\"readMasked\", resource);\n"

struct linted {
        struct model_text m;
        struct arena arena;
        struct lint l;
        struct buf schema, policy, entities;
        struct err err;
        int rc;
};

static struct policy_sources sources_of(struct linted *x, const char *types,
                                        const struct package_source *files, uint32_t n)
{
        return (struct policy_sources){ .api = &x->m.api,
                                        .config = &x->m.config,
                                        .types = span_str(types),
                                        .policies = files,
                                        .n_policies = n };
}

static void linted_init(struct linted *x, const char *model)
{
        *x = (struct linted){ .arena = ARENA_INIT(1 << 20),
                              .schema = BUF_INIT(1 << 20),
                              .policy = BUF_INIT(1 << 20),
                              .entities = BUF_INIT(1 << 20) };
        lint_init(&x->l);
        model_text_read(span_str(model), &x->m);
}

static void linted_done(struct linted *x)
{
        buf_done(&x->schema);
        buf_done(&x->policy);
        buf_done(&x->entities);
        lint_done(&x->l);
        arena_done(&x->arena);
        model_text_done(&x->m);
}

static const struct source_node *read_yaml(struct linted *x, const char *text)
{
        const struct source_node *root = NULL;

        x->l.file = SPAN("entities.yaml");
        assert_int_equal(yaml_source(NULL, span_str(text), &x->arena, &x->l, &root, NULL), 0);
        return root;
}

static void check_faults(struct linted *x, const char *want)
{
        struct buf faults = BUF_INIT(1 << 20);

        for (uint32_t i = 0; i < x->l.n; i++) {
                const struct lint_fault *f = &x->l.at[i];

                buf_put(&faults, f->file);
                if (f->mark.line)
                        buf_printf(&faults, ":%u:%u", f->mark.line, f->mark.column);
                buf_put_str(&faults, f->level == LINT_WARNING ? ": warning: " : ": ");
                buf_put(&faults, f->text);
                buf_put_byte(&faults, '\n');
        }
        if (strcmp(buf_cstr(&faults), want) != 0)
                fail_msg("told:\n%s\nwanted:\n%s", buf_cstr(&faults), want);
        buf_done(&faults);
}

struct lint_case {
        const char *policy, *second, *entities; /* second: policies/b.cedar; NULL: none */
        const char *faults;
};

static void check_lint(const char *model, const struct lint_case *t)
{
        struct linted x;
        struct package_source files[] = { { SPAN("policy.cedar"), span_str(t->policy) },
                                          { SPAN("policies/b.cedar"), SPAN_NONE } };
        struct policy_sources s;
        struct policy_sections out;

        linted_init(&x, model);
        files[1].text = t->second ? span_str(t->second) : SPAN_NONE;
        s = sources_of(&x, "", files, t->second ? 2 : 1);
        s.entities = t->entities ? read_yaml(&x, t->entities) : NULL;
        out = (struct policy_sections){ &x.schema, &x.policy, &x.entities };
        x.rc = policy_lint(&s, &x.l, &out, &x.err);
        check_faults(&x, t->faults);
        assert_int_equal(x.rc, x.l.errors ? -EINVAL : 0);
        assert_true((x.rc == 0) == (x.schema.n > 0 && x.entities.n > 0));
        linted_done(&x);
}

#define DENIED(op)                                                                                 \
        "openapi.yaml: warning: operation " op                                                     \
        ": no policy permits it to anybody: every call will be denied\n"
#define UNREAD(class)                                                                              \
        "openapi.yaml: warning: data class " class                                                 \
                ": no policy lets anybody read it, masked or clear: it will be left out of every answer\n"

#define ERRS                                                                                       \
        "unless the document limits this number, one that leads out of 64 bits makes the policy "  \
        "err, and then it forbids nothing: compare the number itself\n"
#define NOT_ITSELF                                                                                 \
        "no value has the data class \"pii\" itself, only classes in it: this never holds; ask "   \
        "with `in`\n"

static const struct lint_case of_policies[] = {
        { ALL, NULL, NULL, "" },
        { "", "", NULL,
          DENIED("getAccount") DENIED("listAccounts") DENIED("pay") UNREAD("pii.name")
                  UNREAD("pii.ssn") },
        /* what scopes let through */
        { "permit (principal, action == Action::\"pay\", resource);\n"
          "permit (principal, action in Action::\"read\", resource == DataClass::\"pii.ssn\");",
          NULL, NULL, DENIED("getAccount") DENIED("listAccounts") UNREAD("pii.name") },
        { "permit (principal is Caller, action in Action::\"reading\", resource is Account);\n"
          "permit (principal, action == Action::\"listAccounts.readMasked\", resource in "
          "DataClass::\"pii\");",
          NULL, NULL, DENIED("listAccounts") DENIED("pay") UNREAD("pii.ssn") },
        { "permit (principal == Caller::\"ann\", action, resource);", NULL, NULL, "" },
        { ALL "forbid (principal, action, resource);", NULL, NULL, "" },
        /* what does not parse, in both files, all of it */
        { "permit (principal, action resource);\npermit (principal, action, resource) when { };\n",
          "\n  forbid (principal);", NULL,
          "policy.cedar:1:27: found `resource`, wanted `==`, `in` or `,`\n"
          "policy.cedar:2:45: found `}`, wanted an expression\n"
          "policies/b.cedar:2:20: found `)`, wanted `==`, `in`, `is` or `,`\n" },
        /* a policy of which one half is in another file is none */
        { ALL "permit (principal, action, resource)", "when { true };", NULL,
          "policy.cedar:3:37: found the end of the text, wanted `when`, `unless` or `;`\n"
          "policies/b.cedar:1:1: found `when`, wanted `permit` or `forbid`\n" },
        /* what does not validate: places are of the file, also behind one that ends no line */
        { "// all\n" ALL "// end",
          "@id(\"far\")\npermit (principal, action == Action::\"pay\", resource)\n"
          "when { context.body.amuont.lessThan(decimal(\"5.0\")) };",
          NULL,
          "policies/b.cedar:3:21: {amount: decimal, how?: PayBodyHow} has no attribute \"amuont\" "
          "(principal Caller, action Action::\"pay\", resource Api)\n" },
        { ALL "permit (principal, action, resource) when { false };", NULL, NULL,
          "policy.cedar:3:1: warning: the conditions are false for every request the schema allows: "
          "this policy never decides anything\n" },
        /* names: once each, in the words of the API, and nothing of what follows */
        { ALL "permit (\n  principal,\n  action == Action::\"payy\",\n  resource\n);\n"
              "permit (principal is Account, action == Action::\"pay\", resource);",
          NULL, NULL,
          "policy.cedar:5:3: openapi.yaml has no operation and no tag \"payy\": is \"pay\" "
          "meant?\n"
          "policy.cedar:8:1: the schema has no action that applies to such a principal and "
          "resource: this policy never decides anything\n" },
        { ALL "permit (principal, action in [Action::\"pya\", Action::\"getAccount\"], resource);",
          NULL, NULL,
          "policy.cedar:3:20: openapi.yaml has no operation and no tag \"pya\": is \"pay\" "
          "meant?\n" },
        { ALL "permit (principal, action in Action::\"readMasked\", resource) when { resource in "
              "[DataClass::\"pii.snn\", DataClass::\"pii\", DataClass::\"pii.ssn\"] };",
          "permit (principal, action in Action::\"read\", resource == DataClass::\"health\");",
          NULL,
          "policy.cedar:3:82: openapi.yaml has no data class \"pii.snn\": is \"pii.ssn\" meant?\n"
          "policies/b.cedar:1:46: openapi.yaml has no data class \"health\"\n" },
        /* a class that no value has by itself is equal to none */
        { ALL "forbid (principal, action in Action::\"read\", resource == DataClass::\"pii\");",
          "forbid (principal, action in Action::\"read\", resource)\n"
          "when { resource == DataClass::\"pii\" || [DataClass::\"pii\", DataClass::\"secret\"]"
          ".contains(resource) ||\n"
          "resource in DataClass::\"pii\" || resource in [DataClass::\"pii\"] || resource is "
          "DataClass in DataClass::\"pii\" ||\n"
          "resource in (if principal has branch then DataClass::\"pii\" else "
          "DataClass::\"secret\") };",
          NULL,
          "policy.cedar:3:46: warning: " NOT_ITSELF "policies/b.cedar:2:20: warning: " NOT_ITSELF
          "policies/b.cedar:2:41: warning: " NOT_ITSELF },
        /* the caller can have a forbid err; a permit that errs permits nothing */
        { ALL "forbid (principal, action == Action::\"listAccounts\", resource)\n"
              "when { context has query && context.query has limit &&\n"
              "  (context.query.limit * 2 > 100 || [-context.query.limit].contains(1)) };\n"
              "forbid (principal, action == Action::\"listAccounts\", resource)\n"
              "unless { context has query && context.query has limit && 100 > 5 + 2 &&\n"
              "  (if [1 - context.query.limit].isEmpty() then true else false) };",
          "permit (principal, action == Action::\"listAccounts\", resource)\n"
          "when { context has query && context.query has limit && context.query.limit * 2 > 100 };\n"
          "forbid (principal, action == Action::\"listAccounts\", resource)\n"
          "when { context has query && context.query has limit && context.query.limit > 5 * 10 };",
          NULL, "policy.cedar:5:24: warning: " ERRS "policy.cedar:8:10: warning: " ERRS },
        { ALL "permit (principal, action, resource == Api::\"accounts\");", NULL, NULL,
          "policy.cedar:3:28: this API is not \"accounts\": is \"bank\" meant?\n" },
        { ALL
          "permit (principal, action == Action::\"pay\", resource) when { context.body has how && "
          "context.body.how == PayBodyHow::\"nwo\" };",
          NULL, NULL,
          "policy.cedar:3:106: PayBodyHow::\"nwo\": the ids of this type are enumerated, and this is "
          "not one of them\n" },
        /* groups: entities.yaml is all there is, since no identity has any */
        { ALL "permit (principal in Group::\"tellers\", action, resource);\n"
              "permit (principal in Group::\"staff\", action, resource);\n"
              "permit (principal in Group::\"bosses\", action, resource);",
          NULL,
          "- uid: {type: Caller, id: ann}\n  parents: [{type: Group, id: tellers}]\n"
          "- uid: {type: Group, id: bosses}\n",
          "policy.cedar:4:9: warning: nobody can be in Group::\"staff\": it is not in "
          "entities.yaml, and gateway.yaml takes no groups of any identity\n" },
        { ALL "permit (principal in Group::\"unverified\", action, resource);", NULL, NULL,
          "policy.cedar:3:9: warning: nobody can be in Group::\"unverified\": gateway.yaml has no "
          "identity that is passed through, and no token may say it\n" },
        { ALL "permit (principal == ?principal, action, resource);", NULL, NULL,
          "policy.cedar:3:1: warning: a template decides nothing: a package has no links for it\n" },
        { "@id(\"a\")" ALL,
          "@id(\"b\") forbid (principal, action, resource) when { 1 == 2 };\n"
          "@id(\"a\") permit (principal, action, resource);",
          NULL,
          "policies/b.cedar:2:1: warning: another policy has the @id \"a\", too\n"
          "policies/b.cedar:1:1: warning: the conditions are false for every request the schema "
          "allows: this policy never decides anything\n" },
};

static void policies_are_held_against_the_api(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(of_policies); i++)
                check_lint(bank, &of_policies[i]);
}

static const struct lint_case of_entities[] = {
        { ALL, NULL, "[]", "" },
        { ALL, NULL,
          "- uid: {type: Caller, id: ann}\n  attrs: {branch: north}\n"
          "  parents: [{type: Group, id: tellers}]\n"
          "- uid: {__entity: {type: Account, id: \"7\"}}\n",
          "" },
        { ALL, NULL, "uid: {type: Caller, id: ann}",
          "entities.yaml:1:1: a list of entities is wanted, not a map\n" },
        { ALL, NULL,
          "- ann\n"
          "- uid: Caller\n"
          "- uid: {type: Caller, id: 7}\n"
          "- uid: {type: Caller}\n  parent: []\n  parents: {}\n"
          "- attrs: {x: null, y: [1.5]}\n  email: x\n"
          "- uid: {type: DataClass, id: pii}\n"
          "- uid: {type: Action, id: pay}\n",
          "entities.yaml:1:3: an entity is a map with a uid, not a string\n"
          "entities.yaml:2:8: uid: an entity is written {type: Group, id: tellers}\n"
          "entities.yaml:3:27: uid: an id is a string, and this is a number: put it in quotes\n"
          "entities.yaml:5:3: an entity has no `parent`: is `parents` meant?\n"
          "entities.yaml:4:8: uid: `id` is missing\n"
          "entities.yaml:6:12: `parents` is a list, not a map\n"
          "entities.yaml:8:3: an entity has no `email`, only uid, attrs, parents, tags\n"
          "entities.yaml:7:3: `uid` is missing\n"
          "entities.yaml:7:14: there is no null: leave the attribute out\n"
          "entities.yaml:7:24: no whole number of 64 bits; a decimal is put in quotes\n"
          "entities.yaml:9:8: each DataClass is there by itself: leave it out\n"
          "entities.yaml:10:8: actions are derived from openapi.yaml: leave it out\n" },
        { ALL, NULL, "- uid: {type: Caller, id: ann}\n  attrs: {branch: 007}\n",
          "entities.yaml:2:19: warning: 007 is a number that JSON has not, and is not taken where one "
          "is wanted: write it in decimal without a 0 in front, or in quotes when it is a string\n"
          "entities.yaml:2:19: no number that JSON has: write it in decimal without a 0 in front, "
          "or in quotes when it is a string\n" },
        /* nobody is put among those whom nobody verified */
        { ALL, NULL,
          "- uid: {type: Group, id: guests}\n  parents: [{type: Group, id: unverified}]\n"
          "- uid: {type: Group, id: unverified}\n  parents: [{type: Group, id: all}]\n"
          "- uid: {type: Caller, id: ann}\n"
          "  parents: [{__entity: {type: Group, id: unverified}}, {type: Group, id: all}]\n"
          "- uid: {type: Caller, id: \"unverified:ann\"}\n"
          "  parents: [{type: Group, id: unverified}]\n",
          "entities.yaml:2:13: in Group::\"unverified\" is whom nobody verified, and nobody else\n"
          "entities.yaml:6:13: in Group::\"unverified\" is whom nobody verified, and nobody "
          "else\n" },
        /* what the schema says, of each entity the first thing */
        { ALL, NULL,
          "- uid: {type: Caller, id: ann}\n  attrs:\n    branch: 7\n"
          "- uid: {type: Caller, id: bob}\n"
          "- uid: {type: Coller, id: cid}\n"
          "- uid: {type: Caller, id: dan}\n  parents: [{type: Account, id: \"7\"}]\n"
          "- uid: {type: PayBodyHow, id: never}\n",
          "entities.yaml:3:5: entity (Caller::\"ann\"): attribute branch: String is wanted, not Long\n"
          "entities.yaml:5:3: entity (Coller::\"cid\"): the schema has no such entity type\n"
          "entities.yaml:6:3: entity (Caller::\"dan\"): parents[0]: Caller is not in Account\n"
          "entities.yaml:8:3: entity (PayBodyHow::\"never\"): the enumerated type has no "
          "PayBodyHow::\"never\"\n" },
        { ALL, NULL,
          "- uid: {type: Group, id: a}\n- uid: {type: Group, id: b}\n- uid: {type: Group, id: a}\n",
          "entities.yaml:3:3: this entity is there already, in line 1\n" },
        { ALL, NULL,
          "- uid: {type: Group, id: a}\n  parents: [{type: Group, id: b}]\n"
          "- uid: {type: Group, id: b}\n  parents: [{type: Group, id: a}]\n",
          "entities.yaml: entity Group::\"b\" descends from itself\n" },
};

static void entities_are_held_against_the_api(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(of_entities); i++)
                check_lint(bank, &of_entities[i]);
}

static void the_sections_are_texts(void **state)
{
        static const struct package_source files[] = {
                { SPAN_INIT("policy.cedar"), SPAN_INIT("permit (principal, action, resource);") },
                { SPAN_INIT("policies/b.cedar"),
                  SPAN_INIT("// no\nforbid (principal, action, resource);\n") },
        };
        struct linted x;
        struct policy_sources s;
        struct policy_sections out = { &x.schema, &x.policy, &x.entities };

        linted_init(&x, bank);
        s = sources_of(&x, "", files, 2);
        s.entities = read_yaml(&x, "- uid: {type: Caller, id: ann}\n  tags: {}\n");
        assert_int_equal(policy_lint(&s, &x.l, &out, &x.err), 0);
        assert_string_equal(buf_cstr(&x.policy), "permit (principal, action, resource);\n"
                                                 "// no\nforbid (principal, action, resource);\n");
        assert_string_equal(
                buf_cstr(&x.entities),
                "[{\"attrs\":{},\"parents\":[],\"uid\":{\"id\":\"bank\",\"type\":\"Api\"}},"
                "{\"attrs\":{},\"parents\":[],\"uid\":{\"id\":\"pii\",\"type\":\"DataClass\"}},"
                "{\"attrs\":{},\"parents\":[{\"id\":\"pii\",\"type\":\"DataClass\"}],"
                "\"uid\":{\"id\":\"pii.name\",\"type\":\"DataClass\"}},"
                "{\"attrs\":{},\"parents\":[{\"id\":\"pii\",\"type\":\"DataClass\"}],"
                "\"uid\":{\"id\":\"pii.ssn\",\"type\":\"DataClass\"}},"
                "{\"attrs\":{},\"parents\":[],\"uid\":{\"id\":\"secret\",\"type\":\"DataClass\"}},"
                "{\"attrs\":{},\"parents\":[],\"tags\":{},"
                "\"uid\":{\"id\":\"ann\",\"type\":\"Caller\"}}]");
        assert_true(span_starts(
                buf_span(&x.schema),
                SPAN("// What policies of bank can ask, derived from openapi.yaml.\n")));
        linted_done(&x);
}

/* Faults of all files are told, whichever of them is bad. */
static void one_run_tells_all(void **state)
{
        static const struct package_source files[] = { { SPAN_INIT("policy.cedar"),
                                                         SPAN_INIT("permit") } };
        struct linted x;
        struct policy_sources s;

        linted_init(&x, bank);
        s = sources_of(&x, "action a;", files, 1);
        s.entities = read_yaml(&x, "- uid: 7\n");
        x.l.file = SPAN("before");
        assert_int_equal(policy_lint(&s, &x.l, NULL, &x.err), -EINVAL);
        assert_true(span_eq_str(x.l.file, "before"));
        check_faults(&x,
                     "types.cedarschema:1:8: actions are derived from openapi.yaml and cannot be "
                     "declared here\n"
                     "entities.yaml:1:8: uid: an entity is written {type: Group, id: tellers}\n"
                     "policy.cedar:1:7: found the end of the text, wanted `(`\n");
        linted_done(&x);
}

static void every_failed_allocation_is_told(void **state)
{
        static const struct package_source files[] = { { SPAN_INIT("policy.cedar"),
                                                         SPAN_INIT("@id(\"x\")" ALL) } };
        struct linted x;
        struct policy_sources s;
        struct policy_sections out = { &x.schema, &x.policy, &x.entities };

        linted_init(&x, bank);
        s = sources_of(&x, "", files, 1);
        s.entities = read_yaml(&x, "- uid: {type: Caller, id: ann}\n  attrs: {branch: b}\n");
        for (size_t nth = 1, done = 0; !done; nth++) {
                int rc;

                buf_clear(&x.schema);
                buf_clear(&x.policy);
                buf_clear(&x.entities);
                alloc_fail_nth = nth;
                rc = policy_lint(&s, &x.l, &out, &x.err);
                done = alloc_fail_nth > 0;
                alloc_fail_nth = 0;
                if (rc != (done ? 0 : -ENOMEM))
                        fail_msg("allocation %zu: %d %s", nth, rc, x.err.text);
                assert_true(nth < 10000);
        }
        check_faults(&x, "");
        linted_done(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(policies_are_held_against_the_api),
                cmocka_unit_test(entities_are_held_against_the_api),
                cmocka_unit_test(the_sections_are_texts),
                cmocka_unit_test(one_run_tells_all),
                cmocka_unit_test(every_failed_allocation_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
