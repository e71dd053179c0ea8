/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - recorded calls and what another package decides about them: what the files of assay
 * api replay share.  Floor 3.
 *
 * A call is read from its api.intent or api.denied and judged at once; its api.outcome says later
 * which data was read, and then it is told.  SECURITY: entries are other people's bytes. */
#ifndef COMMAND_API_REPLAY_H
#define COMMAND_API_REPLAY_H

#include "command/log/view.h"
#include "command/screen.h"
#include "package/replay/replay.h"
#include "wire/json.h"

enum {
        REPLAY_ID_MAX = 64,
        REPLAY_CALL_BYTES_MAX = 64 << 20, /* of one call in memory */
        REPLAY_WAITING_MAX = 1024,        /* calls whose outcome was not met yet */
        REPLAY_MISSING_MAX = 64,          /* reasons that are counted by themselves */
};

/* What comes of a call, one of these each: the first that fits. */
enum replay_change {
        REPLAY_NOW_DENIED,  /* was allowed */
        REPLAY_NOW_ALLOWED, /* was denied */
        REPLAY_OTHER_READS, /* allowed as before, and shows other data */
        REPLAY_OTHER_POLICIES,
        REPLAY_CANNOT_TELL,
        REPLAY_SAME,
        REPLAY_CHANGES,
};
const char *replay_change_name(enum replay_change c); /* "now_denied" */

/* A class of data in an outcome. */
struct replay_seen {
        struct span class;
        enum replay_read was, now;
        bool gone; /* the package has no such class for the operation */
};

struct replayed {
        struct arena arena; /* all of it */
        uint32_t ledger;    /* which of several */
        struct replay_call call;
        struct replay_result result;
        char id[REPLAY_ID_MAX + 1];
        bool has_judge;
        uint8_t judge[PACKAGE_HASH]; /* of the package that has judged it */
        uint64_t index;
        int64_t wall_ns;
        bool allowed;                         /* api.intent */
        struct span reason, detail;           /* api.denied */
        const struct span *policies, *faults; /* names, as the entry has them */
        uint32_t n_policies, n_faults;
        uint64_t policies_left_out, faults_left_out;
        enum replay_change change;
        const struct replay_seen *seen;
        uint32_t n_seen;
        /* Of another package: classes that the answer had nothing of as it was judged, and that
         * might be told of it now, otherwise than it was shown. */
        const struct span *unmet;
        uint32_t n_unmet;
        const char *late;   /* why its outcome is not known; NULL: it is, or there is none */
        bool unread;        /* there is one, of which nothing can be told */
        bool reads_open;    /* what of it would be shown cannot be told */
        bool policies_open; /* by which policies it would be decided as it was cannot be told */
};

/* ---- replay_read.c ---- */

/* Has the entry in view what its kind has, as the recorder has checked it when it was appended?
 * Else -EINVAL, and which member: in another ledger anything may be.  */
MUST_USE int replay_check_kind(const struct view *v, struct err *err);
/* Of an api.intent or api.denied in view, for a package of this hash.  r: zeroed but for the arena.
 * -EINVAL: the entry is not what its kind says, and which member; -E2BIG, -ENOMEM. */
MUST_USE int replay_read_call(struct replayed *r, const struct view *v, const uint8_t *sha256,
                              struct err *err);
/* what.reads of an api.outcome into r->seen, r->unmet.  -EINVAL, also where it is another call's;
 * -ENOMEM. */
MUST_USE int replay_read_outcome(struct replayed *r, const struct view *v, const struct api *api,
                                 struct err *err);
/* The text of a member of "what"; in arena.  p NULL: there is none. */
struct span replay_text(const struct view *v, const char *path, struct arena *arena);

/* What an api.denied tells of the calls of an API. */
enum replay_telling {
        REPLAY_TELLS_NOTHING, /* it is another's */
        REPLAY_TELLS_ONE,     /* that can be judged again */
        REPLAY_TELLS_COUNTED, /* how many there were, that could be judged if more were known */
        REPLAY_TELLS_ANY,     /* the same, and nobody knows whose they were */
        REPLAY_TELLS_REFUSED, /* by what policies and values have no part in */
};
/* *n: how many calls.  *reason: in arena. */
enum replay_telling replay_telling_of(const struct view *v, struct span api, struct arena *arena,
                                      uint64_t *n, struct span *reason);

/* ---- replay_judge.c ---- */

/* Whether a refusal is one that policies or the document's words about values have decided. */
bool replay_is_judged(struct span reason);
/* What entries call a policy: its @id, else its place. */
struct span replay_policy_name(const struct cedar_policy *p);
/* r->change of what was read and decided; again when the outcome was read. */
void replay_judge(struct replayed *r);

/* ---- replay_show.c ---- */

#define REPLAY_ENTRY_IS_CUT "the entry had no room for all its policies"

/* What one is about, for both kinds of telling. */
void replay_put_on(const struct replay_unknown *u, struct buf *out);
void replay_put_unmet(struct span class, struct buf *out);
/* What a replayed refusal lacks; NULL: nothing, or r->result.on. */
const char *replay_why_open(const struct replayed *r);
/* An entry that names not all of the policies says nothing of the others. */
bool replay_is_cut(const struct replayed *r);

void replay_put_text(const struct screen *s, const struct replayed *r, struct buf *out);
const char *replay_read_word(enum replay_read r); /* "masked" */

/* ---- replay_sum.c ---- */

struct replay_sum {
        uint64_t n, by_change[REPLAY_CHANGES];
        uint64_t reads_open;    /* calls as before, but for what they would be shown */
        uint64_t other_package; /* allowed calls that another one has judged */
        uint64_t policies_open; /* and for the policies that decide or err */
        uint64_t not_judged, broken;
        uint64_t folded, folded_any; /* only counted; of these, of whatever API */
        struct replay_count {
                char text[160];
                uint64_t n;
        } missing[REPLAY_MISSING_MAX], reasons[REPLAY_MISSING_MAX];
        uint32_t n_missing, n_reasons;
        uint64_t missing_more;
};
void replay_count(struct replay_count *list, uint32_t *n, uint64_t *more, struct span text,
                  uint64_t times);
void replay_add(struct replay_sum *sum, const struct replayed *r);

void replay_put_sum(const struct screen *s, const struct replay_sum *sum, struct buf *out);

/* ---- replay_json.c ---- */

struct replay_ledgers;

/* ledger: its name */
void replay_put_json(const struct replayed *r, const char *ledger, struct buf *out);
/* The members of the sum between "broken" and "signed". */
void replay_put_sum_json(struct json_writer *w, const struct replay_sum *sum,
                         const struct replay_ledgers *ledgers);

#endif
