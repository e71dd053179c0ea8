/* SPDX-License-Identifier: Apache-2.0 */
/* target_judge - the targets of requests, one a line of the input, as the gateway reads them.
 *
 * Each line of the output is "refused: why" or {"pairs":[["name","value"],...],"path":["a",...]},
 * with an empty segment behind a slash at the end. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/request/target.h"
#include "wire/json.h"

static void put_target(const struct target *t, struct json_writer *w)
{
        json_begin_object(w);
        json_put_key(w, "pairs");
        json_begin_array(w);
        for (uint32_t i = 0; i < t->n_pairs; i++) {
                json_begin_array(w);
                json_put_string(w, t->pairs[i].name);
                json_put_string(w, t->pairs[i].value);
                json_end_array(w);
        }
        json_end_array(w);
        json_put_key(w, "path");
        json_begin_array(w);
        for (uint32_t i = 0; i < t->n_segments; i++)
                json_put_string(w, t->segments[i]);
        if (t->slash)
                json_put_string(w, SPAN_NONE);
        json_end_array(w);
        json_end_object(w);
}

static void judge(struct span line)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
        struct refusal refusal;
        struct json_writer w;
        struct target t;

        if (target_read(line, &arena, &t, &refusal) < 0) {
                printf("refused: %s\n", refusal.text);
                return;
        }
        json_writer_init(&w, &out);
        put_target(&t, &w);
        printf("%s\n", buf_cstr(&out));
}

int main(void)
{
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        while ((n = getline(&line, &cap, stdin)) > 0)
                judge(span_of(line, (size_t)n - (line[n - 1] == '\n')));
        free(line);
        return 0;
}
