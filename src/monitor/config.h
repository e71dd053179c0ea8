/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - what is looked at, from state.yaml(5): a plan for each table and each target.  Floor
 * 3.
 *
 * The bytes are read here and parsed by assay-job (state/reading/settings.h has its facts); the
 * digest is of exactly the bytes that were parsed.  Where there is no file, the one that ships is
 * used. */
#ifndef MONITOR_CONFIG_H
#define MONITOR_CONFIG_H

#include "base/arena.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/sha256.h"
#include "loop/conffile.h"
#include "loop/jobrun.h"
#include "monitor/command.h"
#include "state/reading/settings.h"
#include "state/rows/alerting.h"
#include "state/state.h"

#include <limits.h>

#define MONITOR_CONFIG_FILE    "state.yaml"
#define MONITOR_CONFIG_SHIPPED "built-in state.yaml"

enum { PLANS_MAX = STATE_TABLES_MAX + STATE_TARGETS_MAX };

/* One table of this host, or one target. */
struct plan {
        const struct state_table *table;
        char name[STATE_NAME_MAX]; /* the table's, or "table.target" */
        const char *alert;         /* as in state/rows/alerting.h; NULL: none */
        unsigned every_s;
        const struct state_source *sources;
        size_t n_sources;
        const struct command *command; /* of a target; NULL */
};

struct monitor_config {
        struct arena arena;  /* of all that plans point to */
        char from[PATH_MAX]; /* the file's path or MONITOR_CONFIG_SHIPPED */
        uint8_t digest[SHA256_LEN];
        struct conffile_faults faults;
        struct plan *plans; /* in the order of tables, then of the file */
        size_t n;
        struct config_told *told; /* while the job tells */
};

/* The bytes of this file, or of the built-in one where path is NULL or not there, as a descriptor
 * for the job, the caller's to close.  c is all zero before.  -EACCES: not to be trusted. */
MUST_USE int monitor_config_open(const char *path, struct monitor_config *c, int *ret_fd,
                                 struct err *err);
/* How to run the job; all borrowed as job_spec says. */
struct job_spec monitor_config_job(const char *program, int fd, const struct clock *clock);
/* Its facts, with c as ctx. */
int monitor_config_fact(void *ctx, struct span json);
/* What became of it.  -EINVAL: there are faults; err says the first, and how many more. */
MUST_USE int monitor_config_end(struct monitor_config *c, int job_result, const struct err *job_err,
                                struct err *err);
/* All of it, waiting for the job. */
MUST_USE int monitor_config_load(const char *path, const char *program, const struct clock *clock,
                                 struct monitor_config *c, struct err *err);
void monitor_config_done(struct monitor_config *c);

#endif
