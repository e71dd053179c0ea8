/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_locked.c - does somebody keep locked what the sensor is to put back, or to set a flag on?
 * The sensor's word. */
#include "command/running/doctor.h"

#include "base/text.h"
#include "command/places.h"
#include "command/running/status_lines.h"
#include "loop/presence.h"
#include "sys/hands.h"
#include "sys/io.h"

static int read_state(const struct invocation *in, struct buf *text, bool *ret_lives,
                      struct err *err)
{
        CLEANUP_FD int fd = -1;
        int rc = places_open_dir(in->run, &fd, err);

        return rc < 0 ? rc : presence_read(fd, "sensor", text, ret_lives, err);
}

static int64_t count_of(struct json_value state, const char *path)
{
        int64_t n = 0;

        return status_int(state, path, &n) ? MAX_OF(n, 0) : 0;
}

/* The first of them. */
static void put_path(struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf raw = BUF_INIT(FINDING_TEXT_MAX);
        struct json_value list, path;
        struct json_iter it;

        if (!json_get_path(state, "more.restore.stalled", &list) || list.type != JSON_ARRAY)
                return;
        it = json_iter_of(list);
        if (!json_next(&it, NULL, &path) || !json_value_text(path, &raw))
                return;
        buf_put_str(out, ", such as ");
        text_put_safe(out, buf_span(&raw));
}

static void judge(struct json_value state, struct finding *f)
{
        CLEANUP(buf_done) struct buf such = BUF_INIT(8 * FINDING_TEXT_MAX);
        int64_t stuck = count_of(state, "more.restore.stuck");
        int64_t files = count_of(state, "more.restore.stalled_files");
        int64_t flags = count_of(state, "more.deny.stalled");

        if (stuck == 0 && files == 0 && flags == 0) {
                doctor_found(f, VERDICT_PASS, "nobody keeps locked what the sensor has to change");
                return;
        }
        f->optional = stuck < HANDS_STUCK_OF_ONE;
        put_path(state, &such);
        doctor_found(f, VERDICT_FAIL,
                     "somebody keeps locked what the sensor has to change: %lld not put back, %lld "
                     "flags not changed, %lld of %d calls stuck%s",
                     (long long)files, (long long)flags, (long long)stuck, HANDS_STUCK_MAX,
                     such.n ? buf_cstr(&such) : "");
        doctor_mend(f, "assay alert list   # the alerts say who; end his process");
}

void doctor_look_locked(const struct invocation *in, struct finding *f)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        struct err err = { 0 };
        bool lives = false;
        int rc = read_state(in, &text, &lives, &err);

        f->optional = true;
        if (rc == -ENOENT || (rc == 0 && !lives))
                doctor_found(f, VERDICT_PASS, "the sensor does not run");
        else if (rc < 0)
                doctor_found(f, VERDICT_UNKNOWN, "%s", err_text(&err));
        else
                judge(json_value_of(buf_span(&text)), f);
}
