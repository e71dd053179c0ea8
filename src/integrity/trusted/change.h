/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - the entries the sensor writes, as canonical JSON.  Floor 3, pure.
 *
 * Kinds and fields are those of wire/kind_table.c. */
#ifndef INTEGRITY_CHANGE_H
#define INTEGRITY_CHANGE_H

#include "base/base.h"
#include "base/buf.h"
#include "integrity/trusted/record.h"
#include "integrity/watching/watchset.h"
#include "ledger/feed/feed.h"

struct config;
struct who;
struct why;

enum {
        CHANGE_FIELDS_MAX = 6, /* sensitive ones */
        CHANGE_ALSO_MAX = 3,
        CHANGE_TEXT_MAX =
                61440, /* skeleton, below ENTRY_MAX with room for what the recorder adds */
};

struct change {
        int64_t wall_ns; /* when it was seen */
        struct span path;
        struct span from;                    /* before a rename; empty: none */
        const struct watch_profile *profile; /* NULL: all attributes, and none is named */
        bool on_way;  /* not watched itself: leads to what is, or a link stands where that was */
        bool above;   /* a directory that leads there, of which no more than rights are known */
        bool over;    /* the rename took the place of another file: `was` is that file */
        bool existed; /* was is NULL, but it is not new: nothing is known of it before */
        const struct record *was; /* NULL: created, unless it existed */
        const struct record *is;  /* NULL: deleted */
        unsigned passed;          /* both NULL: gone before it was read; both there: its content is
                                   * what it was, but was not all the time.  What was seen of it
                                   * (enum dirty_what); 0: neither */
        const char *seen;         /* live, rescan, start, deep */
        const struct who *who;    /* NULL: nobody was seen doing it */
        struct who *const *also;  /* who else touched it since it was last read, ended by NULL at
                                   * the latest after CHANGE_ALSO_MAX; NULL: nobody */
        const char *unknown;      /* then why */
        const char *mount;        /* id of the mount that changed what is there; NULL: none did */
        const char *mount_how;    /* then in words */
        bool by_way; /* who moved a directory above it: what was done to it before is not known, and
                      * who explains nothing */
        const struct why *why; /* NULL: nobody has asked */
        bool brief;            /* leave out what is long: the author, lists, labels, targets */
        bool cut;              /* path and from are: nobody compares with them afterwards */
};

/* What differs between c->was and c->is, both there, and is worth an entry: enum record_field. */
unsigned change_differs(const struct change *c);
/* The same against a baseline: an immutable flag that mode deny has set since is no difference, nor
 * is another inode where mode restore may have put the file back. */
unsigned change_differs_since(const struct change *c);

/* Was it written to, or not there for a while, and is its content what it was, with what was seen
 * (enum dirty_what)?  A file's ctime is nobody's to set back. */
bool change_reverted(const struct change *c, unsigned seen);

/* created, deleted, renamed, replaced (another file at the path), attributes (content and type are
 * the same), modified, transient (gone before it could be read), reverted (nothing differs, but see
 * passed). */
const char *change_word(const struct change *c);

/* Appends the skeleton of an integrity.change. */
void change_put(const struct change *c, struct buf *out);

/* The sensitive fields that go with it: how many were set.  Values are written to scratch, which
 * must live as long as they do. */
size_t change_fields(const struct who *w, struct buf *scratch,
                     struct feed_field out[CHANGE_FIELDS_MAX]);

struct gap_facts {
        int64_t wall_ns, from_ns, until_ns;
        uint64_t found, rescanned;
        const char *reason; /* overflow, down, unwatched, queue */
};
void gap_put(const struct gap_facts *f, struct buf *out);

struct sensor_place {
        struct span path;
        const char *how; /* see watch_how() */
        const char *why; /* NULL: none */
};

struct sensor_facts {
        int64_t wall_ns;
        const char *event;  /* started, watching, degraded, stopped */
        const char *reason; /* NULL: none */
        const char *detail; /* NULL: none */
        uint64_t files;
        const struct config *config; /* NULL: not said */
        const struct sensor_place *marks, *fallbacks;
        size_t n_marks, n_fallbacks;
        size_t n_more;           /* that are in neither */
        const char *who;         /* ebpf, connector or proc */
        const char *who_refused; /* why not a better one; "" or NULL: there is none */
        bool after_gap;
        const struct who *asked; /* whose signal stopped it; NULL: none did, or nobody knows */
};
void sensor_put(const struct sensor_facts *f, struct buf *out);

#endif
