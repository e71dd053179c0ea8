/* SPDX-License-Identifier: Apache-2.0 */
/* package_input.h - the sources of a package on their way to the job that builds it.  Floor 1,
 * pure.
 *
 *   offset  bytes
 *   0       16   "assay sources 1\n"
 *   then for each source, in order of their paths:
 *           2    P, little-endian: bytes of its path
 *           4    T, little-endian: bytes of its text
 *           P    path
 *           T    text
 *
 * Whoever reads a directory or a package does not read what is in its files, and the job does not
 * open any.  SECURITY: package_input_next() reads what a parent wrote, and is strict all the same.
 */
#ifndef WIRE_PACKAGE_INPUT_H
#define WIRE_PACKAGE_INPUT_H

#include "base/buf.h"
#include "base/err.h"

enum { PACKAGE_INPUT_MAX = 65 << 20 }; /* a package's sources and their paths */

void package_input_begin(struct buf *out);
/* Failures stick in out; a path is at most 65,535 bytes (asserted). */
void package_input_put(struct buf *out, struct span path, struct span text);

/* The sources behind the first bytes.  -EBADMSG: they are others. */
MUST_USE int package_input_open(struct span bytes, struct span *ret_rest, struct err *err);
/* 1: there was one; 0: the end.  -EBADMSG: cut off.  Borrows. */
MUST_USE int package_input_next(struct span *rest, struct span *ret_path, struct span *ret_text,
                                struct err *err);

#endif
