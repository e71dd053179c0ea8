/* SPDX-License-Identifier: Apache-2.0 */
/* why.h - what explains a change, and the proof that goes into its entry.  Floor 3, pure.
 *
 * Asked in this order, the first that explains it has it; a new explanation is a function and a
 * line in the table:
 *
 *   change    an approved change (approval.h)
 *   package   a package transaction (package.h): content is what a signed package holds
 *   source    what is there now is what a signed list of a commit's files says (sources.h)
 *   service   a declared owner: the profile's owners name the unit or the executable of its author,
 *             or of one it was begun under, or "packages": what dpkg begins in a transaction of
 *             signed packages, "packages:/usr/bin/x" for that one program
 *   volatile  the profile says that its changes are expected
 *
 * Anything else is unexplained; then the detail says what came nearest. */
#ifndef INTEGRITY_WHY_H
#define INTEGRITY_WHY_H

#include "base/base.h"
#include "base/buf.h"
#include "integrity/why/actor.h"
#include "integrity/why/alert.h"
#include "integrity/why/approval.h"
#include "integrity/why/sources.h"

struct change;
struct packages;

enum why_state {
        WHY_UNEXPLAINED,
        WHY_CHANGE,
        WHY_PACKAGE,
        WHY_SOURCE,
        WHY_SERVICE,
        WHY_VOLATILE,
        WHY_STATE_END,
};

enum { WHY_DETAIL_MAX = 512, WHY_PACKAGE_MAX = 255 };

struct why {
        enum why_state state;
        char alert[ALERT_ID_MAX + 1];      /* id of the alert that it is counted in; "": none */
        char change[APPROVAL_ID_MAX + 1];  /* id of the approved change; "": none */
        char package[WHY_PACKAGE_MAX + 1]; /* name, version, architecture; "": none */
        bool content; /* it accounts for the content that is there now, not for attributes alone */
        char detail[WHY_DETAIL_MAX]; /* the proof, or what came nearest; UTF-8 */
};

/* What is known that could explain something. */
struct why_known {
        const struct approvals *approvals;
        const struct packages *packages; /* transactions; NULL: none */
        const struct sources *sources;   /* NULL: none */
        struct actor_files files;
};

void why_judge(const struct why_known *k, const struct change *c, struct why *ret);

/* As it stands in why.state. */
const char *why_state_name(enum why_state s);

#endif
