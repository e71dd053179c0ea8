/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - assay help, and the --help of every command, printed from the tables. */
#include <stdlib.h>

#include "command/commands.h"

enum { HELP_NAME_MAX = 64 };

static void put_heading(const struct screen *s, struct buf *out, const char *text)
{
        buf_put_byte(out, '\n');
        screen_put(s, out, STYLE_BOLD, text);
        buf_put_byte(out, '\n');
}

static void put_table(struct table *t, const struct screen *s, struct buf *out)
{
        table_print(t, s, 2, out);
        table_done(t);
        free(t);
}

static struct table *new_table(void)
{
        struct table *t = malloc(sizeof(*t));

        if (t)
                table_init(t, 2);
        return t;
}

static void put_commands(const struct screen *s, const struct command *const *commands,
                         struct buf *out)
{
        struct table *t = new_table();

        if (!t)
                return;
        for (; *commands; commands++) {
                table_put(t, STYLE_NAME, (*commands)->name);
                table_put(t, STYLE_NONE, (*commands)->about);
        }
        put_table(t, s, out);
}

static void put_options(struct table *t, const struct option_spec *o)
{
        for (; o && o->name; o++) {
                char name[HELP_NAME_MAX];
                int n;

                n = o->letter ? snprintf(name, sizeof(name), "-%c, ", o->letter)
                              : snprintf(name, sizeof(name), "    ");
                snprintf(name + n, sizeof(name) - (size_t)n, "--%s%s%s", o->name,
                         o->value ? " " : "", o->value ? o->value : "");
                table_put(t, STYLE_NAME, name);
                table_put(t, STYLE_NONE, o->about);
        }
}

/* Paragraphs are written in lines of any length; what begins with a blank stays as it is. */
static void put_paragraphs(const struct screen *s, const char *text, struct buf *out)
{
        CLEANUP(buf_done) struct buf whole = BUF_INIT(COMMAND_OUTPUT_MAX);

        while (*text) {
                const size_t n = strcspn(text, "\n");
                const char *next = text + n + (text[n] == '\n');
                const bool goes_on = *text != ' ' && n > 0 && *next && !strchr(" \n", *next);

                buf_put(&whole, span_of(text, n));
                if (goes_on && s->width) {
                        buf_put_str(&whole, text[n - 1] == '.' ? "  " : " ");
                } else {
                        screen_put_wrapped(s, out, buf_cstr(&whole), 0, *text == ' ' ? 4 : 0);
                        buf_put_byte(out, '\n');
                        buf_clear(&whole);
                }
                text = next;
        }
}

static void put_command_help(const struct screen *s, const struct command *c, const char *name,
                             struct buf *out)
{
        CLEANUP(buf_done) struct buf title = BUF_INIT(TABLE_CELL_MAX);
        struct table *t = new_table();

        if (!t)
                return;
        buf_printf(&title, "%s - %s", name, c->about);
        screen_put_wrapped(s, out, buf_cstr(&title), 0, 2);
        buf_put_byte(out, '\n');
        put_heading(s, out, "Usage");
        buf_printf(out, "  %s %s%s%s\n", name,
                   c->usual ? "[COMMAND]"
                   : c->sub ? "COMMAND"
                            : "[OPTION]...",
                   *c->operands ? " " : "", c->operands);
        if (c->help) {
                buf_put_byte(out, '\n');
                put_paragraphs(s, c->help, out);
        }
        if (c->sub) {
                put_heading(s, out, "Commands");
                put_commands(s, c->sub, out);
        }
        if (c->usual)
                buf_printf(out, "\nWithout a command it is %s.\n", c->usual->name);
        put_options(t, c->options);
        put_options(t, command_common_options);
        put_heading(s, out, "Options");
        put_table(t, s, out);
}

static void put_overview(const struct screen *s, const struct command *const *commands,
                         struct buf *out)
{
        buf_put_str(out, "assay - a host that keeps a ledger of itself\n");
        put_heading(s, out, "Usage");
        buf_put_str(out, "  assay COMMAND [OPTION]... [OPERAND]...\n");
        put_heading(s, out, "Commands");
        put_commands(s, commands, out);
        put_heading(s, out, "Exit status");
        buf_put_str(out, "  0  good\n"
                         "  1  found a problem\n"
                         "  2  wrong usage\n"
                         "  3  could not tell\n\n");
        put_paragraphs(s,
                       "'assay help COMMAND' or 'assay COMMAND --help' says more; so does "
                       "'man assay-COMMAND'.",
                       out);
}

void command_put_help(const struct screen *s, const struct command *const *commands,
                      const struct command *command, const char *name, struct buf *out)
{
        if (command)
                put_command_help(s, command, name, out);
        else
                put_overview(s, commands, out);
}

/* What may follow on the line, for the shells' completion. */
static void put_words(const struct command *const *commands, const struct command *c,
                      struct buf *out)
{
        const struct command *with = c && c->usual ? c->usual : c;
        const struct option_spec *const sets[] = { with ? with->options : NULL,
                                                   command_common_options };

        for (; commands && *commands; commands++)
                buf_printf(out, "%s\t%s\n", (*commands)->name, (*commands)->about);
        for (size_t i = 0; c && i < ARRAY_LEN(sets); i++) {
                for (const struct option_spec *o = sets[i]; o && o->name; o++) {
                        buf_printf(out, "--%s\t%s\n", o->name, o->about);
                        if (o->letter)
                                buf_printf(out, "-%c\t%s\n", o->letter, o->about);
                }
        }
}

struct help_options {
        bool words;
};

static const struct option_spec help_specs[] = {
        { "words", 0, OPTION_FLAG, offsetof(struct help_options, words), NULL,
          "only what may follow on the line, with a tab before what it is, for completion" },
        { 0 },
};

static enum status run(struct invocation *in)
{
        const struct help_options *o = in->options;
        const struct command *const *table = in->commands;
        const struct command *c = NULL;
        struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX), name = BUF_INIT(HELP_NAME_MAX * 2);
        enum status status;

        buf_put_str(&name, "assay");
        for (size_t i = 0; i < in->n_operands; i++) {
                c = table ? command_find(table, in->operands[i]) : NULL;
                if (!c) {
                        buf_done(&name);
                        return complain(in, STATUS_USAGE, "there is no command \"%s\"",
                                        in->operands[i]);
                }
                buf_printf(&name, " %s", c->name);
                table = c->sub;
        }
        if (o->words)
                put_words(table, c, &out);
        else
                command_put_help(&in->out, in->commands, c, buf_cstr(&name), &out);
        status = command_print(in, &out, STATUS_GOOD);
        buf_done(&name);
        buf_done(&out);
        return status;
}

const struct command command_help = {
        .name = "help",
        .operands = "[COMMAND]...",
        .about = "say what a command does and which options it takes",
        .options = help_specs,
        .options_size = sizeof(struct help_options),
        .max_operands = 3,
        .run = run,
};
