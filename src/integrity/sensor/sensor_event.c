/* SPDX-License-Identifier: Apache-2.0 */
/* An event says where to look, and no more. */
#include "integrity/sensor/sensor_priv.h"

#include <sys/fanotify.h>

int look_at(struct sensor *s, const struct table_handle *dir, struct span name, unsigned what,
            struct who *who, int64_t delay_ns)
{
        int64_t now = sensor_mono(s), wall = sensor_wall(s);
        int rc = dirty_add(s->dirty, dir, name, what, who, wall, now, now + delay_ns);

        if (rc != -ENOSPC)
                return rc;
        scan_want(s, LOSS_QUEUE, wall, wall); /* what found no room is found by a scan */
        return 0;
}

/* What the kernel told, in our words. */
static unsigned what_of(uint64_t mask)
{
        static const struct {
                uint64_t mask;
                unsigned what;
        } map[] = {
                { FAN_CREATE, DIRTY_CONTENT | DIRTY_CREATED },
                { FAN_MODIFY, DIRTY_CONTENT | DIRTY_WRITTEN },
                { FAN_CLOSE_WRITE, DIRTY_CONTENT | DIRTY_ENDED },
                { FAN_ATTRIB, DIRTY_STATE | DIRTY_CHANGED },
                { FAN_MOVED_TO, DIRTY_CONTENT | DIRTY_TREE | DIRTY_CAME },
                { FAN_MOVED_FROM, DIRTY_STATE | DIRTY_LEFT },
                { FAN_DELETE, DIRTY_STATE | DIRTY_DELETED },
                { FAN_ONDIR, DIRTY_DIRECTORY },
        };
        unsigned what = 0;

        for (size_t i = 0; i < ARRAY_LEN(map); i++)
                what |= mask & map[i].mask ? map[i].what : 0;
        return what;
}

/* A directory was created: know it at once, so that what happens in it is understood even when it
 * is gone before it is looked at. */
static int know_early(struct sensor *s, const struct table_handle *dir, struct span name,
                      const struct table_handle *child)
{
        struct table_node *up = table_by_handle(s->table, dir, NULL), *n;

        if (!up || table_by_handle(s->table, child, NULL))
                return 0;
        n = table_child(s->table, up, name);
        if (n ? n->record || n->mark : !look_watched(s, up, name))
                return 0;
        n = table_make_child(s->table, up, name);
        if (!n)
                return -ENOMEM;
        n->mark |= TABLE_NEW;
        return table_set_handle(s->table, n, child);
}

int look_touched(void *ctx, const struct table_handle *dir, struct span name, uint64_t mask,
                 const struct table_handle *child, struct who *who)
{
        struct sensor *s = ctx;
        unsigned what = what_of(mask);
        int64_t delay = 0;
        int rc = 0;

        if (mask & FAN_CREATE && mask & FAN_ONDIR && child && name.n)
                rc = know_early(s, dir, name, child);
        if (rc < 0)
                return rc;
        if (mask & (FAN_CREATE | FAN_MODIFY) &&
            !(mask & ~(uint64_t)(FAN_CREATE | FAN_MODIFY | FAN_ATTRIB))) {
                /* Begun and perhaps not ended: wait for the close, but not for ever.  A new one is
                 * looked at to see whether it is a file at all.  A mode set meanwhile may be in the
                 * same notice. */
                what |= mask & FAN_MODIFY ? DIRTY_WRITING : DIRTY_BEGUN;
                delay = mask & FAN_MODIFY ? SETTLE_WRITE_MS * NS_PER_MS : 0;
        }
        return look_at(s, dir, name, what, who, delay);
}
