/* SPDX-License-Identifier: Apache-2.0 */
/* find_priv.h - one sort of number each.  Floor 3, pure. */
#ifndef GATEWAY_FIND_PRIV_H
#define GATEWAY_FIND_PRIV_H

#include "gateway/masking/find.h"

static inline bool find_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static inline bool find_letter(uint8_t c)
{
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline uint8_t find_upper(uint8_t c)
{
        return find_letter(c) ? c & ~0x20 : c;
}

/* Does text look like the shape?  `9` is a digit, `A` a letter in either case, anything else
 * itself.
 */
bool find_shape(struct span text, const char *shape);
/* The number that n digits make, at most 18. */
uint64_t find_number(const uint8_t *digits, size_t n);
/* Luhn, over digits only. */
bool find_luhn(const uint8_t *digits, size_t n);

bool find_card(struct span text);
bool find_iban(struct span text);
bool find_ssn(struct span text);
bool find_national_id(struct span text, bool *ret_weak);

#endif
