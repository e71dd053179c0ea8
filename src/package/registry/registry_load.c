/* SPDX-License-Identifier: Apache-2.0 */
#include "package/registry/registry_load.h"

#include "loop/jobrun.h"
#include "sys/io.h"

#include <stdlib.h>

#define JOB_NS (30 * NS_PER_S)

enum { FACTS_MAX = REGISTRY_FACTS_MAX + CONFFILE_FAULTS_MAX };

struct loading {
        struct registry_config *config;
        struct conffile_faults *faults;
};

static int on_fact(void *ctx, struct span json)
{
        struct json_value fact = json_value_of(json), text;
        struct loading *l = ctx;
        struct registry_fact *f;
        int rc;

        if (json_get(fact, "fault", &text))
                return conffile_take_fault(l->faults, fact, text);
        f = malloc(sizeof *f);
        rc = f ? registry_fact_parse(json, f, NULL) : -ENOMEM;
        if (rc == 0)
                rc = registry_config_add(l->config, f);
        free(f);
        return rc;
}

int registry_config_load(struct registry_config *c, const char *path, const char *program,
                         const struct clock *clock, struct conffile_faults *faults, struct err *err)
{
        CLEANUP(buf_done) struct buf file = CONFFILE_BUF;
        CLEANUP_FD int input = -1;
        struct loading l = { c, faults };
        struct job_spec job = { .program = program,
                                .job = "registry",
                                .timeout_ns = JOB_NS,
                                .facts_max = FACTS_MAX,
                                .clock = clock };
        struct err job_err = { 0 };
        int rc = conffile_read(path, 0, &file, err);

        if (rc < 0)
                return rc;
        input = job.input = job_input(buf_span(&file), &job_err);
        rc = input < 0 ? input : job_run_wait(&job, on_fact, &l, &job_err);
        return conffile_end(path, faults, rc, &job_err, err);
}
