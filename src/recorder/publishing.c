/* SPDX-License-Identifier: Apache-2.0 */
/* publishing.c - when the worker publishes, and what its results mean. */
#include "loop/log.h"
#include "recorder/recorder_priv.h"
#include "wire/tile.h"

enum {
        PUBLISH_RETRY_MS = 1000,
        WHOLE_MS = 15, /* a round waits for the end of a bundle, where that is near */
};

/* How long from the beginning of a round to the next, at least, when it brings more entries than
 * this: each one costs a dozen syncs, and partial files made and removed, however few it brings.
 * With what a round waits and takes itself, an entry has its checkpoint within 100 ms. */
static const struct pace {
        uint64_t entries;
        int64_t ms;
} paces[] = { { 2000, 75 }, { 30, 60 }, { 0, 30 } };

uint64_t publishing_ballast(const struct recorder *r)
{
        return publisher_ballast(r->o->segment_bytes ? r->o->segment_bytes
                                                     : LEDGER_SEGMENT_DEFAULT);
}

static void publish_run(struct pool_job *job)
{
        struct publish_job *j = (struct publish_job *)job;
        struct recorder *r = j->r;
        struct publisher_options o = { .io = &io_kernel,
                                       .vault = r->vault,
                                       .syncer = r->syncer,
                                       .ballast_bytes = publishing_ballast(r) };

        j->result = 0;
        j->err = (struct err){ 0 };
        if (!r->publisher)
                j->result = publisher_open(r->public_fd, r->private_fd, &o, &r->publisher, &j->err);
        if (j->result == 0)
                j->result = publisher_round(r->publisher, &j->target, &j->err);
        if (j->result < 0)
                r->publisher = publisher_free(r->publisher);
}

/* What was signed and what is on the disk do not fit, or nobody knows what is on the disk. */
static bool is_final(int code)
{
        return code == -EBADMSG || code == -EIO || code == -ENODATA;
}

static void publish_done(struct pool_job *job)
{
        struct publish_job *j = (struct publish_job *)job;
        struct recorder *r = j->r;

        r->publishing = false;
        r->short_of_room = room_is_short(r);
        if (j->result == 0) {
                r->published = publisher_size(r->publisher);
                r->publish_failed = false;
                if (r->published < j->target.size) /* the next round at once */
                        r->publish_not_before_ns = 0;
                ledger_published(r->ledger, publisher_covered(r->publisher),
                                 publisher_segment(r->publisher));
                if (r->full)
                        ledger_make_room(r->ledger);
        } else if (is_final(j->result)) {
                recorder_stop(r, j->result, "publish", &j->err);
        } else {
                if (!r->publish_failed)
                        log_event(LOG_LEVEL_WARNING, "recorder.publish", log_err(&j->err));
                r->publish_failed = true;
                command_fail(r, j->result, err_text(&j->err));
                r->publish_not_before_ns = clock_mono(r->clock) + PUBLISH_RETRY_MS * NS_PER_MS;
        }
}

/* Where many entries come, the next multiple of a bundle is near, and a round that ends there needs
 * no partial bundle, tile or row file that the next one would replace.  So the batch is cut there,
 * and the round waits for that. */
static bool waits_for_a_whole_bundle(struct recorder *r, int64_t now)
{
        uint64_t size = ledger_size(r->ledger), came = size - r->published;
        int64_t passed = now - r->published_ns;

        if (r->whole.size > r->published || r->full || r->publish_not_before_ns == 0)
                return false;
        if (r->cut_at)
                return now < r->publish_at_ns;
        /* Not so many that they make up a bundle in this time. */
        if (came < TILE_WIDTH || (uint64_t)passed / (came / TILE_WIDTH) > WHOLE_MS * NS_PER_MS)
                return false;
        r->cut_at = (ledger_staged(r->ledger) / TILE_WIDTH + 1) * TILE_WIDTH;
        r->publish_at_ns = now + WHOLE_MS * NS_PER_MS;
        return true;
}

void publishing_committed(struct recorder *r)
{
        if (r->cut_at == 0 || ledger_size(r->ledger) < r->cut_at)
                return;
        if (ledger_size(r->ledger) == r->cut_at)
                ledger_position(r->ledger, &r->whole);
        r->cut_at = 0;
}

static void begin_round(struct recorder *r, int64_t now)
{
        const struct pace *pace = paces;

        r->publish.job.run = publish_run;
        r->publish.job.done = publish_done;
        r->publish.r = r;
        if (r->whole.size > r->published)
                r->publish.target = r->whole;
        else
                ledger_position(r->ledger, &r->publish.target);
        if (pool_submit(r->pool, &r->publish.job) < 0)
                return;
        r->publishing = true;
        r->whole.size = r->cut_at = 0;
        while (pace->entries && r->publish.target.size - r->published <= pace->entries)
                pace++;
        r->published_ns = now;
        r->publish_not_before_ns = now + pace->ms * NS_PER_MS;
}

static bool may_begin(const struct recorder *r, int64_t now)
{
        return !r->publishing && !(r->act.running && r->act.ops->alone) && !r->stop_code &&
               now >= r->publish_not_before_ns &&
               (r->published != ledger_size(r->ledger) || !r->publisher);
}

void publishing_start(struct recorder *r)
{
        int64_t now = clock_mono(r->clock);

        if (may_begin(r, now) && !waits_for_a_whole_bundle(r, now))
                begin_round(r, now);
}

int64_t publishing_next_ns(const struct recorder *r)
{
        return r->cut_at ? MAX_OF(r->publish_not_before_ns, r->publish_at_ns)
                         : r->publish_not_before_ns;
}

int publishing_here(struct recorder *r, struct err *err)
{
        struct ledger_position at;
        int rc;

        assert(!r->publishing);
        r->whole.size = 0;
        ledger_position(r->ledger, &at);
        rc = publisher_run(r->publisher, &at, err);
        if (rc == 0) {
                r->published = at.size;
                return 0;
        }
        r->publisher = publisher_free(r->publisher); /* another goes on from what the disk has */
        if (is_final(rc))
                recorder_stop(r, rc, "publish", err);
        return rc;
}

int publishing_now(struct recorder *r, struct err *err)
{
        pool_drain(r->pool);
        if (r->stop_code)
                return r->stop_code;
        do { /* a round at a time */
                r->publish_not_before_ns = 0;
                if (may_begin(r, clock_mono(r->clock)))
                        begin_round(r, clock_mono(r->clock));
                pool_drain(r->pool);
        } while (r->publish.result == 0 && r->published != ledger_size(r->ledger));
        if (r->publish.result < 0 && err)
                *err = r->publish.err;
        return r->publish.result;
}
