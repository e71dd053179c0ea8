/* SPDX-License-Identifier: Apache-2.0 */
/* file_note.c - signing packages, and judging signatures.  Floor 2. */
#include "package/file.h"

#include "base/text.h"

enum { TEXT_MAX = 512 };

void package_note_text(const struct package_file *f, struct buf *out)
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(f->sha256, sizeof f->sha256), hex);
        buf_put_str(out, "assay package\n");
        buf_put(out, f->api);
        buf_put_byte(out, '\n');
        buf_put(out, f->version);
        buf_printf(out, "\n%s\n", hex);
}

/* The note and its text, which must be the package's. */
static int read_note(const struct package_file *f, struct note *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
        struct note note;
        int r = note_parse(f->note, &note, err);

        if (r < 0)
                return err_wrap(err, "signatures");
        package_note_text(f, &text);
        r = buf_status(&text);
        if (r < 0)
                return err_sys(err, r, "signatures");
        if (!span_eq(note.text, buf_span(&text)))
                return err_set(err, -EBADMSG, "signatures: they are of another package");
        *ret = note;
        return 0;
}

/* ---- signing ---- */

static bool has_signed(const struct note *note, const struct note_vkey *key)
{
        struct span rest = note->sigs;
        struct note_sig sig;

        while (note_next_sig(&rest, &sig))
                if (span_eq_str(sig.name, key->name) &&
                    memcmp(sig.keyid, key->keyid, NOTE_KEYID) == 0)
                        return true;
        return false;
}

static int check_key(const struct package_file *f, const struct signer *signer, struct err *err)
{
        struct note_vkey key;
        struct note note;
        int r;

        signer_vkey(signer, &key);
        if (key.alg != NOTE_ED25519)
                return err_set(err, -EINVAL, "key %s: packages are signed with Ed25519 keys",
                               key.name);
        if (f->note.n == 0)
                return 0;
        r = read_note(f, &note, err);
        if (r < 0)
                return r;
        if (has_signed(&note, &key))
                return err_set(err, -EEXIST, "key %s has signed this package already", key.name);
        if (note.n_sigs == NOTE_SIGS_MAX)
                return err_set(err, -E2BIG, "a package has %d signatures at most", NOTE_SIGS_MAX);
        return 0;
}

int package_file_sign(const struct package_file *f, const struct signer *signer, struct buf *out,
                      struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX), note = BUF_INIT(NOTE_MAX);
        int r = check_key(f, signer, err);

        if (r < 0)
                return r;
        package_note_text(f, &text);
        r = buf_status(&text);
        if (r < 0)
                return err_sys(err, r, "text to sign");
        buf_put(&note, f->note);
        if (f->note.n == 0) {
                buf_put(&note, buf_span(&text));
                buf_put_byte(&note, '\n');
        }
        r = signer_sign(signer, buf_span(&text), 0, &note, err);
        if (r < 0)
                return r;
        buf_put(out, buf_span(&note));
        r = buf_status(out);
        return r < 0 ? err_sys(err, r, "signatures") : 0;
}

/* ---- judging ---- */

/* 1: it has signed; 0: it has not. */
static int check_one(const struct note *note, struct span vkey, struct err *err)
{
        struct note_vkey key;
        int r = verifier_parse(vkey, &key, err);

        if (r < 0)
                return r;
        if (key.alg != NOTE_ED25519)
                return err_set(err, -EPROTONOSUPPORT,
                               "vkey %s: packages are signed with Ed25519 keys", key.name);
        r = verifier_check(&key, note, NULL, err);
        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : 1;
}

int package_file_verify(const struct package_file *f, const struct span *vkeys, size_t n,
                        size_t *ret_key, struct err *err)
{
        struct note note;
        size_t good = n;
        int r;

        if (f->note.n == 0)
                return err_set(err, -ENOKEY, "the package is not signed");
        r = read_note(f, &note, err);
        if (r < 0)
                return r;
        for (size_t i = n; i-- > 0;) {
                r = check_one(&note, vkeys[i], err);
                if (r < 0)
                        return err_wrap(err, "signatures");
                if (r > 0)
                        good = i;
        }
        if (good == n)
                return err_set(err, -ENOKEY, "the package is not signed by a key that is trusted");
        *ret_key = good;
        return 0;
}
