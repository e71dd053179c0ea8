/* SPDX-License-Identifier: Apache-2.0 */
#include "mask_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "crypto/sha256.h"

/* Schemas of one class `a` on the member v, of any type; of a list of those. */
#define OF_V  "{\"properties\":{\"v\":{\"x-data-class\":\"a\"}}}"
#define OF_VS "{\"items\":{\"x-data-class\":\"a\"}}"

struct row {
        const char *schema, *says, *value, *want;
};

static void check(const struct row *r)
{
        struct mask_world x;
        struct mask_found found = { 0 };
        struct mask_spec s = {
                .package = &x.p, .ask = mask_world_ask, .ctx = &x, .key = mask_world_key
        };
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
        struct err err = { 0 };
        struct tree v, masked;
        uint32_t n = 0;

        mask_world_init(&x, span_str(r->schema), r->says);
        assert_int_equal(tree_read_real(span_str(r->value), 64, &x.arena, &v, &err), 0);
        if (mask_response(&s, &v, &x.arena, &masked, &n, &found, &err) < 0)
                fail_msg("%s: %s", r->value, err_text(&err));
        tree_print(&masked, &text);
        if (strcmp(buf_cstr(&text), r->want) != 0)
                fail_msg("%s, %s: %s", r->value, r->says, buf_cstr(&text));
        for (uint32_t i = 0; i < x.p.api->n_classes; i++) {
                assert_int_equal(x.asked[i], found.counts[i] > 0);
                assert_int_equal(found.answers[i], found.counts[i] ? x.says[i] : MASK_CLEAR);
        }
        mask_world_done(&x);
}

static void check_all(const struct row *t, size_t n)
{
        for (size_t i = 0; i < n; i++)
                check(&t[i]);
}

/* Hashes: HMAC-SHA-256 and base32 of Python's standard library. */
static void masks_of_strings(void **state)
{
        static const struct row t[] = {
                { OF_V, "a=last4:clear", "{\"v\":\"123-45-6789\"}", "{\"v\":\"123-45-6789\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"123-45-6789\"}", "{\"v\":\"*******6789\"}" },
                { OF_V, "a=first1:masked", "{\"v\":\"123-45-6789\"}", "{\"v\":\"1**********\"}" },
                { OF_V, "a=redact:masked", "{\"v\":\"123-45-6789\"}", "{\"v\":\"***\"}" },
                { OF_V, "a=hash:masked", "{\"v\":\"123-45-6789\"}",
                  "{\"v\":\"k2ykgxtkckekt3kl\"}" },
                { OF_V, "a=date-year:masked", "{\"v\":\"123-45-6789\"}", "{\"v\":\"***\"}" },
                { OF_V, "a=drop:masked", "{\"v\":\"123-45-6789\"}", "{}" },
                { OF_V, "a=last4:withheld", "{\"v\":\"123-45-6789\",\"w\":1}", "{\"w\":1}" },
                { OF_V, "a=date-year:masked", "{\"v\":\"1987-02-28\"}", "{\"v\":\"1987\"}" },
                { OF_V, "a=date-year:masked", "{\"v\":\"1987-02-29\"}", "{\"v\":\"***\"}" },
                { OF_V, "a=date-year:masked", "{\"v\":\"2026-11-26T12:30:45+01:30\"}",
                  "{\"v\":\"2026\"}" },
                /* what would be shown whole is not shown */
                { OF_V, "a=last4:masked", "{\"v\":\"12345\"}", "{\"v\":\"****5\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"1234567890\"}", "{\"v\":\"*******890\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"123456789\"}", "{\"v\":\"******789\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"12345678\"}", "{\"v\":\"******78\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"123456\"}", "{\"v\":\"****56\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"1234\"}", "{\"v\":\"****\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"1\"}", "{\"v\":\"*\"}" },
                { OF_V, "a=first1:masked", "{\"v\":\"1\"}", "{\"v\":\"*\"}" },
                { OF_V, "a=first1:masked", "{\"v\":\"12\"}", "{\"v\":\"1*\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"\"}", "{\"v\":\"\"}" },
                { OF_V, "a=first1:masked", "{\"v\":\"\"}", "{\"v\":\"\"}" },
                { OF_V, "a=redact:masked", "{\"v\":\"\"}", "{\"v\":\"***\"}" },
                { OF_V, "a=hash:masked", "{\"v\":\"\"}", "{\"v\":\"ryenuktvvfrl72ip\"}" },
        };

        check_all(t, ARRAY_LEN(t));
}

/* Of one, two, three and four bytes. */
static void masks_go_by_characters(void **state)
{
        static const struct row t[] = {
                { OF_V, "a=last4:masked", "{\"v\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}",
                  "{\"v\":\"****\xc3\xa9\"}" },
                { OF_V, "a=first1:masked", "{\"v\":\"\xf0\x9f\x98\x80x\xe2\x82\xac\"}",
                  "{\"v\":\"\xf0\x9f\x98\x80**\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\"}",
                  "{\"v\":\"***\"}" },
                { OF_V, "a=hash:masked", "{\"v\":\"\xc3\xa9\"}", "{\"v\":\"xlu2dnqx4w62b7tv\"}" },
                { OF_V, "a=hash:masked", "{\"v\":\"\\u00e9\"}", "{\"v\":\"xlu2dnqx4w62b7tv\"}" },
                { OF_V, "a=last4:masked", "{\"v\":\"a\\u0000b\\\"\\n\\u0000\"}",
                  "{\"v\":\"****\\n\\u0000\"}" },
        };

        check_all(t, ARRAY_LEN(t));
}

static void masks_of_other_kinds(void **state)
{
        static const struct row t[] = {
                { OF_V, "a=last4:masked", "{\"v\":4111111111111111}",
                  "{\"v\":\"************1111\"}" },
                { OF_V, "a=first1:masked", "{\"v\":-12}", "{\"v\":\"-**\"}" },
                { OF_V, "a=last4:masked", "{\"v\":-9223372036854775808}",
                  "{\"v\":\"****************5808\"}" },
                { OF_V, "a=first1:masked", "{\"v\":1.50e1}", "{\"v\":\"1*****\"}" },
                { OF_V, "a=hash:masked", "{\"v\":42}", "{\"v\":\"pyfsbotl2gzfksmy\"}" },
                { OF_V, "a=hash:masked", "{\"v\":1.50}", "{\"v\":\"wlewcrayvp2llu2z\"}" },
                { OF_V, "a=hash:masked", "{\"v\":true}", "{\"v\":\"xhuk6v2i7iydvjfu\"}" },
                { OF_V, "a=last4:masked", "{\"v\":true}", "{\"v\":\"***\"}" },
                { OF_V, "a=first1:masked", "{\"v\":false}", "{\"v\":\"***\"}" },
                { OF_V, "a=date-year:masked", "{\"v\":1987}", "{\"v\":\"***\"}" },
                { OF_V, "a=redact:masked", "{\"v\":0}", "{\"v\":\"***\"}" },
                { OF_V, "a=last4:masked", "{\"v\":null}", "{\"v\":null}" },
                { OF_V, "a=drop:masked", "{\"v\":null}", "{}" },
                { OF_V, "a=hash:withheld", "{\"v\":null}", "{}" },
                { OF_V, "a=last4:masked", "{\"v\":{\"w\":\"123456\"}}", "{\"v\":\"***\"}" },
                { OF_V, "a=hash:masked", "{\"v\":[1,2]}", "{\"v\":\"***\"}" },
                { OF_V, "a=drop:masked", "{\"v\":[1,2]}", "{}" },
                { OF_V, "a=redact:clear", "{\"v\":[1,{\"w\":2}]}", "{\"v\":[1,{\"w\":2}]}" },
        };

        check_all(t, ARRAY_LEN(t));
}

static void what_is_dropped(void **state)
{
        static const struct row t[] = {
                { OF_VS, "a=drop:masked", "[1,\"2\",[3]]", "[null,null,null]" },
                { OF_VS, "a=last4:withheld", "[\"123456\"]", "[null]" },
                { "{\"x-data-class\":\"a\"}", "a=drop:masked", "{\"v\":1}", "null" },
                { "{\"x-data-class\":\"a\"}", "a=last4:masked", "\"123456\"", "\"****56\"" },
                { "{\"items\":{\"required\":[\"v\"],\"properties\":{\"v\":{\"x-data-class\":\"a\"}}}}",
                  "a=drop:masked", "[{\"v\":1},{\"u\":1,\"v\":2,\"w\":3}]",
                  "[{},{\"u\":1,\"w\":3}]" },
        };

        check_all(t, ARRAY_LEN(t));
}

/* x is of a and of b. */
#define BOTH                                                                                       \
        "{\"anyOf\":[{\"properties\":{\"x\":{\"x-data-class\":\"a\"}}},"                           \
        "{\"properties\":{\"x\":{\"x-data-class\":\"b\"}}}]}"

static void of_several_classes_each_counts(void **state)
{
        static const struct row t[] = {
                { BOTH, "a=last4:clear b=last4:clear", "{\"x\":\"123456\"}", "{\"x\":\"123456\"}" },
                { BOTH, "a=first1:clear b=last4:masked", "{\"x\":\"123456\"}",
                  "{\"x\":\"****56\"}" },
                { BOTH, "a=first1:masked b=last4:clear", "{\"x\":\"123456\"}",
                  "{\"x\":\"1*****\"}" },
                { BOTH, "a=last4:masked b=last4:masked", "{\"x\":\"123456\"}",
                  "{\"x\":\"****56\"}" },
                { BOTH, "a=first1:masked b=last4:masked", "{\"x\":\"123456\"}", "{\"x\":\"***\"}" },
                { BOTH, "a=hash:masked b=hash:masked", "{\"x\":\"123456\"}", "{\"x\":\"***\"}" },
                { BOTH, "a=hash:clear b=hash:masked", "{\"x\":\"123-45-6789\"}",
                  "{\"x\":\"uvngmxctqu2v2h5e\"}" },
                { BOTH, "a=first1:masked b=drop:masked", "{\"x\":\"123456\"}", "{}" },
                { BOTH, "a=drop:masked b=first1:masked", "{\"x\":\"123456\"}", "{}" },
                { BOTH, "a=first1:withheld b=last4:clear", "{\"x\":\"123456\"}", "{}" },
                { BOTH, "a=first1:clear b=last4:withheld", "{\"x\":\"123456\"}", "{}" },
                { BOTH, "a=first1:withheld b=last4:masked", "{\"x\":\"123456\"}", "{}" },
        };

        check_all(t, ARRAY_LEN(t));
}

/* An address, whose zip is of a class of its own. */
#define NESTED                                                                                     \
        "{\"properties\":{\"at\":{\"x-data-class\":\"a\",\"properties\":{"                         \
        "\"zip\":{\"x-data-class\":\"b\"}}}}}"
#define HOME "{\"at\":{\"street\":\"Elm 1\",\"zip\":\"12345\"},\"z\":0}"

static void within_what_has_a_class(void **state)
{
        static const struct row t[] = {
                { NESTED, "a=redact:clear b=last4:clear", HOME, HOME },
                { NESTED, "a=redact:clear b=last4:masked", HOME,
                  "{\"at\":{\"street\":\"Elm 1\",\"zip\":\"****5\"},\"z\":0}" },
                { NESTED, "a=redact:clear b=last4:withheld", HOME,
                  "{\"at\":{\"street\":\"Elm 1\"},\"z\":0}" },
        };
        /* of a value that is masked as a whole nothing within is asked about */
        static const struct row masked[] = {
                { NESTED, "a=last4:masked b=last4:clear", HOME, "{\"at\":\"***\",\"z\":0}" },
                { NESTED, "a=last4:withheld b=last4:clear", HOME, "{\"z\":0}" },
        };

        check_all(t, ARRAY_LEN(t));
        check_all(masked, ARRAY_LEN(masked));
}

/* ---- what was found ---- */

static void values_are_counted_and_kept(void **state)
{
        static const struct {
                uint32_t class;
                enum mask_answer answer;
                const char *value;
        } want[] = {
                { 0, MASK_CLEAR, "{\"street\":\"Elm 1\",\"zip\":\"12345\"}" },
                { 1, MASK_WITHHELD, "\"12345\"" },
                { 0, MASK_CLEAR, "null" },
        };
        struct mask_world x;
        struct mask_found found = { 0 };
        struct mask_spec s = { .package = &x.p, .ask = mask_world_ask, .ctx = &x };
        struct tree v, masked;
        uint32_t n;

        mask_world_init(&x, SPAN("{\"items\":" NESTED "}"), "a=redact:clear! b=last4:withheld!");
        assert_int_equal(tree_read(SPAN("[" HOME ",{\"at\":null}]"), &x.arena, &v, NULL), 0);
        assert_int_equal(mask_response(&s, &v, &x.arena, &masked, &n, &found, NULL), 0);
        assert_int_equal(n, 1);
        assert_int_equal(found.counts[0], 2);
        assert_int_equal(found.counts[1], 1);
        assert_int_equal(found.n_values, ARRAY_LEN(want));
        for (size_t i = 0; i < ARRAY_LEN(want); i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 10);

                assert_int_equal(found.values[i].class, want[i].class);
                assert_int_equal(found.values[i].answer, want[i].answer);
                tree_print(found.values[i].value, &text);
                assert_string_equal(buf_cstr(&text), want[i].value);
        }
        /* the same again for a header or a second part: counted on, and not asked again */
        assert_int_equal(mask_response(&s, &v, &x.arena, &masked, &n, &found, NULL), 0);
        assert_int_equal(found.counts[0], 4);
        assert_int_equal(found.n_values, 2 * ARRAY_LEN(want));
        assert_int_equal(x.asked[0], 1);
        mask_world_done(&x);
}

static void a_request_is_only_counted(void **state)
{
        struct mask_world x;
        struct mask_found found = { 0 };
        struct tree v;

        mask_world_init(&x, SPAN(NESTED), "a=drop:withheld b=last4:withheld!");
        assert_int_equal(tree_read(SPAN(HOME), &x.arena, &v, NULL), 0);
        assert_int_equal(mask_request(&x.p, 0, &v, &x.arena, &found, NULL), 0);
        assert_int_equal(found.counts[0], 1);
        assert_int_equal(found.counts[1], 1);
        assert_int_equal(found.n_values, 1);
        assert_int_equal(found.values[0].answer, MASK_CLEAR);
        /* any value is fine where nothing is said of it */
        assert_int_equal(mask_request(&x.p, API_NONE, &v, &x.arena, &found, NULL), 0);
        assert_int_equal(found.counts[0], 1);
        assert_int_equal(x.asked[0] + x.asked[1], 0);
        mask_world_done(&x);
}

static struct tree list_of(struct arena *arena, uint32_t n)
{
        struct tree *items = arena_alloc(arena, n * sizeof *items);

        assert_non_null(items);
        for (uint32_t i = 0; i < n; i++)
                items[i] = (struct tree){ .kind = TREE_NUMBER, .number = i };
        return (struct tree){ .kind = TREE_ARRAY, .n = n, .items = items };
}

static void too_many_values_to_record(void **state)
{
        static const struct {
                const char *says;
                uint32_t n;
                int want;
        } t[] = { { "a=last4:clear!", MASK_VALUES_MAX, 0 },
                  { "a=last4:clear!", MASK_VALUES_MAX + 1, -E2BIG },
                  { "a=last4:clear", MASK_VALUES_MAX + 1, 0 } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct mask_world x;
                struct mask_found found = { 0 };
                struct err err = { 0 };
                struct tree v;

                mask_world_init(&x, SPAN(OF_VS), t[i].says);
                v = list_of(&x.arena, t[i].n);
                assert_int_equal(mask_request(&x.p, 0, &v, &x.arena, &found, &err), t[i].want);
                if (t[i].want < 0)
                        assert_string_equal(err_text(&err), "too many values to record");
                mask_world_done(&x);
        }
}

/* d0 has d1 twice, that has d2 twice ...: 2^14 ways to d14, which is OF_V. */
static void put_doubling(struct buf *out, const char *more)
{
        buf_printf(out, "{\"allOf\":[{\"$ref\":\"#/$defs/d0\"}]%s,\"$defs\":{", more);
        for (unsigned i = 0; i < 14; i++)
                buf_printf(out,
                           "\"d%u\":{\"allOf\":[{\"$ref\":\"#/$defs/d%u\"},"
                           "{\"$ref\":\"#/$defs/d%u\"}]},",
                           i, i + 1, i + 1);
        buf_put_str(out, "\"d14\":" OF_V "}}");
}

static void schemas_that_double_are_met_once(void **state)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
        struct mask_found found = { 0 };
        struct mask_world x;
        struct tree v;

        put_doubling(&text, "");
        mask_world_init(&x, buf_span(&text), "a=last4:masked");
        assert_int_equal(tree_read(SPAN("{\"v\":1}"), &x.arena, &v, NULL), 0);
        assert_int_equal(mask_request(&x.p, 0, &v, &x.arena, &found, NULL), 0);
        assert_int_equal(found.counts[0], 1);
        mask_world_done(&x);
}

/* Whether a member is evaluated is asked along every way: a few members may take that long, many
 * are given up. */
static void what_takes_too_long(void **state)
{
        static const struct {
                unsigned members;
                int want;
        } t[] = { { 3, 0 }, { 300, -E2BIG } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf schema = BUF_INIT(1 << 16), value = BUF_INIT(1 << 16);
                struct mask_found found = { 0 };
                struct err err = { 0 };
                struct mask_world x;
                struct tree v;

                put_doubling(&schema, ",\"unevaluatedProperties\":{\"x-data-class\":\"b\"}");
                mask_world_init(&x, buf_span(&schema), "a=last4:clear b=last4:clear");
                buf_put_str(&value, "{\"v\":0");
                for (unsigned j = 1; j < t[i].members; j++)
                        buf_printf(&value, ",\"w%u\":0", j);
                buf_put_byte(&value, '}');
                assert_int_equal(tree_read(buf_span(&value), &x.arena, &v, NULL), 0);
                assert_int_equal(mask_request(&x.p, 0, &v, &x.arena, &found, &err), t[i].want);
                if (t[i].want == 0) {
                        assert_int_equal(found.counts[0], 1);
                        assert_int_equal(found.counts[1], t[i].members - 1);
                } else {
                        assert_string_equal(err_text(&err), "data classes take too long to find");
                }
                mask_world_done(&x);
        }
}

/* ---- memory ---- */

#define PATTERNS                                                                                   \
        "{\"patternProperties\":{\"^v\":{\"x-data-class\":\"a\"}},"                                \
        "\"additionalProperties\":{\"x-data-class\":\"b\"}}"

static void memory_that_runs_out(void **state)
{
        struct mask_world x;
        struct tree v;
        size_t nth;

        mask_world_init(&x, SPAN(PATTERNS), "a=hash:masked! b=last4:masked!");
        assert_int_equal(
                tree_read(SPAN("{\"v\":\"123-45-6789\",\"w\":\"123456\"}"), &x.arena, &v, NULL), 0);
        for (nth = 1;; nth++) {
                struct mask_spec s = {
                        .package = &x.p, .ask = mask_world_ask, .ctx = &x, .key = mask_world_key
                };
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
                struct api_classes *fresh = NULL;
                struct mask_found found = { 0 };
                struct err err = { 0 };
                struct tree masked;
                uint32_t n;
                int rc;

                alloc_fail_nth = nth;
                rc = api_classes_new(x.p.api, x.p.checker, &fresh, &err);
                x.p.classes = fresh;
                if (rc == 0)
                        rc = mask_response(&s, &v, &arena, &masked, &n, &found, &err);
                alloc_fail_nth = 0;
                api_classes_free(fresh);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_string_equal(err_text(&err), "no memory for data classes");
        }
        assert_true(nth > 8);
        mask_world_done(&x);
}

static void an_arena_that_is_full(void **state)
{
        struct mask_world x;
        struct tree v;
        size_t max;

        mask_world_init(&x, SPAN("{\"items\":" PATTERNS "}"), "a=hash:masked! b=drop:masked!");
        assert_int_equal(
                tree_read(SPAN("[{\"v\":\"123-45-6789\",\"w\":1},{\"v\":2}]"), &x.arena, &v, NULL),
                0);
        for (max = 0;; max += 16) {
                struct mask_spec s = {
                        .package = &x.p, .ask = mask_world_ask, .ctx = &x, .key = mask_world_key
                };
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(max);
                struct mask_found found = { 0 };
                struct tree masked;
                uint32_t n;
                int rc = mask_response(&s, &v, &arena, &masked, &n, &found, NULL);

                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
        assert_true(max > 100);
        mask_world_done(&x);
}

/* The package has a class that its schema does not: that is refused, not passed over. */
static void a_class_that_there_is_not(void **state)
{
        struct api_classes *c = NULL;
        struct err err = { 0 };
        struct mask_world x;

        mask_world_init(&x, SPAN(OF_V), "a=last4:clear");
        x.w.api.n_classes = 0;
        assert_int_equal(api_classes_new(&x.w.api, x.p.checker, &c, &err), -EINVAL);
        assert_string_equal(err_text(&err), "schema 1: a class that there is not");
        mask_world_done(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(masks_of_strings),
                cmocka_unit_test(masks_go_by_characters),
                cmocka_unit_test(masks_of_other_kinds),
                cmocka_unit_test(what_is_dropped),
                cmocka_unit_test(of_several_classes_each_counts),
                cmocka_unit_test(within_what_has_a_class),
                cmocka_unit_test(values_are_counted_and_kept),
                cmocka_unit_test(a_request_is_only_counted),
                cmocka_unit_test(too_many_values_to_record),
                cmocka_unit_test(schemas_that_double_are_met_once),
                cmocka_unit_test(what_takes_too_long),
                cmocka_unit_test(memory_that_runs_out),
                cmocka_unit_test(an_arena_that_is_full),
                cmocka_unit_test(a_class_that_there_is_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
