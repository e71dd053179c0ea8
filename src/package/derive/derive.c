/* SPDX-License-Identifier: Apache-2.0 */
/* derive.c - the Cedar schema that an API implies; see derive.h.  Floor 2, pure.
 *
 * Names are given in the order of the text: components by their names, then operations by theirs,
 * so the same model makes the same text.  Enumerated types are known when all else was written;
 * that is why parts are written aside and put together in the end. */
#include "package/derive/derive.h"

#include <stdarg.h>
#include <stdio.h>

#include "package/derive/derive_text.h"
#include "package/openapi/openapi_place.h"

int derive_error(struct deriver *d, const struct decl_at *at, const char *fmt, ...)
{
        struct source_mark mark = { 0 };
        char text[ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        if (at)
                mark = (struct source_mark){ at->line, at->column };
        else if (d->operation.n)
                mark = openapi_place_operation(d->document, d->operation, NULL, 0);
        if (d->l) {
                d->l->file = at ? SPAN("types.cedarschema") : SPAN("openapi.yaml");
                lint_error(d->l, &mark, "%s", text);
        }
        if (at)
                return err_set(d->err, -EINVAL, "types.cedarschema: line %u, column %u: %s",
                               at->line, at->column, text);
        return err_set(d->err, -EINVAL, "openapi.yaml: %s", text);
}

static int failed(struct deriver *d, int rc)
{
        return err_set(d->err, rc, "the derived schema: %s",
                       rc == -E2BIG ? "too large" : "no memory");
}

static uint32_t count_lines(struct span s)
{
        uint32_t n = 0;

        for (size_t i = 0; i < s.n; i++)
                n += s.p[i] == '\n';
        return n;
}

/* Types and actions aside, then what must come before them. */
static int write_parts(struct deriver *d, struct buf *head, struct buf *rest)
{
        if (d->l)
                d->l->file = SPAN("openapi.yaml");
        d->out = rest;
        derive_put_types(d);
        derive_put_actions(d);
        d->out = head;
        buf_printf(head, "// What policies of %.*s can ask, derived from openapi.yaml.\n\n",
                   (int)d->config->name.n, (const char *)d->config->name.p);
        derive_put_entities(d);
        derive_put_enums(d);
        if (d->status == 0)
                d->status = buf_status(head) < 0 ? buf_status(head) : buf_status(rest);
        if (d->status == 0)
                d->status = buf_status(&d->name) < 0 ? buf_status(&d->name) : buf_status(&d->place);
        return d->status < 0 ? failed(d, d->status) : derive_check_types(d);
}

static int write_whole(struct deriver *d, struct buf *head, const struct buf *rest)
{
        uint32_t lines;

        buf_put(head, buf_span(rest));
        if (d->types.n)
                buf_put_str(head, "\n// types.cedarschema\n\n");
        lines = count_lines(buf_span(head));
        buf_put(head, d->types);
        if (d->types.n && d->types.p[d->types.n - 1] != '\n')
                buf_put_byte(head, '\n');
        if (buf_status(head) < 0)
                return failed(d, buf_status(head));
        return derive_check_whole(d, buf_span(head), lines);
}

static int make(struct deriver *d)
{
        int rc = derive_read_types(d), also = 0;

        if (rc == 0 || rc == -EINVAL)
                also = derive_check_actions(d);
        if (rc == 0)
                rc = also;
        if (rc < 0)
                return rc;
        rc = derive_shapes(d);
        return rc < 0 ? failed(d, rc) : 0;
}

static int derive(struct deriver *d, struct buf *out)
{
        struct buf head = BUF_INIT(DERIVE_TEXT_MAX), rest = BUF_INIT(DERIVE_TEXT_MAX);
        int rc = make(d);

        if (rc == 0)
                rc = write_parts(d, &head, &rest);
        if (rc == 0)
                rc = write_whole(d, &head, &rest);
        if (rc == 0) {
                buf_put(out, buf_span(&head));
                if (buf_status(out) < 0)
                        rc = failed(d, buf_status(out));
        }
        buf_done(&head);
        buf_done(&rest);
        return rc;
}

int derive_schema_of(const struct derive_sources *s, struct buf *out, struct lint *l,
                     struct err *err)
{
        struct span file = l ? l->file : SPAN_NONE;
        struct deriver d = { .api = s->api,
                             .config = s->config,
                             .types = s->types,
                             .document = s->document,
                             .l = l,
                             .err = err,
                             .arena = ARENA_INIT(DERIVE_MEMORY_MAX),
                             .declared.arena = ARENA_INIT(DECL_MEMORY_MAX),
                             .name = BUF_INIT(4096),
                             .place = BUF_INIT(4096) };
        int rc;

        d.names.arena = &d.arena;
        rc = derive(&d, out);
        if (l)
                l->file = file;
        buf_done(&d.name);
        buf_done(&d.place);
        arena_done(&d.declared.arena);
        arena_done(&d.arena);
        return rc;
}

int derive_schema(const struct api *api, const struct config *config, struct span types,
                  struct buf *out, struct lint *l, struct err *err)
{
        const struct derive_sources s = { .api = api, .config = config, .types = types };

        return derive_schema_of(&s, out, l, err);
}
