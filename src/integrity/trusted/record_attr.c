/* SPDX-License-Identifier: Apache-2.0 */
/* record_attr.c - the attributes at the end of a record. */
#include "base/le.h"
#include "crypto/sha256.h"
#include "integrity/trusted/record_priv.h"

enum { DIGEST_ONLY = 0x80, DIGEST_ITEM = 1 + 4 + RECORD_HASH };

STATIC_ASSERT((int)RECORD_HASH == (int)SHA256_LEN, "digests are SHA-256");

static bool has_value(enum record_part part)
{
        return part >= RECORD_ACL && part <= RECORD_LABEL;
}

/* ---- reading ---- */

static size_t take_digest(struct span s, struct record_attr *a)
{
        if (s.n < DIGEST_ITEM)
                return 0;
        a->n = le_get32(s.p + 1);
        a->digest = s.p + 5;
        return DIGEST_ITEM;
}

static size_t take_value(struct span s, struct record_attr *a)
{
        size_t n = s.n < 3 ? SIZE_MAX : le_get(s.p + 1, 2);

        if (s.n < 3 || n > s.n - 3)
                return 0;
        a->value = span_of(s.p + 3, n);
        a->n = (uint32_t)n;
        return 3 + n;
}

static size_t take_xattr(struct span s, struct record_attr *a)
{
        size_t n = s.n < 2 ? 0 : s.p[1];

        if (n == 0 || s.n - 2 < n + RECORD_HASH)
                return 0;
        a->name = span_of(s.p + 2, n);
        a->digest = s.p + 2 + n;
        return 2 + n + RECORD_HASH;
}

/* Bytes of the first item, 0 when it is none. */
static size_t take(struct span s, struct record_attr *ret)
{
        struct record_attr a = { .part = s.p[0] & ~(unsigned)DIGEST_ONLY };
        size_t n;

        if (!has_value(a.part) && a.part != RECORD_XATTRS)
                return 0;
        n = s.p[0] & DIGEST_ONLY      ? take_digest(s, &a)
            : a.part == RECORD_XATTRS ? take_xattr(s, &a)
                                      : take_value(s, &a);
        if (n)
                *ret = a;
        return n;
}

bool record_next_attr(struct span *rest, struct record_attr *ret)
{
        size_t n = rest->n ? take(*rest, ret) : 0;

        *rest = span_from(*rest, n);
        return n > 0;
}

bool record_attr(const struct record *r, enum record_part part, struct record_attr *ret)
{
        struct span rest = r->attrs;
        struct record_attr a;

        while (record_next_attr(&rest, &a)) {
                if (a.part == part) {
                        *ret = a;
                        return true;
                }
        }
        return false;
}

/* ---- checking ---- */

static bool item_ok(const struct record_attr *a, const struct record *r)
{
        if (r->known[a->part] != RECORD_KNOWN)
                return false; /* then there is nothing to have */
        if (a->part == RECORD_XATTRS)
                return a->name.n ? !memchr(a->name.p, 0, a->name.n) : a->n > 0;
        return a->digest ? a->n > RECORD_VALUE_MAX : a->n <= RECORD_VALUE_MAX;
}

/* Each part once; names ascend, and nothing is kept apart beside what is not. */
static bool follows(const struct record_attr *last, const struct record_attr *a)
{
        if (a->part != last->part)
                return a->part > last->part;
        return last->name.n && a->name.n && span_cmp(last->name, a->name) < 0;
}

bool record_attrs_ok(const struct record *r)
{
        struct span rest = r->attrs;
        struct record_attr a, last = { .part = RECORD_FLAGS };
        size_t apart = 0;

        while (rest.n) {
                size_t before = rest.n;

                if (!record_next_attr(&rest, &a) || !item_ok(&a, r) || !follows(&last, &a))
                        return false;
                apart += a.name.n ? before - rest.n : 0;
                last = a;
        }
        return apart <= RECORD_XATTRS_MAX;
}

/* ---- building ---- */

void record_put_value(struct buf *attrs, enum record_part part, struct span value)
{
        uint8_t digest[RECORD_HASH];

        assert(has_value(part));
        if (value.n <= RECORD_VALUE_MAX) {
                buf_put_byte(attrs, (uint8_t)part);
                le_append(attrs, value.n, 2);
                buf_put(attrs, value);
                return;
        }
        sha256(value, digest);
        buf_put_byte(attrs, (uint8_t)(part | DIGEST_ONLY));
        le_append(attrs, value.n, 4);
        buf_put(attrs, span_of(digest, sizeof digest));
}

void record_put_xattr(struct buf *attrs, struct span name, const uint8_t digest[RECORD_HASH])
{
        assert(name.n > 0 && name.n <= UINT8_MAX);
        buf_put_byte(attrs, RECORD_XATTRS);
        buf_put_byte(attrs, (uint8_t)name.n);
        buf_put(attrs, name);
        buf_put(attrs, span_of(digest, RECORD_HASH));
}

void record_put_many(struct buf *attrs, uint32_t n, const uint8_t digest[RECORD_HASH])
{
        buf_put_byte(attrs, RECORD_XATTRS | DIGEST_ONLY);
        le_append(attrs, n, 4);
        buf_put(attrs, span_of(digest, RECORD_HASH));
}

/* ---- comparing ---- */

/* The bytes of one part. */
static struct span part_bytes(const struct record *r, enum record_part part)
{
        struct span rest = r->attrs, from = rest;
        struct record_attr a;

        while (rest.n) {
                struct span at = rest;

                if (!record_next_attr(&rest, &a) || a.part > part)
                        return span_of(from.p, from.n - at.n);
                if (a.part < part)
                        from = rest;
        }
        return from;
}

bool record_same_part(const struct record *a, const struct record *b, enum record_part part)
{
        return a->known[part] == b->known[part] &&
               ((a->attrs.n == 0 && b->attrs.n == 0) ||
                span_eq(part_bytes(a, part), part_bytes(b, part)));
}

/* ---- rights ---- */

/* Does this part give a right, or may it?  Where the filesystem has no such thing it does not. */
static bool grants(const struct record *r, enum record_part part)
{
        struct record_attr a;

        if (r->known[part] == RECORD_UNSUPPORTED)
                return false;
        return r->known[part] != RECORD_KNOWN || record_attr(r, part, &a);
}

bool record_has_more_rights(const struct record *r)
{
        return grants(r, RECORD_CAPS) || grants(r, RECORD_ACL) || grants(r, RECORD_ACL_DEFAULT);
}
