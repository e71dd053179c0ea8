/* SPDX-License-Identifier: Apache-2.0 */
/* request_check.c - headers that say how a request is to be read; see request.h.  Floor 3, pure.
 * SECURITY: hostile bytes. */
#include "base/text.h"
#include "gateway/request/media.h"
#include "gateway/request/request_priv.h"

struct checker {
        struct request *q;
        struct arena *arena;
        struct refusal *refusal;
        bool chunked, host;
};

#define REFUSE(c, reason, ...) refuse((c)->refusal, REFUSED_##reason, __VA_ARGS__)

/* ---- framing ---- */

static int check_length(struct checker *c, struct span value)
{
        if (text_to_u64(value, &c->q->length) < 0)
                return REFUSE(c, FRAMING, "content-length: no number");
        c->q->length_known = true;
        return 0;
}

/* Behind Content-Length, in order of names. */
static int check_transfer(struct checker *c, struct span value)
{
        if (c->q->raw->version != 11)
                return REFUSE(c, FRAMING, "transfer-encoding: not of this version of HTTP");
        if (c->q->length_known)
                return REFUSE(c, FRAMING, "transfer-encoding and content-length");
        if (!http_is_word(value, "chunked"))
                return REFUSE(c, FRAMING, "transfer-encoding: not chunked");
        c->chunked = true;
        return 0;
}

static int check_expect(struct checker *c, struct span value)
{
        return http_is_word(value, "100-continue") ? 0
                                                   : REFUSE(c, HEADER, "expect: not 100-continue");
}

static int check_upgrade(struct checker *c, struct span value)
{
        (void)value;
        return REFUSE(c, HEADER, "upgrade: to nothing else");
}

/* RFC 9113, 8.2.2 */
static int check_te(struct checker *c, struct span value)
{
        if (c->q->raw->version == 20 && !http_is_word(value, "trailers"))
                return REFUSE(c, HEADER, "te: not of this version of HTTP");
        return 0;
}

static int check_encoding(struct checker *c, struct span value)
{
        return http_is_word(value, "identity") ? 0 : REFUSE(c, ENCODING, "content-encoding");
}

static int check_media(struct checker *c, struct span value)
{
        struct media_type m;
        int rc = media_type_read(value, c->arena, &m);

        if (rc < 0)
                return rc == -EINVAL ? REFUSE(c, HEADER, "content-type: no media type") : rc;
        c->q->media = m.type;
        c->q->media_utf8 = m.utf8;
        return 0;
}

/* ---- host ---- */

static bool is_port(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < '0' || s.p[i] > '9')
                        return false;
        return s.n > 0 && s.n <= 5;
}

/* Of a name or an IPv4 address, of an IPv6 address. */
static bool is_host_byte(uint8_t c, bool v6)
{
        bool digit = c >= '0' && c <= '9', hex = (c | 0x20) >= 'a' && (c | 0x20) <= 'f',
             letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

        return digit || c == '.' || (v6 ? hex || c == ':' : letter || c == '-' || c == '_');
}

static bool is_host(struct span s)
{
        bool v6 = s.n > 0 && s.p[0] == '[';
        size_t from = v6, n;

        for (n = from; n < s.n && is_host_byte(s.p[n], v6);)
                n++;
        if (n == from || (v6 && (n == s.n || s.p[n] != ']')))
                return false;
        s = span_from(s, n + v6);
        return s.n == 0 || (s.p[0] == ':' && is_port(span_from(s, 1)));
}

static int check_host(struct checker *c, struct span value)
{
        c->host = true;
        return is_host(value) ? 0 : REFUSE(c, HEADER, "host: no name or address");
}

/* ---- all of them ---- */

struct special {
        const char *name;
        bool once;
        bool of_connection; /* none with HTTP/2: RFC 9113, 8.2.2 */
        int (*check)(struct checker *c, struct span value);
};

/* Ascending. */
static const struct special specials[] = {
        { "authorization", true, false, NULL },
        { "connection", false, true, NULL },
        { "content-encoding", true, false, check_encoding },
        { "content-length", true, false, check_length },
        { "content-type", true, false, check_media },
        { "cookie", true, false, NULL },
        { "expect", true, false, check_expect },
        { "host", true, false, check_host },
        { "keep-alive", false, true, NULL },
        { "proxy-connection", false, true, NULL },
        { "te", false, false, check_te },
        { "transfer-encoding", true, false, check_transfer },
        { "upgrade", false, false, check_upgrade },
};

static int check_special(struct checker *c, const struct special *s, uint32_t at)
{
        const struct http_header *h = &c->q->headers[at];

        if (s->once && at > 0 && span_eq(h[-1].name, h->name))
                return REFUSE(c, HEADER, "%s: given more than once", s->name);
        if (s->of_connection && c->q->raw->version == 20)
                return REFUSE(c, HEADER, "%s: not of this version of HTTP", s->name);
        return s->check ? s->check(c, h->value) : 0;
}

int request_check(struct request *q, struct arena *arena, struct refusal *refusal)
{
        struct checker c = { .q = q, .arena = arena, .refusal = refusal };
        size_t k = 0;

        q->length = 0;
        q->length_known = false;
        q->media = SPAN_NONE;
        q->media_utf8 = true;
        for (uint32_t i = 0; i < q->n_headers; i++) {
                int order = 1, rc;

                while (k < ARRAY_LEN(specials)) {
                        order = span_cmp(q->headers[i].name, span_str(specials[k].name));
                        if (order <= 0)
                                break;
                        k++;
                }
                rc = order == 0 ? check_special(&c, &specials[k], i) : 0;
                if (rc < 0)
                        return rc;
        }
        if (!c.host && q->raw->version != 10)
                return REFUSE(&c, HEADER, "host: missing");
        q->has_body = q->length_known ? q->length > 0 : c.chunked || q->raw->open;
        return 0;
}
