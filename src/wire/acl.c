/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/acl.h"

#include "base/le.h"

enum { VERSION = 2 };

static const struct tag {
        unsigned tag;
        const char *name;
        bool has_id;
} tags[] = {
        { 0x01, "user", false }, { 0x02, "user", true },  { 0x04, "group", false },
        { 0x08, "group", true }, { 0x10, "mask", false }, { 0x20, "other", false },
};

static const struct tag *find_tag(unsigned tag)
{
        for (size_t i = 0; i < ARRAY_LEN(tags); i++)
                if (tags[i].tag == tag)
                        return &tags[i];
        return NULL;
}

static int put_entry(const uint8_t *p, size_t at, struct buf *out, struct err *err)
{
        const struct tag *t = find_tag((unsigned)le_get(p, 2));
        unsigned perm = (unsigned)le_get(p + 2, 2);

        if (!t)
                return err_set(err, -EBADMSG, "byte %zu: tag %u is not known", at,
                               (unsigned)le_get(p, 2));
        if (perm > 7)
                return err_set(err, -EBADMSG, "byte %zu: permissions %#x are not known", at + 2,
                               perm);
        buf_put_str(out, t->name);
        if (t->has_id)
                buf_printf(out, ":%u:", le_get32(p + 4));
        else
                buf_put_str(out, "::");
        buf_put_byte(out, perm & 4 ? 'r' : '-');
        buf_put_byte(out, perm & 2 ? 'w' : '-');
        buf_put_byte(out, perm & 1 ? 'x' : '-');
        return 0;
}

int acl_put_text(struct span value, struct buf *out, struct err *err)
{
        size_t begun = out->n;
        int rc = 0;

        if (value.n < ACL_HEADER || (value.n - ACL_HEADER) % ACL_ENTRY)
                return err_set(err, -EBADMSG, "%zu bytes are no access control list", value.n);
        if (le_get32(value.p) != VERSION)
                return err_set(err, -EBADMSG, "byte 0: version %u is not known", le_get32(value.p));
        for (size_t at = ACL_HEADER; at < value.n && rc == 0; at += ACL_ENTRY) {
                if (at > ACL_HEADER)
                        buf_put_byte(out, ',');
                rc = put_entry(value.p + at, at, out, err);
        }
        if (rc < 0 && buf_status(out) == 0)
                out->n = begun;
        return rc;
}
