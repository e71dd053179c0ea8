/* SPDX-License-Identifier: Apache-2.0 */
/* /var/lib/dpkg/info/PACKAGE.list: an absolute path a line, "/." the first.  Several of them in one
 * input, an empty line between two.
 *
 *   {"list":0,"path":"/usr/bin/hello"}     a path that is no UTF-8 is path_b64; "/." is left out */
#include "base/text.h"
#include "job/job.h"

enum { PATH_BYTES_MAX = 4095 };

/* Nothing but names between single slashes. */
static bool is_plain(struct span path)
{
        struct span name;

        if (path.n < 2 || path.n > PATH_BYTES_MAX || path.p[0] != '/' ||
            path.p[path.n - 1] == '/' || memchr(path.p, '\0', path.n))
                return false;
        path = span_from(path, 1);
        while (job_cut(&path, '/', &name))
                if (name.n == 0 || span_eq_str(name, ".") || span_eq_str(name, ".."))
                        return false;
        return true;
}

int job_dpkglist(struct job_out *out, struct span input, struct err *err)
{
        uint32_t line = 0, list = 0;
        struct span path;
        int r = 0;

        while (r == 0 && job_cut(&input, '\n', &path)) {
                line++;
                if (path.n == 0) {
                        list++;
                } else if (!is_plain(path)) {
                        if (!span_eq_str(path, "/."))
                                r = job_out_bad_line(out, line, "no plain absolute path");
                } else {
                        struct json_writer *w = job_out_begin(out);

                        json_member_u64(w, "list", list);
                        json_put_bytes(w, "path", path);
                        r = job_out_end(out);
                }
        }
        return r < 0 ? err_sys(err, r, "line %u", line) : 0;
}
