/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - a source file of a package as values with places.  Floor 2, pure.
 *
 * What YAML 1.2 (core schema) and JSON have in common; job/yaml_source.c makes it.  Nodes lie in
 * the arena of whoever had the file read and are never written afterwards. */
#ifndef PACKAGE_SOURCE_H
#define PACKAGE_SOURCE_H

#include "base/base.h"

enum source_kind {
        SOURCE_NULL,
        SOURCE_BOOL,
        SOURCE_NUMBER,
        SOURCE_ODD_NUMBER, /* 0123, 0x1F, .nan: no number to whoever wants one, and no string */
        SOURCE_STRING,
        SOURCE_LIST,
        SOURCE_MAP,
};

/* From 1; a column is a character. */
struct source_mark {
        uint32_t line, column;
};

struct source_node {
        enum source_kind kind;
        struct source_mark mark;
        bool boolean;
        struct span text; /* STRING: UTF-8; NUMBER: as RFC 8259 spells it; ODD_NUMBER:
                         as it was written */
        uint32_t n;       /* items or members */
        const struct source_node *child; /* the first item or member */
        const struct source_node *next;
        struct span key; /* of a member: no two of a map are the same */
        struct source_mark key_mark;
};

/* The member; NULL when it has none of this name or is no map. */
const struct source_node *source_get(const struct source_node *map, const char *key);

/* "a string", "a list", ... for messages. */
const char *source_kind_name(enum source_kind kind);

#endif
