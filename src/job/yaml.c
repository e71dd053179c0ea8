/* SPDX-License-Identifier: Apache-2.0 */
#include "job/yaml.h"

#include "base/text.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>

struct reader {
        const struct yaml_limits *limits;
        struct arena *arena;
        struct yaml_node *root;
        struct yaml_node *open[YAML_DEPTH_EVER]; /* lists and maps we are in */
        struct yaml_node **tail[YAML_DEPTH_EVER];
        struct yaml_node *key[YAML_DEPTH_EVER]; /* of a map: waits for its value */
        unsigned depth, nodes, documents;
        struct yaml_mark last; /* of the last node that had one */
        struct yaml_fault *fault;
};

static int refuse(struct yaml_fault *f, struct yaml_mark at, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

static int refuse(struct yaml_fault *f, struct yaml_mark at, const char *fmt, ...)
{
        va_list ap;

        f->mark = at;
        va_start(ap, fmt);
        vsnprintf(f->text, sizeof f->text, fmt, ap);
        va_end(ap);
        return -EBADMSG;
}

/* ---- bytes that libfyaml would misread ---- */

static struct yaml_mark mark_of_byte(struct span s, size_t at)
{
        struct yaml_mark m = { 1, 1 };

        for (size_t i = 0; i < at; i++) {
                if (s.p[i] == '\n')
                        m = (struct yaml_mark){ m.line + 1, 1 };
                else if ((s.p[i] & 0xc0) != 0x80)
                        m.column++;
        }
        return m;
}

/* It ends at a NUL, without a word. */
static int check_bytes(struct span s, struct yaml_fault *f)
{
        const uint8_t *nul = s.n ? memchr(s.p, 0, s.n) : NULL;
        size_t at;

        if (nul)
                return refuse(f, mark_of_byte(s, (size_t)(nul - s.p)), "a byte 0");
        if (!text_is_utf8(s, &at))
                return refuse(f, mark_of_byte(s, at), "not UTF-8");
        return 0;
}

/* ---- events to nodes ---- */

static struct yaml_mark mark_of(struct reader *r, struct fy_event *e)
{
        const struct fy_mark *m = fy_event_start_mark(e);
        enum fy_node_style style = fy_event_get_node_style(e);

        /* What is empty has no place, and a block of text that of its end. */
        if (m && style != FYNS_LITERAL && style != FYNS_FOLDED)
                r->last = (struct yaml_mark){ (uint32_t)m->line + 1, (uint32_t)m->column + 1 };
        return r->last;
}

static int add(struct reader *r, struct yaml_node *n)
{
        unsigned d = r->depth - 1;

        if (r->depth == 0) {
                r->root = n;
                return 0;
        }
        if (r->open[d]->type == YAML_MAP && r->key[d]) {
                r->key[d]->value = n;
                r->key[d] = NULL;
                return 0;
        }
        if (r->open[d]->type == YAML_MAP) {
                if (n->type != YAML_TEXT)
                        return refuse(r->fault, n->mark, "a key is a text");
                r->key[d] = n;
        }
        *r->tail[d] = n;
        r->tail[d] = &n->next;
        return 0;
}

/* A node of this event, in its place. */
static int node(struct reader *r, struct fy_event *e, enum yaml_type type, struct yaml_node **ret)
{
        struct yaml_node *n;

        if (r->nodes++ == r->limits->nodes)
                return refuse(r->fault, mark_of(r, e), "more than %u texts, lists and maps",
                              (unsigned)r->limits->nodes);
        n = arena_alloc(r->arena, sizeof *n);
        if (!n)
                return -ENOMEM;
        n->type = type;
        n->mark = mark_of(r, e);
        *ret = n;
        return add(r, n);
}

static int enter(struct reader *r, struct fy_event *e, enum yaml_type type)
{
        struct yaml_node *n;
        int rc;

        if (r->depth == r->limits->depth)
                return refuse(r->fault, mark_of(r, e), "nested deeper than %u", r->limits->depth);
        rc = node(r, e, type, &n);
        if (rc < 0)
                return rc;
        r->open[r->depth] = n;
        r->tail[r->depth] = &n->child;
        r->key[r->depth] = NULL;
        r->depth++;
        return 0;
}

static int take_text(struct reader *r, struct fy_event *e)
{
        enum fy_node_style style = fy_event_get_node_style(e);
        struct yaml_node *n;
        size_t len = 0;
        const char *text = e->scalar.value ? fy_token_get_text(e->scalar.value, &len) : "";
        int rc;

        if (!text)
                return -ENOMEM;
        rc = node(r, e, YAML_TEXT, &n);
        if (rc < 0)
                return rc;
        n->quoted = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED;
        n->plain = !n->quoted && style != FYNS_LITERAL && style != FYNS_FOLDED;
        n->text = span_of(arena_copy(r->arena, span_of(text, len)), len);
        return n->text.p ? 0 : -ENOMEM;
}

/* What stands before a node, and is not taken. */
static int check_properties(struct reader *r, struct fy_token *anchor, struct fy_token *tag)
{
        struct fy_token *t = anchor ? anchor : tag;
        const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;

        if (!t)
                return 0;
        if (m) /* an anchor begins behind its "&" */
                r->last = (struct yaml_mark){ (uint32_t)m->line + 1,
                                              (uint32_t)m->column + (anchor ? 0 : 1) };
        return refuse(r->fault, r->last, "%s",
                      anchor ? "anchors (&name) are not taken" : "tags (!name) are not taken");
}

static int take(struct reader *r, struct fy_event *e)
{
        struct yaml_mark at;
        int rc;

        switch (e->type) {
        case FYET_SCALAR:
                rc = check_properties(r, e->scalar.anchor, e->scalar.tag);
                return rc < 0 ? rc : take_text(r, e);
        case FYET_SEQUENCE_START:
                rc = check_properties(r, e->sequence_start.anchor, e->sequence_start.tag);
                return rc < 0 ? rc : enter(r, e, YAML_LIST);
        case FYET_MAPPING_START:
                rc = check_properties(r, e->mapping_start.anchor, e->mapping_start.tag);
                return rc < 0 ? rc : enter(r, e, YAML_MAP);
        case FYET_SEQUENCE_END:
        case FYET_MAPPING_END:
                r->depth--;
                return 0;
        case FYET_ALIAS:
                at = mark_of(r, e);
                at.column -= at.column > 1; /* it begins behind its "*" */
                return refuse(r->fault, at, "aliases (*name) are not taken");
        case FYET_DOCUMENT_START:
                if (r->documents++)
                        return refuse(r->fault, mark_of(r, e), "a second document");
                return 0;
        default:
                return 0;
        }
}

/* ---- libfyaml ---- */

static void say_nothing(struct fy_diag *d, void *ctx, const char *text, size_t n)
{
        (void)d;
        (void)ctx;
        (void)text;
        (void)n;
}

static int parser_fault(struct reader *r, struct fy_diag *diag)
{
        void *at = NULL;
        const struct fy_diag_error *e = fy_diag_errors_iterate(diag, &at);
        struct yaml_mark mark;

        if (!e || !e->msg) /* some it refuses without a word */
                return refuse(r->fault, r->last, "cannot be read as YAML from here on");
        mark.line = (uint32_t)MAX_OF(e->line, 1);
        mark.column = (uint32_t)MAX_OF(e->column, 1);
        if (!text_is_utf8(span_str(e->msg), NULL))
                return refuse(r->fault, mark, "not YAML");
        if (r->depth == 0)
                return refuse(r->fault, mark, "%s", e->msg);
        assert(r->open[r->depth - 1]);
        return refuse(r->fault, mark, "%s (in what begins at %u:%u)", e->msg,
                      (unsigned)r->open[r->depth - 1]->mark.line,
                      (unsigned)r->open[r->depth - 1]->mark.column);
}

static int read_events(struct reader *r, struct fy_parser *p, struct fy_diag *diag)
{
        struct fy_event *e;
        int rc = 0;

        while (rc == 0 && (e = fy_parser_parse(p))) {
                rc = take(r, e);
                fy_parser_event_free(p, e);
        }
        if (rc == 0 && fy_parser_get_stream_error(p))
                rc = parser_fault(r, diag);
        return rc;
}

int yaml_read(struct span input, struct arena *a, struct yaml_node **ret,
              struct yaml_fault *ret_fault)
{
        static const struct yaml_limits configuration = { YAML_DEPTH_MAX, YAML_NODES_MAX };

        return yaml_read_within(input, &configuration, a, ret, ret_fault);
}

int yaml_read_within(struct span input, const struct yaml_limits *limits, struct arena *a,
                     struct yaml_node **ret, struct yaml_fault *ret_fault)
{
        struct fy_diag_cfg diag_cfg = { .output_fn = say_nothing, .level = FYET_ERROR };
        struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 |
                                             FYPCF_JSON_NONE };
        struct reader r = { .limits = limits, .arena = a, .last = { 1, 1 }, .fault = ret_fault };
        struct fy_parser *p = NULL;
        struct fy_diag *diag;
        int rc = check_bytes(input, ret_fault);

        assert(limits->depth <= YAML_DEPTH_EVER);
        if (rc < 0)
                return rc;
        if (input.n == 0) {
                *ret = NULL;
                return 0;
        }
        diag_cfg.module_mask = (1u << FYEM_MAX) - 1;
        diag = fy_diag_create(&diag_cfg);
        cfg.diag = diag;
        if (diag) {
                fy_diag_set_collect_errors(diag, true);
                p = fy_parser_create(&cfg);
        }
        rc = p && fy_parser_set_string(p, (const char *)input.p, input.n) == 0
                     ? read_events(&r, p, diag)
                     : -ENOMEM;
        if (p)
                fy_parser_destroy(p);
        if (diag)
                fy_diag_destroy(diag);
        if (rc == 0)
                *ret = r.root;
        return rc;
}
