/* SPDX-License-Identifier: Apache-2.0 */
/* command_prune.c - dropping what a policy no longer wants kept. */
#include "ledger/upkeep/upkeep.h"
#include "recorder/command_priv.h"
#include "wire/tile.h"

#include <stdlib.h>

struct prune {
        struct buf args;
        uint64_t min;
        struct pruning pruning;
        bool begun;
};

static int begin_prune(struct recorder *r, struct act *a, struct json_value args, struct err *err)
{
        struct prune *p = calloc(1, sizeof *p);
        uint64_t old;
        int rc;

        if (!p)
                return err_sys(err, -ENOMEM, "prune");
        a->own = p;
        p->args = BUF_INIT(MSG_MAX);
        buf_put(&p->args, args.raw);
        if (buf_status(&p->args) < 0)
                return err_sys(err, buf_status(&p->args), "prune");
        rc = command_get_u64(args, "min_index", &p->min, err);
        if (rc == 0)
                rc = prune_read(r->public_fd, &io_kernel, &old, err);
        if (rc < 0)
                return rc;
        p->min = MIN_OF(p->min, publisher_covered(r->publisher)) / TILE_WIDTH * TILE_WIDTH;
        if (p->min < old)
                return err_set(err, -EINVAL, "entries below %llu are gone already",
                               (unsigned long long)old);
        a->next = old / TILE_WIDTH;
        a->limit = p->min / TILE_WIDTH;
        return 0;
}

static int look_for_holds(struct recorder *r, struct act *a, uint64_t bundle, struct err *err)
{
        bool held = false;
        int rc = vault_bundle_is_held(r->vault, bundle, &held, err);

        if (rc == 0 && held)
                rc = err_set(err, -EBUSY,
                             "values of a subject under a legal hold would go with them");
        return rc;
}

static int record_prune(struct recorder *r, struct act *a, const struct peer *by, struct err *err)
{
        struct prune *p = a->own;
        struct json_value args = json_value_of(buf_span(&p->args));
        struct own_entry e;
        int rc = command_promise(r, "prune", args.raw, err);

        if (rc < 0)
                return rc;
        own_begin(r, &e, "ledger.pruned");
        json_member_u64(&e.w, "min_index", p->min);
        command_copy(&e, args, "policy");
        command_copy(&e, args, "policy_sha256");
        command_copy(&e, args, "until");
        /* From the start, not from the old minimum: a crash may have left some of the last time's.
         */
        a->next = 0;
        a->limit = p->min / TILE_WIDTH;
        return command_commit(r, &e, by, err);
}

static int settle(struct recorder *r, struct act *a, bool last, struct err *err)
{
        struct prune *p = a->own;
        int rc = 0;

        if (!p->begun)
                rc = prune_begin(r->public_fd, r->private_fd, &io_kernel, p->min, &p->pruning, err);
        if (rc < 0)
                return rc;
        p->begun = true;
        return last ? prune_end(&p->pruning, err) : 0;
}

static int drop_bundle(struct recorder *r, struct act *a, uint64_t bundle, struct err *err)
{
        struct prune *p = a->own;

        return prune_bundle(&p->pruning, bundle, err);
}

static int end_prune(struct recorder *r, struct act *a, struct json_writer *w, struct err *err)
{
        json_member_u64(w, "min_index", ((struct prune *)a->own)->min);
        return 0;
}

static void prune_done(struct act *a)
{
        struct prune *p = a->own;

        if (!p)
                return;
        if (p->begun)
                pruning_done(&p->pruning);
        buf_done(&p->args);
        free(p);
}

/* The entry is signed before what it speaks of can be seen: a reader in between would find a pruned
 * log that no entry accounts for. */
const struct act_ops command_prune_ops = {
        .verb = "prune",
        .begin = begin_prune,
        .look = look_for_holds,
        .record = record_prune,
        .settle = settle,
        .work = drop_bundle,
        .end = end_prune,
        .done = prune_done,
};
