/* SPDX-License-Identifier: Apache-2.0 */
/* command_api.c - what an administrator did with the registry of APIs or with tokens, as entries.
 * Neither is ours to read: the kind's own table says what an entry of it must have. */
#include "recorder/command_priv.h"
#include "wire/entry.h"

enum { KEY_MAX = 64, VALUE_MAX = 1024 };

static const char *kind_of(struct span name)
{
        static const char *const kinds[] = { "api.approved",  "api.deployed",    "api.pushed",
                                             "api.refused",   "api.rolled_back", "api.withdrawn",
                                             "token.created", "token.revoked" };

        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                if (span_eq_str(name, kinds[i]))
                        return kinds[i];
        return NULL;
}

/* The members of "what", in the order they must have anyway. */
static int put_what(struct own_entry *e, struct json_value what, struct err *err)
{
        char key[KEY_MAX + 1];
        struct json_value v;
        struct json_iter it;
        struct span name;

        for (it = json_iter_of(what); json_next(&it, &name, &v);) {
                if (name.n > KEY_MAX)
                        return err_set(err, -EINVAL, "\"what\" has a member of no kind");
                memcpy(key, name.p, name.n);
                key[name.n] = '\0';
                json_member_raw(&e->w, key, v.raw);
        }
        return 0;
}

/* [subject, field, value], three texts; they are borrowed, so none may have an escape but the
 * value, which is kept as it is written. */
static int get_field(struct json_value item, struct vault_field *ret, struct err *err)
{
        struct json_value part[3];

        if (!json_value_items(item, part, ARRAY_LEN(part)) ||
            !json_value_plain(part[0], &ret->subject) || !json_value_plain(part[1], &ret->name) ||
            part[2].type != JSON_STRING)
                return err_set(err, -EINVAL, "\"sensitive\": [subject, field, text] each");
        ret->value = part[2].raw;
        if (ret->subject.n == 0 || ret->subject.n > VAULT_LABEL_MAX || ret->value.n > VALUE_MAX)
                return err_set(err, -EINVAL,
                               "\"sensitive\": a subject of 1 to %d bytes, a text of "
                               "at most %d",
                               VAULT_LABEL_MAX, VALUE_MAX);
        return 0;
}

static int get_fields(struct json_value args, struct vault_field fields[VAULT_FIELDS_MAX],
                      size_t *ret_n, struct err *err)
{
        struct json_value list, item;
        struct json_iter it;
        size_t n = 0;
        int rc = 0;

        if (!json_get(args, "sensitive", &list))
                return 0;
        if (list.type != JSON_ARRAY)
                return err_set(err, -EINVAL, "\"sensitive\" is a list");
        for (it = json_iter_of(list); rc == 0 && json_next(&it, NULL, &item);) {
                if (n == VAULT_FIELDS_MAX)
                        return err_set(err, -E2BIG, "\"sensitive\": at most %d", VAULT_FIELDS_MAX);
                rc = get_field(item, &fields[n++], err);
        }
        *ret_n = n;
        return rc;
}

int command_api(struct recorder *r, struct peer *p, struct json_value args, struct json_writer *w,
                struct err *err)
{
        struct vault_field fields[VAULT_FIELDS_MAX];
        struct json_value kind, what;
        struct span name = SPAN_NONE;
        struct own_entry e;
        size_t n_fields = 0;
        int rc;

        if (!json_get(args, "kind", &kind) || !json_value_plain(kind, &name) || !kind_of(name))
                return err_set(err, -EINVAL, "\"kind\" is none of the registry's or of tokens");
        if (!json_get(args, "what", &what) || what.type != JSON_OBJECT)
                return err_set(err, -EINVAL, "\"what\" is missing");
        rc = get_fields(args, fields, &n_fields, err);
        if (rc < 0)
                return rc;
        own_begin(r, &e, kind_of(name));
        rc = put_what(&e, what, err);
        if (rc == 0)
                rc = own_end_sealed(r, &e, p, fields, n_fields, err);
        if (rc < 0)
                return rc;
        rc = recorder_commit(r);
        if (rc < 0)
                return err_set(err, rc, "the ledger takes no entry: %s", strerror(-rc));
        json_member_u64(w, "index", ledger_size(r->ledger) - 1); /* nothing was staged behind it */
        return 0;
}
