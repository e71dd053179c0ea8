/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - one file's state: what is recorded of it, and its bytes.  Floor 3, pure.
 *
 * The encoding, little-endian; one spelling per state, so equal states have equal bytes:
 *
 *   off len
 *    0   1  version, 1
 *    1   1  type (enum record_type)
 *    2   1  hash status (enum record_hash)
 *    3   1  reason when the hash is not known (enum record_reason)
 *    4   4  mode, permission bits only (07777)
 *    8   4  uid
 *   12   4  gid
 *   16   4  links
 *   20   4  flags (enum record_flags)
 *   24   8  size
 *   32   8  mtime, ns since 1970, signed
 *   40   8  ctime, ns
 *   48   8  btime, ns; 0: the filesystem keeps none
 *   56   8  inode
 *   64   8  device, major << 32 | minor
 *   72   8  rdev of a device node, same form; else 0
 *   80   2  link target bytes
 *   82   2  extended attribute name bytes
 *   84   1  extended attribute status (enum record_xattrs)
 *   85   3  zero
 *   88   .  sha256[32] when the hash is known
 *        .  link target
 *        .  when there are names: digest[32] over names and values, then the names, each with its
 * NUL, ascending
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
        RECORD_MAX = RECORD_FIXED + 2 * RECORD_HASH + 2 * UINT16_MAX,
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
};

enum record_xattrs {
        RECORD_XATTRS_KNOWN,
        RECORD_XATTRS_UNSUPPORTED, /* the filesystem has none */
        RECORD_XATTRS_UNREADABLE,
        RECORD_XATTRS_END,
};

struct record {
        enum record_type type;
        enum record_hash hash;
        enum record_reason reason;
        enum record_xattrs xattr_status;
        uint32_t mode, uid, gid, nlink, flags;
        uint64_t size, ino, dev, rdev;
        int64_t mtime_ns, ctime_ns, btime_ns;
        uint8_t sha256[RECORD_HASH];       /* zero unless known */
        uint8_t xattr_digest[RECORD_HASH]; /* zero unless there are names */
        struct span link;                  /* borrowed */
        struct span xattrs;                /* borrowed: names, each with its NUL */
};

/* Appends the bytes.  A record that breaks the rules above is our bug and asserts. */
void record_encode(const struct record *r, struct buf *out);

/* The whole of s; spans of *ret point into it.  -EBADMSG and the field. */
MUST_USE int record_decode(struct span s, struct record *ret, struct err *err);

const char *record_type_name(enum record_type t);
const char *record_hash_name(enum record_hash h);
const char *record_reason_name(enum record_reason r);

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
        RECORD_F_COUNT = 13,
};

/* Differences worth an entry.  Not among them: ctime and device alone (a reboot may renumber
 * devices), and of directories size, mtime and links, which only repeat what their entries say. */
unsigned record_diff(const struct record *a, const struct record *b);

/* Canonical names of enum record_field, by bit, in the order of their bits. */
extern const char *const record_field_name[RECORD_F_COUNT];

/* Whether everything stat() shows is the same, ctime included: then neither content nor attributes
 * were touched through the filesystem and need not be read again. */
bool record_same_stat(const struct record *a, const struct record *b);

/* Whether both are the same file on the same filesystem, not merely at the same path. */
bool record_same_file(const struct record *a, const struct record *b);

#endif
