/* SPDX-License-Identifier: Apache-2.0 */
/* note.h - C2SP signed notes, checkpoints and verifier keys, as text.  Floor 1, pure.
 *
 *   <text, ends in \n> \n  then one or more  "— <name> <base64(keyid[4] || signature)>\n"
 * The dash is U+2014.  The signed text ends with the newline before the blank line; a note splits
 * at its last blank line.  Checkpoint text: <origin>\n<size>\n<base64 root>\n, extension lines are
 * kept but not understood.  Key IDs and signatures are judged in ledger/signing/signer.h, which may
 * hash.
 *
 * SECURITY: every parser here reads hostile bytes. */
#ifndef WIRE_NOTE_H
#define WIRE_NOTE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/proof.h"

enum {
        NOTE_MAX = 64 * 1024,
        NOTE_SIGS_MAX = 64,
        NOTE_NAME_MAX = 255,
        NOTE_KEYID = 4,
        NOTE_SIG_MAX = 4096, /* an ML-DSA-44 signature and more */
};

enum note_alg {
        NOTE_ED25519 = 0x01,
        NOTE_COSIGNATURE_V1 = 0x04,
        NOTE_ML_DSA_44 = 0x06, /* known by name, never verified yet */
};

struct note_sig {
        struct span name; /* into the note */
        uint8_t keyid[NOTE_KEYID];
        uint8_t sig[NOTE_SIG_MAX];
        size_t sig_n;
};

/* The text and where the signature lines begin; lines are walked with note_next_sig. */
struct note {
        struct span text; /* the signed text, its newline included */
        struct span sigs; /* the signature lines */
        size_t n_sigs;    /* checked: 1..NOTE_SIGS_MAX, each well formed */
};

/* -EBADMSG and what is wrong on which line. */
MUST_USE int note_parse(struct span s, struct note *ret, struct err *err);

/* Walk: start with *rest = note.sigs.  false at the end.  Lines were checked by note_parse. */
bool note_next_sig(struct span *rest, struct note_sig *ret);

/* Append one signature line. */
void note_put_sig(struct buf *out, struct span name, const uint8_t keyid[NOTE_KEYID],
                  struct span sig);

/* A key name: not empty, UTF-8, no blank, no control character, no plus; at most NOTE_NAME_MAX. */
bool note_name_ok(struct span name);

/* What a new log may be called: a key's name that is a URL without its scheme, with nothing
 * invisible in it and no segment that is empty or of dots. */
bool note_origin_ok(struct span origin);

/* name+hex8(keyid)+base64(type || key), split at the first two pluses. */
struct note_vkey {
        char name[NOTE_NAME_MAX + 1];
        uint8_t keyid[NOTE_KEYID];
        uint8_t alg; /* enum note_alg or unknown */
        uint8_t key[1312 + 1];
        size_t key_n;
};
MUST_USE int note_vkey_parse(struct span s, struct note_vkey *ret, struct err *err);
void note_vkey_put(struct buf *out, const struct note_vkey *k);

struct checkpoint {
        char origin[NOTE_NAME_MAX + 1];
        uint64_t size;
        struct hash root;
        struct span extensions; /* the lines after the root, usually none; into the text */
};

/* The body (a note's text).  Size: strict decimal; root: strict base64 of 32 bytes. */
MUST_USE int checkpoint_parse(struct span text, struct checkpoint *ret, struct err *err);
void checkpoint_put(struct buf *out, const struct checkpoint *c);

/* What a cosignature/v1 signs: "cosignature/v1\ntime <seconds>\n" || text. */
void cosignature_put_message(struct buf *out, uint64_t seconds, struct span text);

#endif
