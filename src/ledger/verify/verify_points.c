/* SPDX-License-Identifier: Apache-2.0 */
/* verify_points.c - noted as the hash pass goes by: the roots of sizes at which something else was
 * signed, and the keys that rotations name. */
#include "ledger/verify/verify_hasher.h"

#include "crypto/sha256.h"
#include "ledger/signing/signer.h"

#include <stdlib.h>

static void point(struct hasher *h, struct verify_point *p, const struct hash *leaf,
                  uint64_t before)
{
        p->has_root = leaf && !h->lost;
        if (p->has_root)
                p->root = hasher_root_with(h, leaf, (unsigned)(p->size - before));
}

static void key_of_entry(struct verify_rotation *r, struct span entry)
{
        struct json_value vkey;
        struct span text;
        struct entry e;

        r->has_key = json_check(entry, NULL) == 0 && entry_parse(entry, &e, NULL) == 0 &&
                     span_eq_str(e.kind, "ledger.key_rotated") && e.what.raw.n &&
                     e.what.type == JSON_OBJECT && json_get(e.what, "vkey", &vkey) &&
                     json_value_plain(vkey, &text) && verifier_parse(text, &r->key, NULL) == 0 &&
                     r->key.alg == NOTE_ED25519;
}

/* The key that the entry right before a rotation names. */
static void rotation_key(struct hasher *h, struct verify_rotation *r, uint64_t before)
{
        const struct bundle *b = &h->bundle;
        unsigned i = (unsigned)(r->at.size - 1 - before);

        if (i < b->count)
                key_of_entry(r, span_of(b->file.p + b->at[i] + 2, b->at[i + 1] - b->at[i] - 2));
}

/* The same out of rotation/pruned: what proves the entry is its leaf. */
static void kept_key(struct hasher *h, struct verify_rotation *r, const struct hash *leaf,
                     uint64_t before)
{
        uint64_t index = r->at.size - 1;
        struct hash got;

        if (!r->kept.n || !leaf)
                return;
        sha256_leaf(r->kept, got.b);
        if (!hash_eq(&got, &leaf[index - before]))
                verify_say(h->v, VERIFY_ROTATION, ROTATION_KEPT_PATH,
                           (uint64_t)(r->kept.p - h->v->kept.p), index,
                           ROTATION_KEPT_PATH ": byte %zu: is not entry %llu, its hash is another",
                           (size_t)(r->kept.p - h->v->kept.p), (unsigned long long)index);
        else if (!r->has_key)
                key_of_entry(r, r->kept);
}

static bool is_noted(const struct verify *v, uint64_t size)
{
        return v->n_rotation > 0 && v->rotation[v->n_rotation - 1].at.size >= size;
}

/* A source without a list keeps its rotations to itself; the entries tell. */
static void find_rotations(struct hasher *h, uint64_t before)
{
        static const char kind[] = "\"ledger.key_rotated\"";
        const struct bundle *b = &h->bundle;
        struct verify *v = h->v;
        struct verify_rotation *p;

        if (v->result->listed || !b->present ||
            !memmem(b->file.p, b->file.n, kind, sizeof kind - 1))
                return;
        for (unsigned i = 0; i < b->count; i++) {
                struct verify_rotation r = { .at.size = before + i + 1 };

                if (is_noted(v, r.at.size))
                        continue; /* a bundle that was to be pruned and is still there */
                rotation_key(h, &r, before);
                if (!r.has_key || v->n_rotation == VERIFY_ROTATIONS_MAX)
                        continue;
                p = realloc(v->rotation, (v->n_rotation + 1) * sizeof *p);
                if (!p) {
                        v->failed = err_set(v->err, -ENOMEM, "verify: out of memory");
                        return;
                }
                v->rotation = p;
                v->rotation[v->n_rotation++] = r;
        }
}

void hasher_points(struct hasher *h, const struct hash *leaf, uint64_t before, unsigned width)
{
        struct verify *v = h->v;
        uint64_t end = before + width;

        find_rotations(h, before);
        for (; h->next_rotation < v->n_rotation; h->next_rotation++) {
                struct verify_rotation *r = &v->rotation[h->next_rotation];

                if (r->at.size > end)
                        break;
                point(h, &r->at, leaf, before);
                rotation_key(h, r, before);
                kept_key(h, r, leaf, before);
                verify_lead_on(v, r);
        }
        for (; h->next_stamp < v->n_stamp && v->stamp[h->next_stamp].at.size <= end;
             h->next_stamp++)
                point(h, &v->stamp[h->next_stamp].at, leaf, before);
        for (size_t i = 0; i < v->o->n_earlier; i++)
                if (v->earlier[i].size > before && v->earlier[i].size <= end)
                        point(h, &v->earlier[i], leaf, before);
}
