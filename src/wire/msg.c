/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: the getters read bytes from less trusted processes. */
#include "wire/msg.h"

#include "base/le.h"

enum {
        MSG_MAGIC = 0x5941,
        MSG_VERSION = 1,
};

/* ---- writing ---- */

size_t msg_begin(struct buf *b, enum msg_type type)
{
        size_t begun = b->n;

        assert(type >= MSG_HELLO && type < MSG_TYPE_END);
        msg_put_u16(b, MSG_MAGIC);
        msg_put_u8(b, MSG_VERSION);
        msg_put_u8(b, (uint8_t)type);
        msg_put_u32(b, 0);
        return begun;
}

void msg_end(struct buf *b, size_t begun)
{
        size_t payload;

        if (buf_status(b) < 0)
                return;
        payload = b->n - begun - MSG_HEADER;
        if (payload > MSG_MAX - MSG_HEADER) {
                b->status = -E2BIG;
                return;
        }
        le_put32(b->p + begun + 4, (uint32_t)payload);
}

void msg_put_u8(struct buf *b, uint8_t v)
{
        le_append(b, v, 1);
}

void msg_put_u16(struct buf *b, uint16_t v)
{
        le_append(b, v, 2);
}

void msg_put_u32(struct buf *b, uint32_t v)
{
        le_append(b, v, 4);
}

void msg_put_u64(struct buf *b, uint64_t v)
{
        le_append(b, v, 8);
}

static void put_bytes(struct buf *b, struct span s, unsigned width)
{
        if (width < sizeof s.n && s.n >> (8 * width)) {
                if (buf_status(b) == 0)
                        b->status = -E2BIG;
                return;
        }
        le_append(b, s.n, width);
        buf_put(b, s);
}

void msg_put_bytes8(struct buf *b, struct span s)
{
        put_bytes(b, s, 1);
}

void msg_put_bytes16(struct buf *b, struct span s)
{
        put_bytes(b, s, 2);
}

void msg_put_bytes32(struct buf *b, struct span s)
{
        put_bytes(b, s, 4);
}

/* ---- reading ---- */

int msg_open(struct span packet, struct msg_reader *ret, enum msg_type *ret_type, struct err *err)
{
        struct msg_reader r = { .rest = packet, .err = err };
        unsigned magic, version, type;
        uint32_t payload;

        if (packet.n < MSG_HEADER)
                return err_set(err, -EBADMSG, "message of %zu bytes, the header alone has %d",
                               packet.n, MSG_HEADER);
        if (packet.n > MSG_MAX)
                return err_set(err, -EBADMSG, "message of %zu bytes, at most %d are read", packet.n,
                               MSG_MAX);
        magic = msg_get_u16(&r);
        version = msg_get_u8(&r);
        type = msg_get_u8(&r);
        payload = msg_get_u32(&r);
        if (magic != MSG_MAGIC)
                return err_set(err, -EBADMSG, "byte 0: magic 0x%04x, expected 0x%04x", magic,
                               MSG_MAGIC);
        if (version != MSG_VERSION)
                return err_set(err, -EBADMSG, "byte 2: version %u, this side speaks %d", version,
                               MSG_VERSION);
        if (type < MSG_HELLO || type >= MSG_TYPE_END)
                return err_set(err, -EBADMSG, "byte 3: unknown message type %u", type);
        if (payload != packet.n - MSG_HEADER)
                return err_set(err, -EBADMSG, "byte 4: payload of %u bytes announced, %zu came",
                               payload, packet.n - MSG_HEADER);
        *ret = r;
        *ret_type = (enum msg_type)type;
        return 0;
}

/* n bytes, or NULL and the failure noted.  n == 0 gives a pointer nobody reads. */
static const uint8_t *take(struct msg_reader *r, size_t n)
{
        const uint8_t *p = r->rest.p;

        if (r->failed)
                return NULL;
        if (n > r->rest.n) {
                err_set(r->err, -EBADMSG, "byte %zu: a field of %zu bytes, %zu are left", r->offset,
                        n, r->rest.n);
                r->failed = true;
                return NULL;
        }
        r->rest = span_from(r->rest, n);
        r->offset += n;
        return p;
}

static uint64_t take_le(struct msg_reader *r, unsigned n)
{
        const uint8_t *p = take(r, n);

        return p ? le_get(p, n) : 0;
}

uint8_t msg_get_u8(struct msg_reader *r)
{
        return (uint8_t)take_le(r, 1);
}

uint16_t msg_get_u16(struct msg_reader *r)
{
        return (uint16_t)take_le(r, 2);
}

uint32_t msg_get_u32(struct msg_reader *r)
{
        return (uint32_t)take_le(r, 4);
}

uint64_t msg_get_u64(struct msg_reader *r)
{
        return take_le(r, 8);
}

static struct span get_bytes(struct msg_reader *r, unsigned width)
{
        size_t n = take_le(r, width);
        const uint8_t *p = take(r, n);

        return r->failed ? SPAN_NONE : span_of(p, n);
}

struct span msg_get_bytes8(struct msg_reader *r)
{
        return get_bytes(r, 1);
}

struct span msg_get_bytes16(struct msg_reader *r)
{
        return get_bytes(r, 2);
}

struct span msg_get_bytes32(struct msg_reader *r)
{
        return get_bytes(r, 4);
}

int msg_close(struct msg_reader *r)
{
        if (!r->failed && r->rest.n > 0) {
                err_set(r->err, -EBADMSG, "byte %zu: %zu bytes behind the message's last field",
                        r->offset, r->rest.n);
                r->failed = true;
        }
        return r->failed ? -EBADMSG : 0;
}
