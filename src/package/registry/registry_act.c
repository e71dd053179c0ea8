/* SPDX-License-Identifier: Apache-2.0 */
/* registry_act.c - changing a registry: the ledger first.  Invariants 1 to 4 of registry.h. */
#include "package/registry/registry.h"

#include "base/text.h"
#include "package/registry/registry_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static const char pending[] = "pending";

/* ---- files ---- */

static int sync_dir(struct registry *r, const char *path, struct err *err)
{
        CLEANUP_FD int fd = r->io->open(r->io->ctx, r->fd, path, O_RDONLY | O_DIRECTORY, 0);
        int rc = fd < 0 ? fd : r->io->fsync(r->io->ctx, fd);

        return rc < 0 ? err_sys(err, rc, "%s: sync", path) : 0;
}

static int put_file(struct registry *r, const char *dir, const char *path, struct span content,
                    struct err *err)
{
        CLEANUP_FD int fd = -1;
        int rc = io_make_dirs(r->io, r->fd, dir, 0755, err);

        if (rc < 0)
                return rc;
        fd = r->io->open(r->io->ctx, r->fd, dir, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return err_sys(err, fd, "%s", dir);
        return io_replace_file(r->io, r->fd, path, fd, 0444, content, err);
}

/* `pending` stays, as the record at this path.  Done already when it is gone. */
static int keep_record(struct registry *r, const char *dir, const char *path, struct err *err)
{
        int rc = io_make_dirs(r->io, r->fd, dir, 0755, err);

        if (rc == 0) {
                rc = r->io->rename(r->io->ctx, r->fd, pending, path);
                if (rc < 0)
                        return err_sys(err, rc, "%s: rename to %s", pending, path);
                rc = sync_dir(r, dir, err);
        }
        return rc < 0 ? rc : sync_dir(r, ".", err);
}

static int drop_pending(struct registry *r, struct err *err)
{
        int rc = r->io->unlink(r->io->ctx, r->fd, pending);

        if (rc < 0 && rc != -ENOENT)
                return err_sys(err, rc, "%s: unlink", pending);
        return sync_dir(r, ".", err);
}

int registry_put_package(struct registry *r, const struct package_file *f, struct span bytes,
                         struct err *err)
{
        struct arena arena = ARENA_INIT(PACKAGE_FILE_MAX);
        char path[REGISTRY_PATH_MAX];
        struct package_file there;
        uint8_t *p = NULL;
        int rc = registry_package(r, f->sha256, &p, &arena, &there, NULL);

        free(p);
        arena_done(&arena);
        if (rc == 0)
                return 0;
        registry_package_path(f->sha256, path);
        return put_file(r, "packages", path, bytes, err);
}

/* ---- putting in place: done once or twice, it comes to the same ---- */

static bool is_seen(const struct registry_record *record, const char *ref)
{
        for (size_t i = 0; i < record->n_tips; i++)
                if (record->tips[i].tip[0] && strcmp(record->tips[i].ref, ref) == 0)
                        return true;
        return false;
}

static void put_tip(struct json_writer *w, const struct registry_tip *t)
{
        json_begin_array(w);
        json_put_string(w, span_str(t->ref));
        json_put_string(w, span_str(t->tip));
        json_end_array(w);
}

/* What was seen of the branches, then what was known before of others. */
static void put_tips(struct json_writer *w, const struct registry_record *record,
                     const struct registry_tip *known, size_t n_known)
{
        size_t n = 0;

        json_begin_object(w);
        json_put_key(w, "tips");
        json_begin_array(w);
        for (size_t i = 0; i < record->n_tips; i++) {
                if (!record->tips[i].tip[0])
                        continue;
                put_tip(w, &record->tips[i]);
                n++;
        }
        for (size_t i = 0; i < n_known && n < REGISTRY_KNOWN_MAX; i++) {
                if (is_seen(record, known[i].ref))
                        continue;
                put_tip(w, &known[i]);
                n++;
        }
        json_end_array(w);
        json_end_object(w);
}

static int place_tips(struct registry *r, const struct registry_record *record, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(REGISTRY_RECORD_MAX);
        struct registry_tip known[REGISTRY_KNOWN_MAX];
        char path[REGISTRY_PATH_MAX];
        struct json_writer w;
        size_t n;
        int rc = registry_tips(r, record->repository, known, &n, err);

        if (rc < 0)
                return rc;
        json_writer_init(&w, &text);
        put_tips(&w, record, known, n);
        buf_put_byte(&text, '\n');
        rc = buf_status(&text);
        if (rc < 0)
                return err_sys(err, rc, "refs");
        snprintf(path, sizeof path, "refs/%s", record->repository);
        return put_file(r, "refs", path, buf_span(&text), err);
}

static int place_push(struct registry *r, const struct registry_record *record, struct err *err)
{
        char dir[REGISTRY_PATH_MAX], path[REGISTRY_PATH_MAX];
        int rc = place_tips(r, record, err);

        if (rc < 0)
                return rc;
        snprintf(dir, sizeof dir, "names/%s", record->api);
        snprintf(path, sizeof path, "names/%s/%s", record->api, record->version);
        return keep_record(r, dir, path, err);
}

/* The first free place, or the one that has it: *ret_free.  What lies there and cannot be read
 * takes a place, too. */
static int find_place(const struct registry *r, const struct registry_record *record, unsigned *ret,
                      bool *ret_free, struct err *err)
{
        struct span note = span_str(record->note);

        for (unsigned i = 1; i <= REGISTRY_APPROVALS_MAX; i++) {
                uint8_t *p = NULL;
                size_t n = 0;
                int rc = registry_approval(r, record->sha256, i, &p, &n, err);
                bool same = rc == 0 && span_eq(span_of(p, n), note);

                free(p);
                if ((rc == 0 && !same) || rc == -EFBIG || rc == -EINVAL)
                        continue;
                if (rc < 0 && rc != -ENOENT)
                        return rc;
                *ret = i;
                *ret_free = !same;
                return 0;
        }
        return err_set(
                err, -E2BIG,
                "approvals: there are %d of this package already: deploy with --approval, or "
                "raise the version",
                REGISTRY_APPROVALS_MAX);
}

static int place_approval(struct registry *r, const struct registry_record *record, struct err *err)
{
        char path[REGISTRY_PATH_MAX];
        unsigned place = 0;
        bool is_free = false;
        int rc = find_place(r, record, &place, &is_free, err);

        if (rc == 0 && is_free) {
                registry_approval_path(record->sha256, place, path);
                rc = put_file(r, "approvals", path, span_str(record->note), err);
        }
        return rc < 0 ? rc : drop_pending(r, err);
}

/* The APIs of the next generation, into l. */
static int change_live(struct registry_live *l, const struct registry_record *record,
                       struct err *err)
{
        struct live_api now = { .name = span_str(record->api),
                                .version = span_str(record->version) };
        uint32_t at = 0;
        bool there;

        while (at < l->n && span_cmp(l->api[at].name, now.name) < 0)
                at++;
        there = at < l->n && span_eq(l->api[at].name, now.name);
        if (record->kind == REGISTRY_WITHDRAWN) {
                if (there)
                        memmove(&l->api[at], &l->api[at + 1], (--l->n - at) * sizeof l->api[0]);
                return 0;
        }
        if (!there && l->n == LIVE_APIS_MAX)
                return err_set(err, -E2BIG, "more than %d APIs", LIVE_APIS_MAX);
        if (!there)
                memmove(&l->api[at + 1], &l->api[at], (l->n++ - at) * sizeof l->api[0]);
        memcpy(now.sha256, record->sha256, PACKAGE_HASH);
        l->api[at] = now;
        return 0;
}

static int place_deployment(struct registry *r, const struct registry_record *record,
                            struct err *err)
{
        struct registry_live *l = malloc(sizeof *l);
        char path[REGISTRY_PATH_MAX];
        int rc = l ? registry_live(r, l, err) : err_sys(err, -ENOMEM, "live");

        if (rc == 0 && l->generation != record->generation &&
            l->generation + 1 != record->generation)
                rc = err_set(err, -EBADMSG, "generation %llu is deployed, this is %llu",
                             (unsigned long long)l->generation,
                             (unsigned long long)record->generation);
        if (rc == 0)
                rc = change_live(l, record, err);
        if (rc == 0)
                rc = live_publish(r->io, r->fd, record->generation, l->api, l->n, err);
        if (l)
                registry_live_done(l);
        free(l);
        if (rc < 0)
                return rc;
        snprintf(path, sizeof path, "deployments/%llu", (unsigned long long)record->generation);
        return keep_record(r, "deployments", path, err);
}

static int place(struct registry *r, const struct registry_record *record, struct err *err)
{
        switch (record->kind) {
        case REGISTRY_PUSHED:
                return place_push(r, record, err);
        case REGISTRY_APPROVED:
                return place_approval(r, record, err);
        case REGISTRY_DEPLOYED:
        case REGISTRY_ROLLED_BACK:
        case REGISTRY_WITHDRAWN:
                return place_deployment(r, record, err);
        case REGISTRY_REFUSED:
        case REGISTRY_ACTS:
                break;
        }
        return err_set(err, -EBADMSG, "nothing is put in place for %s",
                       registry_act_entry(record->kind));
}

/* ---- the ledger ---- */

struct said {
        struct buf what, sensitive;
};

static void said_done(struct said *s)
{
        buf_done(&s->what);
        buf_done(&s->sensitive);
}

static int say(const struct registry_record *record, struct said *s, struct err *err)
{
        int rc;

        s->what = BUF_INIT(REGISTRY_RECORD_MAX);
        s->sensitive = BUF_INIT(REGISTRY_RECORD_MAX);
        registry_record_put_what(record, &s->what);
        registry_record_put_sensitive(record, &s->sensitive);
        rc = buf_status(&s->what) < 0 ? buf_status(&s->what) : buf_status(&s->sensitive);
        return rc < 0 ? err_sys(err, rc, "entry") : 0;
}

static int ask_for_entry(const struct registry_ledger *l, const struct registry_record *record,
                         struct err *err)
{
        CLEANUP(said_done) struct said s = { 0 };
        int rc = say(record, &s, err);

        return rc < 0 ? rc
                      : l->record(l->ctx, registry_act_entry(record->kind), buf_span(&s.what),
                                  buf_span(&s.sensitive), err);
}

static int find_entry(const struct registry_ledger *l, const struct registry_record *record,
                      struct span what, bool *ret, struct err *err)
{
        return l->find(l->ctx, record->origin, record->from, registry_act_entry(record->kind), what,
                       ret, err);
}

int registry_tell(const struct registry_ledger *l, const struct registry_record *record,
                  struct err *err)
{
        return ask_for_entry(l, record, err);
}

/* ---- acts ---- */

static int place_or_say(struct registry *r, const struct registry_record *record, struct err *err)
{
        int rc = place(r, record, err);

        if (rc < 0)
                err_wrap(err,
                         "%s is in the ledger and will be put in place by the next command "
                         "that changes this registry",
                         registry_act_entry(record->kind));
        return rc;
}

/* By the bytes that are there: of another version of Assay they may not be those we would write. */
static int settle(struct registry *r, const struct registry_ledger *l,
                  const struct registry_record *record, struct span text,
                  enum registry_settled *ret, struct err *err)
{
        struct json_value what;
        bool found = false;
        int rc = json_get(json_value_of(text), "what", &what)
                         ? find_entry(l, record, what.raw, &found, err)
                         : err_set(err, -EBADMSG, "%s: nothing is in it", pending);

        if (rc < 0) {
                err_wrap(err, "an act was interrupted, and whether it is in the ledger cannot be "
                              "told");
                return rc;
        }
        rc = found ? place_or_say(r, record, err) : drop_pending(r, err);
        if (rc == 0)
                *ret = found ? REGISTRY_FINISHED : REGISTRY_FORGOTTEN;
        return rc;
}

int registry_settle(struct registry *r, const struct registry_ledger *l, enum registry_settled *ret,
                    struct registry_record *ret_record, struct err *err)
{
        struct registry_record *record;
        uint8_t *text;
        size_t n;
        int rc = io_read_file(r->io, r->fd, pending, REGISTRY_RECORD_MAX, &text, &n, err);

        *ret = REGISTRY_NOTHING;
        if (rc < 0)
                return rc == -ENOENT ? 0 : rc;
        record = malloc(sizeof *record);
        rc = record ? registry_record_read(span_of(text, n), record, err)
                    : err_sys(err, -ENOMEM, "%s", pending);
        if (rc < 0)
                err_wrap(err, "%s", pending);
        if (rc == 0) /* without its newline */
                rc = settle(r, l, record, span_of(text, n - 1), ret, err);
        if (rc == 0 && ret_record)
                *ret_record = *record;
        free(record);
        free(text);
        return rc;
}

static int write_pending(struct registry *r, const struct registry_record *record, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(REGISTRY_RECORD_MAX);
        int rc;

        registry_record_put(record, &text);
        rc = buf_status(&text);
        if (rc < 0)
                return err_sys(err, rc, "%s", pending);
        return io_replace_file(r->io, r->fd, pending, r->fd, 0444, buf_span(&text), err);
}

/* The answer did not come, or was no.  1: there is an entry nevertheless. */
static int look_again(struct registry *r, const struct registry_ledger *l,
                      const struct registry_record *record, struct err *err)
{
        CLEANUP(said_done) struct said s = { 0 };
        struct err second = { 0 };
        bool found = false;
        int rc = say(record, &s, &second);

        if (rc == 0)
                rc = find_entry(l, record, buf_span(&s.what), &found, &second);
        if (rc < 0) {
                err_wrap(err, "whether there is an entry cannot be told now (%s)",
                         err_text(&second));
                return err->code;
        }
        if (found)
                return 1;
        rc = drop_pending(r, &second);
        if (rc < 0)
                err_wrap(err, "%s", err_text(&second));
        return err->code;
}

/* Can it be put in place at all?  Else it would be in the ledger, and nothing done behind it. */
static int check_room(const struct registry *r, const struct registry_record *record,
                      struct err *err)
{
        struct registry_live *l;
        unsigned place;
        bool is_free;
        int rc;

        if (record->kind == REGISTRY_APPROVED)
                return find_place(r, record, &place, &is_free, err);
        if (!registry_is_deployment(record->kind))
                return 0;
        l = malloc(sizeof *l);
        rc = l ? registry_live(r, l, err) : err_sys(err, -ENOMEM, "live");
        if (rc == 0) {
                rc = change_live(l, record, err);
                registry_live_done(l);
        }
        free(l);
        return rc;
}

/* A `current` that was put back would have generations told twice, and approvals used twice: those
 * behind it are not looked for. */
static int check_new(const struct registry *r, const struct registry_record *record,
                     struct err *err)
{
        unsigned long long n = (unsigned long long)record->generation;
        struct registry_record *before;
        int rc;

        if (!registry_is_deployment(record->kind))
                return 0;
        before = malloc(sizeof *before);
        rc = before ? registry_deployment(r, record->generation, before, NULL) : -ENOMEM;
        free(before);
        if (rc == -ENOENT)
                return 0;
        if (rc == -ENOMEM)
                return err_sys(err, rc, "deployments");
        return err_set(err, -EBADMSG,
                       "deployments/%llu is there already, but `current` leads to generation %llu: "
                       "somebody put it back; nothing is deployed before it leads to the last one "
                       "again",
                       n, n - 1);
}

int registry_act(struct registry *r, const struct registry_ledger *l,
                 struct registry_record *record, struct err *err)
{
        struct err second = { 0 };
        int rc = check_new(r, record, err);

        assert(r->lock >= 0 && err);
        if (rc == 0)
                rc = check_room(r, record, err);
        if (rc == 0)
                rc = l->position(l->ctx, record->origin, &record->from, err);
        if (rc < 0)
                return rc;
        rc = write_pending(r, record, err);
        if (rc < 0) {
                if (drop_pending(r, &second) < 0)
                        err_wrap(err, "%s", err_text(&second));
                return rc;
        }
        rc = ask_for_entry(l, record, err);
        if (rc < 0)
                rc = look_again(r, l, record, err);
        return rc < 0 ? rc : place_or_say(r, record, err);
}
