/* SPDX-License-Identifier: Apache-2.0 */
/* base.h - the words every other file uses: attributes, cleanup, spans, checked sums.  Floor 0. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Asserts mean "our bug" and stay on in every build. */
#undef NDEBUG

#define MUST_USE          __attribute__((warn_unused_result))
#define UNUSED            __attribute__((unused))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define CLEANUP(fn)       __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define JOIN(a, b)   JOIN_(a, b)
#define JOIN_(a, b)  a##b

/* The smaller, the larger of two numbers.  Each argument is evaluated once: it may read a clock.
 * Bit-fields and nested uses are fine; where the two differ in sign the compiler warns.
 * Not inside an initialiser's braces: cppcheck cannot follow them there. */
#define MIN_OF(a, b) PICK_OF(a, <, b, JOIN(pick_, __COUNTER__), JOIN(pick_, __COUNTER__))
#define MAX_OF(a, b) PICK_OF(a, >, b, JOIN(pick_, __COUNTER__), JOIN(pick_, __COUNTER__))
#define PICK_OF(a, op, b, x, y)                                                                    \
        ({                                                                                         \
                __auto_type x = (a) + 0;                                                           \
                __auto_type y = (b) + 0;                                                           \
                x op y ? x : y;                                                                    \
        })
#define STATIC_ASSERT                   _Static_assert
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* DEFINE_CLEANUP(struct thing, thing_free) makes thing_freep() for
 * `CLEANUP(thing_freep) struct thing *t = NULL;`.  thing_free takes NULL and returns NULL. */
#define DEFINE_CLEANUP(type, fn)                                                                   \
        static inline UNUSED void fn##p(type **p)                                                  \
        {                                                                                          \
                *p = fn(*p);                                                                       \
        }

/* Borrowed bytes.  A span never owns what it points at. */
struct span {
        const uint8_t *p;
        size_t n;
};

/* Span of a string literal, without its terminator; the second is for static initialisers. */
#define SPAN(lit) ((struct span){ (const uint8_t *)(lit), sizeof(lit) - 1 })
#define SPAN_INIT(lit)                                                                             \
        {                                                                                          \
                (const uint8_t *)(lit), sizeof(lit) - 1                                            \
        }
#define SPAN_NONE ((struct span){ NULL, 0 })

static inline struct span span_of(const void *p, size_t n)
{
        return (struct span){ (const uint8_t *)p, n };
}

static inline struct span span_str(const char *s)
{
        return span_of(s, strlen(s));
}

static inline bool span_eq(struct span a, struct span b)
{
        return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_eq_str(struct span a, const char *s)
{
        return span_eq(a, span_str(s));
}

static inline bool span_starts(struct span a, struct span prefix)
{
        return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

/* Order by bytes, a shorter prefix first. */
static inline int span_cmp(struct span a, struct span b)
{
        size_t n = MIN_OF(a.n, b.n);
        int c = n ? memcmp(a.p, b.p, n) : 0;

        return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* The part of s from `from` on; empty when from is past the end. */
static inline struct span span_from(struct span s, size_t from)
{
        return from >= s.n ? span_of(s.p ? s.p + s.n : NULL, 0) : span_of(s.p + from, s.n - from);
}

/* The next part of a path, what is between two slashes and not empty, taken off it; false: there is
 * none. */
static inline bool span_part(struct span *path, struct span *ret)
{
        const uint8_t *slash;

        while (path->n && path->p[0] == '/')
                *path = span_from(*path, 1);
        if (path->n == 0)
                return false;
        slash = memchr(path->p, '/', path->n);
        *ret = span_of(path->p, slash ? (size_t)(slash - path->p) : path->n);
        *path = span_from(*path, ret->n);
        return true;
}

/* Sums of hostile sizes: true when the result fits. */
static inline MUST_USE bool size_add(size_t a, size_t b, size_t *ret)
{
        return !__builtin_add_overflow(a, b, ret);
}

static inline MUST_USE bool size_mul(size_t a, size_t b, size_t *ret)
{
        return !__builtin_mul_overflow(a, b, ret);
}

/* A check's answer.  Silence is UNKNOWN, never PASS. */
enum verdict {
        VERDICT_PASS,
        VERDICT_FAIL,
        VERDICT_UNKNOWN,
};

#endif
