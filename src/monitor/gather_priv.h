/* SPDX-License-Identifier: Apache-2.0 */
/* gather_priv.h - what gather.c and its parts share.  Floor 3. */
#ifndef MONITOR_GATHER_PRIV_H
#define MONITOR_GATHER_PRIV_H

#include "monitor/gather.h"
#include "state/bundle.h"

struct gathering {
        const struct gather *g;
        struct buf *out;    /* the bundle; NULL: only look */
        struct buf look;    /* lines that stand for what was seen */
        struct buf content; /* of the file at hand */
        size_t parts;
        struct err *err;
};

/* A part into the bundle.  -E2BIG with err. */
MUST_USE int gathering_put(struct gathering *x, const struct state_part *p);

/* gather_files.c */
MUST_USE int gather_files(struct gathering *x, const struct state_source *s);
/* gather_program.c */
MUST_USE int gather_program(struct gathering *x, const struct state_source *s);

#endif
