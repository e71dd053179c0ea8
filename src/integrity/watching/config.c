/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/config.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "sys/io.h"
#include "wire/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
        free(c->faults);
        *c = (struct config){ 0 };
}

/* ---- the file ---- */

static int check_owner(int fd, const char *path, unsigned flags, struct err *err)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "%s", path);
        if (!S_ISREG(st.st_mode))
                return err_set(err, -EACCES, "%s: is no file", path);
        if (flags & CONFIG_ANYBODYS)
                return 0;
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
                return err_set(err, -EACCES,
                               "%s: others than root may write it (uid %u, mode %04o)", path,
                               (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
        return 0;
}

static int read_all(int fd, const char *path, struct buf *b, struct err *err)
{
        uint8_t *p;
        ssize_t n;

        for (;;) {
                p = buf_extend(b, 65536);
                if (!p)
                        return err_set(err, buf_status(b), "%s: longer than %d bytes", path,
                                       CONFIG_FILE_MAX);
                n = read(fd, p, 65536);
                b->n -= 65536 - (n > 0 ? (size_t)n : 0);
                if (n < 0 && errno != EINTR)
                        return err_sys(err, -errno, "%s", path);
                if (n == 0)
                        break;
        }
        if (b->n > CONFIG_FILE_MAX)
                return err_set(err, -E2BIG, "%s: longer than %d bytes", path, CONFIG_FILE_MAX);
        return 0;
}

static int read_file(const char *path, unsigned flags, struct buf *b, struct err *err)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int rc;

        if (fd < 0)
                return err_sys(err, -errno, "%s", path);
        rc = check_owner(fd, path, flags, err);
        return rc < 0 ? rc : read_all(fd, path, b, err);
}

int config_open(const char *path, unsigned flags, struct config *c, int *ret_fd, struct err *err)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(CONFIG_FILE_MAX + 2 * 65536);
        struct span text = SPAN_NONE;
        int rc = path ? read_file(path, flags, &b, err) : -ENOENT;

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

static int take_fault(struct config *c, struct json_value fact, struct json_value text)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(WATCH_LINE_MAX);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * WATCH_LINE_MAX);
        int64_t line = -1, column = -1;
        struct config_fault *f;
        struct json_value v;

        if (!c->faults)
                c->faults = calloc(CONFIG_FAULTS_MAX, sizeof *c->faults);
        if (!c->faults)
                return -ENOMEM;
        if (c->n_faults == CONFIG_FAULTS_MAX || !json_get(fact, "line", &v) ||
            !json_value_int(v, &line) || !json_get(fact, "column", &v) ||
            !json_value_int(v, &column) || line < 0 || line > INT32_MAX || column < 0 ||
            column > INT32_MAX || !json_value_text(text, &raw))
                return -EBADMSG;
        text_put_safe(&safe, buf_span(&raw));
        if (buf_status(&raw) < 0 || buf_status(&safe) < 0)
                return -ENOMEM; /* of a fact, which is no longer */
        f = &c->faults[c->n_faults++];
        f->line = (uint32_t)line;
        f->column = (uint32_t)column;
        snprintf(f->text, sizeof f->text, "%s", buf_cstr(&safe));
        return 0;
}

void config_put_fault(const struct config *c, size_t i, struct buf *out)
{
        const struct config_fault *f = &c->faults[i];
        const char *slash = strrchr(c->from, '/');

        if (f->line) {
                text_put_safe(out, span_str(slash ? slash + 1 : c->from));
                buf_printf(out, ":%u:%u: ", (unsigned)f->line, (unsigned)f->column);
        }
        buf_put_str(out, f->text);
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
                return take_fault(c, fact, v);
        if (json_get(fact, "bytes_per_s", &v))
                return take_pace(c, v, fact);
        return watchset_take(&c->set, json, NULL);
}

int config_end(struct config *c, int job_result, const struct err *job_err, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(4 * ERR_TEXT_MAX + PATH_MAX);

        if (job_result < 0) {
                text_put_safe(&text, span_str(err_text(job_err)));
                return err_set(err, job_result, "%s: %s", c->from, buf_cstr(&text));
        }
        if (c->n_faults == 0 && c->set.n == 0)
                return err_set(err, -EBADMSG, "%s: nothing came of it", c->from);
        if (c->n_faults == 0)
                return 0;
        config_put_fault(c, 0, &text);
        if (c->n_faults == 1)
                return err_set(err, -EINVAL, "%s", buf_cstr(&text));
        return err_set(err, -EINVAL, "%.400s (and %zu more)", buf_cstr(&text), c->n_faults - 1);
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

