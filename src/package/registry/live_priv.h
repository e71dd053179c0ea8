/* SPDX-License-Identifier: Apache-2.0 */
/* live_priv.h - the link `current`, for who writes it and who looks.  Floor 2. */
#ifndef PACKAGE_LIVE_PRIV_H
#define PACKAGE_LIVE_PRIV_H

#include "package/registry/live.h"

enum { LIVE_LINK_MAX = sizeof "live/18446744073709551615" };

/* What it says, cut: its length, or what readlinkat() says. */
int live_link_read(int dirfd, char out[LIVE_LINK_MAX]);
/* false: it leads to no generation. */
bool live_link_number(struct span link, uint64_t *ret);
/* "live/7" */
void live_link_text(uint64_t generation, char out[LIVE_LINK_MAX]);

#endif
