/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/log.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8 * 1024 };

static struct {
        enum log_level least;
        bool journal;
} config = { .least = LOG_LEVEL_INFO };

/* systemd says in JOURNAL_STREAM which device and inode its stream has; a redirected standard error
 * has others (systemd.exec(5)). */
static bool is_journal(int fd)
{
        const char *stream = getenv("JOURNAL_STREAM");
        char want[64];
        struct stat st;

        if (!stream || fstat(fd, &st) < 0)
                return false;
        snprintf(want, sizeof want, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        return strcmp(want, stream) == 0;
}

void log_init(enum log_level least)
{
        config.least = least;
        config.journal = is_journal(STDERR_FILENO);
}

static const char *level_name(enum log_level level)
{
        switch (level) {
        case LOG_LEVEL_ERROR:
                return "error";
        case LOG_LEVEL_WARNING:
                return "warning";
        case LOG_LEVEL_INFO:
                return "info";
        case LOG_LEVEL_DEBUG:
                return "debug";
        }
        return "?";
}

/* Bytes that need no quotes around them. */
static bool is_plain(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == '\\' ||
                    s.p[i] >= 0x7f)
                        return false;
        return s.n > 0;
}

static void put_quoted(struct buf *b, struct span s)
{
        const uint8_t *quote;
        size_t n;

        buf_put_byte(b, '"');
        while (s.n > 0) {
                quote = memchr(s.p, '"', s.n);
                n = quote ? (size_t)(quote - s.p) : s.n;
                text_put_safe(b, span_of(s.p, n));
                if (quote)
                        buf_put_str(b, "\\x22");
                s = span_from(s, n + !!quote);
        }
        buf_put_byte(b, '"');
}

static void put_field(struct buf *b, const struct log_field *f)
{
        buf_printf(b, " %s=", f->key);
        switch (f->type) {
        case LOG_TEXT:
                if (is_plain(f->text))
                        buf_put(b, f->text);
                else
                        put_quoted(b, f->text);
                break;
        case LOG_INT:
                buf_printf(b, "%lld", (long long)f->i);
                break;
        case LOG_U64:
                buf_printf(b, "%llu", (unsigned long long)f->u);
                break;
        }
}

void log_format(struct buf *b, const char *event, const struct log_field *fields, size_t n)
{
        buf_put_str(b, event);
        for (size_t i = 0; i < n; i++)
                if (fields[i].key)
                        put_field(b, &fields[i]);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
        struct buf b = BUF_INIT(LINE_MAX_BYTES);
        ssize_t w;

        if (level > config.least)
                return;
        if (config.journal)
                buf_printf(&b, "<%d>", (int)level);
        else
                buf_printf(&b, "%s ", level_name(level));
        log_format(&b, event, fields, n);
        buf_put_byte(&b, '\n');
        if (buf_status(&b) < 0) { /* a value too long or no memory: the event at least */
                buf_clear(&b);
                buf_printf(&b, "%s event=%s fields=dropped\n", level_name(level), event);
        }
        /* one write, so that lines of several processes do not mix; nowhere to say that it failed
         */
        w = write(STDERR_FILENO, b.p, b.n);
        (void)w;
        buf_done(&b);
}
