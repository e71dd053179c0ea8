/* SPDX-License-Identifier: Apache-2.0 */
/* attribute.h - names of what is known of a file, as entries and watch.yaml spell them.  Floor 1,
 * pure.
 *
 * A set of them is a number whose bit i stands for attribute_name[i]; integrity/trusted/record.h
 * has the same bits. */
#ifndef WIRE_ATTRIBUTE_H
#define WIRE_ATTRIBUTE_H

#include "base/base.h"

enum { ATTRIBUTE_COUNT = 18 };
#define ATTRIBUTE_ALL ((1u << ATTRIBUTE_COUNT) - 1)

extern const char *const attribute_name[ATTRIBUTE_COUNT];

/* The set that a name, or a name of several ("all", "content", "permissions", "ownership",
 * "identity"), stands for; 0: there is no such name. */
uint32_t attribute_set(struct span name);

#endif
