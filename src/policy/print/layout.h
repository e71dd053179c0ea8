/* SPDX-License-Identifier: Apache-2.0 */
/* layout.h - words, the places where a line may end between them, and comments.  Floor 2, pure.
 *
 * A layout is a row of items.  A group that fits stands on one line; of one that does not, each own
 * break ends the line (groups within it are asked again).  A comment stands before the first break
 * behind the word it was written after, and its group is broken.
 *
 * Method: the groups of D. C. Oppen, "Prettyprinting" (1980), measured ahead by running sums. */
#ifndef POLICY_LAYOUT_H
#define POLICY_LAYOUT_H

#include "base/buf.h"
#include "policy/ast/ast.h"
#include "policy/print/print.h"

struct layout {
        struct buf items; /* struct layout_item */
        struct buf text;  /* of all words */
        struct buf notes; /* struct layout_note, by the item they stand behind */
        size_t most;      /* bytes of text from which on no expression is begun */
};

enum layout_kind {
        LAYOUT_WORD,   /* text */
        LAYOUT_OPEN,   /* a group begins */
        LAYOUT_CLOSE,  /* and ends */
        LAYOUT_INDENT, /* for the lines from here on */
        LAYOUT_DEDENT,
        LAYOUT_BREAK, /* a blank or nothing, or the end of a line */
        LAYOUT_HARD,  /* the end of a line */
};

struct layout_item {
        uint8_t kind; /* enum layout_kind */
        bool blank;   /* before a word on one line; what a break is on one line */
        bool out;     /* a break that also dedents: comments stand before that */
        bool broken;  /* a group */
        bool free; /* a word of which no other spelling would be another token: see doc_comments.c
                    */
        uint32_t at, n;  /* text: bytes of it */
        uint32_t link;   /* a group: its end while measuring, its parent while rendering */
        uint32_t before; /* columns of all words and blanks before this one, on one line */
        uint32_t notes;  /* comments before this one */
};

struct layout_note {
        uint32_t behind; /* item */
        bool alone;      /* it had a line of its own */
        struct span text;
};

#define LAYOUT_INIT                                                                                \
        ((struct layout){ BUF_INIT((size_t)1 << 30), BUF_INIT((size_t)1 << 30),                    \
                          BUF_INIT((size_t)1 << 30), SIZE_MAX })

void layout_done(struct layout *l);
void layout_clear(struct layout *l);

/* Failures of memory stick in the layout; layout_render() hands them on to out. */
void layout_word(struct layout *l, struct span text, bool blank);
/* A word that the source may spell otherwise: a name in quotes, a number with leading zeros. */
void layout_free_word(struct layout *l, struct span text, bool blank);
void layout_item(struct layout *l, enum layout_kind kind);
void layout_break(struct layout *l, bool blank);
/* The break before a closing word: dedents. */
void layout_break_out(struct layout *l, bool blank);

/* A comment behind the item of this number. */
void layout_note(struct layout *l, uint32_t behind, struct span text, bool alone);

/* No more is wanted. */
static inline bool layout_full(const struct layout *l)
{
        return l->text.n >= l->most;
}

static inline uint32_t layout_count(const struct layout *l)
{
        return (uint32_t)(l->items.n / sizeof(struct layout_item));
}

struct layout_item *layout_at(const struct layout *l, uint32_t i);
struct span layout_text(const struct layout *l, const struct layout_item *item);

enum layout_end {
        LAYOUT_ENDS_BARE,
        LAYOUT_ENDS_BEHIND, /* with a comment behind the last word */
        LAYOUT_ENDS_APART,  /* with a comment below the last word: an empty line has to follow */
};

/* Appends lines to out, the last one without its end. */
enum layout_end layout_render(struct layout *l, struct cedar_print_style style, struct buf *out);

#endif
