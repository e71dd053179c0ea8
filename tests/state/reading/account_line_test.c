/* SPDX-License-Identifier: Apache-2.0 */
/* What is an account is asked of the C library itself. */
#include "state/reading/account_line.h"

#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <shadow.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { RANDOM_LINES = 60000, RANDOM_BYTES = 28 };

static FILE *file_of(const void *line, size_t n)
{
        static char text[256];
        FILE *f;

        assert_true(n + 1 < sizeof text);
        memcpy(text, line, n);
        text[n] = '\n';
        f = fmemopen(text, n + 1, "r");
        assert_non_null(f);
        return f;
}

static bool same(struct span s, const char *text)
{
        return span_eq(s, text ? span_str(text) : SPAN_NONE);
}

/* It takes one without a name as well, whom nobody can ask for. */
static bool agree_user(const void *line, size_t n)
{
        FILE *f = file_of(line, n);
        const struct passwd *pw = fgetpwent(f);
        struct account_user u;
        const char *why = account_user(span_of(line, n), &u);

        fclose(f);
        if (why)
                return !pw || !*pw->pw_name;
        return pw && same(u.name, pw->pw_name) && same(u.password, pw->pw_passwd) &&
               u.uid == pw->pw_uid && u.gid == pw->pw_gid && same(u.comment, pw->pw_gecos) &&
               same(u.home, pw->pw_dir) && same(u.shell, pw->pw_shell);
}

static bool agree_group(const void *line, size_t n)
{
        FILE *f = file_of(line, n);
        const struct group *gr = fgetgrent(f);
        struct account_group g;
        struct span member;
        const char *why = account_group(span_of(line, n), &g);
        size_t i = 0;
        bool good;

        fclose(f);
        if (why)
                return !gr || !*gr->gr_name;
        good = gr && same(g.name, gr->gr_name) && g.gid == gr->gr_gid;
        for (; good && account_member(&g.members, &member); i++)
                good = gr->gr_mem[i] && same(member, gr->gr_mem[i]);
        return good && !gr->gr_mem[i];
}

/* "-1" is none for those who write the file. */
static bool agree_shadow(const void *line, size_t n)
{
        FILE *f = file_of(line, n);
        const struct spwd *sp = fgetspent(f);
        struct account_shadow w;
        const char *why = account_shadow(span_of(line, n), &w);

        fclose(f);
        if (why)
                return !sp || !*sp->sp_namp;
        if (!sp)
                return memmem(line, n, ":-1", 3) != NULL;
        if (!same(w.name, sp->sp_namp) || !same(w.password, sp->sp_pwdp))
                return false;
        if (!sp->sp_pwdp) /* "+": nothing is said of days */
                return true;
        return w.days[DAYS_CHANGED] == sp->sp_lstchg && w.days[DAYS_MIN] == sp->sp_min &&
               w.days[DAYS_MAX_AGE] == sp->sp_max && w.days[DAYS_WARN] == sp->sp_warn &&
               w.days[DAYS_INACTIVE] == sp->sp_inact && w.days[DAYS_EXPIRES] == sp->sp_expire;
}

#define LINE(text)                                                                                 \
        {                                                                                          \
                (text), sizeof(text) - 1                                                           \
        }

static const struct line {
        const char *text;
        size_t n;
} lines[] = {
        LINE("root:x:0:0:root:/root:/bin/bash"),
        /* accounts by no manual */
        LINE("evil::0:0"),
        LINE("evil::0:0:::/bin/sh:more"),
        LINE(" \t\vevil::0:0:::"),
        LINE("evil::0:0\0:no more"),
        LINE("evil:x: 0: +0:::"),
        LINE("evil:x:-0:00:::"),
        LINE("evil:x:-18446744073709551615:0:::"),
        LINE("a:x:4294967295:0::/:"),
        LINE("+"),
        LINE("+::::::"),
        LINE("+a:"),
        LINE("-a"),
        /* none */
        LINE(""),
        LINE("#a:x:0:0:::"),
        LINE(" #a:x:0:0:::"),
        LINE(":x:0:0:::"),
        LINE("\0a:x:0:0:::"),
        LINE("a"),
        LINE("a:x"),
        LINE("a:x:1"),
        LINE("a:x:1:"),
        LINE("a:x::1:::"),
        LINE("a:x: :1:::"),
        LINE("a:x:+:1:::"),
        LINE("a:x:-1:1:::"),
        LINE("a:x:1x:1:::"),
        LINE("a:x:0x1:1:::"),
        LINE("a:x:1 :1:::"),
        LINE("a:x:4294967296:1:::"),
        LINE("a:x:18446744073709551616:1:::"),
        LINE("+a:x"),
        LINE("+a:x:1:"),
        LINE("+a:x: :2"),
        /* groups */
        LINE("sudo:x:27"),
        LINE("sudo:x:27: a,\tb ,,c:d, "),
        LINE("sudo:x:27:,"),
        /* passwords */
        LINE("a::1:2:3"),
        LINE("a::1:2:3:"),
        LINE("a::1:2:3: "),
        LINE("a::1:2:3: 4:5:6"),
        LINE("a::1:2:3:4"),
        LINE("a::1:2:3:4:5:"),
        LINE("a::1:2:3:4:5:6:"),
        LINE("a::1:2:3:4:5:6:7"),
        LINE("a::1:2:3:4:5:6:7:8"),
        LINE("a::1:2:3:4:5:6: "),
        LINE("a::1:2:3:4:5:6:x"),
        LINE("a::::"),
        LINE("a:::::"),
        LINE("a::::::"),
        LINE("a::::::::"),
        LINE("a:*:2147483648:2:3:4:5:6:"),
        LINE("a:*:-1:-1:-1:-1:-1:-1:"),
};

static void check(const void *line, size_t n)
{
        bool user = agree_user(line, n), group = agree_group(line, n),
             shadow = agree_shadow(line, n);

        if (!user || !group || !shadow)
                fail_msg("not as the C library:%s%s%s: %.*s", user ? "" : " passwd",
                         group ? "" : " group", shadow ? "" : " shadow", (int)n,
                         (const char *)line);
}

static void test_lines(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(lines); i++)
                check(lines[i].text, lines[i].n);
}

/* The same ones each time. */
static size_t next_random(uint32_t *seed)
{
        *seed = *seed * 1664525 + 1013904223;
        return *seed >> 8;
}

static void test_random_lines(void **state)
{
        static const char bytes[] = "::::::::::0012349a,x+- \t#";
        char line[RANDOM_BYTES];
        uint32_t seed = 1;

        for (unsigned k = 0; k < RANDOM_LINES; k++) {
                size_t n = 1 + next_random(&seed) % RANDOM_BYTES;

                for (size_t i = 0; i < n; i++)
                        line[i] = bytes[next_random(&seed) % (sizeof bytes - 1)];
                check(line, n);
        }
}

static void test_homes(void **state)
{
        static const char *const homes[][2] = {
                { "/root", "root" },
                { "/home/a//", "home/a" },
                { "//srv//x/", "srv//x" },
                { "opt/b", "opt/b" },
                { "/", "" },
                { "", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(homes); i++)
                assert_true(span_eq_str(account_home(span_str(homes[i][0])), homes[i][1]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_random_lines),
                cmocka_unit_test(test_homes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
