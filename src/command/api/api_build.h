/* SPDX-License-Identifier: Apache-2.0 */
/* api_build.h - sources linted and built by the job "package", for the commands below assay api.
 * Floor 3.
 *
 * SECURITY: this process reads no YAML and no Cedar of theirs; what the job says is taken as a
 * stranger's, but for the hash of the body, which is counted here. */
#ifndef COMMAND_API_API_BUILD_H
#define COMMAND_API_API_BUILD_H

#include "base/clock.h"
#include "command/api/api_sources.h"
#include "command/command.h"
#include "package/file.h"
#include "package/source/lint.h"
#include "wire/package_fact.h"

struct api_built;

/* What is kept while the job tells; large as well. */
struct api_taking {
        struct api_built *b;
        struct package_fact fact;
        uint32_t own, errors, warnings; /* faults there were before the job */
        uint32_t passed_over;
        bool ended;
};

struct api_built {
        struct lint lint;           /* all faults, by file and place */
        struct api_sources sources; /* of a directory */
        struct arena arena;         /* of the rest */
        struct buf body;            /* whole: what is to be signed */
        struct package_file file;   /* whole: borrows from body; without a note */
        bool whole;                 /* there was no error */
};

/* Of a directory.  0: built, or the errors are in ret->lint; else what could not be done, and
 * nothing is in *ret.  ret is large: keep it off small stacks. */
MUST_USE int api_build_dir(const char *dir, const struct clock *clock, struct api_built *ret,
                           struct err *err);
/* Of the sources of a package, again. */
MUST_USE int api_build_again(const struct package_file *f, const struct clock *clock,
                             struct api_built *ret, struct err *err);
void api_built_done(struct api_built *b); /* fine on a zeroed one */

/* What building is made of: init, begin, take each fact of the job (a job_fact_fn), end.
 * -EBADMSG: what the job says does not fit together. */
void api_built_init(struct api_built *b);
void api_built_begin(struct api_built *b, struct api_taking *t);
MUST_USE int api_built_take(void *ctx, struct span json);
MUST_USE int api_built_end(struct api_taking *t, struct err *err);

/* Faults and their sum, as lint and build show them.  before: what file names are behind: the
 * directory, or NULL. */
void api_put_faults(const struct invocation *in, const struct api_built *b, const char *before,
                    struct buf *out);
/* Members "errors", "faults" and "more" of an open object; "warnings" is the caller's, since keys
 * ascend. */
struct json_writer;
void api_put_faults_json(const struct api_built *b, struct json_writer *w);

#endif
