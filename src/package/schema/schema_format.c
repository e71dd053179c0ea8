/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format.c - formats of strings.  Floor 2, pure.  SECURITY: reads hostile bytes. */
#include "package/schema/schema_format.h"

#include <arpa/inet.h>

#include "base/text.h"

static const char *const names[API_FORMATS] = {
        [API_FORMAT_NONE] = "",
        [API_FORMAT_DATE_TIME] = "date-time",
        [API_FORMAT_DATE] = "date",
        [API_FORMAT_TIME] = "time",
        [API_FORMAT_DURATION] = "duration",
        [API_FORMAT_EMAIL] = "email",
        [API_FORMAT_HOSTNAME] = "hostname",
        [API_FORMAT_IPV4] = "ipv4",
        [API_FORMAT_IPV6] = "ipv6",
        [API_FORMAT_URI] = "uri",
        [API_FORMAT_UUID] = "uuid",
        [API_FORMAT_BYTE] = "byte",
        [API_FORMAT_INT32] = "int32",
        [API_FORMAT_INT64] = "int64",
};

const char *api_format_name(enum api_format f)
{
        assert(f < API_FORMATS);
        return names[f];
}

enum api_format api_format_of(struct span name)
{
        for (unsigned f = API_FORMAT_NONE + 1; f < API_FORMATS; f++)
                if (span_eq_str(name, names[f]))
                        return f;
        return API_FORMATS;
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_hex(uint8_t c)
{
        return text_hex_digit(c) >= 0;
}

/* Not 0: strchr() would find that. */
static bool is_one_of(uint8_t c, const char *set)
{
        return c && strchr(set, c);
}

/* What is left to read. */
static bool take(struct span *s, const char *set)
{
        if (s->n == 0 || !is_one_of(s->p[0], set))
                return false;
        *s = span_from(*s, 1);
        return true;
}

/* ---- dates and times ---- */

/* Two or four digits; from <= *ret <= to. */
static bool take_number(struct span *s, size_t digits, unsigned from, unsigned to, unsigned *ret)
{
        unsigned v = 0;

        if (s->n < digits)
                return false;
        for (size_t i = 0; i < digits; i++) {
                if (!is_digit(s->p[i]))
                        return false;
                v = v * 10 + (unsigned)(s->p[i] - '0');
        }
        *s = span_from(*s, digits);
        *ret = v;
        return v >= from && v <= to;
}

static bool take_date(struct span *s)
{
        static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        unsigned year, month, day;

        if (!take_number(s, 4, 0, 9999, &year) || !take(s, "-") ||
            !take_number(s, 2, 1, 12, &month) || !take(s, "-") || !take_number(s, 2, 1, 31, &day))
                return false;
        if (month == 2 && day == 29)
                return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return day <= days[month - 1];
}

/* In minutes that are to be taken off the local time. */
static bool take_offset(struct span *s, int *ret)
{
        bool west = s->n > 0 && s->p[0] == '-';
        unsigned hours, minutes;

        *ret = 0;
        if (take(s, "Zz"))
                return true;
        if (!take(s, "+-") || !take_number(s, 2, 0, 23, &hours) || !take(s, ":") ||
            !take_number(s, 2, 0, 59, &minutes))
                return false;
        *ret = (int)(60 * hours + minutes) * (west ? -1 : 1);
        return true;
}

static bool take_time(struct span *s)
{
        unsigned hour, minute, second;
        int offset;

        if (!take_number(s, 2, 0, 23, &hour) || !take(s, ":") ||
            !take_number(s, 2, 0, 59, &minute) || !take(s, ":") ||
            !take_number(s, 2, 0, 60, &second))
                return false;
        if (take(s, ".")) {
                if (s->n == 0 || !is_digit(s->p[0]))
                        return false;
                while (take(s, "0123456789"))
                        ;
        }
        if (!take_offset(s, &offset))
                return false;
        /* A leap second is the last of a day in UTC. */
        return second < 60 || ((int)(60 * hour + minute) - offset + 1440) % 1440 == 1439;
}

static bool is_date(struct span s)
{
        return take_date(&s) && s.n == 0;
}

static bool is_time(struct span s)
{
        return take_time(&s) && s.n == 0;
}

static bool is_date_time(struct span s)
{
        return take_date(&s) && take(&s, "Tt") && take_time(&s) && s.n == 0;
}

/* Numbers, each with one of the units: the first any of them, each other the next one. */
static bool take_units(struct span *s, const char *units)
{
        const char *at = units;
        size_t digits = 0;

        while (s->n > 0 && is_digit(s->p[0])) {
                for (digits = 1; digits < s->n && is_digit(s->p[digits]);)
                        digits++;
                *s = span_from(*s, digits);
                if (s->n == 0 || !is_one_of(s->p[0], at) ||
                    (at != units && s->p[0] != (uint8_t)*at))
                        return false;
                at = strchr(at, s->p[0]) + 1;
                *s = span_from(*s, 1);
        }
        return digits > 0;
}

static bool is_duration(struct span s)
{
        struct span week;
        bool date, time;

        if (!take(&s, "P"))
                return false;
        week = s;
        if (take_units(&week, "W") && week.n == 0)
                return true;
        date = s.n > 0 && s.p[0] != 'T';
        if (date && !take_units(&s, "YMD"))
                return false;
        time = take(&s, "T");
        return (!time || take_units(&s, "HMS")) && (date || time) && s.n == 0;
}

/* ---- names and addresses ---- */

static bool is_hostname(struct span s)
{
        size_t label = 0;

        if (s.n == 0 || s.n > 253)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                bool last = i + 1 == s.n || s.p[i + 1] == '.';

                if (s.p[i] == '.') {
                        if (label == 0)
                                return false;
                        label = 0;
                        continue;
                }
                if (!is_digit(s.p[i]) && !is_letter(s.p[i]) &&
                    (s.p[i] != '-' || label == 0 || last))
                        return false;
                if (++label > 63)
                        return false;
        }
        return label > 0;
}

/* inet_pton() takes the forms of the two RFCs and no other. */
static bool is_address(struct span s, int family)
{
        char text[INET6_ADDRSTRLEN];
        uint8_t address[16];

        if (s.n == 0 || s.n >= sizeof text || memchr(s.p, 0, s.n))
                return false;
        memcpy(text, s.p, s.n);
        text[s.n] = '\0';
        return inet_pton(family, text, address) == 1;
}

static bool is_ipv4(struct span s)
{
        return is_address(s, AF_INET);
}

static bool is_ipv6(struct span s)
{
        return is_address(s, AF_INET6);
}

static bool is_atom_char(uint8_t c)
{
        return is_letter(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-/=?^_`{|}~");
}

/* The length of the local part, 0: there is none. */
static size_t quoted_part(struct span s)
{
        for (size_t i = 1; i < s.n; i++) {
                if (s.p[i] == '"')
                        return i + 1;
                if (s.p[i] == '\\' && ++i == s.n)
                        return 0;
                if (s.p[i] < ' ' || s.p[i] > '~')
                        return 0;
        }
        return 0;
}

static size_t dotted_part(struct span s)
{
        size_t i = 0;

        while (i < s.n && (is_atom_char(s.p[i]) || (s.p[i] == '.' && i > 0 && s.p[i - 1] != '.')))
                i++;
        return i > 0 && s.p[i - 1] == '.' ? 0 : i;
}

static bool is_email(struct span s)
{
        size_t n = s.n > 0 && s.p[0] == '"' ? quoted_part(s) : dotted_part(s);

        if (n == 0 || n > 64 || s.n > 254 || n == s.n || s.p[n] != '@')
                return false;
        s = span_from(s, n + 1);
        if (s.n == 0 || s.p[0] != '[')
                return is_hostname(s);
        if (s.p[s.n - 1] != ']')
                return false;
        s = span_of(s.p + 1, s.n - 2);
        if (s.n > 5 && (s.p[0] | 0x20) == 'i' && (s.p[1] | 0x20) == 'p' && (s.p[2] | 0x20) == 'v' &&
            s.p[3] == '6' && s.p[4] == ':')
                return is_ipv6(span_from(s, 5));
        return is_ipv4(s);
}

/* ---- URI ---- */

/* Unreserved characters, sub-delims, percent-encoded octets and those of more. */
static bool is_part(struct span s, const char *more)
{
        for (size_t i = 0; i < s.n; i++) {
                if (s.p[i] == '%') {
                        if (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
                                return false;
                        i += 2;
                        continue;
                }
                if (!is_letter(s.p[i]) && !is_digit(s.p[i]) &&
                    !is_one_of(s.p[i], "-._~!$&'()*+,;=") && !is_one_of(s.p[i], more))
                        return false;
        }
        return true;
}

/* What is before the first byte of the set, which stays; all when there is none. */
static struct span cut_before(struct span *s, const char *set)
{
        struct span all = *s;
        size_t i = 0;

        while (i < s->n && !is_one_of(s->p[i], set))
                i++;
        *s = span_from(*s, i);
        return span_of(all.p, i);
}

static bool is_future_address(struct span s)
{
        if (s.n < 4 || (s.p[0] | 0x20) != 'v' || !is_hex(s.p[1]))
                return false;
        s = span_from(s, 1);
        while (s.n > 0 && is_hex(s.p[0]))
                s = span_from(s, 1);
        return take(&s, ".") && s.n > 0 && !memchr(s.p, '%', s.n) && is_part(s, ":");
}

static bool is_authority(struct span s)
{
        const uint8_t *at = s.n ? memchr(s.p, '@', s.n) : NULL;
        struct span host;

        if (at) {
                if (!is_part(span_of(s.p, (size_t)(at - s.p)), ":"))
                        return false;
                s = span_from(s, (size_t)(at - s.p) + 1);
        }
        if (take(&s, "[")) {
                host = cut_before(&s, "]");
                if (!take(&s, "]") || (!is_ipv6(host) && !is_future_address(host)))
                        return false;
        } else if (!is_part(cut_before(&s, ":"), "")) {
                return false;
        }
        if (take(&s, ":"))
                while (take(&s, "0123456789"))
                        ;
        return s.n == 0;
}

static bool is_uri(struct span s)
{
        struct span scheme = cut_before(&s, ":");

        if (scheme.n == 0 || !is_letter(scheme.p[0]) || !take(&s, ":"))
                return false;
        for (size_t i = 0; i < scheme.n; i++)
                if (!is_letter(scheme.p[i]) && !is_digit(scheme.p[i]) &&
                    !is_one_of(scheme.p[i], "+-."))
                        return false;
        if (span_starts(s, SPAN("//"))) {
                s = span_from(s, 2);
                if (!is_authority(cut_before(&s, "/?#")))
                        return false;
        }
        if (!is_part(cut_before(&s, "?#"), ":@/"))
                return false;
        if (take(&s, "?") && !is_part(cut_before(&s, "#"), ":@/?"))
                return false;
        return !take(&s, "#") || is_part(s, ":@/?");
}

/* ---- others ---- */

static bool is_uuid(struct span s)
{
        if (s.n != 36)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
                        return false;
        }
        return true;
}

static bool is_base64(struct span s)
{
        size_t pad = 0;

        if (s.n % 4)
                return false;
        while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
                pad++;
        for (size_t i = 0; i < s.n - pad; i++)
                if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '+' && s.p[i] != '/')
                        return false;
        return true;
}

bool schema_format_fits(enum api_format f, struct span text)
{
        static bool (*const fits[API_FORMATS])(struct span) = {
                [API_FORMAT_DATE_TIME] = is_date_time,
                [API_FORMAT_DATE] = is_date,
                [API_FORMAT_TIME] = is_time,
                [API_FORMAT_DURATION] = is_duration,
                [API_FORMAT_EMAIL] = is_email,
                [API_FORMAT_HOSTNAME] = is_hostname,
                [API_FORMAT_IPV4] = is_ipv4,
                [API_FORMAT_IPV6] = is_ipv6,
                [API_FORMAT_URI] = is_uri,
                [API_FORMAT_UUID] = is_uuid,
                [API_FORMAT_BYTE] = is_base64,
        };

        return !fits[f] || fits[f](text);
}
