/* SPDX-License-Identifier: Apache-2.0 */
/* incoming.c - see incoming.h: the head. */
#include "nginx/incoming.h"

#include "nginx/certificate.h"

static struct span copied(ngx_pool_t *pool, const void *p, size_t n)
{
        u_char *copy = ngx_pnalloc(pool, n + 1);

        if (!copy)
                return SPAN_NONE;
        memcpy(copy, p, n);
        return span_of(copy, n);
}

/* ---- head ---- */

/* One more than may be there is enough for the core to refuse it. */
static bool take_headers(ngx_http_request_t *r, struct request_raw *ret)
{
        struct http_header *headers;
        size_t there = 0;
        uint32_t n = 0;

        for (const ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next)
                there += part->nelts;
        there = MIN_OF(there, (size_t)REQUEST_HEADERS_MAX + 1);
        headers = ngx_palloc(r->pool, sizeof(*headers) * MAX_OF(there, (size_t)1));
        if (!headers)
                return false;
        for (const ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
                const ngx_table_elt_t *h = part->elts;

                for (ngx_uint_t i = 0; i < part->nelts && n <= REQUEST_HEADERS_MAX; i++)
                        headers[n++] = (struct http_header){ settings_span(h[i].key),
                                                             settings_span(h[i].value) };
        }
        ret->headers = headers;
        ret->n_headers = n;
        return true;
}

/* In HTTP/1 also what stood before the path, if anything did; HTTP/2 says that apart. */
static struct span target_of(const ngx_http_request_t *r)
{
        if (r->http_version < NGX_HTTP_VERSION_20 && r->schema_start && r->uri_end)
                return span_of(r->schema_start, (size_t)(r->uri_end - r->schema_start));
        return settings_span(r->unparsed_uri);
}

static unsigned version_of(const ngx_http_request_t *r)
{
        return (unsigned)(r->http_version / 1000 * 10 + r->http_version % 1000);
}

/* Whoever speaks over a socket of this host is 127.0.0.1. */
static struct cedar_ip address_of(const struct sockaddr *sa)
{
        struct cedar_ip ip = { .address = { 127, 0, 0, 1 }, .prefix = 32 };

        if (sa->sa_family == AF_INET) {
                memcpy(ip.address, &((const struct sockaddr_in *)sa)->sin_addr, 4);
        } else if (sa->sa_family == AF_INET6) {
                memcpy(ip.address, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
                ip.prefix = 128;
                ip.v6 = true;
        }
        return ip;
}

/* IPv4 in IPv6 is the same caller on either socket. */
static struct cedar_ip plain_address(struct cedar_ip ip)
{
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

        if (!ip.v6 || memcmp(ip.address, mapped, sizeof(mapped)) != 0)
                return ip;
        memmove(ip.address, ip.address + sizeof(mapped), 4);
        memset(ip.address + 4, 0, sizeof(mapped));
        ip.v6 = false;
        ip.prefix = 32;
        return ip;
}

static struct span address_text(ngx_http_request_t *r, const struct cedar_ip *ip)
{
        char text[REQUEST_ADDRESS_MAX + 1];

        request_address_text(ip, text);
        return copied(r->pool, text, strlen(text));
}

int incoming_raw(ngx_http_request_t *r, int64_t now_ns, struct request_raw *ret)
{
        *ret = (struct request_raw){
                .method = settings_span(r->method_name),
                .target = target_of(r),
                .version = version_of(r),
                .address = plain_address(address_of(r->connection->sockaddr)),
                .now_ns = now_ns,
                .open = r->stream && (r->headers_in.chunked || !r->stream->in_closed),
        };
        ret->address_text = address_text(r, &ret->address);
        if (!ret->address_text.p || !take_headers(r, ret))
                return -ENOMEM;
        if (r->connection->ssl) {
                ret->tls_version = span_str(SSL_get_version(r->connection->ssl->connection));
                certificate_take(r, ret);
        }
        return 0;
}

/* ---- the end ---- */

void incoming_note(const ngx_http_request_t *r, struct incoming_text *ret)
{
        *ret = (struct incoming_text){ .line = r->request_line, .uri = r->uri };
}

/* nginx's table of HPACK (RFC 7541, appendix A) is read where it is, and cannot be written to:
 * these are the values it has of what is wiped here. */
static bool is_of_table(struct span s)
{
        return span_eq(s, SPAN("/")) || span_eq(s, SPAN("/index.html")) ||
               span_eq(s, SPAN("gzip, deflate"));
}

static void zero(struct span s)
{
        if (s.n > 0 && !is_of_table(s))
                ngx_explicit_memzero((void *)(uintptr_t)s.p, s.n);
}

/* What stands behind what was read of it may be the next request. */
static void zero_buffer(const ngx_buf_t *b)
{
        if (b && b->temporary && b->pos > b->start)
                ngx_explicit_memzero(b->start, (size_t)(b->pos - b->start));
}

void incoming_wipe(const ngx_http_request_t *r, const struct incoming_text *text,
                   const struct request_raw *raw, const struct incoming_body *body)
{
        zero_buffer(r->header_in);
        for (uint32_t i = 0; i < raw->n_headers; i++)
                zero(raw->headers[i].value);
        zero(settings_span(text->uri));
        zero(raw->target);
        zero(settings_span(text->line));
        zero(span_of(body->p, body->n));
}
