/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log.c - assay log: the ledger's entries for people (lines) and programs (--json).
 *
 * Without --reverse the newest matching entries come last, as in any log; which of them come is
 * found by going back from the end, so a short look at a long ledger is short. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/filter.h"
#include "command/line.h"
#include "command/places.h"
#include "command/reader.h"
#include "command/view.h"
#include "command/when.h"
#include "sys/io.h"
#include "wire/tile.h"

struct log_options {
        struct option_texts kinds, paths, actors;
        const char *since, *until;
        struct option_u64 limit;
        bool reverse, follow, disclose;
};

static const struct option_spec log_specs[] = {
        { "kind", 'k', OPTION_TEXTS, offsetof(struct log_options, kinds), "GLOB",
          "only kinds that match (\"integrity.*\"); repeatable" },
        { "path", 'p', OPTION_TEXTS, offsetof(struct log_options, paths), "GLOB",
          "only changes of paths that match (\"/etc/*\"); repeatable" },
        { "actor", 'a', OPTION_TEXTS, offsetof(struct log_options, actors), "WHO",
          "only by this user name, uid, subject, program or pid; repeatable" },
        { "since", 's', OPTION_TEXT, offsetof(struct log_options, since), "TIME",
          "only from then on: 2h, today, \"2026-11-25 18:00\", RFC 3339" },
        { "until", 'u', OPTION_TEXT, offsetof(struct log_options, until), "TIME",
          "only before then" },
        { "limit", 'n', OPTION_U64, offsetof(struct log_options, limit), "N",
          "only the newest N that match (0: all; on a terminal 50 unless said)" },
        { "reverse", 'r', OPTION_FLAG, offsetof(struct log_options, reverse), NULL,
          "newest first" },
        { "follow", 'f', OPTION_FLAG, offsetof(struct log_options, follow), NULL,
          "then print new entries as they come, until interrupted" },
        { "disclose", 0, OPTION_FLAG, offsetof(struct log_options, disclose), NULL,
          "with --json: wrap each entry with its index and the values from the vault" },
        { 0 },
};

enum {
        TERMINAL_LIMIT = 50,
        FOLLOW_LIMIT = 10,
        FOLLOW_POLL_MS = 2000, /* for filesystems without events, and for a ledger not there yet */
        FLUSH_BYTES = 256 * 1024,
        MISSING_MAX = 16, /* bundles in a row; a checkpoint may claim any size */
};

/* A ledger is nearly in order of time; an entry this much out of order is still found. */
#define ORDER_SLACK (86400 * NS_PER_S)

struct showing {
        const struct invocation *in;
        const struct log_options *o;
        char dir[PLACES_PATH_MAX];
        struct reader reader;
        struct secrets secrets;
        struct filter filter;
        uint64_t limit; /* 0: none */
        struct view view;
        struct buf out;
        uint64_t damaged; /* entries that could not be shown */
        bool pruned;
        struct { /* of those: a run of them in one bundle, not told yet; n 0: none */
                uint64_t first, n;
                struct err err;
        } bad;
        unsigned missing; /* bundles that are not there, in a row */
        uint64_t lost;    /* entries with values that the vault should have */
};

/* What bundles have in common is said once. */
static void say_bad(struct showing *s)
{
        uint64_t first = s->bad.first, last = s->bad.first + s->bad.n - 1;

        if (s->bad.n == 1)
                complain(s->in, STATUS_PROBLEM, "entry %" PRIu64 ": %s", first,
                         err_text(&s->bad.err));
        else if (s->bad.n)
                complain(s->in, STATUS_PROBLEM, "entries %" PRIu64 " to %" PRIu64 ": %s", first,
                         last, err_text(&s->bad.err));
        s->bad.n = 0;
}

/* n entries from this on, all of one bundle. */
static void add_bad(struct showing *s, uint64_t index, uint64_t n, const struct err *err)
{
        bool same = s->bad.n && s->bad.first / TILE_WIDTH == index / TILE_WIDTH;

        s->damaged += n;
        if (same && (index == s->bad.first + s->bad.n || index + n == s->bad.first)) {
                s->bad.first = MIN_OF(s->bad.first, index);
                s->bad.n += n;
                return;
        }
        say_bad(s);
        s->bad.first = index;
        s->bad.n = n;
        s->bad.err = *err;
}

/* 1: it is in view and matches. 0: it does not.  Negative: it cannot be had; -ENODATA and -ENOMSG
 * as reader_entry() says. */
static int look(struct showing *s, uint64_t index)
{
        struct err err = { 0 };
        struct span bytes;
        int status;

        status = reader_entry(&s->reader, index, &bytes, &err);
        if (status == -ENODATA)
                return status;
        if (status == -ENOMSG) {
                uint64_t bundle = index - index % TILE_WIDTH;

                add_bad(s, bundle, MIN_OF(reader_size(&s->reader) - bundle, (uint64_t)TILE_WIDTH),
                        &err);
                s->missing++;
                return status;
        }
        s->missing = 0;
        if (status == 0)
                status = view_open(&s->view, index, bytes, &err);
        if (status == 0 && s->secrets.vault && s->view.entry.sd.raw.n)
                status = view_disclose(&s->view, s->secrets.vault, &err);
        if (status < 0) {
                add_bad(s, index, 1, &err);
                return status;
        }
        return filter_match(&s->filter, &s->view);
}

static void put_disclosed_json(struct showing *s)
{
        struct view *v = &s->view;

        buf_put_str(&s->out, "{\"disclosed\":[");
        for (size_t i = 0; i < v->n_disclosed; i++) {
                buf_put_str(&s->out, i ? ",{\"name\":" : "{\"name\":");
                json_put_quoted(&s->out, v->disclosed[i].parsed.name);
                buf_put_str(&s->out, ",\"value\":");
                buf_put(&s->out, v->disclosed[i].parsed.value.raw);
                buf_put_byte(&s->out, '}');
        }
        buf_put_str(&s->out, "],\"entry\":");
        buf_put(&s->out, v->bytes);
        buf_printf(&s->out, ",\"%s\":%zu,\"index\":%" PRIu64 "}\n",
                   !v->asked_vault ? "hidden"
                   : v->erased     ? "erased"
                                   : "missing",
                   view_count_hidden(v), v->index);
}

static int show(struct showing *s)
{
        say_bad(s); /* in its place */
        if (s->view.asked_vault && !s->view.erased && view_count_hidden(&s->view))
                s->lost++;
        if (s->in->json && s->o->disclose) {
                put_disclosed_json(s);
        } else if (s->in->json) {
                buf_put(&s->out, s->view.bytes);
                buf_put_byte(&s->out, '\n');
        } else {
                line_put(&s->in->out, &s->view, &s->out);
        }
        return s->out.n > FLUSH_BYTES ? screen_flush(&s->in->out, &s->out) : 0;
}

/* ---- backwards ---- */

static bool is_long_before(const struct showing *s)
{
        return s->filter.has_since && s->view.has_time &&
               s->view.wall_ns < s->filter.since_ns - ORDER_SLACK;
}

/* The index to begin at so that `limit` matching ones, or all since a time, follow.  With print
 * they are printed on the way. */
static int go_back(struct showing *s, bool print, uint64_t *ret_start)
{
        uint64_t found = 0, n = reader_size(&s->reader), old = 0;
        int status = 0;

        while (n > 0 && (s->limit == 0 || found < s->limit)) {
                int match = look(s, n - 1);

                if (match == -ENODATA) {
                        s->pruned = true;
                        break;
                }
                if (match == -ENOMSG) {
                        n = (n - 1) - (n - 1) % TILE_WIDTH;
                        if (s->missing >= MISSING_MAX)
                                break;
                        continue;
                }
                n--;
                if (match < 0)
                        continue;
                /* A whole bundle of old ones in a row: there are no newer ones behind. */
                old = is_long_before(s) ? old + 1 : 0;
                if (old >= 256)
                        break;
                if (!match)
                        continue;
                found++;
                if (print && (status = show(s)) < 0)
                        return status;
        }
        *ret_start = n;
        return 0;
}

static int go_on(struct showing *s, uint64_t from, uint64_t to)
{
        int status = 0;

        while (from < to && status == 0 && s->missing < MISSING_MAX) {
                int match = look(s, from);

                if (match == -ENODATA) {
                        s->pruned = true;
                        from = s->reader.pruned;
                        continue;
                }
                if (match == -ENOMSG) {
                        from += TILE_WIDTH - from % TILE_WIDTH;
                        continue;
                }
                if (match > 0)
                        status = show(s);
                from++;
        }
        say_bad(s);
        if (s->missing >= MISSING_MAX)
                complain(s->in, STATUS_PROBLEM,
                         "%u bundles in a row are missing; assay verify says what else is",
                         s->missing);
        return status == 0 ? screen_flush(&s->in->out, &s->out) : status;
}

static int show_past(struct showing *s)
{
        uint64_t start = 0;
        int status;

        if (s->o->reverse) {
                status = go_back(s, true, &start);
                say_bad(s);
                return status < 0 ? status : screen_flush(&s->in->out, &s->out);
        }
        if (s->limit > 0 || s->filter.has_since) {
                uint64_t damaged = s->damaged;

                status = go_back(s, false, &start);
                if (status < 0)
                        return status;
                s->damaged = damaged; /* they come again on the way forward */
                s->bad.n = 0;
                s->missing = 0;
        }
        return go_on(s, start, reader_size(&s->reader));
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

/* Until something changes in the directory, or now and then. */
static void wait_for_change(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char events[4096];

        if (poll(&p, fd >= 0, FOLLOW_POLL_MS) > 0)
                while (read(fd, events, sizeof(events)) > 0)
                        ;
}

/* The ledger was succeeded and all of it was shown: go on in the one that has its name now. */
static void go_over(struct showing *s, uint64_t *shown, int *watch)
{
        struct reader next = { 0 };

        if (reader_open(s->dir, &next, NULL) < 0)
                return; /* it is being put into its place */
        reader_done(&s->reader);
        secrets_done(&s->secrets);
        s->reader = next;
        s->secrets = (struct secrets){ 0 };
        (void)!secrets_open(s->dir, &s->secrets, NULL);
        if (*watch >= 0)
                fd_close(watch);
        *watch = watch_checkpoint(s->dir);
        *shown = 0;
        if (!s->in->json)
                fprintf(stderr, "The ledger was succeeded by %s.\n", s->reader.checkpoint.origin);
}

static enum status follow(struct showing *s)
{
        uint64_t shown = reader_size(&s->reader);
        CLEANUP_FD int watch = watch_checkpoint(s->dir);
        struct err err = { 0 };

        catch_interrupts();
        while (!interrupted) {
                bool succeeded = reader_is_succeeded(&s->reader, s->dir);
                int status = reader_refresh(&s->reader, &err);

                if (status < 0)
                        return complain_err(s->in, &err);
                if (reader_size(&s->reader) < shown)
                        return complain(s->in, STATUS_PROBLEM,
                                        "%s: the ledger became shorter: it had %" PRIu64
                                        " entries and has %" PRIu64,
                                        s->dir, shown, reader_size(&s->reader));
                status = go_on(s, shown, reader_size(&s->reader));
                if (status < 0)
                        return status == -EPIPE
                                       ? STATUS_GOOD
                                       : complain(s->in, STATUS_UNSURE, "standard output: %s",
                                                  strerror(-status));
                shown = reader_size(&s->reader);
                if (succeeded)
                        go_over(s, &shown, &watch);
                else
                        wait_for_change(watch);
        }
        return STATUS_GOOD;
}

/* ---- the command ---- */

static int set_times(struct showing *s, struct err *err)
{
        int64_t now = clock_wall(s->in->clock);
        int status = 0;

        if (s->o->since) {
                s->filter.has_since = true;
                status = when_parse(s->o->since, now, &s->filter.since_ns, err);
                if (status < 0)
                        return err_wrap(err, "--since");
        }
        if (s->o->until) {
                s->filter.has_until = true;
                status = when_parse(s->o->until, now, &s->filter.until_ns, err);
                if (status < 0)
                        return err_wrap(err, "--until");
        }
        return 0;
}

static void set_limit(struct showing *s)
{
        if (s->o->limit.given)
                s->limit = s->o->limit.value;
        else if (s->o->follow)
                s->limit = FOLLOW_LIMIT;
        else if (s->in->out.terminal && !s->o->since)
                s->limit = TERMINAL_LIMIT;
}

/* What is not on the screen although it was asked for. */
static void say_rest(const struct showing *s)
{
        uint64_t size = reader_size(&s->reader);

        if (s->pruned)
                complain(s->in, STATUS_GOOD, "older entries are not here any more (pruned)");
        if (!s->o->limit.given && !s->o->follow && s->in->out.terminal && s->limit &&
            size > s->limit)
                fprintf(stderr,
                        "The newest %" PRIu64 " of %" PRIu64 " entries; --limit 0 shows all.\n",
                        s->limit, size);
        if (size == 0 && s->in->out.terminal && !s->o->follow)
                fprintf(stderr, "The ledger is empty.\n");
}

static enum status show_all(struct showing *s)
{
        struct err err = { 0 };
        int status;

        status = reader_open(s->dir, &s->reader, &err);
        if (status < 0)
                return complain_err(s->in, &err);
        /* Without the vault sensitive values are shown as sealed. */
        (void)!secrets_open(s->dir, &s->secrets, NULL);
        status = show_past(s);
        if (status == -EPIPE)
                return STATUS_GOOD;
        if (status < 0)
                return complain(s->in, STATUS_UNSURE, "standard output: %s", strerror(-status));
        say_rest(s);
        if (s->o->follow)
                return follow(s);
        if (s->lost)
                complain(s->in, STATUS_PROBLEM,
                         "%" PRIu64 " entries have values that nobody erased and the vault has not",
                         s->lost);
        return s->damaged || s->lost ? STATUS_PROBLEM : STATUS_GOOD;
}

static enum status run(struct invocation *in)
{
        const struct log_options *o = in->options;
        struct showing s = { .in = in, .o = o, .out = BUF_INIT(COMMAND_OUTPUT_MAX) };
        enum status result;
        struct err err = { 0 };

        if (o->reverse && o->follow)
                return complain(in, STATUS_USAGE, "--reverse and --follow do not go together");
        if (o->disclose && !in->json)
                return complain(in, STATUS_USAGE,
                                "--disclose goes with --json; lines show the values anyway");
        s.filter = (struct filter){ .kinds = o->kinds, .paths = o->paths, .actors = o->actors };
        if (set_times(&s, &err) < 0)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        if (places_ledger_or(in, 0, s.dir, &err) < 0)
                return complain_err(in, &err);
        set_limit(&s);
        signal(SIGPIPE, SIG_IGN);
        view_init(&s.view);
        result = show_all(&s);
        view_done(&s.view);
        secrets_done(&s.secrets);
        reader_done(&s.reader);
        buf_done(&s.out);
        return result;
}

const struct command command_log = {
        .name = "log",
        .operands = "[DIR]",
        .about = "show what is in the ledger, and follow it",
        .help = "One line per entry: when, what, by whom, and whether it was expected.  Sensitive\n"
                "values are shown where the vault may be read, else as \"sealed\"; erased ones as\n"
                "\"erased\", lost ones as \"missing\".  --json prints the entries' bytes as they are\n"
                "stored, one a line.\n"
                "DIR is a ledger's directory; without it, this host's ledger.\n"
                "\n"
                "Options that are given twice mean either; different options mean both.",
        .options = log_specs,
        .options_size = sizeof(struct log_options),
        .max_operands = 1,
        .run = run,
};
