/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_memory.h - tokens that were verified or refused, so that a signature is checked once.
 * Floor 3.
 *
 * A fixed number of slots in rows of eight, all of it taken at once; in a full row the one goes
 * that was used longest ago.  Slots are known by a digest of a secret of this memory, the keys,
 * what the package asks of the identity, and the token: nobody can aim at a row, and whatever of
 * these changes, a token is verified again.
 *
 * Refused ones are in a table of their own, so that they take nobody's place: whoever sends one
 * again and again costs a digest each time.  Against one who sends another each time it does
 * nothing. */
#ifndef GATEWAY_JWT_MEMORY_H
#define GATEWAY_JWT_MEMORY_H

#include "gateway/authentication/jwt.h"

enum {
        JWT_MEMORY_DIGEST = 32,
        JWT_MEMORY_BYTES = 4 * 1024, /* of a slot: what a caller's texts take */
        JWT_MEMORY_SLOTS_MAX = 1 << 20,
        JWT_MEMORY_REFUSED = 4096, /* tokens */
        JWT_MEMORY_REFUSED_S = 60, /* for so long */
};

struct jwt_memory;
/* slots: 1 to JWT_MEMORY_SLOTS_MAX (asserted), made a multiple of eight.  -ENOMEM. */
MUST_USE int jwt_memory_new(uint32_t slots, struct jwt_memory **ret);
struct jwt_memory *jwt_memory_free(struct jwt_memory *m); /* wipes */
DEFINE_CLEANUP(struct jwt_memory, jwt_memory_free)

void jwt_memory_digest(struct jwt_memory *m, struct span token,
                       const struct config_identity *identity, const struct jwks *keys,
                       uint8_t ret[JWT_MEMORY_DIGEST]);

/* 1: ret is copied into arena; 0: not there, or over; -ENOMEM. */
MUST_USE int jwt_memory_find(struct jwt_memory *m, const uint8_t digest[JWT_MEMORY_DIGEST],
                             int64_t now_s, struct arena *arena, struct jwt_caller *ret);
/* Slots in use, those of tokens that have expired since among them. */
uint32_t jwt_memory_count(const struct jwt_memory *m);
/* What takes more than JWT_MEMORY_BYTES is not remembered. */
void jwt_memory_keep(struct jwt_memory *m, const uint8_t digest[JWT_MEMORY_DIGEST],
                     const struct jwt_caller *c);

/* Why it was refused, a moment ago; JWT_GOOD: nothing is known of that. */
enum jwt_fault jwt_memory_refused(const struct jwt_memory *m,
                                  const uint8_t digest[JWT_MEMORY_DIGEST], int64_t now_s);
/* Remembered are faults that come to light with the signature or behind it, and stay. */
void jwt_memory_refuse(struct jwt_memory *m, const uint8_t digest[JWT_MEMORY_DIGEST],
                       enum jwt_fault fault, int64_t now_s);

#endif
