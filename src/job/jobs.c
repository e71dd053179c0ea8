/* SPDX-License-Identifier: Apache-2.0 */
#include "job/job.h"

#include "crypto/timestamp.h"
#include "job/unpack.h"
#include "state/network/certificate.h"
#include "wire/package_input.h"

enum { MIB = 1024 * 1024 };

static const struct job jobs[] = {
        { .name = "aptlist", .input_max = MIB, .run = job_aptlist },
        { .name = "aptsources", .input_max = MIB, .run = job_aptsources },
        { .name = "commit", .call = job_commit, .right = JOB_READS_DIR },
        { .name = "deb", .call = job_deb, .prepare = unpack_prepare },
        { .name = "deliver", .input_max = MIB, .run = job_deliver },
        { .name = "dpkglist", .input_max = 32 * MIB, .run = job_dpkglist },
        { .name = "group", .input_max = 16 * MIB, .run = job_group },
        { .name = "mountinfo", .input_max = 16 * MIB, .run = job_mountinfo },
        { .name = "package",
          .input_max = PACKAGE_INPUT_MAX,
          .run = job_package,
          .right = JOB_LARGE },
        { .name = "passwd", .input_max = 16 * MIB, .run = job_passwd },
        { .name = "registry", .input_max = MIB, .run = job_registry },
        { .name = "release", .call = job_release, .prepare = unpack_prepare },
        { .name = "retention", .input_max = MIB, .run = job_retention },
        { .name = "signature", .call = job_signature, .right = JOB_RUNS_PROGRAMS },
        { .name = "state", .call = job_state, .prepare = certificate_prepare },
        { .name = "statefile", .input_max = MIB, .run = job_statefile },
        { .name = "timestamp", .call = job_timestamp, .prepare = timestamp_prepare },
        { .name = "watch", .input_max = MIB, .run = job_watch },
};

const struct job *job_by_name(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
                if (strcmp(jobs[i].name, name) == 0)
                        return &jobs[i];
        return NULL;
}

void job_out_init(struct job_out *out, int (*send)(void *ctx, struct span json), void *ctx)
{
        *out = (struct job_out){ .send = send, .ctx = ctx, .fact = BUF_INIT(JOB_FACT_MAX) };
}

void job_out_done(struct job_out *out)
{
        buf_done(&out->fact);
}

struct json_writer *job_out_begin(struct job_out *out)
{
        buf_clear(&out->fact);
        json_writer_init(&out->w, &out->fact);
        json_begin_object(&out->w);
        return &out->w;
}

int job_out_end(struct job_out *out)
{
        int r;

        json_end_object(&out->w);
        r = buf_status(&out->fact);
        if (r == 0)
                r = out->send(out->ctx, buf_span(&out->fact));
        if (r == 0)
                out->count++;
        return r;
}

int job_out_bad_line(struct job_out *out, uint32_t line, const char *why)
{
        struct json_writer *w = job_out_begin(out);

        json_member_int(w, "bad_line", line);
        json_member_text(w, "why", why);
        return job_out_end(out);
}

bool job_cut(struct span *s, char sep, struct span *ret)
{
        const uint8_t *at;

        if (s->n == 0)
                return false;
        at = memchr(s->p, sep, s->n);
        *ret = span_of(s->p, at ? (size_t)(at - s->p) : s->n);
        *s = span_from(*s, ret->n + 1);
        return true;
}
