/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_restore_mount.c - what lies behind a mount that is not trusted is not put back.
 *
 * Something else is mounted over a path, or above it: what is there then is another place, and it
 * would be emptied, and filled with what is trusted here.  What is trusted lies untouched below.
 *
 * Two things tell: that it was mounted while we were looking (sensor_mounted.c), and, after a
 * restart, that a path which is not as it should be is the top of a mount. */
#include "integrity/sensor/sensor_restore_priv.h"

#include "base/text.h"
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <sys/stat.h>

enum { POINT_MAX = 1024 }; /* bytes of it that are told */

static bool is_mounted_at(struct restores *r, const struct restore_place *p, struct fs_stat *ret)
{
        struct span path = restore_place_path(p), dir = restore_above(path);
        CLEANUP_FD int fd = observe_open_dir(dir.n ? dir : SPAN("/"));

        buf_clear(&r->scratch);
        buf_put(&r->scratch, span_from(path, dir.n + 1));
        return fd >= 0 && buf_status(&r->scratch) == 0 &&
               fs_stat_at(fd, buf_cstr(&r->scratch), ret) == 0 && ret->attr & FS_ATTR_MOUNT_ROOT;
}

/* Its inode tells; its device does not, which may have another number after each boot. */
bool restore_is_foreign(struct restores *r, const struct restore_place *p)
{
        struct record good;
        struct fs_stat st;

        if (!(p->flags & RESTORE_HAS_GOOD) || !is_mounted_at(r, p, &st))
                return false;
        return p->good_n == 0 || record_decode(restore_place_good(p), &good, NULL) < 0 ||
               good.ino != st.ino || (good.type == RECORD_DIR) != ((st.mode & S_IFMT) == S_IFDIR);
}

/* It, or the nearest above it, that is such a place; *ret_top: nothing above it is to be put back
 * either, so that it speaks for all below. */
static bool is_behind(struct restores *r, struct span path, bool *ret_top)
{
        bool found = false;

        *ret_top = true;
        for (struct span at = path; at.n; at = restore_above(at)) {
                const struct restore_place *p = restore_places_find(r->places, at);

                if (!p || !(p->flags & RESTORE_HAS_GOOD))
                        continue;
                *ret_top = *ret_top && at.n == path.n;
                found = found || restore_is_foreign(r, p);
        }
        return found;
}

int restore_mounted(struct restores *r, struct restore_place *p)
{
        struct span path = restore_place_path(p);
        struct sensor *s = r->sensor;
        struct span point = mounted_foreign(s, path);
        bool top, behind = is_behind(r, path, &top);
        CLEANUP(buf_done) struct buf detail = BUF_INIT(4 * POINT_MAX + 128);
        int rc = 0;

        if (!behind && !point.n) {
                p->flags &= ~(unsigned)RESTORE_BEHIND;
                return 0;
        }
        buf_put_str(&detail, "what is mounted ");
        buf_put_str(&detail, point.n ? "at " : "there or above");
        text_put_safe(&detail, span_of(point.p, MIN_OF(point.n, (size_t)POINT_MAX)));
        buf_put_str(&detail, " was not when it was trusted");
        if (top && !(p->flags & RESTORE_BEHIND))
                rc = restore_tell_not(r, path, "mounted", buf_span(&detail), 0);
        restore_place_unwant(r->places, p);
        p->flags |= RESTORE_BEHIND;
        restore_remember(r, RESTORE_OP_ENDED, path, SPAN_NONE);
        return rc < 0 ? rc : 1;
}

void restore_unmounted(struct sensor *s, struct span point)
{
        struct restores *r = s->restores;
        int64_t now = sensor_mono(s);
        struct restore_place *p;

        for (p = restore_places_first(r->places); p; p = restore_places_after(r->places, p)) {
                struct span path = restore_place_path(p);

                if (!(p->flags & RESTORE_BEHIND) || !path_within(path, point))
                        continue;
                restore_remember(r, RESTORE_OP_WANTED, path, SPAN_NONE);
                restore_place_want(r->places, p, 0, now, now);
        }
}
