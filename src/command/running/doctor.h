/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - what the checks of assay doctor share.  Floor 3. */
#ifndef COMMAND_RUNNING_DOCTOR_H
#define COMMAND_RUNNING_DOCTOR_H

#include "command/command.h"

enum { FINDING_TEXT_MAX = 512 };

struct finding {
        enum verdict verdict;
        bool optional; /* Assay works without it and says so */
        char what[FINDING_TEXT_MAX];
        char mend[FINDING_TEXT_MAX]; /* the command; empty when there is nothing to do */
};

void doctor_found(struct finding *f, enum verdict v, const char *fmt, ...) PRINTF_LIKE(3, 4);
void doctor_mend(struct finding *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Modes and owners of the state directory, of what leads to it, and of private keys. */
void doctor_look_permissions(const struct invocation *in, struct finding *f);
/* Programs of others that ours start. */
void doctor_look_tools(const struct invocation *in, struct finding *f);
/* Whether somebody keeps the sensor from changing what it has to. */
void doctor_look_locked(const struct invocation *in, struct finding *f);
/* Whether the vault of this host's ledger opens. */
void doctor_look_vault(const struct invocation *in, struct finding *f);

#endif
