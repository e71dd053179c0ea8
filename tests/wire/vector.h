/* SPDX-License-Identifier: Apache-2.0 */
/* vector.h - read the flat JSON objects of the public proof vectors: strings, numbers, booleans and
 * arrays of strings.  For test data we chose, not for hostile input; any surprise fails the test.
 */
#ifndef TESTS_WIRE_VECTOR_H
#define TESTS_WIRE_VECTOR_H

#include "base/text.h"
#include "wire/proof.h"

#include <stdio.h>
#include <stdlib.h>

static inline char *vector_read(const char *path, size_t *ret_n)
{
        FILE *f = fopen(path, "rb");
        char *text;
        size_t n;

        if (!f)
                return NULL;
        text = calloc(1, 1 << 20);
        n = text ? fread(text, 1, (1 << 20) - 1, f) : 0;
        fclose(f);
        if (ret_n)
                *ret_n = n;
        return text;
}

/* Where the value of a key begins; NULL when absent. */
static inline const char *vector_value(const char *text, const char *key)
{
        char quoted[64];
        const char *p;

        snprintf(quoted, sizeof quoted, "\"%s\":", key);
        p = strstr(text, quoted);
        if (!p)
                return NULL;
        p += strlen(quoted);
        while (*p == ' ' || *p == '\n')
                p++;
        return p;
}

static inline uint64_t vector_number(const char *text, const char *key)
{
        const char *p = vector_value(text, key);

        assert(p && *p >= '0' && *p <= '9');
        return strtoull(p, NULL, 10);
}

static inline bool vector_bool(const char *text, const char *key)
{
        const char *p = vector_value(text, key);

        assert(p && (*p == 't' || *p == 'f'));
        return *p == 't';
}

/* A base64 string; *at goes behind it.  Some vectors have words ("don't care") in place of a hash
 * that is only compared: those are padded, their length last.  false for an empty one. */
static inline bool vector_hash(const char **at, struct hash *ret)
{
        const char *end;
        uint8_t raw[HASH_LEN] = { 0 };
        size_t n = 0;

        assert(**at == '"');
        end = strchr(*at + 1, '"');
        assert(end);
        if (text_from_base64(span_of(*at + 1, (size_t)(end - *at - 1)), raw, sizeof raw, &n))
                assert(!"base64 of a vector");
        *at = end + 1;
        if (n < HASH_LEN)
                raw[HASH_LEN - 1] = (uint8_t)n;
        memcpy(ret->b, raw, HASH_LEN);
        return n > 0;
}

static inline bool vector_hash_of(const char *text, const char *key, struct hash *ret)
{
        const char *p = vector_value(text, key);

        assert(p);
        return vector_hash(&p, ret);
}

/* false when an element is empty. */
static inline bool vector_hashes(const char *text, const char *key, struct hash *ret, size_t max,
                                 size_t *ret_n)
{
        const char *p = vector_value(text, key);
        bool good = true;

        *ret_n = 0;
        if (!p || strncmp(p, "null", 4) == 0)
                return true;
        assert(*p == '[');
        for (p++; *p != ']'; p++)
                if (*p == '"') {
                        assert(*ret_n < max);
                        good = vector_hash(&p, &ret[(*ret_n)++]) && good;
                        p--;
                }
        return good;
}

#endif
