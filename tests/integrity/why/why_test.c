/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/why.h"

#include "../sample.h"
#include "integrity/trusted/change.h"
#include "integrity/who/who.h"
#include "integrity/why/apt_chain.h"
#include "integrity/why/package.h"
#include "wire/deb_fact.h"

#include <stdio.h>

enum { NOW_S = 1795374000 }; /* 2026-11-22T19:00:00Z, after the first and within the second */

static struct who *made_by(const char *exe, const char *unit, const char *parent)
{
        struct who *w = who_new(42);

        assert_non_null(w);
        if (exe)
                buf_put_str(&w->exe, exe);
        if (unit)
                buf_put_str(&w->unit, unit);
        if (parent) {
                buf_put_str(&w->names, parent);
                w->parents[0] = (struct who_kin){ .pid = 7,
                                                  .has_exe = true,
                                                  .n = (uint32_t)strlen(parent) };
                w->n_parents = 1;
        }
        return w;
}

static void test_judge(void **state)
{
        static const struct {
                const char *path;
                const char *owner; /* of the profile; NULL: none */
                bool is_volatile;
                const char *exe, *unit, *parent;
                enum why_state want;
                const char *change, *detail;
        } cases[] = {
                { "/etc/nginx/a", NULL, false, "/bin/vi", NULL, NULL, WHY_CHANGE, "CHG-2",
                  "approved by local" },
                { "/etc/other", NULL, false, "/bin/vi", NULL, NULL, WHY_UNEXPLAINED, "", "" },
                { "/etc/other", "/usr/sbin/cupsd", false, "/usr/sbin/cupsd", NULL, NULL,
                  WHY_SERVICE, "", "profile p declares /usr/sbin/cupsd its owner" },
                { "/etc/other", "/usr/sbin/cupsd", false, "/bin/sh", NULL, "/usr/sbin/cupsd",
                  WHY_SERVICE, "", "profile p declares /usr/sbin/cupsd its owner" },
                { "/etc/other", "/usr/sbin/cupsd", false, "/usr/sbin/cupsd2", NULL, NULL,
                  WHY_UNEXPLAINED, "", "" },
                { "/etc/other", "cups.service", false, "/bin/sh", "cups.service", NULL, WHY_SERVICE,
                  "", "profile p declares cups.service its owner" },
                { "/etc/other", "cups.service", false, "/bin/sh", "ssh.service", NULL,
                  WHY_UNEXPLAINED, "", "" },
                { "/etc/other", "/usr/sbin/cupsd", false, NULL, NULL, NULL, WHY_UNEXPLAINED, "",
                  "" },
                { "/etc/other", NULL, true, "/bin/vi", NULL, NULL, WHY_VOLATILE, "",
                  "profile p is volatile" },
                /* An approved change comes first: it names a person. */
                { "/etc/nginx/a", "/bin/vi", true, "/bin/vi", NULL, NULL, WHY_CHANGE, "CHG-2",
                  "approved by local" },
        };
        struct approvals known = { 0 };
        struct err err = { 0 };
        struct why_known k = { .approvals = &known };
        static const char text[] =
                "{\"actors\":[],\"from\":\"2026-11-21T18:00:00.000000000Z\",\"hashes\":[],\"id\":\"CHG-1\","
                "\"paths\":[\"/etc/nginx\"],\"reason\":\"why\",\"source\":\"local\","
                "\"until\":\"2026-11-21T20:00:00.000000000Z\"}\n"
                "{\"actors\":[],\"from\":\"2026-11-21T18:00:00.000000000Z\",\"hashes\":[],\"id\":\"CHG-2\","
                "\"paths\":[\"/etc/nginx\"],\"reason\":\"why\",\"source\":\"local\","
                "\"until\":\"2026-12-21T20:00:00.000000000Z\"}\n";

        if (approvals_parse(&known, "t", span_str(text), &err) < 0)
                fail_msg("%s", err.text);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(who_unrefp)
                struct who *who = made_by(cases[i].exe, cases[i].unit, cases[i].parent);
                struct watch_profile p = { .name = SPAN("p"),
                                           .mode = WATCH_ALERT,
                                           .is_volatile = cases[i].is_volatile };
                struct record is = sample_file(1, 2);
                struct change c = { .wall_ns = NOW_S * 1000000000LL,
                                    .path = span_str(cases[i].path),
                                    .profile = &p,
                                    .who = who,
                                    .is = &is };
                struct why why;

                if (cases[i].owner)
                        p.owners[p.n_owners++] = span_str(cases[i].owner);
                why_judge(&k, &c, &why);
                if (why.state != cases[i].want || strcmp(why.change, cases[i].change) != 0 ||
                    strcmp(why.detail, cases[i].detail) != 0)
                        fail_msg("case %zu: %s, \"%s\", \"%s\"", i, why_state_name(why.state),
                                 why.change, why.detail);
        }
        approvals_done(&known);
        (void)state;
}

/* Where programs write as they run, not everything is explained by that. */
static void test_volatile(void **state)
{
        static const uint8_t caps[] = {
                1, 0, 0, 2, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        }; /* cap_setuid+ep */
        static const struct {
                const char *name;
                int was; /* enum record_type; -1: nothing */
                enum record_type is;
                uint32_t mode;
                bool caps;
                const char *but; /* NULL: it is volatile */
        } cases[] = {
                { "new", -1, RECORD_FILE, 0644, false, NULL },
                { "new directory", -1, RECORD_DIR, 02775, false, NULL },
                { "new link", -1, RECORD_LINK, 0777, false, NULL },
                { "written", RECORD_FILE, RECORD_FILE, 0666, false, NULL },
                { "link for a file", RECORD_FILE, RECORD_LINK, 0777, false, NULL },
                { "directory's mode", RECORD_DIR, RECORD_DIR, 03777, false, NULL },
                { "set-uid", -1, RECORD_FILE, 04755, false, "it is a set-uid or set-gid file" },
                { "set-gid", RECORD_FILE, RECORD_FILE, 02755, false,
                  "it is a set-uid or set-gid file" },
                { "capabilities", RECORD_FILE, RECORD_FILE, 0755, true,
                  "it is a file with capabilities" },
                { "disk", -1, RECORD_BLOCK, 0600, false, "it is a device" },
                { "memory", -1, RECORD_CHAR, 0600, false, "it is a device" },
                { "link for a directory", RECORD_DIR, RECORD_LINK, 0777, false,
                  "a directory was there" },
        };
        struct approvals none = { 0 };
        struct why_known k = { .approvals = &none };
        struct watch_profile p = { .name = SPAN("p"), .mode = WATCH_ALERT, .is_volatile = true };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(buf_done)
                struct buf attrs = BUF_INIT(RECORD_ATTRS_MAX), want = BUF_INIT(99);
                struct record was = sample_file(1, 2), is = sample_file(3, 4);
                struct change c = { .path = SPAN("/var/x"), .profile = &p, .is = &is };
                struct why why;

                was.type = cases[i].was < 0 ? RECORD_FILE : (enum record_type)cases[i].was;
                is.type = cases[i].is;
                is.mode = cases[i].mode;
                if (cases[i].caps)
                        record_put_value(&attrs, RECORD_CAPS, span_of(caps, sizeof caps));
                is.attrs = buf_span(&attrs);
                is.known[RECORD_CAPS] = RECORD_KNOWN;
                c.was = cases[i].was < 0 ? NULL : &was;
                why_judge(&k, &c, &why);
                buf_printf(&want, "profile p is volatile%s%s", cases[i].but ? ", but " : "",
                           cases[i].but ? cases[i].but : "");
                if (why.state != (cases[i].but ? WHY_UNEXPLAINED : WHY_VOLATILE) ||
                    !span_eq_str(buf_span(&want), why.detail))
                        fail_msg("%s: %s, \"%s\"", cases[i].name, why_state_name(why.state),
                                 why.detail);
        }
        (void)state;
}

/* Names that somebody else has given do not count. */
static void test_names_of_others(void **state)
{
        static const struct {
                const char *owner;
                unsigned has;
                enum why_state want;
        } cases[] = {
                { "cups.service", 0, WHY_SERVICE },
                { "cups.service", WHO_UNIT_NESTED, WHY_UNEXPLAINED },
                { "/usr/sbin/cupsd", 0, WHY_SERVICE },
                { "/usr/sbin/cupsd", WHO_HAS_MOUNT_NS, WHY_UNEXPLAINED },
                { "/usr/sbin/cupsd", WHO_EXE_NAMELESS, WHY_UNEXPLAINED },
                { "cups.service", WHO_HAS_MOUNT_NS, WHY_SERVICE },
        };
        struct approvals none = { 0 };
        struct why_known k = { .approvals = &none };
        struct record is = sample_file(1, 2);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(who_unrefp)
                struct who *who = made_by("/usr/sbin/cupsd", "cups.service", NULL);
                struct watch_profile p = { .name = SPAN("p"), .mode = WATCH_ALERT, .n_owners = 1 };
                struct change c = { .path = SPAN("/etc/x"), .profile = &p, .who = who, .is = &is };
                struct why why;

                who->has |= cases[i].has;
                p.owners[0] = span_str(cases[i].owner);
                why_judge(&k, &c, &why);
                if (why.state != cases[i].want)
                        fail_msg("case %zu", i);
        }
        (void)state;
}

/* Whoever else touched it has to be an owner too. */
static void test_also(void **state)
{
        CLEANUP(who_unrefp) struct who *owner = made_by("/usr/sbin/cupsd", NULL, NULL);
        CLEANUP(who_unrefp) struct who *other = made_by("/bin/vi", NULL, NULL);
        struct who *also[] = { owner, NULL };
        struct watch_profile p = { .name = SPAN("p"), .mode = WATCH_ALERT, .n_owners = 1 };
        struct approvals none = { 0 };
        struct why_known k = { .approvals = &none };
        struct record is = sample_file(1, 2);
        struct change c = {
                .path = SPAN("/etc/x"), .profile = &p, .who = owner, .also = also, .is = &is
        };
        struct why why;

        p.owners[0] = SPAN("/usr/sbin/cupsd");
        why_judge(&k, &c, &why);
        assert_int_equal(why.state, WHY_SERVICE);
        also[0] = other;
        why_judge(&k, &c, &why);
        assert_int_equal(why.state, WHY_UNEXPLAINED);
        (void)state;
}

enum { ROOT = 70 };

/* One package of apt's, read, and signed or not. */
static struct packages *transaction(const struct watchset *w, bool is_signed)
{
        struct packages *p = NULL;
        struct package_name n = { .name = SPAN("a"), .arch = SPAN("all"), .path = SPAN("/a.deb") };
        struct deb_fact whole = { .kind = DEB_FACT_WHOLE };
        struct chain_result r = { .status = is_signed ? CHAIN_SIGNED : CHAIN_UNKNOWN };

        assert_int_equal(packages_new(ROOT, 0, w, &p, NULL), 0);
        assert_int_equal(packages_add(p, &n, NULL), 0);
        assert_int_equal(packages_fact(p, 0, &whole), 0);
        packages_read(p, 0, NULL);
        packages_chained(p, &r);
        return p;
}

/* The owner "packages": what dpkg begins, in a transaction whose packages are signed. */
static void test_packages(void **state)
{
        static const struct {
                const char *owner, *exe, *parent; /* whose parent is apt */
                bool is_signed, want,
                        hook; /* hook: dpkg began it, and it is no script of a package */
        } cases[] = {
                { "packages", "/usr/bin/dash", "/usr/bin/dpkg", true, false, true },
                { "packages", "/usr/bin/dash", "/usr/bin/dpkg", true, true, false },
                { "packages", "/usr/bin/dash", "/usr/bin/dpkg", false, false, false },
                { "packages", "/usr/bin/dash", "/usr/bin/bash", true, false, false },
                { "packages:/usr/bin/x", "/usr/bin/dash", "/usr/bin/dpkg", true, false, false },
                { "packages:/usr/bin/x", "/usr/bin/x", "/usr/bin/dpkg", true, true, false },
                { "packages:/usr/bin/x", "/usr/bin/x", "/usr/bin/bash", true, false, false },
                { "packages.service", "/usr/bin/dash", "/usr/bin/dpkg", true, false, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(who_unrefp) struct who *w = made_by(cases[i].exe, NULL, cases[i].parent);
                struct watch_profile p = { .name = SPAN("p"), .mode = WATCH_ALERT, .n_owners = 1 };
                struct approvals none = { 0 };
                struct watchset set = { 0 };
                CLEANUP(packages_freep)
                struct packages *t = transaction(&set, cases[i].is_signed);
                struct why_known k = { .approvals = &none, .packages = t };
                struct record is = sample_file(1, 2);
                struct change c = { .path = SPAN("/etc/x"), .profile = &p, .who = w, .is = &is };
                struct why why;

                p.owners[0] = span_str(cases[i].owner);
                if (!cases[i].hook)
                        buf_put_str(&w->script, "/var/lib/dpkg/info/x.postinst");
                w->parents[w->n_parents++] = (struct who_kin){ .pid = ROOT };
                why_judge(&k, &c, &why);
                if ((why.state == WHY_SERVICE) != cases[i].want)
                        fail_msg("case %zu: %s", i, why_state_name(why.state));
                k.packages = NULL;
                why_judge(&k, &c, &why);
                assert_int_equal(why.state, WHY_UNEXPLAINED);
        }
        (void)state;
}

/* What came nearest is said, and is UTF-8 however it was cut. */
static void test_nearest(void **state)
{
        static const char text[] =
                "{\"actors\":[{\"uid\":5}],\"from\":\"2026-11-21T18:00:00.000000000Z\",\"hashes\":[],"
                "\"id\":\"CHG-1\",\"paths\":[\"/etc\"],\"reason\":\"why\",\"source\":\"local\","
                "\"until\":\"2026-12-21T20:00:00.000000000Z\"}\n";
        struct approvals known = { 0 };
        struct why_known k = { .approvals = &known };
        struct record is = sample_file(1, 2);
        struct change c = { .wall_ns = NOW_S * 1000000000LL, .path = SPAN("/etc/x"), .is = &is };
        struct why why;

        assert_int_equal(approvals_parse(&known, "t", span_str(text), NULL), 0);
        why_judge(&k, &c, &why);
        assert_int_equal(why.state, WHY_UNEXPLAINED);
        assert_string_equal(why.change, "");
        assert_string_equal(why.detail,
                            "change CHG-1 names the path, but it is of other actors, or "
                            "the actor is not known");
        approvals_done(&known);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_judge),           cmocka_unit_test(test_volatile),
                cmocka_unit_test(test_names_of_others), cmocka_unit_test(test_also),
                cmocka_unit_test(test_packages),        cmocka_unit_test(test_nearest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
