/* SPDX-License-Identifier: Apache-2.0 */
/* regex_priv.h - a pattern being read, for the files of regex_read().  Floor 2, pure. */
#ifndef PACKAGE_REGEX_PRIV_H
#define PACKAGE_REGEX_PRIV_H

#include "base/buf.h"
#include "base/err.h"
#include "package/regex/regex.h"

struct regex_reader {
        struct span s;
        size_t at;
        struct buf *out;
        struct err *err;
        bool repeats; /* a quantifier may follow what was read last ... */
        size_t last;  /* ... which begins here in out */
        unsigned depth;
        struct {
                bool looks; /* it is a look-around */
                size_t at;  /* in out */
        } group[REGEX_NEST_MAX];
};

/* One element of a pattern or of brackets. */
struct regex_atom {
        bool set; /* many characters, already written; else: */
        uint32_t point;
};

/* ---- regex_read.c ---- */

/* -EINVAL, with the character that is there. */
int regex_fail(const struct regex_reader *r, size_t at, const char *what);
/* Is this next?  Then it is behind. */
bool regex_take(struct regex_reader *r, const char *word);

/* 0: the end */
static inline uint8_t regex_peek(const struct regex_reader *r)
{
        return r->at < r->s.n ? r->s.p[r->at] : 0;
}

static inline bool regex_is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static inline bool regex_is_letter(uint8_t c)
{
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* ---- regex_escape.c ---- */

/* From the backslash. */
MUST_USE int regex_read_escape(struct regex_reader *r, bool brackets, struct regex_atom *ret);

#endif
