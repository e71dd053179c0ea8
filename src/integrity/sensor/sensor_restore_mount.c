/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_restore_mount.c - what lies behind a mount that is not trusted is not put back.
 *
 * Something else is mounted over a path, or above it: what is there then is another place, and it
 * would be emptied, and filled with what is trusted here.  What is trusted lies untouched below.
 *
 * Two things tell: that it was mounted while we were looking (sensor_mounted.c), and, after a
 * restart, that a path which is not as it should be, or a directory above it (sensor_above.c), is
 * the top of a mount and has not the inode of what is trusted there.  Two tops of filesystems may
 * have one number: where such a mount took the place of another while the sensor was down, it is
 * not told apart. */
#include "integrity/sensor/sensor_above.h"
#include "integrity/sensor/sensor_restore_priv.h"

#include "base/text.h"
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <sys/stat.h>

enum { POINT_MAX = 1024 }; /* bytes of it that are told */

STATIC_ASSERT((int)RESTORE_BEHIND_MAX > 4 * (int)POINT_MAX + 64, "the text fits");

static bool is_mounted_at(struct restores *r, struct span path, struct fs_stat *ret)
{
        struct span dir = restore_above(path);
        CLEANUP_FD int fd = observe_open_dir(dir.n ? dir : SPAN("/"));

        buf_clear(&r->scratch);
        buf_put(&r->scratch, span_from(path, dir.n + 1));
        return fd >= 0 && buf_status(&r->scratch) == 0 &&
               fs_stat_at(fd, buf_cstr(&r->scratch), ret) == 0 && ret->attr & FS_ATTR_MOUNT_ROOT;
}

/* Its inode tells; its device does not, which may have another number after each boot. */
bool restore_is_other_mount(struct restores *r, struct span path, struct span good)
{
        struct record rec;
        struct fs_stat st;

        if (!is_mounted_at(r, path, &st))
                return false;
        return good.n == 0 || record_decode(good, &rec, NULL) < 0 || rec.ino != st.ino ||
               (rec.type == RECORD_DIR) != ((st.mode & S_IFMT) == S_IFDIR);
}

bool restore_is_foreign(struct restores *r, const struct restore_place *p)
{
        return p->flags & RESTORE_HAS_GOOD &&
               restore_is_other_mount(r, restore_place_path(p), restore_place_good(p));
}

/* The same of a directory that is not watched itself. */
static bool is_foreign_way(struct restores *r, struct span path)
{
        uint64_t ino = above_inode(r->sensor, path);
        struct fs_stat st;

        return ino && is_mounted_at(r, path, &st) && st.ino != ino;
}

/* The topmost such place at or above path; empty: there is none.  *ret_top: nothing above it is to
 * be put back either, so that it speaks for all below. */
static struct span foreign_above(struct restores *r, struct span path, bool *ret_top)
{
        struct span found = SPAN_NONE;

        *ret_top = true;
        for (struct span at = path; at.n; at = restore_above(at)) {
                const struct restore_place *p = restore_places_find(r->places, at);
                bool known = p && p->flags & RESTORE_HAS_GOOD;

                *ret_top = *ret_top && (!known || at.n == path.n);
                if (known ? restore_is_foreign(r, p) : is_foreign_way(r, at))
                        found = at;
        }
        return found;
}

void restore_say_behind(struct span point, struct buf *out)
{
        buf_put_str(out, "what is mounted at ");
        text_put_safe(out, span_of(point.p, MIN_OF(point.n, (size_t)POINT_MAX)));
        buf_put_str(out, " was not when it was trusted");
}

struct span restore_behind(struct restores *r, struct span path)
{
        struct span point = mounted_foreign(r->sensor, path);
        bool top;

        return point.n ? point : foreign_above(r, path, &top);
}

int restore_mounted(struct restores *r, struct restore_place *p)
{
        struct span path = restore_place_path(p);
        struct sensor *s = r->sensor;
        struct span point = mounted_foreign(s, path), above;
        CLEANUP(buf_done) struct buf detail = BUF_INIT(RESTORE_BEHIND_MAX);
        bool top;
        int rc = 0;

        above = foreign_above(r, path, &top);
        point = point.n ? point : above;
        if (!point.n) {
                p->flags &= ~(unsigned)RESTORE_BEHIND;
                return 0;
        }
        restore_say_behind(point, &detail);
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
