/* SPDX-License-Identifier: Apache-2.0 */
/* The job "timestamp": wire/timestamp_fact.h says what it is given and tells. */
#include "crypto/timestamp.h"
#include "base/clock.h"
#include "base/text.h"
#include "job/job.h"
#include "sys/io.h"
#include "wire/timestamp_fact.h"

#include <stdio.h>

/* The further descriptors, in this order; the reply is the input itself. */
enum { PART_DATA, PART_QUESTION, PART_AUTHORITIES, PARTS, PART_REPLY = PARTS, ALL_PARTS };

static const struct {
        const char *name;
        size_t max;
} parts[ALL_PARTS] = {
        [PART_DATA] = { "what is stamped", TIMESTAMP_DATA_MAX },
        [PART_QUESTION] = { "question", TIMESTAMP_QUESTION_MAX },
        [PART_AUTHORITIES] = { "authorities", TIMESTAMP_AUTHORITIES_MAX },
        [PART_REPLY] = { "reply", TIMESTAMP_REPLY_MAX },
};

static int read_part(int fd, int part, struct buf *out, struct err *err)
{
        size_t max = parts[part].max;
        uint8_t *p = buf_extend(out, max + 1);
        ssize_t n = p ? io_kernel.pread(NULL, fd, p, max + 1, 0) : buf_status(out);

        if (n < 0)
                return err_sys(err, (int)n, "%s", parts[part].name);
        if ((size_t)n > max)
                return err_set(err, -EFBIG, "%s: more than %zu bytes", parts[part].name, max);
        out->n = (size_t)n;
        return 0;
}

static int read_parts(const struct job_call *c, struct buf part[ALL_PARTS], struct err *err)
{
        int r = 0;

        if (c->n_more != PARTS)
                return err_set(err, -EINVAL, "not three further descriptors");
        for (int i = 0; i < ALL_PARTS && r == 0; i++) {
                part[i] = BUF_INIT(parts[i].max + 2);
                r = read_part(i == PART_REPLY ? c->input : c->more + i, i, &part[i], err);
        }
        if (r == 0 && part[PART_QUESTION].n == 0) /* any reply about the data would do */
                r = err_set(err, -EINVAL, "question: nothing is in it");
        return r;
}

/* What is wrong with the reply is a fact; what is wrong with the certificates is not the
 * authority's doing. */
static int judge(struct job_out *out, const struct buf part[ALL_PARTS], struct err *err)
{
        struct timestamp_fact f = { 0 };
        struct err why = { 0 };
        int64_t time_ns = 0;
        int r;

        r = timestamp_check(buf_span(&part[PART_DATA]), buf_span(&part[PART_QUESTION]),
                            buf_span(&part[PART_REPLY]), buf_span(&part[PART_AUTHORITIES]),
                            &time_ns, &why);
        if (r < 0 && r != -EBADMSG)
                return err_set(err, r, "%s", err_text(&why));
        f.holds = r == 0;
        f.time_s = time_ns / NS_PER_S;
        snprintf(f.why, sizeof f.why, "%s", err_text(&why));
        text_keep_utf8(f.why);
        timestamp_fact_put(job_out_begin(out), &f);
        r = job_out_end(out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

int job_timestamp(struct job_out *out, const struct job_call *c, struct err *err)
{
        struct buf part[ALL_PARTS] = { 0 };
        int r = read_parts(c, part, err);

        if (r == 0)
                r = judge(out, part, err);
        for (int i = 0; i < ALL_PARTS; i++)
                buf_done(&part[i]);
        return r;
}
