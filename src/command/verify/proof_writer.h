/* SPDX-License-Identifier: Apache-2.0 */
/* proof_writer.h - the files of a proof, written with the caller's rights by a process of its own.
 * Floor 3.
 *
 * The one that reads a ledger, which may be a stranger's, has given root's rights away by the time
 * that it knows what is to be written (lesser.h).  The files are named before that, so all that it
 * can still do is say what goes into them. */
#ifndef COMMAND_VERIFY_PROOF_WRITER_H
#define COMMAND_VERIFY_PROOF_WRITER_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

enum proof_file { PROOF_FILE_PROOF, PROOF_FILE_ENTRY, PROOF_FILES };

struct proof_writer {
        const char *path[PROOF_FILES]; /* borrowed; NULL: not to be written */
        int fd;                        /* to the process; 0: there is none, nor is one needed */
        pid_t pid;
};

/* Before rights are given away; the process has one thread. */
MUST_USE int proof_writer_start(struct proof_writer *w, struct err *err);

/* The file gets content, or stays as it was; what is neither a file nor new is written to. `secret`
 * is for its owner only. */
MUST_USE int proof_writer_put(struct proof_writer *w, enum proof_file which, bool secret,
                              struct span content, struct err *err);

void proof_writer_done(struct proof_writer *w); /* fine on a zeroed one */

#endif
