/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_trusted_first.c - the first baseline, and a disk that has no room for it.
 *
 * A full disk blinds nobody: the sensor watches and tells on, and takes it as soon as there is
 * room. What has changed by then is in it, and in entries before its own. */
#include "integrity/sensor/sensor_trusted_priv.h"

#include "integrity/trusted/content.h"
#include "sys/io.h"

#include <sys/statvfs.h>

/* The first is only that of a host that never had one. */
static const char *first_reason(const struct sensor *s)
{
        return s->o.past == PAST_LOST ? "lost" : s->found.damage[0] ? "replaced" : "first";
}

static uint64_t room(const struct sensor *s)
{
        struct statvfs v;

        return fstatvfs(s->state.dirfd, &v) < 0 ? 0 : (uint64_t)v.f_bavail * v.f_frsize;
}

static void look_later(struct trusted *t)
{
        t->owed_at_ns = sensor_mono(t->sensor) + OWED_MS * NS_PER_MS;
}

static void owe(struct trusted *t, struct err *err)
{
        struct sensor *s = t->sensor;

        (void)!err_wrap(err, "the first baseline");
        state_broke(&s->state, err);
        (void)!s->state.io->unlink(s->state.io->ctx, s->state.dirfd, "baseline.new");
        t->owed = true;
        t->owed_looks = 0;
        t->owed_room = room(s);
        look_later(t);
}

bool trusted_is_owed(const struct sensor *s)
{
        return s->trusted->owed;
}

int trusted_put_first(struct trusted *t, struct err *err)
{
        int rc = trusted_write_table(t, err);

        if (rc == 0)
                rc = trusted_place(t, first_reason(t->sensor), err);
        t->owed = false;
        if (rc == 0)
                *err = (struct err){ 0 }; /* of an earlier one, which there is none of */
        if (!state_has_no_room(rc))
                return rc;
        trusted_clear(t);
        owe(t, err);
        return 0;
}

/* Written once for nothing: only that says whether it fits.  Then all is read again, for content
 * that is to be kept found no room either. */
void trusted_try_first(struct trusted *t)
{
        struct sensor *s = t->sensor;
        struct err err = { 0 };

        look_later(t);
        if (room(s) <= t->owed_room && ++t->owed_looks < OWED_TRIES)
                return;
        if (trusted_write_table(t, &err) < 0) {
                owe(t, &err);
                return;
        }
        (void)!s->state.io->unlink(s->state.io->ctx, s->state.dirfd, "baseline.new");
        t->task = TRUSTED_FIRST;
        t->call = NULL;
        t->began_ns = sensor_mono(s);
        t->deep = true;
        t->step = SCAN;
        content_count_anew(s->content);
        scan_ask(s, true, true);
}
