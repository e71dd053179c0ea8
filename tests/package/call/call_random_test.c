/* SPDX-License-Identifier: Apache-2.0 */
/* Models and calls made by chance: whatever fits its schema becomes a context that the derived
 * schema allows, and says the same. */
#include "package/call/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../model_package.h"
#include "call_chance.h"
#include "package/schema/number.h"

enum { MODELS = 10000, CALLS = 16 };

/* ---- the same ---- */

static bool same(const struct cedar_value *v, const struct tree *t);

static bool same_number(const struct cedar_value *v, const struct tree *t, unsigned decimals)
{
        struct number n = number_of_tree(t);
        int64_t i;

        return number_to_int(&n, decimals, &i) && i == v->number;
}

static bool same_set(const struct cedar_value *v, const struct tree *t)
{
        bool all = true;

        for (uint32_t i = 0; i < t->n; i++) {
                bool found = false;

                for (uint32_t k = 0; k < v->n; k++)
                        found = found || same(&v->items[k], &t->items[i]);
                all = all && found;
        }
        return all && v->n <= t->n;
}

static bool same_record(const struct cedar_value *v, const struct tree *t)
{
        for (uint32_t i = 0; i < v->n; i++) {
                uint32_t k = 0;

                while (k < t->n && !span_eq(t->members[k].key, v->fields[i].key))
                        k++;
                if (k == t->n || !same(&v->fields[i].value, &t->members[k].value))
                        return false;
        }
        return true;
}

/* Times of call_chance.c; Python's datetime says when they are. */
static const struct {
        const char *text;
        int64_t ms;
} times[] = {
        { "2026-11-26T12:30:45.123456+01:30", 1795690845123 },
        { "1969-12-31T23:59:59.9999z", -1 },
        { "2024-02-29t00:00:00-23:59", 1709251140000 },
};

static bool same_time(const struct cedar_value *v, const struct tree *t)
{
        for (size_t i = 0; i < ARRAY_LEN(times); i++)
                if (t->kind == TREE_STRING && span_eq_str(t->text, times[i].text))
                        return v->number == times[i].ms;
        return false;
}

static bool same_address(const struct cedar_value *v, const struct tree *t)
{
        static const uint8_t v4[4] = { 10, 0, 0, 1 },
                             v6[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 };

        if (t->kind != TREE_STRING)
                return false;
        if (span_eq_str(t->text, "10.0.0.1"))
                return !v->ip->v6 && v->ip->prefix == 32 && !memcmp(v->ip->address, v4, sizeof v4);
        return span_eq_str(t->text, "::ffff:10.0.0.1") && v->ip->v6 && v->ip->prefix == 128 &&
               !memcmp(v->ip->address, v6, sizeof v6);
}

static bool same(const struct cedar_value *v, const struct tree *t)
{
        switch (v->kind) {
        case CEDAR_BOOL:
                return t->kind == TREE_BOOL && t->boolean == v->boolean;
        case CEDAR_LONG:
                return same_number(v, t, 0);
        case CEDAR_DECIMAL:
                return same_number(v, t, 4);
        case CEDAR_STRING:
                return t->kind == TREE_STRING && span_eq(t->text, cedar_string_span(v));
        case CEDAR_DATETIME:
                return same_time(v, t);
        case CEDAR_IP:
                return same_address(v, t);
        case CEDAR_ENTITY:
                return t->kind == TREE_STRING && span_eq(t->text, v->uid->id);
        case CEDAR_SET:
                return t->kind == TREE_ARRAY && same_set(v, t);
        case CEDAR_RECORD:
                return t->kind == TREE_OBJECT && same_record(v, t);
        default:
                return false;
        }
}

/* ---- calls ---- */

struct tally {
        uint64_t models, calls, bodies, fields, formats;
};

/* Times and addresses in a value. */
static uint64_t count_formats(const struct cedar_value *v)
{
        uint64_t n = v->kind == CEDAR_DATETIME || v->kind == CEDAR_IP;

        for (uint32_t i = 0; v->kind == CEDAR_RECORD && i < v->n; i++)
                n += count_formats(&v->fields[i].value);
        for (uint32_t i = 0; v->kind == CEDAR_SET && i < v->n; i++)
                n += count_formats(&v->items[i]);
        return n;
}

static uint64_t count_fields(const struct cedar_value *v)
{
        uint64_t n = 1;

        for (uint32_t i = 0; v->kind == CEDAR_RECORD && i < v->n; i++)
                n += count_fields(&v->fields[i].value);
        return n;
}

static void check_context(const struct model_package *x, const struct call *c, struct arena *arena,
                          struct tally *tally)
{
        struct cedar_request q = { .principal = cedar_uid(SPAN("Caller"), SPAN("a")),
                                   .action = cedar_uid(SPAN("Action"), SPAN("op")) };
        const struct cedar_value *body;
        struct cedar_uid object;
        struct err err = { 0 };

        MODEL_OK(call_context(&x->p, c, arena, &q.context, &object, &err), err);
        q.resource = object;
        MODEL_OK(cedar_schema_check_request(x->schema, &q, &err), err);
        assert_true(cedar_value_ordered(&q.context));
        body = cedar_record_get(&q.context, SPAN("body"));
        if (body)
                assert_true(same(body, c->body));
        tally->bodies += body != NULL;
        tally->fields += body ? count_fields(body) : 0;
        tally->formats += body ? count_formats(body) : 0;
        MODEL_OK(call_read_context(&x->p, c, &q.context, &object, arena, &q.context, &err), err);
        q.action = cedar_uid(SPAN("Action"), SPAN("op.read"));
        q.resource = cedar_uid(SPAN("DataClass"), SPAN("c"));
        MODEL_OK(cedar_schema_check_request(x->schema, &q, &err), err);
}

static void check_call(struct chance *c, const struct model_package *x, struct tally *tally)
{
        struct arena arena = ARENA_INIT(16 << 20);
        struct call call;

        chance_call(c, &x->p, &arena, &call);
        if (call_check(&x->p, &call, NULL) == 0) {
                tally->calls++;
                check_context(x, &call, &arena, tally);
        }
        arena_done(&arena);
}

static void what_fits_is_allowed_and_says_the_same(void **state)
{
        struct tally tally = { 0 };
        struct buf model = BUF_INIT(16 << 20);

        for (uint32_t i = 0; i < MODELS; i++) {
                struct chance c = chance_of(i);
                struct model_package x;

                buf_clear(&model);
                chance_model(&c, &model);
                if (!model_package_can(buf_span(&model)))
                        continue;
                tally.models++;
                model_package_init(&x, buf_span(&model), "", "", "[]");
                for (unsigned k = 0; k < CALLS; k++)
                        check_call(&c, &x, &tally);
                model_package_done(&x);
        }
        buf_done(&model);
        /* that it was worth the while */
        print_message("%lu models, %lu calls, %lu bodies, %lu values, %lu of a format\n",
                      (unsigned long)tally.models, (unsigned long)tally.calls,
                      (unsigned long)tally.bodies, (unsigned long)tally.fields,
                      (unsigned long)tally.formats);
        assert_true(tally.models > MODELS / 2 && tally.calls > MODELS);
        assert_true(tally.bodies > MODELS / 2 && tally.fields > 2ul * MODELS);
        assert_true(tally.formats > MODELS / 10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_fits_is_allowed_and_says_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
