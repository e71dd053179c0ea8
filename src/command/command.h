/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - the assay command: one file per command, one line each in a table.  Floor 3.
 *
 * Every command has --json, --help, --state, --run; exits with one of enum status; writes its
 * result to standard output and "assay <command>: <what and where>" to standard error. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "command/screen.h"
#include "loop/options.h"

enum status {
        STATUS_GOOD = 0,
        STATUS_PROBLEM = 1, /* what was asked could not be done, or what was checked is not right */
        STATUS_USAGE = 2,
        STATUS_UNSURE = 3, /* could not tell: unreadable, absent, cut off */
};

struct invocation;

enum {
        COMMAND_OPTIONS_MAX = 1024, /* bytes of a command's own option struct */
        COMMAND_OUTPUT_MAX = 64 * 1024 * 1024,
};

struct command {
        const char *name;
        const char *operands; /* as in the usage line: "DIR [INDEX]"; "" for none */
        const char *about;    /* one line, no full stop */
        const char *help;     /* paragraphs; NULL for none */
        const struct option_spec *options;
        size_t options_size;
        size_t min_operands, max_operands;
        enum status (*run)(struct invocation *in);
        const struct command *const *sub; /* a group: ends with NULL; run is NULL then */
        const struct command *usual;      /* of a group, meant where none is named; NULL: none */
};

/* What a running command knows. */
struct invocation {
        const struct command *command;
        char name[64]; /* "assay ledger init" */
        bool json;
        const char *state; /* --state, never NULL */
        const char *run;   /* --run, never NULL */
        const void *options;
        size_t n_operands;
        char **operands;
        const struct clock *clock;
        struct screen out;
        struct buf *complaint;                 /* the first one, safe to show */
        const struct command *const *commands; /* the whole table, for help */
};

/* Parse, run, and return the exit status.  commands ends with NULL. */
int command_main(const struct command *const *commands, int argc, char **argv,
                 const struct clock *clock);

/* The command words names ("ledger", "init"); NULL when there is none. */
const struct command *command_find(const struct command *const *commands, const char *name);

/* Help of one command, or of all with command NULL. */
void command_put_help(const struct screen *s, const struct command *const *commands,
                      const struct command *command, const char *name, struct buf *out);

/* "assay verify: <text>" on standard error, made safe; returns status. */
enum status complain(const struct invocation *in, enum status status, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
/* The same for an error from below.  STATUS_UNSURE where something could not be reached or read. */
enum status complain_err(const struct invocation *in, const struct err *err);
enum status status_of_error(int code);

/* A JSON string of text that may hold any bytes: made safe first. */
struct json_writer;
void command_put_json_text(struct json_writer *w, const char *key, const char *text);

/* Write out to standard output; a failure is complained about.  That nobody reads any more is none:
 * the exit status stays what the command found. */
enum status command_print(const struct invocation *in, struct buf *out, enum status status);

extern const struct option_spec command_common_options[];

#endif
