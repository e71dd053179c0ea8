/* SPDX-License-Identifier: Apache-2.0 */
/* Files that give rights to whoever executes them: the lines that monitor/suid.c writes. */
#include "base/text.h"
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"
#include "wire/file_caps.h"

static const struct state_column columns[] = {
        { "capabilities", STATE_TEXT, 0, "what it gains: cap_net_raw=ep" },
        { "gid", STATE_INT, 0, "its group" },
        { "mode", STATE_TEXT, 0, "in octal: 4755 is set-uid, 2755 set-gid" },
        { "nosuid", STATE_BOOL, 0, "its mount forbids that: it gives nothing" },
        { "path", STATE_TEXT, STATE_KEY, "the file" },
        { "uid", STATE_INT, 0, "its owner" },
};

static const struct state_source sources[] = { { STATE_BUILTIN, 0, "suid" } };

enum { KIND, PATH, MODE, UID, GID, NOSUID, CAPABILITIES, FIELDS };
enum { VALUE_MAX = 256 };

/* false: it is not what the kernel writes there. */
static bool put_capabilities(struct state_out *out, struct span hex)
{
        struct buf text = BUF_INIT(STATE_ROW_MAX);
        uint8_t value[VALUE_MAX];
        struct file_caps caps;

        if (hex.n > 2 * sizeof value || text_from_hex(hex, value, hex.n / 2) < 0 ||
            file_caps_decode(span_of(value, hex.n / 2), &caps, NULL) < 0)
                return false;
        file_caps_put_text(&caps, &text);
        state_text(out, "capabilities", buf_span(&text));
        buf_done(&text);
        return true;
}

static void put_path(struct state_out *out, struct span safe)
{
        struct buf raw = BUF_INIT(2 * STATE_ROW_MAX);

        field_put_raw(&raw, safe);
        state_text(out, "path", buf_span(&raw));
        buf_done(&raw);
}

static int put_file(struct state_out *out, const struct state_part *p, struct span line,
                    uint32_t number)
{
        struct span f[FIELDS];
        uint64_t uid, gid;

        if (!field_split(line, '\t', f, FIELDS) || !field_number(f[UID], &uid) ||
            !field_number(f[GID], &gid))
                return state_fault(out, p, number, "not a file's seven fields");
        state_begin(out);
        put_path(out, f[PATH]);
        state_text(out, "mode", f[MODE]);
        state_u64(out, "uid", uid);
        state_u64(out, "gid", gid);
        state_bool(out, "nosuid", span_eq_str(f[NOSUID], "nosuid"));
        if (!span_eq_str(f[CAPABILITIES], "-") && !put_capabilities(out, f[CAPABILITIES]))
                return state_fault(out, p, number, "capabilities that are none");
        return state_end(out);
}

static int put(struct state_out *out, const struct state_part *p, struct span line, uint32_t number)
{
        struct span rest = line, kind = SPAN_NONE, path = SPAN_NONE;
        struct state_part dir = { 0 };
        struct buf why = BUF_INIT(256);
        uint64_t n = 0;
        int rc;

        (void)!field_cut(&rest, '\t', &kind);
        if (span_eq_str(kind, "file"))
                return put_file(out, p, line, number);
        (void)!field_cut(&rest, '\t', &path);
        (void)!field_number(rest, &n);
        if (span_eq_str(kind, "many"))
                return state_fault(out, p, 0,
                                   "user %.*s has more of them than %u: the others are not told",
                                   (int)MIN_OF(path.n, (size_t)10), (const char *)path.p,
                                   (unsigned)MIN_OF(n, (uint64_t)UINT32_MAX));
        dir.name = path; /* is made safe once more, but named */
        if (span_eq_str(kind, "deep"))
                return state_fault(out, &dir, 0, "lies too deep to be looked into");
        if (!span_eq_str(kind, "unread"))
                return state_fault(out, p, number, "not a line of monitor/suid.c");
        state_put_status(&why, (uint32_t)MIN_OF(n, (uint64_t)BUNDLE_PROGRAM_FAILED - 1));
        rc = state_fault(out, &dir, 0, "%s", buf_cstr(&why));
        buf_done(&why);
        return rc;
}

static int read_suid(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return state_each_line(in, out, STATE_MUST_BE, put);
}

const struct state_table state_suid = {
        .name = "suid",
        .alert = "added mode uid gid capabilities",
        .about = "set-uid and set-gid files and those with capabilities",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 4 * 3600,
        .read = read_suid,
};
