/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - see policy.h. */
#include "command/policy.h"

#include "base/clock.h"
#include "base/text.h"

/* A century and a half; the clock ends some later. */
#define KEEP_MAX_NS (150LL * 366 * 86400 * NS_PER_S)

static struct span trim(struct span s)
{
        while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
                s = span_from(s, 1);
        for (size_t i = 0; i + 1 < s.n; i++)
                if (s.p[i] == ' ' && s.p[i + 1] == '#')
                        s.n = i;
        while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
                s.n--;
        return s;
}

static int parse_keep(struct span value, unsigned line, int64_t *ret_ns, struct err *err)
{
        static const struct {
                char unit;
                int64_t ns;
        } units[] = { { 'h', 3600 * NS_PER_S },
                      { 'd', 86400 * NS_PER_S },
                      { 'w', 7 * 86400 * NS_PER_S } };
        uint64_t n;

        value = trim(value);
        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                if (value.n < 2 || value.p[value.n - 1] != (uint8_t)units[i].unit)
                        continue;
                if (text_to_u64(span_of(value.p, value.n - 1), &n) == 0 && n > 0 &&
                    n <= (uint64_t)(KEEP_MAX_NS / units[i].ns)) {
                        *ret_ns = (int64_t)n * units[i].ns;
                        return 0;
                }
        }
        return err_set(err, -EINVAL, "line %u: \"keep: 400d\" wants a number and h, d or w", line);
}

int policy_keep(struct span file, int64_t *ret_ns, struct err *err)
{
        static const struct span key = SPAN_INIT("keep:");
        int64_t keep = 0;
        unsigned line = 0;
        int status;

        while (file.n > 0) {
                const uint8_t *end = memchr(file.p, '\n', file.n);
                struct span text = span_of(file.p, end ? (size_t)(end - file.p) : file.n);

                line++;
                file = span_from(file, text.n + 1);
                if (!span_starts(text, key))
                        continue;
                if (keep > 0)
                        return err_set(err, -EINVAL, "line %u: \"keep\" stands there a second time",
                                       line);
                status = parse_keep(span_from(text, key.n), line, &keep, err);
                if (status < 0)
                        return status;
        }
        if (keep == 0)
                return err_set(err, -EINVAL, "there is no line \"keep: 400d\"");
        *ret_ns = keep;
        return 0;
}
