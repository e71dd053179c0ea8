/* SPDX-License-Identifier: Apache-2.0 */
/* meters_text.c - see meters_text.h. */
#include "gateway/shared/meters_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"

#define PREFIX "assay_gateway_"

struct writing {
        const struct meters *meters;
        const struct meters_sum *sum;
        const struct meters_now *now;
        const struct meters_worker *workers;
        uint32_t n_workers;
        struct buf *out;
};

/* ---- lines ---- */

static void begin(struct buf *out, const char *name, const char *type, const char *unit,
                  const char *help)
{
        buf_printf(out, "# TYPE " PREFIX "%s %s\n", name, type);
        if (unit)
                buf_printf(out, "# UNIT " PREFIX "%s %s\n", name, unit);
        buf_printf(out, "# HELP " PREFIX "%s %s\n", name, help);
}

/* As the format has it: backslash, quotation mark and line feed are escaped. */
static void put_label(struct buf *out, const char *before, const char *name, struct span value)
{
        buf_printf(out, "%s%s=\"", before, name);
        for (size_t i = 0; i < value.n; i++) {
                uint8_t c = value.p[i];

                if (c == '\\' || c == '"' || c == '\n')
                        buf_put_byte(out, '\\');
                buf_put_byte(out, c == '\n' ? 'n' : c);
        }
        buf_put_byte(out, '"');
}

static void put_number(struct buf *out, const char *name, uint64_t v)
{
        buf_printf(out, PREFIX "%s %" PRIu64 "\n", name, v);
}

static void put_gauge(struct buf *out, const char *name, const char *help, uint64_t v)
{
        begin(out, name, "gauge", NULL, help);
        put_number(out, name, v);
}

/* name without "_total". */
static void put_counter(struct buf *out, const char *name, const char *help, uint64_t v)
{
        begin(out, name, "counter", NULL, help);
        buf_printf(out, PREFIX "%s_total %" PRIu64 "\n", name, v);
}

static void put_seconds(struct buf *out, uint64_t ns)
{
        const uint64_t second = NS_PER_S;

        buf_printf(out, "%" PRIu64 ".%09" PRIu64, ns / second, ns % second);
}

/* "0.0001", "1.0": as short as it is exact. */
static void put_bound(struct buf *out, int64_t ns)
{
        int64_t rest = ns % NS_PER_S;
        int digits = 9;

        for (; digits > 1 && rest % 10 == 0; digits--)
                rest /= 10;
        buf_printf(out, "%" PRId64 ".%0*" PRId64, (int64_t)(ns / NS_PER_S), digits, rest);
}

/* api NULL: it has no labels. */
static void put_histogram(struct buf *out, const char *name, const struct span *api,
                          const struct meters_histogram *h)
{
        uint64_t n = 0;

        for (unsigned i = 0; i < METERS_BUCKETS; i++) {
                n += h->bucket[i];
                buf_printf(out, PREFIX "%s_bucket{", name);
                if (api) {
                        put_label(out, "", "api", *api);
                        buf_put_byte(out, ',');
                }
                buf_put_str(out, "le=\"");
                if (i < METERS_BUCKETS - 1)
                        put_bound(out, meters_bounds_ns[i]);
                else
                        buf_put_str(out, "+Inf");
                buf_printf(out, "\"} %" PRIu64 "\n", n);
        }
        for (int sum = 0; sum < 2; sum++) {
                buf_printf(out, PREFIX "%s%s", name, sum ? "_sum" : "_count");
                if (api) {
                        put_label(out, "{", "api", *api);
                        buf_put_byte(out, '}');
                }
                buf_put_byte(out, ' ');
                if (sum)
                        put_seconds(out, h->sum_ns);
                else
                        buf_printf(out, "%" PRIu64, n);
                buf_put_byte(out, '\n');
        }
}

/* ---- calls ---- */

static void put_calls(const struct writing *w)
{
        uint32_t n = meters_places(w->meters);
        struct span api, operation;

        begin(w->out, "calls", "counter", NULL, "Calls by API, operation and what came of them.");
        for (uint32_t i = 0; i < n; i++) {
                meters_place_names(w->meters, i, &api, &operation);
                for (int r = 0; r < METERS_RESULTS; r++) {
                        put_label(w->out, PREFIX "calls_total{", "api", api);
                        put_label(w->out, ",", "operation", operation);
                        buf_printf(w->out, ",result=\"%s\"} %" PRIu64 "\n",
                                   meters_result_name((enum meters_result)r), w->sum->calls[i][r]);
                }
        }
}

static void put_refusals(const struct writing *w)
{
        begin(w->out, "refusals", "counter", NULL, "Calls that were refused, by reason.");
        for (int r = REFUSED_NOT + 1; r < REFUSED_REASONS; r++)
                buf_printf(w->out, PREFIX "refusals_total{reason=\"%s\"} %" PRIu64 "\n",
                           refusal_about((enum refusal_reason)r)->name, w->sum->refusals[r]);
        put_counter(w->out, "refusals_folded", "Of them those whose entry stands for several.",
                    w->sum->folded);
}

static void put_findings(const struct writing *w)
{
        uint32_t n = meters_apis(w->meters);

        begin(w->out, "findings", "counter", NULL,
              "Places of answers whose values look personal and have no class.");
        for (uint32_t i = 0; i < n; i++) {
                put_label(w->out, PREFIX "findings_total{", "api", meters_api_name(w->meters, i));
                buf_printf(w->out, "} %" PRIu64 "\n", w->sum->apis[i].findings);
        }
}

static void put_times(const struct writing *w)
{
        static const struct {
                const char *name, *help;
                size_t at;
        } rows[] = {
                { "call_seconds", "From the first byte of a call to the last of its reply.",
                  offsetof(struct meters_api, total) },
                { "backend_seconds", "From asking a back-end to the end of its answer.",
                  offsetof(struct meters_api, backend) },
        };
        uint32_t n = meters_apis(w->meters);

        for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
                begin(w->out, rows[k].name, "histogram", "seconds", rows[k].help);
                for (uint32_t i = 0; i < n; i++) {
                        struct span api = meters_api_name(w->meters, i);
                        const char *of = (const char *)&w->sum->apis[i] + rows[k].at;

                        put_histogram(w->out, rows[k].name, &api,
                                      (const struct meters_histogram *)(const void *)of);
                }
        }
}

/* ---- the recorder, workers, what they serve ---- */

static void put_recorder(const struct writing *w)
{
        uint64_t waiting = 0, connected = 0;

        for (uint32_t i = 0; i < w->n_workers; i++) {
                waiting += w->workers[i].waiting;
                connected += w->workers[i].connected;
        }
        begin(w->out, "recorder_wait_seconds", "histogram", "seconds",
              "How long calls waited until the recorder had their entries.");
        put_histogram(w->out, "recorder_wait_seconds", NULL, &w->sum->wait);
        put_gauge(w->out, "recorder_waiting", "Calls that wait for the recorder now.", waiting);
        put_gauge(w->out, "workers", "Workers that said something in the last 10 seconds.",
                  w->n_workers);
        put_gauge(w->out, "recorder_connected_workers",
                  "Of them those whose entries the recorder takes.", connected);
}

static void put_generations(const struct writing *w)
{
        uint64_t oldest = UINT64_MAX, newest = 0, refused = 0;

        for (uint32_t i = 0; i < w->n_workers; i++) {
                oldest = MIN_OF(oldest, w->workers[i].generation);
                newest = MAX_OF(newest, w->workers[i].generation);
        }
        begin(w->out, "worker_generation", "gauge", NULL,
              "The generation that a worker serves; 0: none.");
        for (uint32_t i = 0; i < w->n_workers; i++) {
                refused += w->workers[i].fault != METERS_NO_FAULT;
                buf_printf(w->out, PREFIX "worker_generation{worker=\"%" PRIu32 "\"} %" PRIu64 "\n",
                           w->workers[i].place, w->workers[i].generation);
        }
        put_gauge(w->out, "generation_oldest", "The oldest that a worker serves.",
                  w->n_workers ? oldest : 0);
        put_gauge(w->out, "generation_newest", "The newest that a worker serves.", newest);
        put_gauge(w->out, "generation_refused_workers",
                  "Workers that cannot serve what is deployed, and go on with what was before.",
                  refused);
}

/* Of workers that serve the newest: when the first of them had it. */
static void put_loaded(const struct writing *w)
{
        const struct meters_worker *first = NULL;

        for (uint32_t i = 0; i < w->n_workers; i++) {
                const struct meters_worker *o = &w->workers[i];

                if (o->generation &&
                    (!first || o->generation > first->generation ||
                     (o->generation == first->generation && o->loaded_s < first->loaded_s)))
                        first = o;
        }
        begin(w->out, "generation_loaded_time_seconds", "gauge", "seconds",
              "When the newest generation was first served, since 1970; 0: none is.");
        put_number(w->out, "generation_loaded_time_seconds", first ? (uint64_t)first->loaded_s : 0);
}

static void put_refused(const struct writing *w)
{
        begin(w->out, "generation_refused", "gauge", NULL,
              "The newest generation that is not served, by kind of fault; 0: there is none.");
        for (int f = METERS_NO_FAULT + 1; f < METERS_FAULTS; f++) {
                uint64_t number = 0;

                for (uint32_t i = 0; i < w->n_workers; i++)
                        if (w->workers[i].fault == (enum meters_fault)f)
                                number = MAX_OF(number, w->workers[i].refused);
                buf_printf(w->out, PREFIX "generation_refused{kind=\"%s\"} %" PRIu64 "\n",
                           meters_fault_name((enum meters_fault)f), number);
        }
}

/* ---- shared memory, keys ---- */

static void put_cache(const struct writing *w)
{
        const struct cache_counts *c = &w->now->cache;

        begin(w->out, "cache_lookups", "counter", NULL,
              "Calls whose answer was looked for among those that are kept.");
        buf_printf(w->out, PREFIX "cache_lookups_total{result=\"hit\"} %" PRIu64 "\n",
                   w->sum->hits);
        buf_printf(w->out, PREFIX "cache_lookups_total{result=\"miss\"} %" PRIu64 "\n",
                   w->sum->misses);
        put_counter(w->out, "cache_kept", "Answers that were kept.", c->kept);
        put_counter(w->out, "cache_erased", "Times that kept answers were erased.", c->erased);
        put_counter(w->out, "cache_overwritten",
                    "Kept answers that went for want of room before their time.", c->overwritten);
        begin(w->out, "cache_used_bytes", "gauge", "bytes", "Memory that kept answers take.");
        put_number(w->out, "cache_used_bytes", c->used);
        begin(w->out, "cache_size_bytes", "gauge", "bytes", "Memory there is for them.");
        put_number(w->out, "cache_size_bytes", w->now->cache_bytes);
}

static void put_limits(const struct writing *w)
{
        const struct limits_use *l = &w->now->limits;

        put_gauge(w->out, "limits_slots", "Callers and operations there is room for.", l->slots);
        put_gauge(w->out, "limits_slots_used",
                  "Of them in use, by those that were looked at: an estimate.", l->used);
        put_counter(w->out, "limits_evicted",
                    "Limits that were forgotten for want of room: a fresh start for somebody.",
                    l->evicted);
}

static void put_keys(const struct writing *w)
{
        uint64_t missing = 0, tokens = 0;

        begin(w->out, "key_set_age_seconds", "gauge", "seconds",
              "Since the keys of an issuer were last had from it.");
        for (uint32_t i = 0; i < w->now->n_keys; i++) {
                const struct meters_keys *k = &w->now->keys[i];

                if (k->age_s < 0) {
                        missing++;
                        continue;
                }
                put_label(w->out, PREFIX "key_set_age_seconds{", "issuer", k->issuer);
                buf_printf(w->out, "} %" PRId64 "\n", k->age_s);
        }
        put_gauge(w->out, "key_sets_missing", "Issuers whose keys were never had.", missing);
        for (uint32_t i = 0; i < w->n_workers; i++)
                tokens += w->workers[i].tokens;
        put_gauge(w->out, "tokens_remembered",
                  "Verified tokens that workers remember, with those that have expired since.",
                  tokens);
}

static void put_all(const struct writing *w)
{
        begin(w->out, "build", "info", NULL, "Which gateway this is.");
        put_label(w->out, PREFIX "build_info{", "version", SPAN(ASSAY_VERSION));
        buf_put_str(w->out, "} 1\n");
        begin(w->out, "start_time_seconds", "gauge", "seconds", "When these counts began.");
        put_number(w->out, "start_time_seconds", (uint64_t)meters_since_s(w->meters));
        put_calls(w);
        put_refusals(w);
        put_findings(w);
        put_times(w);
        put_recorder(w);
        put_generations(w);
        put_loaded(w);
        put_refused(w);
        put_cache(w);
        put_limits(w);
        put_keys(w);
        buf_put_str(w->out, "# EOF\n");
}

int meters_text(const struct meters *m, const struct meters_now *now, struct buf *out)
{
        struct meters_sum *sum = malloc(sizeof *sum);
        struct meters_worker *workers = calloc(METERS_WORKERS_MAX, sizeof *workers);
        struct writing w = { .meters = m, .sum = sum, .now = now, .workers = workers, .out = out };
        int rc = sum && workers ? 0 : -ENOMEM;

        if (rc == 0) {
                meters_sum(m, sum);
                w.n_workers = meters_workers(m, now->now_ms, workers);
                put_all(&w);
                rc = buf_status(out);
        }
        free(workers);
        free(sum);
        return rc;
}
