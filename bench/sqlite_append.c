/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_append - SQLite at the same durability: WAL, synchronous FULL, one 256-byte row a
 * transaction, one connection, prepared statement.
 *
 *   sqlite_append DIR SECONDS      prints {"per_second":...} */
#include "sys/sysclock.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(sqlite3 *db, int rc, int want)
{
        if (rc != want) {
                fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
                exit(1);
        }
}

int main(int argc, char **argv)
{
        static char row[256];
        sqlite3_stmt *insert;
        char path[4096];
        sqlite3 *db;
        double begun, seconds;
        long n = 0;

        if (argc != 3) {
                fputs("usage: sqlite_append DIR SECONDS\n", stderr);
                return 2;
        }
        snprintf(path, sizeof path, "%s/append.sqlite", argv[1]);
        seconds = strtod(argv[2], NULL);
        must(NULL, sqlite3_open(path, &db), SQLITE_OK);
        must(db,
             sqlite3_exec(db,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                          "CREATE TABLE entry(i INTEGER PRIMARY KEY, b BLOB NOT NULL)",
                          NULL, NULL, NULL),
             SQLITE_OK);
        must(db, sqlite3_prepare_v2(db, "INSERT INTO entry(b) VALUES(?)", -1, &insert, NULL),
             SQLITE_OK);
        memset(row, 'x', sizeof row);
        begun = (double)clock_mono(&sysclock) / 1e9;
        while ((double)clock_mono(&sysclock) / 1e9 - begun < seconds) {
                must(db, sqlite3_bind_blob(insert, 1, row, sizeof row, SQLITE_STATIC), SQLITE_OK);
                must(db, sqlite3_step(insert), SQLITE_DONE);
                must(db, sqlite3_reset(insert), SQLITE_OK);
                n++;
        }
        printf("{\"per_second\":%.0f}\n",
               (double)n / ((double)clock_mono(&sysclock) / 1e9 - begun));
        sqlite3_finalize(insert);
        sqlite3_close(db);
        return 0;
}
