/* SPDX-License-Identifier: Apache-2.0 */
/* scan_priv.h - scan.c (the owner's part) and scan_job.c (the workers') to each other.  Floor 3. */
#ifndef INTEGRITY_SCAN_PRIV_H
#define INTEGRITY_SCAN_PRIV_H

#include "base/buf.h"
#include "integrity/trusted/observe.h"
#include "integrity/trusted/scan.h"
#include "loop/pool.h"
#include "sys/dirwalk.h"

#include <stdatomic.h>

enum {
        SCAN_JOBS = 8,              /* at most in the pool at once */
        SCAN_CHUNK_CONTENT = 256,   /* files read by one job */
        SCAN_CHUNK_STAT = 4096,     /* files looked at by one job */
        SCAN_NAMES_MAX = 256 << 20, /* names of one directory that wait */
};

struct scan_job {
        struct pool_job job;
        struct scan *scan;
        struct scan_job *next_free;
        struct table_node *dir;
        /* in */
        struct buf path;
        struct buf names; /* each with its NUL; when list is set: found beyond the first chunk */
        bool list, content;
        bool divided; /* not all names here are watched alike: at says */
        bool keep;    /* content, where the profile asks for it */
        struct watch_at at;
        /* out */
        int status;                 /* opening or listing the directory */
        struct table_handle handle; /* of a listed directory; n = 0: none */
        bool long_names;            /* it has some that no table holds: left out */
        struct buf results;
        /* the worker's */
        struct observer *observer;
        struct dir_reader reader;
        struct buf encoded;
        struct watch_at name_at;
};

/* What a job says of one name; name, record and handle bytes follow it. */
struct scan_result {
        int32_t error;
        bool way; /* a directory that is not watched and may lead to something that is */
        uint32_t record_n;
        uint32_t name_n;
        uint32_t handle_n;
        int32_t handle_type;
        uint64_t fsid;
};

/* Work to come: a directory to list, or names in it to observe. */
struct scan_todo {
        struct table_node *dir;
        struct buf names;
        size_t at; /* names before it are done */
        bool list, content;
};

struct scan {
        const struct watchset *watch;
        struct table *table;
        struct pool *pool;
        const struct scan_ops *ops;
        void *ctx;

        struct scan_job *jobs[SCAN_JOBS], *free_jobs;
        unsigned busy;
        struct scan_todo *todo;
        size_t n_todo, max_todo;

        const struct watchset *before; /* NULL: walk everywhere */
        struct content *content;       /* NULL: none is kept */
        struct pace *pace;             /* NULL: as fast as it goes */
        atomic_uint_fast64_t read;
        atomic_bool ended;

        unsigned flags;
        uint32_t epoch;
        bool running, held, pumping;
        int rc;
        struct scan_counts counts;
        struct buf path; /* the owner's scratch */

        struct table_node **missing;
        size_t n_missing;
};

/* In a worker. */
void scan_job_run(struct pool_job *p);

#endif
