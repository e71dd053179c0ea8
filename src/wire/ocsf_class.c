/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_class.c - the classes that entries export to: captions of their numbers, and the attributes
 * that events of one class have in common.  Pure data; names and numbers are the schema's.
 *
 * A class that no kind has named yet is one block here.  What the schema requires of it must be
 * filled even if a field is absent. */
#include "wire/ocsf_priv.h"

#define WORDS(...) ((const struct ocsf_word[]){ __VA_ARGS__, { NULL, 0, NULL } })

/* clang-format off */

const struct ocsf_word ocsf_categories[] = {
        { NULL, 0, "Uncategorized" }, { NULL, 1, "System Activity" }, { NULL, 2, "Findings" },
        { NULL, 3, "Identity & Access Management" }, { NULL, 4, "Network Activity" },
        { NULL, 5, "Discovery" }, { NULL, 6, "Application Activity" }, { NULL, 7, "Remediation" },
        { NULL, 0, NULL },
};

const struct ocsf_word ocsf_severities[] = {
        { NULL, 0, "Unknown" }, { NULL, 1, "Informational" }, { NULL, 2, "Low" },
        { NULL, 3, "Medium" }, { NULL, 4, "High" }, { NULL, 5, "Critical" }, { NULL, 6, "Fatal" },
        { NULL, 0, NULL },
};

static const struct ocsf_word statuses[] = {
        { NULL, 0, "Unknown" }, { NULL, 1, "Success" }, { NULL, 2, "Failure" }, { NULL, 0, NULL },
};

const struct ocsf_word ocsf_file_types[] = {
        { "file", 1, "Regular File" }, { "dir", 2, "Folder" }, { "char", 3, "Character Device" },
        { "block", 4, "Block Device" }, { "socket", 5, "Local Socket" },
        { "fifo", 6, "Named Pipe" }, { "link", 7, "Symbolic Link" }, { NULL, 0, "Unknown" },
};

#define PROCESS "actor.process."

/* What every event has. */
const struct ocsf_rows ocsf_common = OCSF_ROWS(
        MADE("activity_id", activity_id),
        MADE("activity_name", activity_name),

        FROM("actor.app_name", app, "who.unit", .when = OCSF_EVEN_ABSENT),
        FROM(PROCESS "ancestry", ancestry, "who.parents", .when = OCSF_WITH_PROCESS),
        FROM(PROCESS "cmd_line", text, "who.cmdline", .when = OCSF_WITH_PROCESS, .observable = 13),
        FROM(PROCESS "container.uid", text, "who.container", .when = OCSF_WITH_PROCESS),
        FROM(PROCESS "file.name", base, "who.exe", .when = OCSF_WITH_PROCESS, .observable = 7),
        FROM(PROCESS "file.path", text, "who.exe", .when = OCSF_WITH_PROCESS, .observable = 45),
        FROM(PROCESS "file.type", const, "who.exe", .when = OCSF_WITH_PROCESS,
             .text = "Executable File"),
        FROM(PROCESS "file.type_id", const, "who.exe", .when = OCSF_WITH_PROCESS, .number = 8),
        FROM(PROCESS "name", text, "who.comm", .when = OCSF_WITH_PROCESS, .observable = 9),
        FROM(PROCESS "parent_process", parent, "who.parents",
             .when = OCSF_WITH_PROCESS | OCSF_EVEN_ABSENT),
        FROM(PROCESS "pid", int, "who.pid"),
        FROM(PROCESS "user.name", text, "who.user", .when = OCSF_WITH_PROCESS, .observable = 4),
        FROM(PROCESS "user.uid", string, "who.uid", .when = OCSF_WITH_PROCESS),
        FROM("actor.session.is_remote", remote, "who.login"),
        FROM("actor.session.issuer", text, "who.daemon"),
        FROM("actor.session.terminal", text, "who.tty"),
        FROM("actor.session.uid", session, "who.session"),
        FROM("actor.user.name", login_name, "who.user", .observable = 4),
        FROM("actor.user.uid", login_user, "who.uid", .when = OCSF_EVEN_ABSENT),

        MADE("category_name", category_name),
        MADE("category_uid", category_uid),
        MADE("class_name", class_name),
        MADE("class_uid", class_uid),

        FROM("device.hostname", text, "src.host", .when = OCSF_EVEN_ABSENT, .text = "unknown"),
        SAYS("device.os.name", "Linux"),
        SAYS("device.os.type", "Linux"),
        IS("device.os.type_id", 200),
        SAYS("device.type", "Unknown"),
        IS("device.type_id", 0),

        MADE("enrichments", enrichments),
        MADE("message", message),

        FROM("metadata.event_code", text, "k"),
        SAYS("metadata.log_format", "JSON"),
        MADE("metadata.log_name", origin),
        FROM("metadata.log_provider", text, "src.proc"),
        FROM("metadata.log_version", string, "v"),
        MADE("metadata.logged_time", logged_time),
        FROM("metadata.original_event_uid", text, "id"),
        FROM("metadata.product.feature.name", text, "src.proc"),
        SAYS("metadata.product.name", "Assay"),
        SAYS("metadata.product.vendor_name", "Assay"),
        MADE("metadata.profiles", profiles),
        MADE("metadata.sequence", index),
        MADE("metadata.uid", uid),
        SAYS("metadata.version", OCSF_VERSION),

        MADE("raw_data", raw_data),
        MADE("raw_data_hash", raw_hash),
        MADE("raw_data_size", raw_size),
        MADE("severity", severity),
        MADE("severity_id", severity_id),
        MADE("status", status),
        MADE("status_id", status_id),
        MADE("time", time),
        FROM("time_dt", time_dt, "t"),
        MADE("type_name", type_name),
        MADE("type_uid", type_uid));

/* A file at what.path; where it is not known which, it is "unknown". */
#define FILE_AT(at)                                                                                \
        FROM(at "hashes[].algorithm", const, "what.sha256", .text = "SHA-256"),    \
        FROM(at "hashes[].algorithm_id", const, "what.sha256", .number = 3),       \
        FROM(at "hashes[].value", text, "what.sha256", .observable = 8),           \
        FROM(at "name", base, "what.path", .when = OCSF_EVEN_ABSENT, .text = "unknown", \
             .observable = 7), \
        FROM(at "path", text, "what.path", .observable = 45),                      \
        FROM(at "type", caption, "what.type", .when = OCSF_EVEN_ABSENT, \
             .words = ocsf_file_types), \
        FROM(at "type_id", word, "what.type", .when = OCSF_EVEN_ABSENT, .words = ocsf_file_types)

/* What security_control says of the profile of watch.yaml. */
#define WATCH_PROFILE                                                                              \
        FROM("policy.name", text, "what.profile"),                                 \
        FROM("policy.type", const, "what.profile", .text = "watch profile")

/* Where a session came from. */
#define SOURCE_ENDPOINT                                                                            \
        FROM("src_endpoint.ip", ip, "who.address"),                                \
        FROM("src_endpoint.port", port, "who.address")

static const struct ocsf_class classes[] = {
        { 0, "Base Event", WORDS({ NULL, 0, "Unknown" }, { NULL, 99, "Other" }), statuses, { 0 } },

        { 1001, "File System Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Create" }, { NULL, 2, "Read" },
                { NULL, 3, "Update" }, { NULL, 4, "Delete" }, { NULL, 5, "Rename" },
                { NULL, 6, "Set Attributes" }, { NULL, 7, "Set Security" },
                { NULL, 12, "Mount" }, { NULL, 13, "Unmount" },
                { NULL, 14, "Open" }, { NULL, 99, "Other" }),
          statuses, OCSF_ROWS(FILE_AT("file."), WATCH_PROFILE) },

        { 1002, "Kernel Extension Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Load" }, { NULL, 2, "Unload" },
                { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 1006, "Scheduled Job Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Create" }, { NULL, 2, "Update" },
                { NULL, 3, "Delete" }, { NULL, 4, "Enable" }, { NULL, 5, "Disable" },
                { NULL, 6, "Start" }, { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 1007, "Process Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Launch" }, { NULL, 2, "Terminate" },
                { NULL, 99, "Other" }),
          statuses,
          /* The process that is launched is the one that calls execve(): it keeps its number. */
          OCSF_ROWS(FILE_AT("process.file."),
                    FROM("process.pid", int, "who.pid"),
                    { "process.uid", .put = ocsf_put_without_pid, .text = "unknown" },
                    WATCH_PROFILE) },

        { 1008, "Event Log Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Clear" }, { NULL, 2, "Delete" },
                { NULL, 3, "Export" }, { NULL, 4, "Archive" }, { NULL, 5, "Rotate" },
                { NULL, 6, "Start" }, { NULL, 7, "Stop" }, { NULL, 8, "Restart" },
                { NULL, 9, "Enable" }, { NULL, 10, "Disable" }, { NULL, 99, "Other" }),
          statuses,
          OCSF_ROWS(MADE("log_name", origin),
                    SAYS("log_provider", "Assay"),
                    SAYS("log_type", "Application"),
                    IS("log_type_id", 2), SOURCE_ENDPOINT) },

        { 1010, "Peripheral Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Connect" }, { NULL, 2, "Disconnect" },
                { NULL, 3, "Enable" }, { NULL, 4, "Disable" }, { NULL, 5, "Eject" },
                { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 2004, "Detection Finding",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Create" }, { NULL, 2, "Update" },
                { NULL, 3, "Close" }, { NULL, 99, "Other" }),
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "New" }, { NULL, 2, "In Progress" },
                { NULL, 3, "Suppressed" }, { NULL, 4, "Resolved" }),
          OCSF_ROWS(FROM("evidences[].file.name", base, "what.path", .observable = 7),
                    FROM("evidences[].file.path", text, "what.path", .observable = 45),
                    FROM("evidences[].file.type", const, "what.path", .text = "Unknown"),
                    FROM("evidences[].file.type_id", const, "what.path", .number = 0),
                    FROM("evidences[].src_endpoint.ip", ip, "who.address", .observable = 2),
                    FROM("evidences[].src_endpoint.port", port, "who.address"),
                    FROM("finding_info.analytic.name", text, "k"),
                    SAYS("finding_info.analytic.type", "Rule"),
                    IS("finding_info.analytic.type_id", 1),
                    FROM("finding_info.first_seen_time", ms, "what.first"),
                    FROM("finding_info.first_seen_time_dt", text, "what.first"),
                    FROM("finding_info.last_seen_time", ms, "what.last"),
                    FROM("finding_info.last_seen_time_dt", text, "what.last"),
                    FROM("finding_info.related_events_count", int, "what.count"),
                    FROM("finding_info.title", text, "k"),
                    FROM("finding_info.uid", uid, "what.id", .when = OCSF_EVEN_ABSENT),
                    MADE("is_alert", true),
                    FROM("resources", named, "what.paths", .text = "file"),
                    WATCH_PROFILE) },

        { 3002, "Authentication",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Logon" }, { NULL, 2, "Logoff" },
                { NULL, 7, "Account Switch" }, { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 3004, "Entity Management",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Create" }, { NULL, 2, "Read" },
                { NULL, 3, "Update" }, { NULL, 4, "Delete" }, { NULL, 8, "Enable" },
                { NULL, 9, "Disable" }, { NULL, 10, "Activate" }, { NULL, 11, "Deactivate" },
                { NULL, 12, "Suspend" }, { NULL, 13, "Resume" }, { NULL, 99, "Other" }),
          statuses,
          OCSF_ROWS(IS("entity.type_id", 99), SOURCE_ENDPOINT) },

        { 3006, "Group Management",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 3, "Add User" }, { NULL, 4, "Remove User" },
                { NULL, 5, "Delete" }, { NULL, 6, "Create" }, { NULL, 9, "Update" },
                { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 3007, "User Management",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Create" }, { NULL, 2, "Update" },
                { NULL, 3, "Delete" }, { NULL, 4, "Enable" }, { NULL, 5, "Disable" },
                { NULL, 6, "Lock" }, { NULL, 7, "Unlock" }, { NULL, 8, "Password Change" },
                { NULL, 18, "Add Programmatic Credentials" },
                { NULL, 19, "Remove Programmatic Credentials" }, { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 4001, "Network Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Open" }, { NULL, 2, "Close" },
                { NULL, 3, "Reset" }, { NULL, 4, "Fail" }, { NULL, 5, "Refuse" },
                { NULL, 6, "Traffic" }, { NULL, 7, "Listen" }, { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 5001, "Device Inventory Info",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Log" }, { NULL, 2, "Collect" },
                { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 5019, "Device Config State Change",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Log" }, { NULL, 2, "Collect" },
                { NULL, 99, "Other" }),
          statuses, { 0 } },

        { 6002, "Application Lifecycle",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Install" }, { NULL, 2, "Remove" },
                { NULL, 3, "Start" }, { NULL, 4, "Stop" }, { NULL, 5, "Restart" },
                { NULL, 6, "Enable" }, { NULL, 7, "Disable" }, { NULL, 8, "Update" },
                { NULL, 99, "Other" }),
          statuses,
          OCSF_ROWS(MADE("app.name", program),
                    SAYS("app.vendor_name", "Assay"),
                    FROM("app.version", text, "what.version")) },

        { 6003, "API Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Create" }, { NULL, 2, "Read" },
                { NULL, 3, "Update" }, { NULL, 4, "Delete" }, { NULL, 99, "Other" }),
          statuses,
          /* A local socket: without an address the caller is on the host itself. */
          OCSF_ROWS(FROM("api.operation", text, "what.verb", .when = OCSF_EVEN_ABSENT,
                         .text = "unknown"),
                    MADE("api.service.name", program),
                    FROM("src_endpoint.hostname", text, "src.host", .when = OCSF_EVEN_ABSENT,
                         .text = "unknown"),
                    SOURCE_ENDPOINT) },

        { 6007, "Scan Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Started" }, { NULL, 2, "Completed" },
                { NULL, 3, "Cancelled" }, { NULL, 6, "Error" }, { NULL, 99, "Other" }),
          statuses,
          OCSF_ROWS(FROM("end_time", ms, "what.until"),
                    FROM("end_time_dt", text, "what.until"),
                    FROM("num_detections", int, "what.found"),
                    FROM("num_files", int, "what.files"),
                    FROM("num_skipped_items", int, "what.unread"),
                    SAYS("scan.type", "Scheduled"),
                    IS("scan.type_id", 2),
                    FROM("start_time", ms, "what.from"),
                    FROM("start_time_dt", text, "what.from")) },

        { 7002, "File Remediation Activity",
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Isolate" }, { NULL, 2, "Evict" },
                { NULL, 3, "Restore" }, { NULL, 4, "Harden" }, { NULL, 5, "Detect" },
                { NULL, 99, "Other" }),
          WORDS({ NULL, 0, "Unknown" }, { NULL, 1, "Success" }, { NULL, 2, "Failure" },
                { NULL, 3, "Does Not Exist" }, { NULL, 4, "Partial" }, { NULL, 5, "Unsupported" },
                { NULL, 6, "Error" }),
          OCSF_ROWS(FROM("command_uid", uid, "id", .when = OCSF_EVEN_ABSENT),
                    FILE_AT("file."), WATCH_PROFILE) },
};
/* clang-format on */

const struct ocsf_class *ocsf_class_find(unsigned uid)
{
        for (size_t i = 0; i < ARRAY_LEN(classes); i++)
                if (classes[i].uid == uid)
                        return &classes[i];
        return NULL;
}
