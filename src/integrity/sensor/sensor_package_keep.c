/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_package_keep.c - package transactions over a restart of the sensor.
 *
 * SECURITY: the file is root's to write.  What it says counts as far as the ledger has its digest,
 * and names only files that are read and proved as those of any transaction. */
#include "integrity/sensor/sensor_package_priv.h"

#include "base/line.h"
#include "base/text.h"
#include "integrity/why/package.h"
#include "integrity/why/package_entry.h"
#include "loop/log.h"
#include "sys/io.h"
#include "sys/proc.h"
#include "wire/fact.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8 << 20, FILE_MAX = 32 << 20, START_DIGITS = 20 };

static const char file_name[] = "packages";

/* ---- which process ---- */

/* A number comes again; with its time of birth it names one process.  0: there is none. */
static uint64_t start_of(pid_t pid)
{
        struct proc_info *i = malloc(sizeof *i);
        int fd = pid > 0 && i ? proc_open(pid, -1) : -1;
        uint64_t start = 0;

        if (fd >= 0) {
                proc_read_ids(fd, pid, i);
                start = i->stat.why == PROC_KNOWN ? i->stat.start : 0;
                close(fd);
        }
        free(i);
        return start;
}

/* ---- writing ---- */

static void put_package(struct json_writer *w, const struct package *x)
{
        json_begin_object(w);
        json_member_text(w, "action", package_action_name(x->action));
        json_member_text(w, "arch", x->arch);
        json_member_text(w, "from", x->from);
        json_member_text(w, "name", x->name);
        if (x->path[0])
                json_put_bytes(w, "path", span_str(x->path));
        json_member_text(w, "to", x->to);
        json_end_object(w);
}

static int print(const struct package_run *r, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "id", r->id);
        json_put_key(&w, "packages");
        json_begin_array(&w);
        for (size_t i = 0; i < packages_count(r->table); i++)
                put_package(&w, packages_at(r->table, i));
        json_end_array(&w);
        json_member_u64(&w, "root", (uint64_t)r->root);
        json_member_u64(&w, "start", r->root_start);
        json_end_object(&w);
        return buf_status(out);
}

static void digest_of(struct span line, char hex[2 * SHA256_LEN + 1])
{
        uint8_t digest[SHA256_LEN];

        sha256(line, digest);
        text_hex(span_of(digest, sizeof digest), hex);
}

static int print_all(const struct sensor *s, struct buf *text)
{
        CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);

        for (const struct package_run *r = s->packages; r; r = r->older) {
                if (!r->digest[0] || r->over)
                        continue;
                buf_clear(&line);
                if (print(r, &line) < 0)
                        return buf_status(&line);
                buf_put(text, buf_span(&line));
                buf_put_byte(text, '\n');
        }
        return buf_status(text);
}

void package_kept(struct sensor *s)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX);
        struct err err = { 0 };
        int rc = print_all(s, &text);

        if (rc == 0 && text.n)
                rc = io_replace_file(&io_kernel, s->state.dirfd, file_name, s->state.dirfd, 0600,
                                     buf_span(&text), &err);
        else if (rc == 0 && unlinkat(s->state.dirfd, file_name, 0) < 0 && errno != ENOENT)
                rc = err_sys(&err, -errno, "%s", file_name);
        if (rc < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.packages_not_kept", log_err(&err),
                          log_str("then", "a restart of the sensor forgets them"));
}

void package_keep(struct package_run *r)
{
        CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);

        if (!r->again)
                r->root_start = start_of(r->root);
        if (r->root_start && print(r, &line) == 0)
                digest_of(buf_span(&line), r->digest);
        package_kept(r->sensor);
}

/* ---- reading ---- */

static int tell_gone(struct sensor *s, const char *id, struct json_value list)
{
        struct package_facts f = { .wall_ns = sensor_wall(s),
                                   .id = id,
                                   .event = "ended",
                                   .uncounted = true,
                                   .reason = "it ended while the sensor was down" };
        struct json_value item;
        struct json_iter it;

        for (it = json_iter_of(list); json_next(&it, NULL, &item);)
                f.packages++;
        package_put(&f, &s->skeleton);
        return buf_status(&s->skeleton) < 0 ? buf_status(&s->skeleton)
                                            : tell_entry(s, buf_span(&s->skeleton));
}

static int take_line(struct sensor *s, struct span line, struct err *err)
{
        char id[PACKAGE_RUN_ID_MAX] = "";
        struct package_run *r = NULL;
        struct json_value list, item;
        struct json_iter it;
        struct fact f = fact_of(line);
        uint64_t root, start;
        int rc;

        fact_text(&f, "id", id, sizeof id - 1);
        root = fact_number(&f, "root", INT32_MAX);
        start = fact_number(&f, "start", JSON_INT_MAX);
        rc = fact_status(&f, err);
        if (rc < 0)
                return rc;
        if (!json_get(json_value_of(line), "packages", &list) || list.type != JSON_ARRAY)
                return err_set(err, -EBADMSG, "no packages");
        if (!start || start_of((pid_t)root) != start)
                return tell_gone(s, id, list);
        rc = package_run_new(s, id, (pid_t)root, &r, err);
        if (rc < 0)
                return rc;
        r->again = true;
        r->root_start = start;
        for (it = json_iter_of(list); rc == 0 && json_next(&it, NULL, &item);)
                rc = package_run_take(r, item, err);
        if (rc == 0)
                rc = package_run_start(r, err);
        if (rc < 0)
                package_run_drop(r);
        return rc;
}

static void recall_line(struct sensor *s, struct span line)
{
        char hex[2 * SHA256_LEN + 1];
        struct err err = { 0 };

        digest_of(line, hex);
        if (!why_is_told(s, "integrity.package", hex))
                (void)!err_set(&err, -EPERM, "the ledger does not have it");
        else if (json_check(line, &err) == 0)
                (void)!take_line(s, line, &err);
        if (err.code)
                log_event(LOG_LEVEL_WARNING, "sensor.packages_forgotten", log_err(&err));
}

int package_recall(struct sensor *s)
{
        uint8_t *text = NULL;
        struct span rest, line;
        size_t n = 0;
        int rc = io_read_file(&io_kernel, s->state.dirfd, file_name, FILE_MAX, &text, &n, NULL);

        rest = span_of(text, rc == 0 ? n : 0);
        while (rest.n) {
                line_next(&rest, &line);
                if (line.n)
                        recall_line(s, line);
        }
        free(text);
        if (rc == 0)
                package_kept(s);
        return s->failed;
}
