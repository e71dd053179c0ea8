/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - what went wrong, in words, owned by the caller.  Floor 0.
 *
 * Functions return 0 or a negative errno and, on failure, leave their outputs untouched.  The text
 * says what and where ("bundle 3, entry 17: ..."), and is complete without the code. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum { ERR_TEXT_MAX = 512 };

struct err {
        int code; /* negative errno, 0 when unset */
        char text[ERR_TEXT_MAX];
};

/* Set *err (which may be NULL) and return code, a negative errno.  A longer text is cut. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same with ": <strerror(-code)>" behind the text. */
int err_sys(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The value of a call is its code: said here as well, so that compilers and analysers, which do not
 * see into err.c, know that `return err_set(err, -EINVAL, ...)` is a failure. */
#define err_set(err, code, ...)                                                                    \
        ({                                                                                         \
                const int err_code_ = (code);                                                      \
                (void)(err_set)(err, err_code_, __VA_ARGS__);                                      \
                err_code_;                                                                         \
        })
#define err_sys(err, code, ...)                                                                    \
        ({                                                                                         \
                const int err_code_ = (code);                                                      \
                (void)(err_sys)(err, err_code_, __VA_ARGS__);                                      \
                err_code_;                                                                         \
        })

/* Put "<text>: " before what *err says already; returns err's code, which must be set (asserted).
 * Without an err there is no code to return: -EINVAL, never 0. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The text, or strerror of the code where none was set; never NULL. */
const char *err_text(const struct err *err);

#endif
