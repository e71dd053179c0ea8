/* SPDX-License-Identifier: Apache-2.0 */
/* value_order.h - which values are the same, in the sense of JSON Schema.  Floor 2, pure.
 *
 * Source: JSON Schema draft 2020-12, Core, section 4.2.2 "Instance Equality": numbers by what they
 * say, arrays item by item, objects in any order of members. */
#ifndef PACKAGE_VALUE_ORDER_H
#define PACKAGE_VALUE_ORDER_H

#include "wire/tree.h"

/* What a check may still do; see API_SCHEMA_STEPS_MAX. */
struct steps {
        uint64_t left;
        bool over;
};

/* false: there are not so many left. */
static inline bool steps_take(struct steps *s, uint64_t n)
{
        if (s->left < n) {
                s->left = 0;
                s->over = true;
                return false;
        }
        s->left -= n;
        return true;
}

/* An order of all values in which the same are next to each other: < 0, 0, > 0.  A step for each
 * pair that is looked at; without steps left it is 0. */
int value_cmp(const struct tree *a, const struct tree *b, struct steps *steps);

/* Puts n of them in that order; room is for as many.  What stays equal keeps its order. */
void value_sort(const struct tree **values, const struct tree **room, size_t n,
                struct steps *steps);

#endif
