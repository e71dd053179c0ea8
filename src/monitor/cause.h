/* SPDX-License-Identifier: Apache-2.0 */
/* cause.h - the changes of files that made a table another one, as the ledger has them.  Floor 3.
 *
 * The sensor tells who changed a file; the monitor sees rows.  Both are in one ledger, so the entry
 * of the file's change is the row's cause: same files, and no older than the look before.
 *
 * SECURITY: entries are read as anybody may have written them; one that is odd is passed over. */
#ifndef MONITOR_CAUSE_H
#define MONITOR_CAUSE_H

#include "base/base.h"
#include "base/buf.h"
#include "state/state.h"
#include "wire/json.h"

enum {
        CAUSES_MAX = 1024,      /* the latest ones */
        CAUSES_SCAN_MAX = 8192, /* entries that are looked through, from the last one back */
        CAUSES_BYTES_MAX = 4 * 1024 * 1024,
        CAUSE_WHO_MAX = 16 * 1024, /* bytes; a longer one stays in the entry of the cause */
};

struct cause {
        uint64_t index;
        bool of_sources; /* its path is one of the table's sources */
        bool has_who;
        bool explained;                            /* and so is what came of it */
        size_t path, path_n, id, id_n, who, who_n; /* in text */
        size_t state, state_n, alert, alert_n;     /* why.state and why.alert of its entry */
};

struct causes {
        struct buf text;
        struct cause at[CAUSES_MAX]; /* latest first */
        size_t n;
        const char *none; /* why there is none where there is none; never NULL */
};

/* Could a change of a file be the cause of a row's? */
bool causes_possible(const struct state_table *t, const struct state_source *sources, size_t n);
/* Changes told since from_ns.  root: before the paths of the sources.  ret is one that was found
 * before, or all zero. */
void causes_find(const char *ledger, const char *root, const struct state_source *sources, size_t n,
                 int64_t from_ns, struct causes *ret);
/* Is there one of the sources? */
bool causes_has(const struct causes *c);
void causes_done(struct causes *c);

/* Of a row: the latest of the file that it names, else of the sources.  NULL. */
const struct cause *causes_of(const struct causes *c, struct json_value row);

struct span cause_alert(const struct causes *c, const struct cause *x);
struct span cause_state(const struct causes *c, const struct cause *x);
/* The members of "what" that come first in it, and "who", of an entry about this row. */
void cause_put_what(const struct causes *c, const struct cause *x, struct json_writer *w);
void cause_put_who(const struct causes *c, const struct cause *x, struct json_writer *w);

#endif
