/* SPDX-License-Identifier: Apache-2.0 */
/* config_text.h - parts of a configuration in one line each, for people.  Floor 2, pure.
 *
 * Spelled as in gateway.yaml and backend.yaml, with their units; equal parts have equal lines.  Not
 * made safe to show.  Failures stick in out. */
#ifndef PACKAGE_CONFIG_TEXT_H
#define PACKAGE_CONFIG_TEXT_H

#include "base/buf.h"
#include "package/config/config.h"

/* "unix:/run/accounts.sock, connect 2s, read 10s" */
void config_put_backend(const struct config_backend *b, struct buf *out);
/* "jwt of https://id.example.org for accounts, ES256 or EdDSA, keys at https://..." */
void config_put_identity(const struct config_identity *id, struct buf *out);
/* "last4, recorded as digest" */
void config_put_class(const struct config_class *c, struct buf *out);
/* "10/s, burst 20, quota 5000/d" */
void config_put_limit(const struct config_limit *l, struct buf *out);
/* "for 60s by caller" */
void config_put_cache(const struct config_cache *c, struct buf *out);
/* "request 64KiB, response 1MiB, depth 32" */
void config_put_caps(const struct config *c, struct buf *out);

#endif
