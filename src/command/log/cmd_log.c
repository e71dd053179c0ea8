/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log.c - assay log: the ledger's entries for people (lines) and programs (--json).
 * Without --reverse the newest matching entries come last, as in any log. */
#include <inttypes.h>
#include <stdio.h>

#include "command/commands.h"
#include "command/log/line.h"
#include "command/log/walk.h"

struct log_options {
        struct walk_options walk;
        bool reverse, disclose;
};

static const struct option_spec log_specs[] = {
        WALK_OPTION_SPECS(struct log_options, walk),
        { "limit", 'n', OPTION_U64, offsetof(struct log_options, walk.limit), "N",
          "only the newest N that match (0: all; on a terminal 50 unless said)" },
        { "reverse", 'r', OPTION_FLAG, offsetof(struct log_options, reverse), NULL,
          "newest first" },
        { "follow", 'f', OPTION_FLAG, offsetof(struct log_options, walk.follow), NULL,
          "then print new entries as they come, until interrupted" },
        { "disclose", 0, OPTION_FLAG, offsetof(struct log_options, disclose), NULL,
          "with --json: wrap each entry with its index and the values from the vault" },
        { 0 },
};

enum { TERMINAL_LIMIT = 50, FOLLOW_LIMIT = 10 };

static void put_disclosed_json(struct walk *w)
{
        struct view *v = &w->view;

        buf_put_str(&w->out, "{\"disclosed\":[");
        for (size_t i = 0; i < v->n_disclosed; i++) {
                buf_put_str(&w->out, i ? ",{\"name\":" : "{\"name\":");
                json_put_quoted(&w->out, v->disclosed[i].parsed.name);
                buf_put_str(&w->out, ",\"value\":");
                buf_put(&w->out, v->disclosed[i].parsed.value.raw);
                buf_put_byte(&w->out, '}');
        }
        buf_put_str(&w->out, "],\"entry\":");
        buf_put(&w->out, v->bytes);
        buf_printf(&w->out, ",\"%s\":%zu,\"index\":%" PRIu64 "}\n",
                   !v->asked_vault ? "hidden"
                   : v->erased     ? "erased"
                                   : "missing",
                   view_count_hidden(v), v->index);
}

static int show(struct walk *w)
{
        const struct log_options *o = w->in->options;

        if (w->in->json && o->disclose) {
                put_disclosed_json(w);
        } else if (w->in->json) {
                buf_put(&w->out, w->view.bytes);
                buf_put_byte(&w->out, '\n');
        } else {
                line_put(&w->in->out, &w->view, &w->out);
        }
        return 0;
}

/* ---- the command ---- */

static void set_limit(struct walk *w)
{
        if (w->o->limit.given)
                w->limit = w->o->limit.value;
        else if (w->o->follow)
                w->limit = FOLLOW_LIMIT;
        else if (w->in->out.terminal && !w->o->since)
                w->limit = TERMINAL_LIMIT;
}

/* What is not on the screen although it was asked for. */
static void say_rest(const struct walk *w)
{
        uint64_t size = reader_size(&w->reader);

        if (w->pruned)
                complain(w->in, STATUS_GOOD, "older entries are not here any more (pruned)");
        if (!w->o->limit.given && !w->o->follow && w->in->out.terminal && w->limit &&
            size > w->limit)
                fprintf(stderr,
                        "The newest %" PRIu64 " of %" PRIu64 " entries; --limit 0 shows all.\n",
                        w->limit, size);
        if (size == 0 && w->in->out.terminal && !w->o->follow)
                fprintf(stderr, "The ledger is empty.\n");
}

static enum status show_all(struct walk *w, bool reverse)
{
        enum status opened = walk_open(w, NULL);
        int status;

        if (opened != STATUS_GOOD)
                return opened;
        /* Without the vault sensitive values are shown as sealed. */
        (void)!secrets_open(w->dir, &w->secrets, NULL);
        status = walk_past(w, reverse);
        if (status < 0)
                return walk_complain(w, status);
        say_rest(w);
        if (w->o->follow)
                return walk_follow(w);
        walk_say_lost(w);
        return walk_status(w);
}

static enum status run(struct invocation *in)
{
        const struct log_options *o = in->options;
        CLEANUP(walk_done) struct walk w;
        enum status status;

        status = walk_init(&w, in, &o->walk);
        if (status != STATUS_GOOD)
                return status;
        if (o->reverse && o->walk.follow)
                return complain(in, STATUS_USAGE, "--reverse and --follow do not go together");
        if (o->disclose && !in->json)
                return complain(in, STATUS_USAGE,
                                "--disclose goes with --json; lines show the values anyway");
        w.show = show;
        w.quiet = in->json;
        set_limit(&w);
        return show_all(&w, o->reverse);
}

const struct command command_log = {
        .name = "log",
        .operands = "[DIR | ARCHIVE | URL]",
        .about = "show what is in the ledger, and follow it",
        .help = "One line per entry: when, what, by whom, and whether it was expected.  Sensitive\n"
                "values are shown where the vault may be read, else as \"sealed\"; erased ones as\n"
                "\"erased\", lost ones as \"missing\".  --json prints the entries' bytes as they are\n"
                "stored, one a line.\n"
                "DIR is a ledger's directory; an archive or a URL will do.  Without it, this host's\n"
                "ledger.\n"
                "\n"
                "Options that are given twice mean either; different options mean both.",
        .options = log_specs,
        .options_size = sizeof(struct log_options),
        .max_operands = 1,
        .run = run,
};
