/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c - words and breaks to lines.  Floor 2, pure. */
#include "policy/print/layout.h"

enum { NO_GROUP = UINT32_MAX };

/* The pen. */
struct pen {
        struct buf *out;
        struct cedar_print_style style;
        uint32_t level;
        uint32_t column;     /* of a line that is begun */
        bool fresh;          /* the line has nothing yet, not even its blanks */
        bool behind;         /* nor has the one before it got its end */
        enum layout_end end; /* if no other word comes */
};

void layout_done(struct layout *l)
{
        buf_done(&l->items);
        buf_done(&l->text);
        buf_done(&l->notes);
}

void layout_clear(struct layout *l)
{
        buf_clear(&l->items);
        buf_clear(&l->text);
        buf_clear(&l->notes);
}

struct layout_item *layout_at(const struct layout *l, uint32_t i)
{
        return (struct layout_item *)(void *)l->items.p + i;
}

struct span layout_text(const struct layout *l, const struct layout_item *item)
{
        return span_of(l->text.p + item->at, item->n);
}

static void put_item(struct layout *l, const struct layout_item *item)
{
        buf_put(&l->items, span_of(item, sizeof *item));
}

static void put_word(struct layout *l, struct span text, bool blank, bool free)
{
        struct layout_item item = {
                .kind = LAYOUT_WORD,
                .blank = blank,
                .free = free,
                .at = (uint32_t)l->text.n,
                .n = (uint32_t)text.n,
        };

        buf_put(&l->text, text);
        put_item(l, &item);
}

void layout_word(struct layout *l, struct span text, bool blank)
{
        put_word(l, text, blank, false);
}

void layout_free_word(struct layout *l, struct span text, bool blank)
{
        put_word(l, text, blank, true);
}

void layout_item(struct layout *l, enum layout_kind kind)
{
        struct layout_item item = { .kind = (uint8_t)kind };

        put_item(l, &item);
}

void layout_break(struct layout *l, bool blank)
{
        struct layout_item item = { .kind = LAYOUT_BREAK, .blank = blank };

        put_item(l, &item);
}

void layout_break_out(struct layout *l, bool blank)
{
        struct layout_item item = { .kind = LAYOUT_BREAK, .blank = blank, .out = true };

        put_item(l, &item);
}

void layout_note(struct layout *l, uint32_t behind, struct span text, bool alone)
{
        struct layout_note note = { .behind = behind, .alone = alone, .text = text };

        buf_put(&l->notes, span_of(&note, sizeof note));
}

static uint32_t columns(struct span s)
{
        uint32_t n = 0;

        for (size_t i = 0; i < s.n; i++)
                n += (s.p[i] & 0xc0) != 0x80;
        return n;
}

static bool is_break(const struct layout_item *item)
{
        return item->kind == LAYOUT_BREAK || item->kind == LAYOUT_HARD;
}

static uint32_t count_notes(const struct layout *l)
{
        return (uint32_t)(l->notes.n / sizeof(struct layout_note));
}

static const struct layout_note *note_at(const struct layout *l, uint32_t i)
{
        return (const struct layout_note *)(const void *)l->notes.p + i;
}

/* Running sums of columns and comments, and where each group ends. */
static void measure(struct layout *l)
{
        uint32_t n = layout_count(l), open = NO_GROUP, before = 0, notes = 0;

        for (uint32_t i = 0; i < n; i++) {
                struct layout_item *item = layout_at(l, i);

                /* Comments are due before a break: see layout.h. */
                while (is_break(item) && notes < count_notes(l) && note_at(l, notes)->behind < i)
                        notes++;
                item->before = before;
                item->notes = notes;
                if (item->kind == LAYOUT_WORD)
                        before += columns(layout_text(l, item)) + item->blank;
                else if (item->kind == LAYOUT_BREAK)
                        before += item->blank;
                if (item->kind == LAYOUT_OPEN) {
                        item->link = open;
                        open = i;
                } else if (item->kind == LAYOUT_CLOSE) {
                        uint32_t parent = layout_at(l, open)->link;

                        layout_at(l, open)->link = i;
                        open = parent;
                }
        }
}

/* For each group's end: the columns up to the first break behind it. */
static void measure_tails(struct layout *l)
{
        uint32_t n = layout_count(l), next = 0;

        if (n == 0)
                return;
        next = layout_at(l, n - 1)->before + layout_at(l, n - 1)->blank +
               columns(layout_text(l, layout_at(l, n - 1)));
        for (uint32_t i = n; i-- > 0;) {
                struct layout_item *item = layout_at(l, i);

                if (is_break(item))
                        next = item->before;
                else if (item->kind == LAYOUT_CLOSE)
                        item->before = next;
        }
}

static uint32_t column(const struct pen *pen)
{
        return pen->fresh ? pen->level * pen->style.indent : pen->column;
}

static void put(struct pen *pen, struct span s)
{
        if (pen->fresh) {
                if (pen->behind)
                        buf_put_byte(pen->out, '\n');
                pen->column = column(pen);
                for (uint32_t i = 0; i < pen->column; i++)
                        buf_put_byte(pen->out, ' ');
                pen->fresh = false;
        }
        buf_put(pen->out, s);
        pen->column += columns(s);
}

static void end_line(struct pen *pen)
{
        pen->behind = pen->behind || !pen->fresh;
        pen->fresh = true;
}

static void put_note(struct pen *pen, const struct layout_note *note)
{
        pen->end = note->alone || pen->fresh ? LAYOUT_ENDS_APART : LAYOUT_ENDS_BEHIND;
        if (note->alone)
                end_line(pen);
        if (!pen->fresh)
                put(pen, SPAN(" "));
        put(pen, note->text);
        end_line(pen);
}

static void put_break(struct pen *pen, const struct layout_item *item, bool broken)
{
        if (item->out)
                pen->level--;
        if (broken)
                end_line(pen);
        else if (item->blank)
                put(pen, SPAN(" "));
}

/* Does a group that begins here have to be broken? */
static bool too_wide(const struct layout *l, const struct pen *pen, const struct layout_item *open)
{
        const struct layout_item *close = layout_at(l, open->link);

        return close->notes > open->notes ||
               column(pen) + (close->before - open->before) > pen->style.width;
}

static void put_item_out(struct layout *l, struct pen *pen, uint32_t i, uint32_t *group)
{
        struct layout_item *item = layout_at(l, i), *parent = NULL;

        if (*group != NO_GROUP)
                parent = layout_at(l, *group);
        switch (item->kind) {
        case LAYOUT_WORD:
                if (item->blank && !pen->fresh)
                        put(pen, SPAN(" "));
                put(pen, layout_text(l, item));
                pen->end = LAYOUT_ENDS_BARE;
                break;
        case LAYOUT_OPEN:
                item->broken = (!parent || parent->broken) && too_wide(l, pen, item);
                item->link = *group;
                *group = i;
                break;
        case LAYOUT_CLOSE:
                *group = layout_at(l, *group)->link;
                break;
        case LAYOUT_INDENT:
                pen->level++;
                break;
        case LAYOUT_DEDENT:
                pen->level--;
                break;
        case LAYOUT_BREAK:
                put_break(pen, item, !parent || parent->broken);
                break;
        default:
                end_line(pen);
        }
}

static int worst(const struct layout *l)
{
        int rc = buf_status(&l->items);

        if (rc == 0)
                rc = buf_status(&l->text);
        return rc ? rc : buf_status(&l->notes);
}

enum layout_end layout_render(struct layout *l, struct cedar_print_style style, struct buf *out)
{
        struct pen pen = { .out = out, .style = style, .fresh = true };
        uint32_t notes = 0, group = NO_GROUP;
        int rc = worst(l);

        if (rc < 0 && out->status == 0)
                out->status = rc;
        if (rc < 0)
                return LAYOUT_ENDS_BARE;
        measure(l);
        measure_tails(l);
        for (uint32_t i = 0; i < layout_count(l); i++) {
                for (; notes < layout_at(l, i)->notes; notes++)
                        put_note(&pen, note_at(l, notes));
                put_item_out(l, &pen, i, &group);
        }
        for (; notes < count_notes(l); notes++)
                put_note(&pen, note_at(l, notes));
        return pen.end;
}
