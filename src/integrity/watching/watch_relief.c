/* SPDX-License-Identifier: Apache-2.0 */
/* A second reader for while the first is kept by a disk: its thread takes what the kernel's queues
 * hold, as bytes, and hands it over.  The owner takes it apart later, in order.  Bounded: when
 * there is no more room the queues run over, as they would have without it.
 *
 *   PARKED --- watch_relieve(true) ---> READING --- watch_relieve(false) ---> PARKED
 *
 * While it reads the owner does not, and opens and closes no group. */
#include "integrity/watching/watch_priv.h"
#include "sys/thread.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        CHUNKS_MAX = 256, /* of FAN_BUFFER bytes: 16 MiB, some hundred thousand events */
        PAUSE_MS = 10,    /* between two looks at empty queues */
};

struct chunk {
        struct chunk *next;
        unsigned group;
        size_t n;
        _Alignas(8) uint8_t bytes[FAN_BUFFER];
};

struct relief {
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake, parked;
        bool read, reads, end;       /* asked to; does; is to end */
        struct chunk *first, **last; /* the thread's while it reads, else the owner's */
        size_t n;
        struct chunk *spare;
};

static bool take(struct watch *w, struct relief *r, unsigned group)
{
        struct chunk *c = r->spare ? r->spare : malloc(sizeof *c);
        ssize_t n;

        r->spare = c;
        if (!c || r->n == CHUNKS_MAX)
                return false;
        n = read(w->group[group].fd, c->bytes, sizeof c->bytes);
        if (n <= 0)
                return false;
        r->spare = NULL;
        c->next = NULL;
        c->group = group;
        c->n = (size_t)n;
        *r->last = c;
        r->last = &c->next;
        r->n++;
        return true;
}

static void take_all(struct watch *w, struct relief *r)
{
        bool any = false;

        for (unsigned i = 0; i < w->n_groups; i++)
                any |= w->group[i].fd >= 0 && take(w, r, i);
        if (!any)
                poll(NULL, 0, PAUSE_MS);
}

static void *run(void *arg)
{
        struct watch *w = arg;
        struct relief *r = w->relief;

        pthread_mutex_lock(&r->lock);
        while (!r->end) {
                if (!r->read) {
                        r->reads = false;
                        pthread_cond_signal(&r->parked);
                        pthread_cond_wait(&r->wake, &r->lock);
                        continue;
                }
                r->reads = true;
                pthread_mutex_unlock(&r->lock);
                take_all(w, r);
                pthread_mutex_lock(&r->lock);
        }
        pthread_mutex_unlock(&r->lock);
        return NULL;
}

int relief_new(struct watch *w, struct err *err)
{
        struct relief *r = calloc(1, sizeof *r);
        int rc = r ? 0 : -ENOMEM;

        if (rc == 0) {
                pthread_mutex_init(&r->lock, NULL);
                pthread_cond_init(&r->wake, NULL);
                pthread_cond_init(&r->parked, NULL);
                r->last = &r->first;
                w->relief = r;
                rc = thread_begin(&r->thread, run, w);
        }
        if (rc == 0)
                return 0;
        free(r);
        w->relief = NULL;
        return err_sys(err, rc, "a second reader of events");
}

static void park(struct relief *r, bool end)
{
        pthread_mutex_lock(&r->lock);
        r->read = false;
        r->end = end;
        pthread_cond_signal(&r->wake);
        while (r->reads && !end)
                pthread_cond_wait(&r->parked, &r->lock);
        pthread_mutex_unlock(&r->lock);
}

void relief_free(struct watch *w)
{
        struct relief *r = w->relief;

        if (!r)
                return;
        park(r, true);
        pthread_join(r->thread, NULL);
        for (struct chunk *c = r->first, *next; c; c = next) {
                next = c->next;
                free(c);
        }
        free(r->spare);
        pthread_cond_destroy(&r->wake);
        pthread_cond_destroy(&r->parked);
        pthread_mutex_destroy(&r->lock);
        free(r);
        w->relief = NULL;
}

void watch_relieve(struct watch *w, bool read)
{
        struct relief *r = w->relief;

        if (!read) {
                park(r, false);
                return;
        }
        pthread_mutex_lock(&r->lock);
        r->read = r->reads = true; /* or it might be thought parked before it has begun */
        pthread_cond_signal(&r->wake);
        pthread_mutex_unlock(&r->lock);
}

bool watch_waits(const struct watch *w)
{
        return w->relief->first != NULL;
}

int relief_next(struct watch *w, unsigned *ret_group, struct span *ret)
{
        struct relief *r = w->relief;
        struct chunk *c = r->first;

        assert(!r->reads);
        if (!c)
                return 0;
        *ret_group = c->group;
        *ret = span_of(c->bytes, c->n);
        return 1;
}

void relief_drop(struct watch *w)
{
        struct relief *r = w->relief;
        struct chunk *c = r->first;

        r->first = c->next;
        if (!r->first)
                r->last = &r->first;
        r->n--;
        if (r->spare)
                free(c);
        else
                r->spare = c;
}
