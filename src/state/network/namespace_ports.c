/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits on which address and port inside a container or another network of its own: the lines
 * that monitor/namespace_ports.c writes. */
#include "state/network/namespaces.h"
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "address", STATE_TEXT, STATE_KEY, "0.0.0.0 and ::, any of the namespace's" },
        { "container", STATE_TEXT, STATE_LOOSE, "id of the container that the process is in" },
        { "deleted", STATE_BOOL, 0, "its program's file was replaced or removed since it started" },
        { "namespace", STATE_TEXT, STATE_KEY, "name by ip netns, else container, else unit; or -" },
        { "netns", STATE_INT, STATE_LOOSE, "inode of the network namespace (lsns -t net)" },
        { "nth", STATE_INT, STATE_KEY,
          "where a namespace or several of one name have it: 1, 2..." },
        { "pid", STATE_INT, STATE_LOOSE, "process; of several the one that holds it longest" },
        { "port", STATE_INT, STATE_KEY, "port" },
        { "program", STATE_TEXT, 0, "its program; absent: the kernel's own, or not to be seen" },
        { "protocol", STATE_TEXT, STATE_KEY, "tcp or udp" },
        { "uid", STATE_INT, 0, "user of the host who made the socket" },
        { "unit", STATE_TEXT, 0, "systemd's unit of the process, unless it is in a container" },
};

static const struct state_source sources[] = { { STATE_BUILTIN, 0, "namespace_ports" } };

enum {
        KIND,
        NETNS,
        NAMESPACE,
        NTH,
        PROTOCOL,
        ADDRESS,
        PORT,
        UID,
        PID,
        PROGRAM,
        DELETED,
        UNIT,
        CONTAINER,
        FIELDS
};

static bool is_none(struct span s)
{
        return span_eq_str(s, "-");
}

static void put_text(struct state_out *out, const char *column, struct span s)
{
        struct buf raw = BUF_INIT(STATE_ROW_MAX);

        field_put_raw(&raw, s);
        state_memory(out, &raw);
        state_text(out, column, buf_span(&raw));
        buf_done(&raw);
}

static void put_holder(struct state_out *out, const struct span *f)
{
        uint64_t pid;

        if (field_number(f[PID], &pid)) {
                state_u64(out, "pid", pid);
                state_bool(out, "deleted", span_eq_str(f[DELETED], "deleted"));
        }
        if (!is_none(f[PROGRAM]))
                put_text(out, "program", f[PROGRAM]);
        if (!is_none(f[CONTAINER]))
                put_text(out, "container", f[CONTAINER]);
        else if (!is_none(f[UNIT]))
                put_text(out, "unit", f[UNIT]);
}

static int put_socket(struct state_out *out, const struct state_part *p, struct span line,
                      uint32_t number)
{
        uint64_t netns, nth, port, uid;
        struct span f[FIELDS];

        if (!field_split(line, '\t', f, FIELDS) || !field_number(f[NETNS], &netns) ||
            !field_number(f[NTH], &nth) || !field_number(f[PORT], &port) ||
            !field_number(f[UID], &uid))
                return state_fault(out, p, number, "not a socket's thirteen fields");
        state_begin(out);
        state_u64(out, "netns", netns);
        put_text(out, "namespace", f[NAMESPACE]);
        state_u64(out, "nth", nth);
        state_text(out, "protocol", f[PROTOCOL]);
        state_text(out, "address", f[ADDRESS]);
        state_u64(out, "port", port);
        state_u64(out, "uid", uid);
        put_holder(out, f);
        return state_end(out);
}

static int put(struct state_out *out, const struct state_part *p, struct span line, uint32_t number)
{
        struct span rest = line, kind = SPAN_NONE;
        uint64_t n = 0;
        int rc;

        (void)!field_cut(&rest, '\t', &kind);
        (void)!field_number(rest, &n);
        if (span_eq_str(kind, "socket"))
                return put_socket(out, p, line, number);
        if (span_eq_str(kind, "cut"))
                return state_fault(out, p, 0,
                                   "network namespace %llu has more sockets than are told",
                                   (unsigned long long)n);
        if (state_namespaces_unseen(out, p, kind, n, "network", &rc))
                return rc;
        if (span_eq_str(kind, "denied"))
                return state_fault(out, p, 0,
                                   "%llu process%s may not be looked into, which takes "
                                   "CAP_SYS_PTRACE: a socket may be without its program",
                                   (unsigned long long)n, n == 1 ? "" : "es");
        return state_fault(out, p, number, "not a line of monitor/namespace_ports.c");
}

static int read_ports(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return state_each_line(in, out, STATE_MAY_BE_ABSENT, put);
}

/* Containers come and go, and their sockets with them: that alerts nobody unless state.yaml says
 * so. */
const struct state_table state_namespace_ports = {
        .name = "namespace_ports",
        .about = "listening TCP and UDP sockets of containers and other network namespaces",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 30,
        .read = read_ports,
};
