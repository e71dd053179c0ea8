/* SPDX-License-Identifier: Apache-2.0 */
/* faulty.h - the kernel's file calls, of which one chosen call fails.  They may come from several
 * threads. */
#ifndef TESTS_LEDGER_FAULTY_H
#define TESTS_LEDGER_FAULTY_H

#include "sys/io.h"

enum faulty_kind {
        FAULTY_OPEN,
        FAULTY_PREAD,
        FAULTY_PWRITE,
        FAULTY_FDATASYNC,
        FAULTY_FSYNC,
        FAULTY_RENAME,
        FAULTY_SYMLINK,
        FAULTY_UNLINK,
        FAULTY_MKDIR,
        FAULTY_FTRUNCATE,
        FAULTY_KINDS,
};

struct faulty {
        struct io io;
        enum faulty_kind kind;
        unsigned at; /* which call of that kind fails, from 1; 0: none */
        int error;   /* negative errno */
        bool half;   /* a write that fails has put half of its bytes on disk */
        bool dead;   /* all calls after it fail, too */
        unsigned count[FAULTY_KINDS];
        bool struck;
};

void faulty_init(struct faulty *f);
const char *faulty_name(enum faulty_kind k);

#endif
