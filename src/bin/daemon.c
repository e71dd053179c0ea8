/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - see daemon.h. */
#include "bin/daemon.h"

#include "sys/program.h"

#include <stdio.h>

struct asked {
        bool help, version;
};

static const struct option_spec daemon_specs[] = {
        { "state", 0, OPTION_TEXT, offsetof(struct daemon_options, state), "DIR",
          "what it keeps is below this (" PLACES_STATE ")" },
        { "run", 0, OPTION_TEXT, offsetof(struct daemon_options, run), "DIR",
          "sockets and status files are here (" PLACES_RUN ")" },
        { "keep-user", 0, OPTION_FLAG, offsetof(struct daemon_options, keep_user), NULL,
          "stay who started it, for trials without root" },
        { 0 },
};

static const struct option_spec asked_specs[] = {
        { "help", 'h', OPTION_FLAG, offsetof(struct asked, help), NULL, "show this help" },
        { "version", 0, OPTION_FLAG, offsetof(struct asked, version), NULL, "show the version" },
        { 0 },
};

static void put_specs(const struct option_spec *o)
{
        for (; o->name; o++)
                printf("  --%-10s %-6s %s\n", o->name, o->value ? o->value : "", o->about);
}

static void put_help(const char *name, const struct option_spec *own)
{
        printf("usage: %s [OPTION]...\n", name);
        put_specs(daemon_specs);
        put_specs(own);
        put_specs(asked_specs);
        printf("Started by \"assay up\" or by systemd; see %s(8).\n", name);
}

bool daemon_options(const char *name, int argc, char **argv, struct option_set own,
                    struct daemon_options *ret, int *ret_status)
{
        struct asked asked = { 0 };
        struct option_set sets[] = { { daemon_specs, ret }, own, { asked_specs, &asked } };
        struct err err = { 0 };
        int first, rc;

        program_begin();
        *ret = (struct daemon_options){ .state = PLACES_STATE, .run = PLACES_RUN };
        rc = options_parse(argc, argv, sets, ARRAY_LEN(sets), &first, &err);
        if (rc == 0 && first < argc)
                rc = err_set(&err, -EINVAL, "unexpected argument \"%s\"", argv[first]);
        if (rc == 0 && !asked.help && !asked.version)
                return true;
        if (rc < 0)
                fprintf(stderr, "%s: %s\nTry '%s --help'.\n", name, err_text(&err), name);
        else if (asked.help)
                put_help(name, own.specs);
        else
                printf("%s " ASSAY_VERSION "\n", name);
        *ret_status = rc < 0 ? 2 : 0;
        return false;
}
