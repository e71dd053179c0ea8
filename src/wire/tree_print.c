/* SPDX-License-Identifier: Apache-2.0 */
/* tree_print.c - a tree as JSON text again.  Floor 1, pure. */
#include "wire/tree.h"

#include "base/text.h"
#include "wire/json.h"

static void print(const struct tree *t, unsigned depth, struct buf *out);

static void print_number(int64_t v, struct buf *out)
{
        char text[1 + TEXT_U64_MAX + 1] = "-";
        size_t minus = v < 0;
        uint64_t size = minus ? -(uint64_t)v : (uint64_t)v;

        buf_put(out, span_of(text, minus + text_u64(size, text + minus)));
}

static void print_members(const struct tree *t, unsigned depth, struct buf *out)
{
        buf_put_byte(out, '{');
        for (uint32_t i = 0; i < t->n; i++) {
                if (i > 0)
                        buf_put_byte(out, ',');
                json_put_quoted(out, t->members[i].key);
                buf_put_byte(out, ':');
                print(&t->members[i].value, depth + 1, out);
        }
        buf_put_byte(out, '}');
}

static void print_items(const struct tree *t, unsigned depth, struct buf *out)
{
        buf_put_byte(out, '[');
        for (uint32_t i = 0; i < t->n; i++) {
                if (i > 0)
                        buf_put_byte(out, ',');
                print(&t->items[i], depth + 1, out);
        }
        buf_put_byte(out, ']');
}

static void print(const struct tree *t, unsigned depth, struct buf *out)
{
        assert(depth <= TREE_DEPTH_MAX);
        switch (t->kind) {
        case TREE_NULL:
                buf_put(out, SPAN("null"));
                break;
        case TREE_BOOL:
                buf_put(out, t->boolean ? SPAN("true") : SPAN("false"));
                break;
        case TREE_NUMBER:
                print_number(t->number, out);
                break;
        case TREE_REAL:
                buf_put(out, t->text);
                break;
        case TREE_STRING:
                json_put_quoted(out, t->text);
                break;
        case TREE_ARRAY:
                print_items(t, depth, out);
                break;
        case TREE_OBJECT:
                print_members(t, depth, out);
                break;
        }
}

void tree_print(const struct tree *t, struct buf *out)
{
        print(t, 0, out);
}
