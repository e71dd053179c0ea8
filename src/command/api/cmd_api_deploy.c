/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_deploy.c - assay api deploy: have gateways serve a version that was approved. */
#include <stdlib.h>

#include "command/api/api_group.h"
#include "command/api/api_served.h"
#include "sys/io.h"

struct deploy_options {
        const char *registry, *approval;
};

static const struct option_spec deploy_specs[] = {
        API_REGISTRY_OPTION(struct deploy_options),
        { "approval", 'a', OPTION_TEXT, offsetof(struct deploy_options, approval), "FILE",
          "the approval; one that lies in the registry unless said" },
        { 0 },
};

enum { FILE_MAX = 1 << 20 }; /* what is longer is not even refused */

struct deploying {
        struct api_registry x;
        const struct deploy_options *o;
        struct registry_record *pushed;
        struct registry_live live;
};

/* ---- its approval ---- */

static int judge_note(struct deploying *d, struct span note, struct err *err)
{
        struct registry_record *r = d->x.record;
        int rc;

        api_registry_begin(&d->x, "deploy");
        rc = registry_judge_approval(&d->x.r, &d->x.config, d->pushed, note, r->time_ns, r, err);
        if (rc == 0 && note.n < sizeof r->note) {
                memcpy(r->note, note.p, note.n);
                r->note[note.n] = '\0';
        }
        return rc;
}

static int judge_file(struct deploying *d, struct err *err)
{
        uint8_t *p;
        size_t n;
        int rc = io_read_given(d->o->approval, FILE_MAX, &p, &n, err);

        if (rc < 0)
                return rc;
        rc = judge_note(d, span_of(p, n), err);
        free(p);
        if (rc < 0)
                err_wrap(err, "%s", d->o->approval);
        return rc;
}

/* A pipe, or what is too large. */
static bool is_no_note(int found)
{
        return found == -EINVAL || found == -EFBIG;
}

/* The first that counts; if none does, the last one's fault is told.  What lies there and is no
 * note is judged as an empty one. */
static int judge_those_there(struct deploying *d, struct err *err)
{
        unsigned i = 1;
        int rc = 0;

        for (;; i++) {
                struct err why = { 0 };
                uint8_t *p = NULL;
                size_t n = 0;
                int found = registry_approval(&d->x.r, d->pushed->sha256, i, &p, &n, &why);

                if (found == -ENOENT)
                        break;
                if (found < 0 && !is_no_note(found))
                        return err_set(err, found, "%s", err_text(&why));
                rc = judge_note(d, span_of(p, n), err);
                free(p);
                if (rc != -EKEYREJECTED)
                        return rc;
        }
        if (i > 1)
                return rc;
        memcpy(d->x.record->commit, d->pushed->commit, sizeof d->pushed->commit);
        memcpy(d->x.record->sha256, d->pushed->sha256, PACKAGE_HASH);
        return registry_refuse(d->x.record, REGISTRY_NO_APPROVAL, err,
                               "%s %s was not approved: an approver signs it with assay api "
                               "approve %s %s --change ID --key FILE",
                               d->pushed->api, d->pushed->version, d->pushed->api,
                               d->pushed->version);
}

/* ---- the act ---- */

/* 1: it is deployed already. */
static int judge(struct api_registry *x, struct registry_live *live, struct err *err)
{
        struct deploying *d = CONTAINER_OF(x, struct deploying, x);
        const struct invocation *in = x->in;
        struct registry_record *r = x->record;
        const struct live_api *now;
        int rc = api_registry_version(x, in->operands[0], in->operands[1], d->pushed, err);

        if (rc == 0)
                rc = registry_live(&x->r, live, err);
        if (rc < 0)
                return rc;
        memcpy(r->api, d->pushed->api, sizeof r->api);
        memcpy(r->version, d->pushed->version, sizeof r->version);
        memcpy(r->sha256, d->pushed->sha256, PACKAGE_HASH);
        now = registry_live_api(live, d->pushed->api);
        if (now && memcmp(now->sha256, d->pushed->sha256, PACKAGE_HASH) == 0) {
                r->generation = live->generation;
                return 1;
        }
        rc = d->o->approval ? judge_file(d, err) : judge_those_there(d, err);
        if (rc == 0)
                rc = registry_judge_open(&x->r, &x->config, r, err);
        if (rc == 0)
                registry_set_next(r, live);
        return rc;
}

static enum status run(struct invocation *in)
{
        static const struct api_change deploy = {
                .act = "deploy",
                .done = "deployed",
                .kind = REGISTRY_DEPLOYED,
                .judge = judge,
        };
        struct deploying *d = calloc(1, sizeof *d);
        enum status status;

        if (!d)
                return complain(in, STATUS_UNSURE, "out of memory");
        d->o = in->options;
        d->pushed = malloc(sizeof *d->pushed);
        status = api_registry_open(in, d->o->registry, API_REGISTRY_CHANGE, &d->x);
        if (status == STATUS_GOOD)
                status = d->pushed ? api_served_change(&d->x, &deploy, NULL, &d->live)
                                   : complain(in, STATUS_UNSURE, "out of memory");
        api_registry_close(&d->x);
        registry_live_done(&d->live);
        free(d->pushed);
        free(d);
        return status;
}

const struct command command_api_deploy = {
        .name = "deploy",
        .operands = "API VERSION",
        .about = "have gateways serve a version that was approved",
        .help = "Needs an approval of this very package (assay api approve) by somebody who is\n"
                "neither its author nor its builder, that has not expired and was not used before.\n"
                "Gateways take it up by themselves, and go on with what they have where it does not\n"
                "load.",
        .options = deploy_specs,
        .options_size = sizeof(struct deploy_options),
        .min_operands = 2,
        .max_operands = 2,
        .run = run,
};
