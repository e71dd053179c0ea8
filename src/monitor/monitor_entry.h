/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_entry.h - the entries of kinds state.* and capacity.*, as skeletons.  Floor 3, pure. */
#ifndef MONITOR_MONITOR_ENTRY_H
#define MONITOR_MONITOR_ENTRY_H

#include "base/base.h"
#include "base/buf.h"
#include "monitor/cause.h"
#include "state/rows/rows.h"
#include "state/rows/stored.h"

struct state_baseline {
        const struct state_table *table;
        const char *name;
        int64_t wall_ns;
        const char *reason; /* first, lost, columns */
        const struct stored_head *head;
        uint64_t rows;
};
void state_baseline_put(const struct state_baseline *b, struct buf *out);

struct state_difference {
        const struct state_table *table;
        const char *name;
        int64_t wall_ns;
        const struct stored_head *head; /* of the table as it is now */
        const uint8_t *previous;        /* digest of the one before */
        struct span old, new;           /* rows; empty: there is none */
        const struct causes *causes;
        const char *alert; /* id of the alert it is counted in; NULL: none */
};

/* What of one table, by one cause, is worth an alert. */
struct state_alert {
        const char *name; /* of the table */
        int64_t wall_ns;
        const struct causes *causes;
        const struct cause *cause; /* NULL: not known */
        const char *id, *change;   /* change: added, removed, changed or several */
        uint64_t count;
        const struct buf *rows; /* names of the first ones, each with its NUL; of people none */
};
void state_alert_put(const struct state_alert *a, struct buf *out);
/* The skeleton; and of a table of people the subject and the value of its field "what.row". */
void state_difference_put(const struct state_difference *d, struct buf *out);
void state_difference_subject(const struct state_difference *d, struct buf *out);
void state_difference_value(const struct state_difference *d, struct buf *out);

/* All rows at once, of a table whose values never rest.  Rows that do not fit are counted. */
void capacity_put(const char *name, int64_t wall_ns, const struct rows *rows, struct buf *out);

void state_trouble_put(const char *name, int64_t wall_ns, const char *event, const char *reason,
                       struct buf *out);

struct state_monitor_facts {
        int64_t wall_ns;
        const char *event, *reason; /* reason: NULL */
        const char *config;         /* path of what is used */
        const uint8_t *digest;      /* of that */
        const char *const *tables;
        size_t n;
};
void state_monitor_put(const struct state_monitor_facts *f, struct buf *out);

#endif
