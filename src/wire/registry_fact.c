/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/registry_fact.h"

#include "base/text.h"
#include "wire/fact.h"

static const char *const kinds[] = {
        [REGISTRY_REPOSITORY] = "repository",
        [REGISTRY_PROTECTED] = "protected",
        [REGISTRY_SIGNERS] = "signers",
        [REGISTRY_KEYRING] = "keyring",
        [REGISTRY_API] = "api",
        [REGISTRY_BUILDER] = "builder",
        [REGISTRY_APPROVER] = "approver",
        [REGISTRY_AUTHOR] = "author",
};

static bool is_word(uint8_t c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool registry_repository_ok(struct span name)
{
        if (name.n == 0 || name.n > REGISTRY_NAME_MAX || !is_word(name.p[0]))
                return false;
        for (size_t i = 1; i < name.n; i++)
                if (!is_word(name.p[i]) && !strchr("._-", name.p[i]))
                        return false;
        return !memchr(name.p, '\0', name.n);
}

bool registry_person_ok(struct span name)
{
        if (name.n == 0 || name.n > REGISTRY_NAME_MAX || name.p[0] == ' ' ||
            name.p[name.n - 1] == ' ' || !text_is_utf8(name, NULL))
                return false;
        for (size_t i = 0; i < name.n; i++)
                if (name.p[i] < ' ' || name.p[i] == 0x7f)
                        return false;
        return true;
}

void registry_fact_put(struct json_writer *w, const struct registry_fact *f)
{
        json_member_text(w, "fact", kinds[f->kind]);
        json_member_text(w, "name", f->name);
        if (f->kind == REGISTRY_API)
                json_member_text(w, "of", f->of);
        json_put_bytes(w, "value", span_str(f->value));
}

int registry_fact_parse(struct span fact, struct registry_fact *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct registry_fact r = { .kind = (enum registry_fact_kind)fact_enum(&f, "fact", kinds,
                                                                              ARRAY_LEN(kinds)) };
        bool person = r.kind >= REGISTRY_BUILDER;
        int status;

        fact_text(&f, "name", r.name, REGISTRY_NAME_MAX);
        if (!f.missing && r.kind == REGISTRY_API)
                fact_text(&f, "of", r.of, REGISTRY_NAME_MAX);
        fact_bytes(&f, "value", "value_b64", r.value, REGISTRY_VALUE_MAX);
        if (!f.missing && !(person ? registry_person_ok(span_str(r.name))
                                   : registry_repository_ok(span_str(r.name))))
                f.missing = "name";
        status = fact_status(&f, err);
        if (status == 0)
                *ret = r;
        return status;
}
