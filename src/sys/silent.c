/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant, under lock: places[0..n) are in the list, and `any` is n > 0. */
#include "sys/silent.h"

#include "sys/io.h"
#include "sys/thread.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct place {
        char path[PATH_MAX];
        size_t n;
        size_t name; /* where its last name begins */
        struct statx parent;
};

struct silent_ask {
        atomic_int holders; /* the owner, and the thread until it is back */
        atomic_bool on_way; /* at.parent is known */
        atomic_bool back;
        int fd;
        struct place at;
};

static struct {
        pthread_rwlock_t lock;
        atomic_bool any;
        size_t n;
        struct place *places[SILENT_MAX];
} list = { .lock = PTHREAD_RWLOCK_INITIALIZER };

/* ---- asking ---- */

static void let_go(struct silent_ask *a)
{
        if (atomic_fetch_sub(&a->holders, 1) > 1)
                return;
        fd_close(&a->fd);
        free(a);
}

/* What the kernel knows by itself: no server is asked. */
static int stat_known(int fd, struct statx *ret)
{
        return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO | STATX_TYPE, ret);
}

static int open_parent(const struct place *p)
{
        char path[PATH_MAX];

        snprintf(path, sizeof path, "%.*s", (int)MAX_OF(p->name - 1, (size_t)1), p->path);
        return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void *ask(void *ctx)
{
        struct silent_ask *a = ctx;
        struct statfs fs;
        struct statx st;
        int fd = open_parent(&a->at);

        if (fd >= 0 && stat_known(fd, &a->at.parent) == 0)
                atomic_store(&a->on_way, true);
        fd_close(&fd);
        fd = open(a->at.path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) {
                (void)!statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st);
                (void)!fstatfs(fd, &fs);
        }
        fd_close(&fd);
        atomic_store(&a->back, true);
        (void)!write(a->fd, &(uint64_t){ 1 }, sizeof(uint64_t));
        let_go(a);
        return NULL;
}

static int begin(struct silent_ask *a)
{
        pthread_t thread;
        int r = thread_begin(&thread, ask, a);

        if (r == 0)
                pthread_detach(thread);
        return r;
}

int silent_ask(const char *point, int eventfd, struct silent_ask **ret, struct err *err)
{
        size_t n = strlen(point);
        struct silent_ask *a;
        int rc;

        if (point[0] != '/' || n >= PATH_MAX)
                return err_set(err, -EINVAL, "%.200s: no place to ask at", point);
        a = calloc(1, sizeof *a);
        if (!a)
                return err_sys(err, -ENOMEM, "%.200s: asking", point);
        a->holders = 2;
        memcpy(a->at.path, point, n);
        a->at.n = n;
        a->at.name = (size_t)(strrchr(point, '/') - point) + 1;
        a->fd = fcntl(eventfd, F_DUPFD_CLOEXEC, 3);
        rc = a->fd < 0 ? -errno : begin(a);
        if (rc < 0) {
                fd_close(&a->fd);
                free(a);
                return err_sys(err, rc, "%.200s: asking", point);
        }
        *ret = a;
        return 0;
}

bool silent_is_back(const struct silent_ask *a)
{
        return atomic_load(&a->back);
}

struct silent_ask *silent_leave(struct silent_ask *a)
{
        if (a)
                let_go(a);
        return NULL;
}

/* ---- the list ---- */

static bool is_place(const struct place *p, struct span path)
{
        return p->n == path.n && memcmp(p->path, path.p, path.n) == 0;
}

int silent_put(const struct silent_ask *a)
{
        struct place *copy;
        int rc = 0;

        if (!atomic_load(&a->on_way))
                return -EAGAIN;
        copy = malloc(sizeof *copy);
        if (!copy)
                return -ENOMEM;
        *copy = a->at;
        pthread_rwlock_wrlock(&list.lock);
        if (list.n < SILENT_MAX) {
                list.places[list.n++] = copy;
                atomic_store(&list.any, true);
        } else {
                rc = -ENOSPC;
        }
        pthread_rwlock_unlock(&list.lock);
        if (rc < 0)
                free(copy);
        return rc;
}

void silent_drop(struct span point)
{
        pthread_rwlock_wrlock(&list.lock);
        for (size_t i = list.n; i-- > 0;) {
                if (!is_place(list.places[i], point))
                        continue;
                free(list.places[i]);
                list.places[i] = list.places[--list.n];
        }
        atomic_store(&list.any, list.n > 0);
        pthread_rwlock_unlock(&list.lock);
}

static bool is_at(const struct place *p, struct span path)
{
        return path.n >= p->n && memcmp(p->path, path.p, p->n) == 0 &&
               (path.n == p->n || path.p[p->n] == '/' || p->n == 1);
}

bool silent_at(struct span path)
{
        bool found = false;

        if (!atomic_load_explicit(&list.any, memory_order_relaxed))
                return false;
        pthread_rwlock_rdlock(&list.lock);
        for (size_t i = 0; i < list.n && !found; i++)
                found = is_at(list.places[i], path);
        pthread_rwlock_unlock(&list.lock);
        return found;
}

bool silent_name(int dirfd, const char *name)
{
        bool found = false;
        struct statx st;

        if (!atomic_load_explicit(&list.any, memory_order_relaxed) || stat_known(dirfd, &st) < 0)
                return false;
        pthread_rwlock_rdlock(&list.lock);
        for (size_t i = 0; i < list.n && !found; i++) {
                const struct place *p = list.places[i];

                found = strcmp(p->path + p->name, name) == 0 && p->parent.stx_ino == st.stx_ino &&
                        p->parent.stx_dev_major == st.stx_dev_major &&
                        p->parent.stx_dev_minor == st.stx_dev_minor;
        }
        pthread_rwlock_unlock(&list.lock);
        return found;
}
