/* SPDX-License-Identifier: Apache-2.0 */
/* watch.yaml(5): what is told of it.  Either its faults, by place, as
 *
 *   {"column":3,"fault":"unknown key \"pathes\"","line":5}
 *
 * and at the end, when there were more, {"column":0,"fault":"and 11 more","line":0}; or the lines
 * of integrity/watchset.h. */
#include "job/watch.h"

#include "base/text.h"
#include "job/job.h"
#include "wire/attribute.h"

#include <stdio.h>

enum { ARENA_BYTES = 64 << 20 };

const char *const watch_file_mode_name[FILE_MODES] = { "log", "alert", "restore", "deny" };

static bool before(struct yaml_mark a, struct yaml_mark b)
{
        return a.line != b.line ? a.line < b.line : a.column < b.column;
}

void watch_fault(struct watch_file *w, struct yaml_mark at, const char *fmt, ...)
{
        struct yaml_fault f = { .mark = at };
        size_t i = w->n_faults;
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(f.text, sizeof f.text, fmt, ap);
        va_end(ap);
        for (size_t n = strlen(f.text); n > 0 && !text_is_utf8(span_of(f.text, n), NULL);)
                f.text[--n] = '\0'; /* cut within a character */
        if (i == WATCH_FAULTS) {
                w->more_faults++;
                if (!before(at, w->fault[--i].mark))
                        return;
        } else {
                w->n_faults++;
        }
        while (i > 0 && before(at, w->fault[i - 1].mark)) {
                w->fault[i] = w->fault[i - 1];
                i--;
        }
        w->fault[i] = f;
}

/* ---- telling ---- */

static int tell_faults(struct job_out *out, const struct watch_file *w)
{
        struct json_writer *j;
        char more[32];
        int rc = 0;

        for (size_t i = 0; i < w->n_faults && rc == 0; i++) {
                j = job_out_begin(out);
                json_member_u64(j, "column", w->fault[i].mark.column);
                json_member_text(j, "fault", w->fault[i].text);
                json_member_u64(j, "line", w->fault[i].mark.line);
                rc = job_out_end(out);
        }
        if (rc == 0 && w->more_faults) {
                snprintf(more, sizeof more, "and %zu more", w->more_faults);
                j = job_out_begin(out);
                json_member_u64(j, "column", 0);
                json_member_text(j, "fault", more);
                json_member_u64(j, "line", 0);
                rc = job_out_end(out);
        }
        return rc;
}

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

static int tell_all(struct job_out *out, const struct watch_file *w)
{
        int rc = 0;

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
        struct yaml_fault f;
        int rc = yaml_read(input, &w->arena, &root, &f);

        if (rc == -EBADMSG)
                watch_fault(w, f.mark, "%s", f.text);
        else if (rc < 0)
                return rc;
        else
                watch_read(w, root);
        if (w->n_faults == 0 && w->rc == 0)
                watch_check(w);
        if (w->rc < 0)
                return w->rc;
        return w->n_faults ? tell_faults(out, w) : tell_all(out, w);
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
