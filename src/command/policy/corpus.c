/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.c - see corpus.h. */
#include "command/policy/corpus.h"

#include <stdlib.h>

#include "command/policy/cedar_files.h"
#include "command/policy/corpus_hidden.h"
#include "policy/evaluate/program.h"
#include "policy/validate/validate.h"
#include "sys/io.h"
#include "wire/tree.h"

enum { ARENA_MAX = 256 * 1024 * 1024, NAMES_MAX = 1024 * 1024 };

/* A test and what it was read into. */
struct test {
        const char *dir;
        const struct tree *json;
        const struct corpus_take *take;
        struct cedar_policies *policies;
        struct cedar_schema *schema;
        struct cedar_entities *entities;
        struct cedar_program *program;
        struct cedar_bench *bench;
        struct arena arena; /* of one request */
};

static void test_done(struct test *t)
{
        t->bench = cedar_bench_free(t->bench);
        t->program = cedar_program_free(t->program);
        t->entities = cedar_entities_free(t->entities);
        t->schema = cedar_schema_free(t->schema);
        t->policies = cedar_policies_free(t->policies);
        arena_done(&t->arena);
}

static void tell(const struct test *t, int64_t request, const char *what, const char *got,
                 const char *want)
{
        const struct corpus_difference d = { request, what, got, want };

        t->take->difference(t->take->ctx, &d);
}

/* A member that is a string, "" where it is none. */
static struct span text_of(const struct tree *object, const char *key)
{
        const struct tree *t = tree_get(object, key);

        return t && t->kind == TREE_STRING ? t->text : SPAN("");
}

static bool is_true(const struct tree *t)
{
        return t && t->kind == TREE_BOOL && t->boolean;
}

/* ---- the files ---- */

/* The file that a member names. */
static int place_of(const struct test *t, const char *key, char ret[PATH_MAX], struct err *err)
{
        struct span name = text_of(t->json, key);
        char text[PATH_MAX];

        if (name.n == 0 || name.n >= sizeof(text) || memchr(name.p, 0, name.n))
                return err_set(err, -EINVAL, "%s names no file", key);
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        return io_join(ret, t->dir, text, err);
}

/* And links of them, where the test has any. */
static int load_policies(struct test *t, const char *path, struct err *err)
{
        char links[PATH_MAX];
        int r = cedar_files_policies(path, &t->policies, err);

        if (r < 0 || !tree_get(t->json, "links"))
                return r;
        r = place_of(t, "links", links, err);
        return r < 0 ? r : cedar_files_link(links, t->policies, err);
}

static int load_schema(struct test *t, const char *path, struct err *err)
{
        return cedar_files_schema(path, &t->schema, err);
}

static int load_entities(struct test *t, const char *path, struct err *err)
{
        return cedar_files_entities(path, t->schema, &t->entities, err);
}

/* Entities come last: the schema tells how they are read. */
static const struct part {
        const char *key;
        int (*load)(struct test *t, const char *path, struct err *err);
} parts[] = { { "policies", load_policies },
              { "schema", load_schema },
              { "entities", load_entities } };

static int load_part(struct test *t, const struct part *part, struct err *err)
{
        char path[PATH_MAX];
        int r = place_of(t, part->key, path, err);

        return r < 0 ? r : part->load(t, path, err);
}

static int load_files(struct test *t, struct err *err)
{
        int r = 0;

        for (size_t i = 0; i < ARRAY_LEN(parts) && r == 0; i++)
                r = load_part(t, &parts[i], err);
        if (r == 0)
                r = cedar_program_new(t->policies, &t->program, err);
        if (r < 0)
                return r;
        r = cedar_bench_new(t->program, &t->bench);
        return r < 0 ? err_sys(err, r, "bench") : 0;
}

static bool names_text(const struct tree *list, const char *text)
{
        for (uint32_t i = 0; i < list->n; i++)
                if (list->items[i].kind == TREE_STRING && span_eq_str(list->items[i].text, text))
                        return true;
        return false;
}

/* What cannot be read has to be what the test says. */
static int compare_refused(struct test *t, const struct tree *list, struct err *err)
{
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
                bool want = names_text(list, parts[i].key);
                struct err why = { 0 };
                int r = 0;

                if (parts[i].load == load_entities && !t->schema)
                        break;
                r = load_part(t, &parts[i], &why);
                if (r == -ENOMEM || r == -ENOENT)
                        return err_set(err, r, "%s", err_text(&why));
                if ((r < 0) != want)
                        tell(t, -1, parts[i].key, r < 0 ? err_text(&why) : "read",
                             want ? "refused" : "read");
        }
        return 0;
}

static int compare_validation(struct test *t, struct err *err)
{
        bool want = is_true(tree_get(t->json, "shouldValidate"));
        struct cedar_findings found;
        const char *why = "valid";
        int r = cedar_validate(t->policies, t->schema, &t->arena, &found, err);

        if (r < 0)
                return r;
        for (uint32_t i = found.n; i-- > 0;)
                if (!found.list[i].warning)
                        why = found.list[i].text;
        if ((found.n_errors == 0) != want)
                tell(t, -1, "validation", why, want ? "valid" : "not valid");
        return 0;
}

/* ---- ids of policies, in any order ---- */

static int by_bytes(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* "policy1 policy3", sorted; "none". */
static void put_names(struct buf *out, struct span *names, size_t n)
{
        qsort(names, n, sizeof(*names), by_bytes);
        for (size_t i = 0; i < n; i++) {
                buf_put_str(out, i ? " " : "");
                buf_put(out, names[i]);
        }
        if (n == 0)
                buf_put_str(out, "none");
}

/* Sorts got. */
static int compare_names(struct test *t, int64_t request, const char *what, struct span *got,
                         size_t n_got, const struct tree *wanted, struct err *err)
{
        CLEANUP(buf_done) struct buf a = BUF_INIT(NAMES_MAX), b = BUF_INIT(NAMES_MAX);
        size_t n = wanted && wanted->kind == TREE_ARRAY ? wanted->n : 0;
        struct span *want = arena_alloc(&t->arena, (n + 1) * sizeof(*want));

        if (!want)
                return err_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; i < n; i++)
                want[i] = wanted->items[i].kind == TREE_STRING ? wanted->items[i].text
                                                               : SPAN("(no string)");
        put_names(&a, got, n_got);
        put_names(&b, want, n);
        if (buf_status(&a) < 0 || buf_status(&b) < 0)
                return err_set(err, -E2BIG, "too many policies to name");
        if (!span_eq(buf_span(&a), buf_span(&b)))
                tell(t, request, what, buf_cstr(&a), buf_cstr(&b));
        return 0;
}

/* ---- requests ---- */

static int compare_answer(struct test *t, int64_t request, const struct tree *json,
                          const struct cedar_answer *answer, struct err *err)
{
        const char *got = answer->decision == CEDAR_PERMIT ? "allow" : "deny";
        const char *other = answer->decision == CEDAR_PERMIT ? "deny" : "allow";
        size_t n = MAX_OF(answer->n_reasons, answer->n_faults);
        struct span *names = arena_alloc(&t->arena, (n + 1) * sizeof(*names));
        int r;

        if (!names)
                return err_set(err, -ENOMEM, "out of memory");
        if (!span_eq_str(text_of(json, "decision"), got))
                tell(t, request, "decision", got, other);
        for (uint32_t i = 0; i < answer->n_reasons; i++)
                names[i] = answer->reasons[i]->id;
        r = compare_names(t, request, "reason", names, answer->n_reasons, tree_get(json, "reason"),
                          err);
        for (uint32_t i = 0; i < answer->n_faults; i++)
                names[i] = answer->faults[i].policy->id;
        return r < 0 ? r
                     : compare_names(t, request, "errors", names, answer->n_faults,
                                     tree_get(json, "errors"), err);
}

static int read_uids(struct test *t, const struct tree *json, struct cedar_request *r,
                     struct err *err)
{
        const struct {
                const char *key;
                struct cedar_uid *uid;
        } uids[] = { { "principal", &r->principal },
                     { "action", &r->action },
                     { "resource", &r->resource } };

        for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
                const struct tree *uid = tree_get(json, uids[i].key);

                if (!uid)
                        return err_set(err, -EINVAL, "%s is missing", uids[i].key);
                if (cedar_uid_of(uid, &t->arena, uids[i].uid, err) < 0)
                        return err_wrap(err, "%s", uids[i].key);
        }
        return 0;
}

static const struct tree no_context = { .kind = TREE_OBJECT };

static int read_request(struct test *t, const struct tree *json, struct cedar_request *r,
                        struct err *err)
{
        const struct tree *validate = tree_get(json, "validateRequest");
        const struct tree *context = tree_get(json, "context");
        bool held = !validate || is_true(validate);
        int status = read_uids(t, json, r, err);

        if (!context)
                context = &no_context;
        if (status == 0 && !held)
                return cedar_context_of_trusted(context, &t->arena, &r->context, err);
        if (status == 0)
                status = cedar_context_of(context, t->schema, &r->action, &t->arena, &r->context,
                                          err);
        return status < 0 ? status : cedar_schema_check_request(t->schema, r, err);
}

static int check_request(struct test *t, const struct tree *json, struct err *err)
{
        const struct tree *context = tree_get(json, "context");
        struct cedar_request r = { 0 };
        int status = read_uids(t, json, &r, err);

        if (status == 0)
                status = cedar_context_of(context ? context : &no_context, t->schema, &r.action,
                                          &t->arena, &r.context, err);
        return status < 0 ? status : cedar_schema_check_request(t->schema, &r, err);
}

static void compare_valid(struct test *t, int64_t request, const struct tree *json)
{
        bool want = is_true(tree_get(json, "valid"));
        struct err why = { 0 };
        bool got = check_request(t, json, &why) == 0;

        if (got != want)
                tell(t, request, "valid", got ? "valid" : err_text(&why),
                     want ? "valid" : "not valid");
}

/* What can be told of it without its parts has to hold of it. */
static int compare_hidden(struct test *t, int64_t request, const struct tree *json,
                          const struct cedar_request *r, const struct cedar_answer *answer,
                          struct err *err)
{
        const struct tree *validate = tree_get(json, "validateRequest");
        const bool held = !validate || is_true(validate);
        struct corpus_hidden h;
        int rc = corpus_hidden(t->policies, t->entities, held ? t->schema : NULL, r, answer,
                               &t->arena, &h);

        if (rc < 0)
                return err_sys(err, rc, "a request with parts of it hidden");
        if (h.what)
                tell(t, request, h.what, h.got, h.want);
        return 0;
}

static int run_requests(struct test *t, uint64_t *ret_n, struct err *err)
{
        const struct tree *list = tree_get(t->json, "requests");

        for (uint32_t i = 0; i < list->n; i++) {
                const struct tree *json = &list->items[i];
                struct cedar_request request = { 0 };
                struct cedar_answer answer;
                struct err why = { 0 };

                arena_reset(&t->arena);
                if (tree_get(json, "valid")) {
                        compare_valid(t, i, json);
                        if (!tree_get(json, "decision"))
                                continue;
                }
                if (read_request(t, json, &request, &why) < 0) {
                        tell(t, i, "request", err_text(&why), "a request that is allowed");
                        continue;
                }
                cedar_decide(t->program, t->entities, &request, t->bench, &answer);
                if (compare_answer(t, i, json, &answer, err) < 0 ||
                    compare_hidden(t, i, json, &request, &answer, err) < 0)
                        return err_wrap(err, "request %u", i);
        }
        *ret_n = list->n;
        return 0;
}

/* ---- a test ---- */

static int check_shape(const struct tree *json, struct err *err)
{
        static const struct {
                const char *key;
                enum tree_kind kind;
        } members[] = { { "policies", TREE_STRING },
                        { "schema", TREE_STRING },
                        { "entities", TREE_STRING },
                        { "shouldValidate", TREE_BOOL },
                        { "requests", TREE_ARRAY } };

        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
                const struct tree *t = tree_get(json, members[i].key);

                if (!t || t->kind != members[i].kind)
                        return err_set(err, -EINVAL, "\"%s\" is to be %s", members[i].key,
                                       tree_kind_name(members[i].kind));
        }
        return 0;
}

int corpus_run(const char *dir, const char *file, const struct corpus_take *take,
               uint64_t *ret_requests, struct err *err)
{
        CLEANUP(test_done)
        struct test t = { .dir = dir, .take = take, .arena = ARENA_INIT(ARENA_MAX) };
        CLEANUP(arena_done) struct arena whole = ARENA_INIT(ARENA_MAX);
        CLEANUP(cedar_text_done) struct cedar_text text = { 0 };
        struct tree json;
        int r = cedar_text_read(file, CEDAR_FILE_MAX, &text, err);

        if (r == 0)
                r = tree_read(span_of(text.p, text.n), &whole, &json, err);
        t.json = &json;
        if (r == 0)
                r = check_shape(&json, err);
        if (r == 0 && tree_get(&json, "refuses"))
                return compare_refused(&t, tree_get(&json, "refuses"), err);
        if (r == 0)
                r = load_files(&t, err);
        if (r == 0)
                r = compare_validation(&t, err);
        if (r == 0)
                r = run_requests(&t, ret_requests, err);
        return r;
}
