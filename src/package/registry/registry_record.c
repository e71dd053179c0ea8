/* SPDX-License-Identifier: Apache-2.0 */
/* registry_record.c - records of acts, by one table: a row is a member of "what". */
#include "package/registry/registry_record.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "wire/fact.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const entries[] = {
        [REGISTRY_APPROVED] = "api.approved",       [REGISTRY_DEPLOYED] = "api.deployed",
        [REGISTRY_PUSHED] = "api.pushed",           [REGISTRY_REFUSED] = "api.refused",
        [REGISTRY_ROLLED_BACK] = "api.rolled_back", [REGISTRY_WITHDRAWN] = "api.withdrawn",
};

const char *registry_act_entry(enum registry_act_kind k)
{
        return entries[k];
}

enum form { TEXT, BYTES, DIGEST, NUMBER, TIME, TIPS, ON };

enum {
        APPROVED = 1u << REGISTRY_APPROVED,
        DEPLOYED = 1u << REGISTRY_DEPLOYED,
        PUSHED = 1u << REGISTRY_PUSHED,
        REFUSED = 1u << REGISTRY_REFUSED,
        ROLLED_BACK = 1u << REGISTRY_ROLLED_BACK,
        WITHDRAWN = 1u << REGISTRY_WITHDRAWN,
        SERVED = DEPLOYED | ROLLED_BACK,
};

#define AT(member)   offsetof(struct registry_record, member)
#define SIZE(member) sizeof(((struct registry_record *)NULL)->member)

/* Ascending by name. */
static const struct member {
        const char *name;
        enum form form;
        size_t at, size;
        unsigned must, may; /* kinds that have it, that may have it */
} members[] = {
        { "act", TEXT, AT(act), SIZE(act), REFUSED, 0 },
        { "api", TEXT, AT(api), SIZE(api), (unsigned)~REFUSED, REFUSED },
        { "approval", DIGEST, AT(approval), 0, APPROVED | DEPLOYED, REFUSED },
        { "approved_in", NUMBER, AT(approved_in), 0, ROLLED_BACK, 0 },
        { "approver_key", TEXT, AT(approver_key), SIZE(approver_key), DEPLOYED, 0 },
        { "branch", BYTES, AT(branch), SIZE(branch), 0, REFUSED },
        { "builder_key", TEXT, AT(builder_key), SIZE(builder_key), PUSHED, 0 },
        { "change", TEXT, AT(change), SIZE(change), APPROVED | DEPLOYED, REFUSED },
        { "commit", TEXT, AT(commit), SIZE(commit), DEPLOYED | PUSHED, REFUSED },
        { "detail", TEXT, AT(detail), SIZE(detail), REFUSED, 0 },
        { "directory", BYTES, AT(directory), SIZE(directory), PUSHED, 0 },
        { "file", DIGEST, AT(file), 0, 0, REFUSED },
        { "generation", NUMBER, AT(generation), 0, SERVED | WITHDRAWN, 0 },
        { "key", TEXT, AT(key), SIZE(key), APPROVED | PUSHED, REFUSED },
        { "on", ON, AT(tips), 0, PUSHED, 0 },
        { "path", BYTES, AT(path), SIZE(path), 0, REFUSED },
        { "previous", TEXT, AT(previous), SIZE(previous), WITHDRAWN, SERVED },
        { "previous_sha256", DIGEST, AT(previous_sha256), 0, WITHDRAWN, SERVED },
        { "reason", TEXT, AT(reason), SIZE(reason), REFUSED | ROLLED_BACK | WITHDRAWN, 0 },
        { "repository", TEXT, AT(repository), SIZE(repository), DEPLOYED | PUSHED, REFUSED },
        { "sha256", DIGEST, AT(sha256), 0, APPROVED | SERVED | PUSHED, REFUSED },
        { "signed", TEXT, AT(signed_), SIZE(signed_), 0, REFUSED },
        { "sources", NUMBER, AT(sources), 0, PUSHED, 0 },
        { "tip", TEXT, AT(tip), SIZE(tip), 0, REFUSED },
        { "tips", TIPS, AT(tips), 0, PUSHED, 0 },
        { "until", TIME, AT(until_ns), 0, APPROVED, 0 },
        { "version", TEXT, AT(version), SIZE(version), APPROVED | SERVED | PUSHED, REFUSED },
};

/* Values that a vault is to have. */
static const struct secret {
        const char *subject, *field, *field_b64;
        size_t at, size;
        unsigned may;
} secrets[] = {
        { "person:", "what.approver", NULL, AT(approver), SIZE(approver), APPROVED | DEPLOYED },
        { "person:", "what.author", NULL, AT(author), SIZE(author), DEPLOYED | PUSHED },
        { "signer:", "what.signer", "what.signer_b64", AT(signer), SIZE(signer), PUSHED },
};

static const uint8_t *in(const struct registry_record *r, size_t at)
{
        return (const uint8_t *)r + at;
}

void registry_key_id(const char *vkey, char out[REGISTRY_KEY_MAX + 1])
{
        const char *plus = strchr(vkey, '+');

        snprintf(out, REGISTRY_KEY_MAX + 1, "%.*s", 2 * NOTE_KEYID, plus ? plus + 1 : "");
}

/* ---- writing ---- */

static void put_tips(struct json_writer *w, const struct registry_record *r, bool on)
{
        json_begin_array(w);
        for (size_t i = 0; i < r->n_tips; i++) {
                const struct registry_tip *t = &r->tips[i];

                if (on && t->on)
                        json_put_string(w, span_str(t->ref));
                if (on || !t->tip[0])
                        continue;
                json_begin_array(w);
                json_put_string(w, span_str(t->ref));
                json_put_string(w, span_str(t->tip));
                json_end_array(w);
        }
        json_end_array(w);
}

static bool is_zero(const uint8_t *p, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (p[i])
                        return false;
        return true;
}

static bool is_known(const struct member *m, const uint8_t *at)
{
        switch (m->form) {
        case TEXT:
        case BYTES:
                return *at != '\0';
        case DIGEST:
                return !is_zero(at, PACKAGE_HASH);
        case NUMBER:
        case TIME:
                return !is_zero(at, sizeof(uint64_t));
        case TIPS:
        case ON:
                break;
        }
        return false;
}

static void put_member(struct json_writer *w, const struct registry_record *r,
                       const struct member *m)
{
        const uint8_t *at = in(r, m->at);
        char hex[2 * PACKAGE_HASH + 1];
        uint64_t number = 0;
        int64_t time = 0;

        switch (m->form) {
        case TEXT:
                json_member_text(w, m->name, (const char *)at);
                break;
        case BYTES:
                json_put_bytes(w, m->name, span_str((const char *)at));
                break;
        case DIGEST:
                text_hex(span_of(at, PACKAGE_HASH), hex);
                json_member_text(w, m->name, hex);
                break;
        case NUMBER:
                memcpy(&number, at, sizeof number);
                json_member_u64(w, m->name, number);
                break;
        case TIME:
                memcpy(&time, at, sizeof time);
                json_member_time(w, m->name, time);
                break;
        case TIPS:
        case ON:
                json_put_key(w, m->name);
                put_tips(w, r, m->form == ON);
                break;
        }
}

static void put_what(struct json_writer *w, const struct registry_record *r)
{
        unsigned kind = 1u << r->kind;

        json_begin_object(w);
        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
                const struct member *m = &members[i];

                if (m->must & kind || (m->may & kind && is_known(m, in(r, m->at))))
                        put_member(w, r, m);
        }
        json_end_object(w);
}

/* The recorder borrows it from what it is sent: no escapes; and a label is not long. */
static void put_subject(struct json_writer *w, const char *prefix, struct span value)
{
        enum { PLAIN_MAX = 100 }; /* and more than a hash has digits */
        char text[sizeof "signer:sha256:" + PLAIN_MAX];
        char hex[2 * SHA256_LEN + 1];
        uint8_t hash[SHA256_LEN];
        bool plain = value.n <= PLAIN_MAX && text_is_utf8(value, NULL);

        for (size_t i = 0; i < value.n; i++)
                plain = plain && value.p[i] >= ' ' && value.p[i] != '"' && value.p[i] != '\\';
        sha256(value, hash);
        text_hex(span_of(hash, sizeof hash), hex);
        if (plain)
                snprintf(text, sizeof text, "%s%.*s", prefix, (int)value.n, (const char *)value.p);
        else
                snprintf(text, sizeof text, "%ssha256:%s", prefix, hex);
        json_put_string(w, span_str(text));
}

static void put_secret(struct json_writer *w, const struct secret *s, struct span value)
{
        CLEANUP(buf_done)
        struct buf b64 = BUF_INIT(text_base64_len(SIGNATURE_SIGNER_MAX) + 1);
        bool utf8 = text_is_utf8(value, NULL);

        json_begin_array(w);
        put_subject(w, s->subject, value);
        json_put_string(w, span_str(utf8 || !s->field_b64 ? s->field : s->field_b64));
        if (!utf8)
                text_put_base64(&b64, value);
        if (buf_status(&b64) < 0)
                w->out->status = buf_status(&b64); /* as if it had failed there */
        else
                json_put_string(w, utf8 ? value : buf_span(&b64));
        json_end_array(w);
}

static void put_sensitive(struct json_writer *w, const struct registry_record *r)
{
        json_begin_array(w);
        for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
                struct span value = span_str((const char *)in(r, secrets[i].at));

                if (secrets[i].may & 1u << r->kind && value.n > 0)
                        put_secret(w, &secrets[i], value);
        }
        json_end_array(w);
}

void registry_record_put_what(const struct registry_record *r, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        put_what(&w, r);
}

void registry_record_put_sensitive(const struct registry_record *r, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        put_sensitive(&w, r);
}

void registry_record_put(const struct registry_record *r, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "by", r->by);
        json_member_u64(&w, "from", r->from);
        json_member_text(&w, "kind", entries[r->kind]);
        if (r->note[0])
                json_member_text(&w, "note", r->note);
        json_member_text(&w, "origin", r->origin);
        json_put_key(&w, "sensitive");
        put_sensitive(&w, r);
        json_member_time(&w, "time", r->time_ns);
        json_put_key(&w, "what");
        put_what(&w, r);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* ---- reading ---- */

static int64_t get_time(struct fact *f, const char *name)
{
        char text[TEXT_TIME_LEN + 1];
        int64_t ns = 0;

        fact_text(f, name, text, TEXT_TIME_LEN);
        if (!f->missing && text_to_time(span_str(text), &ns) < 0)
                fact_miss(f, name);
        return ns;
}

/* The branch of this name; a new one where there is room. */
static struct registry_tip *tip_of(struct registry_record *r, const char *ref)
{
        struct registry_tip *t = r->tips;

        for (; t < r->tips + r->n_tips; t++)
                if (strcmp(t->ref, ref) == 0)
                        return t;
        if (r->n_tips == REGISTRY_TIPS_MAX)
                return NULL;
        r->n_tips++;
        snprintf(t->ref, sizeof t->ref, "%s", ref);
        return t;
}

static bool get_id(struct json_value v, char out[COMMIT_ID_MAX + 1])
{
        uint8_t any[COMMIT_ID_MAX / 2];

        return fact_copy(v, out, COMMIT_ID_MAX) &&
               text_from_hex(span_str(out), any, sizeof any) == 0;
}

static bool get_tip(struct registry_record *r, struct json_value item)
{
        char ref[COMMIT_REF_MAX + 1];
        struct json_value part[2];
        struct registry_tip *t;

        if (!json_value_items(item, part, ARRAY_LEN(part)) ||
            !fact_copy(part[0], ref, COMMIT_REF_MAX))
                return false;
        t = tip_of(r, ref);
        return t && get_id(part[1], t->tip);
}

static bool get_on(struct registry_record *r, struct json_value item)
{
        char ref[COMMIT_REF_MAX + 1];
        struct registry_tip *t;

        if (!fact_copy(item, ref, COMMIT_REF_MAX))
                return false;
        t = tip_of(r, ref);
        if (t)
                t->on = true;
        return t != NULL;
}

static void get_list(struct fact *f, const char *name, struct registry_record *r,
                     bool (*get)(struct registry_record *, struct json_value))
{
        struct json_value list, item;
        struct json_iter it;

        if (!json_get(f->object, name, &list) || list.type != JSON_ARRAY) {
                fact_miss(f, name);
                return;
        }
        for (it = json_iter_of(list); json_next(&it, NULL, &item);)
                if (!get(r, item)) {
                        fact_miss(f, name);
                        return;
                }
}

static void get_member(struct fact *f, const struct member *m, struct registry_record *r)
{
        uint8_t *at = (uint8_t *)r + m->at;
        char b64[32];
        uint64_t number;
        int64_t time;

        switch (m->form) {
        case TEXT:
                fact_text(f, m->name, (char *)at, m->size - 1);
                break;
        case BYTES:
                snprintf(b64, sizeof b64, "%s_b64", m->name);
                fact_bytes(f, m->name, b64, (char *)at, m->size - 1);
                if (f->missing)
                        f->missing = m->name; /* not b64, which ends here */
                break;
        case DIGEST:
                fact_hex(f, m->name, at, PACKAGE_HASH);
                break;
        case NUMBER:
                number = fact_number(f, m->name, JSON_INT_MAX);
                memcpy(at, &number, sizeof number);
                break;
        case TIME:
                time = get_time(f, m->name);
                memcpy(at, &time, sizeof time);
                break;
        case TIPS:
                get_list(f, m->name, r, get_tip);
                break;
        case ON:
                break;
        }
}

static bool has_member(const struct fact *f, const struct member *m)
{
        char b64[32];

        snprintf(b64, sizeof b64, "%s_b64", m->name);
        return fact_has(f, m->name) || (m->form == BYTES && fact_has(f, b64));
}

static int read_what(struct fact *f, struct registry_record *r, struct err *err)
{
        unsigned kind = 1u << r->kind;

        for (size_t i = 0; i < ARRAY_LEN(members) && !f->missing; i++) {
                const struct member *m = &members[i];

                if (m->form != ON && (m->must & kind || (m->may & kind && has_member(f, m))))
                        get_member(f, m, r);
        }
        if (r->kind == REGISTRY_PUSHED && !f->missing) /* behind all tips, whose order counts */
                get_list(f, "on", r, get_on);
        /* They become names of files. */
        if (!f->missing && r->api[0] && !package_api_ok(span_str(r->api)))
                fact_miss(f, "api");
        if (!f->missing && r->version[0] && !package_version_ok(span_str(r->version)))
                fact_miss(f, "version");
        if (!f->missing && r->repository[0] && !registry_repository_ok(span_str(r->repository)))
                fact_miss(f, "repository");
        return fact_status(f, err);
}

static bool read_secret(struct registry_record *r, struct json_value item)
{
        struct json_value part[3];
        char field[32];
        size_t n;

        if (!json_value_items(item, part, ARRAY_LEN(part)) ||
            !fact_copy(part[1], field, sizeof field - 1))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
                const struct secret *s = &secrets[i];
                char *out = (char *)r + s->at;
                struct span text;

                if (strcmp(field, s->field) == 0)
                        return fact_copy(part[2], out, s->size - 1);
                if (!s->field_b64 || strcmp(field, s->field_b64) != 0)
                        continue;
                if (!json_value_plain(part[2], &text) ||
                    text_from_base64(text, (uint8_t *)out, s->size - 1, &n) < 0)
                        return false;
                out[n] = '\0';
                return !memchr(out, '\0', n);
        }
        return false;
}

static enum registry_act_kind kind_of(struct fact *f)
{
        return (enum registry_act_kind)fact_enum(f, "kind", entries, ARRAY_LEN(entries));
}

static int read_record(struct json_value object, struct registry_record *r, struct err *err)
{
        struct fact f = { .object = object };
        struct json_value what;
        int rc;

        r->kind = kind_of(&f);
        r->by = (uint32_t)fact_number(&f, "by", UINT32_MAX);
        r->from = fact_number(&f, "from", JSON_INT_MAX);
        fact_maybe_text(&f, "note", r->note, APPROVAL_MAX);
        fact_text(&f, "origin", r->origin, NOTE_NAME_MAX);
        r->time_ns = get_time(&f, "time");
        get_list(&f, "sensitive", r, read_secret);
        if (!f.missing && (!json_get(object, "what", &what) || what.type != JSON_OBJECT))
                fact_miss(&f, "what");
        rc = fact_status(&f, err);
        if (rc < 0)
                return rc;
        f = (struct fact){ .object = what };
        rc = read_what(&f, r, err);
        return rc < 0 ? (err_wrap(err, "what"), rc) : 0;
}

int registry_record_read(struct span text, struct registry_record *ret, struct err *err)
{
        struct registry_record *r;
        int rc;

        if (text.n == 0 || text.p[text.n - 1] != '\n')
                return err_set(err, -EBADMSG, "record: it does not end with a newline");
        text.n--;
        if (json_check(text, err) < 0)
                return err_wrap(err, "record"), -EBADMSG;
        r = calloc(1, sizeof *r);
        if (!r)
                return err_sys(err, -ENOMEM, "record");
        rc = read_record(json_value_of(text), r, err);
        if (rc == 0)
                *ret = *r;
        else
                err_wrap(err, "record");
        free(r);
        return rc;
}
