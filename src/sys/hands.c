/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants, under lock: each hand is free, or in the hands of one hand_call(), or stuck; those
 * with a pid are in one of these.
 *
 * SECURITY: what a hand answers is believed: it is this program.  It has no more rights. */
#include "sys/hands.h"

#include "base/clock.h"
#include "sys/hands_act.h"
#include "sys/io.h"
#include "sys/sysclock.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
        HANDS = HANDS_STUCK_MAX + HANDS_STUCK_APART + 4,
        NAME_BYTES = 256, /* with its NUL */
        FDS = 2,
};

/* HANDS_LITTLE */
enum { LITTLE_LEAST_MS = 10, LITTLE_MOST_MS = 300, LITTLE_SHARE = 20 };
#define LITTLE_MOST_NS (LITTLE_MOST_MS * NS_PER_MS)

enum use { NONE, FREE, ASKED, STUCK };

struct hand {
        enum use use;
        int fd;
        uint64_t key;
        unsigned group;
};

struct hands {
        pthread_mutex_t lock;
        int parent; /* to the parent of hands */
        struct hand hand[HANDS];
        _Atomic pid_t pid[HANDS];        /* 0: none */
        int64_t little_ns, little_at_ns; /* what is left of it, and since when: HANDS_LITTLE */
};

/* ---- what is sent; both ends are one program ---- */

struct question {
        int32_t act;
        bool two; /* fd2 comes as well */
        char name[NAME_BYTES], to[NAME_BYTES];
        int64_t a, b;
        uint32_t value_n, room;
};

struct answer {
        int32_t rc;
        uint32_t had;
        int64_t at;
        uint32_t n; /* bytes behind it */
};

union fds {
        struct cmsghdr head;
        char room[CMSG_SPACE(FDS * sizeof(int))];
};

static int send_fds(int sock, struct iovec *iov, size_t n_iov, const int *fds, size_t n)
{
        union fds c = { .head = { 0 } };
        struct msghdr m = { .msg_iov = iov, .msg_iovlen = n_iov };
        ssize_t r;

        if (n) {
                m.msg_control = &c;
                m.msg_controllen = CMSG_SPACE(n * sizeof *fds);
                c.head.cmsg_level = SOL_SOCKET;
                c.head.cmsg_type = SCM_RIGHTS;
                c.head.cmsg_len = CMSG_LEN(n * sizeof *fds);
                memcpy(CMSG_DATA(&c.head), fds, n * sizeof *fds);
        }
        do {
                r = sendmsg(sock, &m, MSG_NOSIGNAL);
        } while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : 0;
}

/* Bytes; 0: the other end has gone. */
static ssize_t receive_fds(int sock, struct iovec *iov, size_t n_iov, int fds[FDS])
{
        union fds c = { .head = { 0 } };
        struct msghdr m = {
                .msg_iov = iov, .msg_iovlen = n_iov, .msg_control = &c, .msg_controllen = sizeof c
        };
        ssize_t r;

        fds[0] = fds[1] = -1;
        do {
                r = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
        } while (r < 0 && errno == EINTR);
        if (r > 0 && m.msg_controllen >= CMSG_LEN(sizeof(int)) && c.head.cmsg_type == SCM_RIGHTS)
                memcpy(fds, CMSG_DATA(&c.head),
                       MIN_OF(c.head.cmsg_len - CMSG_LEN(0), FDS * sizeof(int)));
        return r;
}

/* ---- a hand ---- */

static int answer_one(int sock, uint8_t *value, uint8_t *bytes)
{
        struct question q;
        struct iovec iov[2] = { { &q, sizeof q }, { value, HAND_VALUE_MAX } };
        struct hand_got got = { .fd = -1, .bytes = bytes };
        struct iovec out[2];
        struct hand_ask a;
        struct answer w = { 0 };
        int fds[FDS], rc;

        if (receive_fds(sock, iov, 2, fds) < (ssize_t)sizeof q)
                return -EPIPE;
        a = (struct hand_ask){ .act = (enum hand_act)q.act,
                               .fd = fds[0],
                               .fd2 = q.two ? fds[1] : fds[0],
                               .name = q.name,
                               .to = q.to,
                               .value = span_of(value, q.value_n),
                               .a = q.a,
                               .b = q.b };
        got.room = MIN_OF(q.room, (uint32_t)HAND_VALUE_MAX);
        w.rc = hands_act(&a, &got);
        w.had = got.had;
        w.at = got.at;
        w.n = (uint32_t)got.n;
        fd_close(&fds[0]);
        fd_close(&fds[1]);
        out[0] = (struct iovec){ &w, sizeof w };
        out[1] = (struct iovec){ bytes, got.n };
        rc = send_fds(sock, out, 2, &got.fd, got.fd < 0 ? 0 : 1);
        fd_close(&got.fd);
        return rc;
}

/* Nothing of the owner's stays open, standard error neither: who reads its end must see it. */
static void keep_only(int sock)
{
        if (dup2(sock, STDIN_FILENO) < 0)
                _exit(1);
        (void)close_range(STDOUT_FILENO, ~0u, 0);
}

_Noreturn static void be_hand(int sock)
{
        static uint8_t value[HAND_VALUE_MAX], bytes[HAND_VALUE_MAX];

        keep_only(sock);
        while (answer_one(STDIN_FILENO, value, bytes) == 0)
                continue;
        _exit(0);
}

/* ---- the parent of hands ---- */

_Noreturn static void be_parent(int sock)
{
        int fds[FDS];

        keep_only(sock);
        signal(SIGCHLD, SIG_IGN); /* nobody asks how they ended */
        prctl(PR_SET_NAME, "assay-hands");
        for (;;) {
                int32_t pid = 0;
                struct iovec iov = { &pid, sizeof pid };

                if (receive_fds(STDIN_FILENO, &iov, 1, fds) <= 0)
                        _exit(0);
                pid = fds[0] < 0 ? -EBADMSG : fork();
                if (pid == 0)
                        be_hand(fds[0]);
                pid = pid < 0 && fds[0] >= 0 ? -errno : pid;
                fd_close(&fds[0]);
                if (send_fds(STDIN_FILENO, &iov, 1, NULL, 0) < 0)
                        _exit(0);
        }
}

/* Blocking at both ends: who asks polls. */
static int pair(int fds[2])
{
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

int hands_new(struct hands **ret, struct err *err)
{
        struct hands *h = calloc(1, sizeof *h);
        int fds[2], rc = h ? pair(fds) : -ENOMEM;
        pid_t pid;

        if (rc == 0) {
                pid = fork();
                if (pid == 0)
                        be_parent(fds[1]);
                rc = pid < 0 ? -errno : 0;
                close(fds[1]);
                if (rc < 0)
                        close(fds[0]);
        }
        if (rc < 0) {
                free(h);
                return err_sys(err, rc, "processes that wait in its place");
        }
        h->parent = fds[0];
        h->little_ns = LITTLE_MOST_NS;
        h->little_at_ns = clock_mono(&sysclock);
        pthread_mutex_init(&h->lock, NULL);
        *ret = h;
        return 0;
}

struct hands *hands_free(struct hands *h)
{
        if (!h)
                return NULL;
        for (size_t i = 0; i < HANDS; i++)
                if (h->hand[i].use != NONE)
                        fd_close(&h->hand[i].fd);
        fd_close(&h->parent);
        pthread_mutex_destroy(&h->lock);
        free(h);
        return NULL;
}

/* ---- asking ---- */

static bool answers_within(int fd, int ms)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int r;

        do {
                r = poll(&p, 1, ms);
        } while (r < 0 && errno == EINTR);
        return r > 0;
}

static void drop(struct hands *h, size_t i)
{
        fd_close(&h->hand[i].fd);
        h->hand[i].use = NONE;
        atomic_store(&h->pid[i], 0);
}

static int begin_hand(struct hands *h, size_t i)
{
        int32_t pid = 0;
        struct iovec iov = { &pid, sizeof pid };
        int fds[2], none[FDS], rc = pair(fds);

        if (rc < 0)
                return rc;
        rc = send_fds(h->parent, &iov, 1, &fds[1], 1);
        close(fds[1]);
        if (rc == 0 && (!answers_within(h->parent, HANDS_WAIT_MS) ||
                        receive_fds(h->parent, &iov, 1, none) != (ssize_t)sizeof pid))
                rc = -ECHILD;
        if (rc == 0 && pid <= 0)
                rc = pid < 0 ? pid : -ECHILD;
        if (rc < 0) {
                close(fds[0]);
                return rc;
        }
        h->hand[i] = (struct hand){ .use = FREE, .fd = fds[0] };
        atomic_store(&h->pid[i], pid);
        return 0;
}

static unsigned count(const struct hands *h, enum use use, unsigned group)
{
        unsigned n = 0;

        for (size_t i = 0; i < HANDS; i++)
                n += h->hand[i].use == use && (group == 0 || h->hand[i].group == group);
        return n;
}

static bool is_full(const struct hands *h, unsigned group)
{
        unsigned apart = count(h, STUCK, HANDS_APART);

        if (group == HANDS_APART)
                return apart >= HANDS_STUCK_APART;
        return count(h, STUCK, 0) - apart >= HANDS_STUCK_MAX ||
               (group && count(h, STUCK, group) >= HANDS_STUCK_OF_ONE);
}

/* One that is free, else a new one; it is asked from here on. */
static int take(struct hands *h, const struct hand_ask *a)
{
        size_t i = 0;
        int rc = 0;

        if (is_full(h, a->group))
                return -EUSERS;
        while (i < HANDS && h->hand[i].use != FREE)
                i++;
        if (i == HANDS) {
                for (i = 0; i < HANDS && h->hand[i].use != NONE;)
                        i++;
                rc = i == HANDS ? -EUSERS : begin_hand(h, i);
        }
        if (rc < 0)
                return rc;
        h->hand[i].use = ASKED;
        h->hand[i].key = a->key;
        h->hand[i].group = a->group;
        return (int)i;
}

static bool is_two(enum hand_act act)
{
        return act == HAND_RENAME || act == HAND_RENAME_NEW || act == HAND_LINK;
}

static int ask(int sock, const struct hand_ask *a, const struct hand_got *got)
{
        const size_t room = MIN_OF(got->room, (size_t)HAND_VALUE_MAX);
        struct question q = { .act = (int32_t)a->act,
                              .two = is_two(a->act),
                              .a = a->a,
                              .b = a->b,
                              .value_n = (uint32_t)a->value.n,
                              .room = (uint32_t)room };
        struct iovec iov[2] = { { &q, sizeof q }, { (void *)(uintptr_t)a->value.p, a->value.n } };
        const int fds[FDS] = { a->fd, a->fd2 };

        if ((a->name && strlen(a->name) >= NAME_BYTES) || (a->to && strlen(a->to) >= NAME_BYTES) ||
            a->value.n > HAND_VALUE_MAX)
                return -ENAMETOOLONG;
        if (a->name)
                memcpy(q.name, a->name, strlen(a->name));
        if (a->to)
                memcpy(q.to, a->to, strlen(a->to));
        return send_fds(sock, iov, 2, fds, q.two ? 2 : a->fd >= 0);
}

/* A descriptor that nobody takes is closed. */
static int answered(int sock, struct hand_got *got)
{
        struct answer w;
        struct iovec iov[2] = { { &w, sizeof w }, { got->bytes, got->room } };
        int fds[FDS], rc = 0;

        if (receive_fds(sock, iov, 2, fds) < (ssize_t)sizeof w)
                rc = -ECHILD;
        if (rc == 0 && (rc = w.rc) == 0) {
                got->had = w.had;
                got->at = w.at;
                got->n = MIN_OF((size_t)w.n, got->room);
                got->fd = fds[0];
                fds[0] = -1;
        }
        fd_close(&fds[0]);
        fd_close(&fds[1]);
        return rc;
}

/* How long a call may take that is to wait for a little; what it took in vain is gone. */
static int little_ms(struct hands *h)
{
        int64_t now = clock_mono(&sysclock), left;

        pthread_mutex_lock(&h->lock);
        left = h->little_ns + (now - h->little_at_ns) / LITTLE_SHARE;
        h->little_ns = MIN_OF(left, LITTLE_MOST_NS);
        h->little_at_ns = now;
        left = h->little_ns;
        pthread_mutex_unlock(&h->lock);
        return (int)MAX_OF(left / NS_PER_MS, (int64_t)LITTLE_LEAST_MS);
}

static void took_little(struct hands *h, int ms)
{
        pthread_mutex_lock(&h->lock);
        h->little_ns = MAX_OF(h->little_ns - ms * NS_PER_MS, 0);
        pthread_mutex_unlock(&h->lock);
}

/* By the hand that has been taken. */
static int call_by(struct hands *h, size_t i, const struct hand_ask *a, struct hand_got *got)
{
        int sock = h->hand[i].fd, rc = ask(sock, a, got);
        int ms = a->wait_ms == HANDS_LITTLE ? little_ms(h)
                                            : (int)(a->wait_ms ? a->wait_ms : HANDS_WAIT_MS);
        bool came = rc == 0 && answers_within(sock, ms);

        if (came)
                rc = answered(sock, got);
        else if (rc == 0)
                rc = -ETIMEDOUT;
        if (rc == -ETIMEDOUT && !came && a->wait_ms == HANDS_LITTLE)
                took_little(h, ms);
        pthread_mutex_lock(&h->lock);
        if (rc == -ECHILD || rc == -EPIPE)
                drop(h, i);
        else
                h->hand[i].use = rc == -ETIMEDOUT && !came ? STUCK : FREE;
        pthread_mutex_unlock(&h->lock);
        return rc;
}

static int call(struct hands *h, const struct hand_ask *a, struct hand_got *got)
{
        int i;

        got->fd = -1;
        if (!h)
                return hands_act(a, got);
        pthread_mutex_lock(&h->lock);
        i = take(h, a);
        pthread_mutex_unlock(&h->lock);
        return i < 0 ? i : call_by(h, (size_t)i, a, got);
}

int hand_call(struct hands *h, const struct hand_ask *a, struct hand_got *got)
{
        struct hand_got none = { .fd = -1 };
        int rc = call(h, a, got ? got : &none);

        fd_close(&none.fd);
        return rc;
}

/* ---- the stuck ---- */

/* What it has opened in the end is closed. */
static int is_back(int sock)
{
        struct hand_got late = { .fd = -1 };
        int rc = answered(sock, &late);

        fd_close(&late.fd);
        return rc;
}

unsigned hands_reap(struct hands *h)
{
        unsigned n = 0;

        if (!h)
                return 0;
        pthread_mutex_lock(&h->lock);
        for (size_t i = 0; i < HANDS; i++) {
                if (h->hand[i].use != STUCK || !answers_within(h->hand[i].fd, 0))
                        continue;
                n++;
                h->hand[i].use = FREE;
                if (is_back(h->hand[i].fd) == -ECHILD || count(h, FREE, 0) > 2)
                        drop(h, i);
        }
        pthread_mutex_unlock(&h->lock);
        return n;
}

unsigned hands_stuck(struct hands *h)
{
        unsigned n;

        if (!h)
                return 0;
        pthread_mutex_lock(&h->lock);
        n = count(h, STUCK, 0);
        pthread_mutex_unlock(&h->lock);
        return n;
}

bool hands_is_stuck(struct hands *h, uint64_t key)
{
        bool found = false;

        if (!h)
                return false;
        pthread_mutex_lock(&h->lock);
        for (size_t i = 0; i < HANDS && !found; i++)
                found = h->hand[i].use == STUCK && h->hand[i].key == key;
        pthread_mutex_unlock(&h->lock);
        return found;
}

bool hands_has(const struct hands *h, pid_t pid)
{
        for (size_t i = 0; h && i < HANDS; i++)
                if (atomic_load_explicit(&h->pid[i], memory_order_relaxed) == pid)
                        return true;
        return false;
}
