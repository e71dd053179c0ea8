/* SPDX-License-Identifier: Apache-2.0 */
/* Policies, stores and requests made by chance, some places of which are hidden: whatever stands
 * there, cedar_decide() comes to what cedar_decide_partial() was sure of, policy by policy; and two
 * requests that agree in all that a policy is said to hang on find it the same. */
#include "policy/partial/partial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../chance.h"
#include "policy/entities/extra.h"
#include "policy/parse/parse.h"

enum { CASES = 3000, FILLS = 12, POLICIES = 4, IDS = 3, ARENA_MAX = 16 << 20, ON_MAX = 64 };

static const char schema_text[] =
        "entity G in [G]; entity U in [G] { a: Long, b?: U, c: { d: String, e?: Bool } } tags Long;"
        "entity R in [R, G] { a?: Bool, b: U };"
        "action x appliesTo { principal: [U], resource: [R], context: { a: Long, b?: String,"
        "  c: { d: U, e?: Bool, a?: Set<G> }, d?: Bool } };";

static const char *const types[] = { "U", "G", "R" };
static const char *const keys[] = { "a", "b", "c", "d", "e" };
static const char *const ids[IDS] = { "0", "1", "2" };

struct case_of {
        struct chance c;
        struct arena arena;
        const struct cedar_schema *schema; /* NULL: anything goes */
        struct cedar_entities *store;
        struct cedar_policies *policies;
        struct cedar_program *whole, *alone[POLICIES];
        struct cedar_bench *bench, *bench_of[POLICIES];
        struct cedar_request request;
        struct cedar_unknown unknown;
        struct cedar_place_name places[3];
        struct cedar_brings brings;
        struct cedar_entity given; /* what the request says of the principal at least */
        struct cedar_partial_answer answer;
        bool forbid_faults;
};

static uint32_t below(struct case_of *k, uint32_t n)
{
        return chance_below(&k->c, n);
}

static void *room(struct case_of *k, size_t n)
{
        void *p = arena_alloc(&k->arena, n);

        assert_non_null(p);
        return p;
}

/* ---- texts ---- */

static void put_any(struct case_of *k, unsigned depth, struct buf *out);

/* "%" stands for an expression, "?" for one that may well be a Bool, "$" for a key, "#" for an
 * entity. */
static void put_form(struct case_of *k, const char *form, unsigned depth, struct buf *out);

static void put_bool(struct case_of *k, unsigned depth, struct buf *out)
{
        static const char *const forms[] = {
                "context.$",
                "context.$",
                "context.c.$",
                "(context has $)",
                "(context has c.$)",
                "(principal has $)",
                "resource.$",
                "(principal in #)",
                "(resource in #)",
                "true",
                "false",
                "(context.$ == %)",
                "(principal == #)",
                "(context.$ == 1)",
                "(context.$ is U)",
                /* deeper */
                "(? && ?)",
                "(? && ?)",
                "(? || ?)",
                "(? || ?)",
                "(!?)",
                "(if ? then ? else ?)",
                "(% == %)",
                "(% != %)",
                "(% < %)",
                "(% >= %)",
                "(% in %)",
                "(% in [%, #])",
                "(% is R)",
                "(% is G in %)",
                "(% has $.$)",
                "(% like \"*1*\")",
                "[%, %].contains(%)",
                "(%).containsAll([%])",
                "(%).containsAny(%)",
                "(%).isEmpty()",
                "(%).hasTag(\"$\")",
                "(# in #)",
                "(# has $)",
                "#.hasTag(\"$\")",
                "decimal(%).lessThan(decimal(\"1.0\"))",
                "ip(%).isIpv4()",
        };
        put_form(k, forms[below(k, depth ? ARRAY_LEN(forms) : 15)], depth, out);
}

static void put_any(struct case_of *k, unsigned depth, struct buf *out)
{
        static const char *const forms[] = {
                "context.$",
                "context.$",
                "context.c.$",
                "principal",
                "principal.$",
                "resource",
                "resource.$",
                "principal.c.$",
                "0",
                "1",
                "\"1\"",
                "#",
                "[]",
                "#.$",
                "action",
                "context",
                "[1, \"1\"]",
                /* deeper */
                "(% + %)",
                "(% - %)",
                "(-%)",
                "[%, %]",
                "{a: %, c: %}",
                "{a: %, c: %}.$",
                "(%).$",
                "(if ? then % else %)",
                "(%).getTag(\"$\")",
                "#.getTag(\"$\")",
                "?",
                "datetime(\"2024-10-15\").offset(%)",
                "duration(%)",
                "(%).toDays()",
        };
        put_form(k, forms[below(k, depth ? ARRAY_LEN(forms) : 17)], depth, out);
}

static void put_form(struct case_of *k, const char *form, unsigned depth, struct buf *out)
{
        for (; *form; form++) {
                if (*form == '%')
                        put_any(k, depth ? depth - 1 : 0, out);
                else if (*form == '?')
                        put_bool(k, depth ? depth - 1 : 0, out);
                else if (*form == '$')
                        buf_put_str(out, keys[below(k, ARRAY_LEN(keys))]);
                else if (*form == '#')
                        buf_printf(out, "%s::\"%s\"", types[below(k, 3)], ids[below(k, IDS)]);
                else
                        buf_put_byte(out, (uint8_t)*form);
        }
}

static void put_policy(struct case_of *k, struct buf *out)
{
        static const char *const scopes[] = { "",      "",           "",           " is U", " in #",
                                              " == #", " is U in #", " is R in #", " is R" };

        buf_put_str(out, below(k, 3) ? "permit(principal" : "forbid(principal");
        put_form(k, scopes[below(k, 7)], 0, out);
        buf_put_str(out, ",action,resource");
        put_form(k, scopes[below(k, 2) ? 0 : below(k, ARRAY_LEN(scopes))], 0, out);
        buf_put_str(out, ")");
        for (uint32_t n = below(k, 3); n-- > 0;) {
                buf_put_str(out, below(k, 4) ? " when {" : " unless {");
                put_bool(k, below(k, 4), out);
                buf_put_byte(out, '}');
        }
        buf_put_str(out, ";\n");
}

static void make_policies(struct case_of *k)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
        struct err err = { 0 };

        for (int i = 0; i < POLICIES; i++)
                put_policy(k, &text);
        if (cedar_parse(buf_span(&text), &k->policies, &err) < 0)
                fail_msg("%s in %s", err_text(&err), buf_cstr(&text));
        assert_int_equal(cedar_program_new(k->policies, &k->whole, NULL), 0);
        assert_int_equal(cedar_bench_new(k->whole, &k->bench), 0);
        for (int i = 0; i < POLICIES; i++) {
                struct cedar_policies one = { .policies = &k->policies->policies[i], .n = 1 };

                assert_int_equal(cedar_program_new(&one, &k->alone[i], NULL), 0);
                assert_int_equal(cedar_bench_new(k->alone[i], &k->bench_of[i]), 0);
        }
}

/* ---- values ---- */

static struct cedar_uid make_uid(struct case_of *k, struct span type)
{
        return cedar_uid(type.n ? type : span_str(types[below(k, 3)]),
                         span_str(ids[below(k, IDS)]));
}

static struct cedar_value make_value(struct case_of *k, const struct cedar_type *t, unsigned depth);

static struct cedar_value make_record(struct case_of *k, const struct cedar_type *t, unsigned depth)
{
        const uint32_t n = t ? t->n : ARRAY_LEN(keys);
        struct cedar_field *fields = room(k, (n + 1) * sizeof *fields);
        struct cedar_value v;
        uint32_t kept = 0;

        for (uint32_t i = 0; i < n; i++)
                if (t ? t->attrs[i].required || below(k, 2) : below(k, 2))
                        fields[kept++] =
                                (struct cedar_field){ t ? t->attrs[i].name : span_str(keys[i]),
                                                      make_value(k, t ? t->attrs[i].type : NULL,
                                                                 depth) };
        assert_true(cedar_record_of(fields, kept, &v));
        return v;
}

static struct cedar_value make_set(struct case_of *k, const struct cedar_type *item, unsigned depth)
{
        const uint32_t n = below(k, 3);
        struct cedar_value *items = room(k, (n + 1) * sizeof *items);

        for (uint32_t i = 0; i < n; i++)
                items[i] = make_value(k, item, depth);
        return cedar_set_of(items, n);
}

static struct cedar_value make_value(struct case_of *k, const struct cedar_type *t, unsigned depth)
{
        static const uint8_t often[] = { CEDAR_BOOL,   CEDAR_BOOL, CEDAR_LONG,    CEDAR_STRING,
                                         CEDAR_ENTITY, CEDAR_SET,  CEDAR_RECORD,  CEDAR_DECIMAL,
                                         CEDAR_IP,     CEDAR_BOOL, CEDAR_DATETIME };
        const enum cedar_kind kind = t ? t->kind : often[below(k, depth ? ARRAY_LEN(often) : 5)];
        struct cedar_uid *uid;

        switch (kind) {
        case CEDAR_BOOL:
                return cedar_bool(below(k, 2));
        case CEDAR_STRING:
                return cedar_string(below(k, 2) ? SPAN("1") : SPAN("2.0"));
        case CEDAR_ENTITY:
                uid = room(k, sizeof *uid);
                *uid = make_uid(k, t ? t->entity : SPAN_NONE);
                return cedar_entity_of(uid);
        case CEDAR_SET:
                return make_set(k, t ? t->item : NULL, depth ? depth - 1 : 0);
        case CEDAR_RECORD:
                return make_record(k, t, depth ? depth - 1 : 0);
        case CEDAR_IP: {
                struct cedar_ip *ip = room(k, sizeof *ip);

                *ip = (struct cedar_ip){ .prefix = 32 };
                return (struct cedar_value){ .kind = CEDAR_IP, .ip = ip };
        }
        default:
                return cedar_number(kind, below(k, 8) ? below(k, 3) : INT64_MAX);
        }
}

/* ---- entities ---- */

static struct cedar_entity make_entity(struct case_of *k, struct cedar_uid uid)
{
        const struct cedar_entity_type *t =
                k->schema ? cedar_schema_entity(k->schema, uid.type) : NULL;
        struct cedar_uid *parents = room(k, 3 * sizeof *parents);
        struct cedar_entity e = { .uid = uid, .parents = parents };

        e.attrs = make_record(k, t ? t->attrs : NULL, 2);
        e.tags = (struct cedar_value){ .kind = CEDAR_RECORD };
        if (!t || t->tags)
                e.tags = make_record(k, NULL, 0);
        for (uint32_t i = 0; t && i < e.tags.n; i++)
                ((struct cedar_field *)(uintptr_t)e.tags.fields)[i].value =
                        make_value(k, t->tags, 0);
        for (uint32_t n = below(k, 4); e.n_parents < MIN_OF(n, 3u);) {
                struct span type = span_str(types[below(k, 3)]);

                if (t)
                        type = t->member_of[below(k, t->n_member_of)];
                parents[e.n_parents++] = make_uid(k, type);
        }
        return e;
}

/* One without circles, however often it takes. */
static void make_store(struct case_of *k)
{
        do {
                cedar_entities_free(k->store);
                assert_int_equal(cedar_entities_new(&k->store), 0);
                for (uint32_t i = 0; i < 3 * IDS; i++) {
                        struct cedar_entity e = make_entity(
                                k, cedar_uid(span_str(types[i / IDS]), span_str(ids[i % IDS])));

                        if (below(k, 4))
                                assert_int_equal(cedar_entities_add(k->store, &e, NULL), 0);
                }
        } while (cedar_entities_seal(k->store, NULL) < 0);
}

/* The principal or the resource of a request, maybe brought by it. */
static void make_who(struct case_of *k, struct cedar_request *r, struct cedar_uid *who,
                     struct span type)
{
        struct cedar_entity *list = room(k, 2 * sizeof *list);

        *who = make_uid(k, type);
        if (r->n_extra)
                list[0] = r->extra[0];
        list[r->n_extra] = make_entity(k, *who);
        if (below(k, 3) == 0 || (r->n_extra && cedar_uid_eq(&list[0].uid, who)))
                return;
        if (r->n_extra) /* completed again, with the other */
                return;
        if (cedar_extra_complete(k->store, list, 1, &k->arena, NULL) == 0) {
                r->extra = list;
                r->n_extra = 1;
        }
}

/* ---- a principal of whom it is known what may be brought ---- */

static bool is_listed(const struct case_of *k, struct span key)
{
        for (uint32_t i = 0; i < k->brings.n_attributes; i++)
                if (span_eq(k->brings.attributes[i], key))
                        return true;
        return false;
}

/* One of the listed that is not given, and that the request does not have to leave out. */
static bool is_brought(struct case_of *k, struct span key)
{
        const struct cedar_type *t =
                k->schema ? cedar_schema_entity(k->schema, SPAN("U"))->attrs : NULL;

        for (uint32_t i = 0; t && i < t->n; i++)
                if (span_eq(t->attrs[i].name, key) && t->attrs[i].required)
                        return true;
        return below(k, 2);
}

static struct cedar_value more_attributes(struct case_of *k)
{
        const struct cedar_type *t =
                k->schema ? cedar_schema_entity(k->schema, SPAN("U"))->attrs : NULL;
        struct cedar_field *fields = room(k, 2 * ARRAY_LEN(keys) * sizeof *fields);
        struct cedar_value v;
        uint32_t n = 0;

        for (uint32_t i = 0; i < k->given.attrs.n; i++)
                fields[n++] = k->given.attrs.fields[i];
        for (uint32_t i = 0; i < ARRAY_LEN(keys); i++) {
                const struct cedar_type *type = NULL;

                for (uint32_t a = 0; t && a < t->n; a++)
                        if (span_eq_str(t->attrs[a].name, keys[i]))
                                type = t->attrs[a].type;
                if (is_listed(k, span_str(keys[i])) && (!t || type) &&
                    !cedar_record_get(&k->given.attrs, span_str(keys[i])) &&
                    is_brought(k, span_str(keys[i])))
                        fields[n++] =
                                (struct cedar_field){ span_str(keys[i]), make_value(k, type, 2) };
        }
        assert_true(cedar_record_of(fields, n, &v));
        return v;
}

/* Completed for r; more: with what it may say beside.  false: its groups go in a circle. */
static bool bring(struct case_of *k, struct cedar_request *r, bool more)
{
        struct cedar_entity *e = room(k, sizeof *e);
        struct cedar_uid *parents = room(k, 8 * sizeof *parents);

        *e = k->given;
        e->uid = r->principal;
        e->parents = parents;
        for (uint32_t i = 0; i < k->given.n_parents; i++)
                parents[i] = k->given.parents[i];
        for (uint32_t n = more && k->brings.groups ? below(k, 3) : 0; n-- > 0;) {
                parents[e->n_parents] = make_uid(k, SPAN("G"));
                e->n_parents += !k->brings.no_group ||
                                !cedar_uid_eq(&parents[e->n_parents], k->brings.no_group);
        }
        if (more)
                e->attrs = more_attributes(k);
        if (cedar_extra_complete(k->store, e, 1, &k->arena, NULL) < 0)
                return false;
        r->extra = e;
        r->n_extra = 1;
        return true;
}

/* A group that nothing of the store is in; NULL: there are some in it. */
static const struct cedar_uid *make_no_group(struct case_of *k)
{
        struct cedar_uid *uid = room(k, sizeof *uid);

        *uid = make_uid(k, SPAN("G"));
        for (uint32_t i = 0; i < cedar_entities_count(k->store); i++)
                if (cedar_entity_descends(cedar_entities_at(k->store, i), uid))
                        return NULL;
        return uid;
}

static void make_given(struct case_of *k, bool stranger)
{
        struct cedar_uid *parents = room(k, 2 * sizeof *parents);
        struct span *list = room(k, ARRAY_LEN(keys) * sizeof *list);

        k->given = (struct cedar_entity){ .parents = parents, .n_parents = below(k, 3) };
        for (uint32_t i = 0; i < k->given.n_parents; i++)
                parents[i] = make_uid(k, SPAN("G"));
        k->given.attrs = k->given.tags = (struct cedar_value){ .kind = CEDAR_RECORD };
        if (!k->schema)
                k->given.attrs = make_record(k, NULL, 1);
        k->brings = (struct cedar_brings){ .groups = below(k, 2),
                                           .no_group = below(k, 2) ? make_no_group(k) : NULL,
                                           .attributes = list };
        for (uint32_t i = 0; i < ARRAY_LEN(keys); i++)
                if (k->schema || below(k, 2))
                        list[k->brings.n_attributes++] = span_str(keys[i]);
        k->request.principal =
                stranger ? cedar_uid(SPAN("U"), SPAN("nobody")) : make_uid(k, SPAN("U"));
        k->request.n_extra = 0;
        k->unknown.principal = stranger;
        k->unknown.brings = &k->brings;
}

/* None of the store's; named: maybe one that others name. */
static struct cedar_uid make_stranger(struct case_of *k, bool named)
{
        struct cedar_uid uid = make_uid(k, SPAN("U"));

        return !named || cedar_entities_find(k->store, &uid) ? cedar_uid(SPAN("U"), SPAN("9"))
                                                             : uid;
}

static const struct cedar_type *context_type(const struct case_of *k)
{
        return k->schema ? cedar_schema_action(k->schema, &k->request.action)->context : NULL;
}

/* ---- what is hidden, and what may stand there ---- */

static void hide(struct case_of *k)
{
        k->unknown = (struct cedar_unknown){ .principal = below(k, 3) == 0,
                                             .resource = below(k, 4) == 0,
                                             .places = k->places,
                                             .schema = k->schema };
        k->unknown.n_places = below(k, 4);
        for (uint32_t i = 0; i < k->unknown.n_places; i++) {
                struct span *names = room(k, 2 * sizeof *names);

                names[0] = span_str(keys[below(k, 4)]);
                names[1] = span_str(keys[below(k, ARRAY_LEN(keys))]);
                k->places[i] = (struct cedar_place_name){ names, below(k, 12) ? 1 : 0 };
                if (below(k, 2)) {
                        names[0] = SPAN("c");
                        k->places[i].n = 2;
                }
        }
}

/* Does a place say that this is not known, or (within) that something in it is not? */
static bool is_hidden(const struct case_of *k, const struct span *path, uint32_t n, bool within)
{
        for (uint32_t i = 0; i < k->unknown.n_places; i++) {
                const struct cedar_place_name *p = &k->places[i];
                bool same = within ? p->n > n : p->n <= n;

                for (uint32_t m = 0; same && m < MIN_OF(p->n, n); m++)
                        same = span_eq(p->names[m], path[m]);
                if (same)
                        return true;
        }
        return false;
}

static struct cedar_value fill_record(struct case_of *k, const struct cedar_value *known,
                                      const struct cedar_type *t, struct span path[2], uint32_t n);

static const struct cedar_attr *attr_of(const struct cedar_type *t, struct span key)
{
        for (uint32_t i = 0; t && i < t->n; i++)
                if (span_eq(t->attrs[i].name, key))
                        return &t->attrs[i];
        return NULL;
}

/* false: it is not there. */
static bool fill_field(struct case_of *k, const struct cedar_value *known,
                       const struct cedar_type *t, struct span path[2], uint32_t n,
                       struct cedar_value *ret)
{
        const struct cedar_attr *attr = attr_of(t, path[n - 1]);
        const bool hidden = is_hidden(k, path, n, false);

        if (!hidden && known && known->kind == CEDAR_RECORD && is_hidden(k, path, n, true)) {
                *ret = fill_record(k, known, attr ? attr->type : NULL, path, n);
                return true;
        }
        if (!hidden && !is_hidden(k, path, n, true)) {
                if (known)
                        *ret = *known;
                return known;
        }
        if (t && !attr)
                return false;
        if ((!attr || !attr->required) && below(k, 3) == 0)
                return false;
        *ret = make_value(k, attr ? attr->type : NULL, 2);
        return true;
}

static struct cedar_value fill_record(struct case_of *k, const struct cedar_value *known,
                                      const struct cedar_type *t, struct span path[2], uint32_t n)
{
        struct cedar_field *fields = room(k, ARRAY_LEN(keys) * sizeof *fields);
        struct cedar_value v;
        uint32_t kept = 0;

        for (uint32_t i = 0; i < ARRAY_LEN(keys); i++) {
                path[n] = span_str(keys[i]);
                fields[kept].key = path[n];
                kept += fill_field(k, cedar_record_get(known, path[n]), t, path, n + 1,
                                   &fields[kept].value);
        }
        assert_true(cedar_record_of(fields, kept, &v));
        return v;
}

static struct cedar_request fill(struct case_of *k)
{
        struct cedar_request r = k->request;
        struct span path[4];
        bool brought = false;

        for (int i = 0; k->unknown.brings && !brought; i++) {
                if (k->unknown.principal)
                        r.principal = make_stranger(k, i < 100);
                brought = bring(k, &r, i < 100);
        }
        if (k->unknown.principal && !brought)
                make_who(k, &r, &r.principal, SPAN("U"));
        if (k->unknown.resource)
                make_who(k, &r, &r.resource, SPAN("R"));
        r.context = is_hidden(k, NULL, 0, false)
                            ? make_record(k, context_type(k), 2)
                            : fill_record(k, &k->request.context, context_type(k), path, 0);
        return r;
}

/* ---- both asked ---- */

struct tally {
        uint32_t sure, depends, both, allowed, denied, faults, named;
};

static enum cedar_stand stand_alone(struct case_of *k, int i, const struct cedar_request *r)
{
        struct cedar_answer a;

        cedar_decide(k->alone[i], k->store, r, k->bench_of[i], &a);
        return a.n_faults ? STAND_FAULT : a.n_reasons ? STAND_HOLDS : STAND_NOT;
}

static const struct cedar_partial_policy *said_of(const struct case_of *k, int i)
{
        for (uint32_t n = 0; n < k->answer.n_policies; n++)
                if (k->answer.policies[n].policy == &k->policies->policies[i])
                        return &k->answer.policies[n];
        return NULL;
}

static enum cedar_partial decision_of(struct case_of *k, const struct cedar_request *r)
{
        struct cedar_answer a;

        cedar_decide(k->whole, k->store, r, k->bench, &a);
        for (uint32_t i = 0; k->forbid_faults && i < a.n_faults; i++)
                if (a.faults[i].policy->effect == CEDAR_FORBID)
                        return PARTIAL_DENY;
        return a.decision == CEDAR_PERMIT ? PARTIAL_ALLOW : PARTIAL_DENY;
}

/* What one request has at the places that a policy is said to hang on. */
struct seen {
        int rc[ON_MAX];
        struct cedar_value value[ON_MAX];
        struct {
                enum cedar_fault fault;
                uint32_t depth; /* of what erred: which name of the place */
        } fault[ON_MAX];
        bool whole; /* who it is and all that it brings counts */
        enum cedar_stand stand;
};

static void see(struct case_of *k, const struct cedar_partial_policy *p,
                const struct cedar_expr *const *on, const struct cedar_request *r, struct seen *ret)
{
        ret->whole = false;
        for (uint32_t i = 0; i < p->n_on; i++) {
                struct cedar_fault_at fault = { 0 };

                ret->value[i] = cedar_bool(false);
                ret->rc[i] = cedar_evaluate(on[i], k->store, r, &k->arena, &ret->value[i], &fault);
                ret->fault[i].fault = fault.fault;
                ret->fault[i].depth = fault.expr ? fault.expr->depth : 0;
                if (span_eq_str(p->on[i], "principal") || span_eq_str(p->on[i], "resource"))
                        ret->whole = ret->whole || r->n_extra;
        }
}

static bool seen_same(const struct seen *a, const struct seen *b, uint32_t n)
{
        if (a->whole || b->whole)
                return false;
        for (uint32_t i = 0; i < n; i++)
                if (a->rc[i] != b->rc[i] || a->fault[i].fault != b->fault[i].fault ||
                    a->fault[i].depth != b->fault[i].depth ||
                    !cedar_value_eq(&a->value[i], &b->value[i]))
                        return false;
        return true;
}

#define SHOWN(s) (int)(s).n, (const char *)(s).p

static struct span source_of(const struct cedar_policy *p, const struct case_of *k)
{
        return span_of(k->policies->source.p + p->pos.at, p->end.at - p->pos.at);
}

static const struct cedar_expr *const *read_on(struct case_of *k,
                                               const struct cedar_partial_policy *p,
                                               struct cedar_policies **ret)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
        const struct cedar_expr **on = room(k, (p->n_on + 1) * sizeof(struct cedar_expr *));

        if (p->n_on == 0 || p->n_on > ON_MAX)
                fail_msg("%.*s hangs on %u places", SHOWN(source_of(p->policy, k)), p->n_on);
        for (uint32_t i = 0; i < p->n_on; i++) {
                buf_put_str(&text, "permit(principal,action,resource) when {");
                buf_put(&text, p->on[i]);
                buf_put_str(&text, "};");
                assert_true(i == 0 || span_cmp(p->on[i - 1], p->on[i]) < 0);
        }
        assert_int_equal(cedar_parse(buf_span(&text), ret, NULL), 0);
        for (uint32_t i = 0; i < p->n_on; i++)
                on[i] = (*ret)->policies[i].conditions[0].expr;
        return on;
}

/* All requests see the policy i as it was said. */
static void check_policy(struct case_of *k, int i, const struct cedar_request *fills,
                         struct tally *t, uint64_t seed)
{
        const struct cedar_partial_policy *p = said_of(k, i);
        const enum cedar_stand want = p ? p->stand : STAND_NOT;
        CLEANUP(cedar_policies_freep) struct cedar_policies *parsed = NULL;
        const struct cedar_expr *const *on = want == STAND_DEPENDS ? read_on(k, p, &parsed) : NULL;
        struct seen *seen = room(k, FILLS * sizeof *seen);

        for (int n = 0; n < FILLS; n++) {
                enum cedar_stand got = stand_alone(k, i, &fills[n]);

                t->faults += got == STAND_FAULT;
                if (want != STAND_DEPENDS && got != want)
                        fail_msg("case %llu: %.*s is said to be %d and is %d",
                                 (unsigned long long)seed,
                                 SHOWN(source_of(&k->policies->policies[i], k)), want, got);
                if (want != STAND_DEPENDS)
                        continue;
                see(k, p, on, &fills[n], &seen[n]);
                seen[n].stand = got;
                for (int m = 0; m < n; m++) {
                        if (!seen_same(&seen[n], &seen[m], p->n_on))
                                continue;
                        t->named++;
                        if (seen[m].stand != got)
                                fail_msg("case %llu: %.*s hangs on more than %.*s ...",
                                         (unsigned long long)seed, SHOWN(source_of(p->policy, k)),
                                         SHOWN(p->on[0]));
                }
        }
}

static void check_decision(struct case_of *k, const struct cedar_request *fills, struct tally *t,
                           uint64_t seed)
{
        uint32_t allowed = 0;

        for (int n = 0; n < FILLS; n++) {
                enum cedar_partial got = decision_of(k, &fills[n]);

                allowed += got == PARTIAL_ALLOW;
                if (k->answer.decision != PARTIAL_DEPENDS && got != k->answer.decision)
                        fail_msg("case %llu: said %d, came to %d", (unsigned long long)seed,
                                 k->answer.decision, got);
        }
        t->sure += k->answer.decision != PARTIAL_DEPENDS;
        t->depends += k->answer.decision == PARTIAL_DEPENDS;
        t->both += k->answer.decision == PARTIAL_DEPENDS && allowed && allowed < FILLS;
        t->allowed += k->answer.decision == PARTIAL_ALLOW;
        t->denied += k->answer.decision == PARTIAL_DENY;
}

static void case_done(struct case_of *k)
{
        for (int i = 0; i < POLICIES; i++) {
                cedar_bench_free(k->bench_of[i]);
                cedar_program_free(k->alone[i]);
        }
        cedar_bench_free(k->bench);
        cedar_program_free(k->whole);
        cedar_policies_free(k->policies);
        cedar_entities_free(k->store);
        arena_done(&k->arena);
}

enum hides { NOTHING, PLACES, BROUGHT };

static void check_case(const struct cedar_schema *schema, enum hides hidden, uint64_t seed,
                       struct tally *t)
{
        CLEANUP(case_done)
        struct case_of k = { .c = chance_of(seed),
                             .arena = ARENA_INIT(ARENA_MAX),
                             .schema = schema };
        struct cedar_request fills[FILLS];

        make_policies(&k);
        make_store(&k);
        k.request.action = cedar_uid(SPAN("Action"), SPAN("x"));
        make_who(&k, &k.request, &k.request.principal, SPAN("U"));
        make_who(&k, &k.request, &k.request.resource, SPAN("R"));
        k.request.context = make_record(&k, context_type(&k), 2);
        k.forbid_faults = below(&k, 2);
        if (hidden)
                hide(&k);
        if (k.unknown.principal || k.unknown.resource)
                k.request.n_extra = 0; /* each request brings its own */
        if (hidden == BROUGHT) {
                make_given(&k, below(&k, 2));
                if (!bring(&k, &k.request, false))
                        return;
        }
        for (int n = 0; n < FILLS; n++)
                fills[n] = hidden ? fill(&k) : k.request;
        assert_int_equal(cedar_decide_partial(k.policies, k.store, &k.request, &k.unknown,
                                              k.forbid_faults, &k.arena, &k.answer),
                         0);
        for (int i = 0; i < POLICIES; i++)
                check_policy(&k, i, fills, t, seed);
        check_decision(&k, fills, t, seed);
}

static void tell(const char *what, const struct tally *t)
{
        print_message("%s: %u allowed, %u denied, %u depend (%u seen to come to both),"
                      " %u faults, %u pairs of requests alike in what is named\n",
                      what, t->allowed, t->denied, t->depends, t->both, t->faults, t->named);
}

static void nothing_hidden(void **state)
{
        struct tally t = { 0 };

        (void)state;
        for (uint64_t seed = 1; seed <= CASES; seed++)
                check_case(NULL, NOTHING, seed, &t);
        tell("nothing hidden", &t);
        assert_int_equal(t.depends, 0);
        assert_true(t.allowed > CASES / 20 && t.denied > CASES / 4 && t.faults > CASES);
}

static void hidden_places(void **state)
{
        struct tally t = { 0 };

        (void)state;
        for (uint64_t seed = 1; seed <= CASES; seed++)
                check_case(NULL, PLACES, seed, &t);
        tell("hidden", &t);
        assert_true(t.allowed > CASES / 40 && t.denied > CASES / 8 && t.depends > CASES / 20);
        assert_true(t.both > t.depends / 8 && t.named > CASES);
}

static void hidden_places_of_a_schema(void **state)
{
        CLEANUP(cedar_schema_freep) struct cedar_schema *schema = NULL;
        struct tally t = { 0 };

        (void)state;
        assert_int_equal(cedar_schema_parse(SPAN(schema_text), &schema, NULL), 0);
        for (uint64_t seed = 1; seed <= CASES; seed++)
                check_case(schema, PLACES, seed, &t);
        tell("hidden, of a schema", &t);
        assert_true(t.allowed > CASES / 40 && t.denied > CASES / 8 && t.depends > CASES / 20);
        assert_true(t.both > t.depends / 8 && t.named > CASES);
}

static void known_to_bring(void **state)
{
        CLEANUP(cedar_schema_freep) struct cedar_schema *schema = NULL;
        struct tally t = { 0 };

        (void)state;
        assert_int_equal(cedar_schema_parse(SPAN(schema_text), &schema, NULL), 0);
        for (uint64_t seed = 1; seed <= CASES; seed++) {
                check_case(NULL, BROUGHT, seed, &t);
                check_case(schema, BROUGHT, seed, &t);
        }
        tell("of whom it is known what they bring", &t);
        assert_true(t.allowed > CASES / 20 && t.denied > CASES / 4 && t.depends > CASES / 10);
        assert_true(t.both > t.depends / 8 && t.named > CASES);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_hidden),
                cmocka_unit_test(hidden_places),
                cmocka_unit_test(hidden_places_of_a_schema),
                cmocka_unit_test(known_to_bring),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
