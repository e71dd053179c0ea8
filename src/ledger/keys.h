/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - a log's signing key on disk.  Floor 2.
 *
 * keys/log below the private directory, mode 0600, one line as golang.org/x/mod/sumdb/note writes
 * its private keys: PRIVATE+KEY+<name>+<hex8 key ID>+<base64(type || seed)>. */
#ifndef LEDGER_KEYS_H
#define LEDGER_KEYS_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/signer.h"
#include "sys/io.h"

/* Make a new key for this name in keys/<file>; -EEXIST when that is there. */
MUST_USE int keys_generate(int private_fd, const struct io *io, const char *file, struct span name,
                           struct err *err);
/* *ret is the caller's. */
MUST_USE int keys_load(int private_fd, const struct io *io, const char *file, struct signer **ret,
                       struct err *err);

#endif
