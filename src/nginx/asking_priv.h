/* SPDX-License-Identifier: Apache-2.0 */
/* asking_priv.h - an asking's inside, shared by asking.c (connecting, sending) and asking_read.c.
 */
#ifndef NGINX_ASKING_PRIV_H
#define NGINX_ASKING_PRIV_H

#include "nginx/asking.h"

#include <ngx_event.h>
#include <ngx_event_connect.h>

enum asking_state {
        ASKING_CONNECTING,
        ASKING_SHAKING,
        ASKING_SENDING,
        ASKING_READING,
        ASKING_OVER
};

/* What every answer needs to be read.  A request's pool would have it from the allocator each time.
 */
struct asking_room {
        struct asking_room *next;
        ngx_http_request_t parser; /* the state of nginx's parsers, nothing else */
        struct http_header headers[ASKING_HEADERS];
        u_char head[ASKING_HEAD];
};

/* What is read of an answer, from its first byte. */
struct asking_answer {
        enum { ANSWER_STATUS, ANSWER_HEADERS, ANSWER_LENGTH, ANSWER_CHUNKS, ANSWER_WHOLE } part;
        ngx_buf_t head;             /* start NULL: nothing came yet */
        ngx_http_request_t *parser; /* this and the headers: of the room */
        ngx_http_status_t status;
        ngx_http_chunked_t chunk;
        struct http_header *headers;
        uint32_t n_headers;
        unsigned n_interim;
        bool length_known, chunked, closes;
        uint64_t length;
        u_char *body;
        size_t n_body, max_body; /* read, room */
        u_char *chunks_at;       /* where they began: what is before it has headers */
};

struct asking {
        enum asking_state state;
        ngx_http_request_t *r;
        struct asking_what what;
        ngx_peer_connection_t peer;
        ngx_uint_t tries;         /* addresses that are left */
        bool kept;                /* the connection was used before */
        bool too_slow;            /* an address did not answer in time */
        ngx_chain_t *out, *left;  /* all of the request; what is not sent */
        struct asking_room *room; /* NULL: none was needed yet */
        struct asking_answer answer;
};

/* asking.c.  It is over: the connection is kept or closed, who asked is told. */
void asking_end(struct asking *a, enum refusal_reason fault, const char *text);
/* The connection is closed and nothing of an answer has come. */
void asking_lost(struct asking *a);

/* asking_read.c */
void asking_read_reset(struct asking *a);
void asking_read_wipe(struct asking *a);
void asking_on_read(ngx_event_t *ev);

#endif
