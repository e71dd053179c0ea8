/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/change_state.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "integrity/trusted/record_text.h"
#include "wire/json.h"

#include <stdio.h>

enum { TARGET_SHOWN = 1024 };

/* Keys of one state ascend; each is prefix + name. */
struct state_writer {
        struct json_writer *w;
        const char *prefix;
        const struct record *r;
        unsigned want;
        char key[64];
};

static const char *key(struct state_writer *s, const char *name)
{
        snprintf(s->key, sizeof s->key, "%s%s", s->prefix, name);
        return s->key;
}

static void put_attr(struct state_writer *s, enum record_part p)
{
        struct buf text = BUF_INIT(RECORD_TEXT_MAX);
        struct record_attr a;

        if (!(s->want & record_part_field(p)) || !record_attr(s->r, p, &a))
                return;
        record_put_attr(&a, &text);
        if (buf_status(&text) == 0)
                json_member_string(s->w, key(s, record_part_name(p)), buf_span(&text));
        else
                s->w->out->status = s->w->out->status ? s->w->out->status : buf_status(&text);
        buf_done(&text);
}

static void put_flags(struct state_writer *s)
{
        json_put_key(s->w, key(s, "flags"));
        json_begin_array(s->w);
        for (unsigned i = 0; i < RECORD_FLAGS_COUNT; i++)
                if (s->r->flags & 1u << record_flags_by_name[i])
                        json_put_string(s->w, span_str(record_flag_name(record_flags_by_name[i])));
        json_end_array(s->w);
}

static void put_fs(struct state_writer *s)
{
        struct buf text = BUF_INIT(32);

        record_put_fs(s->r->fs, &text);
        json_member_string(s->w, key(s, "fstype"), buf_span(&text));
        buf_done(&text);
}

static void put_hex(struct json_writer *w, const uint8_t digest[RECORD_HASH])
{
        char hex[2 * RECORD_HASH + 1];

        text_hex(span_of(digest, RECORD_HASH), hex);
        json_put_string(w, span_str(hex));
}

/* ---- other extended attributes ---- */

static bool has_same(const struct record *r, const struct record_attr *a)
{
        struct span rest = r->attrs;
        struct record_attr b;

        while (record_next_attr(&rest, &b))
                if (b.part == RECORD_XATTRS && span_eq(b.name, a->name) && b.n == a->n &&
                    memcmp(b.digest, a->digest, RECORD_HASH) == 0)
                        return true;
        return false;
}

/* [name, digest of the value]; those that are not kept apart: [how many, digest of them all]. */
static void put_xattr(struct json_writer *w, const struct record_attr *a)
{
        struct buf name = BUF_INIT(4 * UINT8_MAX + 32);

        if (a->name.n)
                text_put_safe(&name, a->name);
        else
                buf_printf(&name, "%u attributes", a->n);
        json_begin_array(w);
        json_put_string(w, buf_span(&name));
        put_hex(w, a->digest);
        json_end_array(w);
        buf_done(&name);
}

static void put_xattrs(struct state_writer *s, const struct record *other)
{
        struct span rest = s->r->attrs;
        size_t begun = s->w->out->n;
        struct record_attr a;
        unsigned left_out = 0, n = 0;
        char more[48];

        while (record_next_attr(&rest, &a)) {
                if (a.part != RECORD_XATTRS || (other && has_same(other, &a)))
                        continue;
                if (n++ == 0) {
                        json_put_key(s->w, key(s, "xattrs"));
                        json_begin_array(s->w);
                }
                if (s->w->out->n - begun < CHANGE_XATTRS_MAX)
                        put_xattr(s->w, &a);
                else
                        left_out++;
        }
        if (left_out) {
                snprintf(more, sizeof more, "and %u more", left_out);
                json_begin_array(s->w);
                json_put_string(s->w, span_str(more));
                json_end_array(s->w);
        }
        if (n)
                json_end_array(s->w);
}

/* ---- the whole ---- */

static void put_unknown(struct state_writer *s)
{
        unsigned n = 0;

        for (unsigned i = 0; i < RECORD_PARTS; i++) {
                enum record_part p = (enum record_part)i;

                if (!(s->want & record_part_field(p)) || s->r->known[p] == RECORD_KNOWN)
                        continue;
                if (n++ == 0) {
                        json_put_key(s->w, key(s, "unknown"));
                        json_begin_array(s->w);
                }
                json_begin_array(s->w);
                json_put_string(s->w, span_str(record_part_name(p)));
                json_put_string(s->w, span_str(record_known_name(s->r->known[p])));
                json_end_array(s->w);
        }
        if (n)
                json_end_array(s->w);
}

static void put_hash_status(struct state_writer *s)
{
        if (s->r->hash != RECORD_HASH_KNOWN)
                json_member_text(s->w, key(s, "hash_reason"), record_reason_name(s->r->reason));
        json_member_text(s->w, key(s, "hash_status"), record_hash_name(s->r->hash));
}

static void put_numbers(struct state_writer *s)
{
        const struct record *r = s->r;
        char text[32];

        if (s->want & RECORD_F_INODE)
                json_member_u64(s->w, key(s, "inode"), r->ino);
        put_attr(s, RECORD_LABEL);
        if (s->want & RECORD_F_LINKS)
                json_member_int(s->w, key(s, "links"), r->nlink);
        if (s->want & RECORD_F_MODE) {
                snprintf(text, sizeof text, "%04o", r->mode);
                json_member_text(s->w, key(s, "mode"), text);
        }
        if (s->want & RECORD_F_MTIME)
                json_member_time(s->w, key(s, "mtime"), r->mtime_ns);
        if ((r->type == RECORD_CHAR || r->type == RECORD_BLOCK) && s->want & RECORD_F_RDEV) {
                snprintf(text, sizeof text, "%u:%u", (unsigned)(r->rdev >> 32), (unsigned)r->rdev);
                json_member_text(s->w, key(s, "rdev"), text);
        }
}

/* A long one: its beginning, and the digest of the whole. */
static void put_target(struct state_writer *s)
{
        struct span link = s->r->link;
        struct buf text = BUF_INIT(2 * TARGET_SHOWN);
        char hex[2 * SHA256_LEN + 1];
        uint8_t digest[SHA256_LEN];

        if (link.n > TARGET_SHOWN) {
                sha256(link, digest);
                text_hex(span_of(digest, sizeof digest), hex);
                buf_put(&text, span_of(link.p, TARGET_SHOWN));
                buf_printf(&text, "...sha256:%s", hex);
                link = buf_span(&text);
        }
        json_put_bytes(s->w, key(s, "target"), link);
        buf_done(&text);
}

void change_put_state(struct json_writer *w, const char *prefix, const struct record *r,
                      const struct record *other, unsigned want)
{
        struct state_writer s = { .w = w, .prefix = prefix, .r = r, .want = want };
        bool file = r->type == RECORD_FILE;

        put_attr(&s, RECORD_ACL);
        put_attr(&s, RECORD_ACL_DEFAULT);
        put_attr(&s, RECORD_CAPS);
        if (want & RECORD_F_FLAGS && r->known[RECORD_FLAGS] == RECORD_KNOWN)
                put_flags(&s);
        if (want & RECORD_F_FS)
                put_fs(&s);
        if (want & RECORD_F_GID)
                json_member_int(w, key(&s, "gid"), r->gid);
        if (file)
                put_hash_status(&s);
        put_numbers(&s);
        if (file && r->hash == RECORD_HASH_KNOWN) {
                json_put_key(w, key(&s, "sha256"));
                put_hex(w, r->sha256);
        }
        if (want & RECORD_F_SIZE)
                json_member_u64(w, key(&s, "size"), r->size);
        if (r->type == RECORD_LINK && want & RECORD_F_LINK)
                put_target(&s);
        if (want & RECORD_F_TYPE)
                json_member_text(w, key(&s, "type"), record_type_name(r->type));
        if (want & RECORD_F_UID)
                json_member_int(w, key(&s, "uid"), r->uid);
        put_unknown(&s);
        if (want & RECORD_F_XATTRS)
                put_xattrs(&s, other);
}

void change_put_differs(struct json_writer *w, const char *name, unsigned differs)
{
        json_put_key(w, name);
        json_begin_array(w);
        for (unsigned i = 0; i < RECORD_F_COUNT; i++)
                if (differs & 1u << i)
                        json_put_string(w, span_str(record_field_name[i]));
        json_end_array(w);
}
