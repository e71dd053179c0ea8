/* SPDX-License-Identifier: Apache-2.0 */
/* pathlist.h - a signed list of paths with their content: what an approved commit makes of a host.
 * Floor 1, pure.  Signing and judging are in ledger/signing/pathlist_seal.h, which may hash.
 *
 * One file: a C2SP signed note (wire/note.h), and behind its signatures the entries.
 *
 *   assay path list v1
 *   {"body":"<SHA-256 of the entries>","commit":"<40 hex>","entries":2,
 *    "expires":"2026-12-01T00:00:00.000000000Z","hosts":["web1"],"issued":"...",
 *    "maps":[{"at":"/etc","sub":"etc"}],"on":["refs/heads/main"],"origin":"infra","signed":"good",
 *    "signer":"SHA256:..."}
 *
 *   — deploy.example.org base64...
 *   {"mode":420,"path":"/etc/a","sha256":"<64 hex>"}
 *   {"path":"/etc/l","target":"a"}
 *
 * (the object of the second line is one line).  hosts is absent where the list is for every host.
 * Each entry is one canonical object and a newline; a path or target that is no UTF-8 is "..._b64".
 * Paths are absolute and plain, and ascend by byte without doubles, so one is found without reading
 * the rest.
 *
 * commit, on, signed (enum signature_status) and signer say where the list comes from: the commit,
 * the protected branches that had it in their history, and what its own signature was worth to the
 * one who signed the list.  expires is the first moment at which the list says nothing more.  A
 * list says what there is, never what there is not.
 *
 * SECURITY: pathlist_split() and pathlist_parse() read hostile bytes; the rest expects what they
 * accepted. */
#ifndef WIRE_PATHLIST_H
#define WIRE_PATHLIST_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/commit_fact.h"
#include "wire/entry.h"
#include "wire/note.h"
#include "wire/signature_fact.h"

enum {
        PATHLIST_MAX = 128 * 1024 * 1024,
        PATHLIST_ENTRIES_MAX = 500000,
        PATHLIST_MAPS_MAX = COMMIT_SUBS_MAX,
        PATHLIST_PATH_MAX = 4095,
        PATHLIST_ORIGIN_MAX = 255,
        PATHLIST_HOSTS_MAX = 64,
        PATHLIST_HASH = 32,
};

struct pathlist_map {
        char sub[PATHLIST_PATH_MAX + 1]; /* of the repository, "" for its top */
        char at[PATHLIST_PATH_MAX + 1];  /* of the host, absolute */
};

struct pathlist_header {
        char origin[PATHLIST_ORIGIN_MAX + 1]; /* what the repository is called */
        char commit[COMMIT_ID_MAX + 1];
        int64_t issued_ns, expires_ns; /* wall time */
        size_t n_hosts;                /* 0: every host */
        char host[PATHLIST_HOSTS_MAX][ENTRY_HOST_MAX + 1];
        size_t n_maps;
        struct pathlist_map map[PATHLIST_MAPS_MAX];
        size_t n_on;
        char on[COMMIT_REFS_MAX][COMMIT_REF_MAX + 1];
        enum signature_status signing;
        char signer[SIGNATURE_SIGNER_MAX + 1]; /* "" */
        uint32_t entries;
        uint8_t body[PATHLIST_HASH];
};

struct pathlist_entry {
        char path[PATHLIST_PATH_MAX + 1];
        bool link;
        uint32_t mode; /* of a file */
        uint8_t sha256[PATHLIST_HASH];
        char target[PATHLIST_PATH_MAX + 1]; /* of a link */
};

/* Absolute, names between single slashes, none of them "." or ".."; "/" alone is none. */
bool pathlist_path_ok(const char *path);

/* ---- reading ---- */

struct pathlist {
        struct span note; /* text and signatures, for note_parse(); into the file */
        struct span text; /* the header's line */
        struct span body; /* the entries */
        struct pathlist_header header;
};

/* Find the parts, and no more: so that signature and hash can be judged first.  -EBADMSG. */
MUST_USE int pathlist_split(struct span file, struct pathlist *ret, struct err *err);
/* The header, and form, order and number of all entries.  -EBADMSG and what is wrong where; then
 * l->header is spoilt. */
MUST_USE int pathlist_parse(struct pathlist *l, struct err *err);

/* Walk: start with *rest = list.body.  false at the end. */
bool pathlist_next(struct span *rest, struct pathlist_entry *ret);
/* By path, without reading most of it; false when it is not there. */
bool pathlist_find(const struct pathlist *l, const char *path, struct pathlist_entry *ret);
/* The first entry below this directory; false when there is none. */
bool pathlist_below(const struct pathlist *l, const char *dir, struct pathlist_entry *ret);
/* Is the list for this host? */
bool pathlist_is_for(const struct pathlist_header *h, struct span host);

/* ---- writing ---- */

/* An entry's line; the caller puts them in order. */
void pathlist_put_entry(struct buf *out, const struct pathlist_entry *e);
/* The note's text. */
void pathlist_put_text(struct buf *out, const struct pathlist_header *h);

#endif
