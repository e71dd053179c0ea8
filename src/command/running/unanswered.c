/* SPDX-License-Identifier: Apache-2.0 */
/* unanswered.c - see unanswered.h. */
#include "command/running/unanswered.h"

#include <stdio.h>
#include <unistd.h>

static const char *what_helps(int code)
{
        if (geteuid() != 0)
                return "; only root may ask";
        if (code == -ENOENT || code == -ECONNREFUSED)
                return "; it does not run: see assay status";
        return "; see assay status";
}

int unanswered(const char *who, int code, struct err *err)
{
        char why[ERR_TEXT_MAX];

        snprintf(why, sizeof(why), "%s", err ? err_text(err) : "");
        if (code == -EPIPE) /* it closed before it heard who asks: no answer either */
                code = -ECONNRESET;
        return err_set(err, code, "the %s does not answer: %s%s", who, why, what_helps(code));
}
