/* SPDX-License-Identifier: Apache-2.0 */
/* meters.h - what is counted of calls, in memory that all workers share.  Floor 3, pure: the owner
 * has the memory, zeroed at first, and its lock.
 *
 * A worker counts in a lane of its own, so that no two of them write to one line of the processor's
 * cache; what is said is the sum over lanes.  Where there are more workers than lanes, or old ones
 * beside new ones, several have one: a count is one atomic addition, and none is lost by that.
 * Nothing here takes a lock but meters_place().  Counts outlive the worker that made them.
 *
 * Names are those of packages, never a caller's: METERS_PLACES_MAX pairs of API and operation and
 * METERS_APIS_MAX APIs since the memory was made.  What comes later is counted together, as "*".
 * A call whose API or operation is not known has "" there.
 *
 * What a worker says of itself (meters_say()) counts for METERS_SILENT_MS. */
#ifndef GATEWAY_METERS_H
#define GATEWAY_METERS_H

#include "base/base.h"
#include "gateway/exchange/refusal.h"

enum {
        METERS_PLACES_MAX = 512,
        METERS_APIS_MAX = 64,
        METERS_LANES_MAX = 64,
        METERS_WORKERS_MAX = 128,
        METERS_SILENT_MS = 10000,
        METERS_BUCKETS = 16, /* the last one has no bound */
        METERS_HOUR = 60,    /* minutes that are looked back */
};

enum meters_result {
        METERS_ANSWERED, /* by the back-end */
        METERS_CACHED,
        METERS_REFUSED, /* the back-end has not seen it */
        METERS_FAILED,  /* it may have */
        METERS_RESULTS,
};
const char *meters_result_name(enum meters_result r); /* "answered" */

struct meters;
/* As many lanes as fit into bytes, METERS_LANES_MAX at most; NULL: not even one.  Aligned to 128
 * bytes.  now_s: since 1970. */
struct meters *meters_init(void *memory, size_t bytes, int64_t now_s);
/* What is there already, from before; NULL: it is none, or one of another size. */
struct meters *meters_again(void *memory, size_t bytes);
/* What so many lanes take. */
size_t meters_bytes(uint32_t lanes);

/* ---- counting ---- */

/* Where calls of an operation are counted.  Zeroed: the API is not known. */
struct meters_place {
        uint16_t call, api;
};
/* The lock is held.  operation empty: calls of which only the API is known. */
struct meters_place meters_place(struct meters *m, struct span api, struct span operation);

enum meters_cache { METERS_NOT_KEPT, METERS_HIT, METERS_MISS };

struct meters_call {
        struct meters_place place;
        enum meters_result result;
        enum refusal_reason reason; /* REFUSED_NOT: answered, cached */
        int64_t total_ns;           /* first byte to last */
        int64_t backend_ns;         /* -1: it was not asked */
        uint32_t findings;
        bool folded; /* the refusal is told with others */
        enum meters_cache cache;
};

struct meters_lane;
/* Of the n-th worker. */
struct meters_lane *meters_lane(struct meters *m, uint32_t worker);
void meters_call(struct meters_lane *l, const struct meters_call *c);
/* How long entries were on their way to the recorder. */
void meters_waited(struct meters_lane *l, int64_t ns);

/* ---- a worker of itself ---- */

enum meters_fault { /* of what is deployed and not served */
                    METERS_NO_FAULT,
                    METERS_FAULT_SIGNATURE,
                    METERS_FAULT_FILE,
                    METERS_FAULT_MEMORY,
                    METERS_FAULT_UNSUPPORTED,
                    METERS_FAULTS,
};
const char *meters_fault_name(enum meters_fault f); /* "signature" */

struct meters_worker {
        uint32_t place;      /* of its process, set by who reads */
        uint32_t waiting;    /* calls that wait for the recorder */
        bool connected;      /* the recorder takes entries */
        uint64_t generation; /* that is served; 0: none */
        int64_t loaded_s;    /* since 1970 */
        uint64_t refused;    /* generation that is not served; 0: none, or not known with a fault */
        enum meters_fault fault;
        uint32_t tokens; /* remembered */
};
/* place: of this process, unlike any other that lives; METERS_WORKERS_MAX and above are not told.
 * now_ms: of one clock for all. */
void meters_say(struct meters *m, uint32_t place, const struct meters_worker *w, int64_t now_ms);
void meters_leave(struct meters *m, uint32_t place);
/* Those that have said something in the last METERS_SILENT_MS, in the order of their places. */
uint32_t meters_workers(const struct meters *m, int64_t now_ms,
                        struct meters_worker ret[METERS_WORKERS_MAX]);

/* Refused calls that a worker has counted and not told yet (record_fold_*), by reason, REFUSED_NOT
 * for those of several: so that one that is killed does not take them with it. */
typedef bool meters_lives_fn(int64_t pid);
/* What processes that live no more have left is added to left, and is nobody else's from then on:
 * before it counts itself, and now and then. */
void meters_inherit(struct meters *m, meters_lives_fn *lives, uint64_t left[REFUSED_REASONS]);
/* Where this process keeps them, zeroed, REFUSED_REASONS of them; NULL: there is no room for this
 * place.  What is there yet is of one that had it before, and lives no more, whoever has its number
 * by now: it is added to left too. */
uint64_t *meters_untold(struct meters *m, uint32_t place, int64_t pid,
                        uint64_t left[REFUSED_REASONS]);

/* ---- sums ---- */

/* Upper bounds of the buckets, in nanoseconds, but for the last one. */
extern const int64_t meters_bounds_ns[METERS_BUCKETS - 1];

struct meters_histogram {
        uint64_t bucket[METERS_BUCKETS]; /* each for itself */
        uint64_t sum_ns;
};
struct meters_api {
        struct meters_histogram total, backend;
        uint64_t findings;
};
struct meters_sum {
        uint64_t calls[METERS_PLACES_MAX][METERS_RESULTS];
        uint64_t refusals[REFUSED_REASONS];
        uint64_t folded, hits, misses;
        struct meters_histogram wait;
        struct meters_api apis[METERS_APIS_MAX];
};
/* Large: not for the stack. */
void meters_sum(const struct meters *m, struct meters_sum *ret);
uint64_t meters_count(const struct meters_histogram *h);
/* The lowest bound that so many percent of them do not exceed; INT64_MAX: they exceed all; 0: there
 * are none. */
int64_t meters_within_ns(const struct meters_histogram *h, unsigned percent);

int64_t meters_since_s(const struct meters *m); /* when the counts began */
/* Places, from 0; names live as long as m. */
uint32_t meters_places(const struct meters *m);
void meters_place_names(const struct meters *m, uint32_t place, struct span *ret_api,
                        struct span *ret_operation);
uint32_t meters_apis(const struct meters *m);
struct span meters_api_name(const struct meters *m, uint32_t api);

/* One process, now and then: what was counted is remembered once a minute. */
void meters_remember(struct meters *m, int64_t now_s);
/* Since an hour ago, or since the counts began; what was waited, since one to two minutes ago. */
struct meters_past {
        uint64_t refusals[REFUSED_REASONS];
        struct meters_histogram wait;
};
void meters_past(const struct meters *m, int64_t now_s, struct meters_past *ret);

#endif
