/* SPDX-License-Identifier: Apache-2.0 */
/* freed.h - whether bytes were in memory when it was given back.  Link with -Wl,--wrap=free and
 * include once per test program. */
#ifndef TESTS_FREED_H
#define TESTS_FREED_H

#include <malloc.h>
#include <string.h>

static const char *freed_word; /* to look for; NULL: nothing */
static unsigned freed_with_it; /* blocks that had it */

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
        if (p && freed_word)
                freed_with_it +=
                        memmem(p, malloc_usable_size(p), freed_word, strlen(freed_word)) != NULL;
        __real_free(p);
}

#endif
