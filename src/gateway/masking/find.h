/* SPDX-License-Identifier: Apache-2.0 */
/* find.h - values that look personal where the document says nothing of them.  Floor 3, pure.
 *
 * In strings (and, for card numbers, whole numbers) of places without a data class.  A finding is
 * the place and the kind, never the value.  A text is looked at as a whole, without blanks around
 * it: a number within prose is not found.
 *
 *   card    13 to 19 digits of a range that a scheme issues, of a length it has, and Luhn (ISO/IEC
 *           7812); blanks or hyphens between groups of 3 to 6 allowed.  13 digits of Visa only in
 *           groups: none were issued for long, and bare they are what article numbers look like
 *   iban    ISO 13616: the country's length and mod 97, blanks allowed
 *   email   one address, whose domain has a dot and ends in letters
 *   ssn     of the US, with its hyphens; areas 000, 666 and 900 to 999, group 00, serial 0000 and
 *           numbers that were printed in advertisements are none
 *   national id
 *           United Kingdom: national insurance number (no check digit; prefixes that are not issued
 *           are left out); Spain: NIF and NIE; Italy: codice fiscale; Netherlands: BSN; Sweden:
 *           personnummer; Poland: PESEL; Germany: Steuer-Identifikationsnummer
 *
 * Some are weak, to be believed where all values of a place are such: those that are only digits,
 * since one in 11 (BSN), 55 (PESEL) or 260 (Germany) numbers of that length is one by chance, and a
 * national insurance number without its blanks, which one in 12 codes of that shape is. */
#ifndef GATEWAY_FIND_H
#define GATEWAY_FIND_H

#include "base/base.h"

enum find_kind {
        FIND_NONE,
        FIND_CARD,
        FIND_IBAN,
        FIND_EMAIL,
        FIND_SSN,
        FIND_NATIONAL_ID,
        FIND_KINDS,
};
const char *find_kind_name(enum find_kind k); /* "national_id" */

/* Longer texts are none of these. */
enum { FIND_TEXT_MAX = 64 };
/* *ret_weak is set unless it is FIND_NONE. */
enum find_kind find_personal(struct span text, bool *ret_weak);

#endif
