/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/deliver_config.h"

#include "base/text.h"
#include "loop/jobrun.h"
#include "sys/io.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOB_S = 30, FAULT_MAX = 1024 };

void deliver_config_init(struct deliver_config *c)
{
        *c = (struct deliver_config){ .faults = BUF_INIT(64 * FAULT_MAX) };
}

void deliver_config_done(struct deliver_config *c)
{
        free(c->sinks);
        buf_done(&c->faults);
        deliver_config_init(c);
}

/* ---- what the job tells ---- */

static int take_fault(struct deliver_config *c, struct json_value fact, struct json_value text)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(FAULT_MAX);
        int64_t line = -1, column = -1;
        struct json_value v;

        if (!json_get(fact, "line", &v) || !json_value_int(v, &line) ||
            !json_get(fact, "column", &v) || !json_value_int(v, &column) || line < 0 ||
            column < 0 || !json_value_text(text, &raw))
                return -EBADMSG;
        if (line > 0) {
                text_put_safe(&c->faults, span_str(c->name));
                buf_printf(&c->faults, ":%" PRId64 ":%" PRId64 ": ", line, column);
        }
        text_put_safe(&c->faults, buf_span(&raw));
        buf_put_byte(&c->faults, '\n');
        c->n_faults++;
        return buf_status(&raw) < 0 ? -ENOMEM : buf_status(&c->faults);
}

int deliver_config_take(void *ctx, struct span json)
{
        struct json_value fact = json_value_of(json), text;
        struct deliver_config *c = ctx;
        int status;

        if (json_get(fact, "fault", &text))
                return take_fault(c, fact, text);
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

static int read_file(const char *path, unsigned flags, uint8_t **ret, size_t *ret_n,
                     struct err *err)
{
        struct stat st;

        if (flags & DELIVER_ANYBODYS)
                return io_read_given(path, DELIVER_FILE_MAX, ret, ret_n, err);
        if (stat(path, &st) < 0)
                return err_sys(err, -errno, "%s", path);
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
                return err_set(err, -EACCES,
                               "%s: others than root may write it (uid %u, mode %04o)", path,
                               (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
        return io_read_file(&io_kernel, AT_FDCWD, path, DELIVER_FILE_MAX, ret, ret_n, err);
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
        const char *slash = strrchr(path, '/'), *end;
        uint8_t *file;
        size_t n;
        int status;

        c->name = slash ? slash + 1 : path;
        status = read_file(path, flags, &file, &n, err);
        if (status < 0) {
                c->exists = status != -ENOENT;
                return status;
        }
        c->exists = true;
        sha256(span_of(file, n), c->digest);
        status = run_job(c, span_of(file, n), clock, err);
        free(file);
        if (status < 0)
                err_wrap(err, "%s", path);
        if (status == 0 && c->n_faults) {
                end = strchr(buf_cstr(&c->faults), '\n');
                status = err_set(err, -EINVAL, "%.*s", (int)(end - buf_cstr(&c->faults)),
                                 buf_cstr(&c->faults));
        }
        if (status < 0)
                c->n = 0;
        return status;
}
