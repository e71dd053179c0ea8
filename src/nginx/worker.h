/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - what one worker of nginx has: the generation it serves by, the journal, keys, and the
 * few rights it keeps.  Floor 4, in nginx.
 *
 * SECURITY: before the first request a worker becomes the role "gateway": no capability, no core
 * dump, no other file than those below assay_registry, assay_keys, the directories of assay_tokens
 * and of the recorder's socket, /etc, /usr and nginx's logs (Landlock), no other system call than
 * those of profile_gateway.  What the kernel does not have is in the log and in gateway.status. */
#ifndef NGINX_WORKER_H
#define NGINX_WORKER_H

#include "nginx/backend.h"
#include "nginx/journal.h"
#include "nginx/keyring.h"
#include "nginx/settings.h"

#include "gateway/exchange/exchange.h"

struct worker {
        const struct settings *settings;
        struct gateway gateway;
        struct serving *serving; /* NULL: nothing is deployed, or none of it can be served */
        struct backends *backends;
        struct journal *journal;
        struct keyring *keyring;
        struct meters *meters;
        struct meters_lane *lane; /* of meters */
};

/* NULL: no location has assay_gateway. */
struct worker *worker_here(void);

/* What nginx calls, in the order of a life. */
ngx_int_t worker_prepare(ngx_cycle_t *cycle); /* the master, for every configuration */
ngx_int_t worker_start(ngx_cycle_t *cycle);
void worker_stop(ngx_cycle_t *cycle);

int64_t worker_now_ns(void);

/* What it is like now, in the shared memory. */
void worker_say(struct worker *w);

#endif
