/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - a program that asks something beyond this host: what it is started with.  Floor 3.
 *
 * It runs without a shell and without rights, as the user of its own that the system has for what
 * speaks to a network, else as nobody.  Credentials are read by who may and handed over as
 * descriptors 3, 4, ...: they stand in no argument and no variable. */
#ifndef MONITOR_COMMAND_H
#define MONITOR_COMMAND_H

#include "base/base.h"
#include "base/err.h"
#include "monitor/program.h"

enum {
        COMMAND_ARGS_MAX = PROGRAM_ARGS_MAX,
        COMMAND_ENV_MAX = 24,
        COMMAND_FILES_MAX = 4,
        COMMAND_ERRORS_MAX = 8 * 1024, /* bytes of what it complains about; the rest is dropped */
        COMMAND_SECRET_MAX = 64 * 1024,
        COMMAND_FILE_MAX = 1024 * 1024,
};

enum command_form {
        COMMAND_PUBLIC,   /* as it is */
        COMMAND_SECRET,   /* as it is; a file that others may read is refused */
        COMMAND_PASSWORD, /* likewise, without the end of its line */
        COMMAND_PGPASS,   /* likewise, as a line of a password file of PostgreSQL */
};

struct command_file {
        const char *path;
        enum command_form form;
};

struct command {
        const char *name; /* of its part in the bundle; what it says of errors is one "errors" */
        const char *argv[COMMAND_ARGS_MAX + 1]; /* ended by NULL; the first is the path */
        const char *envp[COMMAND_ENV_MAX + 1];
        struct command_file files[COMMAND_FILES_MAX];
        size_t n_files;
        bool file_is_input; /* the first file is standard input as well */
        struct span input;  /* else this is */
        unsigned timeout_s;
};

#endif
