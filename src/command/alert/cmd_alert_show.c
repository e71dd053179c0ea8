/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_alert_show.c - assay alert show: all that the ledger has of one alert, or one entry that a
 * mail or a message named by its number. */
#include "command/commands.h"

#include <inttypes.h>

#include "base/text.h"
#include "command/log/line.h"
#include "command/log/reader.h"
#include "command/log/view.h"
#include "command/places.h"

enum { ID_MAX = 128 };

struct showing {
        const struct invocation *in;
        struct reader reader;
        struct secrets secrets;
        struct view view;
        struct buf out;
        uint64_t shown;
};

static int show(struct showing *s)
{
        if (s->secrets.vault && s->view.entry.sd.raw.n)
                (void)!view_disclose(&s->view, s->secrets.vault, NULL);
        s->shown++;
        if (!s->in->json) {
                line_put(&s->in->out, &s->view, &s->out);
                return buf_status(&s->out);
        }
        buf_put(&s->out, s->view.bytes);
        buf_put_byte(&s->out, '\n');
        return buf_status(&s->out);
}

static int show_index(struct showing *s, uint64_t index, struct err *err)
{
        struct span bytes;
        int status = reader_entry(&s->reader, index, &bytes, err);

        if (status == 0)
                status = view_open(&s->view, index, bytes, err);
        return status == 0 ? show(s) : status;
}

static bool is_of(const struct view *v, const char *id)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(ID_MAX);

        return view_text(v, span_starts(v->entry.kind, SPAN("alert.")) ? "what.id" : "why.alert",
                         &text) == FIELD_CLEAR &&
               strcmp(buf_cstr(&text), id) == 0;
}

static int show_alert(struct showing *s, const char *id, struct err *err)
{
        int status = 0;

        for (uint64_t i = 0; i < reader_size(&s->reader) && status == 0; i++) {
                struct span bytes;

                status = reader_entry(&s->reader, i, &bytes, err);
                if (status == -ENODATA) { /* pruned: the rest may be there */
                        status = 0;
                        continue;
                }
                if (status == 0 && !memmem(bytes.p, bytes.n, "\"k\":\"alert.", 11) &&
                    !memmem(bytes.p, bytes.n, "\"alert\":\"", 9))
                        continue;
                if (status == 0)
                        status = view_open(&s->view, i, bytes, err);
                if (status == 0 && is_of(&s->view, id))
                        status = show(s);
        }
        return status;
}

static enum status run(struct invocation *in)
{
        struct showing s = { .in = in, .out = BUF_INIT(COMMAND_OUTPUT_MAX) };
        const char *what = in->operands[0];
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        enum status result;
        uint64_t index;
        int status;

        view_init(&s.view);
        status = places_ledger_or(in, 1, dir, &err);
        if (status == 0)
                status = reader_open(dir, &s.reader, &err);
        if (status == 0) {
                (void)!secrets_open(dir, &s.secrets, NULL);
                status = text_to_u64(span_str(what), &index) == 0 ? show_index(&s, index, &err)
                                                                  : show_alert(&s, what, &err);
        }
        if (status < 0)
                result = complain_err(in, &err);
        else if (!s.shown)
                result = complain(in, STATUS_PROBLEM, "the ledger has no alert \"%s\"", what);
        else
                result = command_print(in, &s.out, STATUS_GOOD);
        view_done(&s.view);
        secrets_done(&s.secrets);
        reader_done(&s.reader);
        buf_done(&s.out);
        return result;
}

const struct command alert_show = {
        .name = "show",
        .operands = "ALERT|INDEX [DIR]",
        .about = "show all that the ledger has of one alert",
        .help = "ALERT is an id as assay alert list prints it: each change counted in it, what it came to, what\n"
                "explained it.  INDEX is the number that a delivered message carries: that entry.\n"
                "Sensitive values are shown where the vault may be read.  --json prints the entries\n"
                "as they are stored.",
        .min_operands = 1,
        .max_operands = 2,
        .run = run,
};
