/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/signing/pathlist_seal.h"

#include "base/clock.h"
#include "crypto/sha256.h"

#include <stdlib.h>

#define CLOCKS_DIFFER_NS (300 * NS_PER_S) /* how far ahead a signer's clock may be */

int pathlist_seal(const struct pathlist_header *header, struct span entries, uint32_t n,
                  const struct signer *signer, struct buf *out, struct err *err)
{
        struct pathlist *check = malloc(sizeof *check);
        struct pathlist_header *h = malloc(sizeof *h);
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
        int r = check && h ? 0 : err_sys(err, -ENOMEM, "path list");

        if (r < 0)
                goto out;
        *h = *header;
        h->entries = n;
        sha256(entries, h->body);
        pathlist_put_text(&text, h);
        r = buf_status(&text);
        if (r < 0) {
                err_sys(err, r, "path list: header");
                goto out;
        }
        buf_put(out, buf_span(&text));
        buf_put_byte(out, '\n');
        r = signer_sign(signer, buf_span(&text), 0, out, err);
        if (r < 0)
                goto out;
        buf_put(out, entries);
        r = buf_status(out);
        if (r < 0)
                err_sys(err, r, "path list");
        else if (pathlist_split(buf_span(out), check, err) < 0 || pathlist_parse(check, err) < 0)
                r = -EINVAL;
out:
        free(h);
        free(check);
        return r;
}

static int find_key(const struct note *note, const struct note_vkey *keys, size_t n,
                    size_t *ret_key, struct err *err)
{
        int r;

        for (size_t i = 0; i < n; i++) {
                r = verifier_check(&keys[i], note, NULL, err);
                if (r == 0)
                        *ret_key = i;
                if (r != -ENOENT) /* one that is there and does not hold spoils the rest */
                        return r;
        }
        return err_set(err, -ENOKEY, "path list: signed by none of the %zu keys that may", n);
}

int pathlist_unseal(struct span file, const struct note_vkey *keys, size_t n_keys, int64_t now_ns,
                    struct pathlist *ret, size_t *ret_key, struct err *err)
{
        uint8_t hash[SHA256_LEN];
        struct note note;
        size_t key = 0;
        int r = pathlist_split(file, ret, err);

        if (r == 0)
                r = note_parse(ret->note, &note, err);
        if (r == 0)
                r = find_key(&note, keys, n_keys, &key, err);
        if (r == 0) /* nothing of it is believed before, and nothing understood */
                r = pathlist_parse(ret, err);
        if (r < 0)
                return r;
        sha256(ret->body, hash);
        if (memcmp(hash, ret->header.body, sizeof hash) != 0)
                return err_set(err, -EBADMSG, "path list: the entries are not those signed");
        if (now_ns >= ret->header.expires_ns)
                return err_set(err, -ESTALE, "path list: expired");
        if (ret->header.issued_ns > now_ns && ret->header.issued_ns - now_ns > CLOCKS_DIFFER_NS)
                return err_set(err, -ESTALE, "path list: issued in the future");
        if (ret_key)
                *ret_key = key;
        return 0;
}
