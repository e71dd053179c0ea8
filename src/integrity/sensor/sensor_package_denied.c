/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_package_denied.c - which files of a package transaction mode deny keeps from dpkg.
 *
 * Only an approved change lifts a flag: whoever may start a transaction could else have every file
 * of a package lifted, and change it before dpkg does.  So dpkg would fail in the middle of its
 * work; apt is told before it begins, and stops. */
#include "integrity/sensor/sensor_package_priv.h"

#include "integrity/why/package.h"

enum { NAMED_MAX = 16, NAMED_BYTES = 4096 };

static bool parent_has(const struct sensor *s, struct span path)
{
        const uint8_t *slash = memrchr(path.p, '/', path.n);

        return slash && slash > path.p && deny_has(s, span_of(path.p, (size_t)(slash - path.p)));
}

/* A file that is replaced or removed, or a directory in which dpkg makes one. */
static bool is_denied(const struct sensor *s, struct span path)
{
        const struct table_node *n;

        if (!deny_has(s, path) && !parent_has(s, path))
                return false;
        n = table_find(s->table, path);
        return !n || !table_is_dir(n); /* one that is there is left as it is */
}

static bool is_named(const struct span *named, size_t n, struct span path)
{
        while (n > 0)
                if (span_eq(named[--n], path))
                        return true;
        return false;
}

void package_put_denied(const struct package_run *r, struct buf *out)
{
        struct span named[NAMED_MAX], path;
        const struct package *x;
        struct json_writer w;
        size_t at = 0, n = 0, bytes = 0;
        bool more = false;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "denied");
        json_begin_array(&w);
        while (packages_next_path(r->table, &at, &path, &x)) {
                if (!is_denied(r->sensor, path) || is_named(named, n, path))
                        continue;
                more = n == NAMED_MAX || bytes + path.n > NAMED_BYTES;
                if (more)
                        break;
                bytes += path.n;
                named[n++] = path;
                json_begin_object(&w);
                json_member_text(&w, "package", x->name);
                json_put_bytes(&w, "path", path);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_member_bool(&w, "more", more);
        json_end_object(&w);
}
