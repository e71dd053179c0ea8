/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_openapi.h - what everybody who comes after openapi.h may expect of its model. */
#ifndef FUZZ_FUZZ_OPENAPI_H
#define FUZZ_FUZZ_OPENAPI_H

#include "fuzz.h"
#include "job/yaml_source.h"
#include "package/model/model_file.h"
#include "package/openapi/openapi.h"

/* How it could be served: whatever is plain and goes with the API. */
struct fuzz_config {
        struct config config;
        struct config_class classes[API_CLASSES_MAX];
        struct config_identity identities[API_IDENTITIES_MAX];
};

static inline void fuzz_config(const struct api *api, struct fuzz_config *f)
{
        *f = (struct fuzz_config){ .config = { .name = SPAN("fuzz"),
                                               .identities = f->identities,
                                               .n_identities = api->n_identities,
                                               .classes = f->classes,
                                               .n_classes = api->n_classes,
                                               .request_max = 1,
                                               .response_max = 1,
                                               .depth_max = 1,
                                               .backend = { .unix_path = SPAN("/run/fuzz"),
                                                            .connect_ms = 1,
                                                            .read_ms = 1 } } };
        for (uint32_t i = 0; i < api->n_classes; i++)
                f->classes[i] = (struct config_class){ .name = api->classes[i] };
        for (uint32_t i = 0; i < api->n_identities; i++) {
                struct config_identity *to = &f->identities[i];

                to->scheme = api->identities[i].name;
                if (api->identities[i].kind == API_IDENTITY_BEARER)
                        to->kind = CONFIG_OPAQUE;
                else if (api->identities[i].kind == API_IDENTITY_BASIC)
                        to->kind = CONFIG_PASS_BASIC;
                else
                        *to = (struct config_identity){ .scheme = to->scheme,
                                                        .kind = CONFIG_MUTUAL,
                                                        .ca_file = SPAN("/ca.pem"),
                                                        .caller = SPAN("subject-cn") };
        }
}

/* Schemas that checks can go by, and a model that is written, read and written the same. */
static inline void fuzz_use_api(const struct api *api)
{
        struct buf text = BUF_INIT(64 << 20), again = BUF_INIT(64 << 20);
        struct api_checker *checker = NULL;
        static struct fuzz_config f;
        struct config config;
        struct api *back = NULL;
        struct err err = { 0 };

        assert(api_checker_new(&api->schemas, &checker, &err) == 0);
        api_checker_free(checker);
        fuzz_config(api, &f);
        if (model_put(&text, api, &f.config, &err) == 0) {
                assert(model_get(buf_span(&text), &back, &config, &err) == 0);
                assert(model_put(&again, back, &config, &err) == 0);
                assert(span_eq(buf_span(&text), buf_span(&again)));
        } else {
                assert(err.code == -E2BIG);
        }
        api_free(back);
        buf_done(&text);
        buf_done(&again);
}

#endif
