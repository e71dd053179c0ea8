/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - a package as one immutable file: written, read, signed.  Floor 2.
 *
 *   offset  bytes
 *   0       16   "assay package 1\n"
 *   16      4    M, little-endian: bytes of the manifest
 *   20      M    manifest, canonical JSON:
 *                {"api":"accounts","format":1,"sections":[["api",SIZE,"<sha256>"],...],
 *                 "sources":[["backend.yaml",SIZE,"<sha256>"],...],"version":"1.4.0"}
 *           ...  the sections in that order, then the sources in order of their paths, nothing
 *                between them
 *   S            signatures: a signed note (wire/note.h) whose text is
 *                "assay package\n<api>\n<version>\n<sha256 of bytes 0 to S, hex>\n", or nothing
 *
 * Sections, all of them and in this order: "api" (model_file.h), "schema.cedarschema" (derived),
 * "policy.cedar", "entities.json".  What is signed is everything before S; its SHA-256 names the
 * package.  The same sources and the same version of Assay make the same bytes; the sources are in
 * it, so that anybody can build it again and compare.  Keys are those of the ledger's notes
 * (ledger/signing/keys.h, ledger/signing/signer.h): Ed25519.  A ledger's key signs no package by
 * mistake, nor the other way round: what a log signs begins with its name, which has no blank.
 *
 * SECURITY: package_file_read() reads hostile bytes. */
#ifndef PACKAGE_FILE_H
#define PACKAGE_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "ledger/signing/signer.h"

enum {
        PACKAGE_FILE_MAX = 64 << 20, /* body and note; the note has NOTE_MAX of it */
        PACKAGE_MANIFEST_MAX = 1 << 20,
        PACKAGE_SOURCES_MAX = 256,
        PACKAGE_PATH_MAX = 255,
        PACKAGE_VERSION_MAX = 64,
        PACKAGE_HASH = 32,
};

enum package_section {
        PACKAGE_API,
        PACKAGE_SCHEMA,
        PACKAGE_POLICY,
        PACKAGE_ENTITIES,
        PACKAGE_SECTIONS,
};
const char *package_section_name(enum package_section s);

struct package_source {
        struct span path; /* package_path_ok() */
        struct span text;
};

struct package_file {
        struct span api, version;
        struct span section[PACKAGE_SECTIONS];
        const struct package_source *sources; /* ascending by path */
        uint32_t n_sources;
        struct span body;             /* what is signed */
        uint8_t sha256[PACKAGE_HASH]; /* of body */
        struct span note;             /* empty: not signed */
};

/* version: 1 to PACKAGE_VERSION_MAX of [A-Za-z0-9.+_-], beginning with a letter or digit. */
bool package_version_ok(struct span version);
bool package_api_ok(struct span name); /* [a-z][a-z0-9-]{0,62} */
/* As commit_path_ok(), and of UTF-8 without control characters, quotes and backslashes. */
bool package_path_ok(struct span path);

/* Appends the body; f->body, sha256 and note are not looked at.  -EINVAL: a name, the version, a
 * path or the order of the sources; -E2BIG, -ENOMEM. */
MUST_USE int package_file_put(struct buf *out, const struct package_file *f, struct err *err);

/* All hashes are checked, and that a note is well formed; its signatures are not.  Borrows from
 * bytes; the list of sources lies in arena.  -EBADMSG and what: "section policy.cedar: its SHA-256
 * is another"; -ENOMEM. */
MUST_USE int package_file_read(struct span bytes, struct arena *arena, struct package_file *ret,
                               struct err *err);

/* The text that is signed for this package. */
void package_note_text(const struct package_file *f, struct buf *out);

/* Appends the note that f is to have: what it has, and a signature of this key (NOTE_ED25519).
 * -EEXIST: this key has signed already; -EBADMSG: its note is of another package; -E2BIG: no more
 * signatures; -EINVAL: a key of another kind; -ENOMEM. */
MUST_USE int package_file_sign(const struct package_file *f, const struct signer *signer,
                               struct buf *out, struct err *err);

/* Is the note one for this package, with a good signature by one of these keys ("name+hash+base64",
 * n of them)?  *ret_key: the first such.  -ENOKEY: it has none, or none of these; -EBADMSG: the
 * note is of another package, or a signature of one of the keys is bad, whatever the others are; a
 * key that is none: what verifier_parse() says, -EPROTONOSUPPORT for one of another kind. */
MUST_USE int package_file_verify(const struct package_file *f, const struct span *vkeys, size_t n,
                                 size_t *ret_key, struct err *err);

#endif
