/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - assay-keys: the key sets that tokens are verified with, kept fresh.  Floor 3.
 *
 *   registry --> what is deployed: urls of key sets          gateways: "this key is not known"
 *                     |                                            | 64 characters
 *                     v                                            v
 *               issuer's server --TLS--> fetched set         <run>/keys.sock
 *                                             |
 *              recorder: api.keys, durable <--+--> <state>/jwks/<sha256 of the url>.json
 *
 * So nobody who has a gateway's TLS key speaks to an issuer or reads what it says.  A set that
 * could not be had anew stays what it was, for as long as that lasts; whose it is and since when is
 * in the status file and, after a while, in the ledger.
 *
 * Fetched is what the packages of the deployed generation name, at the addresses that they allow,
 * with https and a certificate that is good for the host; no redirect is followed, no proxy asked.
 * Between two fetches of one url there are KEYS_ASK_S seconds at least, whoever asks.
 *
 * SECURITY: reads what issuers say, as a user who has nothing but public keys, a line to the
 * recorder that takes one kind of entry from it, and a directory that gateways read. */
#ifndef GATEWAY_KEYS_H
#define GATEWAY_KEYS_H

#include "base/base.h"
#include "base/clock.h"

#include <sys/types.h>

enum { KEYS_AGAIN = 75 }; /* ended to be started again: registry.yaml is to be read anew */

#define KEYS_DIR    "jwks"        /* in <state> */
#define KEYS_CA     "issuers.pem" /* in <config> */
#define KEYS_SOCKET "keys.sock"   /* in <run>: datagrams of 64 lower-case hex characters */

struct keys_options {
        const char *state;    /* jwks/ in it is ours */
        const char *run;      /* recorder.sock; keys.sock and keys.status are ours */
        const char *registry; /* NULL: <state>/registry */
        const char *config;   /* may have issuers.pem: more authorities than the system's, PEM */
        const char *ca;       /* that file; NULL: where it is above, if it is */
        uint32_t tell_s;      /* a set that cannot be had for so long is told; 0: a quarter hour */
        uid_t as;             /* 0: the service user */
        bool keep_user;
        const struct clock *clock;
};

/* 0 after SIGTERM or SIGINT, KEYS_AGAIN after SIGHUP; anything else has been said in the log. */
MUST_USE int keys_run(const struct keys_options *o);

#endif
