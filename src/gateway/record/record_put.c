/* SPDX-License-Identifier: Apache-2.0 */
/* record_put.c - pieces of entries of calls: names, sensitive values, subjects, the room.
 *
 * SECURITY: texts are callers'; what is no UTF-8 or a control character becomes "?" in a name. */
#include "gateway/record/record_priv.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "ledger/vault/vault.h"

/* ---- the skeleton ---- */

static int put_skeleton(const char *kind, int64_t now_ns, record_put_fn *put, const void *ctx,
                        struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, kind, now_ns);
        put(&w, ctx);
        json_end_object(&w);
        json_end_object(&w);
        return buf_status(out);
}

int record_make(const char *kind, int64_t now_ns, record_put_fn *put, const void *ctx,
                struct arena *arena, struct record *r, struct err *err)
{
        static const size_t rooms[] = { RECORD_ROOM, RECORD_ROOM_MAX };
        int rc = -E2BIG;

        for (size_t i = 0; i < ARRAY_LEN(rooms) && rc == -E2BIG; i++) {
                struct buf text = BUF_OVER(arena_alloc(arena, rooms[i]), rooms[i]);

                if (!text.p)
                        return err_sys(err, -ENOMEM, "%s", kind);
                rc = put_skeleton(kind, now_ns, put, ctx, &text);
                r->skeleton = buf_span(&text);
        }
        return rc < 0 ? err_set(err, rc, "%s: its names do not fit an entry", kind) : 0;
}

/* ---- names ---- */

static bool is_plain(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < ' ' || s.p[i] > '~')
                        return false;
        return true;
}

/* In place.  C1 controls are told from the lead bytes of others by their second byte. */
static void clean(uint8_t *p, size_t n)
{
        for (size_t at = 0; at < n;) {
                uint32_t point;
                unsigned len = text_utf8_first(span_of(p + at, n - at), &point);

                if (len && point >= ' ' && !(point >= 0x7f && point < 0xa0)) {
                        at += len;
                        continue;
                }
                for (unsigned i = 0; i < (len ? len : 1); i++)
                        p[at++] = '?';
        }
}

struct span record_name(struct span s, char room[RECORD_NAME_MAX + 1])
{
        size_t n = MIN_OF(s.n, (size_t)RECORD_NAME_MAX);

        if (n == s.n && is_plain(s))
                return s;
        memcpy(room, s.p, n);
        while (n < s.n && n && (s.p[n] & 0xc0) == 0x80) /* cut on a character */
                n--;
        clean((uint8_t *)room, n);
        return span_of(room, n);
}

bool record_name_is_exact(struct span s)
{
        char room[RECORD_NAME_MAX + 1];

        return span_eq(record_name(s, room), s);
}

void record_put_name(struct json_writer *w, struct span s)
{
        char room[RECORD_NAME_MAX + 1];

        json_put_string(w, record_name(s, room));
}

void record_member_name(struct json_writer *w, const char *key, struct span s)
{
        json_put_key(w, key);
        record_put_name(w, s);
}

/* ---- sensitive values ---- */

/* A buf in the arena that never grows; the content must fit. */
static bool open_room(struct buf *b, size_t n, struct arena *arena)
{
        *b = BUF_OVER(arena_alloc(arena, n), n);
        return b->p;
}

static struct span closed(const struct buf *b)
{
        assert(buf_status(b) == 0);
        return buf_span(b);
}

enum {
        ESCAPED = 6, /* bytes of one byte, at most: \u001f */
        DIGEST_ROOM = 128,
};

static struct span put_digest(struct span s, struct arena *arena)
{
        uint8_t digest[SHA256_LEN];
        char hex[2 * SHA256_LEN + 1];
        struct buf b;

        if (!open_room(&b, DIGEST_ROOM, arena))
                return SPAN_NONE;
        sha256(s, digest);
        text_hex(span_of(digest, sizeof digest), hex);
        buf_printf(&b, "{\"bytes\":%zu,\"sha256\":\"%s\"}", s.n, hex);
        return closed(&b);
}

/* before, the quoted text, behind. */
static struct span put_quoted(const char *before, struct span s, const char *behind,
                              struct arena *arena)
{
        struct buf b;

        if (!open_room(&b, strlen(before) + s.n * ESCAPED + 2 + strlen(behind), arena))
                return SPAN_NONE;
        buf_put_str(&b, before);
        json_put_quoted(&b, s);
        buf_put_str(&b, behind);
        return closed(&b);
}

struct span record_text(struct span s, struct arena *arena)
{
        char *copy;

        if (s.n > RECORD_VALUE_MAX)
                return put_digest(s, arena);
        if (text_is_utf8(s, NULL))
                return put_quoted("", s, "", arena);
        copy = arena_copy(arena, s);
        if (!copy)
                return SPAN_NONE;
        clean((uint8_t *)copy, s.n);
        return put_quoted("", span_of(copy, s.n), "", arena);
}

static struct span put_number(int64_t v, struct arena *arena)
{
        struct buf b;

        if (!open_room(&b, DIGEST_ROOM, arena))
                return SPAN_NONE;
        if (v > JSON_INT_MAX || v < -JSON_INT_MAX)
                buf_printf(&b, "{\"number\":\"%lld\"}", (long long)v);
        else
                buf_printf(&b, "%lld", (long long)v);
        return closed(&b);
}

/* An array or an object that has a class as a whole. */
static struct span put_whole(const struct tree *v, struct arena *arena)
{
        CLEANUP(buf_done) struct buf text = BUF_WIPED(SIZE_MAX / 2);

        tree_print(v, &text);
        if (buf_status(&text) < 0)
                return SPAN_NONE;
        if (text.n > RECORD_VALUE_MAX)
                return put_digest(buf_span(&text), arena);
        return put_quoted("{\"json\":", buf_span(&text), "}", arena);
}

struct span record_value(const struct tree *v, struct arena *arena)
{
        switch (v->kind) {
        case TREE_NULL:
                return SPAN("null");
        case TREE_BOOL:
                return v->boolean ? SPAN("true") : SPAN("false");
        case TREE_NUMBER:
                return put_number(v->number, arena);
        case TREE_REAL:
                return put_quoted("{\"number\":", v->text, "}", arena);
        case TREE_STRING:
                return record_text(v->text, arena);
        default:
                return put_whole(v, arena);
        }
}

/* ---- subjects ---- */

static bool fits_label(struct span s)
{
        if (s.n > VAULT_LABEL_MAX || !text_is_utf8(s, NULL))
                return false;
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < ' ' || s.p[i] == 0x7f)
                        return false;
        return true;
}

struct span record_subject(struct span kind, struct span id, struct arena *arena)
{
        static const char prefix[] = "sha256:";
        uint8_t digest[SHA256_LEN];
        size_t n = kind.n + 1 + id.n;
        uint8_t *p = arena_alloc(arena, n);
        char *label;

        if (!p)
                return SPAN_NONE;
        if (kind.n)
                memcpy(p, kind.p, kind.n);
        p[kind.n] = ':';
        if (id.n)
                memcpy(p + kind.n + 1, id.p, id.n);
        if (fits_label(span_of(p, n)))
                return span_of(p, n);
        label = arena_alloc(arena, sizeof prefix + 2 * sizeof digest);
        if (!label)
                return SPAN_NONE;
        sha256(span_of(p, n), digest);
        memcpy(label, prefix, sizeof prefix - 1);
        text_hex(span_of(digest, sizeof digest), label + sizeof prefix - 1);
        return span_str(label);
}

struct span record_subject_of(const struct record_call *c, struct arena *arena)
{
        if (c->object_id.n)
                return record_subject(c->object_type, c->object_id, arena);
        return record_subject(SPAN("api"), c->package->config.name, arena);
}

int record_field(struct record *r, struct span name, struct span subject, struct span value)
{
        assert(r->n_fields < RECORD_SENT_MAX);
        if (!subject.p || !value.p)
                return -ENOMEM;
        r->fields[r->n_fields++] =
                (struct feed_field){ .subject = subject, .name = name, .value = value };
        return 0;
}

/* ---- addresses ---- */

/* ::ffff:192.0.2.7: what a socket of both families calls an IPv4 address. */
static bool is_mapped(const struct cedar_ip *a)
{
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

        return a->v6 && memcmp(a->address, mapped, sizeof mapped) == 0;
}

void record_network(const struct cedar_ip *address, bool narrow, char ret[RECORD_NETWORK_MAX + 1])
{
        enum { WIDE_V4 = 24, WIDE_V6 = 56, NARROW_V4 = 32, NARROW_V6 = 64 };
        const uint8_t *p = is_mapped(address) ? address->address + 12 : address->address;
        struct cedar_ip net = { .v6 = address->v6 && !is_mapped(address) };
        unsigned wide = net.v6 ? WIDE_V6 : WIDE_V4;
        unsigned bits = narrow ? net.v6 ? NARROW_V6 : NARROW_V4 : wide;
        char *end;

        STATIC_ASSERT(REQUEST_ADDRESS_MAX + sizeof "/64" <= RECORD_NETWORK_MAX + 1, "it has room");
        memcpy(net.address, p, bits / 8);
        request_address_text(&net, ret);
        if (bits == NARROW_V4)
                return;
        end = ret + strlen(ret);
        *end++ = '/';
        (void)text_u64(bits, end);
}
