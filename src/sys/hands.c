/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants, under lock: each hand is free, or in the hands of one hand_call(), or stuck; those
 * with a pid are in one of these.
 *
 * SECURITY: what a hand answers is believed: it is this program.  It has no more rights. */
#include "sys/hands.h"

#include "sys/fsput.h"
#include "sys/io.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h> /* renameat */
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
        HANDS = HANDS_STUCK_MAX + 2,
        NAME_BYTES = 256, /* with its NUL */
        FDS = 2,
};

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
        _Atomic pid_t pid[HANDS]; /* 0: none */
};

/* ---- what is sent; both ends are one program ---- */

struct question {
        int32_t act;
        bool two; /* fd2 comes as well */
        char name[NAME_BYTES], to[NAME_BYTES];
        int64_t a, b;
        uint32_t value_n;
};

struct answer {
        int32_t rc;
        uint32_t had;
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

/* Removing an attribute that is not there takes the lock like any change, on every filesystem and
 * every sort of file, needs no right, leaves every time alone and makes no event. */
static int touch(int fd)
{
        (void)!fs_xattr_remove(fd, "trusted.assay.none");
        return 0;
}

static int act(const struct hand_ask *a, unsigned *had)
{
        switch (a->act) {
        case HAND_TOUCH:
                return touch(a->fd);
        case HAND_EXCHANGE:
                return fs_exchange(a->fd, a->name, a->to);
        case HAND_RENAME_NEW:
                return fs_rename_new(a->fd, a->name, a->fd2, a->to);
        case HAND_RENAME:
                return renameat(a->fd, a->name, a->fd2, a->to) < 0 ? -errno : 0;
        case HAND_UNLINK:
                return unlinkat(a->fd, a->name, (int)a->a) < 0 ? -errno : 0;
        case HAND_CHOWN:
                return fs_chown(a->fd, (uint32_t)a->a, (uint32_t)a->b);
        case HAND_CHMOD:
                return fs_chmod(a->fd, (uint32_t)a->a);
        case HAND_MTIME:
                return fs_set_mtime(a->fd, a->a);
        case HAND_XATTR_SET:
                return fs_xattr_set(a->fd, a->name, a->value);
        case HAND_XATTR_REMOVE:
                return fs_xattr_remove(a->fd, a->name);
        case HAND_FLAGS:
                return fs_flags_change(a->fd, (unsigned)a->a, (unsigned)a->b, had);
        case HAND_SYNC:
                return fsync(a->fd) < 0 ? -errno : 0;
        default:
                return -EINVAL;
        }
}

static int answer_one(int sock, uint8_t *value)
{
        struct question q;
        struct iovec iov[2] = { { &q, sizeof q }, { value, HAND_VALUE_MAX } };
        struct iovec out;
        struct hand_ask a;
        struct answer w = { 0 };
        unsigned had = 0;
        int fds[FDS];

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
        w.rc = act(&a, &had);
        w.had = had;
        fd_close(&fds[0]);
        fd_close(&fds[1]);
        out = (struct iovec){ &w, sizeof w };
        return send_fds(sock, &out, 1, NULL, 0);
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
        static uint8_t value[HAND_VALUE_MAX];

        keep_only(sock);
        while (answer_one(STDIN_FILENO, value) == 0)
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

/* One that is free, else a new one; it is asked from here on. */
static int take(struct hands *h, const struct hand_ask *a)
{
        size_t i = 0;
        int rc = 0;

        if (count(h, STUCK, 0) >= HANDS_STUCK_MAX ||
            (a->group && count(h, STUCK, a->group) >= HANDS_STUCK_OF_ONE))
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

static int ask(int sock, const struct hand_ask *a)
{
        struct question q = { .act = (int32_t)a->act,
                              .two = a->act == HAND_RENAME || a->act == HAND_RENAME_NEW,
                              .a = a->a,
                              .b = a->b,
                              .value_n = (uint32_t)a->value.n };
        struct iovec iov[2] = { { &q, sizeof q }, { (void *)(uintptr_t)a->value.p, a->value.n } };
        const int fds[FDS] = { a->fd, a->fd2 };

        if ((a->name && strlen(a->name) >= NAME_BYTES) || (a->to && strlen(a->to) >= NAME_BYTES) ||
            a->value.n > HAND_VALUE_MAX)
                return -ENAMETOOLONG;
        if (a->name)
                memcpy(q.name, a->name, strlen(a->name));
        if (a->to)
                memcpy(q.to, a->to, strlen(a->to));
        return send_fds(sock, iov, 2, fds, q.two ? 2 : 1);
}

static int answered(int sock, unsigned *ret_had)
{
        struct answer w;
        struct iovec iov = { &w, sizeof w };
        int none[FDS];

        if (receive_fds(sock, &iov, 1, none) != (ssize_t)sizeof w)
                return -ECHILD;
        if (ret_had && w.rc == 0)
                *ret_had = w.had;
        return w.rc;
}

int hand_call(struct hands *h, const struct hand_ask *a, unsigned *ret_had)
{
        int i, rc;
        bool came;

        if (!h)
                return act(a, ret_had);
        pthread_mutex_lock(&h->lock);
        i = take(h, a);
        pthread_mutex_unlock(&h->lock);
        if (i < 0)
                return i;
        rc = ask(h->hand[i].fd, a);
        came = rc == 0 && answers_within(h->hand[i].fd, HANDS_WAIT_MS);
        if (came)
                rc = answered(h->hand[i].fd, ret_had);
        else if (rc == 0)
                rc = -ETIMEDOUT;
        pthread_mutex_lock(&h->lock);
        if (rc == -ECHILD || rc == -EPIPE)
                drop(h, (size_t)i);
        else
                h->hand[i].use = rc == -ETIMEDOUT && !came ? STUCK : FREE;
        pthread_mutex_unlock(&h->lock);
        return rc;
}

/* ---- the stuck ---- */

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
                if (answered(h->hand[i].fd, NULL) == -ECHILD || count(h, FREE, 0) > 2)
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
