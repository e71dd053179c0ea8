/* SPDX-License-Identifier: Apache-2.0 */
/* assay_files.c - see assay_files.h. */
#include "bin/assay_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "integrity/trusted/change_state.h"
#include "integrity/trusted/record_text.h"
#include "wire/json.h"

enum { LINE_BYTES = 256 * 1024, DIGEST_SHOWN = 8, LABEL_COLUMNS = 12 };

/* In the order in which they are said. */
static const struct {
        enum record_field field;
        const char *label;
} labels[] = {
        { RECORD_F_TYPE, "type" },
        { RECORD_F_SHA256, "sha256" },
        { RECORD_F_SIZE, "size" },
        { RECORD_F_LINK, "target" },
        { RECORD_F_MODE, "mode" },
        { RECORD_F_UID, "owner" },
        { RECORD_F_GID, "group" },
        { RECORD_F_LINKS, "links" },
        { RECORD_F_FLAGS, "flags" },
        { RECORD_F_ACL, "acl" },
        { RECORD_F_ACL_DEFAULT, "default acl" },
        { RECORD_F_CAPS, "capabilities" },
        { RECORD_F_LABEL, "label" },
        { RECORD_F_XATTRS, "xattrs" },
        { RECORD_F_RDEV, "device" },
        { RECORD_F_FS, "filesystem" },
        { RECORD_F_MTIME, "mtime" },
        { RECORD_F_INODE, "inode" },
};

static void put_hex(const struct screen *s, const uint8_t *digest, bool whole, struct buf *out)
{
        char hex[2 * RECORD_HASH + 1];

        text_hex(span_of(digest, RECORD_HASH), hex);
        if (s->terminal && !whole)
                buf_printf(out, "%.*s…", DIGEST_SHOWN, hex);
        else
                buf_put_str(out, hex);
}

static void put_hash(const struct screen *s, const struct record *r, bool whole, struct buf *out)
{
        if (r->hash == RECORD_HASH_KNOWN)
                put_hex(s, r->sha256, whole, out);
        else
                buf_printf(out, "%s: %s", record_hash_name(r->hash), record_reason_name(r->reason));
}

static void put_value(const struct screen *s, const struct record *r, enum record_field field,
                      bool whole, struct buf *out)
{
        switch (field) {
        case RECORD_F_TYPE:
                buf_put_str(out, record_type_name(r->type));
                break;
        case RECORD_F_MODE:
                buf_printf(out, "%04o", r->mode);
                break;
        case RECORD_F_UID:
                buf_printf(out, "%u", r->uid);
                break;
        case RECORD_F_GID:
                buf_printf(out, "%u", r->gid);
                break;
        case RECORD_F_SIZE:
                buf_printf(out, "%" PRIu64, r->size);
                break;
        case RECORD_F_MTIME:
                screen_put_time(s, out, r->mtime_ns);
                break;
        case RECORD_F_INODE:
                buf_printf(out, "%" PRIu64, r->ino);
                break;
        case RECORD_F_LINKS:
                buf_printf(out, "%u", r->nlink);
                break;
        case RECORD_F_LINK:
                text_put_safe(out, r->link);
                break;
        case RECORD_F_RDEV:
                buf_printf(out, "%u:%u", (unsigned)(r->rdev >> 32), (unsigned)r->rdev);
                break;
        case RECORD_F_SHA256:
                put_hash(s, r, whole, out);
                break;
        case RECORD_F_FS:
                record_put_fs(r->fs, out);
                break;
        default:
                for (unsigned p = 0; p < RECORD_PARTS; p++)
                        if (record_part_field((enum record_part)p) == field)
                                record_put_part(r, (enum record_part)p, out);
        }
}

/* ---- differences ---- */

/* 0: r has no attribute of this name; 1: one of another value; 2: the same. */
static int has_xattr(const struct record *r, const struct record_attr *a)
{
        struct span rest = r->attrs;
        struct record_attr b;

        while (record_next_attr(&rest, &b))
                if (b.part == RECORD_XATTRS && span_eq(b.name, a->name))
                        return 1 + (b.n == a->n && memcmp(b.digest, a->digest, RECORD_HASH) == 0);
        return 0;
}

static void put_xattr_names(const struct record *r, const struct record *other, int has,
                            const char *word, const char **comma, struct buf *out)
{
        struct span rest = r->attrs;
        struct record_attr a;

        while (record_next_attr(&rest, &a)) {
                if (a.part != RECORD_XATTRS || has_xattr(other, &a) != has)
                        continue;
                buf_put_str(out, *comma);
                if (a.name.n)
                        text_put_safe(out, a.name);
                else
                        buf_printf(out, "%u of them", a.n);
                buf_printf(out, " %s", word);
                *comma = ", ";
        }
}

/* Which they are says more than two lists of them. */
static void put_xattrs(const struct record *was, const struct record *is, struct buf *out)
{
        const char *comma = "";

        if (was->known[RECORD_XATTRS] != is->known[RECORD_XATTRS]) {
                record_put_part(was, RECORD_XATTRS, out);
                buf_put_str(out, "→");
                record_put_part(is, RECORD_XATTRS, out);
                return;
        }
        put_xattr_names(is, was, 1, "changed", &comma, out);
        put_xattr_names(is, was, 0, "added", &comma, out);
        put_xattr_names(was, is, 0, "removed", &comma, out);
}

static void put_differs(const struct screen *s, const struct record *was, const struct record *is,
                        unsigned differs, struct buf *out)
{
        for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
                if (!(differs & labels[i].field))
                        continue;
                buf_printf(out, "  %s ", labels[i].label);
                if (labels[i].field == RECORD_F_XATTRS) {
                        put_xattrs(was, is, out);
                        continue;
                }
                put_value(s, was, labels[i].field, false, out);
                buf_put_str(out, "→");
                put_value(s, is, labels[i].field, false, out);
        }
}

static const char *change_of(const struct record *was, const struct record *is)
{
        return !was ? "created" : !is ? "deleted" : "changed";
}

void files_put_line(const struct screen *s, struct span path, const struct record *was,
                    const struct record *is, unsigned differs, struct buf *out)
{
        CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_BYTES);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * LINE_BYTES);
        const char *change = change_of(was, is);

        screen_put(s, &line, is ? was ? STYLE_WARN : STYLE_GOOD : STYLE_BAD, change);
        buf_put_str(&line, "  ");
        text_put_safe(&safe, path);
        screen_put(s, &line, STYLE_BOLD, buf_cstr(&safe));
        if (was && is)
                put_differs(s, was, is, differs, &line);
        screen_put_wrapped(s, out, buf_cstr(&line), 0, strlen(change) + 2);
        buf_put_byte(out, '\n');
}

void files_put_state_json(const struct record *r, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        change_put_state(&w, "", r, NULL, CHANGE_ALL);
        json_end_object(&w);
}

static void put_member(struct json_writer *w, const char *key, const struct record *r)
{
        if (!r)
                return;
        json_put_key(w, key);
        json_begin_object(w);
        change_put_state(w, "", r, NULL, CHANGE_ALL);
        json_end_object(w);
}

void files_put_json(struct span path, const struct record *was, const struct record *is,
                    unsigned differs, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "change", change_of(was, is));
        change_put_differs(&w, "differs", was && is ? differs : 0);
        put_member(&w, "is", is);
        json_put_bytes(&w, "path", path);
        put_member(&w, "was", was);
        json_end_object(&w);
}

/* ---- one state ---- */

/* Only what this type of file has. */
static bool has_field(const struct record *r, enum record_field f)
{
        switch (f) {
        case RECORD_F_SHA256:
                return r->type == RECORD_FILE;
        case RECORD_F_LINK:
                return r->type == RECORD_LINK;
        case RECORD_F_RDEV:
                return r->type == RECORD_CHAR || r->type == RECORD_BLOCK;
        case RECORD_F_ACL_DEFAULT:
                return r->type == RECORD_DIR;
        default:
                return true;
        }
}

static void put_xattr_values(const struct screen *s, const struct record *r, struct buf *out)
{
        struct span rest = r->attrs;
        struct record_attr a;

        while (record_next_attr(&rest, &a)) {
                if (a.part != RECORD_XATTRS || !a.name.n)
                        continue;
                buf_printf(out, "%*s", LABEL_COLUMNS + 2, "");
                text_put_safe(out, a.name);
                buf_put_str(out, "  sha256 ");
                put_hex(s, a.digest, true, out);
                buf_put_byte(out, '\n');
        }
}

void files_put_state(const struct screen *s, const struct record *r, struct buf *out)
{
        for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
                if (!has_field(r, labels[i].field))
                        continue;
                buf_printf(out, "%-*s  ", LABEL_COLUMNS, labels[i].label);
                put_value(s, r, labels[i].field, true, out);
                buf_put_byte(out, '\n');
                if (labels[i].field == RECORD_F_XATTRS)
                        put_xattr_values(s, r, out);
        }
}
