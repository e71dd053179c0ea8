/* SPDX-License-Identifier: Apache-2.0 */
/* registry.yaml(5): from which repositories APIs are taken, who builds and who approves.  Told are
 * its faults (faults.h), or the facts of wire/registry_fact.h. */
#include "job/faults.h"

#include "base/text.h"
#include "ledger/signing/signer.h"
#include "package/file.h"
#include "wire/commit_fact.h"
#include "wire/registry_fact.h"
#include "wire/signature_fact.h"

#include <stdio.h>
#include <strings.h>

enum { ARENA_BYTES = 64 << 20 };

struct told {
        struct registry_fact fact;
        struct yaml_mark mark;
        struct told *next;
};

struct registry_file {
        struct arena arena;
        struct faults faults;
        int rc; /* -ENOMEM, for what gives none back */
        struct told *first, **last;
        uint32_t count[REGISTRY_AUTHOR + 1];
        /* of the repository that is read */
        const struct yaml_node *name;
        uint32_t n_protected, n_keyrings;
        bool signed_by; /* there is something to judge a signature by */
};

/* ---- facts ---- */

static struct registry_fact *add(struct registry_file *r, enum registry_fact_kind kind,
                                 struct span name, struct span value, struct yaml_mark mark)
{
        struct told *t = arena_alloc(&r->arena, sizeof *t);

        if (!t) {
                r->rc = -ENOMEM;
                return NULL;
        }
        *t = (struct told){ .fact.kind = kind, .mark = mark };
        snprintf(t->fact.name, sizeof t->fact.name, "%.*s", (int)name.n, (const char *)name.p);
        snprintf(t->fact.value, sizeof t->fact.value, "%.*s", (int)value.n, (const char *)value.p);
        *r->last = t;
        r->last = &t->next;
        r->count[kind]++;
        return &t->fact;
}

static void add_to_repository(struct registry_file *r, enum registry_fact_kind kind,
                              const struct yaml_node *n, struct span value)
{
        struct registry_fact *f = add(r, kind, r->name->text, value, n->mark);

        (void)f;
}

static bool is_room(struct registry_file *r, enum registry_fact_kind kind, uint32_t max,
                    const char *what, struct yaml_mark mark)
{
        if (r->count[kind] < max)
                return true;
        faults_add(&r->faults, mark, "more than %u %s", max, what);
        return false;
}

/* Of "name+id+key": a key stays the same under another name, which its id goes with. */
static struct span bare_key(struct span vkey)
{
        for (int plus = 0; plus < 2 && vkey.n > 0; vkey = span_from(vkey, 1))
                plus += vkey.p[0] == '+';
        return vkey;
}

static bool is_person(const struct told *t)
{
        return t->fact.kind == REGISTRY_BUILDER || t->fact.kind == REGISTRY_APPROVER ||
               t->fact.kind == REGISTRY_AUTHOR;
}

/* What was told before with this key. */
static const struct told *find_key(const struct registry_file *r, struct span vkey)
{
        for (const struct told *t = r->first; t; t = t->next)
                if (is_person(t) && t->fact.kind != REGISTRY_AUTHOR &&
                    span_eq(bare_key(vkey), bare_key(span_str(t->fact.value))))
                        return t;
        return NULL;
}

/* Who is told from whom by their names alone; Anna is anna. */
static void check_spelling(struct registry_file *r, const struct yaml_node *n, struct span name)
{
        for (const struct told *t = r->first; t; t = t->next) {
                if (!is_person(t) || strlen(t->fact.name) != name.n ||
                    span_eq_str(name, t->fact.name) ||
                    strncasecmp((const char *)name.p, t->fact.name, name.n) != 0)
                        continue;
                faults_add(&r->faults, n->mark,
                           "\"%.*s\" is \"%s\" in line %u: one person has one name, spelled the "
                           "same everywhere, and two people have names that differ by more",
                           SHOWN(name), t->fact.name, (unsigned)t->mark.line);
                return;
        }
}

/* ---- values ---- */

static bool get_path(struct registry_file *r, const struct yaml_node *n, struct span *ret)
{
        if (!yaml_get_text(&r->faults, n, "an absolute path", ret))
                return false;
        if (ret->n > 0 && ret->n < REGISTRY_VALUE_MAX && ret->p[0] == '/' &&
            !memchr(ret->p, '\0', ret->n))
                return true;
        faults_add(&r->faults, n->mark, "an absolute path should stand here, not \"%.*s\"",
                   SHOWN(*ret));
        return false;
}

static bool get_person(struct registry_file *r, const struct yaml_node *n, struct span *ret)
{
        if (!yaml_get_text(&r->faults, n, "a name", ret))
                return false;
        if (registry_person_ok(*ret)) {
                check_spelling(r, n, *ret);
                return true;
        }
        faults_add(&r->faults, n->mark, "a name is 1 to %d bytes long, without control characters",
                   REGISTRY_NAME_MAX);
        return false;
}

/* Each of a list; one that stands alone is as a list of it. */
static void take_each(struct registry_file *r, const struct yaml_node *n, const char *what,
                      void (*take)(struct registry_file *, const struct yaml_node *))
{
        if (n->type == YAML_TEXT) {
                take(r, n);
                return;
        }
        if (n->type != YAML_LIST || !n->child)
                faults_add(&r->faults, n->mark, "a list of %s should stand here", what);
        for (const struct yaml_node *i = n->type == YAML_LIST ? n->child : NULL; i; i = i->next)
                take(r, i);
}

/* Each key of a map, none of them twice. */
static void take_map(struct registry_file *r, const struct yaml_node *n, const char *what,
                     void (*take)(void *ctx, const struct yaml_node *))
{
        if (n->type != YAML_MAP || !n->child) {
                faults_add(&r->faults, n->mark, "%s should stand here", what);
                return;
        }
        yaml_take_each(&r->faults, n, take, r);
}

/* ---- a repository ---- */

static void take_path(void *ctx, const struct yaml_node *n)
{
        struct registry_file *r = ctx;
        struct span path;

        if (get_path(r, n, &path))
                add_to_repository(r, REGISTRY_REPOSITORY, n, path);
}

static void take_ref(struct registry_file *r, const struct yaml_node *n)
{
        struct span ref;

        if (!yaml_get_text(&r->faults, n, "a branch's full name", &ref))
                return;
        if (!span_starts(ref, SPAN("refs/")) || ref.n > COMMIT_REF_MAX || !commit_path_ok(ref) ||
            !text_is_utf8(ref, NULL))
                faults_add(&r->faults, n->mark,
                           "a branch's full name, as refs/heads/main, should stand here, not "
                           "\"%.*s\"",
                           SHOWN(ref));
        else if (r->n_protected++ == REGISTRY_PROTECTED_MAX)
                faults_add(&r->faults, n->mark, "more than %d branches", REGISTRY_PROTECTED_MAX);
        else
                add_to_repository(r, REGISTRY_PROTECTED, n, ref);
}

static void take_protected(void *ctx, const struct yaml_node *n)
{
        take_each(ctx, n, "branches", take_ref);
}

static void take_signers(void *ctx, const struct yaml_node *n)
{
        struct registry_file *r = ctx;
        struct span path;

        r->signed_by = true;
        if (get_path(r, n, &path))
                add_to_repository(r, REGISTRY_SIGNERS, n, path);
}

static void take_keyring(struct registry_file *r, const struct yaml_node *n)
{
        struct span path;

        if (!get_path(r, n, &path))
                return;
        if (r->n_keyrings++ == REGISTRY_KEYRINGS_MAX)
                faults_add(&r->faults, n->mark, "more than %d keyrings", REGISTRY_KEYRINGS_MAX);
        else
                add_to_repository(r, REGISTRY_KEYRING, n, path);
}

static void take_keyrings(void *ctx, const struct yaml_node *n)
{
        ((struct registry_file *)ctx)->signed_by = true;
        take_each(ctx, n, "files", take_keyring);
}

static bool get_directory(struct registry_file *r, const struct yaml_node *n, struct span *ret)
{
        if (!yaml_get_text(&r->faults, n, "a directory of the repository", ret))
                return false;
        if (span_eq_str(*ret, ".")) {
                *ret = SPAN("");
                return true;
        }
        if (ret->n < REGISTRY_VALUE_MAX && commit_path_ok(*ret) && ret->p[ret->n - 1] != '/')
                return true;
        faults_add(&r->faults, n->mark,
                   "a directory of the repository, as services/accounts, or . for its top, should "
                   "stand here, not \"%.*s\"",
                   SHOWN(*ret));
        return false;
}

static void take_api(void *ctx, const struct yaml_node *k)
{
        struct registry_file *r = ctx;
        struct registry_fact *f;
        struct span directory;

        if (!package_api_ok(k->text)) {
                faults_add(&r->faults, k->mark, "\"%.*s\" is no name of an API: [a-z][a-z0-9-]*",
                           SHOWN(k->text));
                return;
        }
        for (const struct told *t = r->first; t; t = t->next)
                if (t->fact.kind == REGISTRY_API && span_eq_str(k->text, t->fact.of)) {
                        faults_add(&r->faults, k->mark,
                                   "the API %.*s is in two repositories, first in line %u",
                                   SHOWN(k->text), (unsigned)t->mark.line);
                        return;
                }
        if (!get_directory(r, k->value, &directory) ||
            !is_room(r, REGISTRY_API, REGISTRY_APIS_MAX, "APIs", k->mark))
                return;
        f = add(r, REGISTRY_API, r->name->text, directory, k->mark);
        if (f)
                snprintf(f->of, sizeof f->of, "%.*s", (int)k->text.n, (const char *)k->text.p);
}

static void take_apis(void *ctx, const struct yaml_node *n)
{
        take_map(ctx, n, "APIs with their directories", take_api);
}

static const struct yaml_key repository_keys[] = {
        { "path", take_path, true },        { "protected", take_protected, true },
        { "signers", take_signers, false }, { "keyrings", take_keyrings, false },
        { "apis", take_apis, true },
};

static void take_repository(void *ctx, const struct yaml_node *k)
{
        struct registry_file *r = ctx;
        if (!registry_repository_ok(k->text)) {
                faults_add(&r->faults, k->mark,
                           "\"%.*s\" is no name of a repository: [a-z0-9][a-z0-9._-]*, at most %d",
                           SHOWN(k->text), REGISTRY_NAME_MAX);
                return;
        }
        if (!is_room(r, REGISTRY_REPOSITORY, REGISTRY_REPOSITORIES_MAX, "repositories", k->mark))
                return;
        if (k->value->type != YAML_MAP) {
                faults_add(&r->faults, k->value->mark,
                           "the keys path, protected and apis should stand here");
                return;
        }
        r->name = k;
        r->n_protected = r->n_keyrings = 0;
        r->signed_by = false;
        yaml_take_keys(&r->faults, k->value, repository_keys, ARRAY_LEN(repository_keys), r,
                       "the repository", k->mark);
        if (!r->signed_by)
                faults_add(&r->faults, k->mark,
                           "the repository has neither signers nor keyrings: who may sign its "
                           "commits?");
}

static void take_repositories(void *ctx, const struct yaml_node *n)
{
        take_map(ctx, n, "repositories", take_repository);
}

/* ---- keys and people ---- */

struct key {
        struct registry_file *r;
        struct span name, vkey;
        struct yaml_mark vkey_mark;
        bool good_name, good_vkey;
};

static void take_key_name(void *ctx, const struct yaml_node *n)
{
        struct key *k = ctx;

        k->good_name = get_person(k->r, n, &k->name);
}

static void take_vkey(void *ctx, const struct yaml_node *n)
{
        struct key *k = ctx;
        struct note_vkey vkey;
        struct err err = { 0 };

        k->vkey_mark = n->mark;
        if (!yaml_get_text(&k->r->faults, n, "a verifier key", &k->vkey))
                return;
        if (k->vkey.n > REGISTRY_VALUE_MAX || verifier_parse(k->vkey, &vkey, &err) < 0 ||
            vkey.alg != NOTE_ED25519)
                faults_add(&k->r->faults, n->mark,
                           "a verifier key, as assay change key prints it, should stand here, not "
                           "\"%.*s\"",
                           SHOWN(k->vkey));
        else
                k->good_vkey = true;
}

static const struct yaml_key key_keys[] = { { "name", take_key_name, true },
                                            { "vkey", take_vkey, true } };

static void take_key(struct registry_file *r, const struct yaml_node *n,
                     enum registry_fact_kind kind, const char *what)
{
        struct key k = { .r = r };
        const struct told *same;

        if (n->type != YAML_MAP) {
                faults_add(&r->faults, n->mark, "the keys name and vkey should stand here");
                return;
        }
        yaml_take_keys(&r->faults, n, key_keys, ARRAY_LEN(key_keys), &k, "the key", n->mark);
        if (!k.good_name || !k.good_vkey)
                return;
        same = find_key(r, k.vkey);
        if (same)
                faults_add(&r->faults, k.vkey_mark,
                           "this key is there twice, first in line %u: whose is it?",
                           (unsigned)same->mark.line);
        else if (is_room(r, kind, REGISTRY_KEYS_MAX, what, n->mark))
                (void)add(r, kind, k.name, k.vkey, k.vkey_mark);
}

static void take_keys(struct registry_file *r, const struct yaml_node *n,
                      enum registry_fact_kind kind, const char *what)
{
        if (n->type != YAML_LIST || !n->child)
                faults_add(&r->faults, n->mark,
                           "a list of %s, each with name and vkey, should stand here", what);
        for (const struct yaml_node *i = n->type == YAML_LIST ? n->child : NULL; i; i = i->next)
                take_key(r, i, kind, what);
}

static void take_builders(void *ctx, const struct yaml_node *n)
{
        take_keys(ctx, n, REGISTRY_BUILDER, "builders");
}

static void take_approvers(void *ctx, const struct yaml_node *n)
{
        take_keys(ctx, n, REGISTRY_APPROVER, "approvers");
}

static void take_author(void *ctx, const struct yaml_node *k)
{
        struct registry_file *r = ctx;
        struct span person;

        if (k->text.n == 0 || k->text.n > SIGNATURE_SIGNER_MAX ||
            memchr(k->text.p, '\0', k->text.n)) {
                faults_add(&r->faults, k->mark, "a signer has 1 to %d bytes", SIGNATURE_SIGNER_MAX);
                return;
        }
        if (get_person(r, k->value, &person) &&
            is_room(r, REGISTRY_AUTHOR, REGISTRY_AUTHORS_MAX, "authors", k->mark))
                (void)add(r, REGISTRY_AUTHOR, person, k->text, k->mark);
}

static void take_authors(void *ctx, const struct yaml_node *n)
{
        take_map(ctx, n, "signers of commits with the names of who they are", take_author);
}

/* ---- the file ---- */

static void take_version(void *ctx, const struct yaml_node *n)
{
        struct registry_file *r = ctx;
        struct span s;

        if (yaml_get_text(&r->faults, n, "the version, 1,", &s) &&
            !(n->plain && span_eq_str(s, "1")))
                faults_add(&r->faults, n->mark, "this is version 1, not \"%.*s\"", SHOWN(s));
}

static const struct yaml_key keys[] = {
        { "version", take_version, true },   { "repositories", take_repositories, true },
        { "builders", take_builders, true }, { "approvers", take_approvers, true },
        { "authors", take_authors, true },
};

static void read_file(struct registry_file *r, const struct yaml_node *root)
{
        static const struct yaml_mark top = { 1, 1 };

        if (!root || root->type != YAML_MAP) {
                faults_add(&r->faults, root ? root->mark : top,
                           "the keys version, repositories, builders, approvers and authors should "
                           "stand here");
                return;
        }
        yaml_take_keys(&r->faults, root, keys, ARRAY_LEN(keys), r, "the registry", root->mark);
}

static int tell_all(struct job_out *out, const struct registry_file *r)
{
        int rc = 0;

        for (const struct told *t = r->first; t && rc == 0; t = t->next) {
                registry_fact_put(job_out_begin(out), &t->fact);
                rc = job_out_end(out);
        }
        return rc;
}

static int read_and_tell(struct job_out *out, struct registry_file *r, struct span input)
{
        struct yaml_node *root = NULL;
        int rc = faults_read(&r->faults, input, &r->arena, &root);

        if (rc < 0)
                return rc;
        if (rc > 0)
                read_file(r, root);
        if (r->rc < 0)
                return r->rc;
        return r->faults.n ? faults_tell(&r->faults, out) : tell_all(out, r);
}

int job_registry(struct job_out *out, struct span input, struct err *err)
{
        struct registry_file r = { .arena = ARENA_INIT(ARENA_BYTES) };
        int rc;

        r.last = &r.first;
        rc = read_and_tell(out, &r, input);
        arena_done(&r.arena);
        return rc < 0 ? err_sys(err, rc, "registry.yaml") : 0;
}
