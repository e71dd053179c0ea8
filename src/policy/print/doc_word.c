/* SPDX-License-Identifier: Apache-2.0 */
/* doc_word.c - the words of names, strings and entities.  Floor 2, pure. */
#include "policy/print/doc_word.h"

#include "base/text.h"
#include "policy/parse/token.h"
#include "policy/print/print.h"

static const size_t text_max = (size_t)1 << 30;

/* Characters that an eye does not see as they are: controls, marks that turn the direction of text,
 * ends of lines, the byte order mark. */
static bool hides(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c ||
               (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
               (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

static void put_escaped(struct buf *out, struct span s, bool pattern)
{
        static const struct {
                char c;
                const char *as;
        } simple[] = {
                { '\n', "\\n" }, { '\r', "\\r" },  { '\t', "\\t" },
                { '\0', "\\0" }, { '\\', "\\\\" }, { '"', "\\\"" },
        };
        uint32_t point = 0;
        unsigned n;

        for (; (n = text_utf8_first(s, &point)) > 0; s = span_from(s, n)) {
                const char *as = NULL;

                for (size_t i = 0; i < ARRAY_LEN(simple); i++)
                        if (point == (uint8_t)simple[i].c)
                                as = simple[i].as;
                if (pattern && point == '*')
                        as = "\\*";
                if (as)
                        buf_put_str(out, as);
                else if (hides(point))
                        buf_printf(out, "\\u{%x}", point);
                else
                        buf_put(out, span_of(s.p, n));
        }
}

void cedar_print_string(struct span s, struct buf *out)
{
        buf_put_byte(out, '"');
        put_escaped(out, s, false);
        buf_put_byte(out, '"');
}

void cedar_print_uid(const struct cedar_uid *uid, struct buf *out)
{
        buf_put(out, uid->type);
        buf_put_str(out, "::");
        cedar_print_string(uid->id, out);
}

/* The word that was rendered into b, whose failure is the layout's. */
static void put_rendered(struct layout *l, const struct buf *b, bool blank)
{
        if (buf_status(b) < 0 && l->text.status == 0)
                l->text.status = buf_status(b);
        layout_free_word(l, buf_span(b), blank);
}

void doc_string(struct layout *l, struct span s, bool blank)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(text_max);

        cedar_print_string(s, &b);
        put_rendered(l, &b, blank);
}

void doc_pattern(struct layout *l, const struct cedar_pattern *p, bool blank)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(text_max);

        buf_put_byte(&b, '"');
        for (uint32_t i = 0; i < p->n; i++) {
                if (i)
                        buf_put_byte(&b, '*');
                put_escaped(&b, p->pieces[i], true);
        }
        buf_put_byte(&b, '"');
        put_rendered(l, &b, blank);
}

void doc_path(struct layout *l, struct span path, bool blank)
{
        size_t from = 0;

        for (size_t i = 0; i < path.n; i++)
                if (path.p[i] == ':') {
                        layout_free_word(l, span_of(path.p + from, i - from), blank);
                        layout_word(l, SPAN("::"), false);
                        from = ++i + 1;
                        blank = false;
                }
        layout_free_word(l, span_from(path, from), blank);
}

void doc_uid(struct layout *l, const struct cedar_uid *uid, bool blank)
{
        doc_path(l, uid->type, blank);
        layout_word(l, SPAN("::"), false);
        doc_string(l, uid->id, false);
}

void doc_name(struct layout *l, struct span name, bool blank)
{
        if (cedar_is_ident(name))
                layout_free_word(l, name, blank);
        else
                doc_string(l, name, blank);
}
