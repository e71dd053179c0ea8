/* SPDX-License-Identifier: Apache-2.0 */
/* meters.c - see meters.h.  In the memory:
 *
 *   head | names of places and of APIs | what workers say | the last hour | lanes
 *
 * Names are written before their number grows, so whoever reads without the lock sees whole ones.
 */
#include "gateway/shared/meters.h"

#include "base/clock.h"
#include "package/config/config.h"

enum { LINE = 128 /* two lines are fetched together */, OTHERS = 1, MINUTE_S = 60 };

struct place {
        char api[CONFIG_NAME_MAX + 1], operation[API_NAME_MAX + 1];
        uint16_t api_place;
};

struct said {
        int64_t seen_ms; /* 0: nobody is here */
        uint64_t generation, refused;
        int64_t loaded_s;
        uint32_t waiting, tokens;
        uint16_t fault;
        bool connected;
        int64_t pid; /* whose the following are; 0: nobody's */
        uint64_t untold[REFUSED_REASONS];
} __attribute__((aligned(LINE)));

struct minute {
        int64_t minute; /* since 1970; 0: nothing here */
        struct meters_past past;
};

struct meters_lane {
        struct meters_sum sum;
} __attribute__((aligned(LINE)));

struct meters {
        uint8_t magic[8];
        uint64_t bytes;
        int64_t since_s;
        uint32_t n_lanes, n_places, n_apis, last_minute;
        struct place places[METERS_PLACES_MAX];
        char apis[METERS_APIS_MAX][CONFIG_NAME_MAX + 1];
        struct said said[METERS_WORKERS_MAX];
        struct minute minutes[METERS_HOUR + 2]; /* one more than an hour has ends, and the one that
                                                   is being written */
        struct meters_lane lanes[];
};
STATIC_ASSERT(sizeof(struct meters) % LINE == 0 && sizeof(struct meters_lane) % LINE == 0,
              "no two workers write to one line");

static const uint8_t magic[8] = { 'A', 'S', 'M', 'E', 'T', 'E', 'R', '1' };

const int64_t meters_bounds_ns[METERS_BUCKETS - 1] = {
        100000,   250000,    500000,    1000000,   2500000,    5000000,    10000000,    25000000,
        50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, 10000000000,
};

const char *meters_result_name(enum meters_result r)
{
        static const char *const names[METERS_RESULTS] = { "answered", "cached", "refused",
                                                           "failed" };

        assert(r < METERS_RESULTS);
        return names[r];
}

const char *meters_fault_name(enum meters_fault f)
{
        static const char *const names[METERS_FAULTS] = { "none", "signature", "file", "memory",
                                                          "unsupported" };

        assert(f < METERS_FAULTS);
        return names[f];
}

/* ---- the memory ---- */

size_t meters_bytes(uint32_t lanes)
{
        return sizeof(struct meters) + (size_t)lanes * sizeof(struct meters_lane);
}

struct meters *meters_init(void *memory, size_t bytes, int64_t now_s)
{
        struct meters *m = memory;
        uint32_t lanes = METERS_LANES_MAX;

        while (lanes > 0 && meters_bytes(lanes) > bytes)
                lanes--;
        if (lanes == 0)
                return NULL;
        m->bytes = bytes;
        m->since_s = now_s;
        m->n_lanes = lanes;
        m->n_places = m->n_apis = OTHERS + 1;
        memcpy(m->places[OTHERS].api, "*", 2);
        memcpy(m->places[OTHERS].operation, "*", 2);
        m->places[OTHERS].api_place = OTHERS;
        memcpy(m->apis[OTHERS], "*", 2);
        m->minutes[0].minute = now_s / MINUTE_S;
        memcpy(m->magic, magic, sizeof magic);
        return m;
}

struct meters *meters_again(void *memory, size_t bytes)
{
        struct meters *m = memory;

        if (bytes < sizeof *m || memcmp(m->magic, magic, sizeof magic) != 0)
                return NULL;
        return m->bytes == bytes ? m : NULL;
}

int64_t meters_since_s(const struct meters *m)
{
        return m->since_s;
}

/* ---- names ---- */

static uint32_t number_of(const uint32_t *n)
{
        return __atomic_load_n(n, __ATOMIC_ACQUIRE);
}

/* Longer than any that a package has are cut. */
static void copy_name(char *to, size_t room, struct span name)
{
        size_t n = MIN_OF(name.n, room - 1);

        if (n)
                memcpy(to, name.p, n);
        to[n] = '\0';
}

static uint16_t place_of_api(struct meters *m, struct span api)
{
        uint32_t n = number_of(&m->n_apis);

        for (uint32_t i = OTHERS + 1; i < n; i++)
                if (span_eq_str(api, m->apis[i]))
                        return (uint16_t)i;
        if (n == METERS_APIS_MAX)
                return OTHERS;
        copy_name(m->apis[n], sizeof m->apis[n], api);
        __atomic_store_n(&m->n_apis, n + 1, __ATOMIC_RELEASE);
        return (uint16_t)n;
}

struct meters_place meters_place(struct meters *m, struct span api, struct span operation)
{
        uint32_t n = number_of(&m->n_places);
        struct place *p;

        for (uint32_t i = OTHERS + 1; i < n; i++)
                if (span_eq_str(api, m->places[i].api) &&
                    span_eq_str(operation, m->places[i].operation))
                        return (struct meters_place){ (uint16_t)i, m->places[i].api_place };
        if (n == METERS_PLACES_MAX)
                return (struct meters_place){ OTHERS, place_of_api(m, api) };
        p = &m->places[n];
        copy_name(p->api, sizeof p->api, api);
        copy_name(p->operation, sizeof p->operation, operation);
        p->api_place = place_of_api(m, api);
        __atomic_store_n(&m->n_places, n + 1, __ATOMIC_RELEASE);
        return (struct meters_place){ (uint16_t)n, p->api_place };
}

uint32_t meters_places(const struct meters *m)
{
        return number_of(&m->n_places);
}

void meters_place_names(const struct meters *m, uint32_t place, struct span *ret_api,
                        struct span *ret_operation)
{
        assert(place < METERS_PLACES_MAX);
        *ret_api = span_str(m->places[place].api);
        *ret_operation = span_str(m->places[place].operation);
}

uint32_t meters_apis(const struct meters *m)
{
        return number_of(&m->n_apis);
}

struct span meters_api_name(const struct meters *m, uint32_t api)
{
        assert(api < METERS_APIS_MAX);
        return span_str(m->apis[api]);
}

/* ---- counting ---- */

static void add(uint64_t *to, uint64_t n)
{
        __atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static void measure(struct meters_histogram *h, int64_t ns)
{
        unsigned i = 0;

        while (i < METERS_BUCKETS - 1 && ns > meters_bounds_ns[i])
                i++;
        add(&h->bucket[i], 1);
        add(&h->sum_ns, (uint64_t)MAX_OF(ns, INT64_C(0)));
}

struct meters_lane *meters_lane(struct meters *m, uint32_t worker)
{
        return &m->lanes[worker % m->n_lanes];
}

void meters_call(struct meters_lane *l, const struct meters_call *c)
{
        struct meters_sum *s = &l->sum;
        struct meters_api *api = &s->apis[c->place.api];

        assert(c->place.call < METERS_PLACES_MAX && c->place.api < METERS_APIS_MAX &&
               c->result < METERS_RESULTS && c->reason < REFUSED_REASONS);
        add(&s->calls[c->place.call][c->result], 1);
        measure(&api->total, c->total_ns);
        if (c->backend_ns >= 0)
                measure(&api->backend, c->backend_ns);
        if (c->findings)
                add(&api->findings, c->findings);
        if (c->reason != REFUSED_NOT)
                add(&s->refusals[c->reason], 1);
        if (c->folded)
                add(&s->folded, 1);
        if (c->cache != METERS_NOT_KEPT)
                add(c->cache == METERS_HIT ? &s->hits : &s->misses, 1);
}

void meters_waited(struct meters_lane *l, int64_t ns)
{
        measure(&l->sum.wait, ns);
}

/* ---- workers ---- */

#define PUT(to, v) __atomic_store_n(&(to), v, __ATOMIC_RELAXED)
#define GET(from)  __atomic_load_n(&(from), __ATOMIC_RELAXED)

void meters_say(struct meters *m, uint32_t place, const struct meters_worker *w, int64_t now_ms)
{
        struct said *s;

        if (place >= METERS_WORKERS_MAX)
                return;
        s = &m->said[place];
        PUT(s->waiting, w->waiting);
        PUT(s->connected, w->connected);
        PUT(s->generation, w->generation);
        PUT(s->loaded_s, w->loaded_s);
        PUT(s->refused, w->refused);
        PUT(s->fault, (uint16_t)w->fault);
        PUT(s->tokens, w->tokens);
        __atomic_store_n(&s->seen_ms, MAX_OF(now_ms, INT64_C(1)), __ATOMIC_RELEASE);
}

void meters_leave(struct meters *m, uint32_t place)
{
        if (place < METERS_WORKERS_MAX)
                PUT(m->said[place].seen_ms, INT64_C(0));
}

static struct meters_worker worker_of(const struct said *s)
{
        uint16_t fault = GET(s->fault);

        return (struct meters_worker){ .waiting = GET(s->waiting),
                                       .connected = GET(s->connected),
                                       .generation = GET(s->generation),
                                       .loaded_s = GET(s->loaded_s),
                                       .refused = GET(s->refused),
                                       .fault = fault < METERS_FAULTS ? (enum meters_fault)fault
                                                                      : METERS_NO_FAULT,
                                       .tokens = GET(s->tokens) };
}

uint32_t meters_workers(const struct meters *m, int64_t now_ms,
                        struct meters_worker ret[METERS_WORKERS_MAX])
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < METERS_WORKERS_MAX; i++) {
                int64_t seen = __atomic_load_n(&m->said[i].seen_ms, __ATOMIC_ACQUIRE);

                if (seen == 0 || now_ms - seen > METERS_SILENT_MS)
                        continue;
                ret[n] = worker_of(&m->said[i]);
                ret[n++].place = i;
        }
        return n;
}

/* An exchange each: two that look at once do not both have them. */
static void take_untold(struct said *s, uint64_t left[REFUSED_REASONS])
{
        for (size_t r = 0; r < REFUSED_REASONS; r++)
                left[r] += __atomic_exchange_n(&s->untold[r], 0, __ATOMIC_RELAXED);
}

void meters_inherit(struct meters *m, meters_lives_fn *lives, uint64_t left[REFUSED_REASONS])
{
        for (size_t i = 0; i < METERS_WORKERS_MAX; i++) {
                struct said *s = &m->said[i];
                int64_t pid = GET(s->pid);

                if (pid != 0 && !lives(pid))
                        take_untold(s, left);
        }
}

uint64_t *meters_untold(struct meters *m, uint32_t place, int64_t pid,
                        uint64_t left[REFUSED_REASONS])
{
        struct said *s = place < METERS_WORKERS_MAX ? &m->said[place] : NULL;

        if (!s)
                return NULL;
        take_untold(s, left);
        PUT(s->pid, pid);
        return s->untold;
}

/* ---- sums ---- */

/* A sum is a table of numbers, whatever they are called. */
STATIC_ASSERT(sizeof(struct meters_sum) % sizeof(uint64_t) == 0, "nothing but numbers");

void meters_sum(const struct meters *m, struct meters_sum *ret)
{
        uint64_t *to = (uint64_t *)(void *)ret;

        memset(ret, 0, sizeof *ret);
        for (uint32_t lane = 0; lane < m->n_lanes; lane++) {
                const uint64_t *from = (const uint64_t *)(const void *)&m->lanes[lane].sum;

                for (size_t i = 0; i < sizeof *ret / sizeof *to; i++)
                        to[i] += GET(from[i]);
        }
}

uint64_t meters_count(const struct meters_histogram *h)
{
        uint64_t n = 0;

        for (unsigned i = 0; i < METERS_BUCKETS; i++)
                n += h->bucket[i];
        return n;
}

int64_t meters_within_ns(const struct meters_histogram *h, unsigned percent)
{
        const uint64_t n = meters_count(h),
                       wanted = n - n / 100 * (100 - percent) - n % 100 * (100 - percent) / 100;
        uint64_t so_far = 0;

        if (n == 0)
                return 0;
        for (unsigned i = 0; i < METERS_BUCKETS - 1; i++) {
                so_far += h->bucket[i];
                if (so_far >= wanted)
                        return meters_bounds_ns[i];
        }
        return INT64_MAX;
}

/* ---- the last hour ---- */

static void sum_past(const struct meters *m, struct meters_past *ret)
{
        *ret = (struct meters_past){ 0 };
        for (uint32_t lane = 0; lane < m->n_lanes; lane++) {
                const struct meters_sum *s = &m->lanes[lane].sum;

                for (size_t i = 0; i < REFUSED_REASONS; i++)
                        ret->refusals[i] += GET(s->refusals[i]);
                for (size_t i = 0; i < METERS_BUCKETS; i++)
                        ret->wait.bucket[i] += GET(s->wait.bucket[i]);
                ret->wait.sum_ns += GET(s->wait.sum_ns);
        }
}

void meters_remember(struct meters *m, int64_t now_s)
{
        const uint32_t last = m->last_minute % ARRAY_LEN(m->minutes);
        const uint32_t next = (last + 1) % (uint32_t)ARRAY_LEN(m->minutes);

        if (m->minutes[last].minute == now_s / MINUTE_S)
                return;
        sum_past(m, &m->minutes[next].past);
        m->minutes[next].minute = now_s / MINUTE_S;
        m->last_minute = next;
}

/* The oldest that is not older than that many minutes; the newest where all are older, or a clock
 * that went back was ahead.  */
static const struct minute *minute_ago(const struct meters *m, int64_t now_s, int64_t minutes)
{
        const struct minute *found = NULL;
        const int64_t now = now_s / MINUTE_S;

        for (size_t i = 0; i < ARRAY_LEN(m->minutes); i++) {
                const struct minute *t = &m->minutes[i];

                if (t->minute && t->minute >= now - minutes && t->minute <= now &&
                    (!found || t->minute < found->minute))
                        found = t;
        }
        return found ? found : &m->minutes[m->last_minute % ARRAY_LEN(m->minutes)];
}

void meters_past(const struct meters *m, int64_t now_s, struct meters_past *ret)
{
        const struct meters_past *hour = &minute_ago(m, now_s, METERS_HOUR)->past;
        const struct meters_past *minute = &minute_ago(m, now_s, 1)->past;

        sum_past(m, ret);
        for (size_t i = 0; i < REFUSED_REASONS; i++)
                ret->refusals[i] -= MIN_OF(hour->refusals[i], ret->refusals[i]);
        for (size_t i = 0; i < METERS_BUCKETS; i++)
                ret->wait.bucket[i] -= MIN_OF(minute->wait.bucket[i], ret->wait.bucket[i]);
        ret->wait.sum_ns -= MIN_OF(minute->wait.sum_ns, ret->wait.sum_ns);
}
