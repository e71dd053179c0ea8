/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - the parts of the job that reads watch.yaml to each other.  Floor 3, process assay-job.
 *
 *   watch.c        the job: what is told
 *   watch_read.c   keys and values
 *   watch_check.c  patterns against each other */
#ifndef JOB_WATCH_H
#define JOB_WATCH_H

#include "base/arena.h"
#include "base/pattern.h"
#include "job/faults.h"

/* As integrity/watching/watchset.h has them; a test compares. */
enum {
        WATCH_FILE_PROFILES = 63,
        WATCH_FILE_PATTERNS = 1024,
        WATCH_FILE_WILD = 1024,
        WATCH_FILE_NAME = 64,
        WATCH_FILE_ABOUT = 1024,
        WATCH_FILE_OWNERS = 16,
};

enum watch_file_mode { FILE_LOG, FILE_ALERT, FILE_RESTORE, FILE_DENY, FILE_MODES };
extern const char *const watch_file_mode_name[FILE_MODES];
enum watch_file_execute {
        FILE_EXECUTE_ANY,
        FILE_EXECUTE_KNOWN,
        FILE_EXECUTE_STRICT,
        FILE_EXECUTES
};
extern const char *const watch_file_execute_name[FILE_EXECUTES];

struct watch_pattern {
        struct yaml_mark mark;
        struct span text;
        unsigned profile;
        bool exclude;
        struct pattern pattern;
};

struct watch_section {
        struct yaml_mark mark; /* of its name */
        struct span name, about;
        enum watch_file_mode mode;
        uint32_t attributes;
        enum watch_file_execute execute;
        bool keep, changes; /* volatile */
        uint64_t max_size, deep_s;
        struct span owners[WATCH_FILE_OWNERS];
        size_t n_owners;
        struct yaml_mark mode_mark, keep_mark, max_size_mark, volatile_mark; /* line 0: not given */
};

struct watch_file {
        struct arena arena;
        struct watch_section section[WATCH_FILE_PROFILES];
        size_t n_sections;
        struct watch_pattern *pattern[WATCH_FILE_PATTERNS];
        size_t n_patterns, n_wild;
        struct watch_section *taking;    /* whose keys are read */
        uint64_t scan_bytes, scan_files; /* a second; 0: no limit */
        struct faults faults;
        int rc; /* -ENOMEM */
};

void watch_fault(struct watch_file *w, struct yaml_mark at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Fill w from a document; what does not fit becomes a fault. */
void watch_read(struct watch_file *w, const struct yaml_node *root);
void watch_check(struct watch_file *w);

#endif
