/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared/cache.h"

#include "../../chance.h"
#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t hash_key[16] = "sixteen bytes...";
static const int64_t NOW = INT64_C(1795651200) * NS_PER_S;

enum {
        BYTES = CACHE_MIN,
        HEADER = 640,
        BODY_MAX = BYTES / 8, /* no record of this size fits: there are headers, and an index */
};

static struct cache *make(void)
{
        void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        assert_ptr_not_equal(memory, MAP_FAILED);
        return cache_init(memory, BYTES, hash_key);
}

static void drop(struct cache *c)
{
        munmap(c, BYTES);
}

static void make_key(uint32_t i, uint8_t ret[32])
{
        struct chance c = chance_of(i);

        for (size_t k = 0; k < 32; k++)
                ret[k] = (uint8_t)chance_below(&c, 256);
}

/* Bytes that tell which answer they are of. */
static const uint8_t *make_body(uint32_t who, uint32_t version, size_t n)
{
        static uint8_t body[BODY_MAX];
        struct chance c = chance_of(who * UINT64_C(1000003) + version);

        for (size_t i = 0; i + 4 <= n; i += 4) {
                uint32_t word = chance_below(&c, UINT32_MAX) | 1;

                memcpy(body + i, &word, 4);
        }
        for (size_t i = n / 4 * 4; i < n; i++)
                body[i] = (uint8_t)(chance_below(&c, 255) + 1);
        return body;
}

static void keep(struct cache *c, uint32_t who, uint32_t version, size_t n, int64_t from,
                 int64_t until)
{
        struct cache_answer a = { .status = (uint16_t)(200 + version % 100),
                                  .media = SPAN("application/json"),
                                  .body = span_of(make_body(who, version, n), n),
                                  .stored_ns = from,
                                  .until_ns = until };
        uint8_t key[32];

        make_key(who, key);
        cache_keep(c, key, &a);
}

/* 'Z' is in nothing else. */
static void keep_of(struct cache *c, uint32_t who, uint64_t sources)
{
        static const char body[] = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ";
        struct cache_answer a = { .status = 200,
                                  .body = SPAN(body),
                                  .stored_ns = NOW,
                                  .until_ns = NOW + NS_PER_S,
                                  .sources = sources };
        uint8_t key[32];

        make_key(who, key);
        cache_keep(c, key, &a);
}

static bool find(struct cache *c, uint32_t who, int64_t now, struct cache_answer *ret)
{
        static uint8_t buf[BYTES];
        uint8_t key[32];

        make_key(who, key);
        return cache_find(c, key, now, buf, sizeof buf, ret);
}

/* It is this one, whole. */
static bool is(const struct cache_answer *a, uint32_t who, uint32_t version, size_t n)
{
        return a->status == 200 + version % 100 && span_eq_str(a->media, "application/json") &&
               a->body.n == n && memcmp(a->body.p, make_body(who, version, n), n) == 0;
}

static bool all_zero(const struct cache *c)
{
        const uint8_t *p = (const uint8_t *)c;

        for (size_t i = HEADER; i < BYTES; i++)
                if (p[i])
                        return false;
        return true;
}

/* ---- by hand ---- */

static void times(void **state)
{
        static const struct {
                const char *name;
                int64_t from, until, at; /* milliseconds from now */
                bool found;
        } t[] = {
                { "at once", 0, 60000, 0, true },
                { "a moment before it is over", 0, 60000, 59999, true },
                { "over", 0, 60000, 60000, false },
                { "long over", 0, 60000, 100000000, false },
                { "another worker's clock is behind", 0, 60000, -1000, true },
                { "the clock went back", 0, 60000, -1001, false },
                { "over before it began", 0, 0, 0, false },
                { "over even before", 0, -1, -500, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct cache *c = make();
                struct cache_answer a;

                keep(c, 1, 7, 1000, NOW + t[i].from * NS_PER_MS, NOW + t[i].until * NS_PER_MS);
                if (find(c, 1, NOW + t[i].at * NS_PER_MS, &a) != t[i].found)
                        fail_msg("%s", t[i].name);
                if (t[i].found)
                        assert_true(is(&a, 1, 7, 1000) && a.stored_ns == NOW &&
                                    a.until_ns == NOW + 60 * NS_PER_S);
                assert_false(find(c, 2, NOW, &a));
                drop(c);
        }
}

static void sizes(void **state)
{
        static const struct {
                size_t n;
                bool kept;
        } t[] = {
                { 0, true },      { 1, true },         { 15, true },
                { 16, true },     { 10 * 1024, true }, { 100000, true },
                { 126600, true }, { 130000, false },   { BODY_MAX - 1, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct cache *c = make();
                struct cache_answer a;
                struct cache_counts n;
                uint8_t key[32], *buf = malloc(t[i].n + 16);

                keep(c, 3, 1, t[i].n, NOW, NOW + NS_PER_S);
                if (find(c, 3, NOW, &a) != t[i].kept)
                        fail_msg("%zu", t[i].n);
                assert_true(!t[i].kept || is(&a, 3, 1, t[i].n));
                /* With "application/json" it is 16 bytes more, and not one less. */
                make_key(3, key);
                assert_false(cache_find(c, key, NOW, buf, t[i].n + 15, &a));
                assert_int_equal(cache_find(c, key, NOW, buf, t[i].n + 16, &a), t[i].kept);
                cache_counts(c, &n);
                assert_int_equal(n.kept, t[i].kept);
                assert_int_equal(n.hits, t[i].kept ? 2 : 0);
                assert_int_equal(n.misses, t[i].kept ? 1 : 3);
                free(buf);
                drop(c);
        }
}

static void a_new_answer_replaces_the_old_one(void **state)
{
        struct cache *c = make();
        struct cache_answer a;

        for (uint32_t version = 0; version < 50; version++) {
                keep(c, 1, version, 500 + version, NOW, NOW + NS_PER_S);
                assert_true(find(c, 1, NOW, &a) && is(&a, 1, version, 500 + version));
        }
        /* One that is too large is not kept, and the old one is not the answer any more. */
        keep(c, 1, 99, BODY_MAX - 1, NOW, NOW + NS_PER_S);
        assert_false(find(c, 1, NOW, &a));
        drop(c);
}

static bool has_word(const struct cache *c, const uint8_t *word)
{
        return memmem((const uint8_t *)c + HEADER, BYTES - HEADER, word, 32) != NULL;
}

/* What was said is nowhere in the memory any more, not even its end. */
static void what_is_given_up_is_zeroed(void **state)
{
        static const char *const how[] = { "erased", "over", "replaced", "overwritten" };
        uint8_t head[32], middle[32], end[32];

        memcpy(head, make_body(1, 1, 5000), 32);
        memcpy(middle, make_body(1, 1, 5000) + 2500, 32);
        memcpy(end, make_body(1, 1, 5000) + 4968, 32);
        for (size_t i = 0; i < ARRAY_LEN(how); i++) {
                struct cache *c = make();
                struct cache_answer a;

                keep(c, 1, 1, 5000, NOW, NOW + NS_PER_S);
                assert_true(has_word(c, head) && has_word(c, middle) && has_word(c, end));
                if (i == 0)
                        cache_erase(c);
                if (i == 1)
                        assert_false(find(c, 1, NOW + NS_PER_S, &a));
                if (i == 2)
                        keep(c, 1, 2, 10, NOW, NOW + NS_PER_S);
                for (uint32_t k = 10; i == 3 && find(c, 1, NOW, &a); k++)
                        keep(c, k, 1, 777, NOW, NOW + NS_PER_S);
                if (has_word(c, head) || has_word(c, middle) || has_word(c, end))
                        fail_msg("%s: it is still there", how[i]);
                drop(c);
        }
}

static void nothing_is_left_after_erase(void **state)
{
        struct cache *c = make();
        struct cache_counts n;

        for (uint32_t round = 0; round < 20; round++) {
                for (uint32_t i = 0; i < 300 * round; i++)
                        keep(c, i, round, i * 7 % 9000, NOW, NOW + NS_PER_S);
                cache_erase(c);
                assert_true(all_zero(c));
        }
        cache_counts(c, &n);
        assert_int_equal(n.erased, 20);
        assert_int_equal(n.used, 0);
        assert_int_equal(n.damaged, 0);
        drop(c);
}

/* What is of another place stays; what is of several goes with each of them. */
/* Also behind what may be shown for longer, in as many goes as it takes. */
static void what_is_over_is_swept(void **state)
{
        enum { N = 700 };
        struct cache *c = make();
        struct cache_answer a;
        uint64_t from = 0;

        (void)state;
        keep(c, 0, 0, 100, NOW, NOW + 9 * NS_PER_S);
        keep_of(c, 1, 1); /* for a second */
        for (uint32_t i = 2; i < N; i++)
                keep(c, i, 0, 100, NOW, NOW + (i % 3 ? 1 : 9) * NS_PER_S);
        for (int i = 0; i < 9; i++)
                cache_sweep(c, NOW, &from);
        assert_non_null(memchr(c, 'Z', BYTES));
        for (int i = 0; i < 9; i++)
                cache_sweep(c, NOW + NS_PER_S, &from);
        assert_null(memmem(c, BYTES, "ZZZZ", 4));
        for (uint32_t i = 2; i < N; i++) {
                const uint8_t *body = make_body(i, 0, 100);

                assert_int_equal(memmem(c, BYTES, body, 100) != NULL, i % 3 == 0);
                assert_int_equal(find(c, i, NOW, &a), i % 3 == 0);
        }
        assert_true(find(c, 0, NOW + NS_PER_S, &a));
        cache_erase_of(c, UINT64_MAX);
        for (int i = 0; i < 9; i++)
                cache_sweep(c, NOW + NS_PER_S, &from);
        from = UINT64_MAX - 7; /* of another one */
        cache_sweep(c, NOW + 9 * NS_PER_S, &from);
        for (int i = 0; i < 9; i++)
                cache_sweep(c, NOW + 9 * NS_PER_S, &from);
        assert_null(memmem(c, BYTES, make_body(0, 0, 100), 100));
        cache_erase(c);
        assert_true(all_zero(c));
        drop(c);
}

static void of_one_place_it_is_erased(void **state)
{
        enum { N = 200 };
        struct cache *c = make();
        struct cache_counts n;
        struct cache_answer a;
        uint64_t before[2];

        for (uint32_t i = 0; i < N; i++)
                keep_of(c, i, UINT64_C(1) << (i % 5 == 4 ? 63 : i % 5) | (i % 7 == 0 ? 4 : 0));
        before[0] = cache_erased(c, 8 | 1);
        before[1] = cache_erased(c, 2);
        cache_erase_of(c, 8 | UINT64_C(1) << 63);
        assert_true(cache_erased(c, 8 | 1) > before[0]);
        assert_true(cache_erased(c, 2) == before[1]);
        for (uint32_t i = 0; i < N; i++)
                assert_int_equal(find(c, i, NOW, &a), i % 5 != 3 && i % 5 != 4);
        cache_erase_of(c, 4);
        for (uint32_t i = 0; i < N; i++)
                assert_int_equal(find(c, i, NOW, &a), i % 5 < 2 && i % 7 != 0);
        for (uint32_t i = 0; i < N; i++)
                keep_of(c, i, 1);
        for (uint32_t i = 0; i < N; i++)
                assert_true(find(c, i, NOW, &a));
        cache_erase_of(c, 1);
        cache_erase_of(c, 2);
        for (uint32_t i = 0; i < N; i++)
                assert_false(find(c, i, NOW, &a));
        for (size_t i = HEADER; i < BYTES; i++) /* what was said is gone: bodies have no zeros */
                assert_true(((const uint8_t *)c)[i] != 'Z');
        cache_counts(c, &n);
        assert_true(n.erased == 4 && n.damaged == 0);
        before[0] = cache_erased(c, 1);
        cache_erase(c);
        assert_true(cache_erased(c, 1) > before[0] && all_zero(c));
        drop(c);
}

/* Every write that is called erases: it does not look at what is kept,
 * of its place or of others. */
static void erasing_a_place_touches_no_record(void **state)
{
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        struct cache *c = make();
        struct cache_answer a;

        assert_true(page > HEADER && page < BYTES);
        for (uint32_t i = 0; i < 200; i++)
                keep_of(c, i, UINT64_C(1) << i % 2);
        assert_int_equal(mprotect((uint8_t *)c + page, BYTES - page, PROT_NONE), 0);
        for (uint32_t i = 0; i < 1000; i++)
                cache_erase_of(c, 1);
        assert_int_equal(mprotect((uint8_t *)c + page, BYTES - page, PROT_READ | PROT_WRITE), 0);
        for (uint32_t i = 0; i < 200; i++)
                assert_int_equal(find(c, i, NOW, &a), i % 2);
        drop(c);
}

/* Somebody was killed in the midst of a change; the next thing is a write. */
static void erasing_a_place_hides_no_broken_change(void **state)
{
        enum { CHANGING = 48 };
        struct cache *c = make();
        struct cache_counts n;
        struct cache_answer a;

        keep_of(c, 1, 1);
        ((uint8_t *)c)[CHANGING] = 1;
        cache_erase_of(c, 2);
        assert_false(find(c, 1, NOW, &a));
        cache_counts(c, &n);
        assert_int_equal(n.damaged, 1);
        drop(c);
}

/* What was erased makes room before what is live: it is not counted as overwritten. */
static void what_was_erased_makes_room(void **state)
{
        struct cache *c = make();
        struct cache_counts n;
        struct cache_answer a;

        for (uint32_t round = 0; round < 50; round++) {
                for (uint32_t i = 0; i < 200; i++)
                        keep_of(c, 1000 * round + i, 4);
                for (uint32_t i = 0; i < 200; i++)
                        assert_true(find(c, 1000 * round + i, NOW, &a));
                cache_erase_of(c, 4);
        }
        cache_counts(c, &n);
        assert_true(n.kept == 10000 && n.overwritten == 0 && n.damaged == 0);
        drop(c);
}

/* ---- by chance, against a list ---- */

enum { KEYS = 400, STEPS = 60000 };

struct model {
        uint32_t version;
        size_t n;
        int64_t from, until;
        bool there; /* it was kept, and not erased since */
};

static size_t some_size(struct chance *c)
{
        uint32_t which = chance_below(c, 100);

        return which < 80   ? chance_below(c, 2000)
               : which < 99 ? chance_below(c, 20000)
                            : chance_below(c, BODY_MAX);
}

/* Never anything but what was kept last, and while it holds; ret_hits: how often that. */
static void step(struct cache *c, struct model *m, struct chance *by, uint32_t i, int64_t now,
                 unsigned *ret_hits)
{
        uint32_t who = chance_below(by, KEYS), what = chance_below(by, 1000);
        struct cache_answer a;

        if (what < 2) {
                cache_erase(c);
                for (uint32_t k = 0; k < KEYS; k++)
                        m[k].there = false;
                assert_true(all_zero(c));
        } else if (what < 300) {
                m[who] = (struct model){ .version = i,
                                         .n = some_size(by),
                                         .from = now,
                                         .until = now + chance_below(by, 3000) * NS_PER_MS,
                                         .there = true };
                keep(c, who, i, m[who].n, now, m[who].until);
        } else if (find(c, who, now, &a)) {
                *ret_hits += 1;
                if (!m[who].there || now >= m[who].until || !is(&a, who, m[who].version, m[who].n))
                        fail_msg("step %u: key %u: not the one that was kept", i, who);
        }
}

static void never_another_answer(void **state)
{
        for (uint64_t seed = 1; seed <= 3; seed++) {
                struct model *m = calloc(KEYS, sizeof *m);
                struct chance by = chance_of(seed);
                struct cache *c = make();
                struct cache_counts n;
                unsigned hits = 0;
                int64_t now = NOW;

                for (uint32_t i = 0; i < STEPS; i++) {
                        now += chance_below(&by, 5) * NS_PER_MS;
                        step(c, m, &by, i, now, &hits);
                }
                cache_counts(c, &n);
                assert_int_equal(n.hits, hits);
                assert_int_equal(n.damaged, 0);
                assert_in_range(hits, STEPS / 20, STEPS);
                assert_in_range(n.overwritten, 100, STEPS);
                free(m);
                drop(c);
        }
}

/* Where there is room for all and nothing is over, nothing is missed. */
static void nothing_is_lost_where_there_is_room(void **state)
{
        struct cache *c = make();
        struct cache_answer a;
        struct cache_counts n;

        for (uint32_t i = 0; i < 200; i++)
                keep(c, i, i, 3000 + i, NOW, NOW + NS_PER_S);
        for (uint32_t i = 0; i < 200; i++)
                assert_true(find(c, i, NOW + 1, &a) && is(&a, i, i, 3000 + i));
        cache_counts(c, &n);
        assert_int_equal(n.overwritten, 0);
        drop(c);
}

/* ---- what somebody left behind ---- */

static void only_a_cache_is_one(void **state)
{
        struct cache *c = make();
        uint8_t *memory = (uint8_t *)c;
        struct cache_answer a;

        keep(c, 1, 1, 100, NOW, NOW + NS_PER_S);
        assert_ptr_equal(cache_again(memory, BYTES), c);
        assert_true(find(c, 1, NOW, &a));
        assert_null(cache_again(memory, BYTES - 1));
        assert_null(cache_again(memory, 0));
        for (size_t i = 0; i < 16; i++) { /* magic and size */
                memory[i] ^= 0x10;
                assert_null(cache_again(memory, BYTES));
                memory[i] ^= 0x10;
        }
        drop(c);
}

/* Every byte of a cache with one record, changed: what is found is what was kept, or nothing. */
static void a_byte_that_changed_is_no_hit(void **state)
{
        struct cache *c = make();
        uint8_t *memory = (uint8_t *)c, *copy = malloc(BYTES);
        unsigned lost = 0;

        keep(c, 1, 1, 1000, NOW, NOW + NS_PER_S);
        memcpy(copy, memory, BYTES);
        for (size_t i = HEADER; i < BYTES; i++) {
                struct cache_answer a;

                if (!copy[i] && i % 97)
                        continue;
                memory[i] ^= 0x21;
                if (!find(c, 1, NOW, &a))
                        lost++;
                else
                        assert_true(is(&a, 1, 1, 1000));
                memory[i] = copy[i];
                memcpy(memory, copy, 65536);
        }
        assert_in_range(lost, 1000, 1200); /* the body, media type, header and entry */
        free(copy);
        drop(c);
}

/* Entries of the index that lead to each other's records: nobody gets what is another key's. */
static void an_entry_that_leads_elsewhere_is_no_hit(void **state)
{
        struct cache *c = make();
        uint8_t *entries[2], place[8], *p = (uint8_t *)c + HEADER;
        struct cache_answer a;
        size_t n = 0;

        keep(c, 1, 1, 500, NOW, NOW + NS_PER_S);
        keep(c, 2, 1, 500, NOW, NOW + NS_PER_S);
        for (; p < (uint8_t *)c + HEADER + BYTES / 512 * 16; p += 16) {
                uint64_t tag;

                memcpy(&tag, p, sizeof tag);
                if (tag) {
                        assert_true(n < ARRAY_LEN(entries));
                        entries[n++] = p;
                }
        }
        assert_int_equal(n, 2);
        memcpy(place, entries[0] + 8, sizeof place);
        memcpy(entries[0] + 8, entries[1] + 8, sizeof place);
        memcpy(entries[1] + 8, place, sizeof place);
        assert_false(find(c, 1, NOW, &a));
        assert_false(find(c, 2, NOW, &a));
        drop(c);
}

static void fill_by_chance(uint8_t *p, size_t n, struct chance *c)
{
        for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t)chance_below(c, 256);
}

/* Rubbish from each offset on, the log's bounds among it: it works on as a cache. */
static void rubbish_is_no_answer(void **state)
{
        static const size_t from[] = { 32, 40, 48, 64, HEADER, HEADER + 64, 20000, 100000, 900000 };

        for (uint32_t i = 0; i < 10 * ARRAY_LEN(from); i++) {
                struct chance by = chance_of(i + 1);
                struct cache *c = make();
                struct cache_answer a;
                size_t at = from[i % ARRAY_LEN(from)];

                for (uint32_t k = 0; k < 300; k++)
                        keep(c, k, 1, 2000, NOW, NOW + NS_PER_S);
                fill_by_chance((uint8_t *)c + at, BYTES - at, &by);
                for (uint32_t k = 0; k < 300; k++)
                        assert_true(!find(c, k, NOW, &a) || is(&a, k, 1, 2000));
                /* Somewhere in the first round it comes upon the damage, and erases all. */
                for (uint32_t k = 0; k < 600; k++)
                        keep(c, k % 300, 2 + k / 300, 2000, NOW, NOW + NS_PER_S);
                for (uint32_t k = 0; k < 300; k++)
                        assert_true(find(c, k, NOW, &a) && is(&a, k, 3, 2000));
                cache_erase(c);
                assert_true(at > 48 || all_zero(c)); /* else it is noticed where it is read */
                drop(c);
        }
}

/* A worker that keeps and finds without end, until it is killed. */
static void work_on(struct cache *c, uint32_t seed)
{
        struct chance by = chance_of(seed);
        struct cache_answer a;

        for (;;) {
                uint32_t who = chance_below(&by, 50);

                keep(c, who, who, 20 * who, NOW, NOW + NS_PER_S);
                (void)find(c, chance_below(&by, 50), NOW, &a);
                if (chance_below(&by, 100) == 0)
                        cache_erase(c);
                if (chance_below(&by, 4) == 0)
                        cache_erase_of(c, who);
        }
}

static void killed_workers_leave_no_wrong_answer(void **state)
{
        struct cache *c = make();
        struct cache_counts n;

        for (uint32_t i = 1; i <= 300; i++) {
                pid_t pid = fork();
                struct cache_answer a;

                assert_int_not_equal(pid, -1);
                if (pid == 0)
                        work_on(c, i);
                usleep(500 + i * 7919 % 3000);
                assert_int_equal(kill(pid, SIGKILL), 0);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                c = cache_again(c, BYTES);
                assert_non_null(c);
                for (uint32_t who = 0; who < 50; who++)
                        assert_true(!find(c, who, NOW, &a) || is(&a, who, who, 20 * who));
                cache_erase(c);
                assert_true(all_zero(c));
        }
        cache_counts(c, &n);
        assert_in_range(n.damaged, 1, 300); /* some were killed in the midst of a change */
        drop(c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times),
                cmocka_unit_test(sizes),
                cmocka_unit_test(a_new_answer_replaces_the_old_one),
                cmocka_unit_test(what_is_given_up_is_zeroed),
                cmocka_unit_test(nothing_is_left_after_erase),
                cmocka_unit_test(what_is_over_is_swept),
                cmocka_unit_test(of_one_place_it_is_erased),
                cmocka_unit_test(erasing_a_place_touches_no_record),
                cmocka_unit_test(erasing_a_place_hides_no_broken_change),
                cmocka_unit_test(what_was_erased_makes_room),
                cmocka_unit_test(never_another_answer),
                cmocka_unit_test(nothing_is_lost_where_there_is_room),
                cmocka_unit_test(only_a_cache_is_one),
                cmocka_unit_test(a_byte_that_changed_is_no_hit),
                cmocka_unit_test(an_entry_that_leads_elsewhere_is_no_hit),
                cmocka_unit_test(rubbish_is_no_answer),
                cmocka_unit_test(killed_workers_leave_no_wrong_answer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
