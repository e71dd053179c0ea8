/* SPDX-License-Identifier: Apache-2.0 */
/* alloc_fail.h - make the n-th allocation fail.  Link with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc and include once per test program:
 *
 *   for (size_t nth = 1;; nth++) {
 *           alloc_fail_nth = nth;
 *           r = call();
 *           alloc_fail_nth = 0;
 *           if (r == 0) break;      // nothing failed any more
 *           assert_int_equal(r, -ENOMEM);
 *   } */
#ifndef TESTS_ALLOC_FAIL_H
#define TESTS_ALLOC_FAIL_H

#include <stdbool.h>
#include <stddef.h>

static size_t alloc_fail_nth; /* counts down to the failing one; 0: never */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static bool alloc_fails(void)
{
        return alloc_fail_nth > 0 && --alloc_fail_nth == 0;
}

void *__wrap_malloc(size_t n)
{
        return alloc_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return alloc_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
        return alloc_fails() ? NULL : __real_realloc(p, n);
}

#endif
