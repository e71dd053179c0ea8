/* SPDX-License-Identifier: Apache-2.0 */
/* target.h - from a target's settings to the program that asks it.  Floor 3. */
#ifndef MONITOR_TARGET_H
#define MONITOR_TARGET_H

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"
#include "monitor/command.h"
#include "state/state.h"

struct target {
        const struct state_table *table;
        const struct state_value *values; /* good by settings.h, alone and beside each other */
        size_t n;
        unsigned timeout_s;
        struct arena *arena; /* of all that is made */
};

/* The first value of a key; NULL: it is not given. */
const char *target_value(const struct target *t, const char *key);
/* "PGHOST=" "x" in one, in the arena; NULL: out of memory. */
const char *target_join(const struct target *t, const char *a, const char *b);

/* One more of each; NULL is out of memory, and what is too much is -E2BIG: both stick in *rc. */
void target_arg(struct command *c, const char *arg, int *rc);
void target_env(struct command *c, const char *variable, int *rc);
/* The path that the program has for it: /dev/fd/3 and so on; NULL after a failure. */
const char *target_file(struct command *c, const char *path, enum command_form form, int *rc);

/* What asks it. */
MUST_USE int target_command(const struct target *t, struct command **ret, struct err *err);

/* One for each table of targets: target_NAME.c. */
typedef int target_fn(const struct target *t, struct command *c);
target_fn target_ldap, target_pg, target_device;

#endif
