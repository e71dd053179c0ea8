/* SPDX-License-Identifier: Apache-2.0 */
/* keyring.h - keys of identity providers and opaque tokens, as files of ours say them.  Floor 4, in
 * nginx.
 *
 *   assay_keys DIR     <64 hex: SHA-256 of the jwks url in gateway.yaml>.json, put there by
 *                      assay-keys, which is asked for a newer one by a datagram of these digits to
 *                      keys.sock in the directory of the recorder's socket
 *   jwks: {file: ...}  the file that gateway.yaml names
 *   assay_tokens FILE  tokens.h
 *
 * Looked at anew when a file is another one than before; one that cannot be read, or is gone,
 * leaves what was read last.  One that cannot be read has a line in the log, and where that may get
 * better by itself it is tried again (again.h). */
#ifndef NGINX_KEYRING_H
#define NGINX_KEYRING_H

#include "nginx/settings.h"

#include "gateway/authentication/credential.h"

struct keyring;

/* *ret lives as long as the worker. */
MUST_USE int keyring_new(const struct settings *s, ngx_log_t *log, struct keyring **ret);
/* What the core asks; .memory is the caller's to set. */
void keyring_give(struct keyring *k, struct credential_keys *ret);
/* Tokens of now stay what they are for as long as they are held: a call may point into them.  NULL:
 * there are none. */
struct keyring_tokens;
struct keyring_tokens *keyring_hold(struct keyring *k);
void keyring_let_go(struct keyring_tokens *t); /* NULL is fine */
/* How old what was read of this identity's keys is, in seconds; -1: none was. */
int64_t keyring_age(struct keyring *k, const struct config_identity *identity);
/* Is something new?  Once a second; keys->tokens may be another one after it. */
void keyring_look(struct keyring *k, struct credential_keys *keys);

#endif
