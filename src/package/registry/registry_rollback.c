/* SPDX-License-Identifier: Apache-2.0 */
/* registry_rollback.c - which version of an API to go back to. */
#include "package/registry/registry_judge.h"

#include <stdio.h>
#include <stdlib.h>

struct level {
        char version[PACKAGE_VERSION_MAX + 1];
        uint8_t sha256[PACKAGE_HASH];
        uint64_t generation; /* that it was deployed in, with an approval */
};

struct history {
        struct level *seen; /* every version that was deployed, with its last generation */
        size_t n_seen, cap;
        struct level *stack; /* of the same room */
        size_t n;
};

static void history_done(struct history *h)
{
        free(h->seen);
        free(h->stack);
}

/* Twice the room where there is none left, in both. */
static int grow(struct history *h)
{
        size_t cap = h->cap ? 2 * h->cap : 16;
        struct level *p;

        if (MAX_OF(h->n, h->n_seen) < h->cap)
                return 0;
        p = realloc(h->seen, cap * sizeof *p);
        if (!p)
                return -ENOMEM;
        h->seen = p;
        p = realloc(h->stack, cap * sizeof *p);
        if (!p)
                return -ENOMEM;
        h->stack = p;
        h->cap = cap;
        return 0;
}

static struct level *find(struct level *at, size_t n, const struct registry_record *d)
{
        while (n > 0)
                if (memcmp(at[--n].sha256, d->sha256, PACKAGE_HASH) == 0)
                        return &at[n];
        return NULL;
}

static void put(struct level *at, size_t *n, const struct registry_record *d)
{
        struct level *l = &at[(*n)++];

        memcpy(l->version, d->version, sizeof l->version);
        memcpy(l->sha256, d->sha256, PACKAGE_HASH);
        l->generation = d->kind == REGISTRY_DEPLOYED ? d->generation : d->approved_in;
}

static int take(struct history *h, const struct registry_record *d)
{
        struct level *seen = find(h->seen, h->n_seen, d), *below;
        int rc = grow(h);

        if (rc < 0)
                return rc;
        if (d->kind == REGISTRY_DEPLOYED && seen)
                find(h->seen, h->n_seen, d)->generation = d->generation;
        else if (d->kind == REGISTRY_DEPLOYED)
                put(h->seen, &h->n_seen, d);
        below = find(h->stack, h->n, d);
        if (d->kind == REGISTRY_ROLLED_BACK && below)
                h->n = (size_t)(below - h->stack) + 1;
        else if (h->n == 0 || below != &h->stack[h->n - 1])
                put(h->stack, &h->n, d);
        return 0;
}

static int read_history(const struct registry *r, const char *api, uint64_t last, struct history *h,
                        struct err *err)
{
        struct registry_record *d = malloc(sizeof *d);
        int rc = d ? 0 : err_sys(err, -ENOMEM, "deployments");

        for (uint64_t n = 1; rc == 0 && n <= last; n++) {
                rc = registry_deployment(r, n, d, err);
                if (rc < 0 || strcmp(d->api, api) != 0 || d->kind == REGISTRY_WITHDRAWN)
                        continue;
                rc = take(h, d);
                if (rc < 0)
                        err_sys(err, rc, "deployments");
        }
        free(d);
        return rc;
}

/* The version that was asked for, or the one below what is served; NULL: there is none. */
static const struct level *choose(const struct history *h, const char *version,
                                  const struct live_api *now)
{
        size_t above = now ? 1 : 0; /* what was withdrawn is on top */

        for (size_t i = h->n_seen; version && i > 0; i--)
                if (strcmp(h->seen[i - 1].version, version) == 0)
                        return &h->seen[i - 1];
        return !version && h->n > above ? &h->stack[h->n - 1 - above] : NULL;
}

int registry_judge_rollback(const struct registry *r, const char *api, const char *version,
                            const struct registry_live *live, struct registry_record *record,
                            struct err *err)
{
        CLEANUP(history_done) struct history h = { 0 };
        const struct live_api *now = registry_live_api(live, api);
        const struct level *to;
        int rc;

        snprintf(record->api, sizeof record->api, "%s", api);
        snprintf(record->version, sizeof record->version, "%s", version ? version : "");
        rc = read_history(r, api, live->generation, &h, err);
        if (rc < 0)
                return rc;
        to = choose(&h, version, now);
        if (!to)
                return registry_refuse(record, REGISTRY_NEVER_DEPLOYED, err,
                                       version ? "%s %s was never deployed here"
                                               : "%s%s has no version before this one here",
                                       api, version ? version : "");
        memcpy(record->version, to->version, sizeof record->version);
        memcpy(record->sha256, to->sha256, PACKAGE_HASH);
        record->approved_in = to->generation;
        registry_set_next(record, live);
        return 0;
}
