/* SPDX-License-Identifier: Apache-2.0 */
/* mask_text.c - masks of one string.  Floor 3, pure.  SECURITY: hostile text, UTF-8. */
#include "gateway/masking/mask.h"

#include "crypto/sha256.h"
#include "package/schema/schema_format.h"

/* LAST_SHOWN of LAST_OF characters: four of "123-45-6789". */
enum { LAST_SHOWN = 4, LAST_OF = 11, FIRST_SHOWN = 1, HASH_BYTES = 10, HASH_TEXT = 16, YEAR = 4 };

static uint8_t *room(struct arena *arena, size_t n, struct span *ret)
{
        uint8_t *p = arena_alloc(arena, n);

        *ret = span_of(p, p ? n : 0);
        return p;
}

static bool begins_character(uint8_t c)
{
        return (c & 0xc0) != 0x80;
}

static size_t characters(struct span s)
{
        size_t n = 0;

        for (size_t i = 0; i < s.n; i++)
                n += begins_character(s.p[i]);
        return n;
}

/* Bytes of the first n characters. */
static size_t bytes_of(struct span s, size_t n)
{
        size_t i = 0;

        while (i < s.n && (n > 0 || !begins_character(s.p[i])))
                n -= begins_character(s.p[i++]);
        return i;
}

/* Characters from `from` up to `to` are shown. */
static int show(struct span text, size_t all, size_t from, size_t to, struct arena *arena,
                struct span *ret)
{
        size_t first = bytes_of(text, from), end = bytes_of(text, to);
        uint8_t *p = room(arena, from + (end - first) + (all - to), ret);

        if (!p)
                return -ENOMEM;
        memset(p, '*', ret->n);
        if (end > first)
                memcpy(p + from, text.p + first, end - first);
        return 0;
}

/* Of a short text the last four are most of it. */
static int last4(struct span text, struct arena *arena, struct span *ret)
{
        size_t n = characters(text), shown = 0;

        if (n >= LAST_OF)
                shown = LAST_SHOWN;
        else if (n > LAST_SHOWN)
                shown = n * LAST_SHOWN / LAST_OF;
        return show(text, n, n - shown, n, arena, ret);
}

static int first1(struct span text, struct arena *arena, struct span *ret)
{
        size_t n = characters(text);

        return show(text, n, 0, n > FIRST_SHOWN ? FIRST_SHOWN : 0, arena, ret);
}

static int hash(struct span text, struct span class, const struct hmac_key *key,
                struct arena *arena, struct span *ret)
{
        static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
        const struct span parts[] = { class, span_of("", 1), text };
        uint8_t mac[SHA256_LEN], *p = room(arena, HASH_TEXT, ret);

        if (!p)
                return -ENOMEM;
        hmac_sha256(key, parts, ARRAY_LEN(parts), mac);
        for (size_t i = 0; i < HASH_TEXT; i++) {
                size_t bit = 5 * i;
                unsigned two = (unsigned)mac[bit / 8] << 8 | mac[bit / 8 + 1];

                p[i] = (uint8_t)digits[two >> (11 - bit % 8) & 31];
        }
        return 0;
}

int mask_text(enum mask mask, struct span text, struct span class, const struct hmac_key *key,
              struct arena *arena, struct span *ret)
{
        switch (mask) {
        case MASK_LAST4:
                return last4(text, arena, ret);
        case MASK_FIRST1:
                return first1(text, arena, ret);
        case MASK_HASH:
                return hash(text, class, key, arena, ret);
        case MASK_DATE_YEAR:
                if (schema_format_fits(API_FORMAT_DATE, text) ||
                    schema_format_fits(API_FORMAT_DATE_TIME, text)) {
                        *ret = span_of(text.p, YEAR);
                        return 0;
                }
                break;
        default:
                break;
        }
        *ret = SPAN("***");
        return 0;
}
