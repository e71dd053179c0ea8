/* SPDX-License-Identifier: Apache-2.0 */
/* apt_hook.h - what apt tells a DPkg::Pre-Install-Pkgs hook, version 3: apt.conf(5).  Floor 3,
 * pure.
 *
 *   VERSION 3
 *   APT::Architecture=amd64                                        its configuration, not read
 *                                                                  an empty line ends it
 *   hello 2.10-2 amd64 none < 2.10-3 amd64 none /var/cache/apt/archives/hello_2.10-3_amd64.deb
 *   hello 2.10-2 amd64 none < 2.10-3 amd64 none **CONFIGURE**
 *   old 1.0 all none > - - none **REMOVE**
 *
 * A package's line: name; version, architecture and multi-arch of what is installed; "<", "=" or
 * ">"; the same three of what is to come; and the package file, to the end of the line, or what
 * else is done.  "-" stands where there is none.
 *
 * SECURITY: written by apt, which runs as root; file names may be anybody's. */
#ifndef COMMAND_CHANGE_APT_HOOK_H
#define COMMAND_CHANGE_APT_HOOK_H

#include "base/base.h"
#include "base/err.h"

enum {
        APT_HOOK_BYTES_MAX = 8 << 20, /* of all of it */
        APT_HOOK_FIELD_MAX = 255,     /* of a name, a version, an architecture */
        APT_HOOK_PATH_MAX = 4095,
        APT_HOOK_PACKAGES_MAX = 4096,
};

enum apt_hook_action {
        APT_HOOK_INSTALL,
        APT_HOOK_REINSTALL,
        APT_HOOK_UPGRADE,
        APT_HOOK_DOWNGRADE,
        APT_HOOK_REMOVE,
        APT_HOOK_CONFIGURE,
        APT_HOOK_ACTIONS,
};

/* As the sensor knows it. */
const char *apt_hook_action_name(enum apt_hook_action a);

struct apt_hook_package { /* spans point into what was parsed */
        enum apt_hook_action action;
        struct span name;
        struct span arch;     /* of what is to come, else of what is there */
        struct span from, to; /* versions; empty: none */
        struct span path;     /* of the package file; empty: none is unpacked */
};

/* Negative: stop, and apt_hook_parse() returns it. */
typedef int apt_hook_fn(void *ctx, const struct apt_hook_package *p);

/* One call for each line.  -EBADMSG and the line: another version, or none of the above; -E2BIG:
 * more packages than APT_HOOK_PACKAGES_MAX.  Packages before a failure were told. */
MUST_USE int apt_hook_parse(struct span text, apt_hook_fn *fn, void *ctx, struct err *err);

#endif
