/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of the kernel: the files below /proc/sys (sysctl(8), admin-guide/sysctl/ and
 * networking/ip-sysctl.rst of the kernel's documentation).
 *
 * Not looked at, because to read them does something: fs/binfmt_misc is mounted by that, and
 * vm/stat_refresh makes every processor add up its counters.  Not told: counters and what the
 * kernel sets for itself, what is new at each start, keys.  Of the network interfaces only those
 * whose names begin as a host's own do, for containers' come and go. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <sys/stat.h>

#define SYS "/proc/sys/"

enum { VALUE_MAX = 8 * 1024 };

static const struct state_column columns[] = {
        { "name", STATE_TEXT, STATE_KEY, "as sysctl(8) has it: net.ipv4.ip_forward" },
        { "value", STATE_TEXT, 0, "absent: the kernel does not say it" },
};

static const struct state_source sources[] = {
        { STATE_KERNEL_TREE, 0, SYS "abi" },
        { STATE_KERNEL_TREE, 0, SYS "crypto" },
        { STATE_KERNEL_TREE, 0, SYS "debug" },
        { STATE_KERNEL_TREE, 0, SYS "dev" },
        { STATE_KERNEL_TREE, 0, SYS "user" },
        { STATE_KERNEL, 0, SYS "fs/aio-max-nr" },
        { STATE_KERNEL, 0, SYS "fs/dir-notify-enable" },
        { STATE_KERNEL, 0, SYS "fs/file-max" },
        { STATE_KERNELS, 0, SYS "fs/[l-z]*" },
        { STATE_KERNELS, 0, SYS "fs/[!bq]*/*" },
        { STATE_KERNELS, 0, SYS "kernel/[!n]*" },
        { STATE_KERNELS, 0, SYS "kernel/n[!s]*" },
        { STATE_KERNELS, 0, SYS "kernel/[!pr]*/*" },
        { STATE_KERNEL, 0, SYS "kernel/pty/max" },
        { STATE_KERNEL, 0, SYS "kernel/pty/reserve" },
        { STATE_KERNELS, 0, SYS "net/*" },
        { STATE_KERNELS, 0, SYS "net/*/*" },
        { STATE_KERNELS, 0, SYS "net/ipv[46]/conf/all/*" },
        { STATE_KERNELS, 0, SYS "net/ipv[46]/conf/default/*" },
        { STATE_KERNELS, 0, SYS "net/ipv[46]/conf/lo/*" },
        { STATE_KERNELS, 0, SYS "net/ipv[46]/conf/e[mnt]*/*" },
        { STATE_KERNELS, 0, SYS "net/ipv[46]/conf/w[lw]*/*" },
        { STATE_KERNELS, 0, SYS "net/ipv[46]/conf/bond*/*" },
        { STATE_KERNELS, 0, SYS "net/ipv[46]/neigh/default/*" },
        { STATE_KERNELS, 0, SYS "net/ipv[46]/route/*" },
        { STATE_KERNELS, 0, SYS "net/ipv6/icmp/*" },
        { STATE_KERNELS, 0, SYS "net/netfilter/nf_log/*" },
        { STATE_KERNELS, 0, SYS "vm/[!s]*" },
        { STATE_KERNELS, 0, SYS "vm/s[!t]*" },
        { STATE_KERNEL, 0, SYS "vm/stat_interval" },
};

/* Behind /proc/sys/; a name's end where it begins with a star. */
static const char *const left_out[] = {
        "fs/nfs/nfs_callback_tcpport",
        "kernel/hung_task_detect_count",
        "kernel/hung_task_warnings",         /* counts down to none */
        "kernel/perf_event_max_sample_rate", /* lowered when interrupts take long */
        "net/core/netdev_rss_key",
        "net/ipv4/fib_multipath_hash_seed",
        "net/ipv4/tcp_fastopen_key",
        "net/netfilter/nf_conntrack_count",
        "vm/numa_stat",
        "*/stable_secret",
        "*/tcp_fastopen_key",
};

static bool is_left_out(struct span s)
{
        for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
                struct span what = span_str(left_out[i]);
                bool end = what.p[0] == '*';

                what = span_from(what, end);
                if (end ? s.n > what.n && span_eq(span_from(s, s.n - what.n), what)
                        : span_eq(s, what))
                        return true;
        }
        return false;
}

/* A slash becomes a dot and a dot, as in an interface's name, a slash. */
static void put_name(struct state_out *out, struct span path)
{
        struct buf name = BUF_INIT(BUNDLE_NAME_MAX);

        for (size_t i = 0; i < path.n; i++)
                buf_put_byte(&name, path.p[i] == '/' ? '.' : path.p[i] == '.' ? '/' : path.p[i]);
        state_text(out, "name", buf_span(&name));
        buf_done(&name);
}

static int put(struct state_out *out, const struct state_part *p)
{
        struct span path = span_from(p->name, strlen(SYS)), value = p->bytes;

        while (value.n && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == 0))
                value.n--;
        if (value.n > VALUE_MAX)
                return state_fault(out, p, 0, "more than %d bytes", VALUE_MAX);
        state_begin(out);
        put_name(out, path);
        if (p->status == 0)
                state_text(out, "value", value);
        return state_end(out);
}

static int read_sysctls(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p)) {
                bool gone = p.status == ENOENT; /* a kernel, or a namespace, without it */

                if (gone || !S_ISREG(p.mode) || !(p.mode & 0444) ||
                    !span_starts(p.name, SPAN(SYS)) || is_left_out(span_from(p.name, strlen(SYS))))
                        continue;
                rc = put(out, &p);
        }
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_sysctls = {
        .name = "sysctls",
        .about = "parameters of the kernel",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 60,
        .read = read_sysctls,
};
