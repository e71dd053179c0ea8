/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_trusted_past.c - what the ledger says of the sensor's own files, and what follows for the
 * baseline.  See sensor_trusted.h. */
#include "integrity/sensor/sensor_trusted_priv.h"

#include "integrity/who/session_keep.h"
#include "loop/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

/* Of Assay's own files, for what they are to it: a change like others, that nothing explains. */
int trusted_tell_own(struct sensor *s, const char *path, const char *why)
{
        static const struct watch_profile own = { .name = SPAN_INIT("assay-state"),
                                                  .mode = WATCH_ALERT,
                                                  .attributes = UINT32_MAX };
        struct record is;
        struct change c = { .wall_ns = sensor_wall(s),
                            .profile = &own,
                            .existed = true,
                            .is = &is,
                            .seen = "start",
                            .unknown = why };
        int rc = observe(s->observer, AT_FDCWD, path, &is, NULL);

        if (rc == -ENOMEM)
                return rc;
        if (rc < 0) { /* it is gone */
                c.is = NULL;
                c.passed = DIRTY_DELETED;
        }
        log_event(LOG_LEVEL_ERROR, "sensor.own_file", log_str("path", path), log_str("why", why));
        c.path = span_str(path);
        return tell_change(s, &c, SPAN_NONE);
}

static int tell_forged(struct sensor *s, const char *name, const char *why)
{
        char path[PATH_MAX];

        snprintf(path, sizeof path, "%s%s", s->o.state_dir, name);
        return trusted_tell_own(s, path, why);
}

int trusted_tell_past(struct sensor *s)
{
        int rc = s->approvals_forged
                         ? tell_forged(s, "/approvals",
                                       "an approved change that the ledger does not have: somebody "
                                       "wrote it into the sensor's file")
                         : 0;

        if (rc == 0 && s->kept.forged)
                rc = tell_forged(
                        s, "/" SESSION_KEEP_FILE,
                        "not the logins that the ledger says were kept: somebody wrote into "
                        "the sensor's file; none of them is believed");
        if (rc == 0 && s->contents_forged)
                rc = tell_forged(
                        s, "/executable",
                        "a content that may be executed there, and that no explained "
                        "change of the ledger brought: somebody wrote it into the sensor's "
                        "file");
        if (rc < 0)
                return rc;
        switch (s->o.past) {
        case PAST_LOST:
                return tell_forged(s, "",
                                   "the ledger has a baseline of this host, and here is none: the "
                                   "state of the sensor was removed while it was down");
        case PAST_REPLACED:
                return tell_forged(s, "/baseline",
                                   "the baseline is not the one that the ledger has: it was "
                                   "replaced while the sensor was down");
        case PAST_NOTED:
                return tell_forged(s, "/baseline.note",
                                   "the ledger does not have this baseline yet: the sensor was cut "
                                   "off when it took it, or somebody wrote it in its place");
        default:
                return 0;
        }
}

int trusted_is_ours(struct sensor *s, struct err *err)
{
        struct trusted *t = s->trusted;
        struct snapshot_head head;
        int rc = t->doubted ? -EBADMSG
                            : snapshot_read_head(s->state.io, s->state.dirfd, "baseline", NULL,
                                                 &head, err);

        if (rc == 0 && hash_eq(&head.root, &t->head.root))
                return 0;
        if (rc < 0 && !t->doubted)
                return rc;
        if (!t->doubted) {
                t->doubted = true;
                if (tell_forged(s, "/baseline",
                                "the baseline is not the one that the sensor took: it was replaced "
                                "while the sensor ran") < 0)
                        s->failed = -ENOMEM;
        }
        return err_set(err, -EBADMSG,
                       "the baseline was replaced: it is not the one that the ledger has.  Look "
                       "what differs (assay check), then take one anew: assay baseline create");
}
