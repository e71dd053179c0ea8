/* SPDX-License-Identifier: Apache-2.0 */
/* restore_entry.h - entries of what was put back and put away: integrity.restored, .not_restored,
 * .quarantined and .incident.  Floor 3, pure.
 *
 * Kinds and fields are those of wire/kind_table.c. */
#ifndef INTEGRITY_RESTORE_ENTRY_H
#define INTEGRITY_RESTORE_ENTRY_H

#include "base/base.h"
#include "base/buf.h"
#include "integrity/restoring/restore_disk.h"
#include "integrity/watching/watchset.h"

struct who;

enum { RESTORE_IDS_TOLD = 16 };

struct restored_facts {
        int64_t wall_ns, took_ns;            /* took_ns 0: not said */
        struct span path;                    /* at most some thousand bytes: see tell_path() */
        const struct watch_profile *profile; /* NULL: none */
        const struct restore_task *task;
        const char *baseline; /* root of an earlier one in hex; NULL: what is trusted */
        bool by_command;
        const struct who *who; /* who gave the command; NULL with by_command: not known */
};
void restored_put(const struct restored_facts *f, struct buf *out);

struct not_restored_facts {
        int64_t wall_ns, again_ns; /* again_ns 0: not by itself */
        struct span path;
        const struct watch_profile *profile;
        const char *reason;
        struct span detail; /* any bytes */
        bool by_command;
        const struct who *who;
};
void not_restored_put(const struct not_restored_facts *f, struct buf *out);

struct quarantined_facts {
        int64_t wall_ns;
        struct span path;
        const struct watch_profile *profile;
        const struct restore_taken *item;
        const struct record *record;
};
void quarantined_put(const struct quarantined_facts *f, struct buf *out);

struct incident_facts {
        int64_t wall_ns, until_ns; /* until_ns 0: not said */
        struct span path;
        const struct watch_profile *profile;
        const char *action;
        struct span detail;
        uint64_t count, window_s; /* window_s 0: not said */
};
void incident_put(const struct incident_facts *f, struct buf *out);

/* The reason of a failure, as it stands in integrity.not_restored. */
const char *not_restored_reason(enum restore_result result, int code);

#endif
