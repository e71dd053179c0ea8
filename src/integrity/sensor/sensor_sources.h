/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_sources.h - the sensor's signed lists of paths: where they lie, who may sign.  Floor 3.
 *
 * Lists lie in the directory "lists" of the state, root's as all of it: `assay change apply` puts
 * one there and says so (change.apply), and what is found there at the start or at a reload is
 * taken as well.  They have our own form whoever brings them.
 *
 *   lists/NAME.list --read, verified in a worker--> believed, as lists/<SHA-256>.list
 *                                              '--> refused: an entry, and the file is removed
 *
 * A list ends when it expires, when a later one of its origin, key and places comes, when its key
 * is trusted no more, or when its file is gone at a reload.  Each is an entry integrity.source.
 *
 * Whose signature counts is in <config>/change.keys, a verifier key a line, root's file and nobody
 * else's to write; read at the start, at a reload and before each change.apply.  Without the file
 * nobody's does.  While it cannot be read no list is taken, and what is believed stays. */
#ifndef INTEGRITY_SENSOR_SOURCES_H
#define INTEGRITY_SENSOR_SOURCES_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/why/sources.h"
#include "wire/json.h"

#define SOURCE_KEYS_FILE "change.keys"
#define SOURCE_LISTS_DIR "lists"
#define SOURCE_SUFFIX    ".list"

struct control_call;
struct sensor;
struct who;

MUST_USE int lists_init(struct sensor *s, struct err *err);
void lists_done(struct sensor *s);
/* The recorder is known: read keys and lists, and wait for it. */
MUST_USE int lists_start(struct sensor *s);
/* Read them anew. */
void lists_reload(struct sensor *s);
/* Now and then: those that have expired; a list that waits. */
MUST_USE int lists_tick(struct sensor *s);

const struct sources *lists_known(const struct sensor *s);
/* Members "lists" for answers: what is believed. */
void lists_put(const struct sensor *s, struct json_writer *w);

/* change.apply  file: a name in the directory  ->  what the list is. */
MUST_USE int lists_apply(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                         struct err *err);

#endif
