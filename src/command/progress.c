/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - see progress.h. */
#include "command/progress.h"

enum { BAR = 24, LINE_MAX_BYTES = 512 };
#define PATIENCE (250 * NS_PER_MS)
#define REDRAW   (100 * NS_PER_MS)

void progress_start(struct progress *p, const struct clock *clock, const char *what)
{
        *p = (struct progress){ .clock = clock, .what = what };
        screen_init(&p->screen, stderr);
        p->started_ns = clock_mono(clock);
}

static void put_bar(struct buf *line, uint64_t done, uint64_t total)
{
        double part = (double)MIN_OF(done, total) / (double)total;

        for (int i = 0; i < BAR; i++)
                buf_put_str(line, i < (int)(part * BAR) ? "━" : "·");
        buf_printf(line, " %3d %%", (int)(part * 100));
}

static void put_left(struct buf *line, uint64_t done, uint64_t total, int64_t spent_ns)
{
        if (done == 0 || spent_ns < NS_PER_S)
                return;
        buf_put_str(line, "  about ");
        screen_put_duration(line,
                            (int64_t)((double)spent_ns / (double)done * (double)(total - done)));
        buf_put_str(line, " left");
}

/* false: not now. */
static bool begin_line(struct progress *p, struct buf *line, int64_t *ret_spent)
{
        int64_t now;

        if (!p->screen.terminal)
                return false;
        now = clock_mono(p->clock);
        if (now - p->started_ns < PATIENCE || now - p->drawn_ns < REDRAW)
                return false;
        p->drawn_ns = now;
        *ret_spent = now - p->started_ns;
        buf_printf(line, "\r%s  ", p->what);
        return true;
}

static void end_line(struct progress *p, struct buf *line)
{
        buf_put_str(line, "\033[K");
        p->shown = screen_flush(&p->screen, line) == 0 || p->shown;
}

void progress_set(struct progress *p, uint64_t done, uint64_t total)
{
        struct buf line = BUF_INIT(LINE_MAX_BYTES);
        int64_t spent;

        if (begin_line(p, &line, &spent)) {
                if (total > 0)
                        put_bar(&line, done, total);
                buf_put_str(&line, "  ");
                screen_put_count(&line, done);
                if (total > done)
                        put_left(&line, done, total, spent);
                end_line(p, &line);
        }
        buf_done(&line);
}

static void put_rate(struct buf *line, uint64_t files, uint64_t bytes, int64_t spent_ns)
{
        double s = (double)spent_ns / (double)NS_PER_S;

        buf_put_str(line, ", ");
        if (bytes > 0)
                screen_put_bytes(line, (uint64_t)((double)bytes / s));
        else
                screen_put_count(line, (uint64_t)((double)files / s));
        buf_put_str(line, bytes > 0 ? "/s" : " files/s");
}

void progress_set_files(struct progress *p, uint64_t files, uint64_t total_files, uint64_t bytes,
                        uint64_t total_bytes)
{
        struct buf line = BUF_INIT(LINE_MAX_BYTES);
        uint64_t done = total_bytes ? bytes : files;
        uint64_t total = total_bytes ? total_bytes : total_files;
        int64_t spent;

        if (begin_line(p, &line, &spent)) {
                if (total > 0)
                        put_bar(&line, done, total);
                buf_put_str(&line, "  ");
                screen_put_count(&line, files);
                buf_put_str(&line, " files");
                if (bytes > 0) {
                        buf_put_str(&line, ", ");
                        screen_put_bytes(&line, bytes);
                }
                put_rate(&line, files, bytes, spent);
                if (total > done)
                        put_left(&line, done, total, spent);
                end_line(p, &line);
        }
        buf_done(&line);
}

void progress_stop(struct progress *p)
{
        if (p->shown)
                fputs("\r\033[K", stderr);
        p->shown = false;
}
