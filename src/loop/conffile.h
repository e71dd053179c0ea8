/* SPDX-License-Identifier: Apache-2.0 */
/* conffile.h - a file of configuration: its bytes, for assay-job to parse, and what that found
 * wrong with it.  Floor 2.
 *
 * SECURITY: who may write the file decides what a process with rights does, so it must be root's,
 * or of the user this runs as, and nobody else's to write. */
#ifndef LOOP_CONFFILE_H
#define LOOP_CONFFILE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/json.h"

enum { CONFFILE_MAX = 1 << 20, CONFFILE_FAULTS_MAX = 32 };

enum conffile_flags {
        CONFFILE_ANYBODYS = 1u << 0, /* to judge a file, not to use it: whoever's it is */
};

/* Line 0: of the whole file. */
struct conffile_fault {
        uint32_t line, column;
        char text[512]; /* safe to show */
};

struct conffile_faults {
        struct conffile_fault *at;
        size_t n;
};

/* All of it.  -EACCES: not to be trusted, or no file; -E2BIG above CONFFILE_MAX. */
MUST_USE int conffile_read(const char *path, unsigned flags, struct buf *out, struct err *err);
/* A buffer that conffile_read() finds room in. */
#define CONFFILE_BUF BUF_INIT(CONFFILE_MAX + 2 * 65536)

/* A fact with a member "fault" as job/faults.h has them; text is that member. */
MUST_USE int conffile_take_fault(struct conffile_faults *f, struct json_value fact,
                                 struct json_value text);
/* "watch.yaml:5:3: text"; from is the path. */
void conffile_put_fault(const char *from, const struct conffile_fault *f, struct buf *out);
void conffile_faults_done(struct conffile_faults *f);

/* What a job that ended so made of it.  -EINVAL: there are faults; err says the first, and how many
 * more. */
MUST_USE int conffile_end(const char *from, const struct conffile_faults *f, int job_result,
                          const struct err *job_err, struct err *err);

#endif
