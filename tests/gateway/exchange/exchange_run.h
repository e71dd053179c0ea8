/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_run.h - one whole call of a test: what is sent, which steps it takes, what the back-end
 * gets, what is recorded, what the caller gets. */
#ifndef TESTS_GATEWAY_EXCHANGE_RUN_H
#define TESTS_GATEWAY_EXCHANGE_RUN_H

#include "exchange_world.h"

enum { EXCHANGE_ENTRIES_MAX = 8, EXCHANGE_HEADERS_MAX = 16 };

/* Steps: B the body is read, I an intent is recorded, C the back-end is asked, O an outcome is
 * recorded, K both are, of an answer that is kept, D a refusal is recorded, A there is a reply. */
struct exchange_case {
        const char *name;
        /* Who calls: a name of world_payload(); "!expired", "!forged"; "cert:<subject>",
         * "other:<subject>" of authorities that nobody takes; "ticket", "ring";
         * "text:<Authorization>"; NULL: shows nothing. */
        const char *who;
        const char *request; /* "GET /bank/v1/branches" */
        const char *headers; /* "Name: value\n..."; Host, a body's type and length are added */
        const char *body;
        int64_t at_s;     /* 0: WORLD_NOON */
        bool bare;        /* no headers but those above */
        unsigned version; /* 0: 11 */
        uint8_t address;  /* the last number of it; 0: 3 */
        /* What the back-end says; or why it says nothing. */
        uint16_t status;
        const char *answer_headers, *answer;
        enum refusal_reason fails; /* the owner's own reason, while the body is read or it waits */
        unsigned unrecorded;       /* the recorder does not take this one: 1: the first; 0: none */
        enum record_fate fate;     /* ... but got so far with it */
        /* What comes of it; entries: those for which nobody waits among them. */
        const char *steps;
        const char *sent;                          /* NULL: nothing */
        const char *entries[EXCHANGE_ENTRIES_MAX]; /* parts of what is recorded */
        const char *reply; /* "200\nname: value\n\nbody"; "<id>": the call's */
        bool closes;       /* and nothing else comes on this connection */
};

struct exchange_ran {
        char steps[16];
        size_t n_steps;
        struct buf sent, entries, reply;
        bool closes;
        unsigned records;            /* how often something was to be recorded */
        void (*within)(bool begins); /* around each call of what is under test; NULL */
        struct meters_call count;    /* what it counts as, five seconds after it began */
        unsigned stop;               /* after so many steps whoever calls is gone; 0: never */
};

/* A request as the server in front has it; points into itself. */
struct exchange_sent {
        char token[WORLD_TOKEN_MAX], bearer[WORLD_TOKEN_MAX + 8], length[24], address[16];
        struct http_header headers[EXCHANGE_HEADERS_MAX];
        struct request_raw raw;
};
void exchange_make_sent(const struct exchange_world *w, const struct exchange_case *c,
                        struct exchange_sent *s);

/* r is initialised; what is there is added to. */
void exchange_ran_init(struct exchange_ran *r);
void exchange_ran_done(struct exchange_ran *r);
/* -ENOMEM as exchange_begin() says it. */
int exchange_run(struct exchange_world *w, const struct exchange_case *c, struct exchange_ran *r);
/* Runs it and fails the test where it comes out otherwise than the case says. */
void exchange_check(struct exchange_world *w, const struct exchange_case *c);

#endif
