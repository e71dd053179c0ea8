/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/signing/signer.h"

#include "base/text.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"

#include <stdlib.h>

enum { COSIGNATURE_TIME = 8 }; /* u64be seconds before the signature proper */

struct signer {
        struct note_vkey vkey;
        struct ed25519 *key;
};

void signer_keyid(struct span name, uint8_t alg, struct span pub, uint8_t out[NOTE_KEYID])
{
        uint8_t text[NOTE_NAME_MAX + 2 + sizeof((struct note_vkey *)NULL)->key];
        uint8_t digest[SHA256_LEN];
        size_t n = name.n;

        assert(name.n <= NOTE_NAME_MAX && pub.n <= sizeof text - NOTE_NAME_MAX - 2);
        memcpy(text, name.p, name.n);
        text[n++] = '\n';
        text[n++] = alg;
        memcpy(text + n, pub.p, pub.n);
        sha256(span_of(text, n + pub.n), digest);
        memcpy(out, digest, NOTE_KEYID);
}

static void put_u64be(uint8_t out[8], uint64_t v)
{
        for (int i = 7; i >= 0; i--, v >>= 8)
                out[i] = (uint8_t)v;
}

static uint64_t get_u64be(const uint8_t p[8])
{
        uint64_t v = 0;

        for (int i = 0; i < 8; i++)
                v = v << 8 | p[i];
        return v;
}

/* ---- signing ---- */

int signer_new(struct span name, enum note_alg alg, const uint8_t seed[ED25519_SEED],
               struct signer **ret, struct err *err)
{
        CLEANUP(signer_freep) struct signer *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return err_set(err, -ENOMEM, "signer: out of memory");
        if (!note_name_ok(name))
                return err_set(err, -EINVAL,
                               "key name: 1 to %d bytes of UTF-8 without blanks and without +",
                               NOTE_NAME_MAX);
        if (alg != NOTE_ED25519 && alg != NOTE_COSIGNATURE_V1)
                return err_set(err, -EPROTONOSUPPORT, "signer: cannot sign with a key of type %d",
                               (int)alg);
        r = ed25519_from_seed(seed, &s->key, err);
        if (r)
                return r;
        memcpy(s->vkey.name, name.p, name.n);
        s->vkey.alg = (uint8_t)alg;
        s->vkey.key_n = ED25519_PUBLIC;
        ed25519_public(s->key, s->vkey.key);
        signer_keyid(name, s->vkey.alg, span_of(s->vkey.key, ED25519_PUBLIC), s->vkey.keyid);
        *ret = s;
        s = NULL;
        return 0;
}

struct signer *signer_free(struct signer *s)
{
        if (s)
                ed25519_free(s->key);
        free(s);
        return NULL;
}

void signer_vkey(const struct signer *s, struct note_vkey *ret)
{
        *ret = s->vkey;
}

/* The bytes a signature of this type covers. */
static int put_signed(struct buf *out, uint8_t alg, uint64_t seconds, struct span text,
                      struct err *err)
{
        int r;

        if (alg == NOTE_COSIGNATURE_V1)
                cosignature_put_message(out, seconds, text);
        else
                buf_put(out, text);
        r = buf_status(out);
        if (r == -ENOMEM)
                return err_set(err, r, "note: no memory to sign or to check it");
        return r ? err_set(err, r, "note: text of %zu bytes is too long to sign or to check",
                           text.n)
                 : 0;
}

int signer_sign(const struct signer *s, struct span text, uint64_t seconds, struct buf *out,
                struct err *err)
{
        CLEANUP(buf_done) struct buf msg = BUF_INIT(NOTE_MAX + 64);
        uint8_t sig[COSIGNATURE_TIME + ED25519_SIG];
        size_t skip = s->vkey.alg == NOTE_COSIGNATURE_V1 ? COSIGNATURE_TIME : 0;
        int r;

        r = put_signed(&msg, s->vkey.alg, seconds, text, err);
        if (!r)
                r = ed25519_sign(s->key, buf_span(&msg), sig + skip, err);
        if (r)
                return r;
        if (skip)
                put_u64be(sig, seconds);
        note_put_sig(out, span_str(s->vkey.name), s->vkey.keyid, span_of(sig, skip + ED25519_SIG));
        r = buf_status(out);
        return r ? err_set(err, r, "signer: no room for the signature") : 0;
}

/* ---- judging ---- */

int verifier_parse(struct span vkey, struct note_vkey *ret, struct err *err)
{
        uint8_t keyid[NOTE_KEYID];
        char want[2 * NOTE_KEYID + 1];
        struct note_vkey k;
        int r;

        r = note_vkey_parse(vkey, &k, err);
        if (r)
                return r;
        if (k.alg != NOTE_ED25519 && k.alg != NOTE_COSIGNATURE_V1)
                return err_set(err, -EPROTONOSUPPORT, "vkey %s: keys of type %u are not supported",
                               k.name, k.alg);
        signer_keyid(span_str(k.name), k.alg, span_of(k.key, k.key_n), keyid);
        if (memcmp(keyid, k.keyid, NOTE_KEYID) != 0) {
                text_hex(span_of(keyid, NOTE_KEYID), want);
                return err_set(err, -EBADMSG, "vkey %s: the key ID does not fit the key, it is %s",
                               k.name, want);
        }
        *ret = k;
        return 0;
}

static int check_one(const struct note_vkey *key, const struct note_sig *sig, struct span text,
                     uint64_t *ret_seconds, struct err *err)
{
        CLEANUP(buf_done) struct buf msg = BUF_INIT(NOTE_MAX + 64);
        CLEANUP(ed25519_freep) struct ed25519 *pub = NULL;
        size_t skip = key->alg == NOTE_COSIGNATURE_V1 ? COSIGNATURE_TIME : 0;
        uint64_t seconds = 0;
        int r;

        if (sig->sig_n != skip + ED25519_SIG)
                return err_set(err, -EBADMSG, "note: signature of %s has %zu bytes, not %zu",
                               key->name, sig->sig_n, skip + ED25519_SIG);
        if (skip)
                seconds = get_u64be(sig->sig);
        r = put_signed(&msg, key->alg, seconds, text, err);
        if (!r)
                r = ed25519_from_public(key->key, &pub, err);
        if (!r)
                r = ed25519_verify(pub, buf_span(&msg), sig->sig + skip, err);
        if (r == -EBADMSG)
                return err_set(err, r, "note: the signature of %s does not hold", key->name);
        if (!r)
                *ret_seconds = seconds;
        return r;
}

int verifier_check(const struct note_vkey *key, const struct note *note, uint64_t *ret_seconds,
                   struct err *err)
{
        struct span rest = note->sigs;
        uint64_t seconds = 0;
        struct note_sig sig;
        bool found = false;
        int r;

        while (note_next_sig(&rest, &sig)) {
                if (!span_eq_str(sig.name, key->name) ||
                    memcmp(sig.keyid, key->keyid, NOTE_KEYID) != 0)
                        continue;
                /* Each signature of a known key must hold; a second one cannot hide a bad first. */
                r = check_one(key, &sig, note->text, &seconds, err);
                if (r)
                        return r;
                found = true;
        }
        if (!found)
                return err_set(err, -ENOENT, "note: no signature of %s", key->name);
        if (ret_seconds)
                *ret_seconds = seconds;
        return 0;
}

int verifier_open_checkpoint(const struct note_vkey *key, struct span bytes, struct checkpoint *ret,
                             struct err *err)
{
        struct checkpoint c;
        struct note note;
        int r;

        r = note_parse(bytes, &note, err);
        if (!r)
                r = verifier_check(key, &note, NULL, err);
        if (!r)
                r = checkpoint_parse(note.text, &c, err);
        if (r)
                return r;
        if (key->alg == NOTE_ED25519 && strcmp(c.origin, key->name) != 0)
                return err_set(err, -EBADMSG, "checkpoint: origin %s, but the key is %s's",
                               c.origin, key->name);
        *ret = c;
        return 0;
}

int verifier_compare(const struct checkpoint *published, const struct checkpoint *kept,
                     struct err *err)
{
        if (published->size < kept->size ||
            (published->size == kept->size && hash_eq(&published->root, &kept->root)))
                return 0;
        return err_set(
                err, -EBADMSG,
                "checkpoint (size %llu) and the private copy (size %llu) disagree: %s; to go "
                "on from it would make a second history",
                (unsigned long long)published->size, (unsigned long long)kept->size,
                published->size == kept->size ? "one is of another history"
                                              : "a rollback of the private half");
}
