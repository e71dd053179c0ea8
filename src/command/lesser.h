/* SPDX-License-Identifier: Apache-2.0 */
/* lesser.h - fewer rights for a command that reads what strangers wrote.  Floor 3. */
#ifndef COMMAND_LESSER_H
#define COMMAND_LESSER_H

#include "base/base.h"
#include "base/err.h"

/* Run by root: become `nobody` for good, without a right but, if `reads_files`, that of reading any
 * file (a container's root who has none keeps that of opening any); a root who may not change who
 * he is loses the rights alone.  What is open stays open.  Run by anybody else, or once more:
 * nothing.  On failure end the process: rights may be half dropped.  The process has one thread. */
MUST_USE int lesser_become(bool reads_files, struct err *err);

#endif
