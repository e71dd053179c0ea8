/* SPDX-License-Identifier: Apache-2.0 */
/* line.c - entries in words.  A new kind is one line in the table of phrases.
 *
 * A phrase is text with {field} or {field:as} for a member's value and [ ] around what is left out
 * when one of its fields is not there to be read.  A field without its dot is below "what".  as:
 *   count   12,345         bytes   1.4 MiB       ns     3 min
 *   digest  1a2b3c4d… on a terminal, whole elsewhere
 *   time    as the line's own                     list   the first items, comma between */
#include "command/log/line_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

enum {
        HEAD_COLUMNS = 10,
        DIGEST_SHOWN = 8,
        ITEMS_SHOWN = 8, /* of a list; --json has all of it */
        FIELD_MAX = LINE_FIELD_MAX,
        TEXT_MAX = LINE_TEXT_MAX,
};

#define NO_LOGIN 4294967295LL /* (uid_t)-1: no login session */

struct phrase {
        const char *kind;
        enum style style;
        const char *head; /* a phrase too */
        const char *text;
        void (*more)(const struct screen *s, const struct view *v,
                     struct buf *out); /* may be NULL */
};

static const struct phrase phrases[] = {
        { "alert.explained", STYLE_GOOD, "alert", "{id} explained by {change}: {reason}",
          line_put_author },
        { "alert.heard", STYLE_GOOD, "alert",
          "{id}: assay-{proc} is back, nothing was heard of it for {silent_ns:ns}, since {since:time}[, "
          "pid {pid}]",
          NULL },
        { "alert.missed", STYLE_BAD, "MISSED",
          "sink {sink} did not get the entries from {from:count}[ to below {until:count}] of {origin}: "
          "{reason}",
          NULL },
        { "alert.raised", STYLE_BAD, "ALERT",
          "{id}, {severity}: {path} {change}[, profile {profile}][; {detail}]", line_put_author },
        { "alert.refused", STYLE_BAD, "REFUSED",
          "sink {sink} refused entry {index:count} of {origin}: {reason}", NULL },
        { "alert.silent", STYLE_BAD, "ALERT",
          "{id}, {severity}: no sign of assay-{proc} since {since:time} ({cause})[, {count:count} times][, "
          "pid {pid}]",
          line_put_author },
        { "alert.sink_down", STYLE_BAD, "SINK DOWN",
          "{sink} ({type}) since {since:time}, entry {index:count} and later ones wait: {reason}",
          NULL },
        { "alert.sink_up", STYLE_GOOD, "sink up",
          "{sink} ({type}), down since {since:time}, has entries {from:count} to below {until:count} "
          "now",
          NULL },
        { "alert.sinks", STYLE_BOLD, "sinks",
          "[delivered to {sinks:list}][; nothing is delivered: {refused}]", NULL },
        { "alert.state", STYLE_BAD, "ALERT",
          "{id}, {severity}: {table} {change}[: {rows:list}], {count:count} rows; {detail}",
          line_put_author },
        { "alert.test", STYLE_BOLD, "test", "of the delivery, {test}", line_put_author },
        { "alert.updated", STYLE_WARN, "alert",
          "{id}, {severity}, {state}: {count:count} changes from {first:time} to {last:time}[: "
          "{paths:list}]",
          NULL },
        { "api.approved", STYLE_GOOD, "approved",
          "{api} {version} for {change}[ by {approver}], key {key}, until {until:time}, sha256 "
          "{sha256:digest}",
          line_put_author },
        { "api.denied", STYLE_BAD, "DENIED",
          "[{status} ]{reason}[ ({detail})][, {method}][ {operation}][ of {api}][, {object_type}[ "
          "{object}]][, {count:count} calls][ since {from:time}][, by {policies:list}]",
          line_put_call },
        { "api.deployed", STYLE_GOOD, "deployed",
          "{api}[ {previous} →] {version}, generation {generation}, for {change}[, approved by "
          "{approver}][, author {author}], commit {commit:digest} of {repository}, sha256 "
          "{sha256:digest}",
          line_put_author },
        { "api.intent", STYLE_BOLD, "call",
          "{method} {operation} of {api} {version}[, {object_type}[ {object}]]: {decision}[ by "
          "{policies:list}]",
          line_put_call },
        { "api.keys", STYLE_BOLD, "keys",
          "of {issuer}: {state}, {keys:count} in use[, {left_out:count} left out][, sha256 "
          "{sha256:digest}][; {detail}][, since {since:time}]",
          NULL },
        { "api.outcome", STYLE_NONE, "{result}",
          "{method} {operation} of {api} {version}[, {object_type}[ {object}]]: {status}[, {reason}][, "
          "{detail}][ in {backend_ns:ns}]",
          line_put_call },
        { "api.pushed", STYLE_BOLD, "pushed",
          "{api} {version}, commit {commit:digest} of {repository} on {on:list}[, signed by {signer}], "
          "sha256 {sha256:digest}",
          line_put_author },
        { "api.refused", STYLE_BAD, "REFUSED",
          "{act}[ of {api}][ {version}]: {detail}[ ({path})][ ({branch})][, commit {commit:digest}][, "
          "sha256 {sha256:digest}]",
          line_put_author },
        { "api.rolled_back", STYLE_WARN, "rollback",
          "{api}[ {previous} →] {version}, generation {generation}, approved in generation "
          "{approved_in}, sha256 {sha256:digest}: {reason}",
          line_put_author },
        { "api.unknown", STYLE_WARN, "unknown",
          "what came of call {call} ({reason}), which entry {index:count} tells of, run {run}",
          NULL },
        { "api.unshown", STYLE_WARN, "unshown",
          "the answer to {method} {operation} of {api} {version}, call {call} ({reason})[: the caller "
          "got {status}]",
          NULL },
        { "api.values", STYLE_DIM, "values",
          "of the {direction} of {operation} of {api}, call {call}, part {part}", line_put_call },
        { "api.withdrawn", STYLE_WARN, "withdrawn",
          "{api} {previous}, generation {generation}: {reason}", line_put_author },
        { "capacity.sample", STYLE_DIM, "capacity", "{table}[, {samples_left_out:count} left out]",
          NULL },
        { "host.clock", STYLE_WARN, "clock",
          "jumped by {jump_ns:ns}: expected {before:time}, became {after:time}", NULL },
        { "host.heartbeat", STYLE_DIM, "alive",
          "{appended:count} entries[ in {interval_ns:ns}], {refused:count} refused[, "
          "{disk_free:bytes} free]",
          NULL },
        { "integrity.approval", STYLE_GOOD, "approval",
          "[{id} ]{event}[ for {paths:list}][, {hashes:count} contents][, from {from:time}][ until "
          "{until:time}][: {reason}][: {detail}]",
          line_put_author },
        { "integrity.baseline", STYLE_GOOD, "baseline",
          "{reason}[ ({comment})]: {files:count} files, {bytes:bytes} below {paths:list}, root "
          "{root:digest}[, {changed:count} changed, {added:count} created, {removed:count} deleted][, "
          "{unreadable:count} unreadable][, took {took_ns:ns}]",
          line_put_author },
        { "integrity.change", STYLE_NONE, "{change}", "[{from} → ]{path}", line_put_change },
        { "integrity.command", STYLE_BOLD, "command",
          "{verb} {state}[: {error}][, took {took_ns:ns}]", line_put_author },
        { "integrity.deny", STYLE_BOLD, "deny",
          "{event}[: {reason}][, {files:count} of files and directories][: {paths:list}][, until "
          "{until:time}]",
          NULL },
        { "integrity.denied", STYLE_WARN, "denied",
          "[{call} of ][{path}][, called {named}][, profile {profile}][: {error}][{count:count} more, not told one by one][, "
          "{lost:count} refused calls lost]",
          line_put_author },
        { "integrity.execution", STYLE_WARN, "execute",
          "{decision}[ {path}][ {count:count}][, profile {profile}]: {reason}", line_put_author },
        { "integrity.folded", STYLE_WARN, "together",
          "{count:count} changes of {paths:count} paths by uid {uid}, profile {profile} ({sort}), from "
          "{first:time} to {last:time}, digest {digest:digest}[: {named:list}]",
          line_put_author },
        { "integrity.gap", STYLE_WARN, "gap",
          "changes may have been missed ({reason}) from {from:time} to {until:time}[, {dropped:count} "
          "events lost][, a rescan found {found:count}][, in {paths:list}]",
          NULL },
        { "integrity.guard", STYLE_WARN, "guard",
          "execution control {event}[: {reason}][, executions were not judged from {from:time}][ until "
          "{until:time}], {directories:count} directories, {files:count} files known",
          NULL },
        { "integrity.incident", STYLE_BAD, "INCIDENT",
          "{path} {action}: {count:count} times[ within {window_s} s][, until {until:time}][, profile "
          "{profile}][; {detail}]",
          NULL },
        { "integrity.mount", STYLE_WARN, "mount",
          "{event}[ {path}][: {fstype}][ {source}][, of it {root}][, {options}][: {count:count}]",
          line_put_author },
        { "integrity.not_restored", STYLE_BAD, "NOT BACK",
          "{path} ({reason})[: {detail}][, again at {again:time}][, profile {profile}]",
          line_put_author },
        { "integrity.package", STYLE_BOLD, "package",
          "[{name}[ {old_version}][ → {new_version}][ {arch}]: {action}][, {chain}[ ({chain_reason})]][, "
          "Release {suite}][, signed by {fingerprint}][, explains nothing: {why}]"
          "[{packages:count} packages {event}][: {reason}][, {signed:count} signed][, "
          "{explained:count} changes explained][, {unexplained:count} not]",
          line_put_author },
        { "integrity.quarantined", STYLE_WARN, "put away",
          "{path}[ as {id}] ({reason})[, kept: {kept}][ of {kept_bytes:bytes}][, for {kept_why}][, {state_type}][ of {state_size:bytes}][, sha256 "
          "{state_sha256:digest}][, mode {state_mode}]",
          NULL },
        { "integrity.reread", STYLE_DIM, "read",
          "all content again since {from:time}: {files:count} files, {bytes:bytes}, {found:count} changes "
          "that no event had told of[, {unread:count} not readable]",
          NULL },
        { "integrity.restored", STYLE_GOOD, "put back",
          "{path} ({act})[: {put_back:list}][, from {from}][, not {left:list}][, put away as "
          "{quarantine:list}][, what was there has {others:count} other names][, {holders}][; {note}][, "
          "took {took_ns:ns}][, to baseline {baseline:digest}]",
          line_put_author },
        { "integrity.sensor", STYLE_BOLD, "sensor",
          "{event}[: {reason}][: {detail}][, watching {paths:list}][, {files:count} files known][, "
          "authors from {who}]",
          line_put_author },
        { "integrity.source", STYLE_GOOD, "list",
          "{event}[: commit {commit} of {origin}][ on {on:list}][ for {maps:list}][, {entries:count} "
          "files][, until {expires:time}][, signed by {key}][, whose lists are believed: "
          "{keys:list}][: {detail}]",
          line_put_author },
        { "integrity.watch", STYLE_BOLD, "watch",
          "{event}[: {reason}][, from {config_from}][, watched now {added:list}][, not any more "
          "{removed:list}][, {changed:list}][, {dropped:count} files not known any more][, part "
          "{part}]",
          NULL },
        { "ledger.erasure", STYLE_WARN, "erased",
          "{rows:count} values of subject {subject} (basis: {basis}; policy: {policy})[, part {part} of "
          "{parts}]",
          line_put_author },
        { "ledger.full", STYLE_BAD, "full",
          "no room for entries: appends are refused[, {free:bytes} free]", NULL },
        { "ledger.hold", STYLE_WARN, "hold", "{state} on subject {subject}: {reason}",
          line_put_author },
        { "ledger.key_rotated", STYLE_WARN, "key",
          "rotated: {old_keyid} gave way to {vkey}[ ({reason})]", line_put_author },
        { "ledger.opened", STYLE_BOLD, "ledger",
          "opened: {origin}, {size:count} entries before this one[, succeeds {previous_origin}]",
          NULL },
        { "ledger.peer", STYLE_DIM, "peer",
          "[{proc} ]{event}[: {reason}][, not heard of for {away_ns:ns}][, run {run}][, pid {pid}][, uid {uid}]",
          NULL },
        { "ledger.pruned", STYLE_WARN, "pruned",
          "entries below {min_index:count} under policy {policy}[, until {until:time}]",
          line_put_author },
        { "ledger.recovered", STYLE_WARN, "recovered",
          "a torn tail of {torn_bytes:bytes}, never acknowledged, was cut from segment {segment} at byte "
          "{torn_at}",
          NULL },
        { "ledger.refused", STYLE_WARN, "refused",
          "an entry of {bytes:bytes}[ from {proc}]: {reason}", NULL },
        { "ledger.resumed", STYLE_GOOD, "resumed",
          "there is room again[, after {full_ns:ns}][, {refused:count} were refused meanwhile]",
          NULL },
        { "ledger.stamped", STYLE_GOOD, "stamped",
          "{size:count} entries at {time:time}[ by {authority}]", NULL },
        { "ledger.stopped", STYLE_BOLD, "ledger",
          "closed: {reason}, {size:count} entries before this one", NULL },
        { "ledger.succeeded", STYLE_BOLD, "succeeded",
          "by {next_origin}, key {next_vkey}[ ({reason})]", line_put_author },
        { "state.baseline", STYLE_BOLD, "state",
          "{table}: known from here on ({reason}), {rows:count} rows[, {faults:count} places not "
          "readable], digest {digest:digest}",
          NULL },
        { "state.change", STYLE_NONE, "state", "{table}: {change}[ {key}]", line_put_state },
        { "state.monitor", STYLE_BOLD, "monitor", "{event}, looks at {tables:list}", NULL },
        { "state.trouble", STYLE_WARN, "state", "{table}: {event}[: {reason}]", NULL },
        { "token.created", STYLE_BOLD, "token",
          "{id} made[ for {caller}][, in {groups:list}], until {until:time}", line_put_author },
        { "token.revoked", STYLE_WARN, "token", "{id}[ of {caller}] is not taken any more",
          line_put_author },
};

static const struct phrase *find_phrase(struct span kind)
{
        for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
                if (span_eq_str(kind, phrases[i].kind))
                        return &phrases[i];
        return NULL;
}

/* ---- values ---- */

static void put_digest(const struct screen *s, struct span hex, struct buf *out)
{
        if (!s->terminal || hex.n <= DIGEST_SHOWN) {
                text_put_safe(out, hex);
                return;
        }
        text_put_safe(out, span_of(hex.p, DIGEST_SHOWN));
        buf_put_str(out, "…");
}

static bool put_list(const struct view *v, const char *path, struct buf *out)
{
        struct json_value list, item;
        struct json_iter it;
        size_t n = 0;

        if (view_field(v, path, &list) == FIELD_ABSENT || list.type != JSON_ARRAY)
                return false;
        for (it = json_iter_of(list); json_next(&it, NULL, &item); n++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);

                if (n >= ITEMS_SHOWN)
                        continue;
                if (n)
                        buf_put_str(out, ", ");
                if (!json_value_text(item, &text))
                        buf_put(&text, item.raw);
                text_put_safe(out, buf_span(&text));
        }
        if (n > ITEMS_SHOWN)
                buf_printf(out, " and %zu more", n - ITEMS_SHOWN);
        return n > 0;
}

/* A value as text, then as the phrase wants it.  What does not fit its form is shown as it is. */
static void put_as(const struct screen *s, struct span text, const char *as, struct buf *out)
{
        bool negative = text.n > 1 && text.p[0] == '-';
        uint64_t n;
        int64_t ns;

        if (strcmp(as, "digest") == 0) {
                put_digest(s, text, out);
        } else if (strcmp(as, "time") == 0 && text_to_time(text, &ns) == 0) {
                screen_put_time(s, out, ns);
        } else if (text_to_u64(span_from(text, negative), &n) == 0 && n <= INT64_MAX) {
                if (negative)
                        buf_put_byte(out, '-');
                if (strcmp(as, "count") == 0)
                        screen_put_count(out, n);
                else if (strcmp(as, "bytes") == 0)
                        screen_put_bytes(out, n);
                else if (strcmp(as, "ns") == 0)
                        screen_put_duration(out, (int64_t)n);
                else
                        text_put_safe(out, span_from(text, negative));
        } else {
                text_put_safe(out, text);
        }
}

/* What stands for a value that cannot be shown. */
static const char *hidden_word(enum field_state state)
{
        switch (state) {
        case FIELD_SEALED:
                return "⟨sealed⟩";
        case FIELD_ERASED:
                return "⟨erased⟩";
        case FIELD_MISSING:
                return "⟨missing⟩";
        default:
                return "?";
        }
}

bool line_put_value(const struct screen *s, const struct view *v, const char *path, const char *as,
                    struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
        enum field_state state = view_text(v, path, &text);

        if (!line_is_readable(state))
                buf_put_str(out, hidden_word(state));
        else if (strcmp(as, "list") == 0)
                return put_list(v, path, out);
        else
                put_as(s, buf_span(&text), as, out);
        return line_is_readable(state);
}

/* ---- phrases ---- */

/* "{field:as}" at *p; moves behind it. */
static void take_field(const char **p, char path[FIELD_MAX], char as[FIELD_MAX])
{
        const char *end = strchr(*p, '}'), *colon = memchr(*p, ':', (size_t)(end - *p));
        int n = (int)((colon ? colon : end) - *p - 1);
        bool dotted = memchr(*p, '.', (size_t)(end - *p));

        snprintf(path, FIELD_MAX, "%s%.*s", dotted ? "" : "what.", n, *p + 1);
        snprintf(as, FIELD_MAX, "%.*s", colon ? (int)(end - colon - 1) : 0, colon ? colon + 1 : "");
        *p = end + 1;
}

/* Up to the end or a ']'; whether all fields were there. */
static bool put_phrase(const struct screen *s, const struct view *v, const char **p,
                       struct buf *out)
{
        char path[FIELD_MAX], as[FIELD_MAX];
        bool whole = true;

        while (**p && **p != ']') {
                if (**p == '{') {
                        take_field(p, path, as);
                        whole &= line_put_value(s, v, path, as, out);
                } else if (**p == '[') {
                        size_t n = out->n;

                        (*p)++;
                        if (!put_phrase(s, v, p, out) && buf_status(out) == 0)
                                out->n = n;
                        (*p)++;
                } else {
                        buf_put_byte(out, (uint8_t) * (*p)++);
                }
        }
        return whole;
}

void line_put_phrase(const struct screen *s, const struct view *v, enum style style,
                     const char *phrase, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);

        put_phrase(s, v, &phrase, &text);
        screen_put(s, out, style, buf_cstr(&text));
}

/* ---- who ---- */

static void put_uids(const struct view *v, struct buf *out)
{
        int64_t uid, euid, login;
        bool has_uid = view_int(v, "who.uid", &uid);
        bool has_euid = view_int(v, "who.euid", &euid) && (!has_uid || euid != uid);
        bool has_login = view_int(v, "who.auid", &login) && login != NO_LOGIN && login >= 0 &&
                         (!has_uid || login != uid);
        const char *comma = "";

        if (!has_uid && !has_euid && !has_login)
                return;
        buf_put_str(out, " (");
        if (has_uid) {
                buf_printf(out, "uid %" PRId64, uid);
                comma = ", ";
        }
        if (has_euid) {
                buf_printf(out, "%sas uid %" PRId64, comma, euid);
                comma = ", ";
        }
        if (has_login)
                buf_printf(out, "%slogged in as uid %" PRId64, comma, login);
        buf_put_byte(out, ')');
}

static void put_program(const struct view *v, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
        const char *name, *slash;
        int64_t pid;

        if (!line_is_readable(view_text(v, "who.exe", &text)))
                view_text(v, "who.comm", &text);
        name = buf_cstr(&text);
        slash = strrchr(name, '/');
        if (slash && slash[1])
                name = slash + 1;
        if (*name) {
                buf_put_byte(out, ' ');
                text_put_safe(out, span_str(name));
        }
        if (view_int(v, "who.pid", &pid))
                buf_printf(out, *name ? "[%" PRId64 "]" : " pid %" PRId64, pid);
}

void line_put_author(const struct screen *s, const struct view *v, struct buf *out)
{
        CLEANUP(buf_done) struct buf who = BUF_INIT(TEXT_MAX);
        CLEANUP(buf_done) struct buf user = BUF_INIT(TEXT_MAX);
        struct json_value value;
        enum field_state state;

        if (!v->entry.who.raw.n) {
                if (view_field(v, "who.user", &value) == FIELD_ABSENT)
                        return;
        }
        state = view_text(v, "who.user", &user);
        if (line_is_readable(state))
                text_put_safe(&who, buf_span(&user));
        else if (state != FIELD_ABSENT)
                buf_put_str(&who, hidden_word(state));
        put_uids(v, &who);
        put_program(v, &who);
        line_put_phrase(
                s, v, STYLE_NONE,
                "[ from {who.address}][ within a session from {who.outer_address}][ on {who.tty}][ in {who.unit}][ in container "
                "{who.container}]",
                &who);
        if (who.n > 0) {
                buf_put_str(out, who.p[0] == ' ' ? "  by" : "  by ");
                screen_put(s, out, STYLE_NAME, buf_cstr(&who));
        }
        line_put_phrase(s, v, STYLE_DIM, "[  author not known: {who.unknown}]", out);
}

/* ---- the line ---- */

/* Members below "what", or the object itself where there is no envelope. */
static void put_members(const struct view *v, struct buf *out)
{
        struct json_value value;
        struct json_iter it;
        struct span key;
        bool first = true;

        if (v->entry.what.type != JSON_OBJECT || !v->entry.what.raw.n) {
                text_put_safe(out, v->bytes);
                return;
        }
        for (it = json_iter_of(v->entry.what); json_next(&it, &key, &value); first = false) {
                if (!first)
                        buf_put_byte(out, ' ');
                text_put_safe(out, key);
                buf_put_byte(out, '=');
                text_put_safe(out, value.raw);
        }
}

static void put_when(const struct screen *s, const struct view *v, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(FIELD_MAX);

        if (v->has_time)
                screen_put_time(s, &text, v->wall_ns);
        else
                buf_printf(&text, "%*s", s->terminal ? 19 : 24, "no time");
        screen_put(s, out, STYLE_DIM, buf_cstr(&text));
        buf_put_str(out, "  ");
}

static void pad(struct buf *out, size_t columns)
{
        for (; columns < HEAD_COLUMNS; columns++)
                buf_put_byte(out, ' ');
        buf_put_str(out, "  ");
}

static void put_head(const struct screen *s, const struct view *v, const struct phrase *p,
                     bool padded, struct buf *out)
{
        CLEANUP(buf_done) struct buf head = BUF_INIT(TEXT_MAX);
        const char *phrase = p ? p->head : "";

        if (p)
                put_phrase(s, v, &phrase, &head);
        else if (v->entry.kind.n)
                text_put_safe(&head, v->entry.kind);
        else
                buf_printf(&head, "#%" PRIu64, v->index);
        screen_put(s, out, p ? p->style : STYLE_NONE, buf_cstr(&head));
        if (padded)
                pad(out, screen_columns(buf_span(&head)));
}

static void put_what(const struct screen *s, const struct view *v, const struct phrase *p,
                     struct buf *out)
{
        if (!p) {
                put_members(v, out);
                line_put_author(s, v, out);
                return;
        }
        line_put_phrase(s, v, p->more == line_put_change ? STYLE_BOLD : STYLE_NONE, p->text, out);
        if (p->more)
                p->more(s, v, out);
}

void line_put(const struct screen *s, const struct view *v, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(8 * TEXT_MAX);
        const struct phrase *p = find_phrase(v->entry.kind);
        size_t at;

        put_when(s, v, &text);
        put_head(s, v, p, true, &text);
        at = screen_columns(buf_span(&text));
        put_what(s, v, p, &text);
        screen_put_wrapped(s, out, buf_cstr(&text), 0, at);
        buf_put_byte(out, '\n');
}

void line_put_text(const struct screen *s, const struct view *v, struct buf *out)
{
        const struct phrase *p = find_phrase(v->entry.kind);

        put_head(s, v, p, false, out);
        buf_put_byte(out, ' ');
        put_what(s, v, p, out);
}
