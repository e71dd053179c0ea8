/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_corpus.c - assay policy corpus: every test below a directory, each difference named.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/policy/corpus.h"
#include "command/policy/policy_group.h"
#include "sys/io.h"
#include "wire/json.h"

enum { DEPTH_MAX = 16, DIFFERENCES_MAX = 10000 };

struct run {
        const struct invocation *in;
        const char *dir;
        const char *test; /* the one that runs, below dir */
        struct buf out;
        struct json_writer w;
        uint64_t n_passed, n_failed, n_requests, n_told;
        bool differs;
};

/* ---- differences ---- */

static void tell_json(struct run *r, const struct corpus_difference *d)
{
        json_begin_object(&r->w);
        command_put_json_text(&r->w, "got", d->got);
        if (d->request >= 0)
                json_member_int(&r->w, "request", d->request);
        command_put_json_text(&r->w, "test", r->test);
        command_put_json_text(&r->w, "want", d->want);
        json_member_text(&r->w, "what", d->what);
        json_end_object(&r->w);
}

static void tell_text(struct run *r, const struct corpus_difference *d)
{
        text_put_safe(&r->out, span_str(r->test));
        if (d->request >= 0)
                buf_printf(&r->out, ": request %lld", (long long)d->request);
        buf_printf(&r->out, ": %s: ", d->what);
        text_put_safe(&r->out, span_str(d->got));
        buf_put_str(&r->out, ", wanted ");
        text_put_safe(&r->out, span_str(d->want));
        buf_put_byte(&r->out, '\n');
}

static void difference(void *ctx, const struct corpus_difference *d)
{
        struct run *r = ctx;

        r->differs = true;
        if (r->n_told++ >= DIFFERENCES_MAX)
                return;
        if (r->in->json)
                tell_json(r, d);
        else
                tell_text(r, d);
}

/* ---- tests ---- */

static void run_test(struct run *r, const char *path)
{
        const struct corpus_take take = { difference, r };
        uint64_t n_requests = 0;
        struct err err = { 0 };

        r->test = path + strlen(r->dir) + 1;
        r->differs = false;
        if (corpus_run(r->dir, path, &take, &n_requests, &err) < 0)
                difference(r, &(struct corpus_difference){ -1, "test", err_text(&err),
                                                           "a test that runs" });
        r->n_requests += n_requests;
        *(r->differs ? &r->n_failed : &r->n_passed) += 1;
}

static bool ends_with(const char *name, const char *end)
{
        size_t n = strlen(name), e = strlen(end);

        return n >= e && strcmp(name + n - e, end) == 0;
}

/* Entities and schemas lie beside the tests. */
static bool is_test(const char *name)
{
        return ends_with(name, ".json") && !ends_with(name, ".entities.json") &&
               !ends_with(name, ".cedarschema.json") && strcmp(name, "entities.json") != 0 &&
               strcmp(name, "schema.json") != 0;
}

static int not_hidden(const struct dirent *e)
{
        return e->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk(struct run *r, const char *dir, unsigned depth, struct err *err);

static int visit(struct run *r, const char *dir, const struct dirent *e, unsigned depth,
                 struct err *err)
{
        char path[PATH_MAX];
        int status = io_join(path, dir, e->d_name, err);

        if (status < 0)
                return status;
        if (is_test(e->d_name))
                run_test(r, path);
        else if (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN)
                status = walk(r, path, depth + 1, err);
        return status == -ENOTDIR ? 0 : status;
}

static int walk(struct run *r, const char *dir, unsigned depth, struct err *err)
{
        struct dirent **names;
        int status = 0, n;

        if (depth > DEPTH_MAX)
                return err_set(err, -ELOOP, "%s: more than %d directories deep", dir, DEPTH_MAX);
        n = scandir(dir, &names, not_hidden, by_name);
        if (n < 0)
                return err_sys(err, -errno, "%s", dir);
        for (int i = 0; i < n; i++) {
                if (status == 0)
                        status = visit(r, dir, names[i], depth, err);
                free(names[i]);
        }
        free(names);
        return status;
}

/* ---- the command ---- */

static void put_sum(struct run *r)
{
        if (r->in->json) {
                json_end_array(&r->w);
                json_member_u64(&r->w, "failed", r->n_failed);
                json_member_u64(&r->w, "passed", r->n_passed);
                json_member_u64(&r->w, "requests", r->n_requests);
                json_end_object(&r->w);
                buf_put_byte(&r->out, '\n');
                return;
        }
        if (r->n_told > DIFFERENCES_MAX)
                buf_printf(&r->out, "and %llu difference%s more\n",
                           (unsigned long long)(r->n_told - DIFFERENCES_MAX),
                           r->n_told - DIFFERENCES_MAX == 1 ? "" : "s");
        buf_printf(&r->out, "%llu passed, %llu failed\n", (unsigned long long)r->n_passed,
                   (unsigned long long)r->n_failed);
}

static enum status run(struct invocation *in)
{
        struct run r = { .in = in, .dir = in->operands[0], .out = BUF_INIT(COMMAND_OUTPUT_MAX) };
        struct err err = { 0 };
        enum status status;
        char *slash;

        for (slash = in->operands[0] + strlen(r.dir); slash > r.dir + 1 && slash[-1] == '/';)
                *--slash = '\0';
        if (in->json) {
                json_writer_init(&r.w, &r.out);
                json_begin_object(&r.w);
                json_put_key(&r.w, "differences");
                json_begin_array(&r.w);
        }
        if (walk(&r, r.dir, 0, &err) < 0)
                status = complain_err(in, &err);
        else if (r.n_passed + r.n_failed == 0)
                status = complain(in, STATUS_UNSURE, "%s: there is no test below it", r.dir);
        else {
                put_sum(&r);
                status = command_print(in, &r.out, r.n_failed ? STATUS_PROBLEM : STATUS_GOOD);
        }
        buf_done(&r.out);
        return status;
}

const struct command command_policy_corpus = {
        .name = "corpus",
        .operands = "DIR",
        .about = "run the tests of Cedar's public corpus",
        .help = "Every *.json below DIR that is no *.entities.json is a test in the format of the\n"
                "Cedar integration tests; the files it names lie below DIR, too.  Where decision,\n"
                "reasons, errors, validation or the judgement of a request differ from what the\n"
                "test says, a line says so.",
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
