/* SPDX-License-Identifier: Apache-2.0 */
/* units.h - systemd's unit files: which there are, which one counts, what drop-ins add, what is
 * enabled.  systemd.unit(5), systemctl(1) is-enabled.  Floor 2, pure but for memory. */
#ifndef STATE_UNITS_H
#define STATE_UNITS_H

#include "base/base.h"
#include "base/err.h"
#include "state/reading/bundle.h"
#include "state/reading/index.h"
#include "state/rows/row.h"

/* What is looked at, in the order of precedence; then what is behind links into other places. */
#define UNITS_SOURCES                                                                              \
        { STATE_TREE, 0, "/etc/systemd/system.control" },                                          \
                { STATE_TREE, 0, "/run/systemd/system.control" },                                  \
                { STATE_TREE, 0, "/run/systemd/transient" },                                       \
                { STATE_TREE, 0, "/run/systemd/generator.early" },                                 \
                { STATE_TREE, 0, "/etc/systemd/system" },                                          \
                { STATE_TREE, 0, "/etc/systemd/system.attached" },                                 \
                { STATE_TREE, 0, "/run/systemd/system" },                                          \
                { STATE_TREE, 0, "/run/systemd/system.attached" },                                 \
                { STATE_TREE, 0, "/run/systemd/generator" },                                       \
                { STATE_TREE, 0, "/usr/local/lib/systemd/system" },                                \
                { STATE_TREE, 0, "/usr/lib/systemd/system" },                                      \
                { STATE_TREE, 0, "/run/systemd/generator.late" },                                  \
                { STATE_FILES, STATE_FOLLOW, "/etc/systemd/system/*.[pst]*" },                     \
        {                                                                                          \
                STATE_FILES, STATE_FOLLOW, "/run/systemd/system/*.[pst]*"                          \
        }

enum { UNITS_SETTINGS_MAX = 2048, UNITS_DROP_INS_MAX = 64, UNITS_JOINED_MAX = 64 * 1024 };

struct units {
        struct state_part *parts;
        size_t n;
        struct index files;     /* name to its files, the one that counts first; behind
                                 * a link what it leads to, of the same path */
        struct index wants;     /* name of a link in *.wants or *.requires */
        struct index names;     /* unit to links that give it another name */
        struct index drop_ins;  /* name, or an end of one, to its drop-ins */
        struct index groups;    /* unit to its control group's events */
        size_t at, at_instance; /* of units_next() */
};

struct unit_setting {
        struct span section, key, value;
};

struct unit {
        struct span name, path;
        const char *state;    /* as systemctl is-enabled says */
        struct span alias_of; /* empty: it is none */
        const struct state_part *drop_in[UNITS_DROP_INS_MAX];
        size_t n_drop_ins;
        struct unit_setting setting[UNITS_SETTINGS_MAX];
        size_t n;
        bool cut; /* there is more than was read */
        size_t n_joined;
        uint8_t joined[UNITS_JOINED_MAX]; /* lines that are continued, as one; settings point here
                                           */
};

/* Everything that there is.  Negative: -ENOMEM, -E2BIG.  What cannot be read is told to out. */
MUST_USE int units_load(struct state_in *in, struct state_out *out, struct units *ret);
void units_done(struct units *u);

/* The next unit whose name ends so (".service"); false: no more.  An instance of a template is one
 * where drop-ins are for it alone.  *ret is large. */
bool units_next(struct units *u, const char *suffix, struct unit *ret);
/* The one of this name, or what its template makes of it; false: none. */
bool units_named(const struct units *u, struct span name, struct unit *ret);

/* What one file says, a unit's or a drop-in's, and nothing else: its name, path and settings. */
void unit_read_file(const struct state_part *p, struct unit *ret);

/* A fault where not all was read.  Behind the row. */
MUST_USE int unit_fault_if_cut(struct state_out *out, const struct unit *x);

/* The last value of a key; empty: none. */
struct span unit_value(const struct unit *x, const char *section, const char *key);
bool unit_says_yes(const struct unit *x, const char *section, const char *key);
/* "KEY=value" for each of its keys, in order and with secrets masked, to a list. */
void unit_put_list(struct state_out *out, const char *column, const struct unit *x,
                   const char *section, const char *const *keys);
/* name, state, path, alias_of, drop_ins, wanted_by: columns of these names. */
void unit_put_common(struct state_out *out, const struct units *u, const struct unit *x);
/* Its name with another suffix, or what the key says: what it starts.  Appends. */
void unit_put_started(struct buf *out, const struct unit *x, const char *section, const char *key,
                      const char *otherwise);
/* Instances of a template that are enabled: to a list. */
void unit_put_instances(struct state_out *out, const char *column, const struct units *u,
                        const struct unit *x);
enum unit_running { UNIT_UNKNOWN, UNIT_STOPPED, UNIT_RUNNING };
enum unit_running unit_running(const struct units *u, const struct unit *x);

#endif
