/* SPDX-License-Identifier: Apache-2.0 */
/* api_build.c - see api_build.h. */
#include "command/api/api_build.h"

#include "base/text.h"
#include "command/places.h"
#include "crypto/sha256.h"
#include "loop/jobrun.h"
#include "sys/io.h"
#include "wire/json.h"
#include "wire/package_fact.h"
#include "wire/package_input.h"

enum {
        JOB_S = 300,
        PIECES = PACKAGE_FILE_MAX / PACKAGE_FACT_PIECE_MAX,
        FACTS_MAX = PIECES + LINT_FAULTS_MAX + 2,
        ARENA_MAX = 4 << 20,
};

/* ---- what the job says ---- */

/* The job was not given the file, and says that it is missing: why was told already. */
static bool is_told(const struct api_taking *t)
{
        const struct package_fact *f = &t->fact;

        for (uint32_t i = 0; i < t->own && f->line == 0; i++)
                if (span_eq_str(t->b->lint.at[i].file, f->file))
                        return true;
        return false;
}

static int take_fault(struct api_taking *t)
{
        const struct package_fact *f = &t->fact;
        struct lint *l = &t->b->lint;
        const struct source_mark mark = { f->line, f->column };
        const char *file = arena_copy(&t->b->arena, span_str(f->file));

        if (!file)
                return -ENOMEM;
        if (!f->warning && is_told(t)) {
                t->passed_over++;
                return 0;
        }
        l->file = span_str(file);
        (f->warning ? lint_warning : lint_error)(l, &mark, "%s", f->text);
        return 0;
}

/* Errors and warnings it counted and did not tell. */
static int take_built(struct api_taking *t)
{
        const struct package_fact *f = &t->fact;
        struct lint *l = &t->b->lint;
        uint8_t sha256_here[SHA256_LEN];

        if (f->errors < l->errors - t->errors + t->passed_over ||
            f->warnings < l->warnings - t->warnings)
                return -EBADMSG;
        l->errors = t->errors + f->errors - t->passed_over;
        l->warnings = t->warnings + f->warnings;
        l->more += f->more;
        if (!f->whole || l->errors > 0)
                return 0;
        sha256(buf_span(&t->b->body), sha256_here);
        if (f->size != t->b->body.n || memcmp(f->sha256, sha256_here, SHA256_LEN) != 0)
                return -EBADMSG;
        return 0;
}

int api_built_take(void *ctx, struct span json)
{
        struct api_taking *t = ctx;
        int r = package_fact_parse(json, &t->fact, NULL);

        if (r < 0)
                return r;
        if (t->ended)
                return -EBADMSG;
        switch (t->fact.kind) {
        case PACKAGE_FACT_FAULT:
                return take_fault(t);
        case PACKAGE_FACT_PIECE:
                buf_put(&t->b->body, span_of(t->fact.data, t->fact.data_n));
                return buf_status(&t->b->body);
        case PACKAGE_FACT_BUILT:
                t->ended = true;
                return take_built(t);
        }
        return -EBADMSG;
}

static int run_job(struct api_taking *t, struct span sources, const struct clock *clock,
                   struct err *err)
{
        char program[PLACES_PATH_MAX];
        struct job_spec spec = { .program = program,
                                 .job = "package",
                                 .timeout_ns = JOB_S * NS_PER_S,
                                 .facts_max = FACTS_MAX,
                                 .clock = clock };
        CLEANUP_FD int input = -1;
        int r = places_program("assay-job", program, err);

        if (r < 0)
                return r;
        input = spec.input = job_input(sources, err);
        return input < 0 ? input : job_run_wait(&spec, api_built_take, t, err);
}

/* ---- building ---- */

void api_built_begin(struct api_built *b, struct api_taking *t)
{
        *t = (struct api_taking){
                .b = b, .own = b->lint.n, .errors = b->lint.errors, .warnings = b->lint.warnings
        };
}

/* What came must be a package, or nobody could read it later. */
int api_built_end(struct api_taking *t, struct err *err)
{
        struct api_built *b = t->b;
        int r;

        if (!t->ended)
                return err_set(err, -EBADMSG, "job package: it said nothing of the result");
        lint_sort(&b->lint);
        b->whole = b->lint.errors == 0;
        if (!b->whole)
                return 0;
        r = package_file_read(buf_span(&b->body), &b->arena, &b->file, err);
        return r < 0 ? err_wrap(err, "job package") : 0;
}

static int build(struct api_built *b, const struct package_source *sources, uint32_t n,
                 const struct clock *clock, struct err *err)
{
        CLEANUP(buf_done) struct buf input = BUF_INIT(PACKAGE_INPUT_MAX);
        static struct api_taking t; /* too large for a stack */
        int r;

        package_input_begin(&input);
        for (uint32_t i = 0; i < n; i++)
                package_input_put(&input, sources[i].path, sources[i].text);
        if (buf_status(&input) < 0)
                return err_sys(err, buf_status(&input), "sources");
        api_built_begin(b, &t);
        r = run_job(&t, buf_span(&input), clock, err);
        return r < 0 ? r : api_built_end(&t, err);
}

void api_built_init(struct api_built *b)
{
        *b = (struct api_built){ .arena = ARENA_INIT(ARENA_MAX),
                                 .body = BUF_INIT(PACKAGE_FILE_MAX) };
        lint_init(&b->lint);
}

int api_build_dir(const char *dir, const struct clock *clock, struct api_built *ret,
                  struct err *err)
{
        int r;

        api_built_init(ret);
        r = api_sources_read(dir, &ret->sources, &ret->lint, err);
        if (r == 0)
                r = build(ret, ret->sources.at, ret->sources.n, clock, err);
        if (r < 0)
                api_built_done(ret);
        return r;
}

int api_build_again(const struct package_file *f, const struct clock *clock, struct api_built *ret,
                    struct err *err)
{
        int r;

        api_built_init(ret);
        r = build(ret, f->sources, f->n_sources, clock, err);
        if (r < 0)
                api_built_done(ret);
        return r;
}

void api_built_done(struct api_built *b)
{
        lint_done(&b->lint);
        api_sources_done(&b->sources);
        arena_done(&b->arena);
        buf_done(&b->body);
        b->whole = false;
}

/* ---- what is shown ---- */

static void put_count(struct buf *out, uint32_t n, const char *one, const char *more)
{
        screen_put_count(out, n);
        buf_printf(out, " %s", n == 1 ? one : more);
}

static void put_fault(const struct invocation *in, const struct lint_fault *f, const char *before,
                      struct buf *out)
{
        bool warning = f->level == LINT_WARNING;

        if (before) {
                text_put_safe(out, span_str(before));
                if (*before && before[strlen(before) - 1] != '/')
                        buf_put_byte(out, '/');
        }
        text_put_safe(out, f->file);
        if (f->mark.line)
                buf_printf(out, ":%u:%u", (unsigned)f->mark.line, (unsigned)f->mark.column);
        buf_put_str(out, ": ");
        screen_put(&in->out, out, warning ? STYLE_WARN : STYLE_BAD, warning ? "warning" : "error");
        buf_put_str(out, ": ");
        text_put_safe(out, f->text);
        buf_put_byte(out, '\n');
}

void api_put_faults(const struct invocation *in, const struct api_built *b, const char *before,
                    struct buf *out)
{
        const struct lint *l = &b->lint;

        for (uint32_t i = 0; i < l->n; i++)
                put_fault(in, &l->at[i], before, out);
        if (l->more) {
                buf_put_str(out, "and ");
                screen_put_count(out, l->more);
                buf_put_str(out, " more that are not shown\n");
        }
        if (l->errors + l->warnings == 0)
                return;
        put_count(out, l->errors, "error", "errors");
        buf_put_str(out, ", ");
        put_count(out, l->warnings, "warning", "warnings");
        buf_put_byte(out, '\n');
}

static void put_fault_json(const struct lint_fault *f, struct json_writer *w)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(4 * PACKAGE_PATH_MAX);

        text_put_safe(&file, f->file);
        json_begin_object(w);
        if (f->mark.line)
                json_member_u64(w, "column", f->mark.column);
        json_member_text(w, "file", buf_cstr(&file));
        json_member_text(w, "level", f->level == LINT_WARNING ? "warning" : "error");
        if (f->mark.line)
                json_member_u64(w, "line", f->mark.line);
        json_member_string(w, "text", f->text);
        json_end_object(w);
}

void api_put_faults_json(const struct api_built *b, struct json_writer *w)
{
        json_member_u64(w, "errors", b->lint.errors);
        json_put_key(w, "faults");
        json_begin_array(w);
        for (uint32_t i = 0; i < b->lint.n; i++)
                put_fault_json(&b->lint.at[i], w);
        json_end_array(w);
        json_member_u64(w, "more", b->lint.more);
}
