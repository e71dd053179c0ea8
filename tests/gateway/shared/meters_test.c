/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared/meters_text.h"

#include "../../alloc_fail.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* 2026-11-26T00:00:00Z, by date(1). */
static const int64_t DAY_S = INT64_C(1795651200);

static struct meters *make_lanes(uint32_t lanes, int64_t now_s)
{
        size_t n = meters_bytes(lanes);
        void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        assert_true(memory != MAP_FAILED);
        return meters_init(memory, n, now_s);
}

static void drop(struct meters *m, uint32_t lanes)
{
        munmap(m, meters_bytes(lanes));
}

static char *text_of(const struct meters *m, const struct meters_now *now)
{
        struct buf out = BUF_INIT(METERS_TEXT_MAX);

        assert_int_equal(meters_text(m, now, &out), 0);
        return (char *)(uintptr_t)buf_cstr(&out);
}

static void assert_line(const char *text, const char *line)
{
        char whole[256];

        snprintf(whole, sizeof whole, "\n%s\n", line);
        if (!strstr(text, whole))
                fail_msg("not there: %s", line);
}

/* ---- what is counted ---- */

static const struct call {
        unsigned worker;
        bool known; /* the operation */
        struct meters_call call;
} calls[] = {
        { 0,
          true,
          { .result = METERS_ANSWERED,
            .total_ns = 100000,
            .backend_ns = 99999,
            .cache = METERS_MISS } },
        { 1, true, { .result = METERS_ANSWERED, .total_ns = 100001, .backend_ns = 250001 } },
        { 5,
          true,
          { .result = METERS_CACHED,
            .total_ns = 0,
            .backend_ns = -1,
            .findings = 3,
            .cache = METERS_HIT } },
        { 1,
          true,
          { .result = METERS_FAILED,
            .reason = REFUSED_BACKEND_TIME,
            .total_ns = 10 * NS_PER_S + 1,
            .backend_ns = 10 * NS_PER_S,
            .cache = METERS_MISS } },
        { 0,
          false,
          { .result = METERS_REFUSED, .reason = REFUSED_PATH, .total_ns = -5, .backend_ns = -1 } },
        { 0,
          false,
          { .result = METERS_REFUSED,
            .reason = REFUSED_PATH,
            .total_ns = 1,
            .backend_ns = -1,
            .folded = true } },
};

static const char *const lines[] = {
        "assay_gateway_start_time_seconds 1795651200",
        "assay_gateway_calls_total{api=\"a\\\"\\\\b\",operation=\"get\",result=\"answered\"} 2",
        "assay_gateway_calls_total{api=\"a\\\"\\\\b\",operation=\"get\",result=\"cached\"} 1",
        "assay_gateway_calls_total{api=\"a\\\"\\\\b\",operation=\"get\",result=\"refused\"} 0",
        "assay_gateway_calls_total{api=\"a\\\"\\\\b\",operation=\"get\",result=\"failed\"} 1",
        "assay_gateway_calls_total{api=\"\",operation=\"\",result=\"refused\"} 2",
        "assay_gateway_refusals_total{reason=\"path\"} 2",
        "assay_gateway_refusals_total{reason=\"backend_time\"} 1",
        "assay_gateway_refusals_total{reason=\"policy\"} 0",
        "assay_gateway_refusals_folded_total 1",
        "assay_gateway_findings_total{api=\"a\\\"\\\\b\"} 3",
        "# UNIT assay_gateway_call_seconds seconds",
        "assay_gateway_call_seconds_bucket{api=\"a\\\"\\\\b\",le=\"0.0001\"} 2",
        "assay_gateway_call_seconds_bucket{api=\"a\\\"\\\\b\",le=\"0.00025\"} 3",
        "assay_gateway_call_seconds_bucket{api=\"a\\\"\\\\b\",le=\"10.0\"} 3",
        "assay_gateway_call_seconds_bucket{api=\"a\\\"\\\\b\",le=\"+Inf\"} 4",
        "assay_gateway_call_seconds_count{api=\"a\\\"\\\\b\"} 4",
        "assay_gateway_call_seconds_sum{api=\"a\\\"\\\\b\"} 10.000200002",
        "assay_gateway_call_seconds_sum{api=\"\"} 0.000000001",
        "assay_gateway_backend_seconds_bucket{api=\"a\\\"\\\\b\",le=\"0.0001\"} 1",
        "assay_gateway_backend_seconds_bucket{api=\"a\\\"\\\\b\",le=\"0.00025\"} 1",
        "assay_gateway_backend_seconds_bucket{api=\"a\\\"\\\\b\",le=\"0.0005\"} 2",
        "assay_gateway_backend_seconds_bucket{api=\"a\\\"\\\\b\",le=\"10.0\"} 3",
        "assay_gateway_backend_seconds_count{api=\"a\\\"\\\\b\"} 3",
        "assay_gateway_recorder_wait_seconds_bucket{le=\"2.5\"} 1",
        "assay_gateway_recorder_wait_seconds_count 1",
        "assay_gateway_recorder_wait_seconds_sum 1.500000000",
        "assay_gateway_recorder_waiting 7",
        "assay_gateway_workers 2",
        "assay_gateway_recorder_connected_workers 1",
        "assay_gateway_worker_generation{worker=\"0\"} 4",
        "assay_gateway_worker_generation{worker=\"127\"} 5",
        "assay_gateway_generation_oldest 4",
        "assay_gateway_generation_newest 5",
        "assay_gateway_generation_refused_workers 1",
        "assay_gateway_generation_refused{kind=\"signature\"} 6",
        "assay_gateway_generation_refused{kind=\"file\"} 0",
        "assay_gateway_generation_loaded_time_seconds 1795651300",
        "assay_gateway_cache_lookups_total{result=\"hit\"} 1",
        "assay_gateway_cache_lookups_total{result=\"miss\"} 2",
        "assay_gateway_cache_used_bytes 14",
        "assay_gateway_cache_size_bytes 15",
        "assay_gateway_limits_slots 16",
        "assay_gateway_limits_slots_used 9",
        "assay_gateway_limits_evicted_total 2",
        "assay_gateway_key_set_age_seconds{issuer=\"https://id.example\"} 61",
        "assay_gateway_key_sets_missing 1",
        "assay_gateway_tokens_remembered 30",
};

static void what_is_counted_is_said(void **state)
{
        const struct meters_keys keys[] = { { SPAN("https://id.example"), 61 },
                                            { SPAN("https://other.example"), -1 } };
        const struct meters_now now = { .now_ms = 20000,
                                        .cache = { .used = 14 },
                                        .cache_bytes = 15,
                                        .limits = { .slots = 16, .used = 9, .evicted = 2 },
                                        .keys = keys,
                                        .n_keys = ARRAY_LEN(keys) };
        const struct meters_worker one = { .waiting = 3,
                                           .generation = 4,
                                           .loaded_s = DAY_S,
                                           .refused = 6,
                                           .fault = METERS_FAULT_SIGNATURE,
                                           .tokens = 10 };
        const struct meters_worker other = { .waiting = 4,
                                             .connected = true,
                                             .generation = 5,
                                             .loaded_s = DAY_S + 100,
                                             .tokens = 20 };
        struct meters *m = make_lanes(4, DAY_S);
        struct meters_place place;
        char *text;

        (void)state;
        place = meters_place(m, SPAN("a\"\\b"), SPAN("get"));
        for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
                struct meters_call c = calls[i].call;

                if (calls[i].known)
                        c.place = place;
                meters_call(meters_lane(m, calls[i].worker), &c);
        }
        meters_waited(meters_lane(m, 3), 3 * NS_PER_S / 2);
        meters_say(m, 0, &one, 20000);
        meters_say(m, METERS_WORKERS_MAX - 1, &other, 20000 - METERS_SILENT_MS);
        meters_say(m, METERS_WORKERS_MAX, &other, 20000); /* not told */
        meters_say(m, 1, &other, 20000 - METERS_SILENT_MS - 1);
        meters_say(m, 2, &other, 20000);
        meters_leave(m, 2);
        text = text_of(m, &now);
        for (size_t i = 0; i < ARRAY_LEN(lines); i++)
                assert_line(text, lines[i]);
        assert_true(strlen(text) > 6);
        assert_string_equal(text + strlen(text) - 6, "# EOF\n");
        free(text);
        drop(m, 4);
}

static void a_name_is_one_place_and_too_many_are_others(void **state)
{
        struct meters *m = make_lanes(1, DAY_S);
        struct meters_place p, first = meters_place(m, SPAN("api"), SPAN("op"));
        struct span api, operation;
        char name[16];

        (void)state;
        assert_int_not_equal(first.call, meters_place(m, SPAN("api"), SPAN("")).call);
        assert_int_equal(first.api, meters_place(m, SPAN("api"), SPAN("")).api);
        for (int i = 0; i < 2 * METERS_PLACES_MAX; i++) {
                snprintf(name, sizeof name, "n%d", i);
                p = meters_place(m, span_str(name), SPAN("op"));
                assert_in_range(p.call, 1, METERS_PLACES_MAX - 1);
                assert_in_range(p.api, 1, METERS_APIS_MAX - 1);
        }
        meters_place_names(m, p.call, &api, &operation);
        assert_true(span_eq_str(api, "*") && span_eq_str(operation, "*"));
        assert_true(span_eq_str(meters_api_name(m, p.api), "*"));
        assert_int_equal(meters_places(m), METERS_PLACES_MAX);
        assert_int_equal(meters_apis(m), METERS_APIS_MAX);
        p = meters_place(m, SPAN("api"), SPAN("op"));
        assert_memory_equal(&p, &first, sizeof p);
        drop(m, 1);
}

static const struct within {
        uint64_t low, high, beyond; /* at most 0.1 ms, at most 1 ms, more than 10 s */
        unsigned percent;
        int64_t want_ns;
} within[] = {
        { 0, 0, 0, 99, 0 },          { 1, 0, 0, 99, 100000 },   { 99, 1, 0, 99, 100000 },
        { 98, 2, 0, 99, 1000000 },   { 98, 2, 0, 98, 100000 },  { 198, 1, 1, 99, 100000 },
        { 0, 98, 2, 99, INT64_MAX }, { 0, 98, 2, 50, 1000000 }, { 1, 0, 1, 100, INT64_MAX },
};

static void how_many_are_within_a_bound(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(within); i++) {
                const struct within *c = &within[i];
                struct meters_histogram h = { 0 };

                h.bucket[0] = c->low;
                h.bucket[3] = c->high;
                h.bucket[METERS_BUCKETS - 1] = c->beyond;
                if (meters_within_ns(&h, c->percent) != c->want_ns)
                        fail_msg("%zu: %lld", i, (long long)meters_within_ns(&h, c->percent));
        }
}

/* ---- several processes ---- */

enum { PROCESSES = 6, EACH = 50000 };

static void none_is_lost_where_workers_share_a_lane(void **state)
{
        struct meters *m = make_lanes(2, DAY_S);
        const struct meters_call c = {
                .result = METERS_REFUSED, .reason = REFUSED_RATE, .total_ns = 1, .backend_ns = -1
        };
        struct meters_sum *sum = calloc(1, sizeof *sum);
        int status;

        (void)state;
        assert_non_null(sum);
        for (unsigned w = 0; w < PROCESSES; w++) {
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid > 0)
                        continue;
                for (int i = 0; i < EACH; i++)
                        meters_call(meters_lane(m, w), &c);
                _exit(0);
        }
        for (unsigned w = 0; w < PROCESSES; w++) {
                assert_true(wait(&status) > 0);
                assert_int_equal(status, 0);
        }
        meters_sum(m, sum);
        assert_int_equal(sum->calls[0][METERS_REFUSED], PROCESSES * EACH);
        assert_int_equal(sum->refusals[REFUSED_RATE], PROCESSES * EACH);
        assert_int_equal(meters_count(&sum->apis[0].total), PROCESSES * EACH);
        assert_int_equal(sum->apis[0].total.sum_ns, PROCESSES * EACH);
        free(sum);
        drop(m, 2);
}

/* ---- the memory ---- */

static void only_meters_are_some(void **state)
{
        const size_t n = meters_bytes(3);
        struct meters *m = make_lanes(3, DAY_S);
        uint8_t *small = aligned_alloc(128, meters_bytes(1));

        (void)state;
        assert_ptr_equal(meters_again(m, n), m);
        assert_null(meters_again(m, n - 1));
        assert_null(meters_again(m, 8));
        *(uint8_t *)m ^= 1;
        assert_null(meters_again(m, n));
        assert_non_null(small);
        memset(small, 0, meters_bytes(1));
        assert_null(meters_init(small, meters_bytes(1) - 1, DAY_S));
        assert_non_null(meters_init(small, meters_bytes(1), DAY_S));
        assert_ptr_equal(meters_lane((struct meters *)(void *)small, 0),
                         meters_lane((struct meters *)(void *)small, 77));
        free(small);
        drop(m, 3);
}

/* ---- what a process that was killed has left ---- */

static bool odd_ones_live(int64_t pid)
{
        return pid % 2;
}

static void what_is_left_is_inherited_once(void **state)
{
        struct meters *m = make_lanes(1, DAY_S);
        uint64_t left[REFUSED_REASONS] = { 0 }, *own[3];

        (void)state;
        meters_inherit(m, odd_ones_live, left);
        for (uint32_t i = 0; i < ARRAY_LEN(own); i++) {
                own[i] = meters_untold(m, i, i + 1, left);
                assert_non_null(own[i]);
                own[i][REFUSED_RATE] = 10 + i;
                own[i][REFUSED_NOT] = 1;
        }
        assert_null(meters_untold(m, METERS_WORKERS_MAX, 2, left));
        left[REFUSED_RATE] = 100;
        meters_inherit(m, odd_ones_live, left); /* of process 2 */
        assert_int_equal(left[REFUSED_RATE], 111);
        assert_int_equal(left[REFUSED_NOT], 1);
        meters_inherit(m, odd_ones_live, left);
        assert_int_equal(left[REFUSED_RATE], 111);
        assert_true(own[0][REFUSED_RATE] == 10 && own[2][REFUSED_RATE] == 12);
        /* Process 3 is somebody else by now, and lives; whoever has its place knows better. */
        assert_ptr_equal(meters_untold(m, 2, 9, left), own[2]);
        assert_int_equal(own[2][REFUSED_RATE], 0);
        assert_int_equal(left[REFUSED_RATE], 123);
        assert_int_equal(left[REFUSED_NOT], 2);
        assert_int_equal(own[0][REFUSED_RATE], 10);
        drop(m, 1);
}

/* ---- the last hour ---- */

static void refuse_some(struct meters *m, unsigned n)
{
        const struct meters_call c = {
                .result = METERS_REFUSED, .reason = REFUSED_POLICY, .total_ns = 1, .backend_ns = -1
        };

        for (unsigned i = 0; i < n; i++) {
                meters_call(meters_lane(m, i), &c);
                meters_waited(meters_lane(m, i), NS_PER_MS);
        }
}

static const struct hour {
        int64_t at_s; /* since it began */
        unsigned refused;
        uint64_t hour, minute; /* after these; each minute before was looked at */
} hours[] = {
        { 10, 5, 5, 5 },    { 59, 1, 6, 6 },   { 60, 1, 7, 7 },   { 3599, 2, 9, 2 },
        { 3600, 1, 10, 3 }, { 3661, 0, 4, 1 }, { 7200, 0, 1, 0 }, { 7300, 8, 8, 8 },
};

static void an_hour_is_looked_back(void **state)
{
        struct meters *m = make_lanes(2, DAY_S);
        struct meters_past past;
        int64_t now = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
                for (; now <= hours[i].at_s; now++)
                        meters_remember(m, DAY_S + now);
                refuse_some(m, hours[i].refused);
                meters_past(m, DAY_S + hours[i].at_s, &past);
                assert_int_equal(past.refusals[REFUSED_POLICY], hours[i].hour);
                assert_int_equal(past.refusals[REFUSED_PATH], 0);
                assert_int_equal(meters_count(&past.wait), hours[i].minute);
        }
        meters_past(m, DAY_S - 86400, &past); /* a clock that goes back */
        assert_in_range(past.refusals[REFUSED_POLICY], 0, 18);
        drop(m, 2);
}

static void no_memory(void **state)
{
        struct meters *m = make_lanes(1, DAY_S);
        const struct meters_now now = { 0 };
        struct buf out = BUF_INIT(METERS_TEXT_MAX);
        size_t nth = 1;
        int rc;

        (void)state;
        for (;; nth++) {
                buf_done(&out);
                alloc_fail_nth = nth;
                rc = meters_text(m, &now, &out);
                alloc_fail_nth = 0;
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
        assert_true(nth > 3);
        buf_done(&out);
        out = BUF_INIT(1000);
        assert_int_equal(meters_text(m, &now, &out), -E2BIG);
        buf_done(&out);
        drop(m, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_counted_is_said),
                cmocka_unit_test(a_name_is_one_place_and_too_many_are_others),
                cmocka_unit_test(how_many_are_within_a_bound),
                cmocka_unit_test(none_is_lost_where_workers_share_a_lane),
                cmocka_unit_test(only_meters_are_some),
                cmocka_unit_test(what_is_left_is_inherited_once),
                cmocka_unit_test(an_hour_is_looked_back),
                cmocka_unit_test(no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
