/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/source_fact.h"

#include "wire/fact.h"

void source_fact_clear(struct source_fact *f)
{
        f->uri[0] = f->suite[0] = f->key[0] = '\0';
        f->trusted = false;
        f->n_signers = 0;
}

void source_fact_put(struct json_writer *w, const struct source_fact *f)
{
        json_member_text(w, "fact", "source");
        if (f->key[0])
                json_member_text(w, "key", f->key);
        json_put_key(w, "signed_by");
        json_begin_array(w);
        for (size_t i = 0; i < f->n_signers; i++)
                json_put_string(w, span_str(f->signer[i]));
        json_end_array(w);
        json_member_text(w, "suite", f->suite);
        json_member_bool(w, "trusted", f->trusted);
        json_member_text(w, "uri", f->uri);
}

static void get_signers(struct fact *f, struct source_fact *s)
{
        struct json_value list, item;
        struct json_iter it;

        if (!json_get(f->object, "signed_by", &list) || list.type != JSON_ARRAY) {
                f->missing = "signed_by";
                return;
        }
        it = json_iter_of(list);
        while (json_next(&it, NULL, &item)) {
                if (s->n_signers == SOURCE_SIGNERS_MAX ||
                    !fact_copy(item, s->signer[s->n_signers], SOURCE_SIGNER_MAX) ||
                    !s->signer[s->n_signers][0]) {
                        f->missing = "signed_by";
                        return;
                }
                s->n_signers++;
        }
}

int source_fact_parse(struct span fact, struct source_fact *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct source_fact s;
        int r;

        source_fact_clear(&s);
        if (!span_eq_str(fact_kind(&f), "source"))
                return err_set(err, -EBADMSG, "fact: of no kind that belongs here");
        fact_text(&f, "uri", s.uri, SOURCE_URI_MAX);
        fact_text(&f, "suite", s.suite, SOURCE_SUITE_MAX);
        fact_maybe_text(&f, "key", s.key, SOURCE_KEY_MAX);
        s.trusted = fact_bool(&f, "trusted");
        if (!f.missing)
                get_signers(&f, &s);
        r = fact_status(&f, err);
        if (r == 0)
                *ret = s;
        return r;
}
