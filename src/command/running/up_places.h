/* SPDX-License-Identifier: Apache-2.0 */
/* up_places.h - directories and users that assay up needs on one machine.  Floor 3.
 *
 *   <state>          0755 root       what is above the recorder's directories is not the recorder's
 *   <state>/ledger   0755 recorder   made by the recorder when empty
 *   ledger.private   0700 recorder
 *   <state>/sensor   0700 root
 *   <state>/uplink   0700 uplink     what is in it, it gives itself
 *   <state>/jwks     0755 gateway    likewise, where there is a <state>/registry
 *   <run>            1775 root:recorder
 *   <run>/gateway    0700 gateway    nginx's, where it is configured; and gateway.status */
#ifndef COMMAND_RUNNING_UP_PLACES_H
#define COMMAND_RUNNING_UP_PLACES_H

#include "command/command.h"

#include <sys/types.h>

/* Ids for services without an entry in the user database (as systemd's DynamicUser takes them). */
enum { TRANSIENT_MIN = 61184, TRANSIENT_MAX = 65519 };

struct up_user {
        uid_t uid;
        gid_t gid;
        bool transient; /* no user of that name: it is told its number, or started as it */
};

struct up_users {
        struct up_user recorder, uplink, gateway;
};

/* The service users if they are there (made when create), else ids nobody else has: the ones that
 * own the directories already, or the first free ones. */
MUST_USE int up_choose_users(const struct invocation *in, bool create, struct up_users *ret,
                             struct err *err);

/* Give a directory and all below it to a user. */
MUST_USE int up_give_tree(const char *path, mode_t mode, const struct up_user *user,
                          struct err *err);

/* Make what is missing and give the recorder's directories to its user.  -EACCES as well when it
 * could not get to them. */
MUST_USE int up_make_places(const struct invocation *in, const struct up_user *user,
                            struct err *err);
/* Likewise what nginx needs in <run>, where its user may make nothing. */
MUST_USE int up_make_gateway(const struct invocation *in, const struct up_user *user,
                             struct err *err);

#endif
