/* SPDX-License-Identifier: Apache-2.0 */
/* number.h - numbers of JSON as exact decimals.  Floor 2, pure.
 *
 * A number is what it says mathematically, in any spelling of RFC 8259: 1.0, 1 and 10e-1 are the
 * same.  Nothing is rounded and nothing is ever written out: 1e400000000 costs what 1 costs. */
#ifndef PACKAGE_NUMBER_H
#define PACKAGE_NUMBER_H

#include "wire/tree.h"

/* high * 10^32 + low, 0 <= low < 10^32: an exponent has up to TREE_REAL_MAX digits itself. */
struct number_exponent {
        __int128 high, low;
};

/* 0.d1d2...dn * 10^point; neither the first nor the last digit is 0. */
struct number {
        bool negative;
        uint8_t n; /* 0: the number is 0, and nothing else is set */
        uint8_t digit[TREE_REAL_MAX];
        struct number_exponent point;
};

/* false: longer than TREE_REAL_MAX, or not a number of RFC 8259. */
MUST_USE bool number_of(struct span text, struct number *ret);
struct number number_of_int(int64_t v);
struct number number_of_tree(const struct tree *t); /* a TREE_NUMBER or TREE_REAL (asserted) */

/* < 0, 0, > 0. */
int number_cmp(const struct number *a, const struct number *b);

bool number_is_integer(const struct number *a);

/* Is a / b an integer?  b is not 0 (asserted). */
bool number_is_multiple(const struct number *a, const struct number *b);

/* a * 10^decimals; false: no integer, or none of 64 bits.  decimals: at most 18. */
MUST_USE bool number_to_int(const struct number *a, unsigned decimals, int64_t *ret);

#endif
