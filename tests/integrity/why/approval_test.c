/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/approval.h"

#include "../sample.h"
#include "base/clock.h"
#include "base/text.h"
#include "integrity/trusted/change.h"
#include "integrity/who/who.h"

#include <stdio.h>

#define HEX_77 "7777777777777777777777777777777777777777777777777777777777777777"
#define T(s)   "\"2026-11-21T" s ".000000000Z\""

/* The whole form, parts of it to be replaced. */
#define DOC(actors, from, hashes, id, paths, until)                                                \
        "{\"actors\":[" actors "],\"from\":" from ",\"hashes\":[" hashes "],\"id\":" id            \
        ",\"paths\":[" paths "],\"reason\":\"why\",\"source\":\"local\",\"until\":" until "}"
#define PLAIN DOC("", T("18:00:00"), "", "\"CHG-1\"", "\"/etc/nginx\"", T("20:00:00"))

static int64_t at(const char *time)
{
        int64_t ns = 0;

        assert_int_equal(text_to_time(span_str(time), &ns), 0);
        return ns;
}

static struct approval *parsed(const char *json)
{
        struct approval *a = NULL;
        struct err err = { 0 };

        if (approval_parse(span_str(json), &a, &err) < 0)
                fail_msg("%s: %s", err.text, json);
        return a;
}

static void test_round_trip(void **state)
{
        static const char *const docs[] = {
                PLAIN,
                DOC("{\"auid\":1000},{\"exe\":\"/usr/bin/apt*\",\"uid\":0,\"unit\":\"a.service\"}",
                    T("18:00:00"), "[\"/etc/a\",\"" HEX_77 "\"],[\"/etc/b\",null]", "\"x\"",
                    "\"/srv/**/config\",\"!/srv/tmp\"", T("20:00:00")),
        };

        for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
                CLEANUP(approval_freep) struct approval *a = parsed(docs[i]);
                struct buf b = BUF_INIT(4096);

                approval_print(a, &b);
                assert_string_equal(buf_cstr(&b), docs[i]);
                buf_done(&b);
        }
        (void)state;
}

static void test_refused(void **state)
{
        static const struct {
                const char *json, *why;
        } cases[] = {
                { "", "byte 0" },
                { "{}", "id is missing" },
                { "{\"actors\":[],\"from\":1}", "id is missing" },
                { "{\"zoo\":1}", "zoo is unknown" },
                { DOC("", T("20:00:00"), "", "\"a\"", "\"/etc\"", T("20:00:00")), "not after" },
                { DOC("", "\"now\"", "", "\"a\"", "\"/etc\"", T("20:00:00")),
                  "from is not a time" },
                { DOC("", T("18:00:00"), "", "\"a b\"", "\"/etc\"", T("20:00:00")), "printable" },
                { DOC("", T("18:00:00"), "", "\"\"", "\"/etc\"", T("20:00:00")), "id is empty" },
                { DOC("", T("18:00:00"), "", "\"a\"", "", T("20:00:00")), "neither" },
                { DOC("", T("18:00:00"), "", "\"a\"", "\"!/etc\"", T("20:00:00")), "neither" },
                { DOC("", T("18:00:00"), "", "\"a\"", "\"etc\"", T("20:00:00")), "slash" },
                { DOC("", T("18:00:00"), "", "\"a\"", "7", T("20:00:00")), "paths is not a text" },
                { DOC("{}", T("18:00:00"), "", "\"a\"", "\"/etc\"", T("20:00:00")),
                  "one is empty" },
                { DOC("{\"uid\":-1}", T("18:00:00"), "", "\"a\"", "\"/etc\"", T("20:00:00")),
                  "not a user id" },
                { DOC("{\"gid\":1}", T("18:00:00"), "", "\"a\"", "\"/etc\"", T("20:00:00")),
                  "no member gid" },
                { DOC("{\"exe\":\"apt\"}", T("18:00:00"), "", "\"a\"", "\"/etc\"", T("20:00:00")),
                  "actors: exe" },
                { DOC("", T("18:00:00"), "[\"/a\"]", "\"a\"", "", T("20:00:00")),
                  "[path, digest]" },
                { DOC("", T("18:00:00"), "[\"/a\",\"77\"]", "\"a\"", "", T("20:00:00")),
                  "no SHA-256 for /a" },
                { DOC("", T("18:00:00"), "[\"a\",null]", "\"a\"", "", T("20:00:00")),
                  "begin with" },
                { DOC("", T("18:00:00"), "[\"/a\",null],[\"/a\",null]", "\"a\"", "", T("20:00:00")),
                  "/a stands there twice" },
                { DOC("", T("18:00:00"), "[\"/b\",null],[\"/a\",null],[\"/b\",null]", "\"a\"", "",
                      T("20:00:00")),
                  "/b stands there twice" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct approval *a = NULL;
                struct err err = { 0 };

                if (approval_parse(span_str(cases[i].json), &a, &err) == 0 || a ||
                    !strstr(err.text, cases[i].why))
                        fail_msg("%s: \"%s\", not \"%s\"", cases[i].json, err.text, cases[i].why);
        }
        (void)state;
}

/* ---- judging ---- */

#define LIMITED                                                                                    \
        DOC("{\"exe\":\"/usr/bin/apt*\",\"uid\":0},{\"auid\":1000},{\"unit\":\"deploy.service\"}", \
            T("18:00:00"), "[\"/etc/hosts\",\"" HEX_77 "\"],[\"/etc/old\",null]", "\"x\"",         \
            "\"/etc/nginx\",\"!/etc/nginx/secret\"", T("20:00:00"))

struct author {
        const char *exe, *unit, *parent;
        int64_t uid, auid; /* -1: not known */
};

static struct who *author(const struct author *a)
{
        struct who *w = who_new(42);

        assert_non_null(w);
        if (a->uid >= 0)
                w->has |= WHO_HAS_UID;
        if (a->auid >= 0)
                w->has |= WHO_HAS_AUID;
        w->uid = (uint32_t)a->uid;
        w->auid = (uint32_t)a->auid;
        if (a->exe)
                buf_put_str(&w->exe, a->exe);
        if (a->unit)
                buf_put_str(&w->unit, a->unit);
        if (a->parent) {
                w->parents[0] = (struct who_kin){ .pid = 7,
                                                  .has_exe = true,
                                                  .n = (uint32_t)strlen(a->parent) };
                buf_put_str(&w->names, a->parent);
                w->n_parents = 1;
        }
        return w;
}

static const struct author apt = { "/usr/bin/apt-get", NULL, NULL, 0, -1 };
static const struct author below_apt = { "/usr/bin/dpkg", NULL, "/usr/bin/apt-get", 0, -1 };
static const struct author user_apt = { "/usr/bin/apt-get", NULL, NULL, 33, -1 };
static const struct author login = { "/usr/bin/vi", NULL, NULL, 0, 1000 };
static const struct author unit = { "/bin/sh", "deploy.service", NULL, 5, -1 };
static const struct author other = { "/usr/bin/vi", NULL, NULL, 0, 1001 };
static const struct author unknown = { NULL, NULL, NULL, -1, -1 };

static void test_judge(void **state)
{
        static const struct {
                const char *json, *time, *path, *from;
                const struct author *who, *also;
                char is; /* the content: its byte, 0: gone */
                enum approval_fit want;
        } cases[] = {
                { PLAIN, "18:00:00.000000000", "/etc/nginx", NULL, NULL, NULL, 1, APPROVAL_FITS },
                { PLAIN, "18:00:00.000000000", "/etc/nginx/a", NULL, NULL, NULL, 0, APPROVAL_FITS },
                { PLAIN, "17:59:59.999999999", "/etc/nginx", NULL, NULL, NULL, 1,
                  APPROVAL_NOT_NOW },
                { PLAIN, "20:00:00.999999999", "/etc/nginx", NULL, NULL, NULL, 1, APPROVAL_FITS },
                { PLAIN, "20:00:01.000000000", "/etc/nginx", NULL, NULL, NULL, 1,
                  APPROVAL_NOT_NOW },
                { PLAIN, "19:00:00.000000000", "/etc/ngin", NULL, NULL, NULL, 1,
                  APPROVAL_ELSEWHERE },
                { PLAIN, "19:00:00.000000000", "/etc/nginx/b", "/etc/nginx/a", NULL, NULL, 1,
                  APPROVAL_FITS },
                { PLAIN, "19:00:00.000000000", "/etc/nginx/b", "/etc/shadow", NULL, NULL, 1,
                  APPROVAL_ELSEWHERE },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &apt, NULL, 1,
                  APPROVAL_FITS },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &below_apt, NULL, 1,
                  APPROVAL_FITS },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &login, NULL, 1,
                  APPROVAL_FITS },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &unit, NULL, 1,
                  APPROVAL_FITS },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &user_apt, NULL, 1,
                  APPROVAL_NOT_WHO },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &other, NULL, 1,
                  APPROVAL_NOT_WHO },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &unknown, NULL, 1,
                  APPROVAL_NOT_WHO },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, NULL, NULL, 1,
                  APPROVAL_NOT_WHO },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &apt, &login, 1,
                  APPROVAL_FITS },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/a", NULL, &apt, &other, 1,
                  APPROVAL_NOT_WHO },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/secret/k", NULL, &apt, NULL, 1,
                  APPROVAL_ELSEWHERE },
                { LIMITED, "19:00:00.000000000", "/etc/hosts", NULL, &apt, NULL, 0x77,
                  APPROVAL_FITS },
                { LIMITED, "19:00:00.000000000", "/etc/hosts", NULL, &apt, NULL, 0x78,
                  APPROVAL_NOT_WHAT },
                { LIMITED, "19:00:00.000000000", "/etc/hosts", NULL, &apt, NULL, 0,
                  APPROVAL_NOT_WHAT },
                { LIMITED, "19:00:00.000000000", "/etc/old", NULL, &apt, NULL, 0, APPROVAL_FITS },
                { LIMITED, "19:00:00.000000000", "/etc/old", NULL, &apt, NULL, 1,
                  APPROVAL_NOT_WHAT },
                { LIMITED, "19:00:00.000000000", "/etc/nginx/h", "/etc/hosts", &apt, NULL, 1,
                  APPROVAL_NOT_WHAT },
                { LIMITED, "19:00:00.000000000", "/etc/hosts", "/etc/old", &apt, NULL, 0x77,
                  APPROVAL_FITS },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(approval_freep) struct approval *a = parsed(cases[i].json);
                CLEANUP(who_unrefp) struct who *who = cases[i].who ? author(cases[i].who) : NULL;
                CLEANUP(who_unrefp) struct who *also = cases[i].also ? author(cases[i].also) : NULL;
                struct who *others[] = { also, NULL };
                struct record is = sample_file(1, 0x77);
                struct change c = { .path = span_str(cases[i].path),
                                    .who = who,
                                    .also = others,
                                    .is = cases[i].is ? &is : NULL };
                char time[64];

                snprintf(time, sizeof time, "2026-11-21T%sZ", cases[i].time);
                c.wall_ns = at(time);
                if (cases[i].from)
                        c.from = span_str(cases[i].from);
                memset(is.sha256, cases[i].is, sizeof is.sha256);
                if (approval_judge(a, &c, NULL) != cases[i].want)
                        fail_msg("case %zu, %s: %d", i, cases[i].path, approval_judge(a, &c, NULL));
        }
        (void)state;
}

/* Whoever closes one has read what came before: what is seen afterwards happened afterwards. */
static void test_closed(void **state)
{
        static const struct {
                const char *time;
                enum approval_fit want;
        } cases[] = {
                { T("19:59:59"), APPROVAL_FITS },
                { T("20:00:00"), APPROVAL_NOT_NOW },
        };
        CLEANUP(approval_freep) struct approval *a = parsed(PLAIN);
        struct approvals all = { .of = { a }, .n = 1 };
        struct record is = sample_file(1, 0x77);
        struct change c = { .path = SPAN("/etc/nginx"), .is = &is };

        a->closed = true;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct span t = span_of(cases[i].time + 1, strlen(cases[i].time) - 2);
                char time[64];

                snprintf(time, sizeof time, "%.*s", (int)t.n, (const char *)t.p);
                c.wall_ns = at(time);
                assert_int_equal(approval_judge(a, &c, NULL), cases[i].want);
                assert_int_equal(approvals_owner(&all, c.path, c.wall_ns) != NULL,
                                 cases[i].want == APPROVAL_FITS);
        }
        assert_false(
                approval_is_over(a, c.wall_ns)); /* it is kept for what is yet to be looked at */
        (void)state;
}

static void test_set(void **state)
{
        static const char text[] =
                DOC("", T("18:00:00"), "", "\"a\"", "\"/etc\"", T("19:00:00")) "\n" DOC(
                        "{\"uid\":5}", T("18:00:00"), "", "\"b\"", "\"/etc\"", T("20:00:00")) "\n";
        struct approvals s = { 0 };
        struct err err = { 0 };
        struct buf b = BUF_INIT(4096);
        struct record is = sample_file(1, 0x77);
        struct change c = { .path = SPAN("/etc/x"), .is = &is };
        const struct approval *a;
        enum approval_fit fit;

        assert_int_equal(approvals_parse(&s, "f", span_str(text), &err), 0);
        approvals_print(&s, &b);
        assert_string_equal(buf_cstr(&b), text);
        assert_int_equal(approvals_parse(&s, "f", span_str(text), &err), -EEXIST);
        assert_non_null(strstr(err.text, "f:1"));

        c.wall_ns = at("2026-11-21T18:30:00.000000000Z");
        a = approvals_judge(&s, &c, NULL, &fit);
        assert_int_equal(fit, APPROVAL_FITS);
        assert_true(span_eq_str(a->id, "a"));

        c.wall_ns = at("2026-11-21T19:30:00.000000000Z");
        a = approvals_judge(&s, &c, NULL, &fit);
        assert_int_equal(fit, APPROVAL_NOT_WHO); /* nearer than the one that is over */
        assert_true(span_eq_str(a->id, "b"));

        c.path = SPAN("/srv");
        assert_null(approvals_judge(&s, &c, NULL, &fit));
        approvals_expire(&s, at("2026-11-21T19:30:00.000000000Z"));
        assert_int_equal(s.n, 1);
        assert_null(approvals_find(&s, SPAN("a")));
        assert_non_null(approvals_find(&s, SPAN("b")));
        approvals_done(&s);
        buf_done(&b);
        (void)state;
}

/* What a scan finds in the window may be of before it: the file's own time tells, where it does. */
static void test_found_later(void **state)
{
        enum { EXT4 = 0xef53, NFS = 0x6969 };
        static const struct {
                const char *seen, *ctime;
                uint32_t fs;
                enum approval_fit want;
        } cases[] = {
                { "start", "17:59:59.000000000", EXT4,
                  APPROVAL_FITS }, /* clocks of a kernel differ */
                { "start", "17:59:58.999999999", EXT4, APPROVAL_NOT_NOW },
                { "rescan", "17:59:58.999999999", EXT4, APPROVAL_NOT_NOW },
                { "deep", "17:59:58.999999999", EXT4, APPROVAL_NOT_NOW },
                { "live", "17:59:58.999999999", EXT4, APPROVAL_FITS }, /* one that was set */
                { "start", "17:59:58.999999999", NFS, APPROVAL_FITS }, /* another host's */
                { "start", "17:59:58.999999999", 0, APPROVAL_FITS },
        };
        CLEANUP(approval_freep) struct approval *a = parsed(PLAIN);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct record is = sample_file(1, 0x77);
                struct change c = { .path = SPAN("/etc/nginx/a"),
                                    .seen = cases[i].seen,
                                    .wall_ns = at("2026-11-21T19:00:00.000000000Z"),
                                    .is = &is };
                char time[64];

                snprintf(time, sizeof time, "2026-11-21T%sZ", cases[i].ctime);
                is.ctime_ns = at(time);
                is.fs = cases[i].fs;
                if (approval_judge(a, &c, NULL) != cases[i].want)
                        fail_msg("case %zu", i);
                c.is = NULL; /* nothing tells when it went */
                assert_int_equal(approval_judge(a, &c, NULL), APPROVAL_FITS);
        }
        (void)state;
}

/* The clock is set back again and again: it lasts as long as it was to last. */
static void test_ran_out(void **state)
{
        static const struct {
                const char *now; /* when it became known, at 100 s of the other clock */
                int64_t lasts_s;
        } cases[] = {
                { "2026-11-21T18:00:00.000000000Z", 7200 },
                { "2026-11-21T17:00:00.000000000Z", 10800 }, /* is to begin in an hour */
                { "2026-11-21T19:59:59.000000000Z", 1 },
                { "2026-11-21T20:00:01.000000000Z", -1 },
        };
        struct approvals s = { 0 };
        struct err err = { 0 };
        struct approval *a = parsed(DOC("", T("18:00:00"), "", "\"a\"", "\"/etc\"", T("20:00:00")));
        int64_t began = 100 * NS_PER_S;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                int64_t end = began + cases[i].lasts_s * NS_PER_S;

                approval_begin(a, at(cases[i].now), began);
                if (approval_ran_out(a, end - 1) || !approval_ran_out(a, end))
                        fail_msg("case %zu", i);
        }
        approval_begin(a, INT64_MIN, began); /* a clock that is out of its mind */
        assert_false(approval_ran_out(a, INT64_MAX - 1));
        assert_int_equal(approvals_add(&s, a, &err), 0);
        assert_false(approvals_expect(&s, SPAN("/etc/a"), at("2026-11-21T18:00:00.000000000Z")));
        assert_non_null(approvals_owner(&s, SPAN("/etc/a"), at("2026-11-21T18:00:00.000000000Z")));
        approval_end(a);
        assert_null(approvals_owner(&s, SPAN("/etc/a"), at("2026-11-21T18:00:00.000000000Z")));
        approvals_expire(&s, at("2026-11-21T17:00:00.000000000Z"));
        assert_int_equal(s.n, 0);
        approvals_done(&s);
        (void)state;
}

static void test_expect(void **state)
{
        static const struct {
                const char *path, *now;
                bool want;
        } cases[] = {
                { "/etc/hosts", "2026-11-21T18:00:00.000000000Z", true },
                { "/etc/hosts", "2026-11-21T17:59:59.000000000Z", false },
                { "/etc/hosts", "2026-11-21T20:00:01.000000000Z", false },
                { "/etc/old", "2026-11-21T18:00:00.000000000Z", false },     /* to be gone */
                { "/etc/nginx/a", "2026-11-21T18:00:00.000000000Z", false }, /* anything may be */
        };
        struct approvals s = { 0 };
        struct err err = { 0 };

        assert_int_equal(approvals_add(&s, parsed(LIMITED), &err), 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                if (approvals_expect(&s, span_str(cases[i].path), at(cases[i].now)) !=
                    cases[i].want)
                        fail_msg("case %zu", i);
        approvals_done(&s);
        (void)state;
}

static void test_ceilings(void **state)
{
        struct approvals s = { 0 };
        struct err err = { 0 };
        struct approval *a;
        char doc[512];

        for (int i = 0; i <= APPROVALS_MAX; i++) {
                snprintf(doc, sizeof doc,
                         DOC("", T("18:00:00"), "", "\"c%d\"", "\"/etc\"", T("20:00:00")), i);
                a = parsed(doc);
                if (i < APPROVALS_MAX) {
                        assert_int_equal(approvals_add(&s, a, &err), 0);
                } else {
                        assert_int_equal(approvals_add(&s, a, &err), -ENOSPC);
                        approval_free(a);
                }
        }
        approvals_done(&s);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
                cmocka_unit_test(test_judge),      cmocka_unit_test(test_set),
                cmocka_unit_test(test_ceilings),   cmocka_unit_test(test_closed),
                cmocka_unit_test(test_ran_out),    cmocka_unit_test(test_found_later),
                cmocka_unit_test(test_expect),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
