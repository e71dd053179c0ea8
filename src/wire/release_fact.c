/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/release_fact.h"

#include "base/text.h"
#include "wire/fact.h"

static const char *const kinds[] = {
        [RELEASE_FACT_RELEASE] = "release",
        [RELEASE_FACT_LISTED] = "listed",
        [RELEASE_FACT_INDEX] = "index",
};

static void put_hash(struct json_writer *w, const uint8_t hash[RELEASE_HASH])
{
        char hex[2 * RELEASE_HASH + 1];

        text_hex(span_of(hash, RELEASE_HASH), hex);
        json_member_text(w, "sha256", hex);
}

static void put_release(struct json_writer *w, const struct release_fact *f)
{
        if (f->codename[0])
                json_put_bytes(w, "codename", span_str(f->codename));
        if (f->date)
                json_member_int(w, "date", f->date);
        json_member_text(w, "fact", kinds[f->kind]);
        if (f->suite[0])
                json_put_bytes(w, "suite", span_str(f->suite));
        if (f->valid_until)
                json_member_int(w, "valid_until", f->valid_until);
}

void release_fact_put(struct json_writer *w, const struct release_fact *f)
{
        switch (f->kind) {
        case RELEASE_FACT_RELEASE:
                put_release(w, f);
                break;
        case RELEASE_FACT_LISTED:
                json_put_bytes(w, "architecture", span_str(f->architecture));
                json_member_text(w, "fact", kinds[f->kind]);
                json_put_bytes(w, "package", span_str(f->package));
                put_hash(w, f->sha256);
                json_put_bytes(w, "version", span_str(f->version));
                break;
        case RELEASE_FACT_INDEX:
                json_member_text(w, "fact", kinds[f->kind]);
                json_member_bool(w, "listed", f->listed);
                put_hash(w, f->sha256);
                break;
        }
}

static void get_maybe(struct fact *f, const char *key, const char *key_b64, char *out)
{
        if (fact_has(f, key) || fact_has(f, key_b64))
                fact_bytes(f, key, key_b64, out, RELEASE_NAME_MAX);
}

static void get_release(struct fact *f, struct release_fact *r)
{
        get_maybe(f, "suite", "suite_b64", r->suite);
        get_maybe(f, "codename", "codename_b64", r->codename);
        if (fact_has(f, "date"))
                r->date = (int64_t)fact_number(f, "date", JSON_INT_MAX);
        if (fact_has(f, "valid_until"))
                r->valid_until = (int64_t)fact_number(f, "valid_until", JSON_INT_MAX);
}

int release_fact_parse(struct span fact, struct release_fact *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct release_fact out = { .kind = (enum release_fact_kind)fact_enum(&f, "fact", kinds,
                                                                              ARRAY_LEN(kinds)) };
        int r;

        switch (out.kind) {
        case RELEASE_FACT_RELEASE:
                get_release(&f, &out);
                break;
        case RELEASE_FACT_LISTED:
                fact_bytes(&f, "architecture", "architecture_b64", out.architecture,
                           RELEASE_NAME_MAX);
                fact_bytes(&f, "package", "package_b64", out.package, RELEASE_NAME_MAX);
                fact_bytes(&f, "version", "version_b64", out.version, RELEASE_NAME_MAX);
                fact_hex(&f, "sha256", out.sha256, RELEASE_HASH);
                break;
        case RELEASE_FACT_INDEX:
                out.listed = fact_bool(&f, "listed");
                fact_hex(&f, "sha256", out.sha256, RELEASE_HASH);
                break;
        }
        r = fact_status(&f, err);
        if (r == 0)
                *ret = out;
        return r;
}
