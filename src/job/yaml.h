/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - a YAML document as a tree of texts, lists and maps, each with its place.  Floor 3,
 * process assay-job.
 *
 * Of YAML 1.2 this takes what configuration needs: one document; no anchors and aliases, with which
 * a short text means a long one; no tags; keys are texts.  Types are the reader's business: whether
 * a text stands in quotes is kept.
 *
 * SECURITY: the bytes are hostile; the parser is libfyaml, which sees UTF-8 without NUL only. */
#ifndef JOB_YAML_H
#define JOB_YAML_H

#include "base/arena.h"
#include "base/base.h"

enum {
        YAML_DEPTH_MAX = 8, /* of configuration */
        YAML_NODES_MAX = 32768,
        YAML_DEPTH_EVER = 256, /* of any document */
        YAML_FAULT_MAX = 256,
};

/* How much a document may hold: lists and maps within each other, and nodes of all sorts. */
struct yaml_limits {
        unsigned depth; /* YAML_DEPTH_EVER at most */
        uint32_t nodes;
};

/* Where something stands, from 1; a column is a character. */
struct yaml_mark {
        uint32_t line, column;
};

enum yaml_type { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
        enum yaml_type type;
        struct yaml_mark mark;   /* of a text in quotes: behind the first quote */
        bool plain;              /* a text without quotes, on one line or folded */
        bool quoted;             /* a text in quotes; neither: a block, as after "|" */
        struct span text;        /* of the arena */
        struct yaml_node *child; /* the first item, or the first key */
        struct yaml_node *value; /* of a key */
        struct yaml_node *next;  /* item or key */
};

/* What is wrong, and where. */
struct yaml_fault {
        struct yaml_mark mark;
        char text[YAML_FAULT_MAX]; /* UTF-8 */
};

/* *ret is NULL for a document with nothing in it.  -EBADMSG with *ret_fault; -ENOMEM. */
MUST_USE int yaml_read(struct span input, struct arena *a, struct yaml_node **ret,
                       struct yaml_fault *ret_fault);

/* The same of other documents than configuration. */
MUST_USE int yaml_read_within(struct span input, const struct yaml_limits *limits, struct arena *a,
                              struct yaml_node **ret, struct yaml_fault *ret_fault);

#endif
