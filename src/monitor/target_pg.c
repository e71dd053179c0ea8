/* SPDX-License-Identifier: Apache-2.0 */
/* psql(1): a script of questions in one read-only transaction, answered as COPY writes text. */
#include "monitor/target.h"

extern const uint8_t pg_roles_sql[], pg_schema_sql[]; /* src/monitor/NAME.sql */
extern const size_t pg_roles_sql_n, pg_schema_sql_n;

static void put_env(const struct target *t, struct command *c, const char *variable,
                    const char *value, int *rc)
{
        if (value)
                target_env(c, target_join(t, variable, value), rc);
}

static void put_file(const struct target *t, struct command *c, const char *variable,
                     const char *key, enum command_form form, int *rc)
{
        const char *path = target_value(t, key);

        if (path)
                put_env(t, c, variable, target_file(c, path, form, rc), rc);
}

int target_pg(const struct target *t, struct command *c)
{
        static const char *const options[] = {
                "/usr/bin/psql", "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-"
        };
        const char *host = target_value(t, "host"), *sslmode = target_value(t, "sslmode");
        const char *database = target_value(t, "database");
        bool roles = strcmp(t->table->name, "pg_roles") == 0;
        int rc = 0;

        if (!sslmode && *host != '/')
                sslmode = "verify-full";
        c->name = "psql";
        c->input = roles ? span_of(pg_roles_sql, pg_roles_sql_n)
                         : span_of(pg_schema_sql, pg_schema_sql_n);
        for (size_t i = 0; i < ARRAY_LEN(options); i++)
                target_arg(c, options[i], &rc);
        target_env(c, "PGAPPNAME=assay-monitor", &rc);
        target_env(c, "PGCLIENTENCODING=UTF8", &rc);
        target_env(c, "PGCONNECT_TIMEOUT=10", &rc);
        target_env(c,
                   "PGOPTIONS=-c statement_timeout=30s -c default_transaction_read_only=on "
                   "-c search_path=pg_catalog -c datestyle=ISO -c timezone=UTC",
                   &rc);
        put_env(t, c, "PGHOST=", host, &rc);
        put_env(t, c, "PGPORT=", target_value(t, "port"), &rc);
        put_env(t, c, "PGUSER=", target_value(t, "user"), &rc);
        put_env(t, c, "PGDATABASE=", database ? database : "postgres", &rc);
        put_env(t, c, "PGSSLMODE=", sslmode, &rc);
        put_file(t, c, "PGPASSFILE=", "password_file", COMMAND_PGPASS, &rc);
        put_file(t, c, "PGSSLROOTCERT=", "ca_file", COMMAND_PUBLIC, &rc);
        put_file(t, c, "PGSSLCERT=", "cert_file", COMMAND_PUBLIC, &rc);
        put_file(t, c, "PGSSLKEY=", "key_file", COMMAND_SECRET, &rc);
        return rc;
}
