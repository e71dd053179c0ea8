/* SPDX-License-Identifier: Apache-2.0 */
/* policy_place.c - where an error of src/policy is; see policy_place.h. */
#include "package/policies/policy_place.h"

#include "base/text.h"

/* `word` and a number behind it. */
static bool take(struct span *s, struct span word, uint32_t *ret)
{
        size_t digits = 0;
        uint64_t v;

        if (!span_starts(*s, word))
                return false;
        *s = span_from(*s, word.n);
        while (digits < s->n && s->p[digits] >= '0' && s->p[digits] <= '9')
                digits++;
        if (text_to_u64(span_of(s->p, digits), &v) < 0 || v > UINT32_MAX)
                return false;
        *s = span_from(*s, digits);
        *ret = (uint32_t)v;
        return true;
}

const char *policy_place(const char *text, struct source_mark *ret)
{
        struct source_mark mark = { 0 };
        struct span s = span_str(text);

        *ret = (struct source_mark){ 0 };
        if (!take(&s, SPAN("line "), &mark.line) || !take(&s, SPAN(", column "), &mark.column) ||
            !span_starts(s, SPAN(": ")))
                return text;
        *ret = mark;
        return (const char *)s.p + 2;
}
