/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - finds a command, parses its line, runs it; see command.h. */
#include "command/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "command/places.h"
#include "sys/program.h"
#include "wire/json.h"

struct common {
        bool json;
        bool help;
        const char *state;
        const char *run;
};

const struct option_spec command_common_options[] = {
        { "json", 0, OPTION_FLAG, offsetof(struct common, json), NULL, "print JSON for programs" },
        { "state", 0, OPTION_TEXT, offsetof(struct common, state), "DIR",
          "where this host's ledger is (" PLACES_STATE ")" },
        { "run", 0, OPTION_TEXT, offsetof(struct common, run), "DIR",
          "where its sockets are (" PLACES_RUN ")" },
        { "help", 'h', OPTION_FLAG, offsetof(struct common, help), NULL, "show this help" },
        { 0 },
};

const struct command *command_find(const struct command *const *commands, const char *name)
{
        for (; *commands; commands++)
                if (strcmp((*commands)->name, name) == 0)
                        return *commands;
        return NULL;
}

enum status complain(const struct invocation *in, enum status status, const char *fmt, ...)
{
        char text[ERR_TEXT_MAX];
        struct buf line = BUF_INIT(8 * ERR_TEXT_MAX);
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        buf_put_str(&line, in->name);
        buf_put_str(&line, ": ");
        text_put_safe(&line, span_str(text));
        fprintf(stderr, "%s\n", buf_cstr(&line));
        if (status != STATUS_GOOD && in->complaint && in->complaint->n == 0)
                text_put_safe(in->complaint, span_str(text));
        buf_done(&line);
        return status;
}

enum status status_of_error(int code)
{
        switch (-code) {
        case ENOENT:
        case ENOTDIR:
        case EACCES:
        case EPERM:
        case EIO:
        case ENOMEM:
        case EMFILE:
        case ENFILE:
        case ENAMETOOLONG:
        case EFBIG:
        case ECONNREFUSED:
        case ECONNRESET:
        case ETIMEDOUT:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EOPNOTSUPP:
        case EPROTONOSUPPORT:
        case EINTR:
                return STATUS_UNSURE;
        default:
                return STATUS_PROBLEM;
        }
}

/* This host's state is closed to others: the errno does not say that root may. */
static bool is_for_root(const struct invocation *in, const struct err *err)
{
        size_t n = strlen(in->state);
        const char *text = err_text(err);

        return err->code == -EACCES && geteuid() != 0 && strncmp(text, in->state, n) == 0 &&
               (text[n] == '/' || text[n] == ':');
}

enum status complain_err(const struct invocation *in, const struct err *err)
{
        if (is_for_root(in, err))
                return complain(in, status_of_error(err->code), "%s; only root may", err_text(err));
        return complain(in, status_of_error(err->code), "%s", err_text(err));
}

void command_put_json_text(struct json_writer *w, const char *key, const char *text)
{
        struct buf safe = BUF_INIT(4 * PLACES_PATH_MAX);

        text_put_safe(&safe, span_str(text));
        json_member_text(w, key, buf_cstr(&safe));
        buf_done(&safe);
}

enum status command_print(const struct invocation *in, struct buf *out, enum status status)
{
        int r = screen_flush(&in->out, out);

        if (r < 0 && r != -EPIPE) /* whoever read has had enough: the answer is the same */
                return complain(in, STATUS_UNSURE, "standard output: %s", strerror(-r));
        return status;
}

static enum status usage_error(const struct invocation *in)
{
        fprintf(stderr, "Try '%s --help'.\n", in->name);
        return STATUS_USAGE;
}

static enum status check_operands(const struct invocation *in)
{
        const struct command *c = in->command;

        if (in->n_operands < c->min_operands)
                complain(in, STATUS_USAGE, "missing operand; usage: %s %s", in->name, c->operands);
        else if (in->n_operands > c->max_operands)
                complain(in, STATUS_USAGE, "unexpected argument \"%s\"",
                         in->operands[c->max_operands]);
        else
                return STATUS_GOOD;
        return usage_error(in);
}

static enum status show_help(struct invocation *in)
{
        struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        enum status status;

        command_put_help(&in->out, in->commands, in->command, in->name, &out);
        status = command_print(in, &out, STATUS_GOOD);
        buf_done(&out);
        return status;
}

/* A program that asked for JSON gets some, also where a command had nothing else to say. */
static enum status run_for_program(struct invocation *in)
{
        CLEANUP(buf_done) struct buf complaint = BUF_INIT(8 * ERR_TEXT_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(16 * ERR_TEXT_MAX);
        bool printed = false;
        enum status status;
        struct json_writer w;

        in->complaint = &complaint;
        in->out.printed = &printed;
        status = in->command->run(in);
        in->complaint = NULL;
        in->out.printed = NULL;
        if (status == STATUS_GOOD || printed || complaint.n == 0)
                return status;
        json_writer_init(&w, &out);
        json_begin_object(&w);
        json_member_string(&w, "error", buf_span(&complaint));
        json_member_int(&w, "status", status);
        json_end_object(&w);
        buf_put_byte(&out, '\n');
        return command_print(in, &out, status);
}

/* argv[0] is the command's own word. */
static enum status run_command(struct invocation *in, int argc, char **argv)
{
        union {
                unsigned char bytes[COMMAND_OPTIONS_MAX];
                max_align_t align;
        } own = { { 0 } };
        struct common common = { .state = PLACES_STATE, .run = PLACES_RUN };
        struct option_set sets[] = { { in->command->options, own.bytes },
                                     { command_common_options, &common } };
        struct err err = { 0 };
        int first;

        assert(in->command->options_size <= sizeof(own));
        if (options_parse(argc, argv, sets, ARRAY_LEN(sets), &first, &err) < 0) {
                complain(in, STATUS_USAGE, "%s", err_text(&err));
                return usage_error(in);
        }
        in->json = common.json;
        in->state = common.state;
        in->run = common.run;
        in->options = own.bytes;
        in->n_operands = (size_t)(argc - first);
        in->operands = argv + first;
        if (common.help)
                return show_help(in);
        if (check_operands(in) != STATUS_GOOD)
                return STATUS_USAGE;
        return in->json ? run_for_program(in) : in->command->run(in);
}

static void name_command(struct invocation *in, const char *word)
{
        size_t n = strlen(in->name);

        snprintf(in->name + n, sizeof(in->name) - n, " %s", word);
}

static bool asks_help(const char *word)
{
        return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static void put_choice(const struct invocation *in)
{
        CLEANUP(buf_done) struct buf names = BUF_INIT(ERR_TEXT_MAX);

        for (const struct command *const *c = in->command->sub; *c; c++)
                buf_printf(&names, "%s%s", names.n ? ", " : "", (*c)->name);
        complain(in, STATUS_USAGE, "which command? %s", buf_cstr(&names));
}

/* No command where one must be: say so, and list what there is. */
static enum status no_command(struct invocation *in, const char *word)
{
        if (!word && in->command)
                put_choice(in);
        else if (!word)
                complain(in, STATUS_USAGE, "which command?");
        else if (word[0] == '-')
                complain(in, STATUS_USAGE, "unknown option %s; options come after the command",
                         word);
        else
                complain(in, STATUS_USAGE, "there is no command \"%s\"", word);
        return usage_error(in);
}

/* A group was named and none of its commands: argv has the options at most. */
static enum status run_usual(struct invocation *in, int argc, char **argv)
{
        char **line = calloc((size_t)argc + 2, sizeof(*line));
        enum status status;

        if (!line)
                return complain(in, STATUS_UNSURE, "out of memory");
        in->command = in->command->usual;
        name_command(in, in->command->name);
        line[0] = in->name;
        for (int i = 0; i < argc; i++)
                line[i + 1] = argv[i];
        status = run_command(in, argc + 1, line);
        free(line);
        return status;
}

int command_main(const struct command *const *commands, int argc, char **argv,
                 const struct clock *clock)
{
        struct invocation in = { .name = "assay", .clock = clock, .commands = commands };
        const struct command *const *table = commands;

        program_begin(); /* what was found counts, not who read it to the end */
        screen_init(&in.out, stdout);
        for (argc--, argv++; argc > 0; argc--, argv++) {
                const struct command *c;

                if (asks_help(argv[0]))
                        return show_help(&in);
                if (strcmp(argv[0], "--version") == 0 && !in.command)
                        c = command_find(table, "version");
                else
                        c = command_find(table, argv[0]);
                if (!c && in.command && in.command->usual && argv[0][0] == '-')
                        return run_usual(&in, argc, argv);
                if (!c)
                        return no_command(&in, argv[0]);
                name_command(&in, c->name);
                in.command = c;
                if (!c->sub)
                        return run_command(&in, argc, argv);
                table = c->sub;
        }
        return in.command && in.command->usual ? run_usual(&in, 0, argv) : no_command(&in, NULL);
}
