/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/verify/verify_priv.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
        const char *name;
        enum verify_severity severity;
} issues[VERIFY_ISSUES] = {
        [VERIFY_UNREADABLE] = { "unreadable", VERIFY_UNKNOWN },
        [VERIFY_CHECKPOINT_MALFORMED] = { "checkpoint_malformed", VERIFY_DAMAGE },
        [VERIFY_SIGNATURE_BAD] = { "signature_bad", VERIFY_DAMAGE },
        [VERIFY_SIGNATURE_MISSING] = { "signature_missing", VERIFY_DAMAGE },
        [VERIFY_SIGNATURE_UNKNOWN] = { "signature_unknown", VERIFY_NOTE },
        [VERIFY_ORIGIN] = { "origin", VERIFY_DAMAGE },
        [VERIFY_ROOT] = { "root", VERIFY_DAMAGE },
        [VERIFY_FORK] = { "fork", VERIFY_DAMAGE },
        [VERIFY_ROLLBACK] = { "rollback", VERIFY_DAMAGE },
        [VERIFY_FILE_MISSING] = { "file_missing", VERIFY_DAMAGE },
        [VERIFY_FILE_UNEXPECTED] = { "file_unexpected", VERIFY_DAMAGE },
        [VERIFY_FILE_TEMPORARY] = { "file_temporary", VERIFY_WARNING },
        [VERIFY_FILE_BEYOND] = { "file_beyond", VERIFY_WARNING },
        [VERIFY_FILE_LENGTH] = { "file_length", VERIFY_DAMAGE },
        [VERIFY_BUNDLE_TRUNCATED] = { "bundle_truncated", VERIFY_DAMAGE },
        [VERIFY_BUNDLE_TRAILING] = { "bundle_trailing", VERIFY_DAMAGE },
        [VERIFY_ENTRY_HASH] = { "entry_hash", VERIFY_DAMAGE },
        [VERIFY_TILE_SLOT] = { "tile_slot", VERIFY_DAMAGE },
        [VERIFY_ROTATION] = { "rotation", VERIFY_DAMAGE },
        [VERIFY_ROTATION_AHEAD] = { "rotation_ahead", VERIFY_UNKNOWN },
        [VERIFY_STAMP] = { "stamp", VERIFY_DAMAGE },
        [VERIFY_STAMP_NOT_JUDGED] = { "stamp_not_judged", VERIFY_NOTE },
        [VERIFY_EARLIER_NOT_JUDGED] = { "earlier_not_judged", VERIFY_UNKNOWN },
        [VERIFY_KEY_NOT_FOUND] = { "key_not_found", VERIFY_UNKNOWN },
        [VERIFY_ROTATION_PRUNED] = { "rotation_pruned", VERIFY_UNKNOWN },
        [VERIFY_PRUNED] = { "pruned", VERIFY_NOTE },
        [VERIFY_PRUNED_MALFORMED] = { "pruned_malformed", VERIFY_DAMAGE },
        [VERIFY_NOT_LISTED] = { "not_listed", VERIFY_NOTE },
        [VERIFY_ENTRY_MALFORMED] = { "entry_malformed", VERIFY_DAMAGE },
        [VERIFY_ENTRY_ENVELOPE] = { "entry_envelope", VERIFY_NOTE },
        [VERIFY_SEQUENCE] = { "sequence", VERIFY_DAMAGE },
        [VERIFY_SEQUENCE_START] = { "sequence_start", VERIFY_WARNING },
        [VERIFY_TIME] = { "time", VERIFY_WARNING },
        [VERIFY_RUNS_FULL] = { "runs_full", VERIFY_UNKNOWN },
        [VERIFY_NOT_A_LOG] = { "not_a_log", VERIFY_UNKNOWN },
        [VERIFY_SUCCESSION] = { "succession", VERIFY_DAMAGE },
        [VERIFY_SUCCESSION_EMPTY] = { "succession_empty", VERIFY_UNKNOWN },
        [VERIFY_SUCCESSION_PRUNED] = { "succession_pruned", VERIFY_NOTE },
};

enum verify_severity verify_severity(enum verify_issue issue)
{
        assert(issue < VERIFY_ISSUES);
        return issues[issue].severity;
}

const char *verify_issue_name(enum verify_issue issue)
{
        assert(issue < VERIFY_ISSUES);
        return issues[issue].name;
}

void verify_say(struct verify *v, enum verify_issue issue, const char *path, uint64_t offset,
                uint64_t index, const char *fmt, ...)
{
        uint64_t max = v->o->max_reports ? v->o->max_reports : 100;
        char text[ERR_TEXT_MAX + 128];
        va_list ap;

        assert(issue < VERIFY_ISSUES);
        if (++v->result->count[issue] > max || !v->o->on_report)
                return;
        va_start(ap, fmt);
        if (vsnprintf(text, sizeof text, fmt, ap) < 0)
                text[0] = '\0';
        va_end(ap);
        v->o->on_report(v->o->ctx, &(struct verify_report){ .issue = issue,
                                                            .path = path,
                                                            .offset = offset,
                                                            .index = index,
                                                            .text = text });
}

int verify_read(struct verify *v, const char *path, struct buf *out)
{
        struct err err = { 0 };
        int r;

        buf_clear(out);
        r = v->o->source->read(v->o->source, path, out, &err);
        if (r == 0 || r == -ENOENT || r == -EFBIG)
                v->silent = 0;
        else
                v->silent += v->unlisted;
        if (r == 0)
                v->result->bytes += out->n;
        else if (r == -ENOMEM)
                v->failed = err_set(v->err, r, "%s", err_text(&err));
        else if (r == -EFBIG)
                verify_say(v, VERIFY_FILE_LENGTH, path, out->max, VERIFY_NOWHERE, "%s",
                           err_text(&err));
        else if (r != -ENOENT)
                verify_say(v, VERIFY_UNREADABLE, path, VERIFY_NOWHERE, VERIFY_NOWHERE, "%s",
                           err_text(&err));
        return r;
}

int verify_read_partial(struct verify *v, const char *path, struct buf *out)
{
        struct buf again = BUF_INIT(out->max);
        uint64_t bytes = v->result->bytes;
        int r = verify_read(v, path, out);

        for (int i = 0; i < VERIFY_PARTIAL_TRIES && v->unlisted && r == 0; i++) {
                r = verify_read(v, path, &again);
                if (r == 0 && span_eq(buf_span(out), buf_span(&again)))
                        break;
                if (r == 0) {
                        struct buf earlier = *out;

                        *out = again;
                        again = earlier;
                }
        }
        if (r == 0)
                v->result->bytes = bytes + out->n;
        buf_done(&again);
        return r;
}
