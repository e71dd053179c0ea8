/* SPDX-License-Identifier: Apache-2.0 */
/* model_text.h - models of APIs from a short JSON, for tests that do not read OpenAPI documents.
 *
 *   {"name":"bank", "groups":true, "claims":["branch"], "classes":["pii"],
 *    "schemas":{"Account":{"type":"object",...}},          `$ref` is a name of these
 *    "operations":[{"id":"pay", "tags":["money"], "object":{"type":"Account","id":"path.id"},
 *      "parameters":[{"in":"path","name":"id","required":true,"explode":false,"schema":{...}}],
 *      "body":{...}, "bodyRequired":true, "reads":["pii"]}]}
 *
 * name and operations must be there.  A text that is none of this fails the test. */
#ifndef TESTS_PACKAGE_MODEL_TEXT_H
#define TESTS_PACKAGE_MODEL_TEXT_H

#include "package/config/config.h"

struct model_text {
        struct arena arena;
        struct api api;
        struct config config;
};

void model_text_read(struct span json, struct model_text *ret);
void model_text_done(struct model_text *m);

#endif
