/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - what the sensor believes, on disk: a snapshot and the journal since.  Floor 3.
 *
 *   baseline           snapshot of the trusted state, see baseline.h
 *   state              snapshot of what was last believed, generation G
 *   journal.G          what happened since
 *
 * A new generation begins when the journal has grown: journal.G+1 is made, with the entries that
 * are not in the ledger yet and what is in doubt, which no snapshot says; state G+1 is renamed into
 * place; journal.G goes.  A crash between any two of these loses nothing. */
#ifndef INTEGRITY_STATE_H
#define INTEGRITY_STATE_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/journal.h"
#include "integrity/trusted/snapshot.h"

/* An entry that may not have reached the ledger. */
struct state_entry {
        uint64_t seq;
        struct buf skeleton;
};

enum state_source {
        STATE_NONE,     /* the first start: there is nothing to compare with */
        STATE_BASELINE, /* only the baseline could be read */
        STATE_KNOWN,
};

struct state_found {
        enum state_source source;
        bool stopped;     /* in good order */
        int64_t alive_ns; /* last moment known to be watched */
        uint64_t run;     /* of the entries; 0: none */
        uint64_t acked;   /* up to here they are in the ledger */
        struct state_entry *entries;
        size_t n_entries;
        struct watchset watched;   /* what was watched then */
        char damage[ERR_TEXT_MAX]; /* what could not be read; "" when all could */
};
void state_found_done(struct state_found *f);
/* Is an entry among them that has this kind, and this text as its member at `path` ("what.digest")?
 */
bool state_found_waits(const struct state_found *f, const char *kind, const char *path,
                       const char *text);
/* One by which an explained change brought this content (brought.h)? */
bool state_found_brought(const struct state_found *f, const uint8_t sha256[RECORD_HASH]);

struct state {
        const struct io *io;
        int dirfd; /* owned */
        uint64_t generation;
        uint64_t snapshot_bytes; /* about */
        uint64_t begun_bytes;    /* of the journal, with what it begins with */
        struct journal journal;
        bool broken;            /* the journal could not be written: nothing more goes there */
        char why[ERR_TEXT_MAX]; /* while it is broken */
};

/* Opens the directory (made, 0700, when missing) and fills the empty table.  A damaged file is not
 * an error but said in ret_found.  The journal is not open yet: state_renew() opens it. */
MUST_USE int state_open(struct state *s, const struct io *io, const char *dir, struct table *t,
                        struct state_found *ret_found, struct err *err);
void state_close(struct state *s);

/* What the new journal says of entries. */
struct state_told {
        uint64_t run, acked;
        const struct state_entry *entries; /* not in the ledger yet */
        size_t n;
};

/* The next generation. */
MUST_USE int state_renew(struct state *s, const struct watchset *w, struct table *t,
                         int64_t wall_ns, const struct state_told *told, struct err *err);

/* Is this how a full or failing disk refuses to be written to? */
static inline bool state_has_no_room(int rc)
{
        return rc == -ENOSPC || rc == -EDQUOT || rc == -EROFS || rc == -EIO;
}

/* It could not be written; what it was made with stays open. */
void state_broke(struct state *s, const struct err *err);

/* Has the journal grown enough to begin again? */
bool state_wants_renewal(const struct state *s);

#endif
