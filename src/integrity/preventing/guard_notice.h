/* SPDX-License-Identifier: Apache-2.0 */
/* guard_notice.h - what the sensor and the guard's handler tell each other.  Floor 3.
 *
 * Packets over one socket pair, both ends Assay's own; numbers are the machine's.  To the handler:
 * a struct guard_order, from it a struct guard_notice, both without the end of path. */
#ifndef INTEGRITY_GUARD_NOTICE_H
#define INTEGRITY_GUARD_NOTICE_H

#include "integrity/preventing/guard_table.h"
#include "integrity/trusted/record.h"

/* Both are started with these. */
enum { GUARD_FD_SOCKET = 3, GUARD_FD_TABLE = 4, GUARD_FD_HANDLER = 3 };

enum {
        GUARD_DEADLINE_MS = 1000, /* without a sign of life it is killed */
        GUARD_BEAT_MS = 100,
        GUARD_HOLD_MS = 200, /* an execution waits for its file to be read */
        GUARD_PATH_MAX = 4096,
};

static inline struct guard_file guard_file_of(const struct record *r)
{
        return (struct guard_file){ .dev = r->dev,
                                    .ino = r->ino,
                                    .size = r->size,
                                    .mtime_ns = r->mtime_ns,
                                    .ctime_ns = r->ctime_ns };
}

enum guard_order_what {
        GUARD_MARK_FILE = 1,   /* of the descriptor that comes with it */
        GUARD_MARK_DIRECTORY,  /* with what is directly in it */
        GUARD_MARK_FILESYSTEM, /* for what lies anywhere on it */
        GUARD_MOUNT,           /* paths under this mount are what the bases mean */
        GUARD_IGNORE,          /* never ask about this file, until it is written to */
        GUARD_BASES_BEGIN,     /* others than before; they count from GUARD_BASES_END on */
        GUARD_BASE,
        GUARD_BASES_END,
        GUARD_IS_READY, /* answer GUARD_READY: all before it was done */
};

struct guard_order {
        uint32_t what;
        uint32_t strict;
        uint32_t path_n; /* of GUARD_BASE */
        char path[GUARD_PATH_MAX];
};

enum guard_what {
        GUARD_LOOK = 1,           /* read this file, somebody wants to execute it */
        GUARD_WAS_REFUSED,        /* its content is not what is trusted */
        GUARD_WAS_UNREAD_REFUSED, /* strict: it could not be read in time */
        GUARD_WAS_UNREAD_ALLOWED,
        GUARD_READY,         /* answers GUARD_IS_READY */
        GUARD_NO_FILESYSTEM, /* the kernel refused this mark with errno -pid; file.dev is which */
};

struct guard_notice {
        uint32_t what;
        int32_t pid;
        struct guard_file file;
        uint32_t path_n;
        char path[GUARD_PATH_MAX];
};

#endif
