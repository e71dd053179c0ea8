/* SPDX-License-Identifier: Apache-2.0 */
#include "command/change/apt_hook.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { TEXT_MAX = 4096 };

static int put(void *ctx, const struct apt_hook_package *p)
{
        struct buf *b = ctx;
        const struct span parts[] = { p->name, p->arch, p->from, p->to, p->path };

        buf_put_str(b, apt_hook_action_name(p->action));
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
                buf_put_byte(b, '|');
                buf_put(b, parts[i]);
        }
        buf_put_byte(b, '\n');
        return 0;
}

#define HEAD "VERSION 3\nAPT::Architecture=amd64\nDir=/\n\n"

static void test_good(void **state)
{
        static const struct {
                const char *name;
                struct span text;
                const char *want;
        } cases[] = {
                { "nothing to do", SPAN_INIT("VERSION 3\n\n"), "" },
                { "install", SPAN_INIT(HEAD "hello - - none < 2.10-3 amd64 none /c/hello.deb\n"),
                  "install|hello|amd64||2.10-3|/c/hello.deb\n" },
                { "upgrade", SPAN_INIT(HEAD "hello 2.10-2 amd64 same < 2.10-3 amd64 same /h.deb\n"),
                  "upgrade|hello|amd64|2.10-2|2.10-3|/h.deb\n" },
                { "downgrade", SPAN_INIT(HEAD "h 2 all none > 1:1~a+b all none /h.deb\n"),
                  "downgrade|h|all|2|1:1~a+b|/h.deb\n" },
                { "reinstall", SPAN_INIT(HEAD "h 2 all none = 2 all foreign /h.deb\n"),
                  "reinstall|h|all|2|2|/h.deb\n" },
                { "remove", SPAN_INIT(HEAD "h 2 arm64 none > - - none **REMOVE**\n"),
                  "remove|h|arm64|2||\n" },
                { "configure", SPAN_INIT(HEAD "h - - none < 2 all none **CONFIGURE**\n"),
                  "configure|h|all||2|\n" },
                { "blanks in the file's name",
                  SPAN_INIT(HEAD "h - - none < 2 all none /a  b.deb\n"),
                  "install|h|all||2|/a  b.deb\n" },
                { "two", SPAN_INIT(HEAD "a - - none < 1 all none /a\nb - - none < 1 all none /b\n"),
                  "install|a|all||1|/a\ninstall|b|all||1|/b\n" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf b = BUF_INIT(TEXT_MAX);
                struct err err = { 0 };

                if (apt_hook_parse(cases[i].text, put, &b, &err) < 0 ||
                    strcmp(buf_cstr(&b), cases[i].want) != 0)
                        fail_msg("%s: %s: \"%s\"", cases[i].name, err.text, buf_cstr(&b));
                buf_done(&b);
        }
        (void)state;
}

static void test_bad(void **state)
{
        static const struct {
                const char *name;
                struct span text;
                const char *want; /* what the error begins with */
        } cases[] = {
                { "empty", SPAN_INIT(""), "line 1:" },
                { "another version", SPAN_INIT("VERSION 2\n\n"), "line 1:" },
                { "no end of the version", SPAN_INIT("VERSION 3"), "line 1:" },
                { "no end of the configuration", SPAN_INIT("VERSION 3\nA=b\n"), "line 3:" },
                { "cut in a line", SPAN_INIT(HEAD "h - - none < 2 all none /a"), "line 5:" },
                { "few fields", SPAN_INIT(HEAD "h - - none < 2 all /a\n"), "line 5:" },
                { "an empty field", SPAN_INIT(HEAD "h  - none < 2 all none /a\n"), "line 5:" },
                { "no direction", SPAN_INIT(HEAD "h 1 all none ? 2 all none /a\n"), "line 5:" },
                { "a long direction", SPAN_INIT(HEAD "h 1 all none <= 2 all none /a\n"),
                  "line 5:" },
                { "a relative file", SPAN_INIT(HEAD "h 1 all none < 2 all none a\n"), "line 5:" },
                { "an error of apt", SPAN_INIT(HEAD "h 1 all none < 2 all none **ERROR**\n"),
                  "line 5:" },
                { "a NUL", SPAN_INIT(HEAD "h 1 all none < 2 all none /a\0b\n"), "line 5:" },
                { "a control in a name",
                  SPAN_INIT(HEAD "a 1 all none < 2 all none /a\nh\t 1 all none < 2 all none /a\n"),
                  "line 6:" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf b = BUF_INIT(TEXT_MAX);
                struct err err = { 0 };
                int rc = apt_hook_parse(cases[i].text, put, &b, &err);

                if (rc != -EBADMSG || strncmp(err.text, cases[i].want, strlen(cases[i].want)) != 0)
                        fail_msg("%s: %d, \"%s\"", cases[i].name, rc, err.text);
                buf_done(&b);
        }
        (void)state;
}

static int count(void *ctx, const struct apt_hook_package *p)
{
        (void)p;
        ++*(size_t *)ctx;
        return 0;
}

static int refuse(void *ctx, const struct apt_hook_package *p)
{
        (void)ctx;
        (void)p;
        return -ENOSPC;
}

static void test_bounds(void **state)
{
        struct buf b = BUF_INIT(1 << 20);
        struct err err = { 0 };
        size_t n = 0;

        buf_put_str(&b, HEAD);
        for (size_t i = 0; i < APT_HOOK_PACKAGES_MAX; i++)
                buf_put_str(&b, "a - - none < 1 all none /a\n");
        assert_int_equal(apt_hook_parse(buf_span(&b), count, &n, &err), 0);
        assert_int_equal(n, APT_HOOK_PACKAGES_MAX);
        buf_put_str(&b, "a - - none < 1 all none /a\n");
        n = 0;
        assert_int_equal(apt_hook_parse(buf_span(&b), count, &n, &err), -E2BIG);
        assert_int_equal(n, APT_HOOK_PACKAGES_MAX);
        assert_int_equal(apt_hook_parse(buf_span(&b), refuse, NULL, &err), -ENOSPC);
        buf_done(&b);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
