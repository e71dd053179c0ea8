/* SPDX-License-Identifier: Apache-2.0 */
/* verify_succession.c - from a ledger that was closed to the one that goes on.
 *
 * The last entry of the old one names the new one and its key, under the old one's signature; the
 * first entry of the new one cites the last checkpoint of the old.  Both have to fit: the first
 * keeps a stranger from claiming a past, the second the old one from having two futures unseen. */
#include "ledger/verify/verify_priv.h"

#include "base/text.h"

/* Text and terminator into out; false where it is not there, or too long. */
static bool get_text(const struct entry *e, const char *name, char *out, size_t size)
{
        struct buf b = { .p = (uint8_t *)out, .cap = size - 1, .max = size - 1 }; /* never grows */
        struct json_value v;

        if (!e->what.raw.n || e->what.type != JSON_OBJECT || !json_get(e->what, name, &v) ||
            !json_value_text(v, &b) || buf_status(&b) < 0)
                return false;
        out[b.n] = '\0';
        return strlen(out) == b.n;
}

static bool get_u64(const struct entry *e, const char *name, uint64_t *ret)
{
        struct json_value v;
        struct span text;
        int64_t n;

        if (!json_get(e->what, name, &v))
                return false;
        if (json_value_plain(v, &text))
                return text_to_u64(text, ret) == 0;
        if (!json_value_int(v, &n) || n < 0)
                return false;
        *ret = (uint64_t)n;
        return true;
}

void verify_note_succeeded(struct verify *v, const struct entry *e)
{
        struct verify_link *l = &v->result->next;

        l->there = get_text(e, "next_origin", l->origin, sizeof l->origin) &&
                   get_text(e, "next_vkey", l->vkey, sizeof l->vkey);
}

void verify_note_opened(struct verify *v, const struct entry *e)
{
        struct verify_link *l = &v->result->previous;
        char root[2 * HASH_LEN + 1];

        l->there = get_text(e, "previous_origin", l->origin, sizeof l->origin) &&
                   get_text(e, "previous_vkey", l->vkey, sizeof l->vkey) &&
                   get_text(e, "previous_root", root, sizeof root) &&
                   text_from_hex(span_str(root), l->root.b, HASH_LEN) == 0 &&
                   get_u64(e, "previous_size", &l->size);
}

static void say(struct verify *v, const char *what, const char *here, const char *there)
{
        verify_say(v, VERIFY_SUCCESSION, "", VERIFY_NOWHERE, VERIFY_NOWHERE,
                   "%s does not go on from %s: %s %s, not %s", v->result->origin,
                   v->o->predecessor->origin, what, here, there);
}

/* What the old one says of this one. */
static bool is_named(struct verify *v, const struct verify_link *next)
{
        struct buf key = BUF_INIT(VERIFY_VKEY_MAX);
        bool good = false;

        note_vkey_put(&key, v->log_key);
        if (!next->there)
                verify_say(
                        v, VERIFY_SUCCESSION, "", VERIFY_NOWHERE, VERIFY_NOWHERE,
                        "%s does not end with an entry ledger.succeeded: nothing goes on from it",
                        v->o->predecessor->origin);
        else if (strcmp(next->origin, v->result->origin) != 0)
                say(v, "that names", next->origin, v->result->origin);
        else if (!span_eq_str(buf_span(&key), next->vkey))
                say(v, "that names the key", next->vkey, buf_cstr(&key));
        else
                good = true;
        buf_done(&key);
        return good;
}

/* What this one says of the old one. */
static bool cites(struct verify *v, const struct verify_link *l)
{
        const struct verify_result *old = v->o->predecessor;
        char size[2][TEXT_U64_MAX + 1], root[2][2 * HASH_LEN + 1];

        text_u64(l->size, size[0]);
        text_u64(old->size, size[1]);
        text_hex(span_of(l->root.b, HASH_LEN), root[0]);
        text_hex(span_of(old->root.b, HASH_LEN), root[1]);
        if (!l->there)
                verify_say(v, VERIFY_SUCCESSION, "", VERIFY_NOWHERE, 0,
                           "%s: its first entry cites no ledger before it", v->result->origin);
        else if (strcmp(l->origin, old->origin) != 0)
                say(v, "it cites", l->origin, old->origin);
        else if (l->size != old->size)
                say(v, "it cites the size", size[0], size[1]);
        else if (memcmp(l->root.b, old->root.b, HASH_LEN) != 0)
                say(v, "it cites the root", root[0], root[1]);
        else if (strcmp(l->vkey, old->vkey) != 0)
                say(v, "it cites the key", l->vkey, old->vkey);
        else
                return true;
        return false;
}

void verify_succession(struct verify *v)
{
        bool named = is_named(v, &v->o->predecessor->next);

        if (v->pruned > 0 && !v->result->previous.there) {
                verify_say(v, VERIFY_SUCCESSION_PRUNED, "pruned", VERIFY_NOWHERE, 0,
                           "the entry in which %s cites %s was pruned: only the older one's word "
                           "is left",
                           v->result->origin, v->o->predecessor->origin);
                v->result->succeeds = named;
                return;
        }
        if (v->checkpoint.size == 0) {
                verify_say(v, VERIFY_SUCCESSION_EMPTY, "", VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s has no entry yet: the first, which its recorder writes when it "
                           "starts, has to cite %s",
                           v->result->origin, v->o->predecessor->origin);
                return;
        }
        v->result->succeeds = cites(v, &v->result->previous) && named;
}
