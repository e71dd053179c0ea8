/* SPDX-License-Identifier: Apache-2.0 */
/* Who said that they live and do not any more: when it is told, how, and when not. */
#include "admit_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct admit_host host;
static struct peer peer[2];

static void pass(int64_t seconds)
{
        for (int64_t i = 0; i < seconds; i++) {
                host.f.now_ns += NS_PER_S;
                signs_tick(&host.r);
        }
}

/* A process of this role is connected. */
static struct peer *meet_mute(size_t i, enum role_id role, pid_t pid)
{
        struct peer *p = &peer[i];

        *p = (struct peer){ .r = &host.r,
                            .state = PEER_OPEN,
                            .fd = -1,
                            .role = role,
                            .run = ADMIT_RUN + i,
                            .cred = { .pid = pid, .uid = 0 },
                            .next = host.r.peers };
        host.r.peers = p;
        signs_heard(p);
        return p;
}

/* ... and has sent a beat. */
static struct peer *meet(size_t i, enum role_id role, pid_t pid)
{
        struct peer *p = meet_mute(i, role, pid);

        signs_beat(p);
        return p;
}

static void leave(struct peer *p)
{
        struct peer **link = &host.r.peers;

        while (*link != p)
                link = &(*link)->next;
        *link = p->next;
        signs_left(p);
        signs_gone(p);
}

static void say_bye(struct peer *p, uint8_t why, uint32_t pid)
{
        struct buf b = BUF_INIT(64);
        struct err err = { 0 };
        struct msg_reader m;

        msg_put_u8(&b, why);
        msg_put_u32(&b, pid);
        msg_put_u32(&b, 1000);
        m = (struct msg_reader){ .rest = buf_span(&b), .offset = MSG_HEADER, .err = &err };
        signs_farewell(p, &m);
        buf_done(&b);
}

/* The recorder's last entry has these words; each once. */
static void told(const char *const words[], size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!strstr(buf_cstr(&host.r.entry), words[i]))
                        fail_msg("no %s in %s", words[i], buf_cstr(&host.r.entry));
}
#define TOLD(...)                                                                                  \
        told((const char *const[]){ __VA_ARGS__ },                                                 \
             ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

static int set_up(void **state)
{
        struct err err = { 0 };

        admit_host_new(&host);
        if (!ledger_begin_run(host.r.ledger, recorder_wal_run(1, ROLE_RECORDER), admit_nobody,
                              NULL))
                return -1;
        return signs_start(&host.r, &err);
}

static int tear_down(void **state)
{
        admit_host_done(&host);
        return 0;
}

static void silent_for_a_minute(void **state)
{
        struct peer *p = meet(0, ROLE_SENSOR, 4711);
        uint64_t seq = host.r.seq;

        pass(RECORDER_SILENCE_DEFAULT_S - 1);
        assert_int_equal(host.r.seq, seq);
        pass(1);
        assert_int_equal(host.r.seq, seq + 1);
        TOLD("\"k\":\"alert.silent\"", "\"cause\":\"silent\"", "\"severity\":\"critical\"",
             "\"proc\":\"sensor\"", "\"pid\":4711");
        pass(600); /* once */
        assert_int_equal(host.r.seq, seq + 1);
        signs_heard(p);
        assert_int_equal(host.r.seq, seq + 2);
        TOLD("\"k\":\"alert.heard\"", "\"silent_ns\":660000000000", "\"pid\":4711");
        pass(RECORDER_SILENCE_DEFAULT_S - 1);
        assert_int_equal(host.r.seq, seq + 2);
        pass(1); /* and it counts anew */
        assert_int_equal(host.r.seq, seq + 3);
        TOLD("alert.silent");
}

/* Whoever promised nothing is not missed. */
static void without_a_beat(void **state)
{
        struct peer *p = meet(0, ROLE_SENSOR, 1);
        uint64_t seq = host.r.seq;

        p->beats = false;
        pass(600);
        leave(p);
        pass(600);
        assert_int_equal(host.r.seq, seq);
}

/* While the recorder is not looking, what they said waits for it. */
static void deaf(void **state)
{
        uint64_t seq;

        meet(0, ROLE_SENSOR, 1);
        seq = host.r.seq;
        host.f.now_ns += 3600 * NS_PER_S; /* it was stopped itself */
        signs_tick(&host.r);
        pass(RECORDER_SILENCE_DEFAULT_S - 1);
        assert_int_equal(host.r.seq, seq);
        host.r.held = true;
        pass(600);
        assert_int_equal(host.r.seq, seq);
        host.r.held = false;
        pass(RECORDER_SILENCE_DEFAULT_S);
        assert_int_equal(host.r.seq, seq + 1);
}

static void ends(void **state)
{
        static const struct {
                enum role_id role;
                uint8_t bye; /* 0: none */
                uint32_t asked;
                bool at_once;
                const char *cause, *severity, *reason;
        } t[] = {
                { ROLE_SENSOR, 0, 0, true, "\"ended\"", "\"critical\"", "it left" },
                { ROLE_MONITOR, 0, 0, true, "\"ended\"", "\"high\"", "it left" },
                { ROLE_SENSOR, MSG_BYE_STOP, 77, false, "\"stopped\"", "\"high\"",
                  "it stops, asked to by process 77 of user 1000" },
                { ROLE_UPLINK, MSG_BYE_AGAIN, 0, false, "\"stopped\"", "\"high\"",
                  "it starts anew" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct peer *p = meet(0, t[i].role, 99);
                uint64_t seq = host.r.seq;

                host.r.absence[t[i].role].ended = 0;
                if (t[i].bye)
                        say_bye(p, t[i].bye, t[i].asked);
                leave(p);
                assert_string_equal(p->why, t[i].reason);
                assert_int_equal(host.r.seq, seq + t[i].at_once);
                pass(RECORDER_SILENCE_DEFAULT_S);
                assert_int_equal(host.r.seq, seq + 1);
                TOLD("alert.silent", t[i].cause, t[i].severity, "\"pid\":99");
                if (t[i].asked)
                        TOLD("\"who\":{\"pid\":77,\"uid\":1000}");
                pass(600);
                assert_int_equal(host.r.seq, seq + 1);
                p = meet(0, t[i].role, 100);
                assert_int_equal(host.r.seq, seq + 2);
                TOLD("alert.heard", "\"pid\":100");
                host.r.peers = NULL;
        }
}

/* A restart that says so and is back in time is no alert; for how long it was away is known. */
static void restarts(void **state)
{
        struct peer *p = meet(0, ROLE_SENSOR, 1);
        uint64_t seq = host.r.seq;

        assert_int_equal(signs_away_ns(&host.r, ROLE_SENSOR), -1);
        say_bye(p, MSG_BYE_STOP, 1);
        leave(p);
        pass(20);
        assert_int_equal(signs_away_ns(&host.r, ROLE_SENSOR), 20 * NS_PER_S);
        meet(0, ROLE_SENSOR, 2);
        assert_int_equal(signs_away_ns(&host.r, ROLE_SENSOR), -1);
        assert_int_equal(host.r.seq, seq);
}

/* One that is killed again and again is told of at the 1st, 10th, 100th time. */
static void dies_again_and_again(void **state)
{
        uint64_t alerts = host.r.alerts;

        for (int i = 1; i <= 100; i++) {
                leave(meet(0, ROLE_SENSOR, i));
                assert_int_equal(host.r.alerts - alerts, i < 10 ? 1 : i < 100 ? 2 : 3);
                pass(1);
        }
        TOLD("alert.silent", "\"count\":100");
        meet(0, ROLE_SENSOR, 101);
        pass(1);
        leave(&peer[0]);
        assert_int_equal(host.r.alerts - alerts, 3);
        pass(RECORDER_SILENCE_DEFAULT_S); /* that it stays away is told all the same */
        assert_int_equal(host.r.alerts - alerts, 4);
        TOLD("alert.silent", "\"ended\"");
}

/* The same process over another connection has not been away; another in its place is. */
static void moves(void **state)
{
        static const struct {
                pid_t from, to;
                bool amiss;
        } t[] = { { 5, 5, false }, { 5, 6, true } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct peer *p = meet(0, ROLE_SENSOR, t[i].from);
                uint64_t alerts = host.r.alerts;

                host.r.absence[ROLE_SENSOR].ended = 0;
                peer[1] = *p;
                peer[1].beats = false;
                peer[1].cred.pid = t[i].to;
                signs_moved(p, &peer[1]);
                assert_int_equal(peer[1].beats, !t[i].amiss);
                leave(p);
                assert_int_equal(host.r.alerts - alerts, t[i].amiss);
        }
}

/* Whom to expect outlives the recorder, but not one that was taken out of service. */
static void expected_after_a_start(void **state)
{
        struct peer *sensor = meet(0, ROLE_SENSOR, 1), *uplink = meet(1, ROLE_UPLINK, 2);
        struct err err = { 0 };
        uint64_t seq;

        say_bye(uplink, MSG_BYE_STOP, 1);
        leave(uplink);
        pass(RECORDER_SILENCE_DEFAULT_S);
        signs_heard(sensor);
        host.r.peers = NULL; /* and with it the recorder */
        memset(host.r.absence, 0, sizeof host.r.absence);
        host.r.expected = 0;
        assert_int_equal(signs_start(&host.r, &err), 0);
        seq = host.r.seq;
        pass(RECORDER_SILENCE_DEFAULT_S - 1);
        assert_int_equal(host.r.seq, seq);
        pass(1);
        assert_int_equal(host.r.seq, seq + 1);
        TOLD("alert.silent", "\"missing\"", "\"sensor\"");
        meet(0, ROLE_SENSOR, 3);
        TOLD("alert.heard", "\"sensor\"");
        pass(1);
        assert_int_equal(host.r.expected, 1u << ROLE_SENSOR);
}

/* Who ought to be there is missed without ever having been heard, whether it connected or not; who
 * was taken out of service is told of once, whatever the start says, until it is back. */
static void expected_from_the_start(void **state)
{
        struct err err = { 0 };
        uint64_t seq = host.r.seq;
        struct peer *uplink;

        host.options.expect = signs_role(SPAN("monitor")) | signs_role(SPAN("uplink"));
        assert_int_equal(signs_start(&host.r, &err), 0);
        meet_mute(0, ROLE_MONITOR, 7);
        uplink = meet(1, ROLE_UPLINK, 8);
        pass(RECORDER_SILENCE_DEFAULT_S - 1);
        signs_heard(uplink);
        assert_int_equal(host.r.seq, seq);
        pass(1);
        assert_int_equal(host.r.seq, seq + 1);
        TOLD("alert.silent", "\"missing\"", "\"monitor\"", "\"high\"");
        signs_beat(&peer[0]);
        assert_int_equal(host.r.seq, seq + 2);
        TOLD("alert.heard", "\"pid\":7");
        say_bye(uplink, MSG_BYE_STOP, 1);
        leave(uplink);
        pass(RECORDER_SILENCE_DEFAULT_S);
        TOLD("alert.silent", "\"stopped\"", "\"uplink\"");
        for (int i = 0; i < 2; i++) { /* a start with it retired; one when it had been back */
                host.r.peers = NULL;
                memset(host.r.absence, 0, sizeof host.r.absence);
                host.r.expected = host.r.retired = 0;
                assert_int_equal(signs_start(&host.r, &err), 0);
                assert_int_equal(host.r.absence[ROLE_UPLINK].away, i);
                assert_true(host.r.absence[ROLE_MONITOR].away);
                meet(1, ROLE_UPLINK, 9);
        }
}

/* Several processes are one gateway: while one of them lives it is not missed. */
static void one_worker_of_several_ends(void **state)
{
        struct err err = { 0 };
        struct peer *one, *other;
        uint64_t seq;

        host.options.expect = signs_role(SPAN("gateway"));
        assert_int_equal(signs_start(&host.r, &err), 0);
        one = meet(0, ROLE_GATEWAY, 7);
        other = meet(1, ROLE_GATEWAY, 8);
        seq = host.r.seq;
        say_bye(one, MSG_BYE_AGAIN, 1);
        leave(one);
        signs_beat(other);
        pass(RECORDER_SILENCE_DEFAULT_S - 1);
        signs_heard(other);
        pass(1);
        assert_int_equal(host.r.seq, seq);
        say_bye(other, MSG_BYE_STOP, 1);
        leave(other);
        pass(RECORDER_SILENCE_DEFAULT_S);
        TOLD("alert.silent", "\"stopped\"", "\"gateway\"");
}

static void roles_that_beat(void **state)
{
        static const struct {
                const char *name;
                unsigned want;
        } t[] = { { "sensor", 1u << ROLE_SENSOR },
                  { "monitor", 1u << ROLE_MONITOR },
                  { "uplink", 1u << ROLE_UPLINK },
                  { "keys", 1u << ROLE_KEYS },
                  { "gateway", 1u << ROLE_GATEWAY },
                  { "recorder", 0 },
                  { "admin", 0 },
                  { "", 0 },
                  { "sensors", 0 } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                assert_int_equal(signs_role(span_str(t[i].name)), t[i].want);
}

static void silent_for_as_long_as_is_said(void **state)
{
        static const uint32_t t[] = { 20, 61, 3600 };
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct peer *p;
                uint64_t seq;

                host.options.silence_s = t[i];
                assert_int_equal(signs_start(&host.r, &err), 0);
                p = meet(0, ROLE_SENSOR, 4711);
                seq = host.r.seq;
                pass(t[i] - 1);
                assert_int_equal(host.r.seq, seq);
                pass(1);
                assert_int_equal(host.r.seq, seq + 1);
                signs_heard(p);
                say_bye(p, MSG_BYE_STOP, 1);
                leave(p);
                pass(t[i] - 1);
                assert_int_equal(host.r.seq, seq + 2);
                pass(1);
                assert_int_equal(host.r.seq, seq + 3);
                TOLD("alert.silent", "\"stopped\"");
        }
        host.options.silence_s = 0;
}

static void bad_goodbyes(void **state)
{
        struct peer *p;

        for (unsigned why = 0; why < 256; why++) {
                p = meet(0, ROLE_SENSOR, 1);
                say_bye(p, (uint8_t)why, why % 2 ? 1 : UINT32_MAX);
                assert_int_equal(p->violation, why != MSG_BYE_STOP);
                host.r.peers = NULL;
        }
}

/* A file that is not of our making names nobody. */
static void foreign_file(void **state)
{
        static const char *const t[] = {
                "",         "\n\n\n",    "admin\n",       "nobody\nsensor",
                "\xff\xfe", "-sensor\n", "--sensor\n-\n", "-sensor\nsensor"
        };
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                host.r.expected = host.r.retired = 0;
                assert_int_equal(io_replace_file(&io_kernel, host.r.private_fd, "expected",
                                                 host.r.private_fd, 0600, span_str(t[i]), &err),
                                 0);
                assert_int_equal(signs_start(&host.r, &err), 0);
                assert_int_equal(host.r.expected, i == 3 || i == 7 ? 1u << ROLE_SENSOR : 0);
                assert_int_equal(host.r.retired, i == 5 ? 1u << ROLE_SENSOR : 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(silent_for_a_minute, set_up, tear_down),
                cmocka_unit_test_setup_teardown(silent_for_as_long_as_is_said, set_up, tear_down),
                cmocka_unit_test_setup_teardown(without_a_beat, set_up, tear_down),
                cmocka_unit_test_setup_teardown(deaf, set_up, tear_down),
                cmocka_unit_test_setup_teardown(ends, set_up, tear_down),
                cmocka_unit_test_setup_teardown(restarts, set_up, tear_down),
                cmocka_unit_test_setup_teardown(dies_again_and_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(moves, set_up, tear_down),
                cmocka_unit_test_setup_teardown(expected_after_a_start, set_up, tear_down),
                cmocka_unit_test_setup_teardown(expected_from_the_start, set_up, tear_down),
                cmocka_unit_test_setup_teardown(one_worker_of_several_ends, set_up, tear_down),
                cmocka_unit_test_setup_teardown(roles_that_beat, set_up, tear_down),
                cmocka_unit_test_setup_teardown(bad_goodbyes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(foreign_file, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
