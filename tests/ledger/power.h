/* SPDX-License-Identifier: Apache-2.0 */
/* power.h - a disk whose power can fail.
 *
 * An io table over a real directory that remembers, beside what was written, what was synced:
 *   - of a file, each 512-byte sector written since its last fsync or fdatasync, and its length;
 *   - of a directory, the creations, renames, removals and new directories since its last fsync, in
 *     their order.
 * power_fail() throws the dice: of every file any set of the unsynced sectors is lost (they hold
 * again what was synced last), its length is the synced or the written one, and of every directory
 * only some first unsynced changes took place.  Then the directory is made to look like that.
 *
 * Syncing a new file does not sync its name, as POSIX says; file systems are kinder. */
#ifndef TESTS_LEDGER_POWER_H
#define TESTS_LEDGER_POWER_H

#include "sys/io.h"

struct power;

/* root_fd, a directory that is empty or as it shall be taken for synced, is borrowed. */
struct power *power_new(int root_fd);
struct power *power_free(struct power *p);
const struct io *power_io(struct power *p);

/* Every call after the next n fails with -EIO and does nothing: the process is dead. */
void power_off_in(struct power *p, uint64_t n);
bool power_is_off(const struct power *p);
/* Calls made so far. */
uint64_t power_calls(const struct power *p);

enum power_luck {
        POWER_NOTHING, /* nothing that was not synced is left */
        POWER_ALL,     /* everything is: as after kill -9 */
        POWER_DICE,
};
/* Every descriptor below the root must be closed by now. */
void power_fail(struct power *p, enum power_luck luck, uint64_t *random);

#endif
