/* SPDX-License-Identifier: Apache-2.0 */
/* siphash.h - which row of a table a key goes to, where who makes the keys must not choose the row.
 * Floor 1, pure.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), SipHash-2-4.  OpenSSL
 * has it as a MAC, which allocates and takes half a microsecond for what is to take twenty
 * nanoseconds. */
#ifndef CRYPTO_SIPHASH_H
#define CRYPTO_SIPHASH_H

#include "base/base.h"

enum { SIPHASH_KEY = 16 };

uint64_t siphash(const uint8_t key[SIPHASH_KEY], struct span s);

#endif
