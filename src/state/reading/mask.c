/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/mask.h"

#include <strings.h>

static const struct span stars = SPAN_INIT("***");

static const char *const names[] = { "pass",       "pwd",       "secret",    "token",
                                     "apikey",     "api_key",   "api-key",   "access_key",
                                     "access-key", "accesskey", "credential" };

static bool holds(struct span s, const char *name)
{
        size_t n = strlen(name);

        for (size_t i = 0; i + n <= s.n; i++)
                if (strncasecmp((const char *)s.p + i, name, n) == 0)
                        return true;
        return false;
}

static bool is_secret_name(struct span s)
{
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (holds(s, names[i]))
                        return true;
        return false;
}

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\n';
}

/* Bytes of a value: to a blank, or to the quote that ends it. */
static size_t value_len(struct span s)
{
        uint8_t quote = s.n && (s.p[0] == '"' || s.p[0] == '\'') ? s.p[0] : 0;
        size_t n = quote ? 1 : 0;

        while (n < s.n && (quote ? s.p[n] != quote : !is_blank(s.p[n])))
                n++;
        return quote && n < s.n ? n + 1 : n;
}

/* Where the password of "scheme://user:password@host" is in a word; false: it has none. */
static bool url_secret(struct span word, size_t *ret_at, size_t *ret_n)
{
        const uint8_t *start = memmem(word.p, word.n, "://", 3), *colon, *end;
        struct span rest;

        if (!start)
                return false;
        rest = span_from(word, (size_t)(start - word.p) + 3);
        end = memchr(rest.p, '@', rest.n);
        colon = end ? memchr(rest.p, ':', (size_t)(end - rest.p)) : NULL;
        if (!colon || colon + 1 == end)
                return false;
        *ret_at = (size_t)(colon + 1 - word.p);
        *ret_n = (size_t)(end - colon - 1);
        return true;
}

/* A word that is NAME=value or name:value with a name that says so: bytes before the value. */
static size_t name_len(struct span word)
{
        for (size_t i = 1; i < word.n; i++)
                if (word.p[i] == '=' || word.p[i] == ':')
                        return is_secret_name(span_of(word.p, i)) ? i + 1 : 0;
        return 0;
}

/* Is the next word a secret because this one says so: --password, X-Token:, Bearer? */
static bool names_next(struct span word)
{
        if (word.n < 3)
                return false;
        if (word.n == 6 && strncasecmp((const char *)word.p, "bearer", 6) == 0)
                return true;
        return (word.p[0] == '-' && word.p[1] == '-') || word.p[word.n - 1] == ':'
                       ? is_secret_name(word)
                       : false;
}

static void put_word(struct buf *out, struct span word)
{
        size_t n = name_len(word), at, len;

        if (n && n < word.n) {
                buf_put(out, span_of(word.p, n));
                buf_put(out, stars);
                if (word.p[n] != '"' && word.p[word.n - 1] == '"')
                        buf_put_byte(out, '"');
        } else if (url_secret(word, &at, &len)) {
                buf_put(out, span_of(word.p, at));
                buf_put(out, stars);
                buf_put(out, span_from(word, at + len));
        } else {
                buf_put(out, word);
        }
}

/* To a blank, but a value in quotes behind '=' is all of the word. */
static size_t word_len(struct span s)
{
        size_t n = 0;

        while (n < s.n && !is_blank(s.p[n])) {
                if (s.p[n] == '=' && n + 1 < s.n && (s.p[n + 1] == '"' || s.p[n + 1] == '\'') &&
                    is_secret_name(span_of(s.p, n)))
                        return n + 1 + value_len(span_from(s, n + 1));
                n++;
        }
        return n;
}

void mask_put(struct buf *out, struct span text)
{
        bool secret = false;

        while (text.n) {
                size_t n = word_len(text);

                if (n == 0) {
                        buf_put_byte(out, text.p[0]);
                        text = span_from(text, 1);
                        continue;
                }
                if (secret && text.p[0] != '-') {
                        n = value_len(text);
                        buf_put(out, stars);
                        secret = false;
                } else {
                        put_word(out, span_of(text.p, n));
                        secret = names_next(span_of(text.p, n));
                }
                text = span_from(text, n);
        }
}

void mask_text(struct state_out *out, const char *column, struct span text)
{
        struct buf b = BUF_INIT(STATE_ROW_MAX);

        mask_put(&b, span_of(text.p, MIN_OF(text.n, (size_t)STATE_ROW_MAX)));
        state_text(out, column, buf_status(&b) < 0 ? stars : buf_span(&b));
        state_memory(out, &b);
        buf_done(&b);
}

void mask_item(struct state_out *out, const char *column, struct span text)
{
        struct buf b = BUF_INIT(STATE_ROW_MAX);

        mask_put(&b, span_of(text.p, MIN_OF(text.n, (size_t)STATE_ROW_MAX)));
        state_item(out, column, buf_status(&b) < 0 ? stars : buf_span(&b));
        state_memory(out, &b);
        buf_done(&b);
}
