/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - restricted canonical JSON: check, read, write.  Floor 1, pure.
 *
 * The profile is RFC 8785 (JCS) narrowed: objects, arrays, strings, true, false, null and integers
 * |n| <= 2^53-1; no fraction, exponent or minus zero; keys match [a-z_][a-z0-9_]* and ascend by
 * byte without duplicates; UTF-8 without lone surrogates; only '"', '\' and controls are escaped
 * (\b \t \n \f \r, else lower-case \u00xx).  No blanks.  Stored bytes are hashed and served: a
 * verifier checks them and never writes them again.
 *
 * SECURITY: json_check() and json_canonicalize() read hostile bytes.  Everything named json_get,
 * json_next or json_value_* expects bytes that json_check() accepted. */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum { JSON_DEPTH_MAX = 32 };
#define JSON_INT_MAX 9007199254740991LL /* 2^53 - 1 */

/* Is s exactly one canonical object (or, with json_check_value, any one value)?
 * -EINVAL and "byte 17: ..." (the first byte is 0) with what was found; -E2BIG when deeper than
 * JSON_DEPTH_MAX. */
MUST_USE int json_check(struct span s, struct err *err);
MUST_USE int json_check_value(struct span s, struct err *err);

/* Any one value of free JSON in, canonical JSON appended to out.  JSON_ANY_KEY lifts the rule on
 * the spelling of keys (they then sort by UTF-16 code unit as RFC 8785 wants).  Numbers stay
 * restricted in both: a fraction is refused even where it is zero.  -EINVAL and the byte; -E2BIG
 * for more than JSON_FREE_MAX bytes, too deep, or out's ceiling; -ENOMEM.  On failure out has what
 * it had. */
enum { JSON_FREE_MAX = 16 * 1024 * 1024 };
enum json_canonical_flags { JSON_ANY_KEY = 1u << 0 };
MUST_USE int json_canonicalize(struct span s, unsigned flags, struct buf *out, struct err *err);

/* ---- reading what was checked ---- */

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_INT, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* One value: its type and its text, quotes and brackets included. */
struct json_value {
        enum json_type type;
        struct span raw;
};

struct json_value json_value_of(struct span checked);

/* Walk the members of an object or the items of an array. */
struct json_iter {
        struct span rest;
        bool first;
};
struct json_iter json_iter_of(struct json_value container);
/* false at the end.  key may be NULL for arrays; for objects it is the key without its quotes. */
bool json_next(struct json_iter *it, struct span *ret_key, struct json_value *ret);

/* Member by key; by dotted path ("src.run").  false when absent; *ret untouched. */
bool json_get(struct json_value object, const char *key, struct json_value *ret);
bool json_get_path(struct json_value object, const char *path, struct json_value *ret);

/* Is v an array of exactly n items?  They are put into ret; on false it holds anything. */
bool json_value_items(struct json_value v, struct json_value *ret, size_t n);
/* Typed: false when v has another type. */
bool json_value_int(struct json_value v, int64_t *ret);
/* Appends the text, escapes undone. */
bool json_value_text(struct json_value v, struct buf *out);
/* Strings without any escape can be borrowed: false when v is no string or has one. */
bool json_value_plain(struct json_value v, struct span *ret);

/* ---- writing ---- */

/* Writes canonical JSON into a buf.  Misuse (keys out of order, a value without key) is our bug and
 * asserts; failures of the buf stick there. */
struct json_writer {
        struct buf *out;
        unsigned depth;
        bool need_comma;
        struct {
                bool object;
                uint32_t key_at, key_n; /* last key, for the order check */
        } level[JSON_DEPTH_MAX];
};

void json_writer_init(struct json_writer *w, struct buf *out);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_put_key(struct json_writer *w, const char *key);
void json_put_null(struct json_writer *w);
void json_put_bool(struct json_writer *w, bool v);
void json_put_int(struct json_writer *w, int64_t v);  /* |v| <= JSON_INT_MAX, asserted */
void json_put_u64(struct json_writer *w, uint64_t v); /* above JSON_INT_MAX as a decimal string */
/* s must be UTF-8 (asserted); use json_put_bytes for what may not be. */
void json_put_string(struct json_writer *w, struct span s);
void json_put_raw(struct json_writer *w, struct span checked_value);

/* key: s when s is UTF-8, else key_b64: base64(s).  Both keys must fit the order at this place. */
void json_put_bytes(struct json_writer *w, const char *key, struct span s);

/* A key and its value in one. */
void json_member_text(struct json_writer *w, const char *key, const char *utf8);
void json_member_string(struct json_writer *w, const char *key, struct span utf8);
void json_member_u64(struct json_writer *w, const char *key, uint64_t v);
void json_member_int(struct json_writer *w, const char *key, int64_t v);
void json_member_bool(struct json_writer *w, const char *key, bool v);
void json_member_raw(struct json_writer *w, const char *key, struct span checked_value);
void json_member_time(struct json_writer *w, const char *key, int64_t wall_ns); /* text_time() */

/* Only the escaped string with its quotes, for those who build text themselves. */
void json_put_quoted(struct buf *out, struct span utf8);

#endif
