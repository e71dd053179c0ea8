/* SPDX-License-Identifier: Apache-2.0 */
/* statefile_priv.h - the parts of the job that reads state.yaml(5) to each other.  Floor 3, process
 * assay-job.
 *
 *   statefile.c          the file, tables and their files
 *   statefile_targets.c  targets
 *   statefile_value.c    what both have */
#ifndef JOB_STATEFILE_PRIV_H
#define JOB_STATEFILE_PRIV_H

#include "job/faults.h"
#include "state/reading/settings.h"
#include "state/rows/alerting.h"

struct files_item {
        struct span name;
        uint64_t max_age_s;
        struct span path[STATE_PATHS_MAX];
        size_t n_paths;
};

struct state_file {
        struct arena arena;
        struct faults faults;
        struct job_out *out;
        int rc; /* of telling */
        bool telling;
        const struct yaml_node *tables, *targets; /* NULL: not given */
        /* what is being read */
        const struct state_table *table;
        uint64_t every_s, timeout_s;
        bool off, pairs_full;
        struct span name;
        struct yaml_mark name_mark;
        struct buf alert; /* as in state/rows/alerting.h; empty: not given */
        const struct yaml_node *files;
        struct files_item item;
        struct state_value pair[STATE_SETTINGS_MAX];
        struct yaml_mark pair_mark[STATE_SETTINGS_MAX]; /* of its value */
        size_t n_pairs;
};

/* A time between 1 s and max_s; limits: those two in words. */
void state_file_seconds(struct state_file *f, const struct yaml_node *n, uint64_t max_s,
                        const char *limits, uint64_t *ret_s);
/* The key "every". */
void state_file_every(void *ctx, const struct yaml_node *n);
/* Text that its reader may get (state/reading/settings.h). */
bool state_file_text(struct state_file *f, const struct yaml_node *n, const char *wanted,
                     struct span *ret);
/* The fact at hand is whole. */
void state_file_tell(struct state_file *f);

void state_file_targets(struct state_file *f);

#endif
