/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - command lines from tables: one layer over getopt_long for every command and process.
 * Floor 2.
 *
 * A program declares a struct and a table that says which option fills which member.  Options may
 * stand before, between and behind operands; "--" ends them. */
#ifndef LOOP_OPTIONS_H
#define LOOP_OPTIONS_H

#include "base/base.h"
#include "base/err.h"

enum option_type {
        OPTION_FLAG,  /* bool */
        OPTION_TEXT,  /* const char * into argv; not empty */
        OPTION_U64,   /* struct option_u64 */
        OPTION_TEXTS, /* struct option_texts: may be given several times */
};

enum { OPTION_TEXTS_MAX = 16 };

struct option_u64 {
        bool given;
        uint64_t value;
};

struct option_texts {
        size_t n;
        const char *at[OPTION_TEXTS_MAX + 1]; /* ends with NULL */
};

struct option_spec {
        const char *name; /* long name without its dashes; NULL ends a table */
        char letter;      /* 0: none */
        enum option_type type;
        size_t offset;     /* of the member it fills */
        const char *value; /* what its value is called in the help; NULL for flags */
        const char *about; /* one line */
};

/* A table and the struct it fills; a command has its own and the common one. */
struct option_set {
        const struct option_spec *specs; /* may be NULL */
        void *target;                    /* zero, or defaults for texts, by the caller */
};

/* Parse argv[1..]; operands are moved to the end of argv and *ret_first is the first of them.
 * -EINVAL: the text names the option or the value. */
MUST_USE int options_parse(int argc, char **argv, const struct option_set *sets, size_t n_sets,
                           int *ret_first, struct err *err);

#endif
