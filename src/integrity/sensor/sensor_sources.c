/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_sources.c - see sensor_sources.h.
 *
 * SECURITY: names and bytes in the directory may be anybody's who got them there; a name is checked
 * before it is opened and shown, and bytes are only verified, by source_open(). */
#include "integrity/sensor/sensor_sources.h"
#include "integrity/sensor/sensor_sources_file.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "integrity/sensor/control.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/why/late.h"
#include "integrity/why/source_entry.h"
#include "loop/log.h"
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        NAMES_MAX = SOURCES_MAX + 16, /* found at once; the others at the next reload */
        MSG_ROOM = 32 * 1024,         /* what is said of one list */
        LISTS_ROOM = 24 * 1024,       /* and of all in one answer */
};

/* One list on its way through a worker. */
struct lists_job {
        struct pool_job job;
        struct sensor *sensor;
        bool busy;
        char name[NAME_MAX + 1];
        struct control_call *call; /* NULL: found */
        struct who *who;           /* counted */

        int dirfd; /* borrowed */
        struct source_keys keys;
        char host[ENTRY_HOST_MAX + 1];
        int64_t wall_ns;

        int rc;
        struct err err;
        struct source *source;
        uint8_t digest[SOURCE_DIGEST];
        bool has_digest;
};

struct lists {
        struct sources all;
        struct source_keys keys;
        int dirfd;
        char (*names)[NAME_MAX + 1]; /* found, and yet to be read */
        size_t n_names;
        bool starting, again; /* again: asked for while there were some */
        struct lists_job job;
};

const struct sources *lists_known(const struct sensor *s)
{
        return &s->lists->all;
}

/* ---- files ---- */

static bool name_ok(struct span name)
{
        const struct span suffix = SPAN(SOURCE_SUFFIX);

        return name.n > suffix.n && name.n <= NAME_MAX && name.p[0] != '.' &&
               span_eq(span_from(name, name.n - suffix.n), suffix) &&
               !memchr(name.p, '/', name.n) && !memchr(name.p, 0, name.n) &&
               text_is_utf8(name, NULL);
}

static void name_of(const uint8_t digest[SOURCE_DIGEST], char ret[NAME_MAX + 1])
{
        char hex[2 * SOURCE_DIGEST + 1];

        text_hex(span_of(digest, SOURCE_DIGEST), hex);
        snprintf(ret, NAME_MAX + 1, "%s%s", hex, SOURCE_SUFFIX);
}

static void remove_file(const struct lists *l, const char *name)
{
        int rc = io_kernel.unlink(io_kernel.ctx, l->dirfd, name);

        if (rc < 0 && rc != -ENOENT)
                log_event(LOG_LEVEL_WARNING, "sensor.list_stays", log_str("file", name),
                          log_str("error", strerror(-rc)));
}

/* ---- entries ---- */

static int tell(struct sensor *s, const struct source_facts *facts)
{
        CLEANUP(buf_done) struct buf subject = BUF_INIT(SIGNATURE_SIGNER_MAX + 16);
        CLEANUP(buf_done) struct buf value = BUF_INIT(8 * SIGNATURE_SIGNER_MAX + 16);
        const char *signer = facts->source ? facts->source->list.header.signer : "";
        struct feed_field field = { .name = SPAN("what.signer") };

        source_entry_put(facts, &s->skeleton);
        if (buf_status(&s->skeleton) < 0)
                return buf_status(&s->skeleton);
        if (!*signer)
                return tell_entry_with(s, buf_span(&s->skeleton), facts->who, NULL);
        buf_printf(&subject, "signer:%s", signer);
        if (text_is_utf8(span_str(signer), NULL)) {
                json_put_quoted(&value, span_str(signer));
        } else {
                field.name = SPAN("what.signer_b64");
                buf_put_byte(&value, '"');
                text_put_base64(&value, span_str(signer));
                buf_put_byte(&value, '"');
        }
        field.subject = buf_span(&subject);
        field.value = buf_span(&value);
        if (buf_status(&subject) < 0 || buf_status(&value) < 0)
                return -ENOMEM;
        return tell_entry_with(s, buf_span(&s->skeleton), facts->who, &field);
}

static int tell_source(struct sensor *s, const struct source *x, const char *event,
                       const char *detail, struct who *who)
{
        struct source_facts f = {
                .wall_ns = sensor_wall(s), .event = event, .source = x, .detail = detail, .who = who
        };

        log_event(LOG_LEVEL_INFO, "sensor.list", log_str("event", event),
                  log_str("commit", x->list.header.commit),
                  log_str("origin", x->list.header.origin),
                  log_str("detail", detail ? detail : ""));
        return tell(s, &f);
}

static int tell_refused(struct sensor *s, const struct lists_job *j)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(6 * ERR_TEXT_MAX + 4 * NAME_MAX);
        struct source_facts f = { .wall_ns = sensor_wall(s),
                                  .event = "refused",
                                  .digest = j->has_digest ? j->digest : NULL,
                                  .who = j->who };

        text_put_safe(&text, span_str(j->name));
        buf_put_str(&text, ": ");
        text_put_safe(&text, span_str(err_text(&j->err)));
        f.detail = buf_cstr(&text);
        log_event(LOG_LEVEL_WARNING, "sensor.list_refused", log_str("file", j->name),
                  log_err(&j->err));
        return tell(s, &f);
}

/* ---- an end ---- */

/* Out of the believed ones, with its file. */
static int end_list(struct sensor *s, size_t i, const char *event, const char *detail,
                    struct who *who)
{
        struct lists *l = s->lists;
        CLEANUP(source_freep) struct source *x = sources_take(&l->all, i);
        char name[NAME_MAX + 1];

        name_of(x->digest, name);
        remove_file(l, name);
        return tell_source(s, x, event, detail, who);
}

/* ---- keys ---- */

static bool same_keys(const struct source_keys *a, const struct source_keys *b)
{
        for (size_t i = 0; i < a->n; i++)
                if (!source_keys_have(b, &a->key[i]))
                        return false;
        return a->n == b->n;
}

static int use_keys(struct sensor *s, const struct source_keys *keys, struct who *who)
{
        struct lists *l = s->lists;
        struct source_facts f = {
                .wall_ns = sensor_wall(s), .event = "keys", .keys = keys, .who = who
        };
        int rc;

        if (same_keys(&l->keys, keys) && !(l->starting && keys->n))
                return 0;
        l->keys = *keys;
        rc = tell(s, &f);
        for (size_t i = l->all.n; i > 0 && rc == 0; i--)
                if (!source_keys_have(keys, &l->all.of[i - 1]->key))
                        rc = end_list(s, i - 1, "refused", "its key is trusted no more", who);
        return rc;
}

/* -EBADMSG and the like: what they were stays. */
static int read_keys(struct sensor *s, struct who *who, struct err *err)
{
        struct source_keys *keys = calloc(1, sizeof *keys);
        uint8_t *text = NULL;
        size_t n = 0;
        int rc = keys ? 0 : err_set(err, -ENOMEM, "out of memory for keys");

        if (rc == 0 && s->o.keys_file)
                rc = lists_read_file(AT_FDCWD, s->o.keys_file, SOURCE_KEYS_FILE_MAX, &text, &n,
                                     err);
        if (rc == 0)
                rc = source_keys_parse(s->o.keys_file ? s->o.keys_file : "", span_of(text, n), keys,
                                       err);
        else if (rc == -ENOENT)
                rc = 0; /* nobody is trusted */
        if (rc == 0 && use_keys(s, keys, who) < 0)
                rc = err_set(err, -ENOMEM, "out of memory");
        free(text);
        free(keys);
        return rc;
}

/* ---- one list ---- */

static void run_job(struct pool_job *job)
{
        struct lists_job *j = CONTAINER_OF(job, struct lists_job, job);
        uint8_t *file = NULL;
        size_t n = 0;

        j->rc = lists_read_file(j->dirfd, j->name,
                                MIN_OF((int)PATHLIST_MAX, (int)SOURCES_BYTES_MAX), &file, &n,
                                &j->err);
        if (j->rc < 0)
                return;
        sha256(span_of(file, n), j->digest);
        j->has_digest = true;
        j->rc = source_open(file, n, &j->keys, span_str(j->host), j->wall_ns, &j->source, &j->err);
        if (j->rc == -ENOKEY && j->keys.n == 0)
                j->rc = err_set(&j->err, -ENOKEY,
                                "no key is trusted here: %s does not exist or has none",
                                j->sensor->o.keys_file ? j->sensor->o.keys_file : SOURCE_KEYS_FILE);
}

/* The proof of what explains a change that was seen before. */
struct proof {
        const struct sources *all;
        char commit[COMMIT_ID_MAX + 1], why[SOURCE_WHY_MAX];
};

static bool is_explained(void *ctx, const struct source_change *c)
{
        struct proof *p = ctx;
        const struct source *x;

        if (sources_judge(p->all, c, &x, p->why) != SOURCE_FITS)
                return false;
        memcpy(p->commit, x->list.header.commit, sizeof p->commit);
        return true;
}

/* The first verdict stays in the ledger, this goes beside it. */
static int explain_late(struct sensor *s, struct who *who)
{
        struct proof p = { .all = &s->lists->all };
        char id[ALERT_ID_MAX + 1];
        size_t at = 0;
        int rc = 0;

        while (rc == 0 && late_next(s->late, is_explained, &p, &at, id)) {
                rc = why_tell_explained(s, id, p.commit, p.why, who);
                alerts_close(s->alerts, id);
        }
        return rc;
}

static int accept_list(struct sensor *s, struct lists_job *j)
{
        struct lists *l = s->lists;
        struct source *old = NULL;
        const struct source *x = j->source;
        char name[NAME_MAX + 1], old_name[NAME_MAX + 1];
        int rc = sources_add(&l->all, j->source, &old, &j->err);

        if (rc < 0)
                return rc;
        j->source = NULL; /* theirs */
        name_of(x->digest, name);
        if (strcmp(name, j->name) != 0 &&
            (rc = io_kernel.rename(io_kernel.ctx, l->dirfd, j->name, name)) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.list_stays", log_str("file", j->name),
                          log_str("error", strerror(-rc)));
        rc = tell_source(s, x, "accepted", l->starting ? "kept from before the start" : NULL,
                         j->who);
        if (old) {
                name_of(old->digest, old_name);
                remove_file(l, old_name);
                if (rc == 0)
                        rc = tell_source(s, old, "replaced", "a later one has come", j->who);
                source_free(old);
        }
        if (rc == 0)
                rc = explain_late(s, j->who);
        return rc < 0 ? err_set(&j->err, rc, "out of memory") : 0;
}

/* What has become of it; 0 when it is believed. */
static int take_list(struct sensor *s, struct lists_job *j)
{
        struct lists *l = s->lists;
        char name[NAME_MAX + 1];
        int rc = j->rc == 0 ? accept_list(s, j) : j->rc;

        if (rc == -EEXIST) {
                name_of(j->digest, name);
                if (strcmp(name, j->name) != 0)
                        remove_file(l, j->name);
        } else if (rc < 0) {
                if (rc != -ENOMEM)
                        remove_file(l, j->name);
                if (tell_refused(s, j) < 0)
                        s->failed = -ENOMEM;
        }
        j->source = source_free(j->source);
        return rc;
}

static void answer(struct sensor *s, struct lists_job *j, int rc)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(MSG_ROOM);
        const struct source *x = rc == 0 ? sources_find(&s->lists->all, j->digest) : NULL;
        struct json_writer w;

        if (x) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                source_members_put(x, &w);
                json_end_object(&w);
                if (buf_status(&out) < 0)
                        rc = err_sys(&j->err, buf_status(&out), "the answer");
        }
        command_end(s, j->call, rc, err_text(&j->err), buf_span(&out));
        j->call = NULL;
}

static void next_list(struct sensor *s);

static void job_done(struct pool_job *job)
{
        struct lists_job *j = CONTAINER_OF(job, struct lists_job, job);
        struct sensor *s = j->sensor;
        int rc = take_list(s, j);

        if (j->call)
                answer(s, j, rc);
        j->who = who_unref(j->who);
        j->busy = false;
        next_list(s);
}

static void prepare(struct sensor *s, const char *name, struct control_call *call, struct who *who)
{
        struct lists_job *j = &s->lists->job;
        struct span host = feed_host(s->feed);

        *j = (struct lists_job){ .job = { .run = run_job, .done = job_done },
                                 .sensor = s,
                                 .busy = true,
                                 .call = call,
                                 .who = who ? who_ref(who) : NULL,
                                 .dirfd = s->lists->dirfd,
                                 .keys = s->lists->keys,
                                 .wall_ns = sensor_wall(s) };
        memcpy(j->name, name, strnlen(name, NAME_MAX));
        memcpy(j->host, host.p, MIN_OF(host.n, (size_t)ENTRY_HOST_MAX));
}

/* ---- what lies there ---- */

static bool is_believed(const struct lists *l, const char *name)
{
        char own[NAME_MAX + 1];

        for (size_t i = 0; i < l->all.n; i++) {
                name_of(l->all.of[i]->digest, own);
                if (strcmp(own, name) == 0)
                        return true;
        }
        return false;
}

static int find_names(struct lists *l)
{
        struct dir_reader *r;
        struct dir_entry e;
        int rc;

        l->n_names = 0;
        if (l->dirfd < 0)
                return 0;
        r = malloc(sizeof *r);
        rc = r ? (int)lseek(l->dirfd, 0, SEEK_SET) : -ENOMEM;
        if (r)
                dir_reader_init(r, l->dirfd);
        while (rc == 0 && (rc = dir_read(r, &e)) > 0) {
                rc = 0;
                if (!name_ok(span_of(e.name, e.name_n)) || is_believed(l, e.name))
                        continue;
                if (l->n_names == NAMES_MAX) {
                        log_event(LOG_LEVEL_WARNING, "sensor.lists_left",
                                  log_str("then", "the others are read at the next reload"));
                        break;
                }
                memcpy(l->names[l->n_names++], e.name, e.name_n + 1);
        }
        free(r);
        return MIN_OF(rc, 0);
}

static int drop_missing(struct sensor *s)
{
        struct lists *l = s->lists;
        char name[NAME_MAX + 1];
        int rc = 0;

        for (size_t i = l->all.n; i > 0 && rc == 0; i--) {
                name_of(l->all.of[i - 1]->digest, name);
                if (faccessat(l->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                        rc = end_list(s, i - 1, "withdrawn", "its file was removed", NULL);
        }
        return rc;
}

static int look_there(struct sensor *s)
{
        struct source_facts f = { .wall_ns = sensor_wall(s), .event = "refused" };
        CLEANUP(buf_done) struct buf text = BUF_INIT(4 * ERR_TEXT_MAX);
        struct err err = { 0 };
        int rc = read_keys(s, NULL, &err);

        if (rc == -ENOMEM)
                return rc;
        if (rc < 0) {
                log_event(LOG_LEVEL_ERROR, "sensor.keys", log_err(&err));
                text_put_safe(&text, span_str(err_text(&err)));
                f.detail = buf_cstr(&text);
                return tell(s, &f);
        }
        rc = drop_missing(s);
        if (rc == 0 && (rc = find_names(s->lists)) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.lists", log_str("error", strerror(-rc)));
        return rc == -ENOMEM ? rc : 0;
}

static void next_list(struct sensor *s)
{
        struct lists *l = s->lists;

        if (l->job.busy || s->stopping)
                return;
        if (l->n_names == 0 && l->again) {
                l->again = false;
                if (look_there(s) < 0)
                        s->failed = -ENOMEM;
        }
        if (l->n_names == 0)
                return;
        prepare(s, l->names[l->n_names - 1], NULL, NULL);
        if (pool_submit(s->o.pool, &l->job.job) < 0)
                l->job.busy = false; /* at the next tick */
        else
                l->n_names--;
}

void lists_reload(struct sensor *s)
{
        s->lists->again = true;
        next_list(s);
}

/* ---- life ---- */

static int open_dir(struct sensor *s, struct err *err)
{
        struct lists *l = s->lists;
        int rc = io_make_dirs(&io_kernel, s->state.dirfd, SOURCE_LISTS_DIR, 0700, err);

        if (rc < 0)
                return rc;
        l->dirfd = openat(s->state.dirfd, SOURCE_LISTS_DIR,
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return l->dirfd < 0 ? err_sys(err, -errno, "%s", SOURCE_LISTS_DIR) : 0;
}

int lists_init(struct sensor *s, struct err *err)
{
        struct lists *l = calloc(1, sizeof *l);
        int rc;

        if (!l)
                return err_set(err, -ENOMEM, "out of memory for path lists");
        s->lists = l;
        l->dirfd = -1;
        l->names = calloc(NAMES_MAX, sizeof *l->names);
        if (!l->names)
                return err_set(err, -ENOMEM, "out of memory for path lists");
        rc = open_dir(s, err);
        if (!state_has_no_room(rc))
                return rc;
        log_event(LOG_LEVEL_WARNING, "sensor.lists", log_err(err));
        return 0; /* there are none, and none can be brought until there is room */
}

void lists_done(struct sensor *s)
{
        struct lists *l = s->lists;

        if (!l)
                return;
        sources_done(&l->all);
        source_free(l->job.source);
        who_unref(l->job.who);
        fd_close(&l->dirfd);
        free(l->names);
        free(l);
        s->lists = NULL;
}

int lists_start(struct sensor *s)
{
        struct lists *l = s->lists;
        int rc;

        l->starting = true;
        rc = look_there(s);
        while (rc == 0 && l->n_names) {
                prepare(s, l->names[--l->n_names], NULL, NULL);
                run_job(&l->job.job);
                rc = take_list(s, &l->job) == -ENOMEM ? -ENOMEM : 0;
                l->job.busy = false;
        }
        l->starting = false;
        return rc;
}

int lists_tick(struct sensor *s)
{
        struct lists *l = s->lists;
        int64_t wall = sensor_wall(s);
        int rc = 0;

        for (size_t i = l->all.n; i > 0 && rc == 0; i--)
                if (wall >= l->all.of[i - 1]->list.header.expires_ns)
                        rc = end_list(s, i - 1, "expired", NULL, NULL);
        if (rc == 0)
                next_list(s);
        return rc;
}

/* ---- administrators ---- */

void lists_put(const struct sensor *s, struct json_writer *w)
{
        const struct sources *all = &s->lists->all;
        size_t room = LISTS_ROOM, left = 0;

        json_put_key(w, "lists");
        json_begin_array(w);
        for (size_t i = 0; i < all->n; i++) {
                CLEANUP(buf_done) struct buf one = BUF_INIT(MSG_ROOM);
                struct json_writer x;

                json_writer_init(&x, &one);
                json_begin_object(&x);
                source_members_put(all->of[i], &x);
                json_end_object(&x);
                if (buf_status(&one) < 0 || one.n > room) {
                        left++;
                        continue;
                }
                room -= one.n;
                json_put_raw(w, buf_span(&one));
        }
        json_end_array(w);
        json_member_u64(w, "lists_left_out", left);
}

int lists_apply(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                struct err *err)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(NAME_MAX);
        struct lists *l = s->lists;
        int rc = control_get_text(c, "file", &name, err);

        (void)out;
        if (rc == 0 && !name_ok(buf_span(&name)))
                rc = err_set(err, -EINVAL, "\"file\" is not the name of a list");
        if (rc == 0 && l->job.busy)
                rc = err_set(err, -EAGAIN, "another list is being read");
        if (rc == 0 && l->dirfd < 0)
                rc = open_dir(s, err);
        if (rc == 0)
                rc = read_keys(s, who, err);
        if (rc < 0)
                return rc;
        prepare(s, buf_cstr(&name), c, who);
        rc = pool_submit(s->o.pool, &l->job.job);
        if (rc < 0) {
                l->job.who = who_unref(l->job.who);
                l->job.busy = false;
                return err_set(err, -EAGAIN, "the workers are busy");
        }
        return 0;
}
