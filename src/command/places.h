/* SPDX-License-Identifier: Apache-2.0 */
/* places.h - where things lie on a host, from --state, --run and operands.  Floor 3.
 *
 *   <state>/ledger, <state>/ledger.private   the host's ledger; for any ledger DIR, DIR.private
 *   <state>/sensor                           the sensor's, root only
 *   <run>/recorder.sock, <run>/<role>.status */
#ifndef COMMAND_PLACES_H
#define COMMAND_PLACES_H

#include "base/base.h"
#include "base/err.h"
#include "command/command.h"

#define PLACES_STATE  "/var/lib/assay"
#define PLACES_RUN    "/run/assay"
#define PLACES_CONFIG "/etc/assay"

enum { PLACES_PATH_MAX = 4096 };

/* dir/name; -ENAMETOOLONG with the text. */
MUST_USE int places_join(const char *dir, const char *name, char out[PLACES_PATH_MAX],
                         struct err *err);
/* The host's public ledger directory. */
MUST_USE int places_ledger(const struct invocation *in, char out[PLACES_PATH_MAX], struct err *err);
/* The same, or operand number i where it is given. */
MUST_USE int places_ledger_given(const struct invocation *in, size_t i, char out[PLACES_PATH_MAX],
                                 struct err *err);
/* -ENOENT, with what begins one: it is this host's (there is no operand i), and neither in dir nor
 * in its private half is a sign that it was ever made. */
MUST_USE int places_begun(const struct invocation *in, size_t i, const char *dir, struct err *err);
/* Both. */
MUST_USE int places_ledger_or(const struct invocation *in, size_t i, char out[PLACES_PATH_MAX],
                              struct err *err);
/* The private companion of a ledger's directory; trailing slashes of dir do not count. */
MUST_USE int places_private(const char *dir, char out[PLACES_PATH_MAX], struct err *err);

/* Open a directory for *at calls; the error names it. */
MUST_USE int places_open_dir(const char *path, int *ret_fd, struct err *err);

/* Open what a process keeps below the state directory: name is "sensor" or "monitor".  -ENOENT,
 * with what begins it. */
MUST_USE int places_open_state(const struct invocation *in, const char *name, int *ret_fd,
                               struct err *err);

/* A program of Assay's, which lies beside this one. */
MUST_USE int places_program(const char *name, char out[PLACES_PATH_MAX], struct err *err);

#endif
