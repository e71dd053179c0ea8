/* SPDX-License-Identifier: Apache-2.0 */
/* showing.h - whether one security scheme was shown, and by whom.  Floor 3, pure; credential.h has
 * what it is for.
 *
 * SECURITY: hostile bytes. */
#ifndef GATEWAY_SHOWING_H
#define GATEWAY_SHOWING_H

#include "gateway/authentication/credential.h"

enum authorization { AUTH_NONE, AUTH_TWICE, AUTH_BEARER, AUTH_BASIC, AUTH_OTHER };

/* What a request shows, and what to judge it by. */
struct shown_by {
        const struct request *q;
        const struct credential_keys *keys;
        struct arena *arena;
        int64_t now_s;
        enum authorization authorization;
        struct span text; /* behind "Bearer " or "Basic "; SPAN_NONE: it is no token68 */
};

enum shown {
        SHOWN_NOT,
        SHOWN_GOOD,
        SHOWN_BAD,
        SHOWN_UNJUDGED, /* there are no keys yet */
};

struct showing {
        enum shown shown;
        const char *fault; /* SHOWN_BAD: what is wrong */
        bool form_only;    /* ... it is nothing that this scheme could be meant by */
        bool wants_keys;
        bool verified;             /* SHOWN_GOOD */
        struct caller_proof proof; /* ... */
        struct span pass;          /* ... for the back-end's Authorization; empty */
        struct span user;          /* ... that pass names; empty */
};

/* Reads the header: sets authorization and text. */
void showing_begin(struct shown_by *by);
/* *ret is zeroed before.  -ENOMEM. */
MUST_USE int showing_judge(const struct shown_by *by, const struct config_identity *i,
                           struct showing *ret);

#endif
