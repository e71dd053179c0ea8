/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/mountlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"

#define FACT(id, root, point, type, options)                                                       \
        "{\"dev\":\"8:1\",\"id\":" id ",\"options\":\"" options "\",\"parent\":1," point           \
        ",\"root\":\"" root "\",\"source\":\"/dev/sda\",\"super\":\"rw\",\"type\":\"" type "\"}"
#define AT(point) "\"point\":\"" point "\""

static void fill(struct mountlist *l, const char *const *facts)
{
        mountlist_clear(l);
        for (; *facts; facts++)
                assert_int_equal(mountlist_add(l, span_str(*facts)), 0);
}

/* "-/a " for each that is gone, "+/b " for each that is new. */
static int note(void *ctx, const struct mount_texts *m, bool gone)
{
        struct buf *said = ctx;

        assert_true(m->id.n && span_eq_str(m->dev, "8:1") && m->root.n && m->type.n);
        assert_true(span_eq_str(m->source, "/dev/sda") && span_eq_str(m->super, "rw"));
        buf_put_str(said, gone ? "-" : "+");
        buf_put(said, m->point);
        buf_put_str(said, " ");
        return 0;
}

#define ROOT      FACT("20", "/", AT("/"), "ext4", "rw")
#define HOME      FACT("31", "/", AT("/home"), "ext4", "rw")
#define OVER_HOME FACT("32", "/", AT("/home"), "tmpfs", "rw")

static void test_compare(void **state)
{
        static const struct {
                const char *name, *was[5], *is[5], *want;
        } cases[] = {
                { "nothing", { NULL }, { NULL }, "" },
                { "the same", { ROOT, HOME, NULL }, { ROOT, HOME, NULL }, "" },
                { "in another order", { ROOT, HOME, NULL }, { HOME, ROOT, NULL }, "" },
                { "new", { ROOT, NULL }, { ROOT, HOME, NULL }, "+/home " },
                { "gone", { ROOT, HOME, NULL }, { ROOT, NULL }, "-/home " },
                { "all gone, in order", { ROOT, HOME, NULL }, { NULL }, "-/ -/home " },
                { "all new, in order", { NULL }, { HOME, ROOT, NULL }, "+/home +/ " },
                { "options",
                  { HOME, NULL },
                  { FACT("31", "/", AT("/home"), "ext4", "ro"), NULL },
                  "" },
                { "moved",
                  { HOME, NULL },
                  { FACT("31", "/", AT("/srv"), "ext4", "rw"), NULL },
                  "-/home +/srv " },
                { "over it",
                  { HOME, NULL },
                  { HOME, FACT("32", "/", AT("/home"), "ext4", "rw"), NULL },
                  "+/home " },
                { "its number used again",
                  { HOME, NULL },
                  { FACT("31", "/", AT("/home"), "tmpfs", "rw"), NULL },
                  "-/home +/home " },
                { "another part of it",
                  { HOME, NULL },
                  { FACT("31", "/sub", AT("/home"), "ext4", "rw"), NULL },
                  "-/home +/home " },
                { "a number is no beginning of one",
                  { FACT("3", "/", AT("/a"), "ext4", "rw"), NULL },
                  { FACT("31", "/", AT("/a"), "ext4", "rw"), NULL },
                  "-/a +/a " },
                { "a point is no beginning of one",
                  { FACT("3", "/", AT("/a"), "ext4", "rw"), NULL },
                  { FACT("3", "/", AT("/ab"), "ext4", "rw"), NULL },
                  "-/a +/ab " },
                { "no UTF-8",
                  { NULL },
                  { FACT("3", "/", "\"point_b64\":\"L2H/\"", "ext4", "rw"), NULL },
                  "+/a\xff " },
        };
        struct mountlist was = MOUNTLIST_INIT, is = MOUNTLIST_INIT;
        struct buf said = BUF_INIT(1024);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                fill(&was, cases[i].was);
                fill(&is, cases[i].is);
                buf_clear(&said);
                assert_int_equal(mountlist_compare(&was, &is, note, &said), 0);
                if (!span_eq_str(buf_span(&said), cases[i].want))
                        fail_msg("%s: %s", cases[i].name, buf_cstr(&said));
        }
        mountlist_done(&was);
        mountlist_done(&is);
        buf_done(&said);
        (void)state;
}

/* What is told when the filesystem at this path was another one in between. */
static void test_forget(void **state)
{
        static const struct {
                const char *name, *was[5], *is[5], *path, *want;
        } cases[] = {
                { "nothing", { NULL }, { NULL }, "/a", "" },
                { "nearest", { ROOT, HOME, NULL }, { ROOT, HOME, NULL }, "/home/x", "+/home " },
                { "itself", { HOME, ROOT, NULL }, { HOME, ROOT, NULL }, "/home", "+/home " },
                { "the root", { ROOT, HOME, NULL }, { ROOT, HOME, NULL }, "/homes", "+/ " },
                { "a point is no beginning of one",
                  { ROOT, HOME, NULL },
                  { ROOT, HOME, NULL },
                  "/hom",
                  "+/ " },
                { "none that it is below", { HOME, NULL }, { HOME, NULL }, "/srv", "" },
                { "gone", { ROOT, HOME, NULL }, { ROOT, NULL }, "/home/x", "-/home " },
                { "all on one another",
                  { ROOT, HOME, OVER_HOME, NULL },
                  { ROOT, HOME, OVER_HOME, NULL },
                  "/home/x",
                  "+/home +/home " },
                { "the upper one is gone",
                  { ROOT, HOME, OVER_HOME, NULL },
                  { ROOT, HOME, NULL },
                  "/home/x",
                  "-/home +/home " },
        };
        struct mountlist was = MOUNTLIST_INIT, is = MOUNTLIST_INIT;
        struct buf said = BUF_INIT(1024);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                fill(&was, cases[i].was);
                fill(&is, cases[i].is);
                buf_clear(&said);
                assert_int_equal(mountlist_forget(&was, &is, span_str(cases[i].path)), 0);
                assert_int_equal(mountlist_compare(&was, &is, note, &said), 0);
                if (!span_eq_str(buf_span(&said), cases[i].want))
                        fail_msg("%s: %s", cases[i].name, buf_cstr(&said));
        }
        mountlist_done(&was);
        mountlist_done(&is);
        buf_done(&said);
        (void)state;
}

static void test_no_mount(void **state)
{
        static const char *const facts[] = {
                "{}",
                "{\"line\":3,\"why\":\"too few fields\"}",
                "{\"dev\":\"8:1\",\"id\":3,\"options\":\"rw\",\"root\":\"/\",\"source\":\"x\","
                "\"super\":\"rw\",\"type\":\"t\"}",                     /* nowhere */
                FACT("3", "/", "\"point_b64\":\"L2H\"", "ext4", "rw"),  /* no base64 */
                FACT("3", "/", "\"point_b64\":\"L2EA\"", "ext4", "rw"), /* a NUL */
                FACT("3", "/", AT("/a\\u0000b"), "ext4", "rw"),
        };
        struct mountlist l = MOUNTLIST_INIT;

        for (size_t i = 0; i < ARRAY_LEN(facts); i++)
                if (mountlist_add(&l, span_str(facts[i])) != -EBADMSG || l.n || l.bytes.n)
                        fail_msg("%s", facts[i]);
        mountlist_done(&l);
        (void)state;
}

/* One that does not have them all is not compared: it would tell of what is there as gone. */
static void test_full(void **state)
{
        struct mountlist was = MOUNTLIST_INIT, is = MOUNTLIST_INIT;
        struct buf said = BUF_INIT(1024);

        was.bytes.max = 40;
        assert_int_equal(mountlist_add(&was, SPAN(HOME)), 0);
        assert_int_equal(mountlist_add(&was, SPAN(ROOT)), -E2BIG);
        assert_int_equal(mountlist_add(&is, SPAN(HOME)), 0);
        assert_int_equal(mountlist_compare(&was, &is, note, &said), -E2BIG);
        assert_int_equal(mountlist_compare(&is, &was, note, &said), -E2BIG);
        assert_int_equal(said.n, 0);
        mountlist_clear(&was);
        assert_int_equal(mountlist_compare(&was, &is, note, &said), 0);
        assert_true(span_eq_str(buf_span(&said), "+/home "));
        mountlist_done(&was);
        mountlist_done(&is);
        buf_done(&said);
        (void)state;
}

static int make_both(struct mountlist *was, struct mountlist *is, struct buf *said)
{
        int rc = mountlist_add(was, SPAN(ROOT));

        if (rc == 0)
                rc = mountlist_add(is,
                                   SPAN(FACT("3", "/", "\"point_b64\":\"L2H/\"", "ext4", "rw")));
        return rc == 0 ? mountlist_compare(was, is, note, said) : rc;
}

static void test_no_memory(void **state)
{
        size_t nth = 1;

        for (;; nth++) {
                struct mountlist was = MOUNTLIST_INIT, is = MOUNTLIST_INIT;
                struct buf said = BUF_INIT(1024);
                int rc;

                assert_non_null(buf_extend(&said, 64));
                buf_clear(&said);
                alloc_fail_nth = nth;
                rc = make_both(&was, &is, &said);
                alloc_fail_nth = 0;
                mountlist_done(&was);
                mountlist_done(&is);
                if (rc == 0)
                        assert_true(span_eq_str(buf_span(&said), "-/ +/a\xff "));
                buf_done(&said);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
        assert_true(nth > 6); /* two buffers of each fact, the lists', and two tables at least */
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_compare),   cmocka_unit_test(test_forget),
                cmocka_unit_test(test_no_mount),  cmocka_unit_test(test_full),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
