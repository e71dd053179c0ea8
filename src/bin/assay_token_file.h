/* SPDX-License-Identifier: Apache-2.0 */
/* assay_token_file.h - the file of opaque tokens, for assay token.  Floor 4.
 *
 *   <state>/tokens/              0750 root:assay-gw
 *   <state>/tokens/tokens.json   who may enter the directory may read it
 *   <state>/tokens/lock          held by who changes it
 *
 * What is in tokens.json gateway/authentication/tokens.h says. */
#ifndef BIN_ASSAY_TOKEN_FILE_H
#define BIN_ASSAY_TOKEN_FILE_H

#include "command/command.h"
#include "gateway/authentication/tokens.h"

struct token_file {
        int dir, lock;         /* -1: not open */
        struct tokens *tokens; /* never NULL once it was opened */
};
#define TOKEN_FILE_NONE ((struct token_file){ .dir = -1, .lock = -1 })

/* To change it: the directory is made where there is none, and locked (-EBUSY: somebody else has
 * it).  To look: -ENOENT is no tokens. */
MUST_USE int token_file_open(const struct invocation *in, bool change, struct token_file *ret,
                             struct err *err);
void token_file_close(struct token_file *f);

/* All of them but `without` (NULL: none), and `with` (NULL: none more). */
MUST_USE int token_file_write(const struct token_file *f, const struct token *without,
                              const struct token *with, struct err *err);

/* NULL: there is none of this id. */
const struct token *token_file_find(const struct token_file *f, struct span id);

#endif
