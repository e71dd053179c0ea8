/* SPDX-License-Identifier: Apache-2.0 */
/* package.c - opening a package.  Floor 2.  SECURITY: reads hostile bytes where no signature is
 * asked for. */
#include "package/package.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "package/derive/derive.h"
#include "package/model/model_file.h"
#include "policy/entities/data.h"
#include "policy/parse/parse.h"
#include "policy/validate/validate.h"
#include "sys/io.h"

enum {
        FINDINGS_MEMORY = 16 << 20, /* of what the validator says */
        DERIVED_MAX = PACKAGE_FILE_MAX,
};

/* A package and what only this file knows of it. */
struct opened {
        struct package p;
        unsigned refs;
        struct arena arena; /* the list of sources */
        void *map;          /* NULL: the bytes are somebody else's */
        size_t map_n;
        struct api *api;
        struct api_checker *checker;
        struct api_classes *classes;
        struct cedar_schema *schema;
        struct cedar_policies *policies;
        struct cedar_program *program;
        struct cedar_entities *entities;
        struct api_asked *asked;
};

static struct opened *opened_free(struct opened *o)
{
        if (!o)
                return NULL;
        api_asked_free(o->asked);
        cedar_entities_free(o->entities);
        cedar_program_free(o->program);
        cedar_policies_free(o->policies);
        cedar_schema_free(o->schema);
        api_classes_free(o->classes);
        api_checker_free(o->checker);
        api_free(o->api);
        arena_done(&o->arena);
        if (o->map)
                munmap(o->map, o->map_n);
        free(o);
        return NULL;
}

DEFINE_CLEANUP(struct opened, opened_free)

/* ---- sections, in the order in which one needs the other ---- */

static struct span section(const struct opened *o, enum package_section s)
{
        return o->p.file.section[s];
}

static int open_model(struct opened *o, struct err *err)
{
        int r = model_get(section(o, PACKAGE_API), &o->api, &o->p.config, err);

        if (r < 0)
                return r;
        o->p.api = o->api;
        if (!span_eq(o->p.config.name, o->p.file.api))
                return err_set(err, -EINVAL, "config.name: not the name of the package");
        r = api_checker_new(&o->api->schemas, &o->checker, err);
        return r < 0 ? r : api_classes_new(o->api, o->checker, &o->classes, err);
}

/* types.cedarschema of the sources; empty when there is none. */
static struct span types_of(const struct package_file *f)
{
        for (uint32_t i = 0; i < f->n_sources; i++)
                if (span_eq_str(f->sources[i].path, "types.cedarschema"))
                        return f->sources[i].text;
        return SPAN_NONE;
}

/* The line in which the two begin to differ. */
static unsigned line_of_difference(struct span a, struct span b)
{
        unsigned line = 1;

        for (size_t i = 0; i < a.n && i < b.n && a.p[i] == b.p[i]; i++)
                line += a.p[i] == '\n';
        return line;
}

/* Contexts are made by the derived schema, so policies must have been judged by the same.  Its text
 * may be another: of a version of Assay that writes its comments in other words. */
static int compare_schemas(const struct opened *o, struct span derived, struct err *err)
{
        CLEANUP(cedar_schema_freep) struct cedar_schema *want = NULL;
        struct span text = section(o, PACKAGE_SCHEMA);
        int r;

        if (span_eq(text, derived))
                return 0;
        r = cedar_schema_parse(derived, &want, err);
        if (r == 0 && !cedar_schema_same(o->schema, want))
                r = err_set(err, -EINVAL, "line %u: not what is derived from the API",
                            line_of_difference(text, derived));
        return r;
}

static int open_schema(struct opened *o, struct err *err)
{
        CLEANUP(buf_done) struct buf derived = BUF_INIT(DERIVED_MAX);
        int r = cedar_schema_parse(section(o, PACKAGE_SCHEMA), &o->schema, err);

        if (r == 0)
                r = derive_schema(o->api, &o->p.config, types_of(&o->p.file), &derived, NULL, err);
        return r < 0 ? r : compare_schemas(o, buf_span(&derived), err);
}

static int check_policies(const struct opened *o, struct err *err)
{
        struct arena arena = ARENA_INIT(FINDINGS_MEMORY);
        struct cedar_findings found;
        int r = cedar_validate(o->policies, o->schema, &arena, &found, err);

        for (uint32_t i = 0; r == 0 && found.n_errors > 0 && i < found.n; i++) {
                const struct cedar_finding *f = &found.list[i];

                if (!f->warning)
                        r = err_set(err, -EINVAL, "line %u, column %u: %s", f->pos.line,
                                    f->pos.column, f->text);
        }
        arena_done(&arena);
        return r;
}

static int open_policies(struct opened *o, struct err *err)
{
        int r = cedar_parse(section(o, PACKAGE_POLICY), &o->policies, err);

        if (r == 0)
                r = check_policies(o, err);
        if (r == 0 && o->p.config.replay)
                r = api_asked_new(o->api, o->schema, o->policies, &o->asked, err);
        return r < 0 ? r : cedar_program_new(o->policies, &o->program, err);
}

static int open_entities(struct opened *o, struct err *err)
{
        int r = cedar_entities_new(&o->entities);

        if (r < 0)
                return err_sys(err, r, "entities");
        r = cedar_entities_read(section(o, PACKAGE_ENTITIES), o->schema, o->entities, err);
        if (r == 0)
                r = cedar_entities_seal(o->entities, err);
        if (r == -EEXIST || r == -ELOOP)
                r = err->code = -EINVAL;
        return r;
}

static int open_sections(struct opened *o, struct err *err)
{
        static const struct {
                enum package_section section;
                int (*open)(struct opened *o, struct err *err);
        } steps[] = {
                { PACKAGE_API, open_model },
                { PACKAGE_SCHEMA, open_schema },
                { PACKAGE_POLICY, open_policies },
                { PACKAGE_ENTITIES, open_entities },
        };

        for (size_t i = 0; i < ARRAY_LEN(steps); i++)
                if (steps[i].open(o, err) < 0)
                        return err_wrap(err, "%s", package_section_name(steps[i].section));
        o->p.checker = o->checker;
        o->p.classes = o->classes;
        o->p.schema = o->schema;
        o->p.policies = o->policies;
        o->p.program = o->program;
        o->p.entities = o->entities;
        o->p.asked = o->asked;
        return 0;
}

/* ---- the whole ---- */

static int open_bytes(struct opened *o, struct span bytes, const struct span *vkeys, size_t n,
                      struct err *err)
{
        size_t key;
        int r = package_file_read(bytes, &o->arena, &o->p.file, err);

        if (r == 0 && n > 0)
                r = package_file_verify(&o->p.file, vkeys, n, &key, err);
        return r < 0 ? r : open_sections(o, err);
}

/* Takes map, of map_n bytes, whatever happens; NULL: bytes are borrowed. */
static int open_new(void *map, size_t map_n, struct span bytes, const struct span *vkeys, size_t n,
                    struct package **ret, struct err *err)
{
        CLEANUP(opened_freep) struct opened *o = calloc(1, sizeof *o);
        struct err own = { 0 };
        int r;

        if (!o) {
                if (map)
                        munmap(map, map_n);
                return err_set(err, -ENOMEM, "no memory for a package");
        }
        o->refs = 1;
        o->arena = ARENA_INIT(PACKAGE_SOURCES_MAX * sizeof(struct package_source));
        o->map = map;
        o->map_n = map_n;
        r = open_bytes(o, bytes, vkeys, n, err ? err : &own);
        if (r < 0)
                return r;
        *ret = &o->p;
        o = NULL;
        return 0;
}

int package_open_bytes(struct span bytes, const struct span *vkeys, size_t n, struct package **ret,
                       struct err *err)
{
        return open_new(NULL, 0, bytes, vkeys, n, ret, err);
}

/* Memory with the file in it, that nobody can write any more. */
static int read_file(int fd, size_t n, void **ret, struct err *err)
{
        void *map = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ssize_t got;
        int r = 0;

        if (map == MAP_FAILED)
                return err_sys(err, -errno, "%zu bytes of a package", n);
        got = io_kernel.pread(NULL, fd, map, n, 0);
        if (got < 0)
                r = err_sys(err, (int)got, "reading %zu bytes", n);
        else if ((size_t)got < n)
                r = err_set(err, -EBADMSG, "ends after %zd of %zu bytes", got, n);
        else if (mprotect(map, n, PROT_READ) < 0)
                r = err_sys(err, -errno, "%zu bytes of a package", n);
        if (r < 0)
                munmap(map, n);
        else
                *ret = map;
        return r;
}

int package_open(int fd, const struct span *vkeys, size_t n, struct package **ret, struct err *err)
{
        struct stat st;
        void *map = NULL;
        size_t size;
        int r;

        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "the package's file");
        if (!S_ISREG(st.st_mode))
                return err_set(err, -EINVAL, "no regular file");
        if (st.st_size == 0 || st.st_size > PACKAGE_FILE_MAX)
                return err_set(err, -EBADMSG, "%lld bytes, not 1 to %d", (long long)st.st_size,
                               PACKAGE_FILE_MAX);
        size = (size_t)st.st_size;
        r = read_file(fd, size, &map, err);
        return r < 0 ? r : open_new(map, size, span_of(map, size), vkeys, n, ret, err);
}

/* ---- references ---- */

struct package *package_ref(struct package *p)
{
        CONTAINER_OF(p, struct opened, p)->refs++;
        return p;
}

struct package *package_unref(struct package *p)
{
        struct opened *o = p ? CONTAINER_OF(p, struct opened, p) : NULL;

        if (o && --o->refs == 0)
                opened_free(o);
        return NULL;
}
