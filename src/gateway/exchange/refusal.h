/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.h - why a call is not served: for the entry and for counting, and the little that a
 * caller is told of it.  Floor 3, pure.
 *
 * The caller gets status and title (RFC 9457) and a reference to the entry; the reason and what it
 * was about go into the entry only. */
#ifndef GATEWAY_REFUSAL_H
#define GATEWAY_REFUSAL_H

#include "base/base.h"

enum refusal_reason {
        REFUSED_NOT, /* it is served */
        /* 400 */
        REFUSED_TARGET,    /* path or query are not spelled as they must be */
        REFUSED_HEADER,    /* a header that is malformed, twice there, or not to be trusted */
        REFUSED_FRAMING,   /* Transfer-Encoding with HTTP/1.0, and so on */
        REFUSED_PARAMETER, /* one is missing, unknown, twice there or does not fit its schema */
        REFUSED_JSON,      /* the body is no JSON as we take it */
        REFUSED_BODY,      /* it does not fit its schema, or there must be none */
        /* 401 */
        REFUSED_NO_CREDENTIAL,
        REFUSED_CREDENTIAL, /* expired, forged, for another audience, ... */
        /* 403 */
        REFUSED_POLICY,
        /* 404, 405 */
        REFUSED_PATH,
        REFUSED_METHOD,
        /* 413, 415, 406 */
        REFUSED_SIZE,
        REFUSED_MEDIA,
        REFUSED_ENCODING, /* of a body: none but identity is read */
        /* 429 */
        REFUSED_RATE,
        REFUSED_QUOTA,
        REFUSED_OBJECTS, /* the caller asked about too many that nobody had asked about before */
        /* 502, 504: the back-end's fault */
        REFUSED_BACKEND, /* not reached, or no answer that is HTTP */
        REFUSED_BACKEND_TIME,
        REFUSED_RESPONSE_STATUS, /* one the document does not have */
        REFUSED_RESPONSE_HEADER,
        REFUSED_RESPONSE_MEDIA,
        REFUSED_RESPONSE_JSON,
        REFUSED_RESPONSE_SCHEMA,
        REFUSED_RESPONSE_SIZE, /* above the cap: it could not be masked */
        REFUSED_RESPONSE_ENCODING,
        /* 503 */
        REFUSED_RECORDER, /* what cannot be recorded is not served */
        REFUSED_PACKAGE,  /* nothing is deployed */
        REFUSED_KEYS,     /* a token that cannot be judged: no keys of its issuer yet */
        REFUSED_BUSY,     /* a ceiling of our own */
        REFUSED_REASONS,
};

struct refusal_about {
        const char *name; /* "policy": in entries and metrics */
        uint16_t status;
        const char *title; /* for the caller: "Not allowed" */
};

/* Asserted to be a reason other than REFUSED_NOT. */
const struct refusal_about *refusal_about(enum refusal_reason r);

enum { REFUSAL_TEXT_MAX = 160 };

struct refusal {
        enum refusal_reason reason;
        char text[REFUSAL_TEXT_MAX]; /* for the entry: UTF-8, no value of the request in it */
};

/* Sets it, the text cut on a character, and returns -EACCES. */
int refuse(struct refusal *r, enum refusal_reason reason, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Its value is said here as well, as that of err_set() is. */
#define refuse(r, reason, ...)                                                                     \
        ({                                                                                         \
                (void)(refuse)(r, reason, __VA_ARGS__);                                            \
                -EACCES;                                                                           \
        })

#endif
