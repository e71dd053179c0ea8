/* SPDX-License-Identifier: Apache-2.0 */
/* The models of the processors, without what moves: /proc/cpuinfo has their frequency, so that it
 * is another text each time.  A line for each model in the order of the first of it:
 *   model, how many */
#include "monitor/builtin.h"

#include "base/text.h"
#include "state/reading/fields.h"
#include "sys/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { INFO_MAX = 16 * 1024 * 1024, MODELS_MAX = 16, CHUNK = 64 * 1024 };

struct models {
        struct span name[MODELS_MAX];
        uint64_t count[MODELS_MAX];
        size_t n;
};

static int read_info(const char *path, struct buf *out)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return errno;
        for (;;) {
                uint8_t *to = buf_extend(out, CHUNK);
                ssize_t n = to ? read(fd, to, CHUNK) : -1;

                if (to)
                        out->n -= CHUNK - (size_t)(n > 0 ? n : 0);
                if (n < 0 && to && errno == EINTR)
                        continue;
                if (n <= 0)
                        return !to ? -buf_status(out) : n < 0 ? errno : 0;
        }
}

static void count(struct models *m, struct span name)
{
        size_t i = 0;

        while (i < m->n && !span_eq(m->name[i], name))
                i++;
        if (i == MODELS_MAX)
                return;
        if (i == m->n) {
                m->name[m->n] = name;
                m->count[m->n++] = 0;
        }
        m->count[i]++;
}

/* x86 has "model name", ARM "CPU part" of each processor, POWER "cpu". */
static void count_models(struct span text, struct models *m)
{
        static const char *const keys[] = { "model name", "CPU part", "cpu" };
        struct span line, key;

        for (size_t i = 0; i < ARRAY_LEN(keys) && m->n == 0; i++) {
                struct field_lines lines = { .rest = text };

                while (field_line(&lines, &line))
                        if (field_cut(&line, ':', &key) && span_eq_str(field_trim(key), keys[i]))
                                count(m, field_trim(line));
        }
}

int builtin_processors(const char *root, const atomic_bool *stop, struct buf *out)
{
        struct buf text = BUF_INIT(INFO_MAX);
        struct models m = { 0 };
        char path[PATH_MAX];
        int rc;

        (void)stop;
        if ((size_t)snprintf(path, sizeof path, "%s/proc/cpuinfo", root) >= sizeof path)
                return ENAMETOOLONG;
        rc = read_info(path, &text);
        if (rc == 0)
                count_models(buf_span(&text), &m);
        for (size_t i = 0; i < m.n; i++) {
                builtin_field(out, m.name[i]);
                builtin_number(out, m.count[i]);
                builtin_end(out);
        }
        buf_done(&text);
        return rc;
}
