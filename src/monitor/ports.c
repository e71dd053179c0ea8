/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for connections and datagrams on this host's own addresses.  Lines:
 *   "socket", "tcp" or "udp", address, port, user, pid, program, "deleted" or "-", unit, container
 *   "denied", how many processes could not be looked into while a socket had no process
 *   "udp", the errno: the kernel does not tell its UDP sockets */
#include "monitor/builtin.h"

#include "base/clock.h"
#include "monitor/port_set.h"
#include "sys/sysclock.h"

#include <stdlib.h>

static struct port_last last = PORT_LAST_INIT;

static bool take_tcp(void *ctx, const struct sockdiag_tcp *t)
{
        return port_set_take(ctx, t, false, 0);
}

static bool take_udp(void *ctx, const struct sockdiag_tcp *t)
{
        return port_set_take(ctx, t, true, 0);
}

static int list_sockets(struct port_set *p, int *ret_udp)
{
        int rc = sockdiag_each(-1, 1u << SOCKDIAG_LISTEN, take_tcp, p, NULL);

        if (rc < 0)
                return -rc;
        *ret_udp = -sockdiag_each_udp(-1, 1u << SOCKDIAG_UNCONNECTED, take_udp, p, NULL);
        return p->too_many ? E2BIG : port_set_settle(p, &last);
}

static void put_all(struct port_set *p, int udp, struct buf *out)
{
        for (size_t i = 0; i < p->n; i++) {
                builtin_field(out, SPAN("socket"));
                port_set_put(p, i, out);
                builtin_end(out);
        }
        port_set_put_denied(p, out);
        if (udp) {
                builtin_field(out, SPAN("udp"));
                builtin_number(out, (uint64_t)udp);
                builtin_end(out);
        }
}

static int ask(struct port_set *p, const atomic_bool *stop)
{
        int64_t now = clock_mono(&sysclock);
        int udp = 0, rc = list_sockets(p, &udp);

        if (rc || port_set_is_as_last(p, &last, now))
                return rc;
        rc = port_set_find_holders(p, stop);
        if (rc)
                return rc;
        buf_clear(&last.text);
        put_all(p, udp, &last.text);
        port_set_keep(p, &last, now);
        return -buf_status(&last.text);
}

/* An image of another host has no sockets. */
int builtin_ports(const char *root, const atomic_bool *stop, struct buf *out)
{
        struct port_set *p;
        int rc;

        if (*root && strcmp(root, "/") != 0)
                return ENOENT;
        p = calloc(1, sizeof *p);
        if (!p)
                return ENOMEM;
        rc = ask(p, stop);
        if (rc == 0)
                buf_put(out, buf_span(&last.text));
        free(p);
        return rc;
}
