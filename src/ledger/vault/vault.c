/* SPDX-License-Identifier: Apache-2.0 */
/* vault.c - opening, subjects by name, hold and erasure.  Files in vault_priv.h.
 *
 * SECURITY: labels come from local writers and administrators. */
#include "ledger/vault/vault.h"

#include "base/text.h"
#include "ledger/files/missing.h"
#include "ledger/vault/vault_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ERASED_BYTES = VAULT_SUBJECTS_MAX / 8 + 1 };

/* ---- names ---- */

static void put_id(const uint8_t id[SUBJECT_ID], char out[ENTRY_SUBJECT_LEN + 1])
{
        struct buf text = BUF_INIT(ENTRY_SUBJECT_LEN + 1);

        text_put_base64url(&text, span_of(id, SUBJECT_ID));
        memcpy(out, buf_cstr(&text), ENTRY_SUBJECT_LEN + 1);
        buf_done(&text);
}

int vault_subject_of(struct vault *v, struct span label, char ret_id[ENTRY_SUBJECT_LEN + 1],
                     struct err *err)
{
        uint8_t tag[SUBJECT_TAG];
        struct slot slot;
        uint32_t n;
        int r;

        vault_label_tag(v, label, tag);
        r = vault_find_tag(v, tag, &n, &slot, err);
        if (r < 0)
                return r;
        if (r == 0)
                return err_set(err, -ENOENT, "the vault knows no subject of that name");
        put_id(slot.id, ret_id);
        wipe(&slot, sizeof slot);
        return 0;
}

static bool get_id(struct span text, uint8_t ret[SUBJECT_ID])
{
        size_t n;

        return text_from_base64url(text, ret, SUBJECT_ID, &n) == 0 && n == SUBJECT_ID;
}

int vault_find_slot(struct vault *v, struct span id, uint32_t *ret_n, struct slot *ret,
                    struct err *err)
{
        uint8_t want[SUBJECT_ID];
        int r;

        if (!get_id(id, want))
                return err_set(err, -EINVAL, "\"%.*s\" is no subject id", (int)id.n,
                               (const char *)id.p);
        r = vault_find_id(v, want, ret_n, ret, err);
        if (r < 0)
                return r;
        return r ? 0
                 : err_set(err, -ENOENT, "the vault knows no subject %.*s", (int)id.n,
                           (const char *)id.p);
}

/* Of slot.label_n - SEAL_EXTRA bytes. */
static int open_label(const struct slot *slot, uint8_t *ret, struct err *err)
{
        CLEANUP(seal_freep) struct seal *seal = seal_new(slot->key);

        if (!seal)
                return err_sys(err, -ENOMEM, "label");
        return seal_open(seal, span_of(slot->label, slot->label_n), span_of(slot->id, SUBJECT_ID),
                         ret, err);
}

int vault_label_of(struct vault *v, struct span id, struct buf *ret, struct err *err)
{
        struct slot slot;
        uint8_t *label;
        uint32_t n;
        int r;

        r = vault_find_slot(v, id, &n, &slot, err);
        if (r < 0)
                return r;
        if (slot_is_gone(&slot) || slot.label_n < SEAL_EXTRA)
                return err_set(err, -ENOENT, "the subject was erased");
        label = buf_extend(ret, slot.label_n - SEAL_EXTRA);
        r = label ? open_label(&slot, label, err) : err_sys(err, -ENOMEM, "label");
        wipe(&slot, sizeof slot);
        return r;
}

int vault_is_erased(struct vault *v, struct span id, struct err *err)
{
        uint8_t want[SUBJECT_ID];
        struct slot slot = { 0 };
        uint32_t n;
        int r = get_id(id, want) ? vault_look_up_id(v, want, &n, &slot, err) : 0;

        if (r == 1)
                r = slot_is_gone(&slot);
        wipe(&slot, sizeof slot);
        return r;
}

uint32_t vault_subjects(const struct vault *v)
{
        return v->n_slots - 1;
}

void vault_limit(struct vault *v, uint32_t most)
{
        v->most = MIN_OF(most, (uint32_t)VAULT_SUBJECTS_MAX);
}

/* ---- hold and erasure ---- */

int vault_hold(struct vault *v, struct span id, bool on, struct err *err)
{
        struct slot slot;
        uint32_t n;
        int r;

        r = vault_find_slot(v, id, &n, &slot, err);
        if (r < 0)
                return r;
        if (slot_is_gone(&slot))
                return err_set(err, -ENOENT, "the subject was erased");
        slot.state = on ? SLOT_HELD : SLOT_LIVE;
        r = vault_write_slot(v, n, &slot, err);
        wipe(&slot, sizeof slot);
        return r < 0 ? r : vault_sync(v, err);
}

bool vault_is_held(struct vault *v, struct span id)
{
        struct slot slot;
        uint32_t n;
        bool held = vault_find_slot(v, id, &n, &slot, NULL) == 0 && slot.state == SLOT_HELD;

        wipe(&slot, sizeof slot);
        return held;
}

int vault_slot_of(struct vault *v, struct span id, uint32_t *ret, struct err *err)
{
        struct slot slot;
        int r = vault_find_slot(v, id, ret, &slot, err);

        wipe(&slot, sizeof slot);
        return r;
}

int vault_erase_key(struct vault *v, uint32_t n, struct err *err)
{
        struct slot slot, empty = { .state = SLOT_ERASING };
        int r = vault_read_slot(v, n, &slot, err);

        if (r == 0 && slot.state == SLOT_HELD)
                r = err_set(err, -EBUSY, "the subject is under a legal hold");
        memcpy(empty.id, slot.id, SUBJECT_ID);
        wipe(&slot, sizeof slot);
        if (r == 0)
                r = vault_write_slot(v, n, &empty, err);
        if (r == 0)
                r = vault_sync(v, err);
        if (r < 0)
                return r;
        vault_mark_erased(v, n);
        for (size_t i = 0; i < VAULT_CACHE; i++)
                if (v->cache[i].ready && v->cache[i].slot == n)
                        vault_drop_subject(&v->cache[i]);
        return 0;
}

int vault_erase_end(struct vault *v, uint32_t n, struct err *err)
{
        struct slot slot;
        int r = vault_read_slot(v, n, &slot, err);

        if (r < 0)
                return r;
        assert(slot_is_gone(&slot));
        slot.state = SLOT_ERASED;
        r = vault_write_slot(v, n, &slot, err);
        return r < 0 ? r : vault_sync(v, err);
}

static int finish_erasing(struct vault *v, uint32_t n, struct err *err)
{
        int r = vault_remove_rows(v, n, err);

        return r < 0 ? r : vault_erase_end(v, n, err);
}

/* ---- opening ---- */

int vault_create(int private_fd, const struct io *io, struct err *err)
{
        uint8_t first[SLOT_BYTES] = { 0 }, key[SUBJECT_KEY];
        CLEANUP_FD int dir = -1;
        int r;

        /* Written last: without it an earlier attempt got no further and nothing was sealed. */
        if (faccessat(private_fd, "keys/subjects", F_OK, 0) == 0)
                return err_set(err, -EEXIST, "keys/subjects: there is a vault already");
        r = io_make_dirs(io, private_fd, "keys", 0700, err);
        if (r == 0)
                r = io_make_dirs(io, private_fd, "vault", 0700, err);
        if (r < 0)
                return r;
        dir = io->open(io->ctx, private_fd, "keys", O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
                return err_sys(err, dir, "keys");
        memcpy(first, vault_header, sizeof vault_header);
        random_bytes(key, sizeof key);
        r = io_replace_file(io, private_fd, "keys/vault", dir, 0600, span_of(key, sizeof key), err);
        wipe(key, sizeof key);
        if (r == 0)
                r = io_replace_file(io, private_fd, "keys/subjects", dir, 0600,
                                    span_of(first, sizeof first), err);
        return r;
}

/* Erasures that a crash or a full disk cut off.  Their keys are gone already; rows that cannot be
 * removed now do not keep the vault shut, the next start tries again. */
static void finish_erasures(struct vault *v)
{
        for (uint32_t i = 1; i < v->n_slots; i++) {
                struct slot slot;

                if (!vault_slot_is_erased(v, i) || vault_read_slot(v, i, &slot, NULL) < 0 ||
                    slot.state != SLOT_ERASING)
                        continue;
                if (finish_erasing(v, i, NULL) < 0)
                        return;
        }
}

static int load_tag_key(struct vault *v, struct err *err)
{
        uint8_t *key;
        size_t n;
        int r;

        r = io_read_file(&v->io, v->private_fd, "keys/vault", SUBJECT_KEY, &key, &n, err);
        if (r < 0)
                return r;
        if (n != SUBJECT_KEY)
                r = err_set(err, -EBADMSG, "keys/vault: %zu bytes are no key", n);
        else if (!(v->tags = hmac_key_new(span_of(key, n))))
                r = err_sys(err, -ENOMEM, "keys/vault");
        wipe(key, n);
        free(key);
        return r;
}

static int check_tag(struct vault *v, uint32_t n, const struct slot *slot, struct err *err)
{
        uint8_t label[VAULT_LABEL_MAX + SEAL_EXTRA], tag[SUBJECT_TAG];
        int r = slot->label_n > SEAL_EXTRA ? open_label(slot, label, NULL) : -EBADMSG;

        if (r == -ENOMEM)
                return err_sys(err, r, "vault");
        if (r < 0)
                return err_set(err, r, "keys/subjects: slot %u has no name", n);
        vault_label_tag(v, span_of(label, slot->label_n - SEAL_EXTRA), tag);
        wipe(label, sizeof label);
        if (secret_eq(tag, slot->tag, SUBJECT_TAG))
                return 0;
        return err_set(
                err, -EBADMSG,
                "keys/vault: not the key that the names in keys/subjects are found by: it is "
                "damaged, or of another vault");
}

/* The key's file is nothing but the key.  Under a wrong one no name would be found, and everybody
 * get a second id; each subject that still has a name can tell.  Where none has, no other key was
 * in use. */
static int check_tag_key(struct vault *v, struct err *err)
{
        struct slot slot = { 0 };
        int r = 0;

        for (uint32_t n = 1; n < v->n_slots && r == 0; n++) {
                if (vault_slot_is_erased(v, n))
                        continue;
                r = vault_read_slot(v, n, &slot, err);
                if (r < 0 || slot_is_gone(&slot) || slot.state == SLOT_FREE)
                        continue;
                r = check_tag(v, n, &slot, err);
                break;
        }
        wipe(&slot, sizeof slot);
        return r;
}

static int open_files(struct vault *v, struct err *err)
{
        v->rows_fd = v->io.open(v->io.ctx, v->private_fd, "vault", O_RDONLY | O_DIRECTORY, 0);
        if (v->rows_fd < 0)
                return err_sys(err, v->rows_fd, "vault");
        v->erased = calloc(ERASED_BYTES, 1);
        return v->erased ? 0 : err_sys(err, -ENOMEM, "vault");
}

int vault_open(int private_fd, const struct io *io, bool writable, struct vault **ret,
               struct err *err)
{
        CLEANUP(vault_freep) struct vault *v = calloc(1, sizeof *v);
        int r;

        if (!v)
                return err_sys(err, -ENOMEM, "vault");
        random_bytes(v->cache_key, sizeof v->cache_key);
        v->scratch = BUF_INIT(DISCLOSURE_MAX);
        v->io = *io;
        v->writable = writable;
        v->private_fd = private_fd;
        v->rows_fd = -1;
        v->most = VAULT_SUBJECTS_MAX;
        v->subjects_fd = io->open(io->ctx, private_fd, "keys/subjects",
                                  (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK, 0);
        if (v->subjects_fd < 0)
                return err_sys(err, v->subjects_fd, "keys/subjects");
        r = open_files(v, err);
        if (r == 0)
                r = load_tag_key(v, err);
        if (r == 0)
                r = vault_load_slots(v, err);
        if (r == 0)
                r = check_tag_key(v, err);
        if (r < 0)
                return missing(r, err);
        if (writable)
                finish_erasures(v);
        *ret = v;
        v = NULL;
        return 0;
}

struct vault *vault_free(struct vault *v)
{
        if (!v)
                return NULL;
        for (size_t i = 0; i < VAULT_CACHE; i++)
                if (v->cache[i].ready)
                        vault_drop_subject(&v->cache[i]);
        hmac_key_free(v->tags);
        filewriter_free(v->writer);
        fd_close(&v->subjects_fd);
        fd_close(&v->rows_fd);
        buf_done(&v->scratch);
        free(v->shown.bytes);
        for (size_t i = 0; i < TAG_PARTS; i++)
                free(v->part[i].at);
        free(v->ids.at);
        free(v->erased);
        free(v);
        return NULL;
}
