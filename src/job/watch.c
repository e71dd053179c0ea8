/* SPDX-License-Identifier: Apache-2.0 */
/* watch.yaml(5): what is told of it.  Either its faults (faults.h), or the lines of
 * integrity/watching/watchset.h, and before them, where scans have a limit,
 *
 *   {"bytes_per_s":20971520,"files_per_s":0}      0: none */
#include "job/watch.h"

#include "wire/attribute.h"

enum { ARENA_BYTES = 64 << 20 };

const char *const watch_file_mode_name[FILE_MODES] = { "log", "alert", "restore", "deny" };
const char *const watch_file_execute_name[FILE_EXECUTES] = { "any", "known", "strict" };

void watch_fault(struct watch_file *w, struct yaml_mark at, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        faults_add_v(&w->faults, at, fmt, ap);
        va_end(ap);
}

/* ---- telling ---- */

static int tell_section(struct job_out *out, const struct watch_section *s)
{
        struct json_writer *j = job_out_begin(out);

        json_member_string(j, "about", s->about);
        json_put_key(j, "attributes");
        json_begin_array(j);
        for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++)
                if (s->attributes >> i & 1)
                        json_put_string(j, span_str(attribute_name[i]));
        json_end_array(j);
        json_member_u64(j, "deep", s->deep_s);
        if (s->execute != FILE_EXECUTE_ANY)
                json_member_text(j, "execute", watch_file_execute_name[s->execute]);
        json_member_bool(j, "keep", s->keep);
        json_member_u64(j, "max_size", s->max_size);
        json_member_text(j, "mode", watch_file_mode_name[s->mode]);
        json_put_key(j, "owners");
        json_begin_array(j);
        for (size_t i = 0; i < s->n_owners; i++)
                json_put_string(j, s->owners[i]);
        json_end_array(j);
        json_member_string(j, "profile", s->name);
        json_member_bool(j, "volatile", s->changes);
        return job_out_end(out);
}

static int tell_pattern(struct job_out *out, const struct watch_file *w,
                        const struct watch_pattern *p)
{
        struct json_writer *j = job_out_begin(out);

        json_member_u64(j, "column", p->mark.column);
        json_member_bool(j, "exclude", p->exclude);
        json_member_u64(j, "line", p->mark.line);
        json_member_string(j, "pattern", p->text);
        json_member_string(j, "profile", w->section[p->profile].name);
        return job_out_end(out);
}

static int tell_scan(struct job_out *out, const struct watch_file *w)
{
        struct json_writer *j = job_out_begin(out);

        json_member_u64(j, "bytes_per_s", w->scan_bytes);
        json_member_u64(j, "files_per_s", w->scan_files);
        return job_out_end(out);
}

static int tell_all(struct job_out *out, const struct watch_file *w)
{
        int rc = w->scan_bytes || w->scan_files ? tell_scan(out, w) : 0;

        for (size_t s = 0; s < w->n_sections && rc == 0; s++) {
                rc = tell_section(out, &w->section[s]);
                for (size_t i = 0; i < w->n_patterns && rc == 0; i++)
                        if (w->pattern[i]->profile == s)
                                rc = tell_pattern(out, w, w->pattern[i]);
        }
        return rc;
}

static int read_and_tell(struct job_out *out, struct watch_file *w, struct span input)
{
        struct yaml_node *root = NULL;
        int rc = faults_read(&w->faults, input, &w->arena, &root);

        if (rc < 0)
                return rc;
        if (rc > 0)
                watch_read(w, root);
        if (w->faults.n == 0 && w->rc == 0)
                watch_check(w);
        if (w->rc < 0)
                return w->rc;
        return w->faults.n ? faults_tell(&w->faults, out) : tell_all(out, w);
}

int job_watch(struct job_out *out, struct span input, struct err *err)
{
        struct arena arena = ARENA_INIT(ARENA_BYTES);
        struct watch_file *w = arena_alloc(&arena, sizeof *w);
        int rc = -ENOMEM;

        if (w) {
                w->arena = ARENA_INIT(ARENA_BYTES);
                rc = read_and_tell(out, w, input);
                arena_done(&w->arena);
        }
        arena_done(&arena);
        return rc < 0 ? err_sys(err, rc, "watch.yaml") : 0;
}
