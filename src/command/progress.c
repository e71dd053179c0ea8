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

void progress_set(struct progress *p, uint64_t done, uint64_t total)
{
        struct buf line = BUF_INIT(LINE_MAX_BYTES);
        int64_t now;

        if (!p->screen.terminal)
                return;
        now = clock_mono(p->clock);
        if (now - p->started_ns < PATIENCE || now - p->drawn_ns < REDRAW)
                return;
        p->drawn_ns = now;
        buf_printf(&line, "\r%s  ", p->what);
        if (total > 0)
                put_bar(&line, done, total);
        buf_put_str(&line, "  ");
        screen_put_count(&line, done);
        if (total > done)
                put_left(&line, done, total, now - p->started_ns);
        buf_put_str(&line, "\033[K");
        p->shown = screen_flush(&p->screen, &line) == 0 || p->shown;
        buf_done(&line);
}

void progress_stop(struct progress *p)
{
        if (p->shown)
                fputs("\r\033[K", stderr);
        p->shown = false;
}
