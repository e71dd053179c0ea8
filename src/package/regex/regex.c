/* SPDX-License-Identifier: Apache-2.0 */
/* regex.c - searches by PCRE2's interpreter.  Floor 2.  SECURITY: searches hostile bytes.
 *
 * No compilation to machine code: those who search face a network, and need no memory that is both
 * written and executed. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "package/regex/regex.h"

#include <pcre2.h>
#include <stdlib.h>

enum { MOVED_FREE = 8 };

struct regex_space {
        pcre2_match_data *data;
        pcre2_match_context *context;
};

/* A struct regex is PCRE2's code by another name, so that its header is wanted in this file only.
 */
static pcre2_code *code_of(const struct regex *r)
{
        return (pcre2_code *)r;
}

static void *take_memory(size_t n, void *ctx)
{
        return malloc(n);
}

static void give_memory(void *p, void *ctx)
{
        free(p);
}

static int compile(struct span pattern, pcre2_compile_context *context, struct regex **ret,
                   struct err *err)
{
        const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                                 PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
        PCRE2_UCHAR text[120] = "";
        PCRE2_SIZE at;
        pcre2_code *code;
        int code_of_error;

        code = pcre2_compile(pattern.n ? pattern.p : (PCRE2_SPTR) "", pattern.n, options,
                             &code_of_error, &at, context);
        if (!code && code_of_error == PCRE2_ERROR_HEAP_FAILED)
                return err_set(err, -ENOMEM, "no memory for a pattern");
        if (!code) {
                pcre2_get_error_message(code_of_error, text, sizeof text);
                return err_set(err, -EINVAL, "%s", (const char *)text);
        }
        *ret = (struct regex *)code;
        return 0;
}

int regex_new(struct span pattern, struct regex **ret, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT((size_t)REGEX_MAX * 128);
        pcre2_general_context *general = NULL;
        pcre2_compile_context *context = NULL;
        int rc = regex_read(pattern, &text, err);

        if (rc < 0)
                return rc;
        general = pcre2_general_context_create(take_memory, give_memory, NULL);
        if (general)
                context = pcre2_compile_context_create(general);
        rc = context ? compile(buf_span(&text), context, ret, err)
                     : err_set(err, -ENOMEM, "no memory for a pattern");
        pcre2_compile_context_free(context);
        pcre2_general_context_free(general);
        return rc;
}

struct regex *regex_free(struct regex *r)
{
        pcre2_code_free(code_of(r));
        return NULL;
}

int regex_space_new(struct regex_space **ret)
{
        CLEANUP(regex_space_freep) struct regex_space *s = calloc(1, sizeof *s);
        pcre2_general_context *general = NULL;

        if (s)
                general = pcre2_general_context_create(take_memory, give_memory, NULL);
        if (general) {
                s->data = pcre2_match_data_create(1, general);
                s->context = pcre2_match_context_create(general);
                pcre2_general_context_free(general);
        }
        if (!general || !s->data || !s->context)
                return -ENOMEM;
        pcre2_set_heap_limit(s->context, REGEX_HEAP_MAX);
        *ret = s;
        s = NULL;
        return 0;
}

struct regex_space *regex_space_free(struct regex_space *s)
{
        if (s) {
                pcre2_match_data_free(s->data);
                pcre2_match_context_free(s->context);
                free(s);
        }
        return NULL;
}

struct search {
        uint64_t *left;
        PCRE2_SIZE at; /* of the last thing that was tried */
};

/* Before each thing that is tried. */
static int on_try(pcre2_callout_block *block, void *ctx)
{
        struct search *s = ctx;
        PCRE2_SIZE now = block->current_position;
        uint64_t moved = now > s->at ? now - s->at : s->at - now, cost = 1 + moved / MOVED_FREE;

        s->at = now;
        if (*s->left < cost) {
                *s->left = 0;
                return PCRE2_ERROR_CALLOUT;
        }
        *s->left -= cost;
        return 0;
}

int regex_search(const struct regex *r, struct regex_space *space, struct span s, uint64_t *left)
{
        struct search search = { .left = left };
        int rc;

        pcre2_set_callout(space->context, on_try, &search);
        rc = pcre2_match(code_of(r), s.n ? s.p : (PCRE2_SPTR) "", s.n, 0, 0, space->data,
                         space->context);
        switch (rc) {
        case PCRE2_ERROR_NOMATCH:
                return 0;
        case PCRE2_ERROR_CALLOUT:
        case PCRE2_ERROR_HEAPLIMIT:
        case PCRE2_ERROR_MATCHLIMIT:
        case PCRE2_ERROR_DEPTHLIMIT:
                return -E2BIG;
        case PCRE2_ERROR_NOMEMORY:
                return -ENOMEM;
        default:
                return rc >= 0 ? 1 : -EINVAL;
        }
}
