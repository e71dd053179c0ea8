/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_files.c - see cedar_files.h. */
#include "command/policy/cedar_files.h"

#include <stdlib.h>

#include "policy/parse/parse.h"
#include "sys/io.h"

void cedar_text_done(struct cedar_text *t)
{
        free(t->p);
        *t = (struct cedar_text){ 0 };
}

const char *cedar_file_name(const char *path)
{
        return strcmp(path, "-") == 0 ? "standard input" : path;
}

int cedar_text_read(const char *path, size_t max, struct cedar_text *ret, struct err *err)
{
        bool input = strcmp(path, "-") == 0;

        return io_read_given(input ? "/dev/stdin" : path, max, &ret->p, &ret->n, err);
}

int cedar_files_policies(const char *path, struct cedar_policies **ret, struct err *err)
{
        CLEANUP(cedar_text_done) struct cedar_text text = { 0 };
        int r = cedar_text_read(path, CEDAR_FILE_MAX, &text, err);

        if (r < 0)
                return r;
        r = cedar_parse(span_of(text.p, text.n), ret, err);
        return r < 0 ? err_wrap(err, "%s", cedar_file_name(path)) : 0;
}

static bool is_json(struct span text)
{
        size_t i = 0;

        while (i < text.n && strchr(" \t\r\n", text.p[i]) && text.p[i])
                i++;
        return i < text.n && text.p[i] == '{';
}

int cedar_files_schema(const char *path, struct cedar_schema **ret, struct err *err)
{
        CLEANUP(cedar_text_done) struct cedar_text text = { 0 };
        int r = cedar_text_read(path, CEDAR_FILE_MAX, &text, err);
        struct span s = span_of(text.p, text.n);

        if (r < 0)
                return r;
        r = is_json(s) ? cedar_schema_parse_json(s, ret, err) : cedar_schema_parse(s, ret, err);
        return r < 0 ? err_wrap(err, "%s", cedar_file_name(path)) : 0;
}

int cedar_files_entities(const char *path, const struct cedar_schema *schema,
                         struct cedar_entities **ret, struct err *err)
{
        CLEANUP(cedar_text_done) struct cedar_text text = { 0 };
        CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;
        int r = cedar_text_read(path, CEDAR_DATA_MAX, &text, err);

        if (r < 0)
                return r;
        r = cedar_entities_new(&e);
        if (r < 0)
                return err_sys(err, r, "%s", cedar_file_name(path));
        r = cedar_entities_read(span_of(text.p, text.n), schema, e, err);
        if (r == 0)
                r = cedar_entities_seal(e, err);
        if (r < 0)
                return err_wrap(err, "%s", cedar_file_name(path));
        *ret = e;
        e = NULL;
        return 0;
}

void cedar_put_policy_name(struct buf *out, const struct cedar_policy *p)
{
        struct span name;

        buf_put(out, p->id);
        if (cedar_policy_annotation(p, "id", &name) && name.n > 0) {
                buf_put_str(out, " \"");
                buf_put(out, name);
                buf_put_byte(out, '"');
        }
}
