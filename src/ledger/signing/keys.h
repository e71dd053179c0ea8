/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - signing keys on disk.  Floor 2.
 *
 * A log's is keys/log below the private directory.  Mode 0600, one line as
 * golang.org/x/mod/sumdb/note writes its private keys: PRIVATE+KEY+<name>+<hex8 key
 * ID>+<base64(type || seed)>. */
#ifndef LEDGER_KEYS_H
#define LEDGER_KEYS_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/signing/signer.h"
#include "sys/io.h"

/* Make a new key for this name in keys/<file>; -EEXIST when that is there. */
MUST_USE int keys_generate(int private_fd, const struct io *io, const char *file, struct span name,
                           struct err *err);
/* *ret is the caller's.  -EPERM: anybody but the owner may read or change the file. */
MUST_USE int keys_load(int private_fd, const struct io *io, const char *file, struct signer **ret,
                       struct err *err);

/* The same for a key anywhere: a path from the open directory dirfd (or AT_FDCWD) on; its own
 * directory for a new one. */
MUST_USE int keys_generate_file(int dirfd, const struct io *io, const char *file, struct span name,
                                struct err *err);
MUST_USE int keys_load_file(int dirfd, const struct io *io, const char *path, struct signer **ret,
                            struct err *err);

#endif
