/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_trusted_priv.h"

#include "base/text.h"
#include "integrity/trusted/content.h"

static bool is_whole_path(struct span p)
{
        return p.p && p.n && p.p[0] == '/' && !memchr(p.p, 0, p.n) &&
               (p.n == 1 || p.p[p.n - 1] != '/');
}

/* The path that begins at a byte of what was named, decoded and checked there. */
static int take_path(struct trusted *t, size_t at, bool base64, struct err *err)
{
        struct span path = span_from(buf_span(&t->selected), at);
        size_t n = 0;

        if (base64) {
                if (text_from_base64(path, t->selected.p + at, path.n, &n) < 0)
                        return err_set(err, -EINVAL, "a path is no base64");
                t->selected.n = at + n;
                path.n = n;
        }
        if (!is_whole_path(path))
                return err_set(err, -EINVAL,
                               "a path does not begin at the root, or ends with a slash");
        return 0;
}

static int take_paths(struct trusted *t, struct json_value list, bool base64, struct err *err)
{
        struct json_iter it;
        struct json_value v;
        int rc = 0;

        if (list.type != JSON_ARRAY)
                return err_set(err, -EINVAL, "\"paths\" is no list");
        for (it = json_iter_of(list); rc == 0 && json_next(&it, NULL, &v);) {
                size_t at = t->selected.n;

                if (!json_value_text(v, &t->selected))
                        return err_set(err, -EINVAL, "a path is no text");
                if (buf_status(&t->selected) == 0)
                        rc = take_path(t, at, base64, err);
                buf_put_byte(&t->selected, 0);
        }
        if (rc == 0 && buf_status(&t->selected) < 0)
                rc = err_set(err, -E2BIG, "too many paths");
        return rc;
}

static int take_arguments(struct trusted *t, struct control_call *c, struct err *err)
{
        struct json_value v;
        int rc;

        rc = control_get_text(c, "reason", &t->comment, err);
        if (rc == 0 && json_get(control_args(c), "paths", &v))
                rc = take_paths(t, v, false, err);
        if (rc == 0 && json_get(control_args(c), "paths_b64", &v))
                rc = take_paths(t, v, true, err);
        return rc;
}

int trusted_ask(struct sensor *s, struct control_call *c, struct who *who, enum trusted_task task,
                struct err *err)
{
        struct trusted *t = s->trusted;
        int rc = 0;

        if (t->step != IDLE)
                return err_set(err, -EBUSY, "the baseline is being written, or a check runs");
        if (s->phase == SENSOR_FIRST)
                return err_set(err, -EBUSY, "the first baseline is still being taken");
        if (task != TRUSTED_CHECK && t->note.n)
                return err_set(err, -EAGAIN,
                               "the entry of the last baseline is not in the ledger yet");
        if (task != TRUSTED_CREATE && !t->has)
                return err_set(err, -ENOENT, "there is no baseline: create one");
        if (task != TRUSTED_CHECK)
                rc = take_arguments(t, c, err);
        if (rc == 0 && task == TRUSTED_ACCEPT && !(t->unrecorded && t->selected.n == 0))
                rc = trusted_is_ours(s, err); /* all that differs: then it is what there is */
        if (rc < 0) {
                trusted_clear(t);
                return rc;
        }
        t->task = task;
        t->call = c;
        t->who = who ? who_ref(who) : NULL;
        t->began_ns = sensor_mono(s);
        t->shown_ns = 0;
        t->step = SCAN;
        content_count_anew(s->content);
        t->deep = task == TRUSTED_CREATE || (task == TRUSTED_CHECK && control_get_flag(c, "deep"));
        scan_ask(s, t->deep, task == TRUSTED_CREATE);
        return 0;
}
