/* SPDX-License-Identifier: Apache-2.0 */
/* row.h - rows of a table: written by its reader, checked by who gets them.  Floor 2, pure.
 *
 * A row is one canonical JSON object: a member per column that has a value, by its name.
 *   {"gid":0,"home":"/root","name":"root"}
 * On its way from the reader it is a fact, as is what could not be read:
 *   {"row":{...}}   {"fault":"too few fields","line":3,"name":"/etc/passwd"} */
#ifndef STATE_ROW_H
#define STATE_ROW_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "state/reading/bundle.h"
#include "state/state.h"
#include "wire/json.h"

/* Where a reader puts its rows. */
struct state_out {
        const struct state_table *table;
        int (*send)(void *ctx, struct span fact);
        void *ctx;
        struct buf fact;
        /* The row at hand: each column's JSON value, empty where it has none. */
        struct buf value[STATE_COLUMNS_MAX];
        uint32_t rows, faults;
        char missing[256]; /* what could not be read at all: the rows are not the whole table */
        int failed;        /* of send() or memory; the first one sticks */
};

void state_out_init(struct state_out *o, const struct state_table *t,
                    int (*send)(void *ctx, struct span fact), void *ctx);
void state_out_done(struct state_out *o);

/* One row: begin, a value for each column that has one, in any order, end.  A column that the table
 * has not, or a value of another type, is our bug and asserts.  Text may be any bytes. */
void state_begin(struct state_out *o);
void state_text(struct state_out *o, const char *column, struct span text);
void state_str(struct state_out *o, const char *column, const char *text);
void state_int(struct state_out *o, const char *column, int64_t v);
void state_u64(struct state_out *o, const char *column, uint64_t v); /* above 2^53-1: that */
void state_bool(struct state_out *o, const char *column, bool v);
void state_time(struct state_out *o, const char *column, int64_t wall_ns);
/* One more of a list; a list without any is made by state_no_items(). */
void state_item(struct state_out *o, const char *column, struct span text);
void state_no_items(struct state_out *o, const char *column);
/* Has the row at hand a value there? */
bool state_has(const struct state_out *o, const char *column);
/* What b holds is meant for a row: if memory failed it, the reading fails, as a whole. */
void state_memory(struct state_out *o, const struct buf *b);
/* Negative: stop reading and return it.  A row that is too long is told as a fault, cut nowhere. */
MUST_USE int state_end(struct state_out *o);

/* Something in a part could not be read.  line 0: the part as a whole.  The text is ours, never the
 * input's.  Negative: stop reading and return it. */
MUST_USE int state_fault(struct state_out *o, const struct state_part *p, uint32_t line,
                         const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Is there content to read?  If not, tells why, and that the table is not whole: it is compared
 * with nothing then.  Unless it is just not there and that is fine; or it is one person's or one
 * service's among many, for then anybody could blind the table for all: that is a fault. */
enum state_absent { STATE_MUST_BE, STATE_MAY_BE_ABSENT, STATE_ONE_OF_MANY };
MUST_USE bool state_readable(struct state_out *o, const struct state_part *p,
                             enum state_absent absent);

/* Of a part of STATE_OTHERS, behind its rows: a fault when there is more than was read of it. */
MUST_USE int state_fault_if_cut(struct state_out *o, const struct state_part *p);

/* Each line of each part that has content, but empty ones and those that begin with '#'. */
typedef int state_line_fn(struct state_out *o, const struct state_part *p, struct span line,
                          uint32_t number);
MUST_USE int state_each_line(struct state_in *in, struct state_out *o, enum state_absent absent,
                             state_line_fn *fn);

/* ---- on the other side ---- */

/* Does a checked JSON object fit the table?  Every member a column of its type, every key column
 * there, not too long.  -EINVAL, named. */
MUST_USE int state_row_check(const struct state_table *t, struct json_value row, struct err *err);
/* What the row is sorted by and known by: its key columns' values in the order of columns. */
void state_row_key(const struct state_table *t, struct json_value row, struct buf *out);
/* The same for people: "root", "/etc/cron.d/x 3". */
void state_row_name(const struct state_table *t, struct json_value row, struct buf *out);
/* Do two rows differ in anything that counts?  Their columns that differ go to names as a JSON
 * array's items are put, when w is not NULL. */
bool state_row_differs(const struct state_table *t, struct json_value a, struct json_value b,
                       struct json_writer *w);

#endif
