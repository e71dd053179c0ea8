/* SPDX-License-Identifier: Apache-2.0 */
/* sudoers.h - the words of sudoers(5), "SUDOERS FILE FORMAT": lists, commands, aliases.  Floor 2,
 * pure but for memory.
 *
 * A backslash before the end of a line joins it with the next, but not inside a comment.  '#'
 * begins a comment unless a digit follows (a user by number).  Quotes hold a word together where
 * names and values stand, and mean nothing inside a command. */
#ifndef STATE_SUDOERS_H
#define STATE_SUDOERS_H

#include "base/base.h"
#include "base/buf.h"

struct sudoers {
        struct span rest;
        uint32_t line; /* of rest's first byte */
};

/* Blanks, joined lines and a comment; what is left is not blank, or the end of the line. */
void sudoers_skip(struct sudoers *s);
bool sudoers_at_end(struct sudoers *s);
/* To the line behind; false: there is none. */
bool sudoers_next_line(struct sudoers *s);
/* Is c next?  Then it is taken. */
bool sudoers_take(struct sudoers *s, uint8_t c);
/* A name, a number, an address, a word in quotes (told without them).  False: none is next. */
bool sudoers_word(struct sudoers *s, struct span *ret);

/* One item of a list and whether it is negated; false: no list, or at its end.  It is at its end
 * when no comma follows. */
struct sudoers_list {
        struct sudoers *s;
        bool commands, begun, ended, broken; /* broken: an item is missing */
};
struct sudoers_item {
        struct span text;
        bool negated;
};
bool sudoers_item(struct sudoers_list *l, struct sudoers_item *ret);
/* All of a list as it is written.  False: there is none, or it is broken. */
bool sudoers_list(struct sudoers *s, bool commands, struct span *ret);

/* As written, but one blank for a run of blanks and joined lines. */
void sudoers_put(struct buf *out, struct span text);

/* ---- aliases ---- */

enum sudoers_sort { SUDOERS_USERS, SUDOERS_RUNAS, SUDOERS_HOSTS, SUDOERS_COMMANDS };

struct sudoers_alias {
        enum sudoers_sort sort;
        struct span name, list;
};

struct sudoers_aliases {
        struct sudoers_alias *at;
        size_t n, max;
};

enum { SUDOERS_ALIASES_MAX = 20000 };

void sudoers_aliases_done(struct sudoers_aliases *a);
/* -ENOMEM; one too many is left out. */
MUST_USE int sudoers_alias_add(struct sudoers_aliases *a, const struct sudoers_alias *alias);
void sudoers_aliases_sort(struct sudoers_aliases *a);
/* After sorting.  NULL: none of that name. */
const struct sudoers_alias *sudoers_alias_of(const struct sudoers_aliases *a,
                                             enum sudoers_sort sort, struct span name);

#endif
