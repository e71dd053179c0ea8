/* SPDX-License-Identifier: Apache-2.0 */
/* state_view.h - tables of the host's state as they are kept, and shown.  Floor 3. */
#ifndef COMMAND_STATE_STATE_VIEW_H
#define COMMAND_STATE_STATE_VIEW_H

#include <stdlib.h>

#include "command/command.h"
#include "state/reading/settings.h"
#include "state/rows/rows.h"
#include "state/rows/stored.h"
#include "wire/json.h"

enum { STATE_PROBLEM_MAX = 512, STATE_LISTED_MAX = STATE_TABLES_MAX + STATE_TARGETS_MAX };

struct state_listed {
        const struct state_table *table; /* NULL: this program does not know it */
        char name[STATE_NAME_MAX];
        bool stored; /* head and rows are known */
        struct stored_head head;
        uint64_t rows;
        int64_t read_ns;           /* wall, of the last look; 0: not known */
        uint64_t every_s, took_ms; /* between two looks; what the last one took; 0: not known */
        char problem[STATE_PROBLEM_MAX]; /* safe; "": none */
};

struct state_list {
        struct state_listed at[STATE_LISTED_MAX];
        size_t n;
        bool lives; /* the monitor runs */
};

/* From what the monitor says of itself, and what it keeps.  A table that was not looked at for much
 * longer than it should be has that as its problem.  -EACCES: only root may. */
MUST_USE int state_list_read(const struct invocation *in, struct state_list *ret, struct err *err);

/* The definition of a table, or of "TABLE.TARGET".  NULL. */
const struct state_table *state_view_table(const char *name);
MUST_USE int state_view_read(const struct invocation *in, const char *name,
                             const struct state_table *t, struct stored_head *ret,
                             struct rows *ret_rows, struct err *err);

void state_view_put(const struct screen *s, const struct state_table *t, const struct rows *r,
                    struct buf *out);
void state_view_put_json(const char *name, const struct state_table *t, const struct stored_head *h,
                         const struct rows *r, struct buf *out);
void state_view_put_columns(const struct state_table *t, const char *const *types, struct buf *out);

#endif
