/* SPDX-License-Identifier: Apache-2.0 */
#include "packed.h"

#include <stdio.h>
#include <stdlib.h>

#include "package/derive/derive.h"
#include "package/model/model_file.h"

static void must(int r, const struct err *err)
{
        if (r < 0) {
                fprintf(stderr, "packed: %s\n", err_text(err));
                abort();
        }
}

struct signer *packed_signer(void)
{
        struct signer *s = NULL;
        struct err err = { 0 };
        uint8_t seed[ED25519_SEED];

        for (unsigned i = 0; i < sizeof seed; i++)
                seed[i] = (uint8_t)i;
        must(signer_new(SPAN("release.example"), NOTE_ED25519, seed, &s, &err), &err);
        return s;
}

static void derive(struct buf *out, const struct packed *p)
{
        CLEANUP(api_freep) struct api *api = NULL;
        struct err err = { 0 };
        struct config config;

        must(model_get(span_str(p->model), &api, &config, &err), &err);
        must(derive_schema(api, &config, p->types ? span_str(p->types) : SPAN_NONE, out, NULL,
                           &err),
             &err);
}

static void sign(struct buf *out, size_t at, const struct signer *s,
                 uint8_t ret_sha256[PACKAGE_HASH])
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        struct err err = { 0 };
        struct package_file f;

        must(package_file_read(span_from(buf_span(out), at), &arena, &f, &err), &err);
        if (ret_sha256)
                memcpy(ret_sha256, f.sha256, PACKAGE_HASH);
        if (s)
                must(package_file_sign(&f, s, &note, &err), &err);
        buf_put(out, buf_span(&note));
        must(buf_status(out), &err);
}

void packed_put(struct buf *out, const struct packed *p, const struct signer *s,
                uint8_t ret_sha256[PACKAGE_HASH])
{
        CLEANUP(buf_done) struct buf schema = BUF_INIT(64 << 20);
        struct package_source types = { SPAN("types.cedarschema"),
                                        p->types ? span_str(p->types) : SPAN_NONE };
        struct package_file f = { .api = span_str(p->api),
                                  .version = span_str(p->version),
                                  .sources = &types,
                                  .n_sources = p->types ? 1 : 0 };
        struct err err = { 0 };
        size_t at = out->n;

        if (p->schema)
                buf_put_str(&schema, p->schema);
        else
                derive(&schema, p);
        f.section[PACKAGE_API] = span_str(p->model);
        f.section[PACKAGE_SCHEMA] = buf_span(&schema);
        f.section[PACKAGE_POLICY] = span_str(p->policy);
        f.section[PACKAGE_ENTITIES] = span_str(p->entities);
        must(package_file_put(out, &f, &err), &err);
        sign(out, at, s, ret_sha256);
}
