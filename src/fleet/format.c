/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/format.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>

enum {
        MSGID_MAX = 32,
        SUBJECT_TEXT_MAX = 80,
        MICROSECONDS = 26,
        QUOTED_LINE = 76,
        ALERT_ID_SHOWN = 128
};

/* 0 emergency ... 7 debug */
static const unsigned priority[DELIVER_SEVERITIES] = {
        [DELIVER_INFO] = 5,
        [DELIVER_HIGH] = 3,
        [DELIVER_CRITICAL] = 2,
};

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* RFC 5424, 6: printable ASCII without blanks; "-" for nothing. */
static void put_word(struct span s, size_t max, struct buf *out)
{
        size_t n = MIN_OF(s.n, max);

        for (size_t i = 0; i < n; i++)
                buf_put_byte(out, s.p[i] > ' ' && s.p[i] <= '~' ? s.p[i] : '?');
        if (n == 0)
                buf_put_byte(out, '-');
}

/* 6.3.3: '"', '\' and ']' have a backslash before them; the value is UTF-8. */
static void put_param(const char *name, struct span value, struct buf *out)
{
        buf_printf(out, " %s=\"", name);
        for (size_t i = 0; i < value.n; i++) {
                if (strchr("\"\\]", value.p[i]) && value.p[i])
                        buf_put_byte(out, '\\');
                buf_put_byte(out, value.p[i]);
        }
        buf_put_byte(out, '"');
}

static void put_alert_id(const struct message *m, struct buf *out)
{
        struct json_value v;
        struct span id;

        if (m->entry.what.type == JSON_OBJECT && json_get(m->entry.what, "id", &v) &&
            json_value_plain(v, &id))
                put_param("alert", span_of(id.p, MIN_OF(id.n, (size_t)ALERT_ID_SHOWN)), out);
}

void format_syslog(const struct message *m, unsigned facility, struct buf *out)
{
        char time[TEXT_TIME_LEN + 1], index[TEXT_U64_MAX + 1];

        text_time(m->wall_ns, time);
        text_u64(m->index, index);
        buf_printf(out, "<%u>1 ", facility * 8 + priority[m->severity]);
        if (m->wall_ns)
                buf_printf(out, "%.*sZ ", MICROSECONDS, time);
        else
                buf_put_str(out, "- ");
        put_word(m->entry.host, 255, out);
        buf_put_str(out, " assay - ");
        put_word(m->entry.kind, MSGID_MAX, out);
        buf_put_str(out, " [assay@32473");
        put_param("index", span_str(index), out);
        put_param("origin", span_str(m->origin), out);
        put_param("severity", span_str(deliver_severity_name[m->severity]), out);
        put_param("id", span_of(m->entry.id.p, MIN_OF(m->entry.id.n, (size_t)ENTRY_ID_MAX)), out);
        put_alert_id(m, out);
        buf_put_str(out, "] ");
        buf_put_str(out, m->text);
}

void format_syslog_local(const struct message *m, unsigned facility, const struct tm *local,
                         struct buf *out)
{
        struct json_value v;
        struct span id;

        buf_printf(out, "<%u>%s %2d %02d:%02d:%02d assay: ", facility * 8 + priority[m->severity],
                   months[local->tm_mon % 12], local->tm_mday, local->tm_hour, local->tm_min,
                   local->tm_sec);
        text_put_safe(out, m->entry.kind);
        buf_printf(out, " index=%" PRIu64 " origin=%s severity=%s", m->index, m->origin,
                   deliver_severity_name[m->severity]);
        if (m->entry.what.type == JSON_OBJECT && json_get(m->entry.what, "id", &v) &&
            json_value_plain(v, &id)) {
                buf_put_str(out, " alert=");
                put_word(id, ALERT_ID_SHOWN, out);
        }
        buf_put_str(out, ": ");
        buf_put_str(out, m->text);
}

void format_journal(const struct message *m, const char *sink, struct buf *out)
{
        buf_printf(out, "MESSAGE=%s\nPRIORITY=%u\nSYSLOG_IDENTIFIER=assay\n", m->text,
                   priority[m->severity]);
        buf_put_str(out, "MESSAGE_ID=5e0c2d7a8f134be69a31c6d0f2b4e781\nASSAY_ENTRY=");
        buf_put(out, span_of(m->bytes, m->n)); /* one line: canonical JSON escapes controls */
        buf_put_str(out, "\nASSAY_HOST=");
        text_put_safe(out, m->entry.host);
        buf_printf(out, "\nASSAY_INDEX=%" PRIu64 "\nASSAY_KIND=", m->index);
        text_put_safe(out, m->entry.kind);
        buf_printf(out, "\nASSAY_ORIGIN=%s\nASSAY_SEVERITY=%s\nASSAY_SINK=%s\n", m->origin,
                   deliver_severity_name[m->severity], sink);
}

void format_mail_item(const struct message *m, struct buf *out)
{
        char time[TEXT_TIME_LEN + 1];

        text_time(m->wall_ns, time);
        buf_printf(out, "%.19sZ  %-8s  #%" PRIu64 "  %s\r\n", time,
                   deliver_severity_name[m->severity], m->index, m->text);
}

static void put_escape(uint8_t c, struct buf *out)
{
        static const char hex[] = "0123456789ABCDEF";

        buf_put_byte(out, '=');
        buf_put_byte(out, (uint8_t)hex[c >> 4]);
        buf_put_byte(out, (uint8_t)hex[c & 15]);
}

void format_put_quoted(struct span text, struct buf *out)
{
        size_t column = 0;

        for (size_t i = 0; i < text.n; i++) {
                uint8_t c = text.p[i];
                bool ends = i + 1 == text.n || text.p[i + 1] == '\r';
                bool plain = (c > ' ' && c <= '~' && c != '=') || (c == ' ' && !ends);

                if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n') {
                        buf_put_str(out, "\r\n");
                        column = 0;
                        i++;
                        continue;
                }
                if (column + (plain ? 1 : 3) > QUOTED_LINE - 1) {
                        buf_put_str(out, "=\r\n");
                        column = 0;
                }
                if (plain)
                        buf_put_byte(out, c);
                else
                        put_escape(c, out);
                column += plain ? 1 : 3;
        }
}

void format_put_date(int64_t wall_ns, struct buf *out)
{
        static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
        char t[TEXT_TIME_LEN + 1];
        int64_t day = MAX_OF(wall_ns, 0) / (86400 * NS_PER_S); /* 1970 began on a Thursday */

        text_time(MAX_OF(wall_ns, 0), t);
        buf_printf(out, "%s, %.2s %s %.4s %.8s +0000", days[day % 7], t + 8,
                   months[(t[5] - '0') * 10 + t[6] - '0' - 1], t, t + 11);
}

void format_mail_subject(struct message *const *m, size_t n, const char *host, struct buf *out)
{
        enum deliver_severity worst = DELIVER_INFO;

        for (size_t i = 0; i < n; i++)
                worst = MAX_OF(worst, m[i]->severity);
        buf_printf(out, "[assay %s] ", host);
        if (n > 1) {
                buf_printf(out, "%zu messages, %s", n, deliver_severity_name[worst]);
                return;
        }
        buf_printf(out, "%s: ", deliver_severity_name[worst]);
        for (size_t i = 0; i < SUBJECT_TEXT_MAX && m[0]->text[i]; i++)
                buf_put_byte(out, (uint8_t)m[0]->text[i] < 0x80 ? (uint8_t)m[0]->text[i] : '?');
}
