/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_package_trust.c - which files of apt may say whose packages are believed.
 *
 * Keys and sources are root's to write: who adds a key of his own signs what he likes.  So one that
 * was changed, or came, and that nothing explains, is left out until it is put back or accepted. */
#include "integrity/sensor/sensor_package_priv.h"

#include <sys/stat.h>

/* Is what waits to be looked at there the doing of transactions alone?  They are judged by what
 * this is asked for: before it is known, what was trusted counts. */
static bool only_packages(const struct sensor *s, struct who *const *by)
{
        if (!by[0])
                return false;
        for (size_t i = 0; i < DIRTY_AUTHORS && by[i]; i++)
                if (!package_is_of_any(s, by[i]))
                        return false;
        return true;
}

/* Is the file what it was when it was judged, as far as can be seen without reading it? */
static bool is_as_known(const struct table_node *n, const char *path)
{
        struct record r;
        struct stat st;

        return n && n->record && record_decode(table_record(n), &r, NULL) == 0 &&
               lstat(path, &st) == 0 && r.ino == st.st_ino &&
               (r.type == RECORD_DIR ||
                (r.size == (uint64_t)st.st_size &&
                 r.mtime_ns == st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec));
}

static bool stands(struct sensor *s, const char *path)
{
        struct span whole = span_str(path);
        const uint8_t *slash = memrchr(whole.p, '/', whole.n);
        struct span name = span_from(whole, (size_t)(slash - whole.p) + 1);
        struct table_node *dir = table_find(s->table, span_of(whole.p, (size_t)(slash - whole.p)));
        const struct table_node *n = dir ? table_child(s->table, dir, name) : NULL;
        struct who *const *by = NULL;
        struct table_handle h;

        if (n && n->mark & TABLE_DOUBT)
                return false;
        if (dir && table_handle_of(dir, &h) && dirty_what(s->dirty, &h, name) != DIRTY_CHECK)
                by = dirty_authors(s->dirty, &h, name);
        return by ? only_packages(s, by) : is_as_known(n, path) || s->phase == SENSOR_FIRST;
}

enum apt_standing package_standing(void *ctx, const char *path)
{
        struct sensor *s = ctx;

        if (!watchset_covers(s->o.watch, span_str(path)))
                return APT_UNWATCHED;
        if (sensor_read_all(s) < 0) /* what was done before this is known to have been */
                return APT_DOUBTED;
        return stands(s, path) ? APT_STANDS : APT_DOUBTED;
}
