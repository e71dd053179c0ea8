/* SPDX-License-Identifier: Apache-2.0 */
/* replay_ledgers.c - see replay_ledgers.h. */
#include "command/api/replay_ledgers.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "command/log/view.h"
#include "command/places.h"
#include "ledger/signing/signer.h"

enum { BESIDE_MAX = 1000 }; /* numbers that are looked at */

static struct replay_ledger *ledger_free(struct replay_ledger *l)
{
        if (l)
                reader_done(&l->reader);
        free(l);
        return NULL;
}
DEFINE_CLEANUP(struct replay_ledger, ledger_free)

void replay_ledgers_done(struct replay_ledgers *l)
{
        for (uint32_t i = 0; i < l->n; i++)
                ledger_free(l->at[i]);
        *l = (struct replay_ledgers){ 0 };
}

/* ---- its first entry ---- */

/* The whole text, or nothing. */
static bool get_text(const struct view *v, const char *path, char *out, size_t size)
{
        struct buf b = { .p = (uint8_t *)out, .cap = size - 1, .max = size - 1 }; /* never grows */

        if (view_text(v, path, &b) != FIELD_CLEAR || buf_status(&b) < 0)
                return false;
        out[b.n] = '\0';
        return strlen(out) == b.n;
}

static bool get_size(const struct view *v, uint64_t *ret)
{
        char text[TEXT_U64_MAX + 1];

        return get_text(v, "what.previous_size", text, sizeof text) &&
               text_to_u64(span_str(text), ret) == 0;
}

static void take_first(struct replay_ledger *l, const struct view *v)
{
        char root[2 * HASH_LEN + 1];

        l->has_time = v->has_time;
        l->opened_ns = v->wall_ns;
        l->cites = span_eq_str(v->entry.kind, "ledger.opened") &&
                   get_text(v, "what.previous_origin", l->cited.origin, sizeof l->cited.origin) &&
                   get_text(v, "what.previous_root", root, sizeof root) &&
                   text_from_hex(span_str(root), l->cited.root.b, HASH_LEN) == 0 &&
                   get_size(v, &l->cited.size);
}

/* What is wrong with it is told when the entries are walked. */
static void read_first(struct replay_ledger *l)
{
        CLEANUP(view_done) struct view v;
        struct span bytes;

        view_init(&v);
        if (reader_size(&l->reader) > 0 && reader_entry(&l->reader, 0, &bytes, NULL) == 0 &&
            reader_bind(&l->reader, 0, NULL) == 0 && view_open(&v, 0, bytes, NULL) == 0)
                take_first(l, &v);
}

static int open_ledger(const char *name, struct replay_ledger **ret, struct err *err)
{
        const size_t n = strlen(name) + 1;
        CLEANUP(ledger_freep) struct replay_ledger *l = calloc(1, sizeof *l + n);
        int rc;

        if (!l)
                return err_sys(err, -ENOMEM, "%s", name);
        memcpy(l->name, name, n);
        rc = reader_open_any(name, NULL, &l->reader, err);
        if (rc < 0)
                return rc;
        read_first(l);
        *ret = l;
        l = NULL;
        return 0;
}

/* ---- those that are named ---- */

static bool first_leaf(const struct replay_ledger *l, struct hash *ret)
{
        return reader_size(&l->reader) > 0 &&
               tree_range(l->reader.tree, (struct proof_range){ 0, 1 }, ret, NULL) == 0;
}

/* One grows: it may have another size where it was copied. */
static bool are_the_same(const struct replay_ledger *a, const struct replay_ledger *b)
{
        struct hash one, other;

        return strcmp(a->reader.checkpoint.origin, b->reader.checkpoint.origin) == 0 &&
               first_leaf(a, &one) && first_leaf(b, &other) && hash_eq(&one, &other);
}

static int add(struct replay_ledgers *all, struct replay_ledger *l, struct err *err)
{
        for (uint32_t i = 0; i < all->n; i++)
                if (are_the_same(all->at[i], l))
                        return err_set(err, -EEXIST,
                                       "%s and %s are the same ledger: its calls would count twice",
                                       all->at[i]->name, l->name);
        if (all->n == REPLAY_LEDGERS_MAX)
                return err_set(err, -E2BIG, "more than %d ledgers", REPLAY_LEDGERS_MAX);
        all->at[all->n++] = l;
        return 0;
}

static int add_named(struct replay_ledgers *all, const char *name, struct err *err)
{
        CLEANUP(ledger_freep) struct replay_ledger *l = NULL;
        int rc = open_ledger(name, &l, err);

        if (rc < 0)
                return rc;
        rc = add(all, l, err);
        if (rc == 0)
                l = NULL;
        return rc;
}

/* ---- those before them ---- */

static bool is_cited(const struct replay_ledger *by, const struct replay_ledger *l)
{
        const struct checkpoint *c = &l->reader.checkpoint;

        return strcmp(by->cited.origin, c->origin) == 0 && by->cited.size == c->size &&
               hash_eq(&by->cited.root, &c->root);
}

static bool is_ledger(const char *path)
{
        char checkpoint[PLACES_PATH_MAX];
        struct stat st;

        return places_join(path, "checkpoint", checkpoint, NULL) == 0 && stat(checkpoint, &st) == 0;
}

/* In NAME.1, NAME.2, ... the one that is cited.  NULL: there is none that can be read. */
static struct replay_ledger *find_numbered(const struct replay_ledger *by, const char *name)
{
        char path[PLACES_PATH_MAX];

        for (unsigned i = 1; i <= BESIDE_MAX; i++) {
                struct replay_ledger *l;

                if (snprintf(path, sizeof path, "%s.%u", name, i) >= (int)sizeof path)
                        return NULL;
                if (!is_ledger(path) || open_ledger(path, &l, NULL) < 0)
                        continue;
                if (is_cited(by, l))
                        return l;
                ledger_free(l);
        }
        return NULL;
}

/* Beside its true name; one that was succeeded itself has a number of its own. */
static struct replay_ledger *find_beside(const struct replay_ledger *by)
{
        char name[PLACES_PATH_MAX];
        struct replay_ledger *l;
        struct stat st;
        size_t n;

        if (stat(by->name, &st) < 0 || !S_ISDIR(st.st_mode) ||
            places_private(by->name, name, NULL) < 0)
                return NULL;
        n = strlen(name) - strlen(".private");
        name[n] = '\0';
        l = find_numbered(by, name);
        while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9')
                n--;
        if (l || n < 2 || !name[n] || name[n - 1] != '.')
                return l;
        name[n - 1] = '\0';
        return find_numbered(by, name);
}

static int find_before(struct replay_ledgers *all, struct replay_ledger *by, struct err *err)
{
        struct replay_ledger *l;
        int rc;

        if (!by->cites)
                return 0;
        for (uint32_t i = 0; i < all->n && !by->before; i++)
                if (all->at[i] != by && is_cited(by, all->at[i]))
                        by->before = all->at[i];
        if (!by->before) {
                l = find_beside(by);
                rc = l ? add(all, l, err) : 0;
                if (rc < 0)
                        ledger_free(l);
                if (!l || rc < 0)
                        return rc;
                by->before = l;
        }
        by->before->goes_on = true;
        return 0;
}

/* Each behind the one that it succeeded, as they were named else.  A root cannot be cited by what
 * it is the root of, so there are no circles. */
static void order(struct replay_ledgers *all)
{
        struct replay_ledger *ordered[REPLAY_LEDGERS_MAX];
        uint32_t n = 0;

        for (uint32_t i = 0; i < all->n; i++) {
                struct replay_ledger *l = all->at[i];
                uint32_t end;

                if (l->goes_on)
                        continue;
                end = n;
                for (; l && !l->is_taken; l = l->before) {
                        memmove(&ordered[end + 1], &ordered[end],
                                (n - end) * sizeof(struct replay_ledger *));
                        ordered[end] = l;
                        l->is_taken = true;
                        n++;
                }
        }
        assert(n == all->n);
        memcpy(all->at, ordered, n * sizeof(struct replay_ledger *));
}

/* ---- signatures ---- */

static bool is_signed(const struct replay_ledger *l, const struct note_vkey *keys, size_t n)
{
        struct checkpoint c;

        for (size_t i = 0; i < n; i++)
                if (verifier_open_checkpoint(&keys[i], buf_span(&l->reader.note), &c, NULL) == 0)
                        return true;
        return false;
}

/* From the newest back. */
static int judge(struct replay_ledgers *all, const struct note_vkey *keys, size_t n,
                 struct err *err)
{
        for (uint32_t i = 0; i < all->n; i++)
                all->at[i]->is_signed = is_signed(all->at[i], keys, n);
        for (uint32_t i = all->n; i-- > 0;) {
                const struct replay_ledger *l = all->at[i];

                if (l->is_signed && l->before)
                        l->before->is_signed = true;
                if (!l->is_signed && n)
                        return err_set(err, -EBADMSG,
                                       "%s: its checkpoint is not signed with %s, and no ledger "
                                       "that is cites it",
                                       l->name, n == 1 ? "the key given" : "one of the keys given");
        }
        return 0;
}

int replay_ledgers_open(const char *const *names, size_t n, const struct note_vkey *keys,
                        size_t n_keys, struct replay_ledgers *ret, struct err *err)
{
        int rc = 0;

        *ret = (struct replay_ledgers){ 0 };
        for (size_t i = 0; i < n && rc == 0; i++)
                rc = add_named(ret, names[i], err);
        for (uint32_t i = 0; i < ret->n && rc == 0; i++) /* those that are found as well */
                rc = find_before(ret, ret->at[i], err);
        if (rc < 0)
                return rc;
        order(ret);
        return judge(ret, keys, n_keys, err);
}

/* ---- told ---- */

static void put_row(struct table *t, uint64_t size, const struct replay_tally *n, const char *name)
{
        const uint64_t counts[] = { size, n->calls, n->same, n->otherwise, n->open };

        for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(64);

                screen_put_count(&text, counts[i]);
                table_put_safe(t, STYLE_NONE, buf_cstr(&text));
        }
        table_put(t, STYLE_NAME, name);
}

void replay_ledgers_put(const struct replay_ledgers *l, const struct screen *s, struct buf *out)
{
        static const char *const heads[] = { "entries",   "calls",       "as before",
                                             "otherwise", "cannot tell", "ledger" };
        static struct table t; /* too large for a stack */
        struct replay_tally all = { 0 };
        uint64_t size = 0;

        table_init(&t, ARRAY_LEN(heads));
        for (size_t i = 0; i < ARRAY_LEN(heads); i++)
                table_put_safe(&t, STYLE_DIM, heads[i]);
        for (uint32_t i = 0; i < l->n; i++) {
                const struct replay_tally *n = &l->at[i]->tally;

                put_row(&t, reader_size(&l->at[i]->reader), n, l->at[i]->name);
                size += reader_size(&l->at[i]->reader);
                all.calls += n->calls;
                all.same += n->same;
                all.otherwise += n->otherwise;
                all.open += n->open;
        }
        if (l->n > 1)
                put_row(&t, size, &all, "all of them");
        table_print(&t, s, 0, out);
        table_done(&t);
}

void replay_ledgers_put_json(const struct replay_ledgers *all, struct json_writer *w)
{
        json_put_key(w, "ledgers");
        json_begin_array(w);
        for (uint32_t i = 0; i < all->n; i++) {
                const struct replay_ledger *l = all->at[i];

                json_begin_object(w);
                json_member_u64(w, "calls", l->tally.calls);
                json_member_u64(w, "cannot_tell", l->tally.open);
                command_put_json_text(w, "name", l->name);
                command_put_json_text(w, "origin", l->reader.checkpoint.origin);
                json_member_u64(w, "otherwise", l->tally.otherwise);
                json_member_u64(w, "same", l->tally.same);
                json_member_u64(w, "size", reader_size(&l->reader));
                json_end_object(w);
        }
        json_end_array(w);
}
