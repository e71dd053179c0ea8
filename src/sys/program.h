/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - what every program does before anything else.  Floor 1. */
#ifndef SYS_PROGRAM_H
#define SYS_PROGRAM_H

/* Whoever starts us may have closed what we read from and write to, may leave before we have said
 * all, or may have set a ceiling on the size of files.  From here on
 *   - nothing that is opened gets the number of standard input, output or error: where one was
 *     closed it still cannot be used (EBADF), so what is said cannot get into a file of ours;
 *   - writing to whom nobody reads is EPIPE, and a file past its ceiling EFBIG: no signal ends us
 *     without a word.  Programs that spawn_start() begins have these signals as usual. */
void program_begin(void);

#endif
