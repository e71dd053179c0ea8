/* SPDX-License-Identifier: Apache-2.0 */
/* kind_table.c - the kinds.  Pure data.
 *
 * A kind is one block at its place in the alphabet, its fields ascending by path; then print
 * docs/kinds.md again.  A published block is never changed: copy it and raise v.
 * The number is the class of OCSF that it exports to (wire/ocsf_class.c); how, says a block in
 * wire/ocsf_kinds.c. */
#include "wire/kind.h"

/* The fields and their number: the last two members of a block. */
#define FIELDS(...)                                                                                \
        ((const struct kind_field[]){ __VA_ARGS__, { 0 } }),                                       \
                ARRAY_LEN(((const struct kind_field[]){ __VA_ARGS__ }))

#define REQ  KIND_REQUIRED
#define SENS KIND_SENSITIVE

/* clang-format off */

/* One state of a file; prefix is "what.new_" or "what.old_". */
#define FILE_STATE(prefix, which) \
        { prefix "acl", KIND_TEXT, 0, "access control list, " which }, \
        { prefix "acl_default", KIND_TEXT, 0, "list that new files in a directory get, " which }, \
        { prefix "caps", KIND_TEXT, 0, "file capabilities, " which }, \
        { prefix "ctime", KIND_TIME, 0, "time of the last status change, " which }, \
        { prefix "flags", KIND_LIST, 0, "inode flags (immutable, append, ...), " which }, \
        { prefix "fstype", KIND_TEXT, 0, "type of the filesystem, " which }, \
        { prefix "gid", KIND_INT, 0, "group, " which }, \
        { prefix "hash_reason", KIND_TEXT, 0, "why the hash is not known, " which }, \
        { prefix "hash_status", KIND_TEXT, 0, "known, unreadable or skipped, " which }, \
        { prefix "inode", KIND_U64, 0, "inode number, " which }, \
        { prefix "label", KIND_TEXT, 0, "SELinux label, " which }, \
        { prefix "links", KIND_INT, 0, "number of hard links, " which }, \
        { prefix "mode", KIND_TEXT, 0, "permission bits in octal, four digits, " which }, \
        { prefix "mtime", KIND_TIME, 0, "time of the last modification, " which }, \
        { prefix "rdev", KIND_TEXT, 0, "major:minor of a device node, " which }, \
        { prefix "sha256", KIND_DIGEST, 0, "SHA-256 of the content, " which }, \
        { prefix "size", KIND_U64, 0, "bytes, " which }, \
        { prefix "target", KIND_TEXT, KIND_BYTES, "what a symbolic link points to, " which }, \
        { prefix "type", KIND_TEXT, 0, "file, dir, link, fifo, socket, char or block, " which }, \
        { prefix "uid", KIND_INT, 0, "owner, " which }, \
        { prefix "unknown", KIND_LIST, 0, \
          "[attribute, unreadable, unsupported or skipped]; what is absent and not here is none, " which }, \
        { prefix "xattrs", KIND_LIST, 0, \
          "[name, SHA-256 of the value] of other extended attributes, of two states those that " \
          "differ, " which }

/* Who did it.  A name, a command line, an address and a terminal are personal: sensitive. */
#define ACTOR \
        { "who.address", KIND_TEXT, SENS, \
          "source address of the session, with its port where that is known" }, \
        { "who.address_from", KIND_TEXT, 0, "who told it: socket, or utmp" }, \
        { "who.also", KIND_LIST, 0, \
          "[pid, program, effective user id] of others who touched it since it was read, the " \
          "author's process as another user among them" }, \
        { "who.auid", KIND_INT, 0, "login user id, kept over su and sudo" }, \
        { "who.cmdline", KIND_TEXT, SENS | KIND_BYTES, "command line, blanks between arguments" }, \
        { "who.comm", KIND_TEXT, KIND_BYTES, "name of the process" }, \
        { "who.container", KIND_TEXT, 0, \
          "container, as its engine calls it: an id, or a name; of one within another both, " \
          "outer/inner" }, \
        { "who.daemon", KIND_TEXT, 0, "program or unit that the session began with" }, \
        { "who.earlier", KIND_LIST, 0, \
          "[executable or name, user id, effective one where it is another] that it had before, in " \
          "the moment of the change: it may have been made as that; latest first.  Without exe: of " \
          "each process that had its number then" }, \
        { "who.euid", KIND_INT, 0, "effective user id" }, \
        { "who.exe", KIND_TEXT, KIND_BYTES, "path of the executable" }, \
        { "who.exe_nameless", KIND_BOOL, 0, \
          "the executable had no name: it was deleted, or never had one" }, \
        { "who.login", KIND_TEXT, 0, \
          "how the session began: ssh, remote, console, cron, service, kernel or unknown" }, \
        { "who.login_pid", KIND_INT, 0, "process that it began with" }, \
        { "who.mount_ns", KIND_INT, 0, "mount namespace, where it is not the sensor's" }, \
        { "who.no_address", KIND_TEXT, 0, "why the session has no address" }, \
        { "who.outer_address", KIND_TEXT, SENS, \
          "source address of the outermost session, where this one was begun from another on " \
          "this host" }, \
        { "who.parents", KIND_LIST, 0, \
          "[pid, executable or name, user id] of those it was begun under, nearest first" }, \
        { "who.pid", KIND_INT, 0, "process id" }, \
        { "who.ppid", KIND_INT, 0, "process id of the parent it was begun under" }, \
        { "who.session", KIND_INT, 0, "audit session id" }, \
        { "who.tty", KIND_TEXT, SENS, "terminal" }, \
        { "who.uid", KIND_INT, 0, "user id" }, \
        { "who.unit", KIND_TEXT, 0, \
          "systemd unit; where somebody else has made the control group, the group's path" }, \
        { "who.unknown", KIND_TEXT, 0, "why the author, or a part of it, is not known" }, \
        { "who.user", KIND_TEXT, SENS, "user name" }

/* A call of an API.  Who calls, from where and which object it is about are personal: sensitive. */
#define CALLER \
        { "who.address", KIND_TEXT, SENS, \
          "address it came from; of several, their network" }, \
        { "who.asked", KIND_OBJECT, SENS, \
          "what policies could ask of the caller besides: claims, groups that what.groups has not as " \
          "they are, the subject of the certificate" }, \
        { "who.passed", KIND_TEXT, SENS, \
          "user of a credential that only the back-end can judge, beside a caller who was verified" }, \
        { "who.user", KIND_TEXT, SENS, "who calls, as the identity says" }
#define CALL_OF(flags) \
        { "what.api", KIND_TEXT, flags, "name of the API" }
#define CALL_ASKED \
        { "what.asked", KIND_LIST, SENS, \
          "what policies could ask of the request: [name, value, or a list of these], [name]: it was " \
          "not there" }, \
        { "what.asked_left_out", KIND_U64, 0, "of this and who.asked, what there was no room for" }
#define CALL_FAULTS \
        { "what.faults", KIND_LIST, 0, \
          "[policy, what went wrong] of policies that erred and count as not holding" }, \
        { "what.faults_left_out", KIND_U64, 0, "of these, what there was no room for" }
#define CALL_GROUPS(flags) \
        { "what.generation", KIND_U64, flags, "number of what is deployed, that it was judged by" }, \
        { "what.groups", KIND_LIST, 0, "groups of the caller" }, \
        { "what.groups_left_out", KIND_U64, 0, "of these, what there was no room for" }
#define CALL_OBJECT(flags) \
        { "what.method", KIND_TEXT, flags, "of HTTP" }, \
        { "what.object", KIND_TEXT, SENS, "id of the object it is about" }, \
        { "what.object_type", KIND_TEXT, 0, "type of that object" }, \
        { "what.operation", KIND_TEXT, flags, "id of the operation" }
#define CALL_POLICIES \
        { "what.policies", KIND_LIST, 0, "policies that decided, by @id or place in the file" }, \
        { "what.policies_left_out", KIND_U64, 0, "of these, what there was no room for" }
#define CALL_VALUES(n) \
        { "what.values_" #n, KIND_LIST, SENS, "values of number " #n " of classes" }

/* An administrator who gave a command on a local socket. */
#define ADMINISTRATOR \
        { "who.pid", KIND_INT, 0, "process id of the administrator's command" }, \
        { "who.uid", KIND_INT, 0, "user id of the administrator" }

/* clang-format on */

const struct kind kind_table[] = {
        { "alert.explained", 1, "sensor", 2004,
          "A ticket, or a signed list, that came after the fact explains an alert; the first verdict "
          "stays.",
          FIELDS({ "what.change", KIND_TEXT, REQ,
                   "id of the change, or of the commit, that explains it" },
                 { "what.id", KIND_TEXT, REQ, "of the alert" },
                 { "what.reason", KIND_TEXT, REQ, "why" }, ACTOR) },

        { "alert.heard", 1, "recorder", 2004,
          "A process of Assay that alert.silent told of gives signs of life again, or another in its "
          "place.",
          FIELDS({ "what.id", KIND_TEXT, REQ, "of the alert" },
                 { "what.pid", KIND_INT, REQ, "its process id now" },
                 { "what.proc", KIND_TEXT, REQ, "its process name" },
                 { "what.run", KIND_U64, REQ, "its run now" },
                 { "what.silent_ns", KIND_INT, REQ,
                   "nanoseconds for which nothing was heard of it" },
                 { "what.since", KIND_TIME, REQ,
                   "its last sign before; of one that was missing, when the recorder started" }) },

        { "alert.missed", 1, "uplink", 1008,
          "Entries that a sink did not get and cannot get any more.",
          FIELDS({ "what.from", KIND_U64, REQ, "index of the first" },
                 { "what.origin", KIND_TEXT, REQ, "ledger they are of" },
                 { "what.reason", KIND_TEXT, REQ,
                   "why: pruned, damaged, or a ledger that is gone" },
                 { "what.severity", KIND_TEXT, REQ, "high" },
                 { "what.sink", KIND_TEXT, REQ, "name of the sink" },
                 { "what.until", KIND_U64, 0, "index behind the last, where that is known" }) },

        { "alert.raised", 1, "sensor", 2004,
          "Something was changed and nothing explains it: the first change of an act.",
          FIELDS({ "what.change", KIND_TEXT, REQ, "as in integrity.change" },
                 { "what.detail", KIND_TEXT, 0, "why nothing explains it" },
                 { "what.id", KIND_TEXT, REQ, "of the alert" },
                 { "what.mode", KIND_TEXT, 0, "mode of the profile" },
                 { "what.path", KIND_TEXT, REQ | KIND_BYTES, "path of the first change" },
                 { "what.profile", KIND_TEXT, 0, "profile that watches it" },
                 { "what.seen", KIND_TEXT, REQ, "as in integrity.change" },
                 { "what.severity", KIND_TEXT, REQ, "high or critical" }, ACTOR) },

        { "alert.refused", 1, "uplink", 1008,
          "A sink refused an entry for good; it goes on with the next one.",
          FIELDS({ "what.index", KIND_U64, REQ, "of the entry" },
                 { "what.origin", KIND_TEXT, REQ, "ledger it is of" },
                 { "what.reason", KIND_TEXT, REQ, "in the sink's words, escaped" },
                 { "what.severity", KIND_TEXT, REQ, "high" },
                 { "what.sink", KIND_TEXT, REQ, "name of the sink" }) },

        { "alert.silent", 1, "recorder", 2004,
          "A process of Assay gives no sign of life any more: what it watches goes unseen.",
          FIELDS({ "what.cause", KIND_TEXT, REQ,
                   "silent: connected, and has said nothing for a minute; ended: without a good-bye; "
                   "stopped: asked to, and not back within a minute; missing: ought to be there, and "
                   "not heard since the recorder started" },
                 { "what.count", KIND_U64, 0,
                   "how often it has ended, where it ends again and again" },
                 { "what.id", KIND_TEXT, REQ, "of the alert" },
                 { "what.pid", KIND_INT, 0, "its process id, where known" },
                 { "what.proc", KIND_TEXT, REQ, "its process name" },
                 { "what.run", KIND_U64, 0, "its run, where known" },
                 { "what.severity", KIND_TEXT, REQ, "high or critical" },
                 { "what.since", KIND_TIME, REQ,
                   "its last sign; of one that is missing, when the recorder started" },
                 { "who.pid", KIND_INT, 0, "process that asked it to stop, where it was asked" },
                 { "who.uid", KIND_INT, 0, "user id of that process" }) },

        { "alert.sink_down", 1, "uplink", 1008,
          "A sink takes nothing for longer than its down_after; nothing is lost, it waits.",
          FIELDS({ "what.index", KIND_U64, REQ, "of the first entry that waits for it" },
                 { "what.origin", KIND_TEXT, REQ, "ledger it is of" },
                 { "what.reason", KIND_TEXT, REQ, "what the last attempt ended with, escaped" },
                 { "what.severity", KIND_TEXT, REQ, "high" },
                 { "what.since", KIND_TIME, REQ, "time of the first attempt that failed" },
                 { "what.sink", KIND_TEXT, REQ, "name of the sink" },
                 { "what.type", KIND_TEXT, REQ, "journal, syslog, command or mail" }) },

        { "alert.sink_up", 1, "uplink", 1008,
          "A sink that was told to be down takes entries again.",
          FIELDS({ "what.from", KIND_U64, REQ, "index of the first entry that had to wait" },
                 { "what.from_origin", KIND_TEXT, REQ, "ledger it is of" },
                 { "what.origin", KIND_TEXT, REQ, "ledger that until is of" },
                 { "what.since", KIND_TIME, REQ, "time of the first attempt that failed" },
                 { "what.sink", KIND_TEXT, REQ, "name of the sink" },
                 { "what.type", KIND_TEXT, REQ, "journal, syslog, command or mail" },
                 { "what.until", KIND_U64, REQ, "index behind the last entry it has taken now" }) },

        { "alert.sinks", 1, "uplink", 1008, "Where alerts are delivered from now on.",
          FIELDS({ "what.config", KIND_DIGEST, 0,
                   "SHA-256 of deliver.yaml; absent: there is none" },
                 { "what.refused", KIND_TEXT, 0,
                   "what is wrong with deliver.yaml: nothing is delivered" },
                 { "what.sinks", KIND_LIST, REQ, "[name, type] of each" }) },

        { "alert.state", 1, "monitor", 2004,
          "Rows of a table of the host's state became others, and nothing explains it; the entries "
          "state.change of them name the alert.",
          FIELDS({ "what.cause", KIND_TEXT, 0, "as in state.change" },
                 { "what.cause_index", KIND_U64, 0, "as in state.change" },
                 { "what.causes_before", KIND_LIST, 0, "as in state.change" },
                 { "what.change", KIND_TEXT, REQ, "added, removed, changed, or several of these" },
                 { "what.count", KIND_U64, REQ, "how many rows" },
                 { "what.detail", KIND_TEXT, REQ, "why nothing explains it" },
                 { "what.id", KIND_TEXT, REQ, "of the alert" },
                 { "what.rows", KIND_LIST, REQ,
                   "names of the first rows; none of a table of people" },
                 { "what.severity", KIND_TEXT, REQ, "high" },
                 { "what.table", KIND_TEXT, REQ, "name of the table" }, ACTOR) },

        { "alert.test", 1, "recorder", 1008,
          "An administrator tries the delivery; it goes to every sink, whatever that selects.",
          FIELDS({ "what.test", KIND_TEXT, REQ, "id of the trial" }, ADMINISTRATOR) },

        { "alert.updated", 1, "sensor", 2004,
          "An act goes on, got worse, or is over: what it comes to.",
          FIELDS({ "what.count", KIND_U64, REQ, "changes until now" },
                 { "what.first", KIND_TIME, REQ, "time of the first" },
                 { "what.id", KIND_TEXT, REQ, "of the alert" },
                 { "what.last", KIND_TIME, REQ, "time of the last" },
                 { "what.paths", KIND_LIST, REQ, "the first paths, escaped" },
                 { "what.profiles", KIND_LIST, REQ, "profiles that watch them" },
                 { "what.severity", KIND_TEXT, REQ, "high or critical" },
                 { "what.state", KIND_TEXT, REQ, "open, or quiet: over" }) },

        { "api.approved", 1, "recorder", 3004,
          "Somebody who may approve has signed that a version of an API be deployed.",
          FIELDS({ "what.api", KIND_TEXT, REQ, "name of the API" },
                 { "what.approval", KIND_DIGEST, REQ, "SHA-256 of the text that was signed" },
                 { "what.approver", KIND_TEXT, SENS, "who signed it, as the registry calls them" },
                 { "what.change", KIND_TEXT, REQ, "id of the change that it is for" },
                 { "what.key", KIND_TEXT, REQ, "id of the key that signed it" },
                 { "what.sha256", KIND_DIGEST, REQ, "of the package" },
                 { "what.until", KIND_TIME, REQ, "the first moment at which it says nothing more" },
                 { "what.version", KIND_TEXT, REQ, "of the API" }, ADMINISTRATOR) },

        { "api.denied", 1, "gateway", 6003,
          "A call was refused before the back-end saw anything of it.",
          FIELDS(CALL_OF(0), CALL_ASKED,
                 { "what.bytes", KIND_U64, 0, "of the body, as far as it was read" },
                 { "what.call", KIND_TEXT, 0, "id of the call; of several, the last one's" },
                 { "what.count", KIND_U64, 0, "how many, where they are told as one" },
                 { "what.decision", KIND_TEXT, 0, "deny, or allow where policies let it pass" },
                 { "what.detail", KIND_TEXT, 0, "the reason in words" }, CALL_FAULTS,
                 { "what.from", KIND_TIME, 0, "time of the first, where they are told as one" },
                 CALL_GROUPS(0), CALL_OBJECT(0), CALL_POLICIES,
                 { "what.reason", KIND_TEXT, REQ,
                   "target, header, framing, parameter, json, body, no_credential, credential, policy, "
                   "path, method, size, media, encoding, rate, quota, objects, recorder, package, "
                   "keys or busy; several: of all that there was no room to tell apart" },
                 { "what.scheme", KIND_TEXT, 0, "security scheme that the caller was known by" },
                 { "what.sha256", KIND_DIGEST, 0, "of the package" },
                 { "what.status", KIND_INT, 0, "that the caller got" },
                 { "what.tls", KIND_TEXT, 0, "version of TLS" },
                 { "what.verified", KIND_BOOL, 0, "the gateway itself has verified who calls" },
                 { "what.version", KIND_TEXT, 0, "of the API" },
                 { "what.writes", KIND_LIST, 0, "[data class, count] in the request" }, CALLER) },

        { "api.deployed", 1, "recorder", 6002,
          "A version of an API was approved and is what gateways serve from here on.",
          FIELDS({ "what.api", KIND_TEXT, REQ, "name of the API" },
                 { "what.approval", KIND_DIGEST, REQ, "SHA-256 of the text that was signed" },
                 { "what.approver", KIND_TEXT, SENS,
                   "who approved it, as the registry calls them" },
                 { "what.approver_key", KIND_TEXT, REQ, "id of the key that signed the approval" },
                 { "what.author", KIND_TEXT, SENS,
                   "who signed the commit, as the registry calls them" },
                 { "what.change", KIND_TEXT, REQ, "id of the change that it is for" },
                 { "what.commit", KIND_TEXT, REQ, "id of the commit that the package is of" },
                 { "what.generation", KIND_U64, REQ, "number of what is deployed from here on" },
                 { "what.previous", KIND_TEXT, 0, "version before; absent: none was deployed" },
                 { "what.previous_sha256", KIND_DIGEST, 0, "package before" },
                 { "what.repository", KIND_TEXT, REQ, "what the repository is called" },
                 { "what.sha256", KIND_DIGEST, REQ, "of the package" },
                 { "what.version", KIND_TEXT, REQ, "of the API" }, ADMINISTRATOR) },

        { "api.intent", 1, "gateway", 6003,
          "A call that the policies allow; the back-end has seen nothing of it yet.",
          FIELDS(CALL_OF(REQ), CALL_ASKED, { "what.bytes", KIND_U64, REQ, "of the body" },
                 { "what.call", KIND_TEXT, REQ, "id of the call" },
                 { "what.decision", KIND_TEXT, REQ, "allow" }, CALL_FAULTS, CALL_GROUPS(REQ),
                 CALL_OBJECT(REQ), CALL_POLICIES,
                 { "what.scheme", KIND_TEXT, 0, "security scheme that the caller was known by" },
                 { "what.sha256", KIND_DIGEST, REQ, "of the package" },
                 { "what.tls", KIND_TEXT, 0, "version of TLS" },
                 { "what.verified", KIND_BOOL, REQ, "the gateway itself has verified who calls" },
                 { "what.version", KIND_TEXT, REQ, "of the API" },
                 { "what.writes", KIND_LIST, 0, "[data class, count] in the request" }, CALLER) },

        { "api.keys", 1, "keys", 3004,
          "The keys that tokens of an issuer are verified with: another set is in use, or none was "
          "to be had for some time.",
          FIELDS({ "what.detail", KIND_TEXT, 0, "failing: what the last attempt ended with" },
                 { "what.issuer", KIND_TEXT, REQ, "of the tokens, as the package has it" },
                 { "what.keys", KIND_U64, REQ, "how many are in the set that is in use" },
                 { "what.left_out", KIND_U64, 0, "changed: keys that are not fit to be used" },
                 { "what.previous", KIND_DIGEST, 0, "changed: of the set before" },
                 { "what.sha256", KIND_DIGEST, 0,
                   "of the set that is in use, canonical; absent: there is none" },
                 { "what.since", KIND_TIME, 0, "failing: the first attempt that failed" },
                 { "what.state", KIND_TEXT, REQ,
                   "changed, failing: the set in use gets old; good: it is had again" },
                 { "what.url", KIND_TEXT, REQ, "where the set is from" }) },

        { "api.outcome", 1, "gateway", 6003,
          "What came of a call; the caller has seen nothing of it yet.",
          FIELDS(CALL_OF(REQ),
                 { "what.backend_ns", KIND_INT, 0, "nanoseconds that the back-end took" },
                 { "what.backend_status", KIND_INT, 0, "that the back-end gave" },
                 { "what.bytes", KIND_U64, REQ, "of the body that the caller gets" },
                 { "what.call", KIND_TEXT, REQ, "id of the call" },
                 { "what.detail", KIND_TEXT, 0, "the reason in words" },
                 { "what.findings", KIND_LIST, 0,
                   "[kind, place, count] of values that look personal and have no data class" },
                 { "what.findings_left_out", KIND_BOOL, 0, "there was no room for more of these" },
                 CALL_OBJECT(REQ),
                 { "what.reads", KIND_LIST, 0,
                   "[data class, count, clear, masked or withheld] in the response" },
                 { "what.reason", KIND_TEXT, 0,
                   "why it was refused: backend, backend_time, response_status, response_header, "
                   "response_media, response_json, response_schema, response_size, "
                   "response_encoding, or as in api.denied" },
                 { "what.result", KIND_TEXT, REQ, "answered, cached or refused" },
                 { "what.status", KIND_INT, REQ, "that the caller gets" },
                 { "what.version", KIND_TEXT, REQ, "of the API" },
                 { "who.user", KIND_TEXT, SENS, "who calls, as the identity says" }) },

        { "api.pushed", 1, "recorder", 3004,
          "A package was taken into the registry: it is what a signed commit on a protected branch "
          "makes.",
          FIELDS({ "what.api", KIND_TEXT, REQ, "name of the API" },
                 { "what.author", KIND_TEXT, SENS,
                   "who signed the commit, as the registry calls them" },
                 { "what.builder_key", KIND_TEXT, REQ, "id of the key that signed the package" },
                 { "what.commit", KIND_TEXT, REQ, "id of the commit" },
                 { "what.directory", KIND_TEXT, REQ | KIND_BYTES,
                   "where the sources lie in the commit; empty: at its top" },
                 { "what.key", KIND_TEXT, REQ, "fingerprint of the key that signed the commit" },
                 { "what.on", KIND_LIST, REQ, "protected branches that have the commit" },
                 { "what.repository", KIND_TEXT, REQ, "what the repository is called" },
                 { "what.sha256", KIND_DIGEST, REQ, "of the package" },
                 { "what.signer", KIND_TEXT, SENS | KIND_BYTES, "who signed the commit" },
                 { "what.sources", KIND_U64, REQ, "files that it was built of" },
                 { "what.tips", KIND_LIST, REQ,
                   "[protected branch, its newest commit then]; none of them had lost an older one" },
                 { "what.version", KIND_TEXT, REQ, "of the API" }, ADMINISTRATOR) },

        { "api.refused", 1, "recorder", 3004,
          "A package, an approval or a deployment of an API was refused; nothing has changed.",
          FIELDS({ "what.act", KIND_TEXT, REQ, "push, approve, deploy, rollback or withdraw" },
                 { "what.api", KIND_TEXT, 0, "name of the API, where that is known" },
                 { "what.approval", KIND_DIGEST, 0, "SHA-256 of the approval's text" },
                 { "what.branch", KIND_TEXT, KIND_BYTES, "protected branch that it is about" },
                 { "what.change", KIND_TEXT, 0, "id of the change that it was to be for" },
                 { "what.commit", KIND_TEXT, 0, "id of the commit" },
                 { "what.detail", KIND_TEXT, REQ, "the reason in words" },
                 { "what.file", KIND_DIGEST, 0, "SHA-256 of the file, where it is no package" },
                 { "what.key", KIND_TEXT, 0,
                   "key that signed what was refused: its id, or fingerprint" },
                 { "what.path", KIND_TEXT, KIND_BYTES, "source that it is about" },
                 { "what.reason", KIND_TEXT, REQ,
                   "file, builder, repository, commit, signature, author, branch, rewound, source, "
                   "rebuilt, version, unknown, approval, approver, separation, expired, used, "
                   "never_deployed or package" },
                 { "what.repository", KIND_TEXT, 0, "what the repository is called" },
                 { "what.sha256", KIND_DIGEST, 0, "of the package" },
                 { "what.signed", KIND_TEXT, 0, "what the commit's signature was worth" },
                 { "what.tip", KIND_TEXT, 0, "commit that the branch had before and has no more" },
                 { "what.version", KIND_TEXT, 0, "of the API" }, ADMINISTRATOR) },

        { "api.rolled_back", 1, "recorder", 6002,
          "A version of an API that was deployed before is served again from here on.  It needs no "
          "approval but the one it was deployed with then.",
          FIELDS({ "what.api", KIND_TEXT, REQ, "name of the API" },
                 { "what.approved_in", KIND_U64, REQ,
                   "generation that it was deployed in, with an approval" },
                 { "what.generation", KIND_U64, REQ, "number of what is deployed from here on" },
                 { "what.previous", KIND_TEXT, 0, "version before; absent: it was withdrawn" },
                 { "what.previous_sha256", KIND_DIGEST, 0, "package before" },
                 { "what.reason", KIND_TEXT, REQ, "why" },
                 { "what.sha256", KIND_DIGEST, REQ, "of the package" },
                 { "what.version", KIND_TEXT, REQ, "of the API" }, ADMINISTRATOR) },

        { "api.unknown", 1, "recorder", 6003,
          "A call without an outcome: whether the back-end did it nobody knows.  Its caller got no "
          "answer.",
          FIELDS({ "what.call", KIND_TEXT, REQ, "id of the call" },
                 { "what.index", KIND_U64, REQ, "index of its api.intent" },
                 { "what.intent", KIND_TEXT, REQ, "id of that entry" },
                 { "what.reason", KIND_TEXT, REQ,
                   "stopped: its gateway said good-bye; gone: it ended or was cut off, and did not "
                   "come back within a minute; overdue: it is there, and said nothing for an hour; "
                   "succeeded: another ledger takes the place of this one" },
                 { "what.run", KIND_U64, REQ, "run of its gateway" }) },

        { "api.unshown", 1, "gateway", 6003,
          "The answer that an api.outcome tells of was not given: the recorder had it too late, or the "
          "caller had gone.",
          FIELDS(CALL_OF(REQ), { "what.call", KIND_TEXT, REQ, "id of the call" },
                 { "what.method", KIND_TEXT, REQ, "of HTTP" },
                 { "what.operation", KIND_TEXT, REQ, "id of the operation" },
                 { "what.reason", KIND_TEXT, REQ,
                   "late: the recorder did not say in time that it has the outcome; left: the "
                   "connection had ended before" },
                 { "what.status", KIND_INT, 0, "late: that the caller got in its place" },
                 { "what.version", KIND_TEXT, REQ, "of the API" }) },

        { "api.values", 1, "gateway", 6003,
          "Values that a call writes or reads, of data classes whose values a package wants recorded. "
          "One that is not plain is {number} as it was spelled, {json}, or {bytes, sha256} where it is "
          "long.",
          FIELDS(CALL_OF(REQ), { "what.call", KIND_TEXT, REQ, "id of the call" },
                 { "what.classes", KIND_LIST, REQ,
                   "[data class, count] in values_1, values_2, ...; of a response [data class, count, "
                   "clear, masked or withheld], and the values are those before the mask" },
                 { "what.direction", KIND_TEXT, REQ, "request or response" },
                 { "what.operation", KIND_TEXT, REQ, "id of the operation" },
                 { "what.part", KIND_U64, REQ, "which one of those of this call and direction" },
                 CALL_VALUES(1), CALL_VALUES(2), CALL_VALUES(3), CALL_VALUES(4), CALL_VALUES(5),
                 CALL_VALUES(6), CALL_VALUES(7), CALL_VALUES(8)) },

        { "api.withdrawn", 1, "recorder", 6002, "An API is not served any more from here on.",
          FIELDS({ "what.api", KIND_TEXT, REQ, "name of the API" },
                 { "what.generation", KIND_U64, REQ, "number of what is deployed from here on" },
                 { "what.previous", KIND_TEXT, REQ, "version before" },
                 { "what.previous_sha256", KIND_DIGEST, REQ, "package before" },
                 { "what.reason", KIND_TEXT, REQ, "why" }, ADMINISTRATOR) },

        { "capacity.sample", 1, "monitor", 5001,
          "Every quarter hour: processors, memory, disks and pressure.",
          FIELDS({ "what.samples", KIND_LIST, REQ, "rows, each a list of [column, value]" },
                 { "what.samples_left_out", KIND_U64, 0, "rows that the entry had no room for" },
                 { "what.table", KIND_TEXT, REQ, "table of the host's state" }) },

        { "host.clock", 1, "recorder", 5019, "The wall clock jumped against the monotonic clock.",
          FIELDS({ "what.after", KIND_TIME, REQ, "wall clock behind the jump" },
                 { "what.before", KIND_TIME, REQ, "what it should have been" },
                 { "what.jump_ns", KIND_INT, REQ, "nanoseconds; negative: back" }) },

        { "host.heartbeat", 1, "recorder", 6002,
          "Every quarter hour: the host's recorder lives, and what it has done since the last one.",
          FIELDS({ "what.appended", KIND_INT, REQ, "entries appended" },
                 { "what.batches", KIND_INT, REQ, "batches made durable" },
                 { "what.bytes", KIND_U64, 0, "bytes of entries appended" },
                 { "what.clock_jump_ns", KIND_INT, 0, "wall clock against monotonic clock" },
                 { "what.disk_free", KIND_U64, 0, "bytes free where the ledger lives" },
                 { "what.interval_ns", KIND_INT, 0, "time since the last heartbeat" },
                 { "what.memory", KIND_U64, 0, "resident bytes of the recorder" },
                 { "what.peers", KIND_LIST, REQ, "[process, run, last sequence] of each writer" },
                 { "what.published", KIND_U64, 0, "size of the last signed checkpoint" },
                 { "what.refused", KIND_INT, REQ, "entries refused" },
                 { "what.resent", KIND_INT, REQ, "resends recognised" },
                 { "what.size", KIND_U64, REQ, "entries in the ledger" },
                 { "what.uptime_ns", KIND_INT, 0, "time since the recorder started" }) },

        { "integrity.approval", 1, "sensor", 3004,
          "An approved change was opened, closed, or is over.",
          FIELDS({ "what.detail", KIND_TEXT, 0, "why they were lost" },
                 { "what.digest", KIND_DIGEST, 0, "SHA-256 of the approved change, canonical" },
                 { "what.event", KIND_TEXT, REQ,
                   "opened, closed, expired, or lost: those that were open cannot be read" },
                 { "what.from", KIND_TIME, 0, "first moment of the window" },
                 { "what.hashes", KIND_U64, 0, "paths whose content it names" },
                 { "what.id", KIND_TEXT, 0, "of the change" },
                 { "what.paths", KIND_LIST, 0, "patterns of what may change" },
                 { "what.reason", KIND_TEXT, 0, "why it was opened or closed" },
                 { "what.source", KIND_TEXT, 0, "who approved it: local, or a key" },
                 { "what.until", KIND_TIME, 0, "first moment after the window" }, ACTOR) },

        { "integrity.baseline", 1, "sensor", 3004, "A baseline became the trusted state.",
          FIELDS({ "what.added", KIND_U64, 0,
                   "files accepted that it did not have, or that are watched newly" },
                 { "what.bytes", KIND_U64, REQ, "bytes hashed" },
                 { "what.changed", KIND_U64, 0, "files accepted in another state" },
                 { "what.comment", KIND_TEXT, 0, "why it was accepted or taken anew" },
                 { "what.files", KIND_U64, REQ, "records in it" },
                 { "what.kept", KIND_U64, 0, "contents kept to put them back from" },
                 { "what.not_kept", KIND_U64, 0,
                   "contents that were to be kept and are not: too large, or no room" },
                 { "what.paths", KIND_LIST, REQ, "patterns of what is watched" },
                 { "what.previous_root", KIND_DIGEST, 0, "root of the one it replaces" },
                 { "what.profile", KIND_TEXT, 0, "name of the profile" },
                 { "what.reason", KIND_TEXT, REQ,
                   "first, accepted or replaced; lost: there was one and the state of the sensor was "
                   "removed; extended, reduced or configured: see integrity.watch; succeeded: it is "
                   "the one that the ledger before this one has" },
                 { "what.removed", KIND_U64, 0,
                   "files accepted as gone, or that are not watched any more" },
                 { "what.root", KIND_DIGEST, REQ, "Merkle root over the sorted records" },
                 { "what.selected", KIND_LIST, 0,
                   "paths that were accepted with all below them; absent: all that differed" },
                 { "what.skipped", KIND_U64, 0, "records whose hash was skipped" },
                 { "what.took_ns", KIND_INT, 0, "how long it took" },
                 { "what.unreadable", KIND_U64, REQ, "records whose hash could not be read" },
                 ACTOR) },

        { "integrity.change", 1, "sensor", 1001,
          "An object differs from the trusted state: what, its state before and now, who and why.",
          FIELDS({ "what.change", KIND_TEXT, REQ,
                   "created, modified, deleted, renamed, attributes, replaced, transient (gone "
                   "before it could be read) or reverted (changed and put back before it could be "
                   "read: what it was in between is not known)" },
                 { "what.differs", KIND_LIST, 0, "names of the attributes that differ" },
                 { "what.events", KIND_LIST, 0,
                   "what was seen of what is transient, or has its old content again: created, "
                   "written, deleted and so on" },
                 { "what.from", KIND_TEXT, KIND_BYTES, "path before a rename" },
                 { "what.fs", KIND_TEXT, 0, "filesystem id in hexadecimal" },
                 { "what.mode", KIND_TEXT, 0, "mode of the profile: log, alert, restore or deny" },
                 { "what.mount", KIND_TEXT, 0,
                   "id of the integrity.mount that hid what was there, or showed what is" },
                 FILE_STATE("what.new_", "now"), FILE_STATE("what.old_", "before"),
                 { "what.on_way", KIND_BOOL, 0,
                   "not watched itself: a directory that leads to what is, of which owner and rights "
                   "are known, or a symbolic link in the place of one" },
                 { "what.path", KIND_TEXT, REQ | KIND_BYTES, "path" },
                 { "what.profile", KIND_TEXT, 0, "profile that watches it" },
                 { "what.seen", KIND_TEXT, REQ, "live, rescan, start, deep or check" },
                 { "what.type", KIND_TEXT, 0, "file, dir, link, fifo, socket, char or block" },
                 ACTOR, { "why.alert", KIND_TEXT, 0, "id of the alert that it is counted in" },
                 { "why.change", KIND_TEXT, 0, "id of the approved change" },
                 { "why.content", KIND_BOOL, 0,
                   "true: it accounts for the content that is there now, not for attributes, a name "
                   "or whose act it was alone" },
                 { "why.detail", KIND_TEXT, 0, "the proof of the explanation" },
                 { "why.late", KIND_TEXT, 0,
                   "where it is counted in an alert: what a later explanation is compared with, "
                   "beside the rest: is, was (of what is gone) and permission bits, or gone "
                   "(unread); rights, where there are more; fresh (not there before, or another "
                   "file), moved_on; what differs, also what is not watched" },
                 { "why.package", KIND_TEXT, 0,
                   "package, version and architecture that the content comes from" },
                 { "why.state", KIND_TEXT, REQ,
                   "unexplained, volatile, change, package, source or service" }) },

        { "integrity.command", 1, "sensor", 6003,
          "An administrator gave the sensor a command; one that changes something is two entries, "
          "when it begins and what came of it.",
          FIELDS({ "what.arguments", KIND_OBJECT, 0, "as they were given" },
                 { "what.arguments_bytes", KIND_U64, 0, "length of arguments that do not fit" },
                 { "what.error", KIND_TEXT, 0, "why it failed or was refused" },
                 { "what.state", KIND_TEXT, REQ, "begun, done, failed or refused" },
                 { "what.took_ns", KIND_INT, 0, "how long it took" },
                 { "what.verb", KIND_TEXT, REQ, "the command" }, ACTOR) },

        { "integrity.denied", 1, "sensor", 1001,
          "Somebody tried to change what is denied, and was refused.",
          FIELDS({ "what.call", KIND_TEXT, 0,
                   "open (to write), unlink, rename, link, make, chmod, chown, truncate, setxattr, "
                   "utimes, chattr or write" },
                 { "what.count", KIND_U64, 0, "how many more, that are not told one by one" },
                 { "what.error", KIND_TEXT, 0, "EPERM or EACCES" },
                 { "what.incomplete", KIND_BOOL, 0,
                   "a part of the path is not known; by audit: what was to be made there" },
                 { "what.lost", KIND_U64, 0,
                   "refused calls that the kernel had no room to tell of, wherever they were; by "
                   "audit: records, or moments without room" },
                 { "what.named", KIND_TEXT, KIND_BYTES,
                   "what the process called it, where that is another path" },
                 { "what.path", KIND_TEXT, KIND_BYTES, "path as it is watched" },
                 { "what.path_from", KIND_TEXT, 0,
                   "file: an open file; inode: the file that was found under another name; audit: "
                   "the kernel's audit; argument: what the process had given when the call had "
                   "ended, which another thread may have changed" },
                 { "what.profile", KIND_TEXT, 0, "profile that denies it" }, ACTOR) },

        { "integrity.deny", 1, "sensor", 5019,
          "Immutable flags of mode deny were set or taken off, or could not be.",
          FIELDS({ "what.event", KIND_TEXT, REQ,
                   "set; lifted: by an approved change, or no longer denied; withheld: not what is "
                   "trusted, so not set; unsupported: the filesystem has none; given_up: somebody "
                   "keeps taking it off; stalled: somebody keeps the file locked, so it could not "
                   "be set or taken off yet; suspended: all are off, as asked" },
                 { "what.files", KIND_U64, 0, "how many files and directories" },
                 { "what.paths", KIND_LIST, 0, "the first few of them" },
                 { "what.reason", KIND_TEXT, 0, "why" },
                 { "what.until", KIND_TIME, 0, "when it is taken off again by itself" }) },

        { "integrity.execution", 1, "sensor", 1007,
          "Somebody wanted to execute a file where only known contents may be executed.",
          FIELDS({ "what.count", KIND_U64, 0, "how many more, that are not told one by one" },
                 { "what.decision", KIND_TEXT, REQ,
                   "refused; allowed: not read in time; unjudged: nobody was asked; more" },
                 { "what.path", KIND_TEXT, KIND_BYTES, "path" },
                 { "what.profile", KIND_TEXT, 0, "profile that watches it" },
                 { "what.reason", KIND_TEXT, REQ, "why" },
                 { "what.sha256", KIND_DIGEST, 0, "SHA-256 of its content" }, ACTOR) },

        { "integrity.folded", 1, "sensor", 1008,
          "Changes that one user made faster than they are told one by one: how many, of what, and "
          "the digest of all paths.",
          FIELDS({ "what.changes", KIND_LIST, REQ,
                   "of which kind how many, as pairs; words as in integrity.change" },
                 { "what.count", KIND_U64, REQ, "how many" },
                 { "what.differs", KIND_LIST, REQ, "which attribute differed how often, as pairs" },
                 { "what.digest", KIND_DIGEST, REQ,
                   "SHA-256 over the paths: each once, in byte order, each with a NUL behind it" },
                 { "what.euid", KIND_U64, 0,
                   "with whose rights, by set-uid programs; absent: his own" },
                 { "what.first", KIND_TIME, REQ, "when the first was seen" },
                 { "what.kept", KIND_BOOL, REQ,
                   "the list of paths is kept: folded/content of the sensor's state has it under "
                   "the digest" },
                 { "what.last", KIND_TIME, REQ, "when the last was seen" },
                 { "what.mode", KIND_TEXT, REQ,
                   "mode of the profile: log, alert, restore or deny" },
                 { "what.named", KIND_LIST, 0, "the first paths; absent: left out, too long" },
                 { "what.paths", KIND_U64, REQ, "how many paths" },
                 { "what.profile", KIND_TEXT, REQ, "profile that watches them" },
                 { "what.programs", KIND_LIST, 0,
                   "what made them, the first ones seen; absent: left out, too long" },
                 { "what.sort", KIND_TEXT, REQ,
                   "new, changed, gone or rights (set-uid, set-gid, capabilities or an access list "
                   "were gained): each has a rate of its own" },
                 { "what.states", KIND_LIST, REQ,
                   "how many were explained and how, as pairs; words as why.state" },
                 { "what.uid", KIND_U64, REQ,
                   "whose they are, all of them; 65,536 and above, of a user namespace, count as "
                   "their login's" },
                 ACTOR) },

        { "integrity.gap", 1, "sensor", 1008,
          "Changes may have been missed between two times, and what a rescan then found.",
          FIELDS({ "what.dropped", KIND_U64, 0, "events known to be lost" },
                 { "what.found", KIND_INT, 0, "changes the rescan found" },
                 { "what.from", KIND_TIME, REQ, "the last moment known to be seen" },
                 { "what.paths", KIND_LIST, 0, "what was not seen; absent: everything watched" },
                 { "what.reason", KIND_TEXT, REQ, "overflow, down, unwatched or queue" },
                 { "what.rescanned", KIND_U64, 0, "records compared afterwards" },
                 { "what.until", KIND_TIME, REQ, "the first moment seen again" }) },

        { "integrity.guard", 1, "sensor", 6002,
          "Execution control began, ended, or lapsed: from then on executions were not judged.",
          FIELDS({ "what.directories", KIND_U64, REQ, "that it is asked about" },
                 { "what.event", KIND_TEXT, REQ, "started, lapsed or stopped" },
                 { "what.files", KIND_U64, REQ, "whose content is known to it" },
                 { "what.from", KIND_TIME, 0, "since when executions were not judged" },
                 { "what.reason", KIND_TEXT, 0, "why it lapsed or stopped" },
                 { "what.until", KIND_TIME, 0, "until when they were not" }) },

        { "integrity.incident", 1, "sensor", 2004,
          "A path is changed again as often as it is put back, or more is changed than is put back "
          "at once: somebody insists.",
          FIELDS({ "what.action", KIND_TEXT, REQ,
                   "denied: nothing may change it now; left: it is not put back for a while; slowed: "
                   "the rest waits its turn" },
                 { "what.count", KIND_U64, REQ, "times it was put back, or paths that wait" },
                 { "what.detail", KIND_TEXT, 0, "why not denied" },
                 { "what.path", KIND_TEXT, REQ | KIND_BYTES, "path" },
                 { "what.profile", KIND_TEXT, 0, "profile that watches it" },
                 { "what.until", KIND_TIME, 0, "when it is put back again" },
                 { "what.window_s", KIND_U64, 0, "seconds within which that was" }) },

        { "integrity.mount", 1, "sensor", 1001,
          "Something was mounted at, above or below what is watched, or is no longer: it hides what was "
          "there, or shows what it hid.  A mount that was moved is gone from one place and new at another.",
          FIELDS({ "what.count", KIND_U64, 0,
                   "more: how many, that are not told one by one; unseen: how many, absent where the "
                   "kernel only told that there was one at least" },
                 { "what.event", KIND_TEXT, REQ,
                   "mounted, unmounted or more; unseen: something came and went, or the other way "
                   "round, before the list of mounts could be read, so that nobody knows where" },
                 { "what.fs_options", KIND_TEXT, 0,
                   "options of the filesystem, escaped; the first 512 bytes" },
                 { "what.fstype", KIND_TEXT, 0, "type of the filesystem" },
                 { "what.id", KIND_TEXT, REQ,
                   "of the act: one for all that changed at the same time; integrity.change names it" },
                 { "what.options", KIND_TEXT, 0, "options of the mount, escaped" },
                 { "what.path", KIND_TEXT, KIND_BYTES, "where: the mount point" },
                 { "what.root", KIND_TEXT, 0,
                   "what of the filesystem is there, escaped: / is all of it, a path is that of a bind "
                   "mount or of a subvolume" },
                 { "what.source", KIND_TEXT, 0, "device, or what stands for it, escaped" },
                 ACTOR) },

        { "integrity.not_restored", 1, "sensor", 7002,
          "Something should have been put back and was not, and why; nothing was touched.",
          FIELDS({ "what.again", KIND_TIME, 0, "when it is tried again; absent: not by itself" },
                 { "what.by", KIND_TEXT, REQ, "profile or command" },
                 { "what.detail", KIND_TEXT, 0, "in words" },
                 { "what.path", KIND_TEXT, REQ | KIND_BYTES, "path" },
                 { "what.profile", KIND_TEXT, 0, "profile that watches it" },
                 { "what.reason", KIND_TEXT, REQ,
                   "suspended (an approved change or a package transaction owns it), content (never kept, or damaged), "
                   "evidence (what is there cannot be kept), parent (its directory is not there), "
                   "mounted (something is mounted there, or above, that was not when it was trusted), "
                   "stalled (somebody keeps it locked, or its directory), "
                   "unknown (nothing is known of it before), room, limit or error" },
                 ACTOR) },

        { "integrity.package", 1, "sensor", 6002,
          "A package transaction began, was read package by package, or ended.",
          FIELDS({ "what.action", KIND_TEXT, 0,
                   "install, reinstall, upgrade, downgrade, remove or configure" },
                 { "what.arch", KIND_TEXT, 0, "architecture" },
                 { "what.chain", KIND_TEXT, 0,
                   "signed, unsigned or unknown: whether the package file stands in an index of a "
                   "signed Release; absent: it did not come to that" },
                 { "what.chain_reason", KIND_TEXT, 0, "holds, or the link that does not" },
                 { "what.codename", KIND_TEXT, 0, "of the Release" },
                 { "what.digest", KIND_DIGEST, 0,
                   "of the list of packages, which the sensor keeps until the end" },
                 { "what.event", KIND_TEXT, REQ,
                   "begun, resumed (by a sensor that was started meanwhile), package or ended" },
                 { "what.expired", KIND_BOOL, 0, "the Release was good until a time that is over" },
                 { "what.explained", KIND_U64, 0, "changes of its processes that were explained" },
                 { "what.file", KIND_TEXT, KIND_BYTES, "path of the package file" },
                 { "what.files", KIND_U64, 0, "paths in the package file" },
                 { "what.fingerprint", KIND_TEXT, 0, "of the key that signed the Release" },
                 { "what.id", KIND_TEXT, REQ, "of the transaction" },
                 { "what.listed", KIND_BOOL, 0,
                   "whether it is known what dpkg listed as the package's before" },
                 { "what.name", KIND_TEXT, 0, "of the package" },
                 { "what.new_version", KIND_TEXT, 0, "to be installed" },
                 { "what.old_version", KIND_TEXT, 0, "that was installed" },
                 { "what.packages", KIND_U64, 0, "how many the transaction has" },
                 { "what.reason", KIND_TEXT, 0, "how it ended" },
                 { "what.release", KIND_TEXT, 0, "file of the Release, below apt's lists" },
                 { "what.sha256", KIND_DIGEST, 0, "of the package file, as it was read" },
                 { "what.signed", KIND_U64, 0, "how many of them a signed Release has" },
                 { "what.suite", KIND_TEXT, 0, "of the Release" },
                 { "what.trusted_anyway", KIND_BOOL, 0,
                   "apt was told not to ask for a signature (trusted=yes)" },
                 { "what.unexplained", KIND_U64, 0, "changes of its processes that were not" },
                 { "what.watched", KIND_U64, 0, "paths of it that are watched" },
                 { "what.why", KIND_TEXT, 0, "why it explains nothing" }, ACTOR) },

        { "integrity.quarantined", 1, "sensor", 7002,
          "Something was put away before something else took its place: all that is known of it.",
          FIELDS({ "what.id", KIND_TEXT, 0,
                   "of the item: assay quarantine show ID; absent: there was no room for one, and "
                   "this entry is all that is kept" },
                 { "what.kept", KIND_TEXT, 0,
                   "of its content: data (all but its holes), part (the first of its data) or "
                   "nothing; absent: all of it" },
                 { "what.kept_bytes", KIND_U64, 0, "how many of data or part" },
                 { "what.kept_sha256", KIND_DIGEST, 0, "SHA-256 of those" },
                 { "what.kept_why", KIND_TEXT, 0, "why not all" },
                 { "what.moment", KIND_BOOL, 0,
                   "true: it was being written, and the content is that of one moment" },
                 { "what.path", KIND_TEXT, REQ | KIND_BYTES, "where it was" },
                 { "what.profile", KIND_TEXT, 0, "profile that watches it" },
                 { "what.reason", KIND_TEXT, REQ,
                   "changed, added, below (a directory that was added) or left (a crash came "
                   "between)" },
                 FILE_STATE("what.state_", "as it was put away")) },

        { "integrity.reread", 1, "sensor", 6007,
          "The background scan has read all content of a period's files again, events or not.",
          FIELDS({ "what.bytes", KIND_U64, REQ, "bytes read" },
                 { "what.files", KIND_U64, REQ, "files read" },
                 { "what.found", KIND_U64, REQ, "changes that no event had told of" },
                 { "what.from", KIND_TIME, REQ, "when it began" },
                 { "what.period_s", KIND_U64, REQ, "seconds within which it was to end" },
                 { "what.unread", KIND_U64, REQ, "files that could not be read" },
                 { "what.until", KIND_TIME, REQ, "when it ended" }) },

        { "integrity.restored", 1, "sensor", 7002, "A path is again as it was trusted.",
          FIELDS({ "what.act", KIND_TEXT, REQ,
                   "replaced, attributes, created, removed, renamed (back) or nothing" },
                 { "what.baseline", KIND_DIGEST, 0,
                   "root of the earlier baseline that it was put back to" },
                 { "what.by", KIND_TEXT, REQ, "profile or command" },
                 { "what.bytes", KIND_U64, 0, "bytes written" },
                 { "what.from", KIND_TEXT, KIND_BYTES, "what it had been renamed to" },
                 { "what.holders", KIND_TEXT, 0,
                   "processes that still have what was there open or mapped, or run it" },
                 { "what.left", KIND_LIST, 0, "names of attributes that could not be put back" },
                 { "what.note", KIND_TEXT, 0, "what else is to be known" },
                 { "what.others", KIND_U64, 0,
                   "other names that what was there has: they still lead to it" },
                 { "what.path", KIND_TEXT, REQ | KIND_BYTES, "path" },
                 { "what.profile", KIND_TEXT, 0, "profile that watches it" },
                 { "what.put_back", KIND_LIST, 0, "names of the attributes that differed" },
                 { "what.quarantine", KIND_LIST, 0,
                   "ids of what was put away; the first ones, and how many more" },
                 { "what.sha256", KIND_DIGEST, 0, "SHA-256 of the content that is there now" },
                 { "what.took_ns", KIND_INT, 0, "from the change being seen until then" },
                 { "what.type", KIND_TEXT, 0,
                   "file, dir, link, fifo, socket, char or block; absent: nothing is there" },
                 ACTOR) },

        { "integrity.sensor", 1, "sensor", 6002,
          "The sensor started or stopped, with what it watches and how; who: whose signal stopped it.",
          FIELDS({ "what.after_gap", KIND_BOOL, 0, "whether a gap entry covers the time before" },
                 { "what.config", KIND_DIGEST, 0, "SHA-256 of the watch.yaml" },
                 { "what.config_from", KIND_TEXT, 0,
                   "path of the watch.yaml, or what stands for it" },
                 { "what.detail", KIND_TEXT, 0, "more about the state" },
                 { "what.event", KIND_TEXT, REQ,
                   "started, watching, degraded or stopped; kept: of what it keeps of logins" },
                 { "what.fallbacks", KIND_LIST, 0,
                   "[path, how, why] of filesystems not watched by one mark alone" },
                 { "what.files", KIND_U64, 0, "records of the trusted state" },
                 { "what.marks", KIND_LIST, 0, "[path, how] of filesystems under one mark" },
                 { "what.more", KIND_U64, 0, "filesystems that found no room in the lists" },
                 { "what.paths", KIND_LIST, 0, "what is watched" },
                 { "what.profile", KIND_TEXT, 0, "name of the profile" },
                 { "what.reason", KIND_TEXT, 0, "why it stopped or is degraded" },
                 { "what.root", KIND_DIGEST, 0, "root of the trusted state" },
                 { "what.sessions", KIND_DIGEST, 0,
                   "SHA-256 of what it keeps of logins over a restart" },
                 { "what.version", KIND_TEXT, REQ, "of the sensor" },
                 { "what.who", KIND_TEXT, 0, "where authors come from: proc, connector or ebpf" },
                 { "what.who_refused", KIND_TEXT, 0, "why not from a better source" }, ACTOR) },

        { "integrity.source", 1, "sensor", 3004,
          "A signed list of what a commit makes of this host was taken, refused or has ended; or whose "
          "lists are believed.",
          FIELDS({ "what.commit", KIND_TEXT, 0, "id of the commit" },
                 { "what.detail", KIND_TEXT, 0, "why" },
                 { "what.entries", KIND_U64, 0, "paths in the list" },
                 { "what.event", KIND_TEXT, REQ,
                   "accepted, replaced by a later one, refused, expired, withdrawn (its file was "
                   "removed), or keys: whose lists are believed from here on" },
                 { "what.expires", KIND_TIME, 0, "the first moment at which it says nothing more" },
                 { "what.hosts", KIND_LIST, 0, "hosts it is for; absent: every one" },
                 { "what.issued", KIND_TIME, 0, "when it was signed" },
                 { "what.key", KIND_TEXT, 0, "key that signed it: name and key id" },
                 { "what.keys", KIND_LIST, 0, "all keys that may sign" },
                 { "what.list", KIND_DIGEST, 0, "SHA-256 of the list's file" },
                 { "what.maps", KIND_LIST, 0,
                   "\"directory of the commit=path on the host\" that it is about" },
                 { "what.on", KIND_LIST, 0, "protected branches that had the commit" },
                 { "what.origin", KIND_TEXT, 0, "what the repository is called" },
                 { "what.signed", KIND_TEXT, 0,
                   "what the commit's own signature was worth to the one who signed the list" },
                 { "what.signer", KIND_TEXT, SENS | KIND_BYTES, "who signed the commit" }, ACTOR) },

        { "integrity.watch", 1, "sensor", 3004,
          "What is watched, at first and when it changes; or why a watch.yaml was refused.",
          FIELDS({ "what.added", KIND_LIST, 0,
                   "\"profile: pattern\" of what is watched now; \"!\" before what is left out" },
                 { "what.changed", KIND_LIST, 0, "\"profile: setting before -> now\"" },
                 { "what.config", KIND_DIGEST, 0, "SHA-256 of the watch.yaml" },
                 { "what.config_from", KIND_TEXT, REQ,
                   "path of the watch.yaml, or what stands for it" },
                 { "what.dropped", KIND_U64, 0, "files that are not watched any more" },
                 { "what.event", KIND_TEXT, REQ, "set, changed, unchanged or refused" },
                 { "what.last", KIND_BOOL, 0, "whether this is the last of several parts" },
                 { "what.part", KIND_INT, 0, "from 1, where one entry does not hold all" },
                 { "what.reason", KIND_TEXT, 0, "why it was refused, with line and column" },
                 { "what.removed", KIND_LIST, 0, "as added, of what was watched before" }) },

        { "ledger.erasure", 1, "recorder", 3004,
          "A subject's key and sealed values were destroyed; its digests stay.",
          FIELDS({ "what.basis", KIND_TEXT, REQ, "legal basis" },
                 { "what.indices", KIND_LIST, REQ, "[first, last] of the entries concerned" },
                 { "what.others", KIND_U64, 0,
                   "entries within the indices that are not of the subject, where it has too many ranges" },
                 { "what.part", KIND_INT, 0, "from 1, where one entry does not hold all indices" },
                 { "what.parts", KIND_INT, 0, "how many there are" },
                 { "what.policy", KIND_TEXT, REQ, "policy that asks for it" },
                 { "what.rows", KIND_U64, REQ, "sealed rows destroyed" },
                 { "what.subject", KIND_TEXT, REQ, "random id of the subject" }, ADMINISTRATOR) },

        { "ledger.full", 1, "recorder", 1008,
          "Only the reserve is left: appends are refused until there is room.",
          FIELDS({ "what.free", KIND_U64, 0, "bytes free" },
                 { "what.size", KIND_U64, REQ, "entries in the ledger before this one" }) },

        { "ledger.hold", 1, "recorder", 3004, "A legal hold on a subject was set or lifted.",
          FIELDS({ "what.reason", KIND_TEXT, REQ, "why" },
                 { "what.state", KIND_TEXT, REQ, "set or lifted" },
                 { "what.subject", KIND_TEXT, REQ, "random id of the subject" }, ADMINISTRATOR) },

        { "ledger.key_rotated", 1, "recorder", 3004,
          "From here on checkpoints carry another key's signature.",
          FIELDS({ "what.old_keyid", KIND_TEXT, REQ, "key id of the old key, eight digits" },
                 { "what.reason", KIND_TEXT, 0, "why" },
                 { "what.vkey", KIND_TEXT, REQ, "verifier key of the new key" }, ADMINISTRATOR) },

        { "ledger.opened", 1, "recorder", 1008,
          "The recorder opened the ledger; the first one is the ledger's first entry.",
          FIELDS({ "what.origin", KIND_TEXT, REQ, "name of the ledger" },
                 { "what.pid", KIND_INT, 0, "process id of the recorder" },
                 { "what.previous_origin", KIND_TEXT, 0, "ledger this one succeeds" },
                 { "what.previous_root", KIND_DIGEST, 0, "its root" },
                 { "what.previous_size", KIND_U64, 0, "its size" },
                 { "what.previous_vkey", KIND_TEXT, 0, "its verifier key" },
                 { "what.size", KIND_U64, REQ, "entries in the ledger before this one" },
                 { "what.version", KIND_TEXT, 0, "of the recorder" },
                 { "what.vkey", KIND_TEXT, REQ, "verifier key of the checkpoints" }) },

        { "ledger.peer", 1, "recorder", 1008, "A writer came, went or broke the rules.",
          FIELDS({ "what.away_ns", KIND_INT, 0,
                   "of one that was away, nanoseconds for which nothing was heard of it" },
                 { "what.event", KIND_TEXT, REQ, "connected, gone or violation" },
                 { "what.last_seq", KIND_U64, 0, "last sequence held of this run" },
                 { "what.pid", KIND_INT, 0, "its process id" },
                 { "what.proc", KIND_TEXT, 0, "its process name, where known" },
                 { "what.reason", KIND_TEXT, 0, "why it went, or which rule" },
                 { "what.resumed", KIND_BOOL, 0, "whether it goes on with an earlier run" },
                 { "what.run", KIND_U64, 0, "its run" },
                 { "what.uid", KIND_INT, 0, "its user id" }) },

        { "ledger.pruned", 1, "recorder", 1008,
          "Entries below an index were dropped under the retention policy; their hashes stay.",
          FIELDS({ "what.min_index", KIND_U64, REQ, "the first index that is kept" },
                 { "what.policy", KIND_TEXT, REQ, "name of the policy" },
                 { "what.policy_sha256", KIND_DIGEST, REQ, "its file" },
                 { "what.until", KIND_TIME, 0, "time of the newest entry dropped" },
                 ADMINISTRATOR) },

        { "ledger.recovered", 1, "recorder", 1008,
          "A torn tail, never acknowledged, was cut off when the ledger was opened.",
          FIELDS({ "what.segment", KIND_U64, REQ, "number of the segment" },
                 { "what.size", KIND_U64, REQ, "entries in the ledger before this one" },
                 { "what.torn_at", KIND_U64, REQ, "offset of the cut in that segment" },
                 { "what.torn_bytes", KIND_U64, REQ, "bytes cut" }) },

        { "ledger.refused", 1, "recorder", 1008,
          "A writer's entry was refused; this one stands in its sequence's place.",
          FIELDS({ "what.bytes", KIND_INT, REQ, "length of what was refused" },
                 { "what.code", KIND_INT, 0, "errno" },
                 { "what.digest", KIND_DIGEST, REQ, "SHA-256 of what was refused" },
                 { "what.proc", KIND_TEXT, 0, "process that sent it" },
                 { "what.reason", KIND_TEXT, REQ, "why" }, { "what.run", KIND_U64, 0, "its run" },
                 { "what.seq", KIND_U64, 0, "its sequence" }) },

        { "ledger.resumed", 1, "recorder", 1008, "There is room again: appends are taken.",
          FIELDS({ "what.free", KIND_U64, 0, "bytes free" },
                 { "what.full_ns", KIND_INT, 0, "how long the ledger was full" },
                 { "what.refused", KIND_U64, 0, "appends refused meanwhile" },
                 { "what.size", KIND_U64, REQ, "entries in the ledger before this one" }) },

        { "ledger.stamped", 1, "recorder", 1008,
          "A time-stamping authority (RFC 3161) certified a checkpoint.",
          FIELDS({ "what.authority", KIND_TEXT, 0, "subject of its certificate" },
                 { "what.digest", KIND_DIGEST, REQ,
                   "SHA-256 of its reply, kept beside the ledger" },
                 { "what.root", KIND_DIGEST, REQ, "root that was stamped" },
                 { "what.size", KIND_U64, REQ, "size that was stamped" },
                 { "what.time", KIND_TIME, REQ, "the authority's time" }, ADMINISTRATOR) },

        { "ledger.stopped", 1, "recorder", 1008, "The recorder stopped in order.",
          FIELDS({ "what.pid", KIND_INT, 0, "process id of the recorder" },
                 { "what.reason", KIND_TEXT, REQ, "why" },
                 { "what.size", KIND_U64, REQ, "entries in the ledger before this one" }) },

        { "ledger.succeeded", 1, "recorder", 1008,
          "The last entry of a ledger: another one goes on from here.",
          FIELDS({ "what.next_origin", KIND_TEXT, REQ, "name of the next ledger" },
                 { "what.next_vkey", KIND_TEXT, REQ, "its verifier key" },
                 { "what.reason", KIND_TEXT, 0, "why" }, ADMINISTRATOR) },

        { "state.baseline", 1, "monitor", 5001,
          "A table of the host's state is known from here on; what was before is not.",
          FIELDS({ "what.columns", KIND_LIST, REQ, "names of its columns" },
                 { "what.digest", KIND_DIGEST, REQ,
                   "SHA-256 over the sorted rows, each a canonical JSON object and a newline" },
                 { "what.faults", KIND_U64, REQ, "places in its sources that could not be read" },
                 { "what.reason", KIND_TEXT, REQ,
                   "first; lost: what was kept cannot be read; columns: it has others now" },
                 { "what.rows", KIND_U64, REQ, "rows in it" },
                 { "what.table", KIND_TEXT, REQ, "name of the table" }) },

        { "state.change", 1, "monitor", 5019,
          "A row of a table of the host's state was added, removed or changed.",
          FIELDS({ "what.cause", KIND_TEXT, 0,
                   "id of the entry integrity.change of the file that made it so; who is its author" },
                 { "what.cause_index", KIND_U64, 0, "index of that entry in the ledger" },
                 { "what.causes_before", KIND_LIST, 0,
                   "indexes of other changes of the file since the table was looked at" },
                 { "what.change", KIND_TEXT, REQ, "added, removed or changed" },
                 { "what.differs", KIND_LIST, 0, "columns that differ" },
                 { "what.digest", KIND_DIGEST, REQ,
                   "of the table behind this and the other "
                   "changes of one reading" },
                 { "what.key", KIND_TEXT, 0, "what names the row, escaped" },
                 { "what.new", KIND_LIST, 0, "the row as it is, a list of [column, value]" },
                 { "what.old", KIND_LIST, 0, "the row as it was" },
                 { "what.previous_digest", KIND_DIGEST, REQ, "of the table before" },
                 { "what.row", KIND_OBJECT, SENS, "key, new and old of a row that names a person" },
                 { "what.table", KIND_TEXT, REQ, "name of the table" }, ACTOR,
                 { "why.alert", KIND_TEXT, 0, "id of the alert it is counted in" },
                 { "why.state", KIND_TEXT, 0,
                   "that of its cause, as in integrity.change; of one without, unexplained" }) },

        { "state.monitor", 1, "monitor", 6002,
          "The monitor of the host's state started or stopped, or its configuration changed.",
          FIELDS({ "what.config", KIND_TEXT, REQ, "the state.yaml it uses, escaped" },
                 { "what.config_digest", KIND_DIGEST, REQ, "SHA-256 of that file" },
                 { "what.event", KIND_TEXT, REQ,
                   "started, stopped, reloaded, refused: another configuration; or lost: entries that "
                   "are not in the ledger" },
                 { "what.reason", KIND_TEXT, 0, "why it was refused; how many were lost" },
                 { "what.tables", KIND_LIST, REQ, "tables it looks at" },
                 { "what.version", KIND_TEXT, REQ, "of the monitor" }) },

        { "state.trouble", 1, "monitor", 6002,
          "A table of the host's state cannot be read, or not all of it, or can again.",
          FIELDS({ "what.event", KIND_TEXT, REQ, "unreadable, faults or readable" },
                 { "what.reason", KIND_TEXT, 0, "why; of faults the first" },
                 { "what.table", KIND_TEXT, REQ, "name of the table" }) },

        { "token.created", 1, "recorder", 3004,
          "An opaque token was made for a caller of APIs; its secret is kept nowhere.",
          FIELDS({ "what.caller", KIND_TEXT, SENS, "whom it is of, as policies know them" },
                 { "what.groups", KIND_LIST, REQ, "the caller's groups by this token" },
                 { "what.id", KIND_TEXT, REQ, "of the token" },
                 { "what.until", KIND_TIME, REQ, "the first moment at which it is not taken" },
                 ADMINISTRATOR) },

        { "token.revoked", 1, "recorder", 3004, "An opaque token is not taken any more.",
          FIELDS({ "what.caller", KIND_TEXT, SENS, "whom it was of" },
                 { "what.groups", KIND_LIST, REQ, "the caller's groups by this token" },
                 { "what.id", KIND_TEXT, REQ, "of the token" },
                 { "what.until", KIND_TIME, REQ, "when it would have been over" }, ADMINISTRATOR) },
};

const size_t kind_count = ARRAY_LEN(kind_table);
