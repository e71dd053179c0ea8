/* SPDX-License-Identifier: Apache-2.0 */
/* deny_good.c - what was trusted at places that are in doubt, so that one who puts it back ends the
 * doubt.
 *
 * An entry is there from the change that nothing explains until the place is trusted again; it is
 * never of a state that was in doubt itself. */
#include "integrity/preventing/deny_priv.h"

#include "integrity/trusted/change.h"

#include <stdlib.h>

enum { GOOD_MAX = 16384 }; /* beyond, only the baseline ends a doubt */

static struct table_node *good_of(struct deny *d, struct span path)
{
        struct table_node *n = d->good ? table_find(d->good, path) : NULL;

        return n && n->record ? n : NULL;
}

void deny_good_keep(struct sensor *s, struct span path, const struct record *was)
{
        struct deny *d = s->deny;
        struct table_node *n;

        if ((!d->good && table_new(&d->good, NULL) < 0) || good_of(d, path) ||
            table_count(d->good) >= GOOD_MAX)
                return;
        buf_clear(&d->encoded);
        record_encode(was, &d->encoded);
        n = buf_status(&d->encoded) < 0 ? NULL : table_make(d->good, path);
        if (!n || table_set_record(d->good, n, buf_span(&d->encoded)) < 0)
                s->failed = -ENOMEM;
}

void deny_good_drop(struct sensor *s, struct span path)
{
        struct table_node *n = good_of(s->deny, path);

        if (n)
                table_drop_record(s->deny->good, n);
}

void deny_good_clear(struct deny *d)
{
        d->good = table_free(d->good);
}

bool deny_good_is(struct sensor *s, struct span path, const struct record *is)
{
        struct table_node *n = good_of(s->deny, path);
        struct record was;
        struct change c = {
                .path = path, .profile = watchset_profile(s->o.watch, path), .was = &was, .is = is
        };

        if (!n || record_decode(table_record(n), &was, NULL) < 0)
                return false;
        was.flags &= ~(uint32_t)RECORD_IMMUTABLE; /* it may have been frozen */
        was.flags |= is->flags & RECORD_IMMUTABLE;
        return !(change_differs_since(&c) & ~(unsigned)RECORD_F_INODE);
}
