/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h - what is wrong with a file of configuration, by place, and what its readers share.
 * Floor 3, process assay-job.
 *
 * Told as {"column":3,"fault":"unknown key \"pathes\"","line":5}, in order of their places, and at
 * the end, when there were more, {"column":0,"fault":"and 11 more","line":0}. */
#ifndef JOB_FAULTS_H
#define JOB_FAULTS_H

#include "job/job.h"
#include "job/yaml.h"

#include <stdarg.h>

enum { FAULTS_MAX = 20 };

struct faults {
        struct yaml_fault at[FAULTS_MAX]; /* in order of their marks */
        size_t n, more;
};

void faults_add(struct faults *f, struct yaml_mark at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void faults_add_v(struct faults *f, struct yaml_mark at, const char *fmt, va_list ap)
        PRINTF_LIKE(3, 0);
/* yaml_read(): 1, and *ret; 0: what is wrong with it was added; -ENOMEM. */
MUST_USE int faults_read(struct faults *f, struct span input, struct arena *a,
                         struct yaml_node **ret);
MUST_USE int faults_tell(const struct faults *f, struct job_out *out);

static inline size_t faults_count(const struct faults *f)
{
        return f->n + f->more;
}

/* A span of theirs within a message, for "%.*s". */
#define SHOWN(s) (int)MIN_OF((s).n, (size_t)60), (const char *)(s).p

/* ---- values: false after a fault ---- */

/* The text of a node, which must be one.  wanted is what should stand there. */
MUST_USE bool yaml_get_text(struct faults *f, const struct yaml_node *n, const char *wanted,
                            struct span *ret);

struct yaml_unit {
        const char *name;
        uint64_t times;
};

/* A number and its unit, without a blank between them; below 2^53. */
MUST_USE bool yaml_get_number(struct faults *f, const struct yaml_node *n, const char *wanted,
                              const struct yaml_unit *units, size_t n_units, uint64_t *ret);

/* Whether a name may stand for kinds of entries: "integrity.change", or "integrity.*" for all of
 * them; one of a family of ours that the table does not have is misspelt. */
MUST_USE bool yaml_check_kind(struct faults *f, struct yaml_mark at, struct span name);

/* ---- keys ---- */

struct yaml_key {
        const char *name;
        void (*take)(void *ctx, const struct yaml_node *value);
        bool required;
};

/* The key of the same name before this one; NULL: there is none. */
const struct yaml_node *yaml_same_key(const struct yaml_node *map, const struct yaml_node *key);

/* Each key of a map whose names are the file's own; the second one of a name is a fault. */
void yaml_take_each(struct faults *f, const struct yaml_node *map,
                    void (*take)(void *ctx, const struct yaml_node *key), void *ctx);

/* Each key of a map to its function; those that are unknown, twice there or missing are faults.
 * what and at: of the whole, for the last. */
void yaml_take_keys(struct faults *f, const struct yaml_node *map, const struct yaml_key *keys,
                    size_t n, void *ctx, const char *what, struct yaml_mark at);

#endif
