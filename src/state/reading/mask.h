/* SPDX-License-Identifier: Apache-2.0 */
/* mask.h - secrets that people write into command lines and variables are no values of a table.
 * Floor 2, pure.
 *
 * What counts as one: the value behind a name that holds pass, pwd, secret, token, api_key, apikey,
 * access_key or credential, in any case, up to the end of the word: NAME=value, --name value,
 * name: value; what follows "Bearer"; and what is between ':' and '@' of an URL.  It reads "***"
 * then.  A secret under another name is not known as one. */
#ifndef STATE_MASK_H
#define STATE_MASK_H

#include "base/base.h"
#include "base/buf.h"
#include "state/rows/row.h"

/* The text with such values masked. */
void mask_put(struct buf *out, struct span text);
/* The same as the value of a column, or as one item more of its list. */
void mask_text(struct state_out *out, const char *column, struct span text);
void mask_item(struct state_out *out, const char *column, struct span text);

#endif
