/* SPDX-License-Identifier: Apache-2.0 */
/* schema_fault.c - why a value does not fit a schema, and where in it.  Floor 2, pure.  SECURITY:
 * values are hostile, and nobody's business: of a place only names that the document has are told.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "package/schema/schema_check_priv.h"

enum { PATH_SHOWN = 256, NAME_SHOWN = 48 };

static bool is_plain(struct span name)
{
        for (size_t i = 0; i < name.n; i++) {
                uint8_t c = name.p[i], letter = c | 0x20;

                if ((letter < 'a' || letter > 'z') && c != '_' && c != '-' &&
                    (c < '0' || c > '9' || i == 0))
                        return false;
        }
        return name.n > 0 && name.n <= NAME_SHOWN;
}

struct span schema_cut(struct span s, size_t n)
{
        if (s.n <= n)
                return s;
        while (n > 0 && (s.p[n] & 0xc0) == 0x80)
                n--;
        return span_of(s.p, n);
}

/* The document's; another may be anything, somebody's name or address for one. */
static void put_name(const struct check *k, struct buf *out, struct span name)
{
        struct span shown = schema_cut(name, NAME_SHOWN);

        if (!api_checker_named(k->c, name)) {
                buf_put_str(out, ".*");
                return;
        }
        if (is_plain(name)) {
                buf_put_byte(out, '.');
                buf_put(out, name);
                return;
        }
        buf_put_str(out, "[\"");
        text_put_safe(out, shown);
        buf_put_str(out, shown.n < name.n ? "...\"]" : "\"]");
}

/* Recursion is that of the value's depth.  false: it was cut. */
static bool put_place(const struct check *k, const struct place *at, struct buf *out)
{
        if (at->kind == PLACE_WHOLE) {
                buf_put_str(out, k->what);
                return true;
        }
        if (!put_place(k, at->above, out))
                return false;
        if (out->n > PATH_SHOWN) {
                buf_put_str(out, "...");
                return false;
        }
        if (at->kind == PLACE_ITEM)
                buf_printf(out, "[%" PRIu32 "]", at->item);
        else
                put_name(k, out, at->name);
        if (at->kind == PLACE_NAME)
                buf_put_str(out, " (the name)");
        return true;
}

int schema_fault(struct check *k, const struct place *at, const char *fmt, ...)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT((size_t)2 * ERR_TEXT_MAX);
        char text[ERR_TEXT_MAX / 2];
        va_list ap;

        if (k->quiet > 0 || !k->err)
                return -EINVAL;
        (void)put_place(k, at, &path);
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        return err_set(k->err, -EINVAL, "%s: %s", buf_cstr(&path), text);
}

int schema_too_much(struct check *k)
{
        return err_set(k->err, -E2BIG, "%s: takes too long to check", k->what);
}
