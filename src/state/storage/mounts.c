/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted for the first process: /proc/1/mountinfo.  Where a mount that was shared is
 * private, whoever lives in a mount namespace of his own, as services and this monitor do, does not
 * see what is mounted below it from then on.
 *
 * Containers and logins mount and unmount all day: a part of a point's path that is a container's
 * id, or the number of a user below /run/user, is told as "*", and so are those of one sort
 * together in one row. */
#include "state/reading/fields.h"
#include "state/reading/index.h"
#include "state/rows/row.h"
#include "state/storage/mount_line.h"
#include "state/tables.h"

#include <ctype.h>

enum { ID_MIN = 12, PATH_MAX_BYTES = 8 * 1024, PATHS_MAX = 8 * 1024 * 1024 };

static const struct state_column columns[] = {
        { "count", STATE_INT, STATE_LOOSE, "how many there are, where the point has a *" },
        { "fs_options", STATE_LIST, 0, "options of the filesystem" },
        { "layer", STATE_INT, STATE_KEY, "1; 2 is mounted over it at the same point, and so on" },
        { "options", STATE_LIST, 0, "options of the mount: ro, nosuid, nodev, noexec..." },
        { "point", STATE_TEXT, STATE_KEY, "where" },
        { "propagation", STATE_LIST, 0,
          "shared: what is mounted below is passed on; slave: it comes from elsewhere; unbindable; "
          "private: none of these" },
        { "root", STATE_TEXT, 0, "the directory of the filesystem that is seen there" },
        { "source", STATE_TEXT, 0, "device, share or other source" },
        { "type", STATE_TEXT, 0, "type of the filesystem" },
};

static const struct state_source sources[] = { { STATE_KERNEL, 0, "/proc/1/mountinfo" } };

struct mount {
        struct mount_line line;
        bool folded; /* its point is told with a star */
};

/* ---- what comes and goes ---- */

static bool is_id(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!isxdigit(s.p[i]) && s.p[i] != '-')
                        return false;
        return s.n >= ID_MIN;
}

static bool is_number(struct span s)
{
        uint64_t n;

        return field_number(s, &n);
}

/* Only types that engines and logins mount: nobody hides a disk behind an id. */
static bool may_fold(struct span type)
{
        static const char *const types[] = {
                "overlay",
                "nsfs",
                "tmpfs",
                "fuse.fuse-overlayfs",
        };

        for (size_t i = 0; i < ARRAY_LEN(types); i++)
                if (span_eq_str(type, types[i]))
                        return true;
        return false;
}

/* The point as it is told. */
static void put_point(struct buf *out, struct mount *m)
{
        struct buf path = BUF_INIT(PATH_MAX_BYTES);
        bool login = span_starts(m->line.point, SPAN("/run/user/"));
        struct span rest, part;

        mount_line_put(&path, m->line.point);
        rest = buf_span(&path);
        rest = span_from(rest, 1);
        if (rest.n == 0)
                buf_put_byte(out, '/');
        for (size_t i = 0; field_cut(&rest, '/', &part); i++) {
                bool star = (login && i == 2 && is_number(part)) ||
                            (may_fold(m->line.type) && is_id(part));

                buf_put_byte(out, '/');
                if (star)
                        buf_put_byte(out, '*');
                else
                        buf_put(out, part);
                m->folded |= star;
        }
        buf_done(&path);
}

/* Numbers of descriptors and pipes, a container's layers, a login's user. */
static bool moves(const struct mount *m, struct span option)
{
        static const char *const of_autofs[] = { "fd=", "pgrp=", "pipe_ino=" };
        static const char *const of_folded[] = { "lowerdir=", "upperdir=", "workdir=",
                                                 "uid=",      "gid=",      "user_id=",
                                                 "group_id=", "size=",     "nr_inodes=" };

        for (size_t i = 0; i < ARRAY_LEN(of_autofs); i++)
                if (span_eq_str(m->line.type, "autofs") &&
                    span_starts(option, span_str(of_autofs[i])))
                        return true;
        for (size_t i = 0; i < ARRAY_LEN(of_folded); i++)
                if (m->folded && span_starts(option, span_str(of_folded[i])))
                        return true;
        return false;
}

/* ---- rows ---- */

static void put_options(struct state_out *out, const char *column, const struct mount *m,
                        struct span options)
{
        struct buf text = BUF_INIT(STATE_ROW_MAX);
        struct span option;

        state_no_items(out, column);
        while (field_cut(&options, ',', &option)) {
                if (moves(m, option))
                        continue;
                buf_clear(&text);
                mount_line_put(&text, option);
                state_item(out, column, buf_span(&text));
        }
        buf_done(&text);
}

static void put_propagation(struct state_out *out, const struct mount *m)
{
        const struct {
                bool is;
                const char *word;
        } words[] = {
                { m->line.shared, "shared" },
                { m->line.slave, "slave" },
                { m->line.unbindable, "unbindable" },
                { !m->line.shared && !m->line.slave && !m->line.unbindable, "private" },
        };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (words[i].is)
                        state_item(out, "propagation", span_str(words[i].word));
}

static void put_text(struct state_out *out, const char *column, struct span encoded)
{
        struct buf text = BUF_INIT(STATE_ROW_MAX);

        mount_line_put(&text, encoded);
        state_text(out, column, buf_span(&text));
        buf_done(&text);
}

/* count 0: it is told by itself. */
static int put_row(struct state_out *out, struct mount *m, struct span point, size_t layer,
                   size_t count)
{
        state_begin(out);
        state_text(out, "point", point);
        state_u64(out, "layer", layer);
        state_text(out, "type", m->line.type);
        put_text(out, "source", m->line.source);
        if (!span_eq_str(m->line.type, "nsfs")) /* there it is the number of the namespace */
                put_text(out, "root", m->line.root);
        put_options(out, "options", m, m->line.options);
        put_options(out, "fs_options", m, m->line.fs_options);
        if (!m->folded) /* of several it would be the first one's */
                put_propagation(out, m);
        if (count)
                state_u64(out, "count", count);
        return state_end(out);
}

/* All at one point, in the order in which they were mounted: [i, end). */
static int put_group(struct state_out *out, const struct index *points, size_t i, size_t end)
{
        struct buf told = BUF_INIT(PATH_MAX_BYTES);
        size_t first = i;
        int rc = 0;

        for (; i < end && rc == 0; i++) {
                struct mount m = { 0 };

                if (!mount_line_split(points->at[i].value, &m.line))
                        continue; /* cannot be: it was added because it can be split */
                buf_clear(&told);
                put_point(&told, &m);
                rc = put_row(out, &m, points->at[i].key, m.folded ? 1 : i - first + 1,
                             m.folded ? end - first : 0);
                if (m.folded)
                        break;
        }
        buf_done(&told);
        return rc;
}

static int put_points(struct state_out *out, struct index *points)
{
        int rc = index_sort(points);
        size_t i, end;

        for (i = 0; i < points->n && rc == 0; i = end) {
                for (end = i + 1; end < points->n; end++)
                        if (!span_eq(points->at[end].key, points->at[i].key))
                                break;
                rc = put_group(out, points, i, end);
        }
        return rc;
}

/* Points go to paths, each ended by a NUL, which no path has. */
static int note_points(struct state_out *out, const struct state_part *p, struct buf *paths)
{
        struct field_lines lines = { .rest = p->bytes };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                struct mount m = { 0 };

                if (!mount_line_split(line, &m.line)) {
                        rc = state_fault(out, p, lines.number, "not what mountinfo has");
                        continue;
                }
                put_point(paths, &m);
                buf_put_byte(paths, 0);
        }
        return rc < 0 ? rc : buf_status(paths);
}

static int read_part(struct state_out *out, const struct state_part *p)
{
        struct field_lines lines = { .rest = p->bytes };
        struct buf paths = BUF_INIT(PATHS_MAX);
        struct index points = INDEX_INIT;
        struct span line, rest, point;
        int rc = note_points(out, p, &paths);

        rest = buf_span(&paths);
        while (rc == 0 && field_line(&lines, &line)) {
                struct mount m = { 0 };

                if (mount_line_split(line, &m.line) && field_cut(&rest, 0, &point))
                        index_add(&points, point, line);
        }
        if (rc == 0)
                rc = put_points(out, &points);
        index_done(&points);
        buf_done(&paths);
        return rc;
}

static int read_mounts(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p;
        int rc = 0;

        while (rc == 0 && state_next(in, &p))
                if (state_readable(out, &p, STATE_MUST_BE))
                        rc = read_part(out, &p);
        if (rc < 0 && !out->failed)
                return err_sys(err, rc, "mounts");
        return out->failed;
}

const struct state_table state_mounts = {
        .name = "mounts",
        .about = "mounted filesystems",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 5,
        .read = read_mounts,
};
