/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - see walk.h. */
#include "command/log/walk.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/when.h"
#include "sys/io.h"
#include "wire/tile.h"

enum {
        FOLLOW_POLL_MS = 2000, /* for filesystems without events, and for a ledger not there yet */
        FLUSH_BYTES = 256 * 1024,
        MISSING_MAX = 16, /* bundles in a row; a checkpoint may claim any size */
};

/* A ledger is nearly in order of time; an entry this much out of order is still found. */
#define ORDER_SLACK (86400 * NS_PER_S)

/* ---- setting up ---- */

static int set_times(struct walk *w, struct err *err)
{
        int64_t now = clock_wall(w->in->clock);
        int status = 0;

        if (w->o->since) {
                w->filter.has_since = true;
                status = when_parse(w->o->since, now, &w->filter.since_ns, err);
                if (status < 0)
                        return err_wrap(err, "--since");
        }
        if (w->o->until) {
                w->filter.has_until = true;
                status = when_parse(w->o->until, now, &w->filter.until_ns, err);
                if (status < 0)
                        return err_wrap(err, "--until");
        }
        return 0;
}

enum status walk_init(struct walk *w, const struct invocation *in, const struct walk_options *o)
{
        struct err err = { 0 };

        *w = (struct walk){ .in = in, .o = o, .out = BUF_INIT(COMMAND_OUTPUT_MAX) };
        w->filter = (struct filter){ .kinds = o->kinds, .paths = o->paths, .actors = o->actors };
        view_init(&w->view);
        if (set_times(w, &err) < 0)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        if (places_ledger_given(in, 0, w->dir, &err) < 0)
                return complain_err(in, &err);
        return STATUS_GOOD;
}

enum status walk_open(struct walk *w, const struct note_vkey *key)
{
        struct err err = { 0 };
        struct stat st;

        if (places_begun(w->in, 0, w->dir, &err) < 0 ||
            reader_open_apart(w->dir, key, &w->reader, &err) < 0)
                return complain_err(w->in, &err);
        if (w->o->follow && w->reader.fd > 0 && fstat(w->reader.fd, &st) == 0 &&
            S_ISREG(st.st_mode))
                return complain(w->in, STATUS_USAGE, "--follow: nothing comes into an archive");
        return STATUS_GOOD;
}

void walk_done(struct walk *w)
{
        view_done(&w->view);
        secrets_done(&w->secrets);
        reader_done(&w->reader);
        buf_done(&w->out);
}

enum status walk_status(const struct walk *w)
{
        return w->damaged || w->lost ? STATUS_PROBLEM : STATUS_GOOD;
}

void walk_say_lost(const struct walk *w)
{
        if (w->lost)
                complain(w->in, STATUS_PROBLEM,
                         "%" PRIu64 " entries have values that nobody erased and the vault has not",
                         w->lost);
}

enum status walk_complain(const struct walk *w, int status)
{
        if (status == -EPIPE) /* whoever read has had enough */
                return walk_status(w);
        return complain(w->in, STATUS_UNSURE, "standard output: %s", strerror(-status));
}

/* ---- one entry ---- */

/* What bundles have in common is said once. */
static void say_bad(struct walk *w)
{
        uint64_t first = w->bad.first, last = w->bad.first + w->bad.n - 1;

        if (w->bad.n == 1)
                complain(w->in, STATUS_PROBLEM, "entry %" PRIu64 ": %s", first,
                         err_text(&w->bad.err));
        else if (w->bad.n)
                complain(w->in, STATUS_PROBLEM, "entries %" PRIu64 " to %" PRIu64 ": %s", first,
                         last, err_text(&w->bad.err));
        w->bad.n = 0;
}

/* n entries from this on, all of one bundle. */
static void add_bad(struct walk *w, uint64_t index, uint64_t n, const struct err *err)
{
        bool same = w->bad.n && w->bad.first / TILE_WIDTH == index / TILE_WIDTH;

        w->damaged += n;
        if (same && (index == w->bad.first + w->bad.n || index + n == w->bad.first)) {
                w->bad.first = MIN_OF(w->bad.first, index);
                w->bad.n += n;
                return;
        }
        say_bad(w);
        w->bad.first = index;
        w->bad.n = n;
        w->bad.err = *err;
}

static bool wants_values(const struct walk *w)
{
        return w->secrets.vault && w->view.entry.sd.raw.n &&
               (!w->seal || filter_needs_values(&w->filter));
}

/* 1: it is in view and matches. 0: it does not.  Negative: it cannot be had; -ENODATA and -ENOMSG
 * as reader_entry() says. */
static int look(struct walk *w, uint64_t index)
{
        struct err err = { 0 };
        struct span bytes;
        int status;

        status = reader_entry(&w->reader, index, &bytes, &err);
        if (status == -ENODATA)
                return status;
        if (status == -ENOMSG) {
                uint64_t bundle = index - index % TILE_WIDTH;

                add_bad(w, bundle, MIN_OF(reader_size(&w->reader) - bundle, (uint64_t)TILE_WIDTH),
                        &err);
                w->missing++;
                return status;
        }
        w->missing = 0;
        if (status == 0)
                status = view_open(&w->view, index, bytes, &err);
        if (status == 0 && w->bind)
                status = reader_bind(&w->reader, index, &err);
        if (status == 0 && wants_values(w))
                status = view_disclose(&w->view, w->secrets.vault, &err);
        if (status < 0) {
                add_bad(w, index, 1, &err);
                return status;
        }
        return filter_match(&w->filter, &w->view);
}

static int show(struct walk *w)
{
        int status;

        say_bad(w); /* in its place */
        if (w->view.asked_vault && !w->view.erased && view_count_hidden(&w->view))
                w->lost++;
        status = w->show(w);
        if (status < 0)
                return status;
        return w->out.n > FLUSH_BYTES ? screen_flush(&w->in->out, &w->out) : 0;
}

/* ---- backwards ---- */

static bool is_long_before(const struct walk *w)
{
        return w->filter.has_since && w->view.has_time &&
               w->view.wall_ns < w->filter.since_ns - ORDER_SLACK;
}

/* The index to begin at so that `limit` matching ones, or all since a time, follow.  With print
 * they are printed on the way. */
static int go_back(struct walk *w, bool print, uint64_t *ret_start)
{
        uint64_t found = 0, n = reader_size(&w->reader), old = 0;
        int status = 0;

        while (n > w->from && (w->limit == 0 || found < w->limit)) {
                int match = look(w, n - 1);

                if (match == -ENODATA) {
                        w->pruned = true;
                        break;
                }
                if (match == -ENOMSG) {
                        n = (n - 1) - (n - 1) % TILE_WIDTH;
                        if (w->missing >= MISSING_MAX)
                                break;
                        continue;
                }
                n--;
                if (match < 0)
                        continue;
                /* A whole bundle of old ones in a row: there are no newer ones behind. */
                old = is_long_before(w) ? old + 1 : 0;
                if (old >= 256)
                        break;
                if (!match)
                        continue;
                found++;
                if (print && (status = show(w)) < 0)
                        return status;
        }
        *ret_start = n;
        return 0;
}

static int go_on(struct walk *w, uint64_t from, uint64_t to)
{
        int status = 0;

        while (from < to && status == 0 && w->missing < MISSING_MAX) {
                int match = look(w, from);

                if (match == -ENODATA) {
                        w->pruned = true;
                        from = w->reader.pruned;
                        continue;
                }
                if (match == -ENOMSG) {
                        from += TILE_WIDTH - from % TILE_WIDTH;
                        continue;
                }
                if (match > 0)
                        status = show(w);
                from++;
        }
        say_bad(w);
        if (w->missing >= MISSING_MAX)
                complain(w->in, STATUS_PROBLEM,
                         "%u bundles in a row are missing; assay verify says what else is",
                         w->missing);
        return status == 0 ? screen_flush(&w->in->out, &w->out) : status;
}

int walk_past(struct walk *w, bool newest_first)
{
        uint64_t start = w->from;
        int status;

        if (newest_first) {
                status = go_back(w, true, &start);
                say_bad(w);
                return status < 0 ? status : screen_flush(&w->in->out, &w->out);
        }
        if (w->limit > 0 || w->filter.has_since) {
                uint64_t damaged = w->damaged;

                status = go_back(w, false, &start);
                if (status < 0)
                        return status;
                w->damaged = damaged; /* they come again on the way forward */
                w->bad.n = 0;
                w->missing = 0;
        }
        return go_on(w, start, reader_size(&w->reader));
}

/* ---- following ---- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
        interrupted = 1;
}

static void catch_interrupts(void)
{
        struct sigaction a = { .sa_handler = on_interrupt };

        /* Without SA_RESTART, so that poll() returns. */
        sigaction(SIGINT, &a, NULL);
        sigaction(SIGTERM, &a, NULL);
}

static int watch_checkpoint(const char *dir)
{
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

        if (fd >= 0 && inotify_add_watch(fd, dir, IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
                fd_close(&fd);
        return fd;
}

/* Until something changes in the directory, or now and then.  false: whoever read has gone. */
static bool wait_for_change(int fd, int out)
{
        struct pollfd p[] = { { .fd = out }, { .fd = fd, .events = POLLIN } };
        char events[4096];

        if (poll(p, ARRAY_LEN(p), FOLLOW_POLL_MS) <= 0)
                return true;
        if (p[0].revents & POLLERR)
                return false;
        if (p[1].revents)
                while (read(fd, events, sizeof(events)) > 0)
                        ;
        return true;
}

/* The ledger was succeeded and all of it was shown: go on in the one that has its name now. */
static void go_over(struct walk *w, uint64_t *shown, int *watch)
{
        struct reader next = { 0 };

        if (reader_open(w->dir, &next, NULL) < 0)
                return; /* it is being put into its place */
        reader_done(&w->reader);
        secrets_done(&w->secrets);
        w->reader = next;
        w->secrets = (struct secrets){ 0 };
        (void)!secrets_open(w->dir, &w->secrets, NULL);
        if (*watch >= 0)
                fd_close(watch);
        *watch = watch_checkpoint(w->dir);
        *shown = w->from = 0;
        if (!w->quiet)
                fprintf(stderr, "The ledger was succeeded by %s.\n", w->reader.checkpoint.origin);
}

enum status walk_follow(struct walk *w)
{
        uint64_t shown = reader_size(&w->reader);
        CLEANUP_FD int watch = watch_checkpoint(w->dir);
        struct err err = { 0 };

        catch_interrupts();
        while (!interrupted) {
                bool succeeded = reader_is_succeeded(&w->reader, w->dir);
                int status = reader_refresh(&w->reader, &err);

                if (status < 0)
                        return complain_err(w->in, &err);
                if (reader_size(&w->reader) < shown)
                        return complain(w->in, STATUS_PROBLEM,
                                        "%s: the ledger became shorter: it had %" PRIu64
                                        " entries and has %" PRIu64,
                                        w->dir, shown, reader_size(&w->reader));
                status = go_on(w, MAX_OF(shown, w->from), reader_size(&w->reader));
                if (status < 0)
                        return walk_complain(w, status);
                shown = reader_size(&w->reader);
                if (succeeded)
                        go_over(w, &shown, &watch);
                else if (!wait_for_change(watch, fileno(w->in->out.file)))
                        break;
        }
        return walk_status(w);
}
