/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder's own pulse under a clock that is set forwards and back and sleeps: which entries
 * there are, and every field of them. */
#include "../ledger/full_disk.h"
#include "admit_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct admit_host host;
static int64_t wall, mono;

static int64_t wall_now(void *ctx)
{
        return wall;
}

static int64_t mono_now(void *ctx)
{
        return mono;
}

static const struct clock two_clocks = { .wall_ns = wall_now, .mono_ns = mono_now };

enum { STARTED_S = 77 };
static const int64_t new_year = 1767225600 * NS_PER_S; /* 2026-01-01T00:00:00Z */

static int begin(void)
{
        if (!ledger_begin_run(host.r.ledger, recorder_wal_run(1, ROLE_RECORDER), admit_nobody,
                              NULL))
                return -1;
        wall = new_year;
        mono = STARTED_S * NS_PER_S;
        host.r.clock = &two_clocks;
        host.r.statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        pulse_start(&host.r);
        return 0;
}

static int set_up(void **state)
{
        admit_host_new(&host);
        return begin();
}

static int tear_down(void **state)
{
        fd_close(&host.r.statm_fd);
        host.r.peers = NULL;
        admit_host_done(&host);
        return 0;
}

/* Both clocks, by as much. */
static void pass(int64_t ns)
{
        wall += ns;
        mono += ns;
}

/* What the tick does with them: was it time to look? */
static bool tick(void)
{
        bool looked = pulse_look(&host.r);

        pulse_beat(&host.r);
        return looked;
}

static void live(int64_t seconds)
{
        for (int64_t i = 0; i < 4 * seconds; i++) {
                pass(NS_PER_S / 4);
                (void)tick();
        }
}

/* The last entry staged is this kind's; its what. */
static struct json_value last(const char *kind)
{
        struct entry e;

        assert_int_equal(json_check(buf_span(&host.r.entry), NULL), 0);
        assert_int_equal(entry_parse(buf_span(&host.r.entry), &e, NULL), 0);
        if (!span_eq_str(e.kind, kind))
                fail_msg("not %s: %s", kind, buf_cstr(&host.r.entry));
        return e.what;
}

static int64_t number(struct json_value what, const char *key)
{
        struct json_value v;
        int64_t n = 0;

        if (!json_get(what, key, &v) || !json_value_int(v, &n))
                fail_msg("no number %s", key);
        return n;
}

static void has(struct json_value what, const char *key, const char *want)
{
        struct json_value v;

        assert_true(json_get(what, key, &v));
        if (!span_eq_str(v.raw, want))
                fail_msg("%s: %.*s, not %s", key, (int)v.raw.n, (const char *)v.raw.p, want);
}

/* ---- the clock ---- */

static void clock_is_set(void **state)
{
        /* JSON has 2^53 - 1 at most: 104 days in nanoseconds; the times themselves are exact. */
        static const struct {
                const char *name;
                int64_t wall_ns, mono_ns; /* what each does between two looks */
                int64_t jump_ns;          /* 0: no entry */
                const char *before, *after;
        } t[] = {
                { "nothing", 5 * NS_PER_S, 5 * NS_PER_S, 0, NULL, NULL },
                { "a second is not told", 6 * NS_PER_S, 5 * NS_PER_S, 0, NULL, NULL },
                { "nor one back", 4 * NS_PER_S, 5 * NS_PER_S, 0, NULL, NULL },
                { "a little more is", 6 * NS_PER_S + 1, 5 * NS_PER_S, NS_PER_S + 1,
                  "\"2026-01-01T00:00:05.000000000Z\"", "\"2026-01-01T00:00:06.000000001Z\"" },
                { "back as well", 4 * NS_PER_S - 1, 5 * NS_PER_S, -NS_PER_S - 1,
                  "\"2026-01-01T00:00:05.000000000Z\"", "\"2026-01-01T00:00:03.999999999Z\"" },
                { "an hour", 3605 * NS_PER_S, 5 * NS_PER_S, 3600 * NS_PER_S,
                  "\"2026-01-01T00:00:05.000000000Z\"", "\"2026-01-01T01:00:05.000000000Z\"" },
                { "a year back", -365 * 86400 * NS_PER_S, 5 * NS_PER_S, -9007199254740991,
                  "\"2026-01-01T00:00:05.000000000Z\"", "\"2025-01-01T00:00:00.000000000Z\"" },
                { "a year on", 365 * 86400 * NS_PER_S, 5 * NS_PER_S, 9007199254740991,
                  "\"2026-01-01T00:00:05.000000000Z\"", "\"2027-01-01T00:00:00.000000000Z\"" },
                { "a suspend", 8 * 3600 * NS_PER_S, 8 * 3600 * NS_PER_S, 0, NULL, NULL },
                { "a suspend, and the wall clock stood", 0, 8 * 3600 * NS_PER_S,
                  -8 * 3600 * NS_PER_S, "\"2026-01-01T08:00:00.000000000Z\"",
                  "\"2026-01-01T00:00:00.000000000Z\"" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                uint64_t seq = host.r.seq;

                wall = new_year;
                mono += 1000 * NS_PER_S;
                pulse_start(&host.r);
                wall += t[i].wall_ns;
                mono += t[i].mono_ns;
                assert_true(pulse_look(&host.r));
                if (host.r.seq != seq + (t[i].jump_ns != 0))
                        fail_msg("%s: %d entries", t[i].name, (int)(host.r.seq - seq));
                pass(5 * NS_PER_S); /* it is told once */
                assert_true(pulse_look(&host.r));
                assert_int_equal(host.r.seq, seq + (t[i].jump_ns != 0));
                if (t[i].jump_ns == 0)
                        continue;
                assert_int_equal(number(last("host.clock"), "jump_ns"), t[i].jump_ns);
                has(last("host.clock"), "before", t[i].before);
                has(last("host.clock"), "after", t[i].after);
        }
}

static void looks_every_five_seconds(void **state)
{
        for (int i = 0; i < 3; i++) {
                pass(5 * NS_PER_S - 1);
                assert_false(tick());
                pass(1);
                assert_true(tick());
                assert_false(tick());
        }
        wall -= 3600 * NS_PER_S; /* told at the next look, not before */
        assert_false(tick());
        assert_int_equal(host.r.seq, 0);
        pass(5 * NS_PER_S);
        assert_true(tick());
        assert_int_equal(host.r.seq, 1);
        assert_int_equal(number(last("host.clock"), "jump_ns"), -3600 * NS_PER_S);
}

/* A clock that is a little too fast is steered, not set. */
static void drift_is_no_jump(void **state)
{
        for (int i = 0; i < 100; i++) {
                pass(5 * NS_PER_S);
                wall += NS_PER_S / 2;
                assert_true(pulse_look(&host.r));
        }
        assert_int_equal(host.r.seq, 0);
}

/* ---- the heartbeat ---- */

static void beats_every_quarter_hour(void **state)
{
        live(15 * 60 - 1);
        assert_int_equal(host.r.seq, 0);
        live(1);
        assert_int_equal(host.r.seq, 1);
        live(15 * 60 - 1);
        assert_int_equal(host.r.seq, 1);
        live(1);
        assert_int_equal(host.r.seq, 2);
        assert_int_equal(number(last("host.heartbeat"), "interval_ns"), 15 * 60 * NS_PER_S);
        assert_int_equal(number(last("host.heartbeat"), "uptime_ns"), 30 * 60 * NS_PER_S);
}

/* The wall clock has no say in when it is due. */
static void beats_by_the_monotonic_clock(void **state)
{
        wall += 86400 * NS_PER_S;
        (void)tick();
        assert_int_equal(host.r.seq, 0); /* not even time to look */
        live(15 * 60);
        assert_int_equal(host.r.seq, 2); /* host.clock and one beat */
        assert_int_equal(number(last("host.heartbeat"), "interval_ns"), 15 * 60 * NS_PER_S);
}

/* A clock that was set just now is told before: who verifies holds the beat's time against the one
 * before it. */
static void tells_of_the_clock_first(void **state)
{
        live(15 * 60 - 1);
        pass(NS_PER_S);
        wall -= 3600 * NS_PER_S;
        pulse_beat(&host.r);
        assert_int_equal(host.r.seq, 2);
        assert_int_equal(number(last("host.heartbeat"), "interval_ns"), 15 * 60 * NS_PER_S);
}

/* Late by as long as it slept, and one, not one for each quarter hour. */
static void beats_late_behind_a_suspend(void **state)
{
        live(60);
        pass(8 * 3600 * NS_PER_S);
        live(1);
        assert_int_equal(host.r.seq, 1);
        assert_int_equal(number(last("host.heartbeat"), "interval_ns"),
                         60 * NS_PER_S + 8 * 3600 * NS_PER_S + NS_PER_S / 4);
        live(15 * 60 - 1);
        assert_int_equal(host.r.seq, 1);
        live(1);
        assert_int_equal(host.r.seq, 2);
}

static void counters(void **state)
{
        struct peer gone = { .r = &host.r, .state = PEER_CLOSING, .role = ROLE_SENSOR, .run = 9 };
        struct peer admin = { .r = &host.r,
                              .state = PEER_OPEN,
                              .role = ROLE_ADMIN,
                              .run = 6,
                              .last = 0,
                              .next = &gone };
        struct peer sensor = { .r = &host.r,
                               .state = PEER_OPEN,
                               .role = ROLE_SENSOR,
                               .run = 4,
                               .last = 17,
                               .next = &admin };
        static const struct {
                struct counters total; /* in this life */
                int64_t appended, bytes, refused, resent, batches;
        } t[] = {
                { { 10, 2000, 3, 2, 4 }, 10, 2000, 3, 2, 4 },
                { { 10, 2000, 3, 2, 4 }, 0, 0, 0, 0, 0 },
                { { 1010, 1002000, 3, 7, 5 }, 1000, 1000000, 0, 5, 1 },
        };

        host.r.peers = &sensor;
        host.r.published = 41;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                uint64_t size = ledger_staged(host.r.ledger);
                struct json_value what;

                host.r.total = t[i].total;
                pass(15 * 60 * NS_PER_S + 7);
                (void)tick();
                assert_int_equal(host.r.seq, i + 1);
                what = last("host.heartbeat");
                assert_int_equal(number(what, "appended"), t[i].appended);
                assert_int_equal(number(what, "batches"), t[i].batches);
                assert_int_equal(number(what, "bytes"), t[i].bytes);
                assert_int_equal(number(what, "refused"), t[i].refused);
                assert_int_equal(number(what, "resent"), t[i].resent);
                assert_int_equal(number(what, "published"), 41);
                assert_int_equal(number(what, "size"), size);
                assert_int_equal(number(what, "interval_ns"), 15 * 60 * NS_PER_S + 7);
                assert_int_equal(number(what, "uptime_ns"),
                                 ((int64_t)i + 1) * (15 * 60 * NS_PER_S + 7));
                assert_in_range(number(what, "memory"), 100 << 10, UINT64_C(4) << 30);
                assert_true(number(what, "disk_free") > 0);
                has(what, "peers", "[[\"sensor\",4,17],[\"admin\",6,0]]");
        }
}

/* ---- a full disk ---- */

/* Others write until nothing of theirs, and nothing of ours, has room. */
static void fill_the_ledger(struct ledger *l)
{
        static const struct ledger_writer_id nobody = { 0 };
        static uint8_t some[20000];
        struct err err = { 0 };
        uint64_t index;

        for (size_t bytes = sizeof some; bytes >= 20; bytes /= 10) {
                int r;

                do {
                        r = ledger_stage(l, span_of(some, bytes), SPAN_NONE, nobody, &index, &err);
                        if (r == 0 || r == -ENOBUFS)
                                assert_int_equal(ledger_commit(l, &err), 0);
                } while (r == 0 || r == -ENOBUFS);
                assert_int_equal(r, -ENOSPC);
        }
}

static void check_counters(struct json_value what, const struct counters *want)
{
        assert_int_equal(number(what, "appended"), want->appended);
        assert_int_equal(number(what, "batches"), want->batches);
        assert_int_equal(number(what, "bytes"), want->bytes);
        assert_int_equal(number(what, "refused"), want->refused);
        assert_int_equal(number(what, "resent"), want->resent);
}

/* Quarter hours pass for which there is no room; what was counted in them, and by how much the
 * clock was set, comes with the first entries that have some.  Regression: it was forgotten. */
static void counts_what_a_full_disk_did_not_take(void **state)
{
        struct json_value what;

        if (!full_disk_may()) {
                print_message("needs root to mount a file system\n");
                skip();
        }
        memset(&host, 0, sizeof host);
        full_disk_new(&host.f, "24m");
        assert_int_equal(vault_create(host.f.private_fd, &io_kernel, NULL), 0);
        admit_host_start(&host);
        assert_int_equal(begin(), 0);
        host.r.total = (struct counters){ 10, 2000, 3, 2, 4 };
        live(15 * 60);
        assert_int_equal(host.r.seq, 1);

        full_disk_fill(&host.f);
        assert_int_equal(ledger_commit(host.r.ledger, NULL), 0);
        fill_the_ledger(host.r.ledger);
        host.r.total = (struct counters){ 12, 2400, 4, 2, 5 };
        live(15 * 60);
        wall += 3600 * NS_PER_S;
        host.r.turned_away = 3;
        host.r.total = (struct counters){ 12, 2400, 90, 7, 5 };
        live(40 * 60);
        wall -= 1800 * NS_PER_S;
        live(60);
        peer_tend(&host.r);
        assert_int_equal(host.r.seq, 1);
        assert_int_equal(host.r.turned_away, 3);
        assert_int_equal(host.r.stop_code, 0);

        assert_int_equal(full_disk_give_back(&host.f), 0);
        host.f.now_ns += NS_PER_S;
        ledger_tend(host.r.ledger);
        host.r.total.appended++;
        pass(5 * NS_PER_S);
        assert_true(pulse_look(&host.r));
        assert_int_equal(host.r.seq, 2);
        assert_int_equal(number(last("host.clock"), "jump_ns"), 1800 * NS_PER_S);
        pulse_beat(&host.r);
        assert_int_equal(host.r.seq, 3);
        what = last("host.heartbeat");
        check_counters(what, &(struct counters){ 3, 400, 87, 5, 1 });
        assert_int_equal(number(what, "interval_ns"), (56 * 60 + 5) * NS_PER_S);
        pass(3600 * NS_PER_S);
        peer_tend(&host.r);
        assert_int_equal(host.r.seq, 4);
        has(last("ledger.peer"), "reason", "\"3 connections were turned away or said nothing\"");
        assert_int_equal(host.r.turned_away, 0);
        (void)tick();
        assert_int_equal(host.r.seq, 5);
        check_counters(last("host.heartbeat"), &(struct counters){ 0 });

        fd_close(&host.r.statm_fd);
        admit_host_stop(&host);
        full_disk_done(&host.f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(clock_is_set, set_up, tear_down),
                cmocka_unit_test_setup_teardown(looks_every_five_seconds, set_up, tear_down),
                cmocka_unit_test_setup_teardown(drift_is_no_jump, set_up, tear_down),
                cmocka_unit_test_setup_teardown(beats_every_quarter_hour, set_up, tear_down),
                cmocka_unit_test_setup_teardown(beats_by_the_monotonic_clock, set_up, tear_down),
                cmocka_unit_test_setup_teardown(tells_of_the_clock_first, set_up, tear_down),
                cmocka_unit_test_setup_teardown(beats_late_behind_a_suspend, set_up, tear_down),
                cmocka_unit_test_setup_teardown(counters, set_up, tear_down),
                cmocka_unit_test(counts_what_a_full_disk_did_not_take),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
