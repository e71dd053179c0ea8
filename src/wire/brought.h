/* SPDX-License-Identifier: Apache-2.0 */
/* brought.h - which content an entry says that an explained change brought.  Floor 1, pure.
 *
 * An integrity.change says so by why.content: what explains it accounts for what.new_sha256, not
 * for a name, attributes or whose act it was alone. */
#ifndef WIRE_BROUGHT_H
#define WIRE_BROUGHT_H

#include "base/base.h"

enum { BROUGHT_SHA256 = 32 };

/* entry: any bytes, with or without what the recorder adds.  false: it says no such thing, and *ret
 * is untouched. */
bool brought_content(struct span entry, uint8_t ret_sha256[BROUGHT_SHA256]);

#endif
