/* SPDX-License-Identifier: Apache-2.0 */
/* screen.c - see screen.h. */
#include "command/screen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH_MIN = 40, WIDTH_DEFAULT = 80, WRAP_MIN = 20 };

static const char *const style_escape[] = {
        [STYLE_NONE] = "",         [STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",
        [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[1;31m", [STYLE_WARN] = "\033[33m",
        [STYLE_NAME] = "\033[36m",
};

static unsigned terminal_width(int fd)
{
        struct winsize w;

        if (ioctl(fd, TIOCGWINSZ, &w) < 0 || w.ws_col == 0)
                return WIDTH_DEFAULT;
        return MAX_OF((unsigned)w.ws_col, (unsigned)WIDTH_MIN);
}

void screen_init(struct screen *s, FILE *file)
{
        const char *no_color = getenv("NO_COLOR");
        const char *term = getenv("TERM");
        int fd = fileno(file);

        *s = (struct screen){ .file = file, .terminal = isatty(fd) == 1 };
        if (!s->terminal)
                return;
        s->width = terminal_width(fd);
        s->colour = !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

void screen_put(const struct screen *s, struct buf *out, enum style style, const char *text)
{
        if (!s->colour || style == STYLE_NONE || !*text) {
                buf_put_str(out, text);
                return;
        }
        buf_put_str(out, style_escape[style]);
        buf_put_str(out, text);
        buf_put_str(out, "\033[0m");
}

int screen_flush(const struct screen *s, struct buf *out)
{
        int r = buf_status(out);

        if (out->n > 0 && s->printed)
                *s->printed = true;
        errno = EIO; /* should it fail without a reason */
        if (r == 0 && out->n > 0 && fwrite(out->p, 1, out->n, s->file) != out->n)
                r = -errno;
        if (r == 0 && fflush(s->file) != 0)
                r = -errno;
        buf_clear(out);
        return r;
}

size_t screen_columns(struct span text)
{
        size_t columns = 0;

        for (size_t i = 0; i < text.n; i++) {
                if (text.p[i] == '\033') {
                        while (i < text.n && text.p[i] != 'm')
                                i++;
                } else if ((text.p[i] & 0xc0) != 0x80) {
                        columns++;
                }
        }
        return columns;
}

/* ---- wrapping ---- */

/* Bytes of text that take at most `room` columns; escapes go with what follows them. */
static size_t fitting(const char *text, size_t n, size_t room)
{
        size_t columns = 0, i = 0;

        while (i < n) {
                size_t next = i + 1;

                if (text[i] == '\033') {
                        while (next < n && text[next - 1] != 'm')
                                next++;
                } else {
                        while (next < n && ((unsigned char)text[next] & 0xc0) == 0x80)
                                next++;
                        if (columns == room)
                                break;
                        columns++;
                }
                i = next;
        }
        return i;
}

struct wrapping {
        const struct screen *s;
        struct buf *out;
        size_t at, indent;
};

static void put_blanks(struct wrapping *w, size_t n)
{
        w->at += n;
        while (n-- > 0)
                buf_put_byte(w->out, ' ');
}

static void break_line(struct wrapping *w)
{
        buf_put_byte(w->out, '\n');
        w->at = 0;
        put_blanks(w, w->indent);
}

static void put_word(struct wrapping *w, const char *word, size_t n)
{
        while (w->at + screen_columns(span_of(word, n)) > w->s->width) {
                size_t fits = fitting(word, n, w->s->width - w->at);

                buf_put(w->out, span_of(word, fits));
                word += fits;
                n -= fits;
                break_line(w);
        }
        buf_put(w->out, span_of(word, n));
        w->at += screen_columns(span_of(word, n));
}

void screen_put_wrapped(const struct screen *s, struct buf *out, const char *text, size_t at,
                        size_t indent)
{
        struct wrapping w = { s, out, at, indent };

        if (s->width < indent + WRAP_MIN || at >= s->width) {
                buf_put_str(out, text);
                return;
        }
        while (*text) {
                size_t blanks = strspn(text, " "), n = strcspn(text + blanks, " ");

                text += blanks;
                if (w.at > indent && w.at + blanks + screen_columns(span_of(text, n)) > s->width)
                        break_line(&w);
                else
                        put_blanks(&w, blanks);
                put_word(&w, text, n);
                text += n;
        }
}

static bool has_word_longer_than(const char *text, size_t columns)
{
        while (*text) {
                size_t n = strcspn(text, " ");

                if (screen_columns(span_of(text, n)) > columns)
                        return true;
                text += n + strspn(text + n, " ");
        }
        return false;
}

int screen_wrap_lines(const struct screen *s, struct buf *text, size_t indent)
{
        CLEANUP(buf_done) struct buf whole = BUF_INIT(text->max);
        char *line, *end;

        if (s->width < indent + WRAP_MIN || buf_status(text) < 0)
                return buf_status(text);
        buf_put(&whole, buf_span(text));
        if (buf_status(&whole) < 0)
                return buf_status(&whole);
        buf_clear(text);
        for (line = (char *)buf_cstr(&whole); *line; line = end + 1) {
                end = strchr(line, '\n');
                if (!end)
                        break;
                *end = 0;
                if (has_word_longer_than(line, s->width - indent))
                        buf_put_str(text, line);
                else
                        screen_put_wrapped(s, text, line, 0, indent);
                buf_put_byte(text, '\n');
        }
        buf_put_str(text, line);
        return buf_status(text);
}

void screen_put_time(const struct screen *s, struct buf *out, int64_t wall_ns)
{
        int64_t ns = wall_ns % NS_PER_S;
        time_t seconds = (time_t)(wall_ns / NS_PER_S);
        struct tm tm;
        char text[64];

        if (ns < 0) {
                ns += NS_PER_S;
                seconds--;
        }
        if (s->terminal) {
                localtime_r(&seconds, &tm);
                strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
                buf_put_str(out, text);
                return;
        }
        gmtime_r(&seconds, &tm);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
        buf_printf(out, "%s.%03dZ", text, (int)(ns / NS_PER_MS));
}

void screen_put_duration(struct buf *out, int64_t ns)
{
        int64_t s = ns / NS_PER_S;

        if (s < 1)
                buf_printf(out, "%" PRId64 " ms", (int64_t)(MAX_OF(ns, 0) / NS_PER_MS));
        else if (s < 120)
                buf_printf(out, "%" PRId64 " s", s);
        else if (s < 2 * 3600)
                buf_printf(out, "%" PRId64 " min", s / 60);
        else if (s < 2 * 86400)
                buf_printf(out, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
        else
                buf_printf(out, "%" PRId64 " days", s / 86400);
}

void screen_put_count(struct buf *out, uint64_t n)
{
        if (n >= 1000) {
                screen_put_count(out, n / 1000);
                buf_printf(out, ",%03u", (unsigned)(n % 1000));
        } else {
                buf_printf(out, "%u", (unsigned)n);
        }
}

void screen_put_bytes(struct buf *out, uint64_t n)
{
        static const char *const unit[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double v = (double)n;
        size_t u = 0;

        for (; v >= 1024 && u + 1 < ARRAY_LEN(unit); u++)
                v /= 1024;
        if (u == 0)
                buf_printf(out, "%" PRIu64 " bytes", n);
        else
                buf_printf(out, v < 10 ? "%.1f %s" : "%.0f %s", v, unit[u]);
}
