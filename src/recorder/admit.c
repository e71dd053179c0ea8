/* SPDX-License-Identifier: Apache-2.0 */
/* admit.c - from a writer's message to staged entries, or to a refusal that says why.
 *
 * What makes an entry acceptable depends on the entry alone, so a resend is judged like the first
 * time and hears the same answer.  Of a gateway's it depends on the calls that are open as well,
 * and of anybody's on whom the vault knows, which may be others by then: what was refused for that
 * is remembered (calls.h).
 *
 * SECURITY: every byte here comes from a less trusted process. */
#include "recorder/recorder_priv.h"
#include "wire/entry.h"
#include "wire/kind.h"

/* One entry of an APPEND message; the spans point into the packet. */
struct sent {
        uint64_t seq;
        struct span skeleton;
        struct vault_field field[MSG_FIELDS_MAX];
        struct span name[MSG_FIELDS_MAX];
        size_t n_fields;
        struct span for_whom; /* empty: nobody is named but in the fields */
};

static bool is_for_whom(const struct vault_field *f)
{
        return f->value.n == 0 && f->subject.n > 0 && span_eq_str(f->name, MSG_FOR_WHOM);
}

static int read_sent(struct msg_reader *m, bool may_name, struct sent *s)
{
        size_t n;

        s->seq = msg_get_u64(m);
        s->skeleton = msg_get_bytes32(m);
        s->n_fields = 0;
        s->for_whom = SPAN_NONE;
        n = msg_get_u8(m);
        if (n > MSG_FIELDS_MAX)
                return err_set(m->err, -EBADMSG, "%zu sensitive fields, at most %d", n,
                               MSG_FIELDS_MAX);
        for (size_t i = 0; i < n; i++) {
                struct vault_field *f = &s->field[s->n_fields];

                f->subject = msg_get_bytes16(m);
                f->name = msg_get_bytes8(m);
                f->value = msg_get_bytes32(m);
                if (may_name && !s->for_whom.n && is_for_whom(f))
                        s->for_whom = f->subject;
                else
                        s->name[s->n_fields++] = f->name;
        }
        return m->failed ? -EBADMSG : 0;
}

static struct entry_stamp stamp_of(const struct peer *p, uint64_t seq)
{
        return (struct entry_stamp){
                .host = span_str(p->r->host),
                .proc = span_str(role_of(p->role)->name),
                .run = p->run,
                .seq = seq,
                .wall_ns = clock_wall(p->r->clock),
        };
}

/* Digests and ids all have one length, so any will do to see whether the entry fits. */
static int judge_length(const struct peer *p, const struct sent *s, struct err *err)
{
        struct span digests[VAULT_FIELDS_MAX], subjects[VAULT_FIELDS_MAX];
        struct entry_stamp stamp = stamp_of(p, s->seq);
        char any[ENTRY_DIGEST_LEN];

        if (s->skeleton.n < ENTRY_MAX / 2) /* what we add is much less */
                return 0;
        memset(any, 'A', sizeof any);
        for (size_t i = 0; i < s->n_fields; i++) {
                size_t k = 0;

                while (!span_eq(s->field[k].subject, s->field[i].subject))
                        k++;
                digests[i] = span_of(any, ENTRY_DIGEST_LEN);
                if (k == i)
                        subjects[stamp.n_subjects++] = span_of(any, ENTRY_SUBJECT_LEN);
        }
        stamp.digests = digests;
        stamp.n_digests = s->n_fields;
        stamp.subjects = subjects;
        buf_clear(&p->r->entry);
        return entry_compose(s->skeleton, &stamp, &p->r->entry, err);
}

/* What is judged good must also be sealed, committed and published: see LEDGER_SEALED_MAX.  A value
 * is sealed as base64 of itself with its name, at most as long as a kind's longest, and its salt.
 */
enum { VALUES_MAX = 32 * 1024, AROUND_A_VALUE = 100, ROW_AROUND = 40 };
STATIC_ASSERT((VALUES_MAX + MSG_FIELDS_MAX * AROUND_A_VALUE) * 4 / 3 +
                              MSG_FIELDS_MAX * ROW_AROUND <=
                      LEDGER_SEALED_MAX,
              "judged good, sealed in full");

static int judge(const struct peer *p, const struct sent *s, struct err *err)
{
        size_t values = 0;
        int rc;

        if (s->skeleton.n > ENTRY_MAX)
                return err_set(err, -E2BIG, "an entry of %zu bytes, at most %d fit", s->skeleton.n,
                               ENTRY_MAX);
        rc = json_check(s->skeleton, err);
        if (rc == 0)
                rc = kind_check(s->skeleton, role_of(p->role)->name, s->name, s->n_fields, err);
        for (size_t i = 0; i < s->n_fields && rc == 0; i++) {
                const struct vault_field *f = &s->field[i];

                rc = json_check_value(f->value, err);
                if (rc == 0 && (f->subject.n == 0 || f->subject.n > VAULT_LABEL_MAX))
                        rc = err_set(err, -EINVAL, "a subject of %zu bytes: 1 to %d", f->subject.n,
                                     VAULT_LABEL_MAX);
                values += f->value.n;
                if (rc == 0 && values > VALUES_MAX)
                        rc = err_set(err, -E2BIG,
                                     "sensitive values of %zu bytes, at most %d in all", values,
                                     VALUES_MAX);
                if (rc < 0)
                        err_wrap(err, "%.*s", (int)MIN_OF(f->name.n, (size_t)64),
                                 (const char *)f->name.p);
        }
        return rc == 0 ? judge_length(p, s, err) : rc;
}

/* Digests and ids as spans for the composer. */
static void point_at(const struct vault_sealed *v, struct span *digests, struct span *subjects,
                     struct entry_stamp *stamp)
{
        for (size_t i = 0; i < v->n_digests; i++)
                digests[i] = span_of(v->digest[i], ENTRY_DIGEST_LEN);
        for (size_t i = 0; i < v->n_subjects; i++)
                subjects[i] = span_of(v->subject[i], ENTRY_SUBJECT_LEN);
        stamp->digests = digests;
        stamp->n_digests = v->n_digests;
        stamp->subjects = subjects;
        stamp->n_subjects = v->n_subjects;
}

static int seal(struct peer *p, struct span id, const struct sent *s, int64_t wall_ns,
                struct vault_sealed *ret, struct err *err)
{
        struct recorder *r = p->r;
        const uint32_t most = room_for_subjects(r, p->role);

        if (p->role == ROLE_GATEWAY)
                return newcomers_seal(&r->newcomers, r->vault, most,
                                      &(struct newcomers_entry){ .id = id,
                                                                 .skeleton = s->skeleton,
                                                                 .fields = s->field,
                                                                 .n = s->n_fields,
                                                                 .for_whom = s->for_whom,
                                                                 .wall_ns = wall_ns },
                                      ret, &r->rows, err);
        vault_limit(r->vault, most);
        return vault_seal(r->vault, id, s->field, s->n_fields, ret, &r->rows, err);
}

static int stage_sent(struct peer *p, const struct sent *s, const struct entry_stamp *as,
                      uint64_t *ret_index, struct err *err)
{
        struct recorder *r = p->r;
        struct span digests[VAULT_FIELDS_MAX], subjects[VAULT_FIELDS_MAX];
        struct entry_stamp stamp = *as;
        struct vault_sealed sealed;
        char id[ENTRY_ID_MAX + 1];
        int rc;

        buf_clear(&r->rows);
        buf_clear(&r->entry);
        if (s->n_fields) {
                entry_id(&stamp, id);
                rc = seal(p, span_str(id), s, stamp.wall_ns, &sealed, err);
                if (rc < 0)
                        return rc;
                point_at(&sealed, digests, subjects, &stamp);
        }
        rc = entry_compose(s->skeleton, &stamp, &r->entry, err);
        if (rc < 0)
                return rc;
        return recorder_stage(r, buf_span(&r->entry), buf_span(&r->rows),
                              recorder_wal_run(p->run, p->role), s->seq, ret_index, err);
}

static void close_unread(struct peer *p)
{
        peer_close(p, true, "more than %d entries without taking their acknowledgements",
                   LEDGER_WINDOW);
}

static void refuse(struct peer *p, const struct sent *s, struct err *why)
{
        bool remembered = p->role == ROLE_GATEWAY || why->code == -EBUSY;
        int rc;

        /* Before there is an entry of it: sent again, it would be taken for one that was good. */
        if (remembered && calls_expect(&p->r->calls, p->run) < 0) {
                peer_close(p, false, "no memory");
                return;
        }
        peer_clean_words(why->text);
        rc = own_refused(p->r, s->skeleton, p, s->seq, why->code, err_text(why));
        if (rc == -ENOBUFS)
                close_unread(p);
        if (rc < 0)
                return; /* on a full disk it will come again */
        p->last = s->seq;
        p->r->total.refused++;
        peer_refuse(p, s->seq, why->code, err_text(why));
        if (remembered) {
                rc = calls_refuse(&p->r->calls, p->run, s->seq, why->code);
                assert(rc == 0); /* it was expected */
        }
}

/* A gateway's entry may open a call or close one. */
static int judge_and_stage(struct peer *p, const struct sent *s, uint64_t *ret_index,
                           struct err *err)
{
        struct calls *calls = &p->r->calls;
        struct calls_change change = { 0 };
        struct entry_stamp stamp;
        char id[ENTRY_ID_MAX + 1] = "";
        int rc = judge(p, s, err);

        if (rc == 0 && p->role == ROLE_GATEWAY)
                rc = calls_judge(calls, p->run, s->skeleton, &change, err);
        if (rc < 0)
                return rc;
        stamp = stamp_of(p, s->seq);
        rc = stage_sent(p, s, &stamp, ret_index, err);
        if (rc < 0) {
                calls_abandon(calls, &change);
                return rc;
        }
        if (change.opens)
                entry_id(&stamp, id);
        calls_commit(calls, &change, *ret_index, id, clock_mono(p->r->clock));
        return 0;
}

static void admit_new(struct peer *p, const struct sent *s)
{
        struct recorder *r = p->r;
        struct err err = { 0 };
        uint64_t index;
        int rc;

        rc = judge_and_stage(p, s, &index, &err);
        if (rc == 0) {
                p->last = s->seq;
                r->total.appended++;
                r->total.bytes += r->entry.n;
                peer_answer(p, s->seq, index);
        } else if (rc == -EINVAL || rc == -E2BIG || rc == -EACCES || rc == -EBUSY ||
                   rc == -EDQUOT) {
                refuse(p, s, &err);
        } else if (rc == -ENOBUFS) {
                close_unread(p);
        } else if (rc == -ENOSPC && !r->full) {
                r->vault_short = true;
                room_enter_full(r);
        } else if (rc != -ENOSPC) {
                recorder_stop(r, rc, "append", &err);
        }
}

static void admit_again(struct peer *p, const struct sent *s)
{
        struct err err = { 0 };
        uint64_t index;
        int rc, code;

        rc = ledger_find(p->r->ledger,
                         (struct ledger_writer_id){ recorder_wal_run(p->run, p->role), s->seq },
                         &index);
        if (rc < 0) {
                peer_close(p, true, "sequence %llu again, which it took the acknowledgement of",
                           (unsigned long long)s->seq);
                return;
        }
        p->r->total.resent++;
        rc = judge(p, s, &err);
        if (rc == -ENOMEM) { /* it says nothing of the entry */
                peer_close(p, false, "no memory");
        } else if (rc < 0) {
                peer_clean_words(err.text);
                peer_refuse(p, s->seq, err.code, err_text(&err));
        } else if (calls_was_refused(&p->r->calls, p->run, s->seq, &code)) {
                peer_refuse(p, s->seq, code, "it was refused when it came first");
        } else {
                peer_answer(p, s->seq, index);
        }
}

static void admit(struct peer *p, const struct sent *s)
{
        if (p->r->full) {
                p->r->full_refused++;
                p->discarding = true;
        } else if (s->seq > p->last + 1 && !p->discarding) {
                peer_close(p, true, "sequence %llu where %llu is due", (unsigned long long)s->seq,
                           (unsigned long long)p->last + 1);
        } else if (s->seq == p->last + 1) {
                p->discarding = false;
                admit_new(p, s);
        } else if (s->seq <= p->last) {
                p->discarding = false;
                admit_again(p, s);
        }
}

void admit_message(struct peer *p, struct msg_reader *m)
{
        uint64_t acked = msg_get_u64(m);
        unsigned count = msg_get_u16(m);
        struct sent s;

        acked = MIN_OF(acked, p->durable);
        ledger_acked(p->r->ledger, recorder_wal_run(p->run, p->role), acked);
        if (p->role != ROLE_ADMIN)
                calls_acked(&p->r->calls, p->run, acked);
        for (unsigned i = 0; i < count && p->state == PEER_OPEN && !p->r->stop_code; i++) {
                if (read_sent(m, p->role == ROLE_GATEWAY, &s) < 0) {
                        peer_close(p, true, "malformed message: %s", err_text(m->err));
                        return;
                }
                admit(p, &s);
        }
        if (p->state == PEER_OPEN && !p->r->stop_code && msg_close(m) < 0)
                peer_close(p, true, "malformed message: %s", err_text(m->err));
}
