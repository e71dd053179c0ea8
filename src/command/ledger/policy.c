/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - see policy.h. */
#include "command/ledger/policy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/places.h"
#include "loop/jobrun.h"
#include "sys/io.h"

enum { JOB_S = 30, DAY_S = 86400 };

void policy_init(struct policy *p)
{
        *p = (struct policy){ 0 };
}

void policy_done(struct policy *p)
{
        free(p->rules);
        conffile_faults_done(&p->faults);
        policy_init(p);
}

/* ---- what the job tells ---- */

static int take_rule(struct policy *p, const struct retention_fact *f)
{
        if (f->kind == RETENTION_POLICY) {
                if (p->has_base)
                        return -EBADMSG;
                p->base = *f;
                p->has_base = true;
                return 0;
        }
        if (p->n_rules == RETENTION_FACTS_MAX)
                return -EBADMSG;
        if (!p->rules)
                p->rules = calloc(RETENTION_FACTS_MAX, sizeof(*p->rules));
        if (!p->rules)
                return -ENOMEM;
        p->rules[p->n_rules++] = *f;
        return 0;
}

int policy_take(void *ctx, struct span json)
{
        struct json_value fact = json_value_of(json), text;
        struct policy *p = ctx;
        struct retention_fact f;
        int status;

        if (json_get(fact, "fault", &text))
                return conffile_take_fault(&p->faults, fact, text);
        status = retention_fact_parse(json, &f, NULL);
        return status < 0 ? status : take_rule(p, &f);
}

/* ---- the file ---- */

static int run_job(struct policy *p, struct span file, const struct clock *clock, struct err *err)
{
        char program[PLACES_PATH_MAX];
        CLEANUP_FD int input = -1;
        struct job_spec spec = { .program = program,
                                 .job = "retention",
                                 .timeout_ns = JOB_S * NS_PER_S,
                                 .facts_max = RETENTION_FACTS_MAX,
                                 .clock = clock };
        int status = places_program("assay-job", program, err);

        if (status < 0)
                return status;
        input = spec.input = job_input(file, err);
        return input < 0 ? input : job_run_wait(&spec, policy_take, p, err);
}

int policy_load(const char *path, const struct clock *clock, struct policy *p, struct err *err)
{
        const char *slash = strrchr(path, '/');
        struct err job_err = { 0 };
        uint8_t *file;
        size_t n;
        int status = io_read_given(path, POLICY_FILE_MAX, &file, &n, err);

        p->name = slash ? slash + 1 : path;
        if (status < 0)
                return status;
        sha256(span_of(file, n), p->digest);
        status = run_job(p, span_of(file, n), clock, &job_err);
        free(file);
        status = conffile_end(path, &p->faults, status, &job_err, err);
        if (status == 0 && !p->has_base)
                return err_set(err, -EBADMSG, "%s: nothing came of it", path);
        return status;
}

/* ---- judging ---- */

/* Where from <= t < to.  What is older than the clock reaches is in no hold that begins. */
static bool in_hold(const struct retention_fact *h, struct span kind, int64_t wall_ns,
                    int64_t now_ns)
{
        int64_t s = wall_ns / NS_PER_S;
        bool fits = h->n_kinds == 0;

        for (size_t i = 0; i < h->n_kinds && !fits; i++)
                fits = retention_name_fits(h->kinds[i], kind) > 0;
        return fits && (h->from_s == RETENTION_OPEN || s >= h->from_s) &&
               (h->to_s == RETENTION_OPEN || s < h->to_s) &&
               (h->until_s == RETENTION_OPEN || now_ns / NS_PER_S < h->until_s);
}

/* A kind by its name, then by its family, then by its class, then the policy's own. */
static const struct retention_fact *rule_of(const struct policy *p, struct span kind,
                                            unsigned class_uid)
{
        const struct retention_fact *best = &p->base;
        size_t fits, best_fits = 0;

        for (size_t i = 0; i < p->n_rules; i++) {
                const struct retention_fact *r = &p->rules[i];

                fits = r->kind == RETENTION_KIND ? retention_name_fits(r->name, kind)
                       : r->kind == RETENTION_CLASS && class_uid && r->class_uid == class_uid ? 1
                                                                                              : 0;
                if (fits > best_fits) {
                        best = r;
                        best_fits = fits;
                }
        }
        return best;
}

bool policy_keeps(const struct policy *p, struct span kind, unsigned class_uid, int64_t wall_ns,
                  int64_t now_ns, const struct retention_fact **ret_why)
{
        const struct retention_fact *rule;

        for (size_t i = 0; i < p->n_rules; i++)
                if (p->rules[i].kind == RETENTION_HOLD &&
                    in_hold(&p->rules[i], kind, wall_ns, now_ns)) {
                        *ret_why = &p->rules[i];
                        return true;
                }
        rule = rule_of(p, kind, class_uid);
        if (wall_ns < now_ns - (int64_t)rule->keep_s * NS_PER_S)
                return false;
        *ret_why = rule;
        return true;
}

static void put_time(struct buf *out, uint64_t s)
{
        if (s % DAY_S == 0)
                buf_printf(out, "%" PRIu64 "d", s / DAY_S);
        else
                buf_printf(out, "%" PRIu64 "h", s / 3600);
}

void policy_put_why(const struct retention_fact *why, struct buf *out)
{
        switch (why->kind) {
        case RETENTION_POLICY:
                buf_put_str(out, "keep ");
                put_time(out, why->keep_s);
                return;
        case RETENTION_KIND:
                buf_printf(out, "%s: ", why->name);
                put_time(out, why->keep_s);
                break;
        case RETENTION_CLASS:
                buf_printf(out, "class %" PRIu32 ": ", why->class_uid);
                put_time(out, why->keep_s);
                break;
        case RETENTION_HOLD:
                buf_put_str(out, "hold \"");
                text_put_safe(out, span_str(why->reason));
                buf_put_byte(out, '"');
                break;
        }
        buf_printf(out, ", line %" PRIu32, why->line);
}
