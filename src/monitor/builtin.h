/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.h - what is asked of the kernel by other means than a file.  Floor 3.
 *
 * Each is one file and one line in builtin.c, and puts one part of text of our own: lines of fields
 * with a tab between, made safe by text_put_safe().  The table that reads it says which fields. */
#ifndef MONITOR_BUILTIN_H
#define MONITOR_BUILTIN_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>

/* 0, or an errno that the part gets as its status.  root: as in gather.h. */
typedef int builtin_fn(const char *root, const atomic_bool *stop, struct buf *out);

struct builtin {
        const char *name;
        builtin_fn *ask;
};

builtin_fn builtin_clock;
builtin_fn builtin_day;
builtin_fn builtin_filesystems;
builtin_fn builtin_luks;
builtin_fn builtin_namespace_mounts;
builtin_fn builtin_namespace_ports;
builtin_fn builtin_ports;
builtin_fn builtin_processors;
builtin_fn builtin_suid;

/* NULL: there is none of that name, which is our bug. */
const struct builtin *builtin_by_name(const char *name);
/* What it tells is a part of every look (gather_look()), for it costs nothing to ask. */
bool builtin_is_cheap(const struct builtin *b);
/* It goes through the files of the host, which takes long. */
bool builtin_is_walk(const struct builtin *b);

/* One more field of a line, made safe; and the line's end. */
void builtin_field(struct buf *out, struct span s);
void builtin_number(struct buf *out, uint64_t v);
void builtin_end(struct buf *out);

#endif
