/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: replies are a server's bytes: they are cut and made safe before anybody keeps them. */
#include "fleet/recipients.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

enum { CODE = 3, ACCEPTED_BELOW = 300, TEMPORARY_BELOW = 500 };

void recipients_begin(struct recipients *r, const struct deliver_sink *sink, int64_t now_ns)
{
        *r = (struct recipients){ .sink = sink, .began_ns = now_ns, .asked = -1 };
}

void recipients_try(struct recipients *r)
{
        memset(r->reply, 0, sizeof r->reply);
        r->asked = -1;
}

static int find(const struct recipients *r, struct span address)
{
        for (size_t i = 0; i < r->sink->n_to; i++)
                if (span_eq_str(address, r->sink->to[i]))
                        return (int)i;
        return -1;
}

void recipients_sent(struct recipients *r, struct span line)
{
        static const struct span rcpt = SPAN_INIT("RCPT TO:<");
        const uint8_t *end;

        r->asked = -1;
        if (!span_starts(line, rcpt))
                return;
        line = span_from(line, rcpt.n);
        end = memchr(line.p, '>', line.n);
        if (end)
                r->asked = find(r, span_of(line.p, (size_t)(end - line.p)));
}

static bool read_code(struct span line, unsigned *ret)
{
        unsigned code = 0;

        if (line.n < CODE)
                return false;
        for (size_t i = 0; i < CODE; i++) {
                if (line.p[i] < '0' || line.p[i] > '9')
                        return false;
                code = code * 10 + (line.p[i] - '0');
        }
        *ret = code;
        return line.n == CODE || line.p[CODE] != '-'; /* of several lines the last one counts */
}

static void keep_words(char out[RECIPIENT_WORDS_MAX + 1], struct span line)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(8 * RECIPIENT_WORDS_MAX);
        size_t n = 0;

        while (n < line.n && n < RECIPIENT_WORDS_MAX && line.p[n] != '\r' && line.p[n] != '\n')
                n++;
        text_put_safe(&safe, span_of(line.p, n));
        n = MIN_OF(safe.n, (size_t)RECIPIENT_WORDS_MAX);
        while (n > 0 && n < safe.n && (safe.p[n] & 0xc0) == 0x80)
                n--;
        snprintf(out, RECIPIENT_WORDS_MAX + 1, "%.*s", (int)n, buf_cstr(&safe));
}

void recipients_heard(struct recipients *r, struct span line)
{
        unsigned code;
        int i = r->asked;

        if (i < 0 || !read_code(line, &code))
                return;
        r->reply[i] = code;
        r->asked = -1;
        if (code >= ACCEPTED_BELOW)
                keep_words(r->words[i], line);
}

static enum recipient_state settle(const struct recipients *r, size_t i, bool taken, bool patient)
{
        unsigned code = r->reply[i];

        if (r->state[i] != RECIPIENT_WAITS)
                return r->state[i];
        if (code < ACCEPTED_BELOW)
                return taken ? RECIPIENT_HAS : RECIPIENT_WAITS;
        return code < TEMPORARY_BELOW && patient ? RECIPIENT_WAITS : RECIPIENT_REFUSED;
}

void recipients_settle(struct recipients *r, bool taken, int64_t now_ns)
{
        bool patient = now_ns - r->began_ns < RECIPIENT_PATIENCE_S * NS_PER_S;

        for (size_t i = 0; i < r->sink->n_to; i++)
                r->state[i] = settle(r, i, taken, patient);
}

size_t recipients_count(const struct recipients *r, enum recipient_state state)
{
        size_t n = 0;

        for (size_t i = 0; i < r->sink->n_to; i++)
                n += r->state[i] == state;
        return n;
}

void recipients_put(const struct recipients *r, enum recipient_state state, struct buf *out)
{
        const char *between = "";

        for (size_t i = 0; i < r->sink->n_to; i++) {
                if (r->state[i] != state)
                        continue;
                buf_printf(out, "%s%s: %s", between, r->sink->to[i], r->words[i]);
                between = ", and ";
        }
}
