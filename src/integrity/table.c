/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/table.h"

#include <stdlib.h>

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

enum { BUCKETS_FIRST = 1024 };

static uint32_t hash_bytes(uint64_t seed, const void *p, size_t n)
{
        const uint8_t *b = p;
        uint64_t h = seed ^ 0x9e3779b97f4a7c15ULL;

        for (size_t i = 0; i < n; i++)
                h = (h ^ b[i]) * 0x100000001b3ULL;
        h ^= h >> 29;
        h *= 0xbf58476d1ce4e5b9ULL;
        return (uint32_t)(h >> 32);
}

static uint32_t hash_name(const struct table_node *dir, struct span name)
{
        return hash_bytes(dir->id, name.p, name.n);
}

static uint32_t hash_inode(uint64_t dev, uint64_t ino)
{
        return hash_bytes(dev, &ino, sizeof ino);
}

static uint32_t hash_handle(const struct table_handle *h)
{
        return hash_bytes(h->fsid ^ (uint32_t)h->type, h->b, h->n);
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

/* ---- the inode index ---- */

static bool inode_of(const struct table_node *n, uint64_t *ret_dev, uint64_t *ret_ino)
{
        struct record r;

        if (!n->record || record_decode(table_record(n), &r, NULL) < 0 || r.type == RECORD_DIR)
                return false;
        *ret_dev = r.dev;
        *ret_ino = r.ino;
        return true;
}

static void inode_add(struct table *t, struct table_node *n)
{
        uint64_t dev, ino;
        struct table_node **bucket;

        if (!inode_of(n, &dev, &ino))
                return;
        bucket = &t->inodes[hash_inode(dev, ino) & (t->n_buckets - 1)];
        n->ino_next = *bucket;
        *bucket = n;
}

static void inode_remove(struct table *t, struct table_node *n)
{
        uint64_t dev, ino;
        struct table_node **p;

        if (!inode_of(n, &dev, &ino))
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
        struct table_node *n =
                after ? after->ino_next : t->inodes[hash_inode(dev, ino) & (t->n_buckets - 1)];
        uint64_t d, i;

        for (; n; n = n->ino_next)
                if (inode_of(n, &d, &i) && d == dev && i == ino)
                        return n;
        return NULL;
}

/* ---- the handle index ---- */

bool table_is_dir(const struct table_node *n)
{
        return !n->record || n->record[1] == RECORD_DIR;
}

static void handle_drop(struct table *t, struct table_node *n)
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
                handle_drop(t, n);
                return 0;
        }
        if (t->n_handles >= t->n_handle_buckets && grow_handles(t) < 0)
                return -ENOMEM;
        ref = malloc(sizeof *ref + h->n);
        if (!ref)
                return -ENOMEM;
        handle_drop(t, n);
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

bool table_handle_marked(const struct table_node *n)
{
        return n->handle && n->handle->marked;
}

size_t table_file_handles(const struct table *t)
{
        return t->n_file_handles;
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

/* Both indices of nodes double together. */
static int grow(struct table *t)
{
        size_t n = t->n_buckets * 2;
        struct table_node **names = calloc(n, sizeof(struct table_node *));
        struct table_node **inodes = calloc(n, sizeof(struct table_node *));
        uint64_t dev, ino;

        if (!names || !inodes) {
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
                for (struct table_node *x = t->inodes[i], *next; x; x = next) {
                        next = x->ino_next;
                        if (!inode_of(x, &dev, &ino))
                                assert(!"only files with a record are in the index");
                        x->ino_next = inodes[hash_inode(dev, ino) & (n - 1)];
                        inodes[hash_inode(dev, ino) & (n - 1)] = x;
                }
        }
        free(t->names);
        free(t->inodes);
        t->names = names;
        t->inodes = inodes;
        t->n_buckets = n;
        return 0;
}

struct table_node *table_child(struct table *t, struct table_node *dir, struct span name)
{
        uint32_t h = hash_name(dir, name);
        struct table_node *n = t->names[h & (t->n_buckets - 1)];

        while (n && (n->hash != h || n->parent != dir || !span_eq(table_name(n), name)))
                n = n->name_next;
        return n;
}

struct table_node *table_make_child(struct table *t, struct table_node *dir, struct span name)
{
        struct table_node *n = table_child(t, dir, name);

        if (n)
                return n;
        if (t->n_nodes >= t->n_buckets && grow(t) < 0)
                return NULL;
        n = node_new(t, name);
        if (!n)
                return NULL;
        link_into(t, n, dir);
        t->n_nodes++;
        return n;
}

/* The next part of an absolute path; false at its end. */
static bool next_part(struct span *path, struct span *ret)
{
        const uint8_t *slash;

        while (path->n && path->p[0] == '/')
                *path = span_from(*path, 1);
        if (path->n == 0)
                return false;
        slash = memchr(path->p, '/', path->n);
        *ret = span_of(path->p, slash ? (size_t)(slash - path->p) : path->n);
        *path = span_from(*path, ret->n);
        return true;
}

struct table_node *table_find(struct table *t, struct span path)
{
        struct table_node *n = t->root;
        struct span part;

        while (n && next_part(&path, &part))
                n = table_child(t, n, part);
        return n;
}

struct table_node *table_make(struct table *t, struct span path)
{
        struct table_node *n = t->root;
        struct span part;

        while (n && next_part(&path, &part))
                n = part.n <= TABLE_NAME_MAX ? table_make_child(t, n, part) : NULL;
        return n;
}

int table_set_record(struct table *t, struct table_node *n, struct span encoded)
{
        bool was_dir = table_is_dir(n);
        uint8_t *copy = n->record_n == encoded.n ? n->record : malloc(encoded.n);

        if (!copy)
                return -ENOMEM;
        inode_remove(t, n);
        if (copy != n->record) {
                t->n_records += n->record ? 0 : 1;
                free(n->record);
                n->record = copy;
                n->record_n = (uint32_t)encoded.n;
        }
        memcpy(copy, encoded.p, encoded.n);
        inode_add(t, n);
        if (n->handle && was_dir && !table_is_dir(n))
                t->n_file_handles++;
        if (n->handle && !was_dir && table_is_dir(n))
                t->n_file_handles--;
        return 0;
}

static void forget(struct table *t, struct table_node *n)
{
        handle_drop(t, n);
        inode_remove(t, n);
        t->n_records -= n->record ? 1 : 0;
        free(n->record);
        n->record = NULL;
        n->record_n = 0;
}

static void prune(struct table *t, struct table_node *n)
{
        while (n != t->root && !n->record && !n->child && !n->mark) {
                struct table_node *up = n->parent;

                handle_drop(t, n);
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
        inode_remove(t, n);
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
        inode_add(t, new);
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
        inode_remove(t, a);
        inode_remove(t, b);
        SWAP(a->child, b->child);
        SWAP(a->handle, b->handle);
        SWAP(a->record, b->record);
        SWAP(a->record_n, b->record_n);
        SWAP(a->id, b->id);
        SWAP(a->epoch, b->epoch);
        own_again(a);
        own_again(b);
        inode_add(t, a);
        inode_add(t, b);
}

void table_path(const struct table_node *n, struct buf *out)
{
        const struct table_node *up;
        size_t len = 0;
        uint8_t *p;

        if (!n->parent) {
                buf_put_byte(out, '/');
                return;
        }
        for (up = n; up->parent; up = up->parent)
                len += 1u + up->name_n;
        p = buf_extend(out, len);
        if (!p)
                return;
        for (up = n; up->parent; up = up->parent) {
                len -= up->name_n;
                memcpy(p + len, up->name, up->name_n);
                p[--len] = '/';
        }
}

struct table_node *table_next(const struct table_node *top, struct table_node *n)
{
        if (n->child)
                return n->child;
        while (n != top && !n->next)
                n = n->parent;
        return n == top ? NULL : n->next;
}

struct table_node *table_deepest(struct table_node *n)
{
        while (n->child)
                n = n->child;
        return n;
}

static struct table_node *merge(struct table_node *a, struct table_node *b)
{
        struct table_node *head = NULL, **tail = &head;

        while (a && b) {
                struct table_node **least = span_cmp(table_name(a), table_name(b)) < 0 ? &a : &b;

                *tail = *least;
                tail = &(*least)->next;
                *least = (*least)->next;
        }
        *tail = a ? a : b;
        return head;
}

/* Merge sort of a list: slot i holds a sorted run of 2^i nodes. */
static struct table_node *sort_list(struct table_node *list)
{
        struct table_node *slot[48] = { NULL }, *all = NULL;
        size_t i;

        while (list) {
                struct table_node *run = list;

                list = list->next;
                run->next = NULL;
                for (i = 0; slot[i]; i++) {
                        run = merge(slot[i], run);
                        slot[i] = NULL;
                }
                slot[i] = run;
        }
        for (i = 0; i < ARRAY_LEN(slot); i++)
                all = slot[i] ? merge(slot[i], all) : all;
        return all;
}

void table_sort(struct table_node *top)
{
        for (struct table_node *n = top; n; n = table_next(top, n)) {
                struct table_node *prev = NULL;

                n->child = sort_list(n->child);
                for (struct table_node *c = n->child; c; prev = c, c = c->next)
                        c->prev = prev;
        }
}

void table_assert_valid(struct table *t)
{
        size_t nodes = 0, records = 0, handles = 0, file_handles = 0;
        uint64_t dev, ino;

        for (struct table_node *n = t->root; n; n = table_next(t->root, n)) {
                struct table_node *x;

                nodes++;
                if (n != t->root)
                        assert(table_child(t, n->parent, table_name(n)) == n);
                assert(!n->prev || n->prev->next == n);
                assert(!n->next || n->next->prev == n);
                records += n->record ? 1 : 0;
                if (inode_of(n, &dev, &ino)) {
                        for (x = table_by_inode(t, dev, ino, NULL); x && x != n;)
                                x = table_by_inode(t, dev, ino, x);
                        assert(x == n);
                }
                if (n->handle) {
                        assert(n->handle->node == n);
                        handles++;
                        file_handles += table_is_dir(n) ? 0 : 1;
                }
        }
        assert(nodes == t->n_nodes && records == t->n_records);
        assert(handles == t->n_handles && file_handles == t->n_file_handles);
}
