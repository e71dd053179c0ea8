/* SPDX-License-Identifier: Apache-2.0 */
/* Values of YAML 1.2's core schema and of JSON, as one line of text with their places. */
#include "job/yaml.h"
#include "job/yaml_source.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"

/* null, true, number 1, 'string', [..], {key: ..}; with `marks` each has "@line:column" behind it.
 */
static void show(struct buf *b, const struct source_node *n, bool marks)
{
        const struct source_node *c;

        switch (n->kind) {
        case SOURCE_NULL:
                buf_put_str(b, "null");
                break;
        case SOURCE_BOOL:
                buf_put_str(b, n->boolean ? "true" : "false");
                break;
        case SOURCE_NUMBER:
                buf_put(b, n->text);
                break;
        case SOURCE_ODD_NUMBER:
                buf_printf(b, "odd %.*s", (int)n->text.n, (const char *)n->text.p);
                break;
        case SOURCE_STRING:
                buf_printf(b, "'%.*s'", (int)n->text.n, (const char *)n->text.p);
                break;
        case SOURCE_LIST:
        case SOURCE_MAP:
                buf_put_str(b, n->kind == SOURCE_LIST ? "[" : "{");
                for (c = n->child; c; c = c->next) {
                        if (n->kind == SOURCE_MAP)
                                buf_printf(b, "%.*s", (int)c->key.n, (const char *)c->key.p);
                        if (n->kind == SOURCE_MAP && marks)
                                buf_printf(b, "@%u:%u", c->key_mark.line, c->key_mark.column);
                        buf_put_str(b, n->kind == SOURCE_MAP ? ":" : "");
                        show(b, c, marks);
                        buf_put_str(b, c->next ? "," : "");
                }
                buf_put_str(b, n->kind == SOURCE_LIST ? "]" : "}");
        }
        if (marks)
                buf_printf(b, "@%u:%u", n->mark.line, n->mark.column);
}

/* The value, then each fault as " | E3:5 text". */
static int told(struct span text, bool marks, struct buf *b)
{
        struct arena arena = ARENA_INIT(64 << 20);
        const struct source_node *root = NULL;
        struct err err = { 0 };
        struct lint l;
        int rc;

        buf_clear(b);
        lint_init(&l);
        l.file = SPAN("x.yaml");
        rc = yaml_source(NULL, text, &arena, &l, &root, &err);
        assert_int_equal(rc, err.code);
        if (root)
                show(b, root, marks);
        else
                buf_put_str(b, "-");
        lint_sort(&l);
        for (uint32_t i = 0; i < l.n; i++)
                buf_printf(b, " | %c%u:%u %.*s", l.at[i].level == LINT_ERROR ? 'E' : 'W',
                           l.at[i].mark.line, l.at[i].mark.column, (int)l.at[i].text.n,
                           (const char *)l.at[i].text.p);
        lint_done(&l);
        arena_done(&arena);
        return rc;
}

struct value_case {
        struct span text;
        int rc;
        const char *want; /* how it begins, to "..." */
};

static void check(const struct value_case *t, size_t n, bool marks)
{
        struct buf b = BUF_INIT(1 << 20);

        for (size_t i = 0; i < n; i++) {
                const char *dots = strstr(t[i].want, "...");
                int rc = told(t[i].text, marks, &b);
                const char *is = buf_cstr(&b);

                if (rc != t[i].rc || (dots ? strncmp(is, t[i].want, (size_t)(dots - t[i].want))
                                           : strcmp(is, t[i].want)) != 0)
                        fail_msg("%.*s\nis %d %s\nwants %d %s", (int)t[i].text.n,
                                 (const char *)t[i].text.p, rc, is, t[i].rc, t[i].want);
        }
        buf_done(&b);
}

#define OK(text, want)                                                                             \
        {                                                                                          \
                SPAN_INIT(text), 0, want                                                           \
        }

static const struct value_case values[] = {
        OK("", "-"),
        OK("# nothing\n", "-"),
        OK("[null, Null, NULL, ~, nUll]", "[null,null,null,null,'nUll']"),
        OK("a:\nb: ''\n", "{a:null,b:''}"),
        OK("[true, True, TRUE, false, False, FALSE, tRue]",
           "[true,true,true,false,false,false,'tRue']"),
        OK("[\"true\", 'null', \"12\"]", "['true','null','12']"),
        OK("- |\n  12\n- >-\n  true\n", "['12\n','true']"),
        /* numbers */
        OK("[0, 12, -3, +3, 1.5, -0.0, 1e3, 1E+3, 2.5e-07]",
           "[0,12,-3,3,1.5,-0.0,1e3,1E+3,2.5e-07]"),
        OK("[.5, -.5, +.5, 5., 5.e1, 123456789012345678901234567890]",
           "[0.5,-0.5,0.5,5,5e1,123456789012345678901234567890]"),
        OK("[., --, +, e1, 1e, 1e+, 1.2.3, 1_000, 12:30, 2026-01-02, 1.0.0, -., 1x]",
           "['.','--','+','e1','1e','1e+','1.2.3','1_000','12:30','2026-01-02','1.0.0','-.','1x']"),
        OK("[0x, 0o8, -0x1, 0xg, 0X1]", "['0x','0o8','-0x1','0xg','0X1']"),
        /* numbers of YAML, and not of JSON: told once, refused by who uses them */
        OK("x: 0123\n", "{x:odd 0123} | W1:4 0123 is a number that JSON has not, and is not taken "
                        "where one is wanted: write it in decimal without a 0 in front, or in "
                        "quotes when it is a string"),
        OK("[0x1F, 0o17]", "[odd 0x1F,odd 0o17] | W1:2 0x1F is a number that JSON has not, and is "
                           "not taken where one is wanted: write it in decimal without a 0 in "
                           "front, or in quotes when it is a string (and 1 more such)"),
        OK("- 1\n- .inf\n- -.INF\n- .nan\n", "[1,odd .inf,odd -.INF,odd .nan] | W2:3 .inf is..."),
        OK("[00.5, -01, +00, 0899, 01e5]",
           "[odd 00.5,odd -01,odd +00,odd 0899,odd 01e5] | W1:2 00.5 is a number..."),
        OK("0777: 0\n", "{0777:0}"),
        OK("['0123', \"0x1F\", '.nan']", "['0123','0x1F','.nan']"),
        /* what YAML 1.1 had as booleans */
        OK("[yes, NO, on, Off]", "['yes','NO','on','Off']"
                                 " | W1:2 yes is a string and no boolean: write true, or \"yes\" "
                                 "in quotes"
                                 " | W1:7 NO is a string and no boolean: write false, or \"NO\" i"
                                 "n quotes | W1:11 on is... "),
        OK("['yes', \"no\", y, n, yES]", "['yes','no','y','n','yES']"),
        OK("on: 1\nno: 2\n", "{on:1,no:2}"),
        /* keys */
        OK("200: a\n4XX: b\ntrue: c\nnull: d\n~: e\n0x1: f\n1.0: g\n",
           "{200:'a',4XX:'b',true:'c',null:'d',~:'e',0x1:'f',1.0:'g'}"),
        OK("a: 1\nb: {c: 1, c: 2}\na: 3\n'a': 4\n",
           "{a:1,b:{c:1}} | E2:11 key \"c\" is there twice, first in line 2 | E3:1 key \"a\" is "
           "there twice, first in line 1 | E4:1 key \"a\" is there twice, first in line 1"),
        OK("200: a\n\"200\": b\n", "{200:'a'} | E2:1 key \"200\" is there twice, first in line 1"),
        OK("'': 1\n", "{:1}"),
        OK(": 1\n", "{} | E1:1 a value without a key"),
        OK("<<: {a: 1}\nb: 2\n", "{b:2} | E1:1 merge keys (<<) are not taken"),
        OK("'<<': 1\n", "{<<:1}"),
        /* JSON, which is YAML */
        OK("{\n\t\"a\":\t1,\n\t\"b\": [\n\t\ttrue,\t\"x\\ud83d\\ude00\\/\\u00e9\"\n\t]\n}\n",
           "{a:1,b:[true,'x\xf0\x9f\x98\x80/\xc3\xa9']}"),
        OK("{\"a\":1,\"b\":[],\"c\":{},\"d\":null,\"e\":\"http://x/\",\"f\":-1.5e3}",
           "{a:1,b:[],c:{},d:null,e:'http://x/',f:-1.5e3}"),
        OK("\xef\xbb\xbf{\"a\":\"\"}", "{a:''}"),
        /* no YAML, or none that is taken */
        { SPAN_INIT("a: [1\nb: 2\n"), -EINVAL, "- | E..." },
        { SPAN_INIT("\ta: 1\n"), -EINVAL, "- | E1:1..." },
        { SPAN_INIT("a: 1\n---\nb: 1\n"), -EINVAL, "- | E2:1 a second document" },
        { SPAN_INIT("a: &x 1\n"), -EINVAL, "- | E1:4 anchors..." },
        { SPAN_INIT("a: !!int 1\n"), -EINVAL, "- | E1:4 tags..." },
        { SPAN_INIT("a: 1\nb: \xff\n"), -EINVAL, "- | E2:4 not UTF-8" },
        { SPAN_INIT("{\"a\":\"\\ud83d\"}"), -EINVAL, "- | E1:..." },
        { SPAN_INIT("? [a]\n: 1\n"), -EINVAL, "- | E1:3 a key is a text" },
};

static void test_values(void **state)
{
        check(values, ARRAY_LEN(values), false);
        (void)state;
}

static const struct value_case places[] = {
        OK("a: 1\nb:\n  - \"x\"\n  - 'y'\n  - z\n",
           "{a@1:1:1@1:4,b@2:1:['x'@3:5,'y'@4:5,'z'@5:5]@3:3}@1:1"),
        OK("{\"k\": \"v\",\n\t\"\xc3\xa9\": {}}", "{k@1:2:'v'@1:7,\xc3\xa9@2:2:{}@2:7}@1:1"),
};

static void test_places(void **state)
{
        check(places, ARRAY_LEN(places), true);
        (void)state;
}

static void put_times(struct buf *b, const char *text, int n)
{
        for (int i = 0; i < n; i++)
                buf_put_str(b, text);
}

/* At a ceiling and one beyond it. */
static void test_ceilings(void **state)
{
        struct buf text = BUF_INIT(32 << 20), b = BUF_INIT(64 << 20);

        for (int over = 0; over < 2; over++) {
                buf_clear(&text);
                put_times(&text, "[", YAML_SOURCE_DEPTH_MAX + over);
                put_times(&text, "]", YAML_SOURCE_DEPTH_MAX + over);
                assert_int_equal(told(buf_span(&text), false, &b), over ? -EINVAL : 0);
                if (over)
                        assert_string_equal(buf_cstr(&b), "- | E1:193 nested deeper than 192");
        }
        buf_clear(&text);
        put_times(&text, "- 1\n", YAML_SOURCE_NODES_MAX);
        /* the list is one, too */
        assert_int_equal(told(buf_span(&text), false, &b), -EINVAL);
        assert_string_equal(buf_cstr(&b), "- | E4000000:3 more than 4000000 texts, lists and maps");
        buf_done(&text);
        buf_done(&b);
        (void)state;
}

/* What libfyaml allocates is out of reach here. */
static void test_out_of_memory(void **state)
{
        static const struct value_case t =
                OK("a: [1, +2, yes, 07]\nb: {c: 'd'}\nb: 1\n",
                   "{a:[1,2,'yes',odd 07],b:{c:'d'}} | W1:12 yes is... ");
        struct buf b = BUF_INIT(1 << 20);
        int rc = -ENOMEM;

        for (size_t nth = 1; rc; nth++) {
                struct arena arena = ARENA_INIT(1 << 20);
                const struct source_node *root = NULL;
                struct lint l;

                lint_init(&l);
                alloc_fail_nth = nth;
                rc = yaml_source(NULL, t.text, &arena, &l, &root, NULL);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                assert_true((rc == 0) == (root != NULL));
                lint_done(&l);
                arena_done(&arena);
        }
        check(&t, 1, false);
        buf_done(&b);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_places),
                cmocka_unit_test(test_ceilings),
                cmocka_unit_test(test_out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
