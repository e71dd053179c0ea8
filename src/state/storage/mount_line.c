/* SPDX-License-Identifier: Apache-2.0 */
#include "state/storage/mount_line.h"

#include "state/reading/fields.h"

static void note_more(struct mount_line *ret, struct span word)
{
        ret->shared |= span_starts(word, SPAN("shared:"));
        ret->slave |= span_starts(word, SPAN("master:"));
        ret->unbindable |= span_eq_str(word, "unbindable");
}

bool mount_line_split(struct span line, struct mount_line *ret)
{
        struct span word;

        *ret = (struct mount_line){ 0 };
        for (size_t i = 0; i < 2; i++)
                if (!field_word(&line, &word))
                        return false;
        if (!field_word(&line, &ret->dev) || !field_word(&line, &ret->root) ||
            !field_word(&line, &ret->point) || !field_word(&line, &ret->options))
                return false;
        do {
                if (!field_word(&line, &word))
                        return false;
                note_more(ret, word);
        } while (!span_eq_str(word, "-"));
        if (!field_word(&line, &ret->type))
                return false;
        /* a source may be empty: two blanks then */
        if (!field_cut(&line, ' ', &word) || !field_cut(&line, ' ', &ret->source))
                return false;
        ret->fs_options = field_trim(line);
        return true;
}

static bool is_octal(struct span s)
{
        return s.n >= 4 && s.p[0] == '\\' && s.p[1] >= '0' && s.p[1] <= '3' && s.p[2] >= '0' &&
               s.p[2] <= '7' && s.p[3] >= '0' && s.p[3] <= '7';
}

void mount_line_put(struct buf *out, struct span field)
{
        while (field.n)
                if (is_octal(field)) {
                        buf_put_byte(out, (uint8_t)((field.p[1] - '0') * 64 +
                                                    (field.p[2] - '0') * 8 + (field.p[3] - '0')));
                        field = span_from(field, 4);
                } else {
                        buf_put_byte(out, field.p[0]);
                        field = span_from(field, 1);
                }
}
