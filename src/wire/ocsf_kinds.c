/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_kinds.c - how each kind of entry is told as an event of its class.
 *
 * A kind is one block at its place in the alphabet: which activity, how severe, with what outcome,
 * and attributes of its own beside those of its class (ocsf_class.c).  Nothing else need be said:
 * fields without an attribute are in unmapped.  The last word of a choice is for all others.  It is
 * one table and nothing else, and as long as there are kinds. */
#include <stdio.h>

#include "wire/ocsf_priv.h"

#define CHOICE(name, ...)                                                                          \
        {                                                                                          \
                .field = (name), .words = (const struct ocsf_word[])                               \
                {                                                                                  \
                        __VA_ARGS__                                                                \
                }                                                                                  \
        }
/* The same of an activity that `from` names where the field is absent. */
#define CHOICE_OR(name, from, ...)                                                                 \
        {                                                                                          \
                .field = (name), .words = (const struct ocsf_word[]){ __VA_ARGS__ },               \
                .instead = (from)                                                                  \
        }
#define ALWAYS(id)    CHOICE(NULL, { NULL, (id), NULL })
#define OTHER(name)   CHOICE(NULL, { NULL, 99, (name) })
#define OTHER_OF(f)   CHOICE((f), { NULL, 99, NULL })
#define SUCCESS       ALWAYS(1)
#define FAILURE       ALWAYS(2)
#define INFORMATIONAL ALWAYS(1)
#define LOW           ALWAYS(2)
#define MEDIUM        ALWAYS(3)
#define HIGH          ALWAYS(4)

static const struct ocsf_word http_methods[] = {
        { "GET", 0, NULL },   { "HEAD", 0, NULL },   { "POST", 0, NULL },    { "PUT", 0, NULL },
        { "PATCH", 0, NULL }, { "DELETE", 0, NULL }, { "OPTIONS", 0, NULL }, { NULL, 0, NULL },
};

/* clang-format off */

#define AS_SAID CHOICE("what.severity", { "critical", 5, NULL }, { "high", 4, NULL }, \
                       { "medium", 3, NULL }, { "low", 2, NULL }, { NULL, 4, NULL })

/* action and disposition of the profile security_control */
#define CONTROL(action_id, action, disposition_id, disposition) \
        SAYS("action", (action)), \
        IS("action_id", (action_id)), \
        SAYS("disposition", (disposition)), \
        IS("disposition_id", (disposition_id))
#define DETAIL(from) FROM("status_detail", text, from)
#define ENTITY(kind_of) SAYS("entity.type", (kind_of))
#define API_ROWS FROM("app.name", text, "what.api"), SAYS("app.vendor_name", "API package")
/* A call of an API.  Where the address is sealed the caller is somewhere. */
#define BY_METHOD CHOICE("what.method", { "POST", 1, NULL }, { "GET", 2, NULL }, \
                         { "HEAD", 2, NULL }, { "OPTIONS", 2, NULL }, { "PUT", 3, NULL }, \
                         { "PATCH", 3, NULL }, { "DELETE", 4, NULL }, { NULL, 0, NULL })
#define CALL_NAMED \
        FROM("api.operation", text, "what.operation", .when = OCSF_EVEN_ABSENT, \
             .text = "unknown"), \
        FROM("api.request.uid", text, "what.call", .when = OCSF_EVEN_ABSENT, .text = "unknown"), \
        FROM("api.service.name", text, "what.api", .when = OCSF_EVEN_ABSENT, .text = "unknown")
#define CALL_ROWS \
        CALL_NAMED, FROM("api.service.version", text, "what.version"), \
        FROM("http_request.http_method", listed, "what.method", .words = http_methods)
#define TITLE(text_) SAYS("finding_info.title", (text_))

/* One state of a file; from is "what.new_", "what.old_" or "what.state_". */
#define STATE(at, from, when_) \
        FROM(at "attributes", octal, from "mode", .when = (when_)), \
        FROM(at "hashes[].algorithm", const, from "sha256", .when = (when_), .text = "SHA-256"), \
        FROM(at "hashes[].algorithm_id", const, from "sha256", .when = (when_), .number = 3), \
        FROM(at "hashes[].value", text, from "sha256", .when = (when_), .observable = 8), \
        FROM(at "modified_time", ms, from "mtime", .when = (when_)), \
        FROM(at "modified_time_dt", text, from "mtime", .when = (when_)), \
        FROM(at "owner.uid", string, from "uid", .when = (when_)), \
        FROM(at "size", int, from "size", .when = (when_)), \
        FROM(at "type", caption, from "type", .when = OCSF_EVEN_ABSENT | (when_), \
             .words = ocsf_file_types, .text = "what.type"), \
        FROM(at "type_id", word, from "type", .when = OCSF_EVEN_ABSENT | (when_), \
             .words = ocsf_file_types, .text = "what.type"), \
        FROM(at "uid", string, from "inode", .when = (when_)), \
        FROM(at "xattributes.acl", as_is, from "acl", .when = (when_)), \
        FROM(at "xattributes.acl_default", as_is, from "acl_default", .when = (when_)), \
        FROM(at "xattributes.caps", as_is, from "caps", .when = (when_)), \
        FROM(at "xattributes.ctime", as_is, from "ctime", .when = (when_)), \
        FROM(at "xattributes.flags", as_is, from "flags", .when = (when_)), \
        FROM(at "xattributes.fstype", as_is, from "fstype", .when = (when_)), \
        FROM(at "xattributes.hard_link_count", as_is, from "links", .when = (when_)), \
        FROM(at "xattributes.hash_reason", as_is, from "hash_reason", .when = (when_)), \
        FROM(at "xattributes.hash_status", as_is, from "hash_status", .when = (when_)), \
        FROM(at "xattributes.label", as_is, from "label", .when = (when_)), \
        FROM(at "xattributes.link_target", text, from "target", .when = (when_)), \
        FROM(at "xattributes.mode", as_is, from "mode", .when = (when_)), \
        FROM(at "xattributes.others", as_is, from "xattrs", .when = (when_)), \
        FROM(at "xattributes.primary_group", as_is, from "gid", .when = (when_)), \
        FROM(at "xattributes.rdev", as_is, from "rdev", .when = (when_)), \
        FROM(at "xattributes.unknown", as_is, from "unknown", .when = (when_))

/* clang-format on */

/* ---- integrity.change ---- */

/* The values below one prefix as those below another. */
static bool move_values(struct ocsf_event *e, const char *from, const char *to)
{
        const struct kind_field *f = e->in->kind->fields, *other;
        size_t n = strlen(from);
        bool any = false, b64;

        for (; f->path; f++) {
                struct ocsf_value *v = &e->value[f - e->in->kind->fields];
                char name[64];

                if (!v->there || strncmp(f->path, from, n) != 0)
                        continue;
                snprintf(name, sizeof(name), "%s%s", to, f->path + n);
                other = kind_field_find(e->in->kind, SPAN_NONE, span_str(name), &b64);
                if (!other)
                        continue;
                e->value[other - e->in->kind->fields] = *v;
                v->there = false;
                any = true;
        }
        return any;
}

static bool has_any(const struct ocsf_event *e, const char *prefix)
{
        const struct kind_field *f = e->in->kind->fields;

        for (; f->path; f++)
                if (strncmp(f->path, prefix, strlen(prefix)) == 0 &&
                    e->value[f - e->in->kind->fields].there)
                        return true;
        return false;
}

/* file is what was there, file_result what there is now; of what was made or is there alone, file
 * is what there is. */
static void prepare_change(struct ocsf_event *e)
{
        if (has_any(e, "what.old_") || ocsf_find(e, "what.from")) {
                if (has_any(e, "what.new_") || ocsf_find(e, "what.from"))
                        e->has |= OCSF_WITH_RESULT;
                return;
        }
        (void)move_values(e, "what.new_", "what.old_");
}

static bool is_security(struct span attribute)
{
        static const char *const names[] = { "mode",        "uid",  "gid",  "acl",
                                             "acl_default", "caps", "label" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq_str(attribute, names[i]))
                        return true;
        return false;
}

/* Of changed attributes those that say who may do what are told from the others. */
static bool only_security_differs(const struct ocsf_event *e)
{
        const struct ocsf_value *differs = ocsf_find(e, "what.differs");
        struct json_value item;
        struct json_iter it;
        struct span name;
        bool any = false;

        if (!differs)
                return false;
        for (it = json_iter_of(differs->json); json_next(&it, NULL, &item); any = true)
                if (!json_value_plain(item, &name) ||
                    !(is_security(name) || span_eq_str(name, "ctime")))
                        return false;
        return any;
}

static struct ocsf_pick pick_change(const struct ocsf_event *e, struct ocsf_pick picked)
{
        if (ocsf_is(e, "what.change", "attributes") && only_security_differs(e))
                picked = (struct ocsf_pick){ .id = 7, .caption = "Set Security" };
        return picked;
}

/* What nothing explains is as bad as whoever chose the mode thought it would be. */
static struct ocsf_pick weigh_change(const struct ocsf_event *e, struct ocsf_pick picked)
{
        if (picked.id == 4 && ocsf_is(e, "what.mode", "log"))
                picked = (struct ocsf_pick){ .id = 2, .caption = "Low" };
        return picked;
}

/* Before a rename it had another path. */
static enum ocsf_said put_path_before(struct ocsf_event *e, const struct ocsf_row *row,
                                      const struct ocsf_value *v)
{
        return ocsf_put_text(e, row, v ? v : ocsf_find(e, "what.path"));
}

static enum ocsf_said put_name_before(struct ocsf_event *e, const struct ocsf_row *row,
                                      const struct ocsf_value *v)
{
        return ocsf_put_base(e, row, v ? v : ocsf_find(e, "what.path"));
}

/* clang-format off */

static const struct ocsf_word deny_states[] = {
        { "set", 2, "Enabled" }, { "lifted", 1, "Disabled" }, { "suspended", 1, "Disabled" },
        { NULL, 99, NULL },
};
static const struct ocsf_word state_changes[] = { { NULL, 99, NULL } };
static const struct ocsf_word actions[] = {
        { "refused", 2, "Denied" }, { "allowed", 1, "Allowed" },
        { "unjudged", 1, "Allowed" }, { NULL, 0, "Unknown" },
};
static const struct ocsf_word dispositions[] = {
        { "refused", 2, "Blocked" }, { "allowed", 1, "Allowed" },
        { "unjudged", 1, "Allowed" }, { NULL, 20, "Count" },
};

const struct ocsf_map ocsf_map_unknown = {
        .kind = "", .activity = OTHER("Unknown kind of entry"), .severity = ALWAYS(0),
};

const struct ocsf_map ocsf_maps[] = {
        { .kind = "alert.explained", .activity = ALWAYS(3), .severity = INFORMATIONAL,
          .status = ALWAYS(4),
          .control = true,
          .rows = OCSF_ROWS(TITLE("An alert was explained"), DETAIL("what.reason")) },

        { .kind = "alert.heard", .activity = ALWAYS(3), .severity = INFORMATIONAL,
          .status = ALWAYS(4),
          .control = true,
          .rows = OCSF_ROWS(TITLE("A process of Assay is back")) },

        { .kind = "alert.missed", .activity = OTHER("Entries not delivered"), .severity = HIGH,
          .status = FAILURE,
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "alert.raised", .activity = ALWAYS(1), .severity = AS_SAID, .status = ALWAYS(1),
          .control = true,
          .rows = OCSF_ROWS(TITLE("Unexplained change"), DETAIL("what.detail"),
                            CONTROL(3, "Observed", 19, "Alert")) },

        { .kind = "alert.refused", .activity = OTHER("Entry refused by a sink"), .severity = HIGH,
          .status = FAILURE,
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "alert.silent", .activity = ALWAYS(1), .severity = AS_SAID, .status = ALWAYS(1),
          .control = true,
          .rows = OCSF_ROWS(TITLE("A process of Assay gives no sign of life"),
                            DETAIL("what.cause")) },

        { .kind = "alert.sink_down", .activity = OTHER("Sink down"), .severity = HIGH,
          .status = FAILURE,
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "alert.sink_up", .activity = OTHER("Sink up"), .severity = INFORMATIONAL,
          .status = SUCCESS },

        { .kind = "alert.sinks", .activity = OTHER("Delivery configured"),
          .severity = INFORMATIONAL, .status = SUCCESS,
          .rows = OCSF_ROWS(DETAIL("what.refused")) },

        { .kind = "alert.state", .activity = ALWAYS(1), .severity = AS_SAID, .status = ALWAYS(1),
          .control = true,
          .rows = OCSF_ROWS(TITLE("Unexplained change of the host's state"),
                            DETAIL("what.detail")) },

        { .kind = "alert.test", .activity = OTHER("Delivery tried"), .severity = INFORMATIONAL,
          .status = SUCCESS },

        { .kind = "alert.updated", .activity = ALWAYS(2), .severity = AS_SAID, .status = ALWAYS(2),
          .control = true,
          .rows = OCSF_ROWS(TITLE("Unexplained changes"), CONTROL(3, "Observed", 19, "Alert")) },

        { .kind = "api.approved", .activity = ALWAYS(8), .severity = INFORMATIONAL,
          .status = SUCCESS,
          .rows = OCSF_ROWS(ENTITY("API package"), FROM("entity.name", text, "what.api"),
                            FROM("entity.uid", text, "what.sha256"),
                            FROM("entity.version", text, "what.version"),
                            FROM("comment", text, "what.change")) },

        { .kind = "api.denied", .activity = BY_METHOD, .severity = LOW, .status = FAILURE,
          .rows = OCSF_ROWS(CALL_ROWS, FROM("http_response.code", int, "what.status"),
                            FROM("count", int, "what.count"), DETAIL("what.detail")) },

        { .kind = "api.deployed", .activity = ALWAYS(1), .severity = INFORMATIONAL,
          .status = SUCCESS,
          .rows = OCSF_ROWS(API_ROWS, FROM("app.uid", text, "what.sha256"),
                            DETAIL("what.change")) },

        { .kind = "api.intent", .activity = BY_METHOD, .severity = INFORMATIONAL,
          .status = ALWAYS(0),
          .rows = OCSF_ROWS(CALL_ROWS, FROM("http_request.body_length", int, "what.bytes")) },

        { .kind = "api.keys", .activity = ALWAYS(3),
          .severity = CHOICE("what.state", { "failing", 3, NULL }, { NULL, 1, NULL }),
          .status = CHOICE("what.state", { "failing", 2, NULL }, { NULL, 1, NULL }),
          .rows = OCSF_ROWS(ENTITY("Key set"), FROM("entity.name", text, "what.issuer"),
                            FROM("entity.uid", text, "what.url"),
                            FROM("entity.version", text, "what.sha256"),
                            DETAIL("what.detail")) },

        { .kind = "api.outcome", .activity = BY_METHOD,
          .severity = CHOICE("what.result", { "refused", 2, NULL }, { NULL, 1, NULL }),
          .status = CHOICE("what.result", { "refused", 2, NULL }, { NULL, 1, NULL }),
          .rows = OCSF_ROWS(CALL_ROWS, FROM("api.response.code", int, "what.backend_status"),
                            FROM("http_response.body_length", int, "what.bytes"),
                            FROM("http_response.code", int, "what.status"),
                            DETAIL("what.detail")) },

        { .kind = "api.pushed", .activity = ALWAYS(1), .severity = INFORMATIONAL,
          .status = SUCCESS,
          .rows = OCSF_ROWS(ENTITY("API package"), FROM("entity.name", text, "what.api"),
                            FROM("entity.uid", text, "what.sha256"),
                            FROM("entity.version", text, "what.version")) },

        { .kind = "api.refused", .activity = OTHER_OF("what.act"), .severity = HIGH,
          .status = FAILURE,
          .rows = OCSF_ROWS(ENTITY("API package"),
                            FROM("entity.name", text, "what.api", .when = OCSF_EVEN_ABSENT,
                                 .text = "unknown"),
                            FROM("entity.uid", text, "what.sha256"),
                            FROM("entity.version", text, "what.version"),
                            DETAIL("what.detail")) },

        { .kind = "api.rolled_back", .activity = OTHER("Roll back"), .severity = MEDIUM,
          .status = SUCCESS,
          .rows = OCSF_ROWS(API_ROWS, FROM("app.uid", text, "what.sha256"),
                            DETAIL("what.reason")) },

        { .kind = "api.unknown", .activity = ALWAYS(0), .severity = MEDIUM, .status = ALWAYS(0),
          .rows = OCSF_ROWS(FROM("api.request.uid", text, "what.call"), DETAIL("what.reason")) },

        { .kind = "api.unshown", .activity = BY_METHOD, .severity = MEDIUM, .status = FAILURE,
          .rows = OCSF_ROWS(CALL_ROWS, FROM("http_response.code", int, "what.status"),
                            DETAIL("what.reason")) },

        { .kind = "api.values", .activity = OTHER("Values"), .severity = INFORMATIONAL,
          .status = { 0 }, .rows = OCSF_ROWS(CALL_NAMED) },

        { .kind = "api.withdrawn", .activity = ALWAYS(2), .severity = MEDIUM, .status = SUCCESS,
          .rows = OCSF_ROWS(API_ROWS, FROM("app.uid", text, "what.previous_sha256"),
                            DETAIL("what.reason")) },

        { .kind = "capacity.sample", .activity = ALWAYS(2), .severity = INFORMATIONAL,
          .status = SUCCESS },

        { .kind = "host.clock", .activity = ALWAYS(1), .severity = MEDIUM, .status = { 0 } },

        { .kind = "host.heartbeat", .activity = OTHER("Heartbeat"), .severity = INFORMATIONAL,
          .status = SUCCESS },

        { .kind = "integrity.approval",
          .activity = CHOICE("what.event", { "opened", 10, NULL }, { "closed", 11, NULL },
                             { "expired", 11, NULL }, { "lost", 11, NULL }, { NULL, 99, NULL }),
          .severity = CHOICE("what.event", { "lost", 4, NULL }, { NULL, 1, NULL }),
          .status = CHOICE("what.event", { "lost", 2, NULL }, { NULL, 1, NULL }),
          .rows = OCSF_ROWS(ENTITY("Approved change"),
                            FROM("entity.uid", text, "what.id", .when = OCSF_EVEN_ABSENT,
                                 .text = "unknown"),
                            DETAIL("what.detail"),
                            FROM("comment", text, "what.reason")) },

        { .kind = "integrity.baseline",
          .activity = CHOICE("what.reason", { "first", 1, NULL }, { NULL, 3, NULL }),
          .severity = INFORMATIONAL, .status = SUCCESS,
          .rows = OCSF_ROWS(ENTITY("Trusted state"),
                            FROM("comment", text, "what.comment"),
                            SAYS("entity.name", "baseline"),
                            FROM("entity.uid", text, "what.root")) },

        { .kind = "integrity.change",
          .activity = CHOICE("what.change", { "created", 1, NULL }, { "modified", 3, NULL },
                             { "deleted", 4, NULL }, { "renamed", 5, NULL },
                             { "attributes", 6, NULL }, { "replaced", 3, NULL },
                             { NULL, 99, NULL }),
          .severity = CHOICE("why.state", { "unexplained", 4, NULL }, { NULL, 1, NULL }),
          .control = true, .prepare = prepare_change, .pick_activity = pick_change,
          .pick_severity = weigh_change,
          .rows = OCSF_ROWS(
                  CONTROL(3, "Observed", 17, "Logged"), STATE("file.", "what.old_", OCSF_ALWAYS),
                  { "file.name", .put = put_name_before, .field = "what.from",
                    .when = OCSF_EVEN_ABSENT, .text = "unknown", .observable = 7 },
                  { "file.path", .put = put_path_before, .field = "what.from",
                    .when = OCSF_EVEN_ABSENT, .observable = 45 },
                  FROM("file.volume", text, "what.fs"),
                  STATE("file_result.", "what.new_", OCSF_WITH_RESULT),
                  FROM("file_result.name", base, "what.path",
                       .when = OCSF_WITH_RESULT | OCSF_EVEN_ABSENT, .text = "unknown",
                       .observable = 7),
                  FROM("file_result.path", text, "what.path", .when = OCSF_WITH_RESULT,
                       .observable = 45)) },

        { .kind = "integrity.command",
          .activity = OTHER_OF("what.verb"),
          .severity = CHOICE("what.state", { "refused", 3, NULL }, { NULL, 1, NULL }),
          .status = CHOICE("what.state", { "done", 1, NULL }, { "failed", 2, NULL },
                           { "refused", 2, NULL }, { "begun", 99, "Begun" }, { NULL, 0, NULL }),
          .rows = OCSF_ROWS(FROM("api.request.data", as_is, "what.arguments"),
                            FROM("api.request.uid", uid, "id", .when = OCSF_EVEN_ABSENT),
                            DETAIL("what.error")) },

        { .kind = "integrity.denied",
          .activity = CHOICE("what.call", { "open", 14, NULL }, { "write", 3, NULL },
                             { "truncate", 3, NULL }, { "unlink", 4, NULL },
                             { "rename", 5, NULL }, { "link", 1, NULL }, { "make", 1, NULL },
                             { "chmod", 7, NULL }, { "chown", 7, NULL },
                             { "setxattr", 6, NULL }, { "utimes", 6, NULL },
                             { "chattr", 6, NULL }, { NULL, 0, NULL }),
          .severity = HIGH, .status = FAILURE, .control = true,
          .rows = OCSF_ROWS(CONTROL(2, "Denied", 2, "Blocked"),
                            MADE("is_alert", true),
                            FROM("status_code", text, "what.error")) },

        { .kind = "integrity.deny", .activity = ALWAYS(1),
          .severity = CHOICE("what.event", { "set", 1, NULL }, { "lifted", 1, NULL },
                             { "suspended", 3, NULL }, { NULL, 3, NULL }),
          .status = CHOICE("what.event", { "set", 1, NULL }, { "lifted", 1, NULL },
                           { "suspended", 1, NULL }, { NULL, 2, NULL }),
          .rows = OCSF_ROWS(DETAIL("what.reason"),
                            FROM("state", caption, "what.event", .words = deny_states),
                            FROM("state_id", word, "what.event", .words = deny_states)) },

        { .kind = "integrity.execution", .activity = ALWAYS(1),
          .severity = CHOICE("what.decision", { "refused", 4, NULL }, { "allowed", 3, NULL },
                             { NULL, 4, NULL }),
          .status = CHOICE("what.decision", { "allowed", 1, NULL }, { "unjudged", 1, NULL },
                           { "refused", 2, NULL }, { NULL, 0, NULL }),
          .control = true,
          .rows = OCSF_ROWS(FROM("action", caption, "what.decision", .words = actions),
                            FROM("action_id", word, "what.decision", .words = actions),
                            FROM("disposition", caption, "what.decision", .words = dispositions),
                            FROM("disposition_id", word, "what.decision", .words = dispositions),
                            MADE("is_alert", true),
                            SAYS("launch_type", "Exec"),
                            IS("launch_type_id", 3),
                            DETAIL("what.reason")) },

        { .kind = "integrity.folded", .activity = OTHER("Folded"), .severity = HIGH,
          .status = SUCCESS, .rows = OCSF_ROWS(DETAIL("what.profile")) },

        { .kind = "integrity.gap", .activity = OTHER("Gap"), .severity = HIGH, .status = FAILURE,
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "integrity.guard",
          .activity = CHOICE("what.event", { "started", 3, NULL }, { "stopped", 4, NULL },
                             { "lapsed", 7, NULL }, { NULL, 99, NULL }),
          .severity = CHOICE("what.event", { "lapsed", 4, NULL }, { NULL, 1, NULL }),
          .status = CHOICE("what.event", { "lapsed", 2, NULL }, { NULL, 1, NULL }),
          .rows = OCSF_ROWS(SAYS("app.name", "assay-guard"),
                            DETAIL("what.reason")) },

        { .kind = "integrity.incident", .activity = ALWAYS(1), .severity = ALWAYS(5),
          .status = ALWAYS(1),
          .control = true,
          .rows = OCSF_ROWS(TITLE("A path is changed again as often as it is put back"),
                            CONTROL(3, "Observed", 19, "Alert"), DETAIL("what.detail")) },

        { .kind = "integrity.mount",
          .activity = CHOICE("what.event", { "mounted", 12, NULL }, { "unmounted", 13, NULL },
                             { NULL, 99, NULL }),
          .severity = MEDIUM, .status = SUCCESS, .control = true,
          .rows = OCSF_ROWS(CONTROL(3, "Observed", 17, "Logged")) },

        { .kind = "integrity.not_restored", .activity = ALWAYS(3), .severity = HIGH,
          .status = FAILURE,
          .control = true,
          .rows = OCSF_ROWS(CONTROL(3, "Observed", 13, "Uncorrected"), DETAIL("what.detail"),
                            MADE("is_alert", true),
                            FROM("status_code", text, "what.reason")) },

        { .kind = "integrity.package",
          .activity = CHOICE_OR("what.action", "what.event", { "install", 1, NULL },
                                { "reinstall", 8, NULL }, { "upgrade", 8, NULL },
                                { "downgrade", 8, NULL }, { "remove", 2, NULL },
                                { NULL, 99, NULL }),
          .severity = INFORMATIONAL, .status = { 0 },
          .rows = OCSF_ROWS(FROM("app.name", text, "what.name", .when = OCSF_EVEN_ABSENT,
                                 .text = "packages"),
                            FROM("app.uid", text, "what.id"),
                            SAYS("app.vendor_name", "Debian package"),
                            FROM("app.version", text, "what.new_version"),
                            DETAIL("what.reason")) },

        { .kind = "integrity.quarantined", .activity = ALWAYS(1), .severity = MEDIUM,
          .status = SUCCESS,
          .control = true,
          .rows = OCSF_ROWS(CONTROL(4, "Modified", 3, "Quarantined"),
                            STATE("file.", "what.state_", OCSF_ALWAYS),
                            DETAIL("what.reason")) },

        { .kind = "integrity.reread", .activity = ALWAYS(2),
          .severity = INFORMATIONAL, .status = SUCCESS,
          .rows = OCSF_ROWS(SAYS("scan.name", "background deep scan")) },

        { .kind = "integrity.restored", .activity = ALWAYS(3), .severity = MEDIUM,
          .status = SUCCESS,
          .control = true,
          .rows = OCSF_ROWS(CONTROL(4, "Modified", 9, "Restored"), DETAIL("what.note")) },

        { .kind = "integrity.sensor",
          .activity = CHOICE("what.event", { "started", 3, NULL }, { "watching", 6, NULL },
                             { "stopped", 4, NULL }, { NULL, 99, NULL }),
          .severity = CHOICE("what.event", { "degraded", 4, NULL }, { "stopped", 3, NULL },
                             { NULL, 1, NULL }),
          .status = CHOICE("what.event", { "degraded", 2, NULL }, { NULL, 1, NULL }),
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "integrity.source",
          .activity = CHOICE("what.event", { "accepted", 10, NULL }, { "replaced", 11, NULL },
                             { "refused", 10, NULL }, { "expired", 11, NULL },
                             { "withdrawn", 11, NULL }, { "keys", 3, NULL }, { NULL, 99, NULL }),
          .severity = CHOICE("what.event", { "refused", 3, NULL }, { NULL, 1, NULL }),
          .status = CHOICE("what.event", { "refused", 2, NULL }, { NULL, 1, NULL }),
          .rows = OCSF_ROWS(ENTITY("Signed path list"),
                            FROM("entity.name", text, "what.origin", .when = OCSF_EVEN_ABSENT,
                                 .text = "path lists"),
                            FROM("entity.uid", text, "what.list"),
                            FROM("entity.version", text, "what.commit"),
                            DETAIL("what.detail")) },

        { .kind = "integrity.watch",
          .activity = CHOICE("what.event", { "set", 1, NULL }, { "unchanged", 2, NULL },
                             { NULL, 3, NULL }),
          .severity = CHOICE("what.event", { "set", 1, NULL }, { "unchanged", 1, NULL },
                             { NULL, 3, NULL }),
          .status = CHOICE("what.event", { "refused", 2, NULL }, { NULL, 1, NULL }),
          .rows = OCSF_ROWS(FROM("entity.name", text, "what.config_from", .when = OCSF_EVEN_ABSENT,
                                 .text = "watch.yaml"),
                            SAYS("entity.type", "Policy"),
                            IS("entity.type_id", 5),
                            FROM("entity.uid", text, "what.config"),
                            DETAIL("what.reason")) },

        { .kind = "ledger.erasure", .activity = ALWAYS(4), .severity = MEDIUM, .status = SUCCESS,
          .rows = OCSF_ROWS(ENTITY("Data subject"),
                            FROM("comment", text, "what.basis"),
                            FROM("entity.uid", text, "what.subject", .when = OCSF_EVEN_ABSENT,
                                 .text = "unknown")) },

        { .kind = "ledger.full", .activity = ALWAYS(10), .severity = ALWAYS(5), .status = FAILURE },

        { .kind = "ledger.hold", .activity = OTHER_OF("what.state"), .severity = INFORMATIONAL,
          .status = SUCCESS,
          .rows = OCSF_ROWS(ENTITY("Data subject"),
                            FROM("comment", text, "what.reason"),
                            FROM("entity.uid", text, "what.subject", .when = OCSF_EVEN_ABSENT,
                                 .text = "unknown")) },

        { .kind = "ledger.key_rotated", .activity = ALWAYS(3), .severity = MEDIUM,
          .status = SUCCESS,
          .rows = OCSF_ROWS(ENTITY("Signing key"),
                            FROM("comment", text, "what.reason"),
                            MADE("entity.name", origin),
                            FROM("entity.uid", text, "what.vkey")) },

        { .kind = "ledger.opened", .activity = ALWAYS(6), .severity = INFORMATIONAL,
          .status = SUCCESS },

        { .kind = "ledger.peer", .activity = OTHER_OF("what.event"),
          .severity = CHOICE("what.event", { "violation", 4, NULL }, { NULL, 1, NULL }),
          .status = CHOICE("what.event", { "violation", 2, NULL }, { NULL, 1, NULL }),
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "ledger.pruned", .activity = ALWAYS(2), .severity = MEDIUM, .status = SUCCESS },

        { .kind = "ledger.recovered", .activity = OTHER("Recover"), .severity = MEDIUM,
          .status = SUCCESS },

        { .kind = "ledger.refused", .activity = OTHER("Refuse an entry"), .severity = HIGH,
          .status = FAILURE,
          .rows = OCSF_ROWS(FROM("status_code", string, "what.code"),
                            DETAIL("what.reason")) },

        { .kind = "ledger.resumed", .activity = ALWAYS(9), .severity = MEDIUM, .status = SUCCESS },

        { .kind = "ledger.stamped", .activity = OTHER("Time stamp"), .severity = INFORMATIONAL,
          .status = SUCCESS },

        { .kind = "ledger.stopped", .activity = ALWAYS(7), .severity = MEDIUM, .status = SUCCESS,
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "ledger.succeeded", .activity = ALWAYS(5), .severity = INFORMATIONAL,
          .status = SUCCESS,
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "state.baseline", .activity = ALWAYS(2), .severity = INFORMATIONAL,
          .status = SUCCESS },

        { .kind = "state.change", .activity = ALWAYS(1), .severity = LOW, .status = { 0 },
          .find = ocsf_state_find,
          .rows = OCSF_ROWS(FROM("state", caption, "what.change", .words = state_changes),
                            FROM("state_id", word, "what.change", .words = state_changes)) },

        { .kind = "state.monitor",
          .activity = CHOICE("what.event", { "started", 3, NULL }, { "stopped", 4, NULL },
                             { NULL, 99, NULL }),
          .severity = CHOICE("what.event", { "stopped", 3, NULL }, { NULL, 1, NULL }),
          .status = SUCCESS },

        { .kind = "state.trouble", .activity = OTHER_OF("what.event"),
          .severity = CHOICE("what.event", { "readable", 1, NULL }, { NULL, 3, NULL }),
          .status = CHOICE("what.event", { "readable", 1, NULL }, { NULL, 2, NULL }),
          .rows = OCSF_ROWS(DETAIL("what.reason")) },

        { .kind = "token.created", .activity = ALWAYS(1), .severity = INFORMATIONAL,
          .status = SUCCESS,
          .rows = OCSF_ROWS(ENTITY("API token"), FROM("entity.uid", text, "what.id")) },

        { .kind = "token.revoked", .activity = ALWAYS(4), .severity = INFORMATIONAL,
          .status = SUCCESS,
          .rows = OCSF_ROWS(ENTITY("API token"), FROM("entity.uid", text, "what.id")) },
};
/* clang-format on */

const size_t ocsf_map_count = ARRAY_LEN(ocsf_maps);

const struct ocsf_map *ocsf_map_find(const char *kind)
{
        size_t lo = 0, hi = ARRAY_LEN(ocsf_maps);

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                int c = strcmp(ocsf_maps[mid].kind, kind);

                if (c == 0)
                        return &ocsf_maps[mid];
                if (c < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return NULL;
}
