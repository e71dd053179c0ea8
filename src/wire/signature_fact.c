/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/signature_fact.h"

#include "base/text.h"
#include "wire/fact.h"

static const char *const names[SIGNATURE_STATUSES] = {
        [SIGNATURE_NONE] = "none",
        [SIGNATURE_GOOD] = "good",
        [SIGNATURE_BAD] = "bad",
        [SIGNATURE_NO_KEY] = "no_key",
        [SIGNATURE_EXPIRED] = "expired",
        [SIGNATURE_KEY_EXPIRED] = "key_expired",
        [SIGNATURE_KEY_REVOKED] = "key_revoked",
        [SIGNATURE_WEAK] = "weak",
};

const char *signature_status_name(enum signature_status s)
{
        return names[s];
}

void signature_put(struct json_writer *w, const struct signature *s)
{
        json_member_text(w, "fact", "signature");
        if (s->fingerprint[0])
                json_member_text(w, "fingerprint", s->fingerprint);
        if (s->key[0])
                json_member_text(w, "key", s->key);
        if (s->signer[0])
                json_put_bytes(w, "signer", span_str(s->signer));
        json_member_text(w, "status", names[s->status]);
        if (s->time)
                json_member_int(w, "time", s->time);
}

void signature_put_verdict(struct json_writer *w, enum signature_status s)
{
        json_member_text(w, "fact", "verdict");
        json_member_text(w, "status", names[s]);
}

static void parse_signature(struct fact *f, struct signature *s)
{
        fact_maybe_text(f, "fingerprint", s->fingerprint, SIGNATURE_KEY_MAX);
        fact_maybe_text(f, "key", s->key, SIGNATURE_KEY_MAX);
        if (fact_has(f, "signer") || fact_has(f, "signer_b64"))
                fact_bytes(f, "signer", "signer_b64", s->signer, SIGNATURE_SIGNER_MAX);
        if (fact_has(f, "time"))
                s->time = (int64_t)fact_number(f, "time", JSON_INT_MAX);
}

int signature_parse(struct span fact, bool *ret_verdict, struct signature *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct signature s = { 0 };
        bool verdict = span_eq_str(fact_kind(&f), "verdict");
        int r;

        if (!verdict && !span_eq_str(fact_kind(&f), "signature"))
                return err_set(err, -EBADMSG, "fact: of no kind that belongs here");
        if (!verdict)
                parse_signature(&f, &s);
        s.status = (enum signature_status)fact_enum(&f, "status", names, SIGNATURE_STATUSES);
        r = fact_status(&f, err);
        if (r < 0)
                return r;
        *ret_verdict = verdict;
        *ret = s;
        return 0;
}
