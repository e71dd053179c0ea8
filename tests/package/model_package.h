/* SPDX-License-Identifier: Apache-2.0 */
/* model_package.h - a package that is ready to decide by, of a model_text.h, policies and entities.
 */
#ifndef TESTS_PACKAGE_MODEL_PACKAGE_H
#define TESTS_PACKAGE_MODEL_PACKAGE_H

#include "model_text.h"
#include "package/derive/derive.h"
#include "package/package.h"
#include "policy/entities/data.h"
#include "policy/parse/parse.h"
#include "policy/validate/validate.h"

struct model_package {
        struct model_text m;
        struct buf text; /* the derived schema */
        struct api_checker *checker;
        struct api_classes *classes;
        struct cedar_schema *schema;
        struct cedar_policies *policies;
        struct cedar_program *program;
        struct cedar_entities *entities;
        struct package p;
};

/* Each must succeed. */
#define MODEL_OK(x, err)                                                                           \
        do {                                                                                       \
                if ((x) < 0) {                                                                     \
                        (void)fprintf(stderr, "%s: %s\n", #x, err_text(&(err)));                   \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

/* Policies must validate; entities is Cedar's JSON. */
static inline void model_package_init(struct model_package *x, struct span model, const char *types,
                                      const char *policies, const char *entities)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct cedar_findings found;
        struct err err = { 0 };

        *x = (struct model_package){ .text = BUF_INIT(16 << 20) };
        model_text_read(model, &x->m);
        MODEL_OK(derive_schema(&x->m.api, &x->m.config, span_str(types), &x->text, NULL, &err),
                 err);
        MODEL_OK(cedar_schema_parse(buf_span(&x->text), &x->schema, &err), err);
        MODEL_OK(api_checker_new(&x->m.api.schemas, &x->checker, &err), err);
        MODEL_OK(api_classes_new(&x->m.api, x->checker, &x->classes, &err), err);
        MODEL_OK(cedar_parse(span_str(policies), &x->policies, &err), err);
        MODEL_OK(cedar_validate(x->policies, x->schema, &arena, &found, &err), err);
        for (uint32_t i = 0; i < found.n; i++)
                (void)fprintf(stderr, "%u:%u: %s\n", found.list[i].pos.line,
                              found.list[i].pos.column, found.list[i].text);
        assert(found.n == 0);
        MODEL_OK(cedar_program_new(x->policies, &x->program, &err), err);
        MODEL_OK(cedar_entities_new(&x->entities), err);
        MODEL_OK(cedar_entities_read(span_str(entities), x->schema, x->entities, &err), err);
        MODEL_OK(cedar_entities_seal(x->entities, &err), err);
        arena_done(&arena);
        x->p = (struct package){ .api = &x->m.api,
                                 .config = x->m.config,
                                 .checker = x->checker,
                                 .classes = x->classes,
                                 .schema = x->schema,
                                 .policies = x->policies,
                                 .program = x->program,
                                 .entities = x->entities };
}

/* A table of schemas that come back to one value without end is refused when a package is opened.
 */
static inline bool model_package_can(struct span model)
{
        CLEANUP(api_checker_freep) struct api_checker *checker = NULL;
        struct model_text m;
        bool good;

        model_text_read(model, &m);
        good = api_checker_new(&m.api.schemas, &checker, NULL) == 0;
        model_text_done(&m);
        return good;
}

static inline void model_package_done(struct model_package *x)
{
        cedar_entities_free(x->entities);
        cedar_program_free(x->program);
        cedar_policies_free(x->policies);
        cedar_schema_free(x->schema);
        api_classes_free(x->classes);
        api_checker_free(x->checker);
        buf_done(&x->text);
        model_text_done(&x->m);
}

#endif
