/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/conffile.h"

#include "base/text.h"
#include "sys/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP = 65536, FACT_MAX = 64 * 1024 };

static int check_owner(int fd, const char *path, unsigned flags, struct err *err)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "%s", path);
        if (!S_ISREG(st.st_mode))
                return err_set(err, -EACCES, "%s: is no file", path);
        if (flags & CONFFILE_ANYBODYS)
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
                p = buf_extend(b, STEP);
                if (!p)
                        return err_set(err, buf_status(b), "%s: longer than %d bytes", path,
                                       CONFFILE_MAX);
                n = read(fd, p, STEP);
                b->n -= STEP - (n > 0 ? (size_t)n : 0);
                if (n < 0 && errno != EINTR)
                        return err_sys(err, -errno, "%s", path);
                if (n == 0)
                        break;
        }
        if (b->n > CONFFILE_MAX)
                return err_set(err, -E2BIG, "%s: longer than %d bytes", path, CONFFILE_MAX);
        return 0;
}

int conffile_read(const char *path, unsigned flags, struct buf *out, struct err *err)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int rc;

        if (fd < 0)
                return err_sys(err, -errno, "%s", path);
        rc = check_owner(fd, path, flags, err);
        return rc < 0 ? rc : read_all(fd, path, out, err);
}

int conffile_take_fault(struct conffile_faults *f, struct json_value fact, struct json_value text)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(FACT_MAX);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * FACT_MAX);
        int64_t line = -1, column = -1;
        struct conffile_fault *x;
        struct json_value v;

        if (!f->at)
                f->at = calloc(CONFFILE_FAULTS_MAX, sizeof *f->at);
        if (!f->at)
                return -ENOMEM;
        if (f->n == CONFFILE_FAULTS_MAX || !json_get(fact, "line", &v) ||
            !json_value_int(v, &line) || !json_get(fact, "column", &v) ||
            !json_value_int(v, &column) || line < 0 || line > INT32_MAX || column < 0 ||
            column > INT32_MAX || !json_value_text(text, &raw))
                return -EBADMSG;
        text_put_safe(&safe, buf_span(&raw));
        if (buf_status(&raw) < 0 || buf_status(&safe) < 0)
                return -ENOMEM; /* of a fact, which is no longer */
        x = &f->at[f->n++];
        x->line = (uint32_t)line;
        x->column = (uint32_t)column;
        snprintf(x->text, sizeof x->text, "%s", buf_cstr(&safe));
        return 0;
}

void conffile_put_fault(const char *from, const struct conffile_fault *f, struct buf *out)
{
        const char *slash = strrchr(from, '/');

        if (f->line) {
                text_put_safe(out, span_str(slash ? slash + 1 : from));
                buf_printf(out, ":%u:%u: ", (unsigned)f->line, (unsigned)f->column);
        }
        buf_put_str(out, f->text);
}

void conffile_faults_done(struct conffile_faults *f)
{
        free(f->at);
        *f = (struct conffile_faults){ 0 };
}

int conffile_end(const char *from, const struct conffile_faults *f, int job_result,
                 const struct err *job_err, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(4 * ERR_TEXT_MAX + PATH_MAX);

        if (job_result < 0) {
                text_put_safe(&text, span_str(err_text(job_err)));
                return err_set(err, job_result, "%s: %s", from, buf_cstr(&text));
        }
        if (f->n == 0)
                return 0;
        conffile_put_fault(from, &f->at[0], &text);
        if (f->n == 1)
                return err_set(err, -EINVAL, "%s", buf_cstr(&text));
        return err_set(err, -EINVAL, "%.400s (and %zu more)", buf_cstr(&text), f->n - 1);
}
