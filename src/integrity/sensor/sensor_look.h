/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_look.h - the parts of looking to each other.  Floor 3, part of the sensor.
 *
 *   sensor_event.c  events become places
 *   sensor_look.c   a place is read, here or in a worker
 *   sensor_look_open.c  what somebody may keep locked is opened
 *   sensor_way.c    places on the way to what is watched
 *   sensor_take.c   what was read is compared with what was known, and told
 *   sensor_gone.c   what is not there any more */
#ifndef INTEGRITY_SENSOR_LOOK_H
#define INTEGRITY_SENSOR_LOOK_H

#include "integrity/sensor/sensor_priv.h"
#include "sys/hands.h"

enum look_result {
        LOOK_DONE,
        LOOK_MORE,  /* the same as look_forget() says: there is more to be told of this place */
        LOOK_TAKEN, /* the place waits or is read elsewhere */
        LOOK_LATER, /* not now */
};

/* Come back to it after so long. */
void look_put_back(struct sensor *s, struct dirty_place *p, int64_t ms);

/* ---- sensor_look_open.c ---- */

MUST_USE int look_open_init(struct sensor *s, struct err *err);
/* As openat(2), observe_stat(), observe_open_dir() and getdents64(2) (dir_list_fn, ctx is a
 * look_by); -ETIMEDOUT, -EUSERS: somebody keeps the directory locked. */
MUST_USE int look_open(struct sensor *s, int dirfd, const char *name, int flags);
MUST_USE int look_stat(struct sensor *s, int dirfd, const char *name, struct record *ret,
                       struct table_handle *ret_handle);
MUST_USE int look_open_dir(struct sensor *s, struct span path);
ssize_t look_list(void *ctx, int fd, void *to, size_t n);
/* It could not be looked at for that: it is told, and put off.  As look_take(). */
MUST_USE int look_stalled(struct sensor *s, struct table_node *dir, struct span name,
                          struct dirty_place *p);
/* The same of a directory that is new here: later. */
MUST_USE int look_later(struct sensor *s, struct table_node *n, struct who *who);
/* A scan asks by hands where files have holes; what it opens and lists it waits for. */
void look_for_scan(struct sensor *s);

/* What was read of a place, or why it could not be: enum look_result or a negative errno. */
MUST_USE int look_take(struct sensor *s, struct table_node *dir, struct span name, int error,
                       struct span encoded, const struct table_handle *h, struct dirty_place *p);

/* Read a place here and now, through its directory: as look_take(). */
MUST_USE int look_read(struct sensor *s, struct table_node *dir, struct span name, int fd,
                       struct dirty_place *p);
/* A name that is not watched and was seen to change: s->path.  What is below it may be.  As
 * look_take(). */
MUST_USE int look_way(struct sensor *s, struct table_node *dir, struct span name,
                      struct dirty_place *p);

/* Nothing is there, and nothing was known to be: as look_take(). */
MUST_USE int look_not_there(struct sensor *s, struct table_node *dir, struct span name,
                            struct dirty_place *p);
/* As look_forget(), without n itself. */
MUST_USE int look_forget_below(struct sensor *s, struct table_node *n, const struct dirty_place *p);

#endif
