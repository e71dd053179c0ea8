/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/config.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "sys/io.h"
#include "wire/json.h"

#include <stdio.h>

enum { JOB_S = 30, FACTS_MAX = WATCH_RULES_MAX + WATCH_PROFILES_MAX };

extern const uint8_t watch_yaml[]; /* packaging/watch.yaml */
extern const size_t watch_yaml_n;

struct span config_shipped(void)
{
        return span_of(watch_yaml, watch_yaml_n);
}

void config_done(struct config *c)
{
        watchset_done(&c->set);
        conffile_faults_done(&c->faults);
        *c = (struct config){ 0 };
}

/* ---- the file ---- */

int config_open(const char *path, unsigned flags, struct config *c, int *ret_fd, struct err *err)
{
        CLEANUP(buf_done) struct buf b = CONFFILE_BUF;
        struct span text = SPAN_NONE;
        unsigned trust = flags & CONFIG_ANYBODYS ? CONFFILE_ANYBODYS : 0;
        int rc = path ? conffile_read(path, trust, &b, err) : -ENOENT;

        if (rc < 0 && (rc != -ENOENT || flags & CONFIG_NO_OTHER))
                return rc;
        text = rc < 0 ? config_shipped() : buf_span(&b);
        snprintf(c->from, sizeof c->from, "%s", rc < 0 ? CONFIG_SHIPPED : path);
        sha256(text, c->digest);
        c->has_digest = true;
        rc = job_input(text, err);
        if (rc < 0)
                return rc;
        *ret_fd = rc;
        return 0;
}

/* ---- the job ---- */

struct job_spec config_job(const char *program, int fd, const struct clock *clock)
{
        return (struct job_spec){ .program = program,
                                  .job = "watch",
                                  .input = fd,
                                  .timeout_ns = JOB_S * NS_PER_S,
                                  .facts_max = FACTS_MAX,
                                  .clock = clock };
}

void config_put_fault(const struct config *c, size_t i, struct buf *out)
{
        conffile_put_fault(c->from, &c->faults.at[i], out);
}

static int take_pace(struct config *c, struct json_value bytes, struct json_value fact)
{
        struct json_value files;
        int64_t b, f;

        if (!json_value_int(bytes, &b) || !json_get(fact, "files_per_s", &files) ||
            !json_value_int(files, &f) || b < 0 || f < 0)
                return -EBADMSG;
        c->pace = (struct pace_limits){ .bytes_per_s = (uint64_t)b, .files_per_s = (uint64_t)f };
        return 0;
}

int config_fact(void *ctx, struct span json)
{
        struct json_value fact = json_value_of(json), v;
        struct config *c = ctx;

        if (json_get(fact, "fault", &v))
                return conffile_take_fault(&c->faults, fact, v);
        if (json_get(fact, "bytes_per_s", &v))
                return take_pace(c, v, fact);
        return watchset_take(&c->set, json, NULL);
}

int config_end(struct config *c, int job_result, const struct err *job_err, struct err *err)
{
        int rc = conffile_end(c->from, &c->faults, job_result, job_err, err);

        if (rc == 0 && c->set.n == 0)
                return err_set(err, -EBADMSG, "%s: nothing came of it", c->from);
        return rc;
}

int config_load(const char *path, unsigned flags, const char *program, const struct clock *clock,
                struct config *c, struct err *err)
{
        struct err job_err = { 0 };
        CLEANUP_FD int fd = -1;
        struct job_spec spec;
        int rc = config_open(path, flags, c, &fd, err);

        if (rc < 0)
                return rc;
        spec = config_job(program, fd, clock);
        rc = job_run_wait(&spec, config_fact, c, &job_err);
        return config_end(c, rc, &job_err, err);
}

int config_from_paths(const char *const *paths, struct config *c, struct err *err)
{
        int rc = 0;

        snprintf(c->from, sizeof c->from, "command line");
        for (const char *const *p = paths; *p && rc == 0; p++)
                rc = watchset_add(&c->set, span_str(**p == '!' ? *p + 1 : *p), **p == '!', err);
        return rc < 0 ? err_wrap(err, "--watch") : 0;
}
