/* SPDX-License-Identifier: Apache-2.0 */
/* incoming_body.c - see incoming.h: the body, without nginx's buffering of it. */
#include "nginx/incoming.h"

enum { FIRST_ROOM = 4096 };

static int grow(ngx_http_request_t *r, struct incoming_body *b, size_t need)
{
        size_t room = MAX_OF(b->room, (size_t)FIRST_ROOM);
        u_char *p;

        if (need <= b->room)
                return 0;
        while (room < need)
                room *= 2;
        p = ngx_pnalloc(r->pool, room);
        if (!p)
                return -ENOMEM;
        if (b->n)
                memcpy(p, b->p, b->n);
        if (b->p) {
                ngx_explicit_memzero(b->p, b->n);
                (void)ngx_pfree(r->pool, b->p);
        }
        b->p = p;
        b->room = room;
        return 0;
}

static int take_buf(ngx_http_request_t *r, struct incoming_body *b, ngx_buf_t *buf)
{
        size_t n = (size_t)(buf->last - buf->pos);
        int rc;

        if (buf->in_file || n > b->max - b->n)
                return -EFBIG;
        rc = grow(r, b, b->n + n);
        if (rc < 0)
                return rc;
        if (n)
                memcpy(b->p + b->n, buf->pos, n);
        b->n += n;
        if (buf->temporary)
                ngx_explicit_memzero(buf->pos, n);
        buf->pos = buf->last; /* nginx may use it again */
        return 0;
}

/* What has come so far. */
static int take(ngx_http_request_t *r, struct incoming_body *b)
{
        ngx_chain_t *link = r->request_body->bufs;
        int rc = r->request_body->temp_file ? -EFBIG : 0;

        for (; rc == 0 && link; link = link->next)
                rc = take_buf(r, b, link->buf);
        r->request_body->bufs = NULL;
        return rc;
}

static int fault_of(ngx_int_t rc, const ngx_http_request_t *r)
{
        return rc == NGX_HTTP_REQUEST_TIME_OUT           ? -ETIMEDOUT
               : rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE ? -EFBIG
               : r->connection->error                    ? -EPIPE
               : rc == NGX_HTTP_INTERNAL_SERVER_ERROR    ? -ENOMEM
                                                         : -EBADMSG;
}

int incoming_more(ngx_http_request_t *r, struct incoming_body *b)
{
        ngx_int_t read;
        int rc;

        for (;;) {
                rc = take(r, b);
                if (rc < 0 || !r->reading_body)
                        return rc;
                read = ngx_http_read_unbuffered_request_body(r);
                if (read >= NGX_HTTP_SPECIAL_RESPONSE || read == NGX_ERROR)
                        return fault_of(read, r);
                if (read == NGX_AGAIN && !r->request_body->bufs)
                        return -EAGAIN;
        }
}

/* nginx calls back where the pieces begin; they are taken where we come back to. */
static void on_begun(ngx_http_request_t *r)
{
        (void)r;
}

int incoming_begin(ngx_http_request_t *r, size_t max, struct incoming_body *b)
{
        ngx_int_t rc;

        *b = (struct incoming_body){ .max = max };
        r->request_body_no_buffering = 1;
        rc = ngx_http_read_client_request_body(r, on_begun);
        if (rc >= NGX_HTTP_SPECIAL_RESPONSE)
                return fault_of(rc, r);
        r->main->count--; /* who serves the call counts for both */
        return incoming_more(r, b);
}
