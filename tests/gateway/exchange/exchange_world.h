/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_world.h - the gateway's core around two packages, for tests, fuzzing and figures: that
 * of examples/accounts, and "odd", which has what that one has not.  Real keys, tokens and memory;
 * the clock and the random bytes are given. */
#ifndef TESTS_GATEWAY_EXCHANGE_WORLD_H
#define TESTS_GATEWAY_EXCHANGE_WORLD_H

#include "crypto/ed25519.h"
#include "gateway/exchange/exchange.h"

enum {
        WORLD_LIMITS = 4096,
        WORLD_CACHE = 1 << 20,
        WORLD_GENERATION = 17,
        WORLD_TOKEN_MAX = 1024,
};

/* 2026-03-02T12:00:00Z, a Monday. */
#define WORLD_NOON 1772452800LL

struct exchange_world {
        struct package *packages[2]; /* accounts, odd */
        struct buf files[2];
        struct generation *generation;
        struct serving *serving;
        struct gateway gateway;
        struct jwks *jwks;
        struct tokens *tokens;
        struct ed25519 *key;
        void *limits, *cache, *meters;
        bool locked;
        unsigned refetched; /* how often new keys were asked for */
};

/* Aborts on any failure of its own. */
void world_open(struct exchange_world *w);
void world_close(struct exchange_world *w);
/* The same around a group of tests: *state is the world. */
int world_set_up(void **state);
int world_tear_down(void **state);
/* As after a start: nobody has called, nothing is kept. */
void world_forget(struct exchange_world *w);

/* A token of this payload, signed by the issuer's key, with a terminator. */
void world_sign(const struct exchange_world *w, const char *payload, char ret[WORLD_TOKEN_MAX]);
/* The payload of one of the bank's people: tess (tellers, branch 0100), fred and frank
 * (fraud-desk), audrey (auditors), zoe (no group); good for an hour from now_s. */
void world_payload(const char *who, int64_t now_s, char ret[WORLD_TOKEN_MAX]);
/* Opaque tokens of "depot" in the group "tickets" and of "ring" in "circle", which is in ring; good
 * until WORLD_NOON and a day. */
extern const char world_ticket[], world_ring[];

#endif
