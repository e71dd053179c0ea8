/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static PRINTF_LIKE(2, 0) void put_text(struct err *err, const char *fmt, va_list ap)
{
        if (vsnprintf(err->text, sizeof err->text, fmt, ap) < 0)
                err->text[0] = '\0';
}

int(err_set)(struct err *err, int code, const char *fmt, ...)
{
        va_list ap;

        assert(code < 0);
        if (!err)
                return code;
        err->code = code;
        va_start(ap, fmt);
        put_text(err, fmt, ap);
        va_end(ap);
        return code;
}

int(err_sys)(struct err *err, int code, const char *fmt, ...)
{
        va_list ap;
        size_t n;

        assert(code < 0);
        if (!err)
                return code;
        err->code = code;
        va_start(ap, fmt);
        put_text(err, fmt, ap);
        va_end(ap);
        n = strlen(err->text);
        snprintf(err->text + n, sizeof err->text - n, ": %s", strerror(-code));
        return code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
        char was[ERR_TEXT_MAX];
        va_list ap;
        size_t n;

        if (!err)
                return -EINVAL;
        assert(err->code < 0);
        memcpy(was, err->text, sizeof was);
        va_start(ap, fmt);
        put_text(err, fmt, ap);
        va_end(ap);
        n = strlen(err->text);
        snprintf(err->text + n, sizeof err->text - n, ": %s", was);
        return err->code;
}

const char *err_text(const struct err *err)
{
        if (err->text[0])
                return err->text;
        return err->code ? strerror(-err->code) : "no error";
}
