/* SPDX-License-Identifier: Apache-2.0 */
/* keys_wanted.h - which key sets the deployed packages name, and when each is fetched.  Floor 3,
 * pure. */
#ifndef GATEWAY_KEYS_WANTED_H
#define GATEWAY_KEYS_WANTED_H

#include "package/registry/live.h"

enum {
        KEYS_URLS_MAX = 256,
        KEYS_ADDRESS_MAX = 45,
        KEYS_NAME = 64, /* SHA-256 of the url, in hex */
};

struct keys_wanted {
        char name[KEYS_NAME + 1];
        char url[CONFIG_PATH_MAX + 1];
        char issuer[CONFIG_TEXT_MAX + 1];
        char addresses[CONFIG_ADDRESSES_MAX][KEYS_ADDRESS_MAX + 1];
        uint32_t n_addresses; /* 0: the url has one itself, or: */
        bool none_allowed;    /* two packages have no address in common */
        uint32_t refresh_s;
};

/* Ascending by name, each url once.  Where several packages name one: the shortest refresh, the
 * addresses that all of them allow, the issuer of the first.  *ret_left_out: how many there was no
 * room for. */
void keys_wanted(const struct generation *g, struct keys_wanted ret[KEYS_URLS_MAX], uint32_t *ret_n,
                 uint32_t *ret_left_out);

/* ---- when ---- */

enum {
        KEYS_ASK_S = 10,       /* between two fetches of one url */
        KEYS_RETRY_S = 10,     /* after the first that failed; then twice that, and so on, */
        KEYS_RETRY_MAX_S = 300 /* up to this, or to the time of refreshing if that is less */
};

/* Monotonic times. */
struct keys_time {
        int64_t due_ns;     /* INT64_MAX: while one runs */
        int64_t started_ns; /* the last one; KEYS_NEVER at first */
        uint32_t failures;  /* in a row */
};
#define KEYS_NEVER (INT64_MIN / 2)

/* A set that was fetched age_s ago (0 where there is none: at once) is due when it is that old. */
void keys_time_init(struct keys_time *t, bool have, int64_t age_s, uint32_t refresh_s,
                    int64_t now_ns);
void keys_time_start(struct keys_time *t, int64_t now_ns);
/* It ended.  chance: any number, for up to a tenth less, so that a fleet does not come at once. */
void keys_time_end(struct keys_time *t, bool good, uint32_t refresh_s, uint32_t chance,
                   int64_t now_ns);
/* Due when refresh_s are over, at the latest. */
void keys_time_within(struct keys_time *t, uint32_t refresh_s, int64_t now_ns);
/* Somebody asks for a new one: as soon as may be.  Nothing changes while one runs. */
void keys_time_ask(struct keys_time *t, int64_t now_ns);

#endif
