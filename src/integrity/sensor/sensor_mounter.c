/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_mounter.c - who mounts and unmounts, where the kernel tells.
 *
 * A notice has a process and no path, the list has paths and no process.  What differs between two
 * readings of the list was done by one of those who were told of until the second one had ended: if
 * that is one process it is the author, else it is said who they are. */
#include "integrity/sensor/sensor_priv.h"

#include "base/text.h"
#include "loop/log.h"
#include "sys/fanmnt.h"
#include "sys/io.h"

#include <stdio.h>

enum { BUFFERS = 64 };

static void forget(struct mounters *m)
{
        for (size_t i = 0; i < m->n; i++)
                m->of[i] = who_unref(m->of[i]);
        m->n = 0;
        m->more = false;
}

static void put(struct mounters *m, struct who *w)
{
        for (size_t i = 0; i < m->n && w; i++)
                if (who_is_same(m->of[i], w))
                        return;
        if (!w || m->n == MOUNTERS_MAX)
                m->more = true;
        else
                m->of[m->n++] = who_ref(w);
}

struct reading {
        struct sensor *s;
        bool any;
};

static int on_notice(void *ctx, const struct fanmnt_event *e)
{
        struct reading *r = ctx;
        struct sensor *s = r->s;

        if (!r->any)
                who_read(s->who, &s->mounter.quiet_ns, true);
        r->any = true;
        s->mounted.untold += !e->lost;
        s->mounted.uncounted |= e->lost;
        put(&s->mounter.now, e->lost ? NULL : who_of(s->who, e->pid, e->pidfd, e->gone));
        return 0;
}

void mounter_take(struct sensor *s)
{
        int rc = s->mounter.fd < 0 ? 0 : 1;

        for (int i = 0; i < BUFFERS && rc > 0; i++) {
                struct reading r = { .s = s };

                who_reading(s->who);
                rc = fanmnt_read(s->mounter.fd, on_notice, &r);
                if (!r.any)
                        who_read(s->who, &s->mounter.quiet_ns, false);
                who_batch_end(s->who);
        }
        if (rc == 1) {
                put(&s->mounter.now, NULL);
                s->mounted.uncounted = true;
        }
        if (rc >= 0)
                return;
        log_event(LOG_LEVEL_WARNING, "sensor.mounter", log_int("error", rc));
        snprintf(s->mounter.without, sizeof s->mounter.without,
                 "the kernel's notices of mounts cannot be read: %s", strerror(-rc));
        fd_close(&s->mounter.fd);
}

struct who *mounter_of(struct sensor *s, struct buf *unknown)
{
        const struct mounters *m = &s->mounter.now;

        buf_clear(unknown);
        if (m->n == 1 && !m->more)
                return m->of[0];
        if (s->mounter.fd < 0)
                buf_put_str(unknown, s->mounter.without);
        else
                buf_put_str(unknown, m->n ? "mounting and unmounting meanwhile: "
                                          : "the kernel told of nobody");
        for (size_t i = 0; i < m->n; i++) {
                buf_printf(unknown, "%s%d (", i ? ", " : "", (int)m->of[i]->pid);
                text_put_safe(unknown, buf_span(&m->of[i]->comm));
                buf_put_str(unknown, ")");
        }
        if (m->n && m->more)
                buf_put_str(unknown, " and others");
        return NULL;
}

void mounter_forget(struct sensor *s)
{
        forget(&s->mounter.now);
}

void mounter_init(struct sensor *s)
{
        struct err err = { 0 };

        s->mounter.fd = fanmnt_open(&err);
        if (s->mounter.fd >= 0)
                return;
        snprintf(s->mounter.without, sizeof s->mounter.without,
                 "this kernel tells that what is mounted has changed, and not by whom");
        log_event(LOG_LEVEL_INFO, "sensor.mounter", log_err(&err));
        s->mounter.fd = -1;
}

void mounter_done(struct sensor *s)
{
        forget(&s->mounter.now);
        if (s->mounter.fd >= 0)
                fd_close(&s->mounter.fd);
}
