/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_info.c - which files below /var/lib/dpkg/info somebody changed, and nothing explained it.
 *
 * dpkg runs the scripts in there as root, and lets their doing pass for its package's.  One that
 * was changed is no package's until what is in it is proved or approved. */
#include "integrity/sensor/sensor_priv.h"

#include "integrity/why/package_info.h"
#include "integrity/why/package_past.h"
#include "loop/log.h"

enum { CHANGED_BYTES_MAX = 256 * 1024 }; /* of paths; when there are more, all were changed */

static const struct span dir = SPAN_INIT(PACKAGE_INFO_DIR);

static const uint8_t *find(const struct sensor *s, struct span path)
{
        struct span rest = buf_span(&s->info.changed);

        while (rest.n) {
                size_t n = strnlen((const char *)rest.p, rest.n);

                if (span_eq(span_of(rest.p, n), path))
                        return rest.p;
                rest = span_from(rest, n + 1);
        }
        return NULL;
}

bool info_is_changed(void *ctx, struct span path)
{
        const struct sensor *s = ctx;

        return s->info.all || find(s, path);
}

void info_done(struct sensor *s)
{
        buf_done(&s->info.changed);
}

static void put(struct sensor *s, struct span path)
{
        struct buf *b = &s->info.changed;

        if (find(s, path))
                return;
        if (b->n + path.n + 1 <= CHANGED_BYTES_MAX) {
                buf_put(b, path);
                buf_put_byte(b, 0);
        }
        if (!s->info.all && (!find(s, path) || buf_status(b) < 0)) {
                s->info.all = true;
                log_event(LOG_LEVEL_WARNING, "sensor.too_many_changed_scripts",
                          log_bytes("path", path));
        }
}

static void take_out(struct sensor *s, struct span path)
{
        struct buf *b = &s->info.changed;
        const uint8_t *found = find(s, path);
        size_t at;

        if (!found)
                return;
        at = (size_t)(found - b->p);
        memmove(b->p + at, b->p + at + path.n + 1, b->n - at - path.n - 1);
        b->n -= path.n + 1;
}

static void take_past(void *ctx, struct span path, bool changed)
{
        if (changed)
                put(ctx, path);
        else
                take_out(ctx, path);
}

int info_init(struct sensor *s, struct err *err)
{
        CLEANUP(buf_done) struct buf unsent = BUF_INIT(CHANGED_BYTES_MAX);
        int rc;

        s->info.changed = BUF_INIT(CHANGED_BYTES_MAX);
        for (size_t i = 0; i < s->found.n_entries; i++)
                package_past_hear(&unsent, i, buf_span(&s->found.entries[i].skeleton), true);
        rc = package_past_apply(s->o.info_past, take_past, s);
        if (rc == 0) /* what the ledger does not have yet came later */
                rc = package_past_apply(buf_span(&unsent), take_past, s);
        if (s->o.info_unsure || buf_status(&unsent) < 0)
                s->info.all = true;
        return rc < 0 ? err_set(err, rc, "out of memory for scripts of packages") : 0;
}

void info_judged(struct sensor *s, const struct change *c, const struct why *why)
{
        if (!span_starts(c->path, dir))
                return;
        if (why->state == WHY_UNEXPLAINED)
                put(s, c->path);
        else if (c->is && (why->content || why->state == WHY_PACKAGE))
                take_out(s, c->path);
}

bool info_waits(const struct sensor *s, struct span path)
{
        const struct table_node *n;
        struct table_handle h;

        if (!span_starts(path, dir))
                return false;
        n = table_find(s->table, span_of(dir.p, dir.n - 1));
        return n && table_handle_of(n, &h) && dirty_has(s->dirty, &h, span_from(path, dir.n));
}
