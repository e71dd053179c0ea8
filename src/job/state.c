/* SPDX-License-Identifier: Apache-2.0 */
/* The job "state": gathered sources (state/reading/bundle.h) to the rows of the table its argument
 * names.
 */
#include "job/job.h"

#include "state/reading/bundle.h"
#include "state/rows/row.h"
#include "state/state.h"

#include <sys/mman.h>
#include <sys/stat.h>

static int send(void *ctx, struct span fact)
{
        struct job_out *out = ctx;
        int rc = out->send(out->ctx, fact);

        if (rc == 0)
                out->count++;
        return rc;
}

static int read_table(const struct state_table *t, struct job_out *out, struct span bytes,
                      struct err *err)
{
        struct state_out rows;
        struct state_in in;
        int rc = bundle_open(bytes, &in, err);

        if (rc < 0)
                return rc;
        state_out_init(&rows, t, send, out);
        rc = t->read(&in, &rows, err);
        if (rows.failed == -E2BIG)
                rc = err_set(err, -E2BIG, "%s: more than %d rows", t->name, STATE_ROWS_MAX);
        else if (rows.failed == 0 && rc == 0 && rows.missing[0])
                rc = err_set(err, -EIO, "%s", rows.missing);
        else if (rows.failed < 0)
                rc = err_sys(err, rows.failed, "%s", t->name);
        state_out_done(&rows);
        return rc;
}

int job_state(struct job_out *out, const struct job_call *c, struct err *err)
{
        const struct state_table *t = c->n_args ? state_table_by_name(span_str(c->args[0])) : NULL;
        struct stat st;
        void *p;
        int rc;

        if (!t)
                return err_set(err, -ENOENT, "no such table");
        if (fstat(c->input, &st) < 0)
                return err_sys(err, -errno, "input");
        if (st.st_size == 0 || st.st_size > BUNDLE_MAX)
                return err_set(err, -EFBIG, "input of %lld bytes", (long long)st.st_size);
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, c->input, 0);
        if (p == MAP_FAILED)
                return err_sys(err, -errno, "input");
        rc = read_table(t, out, span_of(p, (size_t)st.st_size), err);
        munmap(p, (size_t)st.st_size);
        return rc;
}
