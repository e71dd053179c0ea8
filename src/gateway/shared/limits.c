/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared/limits.h"

#include "base/clock.h"
#include "crypto/siphash.h"
#include "sys/crc32c.h"

enum { KEY = 24 };

/* All zeros is a slot that nobody has. */
struct slot {
        uint8_t key[KEY]; /* of the key's bytes so many, which no two keys share */
        int64_t last_ns;  /* when it was written */
        int64_t due_ns;   /* when the calls so far are paid for at the rate; past: all are */
        int64_t even_ns;  /* like it for the quota, if its calls were spread over the window */
        uint32_t window;  /* which one since 1970, of */
        uint32_t quota_s; /* 0: no quota was counted */
        uint32_t count;   /* passed in it */
        uint32_t check;   /* CRC-32C of what stands before */
};

struct row {
        struct slot slots[LIMITS_ROW];
};

struct limits {
        uint8_t magic[8];
        uint32_t n_rows;
        uint32_t reserved;
        uint8_t key[16];
        uint64_t evicted;
        uint64_t reserved_too[3];
        struct row rows[];
};
STATIC_ASSERT(sizeof(struct slot) == 64, "a slot is a line of the processor's cache");
STATIC_ASSERT(offsetof(struct limits, rows) == 64, "as in limits.h");

static const uint8_t magic[8] = { 'A', 'S', 'L', 'I', 'M', 'I', 'T', '1' };

static const int64_t SKEW_NS = LIMITS_SKEW_MS * NS_PER_MS;

/* A rate of one a day with a burst of a million is nobody's intention: 73 years are enough, and
 * leave room for sums. */
static const int64_t DEBT_MAX_NS = INT64_C(1) << 61;

static int64_t times(int64_t a, int64_t b)
{
        int64_t r;

        return __builtin_mul_overflow(a, b, &r) || r > DEBT_MAX_NS ? DEBT_MAX_NS : r;
}

static uint32_t rows_of(uint32_t slots)
{
        return slots <= LIMITS_ROW ? 1 : (slots - 1) / LIMITS_ROW + 1;
}

static size_t bytes_of_rows(uint32_t n_rows)
{
        return sizeof(struct limits) + (size_t)n_rows * sizeof(struct row);
}

size_t limits_bytes(uint32_t slots)
{
        return bytes_of_rows(rows_of(slots));
}

struct limits *limits_init(void *memory, uint32_t slots, const uint8_t key[16])
{
        struct limits *l = memory;

        l->n_rows = rows_of(slots);
        memcpy(l->key, key, sizeof l->key);
        memcpy(l->magic, magic, sizeof magic);
        return l;
}

struct limits *limits_again(void *memory, size_t bytes)
{
        struct limits *l = memory;

        if (bytes < sizeof *l || memcmp(l->magic, magic, sizeof magic) != 0 || l->n_rows == 0)
                return NULL;
        return bytes_of_rows(l->n_rows) == bytes ? l : NULL;
}

uint64_t limits_evicted(const struct limits *l)
{
        return l->evicted;
}

/* ---- finding a slot ---- */

static struct row *row_of(struct limits *l, const uint8_t key[32])
{
        uint64_t h = siphash(l->key, span_of(key, 32));

        return &l->rows[(h >> 32) * l->n_rows >> 32];
}

static uint32_t check_of(const struct slot *s)
{
        return crc32c(0, span_of(s, offsetof(struct slot, check)));
}

static int64_t window_ends(const struct slot *s)
{
        return times((int64_t)s->window + 1, s->quota_s * NS_PER_S);
}

/* Whoever has it would be treated no better with a new one. */
static bool is_free(const struct slot *s, int64_t now_ns)
{
        return s->check != check_of(s) ||
               (s->due_ns <= now_ns && (s->quota_s == 0 || window_ends(s) <= now_ns));
}

/* How much its owner gains by a fresh start.  What was written by a clock that has gone back since
 * would stay for as long as that was wrong: it goes first. */
static int64_t owed(const struct slot *s, int64_t now_ns)
{
        return s->last_ns > now_ns + SKEW_NS ? 0 : MAX_OF(s->due_ns, s->even_ns);
}

static struct slot *pick_slot(struct limits *l, struct row *r, int64_t now_ns)
{
        struct slot *best = &r->slots[0];

        for (size_t i = 0; i < LIMITS_ROW; i++) {
                struct slot *s = &r->slots[i];

                if (is_free(s, now_ns))
                        return s;
                if (owed(s, now_ns) < owed(best, now_ns))
                        best = s;
        }
        l->evicted++;
        return best;
}

/* A damaged slot is not its key's any more. */
static struct slot *find_slot(struct row *r, const uint8_t key[32])
{
        for (size_t i = 0; i < LIMITS_ROW; i++) {
                struct slot *s = &r->slots[i];

                if (memcmp(s->key, key, sizeof s->key) == 0 && s->check == check_of(s))
                        return s;
        }
        return NULL;
}

/* ---- the two limits ---- */

/* Between two calls, never shorter than what the rate says. */
static int64_t each_ns(const struct config_limit *limit)
{
        return ((int64_t)limit->per_s * NS_PER_S + limit->rate - 1) / limit->rate;
}

static int64_t burst_ns(const struct config_limit *limit)
{
        return times(each_ns(limit), MAX_OF(limit->burst, 1u));
}

/* A clock that is a little behind another worker's is in that one's window; whoever is further
 * behind has a clock that went back, and what was counted counts from now on. */
static void find_window(struct slot *s, const struct config_limit *limit, int64_t now_ns)
{
        uint32_t now = (uint32_t)(now_ns / NS_PER_S / limit->quota_s); /* fits, see limits_take() */
        uint32_t ahead = (uint32_t)((now_ns + SKEW_NS) / NS_PER_S / limit->quota_s);

        if (s->quota_s != limit->quota_s || s->window < now)
                s->count = 0;
        if (s->quota_s != limit->quota_s || s->window < now || s->window > ahead)
                s->window = now;
        s->quota_s = limit->quota_s;
}

/* What is known of a caller, as far as it makes sense now and by this limit. */
static void settle(struct slot *s, const struct config_limit *limit, int64_t now_ns)
{
        /* A clock that has gone back since: as much is due as then. */
        if (s->last_ns > now_ns + SKEW_NS)
                s->due_ns -= s->last_ns - now_ns;
        if (limit->rate)
                s->due_ns = MIN_OF(s->due_ns, now_ns + burst_ns(limit));
        if (limit->quota && limit->quota_s)
                find_window(s, limit, now_ns);
        else
                s->quota_s = 0;
}

/* 0, or how long until it may pass. */
static int64_t wait_for_rate(const struct slot *s, const struct config_limit *limit, int64_t now_ns)
{
        int64_t after;

        if (limit->rate == 0)
                return 0;
        after = MAX_OF(s->due_ns, now_ns) + each_ns(limit);
        return MAX_OF(after - now_ns - burst_ns(limit), INT64_C(0));
}

static int64_t wait_for_quota(const struct slot *s, const struct config_limit *limit,
                              int64_t now_ns)
{
        return s->quota_s && s->count >= limit->quota ? window_ends(s) - now_ns : 0;
}

static void spend(struct slot *s, const struct config_limit *limit, int64_t now_ns)
{
        int64_t length = s->quota_s * NS_PER_S;

        if (limit->rate)
                s->due_ns = MAX_OF(s->due_ns, now_ns) + each_ns(limit);
        if (s->quota_s == 0)
                return;
        s->count++;
        s->even_ns = s->window * length + (int64_t)((double)length * s->count / limit->quota);
}

/* Times between 1970 and 2043: what is outside stands still, and sums stay within 64 bits. */
static int64_t bounded(int64_t now_ns)
{
        return MIN_OF(MAX_OF(now_ns, INT64_C(0)), DEBT_MAX_NS);
}

struct limits_answer limits_take(struct limits *l, const uint8_t key[32],
                                 const struct config_limit *limit, int64_t now_ns)
{
        struct row *r = row_of(l, key);
        struct slot *s = find_slot(r, key), next = { 0 };
        int64_t now = bounded(now_ns), rate, quota;
        struct limits_answer ret = { LIMITS_PASS, 0 };

        if (s)
                next = *s;
        memcpy(next.key, key, sizeof next.key);
        settle(&next, limit, now);
        rate = wait_for_rate(&next, limit, now);
        quota = wait_for_quota(&next, limit, now);
        if (rate || quota)
                ret.what = rate > quota ? LIMITS_RATE : LIMITS_QUOTA;
        else
                spend(&next, limit, now);
        ret.again_ns = MAX_OF(rate, quota);
        next.last_ns = now;
        next.check = check_of(&next);
        if (!s)
                s = pick_slot(l, r, now);
        *s = next; /* the checksum last, should we be killed here: any order will do */
        return ret;
}

void limits_use(const struct limits *l, int64_t now_ns, struct limits_use *ret)
{
        const uint32_t looked = MIN_OF(l->n_rows, (uint32_t)LIMITS_LOOK);
        const int64_t now = bounded(now_ns);
        uint64_t used = 0;

        assert(looked > 0);
        for (uint32_t i = 0; i < looked; i++) {
                const struct row *r = &l->rows[(uint64_t)i * l->n_rows / looked];

                for (size_t k = 0; k < LIMITS_ROW; k++) {
                        const struct slot slot = r->slots[k];

                        used += !is_free(&slot, now);
                }
        }
        *ret = (struct limits_use){ .slots = (uint64_t)l->n_rows * LIMITS_ROW,
                                    .used = used * l->n_rows / looked,
                                    .evicted = l->evicted };
}

const struct config_limit *limits_of(const struct config *c, struct span operation)
{
        uint32_t from = 0, until = c->n_limits;

        while (from < until) {
                uint32_t middle = from + (until - from) / 2;
                int order = span_cmp(c->limits[middle].operation, operation);

                if (order == 0)
                        return &c->limits[middle];
                if (order < 0)
                        from = middle + 1;
                else
                        until = middle;
        }
        /* "*" is before all names. */
        return c->n_limits && span_eq_str(c->limits[0].operation, "*") ? &c->limits[0] : NULL;
}
