/* SPDX-License-Identifier: Apache-2.0 */
/* guard_handler.h - the two processes of execution control.  Floor 3, process assay-guard.
 *
 *   handler    alone holds the kernel's question; answers from the table, then tells the sensor
 *   watchdog   sees whether the handler lives, and kills it when not: its end closes the group, and
 *              everybody who waits goes on
 *
 * The handler allocates nothing, logs nothing and resolves no name before it has answered.  A file
 * that is not known, or is another by now, waits GUARD_HOLD_MS for the sensor to read it; then it
 * is let through or, in a strict profile, refused, and that is told.  When the sensor ends, so does
 * the handler: nothing is refused by a table that nobody keeps. */
#ifndef INTEGRITY_GUARD_HANDLER_H
#define INTEGRITY_GUARD_HANDLER_H

/* Both return an exit status.  keep_user as elsewhere: who starts it has rights of his own. */
int guard_handle(void);
int guard_watch(void);

#endif
