/* SPDX-License-Identifier: Apache-2.0 */
/* worker_priv.h - a worker's inside, shared by worker.c and worker_say.c.  Floor 4, in nginx. */
#ifndef NGINX_WORKER_PRIV_H
#define NGINX_WORKER_PRIV_H

#include "nginx/again.h"
#include "nginx/worker.h"

#include "sys/sandbox.h"

/* The worker's own, and no other process has it. */
struct own {
        struct worker w;
        struct live *live;
        struct arena fold_arena;
        struct kept kept;
        struct sandbox_state sandbox;
        ngx_event_t look;
        unsigned looks;
        uint64_t swept; /* how far, of what is kept */
        bool locked;    /* its memory is not written to swap */
        bool said_works;
        uint64_t said_generation;
        char not_served[ERR_TEXT_MAX]; /* of a generation that was good but for us; "" */
        uint64_t not_served_number;
        struct again again;      /* it may be good then: a file is there, or there is memory */
        enum meters_fault fault; /* of what was refused last */
        int64_t loaded_s;        /* when what is served was loaded */
};

/* ---- worker_say.c ---- */

/* gateway.status: opened by the master, who may write there; locked while nginx lives. */
MUST_USE int worker_open_status(const struct settings *s, struct err *err);
bool worker_status_is_open(void);
/* The first worker speaks for all of them: when something is new, or anyway. */
void worker_say_status(struct own *o, bool anyway);

#endif
