/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/table_priv.h"

#include <stdlib.h>

enum { BUCKETS_FIRST = 1024 };

static uint32_t hash_name(const struct table_node *dir, struct span name)
{
        return table_hash(dir->id, name.p, name.n);
}

/* ---- nodes ---- */

static struct table_node *node_new(struct table *t, struct span name)
{
        struct table_node *n;

        assert(name.n <= TABLE_NAME_MAX);
        n = calloc(1, sizeof *n + name.n);
        if (!n)
                return NULL;
        n->id = t->next_id++;
        n->name_n = (uint8_t)name.n;
        if (name.n)
                memcpy(n->name, name.p, name.n);
        return n;
}

static void link_into(struct table *t, struct table_node *n, struct table_node *dir)
{
        struct table_node **bucket;

        n->parent = dir;
        n->prev = NULL;
        n->next = dir->child;
        if (n->next)
                n->next->prev = n;
        dir->child = n;
        n->hash = hash_name(dir, table_name(n));
        bucket = &t->names[n->hash & (t->n_buckets - 1)];
        n->name_next = *bucket;
        *bucket = n;
}

static void unlink_from(struct table *t, struct table_node *n)
{
        struct table_node **p = &t->names[n->hash & (t->n_buckets - 1)];

        while (*p != n)
                p = &(*p)->name_next;
        *p = n->name_next;
        if (n->prev)
                n->prev->next = n->next;
        else
                n->parent->child = n->next;
        if (n->next)
                n->next->prev = n->prev;
}

/* ---- the whole ---- */

int table_new(struct table **ret, struct err *err)
{
        struct table *t = calloc(1, sizeof *t);

        if (!t)
                return err_set(err, -ENOMEM, "out of memory for the table of files");
        t->n_buckets = t->n_handle_buckets = BUCKETS_FIRST;
        t->names = calloc(t->n_buckets, sizeof(struct table_node *));
        t->inodes = calloc(t->n_buckets, sizeof(struct table_node *));
        t->handles = calloc(t->n_handle_buckets, sizeof(struct table_handle_ref *));
        t->root = t->names && t->inodes && t->handles ? node_new(t, SPAN_NONE) : NULL;
        if (!t->root) {
                table_free(t);
                return err_set(err, -ENOMEM, "out of memory for the table of files");
        }
        t->n_nodes = 1;
        *ret = t;
        return 0;
}

struct table *table_free(struct table *t)
{
        if (!t)
                return NULL;
        for (struct table_node *n = t->root, *next; n; n = next) {
                next = table_next(t->root, n);
                free(n->handle);
                free(n->record);
                n->handle = NULL;
                n->record = NULL;
        }
        while (t->root) {
                struct table_node *n = table_deepest(t->root);

                if (n == t->root)
                        t->root = NULL;
                else
                        n->parent->child = n->next; /* the deepest is always the first child */
                free(n);
        }
        free(t->names);
        free(t->inodes);
        free(t->handles);
        free(t);
        return NULL;
}

size_t table_count(const struct table *t)
{
        return t->n_records;
}

struct table_node *table_root(struct table *t)
{
        return t->root;
}

/* Both indices of nodes grow together; n is a power of two. */
static int grow(struct table *t, size_t n)
{
        struct table_node **names = calloc(n, sizeof(struct table_node *));
        struct table_node **inodes = t->inodes ? calloc(n, sizeof(struct table_node *)) : NULL;

        if (!names || (t->inodes && !inodes)) {
                free(names);
                free(inodes);
                return -ENOMEM;
        }
        for (size_t i = 0; i < t->n_buckets; i++) {
                for (struct table_node *x = t->names[i], *next; x; x = next) {
                        next = x->name_next;
                        x->name_next = names[x->hash & (n - 1)];
                        names[x->hash & (n - 1)] = x;
                }
        }
        if (inodes)
                table_inode_rehash(t, inodes, n);
        free(t->names);
        free(t->inodes);
        t->names = names;
        t->inodes = inodes;
        t->n_buckets = n;
        return 0;
}

int table_reserve(struct table *t, size_t nodes)
{
        size_t n = t->n_buckets;

        while (n < nodes && n <= SIZE_MAX / 2)
                n *= 2;
        return n > t->n_buckets ? grow(t, n) : 0;
}

struct table_node *table_child(struct table *t, struct table_node *dir, struct span name)
{
        uint32_t h = hash_name(dir, name);
        struct table_node *n = t->names[h & (t->n_buckets - 1)];

        while (n && (n->hash != h || n->parent != dir || !span_eq(table_name(n), name)))
                n = n->name_next;
        return n;
}

void table_expect(const struct table *t, const struct table_node *dir, struct span name,
                  enum table_hint hint)
{
        struct table_node **bucket = &t->names[hash_name(dir, name) & (t->n_buckets - 1)];

        if (hint == TABLE_HINT_INDEX)
                __builtin_prefetch(bucket);
        else if (*bucket && hint == TABLE_HINT_NODE)
                __builtin_prefetch(*bucket);
        else if (*bucket) /* most often the node itself is the first of its chain */
                __builtin_prefetch((*bucket)->record);
}

struct table_node *table_make_child(struct table *t, struct table_node *dir, struct span name)
{
        struct table_node *n = table_child(t, dir, name);

        if (n)
                return n;
        if (t->n_nodes >= t->n_buckets && grow(t, t->n_buckets * 2) < 0)
                return NULL;
        n = node_new(t, name);
        if (!n)
                return NULL;
        link_into(t, n, dir);
        t->n_nodes++;
        return n;
}

struct table_node *table_find(struct table *t, struct span path)
{
        struct table_node *n = t->root;
        struct span part;

        while (n && span_part(&path, &part))
                n = table_child(t, n, part);
        return n;
}

struct table_node *table_make(struct table *t, struct span path)
{
        struct table_node *n = t->root;
        struct span part;

        while (n && span_part(&path, &part))
                n = part.n <= TABLE_NAME_MAX ? table_make_child(t, n, part) : NULL;
        return n;
}

int table_set_record(struct table *t, struct table_node *n, struct span encoded)
{
        bool was_dir = table_is_dir(n);
        uint8_t *copy = n->record_n == encoded.n ? n->record : malloc(encoded.n);

        if (!copy)
                return -ENOMEM;
        table_inode_remove(t, n);
        if (copy != n->record) {
                t->n_records += n->record ? 0 : 1;
                free(n->record);
                n->record = copy;
                n->record_n = (uint32_t)encoded.n;
        }
        memcpy(copy, encoded.p, encoded.n);
        table_inode_add(t, n);
        if (n->handle && was_dir && !table_is_dir(n))
                t->n_file_handles++;
        if (n->handle && !was_dir && table_is_dir(n))
                t->n_file_handles--;
        return 0;
}

static void forget(struct table *t, struct table_node *n)
{
        table_handle_drop(t, n);
        table_inode_remove(t, n);
        t->n_records -= n->record ? 1 : 0;
        n->mark &= (uint8_t) ~(TABLE_DOUBT | TABLE_DIFFERS);
        free(n->record);
        n->record = NULL;
        n->record_n = 0;
}

static void prune(struct table *t, struct table_node *n)
{
        while (n != t->root && !n->record && !n->child && !n->mark) {
                struct table_node *up = n->parent;

                table_handle_drop(t, n);
                unlink_from(t, n);
                free(n);
                t->n_nodes--;
                n = up;
        }
}

void table_drop_record(struct table *t, struct table_node *n)
{
        forget(t, n);
        prune(t, n);
}

void table_drop_tree(struct table *t, struct table_node *n)
{
        struct table_node *d;

        while ((d = table_deepest(n)) != n) {
                forget(t, d);
                unlink_from(t, d);
                free(d);
                t->n_nodes--;
        }
        table_drop_record(t, n);
}

int table_move(struct table *t, struct table_node *n, struct table_node *dir, struct span name,
               struct table_node **ret)
{
        struct table_node *new, *old_dir;

        assert(n && dir && n != t->root && !table_child(t, dir, name));
        old_dir = n->parent;
        for (struct table_node *up = dir; up; up = up->parent)
                assert(up != n);
        new = node_new(t, name);
        if (!new)
                return -ENOMEM;
        table_inode_remove(t, n);
        unlink_from(t, n);
        new->id = n->id;
        new->child = n->child;
        new->handle = n->handle;
        new->record = n->record;
        new->record_n = n->record_n;
        new->epoch = n->epoch;
        new->mark = n->mark;
        for (struct table_node *c = new->child; c; c = c->next)
                c->parent = new;
        if (new->handle)
                new->handle->node = new;
        free(n);
        link_into(t, new, dir);
        table_inode_add(t, new);
        prune(t, old_dir);
        *ret = new;
        return 0;
}

#define SWAP(a, b)                                                                                 \
        do {                                                                                       \
                __typeof__(a) swap_ = (a);                                                         \
                (a) = (b);                                                                         \
                (b) = swap_;                                                                       \
        } while (0)

static void own_again(struct table_node *n)
{
        for (struct table_node *c = n->child; c; c = c->next)
                c->parent = n;
        if (n->handle)
                n->handle->node = n;
}

/* A child's hash is over its directory's id, so the ids go with the children; then the two nodes'
 * own hashes, over their directories' ids, stay right unless one is the directory of the other. */
void table_exchange(struct table *t, struct table_node *a, struct table_node *b)
{
        assert(a && b);
        for (struct table_node *up = a; up; up = up->parent)
                assert(up != b);
        for (struct table_node *up = b; up; up = up->parent)
                assert(up != a);
        table_inode_remove(t, a);
        table_inode_remove(t, b);
        SWAP(a->child, b->child);
        SWAP(a->handle, b->handle);
        SWAP(a->record, b->record);
        SWAP(a->record_n, b->record_n);
        SWAP(a->id, b->id);
        SWAP(a->epoch, b->epoch);
        own_again(a);
        own_again(b);
        table_inode_add(t, a);
        table_inode_add(t, b);
}
