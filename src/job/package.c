/* SPDX-License-Identifier: Apache-2.0 */
/* The job "package": sources of an API linted and built; wire/package_input.h has what it is given,
 * wire/package_fact.h what it tells.
 *
 * SECURITY: every source is somebody else's; none of them is opened here. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "job/job.h"
#include "job/yaml_source.h"
#include "package/build.h"
#include "wire/package_fact.h"
#include "wire/package_input.h"

struct building {
        struct job_out *out;
        struct package_source sources[PACKAGE_SOURCES_MAX];
        uint32_t n_sources;
        struct lint lint;
        struct buf body;
        struct package_fact fact;
};

static int read_sources(struct building *b, struct span input, struct err *err)
{
        struct package_source s;
        struct span rest;
        int r = package_input_open(input, &rest, err);

        while (r >= 0 && (r = package_input_next(&rest, &s.path, &s.text, err)) > 0) {
                if (b->n_sources == PACKAGE_SOURCES_MAX)
                        return err_set(err, -E2BIG, "more than %d files", PACKAGE_SOURCES_MAX);
                if (b->n_sources && span_cmp(b->sources[b->n_sources - 1].path, s.path) >= 0)
                        return err_set(err, -EBADMSG, "sources: not in order of their paths");
                b->sources[b->n_sources++] = s;
        }
        return r;
}

/* ---- telling ---- */

static int send(struct building *b)
{
        package_fact_put(job_out_begin(b->out), &b->fact);
        return job_out_end(b->out);
}

/* What of s is UTF-8 without NUL, as far as it fits. */
static void copy_text(char *out, size_t max, struct span s)
{
        size_t at = 0;

        while (s.n > 0) {
                unsigned n = text_utf8_first(s, NULL);

                if (at + n > max)
                        break;
                if (n && s.p[0]) {
                        memcpy(out + at, s.p, n);
                        at += n;
                }
                s = span_from(s, MAX_OF(n, 1u));
        }
        out[at] = '\0';
}

static int tell_faults(struct building *b)
{
        int r = 0;

        b->fact.kind = PACKAGE_FACT_FAULT;
        for (uint32_t i = 0; i < b->lint.n && r == 0; i++) {
                const struct lint_fault *f = &b->lint.at[i];

                b->fact.warning = f->level == LINT_WARNING;
                b->fact.line = f->mark.line;
                b->fact.column = f->mark.column;
                copy_text(b->fact.file, PACKAGE_FACT_FILE_MAX, f->file);
                copy_text(b->fact.text, PACKAGE_FACT_TEXT_MAX, f->text);
                r = send(b);
        }
        return r;
}

static int tell_body(struct building *b)
{
        struct span rest = buf_span(&b->body);
        int r = 0;

        b->fact.kind = PACKAGE_FACT_PIECE;
        while (rest.n > 0 && r == 0) {
                b->fact.data_n = MIN_OF(rest.n, sizeof(b->fact.data));
                memcpy(b->fact.data, rest.p, b->fact.data_n);
                rest = span_from(rest, b->fact.data_n);
                r = send(b);
        }
        return r;
}

static int tell_built(struct building *b)
{
        b->fact.kind = PACKAGE_FACT_BUILT;
        b->fact.errors = b->lint.errors;
        b->fact.warnings = b->lint.warnings;
        b->fact.more = b->lint.more;
        b->fact.whole = b->lint.errors == 0;
        b->fact.size = b->body.n;
        sha256(buf_span(&b->body), b->fact.sha256);
        return send(b);
}

static int build_and_tell(struct building *b, struct span input, struct err *err)
{
        struct build_spec s = { .sources = b->sources, .yaml = yaml_source };
        int r = read_sources(b, input, err);

        if (r < 0)
                return r;
        s.n_sources = b->n_sources;
        r = build_package(&s, &b->lint, &b->body, err);
        if (r < 0 && (r != -EINVAL || b->lint.errors == 0))
                return r;
        r = tell_faults(b);
        if (r == 0 && b->lint.errors == 0)
                r = tell_body(b);
        if (r == 0)
                r = tell_built(b);
        return r < 0 ? err_sys(err, r, "facts") : 0;
}

int job_package(struct job_out *out, struct span input, struct err *err)
{
        struct arena arena = ARENA_INIT(2 * sizeof(struct building));
        struct building *b = arena_alloc(&arena, sizeof *b);
        int r;

        if (!b)
                return err_sys(err, -ENOMEM, "package");
        b->out = out;
        b->body = BUF_INIT(PACKAGE_FILE_MAX);
        lint_init(&b->lint);
        r = build_and_tell(b, input, err);
        lint_done(&b->lint);
        buf_done(&b->body);
        arena_done(&arena);
        return r;
}
