/* SPDX-License-Identifier: Apache-2.0 */
/* call_text.c - times and addresses of a request; see call_text.h.  Floor 2, pure.  SECURITY: reads
 * hostile bytes. */
#include "package/call/call_text.h"

#include <arpa/inet.h>

#include "package/schema/schema_format.h"
#include "policy/value/extension.h"

enum {
        SECONDS_END = 19, /* YYYY-MM-DDThh:mm:ss */
        FRACTION_KEPT = 3,
};

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static uint8_t *put(uint8_t *to, struct span s)
{
        memcpy(to, s.p, s.n);
        return to + s.n;
}

/* "12345" as "123", "1" as "100"; *at goes on to what is behind it, which is an offset. */
static uint8_t *put_fraction(uint8_t *to, const uint8_t **at)
{
        const uint8_t *digit = *at + 1;

        *to++ = '.';
        for (size_t i = 0; i < FRACTION_KEPT; i++)
                *to++ = is_digit(*digit) ? *digit++ : '0';
        while (is_digit(*digit))
                digit++;
        *at = digit;
        return to;
}

/* The two spellings differ in the letters, the fraction and the colon of the offset. */
bool call_time(struct span text, int64_t *ret)
{
        uint8_t spelled[SECONDS_END + 1 + FRACTION_KEPT + sizeof "+hhmm"], *to = spelled;
        const uint8_t *at;

        if (!schema_format_fits(API_FORMAT_DATE_TIME, text))
                return false;
        at = text.p + SECONDS_END;
        to = put(to, span_of(text.p, SECONDS_END));
        spelled[sizeof "YYYY-MM-DD" - 1] = 'T';
        if (*at == '.')
                to = put_fraction(to, &at);
        if ((*at | 0x20) == 'z') {
                *to++ = 'Z';
        } else {
                to = put(to, span_of(at, 3));
                to = put(to, span_of(at + 4, 2));
        }
        return cedar_datetime_parse(span_of(spelled, (size_t)(to - spelled)), ret, NULL) == 0;
}

bool call_address(struct span text, struct cedar_ip *ret)
{
        struct cedar_ip ip = { .v6 = text.n > 0 && memchr(text.p, ':', text.n) };
        char copy[INET6_ADDRSTRLEN];

        if (text.n >= sizeof copy || (text.n > 0 && memchr(text.p, 0, text.n)))
                return false;
        put((uint8_t *)copy, text);
        copy[text.n] = '\0';
        if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, copy, ip.address) != 1)
                return false;
        ip.prefix = ip.v6 ? 128 : 32;
        *ret = ip;
        return true;
}
