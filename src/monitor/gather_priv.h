/* SPDX-License-Identifier: Apache-2.0 */
/* gather_priv.h - what gather.c and its parts share.  Floor 3. */
#ifndef MONITOR_GATHER_PRIV_H
#define MONITOR_GATHER_PRIV_H

#include "monitor/gather.h"
#include "state/reading/bundle.h"

struct gathering {
        const struct gather *g;
        struct buf *out;    /* the bundle; NULL: only look */
        struct buf *places; /* where the files lie, and nothing else; NULL */
        struct buf look;    /* lines that stand for what was seen */
        struct buf content; /* of the file at hand */
        size_t parts;
        struct err *err;
};

/* A part into the bundle.  -E2BIG with err. */
MUST_USE int gathering_put(struct gathering *x, const struct state_part *p);

/* gather_files.c */
MUST_USE int gather_files(struct gathering *x, const struct state_source *s);
/* A file that may well not be there: then there is no part of it. */
MUST_USE int gather_if_there(struct gathering *x, const struct state_source *s, const char *path);
/* What is below a directory of a home, two levels of it; nothing where there is none.  Links are
 * told, also one on the way to it, and not followed. */
MUST_USE int gather_home_tree(struct gathering *x, const struct state_source *s, const char *home);
/* For the gathering itself: the content of path in x->content until the next call, status and bytes
 * in *ret. */
MUST_USE int gather_content(struct gathering *x, const char *path, size_t max,
                            struct state_part *ret);
/* gather_places.c: of a source, and of one file by its path. */
MUST_USE int gather_places_of(struct gathering *x, const struct state_source *s);
void gather_place(struct gathering *x, const char *path);
/* gather_homes.c */
MUST_USE int gather_homes(struct gathering *x, const struct state_source *s);
/* gather_command.c */
MUST_USE int gather_command(struct gathering *x, const struct command *c);
/* gather_program.c */
MUST_USE int gather_program(struct gathering *x, const struct state_source *s);

#endif
