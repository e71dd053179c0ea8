/* SPDX-License-Identifier: Apache-2.0 */
/* verify_command.h - what the two halves of assay verify share.  Floor 3. */
#ifndef COMMAND_VERIFY_VERIFY_COMMAND_H
#define COMMAND_VERIFY_VERIFY_COMMAND_H

#include "command/command.h"
#include "command/progress.h"
#include "command/verify/vault_check.h"
#include "command/verify/wal_check.h"
#include "ledger/verify/verify.h"
#include "wire/note.h"

enum { VERIFY_LABEL_COLUMNS = 11 /* "checked    " */ };

struct verify_command_options {
        struct option_texts keys;
        struct option_texts earlier;
        struct option_texts successors;
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

/* The half of our own ledger that only its owner can read. */
struct private_half {
        bool checked;
        enum status status;
        struct wal_check wal;
        struct vault_check vault;
        struct err err;
};

/* One ledger under judgement. */
struct judging {
        const struct invocation *in;
        struct progress progress;
        enum verify_pass pass;
        struct buf reports; /* JSON items */
        struct buf note;    /* the checkpoint that is judged */
        uint64_t n_reports;
        uint64_t shown[VERIFY_ISSUES]; /* reports of each kind */
        struct private_half private;
        struct buf *documents; /* JSON items: one of several; NULL: printed at once */
};

/* For struct verify_options; ctx is the judging. */
void verify_on_report(void *ctx, const struct verify_report *r);
void verify_on_checkpoint(void *ctx, struct span note);
void verify_on_progress(void *ctx, enum verify_pass pass, uint64_t done, uint64_t total);

const char *verify_word(enum status s); /* for JSON */
/* Found damage outweighs doubt, and doubt good news. */
enum status verify_worse(enum status a, enum status b);
enum status verify_show(const struct judging *j, const struct verify_result *r,
                        const struct verify_keys *keys, int64_t took_ns);

/* assay verify --proof. */
enum status verify_one(struct invocation *in);

#endif
