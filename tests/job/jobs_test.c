/* SPDX-License-Identifier: Apache-2.0 */
#include "job/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

/* Allocation number fail_at fails, once; -1: none. */
static int fail_at = -1;

void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_calloc(size_t n, size_t m);
void *__wrap_malloc(size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_calloc(size_t n, size_t m);

static bool fails(void)
{
        return fail_at >= 0 && fail_at-- == 0;
}

void *__wrap_malloc(size_t n)
{
        return fails() ? NULL : __real_malloc(n);
}

void *__wrap_realloc(void *p, size_t n)
{
        return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_calloc(size_t n, size_t m)
{
        return fails() ? NULL : __real_calloc(n, m);
}

static int collect(void *ctx, struct span json)
{
        struct buf *b = ctx;

        assert_int_equal(json_check(json, NULL), 0);
        buf_put(b, json);
        buf_put_byte(b, '\n');
        return 0;
}

static const struct {
        const char *name, *job;
        struct span input;
        const char *want;
} cases[] = {
        { "user", "passwd", SPAN_INIT("root:x:0:0:root:/root:/bin/bash\n"),
          "{\"gid\":0,\"home\":\"/root\",\"name\":\"root\",\"shell\":\"/bin/bash\",\"uid\":0}\n" },
        { "no newline at the end", "passwd", SPAN_INIT("a::1:2:::"),
          "{\"gid\":2,\"home\":\"\",\"name\":\"a\",\"shell\":\"\",\"uid\":1}\n" },
        { "password is not told", "passwd", SPAN_INIT("a:$6$secret:1:2:::\n"),
          "{\"gid\":2,\"home\":\"\",\"name\":\"a\",\"shell\":\"\",\"uid\":1}\n" },
        { "comment and blank line", "passwd", SPAN_INIT("# x:y\n\n"), "" },
        { "not UTF-8", "passwd", SPAN_INIT("\xff:x:1:2::/h:/s\n"),
          "{\"gid\":2,\"home\":\"/h\",\"name_b64\":\"/w==\",\"shell\":\"/s\",\"uid\":1}\n" },
        { "few fields, then a good one", "passwd", SPAN_INIT("a:x:1\nb:x:1:1:::\n"),
          "{\"bad_line\":1,\"why\":\"user or group is no number\"}\n"
          "{\"gid\":1,\"home\":\"\",\"name\":\"b\",\"shell\":\"\",\"uid\":1}\n" },
        { "many fields", "passwd", SPAN_INIT("\na:x:1:1:::/s:\n"),
          "{\"gid\":1,\"home\":\"\",\"name\":\"a\",\"shell\":\"/s:\",\"uid\":1}\n" },
        { "as few as an account needs", "passwd", SPAN_INIT(" a::0:0\n"),
          "{\"gid\":0,\"home\":\"\",\"name\":\"a\",\"shell\":\"\",\"uid\":0}\n" },
        { "no name", "passwd", SPAN_INIT(":x:0:0:::\n"), "{\"bad_line\":1,\"why\":\"no name\"}\n" },
        { "old NIS line", "passwd", SPAN_INIT("+::::::\n"),
          "{\"gid\":0,\"home\":\"\",\"name\":\"+\",\"shell\":\"\",\"uid\":0}\n" },
        { "number too large", "passwd", SPAN_INIT("a:x:4294967295:0:::\n"),
          "{\"bad_line\":1,\"why\":\"user or group is no number\"}\n" },
        { "number with a sign", "passwd", SPAN_INIT("a:x:-1:0:::\n"),
          "{\"bad_line\":1,\"why\":\"user or group is no number\"}\n" },
        { "nothing", "passwd", SPAN_INIT(""), "" },
        { "group", "group", SPAN_INIT("adm:x:4:a,b\nx:x:5:\n"),
          "{\"gid\":4,\"members\":[\"a\",\"b\"],\"name\":\"adm\"}\n"
          "{\"gid\":5,\"members\":[],\"name\":\"x\"}\n" },
        { "stray commas", "group", SPAN_INIT("adm:x:4:,a,,\n"),
          "{\"gid\":4,\"members\":[\"a\"],\"name\":\"adm\"}\n" },
        { "members not UTF-8", "group", SPAN_INIT("adm:x:4:\xff\n"),
          "{\"bad_line\":1,\"why\":\"members are no UTF-8\"}\n" },
        { "mount", "mountinfo",
          SPAN_INIT("36 35 98:0 /sub /mnt rw,noatime master:1 - ext3 /dev/root rw\n"),
          "{\"dev\":\"98:0\",\"id\":36,\"options\":\"rw,noatime\",\"parent\":35,\"point\":\"/mnt\","
          "\"root\":\"/sub\",\"source\":\"/dev/root\",\"super\":\"rw\",\"type\":\"ext3\"}\n" },
        { "no tags, escapes", "mountinfo",
          SPAN_INIT("1 1 0:5 / /a\\040b\\134\\012 rw - tmpfs none rw\n"),
          "{\"dev\":\"0:5\",\"id\":1,\"options\":\"rw\",\"parent\":1,\"point\":\"/a b\\\\\\n\","
          "\"root\":\"/\",\"source\":\"none\",\"super\":\"rw\",\"type\":\"tmpfs\"}\n" },
        { "point not UTF-8", "mountinfo", SPAN_INIT("1 1 0:5 / /\\377 rw - tmpfs none rw\n"),
          "{\"dev\":\"0:5\",\"id\":1,\"options\":\"rw\",\"parent\":1,\"point_b64\":\"L/8=\","
          "\"root\":\"/\",\"source\":\"none\",\"super\":\"rw\",\"type\":\"tmpfs\"}\n" },
        { "empty source", "mountinfo", SPAN_INIT("1 1 0:5 / /x rw - tmpfs  rw\n"),
          "{\"dev\":\"0:5\",\"id\":1,\"options\":\"rw\",\"parent\":1,\"point\":\"/x\","
          "\"root\":\"/\",\"source\":\"\",\"super\":\"rw\",\"type\":\"tmpfs\"}\n" },
        { "cut escape", "mountinfo", SPAN_INIT("1 1 0:5 / /x\\04 rw - tmpfs none rw\n"),
          "{\"bad_line\":1,\"why\":\"bad escape\"}\n" },
        { "escape of no byte", "mountinfo", SPAN_INIT("1 1 0:5 / /x\\777 rw - tmpfs none rw\n"),
          "{\"bad_line\":1,\"why\":\"bad escape\"}\n" },
        { "no separator", "mountinfo", SPAN_INIT("1 1 0:5 / /x rw shared:1\n"),
          "{\"bad_line\":1,\"why\":\"no separator\"}\n" },
        { "short", "mountinfo", SPAN_INIT("1 1 0:5\n"),
          "{\"bad_line\":1,\"why\":\"too few fields\"}\n" },
        { "short behind the separator", "mountinfo", SPAN_INIT("1 1 0:5 / /x rw - tmpfs\n"),
          "{\"bad_line\":1,\"why\":\"too few fields behind the separator\"}\n" },
        { "long", "mountinfo", SPAN_INIT("1 1 0:5 / /x rw - tmpfs none rw more\n"),
          "{\"bad_line\":1,\"why\":\"too many fields\"}\n" },
        { "device", "mountinfo", SPAN_INIT("1 1 5 / /x rw - tmpfs none rw\n"),
          "{\"bad_line\":1,\"why\":\"device is no pair of numbers\"}\n" },
        { "id", "mountinfo", SPAN_INIT("x 1 0:5 / /x rw - tmpfs none rw\n"),
          "{\"bad_line\":1,\"why\":\"mount is no number\"}\n" },
        { "list", "dpkglist", SPAN_INIT("/.\n/usr\n/usr/a b\n"),
          "{\"list\":0,\"path\":\"/usr\"}\n{\"list\":0,\"path\":\"/usr/a b\"}\n" },
        { "two lists", "dpkglist", SPAN_INIT("/.\n/a\n\n/.\n\n/b"),
          "{\"list\":0,\"path\":\"/a\"}\n{\"list\":2,\"path\":\"/b\"}\n" },
        { "no UTF-8", "dpkglist", SPAN_INIT("/\xff\n"), "{\"list\":0,\"path_b64\":\"L/8=\"}\n" },
        { "relative", "dpkglist", SPAN_INIT("etc/passwd\n/a\n"),
          "{\"bad_line\":1,\"why\":\"no plain absolute path\"}\n{\"list\":0,\"path\":\"/a\"}\n" },
        { "dots", "dpkglist", SPAN_INIT("/a/../etc/passwd\n"),
          "{\"bad_line\":1,\"why\":\"no plain absolute path\"}\n" },
        { "two slashes", "dpkglist", SPAN_INIT("//a\n"),
          "{\"bad_line\":1,\"why\":\"no plain absolute path\"}\n" },
        { "a slash at its end", "dpkglist", SPAN_INIT("/a/\n"),
          "{\"bad_line\":1,\"why\":\"no plain absolute path\"}\n" },
        { "a NUL", "dpkglist", SPAN_INIT("/a\0b\n"),
          "{\"bad_line\":1,\"why\":\"no plain absolute path\"}\n" },
};

static int run(size_t i, struct buf *b)
{
        const struct job *job = job_by_name(cases[i].job);
        struct err err = { 0 };
        struct job_out out;
        int r;

        assert_non_null(job);
        job_out_init(&out, collect, b);
        r = job->run(&out, cases[i].input, &err);
        job_out_done(&out);
        if (r < 0)
                assert_true(err.text[0] != '\0');
        return r;
}

static void test_cases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf b = BUF_INIT(1 << 20);

                print_message("%s: %s\n", cases[i].job, cases[i].name);
                assert_int_equal(run(i, &b), 0);
                assert_string_equal(buf_cstr(&b), cases[i].want);
                buf_done(&b);
        }
}

/* Each allocation failing: the job says so, or did not need it and tells the right thing. */
static void test_memory(void **state)
{
        static uint8_t room[1 << 16];
        int r, failures = 0;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                for (int at = 0;; at++) {
                        /* the test's own buffer must not count */
                        struct buf b = { .p = room, .cap = sizeof room, .max = sizeof room };

                        fail_at = at;
                        r = run(i, &b);
                        if (fail_at >= 0) {
                                fail_at = -1;
                                assert_int_equal(r, 0);
                                break;
                        }
                        if (r == 0)
                                assert_true(span_eq_str(buf_span(&b), cases[i].want));
                        else
                                assert_int_equal(r, -ENOMEM);
                        failures += r < 0;
                }
        assert_true(failures > (int)ARRAY_LEN(cases) / 2);
}

static void test_long(void **state)
{
        struct buf in = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
        struct job_out out;

        buf_put_str(&in, "a:x:1:1:::");
        for (int i = 0; i < 40000; i++)
                buf_put_byte(&in, 'x');
        buf_put_str(&in, "\nb:x:1:1:::\n");
        job_out_init(&out, collect, &b);
        assert_int_equal(job_passwd(&out, buf_span(&in), NULL), 0);
        assert_int_equal(out.count, 2);
        assert_string_equal(buf_cstr(&b),
                            "{\"bad_line\":1,\"why\":\"too long\"}\n"
                            "{\"gid\":1,\"home\":\"\",\"name\":\"b\",\"shell\":\"\",\"uid\":1}\n");
        job_out_done(&out);
        buf_done(&in);
        buf_done(&b);
}

static void test_names(void **state)
{
        assert_non_null(job_by_name("passwd"));
        assert_null(job_by_name("passw"));
        assert_null(job_by_name(""));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
