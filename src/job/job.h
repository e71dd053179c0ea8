/* SPDX-License-Identifier: Apache-2.0 */
/* job.h - readers of foreign formats, each a pure function from bytes to facts.  Floor 3, process
 * assay-job.
 *
 * SECURITY: input is hostile, and so may be a job that has read it: its process has no rights, and
 * its parent believes only the framing (loop/jobframe.h).  A new format is a new file and one line
 * in jobs.c. */
#ifndef JOB_JOB_H
#define JOB_JOB_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/json.h"

enum { JOB_FACT_MAX = 32 * 1024 };

/* Where facts go.  send() gets one canonical object at a time. */
struct job_out {
        int (*send)(void *ctx, struct span json);
        void *ctx;
        struct buf fact;
        struct json_writer w;
        uint32_t count;
};

void job_out_init(struct job_out *out, int (*send)(void *ctx, struct span json), void *ctx);
void job_out_done(struct job_out *out);

/* A writer inside a new object; job_out_end() closes it and sends it.  A fact above JOB_FACT_MAX is
 * -E2BIG. */
struct json_writer *job_out_begin(struct job_out *out);
MUST_USE int job_out_end(struct job_out *out);

/* {"bad_line":17,"why":"..."}: what could not be read is a fact, too. */
MUST_USE int job_out_bad_line(struct job_out *out, uint32_t line, const char *why);

/* What the process was started with. */
struct job_call {
        int input;
        int more; /* the first of n_more further descriptors */
        unsigned n_more;
        const char *const *args;
        unsigned n_args;
};

/* What a job may do besides computing on its input and answering. */
enum job_right {
        JOB_RIGHTLESS,
        JOB_LARGE,     /* no more than that, but with more memory and time */
        JOB_READS_DIR, /* opens files below the directory its first argument names */
        JOB_RUNS_PROGRAMS,
};

struct job {
        const char *name;
        size_t input_max;
        /* 0 when the input was understood as a whole, bad lines told; else what is wrong with it.
         */
        int (*run)(struct job_out *out, struct span input, struct err *err);
        /* Instead of run: for input that is not held in memory, for more than one, for arguments.
         */
        int (*call)(struct job_out *out, const struct job_call *c, struct err *err);
        enum job_right right;
        /* Before rights are given away, so it may read nothing of the input; NULL: nothing. */
        void (*prepare)(void);
};

/* NULL: no such job. */
const struct job *job_by_name(const char *name);

int job_passwd(struct job_out *out, struct span input, struct err *err);
int job_group(struct job_out *out, struct span input, struct err *err);
int job_mountinfo(struct job_out *out, struct span input, struct err *err);
int job_aptlist(struct job_out *out, struct span input, struct err *err);
int job_aptsources(struct job_out *out, struct span input, struct err *err);
int job_deliver(struct job_out *out, struct span input, struct err *err);
int job_dpkglist(struct job_out *out, struct span input, struct err *err);
int job_commit(struct job_out *out, const struct job_call *c, struct err *err);
int job_package(struct job_out *out, struct span input, struct err *err);
int job_registry(struct job_out *out, struct span input, struct err *err);
int job_release(struct job_out *out, const struct job_call *c, struct err *err);
int job_retention(struct job_out *out, struct span input, struct err *err);
int job_signature(struct job_out *out, const struct job_call *c, struct err *err);
int job_state(struct job_out *out, const struct job_call *c, struct err *err);
int job_statefile(struct job_out *out, struct span input, struct err *err);
int job_timestamp(struct job_out *out, const struct job_call *c, struct err *err);
int job_watch(struct job_out *out, struct span input, struct err *err);
int job_deb(struct job_out *out, const struct job_call *c, struct err *err);

/* Lines and fields: the part of *s up to sep, which is taken off with it; false at the end. */
bool job_cut(struct span *s, char sep, struct span *ret);

#endif
