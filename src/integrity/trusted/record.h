/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - one file's state: what is recorded of it, and its bytes.  Floor 3, pure.
 *
 * The encoding, little-endian; one spelling per state, so equal states have equal bytes:
 *
 *   off len
 *    0   1  version, 2
 *    1   1  type (enum record_type)
 *    2   1  hash status (enum record_hash)
 *    3   1  reason when the hash is not known (enum record_reason)
 *    4   2  mode, permission bits only (07777)
 *    6   2  what is known (enum record_known) of each part (enum record_part), two bits each, the
 *           first part lowest; the rest zero
 *    8   4  uid
 *   12   4  gid
 *   16   4  links
 *   20   4  flags (enum record_flags)
 *   24   4  filesystem, f_type of statfs(2); 0: not known
 *   28   2  bytes of link target
 *   30   2  bytes of attributes
 *   32   8  size
 *   40   8  mtime, ns since 1970, signed
 *   48   8  ctime, ns
 *   56   8  btime, ns; 0: the filesystem keeps none
 *   64   8  inode
 *   72   8  device, major << 32 | minor
 *   80   8  rdev of a device node, same form; else 0
 *   88   .  sha256[32] when the hash is known
 *        .  link target
 *        .  attributes, one after the other, ascending by their first byte and then by name:
 *             u8 part  u16 n  n bytes           the value of a list, capabilities or a label
 *             u8 part | 128  u32 n  sha256[32]  the same of n > RECORD_VALUE_MAX bytes
 *             u8 RECORD_XATTRS  u8 n  n bytes of name  sha256[32] of the value
 *             u8 RECORD_XATTRS | 128  u32 n  sha256[32]  more of them than are kept apart: n, and
 *               the digest over name (with its NUL) and SHA-256 of the value of each
 *
 * SECURITY: record_decode() reads the sensor's own files, which only root can write; it trusts
 * nothing in them all the same. */
#ifndef INTEGRITY_RECORD_H
#define INTEGRITY_RECORD_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        RECORD_FIXED = 88,
        RECORD_HASH = 32,
        RECORD_LINK_MAX = 4096,   /* PATH_MAX: no target is longer */
        RECORD_VALUE_MAX = 1024,  /* an access list of 127 entries */
        RECORD_XATTRS_MAX = 8192, /* bytes of other attributes that are kept apart */
        RECORD_ATTRS_MAX = 4 * (3 + RECORD_VALUE_MAX) + RECORD_XATTRS_MAX,
        RECORD_MAX = RECORD_FIXED + RECORD_HASH + RECORD_LINK_MAX + RECORD_ATTRS_MAX,
};

enum record_type {
        RECORD_FILE = 1,
        RECORD_DIR,
        RECORD_LINK,
        RECORD_FIFO,
        RECORD_SOCKET,
        RECORD_CHAR,
        RECORD_BLOCK,
        RECORD_TYPE_END,
};

enum record_hash {
        RECORD_HASH_KNOWN = 1,
        RECORD_HASH_UNREADABLE,
        RECORD_HASH_SKIPPED,
        RECORD_HASH_END,
};

enum record_reason {
        RECORD_REASON_NONE,
        RECORD_REASON_NOT_A_FILE, /* has no content to hash */
        RECORD_REASON_DENIED,     /* open or read: EACCES, EPERM */
        RECORD_REASON_IO,         /* open or read: any other error */
        RECORD_REASON_BUSY,       /* leased or locked by another process */
        RECORD_REASON_CHANGING,   /* kept changing under the reader */
        RECORD_REASON_NO_MEMORY,
        RECORD_REASON_TOO_LARGE,
        RECORD_REASON_SPARSE, /* large, and hardly more than holes */
        RECORD_REASON_END,
};

enum record_flags {
        RECORD_IMMUTABLE = 1u << 0,
        RECORD_APPEND = 1u << 1,
        RECORD_VERITY = 1u << 2,
        RECORD_ENCRYPTED = 1u << 3,
        RECORD_COMPRESSED = 1u << 4,
        RECORD_NODUMP = 1u << 5,
        RECORD_FLAGS_ALL = (1u << 6) - 1,
        RECORD_FLAGS_COUNT = 6,
};

/* Parts of the state that a filesystem may not have, or not tell. */
enum record_part {
        RECORD_FLAGS,       /* inode flags */
        RECORD_ACL,         /* system.posix_acl_access */
        RECORD_ACL_DEFAULT, /* system.posix_acl_default */
        RECORD_CAPS,        /* security.capability */
        RECORD_LABEL,       /* security.selinux */
        RECORD_XATTRS,      /* all other extended attributes */
        RECORD_PARTS,
};

enum record_known {
        RECORD_KNOWN,       /* that there is none, too */
        RECORD_UNSUPPORTED, /* the filesystem, or this type of file, has no such thing */
        RECORD_UNREADABLE,
        RECORD_SKIPPED, /* nobody looked */
};

struct record {
        enum record_type type;
        enum record_hash hash;
        enum record_reason reason;
        uint8_t known[RECORD_PARTS]; /* enum record_known */
        uint32_t mode, uid, gid, nlink, flags, fs;
        uint64_t size, ino, dev, rdev;
        int64_t mtime_ns, ctime_ns, btime_ns;
        uint8_t sha256[RECORD_HASH]; /* zero unless known */
        struct span link;            /* borrowed */
        struct span attrs;           /* borrowed: as encoded */
};

/* Appends the bytes.  A record that breaks the rules above is our bug and asserts. */
void record_encode(const struct record *r, struct buf *out);

/* The whole of s; spans of *ret point into it.  -EBADMSG and the field. */
MUST_USE int record_decode(struct span s, struct record *ret, struct err *err);

const char *record_type_name(enum record_type t);
const char *record_hash_name(enum record_hash h);
const char *record_reason_name(enum record_reason r);

/* ---- attributes ---- */

struct record_attr {
        enum record_part part;
        struct span name;      /* of another extended attribute; empty: more than are kept apart */
        struct span value;     /* empty where only the digest is kept */
        uint32_t n;            /* bytes of the value; of those not kept apart, how many there are */
        const uint8_t *digest; /* NULL where the value is there */
};

/* Walk r.attrs: false at the end. */
bool record_next_attr(struct span *rest, struct record_attr *ret);
/* The list, capabilities or label of r; false when there is none. */
bool record_attr(const struct record *r, enum record_part part, struct record_attr *ret);
/* Has it rights that owner and mode do not show: capabilities, an access list; or may it? */
bool record_has_more_rights(const struct record *r);

/* Build: in the order of the encoding.  A value of any length. */
void record_put_value(struct buf *attrs, enum record_part part, struct span value);
void record_put_xattr(struct buf *attrs, struct span name, const uint8_t digest[RECORD_HASH]);
void record_put_many(struct buf *attrs, uint32_t n, const uint8_t digest[RECORD_HASH]);

/* ---- comparing ---- */

/* What differs between two states, as a set. */
enum record_field {
        RECORD_F_TYPE = 1u << 0,
        RECORD_F_MODE = 1u << 1,
        RECORD_F_UID = 1u << 2,
        RECORD_F_GID = 1u << 3,
        RECORD_F_SIZE = 1u << 4,
        RECORD_F_MTIME = 1u << 5,
        RECORD_F_INODE = 1u << 6,
        RECORD_F_LINKS = 1u << 7,
        RECORD_F_LINK = 1u << 8,
        RECORD_F_RDEV = 1u << 9,
        RECORD_F_SHA256 = 1u << 10,
        RECORD_F_XATTRS = 1u << 11,
        RECORD_F_FLAGS = 1u << 12,
        RECORD_F_ACL = 1u << 13,
        RECORD_F_ACL_DEFAULT = 1u << 14,
        RECORD_F_CAPS = 1u << 15,
        RECORD_F_LABEL = 1u << 16,
        RECORD_F_FS = 1u << 17,
        RECORD_F_COUNT = 18,
};

/* Differences worth an entry.  Not among them: ctime and device alone (a reboot may renumber
 * devices), and of directories size, mtime and links, which only repeat what their entries say. */
unsigned record_diff(const struct record *a, const struct record *b);

/* Canonical names of enum record_field, by bit, in the order of their bits. */
extern const char *const record_field_name[RECORD_F_COUNT];

/* The field that says that a part differs. */
enum record_field record_part_field(enum record_part p);

/* Of a directory that only leads to what is watched: keep owner and rights, and nothing of what is
 * in it; of which one it is the inode alone, for whoever asks whether something else is mounted. */
void record_keep_rights(struct record *r);

/* Whether everything stat() shows is the same, ctime included: then neither content nor attributes
 * were touched through the filesystem and need not be read again. */
bool record_same_stat(const struct record *a, const struct record *b);

/* Whether both are the same file on the same filesystem, not merely at the same path. */
bool record_same_file(const struct record *a, const struct record *b);

#endif
