/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/keys/keys_wanted.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypto/sha256.h"

/* Of an issuer or an address what is too long is cut; a url is not, see add(). */
static void copy(char *to, size_t room, struct span from)
{
        size_t n = MIN_OF(from.n, room - 1);

        if (n)
                memcpy(to, from.p, n);
        to[n] = '\0';
}

static void name_of(struct span url, char ret[KEYS_NAME + 1])
{
        uint8_t digest[SHA256_LEN];

        sha256(url, digest);
        text_hex(span_of(digest, sizeof digest), ret);
}

static void make(const struct config_identity *i, const char *name, struct keys_wanted *ret)
{
        *ret = (struct keys_wanted){ 0 };
        ret->refresh_s = MAX_OF(i->refresh_s, 1u);
        memcpy(ret->name, name, sizeof ret->name);
        copy(ret->url, sizeof ret->url, i->jwks_url);
        copy(ret->issuer, sizeof ret->issuer, i->issuer);
        for (uint32_t k = 0; k < i->n_jwks_addresses && k < CONFIG_ADDRESSES_MAX; k++)
                copy(ret->addresses[ret->n_addresses++], sizeof ret->addresses[0],
                     i->jwks_addresses[k]);
}

static bool allows(const struct config_identity *i, const char *address)
{
        for (uint32_t k = 0; k < i->n_jwks_addresses; k++)
                if (span_eq_str(i->jwks_addresses[k], address))
                        return true;
        return false;
}

static void join(const struct config_identity *i, struct keys_wanted *w)
{
        uint32_t n = 0, before = w->n_addresses;

        w->refresh_s = MIN_OF(w->refresh_s, MAX_OF(i->refresh_s, 1u));
        for (uint32_t k = 0; k < before; k++)
                if (allows(i, w->addresses[k]))
                        memmove(w->addresses[n++], w->addresses[k], sizeof w->addresses[0]);
        w->n_addresses = n;
        w->none_allowed = w->none_allowed || (before > 0 && n == 0);
}

/* Its place, or where it would stand. */
static uint32_t find(const struct keys_wanted *all, uint32_t n, const char *name)
{
        uint32_t from = 0, until = n;

        while (from < until) {
                uint32_t middle = from + (until - from) / 2;

                if (strcmp(all[middle].name, name) < 0)
                        from = middle + 1;
                else
                        until = middle;
        }
        return from;
}

static void add(const struct config_identity *i, struct keys_wanted *all, uint32_t *n,
                uint32_t *left_out)
{
        char name[KEYS_NAME + 1];
        uint32_t at;

        if (i->jwks_url.n > CONFIG_PATH_MAX || memchr(i->jwks_url.p, '\0', i->jwks_url.n)) {
                ++*left_out; /* no reader of a package lets it pass */
                return;
        }
        name_of(i->jwks_url, name);
        at = find(all, *n, name);
        if (at < *n && strcmp(all[at].name, name) == 0) {
                join(i, &all[at]);
                return;
        }
        if (*n == KEYS_URLS_MAX) {
                ++*left_out;
                return;
        }
        memmove(&all[at + 1], &all[at], (*n - at) * sizeof *all);
        make(i, name, &all[at]);
        ++*n;
}

void keys_wanted(const struct generation *g, struct keys_wanted ret[KEYS_URLS_MAX], uint32_t *ret_n,
                 uint32_t *ret_left_out)
{
        *ret_n = *ret_left_out = 0;
        for (uint32_t p = 0; p < g->n; p++) {
                const struct config *c = &g->package[p]->config;

                for (uint32_t i = 0; i < c->n_identities; i++)
                        if (c->identities[i].kind == CONFIG_JWT && c->identities[i].jwks_url.n)
                                add(&c->identities[i], ret, ret_n, ret_left_out);
        }
}

/* ---- when ---- */

static int64_t earliest(const struct keys_time *t, int64_t at_ns)
{
        return MAX_OF(at_ns, t->started_ns + KEYS_ASK_S * NS_PER_S);
}

void keys_time_init(struct keys_time *t, bool have, int64_t age_s, uint32_t refresh_s,
                    int64_t now_ns)
{
        int64_t left = have && age_s >= 0 ? (int64_t)refresh_s - age_s : 0;

        *t = (struct keys_time){ .started_ns = KEYS_NEVER };
        t->due_ns = now_ns + MAX_OF(left, INT64_C(0)) * NS_PER_S;
}

void keys_time_start(struct keys_time *t, int64_t now_ns)
{
        t->started_ns = now_ns;
        t->due_ns = INT64_MAX;
}

void keys_time_end(struct keys_time *t, bool good, uint32_t refresh_s, uint32_t chance,
                   int64_t now_ns)
{
        int64_t wait = refresh_s;

        t->failures = good ? 0 : t->failures + 1;
        if (!good) {
                int64_t retry = (int64_t)KEYS_RETRY_S << MIN_OF(t->failures - 1, 8u);

                wait = MIN_OF(wait, MIN_OF(retry, (int64_t)KEYS_RETRY_MAX_S));
        }
        wait *= NS_PER_S;
        wait -= wait / 10 * (chance % 1024) / 1024;
        t->due_ns = earliest(t, now_ns + wait);
}

void keys_time_within(struct keys_time *t, uint32_t refresh_s, int64_t now_ns)
{
        if (t->due_ns != INT64_MAX)
                t->due_ns = MIN_OF(t->due_ns, now_ns + refresh_s * NS_PER_S);
}

void keys_time_ask(struct keys_time *t, int64_t now_ns)
{
        if (t->due_ns != INT64_MAX)
                t->due_ns = MIN_OF(t->due_ns, earliest(t, now_ns));
}
