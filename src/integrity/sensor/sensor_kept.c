/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_kept.c - who is logged in, over a restart of the sensor (who/session_keep.h).
 *
 * The file is root's to write, and says from where somebody came.  So the ledger is told its digest
 * before it is written, and at a start it counts only when the ledger has that: the last one, or,
 * where a crash came between the two, the one before. */
#include "integrity/sensor/sensor_priv.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "integrity/who/session_keep.h"
#include "loop/log.h"
#include "sys/io.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdlib.h>
#include <unistd.h>

static void digest_of(struct span bytes, char hex[2 * SHA256_LEN + 1])
{
        uint8_t digest[SHA256_LEN];

        sha256(bytes, digest);
        text_hex(span_of(digest, sizeof digest), hex);
}

/* Does its entry wait in the journal of before? */
static bool is_on_its_way(const struct sensor *s, struct span bytes)
{
        char hex[2 * SHA256_LEN + 1];

        digest_of(bytes, hex);
        return state_found_waits(&s->found, "integrity.sensor", "what.sessions", hex);
}

void kept_recall(struct sensor *s)
{
        struct err err = { 0 };
        uint8_t *bytes = NULL;
        size_t n = 0;
        int rc;

        s->kept.bytes = BUF_INIT(SESSION_KEEP_MAX);
        rc = io_read_file(&io_kernel, s->state.dirfd, SESSION_KEEP_FILE, SESSION_KEEP_MAX, &bytes,
                          &n, &err);
        if (rc == 0 && !sessions_are_of_this_boot(span_of(bytes, n)))
                rc = -ESTALE;
        if (rc == 0 && s->o.sessions != SENSOR_FILE_TOLD && !is_on_its_way(s, span_of(bytes, n))) {
                s->kept.forged = s->o.sessions == SENSOR_FILE_OTHER;
                rc = err_set(&err, -EBADMSG,
                             "sessions: the ledger does not say that this is what was kept: not "
                             "believed");
                unlinkat(s->state.dirfd, SESSION_KEEP_FILE, 0);
        }
        if (rc == 0)
                rc = who_recall(s->who, span_of(bytes, n), &err);
        if (rc == -ESTALE) /* it tells nothing any more, and has addresses in clear */
                unlinkat(s->state.dirfd, SESSION_KEEP_FILE, 0);
        else if (rc < 0 && rc != -ENOENT)
                log_event(LOG_LEVEL_WARNING, "sensor.sessions", log_err(&err));
        free(bytes);
}

static int tell(struct sensor *s)
{
        char hex[2 * SHA256_LEN + 1];
        struct json_writer w;

        digest_of(buf_span(&s->kept.bytes), hex);
        buf_clear(&s->skeleton);
        entry_begin(&w, &s->skeleton, "integrity.sensor", sensor_wall(s));
        json_member_text(&w, "event", "kept");
        json_member_text(&w, "sessions", hex);
        json_member_text(&w, "version", ASSAY_VERSION);
        json_end_object(&w);
        json_end_object(&w);
        s->kept.told = true;
        return tell_made(s, NULL);
}

static void write_file(struct sensor *s)
{
        struct err err = { 0 };

        if (sessions_write(s->state.dirfd, buf_span(&s->kept.bytes), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.sessions", log_err(&err));
        buf_clear(&s->kept.bytes);
        s->kept.told = false;
}

int kept_tick(struct sensor *s, bool last)
{
        struct err err = { 0 };
        int rc;

        if (s->kept.told && s->n_out == 0)
                write_file(s);
        if (!last && (s->kept.told || !out_room(s) || s->phase != SENSOR_LIVE))
                return 0;
        buf_clear(&s->kept.bytes);
        rc = who_keep(s->who, last, &s->kept.bytes, &err);
        if (rc < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.sessions", log_err(&err));
        if (rc <= 0) {
                buf_clear(&s->kept.bytes);
                return 0;
        }
        rc = tell(s);
        if (rc == 0 && last) /* a stop hands over or keeps all that waits */
                write_file(s);
        return rc;
}

void kept_done(struct sensor *s)
{
        buf_done(&s->kept.bytes);
}
