/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/<pid>/mountinfo, proc(5): which filesystem is mounted where.
 *
 *   36 35 98:0 /sub /mnt rw,noatime master:1 - ext3 /dev/root rw
 *   id parent device root point options [tags...] - type source super
 *
 *   {"dev":"98:0","id":36,"options":"rw,noatime","parent":35,"point":"/mnt","root":"/sub",
 *    "source":"/dev/root","super":"rw","type":"ext3"}
 *
 * Blank, tab, newline, backslash and '#' are written as three octal digits behind a backslash. */
#include "base/text.h"
#include "job/job.h"

enum { FIELD_MAX = 4096 };

enum field { ID, PARENT, DEV, ROOT, POINT, OPTIONS, TYPE, SOURCE, SUPER, FIELDS };

static bool is_octal(uint8_t c)
{
        return c >= '0' && c <= '7';
}

/* Undoes the escapes.  -EBADMSG: one is cut or no byte; or out's status. */
static int unescape(struct span s, struct buf *out)
{
        buf_clear(out);
        for (size_t i = 0; i < s.n; i++) {
                if (s.p[i] != '\\') {
                        buf_put_byte(out, s.p[i]);
                        continue;
                }
                if (s.n - i < 4 || s.p[i + 1] > '3' || !is_octal(s.p[i + 1]) ||
                    !is_octal(s.p[i + 2]) || !is_octal(s.p[i + 3]))
                        return -EBADMSG;
                buf_put_byte(out, (uint8_t)((s.p[i + 1] - '0') << 6 | (s.p[i + 2] - '0') << 3 |
                                            (s.p[i + 3] - '0')));
                i += 3;
        }
        return buf_status(out);
}

/* NULL, or why not. */
static const char *split(struct span line, struct span f[FIELDS])
{
        struct span tag;

        for (int i = ID; i <= OPTIONS; i++)
                if (!job_cut(&line, ' ', &f[i]) || f[i].n == 0)
                        return "too few fields";
        do {
                if (!job_cut(&line, ' ', &tag))
                        return "no separator";
        } while (!span_eq_str(tag, "-"));
        for (int i = TYPE; i <= SUPER; i++)
                if (!job_cut(&line, ' ', &f[i]))
                        return "too few fields behind the separator";
        return line.n ? "too many fields" : NULL;
}

static bool is_device(struct span s)
{
        struct span major;
        uint64_t v;

        return job_cut(&s, ':', &major) && text_to_u64(major, &v) == 0 && v <= UINT32_MAX &&
               text_to_u64(s, &v) == 0 && v <= UINT32_MAX;
}

static int put_fields(struct json_writer *w, const struct span f[FIELDS], uint64_t id,
                      uint64_t parent, struct buf *text)
{
        static const struct {
                const char *key;
                enum field field;
        } rest[] = {
                { "point", POINT }, { "root", ROOT }, { "source", SOURCE },
                { "super", SUPER }, { "type", TYPE },
        };
        int r;

        json_member_string(w, "dev", f[DEV]);
        json_member_u64(w, "id", id);
        r = unescape(f[OPTIONS], text);
        if (r < 0)
                return r;
        json_put_bytes(w, "options", buf_span(text));
        json_member_u64(w, "parent", parent);
        for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
                r = unescape(f[rest[i].field], text);
                if (r < 0)
                        return r;
                json_put_bytes(w, rest[i].key, buf_span(text));
        }
        return 0;
}

static int put_mount(struct job_out *out, struct span line, uint32_t number, struct buf *text)
{
        struct span f[FIELDS];
        uint64_t id = 0, parent = 0;
        const char *why = split(line, f);
        int r;

        if (!why && (text_to_u64(f[ID], &id) < 0 || text_to_u64(f[PARENT], &parent) < 0))
                why = "mount is no number";
        if (!why && !is_device(f[DEV]))
                why = "device is no pair of numbers";
        if (why)
                return job_out_bad_line(out, number, why);
        r = put_fields(job_out_begin(out), f, id, parent, text);
        if (r == -EBADMSG)
                return job_out_bad_line(out, number, "bad escape");
        return r < 0 ? r : job_out_end(out);
}

int job_mountinfo(struct job_out *out, struct span input, struct err *err)
{
        struct buf text = BUF_INIT(FIELD_MAX);
        struct span line;
        int r = 0;

        for (uint32_t number = 1; r == 0 && job_cut(&input, '\n', &line); number++) {
                r = put_mount(out, line, number, &text);
                if (r == -E2BIG)
                        r = job_out_bad_line(out, number, "too long");
        }
        buf_done(&text);
        return r < 0 ? err_sys(err, r, "mountinfo") : 0;
}
