/* SPDX-License-Identifier: Apache-2.0 */
/* api_package.h - a package file that a user names, and who has signed it.  Floor 3. */
#ifndef COMMAND_API_API_PACKAGE_H
#define COMMAND_API_API_PACKAGE_H

#include "command/command.h"
#include "package/file.h"
#include "wire/json.h"

struct api_package {
        uint8_t *bytes;
        struct arena arena;
        struct package_file file; /* borrows from bytes */
};

/* Reads and checks all of it but signatures and what its sections hold; errors name the file.  "-"
 * is standard input. */
MUST_USE int api_package_read(const char *path, struct api_package *ret, struct err *err);
void api_package_done(struct api_package *p); /* fine on a zeroed one */

/* "accounts 1.4.0" of its API, or what an error calls it. */
void api_package_put_title(const struct package_file *f, struct buf *out);

enum api_signature_state {
        API_SIGNATURE_GOOD,
        API_SIGNATURE_BAD,
        API_SIGNATURE_UNJUDGED, /* by a key that was not given */
};

struct api_signature {
        struct span name;
        uint8_t keyid[NOTE_KEYID];
        enum api_signature_state state;
};

/* Who has signed, and of those whose keys ("name+hash+base64") are given, whether it holds.
 * ret has room for NOTE_SIGS_MAX.  -EBADMSG: the note is of another package; what verifier_parse()
 * says of a key that is none. */
MUST_USE int api_package_signatures(const struct package_file *f, const struct option_texts *keys,
                                    struct api_signature *ret, size_t *ret_n, struct err *err);

#endif
