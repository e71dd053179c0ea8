/* SPDX-License-Identifier: Apache-2.0 */
/* release_fact.h - what the job "release" tells, for those who start it.  Floor 1, pure.
 *
 * The job is started with two arguments,
 *
 *   INDEX    as the Release names it: "main/binary-amd64/Packages"
 *   SUFFIX   what the file at hand has behind that: "" or ".xz", ".lz4", ... (job/unpack.h)
 *
 * on the text of a Release as it was signed, nothing where there is none; further descriptors are
 * the index and the wanted SHA-256s of packages, 64 hex digits and a newline each.  It answers:
 *
 *   {"codename":"bookworm","date":1783763833,"fact":"release","suite":"stable","valid_until":...}
 *   {"architecture":"amd64","fact":"listed","package":"hello","sha256":"...","version":"2.10-3"}
 *                                      one per wanted package that the index lists
 *   {"fact":"index","listed":true,"sha256":"..."}
 * Times are seconds and, as suite and codename, left out where the Release has none that can be
 * read.  listed: the Release has the index under its name with the hash of the file, as it is or
 * unpacked; only then the packages are the Release's.  sha256: of the index, unpacked.
 *
 * SECURITY: facts come from a process that has read hostile bytes. */
#ifndef WIRE_RELEASE_FACT_H
#define WIRE_RELEASE_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        RELEASE_NAME_MAX = 255,
        RELEASE_HASH = 32,
        RELEASE_WANTED_MAX = 65536, /* packages asked for at once */
};

enum release_fact_kind { RELEASE_FACT_RELEASE, RELEASE_FACT_LISTED, RELEASE_FACT_INDEX };

struct release_fact {
        enum release_fact_kind kind;
        /* of the Release; "" and 0 where it has none */
        char suite[RELEASE_NAME_MAX + 1];
        char codename[RELEASE_NAME_MAX + 1];
        int64_t date, valid_until;
        /* of a package */
        char package[RELEASE_NAME_MAX + 1];
        char version[RELEASE_NAME_MAX + 1];
        char architecture[RELEASE_NAME_MAX + 1];
        /* of a package or the index */
        uint8_t sha256[RELEASE_HASH];
        bool listed; /* of the index */
};

/* The job's side: into an open object. */
void release_fact_put(struct json_writer *w, const struct release_fact *f);

/* -EBADMSG and the member. */
MUST_USE int release_fact_parse(struct span fact, struct release_fact *ret, struct err *err);

#endif
