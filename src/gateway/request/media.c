/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/media.h"

#include "gateway/request/request_priv.h"

static struct span cut_token(struct span *rest)
{
        struct span token = span_of(rest->p, 0);

        while (token.n < rest->n && request_token[rest->p[token.n]])
                token.n++;
        *rest = span_from(*rest, token.n);
        return token;
}

static bool cut_byte(struct span *rest, uint8_t c)
{
        if (rest->n == 0 || rest->p[0] != c)
                return false;
        *rest = span_from(*rest, 1);
        return true;
}

/* A token, or what is between quotes; nothing there needs a backslash. */
static bool cut_value(struct span *rest, struct span *ret)
{
        const uint8_t *end;

        if (!cut_byte(rest, '"')) {
                *ret = cut_token(rest);
                return ret->n > 0;
        }
        end = rest->n ? memchr(rest->p, '"', rest->n) : NULL;
        if (!end || memchr(rest->p, '\\', (size_t)(end - rest->p)))
                return false;
        *ret = span_of(rest->p, (size_t)(end - rest->p));
        *rest = span_from(*rest, ret->n + 1);
        return true;
}

/* "; charset=utf-8" and others, each once. */
static bool read_parameters(struct media_type *m, struct span rest)
{
        bool charset = false;

        while (rest.n > 0) {
                struct span name, value;

                while (cut_byte(&rest, ' '))
                        ;
                if (!cut_byte(&rest, ';'))
                        return false;
                while (cut_byte(&rest, ' '))
                        ;
                name = cut_token(&rest);
                if (name.n == 0 || !cut_byte(&rest, '=') || !cut_value(&rest, &value))
                        return false;
                if (!http_is_word(name, "charset"))
                        continue;
                if (charset)
                        return false;
                charset = true;
                m->utf8 = http_is_word(value, "utf-8");
        }
        return true;
}

/* Borrowed where it is in lower case. */
static int put_type(struct media_type *m, struct span type, struct arena *arena)
{
        uint8_t *out;
        size_t i = 0;

        while (i < type.n && !(type.p[i] >= 'A' && type.p[i] <= 'Z'))
                i++;
        if (i == type.n) {
                m->type = type;
                return 0;
        }
        out = arena_alloc(arena, type.n);
        if (!out)
                return -ENOMEM;
        for (i = 0; i < type.n; i++)
                out[i] = type.p[i] == '/' ? '/' : request_token[type.p[i]];
        m->type = span_of(out, type.n);
        return 0;
}

int media_type_read(struct span value, struct arena *arena, struct media_type *ret)
{
        struct span rest = value, type = cut_token(&rest);
        bool slash = cut_byte(&rest, '/');
        struct span subtype = cut_token(&rest);
        struct media_type m = { .utf8 = true };
        int rc;

        if (type.n == 0 || !slash || subtype.n == 0 || !read_parameters(&m, rest))
                return -EINVAL;
        rc = put_type(&m, span_of(value.p, type.n + 1 + subtype.n), arena);
        if (rc == 0)
                *ret = m;
        return rc;
}
