/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - what is to be watched, from watch.yaml(5).  Floor 3.
 *
 * The bytes are read here and parsed by assay-job, which answers with lines of a watchset or with
 * faults; the digest is of exactly the bytes that were parsed.  Where there is no file, the one
 * that ships is used: packaging/watch.yaml, which is built in.
 *
 * SECURITY: who may write the file decides what is watched, so it must be root's, or of the user
 * this runs as, and nobody else's to write. */
#ifndef INTEGRITY_CONFIG_H
#define INTEGRITY_CONFIG_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "integrity/trusted/pace.h"
#include "integrity/watching/watchset.h"
#include "loop/conffile.h"
#include "loop/jobrun.h"

#include <limits.h>

enum { CONFIG_DIGEST = 32 };

#define CONFIG_FILE    "watch.yaml"
#define CONFIG_SHIPPED "built-in watch.yaml"

enum config_flags {
        CONFIG_ANYBODYS = 1u << 0, /* to judge a file, not to use it: whoever's it is */
        CONFIG_NO_OTHER = 1u << 1, /* a file that is not there is an error, -ENOENT */
};

struct config {
        struct watchset set;
        struct pace_limits pace; /* of scans */
        char from[PATH_MAX];     /* the file's path, CONFIG_SHIPPED or "command line" */
        uint8_t digest[CONFIG_DIGEST];
        bool has_digest;
        struct conffile_faults faults;
};

void config_done(struct config *c);

/* The bytes of this file, or of the built-in one (path NULL, or nothing there), as a descriptor for
 * the job, the caller's to close.  Sets from and digest.  -EACCES: not to be trusted. */
MUST_USE int config_open(const char *path, unsigned flags, struct config *c, int *ret_fd,
                         struct err *err);
/* How to run the job; the descriptor and the rest are borrowed as job_spec says. */
struct job_spec config_job(const char *program, int fd, const struct clock *clock);
/* Its facts, with a struct config as ctx. */
int config_fact(void *ctx, struct span json);
/* What became of it: job_result and job_err are what the job ended with.  -EINVAL: there are
 * faults; err says the first, and how many more. */
MUST_USE int config_end(struct config *c, int job_result, const struct err *job_err,
                        struct err *err);

/* "watch.yaml:5:3: text". */
void config_put_fault(const struct config *c, size_t i, struct buf *out);

/* All of it, waiting for the job.  c is empty before; after a failure it holds the faults. */
MUST_USE int config_load(const char *path, unsigned flags, const char *program,
                         const struct clock *clock, struct config *c, struct err *err);

/* From --watch: paths, and "!path" for what is left out.  Ends with NULL. */
MUST_USE int config_from_paths(const char *const *paths, struct config *c, struct err *err);

/* The text of the file that ships. */
struct span config_shipped(void);

#endif
