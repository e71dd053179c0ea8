/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/audit.h"

#include "base/clock.h"
#include "sys/io.h"

#include <limits.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
        ROOM = 4 << 20,
        HEADER = sizeof(struct nlmsghdr),
        LISTED = 65536, /* rules of the machine that are looked at */
        OURS = AUDIT_PLACES_MAX * AUDIT_RULES_A_PLACE,
        ANSWER_MS = 2000,
        READ_MAX = 512, /* at once */
        LOCKED = 2,
};

struct audit {
        int control, group;
        uint32_t seq;
        bool turned_on, touched;
        bool absent[AUDIT_PLACES_MAX]; /* the place was not there */
        bool any_absent;
        size_t rules;
        uint64_t full;      /* how often there was no room */
        uint32_t lost_then; /* as the kernel counted when we began */
        uint64_t lost;
        struct audit_places places;
        struct buf paths; /* what places point to */
        struct buf rule, left;
        uint8_t room[AUDIT_RECORD_MAX];
};

static int64_t now_ns(void)
{
        struct timespec ts = { 0 };

        (void)!clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* ---- asking ---- */

static int ask(struct audit *a, uint16_t type, unsigned flags, struct span body)
{
        const struct nlmsghdr nl = { .nlmsg_len = (uint32_t)(HEADER + body.n),
                                     .nlmsg_type = type,
                                     .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
                                     .nlmsg_seq = ++a->seq };
        const struct iovec iov[] = { { (void *)&nl, HEADER }, { (void *)body.p, body.n } };
        const struct msghdr m = { .msg_iov = (void *)iov, .msg_iovlen = body.n ? 2 : 1 };

        return sendmsg(a->control, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The next message that answers the last question; *ret is in a->room. */
static int answer(struct audit *a, uint16_t *ret_type, struct span *ret)
{
        const int64_t end = now_ns() + ANSWER_MS * NS_PER_MS;
        struct pollfd p = { .fd = a->control, .events = POLLIN };
        struct nlmsghdr nl;
        ssize_t n;

        while (now_ns() < end) {
                if (poll(&p, 1, ANSWER_MS) <= 0)
                        continue;
                n = recv(a->control, a->room, sizeof a->room, MSG_DONTWAIT);
                if (n < (ssize_t)HEADER)
                        continue;
                memcpy(&nl, a->room, HEADER);
                /* its length is that of the body in some answers of the audit's */
                if (nl.nlmsg_seq != a->seq)
                        continue;
                *ret_type = nl.nlmsg_type;
                *ret = span_of(a->room + HEADER, (size_t)n - HEADER);
                return 0;
        }
        return -ETIMEDOUT;
}

static int result(struct audit *a)
{
        struct span body;
        uint16_t type;
        int32_t e;
        int rc;

        do
                rc = answer(a, &type, &body);
        while (rc == 0 && (type != NLMSG_ERROR || body.n < sizeof e));
        if (rc == 0) {
                memcpy(&e, body.p, sizeof e);
                rc = e;
        }
        return rc;
}

static int get_status(struct audit *a, struct audit_status *ret)
{
        struct span body;
        uint16_t type = 0;
        int32_t e;
        int rc = ask(a, AUDIT_GET, 0, SPAN_NONE);

        if (rc == 0)
                rc = answer(a, &type, &body);
        if (rc == 0 && type == NLMSG_ERROR && body.n >= sizeof e) {
                memcpy(&e, body.p, sizeof e);
                return e ? e : -EPROTO;
        }
        if (rc == 0 && (type != AUDIT_GET || body.n < offsetof(struct audit_status, backlog)))
                return -EPROTO;
        if (rc == 0) {
                *ret = (struct audit_status){ 0 };
                memcpy(ret, body.p, MIN_OF(body.n, sizeof *ret));
        }
        return rc;
}

static int turn(struct audit *a, uint32_t enabled)
{
        const struct audit_status s = { .mask = AUDIT_STATUS_ENABLED, .enabled = enabled };
        int rc = ask(a, AUDIT_SET, NLM_F_ACK, span_of(&s, sizeof s));

        return rc < 0 ? rc : result(a);
}

/* ---- rules ---- */

/* How many are ours; these are put into a->left.  *ret_never: one says that no process is looked
 * at. */
static int list(struct audit *a, size_t *ret_ours, bool *ret_never)
{
        struct audit_rule_data r;
        struct span body;
        uint16_t type;
        int rc = ask(a, AUDIT_LIST_RULES, 0, SPAN_NONE);

        *ret_ours = 0;
        *ret_never = false;
        buf_clear(&a->left);
        for (unsigned i = 0; i < LISTED && rc == 0; i++) {
                rc = answer(a, &type, &body);
                if (rc < 0 || type == NLMSG_DONE)
                        return rc;
                if (type != AUDIT_LIST_RULES || body.n < sizeof r)
                        continue;
                memcpy(&r, body.p, sizeof r);
                body.n = MIN_OF(body.n, sizeof r + r.buflen);
                *ret_never |= r.flags == AUDIT_FILTER_TASK && r.action == AUDIT_NEVER;
                if (!audit_is_ours(body))
                        continue;
                ++*ret_ours;
                buf_put(&a->left, body);
        }
        return rc < 0 ? rc : -E2BIG;
}

static int remove_ours(struct audit *a)
{
        struct audit_rule_data r;
        struct span rest;
        size_t n;
        bool never;
        int rc = list(a, &n, &never);

        if (rc == 0)
                rc = buf_status(&a->left);
        for (rest = buf_span(&a->left); rest.n && rc == 0;) {
                memcpy(&r, rest.p, sizeof r);
                n = sizeof r + r.buflen;
                rc = ask(a, AUDIT_DEL_RULE, NLM_F_ACK, span_of(rest.p, n));
                if (rc == 0)
                        rc = result(a);
                if (rc == -ENOENT)
                        rc = 0;
                rest = span_from(rest, n);
        }
        a->rules = 0;
        return rc;
}

/* A file need not be there, but its directory.  1: it is a directory; -ENOENT. */
static int look_at(struct span place)
{
        char path[PATH_MAX], *slash;
        struct stat st;

        if (place.n >= sizeof path)
                return -ENAMETOOLONG;
        memcpy(path, place.p, place.n);
        path[place.n] = '\0';
        if (lstat(path, &st) == 0)
                return S_ISDIR(st.st_mode);
        slash = strrchr(path, '/');
        if (slash)
                slash[slash == path] = '\0';
        return slash && stat(path, &st) == 0 ? 0 : -ENOENT;
}

static int add(struct audit *a, struct span place)
{
        int is_dir = place.n ? look_at(place) : 0;
        int rc = is_dir < 0 ? is_dir : 0;

        for (unsigned i = 0; i < AUDIT_RULES_A_PLACE && rc == 0; i++) {
                buf_clear(&a->rule);
                audit_put_rule(&a->rule, i, place, is_dir, (uint32_t)getpid());
                rc = buf_status(&a->rule);
                if (rc == 0)
                        rc = ask(a, AUDIT_ADD_RULE, NLM_F_ACK, buf_span(&a->rule));
                if (rc == 0)
                        rc = result(a);
                if (rc == -EEXIST)
                        rc = 0;
                a->rules += rc == 0;
        }
        return rc;
}

/* All, or those that were not there the last time. */
static int add_all(struct audit *a, bool absent_only, struct err *err)
{
        int rc = 0;

        if (!absent_only)
                a->rules = 0;
        if (!absent_only && a->places.n == 0)
                rc = add(a, SPAN_NONE);
        a->any_absent = false;
        for (size_t i = 0; i < a->places.n && rc == 0; i++) {
                if (absent_only && !a->absent[i])
                        continue;
                rc = add(a, a->places.at[i]);
                a->absent[i] = rc == -ENOENT;
                a->any_absent |= a->absent[i];
                if (rc == -ENOENT)
                        rc = 0;
        }
        if (rc < 0)
                return err_sys(err, rc, "the kernel refused an audit rule");
        return 0;
}

/* ---- what is there ---- */

static int check(struct audit *a, struct audit_status *st, struct err *err)
{
        size_t ours;
        bool never;
        int rc = get_status(a, st);

        if (rc < 0)
                return err_sys(err, rc, "the kernel's audit does not answer here");
        if (st->enabled == LOCKED)
                return err_set(err, -EPERM,
                               "the configuration of the kernel's audit is locked until the next "
                               "start of the host (auditctl -e 2)");
        if (!st->enabled && st->pid)
                return err_set(err, -EPERM,
                               "auditing is turned off, though an audit daemon runs (auditctl -e "
                               "0)");
        rc = list(a, &ours, &never);
        if (rc < 0)
                return err_sys(err, rc, "the audit rules cannot be read");
        if (never)
                return err_set(err, -EPERM,
                               "an audit rule of this host says that no process is looked at "
                               "(auditctl -a never,task)");
        return 0;
}

static int listen_in(struct audit *a, struct err *err)
{
        struct sockaddr_nl here = { .nl_family = AF_NETLINK,
                                    .nl_groups = 1u << (AUDIT_NLGRP_READLOG - 1) };
        int room = ROOM;

        if (setsockopt(a->group, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0 &&
            setsockopt(a->group, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) < 0)
                return err_sys(err, -errno, "room for audit records");
        if (bind(a->group, (struct sockaddr *)&here, sizeof here) < 0)
                return err_sys(err, -errno, "the kernel refused to let us listen to its audit");
        return 0;
}

static int hears(void *ctx, unsigned type, struct span text)
{
        bool *heard = ctx;

        *heard |= type == AUDIT_CONFIG_CHANGE &&
                  memmem(text.p, text.n, AUDIT_OUR_KEY, strlen(AUDIT_OUR_KEY));
        return 0;
}

/* Granted and silent: the records go to the host's own network namespace. */
static int prove(struct audit *a, struct err *err)
{
        const int64_t end = now_ns() + ANSWER_MS * NS_PER_MS;
        struct pollfd p = { .fd = a->group, .events = POLLIN };
        bool heard = false;
        int rc = 0;

        while (!heard && rc == 0 && now_ns() < end) {
                (void)!poll(&p, 1, 20);
                rc = audit_read(a, hears, &heard);
        }
        if (heard || rc < 0)
                return rc;
        return err_set(
                err, -ENODATA,
                "the kernel's audit told nothing of a rule that was added to try it; is this "
                "the host's own network namespace?");
}

static int keep_places(struct audit *a, const struct audit_places *p)
{
        size_t at = 0;

        buf_clear(&a->paths);
        for (size_t i = 0; i < p->n; i++)
                buf_put(&a->paths, p->at[i]);
        if (buf_status(&a->paths) < 0)
                return buf_status(&a->paths);
        a->places.n = p->n;
        for (size_t i = 0; i < p->n; i++) {
                a->places.at[i] = span_of(a->paths.p + at, p->at[i].n);
                at += p->at[i].n;
        }
        return 0;
}

int audit_watch(struct audit *a, const struct audit_places *places, struct err *err)
{
        int rc = keep_places(a, places);

        if (rc < 0)
                return err_sys(err, rc, "places of audit rules");
        rc = remove_ours(a);
        if (rc < 0)
                return err_sys(err, rc, "our old audit rules cannot be removed");
        return add_all(a, false, err);
}

static void count_lost(struct audit *a)
{
        struct audit_status st;

        if (get_status(a, &st) == 0 && st.lost - a->lost_then > a->lost)
                a->lost = st.lost - a->lost_then;
}

int audit_keep(struct audit *a, struct err *err)
{
        struct audit_status st;
        size_t ours;
        bool never;
        int rc;

        if (!a->touched) {
                count_lost(a);
                return a->any_absent ? add_all(a, true, err) : 0;
        }
        a->touched = false;
        rc = check(a, &st, err);
        if (rc == 0 && !st.enabled)
                rc = err_set(err, -EPERM, "somebody has turned auditing off (auditctl -e 0)");
        if (rc == 0 && list(a, &ours, &never) == 0 && ours < a->rules)
                rc = add_all(a, false, err);
        a->touched |= rc < 0; /* look again */
        return rc;
}

/* ---- life ---- */

int audit_open(const struct audit_places *places, struct audit **ret, struct err *err)
{
        CLEANUP(audit_freep) struct audit *a = calloc(1, sizeof *a);
        struct audit_status st;
        int rc;

        if (!a)
                return err_set(err, -ENOMEM, "out of memory for the kernel's audit");
        a->rule = BUF_INIT(AUDIT_RULE_MAX);
        a->left = BUF_INIT(4 * OURS * AUDIT_RULE_MAX);
        a->paths = BUF_INIT(AUDIT_PLACES_MAX * 4096);
        a->control = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
        a->group = a->control < 0 ? -1
                                  : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                           NETLINK_AUDIT);
        if (a->group < 0)
                return err_sys(err, -errno, "this kernel has no audit");
        rc = check(a, &st, err);
        if (rc == 0)
                rc = listen_in(a, err);
        if (rc == 0 && !st.enabled) {
                rc = turn(a, 1);
                if (rc < 0)
                        return err_sys(err, rc, "auditing cannot be turned on");
                a->turned_on = true;
        }
        a->lost_then = rc == 0 ? st.lost : 0;
        if (rc == 0)
                rc = audit_watch(a, places, err);
        if (rc == 0 && a->rules)
                rc = prove(a, err);
        if (rc < 0)
                return rc;
        *ret = a;
        a = NULL;
        return 0;
}

struct audit *audit_free(struct audit *a)
{
        struct audit_status st;

        if (!a)
                return NULL;
        if (a->control >= 0 && a->group >= 0) {
                (void)!remove_ours(a);
                if (a->turned_on && get_status(a, &st) == 0 && st.enabled == 1 && !st.pid)
                        (void)!turn(a, 0);
        }
        fd_close(&a->control);
        fd_close(&a->group);
        buf_done(&a->rule);
        buf_done(&a->left);
        buf_done(&a->paths);
        free(a);
        return NULL;
}

/* ---- reading ---- */

int audit_fd(const struct audit *a)
{
        return a->group;
}

bool audit_was_off(const struct audit *a)
{
        return a->turned_on;
}

uint64_t audit_lost(const struct audit *a)
{
        return a->full + a->lost;
}

int audit_read(struct audit *a, audit_record_fn *each, void *ctx)
{
        struct sockaddr_nl from;
        struct nlmsghdr nl;
        int rc = 0;

        for (unsigned i = 0; i < READ_MAX && rc == 0; i++) {
                socklen_t n_from = sizeof from;
                ssize_t n = recvfrom(a->group, a->room, sizeof a->room, MSG_DONTWAIT | MSG_TRUNC,
                                     (struct sockaddr *)&from, &n_from);

                if (n < 0 && errno == ENOBUFS) {
                        a->full++;
                        continue;
                }
                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
                if (n_from < sizeof from || from.nl_pid != 0)
                        continue; /* another program's */
                if ((size_t)n > sizeof a->room || (size_t)n < HEADER) {
                        a->full++;
                        continue;
                }
                memcpy(&nl, a->room, HEADER);
                a->touched |= nl.nlmsg_type == AUDIT_CONFIG_CHANGE;
                rc = each(ctx, nl.nlmsg_type, span_of(a->room + HEADER, (size_t)n - HEADER));
        }
        return rc;
}
