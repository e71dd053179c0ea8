/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - a published ledger, wherever it lies, and the vault beside it.  Floor 3. */
#ifndef COMMAND_LOG_READER_H
#define COMMAND_LOG_READER_H

#include "ledger/read/reader.h"
#include "ledger/vault/vault.h"

/* reader_open() of a directory, an archive or a URL, whose checkpoint `key` (borrowed, may be NULL)
 * must have signed. */
MUST_USE int reader_open_any(const char *name, const struct note_vkey *key, struct reader *ret,
                             struct err *err);

/* The same for a command that writes nothing afterwards: run by root it becomes nobody before it
 * reads an archive, what a server says or a directory, which may be a stranger's (lesser.h).  Of
 * what root may do it can read below directories then, and only where this is one. */
MUST_USE int reader_open_apart(const char *name, const struct note_vkey *key, struct reader *ret,
                               struct err *err);

struct secrets {
        int fd;
        struct vault *vault; /* NULL: this reader may not, or there is none */
};

/* Open the vault of the ledger published in dir for reading.  -EACCES, -ENOENT: as said. */
MUST_USE int secrets_open(const char *dir, struct secrets *ret, struct err *err);
void secrets_done(struct secrets *s); /* fine on a zeroed one */

#endif
