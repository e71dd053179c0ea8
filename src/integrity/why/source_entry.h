/* SPDX-License-Identifier: Apache-2.0 */
/* source_entry.h - entries of signed lists of paths, as canonical JSON.  Floor 3, pure.
 *
 * Kind and fields are those of wire/kind_table.c. */
#ifndef INTEGRITY_SOURCE_ENTRY_H
#define INTEGRITY_SOURCE_ENTRY_H

#include "base/base.h"
#include "base/buf.h"
#include "integrity/why/sources.h"
#include "wire/json.h"

struct who;

struct source_facts {
        int64_t wall_ns;
        const char *event;              /* as in the table of kinds */
        const struct source *source;    /* NULL: none, or not to be believed */
        const uint8_t *digest;          /* of the file, where there is no source; NULL: not known */
        const struct source_keys *keys; /* NULL: not said */
        const char *detail;             /* UTF-8; NULL: none */
        struct who *who;                /* NULL: nobody asked for it */
};
void source_entry_put(const struct source_facts *f, struct buf *out);

/* Members of an object that say what a list is, for answers to administrators. */
void source_members_put(const struct source *s, struct json_writer *w);

#endif
