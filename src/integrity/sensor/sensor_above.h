/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_above.h - directories on the way to what is watched.  Floor 3.
 *
 * Whoever may write in one can put something else in the place of what is watched below it, so who
 * may is part of what is known: owner, mode, access lists, flags and label of each, and its inode,
 * which tells whether something else was mounted there while nobody looked.  They have a table of
 * their own, kept in the files "above" (as they are) and "above.trusted" (as they were
 * found first, or accepted since) of the state directory (snapshot.h): the table of files has no
 * records of what is not watched. */
#ifndef INTEGRITY_SENSOR_ABOVE_H
#define INTEGRITY_SENSOR_ABOVE_H

#include "base/base.h"
#include "base/err.h"

struct sensor;
struct table_node;
struct who;

MUST_USE int above_init(struct sensor *s, struct err *err);
void above_done(struct sensor *s);
/* The sensor is connected: tell what is wrong with the file. */
MUST_USE int above_start(struct sensor *s);

/* Compare the directory at n, which is on the way and not watched itself, with what is known of it.
 * One that is new is known from now on; what differs is told as a change in the strictest profile
 * that it leads to. */
MUST_USE int above_look(struct sensor *s, const struct table_node *n, const char *seen,
                        struct who *who, int64_t wall_ns);
/* The same for a scan: not where an event's own look is to come. */
MUST_USE int above_scan(struct sensor *s, const struct table_node *n, const char *seen);
/* It is not there any more. */
void above_forget(struct sensor *s, const struct table_node *n);

/* What is there now is trusted, of those that are selected.  *ret_n: so many were not before. */
MUST_USE int above_accept(struct sensor *s, bool (*selected)(void *ctx, struct span path),
                          void *ctx, uint64_t *ret_n);

/* The inode of the one that is trusted at this path; 0: not known. */
uint64_t above_inode(const struct sensor *s, struct span path);
/* Where nothing below differs from what is trusted, the one that is there is it. */
MUST_USE int above_rebase(struct sensor *s, bool (*differs)(void *ctx, struct span path),
                          void *ctx);

/* Write the files, if anything has changed since. */
void above_keep(struct sensor *s);

#endif
