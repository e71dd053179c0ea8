/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes by what they are, whatever they are called: by inode, and by handle. */
#include "integrity/trusted/table_priv.h"

#include <stdlib.h>

uint32_t table_hash(uint64_t seed, const void *p, size_t n)
{
        const uint8_t *b = p;
        uint64_t h = seed ^ 0x9e3779b97f4a7c15ULL;

        for (size_t i = 0; i < n; i++)
                h = (h ^ b[i]) * 0x100000001b3ULL;
        h ^= h >> 29;
        h *= 0xbf58476d1ce4e5b9ULL;
        return (uint32_t)(h >> 32);
}

static uint32_t hash_inode(uint64_t dev, uint64_t ino)
{
        return table_hash(dev, &ino, sizeof ino);
}

static uint32_t hash_handle(const struct table_handle *h)
{
        return table_hash(h->fsid ^ (uint32_t)h->type, h->b, h->n);
}

/* ---- the inode index ---- */

bool table_inode_of(const struct table_node *n, uint64_t *ret_dev, uint64_t *ret_ino)
{
        struct record r;

        if (!n->record || record_decode(table_record(n), &r, NULL) < 0 || r.type == RECORD_DIR)
                return false;
        *ret_dev = r.dev;
        *ret_ino = r.ino;
        return true;
}

void table_without_inodes(struct table *t)
{
        free(t->inodes);
        t->inodes = NULL;
}

void table_inode_add(struct table *t, struct table_node *n)
{
        uint64_t dev, ino;
        struct table_node **bucket;

        if (!t->inodes || !table_inode_of(n, &dev, &ino))
                return;
        bucket = &t->inodes[hash_inode(dev, ino) & (t->n_buckets - 1)];
        n->ino_next = *bucket;
        *bucket = n;
}

void table_inode_remove(struct table *t, struct table_node *n)
{
        uint64_t dev, ino;
        struct table_node **p;

        if (!t->inodes || !table_inode_of(n, &dev, &ino))
                return;
        p = &t->inodes[hash_inode(dev, ino) & (t->n_buckets - 1)];
        while (*p != n)
                p = &(*p)->ino_next;
        *p = n->ino_next;
        n->ino_next = NULL;
}

struct table_node *table_by_inode(struct table *t, uint64_t dev, uint64_t ino,
                                  const struct table_node *after)
{
        struct table_node *n = after ? after->ino_next : NULL;
        uint64_t d, i;

        assert(t->inodes);
        if (!after)
                n = t->inodes[hash_inode(dev, ino) & (t->n_buckets - 1)];
        for (; n; n = n->ino_next)
                if (table_inode_of(n, &d, &i) && d == dev && i == ino)
                        return n;
        return NULL;
}

void table_inode_rehash(struct table *t, struct table_node **to, size_t n)
{
        uint64_t dev, ino;

        for (size_t i = 0; i < t->n_buckets; i++) {
                for (struct table_node *x = t->inodes[i], *next; x; x = next) {
                        next = x->ino_next;
                        if (!table_inode_of(x, &dev, &ino))
                                assert(!"only files with a record are in the index");
                        x->ino_next = to[hash_inode(dev, ino) & (n - 1)];
                        to[hash_inode(dev, ino) & (n - 1)] = x;
                }
        }
}

/* ---- the handle index ---- */

bool table_is_dir(const struct table_node *n)
{
        return !n->record || n->record[1] == RECORD_DIR;
}

void table_handle_drop(struct table *t, struct table_node *n)
{
        struct table_handle_ref *ref = n->handle, **p;

        if (!ref)
                return;
        p = &t->handles[ref->hash & (t->n_handle_buckets - 1)];
        while (*p != ref)
                p = &(*p)->next;
        *p = ref->next;
        t->n_handles--;
        if (!table_is_dir(n))
                t->n_file_handles--;
        free(ref);
        n->handle = NULL;
}

static int grow_handles(struct table *t)
{
        size_t n = t->n_handle_buckets * 2;
        struct table_handle_ref **new = calloc(n, sizeof(struct table_handle_ref *));

        if (!new)
                return -ENOMEM;
        for (size_t i = 0; i < t->n_handle_buckets; i++) {
                for (struct table_handle_ref *r = t->handles[i], *next; r; r = next) {
                        next = r->next;
                        r->next = new[r->hash & (n - 1)];
                        new[r->hash & (n - 1)] = r;
                }
        }
        free(t->handles);
        t->handles = new;
        t->n_handle_buckets = n;
        return 0;
}

static bool ref_is(const struct table_handle_ref *r, const struct table_handle *h)
{
        return r->fsid == h->fsid && r->type == h->type && r->n == h->n &&
               memcmp(r->b, h->b, h->n) == 0;
}

int table_set_handle(struct table *t, struct table_node *n, const struct table_handle *h)
{
        struct table_handle_ref *ref, **bucket;

        assert(!h || h->n <= TABLE_HANDLE_MAX);
        if (n->handle && h && ref_is(n->handle, h))
                return 0;
        if (!h) {
                table_handle_drop(t, n);
                return 0;
        }
        if (t->n_handles >= t->n_handle_buckets && grow_handles(t) < 0)
                return -ENOMEM;
        ref = malloc(sizeof *ref + h->n);
        if (!ref)
                return -ENOMEM;
        table_handle_drop(t, n);
        *ref = (struct table_handle_ref){
                .node = n, .fsid = h->fsid, .hash = hash_handle(h), .type = h->type, .n = h->n
        };
        memcpy(ref->b, h->b, h->n);
        bucket = &t->handles[ref->hash & (t->n_handle_buckets - 1)];
        ref->next = *bucket;
        *bucket = ref;
        n->handle = ref;
        t->n_handles++;
        if (!table_is_dir(n))
                t->n_file_handles++;
        return 0;
}

int table_keep_handle(struct table *t, struct table_node *n, const struct table_handle *h,
                      bool same)
{
        if (h->n == 0 && same && table_handle_marked(n))
                return 0;
        return table_set_handle(t, n, h->n ? h : NULL);
}

struct table_node *table_by_handle(struct table *t, const struct table_handle *h,
                                   const struct table_node *after)
{
        struct table_handle_ref *r = after ? after->handle->next
                                           : t->handles[hash_handle(h) & (t->n_handle_buckets - 1)];

        for (; r; r = r->next)
                if (ref_is(r, h))
                        return r->node;
        return NULL;
}

bool table_handle_of(const struct table_node *n, struct table_handle *ret)
{
        if (!n->handle)
                return false;
        *ret = (struct table_handle){ .fsid = n->handle->fsid,
                                      .type = n->handle->type,
                                      .n = n->handle->n };
        memcpy(ret->b, n->handle->b, n->handle->n);
        return true;
}

void table_handle_mark(struct table_node *n)
{
        n->handle->marked = true;
}

void table_handle_unmark(struct table_node *n)
{
        n->handle->marked = false;
}

bool table_handle_marked(const struct table_node *n)
{
        return n->handle && n->handle->marked;
}

size_t table_file_handles(const struct table *t)
{
        return t->n_file_handles;
}
