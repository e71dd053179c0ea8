/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/deliver_config.h"

#include "loop/jobrun.h"
#include "sys/io.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { JOB_S = 30 };

void deliver_config_init(struct deliver_config *c)
{
        *c = (struct deliver_config){ 0 };
}

void deliver_config_done(struct deliver_config *c)
{
        free(c->sinks);
        conffile_faults_done(&c->faults);
        deliver_config_init(c);
}

/* ---- what the job tells ---- */

int deliver_config_take(void *ctx, struct span json)
{
        struct json_value fact = json_value_of(json), text;
        struct deliver_config *c = ctx;
        int status;

        if (json_get(fact, "fault", &text))
                return conffile_take_fault(&c->faults, fact, text);
        if (c->n == DELIVER_SINKS_MAX)
                return -EBADMSG;
        if (!c->sinks)
                c->sinks = calloc(DELIVER_SINKS_MAX, sizeof *c->sinks);
        if (!c->sinks)
                return -ENOMEM;
        status = deliver_fact_parse(json, &c->sinks[c->n], NULL);
        for (size_t i = 0; i < c->n && status == 0; i++)
                if (strcmp(c->sinks[i].name, c->sinks[c->n].name) == 0)
                        status = -EBADMSG;
        c->n += status == 0;
        return status;
}

/* ---- the file ---- */

/* To judge it, it may come through a pipe. */
static int read_given(const char *path, struct buf *out, struct err *err)
{
        uint8_t *file;
        size_t n;
        int status = io_read_given(path, CONFFILE_MAX, &file, &n, err);

        if (status < 0)
                return status;
        buf_put(out, span_of(file, n));
        free(file);
        return buf_status(out) < 0 ? err_sys(err, buf_status(out), "%s", path) : 0;
}

static int run_job(struct deliver_config *c, struct span file, const struct clock *clock,
                   struct err *err)
{
        char program[PATH_MAX];
        CLEANUP_FD int input = -1;
        struct job_spec spec = { .program = program,
                                 .job = "deliver",
                                 .timeout_ns = JOB_S * NS_PER_S,
                                 .facts_max = 64,
                                 .clock = clock };
        int status = job_program(program, err);

        if (status < 0)
                return status;
        input = spec.input = job_input(file, err);
        return input < 0 ? input : job_run_wait(&spec, deliver_config_take, c, err);
}

int deliver_config_load(const char *path, unsigned flags, const struct clock *clock,
                        struct deliver_config *c, struct err *err)
{
        CLEANUP(buf_done) struct buf file = CONFFILE_BUF;
        struct err job_err = { 0 };
        int status = flags & DELIVER_ANYBODYS ? read_given(path, &file, err)
                                              : conffile_read(path, 0, &file, err);

        c->exists = status != -ENOENT;
        if (status < 0)
                return status;
        sha256(buf_span(&file), c->digest);
        status = run_job(c, buf_span(&file), clock, &job_err);
        status = conffile_end(path, &c->faults, status, &job_err, err);
        if (status < 0)
                c->n = 0;
        return status;
}
