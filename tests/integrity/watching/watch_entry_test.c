/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/watch_entry.h"

#include "integrity/trusted/record.h"
#include "integrity/watching/watchset_same.h"
#include "wire/json.h"
#include "wire/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"

static const struct watch_profile plain = { .mode = WATCH_ALERT, .attributes = 3 };

static void add_profile(struct watchset *w, const char *name, struct watch_profile p)
{
        p.name = span_str(name);
        assert_int_equal(watchset_add_profile(w, &p, NULL), 0);
}

static void add_rule(struct watchset *w, const char *text)
{
        assert_int_equal(watchset_add_rule(w, w->n_profiles - 1,
                                           span_str(*text == '!' ? text + 1 : text), *text == '!',
                                           (uint32_t)w->n + 1, 1, NULL),
                         0);
}

/* "name: pattern !pattern" a line. */
static void make(struct watchset *w, const char *text)
{
        char copy[1024], *lines = NULL, *words = NULL;

        snprintf(copy, sizeof copy, "%s", text);
        for (char *l = strtok_r(copy, "\n", &lines); l; l = strtok_r(NULL, "\n", &lines)) {
                add_profile(w, strtok_r(l, ": ", &words), plain);
                for (char *word; (word = strtok_r(NULL, " ", &words));)
                        add_rule(w, word);
        }
}

static void test_same(void **state)
{
        static const struct {
                const char *a, *b;
                bool same;
                const char *base;
                bool below;
        } cases[] = {
                { "p: /etc", "p: /etc", true, "/etc", true },
                { "p: /etc /usr", "p: /usr /etc", true, "/", true },
                { "p: /etc\nq: /usr", "q: /usr\np: /etc", true, "/", true },
                { "p: /etc", "q: /etc", false, "/etc", false },
                { "p: /etc", "p: /etc /usr", false, "/etc", true },
                { "p: /etc", "p: /etc /usr", false, "/usr", false },
                { "p: /etc", "p: /etc !/etc/x", false, "/usr", true },
                { "p: /etc", "p: /etc !/etc/x", false, "/etc", false },
                { "p: /etc", "p: /etc /etc/x/y", false, "/etc/x", false },
                { "p: /etc", "p: /etc /etc/x/y", false, "/etc/z", true },
                { "p: /etc", "p: /etc /*/x", false, "/usr", false }, /* its base is / */
                { "p: /etc", "p: /etc /srv/*/x", false, "/srv/www", false },
                { "p: /etc", "p: /etc\nq:", false, "/etc", true },
                { "p: /etc", "", false, "/usr", true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watchset a = { 0 }, b = { 0 };

                make(&a, cases[i].a);
                make(&b, cases[i].b);
                if (watchset_same(&a, &b) != cases[i].same ||
                    watchset_same(&b, &a) != cases[i].same ||
                    watchset_same_below(&a, &b, span_str(cases[i].base)) != cases[i].below ||
                    watchset_same_below(&b, &a, span_str(cases[i].base)) != cases[i].below)
                        fail_msg("%s and %s", cases[i].a, cases[i].b);
                watchset_done(&a);
                watchset_done(&b);
        }
        (void)state;
}

static void test_same_settings(void **state)
{
        static const struct watch_profile others[] = {
                { .mode = WATCH_LOG, .attributes = 3 },
                { .mode = WATCH_ALERT, .attributes = 7 },
                { .mode = WATCH_ALERT, .attributes = 3, .keep = true },
                { .mode = WATCH_ALERT, .attributes = 3, .is_volatile = true },
                { .mode = WATCH_ALERT, .attributes = 3, .max_size = 1 },
                { .mode = WATCH_ALERT, .attributes = 3, .deep_s = 1 },
                { .mode = WATCH_ALERT, .attributes = 3, .execute = WATCH_EXECUTE_KNOWN },
                { .mode = WATCH_ALERT, .attributes = 3, .about = SPAN_INIT("a") },
                { .mode = WATCH_ALERT,
                  .attributes = 3,
                  .owners = { SPAN_INIT("x.service") },
                  .n_owners = 1 },
        };

        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
                struct watchset a = { 0 }, b = { 0 }, c = { 0 };

                add_profile(&a, "p", plain);
                add_profile(&b, "p", others[i]);
                add_profile(&c, "p", others[i]);
                assert_false(watchset_same(&a, &b));
                assert_true(watchset_same(&b, &c));
                watchset_done(&a);
                watchset_done(&b);
                watchset_done(&c);
        }
        (void)state;
}

/* ---- entries ---- */

struct told {
        struct buf text; /* entries, a line each */
        unsigned n;
        int rc;
};

static int tell(void *ctx, struct span skeleton)
{
        struct told *t = ctx;
        struct err err = { 0 };

        if (json_check(skeleton, &err) < 0 || kind_check(skeleton, "sensor", NULL, 0, &err) < 0)
                fail_msg("%s: %.*s", err.text, (int)skeleton.n, (const char *)skeleton.p);
        buf_put(&t->text, skeleton);
        buf_put_byte(&t->text, '\n');
        t->n++;
        return t->rc < 0 ? t->rc : buf_status(&t->text);
}

#define HEAD                                                                                       \
        "{\"k\":\"integrity.watch\",\"t\":\"1970-01-01T00:00:00.000000005Z\",\"v\":1,\"what\":{"
#define FROM                                                                                       \
        "\"config\":\"0100000000000000000000000000000000000000000000000000000000000000\","         \
        "\"config_from\":\"/etc/assay/watch.yaml\","

static void check_entries(const struct watchset *before, struct config *c, const char *event,
                          const char *reason, uint64_t dropped, const char *want)
{
        struct told t = { .text = BUF_INIT(1 << 20) };
        struct watch_facts f = { .wall_ns = 5,
                                 .config = c,
                                 .before = before,
                                 .event = event,
                                 .reason = reason,
                                 .dropped = dropped };

        assert_int_equal(watch_entries(&f, tell, &t), 0);
        assert_string_equal(buf_cstr(&t.text), want);
        buf_done(&t.text);
}

static void test_entries(void **state)
{
        struct config c = { .from = "/etc/assay/watch.yaml", .digest = { 1 }, .has_digest = true };
        struct watch_profile keeps = { .mode = WATCH_LOG,
                                       .attributes = RECORD_F_MODE,
                                       .keep = true,
                                       .max_size = 9,
                                       .is_volatile = true,
                                       .deep_s = 3600,
                                       .owners = { SPAN_INIT("x.service") },
                                       .n_owners = 1 };
        struct watchset before = { 0 };

        add_profile(&c.set, "p",
                    (struct watch_profile){ .mode = WATCH_ALERT,
                                            .attributes = (1u << RECORD_F_COUNT) - 1 });
        add_rule(&c.set, "/etc");
        add_rule(&c.set, "!/etc/\xff");
        assert_int_equal(
                watchset_add_rule(&c.set, WATCH_PROFILES_MAX, SPAN("/own"), true, 0, 0, NULL), 0);
        check_entries(NULL, &c, "set", NULL, 0,
                      HEAD "\"added\":[\"p: /etc\",\"p: !/etc/\\\\xff\"],\"changed\":[\"p: mode "
                           "log -> alert\"]," FROM "\"event\":\"set\"}}\n");
        check_entries(&c.set, &c, "unchanged", NULL, 0, HEAD FROM "\"event\":\"unchanged\"}}\n");
        check_entries(NULL, &c, "refused", "line 1:\n\"x\"", 0,
                      HEAD FROM "\"event\":\"refused\",\"reason\":\"line 1:\\\\x0a\\\"x\\\"\"}}\n");
        add_profile(&before, "p", keeps);
        add_rule(&before, "/etc");
        add_rule(&before, "/usr");
        add_profile(&before, "gone", plain);
        add_rule(&before, "/x");
        check_entries(&before, &c, "changed", NULL, 7,
                      HEAD
                      "\"added\":[\"p: !/etc/\\\\xff\"],\"changed\":[\"p: mode log -> alert\","
                      "\"p: attributes mode -> type, mode, uid, gid, size, mtime, inode, links, "
                      "target, rdev, sha256, xattrs, flags, acl, acl_default, caps, label, "
                      "fstype\",\"p: keep true, 9 bytes -> false, 0 bytes\",\"p: volatile true "
                      "-> false\",\"p: deep 3600 s -> 0 s\",\"p: owners x.service -> \"]," FROM
                      "\"dropped\":7,\"event\":\"changed\",\"removed\":[\"gone: profile\",\"p: "
                      "/usr\",\"gone: /x\"]}}\n");
        watchset_done(&before);
        watchset_done(&c.set);
        (void)state;
}

/* Every pattern once, over as many entries as it takes. */
static void test_parts(void **state)
{
        struct told t = { .text = BUF_INIT(64 << 20) };
        struct config c = { .from = "f" };
        struct watch_facts f = { .config = &c, .event = "set" };
        char text[PATTERN_MAX + 1];
        size_t patterns = 0;

        add_profile(&c.set, "p", plain);
        for (int i = 0; i < 600; i++) {
                size_t n = (size_t)snprintf(text, sizeof text, "/%d", i);

                while (n < 1500 && i % 3 == 0) {
                        text[n] = n % 200 ? '\xff' : '/';
                        n++;
                }
                patterns += watchset_add_rule(&c.set, 0, span_of(text, n), false, 0, 0, NULL) == 0;
        }
        assert_int_equal(patterns, 600);
        assert_int_equal(watch_entries(&f, tell, &t), 0);
        assert_true(t.n > 20);
        patterns = 0;
        for (const char *p = buf_cstr(&t.text); (p = strstr(p, "\"p: /")); p++)
                patterns++;
        assert_int_equal(patterns, 600);
        assert_null(strstr(strstr(buf_cstr(&t.text), "\"last\":true") + 1, "\"last\":true"));
        t.rc = -ENOSPC;
        assert_int_equal(watch_entries(&f, tell, &t), -ENOSPC);
        buf_done(&t.text);
        watchset_done(&c.set);
        (void)state;
}

static void test_out_of_memory(void **state)
{
        struct config c = { .from = "f" };
        struct watchset before = { 0 };
        int rc = -ENOMEM;

        make(&c.set, "p: /etc /usr !/usr/x\nq: /srv");
        make(&before, "p: /etc /bin\nr: /x");
        for (size_t nth = 1; rc; nth++) {
                struct told t = { .text = BUF_INIT(1 << 20) };
                struct watch_facts f = { .config = &c, .before = &before, .event = "changed" };

                alloc_fail_nth = nth;
                rc = watch_entries(&f, tell, &t);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                buf_done(&t.text);
        }
        watchset_done(&before);
        watchset_done(&c.set);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same),          cmocka_unit_test(test_same_settings),
                cmocka_unit_test(test_entries),       cmocka_unit_test(test_parts),
                cmocka_unit_test(test_out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
