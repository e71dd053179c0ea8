/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/target.h"

#include "state/reading/settings.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_FD = 3 };

static const struct {
        const char *table;
        target_fn *make;
} makers[] = {
        { "device", target_device },
        { "ldap", target_ldap },
        { "pg_roles", target_pg },
        { "pg_schema", target_pg },
};

const char *target_value(const struct target *t, const char *key)
{
        const struct state_value *v = state_value_of(t->values, t->n, key);

        return v ? (const char *)v->value.p : NULL;
}

const char *target_join(const struct target *t, const char *a, const char *b)
{
        size_t n = strlen(a) + strlen(b) + 1;
        char *s = arena_alloc(t->arena, n);

        if (s)
                snprintf(s, n, "%s%s", a, b);
        return s;
}

static void put(const char **list, size_t max, const char *s, int *rc)
{
        size_t n = 0;

        while (list[n])
                n++;
        if (!s)
                *rc = -ENOMEM;
        else if (n == max)
                *rc = -E2BIG;
        else
                list[n] = s;
}

void target_arg(struct command *c, const char *arg, int *rc)
{
        put(c->argv, COMMAND_ARGS_MAX, arg, rc);
}

void target_env(struct command *c, const char *variable, int *rc)
{
        put(c->envp, COMMAND_ENV_MAX, variable, rc);
}

const char *target_file(struct command *c, const char *path, enum command_form form, int *rc)
{
        static const char *const names[] = { "/dev/fd/3", "/dev/fd/4", "/dev/fd/5", "/dev/fd/6" };

        _Static_assert(ARRAY_LEN(names) == COMMAND_FILES_MAX && FIRST_FD == 3, "as spawn.h says");
        if (c->n_files == COMMAND_FILES_MAX) {
                *rc = -E2BIG;
                return NULL;
        }
        c->files[c->n_files] = (struct command_file){ path, form };
        return names[c->n_files++];
}

int target_command(const struct target *t, struct command **ret, struct err *err)
{
        struct command *c = arena_alloc(t->arena, sizeof *c);
        size_t i = 0;
        int rc = 0;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory");
        while (i < ARRAY_LEN(makers) && strcmp(makers[i].table, t->table->name) != 0)
                i++;
        assert(i < ARRAY_LEN(makers));
        c->timeout_s = t->timeout_s;
        target_env(c, "PATH=/usr/bin:/bin", &rc);
        target_env(c, "LC_ALL=C", &rc);
        target_env(c, "HOME=/nonexistent", &rc);
        if (rc == 0)
                rc = makers[i].make(t, c);
        if (rc == 0)
                *ret = c;
        else
                err_sys(err, rc, "%s", t->table->name);
        return rc;
}
