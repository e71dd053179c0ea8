/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - what a caller sends, as the server in front read it, and read once more, strictly.
 * Floor 3, pure.
 *
 * Source: RFC 9110, 9112, 9113, 6265 (one Cookie).  Refused: a header's name that is no token, a
 * value with a control character (a tab, a folded line), blanks at its ends; more than
 * REQUEST_HEADERS_MAX of them or REQUEST_HEADERS_BYTES_MAX bytes; twice there: Authorization,
 * Content-Encoding, Content-Length, Content-Type, Cookie, Expect, Host, Transfer-Encoding;
 * Content-Length that is not decimal (as "007", "+7", "7, 7"), or with Transfer-Encoding;
 * Transfer-Encoding other than "chunked", with HTTP/1.0 or HTTP/2; Host that is missing (HTTP/1.1
 * and later) or no name or address; headers of a connection with HTTP/2; Expect other than
 * 100-continue, Upgrade, Content-Encoding other than identity, a Content-Type that is none, a
 * method that is none of enum api_method, CONNECT and TRACE.  Range and trailers are not looked at
 * and not sent on.  Whether a value is UTF-8 is asked where it is used.
 *
 * SECURITY: hostile bytes. */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include "base/arena.h"
#include "gateway/exchange/refusal.h"
#include "gateway/request/target.h"
#include "package/model/model.h"
#include "policy/value/value.h"

enum { REQUEST_HEADERS_MAX = 100, REQUEST_HEADERS_BYTES_MAX = 32 * 1024 };

struct http_header {
        struct span name, value; /* name: any case; value: without blanks around it */
};

/* Is it this word?  In any case; word: in lower case, of what may stand in a token (RFC 9110). */
bool http_is_word(struct span s, const char *word);
/* Is one of the words of a list, parted by commas, this one, with or without a value
 * ("max-age=5")?  As above. */
bool http_has_word(struct span list, const char *word);

/* "10.1.2.3", "2001:db8::7". */
enum { REQUEST_ADDRESS_MAX = 45 };
void request_address_text(const struct cedar_ip *address, char ret[REQUEST_ADDRESS_MAX + 1]);

/* As the server has it. */
struct request_raw {
        struct span method, target; /* "GET", "/accounts?x=1": unparsed, as it was sent */
        unsigned version;           /* 10, 11, 20 */
        bool open;                  /* HTTP/2: the stream did not end with the headers */
        const struct http_header *headers;
        uint32_t n_headers;
        struct cedar_ip address; /* of the peer of the connection; no header is believed */
        struct span address_text;
        struct span tls_version;       /* "TLSv1.3"; empty: none */
        struct span client_subject_cn; /* of a client certificate that was verified against */
        struct span client_san_uri;    /* ... client_ca; empty: none */
        struct span client_ca;         /* path of the authorities' file it was verified against */
        int64_t now_ns;                /* since 1970 */
};

struct request {
        const struct request_raw *raw;
        enum api_method method;
        struct target target;
        struct http_header *headers; /* names in lower case, ascending by name, those of one name
                                        in the order in which they were sent */
        uint32_t n_headers;
        bool has_body;     /* Content-Length above 0, chunked, or an open stream */
        bool length_known; /* else it is told by the body's end; who read that may */
        uint64_t length;   /* set both */
        struct span media; /* of Content-Type, in lower case, without parameters */
        bool media_utf8;   /* charset is not there or is utf-8 */
};

/* All of it lies in arena or is borrowed from raw; on failure ret holds anything.  -EACCES with
 * REFUSED_HEADER, REFUSED_FRAMING, REFUSED_ENCODING, REFUSED_TARGET, REFUSED_METHOD (none that
 * exists); -ENOMEM. */
MUST_USE int request_read(const struct request_raw *raw, struct arena *arena, struct request *ret,
                          struct refusal *refusal);

/* Those of this name, in lower case; NULL and 0 when there are none. */
const struct http_header *request_headers(const struct request *q, const char *name,
                                          uint32_t *ret_n);
const struct http_header *request_headers_of(const struct request *q, struct span name,
                                             uint32_t *ret_n);

#endif
