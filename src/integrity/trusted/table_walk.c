/* SPDX-License-Identifier: Apache-2.0 */
/* The table as a tree: paths, order, and the invariants of the whole. */
#include "integrity/trusted/table_priv.h"

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

static void sort_children(struct table_node *n)
{
        struct table_node *prev = NULL;

        n->child = sort_list(n->child);
        for (struct table_node *c = n->child; c; prev = c, c = c->next)
                c->prev = prev;
}

void table_sort(struct table_node *top)
{
        for (struct table_node *n = top; n; n = table_next(top, n))
                sort_children(n);
}

static struct table_node *after_all_below(struct table_node *n)
{
        while (n && !n->next)
                n = n->parent;
        return n ? n->next : NULL;
}

struct table_node *table_next_sorted(struct table_node *n)
{
        sort_children(n);
        return n->child ? n->child : after_all_below(n);
}

struct table_node *table_after(struct table *t, struct span path)
{
        struct table_node *n = table_root(t), *c;

        path = span_from(path, 1);
        while (path.n) {
                const uint8_t *slash = memchr(path.p, '/', path.n);
                struct span name = span_of(path.p, slash ? (size_t)(slash - path.p) : path.n);

                sort_children(n);
                for (c = n->child; c && span_cmp(table_name(c), name) < 0;)
                        c = c->next;
                if (!c)
                        return after_all_below(n);
                if (!span_eq(table_name(c), name))
                        return c;
                n = c;
                path = span_from(path, name.n + 1);
        }
        return table_next_sorted(n);
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
                if (t->inodes && table_inode_of(n, &dev, &ino)) {
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
