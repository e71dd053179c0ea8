/* SPDX-License-Identifier: Apache-2.0 */
/* restore_plan.h - what has to be done to a path so that it is as it was.  Floor 3, pure. */
#ifndef INTEGRITY_RESTORE_PLAN_H
#define INTEGRITY_RESTORE_PLAN_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/record.h"

enum restore_act {
        RESTORE_NOTHING,    /* it is as it was */
        RESTORE_ATTRIBUTES, /* the same content: the rest is set on the descriptor */
        RESTORE_REPLACE,    /* something else is there: exchanged for what was */
        RESTORE_CREATE,     /* nothing is there */
        RESTORE_REMOVE,     /* something is there where nothing was */
        RESTORE_ACTS,
};

struct restore_plan {
        enum restore_act act;
        unsigned differs; /* enum record_field: what differs and counts */
        bool content;     /* the content of a file is needed */
};

/* good: what was there, is: what is there; NULL: nothing.  Of what differs only fields count.
 * Never does another inode: what has been put back has one. */
void restore_plan(const struct record *good, const struct record *is, unsigned fields,
                  struct restore_plan *ret);

/* Can it be put back at all?  -ENOTSUP and why: a socket is its program's to make; a content that
 * was not to be read when it was trusted. */
MUST_USE int restore_possible(const struct record *good, const struct restore_plan *p,
                              struct err *err);

/* nothing, attributes, replaced, created or removed. */
const char *restore_act_name(enum restore_act a);

#endif
