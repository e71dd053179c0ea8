/* SPDX-License-Identifier: Apache-2.0 */
/* policy_place.h - where an error of src/policy is.  Floor 2, pure. */
#ifndef PACKAGE_POLICY_PLACE_H
#define PACKAGE_POLICY_PLACE_H

#include "package/source/source.h"

/* Of "line 3, column 14: text" the place and what is behind it; a text that names none is returned
 * whole, and *ret is of the whole file. */
const char *policy_place(const char *text, struct source_mark *ret);

#endif
