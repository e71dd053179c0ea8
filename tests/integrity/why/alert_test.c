/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/alert.h"

#include "../sample.h"
#include "base/clock.h"
#include "integrity/trusted/change.h"
#include "wire/json.h"
#include "wire/kind.h"

#include <stdio.h>

enum { S0 = 1000 };

static const struct watch_profile auth = { .name = SPAN_INIT("auth"), .mode = WATCH_ALERT };
static const struct watch_profile web = { .name = SPAN_INIT("web"), .mode = WATCH_RESTORE };

/* The recorder's own checks accept it; "kind id count state", what is missing as "-". */
static const char *told(struct buf *out, char text[256])
{
        static const char *const keys[] = { "k", "what.id", "what.count", "what.state",
                                            "what.severity" };
        struct err err = { 0 };
        size_t n = 0;

        text[0] = '\0';
        if (out->n == 0)
                return text;
        if (json_check(buf_span(out), &err) < 0 ||
            kind_check(buf_span(out), "sensor", NULL, 0, &err) < 0)
                fail_msg("%s: %s", err.text, buf_cstr(out));
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
                struct json_value v;
                struct span s = SPAN("-");

                if (json_get_path(json_value_of(buf_span(out)), keys[i], &v) &&
                    !json_value_plain(v, &s))
                        s = v.raw;
                n += (size_t)snprintf(text + n, 256 - n, "%s%.*s", i ? " " : "", (int)s.n,
                                      (const char *)s.p);
        }
        return text;
}

/* One change by an actor at a second. */
static const char *add(struct alerts *a, const char *actor, const char *cause, int second,
                       const char *path, const struct watch_profile *p, char text[256])
{
        struct record is = sample_file(1, 2);
        struct change c = { .wall_ns = second * NS_PER_S,
                            .path = span_str(path),
                            .profile = p,
                            .is = &is,
                            .seen = "live",
                            .unknown = "nobody" };
        struct alert_cause why = { .actor = span_str(actor),
                                   .cause = span_str(cause),
                                   .detail = SPAN("no approved change names it"),
                                   .severity = p->mode == WATCH_ALERT ? ALERT_HIGH : ALERT_CRITICAL,
                                   .now_ns = second * NS_PER_S };
        char id[ALERT_ID_MAX + 1];
        struct buf out = BUF_INIT(CHANGE_TEXT_MAX);

        alerts_add(a, &c, &why, &out, id);
        assert_true(id[0]);
        told(&out, text);
        buf_done(&out);
        return text;
}

static const char *end(struct alerts *a, int second, bool at_once, char text[256])
{
        struct buf out = BUF_INIT(CHANGE_TEXT_MAX);

        if (!alerts_end(a, second * NS_PER_S, second * NS_PER_S, at_once, &out))
                snprintf(text, 256, "none");
        else
                told(&out, text);
        buf_done(&out);
        return text;
}

static void test_one_act(void **state)
{
        CLEANUP(alerts_freep) struct alerts *a = NULL;
        char t[256];

        assert_int_equal(alerts_new(&a, NULL), 0);
        assert_string_equal(add(a, "s1", "", S0, "/etc/a", &auth, t),
                            "alert.raised f4240-1 - - high");
        assert_string_equal(add(a, "s1", "", S0 + 30, "/etc/b", &auth, t), "");
        assert_int_equal(alerts_open(a), 1);
        assert_string_equal(end(a, S0 + 89, false, t), "none");
        assert_string_equal(end(a, S0 + 90, false, t), "alert.updated f4240-1 2 quiet high");
        assert_string_equal(end(a, S0 + 90, false, t), "none");
        /* Then it is another act. */
        assert_string_equal(add(a, "s1", "", S0 + 90, "/etc/a", &auth, t),
                            "alert.raised 10a1d0-2 - - high");
        (void)state;
}

static void test_apart(void **state)
{
        CLEANUP(alerts_freep) struct alerts *a = NULL;
        char t[256];

        assert_int_equal(alerts_new(&a, NULL), 0);
        add(a, "s1", "", S0, "/etc/a", &auth, t);
        assert_string_not_equal(add(a, "s2", "", S0, "/etc/a", &auth, t), "");
        assert_string_not_equal(add(a, "s1", "CHG-1", S0, "/etc/a", &auth, t), "");
        assert_string_not_equal(add(a, "s", "1CHG-1", S0, "/etc/a", &auth, t), "");
        assert_int_equal(alerts_open(a), 4);
        /* One alone has nothing more to say. */
        assert_string_equal(end(a, S0, true, t), "");
        assert_int_equal(alerts_open(a), 3);
        (void)state;
}

static void test_worse_and_more(void **state)
{
        CLEANUP(alerts_freep) struct alerts *a = NULL;
        char t[256], path[32];
        int n = 1;

        assert_int_equal(alerts_new(&a, NULL), 0);
        add(a, "s1", "", S0, "/etc/a", &auth, t);
        for (n = 2; n < 10; n++)
                assert_string_equal(add(a, "s1", "", S0, "/etc/a", &auth, t), "");
        assert_string_equal(add(a, "s1", "", S0, "/etc/a", &auth, t),
                            "alert.updated f4240-1 10 open high");
        assert_string_equal(add(a, "s1", "", S0, "/srv/a", &web, t),
                            "alert.updated f4240-1 11 open critical");
        assert_string_equal(add(a, "s1", "", S0, "/etc/a", &auth, t), "");
        for (n = 13; n < 100; n++) {
                snprintf(path, sizeof path, "/etc/\n%d", n);
                assert_string_equal(add(a, "s1", "", S0, path, &auth, t), "");
        }
        assert_string_equal(add(a, "s1", "", S0, "/etc/a", &auth, t),
                            "alert.updated f4240-1 100 open critical");
        (void)state;
}

/* What comes after an explanation is another act. */
static void test_closed(void **state)
{
        CLEANUP(alerts_freep) struct alerts *a = NULL;
        char t[256];

        assert_int_equal(alerts_new(&a, NULL), 0);
        add(a, "s1", "", S0, "/etc/a", &auth, t);
        assert_false(alerts_close(a, "f4240-2"));
        assert_true(alerts_close(a, "f4240-1"));
        assert_int_equal(alerts_open(a), 0);
        assert_string_equal(add(a, "s1", "", S0 + 1, "/etc/a", &auth, t),
                            "alert.raised f4628-2 - - high");
        (void)state;
}

/* An act that never pauses ends all the same, and begins anew. */
static void test_long(void **state)
{
        CLEANUP(alerts_freep) struct alerts *a = NULL;
        char t[256];
        int s;

        assert_int_equal(alerts_new(&a, NULL), 0);
        for (s = 0; s < ALERT_LONG_S; s += 50) {
                add(a, "s1", "", S0 + s, "/etc/a", &auth, t);
                assert_string_equal(end(a, S0 + s, false, t), "none");
        }
        assert_string_equal(end(a, S0 + ALERT_LONG_S, false, t),
                            "alert.updated f4240-1 12 quiet high");
        (void)state;
}

static void test_ceiling(void **state)
{
        CLEANUP(alerts_freep) struct alerts *a = NULL;
        char t[256], actor[300];

        assert_int_equal(alerts_new(&a, NULL), 0);
        memset(actor, 'x', sizeof actor); /* longer than a key takes */
        for (int i = 0; i < 2 * ALERTS_MAX; i++) {
                while (strcmp(end(a, S0 + 1, false, t), "none") != 0)
                        assert_true(i >= ALERTS_MAX);
                snprintf(actor, 8, "%d", i);
                actor[strlen(actor)] = 'y';
                actor[sizeof actor - 1] = '\0';
                add(a, actor, "", S0 + 1, "/etc/a", &auth, t);
                assert_true(alerts_open(a) <= ALERTS_MAX);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_act),        cmocka_unit_test(test_apart),
                cmocka_unit_test(test_worse_and_more), cmocka_unit_test(test_long),
                cmocka_unit_test(test_ceiling),        cmocka_unit_test(test_closed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
