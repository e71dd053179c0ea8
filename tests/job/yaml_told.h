/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_told.h - what a job that reads a YAML file tells of it: facts a line each as they are,
 * faults as "line:column text".  Include once per test program, behind cmocka.h and alloc_fail.h.
 */
#ifndef TESTS_JOB_YAML_TOLD_H
#define TESTS_JOB_YAML_TOLD_H

#include "job/job.h"
#include "wire/json.h"

struct told_job {
        int (*run)(struct job_out *out, struct span input, struct err *err);
        void (*check)(struct span fact); /* of each fact; or NULL */
};

struct told_ctx {
        const struct told_job *job;
        struct buf *told;
};

static int told_collect(void *ctx, struct span json)
{
        struct json_value fact = json_value_of(json), v, at;
        struct told_ctx *c = ctx;
        int64_t line = 0, column = 0;

        assert_int_equal(json_check(json, NULL), 0);
        if (json_get(fact, "fault", &v)) {
                assert_true(json_get(fact, "line", &at) && json_value_int(at, &line));
                assert_true(json_get(fact, "column", &at) && json_value_int(at, &column));
                buf_printf(c->told, "%lld:%lld ", (long long)line, (long long)column);
                assert_true(json_value_text(v, c->told));
        } else {
                if (c->job->check)
                        c->job->check(json);
                buf_put(c->told, json);
        }
        buf_put_byte(c->told, '\n');
        return buf_status(c->told);
}

static int told_run(const struct told_job *job, struct span yaml, struct buf *told)
{
        struct told_ctx ctx = { job, told };
        struct job_out out;
        int rc;

        buf_clear(told);
        job_out_init(&out, told_collect, &ctx);
        rc = job->run(&out, yaml, NULL);
        job_out_done(&out);
        return rc;
}

/* Does each line of what was told begin as its line here, and are there no more?  "": there are
 * facts, and no fault. */
static bool told_begins(const char *told, const char *want)
{
        for (const char *line = told; !*want && *line; line = strchr(line, '\n') + 1)
                if (*line != '{')
                        return false;
        if (!*want)
                return *told;
        while (*want) {
                size_t n = strcspn(want, "\n");

                if (strncmp(told, want, n) != 0)
                        return false;
                told += strcspn(told, "\n");
                told += *told == '\n';
                want += n + (want[n] == '\n');
        }
        return *told == '\0';
}

struct told_fault {
        struct span yaml;
        const char *want; /* the beginning of each fault, a line each */
};

static void told_check_faults(const struct told_job *job, const struct told_fault *t, size_t n)
{
        struct buf told = BUF_INIT(1 << 20);

        for (size_t i = 0; i < n; i++) {
                assert_int_equal(told_run(job, t[i].yaml, &told), 0);
                if (!told_begins(buf_cstr(&told), t[i].want))
                        fail_msg("%.*s\nsays\n%swants\n%s", (int)t[i].yaml.n,
                                 (const char *)t[i].yaml.p, buf_cstr(&told), t[i].want);
        }
        buf_done(&told);
}

static void told_check_whole(const struct told_job *job, struct span yaml, const char *want)
{
        struct buf told = BUF_INIT(1 << 20);

        assert_int_equal(told_run(job, yaml, &told), 0);
        assert_string_equal(buf_cstr(&told), want);
        buf_done(&told);
}

/* Ours; what libfyaml allocates is out of reach here. */
static void told_check_memory(const struct told_job *job, struct span yaml, const char *want)
{
        struct buf told = BUF_INIT(1 << 20);
        int rc = -ENOMEM;

        for (size_t nth = 1; rc; nth++) {
                alloc_fail_nth = nth;
                rc = told_run(job, yaml, &told);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
        }
        assert_string_equal(buf_cstr(&told), want);
        buf_done(&told);
}

#endif
