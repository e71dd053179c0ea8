/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_push.c - assay api push: a package into the registry, if it is what a signed commit on a
 * protected branch makes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/api/api_build.h"
#include "command/api/api_group.h"
#include "command/api/api_registry.h"
#include "command/change/commit.h"
#include "crypto/sha256.h"
#include "sys/io.h"

struct push_options {
        const char *registry, *repository, *commit;
};

static const struct option_spec push_specs[] = {
        API_REGISTRY_OPTION(struct push_options),
        { "repository", 'r', OPTION_TEXT, offsetof(struct push_options, repository), "NAME",
          "the repository, as registry.yaml calls it; required" },
        { "commit", 'c', OPTION_TEXT, offsetof(struct push_options, commit), "COMMIT",
          "its full id, a branch or a tag; the newest of the first protected branch unless said" },
        { 0 },
};

struct files {
        struct arena arena;
        struct registry_source *at;
        size_t n, cap;
};

struct push {
        struct api_registry x;
        const struct push_options *o;
        uint8_t *bytes;
        size_t n_bytes;
        struct arena arena;
        struct package_file file;
        struct files files; /* of the commit */
        struct registry_tip known[REGISTRY_KNOWN_MAX];
        size_t n_known;
        struct commit_spec spec;
        struct commit commit;
        struct registry_commit judged;
};

enum { FILES_MAX = 100000, ARENA_MAX = 64 << 20 };

/* ---- the file ---- */

static int read_package(struct push *p, const char *path, struct err *err)
{
        struct err why = { 0 };
        int rc = package_file_read(span_of(p->bytes, p->n_bytes), &p->arena, &p->file, &why);

        if (rc == 0)
                return 0;
        if (rc != -EBADMSG)
                return err_set(err, rc, "%s: %s", path, err_text(&why));
        sha256(span_of(p->bytes, p->n_bytes), p->x.record->file);
        return registry_refuse(p->x.record, REGISTRY_FILE, err, "%s: %s", path, err_text(&why));
}

/* ---- the commit ---- */

/* Building passes over files and directories whose names begin with a dot. */
static bool is_hidden(const char *path)
{
        return path[0] == '.' || strstr(path, "/.");
}

static int on_file(void *ctx, const struct commit_fact *f)
{
        struct files *l = ctx;
        struct registry_source *s;

        if (is_hidden(f->path))
                return 0;
        if (l->n == FILES_MAX)
                return -E2BIG;
        if (l->n == l->cap) {
                size_t cap = l->cap ? 2 * l->cap : 64;

                s = realloc(l->at, cap * sizeof *s);
                if (!s)
                        return -ENOMEM;
                l->at = s;
                l->cap = cap;
        }
        s = &l->at[l->n];
        *s = (struct registry_source){ .path = arena_copy(&l->arena, span_str(f->path)),
                                       .odd = f->kind != COMMIT_FACT_FILE,
                                       .size = f->size };
        if (!s->path)
                return -ENOMEM;
        memcpy(s->sha256, f->sha256, sizeof s->sha256);
        l->n++;
        return 0;
}

static const char *past_of(const struct push *p, const char *ref)
{
        for (size_t i = 0; i < p->n_known; i++)
                if (strcmp(p->known[i].ref, ref) == 0)
                        return p->known[i].tip;
        return "";
}

/* What registry.yaml says of the repository. */
static int set_repository(struct push *p, struct err *err)
{
        const struct registry_config *c = &p->x.config;
        const char *name = p->o->repository;
        const struct registry_item *i = NULL;
        struct commit_spec *s = &p->spec;

        s->repo = registry_config_value(c, REGISTRY_REPOSITORY, name);
        s->signers = registry_config_value(c, REGISTRY_SIGNERS, name);
        while ((i = registry_config_next(c, i, REGISTRY_PROTECTED, name)) &&
               s->n_branches < COMMIT_REFS_MAX)
                s->branch[s->n_branches++] =
                        (struct commit_branch){ i->value, past_of(p, i->value) };
        while ((i = registry_config_next(c, i, REGISTRY_KEYRING, name)) &&
               s->n_keyrings < COMMIT_KEYRINGS_MAX)
                s->keyring[s->n_keyrings++] = i->value;
        if (!s->repo || s->n_branches == 0)
                return err_set(err, -EINVAL, "registry.yaml has no repository %s", name);
        s->commit = p->o->commit ? p->o->commit : s->branch[0].ref;
        return 0;
}

static bool is_on(const struct commit *c, const char *ref)
{
        for (size_t i = 0; i < c->n_on; i++)
                if (strcmp(c->on[i], ref) == 0)
                        return true;
        return false;
}

static void set_judged(struct push *p)
{
        struct registry_commit *j = &p->judged;
        const struct commit *c = &p->commit;

        memcpy(j->id, c->id, sizeof j->id);
        memcpy(j->signer, c->signer, sizeof j->signer);
        memcpy(j->key, c->key, sizeof j->key);
        j->signing = c->signing;
        j->n_tips = c->n_tips;
        for (size_t i = 0; i < c->n_tips; i++) {
                memcpy(j->tip[i].ref, c->tip[i].ref, sizeof j->tip[i].ref);
                memcpy(j->tip[i].tip, c->tip[i].tip, sizeof j->tip[i].tip);
                j->tip[i].on = is_on(c, c->tip[i].ref);
                j->had[i] = c->tip[i].had;
                snprintf(j->past[i], sizeof j->past[i], "%s", past_of(p, c->tip[i].ref));
        }
}

STATIC_ASSERT((int)COMMIT_REFS_MAX == REGISTRY_TIPS_MAX, "all fit");

static int judge_commit(struct push *p, struct err *err)
{
        struct commit_spec *s = &p->spec;
        int rc = registry_tips(&p->x.r, p->o->repository, p->known, &p->n_known, err);

        if (rc == 0)
                rc = set_repository(p, err);
        if (rc < 0)
                return rc;
        s->job_program = p->x.job_program;
        s->clock = p->x.in->clock;
        s->sub[s->n_subs++] = p->x.record->directory;
        s->now = true;
        s->on_file = on_file;
        s->ctx = &p->files;
        rc = commit_read(s, &p->commit, err);
        if (rc < 0)
                return rc;
        set_judged(p);
        return registry_judge_commit(&p->x.config, &p->judged, p->x.record, err);
}

/* ---- the act ---- */

static int refuse_rebuilt(struct push *p, const struct api_built *b, struct err *err)
{
        for (uint32_t i = 0; i < b->lint.n; i++) {
                const struct lint_fault *f = &b->lint.at[i];

                if (f->level == LINT_ERROR)
                        return registry_refuse(p->x.record, REGISTRY_REBUILT, err, "%.*s:%u: %.*s",
                                               (int)f->file.n, (const char *)f->file.p,
                                               (unsigned)f->mark.line, (int)f->text.n,
                                               (const char *)f->text.p);
        }
        return registry_refuse(p->x.record, REGISTRY_REBUILT, err,
                               "other bytes come of its sources here: another version of Assay "
                               "built it, or somebody changed it before it was signed");
}

static int judge_rebuilt(struct push *p, struct err *err)
{
        struct api_built *b = calloc(1, sizeof *b);
        int rc = b ? api_build_again(&p->file, p->x.in->clock, b, err)
                   : err_sys(err, -ENOMEM, "package");

        if (rc == 0 && (!b->whole || !span_eq(buf_span(&b->body), p->file.body)))
                rc = refuse_rebuilt(p, b, err);
        if (b)
                api_built_done(b);
        free(b);
        return rc;
}

/* 1: it was pushed before. */
static int judge(struct push *p, struct err *err)
{
        struct registry_record *r = p->x.record;
        int rc = read_package(p, p->x.in->operands[0], err);

        if (rc == 0)
                rc = registry_judge_package(&p->x.config, &p->file, p->o->repository, r, err);
        if (rc == 0)
                rc = registry_judge_version(&p->x.r, &p->file, r, err);
        if (rc == 0)
                rc = judge_commit(p, err);
        if (rc == 0)
                rc = registry_judge_sources(&p->file, p->files.at, p->files.n, r, err);
        if (rc == 0)
                rc = judge_rebuilt(p, err);
        if (rc == 0)
                rc = registry_put_package(&p->x.r, &p->file, span_of(p->bytes, p->n_bytes), err);
        return rc;
}

static enum status report(struct push *p, bool again)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        const struct registry_record *r = p->x.record;
        char hex[2 * PACKAGE_HASH + 1];
        struct json_writer w;

        if (p->x.in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_text(&w, "api", r->api);
                if (!again)
                        json_member_text(&w, "commit", r->commit);
                json_member_bool(&w, "new", !again);
                api_registry_put_hash(&w, "sha256", r->sha256);
                json_member_text(&w, "version", r->version);
                json_end_object(&w);
        } else {
                text_hex(span_of(r->sha256, PACKAGE_HASH), hex);
                buf_printf(&out, "%s %s %s, sha256 %s",
                           again ? "had been pushed before:" : "pushed", r->api, r->version, hex);
        }
        buf_put_byte(&out, '\n');
        return command_print(p->x.in, &out, STATUS_GOOD);
}

static enum status push(struct push *p)
{
        struct err err = { 0 };
        enum status status;
        int rc;

        api_registry_begin(&p->x, "push");
        rc = judge(p, &err);
        if (rc == 1)
                return report(p, true);
        status = api_registry_end(&p->x, rc, &err);
        if (status != STATUS_GOOD)
                return status;
        p->x.record->kind = REGISTRY_PUSHED;
        status = api_registry_act(&p->x);
        return status == STATUS_GOOD ? report(p, false) : status;
}

static void push_done(struct push *p)
{
        api_registry_close(&p->x);
        free(p->bytes);
        free(p->files.at);
        arena_done(&p->files.arena);
        arena_done(&p->arena);
        free(p);
}

static enum status run(struct invocation *in)
{
        const struct push_options *o = in->options;
        struct push *p = calloc(1, sizeof *p);
        struct err err = { 0 };
        enum status status;

        if (!p)
                return complain(in, STATUS_UNSURE, "out of memory");
        p->o = o;
        p->arena = p->files.arena = (struct arena)ARENA_INIT(ARENA_MAX);
        p->x.r = (struct registry)REGISTRY_INIT;
        if (!o->repository)
                status = complain(
                        in, STATUS_USAGE,
                        "--repository NAME is missing: the one in registry.yaml that has the "
                        "package's sources");
        else if (io_read_given(in->operands[0], PACKAGE_FILE_MAX, &p->bytes, &p->n_bytes, &err) < 0)
                status = complain_err(in, &err);
        else
                status = api_registry_open(in, o->registry, API_REGISTRY_CHANGE, &p->x);
        if (status == STATUS_GOOD)
                status = push(p);
        push_done(p);
        return status;
}

const struct command command_api_push = {
        .name = "push",
        .operands = "FILE",
        .about = "take a package into the registry",
        .help = "The package must be what a commit of the repository makes: signed by somebody\n"
                "whom registry.yaml(5) knows, on a protected branch that has only ever gone forward,\n"
                "with these sources and no others; and signed by a builder.  It is built again to\n"
                "compare.  A version is one package for ever.",
        .options = push_specs,
        .options_size = sizeof(struct push_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
