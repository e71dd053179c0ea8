/* SPDX-License-Identifier: Apache-2.0 */
/* policy_lint.c - policies and entities held against what the API implies; see policy_lint.h. */
#include "package/policies/policy_lint.h"

#include <stdlib.h>

#include "package/derive/derive.h"
#include "package/policies/policy_entities.h"
#include "package/policies/policy_names.h"
#include "package/policies/policy_place.h"
#include "package/policies/policy_reach.h"
#include "policy/parse/parse.h"
#include "policy/validate/validate.h"

enum { TEXT_MAX = 16 << 20, JSON_MAX = 64 << 20, FINDINGS_MAX = 64 << 20 };

struct rights {
        const struct policy_sources *s;
        struct lint *l;
        struct err *err;
        struct buf schema_text, policy_text, entities_text;
        struct policy_place_of *files;
        struct cedar_schema *schema; /* NULL: it could not be derived */
        struct cedar_policies *policies;
        struct cedar_entities *entities;
};

static int no_memory(struct rights *r)
{
        return err_set(r->err, -ENOMEM, "no memory for policies");
}

/* Errors that are in l do not end the run; others do. */
static int go_on(int rc)
{
        return rc == -EINVAL ? 0 : rc;
}

/* ---- the schema ---- */

static int read_schema(struct rights *r)
{
        const struct derive_sources s = { r->s->api, r->s->config, r->s->types, r->s->document };
        int rc = derive_schema_of(&s, &r->schema_text, r->l, r->err);

        if (rc < 0)
                return go_on(rc);
        rc = cedar_schema_parse(buf_span(&r->schema_text), &r->schema, r->err);
        if (rc != -EINVAL)
                return rc;
        r->l->file = SPAN("openapi.yaml");
        lint_error(r->l, NULL, "the derived schema: %s", err_text(r->err));
        return 0;
}

/* ---- entities ---- */

static int read_entities(struct rights *r)
{
        const struct policy_sources *s = r->s;
        int rc = policy_entities(s->entities, s->api, s->config, r->l, &r->entities_text, r->err);

        if (rc == 0 && r->schema)
                rc = policy_entities_check(s->entities, buf_span(&r->entities_text), r->schema,
                                           r->l, &r->entities, r->err);
        return go_on(rc);
}

/* ---- policies ---- */

/* Each line of text: "line 3, column 14: ...". */
static void tell_errors(struct rights *r, const struct buf *text)
{
        char line[ERR_TEXT_MAX];
        struct span rest = buf_span(text);

        while (rest.n) {
                const uint8_t *end = memchr(rest.p, '\n', rest.n);
                struct span one = span_of(rest.p, end ? (size_t)(end - rest.p) : rest.n);
                struct source_mark mark;
                const char *said;

                rest = span_from(rest, one.n + 1);
                one.n = MIN_OF(one.n, sizeof line - 1);
                memcpy(line, one.p, one.n);
                line[one.n] = '\0';
                said = policy_place(line, &mark);
                lint_error(r->l, &mark, "%s", said);
        }
}

static uint32_t count_lines(struct span s)
{
        uint32_t n = 0;

        for (size_t i = 0; i < s.n; i++)
                n += s.p[i] == '\n';
        return n;
}

/* Each file must be good by itself: no policy begins in one and ends in another. */
static int read_file(struct rights *r, uint32_t i, uint32_t *lines, bool *good)
{
        const struct package_source *f = &r->s->policies[i];
        CLEANUP(buf_done) struct buf errors = BUF_INIT(1 << 20);
        int n = cedar_parse_errors(f->text, &errors);

        if (n < 0 || buf_status(&errors) < 0)
                return no_memory(r);
        r->files[i] = (struct policy_place_of){ f->path, *lines };
        r->l->file = f->path;
        tell_errors(r, &errors);
        *good = *good && n == 0;
        buf_put(&r->policy_text, f->text);
        *lines += count_lines(f->text);
        if (f->text.n && f->text.p[f->text.n - 1] != '\n') {
                buf_put_byte(&r->policy_text, '\n');
                ++*lines;
        }
        return 0;
}

static int read_policies(struct rights *r)
{
        uint32_t n = r->s->n_policies, lines = 0;
        bool good = true;
        int rc = 0;

        r->files = calloc(n ? n : 1, sizeof *r->files);
        if (!r->files)
                return no_memory(r);
        r->files[0].file = SPAN("policy.cedar");
        for (uint32_t i = 0; i < n && rc == 0; i++)
                rc = read_file(r, i, &lines, &good);
        if (rc < 0 || !good)
                return rc;
        if (buf_status(&r->policy_text) < 0)
                return err_set(r->err, buf_status(&r->policy_text), "too long a text of policies");
        rc = cedar_parse(buf_span(&r->policy_text), &r->policies, r->err);
        if (rc == -EINVAL)
                lint_error(r->l, NULL, "%s", err_text(r->err));
        return go_on(rc);
}

/* A name that there is not is told once, in the words of the API, and what follows of it is not. */
static int check_policies(struct rights *r, const struct policy_reach *reach)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(FINDINGS_MAX);
        struct cedar_findings found = { 0 };
        uint32_t before = r->l->n;
        int rc = policy_check_names(reach);

        if (rc < 0)
                return no_memory(r);
        rc = cedar_validate(r->policies, r->schema, &arena, &found, r->err);
        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < found.n; i++) {
                const struct cedar_finding *f = &found.list[i];

                if (!policy_told(reach, before, f))
                        policy_tell(reach, f->warning, &f->pos, f->text);
        }
        policy_reach(reach);
        return 0;
}

/* ---- all of it ---- */

static int check(struct rights *r)
{
        const uint32_t n_files = MAX_OF(r->s->n_policies, 1u);
        struct policy_reach reach;
        int rc = read_schema(r);

        if (rc == 0)
                rc = read_entities(r);
        if (rc == 0)
                rc = read_policies(r);
        if (rc < 0 || !r->schema || !r->policies)
                return rc;
        reach = (struct policy_reach){ .api = r->s->api,
                                       .document = r->s->document,
                                       .config = r->s->config,
                                       .schema = r->schema,
                                       .policies = r->policies,
                                       .entities = r->entities,
                                       .files = r->files,
                                       .n_files = n_files,
                                       .l = r->l };
        return check_policies(r, &reach);
}

static int give(struct rights *r, const struct policy_sections *out)
{
        if (!out)
                return 0;
        buf_put(out->schema, buf_span(&r->schema_text));
        buf_put(out->policy, buf_span(&r->policy_text));
        buf_put(out->entities, buf_span(&r->entities_text));
        if (buf_status(out->schema) < 0)
                return err_set(r->err, buf_status(out->schema), "the derived schema is too large");
        if (buf_status(out->policy) < 0)
                return err_set(r->err, buf_status(out->policy), "too long a text of policies");
        if (buf_status(out->entities) < 0)
                return err_set(r->err, buf_status(out->entities), "too many entities");
        return 0;
}

int policy_lint(const struct policy_sources *s, struct lint *l, const struct policy_sections *out,
                struct err *err)
{
        struct rights r = { .s = s,
                            .l = l,
                            .err = err,
                            .schema_text = BUF_INIT(TEXT_MAX),
                            .policy_text = BUF_INIT(TEXT_MAX),
                            .entities_text = BUF_INIT(JSON_MAX) };
        uint32_t before = l->errors;
        struct span file = l->file;
        int rc = check(&r);

        l->file = file;
        if (rc == 0 && l->errors > before)
                rc = err_set(err, -EINVAL,
                             "the policies are not those of a package: see the faults");
        if (rc == 0)
                rc = give(&r, out);
        cedar_schema_free(r.schema);
        cedar_policies_free(r.policies);
        cedar_entities_free(r.entities);
        free(r.files);
        buf_done(&r.schema_text);
        buf_done(&r.policy_text);
        buf_done(&r.entities_text);
        return rc;
}
