/* SPDX-License-Identifier: Apache-2.0 */
/* verify_command.h - what the two halves of assay verify share.  Floor 3. */
#ifndef COMMAND_VERIFY_COMMAND_H
#define COMMAND_VERIFY_COMMAND_H

#include "command/command.h"
#include "wire/note.h"

struct verify_command_options {
        struct option_texts keys;
        struct option_texts earlier;
        const char *ca;
        const char *proof;
        const char *entry;
};

struct verify_keys {
        struct note_vkey at[OPTION_TEXTS_MAX];
        size_t n;
        bool own; /* from the ledger's own private directory */
};
MUST_USE int verify_parse_keys(const struct option_texts *texts, struct verify_keys *ret,
                               struct err *err);

/* "1 entry", "2 entries", after `before`. */
void verify_put_number(struct buf *out, const char *before, uint64_t n, const char *one,
                       const char *many);

/* assay verify --proof. */
enum status verify_one(struct invocation *in);

#endif
