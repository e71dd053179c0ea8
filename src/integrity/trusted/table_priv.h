/* SPDX-License-Identifier: Apache-2.0 */
/* table_priv.h - the parts of the table to each other.  Floor 3.
 *
 *   table.c        nodes, names, records
 *   table_index.c  nodes by inode and by handle
 *   table_walk.c   paths, order, the invariants */
#ifndef INTEGRITY_TABLE_PRIV_H
#define INTEGRITY_TABLE_PRIV_H

#include "integrity/trusted/table.h"

struct table_handle_ref {
        struct table_handle_ref *next;
        struct table_node *node;
        uint64_t fsid;
        uint32_t hash;
        int32_t type;
        bool marked;
        uint8_t n;
        uint8_t b[];
};

struct table {
        struct table_node *root;
        struct table_node **names, **inodes;
        struct table_handle_ref **handles;
        size_t n_buckets, n_handle_buckets; /* powers of two */
        size_t n_nodes, n_records, n_handles, n_file_handles;
        uint32_t next_id;
};

uint32_t table_hash(uint64_t seed, const void *p, size_t n);

/* Of a file that is no directory and has a record. */
bool table_inode_of(const struct table_node *n, uint64_t *ret_dev, uint64_t *ret_ino);
void table_inode_add(struct table *t, struct table_node *n);
void table_inode_remove(struct table *t, struct table_node *n);
/* Move the index of inodes to n buckets, a power of two. */
void table_inode_rehash(struct table *t, struct table_node **to, size_t n);

void table_handle_drop(struct table *t, struct table_node *n);

#endif
