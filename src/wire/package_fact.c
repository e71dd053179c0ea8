/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/package_fact.h"

#include "base/text.h"
#include "wire/fact.h"

static const char *const kinds[] = {
        [PACKAGE_FACT_FAULT] = "fault",
        [PACKAGE_FACT_PIECE] = "piece",
        [PACKAGE_FACT_BUILT] = "built",
};

static const char *const levels[] = { "error", "warning" };

static void put_piece(struct json_writer *w, const struct package_fact *f)
{
        fact_put_data(w, "data", span_of(f->data, f->data_n));
        json_member_text(w, "fact", kinds[f->kind]);
}

static void put_built(struct json_writer *w, const struct package_fact *f)
{
        char hex[2 * PACKAGE_FACT_HASH + 1];

        json_member_u64(w, "errors", f->errors);
        json_member_text(w, "fact", kinds[f->kind]);
        json_member_u64(w, "more", f->more);
        if (f->whole) {
                text_hex(span_of(f->sha256, PACKAGE_FACT_HASH), hex);
                json_member_text(w, "sha256", hex);
                json_member_u64(w, "size", f->size);
        }
        json_member_u64(w, "warnings", f->warnings);
}

void package_fact_put(struct json_writer *w, const struct package_fact *f)
{
        switch (f->kind) {
        case PACKAGE_FACT_FAULT:
                json_member_u64(w, "column", f->column);
                json_member_text(w, "fact", kinds[f->kind]);
                json_member_text(w, "file", f->file);
                json_member_text(w, "level", levels[f->warning]);
                json_member_u64(w, "line", f->line);
                json_member_text(w, "text", f->text);
                break;
        case PACKAGE_FACT_PIECE:
                put_piece(w, f);
                break;
        case PACKAGE_FACT_BUILT:
                put_built(w, f);
                break;
        }
}

static void get_built(struct fact *f, struct package_fact *p)
{
        p->errors = (uint32_t)fact_number(f, "errors", UINT32_MAX);
        p->more = (uint32_t)fact_number(f, "more", UINT32_MAX);
        p->warnings = (uint32_t)fact_number(f, "warnings", UINT32_MAX);
        p->whole = fact_has(f, "sha256");
        if (p->whole) {
                fact_hex(f, "sha256", p->sha256, PACKAGE_FACT_HASH);
                p->size = fact_number(f, "size", JSON_INT_MAX);
        }
        if (!f->missing && p->whole != (p->errors == 0))
                f->missing = "sha256"; /* built without errors only, and then always */
}

int package_fact_parse(struct span fact, struct package_fact *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct package_fact p = { .kind = (enum package_fact_kind)fact_enum(&f, "fact", kinds,
                                                                            ARRAY_LEN(kinds)) };
        int r;

        switch (f.missing ? PACKAGE_FACT_BUILT : p.kind) {
        case PACKAGE_FACT_FAULT:
                p.column = (uint32_t)fact_number(&f, "column", UINT32_MAX);
                p.line = (uint32_t)fact_number(&f, "line", UINT32_MAX);
                p.warning = fact_enum(&f, "level", levels, ARRAY_LEN(levels)) == 1;
                fact_text(&f, "file", p.file, PACKAGE_FACT_FILE_MAX);
                fact_text(&f, "text", p.text, PACKAGE_FACT_TEXT_MAX);
                break;
        case PACKAGE_FACT_PIECE:
                fact_data(&f, "data", p.data, sizeof p.data, &p.data_n);
                break;
        case PACKAGE_FACT_BUILT:
                if (!f.missing)
                        get_built(&f, &p);
                break;
        }
        r = fact_status(&f, err);
        if (r == 0)
                *ret = p;
        return r;
}
