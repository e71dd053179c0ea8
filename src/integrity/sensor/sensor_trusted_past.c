/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_trusted_past.c - what the ledger says of the sensor's own files, and what follows for the
 * baseline.  See sensor_trusted.h. */
#include "integrity/sensor/sensor_trusted_priv.h"

#include "integrity/trusted/trusted_entry.h"
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

/* Once for each baseline and ledger: a restart finds its entry there. */
static int tell_unrecorded(struct sensor *s)
{
        char why[BASELINE_UNRECORDED_MAX];

        if (!s->trusted->unrecorded || s->o.past_told)
                return 0;
        baseline_unrecorded(&s->trusted->head.root, why);
        return tell_forged(s, "/baseline", why);
}

static int tell_baseline(struct sensor *s)
{
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
        case PAST_UNRECORDED:
                return tell_unrecorded(s);
        default:
                return 0;
        }
}

/* The baseline first: the alert that is raised names it, and what else is wrong counts under it. */
int trusted_tell_past(struct sensor *s)
{
        int rc = tell_baseline(s);

        if (rc == 0 && s->approvals_forged)
                rc = tell_forged(s, "/approvals",
                                 "an approved change that the ledger does not have: somebody "
                                 "wrote it into the sensor's file");
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
        return rc;
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
        return err_set(err, -EBADMSG, "%s.  Look what differs (assay check), then %s",
                       trusted_why_doubted(t),
                       t->unrecorded ? "trust what there is: assay baseline accept without a path, "
                                       "or assay baseline create"
                                     : "take one anew: assay baseline create");
}

/* ---- doubt ---- */

void trusted_doubt(struct sensor *s)
{
        struct trusted *t = s->trusted;
        char why[BASELINE_UNRECORDED_MAX];

        if (t->has && !hash_eq(&t->head.root, &s->o.past_root))
                s->o.past = PAST_REPLACED; /* since the ledger was asked */
        t->unrecorded = t->has && s->o.past == PAST_UNRECORDED;
        t->doubted = t->unrecorded || (t->has && s->o.past == PAST_REPLACED);
        if (!t->unrecorded)
                return;
        baseline_unrecorded(&t->head.root, why);
        s->o.past_told |= state_found_waits(&s->found, "integrity.change", "who.unknown", why);
}

const char *trusted_why_doubted(const struct trusted *t)
{
        if (!t->doubted)
                return NULL;
        return t->unrecorded ? "the ledger has no entry of this baseline, nor of any other"
                             : "the baseline was replaced: it is not the one that the ledger has";
}
