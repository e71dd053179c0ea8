/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_decide - what a decision costs, for a test in the format of Cedar's integration tests.
 *
 *   cedar_decide TEST.json ROUNDS           all its requests ROUNDS times; prints one JSON object
 *   cedar_decide TEST.json ROUNDS extra     each with its principal as an entity of the request
 *
 * The paths in the test are relative to its directory.  Policies are compiled, entities sealed and
 * contexts read before: a gateway does so once a package and once a request.  What is measured is
 * cedar_decide() alone, one call at a time. */
#include "policy/entities/data.h"
#include "policy/entities/extra.h"
#include "policy/evaluate/program.h"
#include "policy/parse/parse.h"
#include "samples.h"
#include "wire/tree.h"

enum { FILE_MAX = 64 * 1024 * 1024, ARENA_MAX = 256 * 1024 * 1024 };

struct test {
        struct arena arena;
        struct cedar_policies *policies;
        struct cedar_schema *schema;
        struct cedar_entities *entities;
        struct cedar_program *program;
        struct cedar_bench *bench;
        struct cedar_request *requests;
        size_t n;
};

static void die(const char *what, const struct err *err)
{
        fprintf(stderr, "cedar_decide: %s: %s\n", what, err ? err_text(err) : "cannot be read");
        exit(1);
}

static struct span read_file(const char *path)
{
        FILE *f = fopen(path, "re");
        uint8_t *p = malloc(FILE_MAX);
        size_t n = f && p ? fread(p, 1, FILE_MAX, f) : 0;

        if (n == 0 || n == FILE_MAX)
                die(path, NULL);
        (void)fclose(f);
        return span_of(p, n);
}

static struct span read_part(const char *test, const struct tree *json, const char *key)
{
        const struct tree *name = tree_get(json, key);
        const char *slash = strrchr(test, '/');
        int n = slash ? (int)(slash + 1 - test) : 0;
        char path[4096];

        if (!name || name->kind != TREE_STRING ||
            snprintf(path, sizeof path, "%.*s%.*s", n, test, (int)name->text.n,
                     (const char *)name->text.p) >= (int)sizeof path)
                die(key, NULL);
        return read_file(path);
}

static void read_request(struct test *t, const struct tree *json, struct cedar_request *ret)
{
        static const char *const keys[] = { "principal", "action", "resource", "context" };
        struct cedar_uid *const uids[] = { &ret->principal, &ret->action, &ret->resource };
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
                const struct tree *part = tree_get(json, keys[i]);
                int r = !part                 ? -EINVAL
                        : i < ARRAY_LEN(uids) ? cedar_uid_of(part, &t->arena, uids[i], &err)
                                              : cedar_context_of(part, t->schema, &ret->action,
                                                                 &t->arena, &ret->context, &err);

                if (r)
                        die(keys[i], &err);
        }
}

static void read_test(struct test *t, const char *path)
{
        const struct tree *requests;
        struct err err = { 0 };
        struct tree json;

        if (tree_read(read_file(path), &t->arena, &json, &err) ||
            cedar_parse(read_part(path, &json, "policies"), &t->policies, &err) ||
            cedar_schema_parse(read_part(path, &json, "schema"), &t->schema, &err) ||
            cedar_entities_new(&t->entities) ||
            cedar_entities_read(read_part(path, &json, "entities"), t->schema, t->entities, &err) ||
            cedar_entities_seal(t->entities, &err) ||
            cedar_program_new(t->policies, &t->program, &err) ||
            cedar_bench_new(t->program, &t->bench))
                die(path, &err);
        requests = tree_get(&json, "requests");
        if (!requests || requests->kind != TREE_ARRAY || requests->n == 0)
                die(path, NULL);
        t->n = requests->n;
        t->requests = calloc(t->n, sizeof *t->requests);
        if (!t->requests)
                die(path, NULL);
        for (size_t i = 0; i < t->n; i++)
                read_request(t, &requests->items[i], &t->requests[i]);
}

/* What the store says of the principals comes with the requests as well: the answers stay. */
static void carry_principals(struct test *t)
{
        struct cedar_entity *list = calloc(t->n, sizeof *list);
        struct err err = { 0 };

        if (!list)
                die("principals", NULL);
        for (size_t i = 0; i < t->n; i++) {
                const struct cedar_entity *known =
                        cedar_entities_find(t->entities, &t->requests[i].principal);

                if (!known)
                        continue;
                list[i] = *known;
                if (cedar_extra_complete(t->entities, &list[i], 1, &t->arena, &err))
                        die("principals", &err);
                t->requests[i].extra = &list[i];
                t->requests[i].n_extra = 1;
        }
}

int main(int argc, char **argv)
{
        struct test t = { .arena = ARENA_INIT(ARENA_MAX) };
        size_t rounds, n = 0, allowed = 0, reasons = 0, faults = 0;
        struct cedar_answer a;
        int64_t *times;

        if (argc < 3 || argc > 4 || (rounds = strtoul(argv[2], NULL, 10)) == 0 ||
            (argc == 4 && strcmp(argv[3], "extra") != 0)) {
                fputs("usage: cedar_decide TEST.json ROUNDS [extra]\n", stderr);
                return 2;
        }
        read_test(&t, argv[1]);
        if (argc == 4)
                carry_principals(&t);
        times = calloc(t.n * rounds, sizeof *times);
        if (!times)
                die("times", NULL);
        for (size_t i = 0; i < t.n; i++) { /* warm, and to know the answers */
                cedar_decide(t.program, t.entities, &t.requests[i], t.bench, &a);
                allowed += a.decision == CEDAR_PERMIT;
                reasons += a.n_reasons;
                faults += a.n_faults;
        }
        for (size_t round = 0; round < rounds; round++)
                for (size_t i = 0; i < t.n; i++) {
                        int64_t begun = bench_now();

                        cedar_decide(t.program, t.entities, &t.requests[i], t.bench, &a);
                        times[n++] = bench_now() - begun;
                }
        printf("{\"n\":%zu,\"policies\":%u,\"allowed\":%zu,\"reasons\":%zu,\"faults\":%zu,"
               "\"p50_us\":%.3f,\"p99_us\":%.3f}\n",
               n, t.policies->n, allowed, reasons, faults, samples_point(times, n, 50),
               samples_point(times, n, 99));
        return 0;
}
