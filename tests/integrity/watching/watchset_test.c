/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/watchset.h"

#include "integrity/trusted/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* "profile: pattern !pattern ..." a line, in the order of profiles. */
static void make(struct watchset *w, const char *text)
{
        char copy[4096], *lines = NULL, *words = NULL;

        snprintf(copy, sizeof copy, "%s", text);
        for (char *l = strtok_r(copy, "\n", &lines); l; l = strtok_r(NULL, "\n", &lines)) {
                struct watch_profile p = { .mode = WATCH_ALERT, .attributes = 1 };
                char *word = strtok_r(l, ": ", &words);
                struct err err = { 0 };
                int rc;

                p.name = span_str(word);
                rc = watchset_add_profile(w, &p, &err);
                while (rc == 0 && (word = strtok_r(NULL, " ", &words)))
                        rc = watchset_add_rule(w, w->n_profiles - 1,
                                               span_str(*word == '!' ? word + 1 : word),
                                               *word == '!', 7, 3, &err);
                if (rc < 0)
                        fail_msg("%s: %s", text, err.text);
        }
}

static const char debian[] =
        "config: /etc !/etc/mtab !/etc/cups/subscriptions.conf* !/etc/**/*.bak\n"
        "auth: /etc/passwd /etc/ssh /etc/pam.d /home/*/.ssh/authorized_keys /root/.ssh\n"
        "cron: /etc/cron.* /var/spool/cron\n"
        "web: /srv/**/config.php /srv/www/static/** !/srv/www/static/tmp";

static void test_profile_of(void **state)
{
        static const struct {
                const char *set, *path, *want; /* "": none */
        } cases[] = {
                { debian, "/etc", "config" },
                { debian, "/etc/hosts", "config" },
                { debian, "/etc/a/b/c", "config" },
                { debian, "/etcetera", "" },
                { debian, "/", "" },
                { debian, "/etc/passwd", "auth" },
                { debian, "/etc/passwd-", "config" },
                { debian, "/etc/passwd/x", "auth" },
                { debian, "/etc/ssh/sshd_config.d/a", "auth" },
                { debian, "/etc/ssh/x.bak", "auth" }, /* left out by config alone */
                { debian, "/etc/x.bak", "" },
                { debian, "/etc/a/b/x.bak", "" },
                { debian, "/etc/a/b/x.bak/inside", "" },
                { debian, "/etc/a/b/x.bak2", "config" },
                { debian, "/etc/mtab", "" },
                { debian, "/etc/cups/subscriptions.conf.O", "" },
                { debian, "/etc/cups/cupsd.conf", "config" },
                { debian, "/etc/cron.d", "cron" },
                { debian, "/etc/cron.daily/x", "cron" },
                { debian, "/etc/crontab", "config" },
                { debian, "/home", "" },
                { debian, "/home/bob", "" },
                { debian, "/home/bob/.ssh", "" },
                { debian, "/home/bob/.ssh/authorized_keys", "auth" },
                { debian, "/home/bob/.ssh/id_rsa", "" },
                { debian, "/home/a/b/.ssh/authorized_keys", "" },
                { debian, "/root/.ssh", "auth" },
                { debian, "/srv/config.php", "web" },
                { debian, "/srv/a/b/c/config.php", "web" },
                { debian, "/srv/a/b/c/config.phps", "" },
                { debian, "/srv/www/static", "" },
                { debian, "/srv/www/static/a/b", "web" },
                { debian, "/srv/www/static/tmp/x", "" },
                { debian, "/srv/www/static/tmp/config.php", "" },
                { "a: /\nb: /x", "/", "a" },
                { "a: /\nb: /x", "/y/z", "a" },
                { "a: /\nb: /x", "/x/y", "b" },
                /* More literal parts, then more parts, then more bytes. */
                { "a: /home/bob\nb: /home/*/.ssh", "/home/bob/.ssh/k", "b" },
                { "a: /home/bob/.ssh\nb: /home/*/.ssh", "/home/bob/.ssh/k", "a" },
                { "a: /etc/ssh\nb: /etc/**/*.conf", "/etc/ssh/x.conf", "a" },
                { "a: /etc/*\nb: /etc/s*", "/etc/ssh", "b" },
                { "a: /etc/s*\nb: /etc/ss*", "/etc/ssh", "b" },
                { "a: /etc/[a-z]*\nb: /etc/ss*", "/etc/ssh", "b" },
                { "a: /*/*/c\nb: /**/c", "/a/b/c", "a" },
                { "a: /**/c\nb: /**/b/c", "/a/b/c", "b" },
                { "a: /**/c\nb: /**/b/c", "/a/x/c", "a" },
                { "a: /a/**/x/**/y", "/a/1/x/2/3/y", "a" },
                { "a: /a/**/x/**/y", "/a/x/y", "a" },
                { "a: /a/**/x/**/y", "/a/x/x/z/y/below", "a" },
                { "a: /a/**/x/**/y", "/a/y/x", "" },
                { "a: /a/*/*/d /a/b/*/e", "/a/b/c/d", "a" },
                { "a: /a/*/*/d /a/b/*/e", "/a/b/c/e", "a" },
                { "a: /a/*/*/d /a/b/*/e", "/a/c/c/e", "" },
                /* What one leaves out another may watch, though it says less. */
                { "a: /etc\nb: /etc/x/y !/etc/x/y/z", "/etc/x/y/z", "a" },
                { "a: /etc !/etc/x\nb: /etc/x/y", "/etc/x/z", "" },
                { "a: /etc !/etc/x\nb: /etc/x/y", "/etc/x/y", "b" },
                { "a: /etc !/etc/x /etc/x/y", "/etc/x/y", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watchset w = { 0 };
                const struct watch_profile *p;

                make(&w, cases[i].set);
                p = watchset_profile(&w, span_str(cases[i].path));
                if (!span_eq_str(p ? p->name : SPAN(""), cases[i].want))
                        fail_msg("%s\n%s is not of \"%s\"", cases[i].set, cases[i].path,
                                 cases[i].want);
                watchset_done(&w);
        }
        (void)state;
}

static void test_leads_and_divides(void **state)
{
        static const struct {
                const char *path;
                bool leads, divides;
        } cases[] = {
                { "/", true, true },
                { "/etc", true, true },
                { "/etc/ssh", false, true }, /* only a .bak may be left out there */
                { "/etc/cups", false, true },
                { "/home", true, true },
                { "/home/x", true, true },
                { "/home/x/.ssh", true, true },
                { "/home/x/.ssh/authorized_keys", false, false },
                { "/home/x/y", false, false },
                { "/root", true, true },
                { "/root/.ssh", false, false },
                { "/usr", false, false },
                { "/srv/any/where", true, true },
                { "/srv/any/config.php", true, true }, /* it may be a directory */
                { "/var/spool", true, true },
                { "/var/spool/cron", false, false },
                { "/var/log", false, false },
        };
        struct watchset w = { 0 };

        make(&w, debian);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                if (watchset_leads(&w, span_str(cases[i].path)) != cases[i].leads ||
                    watchset_divides(&w, span_str(cases[i].path)) != cases[i].divides)
                        fail_msg("%s", cases[i].path);
        watchset_done(&w);
        (void)state;
}

static void test_begins(void **state)
{
        static const struct {
                const char *set, *want; /* bases, in order of the rules */
        } cases[] = {
                { "a: /etc /usr /etc/x", "/etc /usr" },
                { "a: /etc/x /etc", "/etc" },
                { "a: /etc /etcetera", "/etc /etcetera" },
                { "a: /etc !/etc/ssl /usr", "/etc /usr" },
                { "a: /etc\nb: /etc", "/etc" },
                { "a: /home/*/.ssh /home/bob/x /root", "/home /root" },
                { "a: /home/bob/x /home/*/.ssh", "/home" },
                { "a: /home/*/a /home/*/b", "/home" },
                { "a: /*/x /etc", "/" },
                { "a: /**/x", "/" },
                { "a: /", "/" },
                { "a: /srv/**/x /srv/www/y*", "/srv" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watchset w = { 0 };
                struct buf got = BUF_INIT(1000);
                struct span base;

                make(&w, cases[i].set);
                for (size_t k = 0; k < w.n; k++)
                        if (watchset_begins(&w, k, &base)) {
                                buf_put_str(&got, got.n ? " " : "");
                                buf_put(&got, base);
                        }
                assert_string_equal(buf_cstr(&got), cases[i].want);
                buf_done(&got);
                watchset_done(&w);
        }
        (void)state;
}

/* ---- against a slow and simple reader of the same rules ---- */

static bool slow_part(const char *p, const char *p_end, const char *s, const char *s_end)
{
        if (p == p_end)
                return s == s_end;
        if (*p == '*')
                return slow_part(p + 1, p_end, s, s_end) ||
                       (s < s_end && slow_part(p, p_end, s + 1, s_end));
        return s < s_end && (*p == '?' || *p == *s) && slow_part(p + 1, p_end, s + 1, s_end);
}

static bool slow_match(const char *p, const char *s)
{
        const char *p_end, *s_end;

        if (*p == '\0')
                return true;
        p_end = strchrnul(p + 1, '/');
        if (p_end - p == 3 && memcmp(p, "/**", 3) == 0 && *p_end) {
                if (slow_match(p_end, s))
                        return true;
                return *s && slow_match(p, strchrnul(s + 1, '/'));
        }
        if (*s == '\0')
                return false;
        s_end = strchrnul(s + 1, '/');
        return slow_part(p + 1, p_end, s + 1, s_end) && slow_match(p_end, s_end);
}

static void put_random(char *out, size_t max, bool wild)
{
        static const char *const parts[] = { "a", "b", "ab", "ba", "*", "**", "a*", "*b", "?" };
        size_t n = 1 + (size_t)rand() % 4, used = 0;
        bool deep = false;

        for (size_t i = 0; i < n; i++) {
                const char *part = parts[(size_t)rand() % (wild ? ARRAY_LEN(parts) : 4)];

                if (deep && strcmp(part, "**") == 0)
                        part = "a";
                deep = strcmp(part, "**") == 0;
                used += (size_t)snprintf(out + used, max - used, "/%s", part);
        }
}

static void test_against_slow(void **state)
{
        srand(11);
        for (int round = 0; round < 3000; round++) {
                char pattern[8][64], path[64];
                struct watchset w = { 0 };
                bool covered = false, out = false;

                make(&w, "p:");
                for (size_t i = 0; i < 8; i++) {
                        put_random(pattern[i], sizeof pattern[i], true);
                        if (watchset_add_rule(&w, 0, span_str(pattern[i]), i >= 6, 0, 0, NULL) < 0)
                                pattern[i][0] = '\0'; /* the other meaning was there */
                }
                for (int k = 0; k < 20; k++) {
                        put_random(path, sizeof path, false);
                        covered = out = false;
                        for (size_t i = 0; i < 8; i++)
                                if (pattern[i][0] && slow_match(pattern[i], path))
                                        *(i >= 6 ? &out : &covered) = true;
                        if (watchset_covers(&w, span_str(path)) != (covered && !out))
                                fail_msg("round %d: %s", round, path);
                }
                watchset_done(&w);
        }
        (void)state;
}

/* ---- the text form ---- */

static void test_text(void **state)
{
        static const char text[] =
                "{\"about\":\"What \\\"it\\\" is\",\"attributes\":[\"type\",\"mode\"],\"deep\":"
                "86400,\"keep\":true,\"max_size\":1048576,\"mode\":\"restore\",\"owners\":"
                "[\"certbot.service\",\"/usr/bin/x\"],\"profile\":\"config\",\"volatile\":true}\n"
                "{\"column\":7,\"exclude\":false,\"line\":12,\"pattern\":\"/etc\",\"profile\":"
                "\"config\"}\n"
                "{\"column\":0,\"exclude\":true,\"line\":0,\"pattern_b64\":\"L2V0Yy//\","
                "\"profile\":\"config\"}\n"
                "{\"column\":0,\"exclude\":true,\"line\":0,\"pattern\":\"/etc/own\",\"profile\":"
                "\"\"}\n";
        struct watchset w = { 0 };
        struct buf out = BUF_INIT(1 << 20);
        const struct watch_profile *p;
        struct err err = { 0 };

        if (watchset_parse(&w, "f", SPAN(text), &err) < 0)
                fail_msg("%s", err.text);
        p = watchset_profile(&w, SPAN("/etc/x"));
        assert_non_null(p);
        assert_true(span_eq(p->about, SPAN("What \"it\" is")));
        assert_int_equal(p->attributes, RECORD_F_TYPE | RECORD_F_MODE);
        assert_int_equal(p->mode, WATCH_RESTORE);
        assert_int_equal(p->deep_s, 86400);
        assert_int_equal(p->max_size, 1048576);
        assert_true(p->keep && p->is_volatile && p->n_owners == 2);
        assert_true(span_eq(p->owners[1], SPAN("/usr/bin/x")));
        assert_int_equal(watchset_rule(&w, SPAN("/etc/x"))->line, 12);
        assert_false(watchset_covers(&w, SPAN("/etc/\xff")));
        assert_false(watchset_covers(&w, SPAN("/etc/own/below")));
        assert_false(watchset_divides(&w, SPAN("/etc/own")));
        watchset_print(&w, &out);
        assert_true(span_eq(buf_span(&out), SPAN(text)));
        buf_done(&out);
        watchset_done(&w);
        (void)state;
}

#define PROFILE(mode, attributes, name)                                                            \
        "{\"about\":\"\",\"attributes\":[" attributes                                              \
        "],\"deep\":0,\"keep\":false,\"max_size\":0,\"mode\":\"" mode                              \
        "\",\"owners\":[],\"profile\":\"" name "\",\"volatile\":false}\n"
#define GOOD PROFILE("log", "\"type\"", "p")
#define RULE(exclude, pattern, profile)                                                            \
        "{\"column\":1,\"exclude\":" exclude ",\"line\":1,\"pattern\":\"" pattern                  \
        "\",\"profile\":\"" profile "\"}\n"

static void test_text_refused(void **state)
{
        static const struct {
                const char *text, *says;
        } cases[] = {
                { "/etc\n", "line 1" },
                { GOOD "\n", "line 2" },
                { "{\"about\":1}", "does not end" },
                { "{}\n", "column" },
                { PROFILE("watch", "", "p"), "mode" },
                { PROFILE("log", "\"colour\"", "p"), "attribute" },
                { PROFILE("log", "\"mode\",\"type\"", "p"), "order" },
                { PROFILE("log", "\"mode\",\"mode\"", "p"), "order" },
                { PROFILE("log", "1", "p"), "something else" },
                { "{\"about\":\"\",\"attributes\":1,\"deep\":0,\"keep\":false,\"max_size\":0,"
                  "\"mode\":\"log\",\"owners\":[],\"profile\":\"p\",\"volatile\":false}\n",
                  "no list" },
                { "{\"about\":\"\",\"attributes\":[],\"deep\":0,\"keep\":false,\"max_size\":0,"
                  "\"mode\":\"log\",\"owners\":{},\"profile\":\"p\",\"volatile\":false}\n",
                  "no list" },
                { "{\"about\":[],\"attributes\":[],\"deep\":0,\"keep\":false,\"max_size\":0,"
                  "\"mode\":\"log\",\"owners\":[],\"profile\":\"p\",\"volatile\":false}\n",
                  "something else" },
                { PROFILE("log", "", "P"), "name" },
                { PROFILE("log", "", ""), "name" },
                { GOOD GOOD, "line 2: profile p is there twice" },
                { GOOD RULE("false", "/etc", "q"), "not there" },
                { RULE("false", "/etc", "p"), "not there" },
                { GOOD RULE("false", "/etc", ""), "without a profile" },
                { GOOD RULE("false", "etc", "p"), "slash" },
                { GOOD RULE("false", "/etc/", "p"), "empty" },
                { GOOD RULE("1", "/etc", "p"), "yes or no" },
                { GOOD RULE("true", "/etc", "p") RULE("false", "/etc", "p"), "line 3" },
                { GOOD "{\"column\":1,\"exclude\":true,\"line\":1,\"pattern\":\"/e\",\"profile\":"
                       "\"p\",\"x\":1}\n",
                  "too many" },
                { GOOD "{\"column\":1,\"exclude\":true,\"line\":-1,\"pattern\":\"/e\","
                       "\"profile\":\"p\"}\n",
                  "number" },
                { GOOD "{\"column\":1,\"exclude\":true,\"pattern\":\"/e\",\"profile\":\"p\"}\n",
                  "line" },
                { GOOD "{\"column\":1,\"exclude\":true,\"line\":1,\"pattern_b64\":\"L2U=\","
                       "\"profile\":\"p\"}\n",
                  "needs none" },
                { GOOD "{\"column\":1,\"exclude\":true,\"line\":1,\"pattern_b64\":\"L/9=\","
                       "\"profile\":\"p\"}\n",
                  "base64" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watchset w = { 0 };
                struct err err = { 0 };

                assert_int_equal(watchset_parse(&w, "f", span_str(cases[i].text), &err), -EBADMSG);
                if (!strstr(err.text, cases[i].says))
                        fail_msg("%s: says \"%s\"", cases[i].text, err.text);
                watchset_done(&w);
        }
        (void)state;
}

/* ---- the command line, ceilings ---- */

static void test_add(void **state)
{
        static const struct {
                const char *path;
                bool exclude;
                int want;
        } cases[] = {
                { "/etc", false, 0 },         { "/etc", false, 0 },
                { "/etc", true, -EEXIST },    { "/etc/ssl", true, 0 },
                { "/etc/*.d", false, 0 },     { "relative", false, -EINVAL },
                { "/etc/", false, -EINVAL },  { "/etc/../x", false, -EINVAL },
                { "/etc/[x", true, -EINVAL }, { "", false, -EINVAL },
        };
        struct watchset w = { 0 };
        const struct watch_profile *p;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_int_equal(watchset_add(&w, span_str(cases[i].path), cases[i].exclude, NULL),
                                 cases[i].want);
        assert_int_equal(w.n, 3);
        p = watchset_profile(&w, SPAN("/etc/hosts"));
        assert_true(span_eq_str(p->name, WATCH_COMMAND_LINE));
        assert_int_equal(p->mode, WATCH_ALERT);
        assert_int_equal(p->attributes, (1u << RECORD_F_COUNT) - 1);
        assert_false(watchset_covers(&w, SPAN("/etc/ssl/certs")));
        watchset_done(&w);
        (void)state;
}

static void test_ceilings(void **state)
{
        struct watch_profile p = { .name = SPAN("p") };
        struct watchset w = { 0 };
        char text[300];
        int i, rc = 0;

        for (i = 0; i < WATCH_RULES_MAX; i++) {
                snprintf(text, sizeof text, "/p%d", i);
                assert_int_equal(watchset_add(&w, span_str(text), false, NULL), 0);
        }
        assert_int_equal(watchset_add(&w, SPAN("/more"), false, NULL), -E2BIG);
        assert_int_equal(watchset_add(&w, SPAN("/p7"), false, NULL), 0); /* is there already */
        for (i = 0; i < WATCH_RULES_MAX; i++) {
                snprintf(text, sizeof text, "/p%d/x", i);
                assert_true(watchset_covers(&w, span_str(text)));
        }
        assert_false(watchset_covers(&w, SPAN("/p1024")));
        watchset_done(&w);
        for (i = 0; rc == 0; i++) {
                snprintf(text, sizeof text, "/*%d/a/b/c", i);
                rc = watchset_add(&w, span_str(text), false, NULL);
        }
        assert_int_equal(rc, -E2BIG);
        assert_int_equal(i, WATCH_WILD_MAX / 4 + 1);
        watchset_done(&w);
        for (i = 0; i < WATCH_PROFILES_MAX; i++) {
                p.name = span_of(text, (size_t)snprintf(text, sizeof text, "p%d", i));
                assert_int_equal(watchset_add_profile(&w, &p, NULL), 0);
                assert_int_equal(watchset_add_rule(&w, (size_t)i, SPAN("/a"), i == 62, 0, 0, NULL),
                                 0);
        }
        p.name = SPAN("more");
        assert_int_equal(watchset_add_profile(&w, &p, NULL), -E2BIG);
        assert_true(span_eq(watchset_profile(&w, SPAN("/a/b"))->name, SPAN("p0")));
        watchset_done(&w);
        p.name = span_of(memset(text, 'a', sizeof text), WATCH_NAME_MAX + 1);
        assert_int_equal(watchset_add_profile(&w, &p, NULL), -EINVAL);
        watchset_done(&w);
        (void)state;
}

/* All 1024 wildcard parts active at once. */
static void test_many_at_once(void **state)
{
        struct watchset w = { 0 };
        char text[600] = "";
        int n = 0;

        /* 62 patterns of 16 parts, all of which fit what is asked for. */
        for (int i = 0; i < 62; i++) {
                size_t used = 0;

                for (int k = 0; k < 16; k++)
                        used += (size_t)snprintf(text + used, sizeof text - used, "%s",
                                                 k % 2   ? "/*"
                                                 : i % 2 ? "/a*"
                                                         : "/*a");
                used += (size_t)snprintf(text + used, sizeof text - used, "/%d", i);
                n += watchset_add(&w, span_of(text, used), false, NULL) == 0;
                if (i % 2)
                        snprintf(text, sizeof text, "/**/a*/**/%d", i);
                else
                        snprintf(text, sizeof text, "/a*/**/*/**/*a/%d", i);
                n += watchset_add(&w, span_str(text), false, NULL) == 0;
        }
        assert_true(n > 100);
        assert_true(watchset_covers(&w, SPAN("/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/7")));
        assert_true(watchset_covers(&w, SPAN("/a/x/y/z/a/8")));
        assert_false(watchset_covers(&w, SPAN("/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/x")));
        watchset_done(&w);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_profile_of),   cmocka_unit_test(test_leads_and_divides),
                cmocka_unit_test(test_begins),       cmocka_unit_test(test_against_slow),
                cmocka_unit_test(test_text),         cmocka_unit_test(test_text_refused),
                cmocka_unit_test(test_add),          cmocka_unit_test(test_ceilings),
                cmocka_unit_test(test_many_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
