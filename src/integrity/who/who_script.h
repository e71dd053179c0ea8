/* SPDX-License-Identifier: Apache-2.0 */
/* who_script.h - what sort of process one is: a maintainer script of dpkg's, a shell that somebody
 * types into, a program that only passes on.  Floor 3, pure. */
#ifndef INTEGRITY_WHO_SCRIPT_H
#define INTEGRITY_WHO_SCRIPT_H

#include "base/base.h"

/* By what was executed and its arguments, each ended by a NUL, as the kernel told them at the exec:
 * /var/lib/dpkg/info/NAME.postinst (and .preinst, .prerm, .postrm, .config) or
 * /var/lib/dpkg/tmp.ci/postinst, executed itself or as the script of dash, bash, Perl or Python
 * where the system has them, or handed on by a script to debconf's frontend.  *ret is that path,
 * within one of the two.
 *
 * dpkg begins other programs too: what its options and its configuration name is none of these. */
bool who_maintainer_script(struct span exe, struct span args, struct span *ret);

/* A shell that was begun without a script and without a command: it asks for them. */
bool who_is_prompt(struct span exe, struct span args);

/* Through these a person or a daemon acts; what they begin is the act. */
bool who_passes_on(struct span exe);

#endif
