/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits on which address and port: the lines that monitor/ports.c writes. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "address", STATE_TEXT, STATE_KEY, "0.0.0.0 and ::, any of the host's" },
        { "container", STATE_TEXT, STATE_LOOSE, "id of the container that the process is in" },
        { "deleted", STATE_BOOL, 0, "its program's file was replaced or removed since it started" },
        { "pid", STATE_INT, STATE_LOOSE, "process; of several the one that holds it longest" },
        { "port", STATE_INT, STATE_KEY, "port" },
        { "program", STATE_TEXT, 0, "its program; absent: the kernel's own, or not to be seen" },
        { "protocol", STATE_TEXT, STATE_KEY, "tcp or udp" },
        { "uid", STATE_INT, 0, "user who made the socket" },
        { "unit", STATE_TEXT, 0, "systemd's unit of the process, unless it is in a container" },
};

static const struct state_source sources[] = { { STATE_BUILTIN, 0, "ports" } };

enum { KIND, PROTOCOL, ADDRESS, PORT, UID, PID, PROGRAM, DELETED, UNIT, CONTAINER, FIELDS };

static bool is_none(struct span s)
{
        return span_eq_str(s, "-");
}

static void put_text(struct state_out *out, const char *column, struct span s)
{
        struct buf raw = BUF_INIT(STATE_ROW_MAX);

        if (!is_none(s)) {
                field_put_raw(&raw, s);
                state_text(out, column, buf_span(&raw));
        }
        buf_done(&raw);
}

static int put_socket(struct state_out *out, const struct state_part *p, struct span line,
                      uint32_t number)
{
        uint64_t port, uid, pid;
        struct span f[FIELDS];

        if (!field_split(line, '\t', f, FIELDS) || !field_number(f[PORT], &port) ||
            !field_number(f[UID], &uid))
                return state_fault(out, p, number, "not a socket's ten fields");
        state_begin(out);
        state_text(out, "protocol", f[PROTOCOL]);
        state_text(out, "address", f[ADDRESS]);
        state_u64(out, "port", port);
        state_u64(out, "uid", uid);
        if (field_number(f[PID], &pid)) {
                state_u64(out, "pid", pid);
                state_bool(out, "deleted", span_eq_str(f[DELETED], "deleted"));
        }
        put_text(out, "program", f[PROGRAM]);
        put_text(out, "container", f[CONTAINER]);
        if (is_none(f[CONTAINER]))
                put_text(out, "unit", f[UNIT]);
        return state_end(out);
}

static int put(struct state_out *out, const struct state_part *p, struct span line, uint32_t number)
{
        struct span rest = line, kind = SPAN_NONE;
        struct buf why = BUF_INIT(256);
        uint64_t n = 0;
        int rc;

        (void)!field_cut(&rest, '\t', &kind);
        (void)!field_number(rest, &n);
        n = MIN_OF(n, (uint64_t)BUNDLE_PROGRAM_FAILED - 1);
        if (span_eq_str(kind, "socket"))
                return put_socket(out, p, line, number);
        if (span_eq_str(kind, "denied"))
                return state_fault(
                        out, p, 0,
                        "%u process%s may not be looked into, which takes CAP_SYS_PTRACE: a socket "
                        "without program may be %s",
                        (unsigned)n, n == 1 ? "" : "es", n == 1 ? "its own" : "one of theirs");
        if (!span_eq_str(kind, "udp"))
                return state_fault(out, p, number, "not a line of monitor/ports.c");
        state_put_status(&why, (uint32_t)n);
        rc = state_fault(out, p, 0, "UDP sockets are not told: %s", buf_cstr(&why));
        buf_done(&why);
        return rc;
}

static int read_ports(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return state_each_line(in, out, STATE_MAY_BE_ABSENT, put);
}

const struct state_table state_ports = {
        .name = "ports",
        .alert = "added",
        .about = "listening TCP and UDP sockets",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 20,
        .read = read_ports,
};
