/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - the tables of a host's state: what each holds, where it comes from, who reads it.
 * Floor 2.
 *
 * A table is one file with its definition and its reader, and one line in tables.c.  The process
 * that has the rights gathers the sources as bytes (bundle.h) and reads none of them; a process
 * without rights reads them into rows (row.h); the first one compares the rows with those before.
 *
 * SECURITY: what a reader gets is hostile: a file that any user may write, the output of a program
 * that another host answers. */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "base/base.h"
#include "base/err.h"

enum {
        STATE_TABLES_MAX = 64,
        STATE_COLUMNS_MAX = 24,
        STATE_NAME_MAX = 64,       /* of a table, its target included */
        STATE_ROWS_MAX = 200000,   /* of one table; more is a fault */
        STATE_ROW_MAX = 12 * 1024, /* bytes of a row: before and after fit an entry */
        STATE_FAULTS_MAX = 1000,   /* of one reading; the rest is counted */
        STATE_OTHERS_MAX = 256 * 1024,
        STATE_OTHERS_FILES_MAX = 10000,
};

enum state_type {
        STATE_TEXT, /* string; what is no UTF-8 in it as text_put_safe() writes it */
        STATE_INT,  /* integer */
        STATE_BOOL,
        STATE_TIME, /* string as text_time() writes */
        STATE_LIST, /* array of strings */
};

enum state_column_flags {
        STATE_KEY = 1u << 0,   /* names the row; never absent */
        STATE_LOOSE = 1u << 1, /* shown and kept; a difference in nothing else is none */
};

struct state_column {
        const char *name; /* [a-z][a-z0-9_]* */
        enum state_type type;
        unsigned flags;
        const char *about; /* one line */
};

enum state_source_type {
        STATE_FILE,    /* a regular file, links followed; known by its times */
        STATE_FILES,   /* those that fit a pattern of glob(7), sorted by byte; a link is told as one
                        */
        STATE_TREE,    /* all below a directory, sorted by byte; links are told, not followed */
        STATE_KERNEL,  /* a file of /proc or /sys: it has no times, its content is compared */
        STATE_KERNELS, /* those that fit a pattern; a link is told as one */
        STATE_KERNEL_TREE,
        STATE_HOMES, /* a file by its path below a home directory, of each home that passwd(5) names
                      * or that is below /home, sorted by byte; no part where there is none */
        STATE_HOME_TREES, /* the files in a directory of each home and in the directories in it,
                           * of one home at most 1000 names; links are told, not followed */
        STATE_PROGRAM, /* the output of a program: its path and arguments with one blank between */
        STATE_BUILTIN, /* what the gathering process knows how to ask: monitor/builtin.h */
        STATE_GIVEN,   /* of state.yaml: a part of that name whose content this is */
};

enum state_source_flags {
        STATE_FOLLOW = 1u << 0,  /* FILES: the content behind a link, under the link's name */
        STATE_NAMES = 1u << 1,   /* only what stat(2) says, no content */
        STATE_AS_ROOT = 1u << 2, /* PROGRAM: as root; else as nobody */
        STATE_TIMED = 1u << 3,   /* GIVEN: its time of modification is that of the gathering, for
                                    who judges ages; so the table is read each time */
        STATE_HEAD = 1u << 4,    /* FILES: the first 4 KiB are enough, however long it is */
        STATE_WAKES = 1u << 5,  /* FILE, FILES, TREE, and BUILTIN "nftables" or "devices", which the
                                   kernel says: no part of it; when it changes, what a program or
                                   something built in tells may be another */
        STATE_OTHERS = 1u << 6, /* FILES, HOMES: somebody without rights writes them.  Of each the
                                   first STATE_OTHERS_MAX bytes, of a pattern so many files, and
                                   nothing that the kernel makes up, wherever a link leads */
};

struct state_source {
        enum state_source_type type;
        unsigned flags;
        const char *where;
};

enum state_table_flags {
        STATE_PERSONAL = 1u << 0, /* rows name people: they go into the ledger sealed */
        STATE_SAMPLES = 1u << 1,  /* its values never rest: told as they are, not compared */
        /* state.yaml lists files for it, each item with a name, patterns of glob(7) and a greatest
         * age: settings.h says how its reader gets them.  Of the files it sees what stat(2) says,
         * links followed.  Without an item there is nothing to look at. */
        STATE_TAKES_FILES = 1u << 2,
};

enum state_setting_type {
        SETTING_TEXT,
        SETTING_TEXTS, /* one, or a list */
        SETTING_FILE,  /* absolute path */
        SETTING_PORT,
        SETTING_CHOICE,
};

/* A key that a target of a table has in state.yaml(5). */
struct state_setting {
        const char *name;
        enum state_setting_type type;
        bool required;
        const char *choices; /* "verify-full|verify-ca" */
        const char *about;   /* one line */
};

/* One that a target has.  Its monitor has a NUL behind the value. */
struct state_value {
        const struct state_setting *setting;
        struct span value;
};

struct state_in;
struct state_out;

struct state_table {
        const char *name;                   /* [a-z][a-z0-9_]* */
        const char *about;                  /* one line */
        const struct state_column *columns; /* ascending by name; at most STATE_COLUMNS_MAX */
        size_t n_columns;
        const struct state_source *sources;
        size_t n_sources;
        const char *alert; /* which differences alert, where state.yaml does not say: alerting.h */
        unsigned every_s;  /* how often its sources are looked at */
        unsigned flags;
        /* It is of targets beyond this host: looked at for each that state.yaml names, as
         * "table.target".  The keys of one, ascending by name. */
        const struct state_setting *settings;
        size_t n_settings;
        /* What is wrong with a target's values, each of them good by settings.h and none missing,
         * and which of them is to blame.  NULL: nothing.  May be NULL. */
        const char *(*settings_wrong)(const struct state_value *values, size_t n,
                                      const struct state_value **ret_at);
        /* STATE_PERSONAL: whose a row is, the label by which its values can be erased: "user" and
         * the text of this column.  NULL: the table's name and the row's key. */
        const char *subject, *subject_column;
        /* All of it, rows in any order.  A part that cannot be read is told by state_fault(); 0
         * unless nothing can be believed.  Runs in a process without rights: it opens nothing. */
        int (*read)(struct state_in *in, struct state_out *out, struct err *err);
};

#define STATE_COLUMNS(c)  .columns = (c), .n_columns = ARRAY_LEN(c)
#define STATE_SOURCES(s)  .sources = (s), .n_sources = ARRAY_LEN(s)
#define STATE_SETTINGS(s) .settings = (s), .n_settings = ARRAY_LEN(s)

/* In order of their names; ends with NULL. */
extern const struct state_table *const state_tables[];

/* By its name.  NULL. */
const struct state_table *state_table_by_name(struct span name);
/* NULL. */
const struct state_column *state_column_by_name(const struct state_table *t, struct span name);

#endif
