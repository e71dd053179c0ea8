/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted in a container, for a unit or for somebody who called unshare(1), and not so on
 * the host: the lines that monitor/namespace_mounts.c writes. */
#include "state/network/namespaces.h"
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/storage/mount_line.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "layer", STATE_INT, STATE_KEY, "1; 2 is mounted over it at the same point, and so on" },
        { "mntns", STATE_INT, STATE_LOOSE, "inode of the mount namespace (lsns -t mnt)" },
        { "namespace", STATE_TEXT, STATE_KEY,
          "the container or the unit of a process in it; or -" },
        { "nth", STATE_INT, STATE_KEY, "where several namespaces have one name: 1, 2..." },
        { "options", STATE_LIST, 0, "options of the mount: ro, nosuid, nodev, noexec..." },
        { "pid", STATE_INT, STATE_LOOSE, "a process in it" },
        { "point", STATE_TEXT, STATE_KEY, "where, as that process sees it" },
        { "root", STATE_TEXT, 0, "the directory of the filesystem that is seen there" },
        { "source", STATE_TEXT, 0, "device, share or other source" },
        { "type", STATE_TEXT, 0, "type of the filesystem" },
};

static const struct state_source sources[] = { { STATE_BUILTIN, 0, "namespace_mounts" } };

enum { KIND, MNTNS, NAMESPACE, NTH, LAYER, PID, ROOT, POINT, OPTIONS, TYPE, SOURCE, FIELDS };

/* What text_put_safe() has made of what the kernel had made of it. */
static void put_decoded(struct state_out *row, struct buf *out, struct span s)
{
        struct buf raw = BUF_INIT(STATE_ROW_MAX);

        field_put_raw(&raw, s);
        state_memory(row, &raw);
        mount_line_put(out, buf_span(&raw));
        buf_done(&raw);
}

static void put_text(struct state_out *out, const char *column, struct span s)
{
        struct buf text = BUF_INIT(STATE_ROW_MAX);

        put_decoded(out, &text, s);
        state_memory(out, &text);
        state_text(out, column, buf_span(&text));
        buf_done(&text);
}

static void put_options(struct state_out *out, struct span options)
{
        struct span option;

        state_no_items(out, "options");
        while (field_cut(&options, ',', &option)) {
                struct buf text = BUF_INIT(STATE_ROW_MAX);

                put_decoded(out, &text, option);
                state_memory(out, &text);
                state_item(out, "options", buf_span(&text));
                buf_done(&text);
        }
}

static int put_mount(struct state_out *out, const struct state_part *p, struct span line,
                     uint32_t number)
{
        uint64_t mntns, nth, layer, pid;
        struct span f[FIELDS];

        if (!field_split(line, '\t', f, FIELDS) || !field_number(f[MNTNS], &mntns) ||
            !field_number(f[NTH], &nth) || !field_number(f[LAYER], &layer) ||
            !field_number(f[PID], &pid))
                return state_fault(out, p, number, "not a mount's eleven fields");
        state_begin(out);
        state_u64(out, "mntns", mntns);
        put_text(out, "namespace", f[NAMESPACE]);
        state_u64(out, "nth", nth);
        state_u64(out, "layer", layer);
        state_u64(out, "pid", pid);
        put_text(out, "point", f[POINT]);
        put_text(out, "type", f[TYPE]);
        put_text(out, "source", f[SOURCE]);
        if (!span_eq_str(f[TYPE], "nsfs")) /* there it is the number of the namespace */
                put_text(out, "root", f[ROOT]);
        put_options(out, f[OPTIONS]);
        return state_end(out);
}

static int put(struct state_out *out, const struct state_part *p, struct span line, uint32_t number)
{
        struct span rest = line, kind = SPAN_NONE;
        uint64_t n = 0;
        int rc;

        (void)!field_cut(&rest, '\t', &kind);
        (void)!field_number(rest, &n);
        if (span_eq_str(kind, "mount"))
                return put_mount(out, p, line, number);
        if (span_eq_str(kind, "cut"))
                return state_fault(out, p, 0,
                                   "mount namespace %llu has more mounts than are looked at",
                                   (unsigned long long)n);
        if (span_eq_str(kind, "full"))
                return state_fault(out, p, 0,
                                   "mount namespaces have more mounts than are looked at");
        if (state_namespaces_unseen(out, p, kind, n, "mount", &rc))
                return rc;
        return state_fault(out, p, number, "not a line of monitor/namespace_mounts.c");
}

static int read_mounts(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return state_each_line(in, out, STATE_MAY_BE_ABSENT, put);
}

/* Containers and units come and go, and their mounts with them: that alerts nobody unless
 * state.yaml says so. */
const struct state_table state_namespace_mounts = {
        .name = "namespace_mounts",
        .about = "what is mounted in containers and other mount namespaces, and not so on the host",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 30,
        .read = read_mounts,
};
