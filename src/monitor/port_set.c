/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/port_set.h"

#include "base/clock.h"
#include "base/text.h"
#include "monitor/builtin.h"
#include "state/reading/fields.h"
#include "sys/cgroup.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { HOLDERS_S = 300 };

/* ---- the sockets ---- */

bool port_set_take(struct port_set *p, const struct sockdiag_tcp *t, bool udp, uint32_t netns)
{
        struct port *to = &p->at[p->n];

        if (p->n == PORT_SET_MAX) {
                p->too_many = true;
                return false;
        }
        memset(to, 0, sizeof *to); /* they are compared byte by byte */
        to->local = t->local;
        to->uid = t->uid;
        to->inode = t->inode;
        to->netns = netns;
        to->udp = udp;
        p->n++;
        return true;
}

static int compare_places(const struct port *x, const struct port *y)
{
        int c = (int)x->udp - (int)y->udp;

        if (c == 0)
                c = (int)x->local.family - (int)y->local.family;
        if (c == 0)
                c = memcmp(x->local.bytes, y->local.bytes, sizeof x->local.bytes);
        if (c == 0)
                c = (int)x->local.port - (int)y->local.port;
        return c;
}

bool port_same_place(const struct port *a, const struct port *b)
{
        return compare_places(a, b) == 0;
}

static int by_place(const void *a, const void *b)
{
        const struct port *x = a, *y = b;
        int c = compare_places(x, y);

        if (c == 0)
                c = (x->netns > y->netns) - (x->netns < y->netns);
        return c ? c : (x->inode > y->inode) - (x->inode < y->inode);
}

static int by_inode(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

/* "32768\t60999\n" */
static void read_range(uint64_t *ret_low, uint64_t *ret_high)
{
        CLEANUP_FD int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
        char text[64];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
        struct span rest = span_of(text, n < 0 ? 0 : (size_t)n), low, high;

        if (!field_word(&rest, &low) || text_to_u64(low, ret_low) < 0 ||
            !field_cut(&rest, '\n', &high) || text_to_u64(field_trim(high), ret_high) < 0) {
                *ret_low = 32768; /* ip(7) */
                *ret_high = 60999;
        }
}

/* Leave out the UDP sockets that may be gone in a moment; those are what the next look knows. */
static int drop_fleeting(struct port_set *p, struct port_last *last)
{
        uint32_t *now = malloc((p->n + 1) * sizeof(*now));
        size_t kept = 0, n = 0;
        uint64_t low, high;

        if (!now)
                return ENOMEM;
        read_range(&low, &high);
        for (size_t i = 0; i < p->n; i++) {
                const struct port *x = &p->at[i];
                bool given = x->udp && x->local.port >= low && x->local.port <= high;

                if (given)
                        now[n++] = x->inode;
                if (!given ||
                    (last->n_fleeting &&
                     bsearch(&x->inode, last->fleeting, last->n_fleeting, sizeof(*now), by_inode)))
                        p->at[kept++] = *x;
        }
        p->n = kept;
        qsort(now, n, sizeof(*now), by_inode);
        free(last->fleeting);
        last->fleeting = now;
        last->n_fleeting = n;
        return 0;
}

int port_set_settle(struct port_set *p, struct port_last *last)
{
        int rc = drop_fleeting(p, last);

        if (p->n)
                qsort(p->at, p->n, sizeof(p->at[0]), by_place);
        return rc;
}

bool port_set_is_as_last(const struct port_set *p, const struct port_last *last, int64_t now_ns)
{
        return last->at && now_ns < last->until_ns && p->n == last->n &&
               memcmp(p->at, last->at, p->n * sizeof(p->at[0])) == 0;
}

void port_set_keep(const struct port_set *p, struct port_last *last, int64_t now_ns)
{
        free(last->at);
        last->at = malloc((p->n + 1) * sizeof(p->at[0]));
        if (last->at)
                memcpy(last->at, p->at, p->n * sizeof(p->at[0]));
        last->n = p->n;
        last->until_ns = now_ns + HOLDERS_S * NS_PER_S;
}

/* ---- who holds them ---- */

static void hold(struct port_set *p, uint32_t inode, pid_t pid)
{
        uint64_t start = p->info.stat.start;

        for (size_t i = 0; i < p->n; i++) {
                struct port_holder *h = &p->holder[i];

                if (p->at[i].inode == inode &&
                    (h->start == 0 || start < h->start || (start == h->start && pid < h->pid)))
                        *h = (struct port_holder){ start, pid };
        }
}

/* The inodes of all sockets in order, to leave the many others at once. */
static uint32_t *sorted_inodes(const struct port_set *p)
{
        uint32_t *sorted = malloc((p->n + 1) * sizeof(*sorted));

        for (size_t i = 0; sorted && i < p->n; i++)
                sorted[i] = p->at[i].inode;
        if (sorted)
                qsort(sorted, p->n, sizeof(*sorted), by_inode);
        return sorted;
}

static void look_into(struct port_set *p, const uint32_t *sorted, pid_t pid)
{
        CLEANUP_FD int fd = proc_open(pid, -1);
        bool read = false;
        size_t n = 0;
        int rc = fd < 0 ? fd : sockdiag_of_process(fd, p->inodes, ARRAY_LEN(p->inodes), &n);

        if (rc == -EACCES || rc == -EPERM)
                p->denied++;
        for (size_t i = 0; rc == 0 && i < n; i++) {
                if (!bsearch(&p->inodes[i], sorted, p->n, sizeof(*sorted), by_inode))
                        continue;
                if (!read)
                        proc_read_ids(fd, pid, &p->info);
                read = true;
                if (p->info.stat.why == PROC_KNOWN)
                        hold(p, p->inodes[i], pid);
        }
}

int port_set_find_holders(struct port_set *p, const atomic_bool *stop)
{
        CLEANUP_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        uint32_t *sorted = sorted_inodes(p);
        struct dir_entry e;
        uint64_t pid;
        int rc = 1;

        if (proc < 0 || !sorted) {
                free(sorted);
                return ENOMEM;
        }
        dir_reader_init(&p->reader, proc);
        while (p->n && !*stop && (rc = dir_read(&p->reader, &e)) > 0)
                if (text_to_u64(span_of(e.name, e.name_n), &pid) == 0 && pid <= INT32_MAX)
                        look_into(p, sorted, (pid_t)pid);
        free(sorted);
        return *stop ? ECANCELED : rc < 0 ? -rc : 0;
}

/* ---- telling ---- */

static void put_holder(struct port_set *p, const struct port_holder *h, struct buf *out)
{
        struct proc_info *info = &p->info;
        struct cgroup_names names = { 0 };
        CLEANUP_FD int fd = h->start ? proc_open(h->pid, -1) : -1;

        if (fd >= 0)
                proc_read(fd, h->pid, info);
        if (fd < 0 || info->stat.why != PROC_KNOWN || info->stat.start != h->start) {
                for (size_t i = 0; i < 5; i++)
                        builtin_field(out, SPAN_NONE);
                return;
        }
        if (info->cgroup_why == PROC_KNOWN)
                cgroup_names(span_of(info->cgroup, info->cgroup_n), true, &names);
        builtin_number(out, (uint64_t)h->pid);
        builtin_field(out, span_of(info->exe, info->exe_why == PROC_KNOWN ? info->exe_n : 0));
        builtin_field(out, info->exe_why == PROC_KNOWN && info->exe_deleted ? SPAN("deleted")
                                                                            : SPAN_NONE);
        builtin_field(out, names.unit);
        builtin_field(out, cgroup_container(&names));
}

void port_set_put(struct port_set *p, size_t i, struct buf *out)
{
        const struct port *x = &p->at[i];
        struct sock_addr address = x->local;
        struct buf text = BUF_INIT(128);

        address.port = 0;
        sock_addr_put(&text, &address);
        builtin_field(out, x->udp ? SPAN("udp") : SPAN("tcp"));
        builtin_field(out, buf_span(&text));
        builtin_number(out, x->local.port);
        builtin_number(out, x->uid);
        put_holder(p, &p->holder[i], out);
        buf_done(&text);
}

void port_set_put_denied(const struct port_set *p, struct buf *out)
{
        bool unheld = false;

        for (size_t i = 0; i < p->n; i++)
                unheld |= p->holder[i].start == 0;
        if (p->denied && unheld) {
                builtin_field(out, SPAN("denied"));
                builtin_number(out, p->denied);
                builtin_end(out);
        }
}
