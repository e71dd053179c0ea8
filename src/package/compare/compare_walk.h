/* SPDX-License-Identifier: Apache-2.0 */
/* compare_walk.h - two schemas side by side, and those within them.  Floor 2, pure. */
#ifndef PACKAGE_COMPARE_WALK_H
#define PACKAGE_COMPARE_WALK_H

#include "package/compare/compare_priv.h"

enum { COMPARE_WHERE_MAX = 512 };

/* Of values: fewer of them, or others as well. */
enum compare_fits {
        FITS_LESS = 1u << 0,
        FITS_MORE = 1u << 1,
        FITS_EITHER = FITS_LESS | FITS_MORE,
};

struct compare_walk {
        struct comparer *c;
        const struct compare_where *w;
        char where[COMPARE_WHERE_MAX];
        size_t where_n;
        unsigned depth;
        bool unsure; /* within what is not monotone: any difference may do either */
};

/* enum compare_effect of a difference. */
unsigned compare_effect_of(const struct compare_walk *w, unsigned fits);
/* Something at this place. */
void compare_tell(struct compare_walk *w, unsigned effect, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* All that a schema says of a value but for what is within it. */
void compare_values(struct compare_walk *w, const struct api_schema *a, const struct api_schema *b);
void compare_data_class(struct compare_walk *w, struct span a, struct span b);

#endif
