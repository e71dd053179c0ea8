/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "integrity/who/session.h"
#include "integrity/who/who.h"
#include "wire/json.h"

enum { PATH_BYTES = 4096 };

static void put_optional(struct json_writer *w, const char *key, const struct buf *b)
{
        if (b->n)
                json_put_bytes(w, key, buf_span(b));
}

/* Names of the kernel's and of systemd's making, which are no names when they are not text. */
static void put_text(struct json_writer *w, const char *key, const struct buf *b)
{
        if (b->n && text_is_utf8(buf_span(b), NULL))
                json_member_string(w, key, buf_span(b));
}

static void put_kin(struct json_writer *w, const struct who *who, const struct who_kin *k,
                    bool with_pid)
{
        struct buf name = BUF_INIT(8 * WHO_KIN_NAME);

        text_put_safe(&name, who_kin_name(who, k));
        json_begin_array(w);
        if (with_pid)
                json_put_int(w, k->pid);
        if (name.n && buf_status(&name) == 0)
                json_put_string(w, buf_span(&name));
        else
                json_put_null(w);
        if (k->has_uid)
                json_put_int(w, k->uid);
        else
                json_put_null(w);
        if (!with_pid && k->has_uid && k->euid != k->uid)
                json_put_int(w, k->euid);
        json_end_array(w);
        buf_done(&name);
}

static void put_kins(struct json_writer *w, const char *key, const struct who *who,
                     const struct who_kin *k, size_t n, bool with_pid)
{
        if (n == 0)
                return;
        json_put_key(w, key);
        json_begin_array(w);
        for (size_t i = 0; i < n; i++)
                put_kin(w, who, &k[i], with_pid);
        json_end_array(w);
}

/* Where there is no address, why; what is sensitive of it goes beside the entry. */
static void put_login(struct json_writer *w, const struct session *x)
{
        json_member_text(w, "login", session_how_name(x->how));
        if (x->root)
                json_member_int(w, "login_pid", x->root);
}

static void put_known(struct json_writer *w, const struct who *who)
{
        if (who->has & WHO_HAS_AUID)
                json_member_int(w, "auid", who->auid);
        put_optional(w, "comm", &who->comm);
        put_text(w, "container", &who->container);
        if (who->login && who->login->name[0])
                json_member_text(w, "daemon", who->login->name);
        put_kins(w, "earlier", who, who->earlier, who->n_earlier, false);
        if (who->has & WHO_HAS_UID)
                json_member_int(w, "euid", who->euid);
        put_optional(w, "exe", &who->exe);
        if (who->has & WHO_EXE_NAMELESS)
                json_member_bool(w, "exe_nameless", true);
        if (who->login)
                put_login(w, who->login);
        if (who->has & WHO_HAS_MOUNT_NS)
                json_member_int(w, "mount_ns", who->mount_ns);
        if (who->login && who->login->why[0])
                json_member_text(w, "no_address", who->login->why);
        put_kins(w, "parents", who, who->parents, who->n_parents, true);
        if (who->pid)
                json_member_int(w, "pid", who->pid);
        if (who->has & WHO_HAS_PPID)
                json_member_int(w, "ppid", who->ppid);
        if (who->has & WHO_HAS_SESSION)
                json_member_int(w, "session", who->session);
        if (who->has & WHO_HAS_UID)
                json_member_int(w, "uid", who->uid);
        put_text(w, "unit", &who->unit);
}

/* Who touched it too since it was last read. */
static void put_also(struct json_writer *w, struct who *const *also, size_t max)
{
        struct buf name = BUF_INIT(4 * PATH_BYTES);

        if (!also || max == 0 || !also[0])
                return;
        json_put_key(w, "also");
        json_begin_array(w);
        for (size_t i = 0; i < max && also[i]; i++) {
                buf_clear(&name);
                text_put_safe(&name, buf_span(also[i]->exe.n ? &also[i]->exe : &also[i]->comm));
                json_begin_array(w);
                json_put_int(w, also[i]->pid);
                json_put_string(w, buf_span(&name));
                if (also[i]->has & WHO_HAS_UID)
                        json_put_int(w, also[i]->euid);
                json_end_array(w);
        }
        json_end_array(w);
        buf_done(&name);
}

void who_put(struct json_writer *w, const struct who *who, struct who *const *also, size_t max,
             const char *unknown)
{
        json_begin_object(w);
        if (who && who->login && who->login->peer.family)
                json_member_text(w, "address_from", session_witness_name(who->login->witness));
        put_also(w, also, max);
        if (who) {
                put_known(w, who);
                unknown = who->unknown[0] ? who->unknown : NULL;
        }
        if (unknown)
                json_member_text(w, "unknown", unknown);
        json_end_object(w);
}
