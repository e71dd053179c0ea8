/* SPDX-License-Identifier: Apache-2.0 */
/* sources.h - signed lists of paths that are believed, and what they explain.  Floor 3, pure.
 *
 * A list (wire/pathlist.h) says of each path it names: this content, this mode; or this link.  A
 * change is explained by it when what is there now is what the list says, and nothing is changed
 * beside that of which it says nothing:
 *
 *   a file      SHA-256 as listed.  Its mode as listed; of a file newly written, group and others
 *               may have less, as a umask makes it.  No capabilities, no access list, and the owner
 *               it had.  What only changed owner, time or the like is not explained by its content.
 *   a link      leads where the list says
 *   a directory that is new, or only gets mode 0755, and below which the list has something: nobody
 *               else may write to it
 *   a rename    came from beside it, below the same maps, and took nothing away that is listed
 *   a copy      of a listed file beside it, as ".NAME.SUFFIX": one on its way, as rsync makes them
 *
 * A list does not say what is not there: a deletion is never explained by one, but that of a copy
 * on its way.
 *
 * Invariants: every source is signed by a key that was trusted when it was opened, for this host,
 * and lies in memory of our own, so that who can write to the file cannot change what was verified;
 * no two have the same origin, key and maps.
 *
 * SECURITY: source_open() reads hostile bytes, and believes none before the signature. */
#ifndef INTEGRITY_SOURCES_H
#define INTEGRITY_SOURCES_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/trusted/record.h"
#include "wire/pathlist.h"

struct change;

enum {
        SOURCES_MAX = 64,               /* lists at once */
        SOURCES_BYTES_MAX = 96 << 20,   /* of all of them */
        SOURCE_KEYS_MAX = 32,           /* keys that may sign */
        SOURCE_KEYS_FILE_MAX = 1 << 16, /* bytes of the file that has them */
        SOURCE_DIGEST = 32,
        SOURCE_KEY_TEXT = NOTE_NAME_MAX + 10, /* name+keyid */
        SOURCE_WHY_MAX = 400,
};

/* ---- whose lists are believed ---- */

struct source_keys {
        struct note_vkey key[SOURCE_KEYS_MAX];
        size_t n;
};

/* Lines of verifier keys (assay change key prints one); empty ones and what begins with # do not
 * count.  -EBADMSG names `name` and the line; *ret untouched. */
MUST_USE int source_keys_parse(const char *name, struct span text, struct source_keys *ret,
                               struct err *err);
/* "deploy.example.org+1a2b3c4d" */
void source_key_text(const struct note_vkey *k, char ret[SOURCE_KEY_TEXT]);
bool source_keys_have(const struct source_keys *keys, const struct note_vkey *k);

/* ---- one list ---- */

struct source {
        uint8_t digest[SOURCE_DIGEST]; /* of the file */
        uint8_t *file;                 /* owned */
        size_t n;
        struct pathlist list; /* into file */
        struct note_vkey key; /* that signed it */
};

/* Verify it.  Takes file, which malloc() made, also on failure.  -EBADMSG: damaged or forged;
 * -ENOKEY: signed by none of these keys; -ESTALE: expired, or from the future; -EXDEV: for other
 * hosts. */
MUST_USE int source_open(uint8_t *file, size_t n, const struct source_keys *keys, struct span host,
                         int64_t wall_ns, struct source **ret, struct err *err);
struct source *source_free(struct source *s);
DEFINE_CLEANUP(struct source, source_free)

/* ---- all that are believed ---- */

struct sources {
        struct source *of[SOURCES_MAX];
        size_t n, bytes;
};

void sources_done(struct sources *s);
/* Takes x.  The one it replaces (same origin, key and maps, issued before) is the caller's then,
 * else *ret_old is NULL.  -EEXIST: this very list is there; -ESTALE: a later one of the same
 * origin, key and maps is; -ENOSPC: too many, or too many bytes. */
MUST_USE int sources_add(struct sources *s, struct source *x, struct source **ret_old,
                         struct err *err);
/* Out again, and the caller's. */
struct source *sources_take(struct sources *s, size_t i);
const struct source *sources_find(const struct sources *s, const uint8_t digest[SOURCE_DIGEST]);

/* ---- judging ---- */

/* A change, as far as a list has to do with it. */
struct source_change {
        struct span path, from; /* from: before a rename; empty */
        int64_t wall_ns;
        const struct record *is;  /* NULL: gone */
        const struct record *was; /* of what is gone; NULL: not known */
        unsigned differs;         /* enum record_field; 0: nothing is known of what was there */
        bool fresh;               /* it was not there, or was another file */
        bool moved_on;            /* it was never read: renamed to another name that is watched */
};
void source_change_of(const struct change *c, struct source_change *ret);

/* Does one that is not over have a file or a link at this path? */
bool sources_expect(const struct sources *s, struct span path, int64_t wall_ns);

/* How near a list comes to explaining it; the greater, the nearer. */
enum source_fit {
        SOURCE_ELSEWHERE, /* it is about other places */
        SOURCE_UNLISTED,  /* about this place, and does not have the path */
        SOURCE_GONE,
        SOURCE_MORE,  /* the content is right, and something else changed */
        SOURCE_OTHER, /* the path has other content, mode or target */
        SOURCE_FITS,
};

/* The nearest; why gets the proof, or what came between: UTF-8, "" when it is elsewhere. */
enum source_fit sources_judge(const struct sources *s, const struct source_change *c,
                              const struct source **ret, char why[SOURCE_WHY_MAX]);

#endif
