/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - every watched file's last known state, in memory.  Floor 3, pure.
 *
 * A tree of names, as the filesystem is one, so that a directory moves with everything below it by
 * changing one pointer.  Three ways in: by (directory, name), by inode, and by file handle, which
 * is what the kernel's events carry.
 *
 * Invariants (table_assert_valid() checks them):
 *  1. Every node but the root has a parent, is in its list of children and in the name index once.
 *  2. A node with a record of a file that is not a directory is in the inode index once.
 *  3. A node with a handle is in the handle index once.
 *  4. count = nodes with a record.  Nodes without one are on the way to something watched, or wait
 *     for something watched to appear.
 *
 * Records are kept encoded: about 230 bytes for a file with a hash, names included. */
#ifndef INTEGRITY_TABLE_H
#define INTEGRITY_TABLE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/trusted/record.h"

enum {
        TABLE_NAME_MAX = 255,
        TABLE_HANDLE_MAX = 128, /* MAX_HANDLE_SZ */
};

/* A file handle and the filesystem it means something on. */
struct table_handle {
        uint64_t fsid;
        int32_t type;
        uint8_t n;
        uint8_t b[TABLE_HANDLE_MAX];
};

static inline bool table_handle_eq(const struct table_handle *a, const struct table_handle *b)
{
        return a->fsid == b->fsid && a->type == b->type && a->n == b->n &&
               memcmp(a->b, b->b, a->n) == 0;
}

struct table_node {
        struct table_node *parent, *child, *next, *prev; /* next, prev: siblings */
        struct table_node *name_next, *ino_next;         /* in their index' chain */
        struct table_handle_ref *handle;
        uint8_t *record; /* NULL: none; owned */
        uint32_t record_n;
        uint32_t id;    /* goes where the children go, so that they need no new hash */
        uint32_t hash;  /* of (parent's id, name) */
        uint32_t epoch; /* last scan that saw it */
        uint8_t mark;   /* enum table_mark */
        uint8_t name_n;
        uint8_t name[];
};

enum table_mark {
        TABLE_ROOT = 1u << 0,  /* a watched path itself */
        TABLE_ABOVE = 1u << 1, /* a directory on the way to one */
        TABLE_NEW = 1u << 2,   /* the owner's: a directory known from an event, not yet looked at */
        TABLE_OWED = 1u << 4,  /* the owner's: its next look is told, even where nothing differs */
        TABLE_WAY = 1u << 3,   /* a directory that a pattern may lead through, as one was found */
        TABLE_DOUBT = 1u << 5, /* the record's: it is not what is trusted; goes with it */
        TABLE_DIFFERS = 1u << 6, /* likewise, while it is found out */
};

struct table;

MUST_USE int table_new(struct table **ret, struct err *err);
struct table *table_free(struct table *t);
DEFINE_CLEANUP(struct table, table_free)

size_t table_count(const struct table *t);
/* By its record; one without is a directory on the way. */
bool table_is_dir(const struct table_node *n);
struct table_node *table_root(struct table *t); /* "/" */

/* Make room in the indices for so many nodes.  -ENOMEM. */
MUST_USE int table_reserve(struct table *t, size_t nodes);

/* NULL when there is none. */
struct table_node *table_child(struct table *t, struct table_node *dir, struct span name);
struct table_node *table_find(struct table *t, struct span path);

/* A walk over many names waits for memory at each of them.  Hints, to be given in this order and
 * some names ahead: what table_child() will read first, what it will read then, and the record. */
enum table_hint { TABLE_HINT_INDEX, TABLE_HINT_NODE, TABLE_HINT_RECORD };
void table_expect(const struct table *t, const struct table_node *dir, struct span name,
                  enum table_hint hint);

/* The node, made when missing (with its parents, for a path).  NULL: out of memory. */
MUST_USE struct table_node *table_make_child(struct table *t, struct table_node *dir,
                                             struct span name);
MUST_USE struct table_node *table_make(struct table *t, struct span path);

/* Replace the record by these encoded bytes, which record_decode() accepts.  -ENOMEM. */
MUST_USE int table_set_record(struct table *t, struct table_node *n, struct span encoded);
static inline struct span table_record(const struct table_node *n)
{
        return span_of(n->record, n->record_n);
}

/* Forget the record; the node goes too, unless something below it or its mark still needs it, and
 * then its parents that are no longer needed. */
void table_drop_record(struct table *t, struct table_node *n);

/* Drop every node below n and n's own record and handle. */
void table_drop_tree(struct table *t, struct table_node *n);

/* Hang n, with everything below it, under dir as name.  Nothing may be there, and dir may not be n
 * or below it: asserted.  *ret is n's new address.  On -ENOMEM nothing has moved. */
MUST_USE int table_move(struct table *t, struct table_node *n, struct table_node *dir,
                        struct span name, struct table_node **ret);

/* Each gets what the other has, children included; neither is below the other (asserted).  The
 * nodes keep their places and marks. */
void table_exchange(struct table *t, struct table_node *a, struct table_node *b);

/* Know n by this handle, or by none when h is NULL.  -ENOMEM. */
MUST_USE int table_set_handle(struct table *t, struct table_node *n, const struct table_handle *h);
/* The same for a file that has no handle (h->n 0) unless it has other names: one that is still the
 * same and is marked keeps it when they go, for who holds it open by one of them. */
MUST_USE int table_keep_handle(struct table *t, struct table_node *n, const struct table_handle *h,
                               bool same);
/* The nodes with this handle, one after the other: start with after = NULL.  A directory mounted at
 * two watched places, or a file with two watched names, has more than one. */
struct table_node *table_by_handle(struct table *t, const struct table_handle *h,
                                   const struct table_node *after);
/* The handle of a node; false when it has none. */
bool table_handle_of(const struct table_node *n, struct table_handle *ret);
/* The owner's mark on a node's handle: gone when the node gets another one.  Needs a handle. */
void table_handle_mark(struct table_node *n);
void table_handle_unmark(struct table_node *n);       /* one that is marked */
bool table_handle_marked(const struct table_node *n); /* false without a handle */
/* How many nodes that are not directories are known by handle. */
size_t table_file_handles(const struct table *t);

/* Nobody will ask by inode: from now on no index of them is kept, and table_by_inode() is not
 * allowed.  For tables that are filled once and compared, this is a tenth of their cost. */
void table_without_inodes(struct table *t);
/* The nodes of files with this inode, as above. */
struct table_node *table_by_inode(struct table *t, uint64_t dev, uint64_t ino,
                                  const struct table_node *after);

/* Appends the absolute path. */
void table_path(const struct table_node *n, struct buf *out);
static inline struct span table_name(const struct table_node *n)
{
        return span_of(n->name, n->name_n);
}

/* Depth first from top, a directory before what is below it; NULL after the last.  table_sort()
 * puts children in byte order of their names, everywhere below top. */
struct table_node *table_next(const struct table_node *top, struct table_node *n);
void table_sort(struct table_node *top);

/* The same walk of the whole table without sorting all of it first, from the node that comes after
 * an absolute path, whether or not there is one at it.  Each call puts children in order where it
 * passes; the table may not change between two of table_next_sorted(). */
struct table_node *table_after(struct table *t, struct span path);
struct table_node *table_next_sorted(struct table_node *n);

/* A node below n that has no children, n itself when it has none: the one to drop first. */
struct table_node *table_deepest(struct table_node *n);

void table_assert_valid(struct table *t);

#endif
